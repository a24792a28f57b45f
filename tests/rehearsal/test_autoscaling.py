"""What Karpenter is told and how its purchases are judged: tables, twins, the cheapest fit, verdicts. No cluster."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.catalogue.hardware import instance_type
from components.catalogue.prices import on_demand
from components.layout.clusters import ClusterView, views
from components.layout.zones import zone_ids
from tests.rehearsal.plans import obj, plan, pod_template, view
from trellis.preview import load_environment, preview_environment, stacks
from trellis.rehearsal.autoscale import judge, twins
from trellis.rehearsal.autoscale.account import Account
from trellis.rehearsal.autoscale.cheapest import Box, Fit, cheapest
from trellis.rehearsal.autoscale.evidence import summary
from trellis.rehearsal.autoscale.instances import OVERHEAD, Offer, allowed, document, market
from trellis.rehearsal.autoscale.judge import Phase, Waiting
from trellis.rehearsal.autoscale.loads import MARK, loads, shrunk
from trellis.rehearsal.expand import expand
from trellis.rehearsal.expand.objects import Objects
from trellis.rehearsal.placing.demand import amount
from trellis.rehearsal.result import Verdict
from trellis.sandbox.nodes import allocatable

CLUSTERS = [(s, name) for s in stacks() for name, v in views(load_environment(s)[1]).items() if v.karpenter_pools]


def cluster(stack: str, name: str) -> ClusterView:
    return views(load_environment(stack)[1])[name]


@pytest.mark.parametrize(("stack", "name"), CLUSTERS)
def test_every_type_of_every_pool_is_sold_at_the_regions_price(stack: str, name: str) -> None:
    here = cluster(stack, name)
    assert here.platform.aws is not None
    sold = market(here)
    for pool in here.karpenter_pools.values():
        for kind in pool.instance_types:
            firm = on_demand(kind, here.platform.aws.region)
            assert firm is not None
            for zone in zone_ids(here.platform):
                assert sold.price(kind, "on-demand", zone) == firm.usd > 0
                spot = sold.price(kind, "spot", zone)
                assert 0 < spot < firm.usd if spot is not None else f"{kind} in {zone}" in sold.no_spot
    assert sold.without("spot").price("g6.xlarge", "spot", zone_ids(here.platform)[0]) is None


@pytest.mark.parametrize(("stack", "name"), CLUSTERS)
def test_the_file_gives_each_type_what_a_node_of_its_pool_leaves_to_pods(stack: str, name: str) -> None:
    here = cluster(stack, name)
    rows = {row["name"]: row for row in document(here, market(here).offers)}
    assert all(one["Price"] > 0 for row in rows.values() for one in row["offerings"])
    for pool in here.karpenter_pools.values():
        for kind in pool.instance_types:
            has, gives = rows[kind]["resources"], allocatable(pool, instance_type(kind))
            assert amount("cpu", has["cpu"]) == amount("cpu", gives["cpu"]) + OVERHEAD["cpu"]
            assert amount("memory", has["memory"]) == amount("memory", gives["memory"]) + OVERHEAD["memory"] * 2**20
            assert has.get("nvidia.com/gpu", "0") == str(instance_type(kind).gpu_count)
            assert has.get("vpc.amazonaws.com/efa") == gives.get("vpc.amazonaws.com/efa")
            assert rows[kind]["architecture"] == instance_type(kind).arch


def test_a_fabric_pool_has_its_cards_and_a_gpu_its_label() -> None:
    here = cluster("prod", "main")
    rows = {row["name"]: row for row in document(here, market(here).offers)}
    assert rows["p4d.24xlarge"]["resources"]["vpc.amazonaws.com/efa"] == "4"
    told = {one["key"]: one["values"] for one in rows["p4d.24xlarge"]["offerings"][0]["Requirements"]}
    assert told["karpenter.k8s.aws/instance-gpu-name"] == ["a100"]
    assert told["topology.kubernetes.io/zone"] == told["topology.k8s.aws/zone-id"]


def requirement(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (requirement("node.kubernetes.io/instance-type", "In", "g6.xlarge"), True),
        (requirement("node.kubernetes.io/instance-type", "NotIn", "g6.xlarge"), False),
        (requirement("karpenter.sh/capacity-type", "In", "on-demand"), False),
        (requirement("topology.kubernetes.io/zone", "In", "use1-az2"), False),
        (requirement("karpenter.k8s.aws/instance-gpu-count", "Gt", "1"), False),
        (requirement("karpenter.k8s.aws/instance-gpu-count", "Lt", "2"), True),
        (requirement("example.com/own", "In", "x"), True),
    ],
)
def test_what_a_pool_may_buy_follows_its_requirements(rule: dict[str, Any], expected: bool) -> None:
    assert allowed(Offer("g6.xlarge", "spot", "use1-az1", 0.4), [rule]) is expected


@pytest.mark.parametrize(("stack", "name"), CLUSTERS)
def test_a_twin_differs_in_its_node_class_and_its_zone_only(stack: str, name: str) -> None:
    recorded, platform = preview_environment(stack)
    here = views(platform)[name]
    objects = Objects(recorded, here)
    copies = twins.twins(objects)
    originals = {item.name: item.manifest for item in objects.of("karpenter.sh", "NodePool")}
    assert set(copies.pools) == set(originals) == set(here.karpenter_pools)
    for pool, copy in copies.pools.items():
        inner, original = copy["spec"]["template"]["spec"], originals[pool]["spec"]["template"]["spec"]
        assert inner["nodeClassRef"]["kind"] == "KWOKNodeClass"
        extra = [one for one in inner["requirements"] if one not in original["requirements"]]
        assert [one["key"] for one in extra] == (["topology.kubernetes.io/zone"] if pool in copies.confined else [])
        same = {**inner, "nodeClassRef": original["nodeClassRef"], "requirements": original["requirements"]}
        assert same == original
        for key in ("limits", "disruption", "weight"):
            assert copy["spec"].get(key) == originals[pool]["spec"].get(key)
        assert twins.hurried(copy)["spec"]["disruption"]["consolidateAfter"] == twins.AT_ONCE
    assert len(copies.overlays) == len(list(objects.of("karpenter.sh", "NodeOverlay")))


def test_the_zone_of_a_placement_group_is_kept() -> None:
    recorded, platform = preview_environment("prod")
    copies = twins.twins(Objects(recorded, views(platform)["main"]))
    assert copies.confined == ("gpu-training",)
    added = twins.requirements(copies.pools["gpu-training"])[-1]
    assert added == requirement("topology.kubernetes.io/zone", "In", "use1-az1")


def test_karpenters_settings_become_its_environment() -> None:
    values = {"settings": {"featureGates": {"nodeOverlay": True, "nodeRepair": False}, "batchIdleDuration": "2s"}}
    found = twins.settings(values)
    assert found == {"FEATURE_GATES": "NodeOverlay=true,NodeRepair=false", "BATCH_IDLE_DURATION": "2s"}
    assert twins.settings({}) == {}


ONE, EIGHT = Box("one", 0.41, {"gpu": 1, "cpu": 4}), Box("eight", 4.14, {"gpu": 8, "cpu": 192})


def test_six_small_nodes_are_cheaper_than_a_large_one() -> None:
    fit = cheapest([ONE, EIGHT], [{"gpu": 1, "cpu": 3}] * 6)
    assert fit is not None
    assert (round(fit.usd_h, 2), fit.method, fit.nodes) == (2.46, "exact", {"one": 6})


def test_a_pod_that_fits_no_type_has_no_cheapest_fit() -> None:
    assert cheapest([ONE], [{"gpu": 2}]) is None
    assert cheapest([], [{"gpu": 1}]) is None


def test_many_shapes_get_a_bound() -> None:
    fit = cheapest([EIGHT], [{"cpu": number} for number in range(1, 40)])
    assert fit is not None
    assert fit.method == "lower bound"
    assert math.isclose(fit.usd_h, sum(range(1, 40)) * 4.14 / 192)


def brute(boxes: Sequence[Box], pods: Sequence[Mapping[str, int]]) -> float | None:
    """Every way to put pods into groups, and each group into its cheapest box."""

    def price(group: Sequence[Mapping[str, int]]) -> float:
        need = {key: sum(pod.get(key, 0) for pod in group) for pod in group for key in pod}
        return min(
            (b.usd_h for b in boxes if all(b.holds.get(key, 0) >= n for key, n in need.items())), default=math.inf
        )

    best = math.inf
    for groups in itertools.product(range(len(pods)), repeat=len(pods)):
        members = [[pod for pod, g in zip(pods, groups, strict=True) if g == number] for number in set(groups)]
        best = min(best, sum(map(price, members)))
    return None if best == math.inf else best


sizes = st.fixed_dictionaries({"gpu": st.integers(0, 2), "cpu": st.integers(1, 4)})
some_boxes = st.lists(
    st.builds(Box, st.sampled_from("abc"), st.integers(1, 9).map(float), st.fixed_dictionaries(
        {"gpu": st.integers(0, 4), "cpu": st.integers(1, 8)}
    )),
    min_size=1,
    max_size=3,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(boxes=some_boxes, pods=st.lists(sizes, min_size=1, max_size=4))
def test_the_exact_answer_is_that_of_trying_everything(boxes: list[Box], pods: list[dict[str, int]]) -> None:
    fit, expected = cheapest(boxes, pods), brute(boxes, pods)
    assert (fit is None) == (expected is None)
    if fit is not None and expected is not None:
        assert math.isclose(fit.usd_h, expected)


def account(pool: str = "gpu-inference", **more: Any) -> Account:
    whole: dict[str, Any] = {
        "pool": pool,
        "ways": {("g6.xlarge", "spot", "use1-az1"): 2},
        "usd_h": 1.0,
        "pods": 2,
        "claims": ("a", "b"),
        "idle": (),
        "spread": False,
        "fit": Fit(1.0, "exact", {"g6.xlarge": 2}),
    }
    return Account(**{**whole, **more})


def phase(*accounts: Account, waiting: Sequence[Waiting] = (), said: Mapping[str, str] | None = None) -> Phase:
    every = {one.pool: one for one in accounts or (account(),)}
    return Phase(accounts=every, waiting=tuple(waiting), said=said or {}, seconds=5, settled=True)


def copies(*capacity: str) -> twins.Twins:
    rules = [requirement("karpenter.sh/capacity-type", "In", *capacity)]
    ref = {"group": "g", "kind": "k", "name": "n"}
    spec = {"template": {"spec": {"nodeClassRef": ref, "requirements": rules}}}
    pool = {"metadata": {"name": "gpu-inference"}, "spec": {**spec, "disruption": {"consolidationPolicy": "WhenEmpty"}}}
    return twins.Twins({"gpu-inference": pool}, (), (), (), ())


LIMIT = 'all available instance types exceed limits for nodepool: "gpu-inference"'


def test_a_cheap_purchase_without_waiting_pods_passes() -> None:
    assert list(judge.bought("main", phase())) == []
    assert judge.verdict([], whole=True) is Verdict.PASSED
    assert judge.verdict([], whole=False) is Verdict.LIMITED


def test_pods_beyond_a_pools_limit_fail_and_name_the_limit() -> None:
    [found] = judge.bought("main", phase(waiting=[Waiting("InferenceService a/b", "gpu-inference", 3, LIMIT)]))
    assert found.verdict is Verdict.FAILED
    assert "InferenceService a/b: 3 pods got no node" in found.note
    assert "raise clusters.main.pools.gpu-inference.limits" in found.note


def test_pods_for_other_nodes_are_not_karpenters_failure() -> None:
    [found] = judge.bought("main", phase(waiting=[Waiting("Deployment a/b", "", 1, "no")]))
    assert found.verdict is Verdict.LIMITED


def test_a_dear_purchase_names_the_types_that_would_be_cheaper() -> None:
    dear = account(ways={("g6.48xlarge", "spot", "use1-az1"): 1}, usd_h=4.14, fit=Fit(2.46, "exact", {"g6.xlarge": 6}))
    [found] = judge.bought("main", phase(dear))
    assert found.verdict is Verdict.LIMITED
    assert "4.14 USD/h, 1.68 times the cheapest fit (2.46, exact)" in found.note
    assert "name only g6.xlarge in clusters.main.pools.gpu-inference.instanceTypes" in found.note


def test_an_empty_node_that_stays_fails() -> None:
    [found] = judge.shrunk("main", copies("spot"), phase(account(idle=("a",)), said={"a": "budget is used up"}))
    assert found.verdict is Verdict.FAILED
    assert "1 of 2 nodes are empty and are kept: budget is used up" in found.note


def test_a_half_empty_pool_tells_why_it_stays() -> None:
    half = account(fit=Fit(0.5, "exact", {"g6.xlarge": 1}))
    [found] = judge.shrunk("main", copies("spot"), phase(half, said={"other": "of another pool"}))
    assert "2.00 times the cheapest fit (0.50, exact): its policy is WhenEmpty." in found.note
    [found] = judge.shrunk("main", copies("spot"), phase(account(spread=True, fit=half.fit), said={"b": "no"}))
    assert "exact): no. To mend it: its pods are spread over zones" in found.note


@pytest.mark.parametrize(
    ("capacity", "expected", "words"),
    [
        (("spot", "on-demand"), Verdict.FAILED, "though pool gpu-inference may buy on demand"),
        (("spot",), Verdict.LIMITED, "gpu-inference.onDemandFallback: true"),
    ],
)
def test_spot_that_is_gone_must_fall_back_where_the_pool_says_so(
    capacity: tuple[str, ...], expected: Verdict, words: str
) -> None:
    after = phase(account(ways={}, claims=(), fit=None), waiting=[Waiting("TrainJob a/b", "gpu-inference", 2, LIMIT)])
    [found] = judge.without_spot("main", copies(*capacity), phase(), after)
    assert found.verdict is expected
    assert words in found.note
    assert list(judge.without_spot("main", copies(*capacity), after, after)) == []  # they waited before


def test_spot_nodes_without_spot_are_a_failure() -> None:
    [found] = judge.without_spot("main", copies("spot"), phase(), phase())
    assert "2 spot nodes are there" in found.note


def test_the_summary_has_the_numbers() -> None:
    line = summary(view(), {"bought": phase(), "shrunk": phase(), "withoutSpot": phase()})
    assert line.startswith(
        "main: Karpenter bought 2 nodes for 1.00 USD/h, 1.00 times the cheapest fit, kept 2 for 1.00"
    )
    assert "without spot 2 for 1.00, 0 pods wait" in line


def test_loads_keep_pods_running_and_shrink_to_what_is_declared() -> None:
    template = pod_template(restartPolicy="Never", activeDeadlineSeconds=5)
    recorded = plan(
        obj("batch/v1", "Job", "job", spec={"parallelism": 3, "template": template}),
        obj("apps/v1", "Deployment", "web", spec={"replicas": 2, "template": template}),
        obj("apps/v1", "DaemonSet", "each", spec={"template": template}),
    )
    sets = {load.workload.kind: load for load in loads(expand(recorded, view()))}
    job = sets["Job"].manifest(3)
    assert (job["kind"], job["spec"]["replicas"]) == ("ReplicaSet", 3)
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Always"
    assert "activeDeadlineSeconds" not in job["spec"]["template"]["spec"]
    assert job["spec"]["selector"]["matchLabels"] == {MARK: sets["Job"].id}
    assert "replicas" not in sets["DaemonSet"].manifest(0)["spec"]
    kept, words = shrunk(sets.values())
    assert kept == {sets["Job"].id: 0, sets["Deployment"].id: 2}
    assert words == "fewest replicas, jobs ended"


def test_where_nothing_can_shrink_every_second_pod_goes() -> None:
    names = ("a", "b", "c")
    template = pod_template()
    recorded = plan(*(obj("apps/v1", "Deployment", n, spec={"replicas": 1, "template": template}) for n in names))
    kept, words = shrunk(loads(expand(recorded, view())))
    assert list(kept.values()) == [1, 0, 1]
    assert words.startswith("every second pod gone")
