"""The arithmetic behind the reasons and the table of idle GPUs: selectors, taints, amounts, room. No cluster."""

from __future__ import annotations

from typing import Any

import pytest

from components.layout.clusters import views
from tests.rehearsal.plans import pod_template
from trellis.preview import load_environment
from trellis.rehearsal.expand import How, PodSet, Workload
from trellis.rehearsal.placing.demand import amount, left, short_of, shown
from trellis.rehearsal.placing.gpus import rows
from trellis.rehearsal.placing.nodes import matches, pool_of, tolerates
from trellis.rehearsal.placing.pods import Outcome
from trellis.rehearsal.placing.reasons import Scene, fix

GPU = "nvidia.com/gpu"


def node(name: str, labels: dict[str, str] | None = None, taints: Any = None, gpus: int = 0) -> Any:
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "10", GPU: str(gpus)}
    spec = {"taints": taints} if taints else {}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec, "status": {"allocatable": allocatable}}


def affine(*rules: dict[str, Any], fields: bool = False) -> dict[str, Any]:
    term = {"matchFields" if fields else "matchExpressions": list(rules)}
    chosen = {"nodeSelectorTerms": [term]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": chosen}}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"nodeSelector": {"a": "1"}}, True),
        ({"nodeSelector": {"a": "2"}}, False),
        (affine({"key": "a", "operator": "In", "values": ["1", "2"]}), True),
        (affine({"key": "a", "operator": "NotIn", "values": ["1"]}), False),
        (affine({"key": "b", "operator": "Exists"}), False),
        (affine({"key": "b", "operator": "DoesNotExist"}), True),
        (affine({"key": "a", "operator": "Gt", "values": ["0"]}), True),
        (affine({"key": "a", "operator": "Lt", "values": ["0"]}), False),
        (affine({"key": "metadata.name", "operator": "In", "values": ["n"]}, fields=True), True),
        (affine({"key": "metadata.name", "operator": "In", "values": ["m"]}, fields=True), False),
        (affine(), False),
    ],
)
def test_a_selector_and_an_affinity_choose_nodes(spec: dict[str, Any], expected: bool) -> None:
    assert matches(spec, node("n", {"a": "1"})) is expected


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        (None, False),
        ({"operator": "Exists"}, True),
        ({"key": GPU, "operator": "Exists"}, True),
        ({"key": GPU, "operator": "Equal", "value": "present"}, True),
        ({"key": GPU, "value": "absent"}, False),
        ({"key": GPU, "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_taint_keeps_off_who_does_not_tolerate_it(toleration: dict[str, str] | None, expected: bool) -> None:
    tainted = node("n", taints=[{"key": GPU, "value": "present", "effect": "NoSchedule"}])
    assert tolerates({"tolerations": [toleration]} if toleration else {}, tainted) is expected
    assert tolerates({}, node("n", taints=[{"key": GPU, "effect": "PreferNoSchedule"}]))


def test_amounts_are_whole_numbers_and_are_shown_as_people_write_them() -> None:
    assert (amount("cpu", "1500m"), amount("requests.cpu", "2"), amount("memory", "1Gi")) == (1500, 2000, 2**30)
    assert (shown("cpu", 1500), shown("memory", 2**31), shown(GPU, 3)) == ("1.5", "2Gi", "3")


def test_what_is_left_of_a_node() -> None:
    pod = {"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "3", GPU: "1"}}}]}}
    rest = left(node("n", gpus=2), [pod])
    assert (rest["cpu"], rest[GPU], rest["pods"]) == (1000, 1, 9)
    assert short_of(rest, {"cpu": 1001, GPU: 1}) == ["cpu"]


def test_fragments_that_no_pod_could_use_are_stranded() -> None:
    one = views(load_environment("local")[1])["main"]
    labels = {"trellis.dev/pool": "gpu-inference"}
    nodes = [node(name, labels, gpus=4) for name in ("a", "b", "c")]
    small, large = (
        {"containers": [{"name": "x", "resources": {"requests": {"cpu": cpu, GPU: "1"}}}]} for cpu in ("1500m", "3")
    )
    placed = {"a": [large], "b": [small]}
    rest = {n["metadata"]["name"]: left(n, [{"spec": s} for s in placed.get(n["metadata"]["name"], [])]) for n in nodes}
    (row,) = rows(one, nodes, placed, rest)
    # On `a` one CPU is left beside three GPUs; on `b` another small pod would fit; nobody is on `c`.
    assert (row.offered, row.used, row.idle, row.fragments, row.stranded) == (12, 2, 4, 6, 3)
    assert pool_of(nodes[0]) == "gpu-inference"


def refused(message: str, space: str) -> str:
    one = views(load_environment("dev")[1])["main"]
    template = pod_template()
    pods = PodSet(name="p", template=template, floor=1, limit=1)
    workload = Workload(
        urn="u", api_version="v1", kind="Pod", namespace=space, name="p", how=How.EXPANDED, pods=(pods,)
    )
    outcome = Outcome(
        workload=workload, pods=pods, name="p", beyond_floor=False, real=False, spec=template["spec"], refusal=message
    )
    return fix(outcome, Scene(one, [], {}, [outcome]))


QUOTA = "exceeded quota: {}, requested: {r}={q}, used: {r}=0, limited: {r}=0"


@pytest.mark.parametrize(
    ("message", "space", "remedy"),
    [
        (QUOTA.format("q", r="requests.cpu", q="1"), "kserve", "requests.cpu from 0 to 1"),
        (QUOTA.format("q", r="pods", q="1"), "kserve", "pods from 0 to 1"),
        (QUOTA.format("team", r="requests.cpu", q="1"), "ml-production", "teams.ml-production.cpu is 64 and enough"),
        ("failed quota: team: must specify cpu", "ml-production", "say what Pod ml-production/p requests"),
        ('violates PodSecurity "restricted:latest"', "kserve", "meet the level of namespace kserve"),
        ("no PriorityClass with name x was found", "kserve", "make the PriorityClass before the pods"),
        ("error looking up service account kserve/x", "kserve", "make the account in namespace kserve"),
        ('failed calling webhook "pods.x": refused', "kserve", "let what answers that webhook be ready"),
        ("something else", "kserve", "read the reason"),
    ],
)
def test_each_refusal_is_told_what_mends_it(message: str, space: str, remedy: str) -> None:
    assert remedy in refused(message, space)
