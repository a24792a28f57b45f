"""From files to what a person is told: unreadable YAML, profiles, encrypted values; with and without engine alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.spec.base import dotted
from tests.spec.rows import ten_mistakes
from tests.spec.stack_files import good, told
from trellis.stackfile import KEY, StackFileError, check, load, read

Told = list[tuple[str, int, str, str]]


def write(folder: Path, text: str, name: str = "Pulumi.bad.yaml") -> Path:
    """Write a file."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def faults(file: Path) -> Told:
    """What is told of a stack file: file, line, rule, place."""
    with pytest.raises(StackFileError) as caught:
        check(read(file)[1], file.parent / "profiles")
    return [(place.file, place.line, problem.rule, dotted(problem.path)) for place, problem in caught.value.problems]


def platform_text(values: dict[str, Any]) -> str:
    """A stack file with these settings."""
    return yaml.safe_dump({"config": {KEY: values}}, sort_keys=False)


def test_every_fault_of_the_yaml_is_told(tmp_path: Path) -> None:
    text = f"config:\n  {KEY}:\n    environment: dev\n    environment: prod\n    aws: {{region: a, region: b}}\n"
    assert faults(write(tmp_path, text)) == [
        ("stacks/Pulumi.bad.yaml", 4, "unreadable", "environment"),
        ("stacks/Pulumi.bad.yaml", 5, "unreadable", "aws.region"),
    ]


def test_a_file_without_settings_says_where_they_belong(tmp_path: Path) -> None:
    assert faults(write(tmp_path, "config:\n  aws:region: us-east-1\n")) == [
        ("stacks/Pulumi.bad.yaml", 1, "required", "(the whole platform)")
    ]


def test_a_fault_in_a_profile_has_the_profiles_line(tmp_path: Path) -> None:
    profile = good()
    profile["network"] = {"mode": "create", "cidr": "10.20.0.0/8", "nat": "none"}
    write(tmp_path, yaml.safe_dump(profile, sort_keys=False), "profiles/common.yaml")
    lines = (tmp_path / "profiles" / "common.yaml").read_text(encoding="utf-8").splitlines()
    wanted = [
        ("stacks/profiles/common.yaml", lines.index("  cidr: 10.20.0.0/8") + 1, "refused", "network.cidr"),
        ("stacks/profiles/common.yaml", lines.index("  nat: none") + 1, "wrong-value", "network.nat"),
    ]
    assert faults(write(tmp_path, platform_text({"profile": "common"}))) == wanted


def test_an_unreadable_profile_is_told_with_its_name(tmp_path: Path) -> None:
    write(tmp_path, "profile: base\n\tnetwork: {}\n", "profiles/common.yaml")
    assert [row[:3] for row in faults(write(tmp_path, platform_text({"profile": "common"})))] == [
        ("stacks/profiles/common.yaml", 2, "unreadable")
    ]


def test_a_misspelt_profile_is_told_with_all_that_is_wrong_besides(tmp_path: Path) -> None:
    write(tmp_path, yaml.safe_dump(good()), "profiles/common.yaml")
    values = {"profile": "comon", "network": {"nat": "none"}}
    told_ = faults(write(tmp_path, platform_text(values)))
    assert [row[2:] for row in told_] == [("no-such-profile", "profile"), ("wrong-value", "network.nat")]


def test_profiles_that_name_each_other_are_told(tmp_path: Path) -> None:
    write(tmp_path, "profile: two\n", "profiles/one.yaml")
    write(tmp_path, "profile: one\n", "profiles/two.yaml")
    assert [row[2:] for row in faults(write(tmp_path, platform_text({"profile": "one"})))] == [
        ("no-such-profile", "profile")
    ]


def test_what_a_file_takes_away_is_missing_in_the_file(tmp_path: Path) -> None:
    """A required setting that the profile has and the file sets to null is told at the file's line."""
    write(tmp_path, yaml.safe_dump(good()), "profiles/common.yaml")
    values = {"profile": "common", "ownership": {"team": None}}
    file = write(tmp_path, platform_text(values))
    line = file.read_text(encoding="utf-8").splitlines().index("      team: null") + 1
    assert faults(file) == [("stacks/Pulumi.bad.yaml", line, "required", "ownership.team")]


def test_an_encrypted_value_is_told_beside_everything_else(tmp_path: Path) -> None:
    values = good()
    values["network"]["nat"] = "none"
    values["models"]["embedder"]["versions"]["v1"]["env"] = {"TOKEN": {"secure": "v1:abc"}}
    told_ = {row[2:] for row in faults(write(tmp_path, platform_text(values)))}
    assert told_ == {("wrong-value", "network.nat"), ("no-secrets", "models.embedder.versions.v1.env.TOKEN")}


def test_the_engine_is_told_the_same_as_the_file(tmp_path: Path) -> None:
    """Under the engine there are values and no lines; the mistakes and their edits are the same."""
    values = ten_mistakes().values()
    with pytest.raises(StackFileError) as caught:
        load(values, tmp_path)
    offline = {(p.rule, dotted(p.path), p.fix) for _, p in told(values, tmp_path)}
    assert {(p.rule, dotted(p.path), p.fix) for _, p in caught.value.problems} == offline
