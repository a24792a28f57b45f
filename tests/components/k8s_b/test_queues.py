"""Queues: who is served, what covers what, and how a pool is divided."""

from __future__ import annotations

import pytest
import yaml

from components.catalogue.addons import addon
from components.layout import namespaces, queues
from components.layout.capacity import capacity
from components.spec.workloads import Team
from tests.components.aws.builders import Values, pool, with_pool
from tests.components.k8s.builders import view
from tests.components.k8s_b.test_teams import SHARED, WHOLE, with_pools

CPU_POOL = pool("karpenter", instanceTypes=["c7i.4xlarge"], limits={"cpu": 64})
TEAMS: Values = {"teams": {"research": {"gpus": 3, "cpu": 40}, "search": {"gpus": 3, "cpu": 10}}}


def test_flavours_list_every_covered_resource_in_one_order() -> None:
    cluster = view(with_pools(whole=WHOLE, shared=SHARED, cpu=CPU_POOL), TEAMS)
    for spec in queues.cluster_queues(cluster).values():
        (group,) = spec["resourceGroups"]
        assert [one["name"] for one in group["flavors"]] == ["cpu", "shared", "whole"], "without GPUs first"
        for flavour in group["flavors"]:
            assert [row["name"] for row in flavour["resources"]] == group["coveredResources"]


def test_each_flavour_is_a_pool_and_keeps_the_taint() -> None:
    cluster = view(with_pools(whole=WHOLE, cpu=CPU_POOL))
    flavours = queues.flavours(cluster)
    assert set(flavours) == set(cluster.pools)
    assert flavours["whole"]["nodeTaints"][0]["key"] == "nvidia.com/gpu"
    assert "tolerations" not in flavours["whole"], "Kueue would let jobs without a GPU onto GPU nodes"
    assert "nodeTaints" not in flavours["cpu"]


def test_a_queue_serves_its_team_and_nobody_else() -> None:
    cluster = view(TEAMS)
    plans = namespaces.namespaces(cluster)
    for team, spec in queues.cluster_queues(cluster).items():
        wanted = spec["namespaceSelector"]["matchLabels"]
        served = [
            name
            for name, plan in plans.items()
            if {"kubernetes.io/metadata.name": name, **plan.labels}.items() >= wanted.items()
        ]
        assert served == [team]


def test_kueue_manages_only_namespaces_that_opt_in() -> None:
    values = addon("kueue").release("kueue").values
    config = yaml.safe_load(values["managerConfig"]["controllerManagerConfigYaml"])
    assert config["managedJobsNamespaceSelector"] == {"matchLabels": {namespaces.QUEUED_LABEL: "true"}}
    assert not config.get("manageJobsWithoutQueueName"), "models would be held back as well"
    plans = namespaces.namespaces(view(TEAMS))
    assert {name for name, plan in plans.items() if namespaces.QUEUED_LABEL in plan.labels} == {"research", "search"}
    assert queues.LOCAL_QUEUE != "default", "a queue of that name takes every pod of its namespace"


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [((3, 3), (2, 1)), ((3, 0), (3, 0)), ((1, 1), (1, 1)), ((9, 3), (2, 1)), ((0, 0), (0, 0))],
)
def test_a_pool_of_three_gpus_is_divided(gpus: tuple[int, int], expected: tuple[int, int]) -> None:
    teams = {name: Team(gpus=count) for name, count in zip(("a", "b"), gpus, strict=True)}
    shares = queues.shares(teams, view(with_pool(WHOLE)).pools["pool"], "nvidia.com/gpu")
    assert (shares["a"], shares["b"]) == expected


def test_capacity_is_what_pods_get_and_not_what_nodes_have() -> None:
    room = capacity(view(with_pool(WHOLE)).pools["pool"])
    assert room["nvidia.com/gpu"] == 3
    assert room["cpu"] == 3 * 3, "a g6.xlarge leaves 3.92 of its 4 CPUs to pods"
    assert room["memory"] == 3 * 13


def test_capacity_of_a_managed_pool_is_what_its_least_type_gives() -> None:
    made = pool("managed", instanceTypes=["g6.xlarge", "g6.2xlarge"], gpu={"sharing": "exclusive"}, maxNodes=2)
    assert capacity(view(with_pool(made)).pools["pool"])["cpu"] == 2 * 3


def test_outputs_name_the_queues() -> None:
    assert queues.outputs(view()) == {"research": {"localQueue": "training", "clusterQueue": "research"}}
    assert queues.outputs(view({"addons": {"kueue": False}})) == {}
