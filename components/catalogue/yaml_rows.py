"""Reading the catalogue's YAML, quickly where libyaml is there. Apart from `tables`, whose users need no YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> Any:
    """Plain data from YAML text. Raises `yaml.YAMLError`."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the loader is a safe one, C or Python


def parse_all(text: str | bytes) -> Iterator[Any]:
    """Plain data of each document of a YAML text. Raises `yaml.YAMLError`."""
    documents: Iterator[Any] = yaml.load_all(text, Loader=_LOADER)
    return documents
