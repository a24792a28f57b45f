"""Right stack files to break, and the way from values to what a person would be told."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.spec.base import Problem
from trellis.stackfile import KEY, Place, StackFileError, check, read

HERE = Path(__file__).parent
GOOD = ("cloud", "onprem")


@cache
def _text(name: str) -> str:
    return (HERE / "good" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def _parsed(name: str) -> Any:
    return yaml.safe_load(_text(name))


def good(name: str = "cloud") -> dict[str, Any]:
    """The values of a right stack file, free to change."""
    values: dict[str, Any] = copy.deepcopy(_parsed(name))
    return values


def _dump(values: dict[str, Any]) -> str:
    dumper: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(values, Dumper=dumper, sort_keys=False, allow_unicode=True)
    return text


def told(values: dict[str, Any], folder: Path) -> list[tuple[Place, Problem]]:
    """What a person is told about a stack file with these values: it is written, read and checked as every other."""
    file = folder / "Pulumi.bad.yaml"
    file.write_text(_dump({"config": {KEY: values}}), encoding="utf-8")
    try:
        _, source = read(file)
        check(source, folder / "profiles")
    except StackFileError as error:
        return error.problems
    return []
