"""One resource through its life, by the very calls that the engine makes of a double."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trellis.doubles.aws.kinds import kinds
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.provider import Ask, Found


@dataclass
class Thing:
    """A resource that was made."""

    aws: AwsSession
    type: str
    name: str
    inputs: dict[str, Any]
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def _kind(self) -> Any:
        return kinds()[self.type]

    def _ask(self, **changes: Any) -> Ask:
        urn = f"urn:pulumi:test::test::trellis:index:AiPlatform${self.type}::{self.name}"
        return Ask(**{"urn": urn, "id": self.id, "inputs": self.inputs, "outputs": self.outputs, **changes})

    def create(self) -> Thing:
        """Make it."""
        found = self._kind.create(self.aws, self._ask(id="", outputs={}))
        self.id, self.outputs = found.id, dict(found.outputs)
        return self

    def read(self) -> Found | None:
        """Look at it."""
        found: Found | None = self._kind.read(self.aws, self._ask())
        return found

    def imported(self, id_: str) -> Found | None:
        """Take it over by an import id, knowing nothing else."""
        found: Found | None = self._kind.read(self.aws, self._ask(id=id_, inputs={}, outputs={}))
        return found

    def update(self, **changes: Any) -> Thing:
        """Change some inputs; None takes one away."""
        new = {key: value for key, value in {**self.inputs, **changes}.items() if value is not None}
        self.outputs = self._kind.update(self.aws, self._ask(inputs=new, old_inputs=self.inputs))
        self.inputs = new
        return self

    def delete(self) -> None:
        """Delete it."""
        self._kind.delete(self.aws, self._ask())


def make(aws: AwsSession, type_: str, name: str, /, **inputs: Any) -> Thing:
    """Make a resource; `type_` as `iam/role:Role`."""
    return Thing(aws, f"aws:{type_}", name, inputs).create()


def live(thing: Thing, import_id: str | None = None, **changes: Any) -> None:
    """No drift when made, found by its import id, changed in place without drift, gone when deleted."""
    untouched(thing)
    found = thing.imported(import_id or thing.id)
    assert found is not None, "it is not found by its import id"
    assert found.id == thing.id
    missing = {key for key in thing.inputs if key not in (found.inputs or {})} - set(thing._kind.unread)
    assert not missing, f"an import does not tell {sorted(missing)}"
    if changes:
        thing.update(**changes)
        for key, value in changes.items():
            assert thing.outputs.get(key) == value or value is None, f"{key} did not change"
        untouched(thing)
    thing.delete()
    assert thing.read() is None, "it is still there after its deletion"
    thing.delete()


def untouched(thing: Thing) -> None:
    """Nothing changed since it was made or changed: a refresh shows nothing."""
    found = thing.read()
    assert found is not None, "it is not there"
    inputs, outputs = differing(thing.inputs, found.inputs or {}), differing(thing.outputs, found.outputs)
    assert not inputs, f"its inputs drifted: {inputs}"
    assert not outputs, f"its outputs drifted: {outputs}"


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Both values of each key whose values differ."""
    keys = {*one, *other}
    return {key: (one.get(key), other.get(key)) for key in sorted(keys) if one.get(key) != other.get(key)}


def drifted(thing: Thing) -> set[str]:
    """Inputs that somebody else changed."""
    found = thing.read()
    assert found is not None
    return set(differing(thing.inputs, found.inputs or {}))
