"""Nodes made from pools: what each stack's pools would give, by hand-worked figures and by sums. No control plane."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView, views
from components.layout.inventory import most_gpus
from components.spec.pools import ExistingPool, KarpenterPool, ManagedPool
from trellis.preview import load_environment, stacks
from trellis.sandbox.nodes import At, nodes_from

POOL = "trellis.dev/pool"
CLUSTERS = [(stack, name) for stack in stacks() for name in views(load_environment(stack)[1])]


def view(stack: str, cluster: str) -> ClusterView:
    return views(load_environment(stack)[1])[cluster]


def of_pool(nodes: list[dict[str, Any]], pool: str) -> list[dict[str, Any]]:
    return [node for node in nodes if node["metadata"]["labels"].get(POOL) == pool]


def total(nodes: list[dict[str, Any]], resource: str) -> int:
    return sum(int(node["status"]["allocatable"].get(resource, 0)) for node in nodes)


def test_the_development_pools_by_hand() -> None:
    nodes = nodes_from(view("dev", "main"))
    whole = of_pool(nodes, "gpu-inference")
    assert len(whole) == 5  # a limit of five GPUs, one in each node
    assert {node["metadata"]["labels"]["node.kubernetes.io/instance-type"] for node in whole} == {"gr6.4xlarge"}
    node = whole[0]
    assert node["metadata"]["labels"]["karpenter.sh/capacity-type"] == "spot"
    assert node["metadata"]["labels"]["karpenter.sh/nodepool"] == "gpu-inference"
    assert node["metadata"]["labels"]["trellis.dev/purpose"] == "inference"
    assert node["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    kind = instance_type("gr6.4xlarge")
    assert node["status"]["allocatable"] == {
        "cpu": f"{kind.allocatable_cpu_millis}m",
        "memory": f"{kind.allocatable_memory_mib}Mi",
        "pods": str(kind.max_pods),
        "nvidia.com/gpu": "1",
    }
    shared = of_pool(nodes, "gpu-shared")
    assert [node["status"]["allocatable"]["nvidia.com/gpu.shared"] for node in shared] == ["4"]
    assert "nvidia.com/gpu" not in shared[0]["status"]["allocatable"]


def test_nodes_of_a_pool_spread_over_the_zones() -> None:
    nodes = of_pool(nodes_from(view("dev", "main")), "gpu-inference")
    zones = Counter(node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes)
    assert sorted(zones.values()) == [1, 2, 2]


def test_nodes_that_exist_carry_their_pool_and_no_taint() -> None:
    nodes = nodes_from(view("onprem", "dc1"))
    assert len(of_pool(nodes, "gpu-inference")) == 4
    assert all("taints" not in node["spec"] for node in nodes)
    assert total(of_pool(nodes, "gpu-inference"), "nvidia.com/gpu") == 16
    assert total(of_pool(nodes, "gpu-shared"), "nvidia.com/gpu.shared") == 16


@pytest.mark.parametrize(("stack", "cluster"), CLUSTERS)
@pytest.mark.parametrize("at", ["floor", "limit"])
def test_every_node_is_one_of_its_kind(stack: str, cluster: str, at: At) -> None:
    nodes = nodes_from(view(stack, cluster), at)
    names = [node["metadata"]["name"] for node in nodes]
    assert len(set(names)) == len(names)
    for node in nodes:
        assert node["metadata"]["labels"]["kubernetes.io/hostname"] == node["metadata"]["name"]
        assert int(node["status"]["allocatable"]["pods"]) > 0


@pytest.mark.parametrize(("stack", "cluster"), CLUSTERS)
def test_at_the_limit_no_pool_exceeds_it_and_none_could_hold_one_more_node(stack: str, cluster: str) -> None:
    seen = view(stack, cluster)
    nodes = nodes_from(seen, "limit")
    for name, pool in seen.pools.items():
        made = of_pool(nodes, name)
        kinds = [
            instance_type(node["metadata"]["labels"]["node.kubernetes.io/instance-type"])
            for node in made
            if seen.is_eks
        ]
        if isinstance(pool, KarpenterPool):
            most = {"gpu_count": pool.limits.gpus, "vcpu": pool.limits.cpu, "memory_gib": pool.limits.memory_gib}
            used = {what: sum(getattr(kind, what) for kind in kinds) for what in most}
            limits = {what: limit for what, limit in most.items() if limit is not None}
            assert all(used[what] <= limit for what, limit in limits.items())
            assert pool.limits.nodes is None or len(made) <= pool.limits.nodes
            for kind in map(instance_type, pool.instance_types):
                over = any(used[what] + getattr(kind, what) > limit for what, limit in limits.items())
                assert over or len(made) == pool.limits.nodes
            assert sum(kind.gpu_count for kind in kinds) <= most_gpus(pool)
        elif isinstance(pool, ManagedPool):
            assert len(made) == pool.max_nodes
        elif isinstance(pool, ExistingPool):
            assert len(made) == pool.nodes


@pytest.mark.parametrize(("stack", "cluster"), CLUSTERS)
def test_at_the_floor_only_what_never_goes_is_there(stack: str, cluster: str) -> None:
    seen = view(stack, cluster)
    nodes = nodes_from(seen, "floor")
    for name, pool in seen.pools.items():
        expected = {
            "KarpenterPool": 0,
            "ManagedPool": getattr(pool, "min_nodes", 0),
            "ExistingPool": getattr(pool, "nodes", 0),
        }
        assert len(of_pool(nodes, name)) == expected[type(pool).__name__]


def test_the_largest_type_comes_first_and_the_rest_fills_up() -> None:
    pool = KarpenterPool.model_validate(
        {
            "purpose": "training",
            "instanceTypes": ("g6.xlarge", "g6.48xlarge"),
            "gpu": {"sharing": "exclusive"},
            "limits": {"gpus": 19},
        }
    )
    seen = view("dev", "main")
    cluster = seen.cluster.model_copy(update={"pools": {"mixed": pool}})
    platform = seen.platform.model_copy(update={"clusters": {"main": cluster}})
    kinds = Counter(
        node["metadata"]["labels"]["node.kubernetes.io/instance-type"]
        for node in of_pool(nodes_from(ClusterView(platform, "main")), "mixed")
    )
    assert kinds == {"g6.48xlarge": 2, "g6.xlarge": 3}


@pytest.mark.parametrize(
    ("gpu", "offered"),
    [
        ({"sharing": "mig", "layout": {"1g.5gb": 7}}, {"nvidia.com/mig-1g.5gb": "56"}),
        ({"sharing": "mig", "layout": {"1g.5gb": 7}, "strategy": "single"}, {"nvidia.com/gpu": "56"}),
        ({"sharing": "mps", "replicas": 4}, {"nvidia.com/gpu.shared": "32"}),
        ({"sharing": "exclusive"}, {"nvidia.com/gpu": "8"}),
    ],
)
def test_a_node_offers_what_the_profile_gives(gpu: dict[str, Any], offered: dict[str, str]) -> None:
    pool = KarpenterPool.model_validate(
        {"purpose": "training", "instanceTypes": ("p4d.24xlarge",), "gpu": gpu, "limits": {"gpus": 8}}
    )
    seen = view("dev", "main")
    cluster = seen.cluster.model_copy(update={"pools": {"big": pool}})
    platform = seen.platform.model_copy(update={"clusters": {"main": cluster}})
    (node,) = of_pool(nodes_from(ClusterView(platform, "main")), "big")
    assert {r: n for r, n in node["status"]["allocatable"].items() if "nvidia" in r} == offered
