"""Managed groups and what Karpenter is told: the right image, disks, zone, reservation and fabric."""

from __future__ import annotations

from typing import Any

import pytest

from components.catalogue.efa import Interface, interfaces
from components.layout.karpenter import node_class
from components.layout.zones import pool_zone, training_zone
from components.spec.pools import KarpenterPool
from tests.components.aws.builders import (
    MULTI_NODE,
    aws_of,
    plan,
    platform,
    pool,
    view,
    waits_for,
    with_pool,
)
from tests.support.schemas import problems
from tests.support.shared import require_shared

GPU = {"sharing": "exclusive"}
TAGS = {"trellis:environment": "trial", "trellis:team": "ml-platform", "trellis:cost-centre": "ai-1000"}


def group(**settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs of the node group and of the launch template of one managed pool."""
    recorded = plan(with_pool(pool("managed", **settings)))
    found = (aws_of(recorded, kind)["main-pool"].inputs for kind in ("NodeGroup", "LaunchTemplate"))
    first, second = (dict(one) for one in found)
    return first, second


def class_of(**settings: Any) -> dict[str, Any]:
    """Spec of the EC2NodeClass of one Karpenter pool."""
    one = view(with_pool(pool("karpenter", **settings)))
    made = one.karpenter_pools["pool"]
    assert one.names is not None
    assert isinstance(made, KarpenterPool)
    return node_class(one, one.names, "pool", made)


def test_a_gpu_pool_gets_the_gpu_image_taint_and_labels() -> None:
    nodes, _ = group(instanceTypes=["g6.xlarge"], gpu=GPU)
    assert nodes["amiType"] == "AL2023_x86_64_NVIDIA"
    assert nodes["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert nodes["labels"]["trellis.dev/pool"] == "pool"
    assert nodes["labels"]["trellis.dev/purpose"] == "training"
    assert nodes["version"] == "1.35"


def test_a_cpu_pool_gets_neither() -> None:
    nodes, _ = group(instanceTypes=["m7i.xlarge"], purpose="preprocessing")
    assert nodes["amiType"] == "AL2023_x86_64_STANDARD"
    assert nodes["taints"] == []


def test_spot_groups_may_take_any_of_several_types() -> None:
    nodes, template = group(instanceTypes=["g6.xlarge", "g6.2xlarge"], gpu=GPU, capacityType="spot")
    assert nodes["capacityType"] == "SPOT"
    assert nodes["instanceTypes"] == ["g6.xlarge", "g6.2xlarge"]
    assert "instanceMarketOptions" not in template


def test_a_reservation_is_targeted_by_an_on_demand_group() -> None:
    reserved = {"id": "cr-0123456789abcdef0"}
    nodes, template = group(instanceTypes=["p4d.24xlarge"], gpu=GPU, capacityType="reserved", reservation=reserved)
    assert nodes["capacityType"] == "ON_DEMAND"
    assert nodes["instanceTypes"] == ["p4d.24xlarge"]
    target = template["capacityReservationSpecification"]["capacityReservationTarget"]
    assert target == {"capacityReservationId": "cr-0123456789abcdef0"}
    assert "instanceMarketOptions" not in template


def test_a_capacity_block_names_type_and_market_in_the_template_only() -> None:
    block = {"id": "cr-0123456789abcdef0", "kind": "block"}
    nodes, template = group(instanceTypes=["p5.48xlarge"], gpu=GPU, capacityType="reserved", reservation=block)
    assert nodes["capacityType"] == "CAPACITY_BLOCK"
    assert "instanceTypes" not in nodes
    assert template["instanceType"] == "p5.48xlarge"
    assert template["instanceMarketOptions"] == {"marketType": "capacity-block"}
    target = template["capacityReservationSpecification"]["capacityReservationTarget"]
    assert target == {"capacityReservationId": "cr-0123456789abcdef0"}


def test_a_fixed_group_keeps_its_size_and_a_growing_one_leaves_it_to_the_autoscaler() -> None:
    fixed = plan(with_pool(pool("managed", instanceTypes=["g6.xlarge"], gpu=GPU)))
    assert aws_of(fixed, "NodeGroup")["main-pool"].ignore_changes == ()
    growing = plan(with_pool(pool("managed", instanceTypes=["g6.xlarge"], gpu=GPU, minNodes=0, maxNodes=4)))
    grown = aws_of(growing, "NodeGroup")["main-pool"]
    assert grown.ignore_changes == ("scalingConfig.desiredSize",)
    assert grown.inputs["scalingConfig"] == {"minSize": 0, "maxSize": 4, "desiredSize": 0}
    assert grown.inputs["tags"]["trellis:expected-utilisation"] == "30"


def test_volumes_are_where_the_image_expects_them() -> None:
    _, plain = group(instanceTypes=["g6.xlarge"], gpu=GPU, diskGib=200)
    assert [(d["deviceName"], d["ebs"]["volumeSize"]) for d in plain["blockDeviceMappings"]] == [("/dev/xvda", 200)]
    _, apart = group(instanceTypes=["g6.xlarge"], gpu=GPU, diskGib=200, image="bottlerocket")
    devices = [(d["deviceName"], d["ebs"]["volumeSize"]) for d in apart["blockDeviceMappings"]]
    assert devices == [("/dev/xvda", 4), ("/dev/xvdb", 200)]
    assert {d["ebs"]["encrypted"] for d in apart["blockDeviceMappings"]} == {"true"}
    karpenter = class_of(instanceTypes=["g6.xlarge"], gpu=GPU, diskGib=200, image="bottlerocket")
    sizes = [(d["deviceName"], d["ebs"]["volumeSize"]) for d in karpenter["blockDeviceMappings"]]
    assert sizes == [("/dev/xvda", "4Gi"), ("/dev/xvdb", "200Gi")]


def test_credentials_of_a_node_are_out_of_reach_of_its_pods() -> None:
    _, template = group(instanceTypes=["g6.xlarge"], gpu=GPU)
    assert template["metadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert class_of(instanceTypes=["g6.xlarge"], gpu=GPU)["metadataOptions"] == template["metadataOptions"]


def test_what_a_pool_starts_carries_the_tags_of_who_pays() -> None:
    nodes, template = group(instanceTypes=["g6.xlarge"], gpu=GPU, team="research")
    paid = {**TAGS, "trellis:team": "research"}
    specifications = {one["resourceType"]: one["tags"] for one in template["tagSpecifications"]}
    assert specifications == dict.fromkeys(("instance", "network-interface", "volume"), paid)
    assert nodes["tags"].items() >= paid.items()
    assert class_of(instanceTypes=["g6.xlarge"], gpu=GPU, team="research")["tags"] == paid
    assert class_of(instanceTypes=["g6.xlarge"], gpu=GPU)["tags"] == TAGS


def test_multi_node_groups_have_efa_and_stand_together() -> None:
    nodes, template = group(instanceTypes=["p4d.24xlarge"], gpu=GPU, multiNode=MULTI_NODE)
    places = [(i["networkCardIndex"], i["deviceIndex"], i["interfaceType"]) for i in template["networkInterfaces"]]
    efa = [(0, 1, "efa-only"), (1, 0, "efa-only"), (2, 0, "efa-only"), (3, 0, "efa-only")]
    assert places == [(0, 0, "interface"), *efa]
    assert all(len(i["securityGroups"]) == 2 for i in template["networkInterfaces"])
    assert template["placement"] == {"groupName": "trellis-trial-main-pool"}
    assert len(nodes["subnetIds"]) == 1


def test_karpenter_is_told_the_same() -> None:
    spec = class_of(instanceTypes=["p4d.24xlarge"], gpu=GPU, multiNode=MULTI_NODE)
    assert len(spec["networkInterfaces"]) == 5
    assert spec["placementGroupSelector"] == {"name": "trellis-trial-main-pool"}
    assert spec["securityGroupSelectorTerms"][1] == {"name": "trellis-trial-main-efa"}
    [subnets] = spec["subnetSelectorTerms"]
    assert subnets["tags"]["trellis:zone-id"] == "use1-az1"
    plain = class_of(instanceTypes=["p4d.24xlarge"], gpu=GPU)
    assert not {"networkInterfaces", "placementGroupSelector"} & plain.keys()
    assert "trellis:zone-id" not in plain["subnetSelectorTerms"][0]["tags"]


@pytest.mark.parametrize(
    "settings",
    [
        {"multiNode": MULTI_NODE, "zoneId": "use1-az2"},
        {"capacityType": "reserved", "reservation": {"id": "cr-0123456789abcdef0"}},
        {"image": "bottlerocket", "team": "research"},
    ],
    ids=["fabric", "reserved", "bottlerocket"],
)
def test_karpenter_accepts_every_shape_of_node_class(settings: dict[str, Any]) -> None:
    require_shared()
    spec = class_of(instanceTypes=["p4d.24xlarge"], gpu=GPU, **settings)
    manifest = {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "pool"},
        "spec": spec,
    }
    assert problems(manifest, "1.35") == []
    broken = {**manifest, "spec": {**spec, "securityGroupSelectorTerms": [{"name": "a", "id": "sg-0a"}]}}
    assert problems(broken, "1.35")


@pytest.mark.parametrize("provisioner", ["karpenter", "managed"])
def test_the_fabric_outlives_the_nodes_that_use_it(provisioner: str) -> None:
    made = pool(provisioner, instanceTypes=["p4d.24xlarge"], gpu=GPU, multiNode=MULTI_NODE)
    recorded = plan(with_pool(made))
    before = waits_for(recorded)
    placement = aws_of(recorded, "PlacementGroup")["main-fabric-pool"]
    assert (placement.inputs["name"], placement.inputs["strategy"]) == ("trellis-trial-main-pool", "cluster")
    fabric = aws_of(recorded, "SecurityGroup")["main-fabric"]
    users = [r for r in recorded.resources if r.name.endswith("-pool") and r.kind in {"NodeGroup", "NodePool"}]
    users = [r for r in users if not r.type.startswith("trellis:")]
    assert users
    for user in users:
        assert {placement.urn, fabric.urn} <= before[user.urn], user.urn


def test_efa_traffic_passes_within_its_group_only() -> None:
    recorded = plan(with_pool(pool("karpenter", instanceTypes=["p4d.24xlarge"], gpu=GPU, multiNode=MULTI_NODE)))
    for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        rule = aws_of(recorded, kind)["main-fabric"]
        assert rule.inputs["ipProtocol"] == "-1"
        assert rule.inputs["referencedSecurityGroupId"] == rule.inputs["securityGroupId"]
        assert not {"cidrIpv4", "cidrIpv6"} & rule.inputs.keys()
        group = aws_of(recorded, "SecurityGroup")["main-fabric"].urn
        assert [d for d in rule.dependencies if "SecurityGroup::" in d] == [group]


def test_no_fabric_without_multi_node_pools() -> None:
    recorded = plan(with_pool(pool("managed", instanceTypes=["g6.xlarge"], gpu=GPU)))
    assert not aws_of(recorded, "PlacementGroup")
    assert "main-fabric" not in aws_of(recorded, "SecurityGroup")


def test_interfaces_fit_every_type_of_a_pool() -> None:
    assert interfaces(["g6.xlarge"]) == ()
    assert interfaces(["g6.xlarge", "p4d.24xlarge"]) == ()
    assert interfaces(["g6e.24xlarge", "g6e.48xlarge"]) == (
        Interface(0, 0, "interface"),
        Interface(0, 1, "efa-only"),
        Interface(1, 0, "efa-only"),
    )
    assert len(interfaces(["p5.48xlarge"])) == 33


def test_a_card_without_efa_is_left_out() -> None:
    cards = interfaces(["p6-b300.48xlarge"])
    assert cards[0] == Interface(0, 0, "interface")
    assert [(i.card, i.device) for i in cards[1:]] == [(card, 0) for card in range(1, 17)]


def test_one_zone_where_a_pool_cannot_span_several() -> None:
    for settings, zone in (
        ({}, None),
        ({"zoneId": "use1-az4"}, "use1-az4"),
        ({"multiNode": MULTI_NODE}, "use1-az1"),
        ({"multiNode": MULTI_NODE, "zoneId": "use1-az2"}, "use1-az2"),
        ({"multiNode": {"efa": True, "placementGroup": False}}, None),
    ):
        made = view(with_pool(pool("managed", instanceTypes=["p4d.24xlarge"], gpu=GPU, **settings)))
        assert pool_zone(made.platform, made.managed_pools["pool"]) == zone, settings


def test_storage_of_one_zone_goes_where_training_is_tied() -> None:
    assert training_zone(platform()) == "use1-az1"
    tied = pool("managed", instanceTypes=["p4d.24xlarge"], gpu=GPU, zoneId="use1-az4")
    assert training_zone(platform(with_pool(tied))) == "use1-az4"
    serving = {**tied, "purpose": "inference"}
    assert training_zone(platform(with_pool(serving))) == "use1-az1"


def test_karpenter_hears_of_every_interruption() -> None:
    recorded = plan()
    queue = aws_of(recorded, "Queue")["main-karpenter"].inputs
    assert queue["name"] == "trellis-trial-main-interruption"
    assert queue["sqsManagedSseEnabled"] is True
    patterns = " ".join(r.inputs["eventPattern"] for r in aws_of(recorded, "EventRule").values())
    for event in ("Spot Instance Interruption", "Rebalance", "State-change", "AWS Health", "Capacity Reservation"):
        assert event in patterns
    assert len(aws_of(recorded, "EventTarget")) == 5
