"""The act `autoscale` with the real Karpenter: a stack as it is, and pools that buy badly or have no way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.layout.clusters import views
from tests.rehearsal.managers import tool_or_skip
from tests.sandbox.conftest import gone
from trellis.plan import Plan
from trellis.preview import preview_environment
from trellis.rehearsal import autoscale
from trellis.rehearsal.autoscale.karpenter import TOOL, NoCrdsError, crds
from trellis.rehearsal.result import Act, Verdict

pytestmark = [pytest.mark.rehearse, pytest.mark.usefixtures("tools")]
Change = Callable[[dict[str, Any]], dict[str, Any]]


def changed(recorded: Plan, kind: str, name: str, change: Change) -> Plan:
    """The plan with another spec of one object."""

    def wanted(one: Any) -> bool:
        return bool(one.kind == kind and one.inputs.get("metadata", {}).get("name") == name)

    assert any(map(wanted, recorded.resources))
    rows = (
        replace(r, inputs={**r.inputs, "spec": change(dict(r.inputs["spec"]))}) if wanted(r) else r
        for r in recorded.resources
    )
    return replace(recorded, resources=tuple(rows))


def without_quotas(recorded: Plan) -> Plan:
    """The plan with room in its namespaces for whatever a test declares."""
    return replace(recorded, resources=tuple(r for r in recorded.resources if r.kind != "ResourceQuota"))


def many(spec: dict[str, Any]) -> dict[str, Any]:
    return {"predictor": {**spec["predictor"], "maxReplicas": 6}}


def troubles(act: Act) -> list[str]:
    return [note for note in act.notes if not note.startswith("Pods of ")]


@pytest.fixture
def karpenter(tools: None) -> Path:  # noqa: ARG001 - a fixture asks for another this way
    return tool_or_skip(TOOL)


def test_local_buys_what_is_cheapest_gives_up_and_falls_back(karpenter: Path, tmp_path: Path) -> None:
    assert karpenter
    recorded, platform = preview_environment("local")
    act = autoscale.run(recorded, views(platform)["main"], tmp_path / "sandbox")
    assert troubles(act) == []
    assert act.verdict is Verdict.LIMITED  # no chart is open
    pools = {name: phase["pools"]["gpu-inference"] for name, phase in act.facts["phases"].items()}
    assert {name: pool["nodes"] for name, pool in pools.items()} == {"bought": 2, "shrunk": 1, "withoutSpot": 2}
    assert {row["capacityType"] for row in pools["bought"]["bought"]} == {"spot"}
    assert {row["capacityType"] for row in pools["withoutSpot"]["bought"]} == {"on-demand"}
    assert all(pool["timesCheapest"] == 1 for pool in pools.values())
    assert {row.subject: row.level for row in act.fidelity}["Karpenter"] == "real"
    assert gone(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_pool_that_is_open_and_only_spot_is_told(karpenter: Path, tmp_path: Path) -> None:
    assert karpenter
    recorded, platform = preview_environment("local")

    def only_spot(spec: dict[str, Any]) -> dict[str, Any]:
        inner = spec["template"]["spec"]
        rules = [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
            {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["g6"]},
        ]
        template = {**spec["template"], "spec": {**inner, "requirements": rules}}
        return {**spec, "template": template, "limits": {"nvidia.com/gpu": "8"}}

    recorded = changed(without_quotas(recorded), "NodePool", "gpu-inference", only_spot)
    recorded = changed(recorded, "InferenceService", "llm-inference-v1", many)
    act = autoscale.run(recorded, views(platform)["main"], tmp_path / "sandbox")
    first = act.facts["phases"]["bought"]["pools"]["gpu-inference"]
    assert first["pods"] == 7
    assert first["timesCheapest"] > 1.1
    last = act.facts["phases"]["withoutSpot"]
    assert last["nodes"] == 0
    assert sum(row["pods"] for row in last["waiting"]) == 7
    told = "\n".join(act.notes)
    assert "times the cheapest fit" in told
    assert "name only g6.xlarge in clusters.main.pools.gpu-inference.instanceTypes" in told
    assert "clusters.main.pools.gpu-inference.onDemandFallback: true" in told


def test_pods_beyond_the_limit_and_beyond_a_quota_are_told_apart(karpenter: Path, tmp_path: Path) -> None:
    assert karpenter
    recorded, platform = preview_environment("local")
    recorded = changed(recorded, "NodePool", "gpu-inference", lambda spec: {**spec, "limits": {"nvidia.com/gpu": "1"}})
    recorded = changed(recorded, "InferenceService", "llm-inference-v1", many)
    act = autoscale.run(recorded, views(platform)["main"], tmp_path / "sandbox")
    assert act.verdict is Verdict.FAILED
    assert any("not all of its pods may be made: exceeded quota" in note for note in act.notes)
    assert any("1 pods got no node" in n and "raise clusters.main.pools.gpu-inference.limits" in n for n in act.notes)


def test_without_node_pools_nothing_is_started(tmp_path: Path) -> None:
    recorded, platform = preview_environment("onprem")
    act = autoscale.run(recorded, next(iter(views(platform).values())), tmp_path / "sandbox")
    assert act.verdict is Verdict.PASSED
    assert not (tmp_path / "sandbox").exists()


def test_a_tool_without_its_crds_says_how_to_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRELLIS_CRDS", raising=False)
    with pytest.raises(NoCrdsError, match="trellis toolchain install karpenter-kwok"):
        crds(tmp_path / TOOL)
    folder = tmp_path / "crds/karpenter"
    folder.mkdir(parents=True)
    for name in ("nodepools", "nodeclaims", "nodeoverlays"):
        (folder / f"karpenter.sh_{name}.yaml").write_text(f"kind: {name}\n")
    monkeypatch.setenv("TRELLIS_CRDS", str(tmp_path / "crds"))
    found, origin = crds(tmp_path / TOOL)
    assert [one.get("kind") for one in found[:3]] == ["nodepools", "nodeclaims", "nodeoverlays"]
    assert found[3]["metadata"]["name"] == "kwoknodeclasses.karpenter.kwok.sh"
    assert "stand-in" in origin
