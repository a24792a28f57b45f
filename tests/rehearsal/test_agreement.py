"""Recorder and engine compared; the evidence; which acts are played; what controllers' stand-ins do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from components.catalogue.addons import addons
from tests.support.stacks import recorded
from trellis.plan import SECRET, UNKNOWN
from trellis.rehearsal.agreement import disagreements
from trellis.rehearsal.controllers import habits
from trellis.rehearsal.crds import definitions, of_chart
from trellis.rehearsal.evidence import Evidence
from trellis.rehearsal.play import ACTS, chosen
from trellis.rehearsal.result import Act, Fidelity, Verdict


def test_a_plan_agrees_with_itself_and_a_changed_one_does_not() -> None:
    plan = recorded("onprem")
    assert list(disagreements(plan, plan)) == []
    first = replace(plan.resources[0], protect=not plan.resources[0].protect)
    changed = replace(plan, resources=(first, *plan.resources[2:]))
    lines = list(disagreements(changed, plan))
    assert len(lines) == 2
    assert lines[0] == f"{plan.resources[1].urn}: only the recorder has it"
    assert lines[1].startswith(f"{first.urn} protect: engine ")


def test_a_secret_that_is_unknown_too_is_told_as_unknown() -> None:
    plan = recorded("onprem")
    ours = replace(plan, outputs={"a": dict(SECRET)})
    assert list(disagreements(replace(plan, outputs={"a": dict(UNKNOWN)}), ours)) == []
    assert list(disagreements(replace(plan, outputs={"a": "open"}), ours)) != []


def test_an_act_brings_those_that_it_needs() -> None:
    assert chosen(["drift"]) == ["agree", "up", "no-op", "drift"]
    assert chosen(["agree"]) == ["agree"]
    assert chosen([]) == [name for name, entry in ACTS.items() if not entry.apart]
    assert chosen(["all"]) == list(ACTS)


def test_every_act_comes_after_what_it_needs() -> None:
    order = list(ACTS)
    assert all(entry.after is None or order.index(entry.after) < order.index(name) for name, entry in ACTS.items())


def evidence(*verdicts: Verdict) -> Evidence:
    acts = [
        Act(name=f"act {n}", verdict=verdict, summary="a | b", notes=("note",)) for n, verdict in enumerate(verdicts)
    ]
    near = [Fidelity(subject="Release x", level="crds only", detail="2 CRDs")]
    return Evidence(stack="s", as_of="2026-11-01", commit="", kubernetes="1.35.4", acts=acts, fidelity=near)


@pytest.mark.parametrize("worst", list(Verdict))
def test_the_worst_act_is_the_verdict(worst: Verdict) -> None:
    found = evidence(Verdict.PASSED, worst)
    assert found.verdict is worst
    document = json.loads(found.to_json())
    assert document["verdict"] == worst
    assert [row["name"] for row in document["acts"]] == ["act 0", "act 1"]
    assert found.to_markdown().count("a \\| b") == 2
    assert "| Release x |" in found.to_markdown()


def test_each_stand_in_belongs_to_a_chart_and_a_kind_of_the_catalogue() -> None:
    charts = {release.chart for row in addons().values() for release in row.releases}
    assert {row.chart for row in habits()} <= charts
    kinds = {(crd.group, crd.kind) for row in addons().values() for crd in row.crds}
    known = {(row.api_version.partition("/")[0], row.kind) for row in habits()} - {("networking.k8s.io", "Ingress")}
    assert known <= kinds


def test_crds_are_stood_in_for_where_there_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRELLIS_CRDS", raising=False)
    crds = of_chart("oci://somewhere/charts/kserve-crd")
    assert crds is not None
    found, missing = definitions(crds.provides)
    assert missing == [crd.name for crd in crds.provides]
    assert [one["metadata"]["name"] for one in found] == missing
    assert of_chart("no-such-chart") is None
