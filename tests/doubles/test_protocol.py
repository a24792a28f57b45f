"""The provider protocol under the real engine, with the smallest double that there can be."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.automation import CommandError

from trellis.doubles.errors import NotReady, Refused
from trellis.doubles.provider import Ask, Bag, Double, Found
from trellis.doubles.serve import serve
from trellis.doubles.wire import reveal
from trellis.engine.run import engine_stack

pytestmark = pytest.mark.engine

WORD = "toyword"


class Toy(Double[Bag]):
    """Things in a dictionary; each tells which provider it was made by."""

    def __init__(self) -> None:
        super().__init__()
        self.things: dict[str, Bag] = {}
        self.deleted: list[str] = []
        self._ids = itertools.count(1)

    def configure(self, inputs: Bag) -> Bag:
        return inputs

    def check(self, _session: Bag | None, ask: Ask) -> tuple[Bag, Mapping[str, str]]:
        wrong = {"size": "must be a number"} if ask.inputs.get("size") == "big" else {}
        return ask.inputs, wrong

    def create(self, session: Bag, ask: Ask) -> Found:
        id_ = f"toy-{next(self._ids)}"
        outputs = {**reveal(ask.inputs), "by": session["region"]}
        if outputs.get("size") == 13:
            raise Refused("13 is not to be had")
        self.things[id_] = outputs
        if outputs.get("size") == 7:
            raise NotReady(id_, outputs, ["still starting"], ask.inputs)
        return Found(id_, outputs)

    def read(self, _session: Bag, ask: Ask) -> Found | None:
        found = self.things.get(ask.id)
        return None if found is None else Found(ask.id, found)

    def update(self, session: Bag, ask: Ask) -> Bag:
        self.things[ask.id] = {**reveal(ask.inputs), "by": session["region"]}
        return self.things[ask.id]

    def delete(self, _session: Bag, ask: Ask) -> None:
        self.deleted.append(ask.id)
        self.things.pop(ask.id, None)

    def replaces(self, _type: str, path: str) -> bool | None:
        return path == "colour"


class Thing(pulumi.CustomResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions, **inputs: Any) -> None:
        super().__init__("toy:index:Thing", name, {**inputs, "by": None}, opts)


class Provider(pulumi.ProviderResource):
    def __init__(self, name: str, region: str) -> None:
        super().__init__("toy", name, {"region": region})


def program(colour: str = "red", size: Any = 1) -> None:
    one, two = Provider("one", "east"), Provider("two", "west")
    first = Thing("first", pulumi.ResourceOptions(provider=one), word=pulumi.Output.secret(WORD), colour=colour)
    Thing("second", pulumi.ResourceOptions(provider=two), size=size, after=first.id)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: toys\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    return tmp_path


def test_life_of_two_things(project: Path, pulumi_cli: Path) -> None:
    toy = Toy()
    with serve({"toy": toy}) as ports, engine_stack(project, "dev", program, pulumi=pulumi_cli, providers=ports) as it:
        assert it.up(color="never").summary.resource_changes == {"create": 5}
        made = sorted(thing["by"] for thing in toy.things.values())
        assert made == ["east", "west"], "each connection keeps its own settings"
        state = Path(it.workspace.work_dir).with_name("state")
        assert not any(WORD in file.read_text() for file in state.rglob("*.json*")), "a secret stands in the state"

        assert it.preview(color="never").change_summary == {"same": 5}
        it.workspace.program = lambda: program(colour="blue")
        heard: list[Any] = []
        it.up(color="never", on_event=heard.append)
        steps = [event.resource_pre_event.metadata for event in heard if event.resource_pre_event]
        replaced = [step.keys for step in steps if step.op == "replace"]
        assert replaced == [["colour"]]
        assert toy.deleted == ["toy-1"]

        it.destroy(color="never")
        assert toy.things == {}


def test_refusals_are_told(project: Path, pulumi_cli: Path) -> None:
    toy = Toy()
    with serve({"toy": toy}) as ports, engine_stack(project, "dev", program, pulumi=pulumi_cli, providers=ports) as it:
        for size, said in (("big", "must be a number"), (13, "13 is not to be had"), (7, "still starting")):
            it.workspace.program = lambda size=size: program(size=size)
            with pytest.raises(CommandError, match=said):
                it.up(color="never")
        state = {row["urn"]: row for row in (it.export_stack().deployment or {})["resources"]}
        second = next(row for urn, row in state.items() if urn.endswith("::second"))
        assert second["initErrors"] == ["still starting"], "what is made but not ready is in the state"
