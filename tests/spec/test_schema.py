"""The JSON Schema for editors: current, sound, takes every stack file and profile, and refuses what is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from components.catalogue.addons import addons
from tests.spec.rows import Row, rows
from tests.spec.stack_files import GOOD, good
from trellis.reference import markdown
from trellis.schema import profile_schema_json, schema_json
from trellis.stackfile import KEY
from trellis.yaml_values import read_document, read_stack

ROOT = Path(__file__).resolve().parents[2]
STACKS = ROOT / "stacks"
FILES = sorted(STACKS.glob("Pulumi.*.yaml"))
PROFILES = sorted((STACKS / "profiles").glob("*.yaml"))

SCHEMA = json.loads(schema_json())
validator = Draft202012Validator(SCHEMA)


def faults(settings: dict[str, Any]) -> list[str]:
    """What the schema says against some settings of a platform."""
    return [error.message for error in validator.iter_errors({"config": {KEY: settings}})]


@pytest.mark.parametrize(
    ("file", "make"),
    [
        ("stacks/schema.json", schema_json),
        ("stacks/profiles/schema.json", profile_schema_json),
        ("docs/stack-file.md", markdown),
    ],
)
def test_what_is_checked_in_is_current(file: str, make: Any) -> None:
    assert (ROOT / file).read_text(encoding="utf-8") == make(), "run `make generate`"


def test_the_schema_is_sound() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_takes_every_stack_file(file: Path) -> None:
    assert [error.message for error in validator.iter_errors(read_stack(file).values)] == []


@pytest.mark.parametrize("file", PROFILES, ids=lambda file: file.name)
def test_it_takes_every_profile(file: Path) -> None:
    # By its address on disk, as an editor resolves it: `../schema.json` beside `profiles/schema.json`.
    registry: Any = Registry().with_resources(
        [
            ("file:///stacks/schema.json", Resource.from_contents(SCHEMA)),
            ("file:///stacks/profiles/schema.json", Resource.from_contents(json.loads(profile_schema_json()))),
        ]
    )
    profile = Draft202012Validator({"$ref": "file:///stacks/profiles/schema.json"}, registry=registry)
    values = read_document(file).values
    assert [error.message for error in profile.iter_errors(values)] == []
    assert list(profile.iter_errors({**values, "zebra": 1})), "a profile may hold no unknown key either"


@pytest.mark.parametrize("name", GOOD)
def test_it_takes_right_settings(name: str) -> None:
    assert faults(good(name)) == []


BY_SCHEMA = frozenset({"unknown-key", "wrong-variant", "wrong-value", "bad-name"})
"""Faults that the schema shares with the models; what is refused by a validator of ours it cannot know."""

SHARED = [row for row in rows() if row.finds and {one["rule"] for one in row.finds} <= BY_SCHEMA]


@pytest.mark.parametrize("row", SHARED, ids=[row.name for row in SHARED])
def test_it_refuses_what_the_models_refuse(row: Row) -> None:
    if row.name in TAKEN:
        assert faults(row.values()) == []
    else:
        assert faults(row.values())


TAKEN = {"provisioner missing": "a profile may say it", "kind of cluster missing": "a profile may say it"}
"""What may stand in a stack file because the rest is in a profile."""


def test_null_takes_away_what_a_profile_sets() -> None:
    assert (
        faults({"clusters": {"main": None}, "network": {"nat": None}, "exposure": None, "addons": {"keda": None}}) == []
    )


def test_parts_are_enough() -> None:
    assert faults({"profile": "development", "clusters": {"main": {"pools": {"gpu": {"limits": {"gpus": 1}}}}}}) == []
    assert faults({"clusters": {"main": {"pools": {"gpu": {"zebra": 1}}}}})


def test_profiles_are_offered_by_name() -> None:
    assert faults({"profile": "nightly"})
    assert SCHEMA["$defs"]["Settings"]["properties"]["profile"]["enum"] == [file.stem for file in PROFILES]


def test_addons_are_offered_by_id() -> None:
    assert list(SCHEMA["$defs"]["Settings"]["properties"]["addons"]["properties"]) == list(addons())
    assert faults({"addons": {"kserv": True}})


def test_every_key_is_described_and_units_are_named() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["description"], name
        for key, schema in definition.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{key}"
            if key.endswith("Gib"):
                assert "GiB" in schema["description"], f"{name}.{key}"


@pytest.mark.parametrize("file", [*FILES, *PROFILES], ids=lambda file: file.name)
def test_files_name_their_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"
    assert (file.parent / "schema.json").is_file()
