"""One profile decides everything about a pool's GPUs: whatever it is, all who speak of it say the same."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings

from components.catalogue.hardware import instance_type
from components.layout import queues, training
from components.layout.capacity import capacity
from components.layout.clusters import ClusterView
from components.layout.gpu import GPU_RESOURCE, TAINT, offer
from components.layout.inventory import most_gpus
from components.layout.karpenter import limits, node_labels, node_pool, overlay
from components.layout.node_groups import pool_group
from components.layout.teams import quota
from components.layout.values.gpu_operator import values
from components.spec.pools import KarpenterPool, ManagedPool, Mig, PoolBase
from tests.components.aws.builders import Values, merged, with_pool
from tests.components.aws.builders import pool as pool_values
from tests.components.k8s.builders import ON_PREMISES, view
from tests.components.k8s_b.builders import fabric_pool, gpu_pools, trained

DEFAULTS = {"nvidia.com/mig.config": "all-disabled", "nvidia.com/device-plugin.config": "exclusive"}


def ask(made: Values) -> Values:
    """A job for one GPU of a pool, or for one slice where the pool tells slices apart."""
    profile, resources = made["gpu"], {"gpus": 1, "cpu": 4, "memoryGib": 16}
    if profile["sharing"] == "mig" and profile["strategy"] == "mixed":
        resources["migProfile"] = min(profile["layout"])
    return trained(resources=resources)


def configurations(view_: ClusterView) -> dict[str, dict[str, Any]]:
    """By input label of the operator: the configurations that its values hold, by key."""
    given_values = values(view_)
    layouts = given_values["migManager"].get("config", {}).get("data", {})
    mig = yaml.safe_load(layouts["config.yaml"])["mig-configs"] if layouts else {}
    sharing = given_values["devicePlugin"].get("config", {}).get("data", {})
    return {
        "nvidia.com/mig.config": mig,
        "nvidia.com/device-plugin.config": {key: yaml.safe_load(text) for key, text in sharing.items()},
    }


@settings(max_examples=150, deadline=None)
@given(gpu_pools())
def test_offers_labels_overlays_quotas_queues_and_requests_agree(made: Values) -> None:
    cluster = view(with_pool(made), ask(made))
    pool = cluster.pools["pool"]
    offered = offer(pool)
    assert offered is not None
    needs = training.resources(cluster, cluster.platform.training["job"])["limits"]
    asked = {name: units for name, units in needs.items() if name.startswith("nvidia.com/")}

    # What a workload asks for is what the pool offers, under one name, and one unit of it is there.
    assert set(asked) <= set(offered.units)
    assert len(asked) == 1

    # Each label names a configuration that the operator's values hold, and it cuts or shares as the offer says.
    labels = node_labels("pool", pool)
    known = configurations(cluster)
    for label, default in DEFAULTS.items():
        key = labels.get(label)
        if key is None:
            continue
        assert key in known[label], f"{label}={key} names nothing"
        assert default in known[label], "nodes of other pools fall back to it"
    check_configuration(pool, labels, known, offered.units)
    if isinstance(pool.gpu, Mig):
        assert values(cluster)["mig"]["strategy"] == pool.gpu.strategy

    # Whoever starts the nodes, they carry the same labels and the taint that the workload tolerates.
    check_nodes(cluster, pool, labels)

    # The quota counts exactly the names that are offered, and never more than there is.
    hard = {
        key.removeprefix("requests."): int(units)
        for key, units in _gpu_keys(quota(cluster, cluster.platform.teams["research"]))
    }
    assert set(hard) == {GPU_RESOURCE, *offered.units}
    assert all(hard[name] <= most_gpus(pool) * units for name, units in offered.units.items())

    # A queue covers every resource that a job asks for, or it would never be admitted.
    (queue,) = queues.cluster_queues(cluster).values()
    assert set(needs) <= set(queue["resourceGroups"][0]["coveredResources"])


def _gpu_keys(hard: Any) -> list[tuple[str, str]]:
    return [(key, units) for key, units in hard.items() if "nvidia.com/" in key]


def check_configuration(pool: PoolBase, labels: dict[str, str], known: dict[str, dict[str, Any]], units: Any) -> None:
    if isinstance(pool.gpu, Mig):
        (cut,) = known["nvidia.com/mig.config"][labels["nvidia.com/mig.config"]]
        assert cut["mig-enabled"] is True
        assert sum(cut["mig-devices"].values()) == sum(units.values())
        return
    key = labels.get("nvidia.com/device-plugin.config")
    if pool.gpu is None or pool.gpu.sharing == "exclusive":
        assert key is None
        assert dict(units) == {GPU_RESOURCE: 1}
        return
    ((kind, share),) = known["nvidia.com/device-plugin.config"][key or ""]["sharing"].items()
    assert kind == {"time-slicing": "timeSlicing", "mps": "mps"}[pool.gpu.sharing]
    assert share["renameByDefault"] is True, "shares must not be called GPUs"
    assert [share["resources"][0]["replicas"]] == list(units.values())


def check_nodes(cluster: ClusterView, pool: PoolBase, labels: dict[str, str]) -> None:
    if isinstance(pool, KarpenterPool):
        template = node_pool("pool", pool)["template"]
        assert template["metadata"]["labels"] == labels
        assert template["spec"]["taints"] == [dict(TAINT)]
        # Limits are physical GPUs whatever the sharing: that is what is paid for.
        assert limits(pool)[GPU_RESOURCE] == str(pool.limits.gpus)
        told = overlay("pool", pool)
        offered = offer(pool)
        assert offered is not None
        # A node that shares or cuts its GPUs reports none as such: only a limit on what it reports still bounds it.
        most = offered.units_for(pool.limits.gpus or 0)
        assert {name: limits(pool).get(name) for name in most if name != GPU_RESOURCE} == {
            name: str(units) for name, units in most.items() if name != GPU_RESOURCE
        }
        gpus = instance_type(pool.instance_types[0]).gpu_count
        if told is None:
            assert offered.profile.sharing == "exclusive"
        else:
            assert told["capacity"] == {name: str(units) for name, units in offered.units_for(gpus).items()}
    elif isinstance(pool, ManagedPool):
        group = pool_group(cluster, "pool", pool)
        assert dict(group.labels) == labels
        assert [vars(taint) for taint in group.taints] == [{**TAINT, "effect": "NO_SCHEDULE"}]


@settings(max_examples=150, deadline=None)
@given(gpu_pools())
def test_a_queue_never_admits_more_than_its_pool_can_give(made: Values) -> None:
    teams = {"teams": {"a": {"gpus": 3}, "b": {"gpus": 16, "cpu": 500}, "c": {"gpus": 64, "memoryGib": 9000}}}
    cluster = view(with_pool(made), merged(teams))
    pool = cluster.pools["pool"]
    room = capacity(pool)
    assert room[next(iter(sorted(set(room) - {"cpu", "memory", "vpc.amazonaws.com/efa"})))] > 0
    for resource, most in room.items():
        shares = queues.shares(cluster.platform.teams, pool, resource)
        assert set(shares) == set(cluster.platform.teams)
        assert sum(shares.values()) <= most
        assert all(share >= 0 for share in shares.values())
    for spec in queues.cluster_queues(cluster).values():
        for row in spec["resourceGroups"][0]["flavors"][0]["resources"]:
            nominal, borrowed = (int(row[key].removesuffix("Gi")) for key in ("nominalQuota", "borrowingLimit"))
            assert borrowed >= 0
            assert nominal + borrowed <= room.get(row["name"], 0)


def test_a_job_over_nodes_asks_for_the_adapters_that_its_queue_covers() -> None:
    cluster = view(with_pool(fabric_pool()), trained(nodes=2, resources={"gpus": 8, "cpu": 80, "memoryGib": 900}))
    asked = training.resources(cluster, cluster.platform.training["job"])["limits"]
    assert asked["vpc.amazonaws.com/efa"] == "4", "p4d.24xlarge has four"
    (queue,) = queues.cluster_queues(cluster).values()
    assert set(asked) <= set(queue["resourceGroups"][0]["coveredResources"])


def test_the_mig_manager_may_reboot_ec2_nodes_only() -> None:
    """A GPU handed to a virtual machine may enter MIG mode only by a reboot; other machines are not ours to reboot."""
    mig = {"sharing": "mig", "layout": {"1g.5gb": 7}}
    cut = pool_values("managed", instanceTypes=["p4d.24xlarge"], gpu=mig, minNodes=1, maxNodes=1)
    manager = values(view(with_pool(cut)))["migManager"]
    assert manager["env"] == [{"name": "WITH_REBOOT", "value": "true"}]
    racks = {
        "provisioner": "existing",
        "purpose": "inference",
        "nodes": 1,
        "cpu": 64,
        "memoryGib": 512,
        "gpuModel": "a100-40gb",
        "gpusPerNode": 4,
        "gpu": mig,
    }
    on_premises = view(ON_PREMISES, {"clusters": {"dc1": {"pools": {"racks": racks}}}}, cluster="dc1")
    manager = values(on_premises)["migManager"]
    assert "config" in manager
    assert "env" not in manager
    whole = pool_values("managed", instanceTypes=["p4d.24xlarge"], gpu={"sharing": "exclusive"})
    assert "env" not in values(view(with_pool(whole)))["migManager"]
