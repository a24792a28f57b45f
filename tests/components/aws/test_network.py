"""The network, made or given, and what must outlive what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.components.aws.builders import FILES, MULTI_NODE, SPLIT, aws_of, components, plan, pool, waits_for, with_pool
from trellis.plan import Plan

MONTHLY = "trellis:expected-gib-month"
"""Tag that the price table reads: GiB carried, or taken in, in a month."""

EXISTING = {
    "network": {
        "mode": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "cidr": "10.9.0.0/16",
        "privateSubnetIds": {"use1-az1": "subnet-0aaaaaaa", "use1-az2": "subnet-0bbbbbbb"},
    }
}


def test_nodes_wait_for_every_way_out() -> None:
    """A node that comes before its route cannot join; a route that goes before a controller strands what it removes."""
    recorded = plan(with_pool(pool("managed", instanceTypes=["g6.xlarge"], gpu={"sharing": "exclusive"})))
    before = waits_for(recorded)
    kinds = ("Vpc", "InternetGateway", "Route", "NatGateway", "VpcEndpoint")
    ways = [r.urn for kind in kinds for r in aws_of(recorded, kind).values()]
    assert len(ways) == 1 + 1 + 4 + 1 + 5
    for group in aws_of(recorded, "NodeGroup").values():
        assert set(ways) <= before[group.urn], group.name
    releases = [r for r in recorded.resources if r.type == "kubernetes:helm.sh/v3:Release"]
    assert releases
    for release in releases:
        assert set(ways) <= before[release.urn], release.name


def test_nat_gateways_wait_for_the_way_to_the_internet() -> None:
    """EC2 fails a NAT gateway in a VPC whose internet gateway is not attached yet (`Gateway.NotAttached`)."""
    recorded = plan({"network": {"mode": "create", "nat": "per-zone"}})
    before = waits_for(recorded)
    (internet,) = aws_of(recorded, "InternetGateway").values()
    gateways = aws_of(recorded, "NatGateway").values()
    assert gateways
    for gateway in gateways:
        assert internet.urn in before[gateway.urn], gateway.name


def test_one_nat_gateway_or_one_in_each_zone() -> None:
    single, many = plan(), plan({"network": {"mode": "create", "nat": "per-zone"}})
    assert len(aws_of(single, "NatGateway")) == 1
    assert len(aws_of(many, "NatGateway")) == 3
    routes = [r for name, r in aws_of(many, "Route").items() if name.endswith("-nat")]
    assert len({dependency for r in routes for dependency in r.dependencies if "NatGateway" in dependency}) == 3


def test_nat_gateways_share_what_all_are_expected_to_carry() -> None:
    for nat, part in (("single", "90"), ("per-zone", "30")):
        recorded = plan({"network": {"mode": "create", "nat": nat, "expectedNatGibPerMonth": 90}})
        assert _monthly(recorded, "NatGateway") == {part}
    assert _monthly(plan(), "NatGateway") == {"100"}


def test_each_interface_endpoint_states_what_it_carries() -> None:
    recorded = plan({"network": {"mode": "create", "expectedEndpointGibPerMonth": 7}})
    tags = {name: r.inputs.get("tags", {}).get(MONTHLY) for name, r in aws_of(recorded, "VpcEndpoint").items()}
    assert tags == {"ec2": "7", "ecr-api": "7", "ecr-dkr": "7", "sts": "7", "s3": None}


def test_log_groups_state_what_is_written_to_them() -> None:
    stated = plan(
        {
            "network": {"mode": "create", "expectedFlowLogGibPerMonth": 3},
            "clusters": {"main": {"expectedLogGibPerMonth": 4}},
        }
    )
    for recorded, flow, control_plane in ((stated, "3", "4"), (plan(), "10", "10")):
        groups = aws_of(recorded, "LogGroup")
        assert groups["flow"].inputs["tags"][MONTHLY] == flow
        assert groups["main-control-plane"].inputs["tags"][MONTHLY] == control_plane


def test_the_world_is_named_in_routes_only() -> None:
    for recorded in (plan(FILES), plan(SPLIT)):
        open_to = [
            (resource.urn, path)
            for resource in recorded.resources
            if resource.type.startswith("aws:")
            for path, value in _leaves(resource.inputs)
            if value in ("0.0.0.0/0", "::/0")
        ]
        assert open_to
        assert all("aws:ec2/route:Route::" in urn and path == "destinationCidrBlock" for urn, path in open_to), open_to


def test_everything_is_made_by_the_one_provider_that_tags_it() -> None:
    recorded = plan(FILES)
    providers = [r for r in recorded.resources if r.type == "pulumi:providers:aws"]
    assert [r.inputs["allowedAccountIds"] for r in providers] == ['["111122223333"]']
    for key in ("trellis:environment", "trellis:team", "trellis:cost-centre"):
        assert key in str(providers[0].inputs["defaultTags"])
    for resource in recorded.resources:
        if resource.type.startswith("aws:"):
            assert resource.provider == providers[0].urn, resource.urn


def test_an_existing_network_is_used_and_not_touched() -> None:
    recorded = plan(EXISTING, FILES)
    for kind in ("Vpc", "Subnet", "Route", "RouteTable", "NatGateway", "InternetGateway", "VpcEndpoint", "FlowLog"):
        assert not aws_of(recorded, kind), kind
    subnets = aws_of(recorded, "Cluster")["main"].inputs["vpcConfig"]["subnetIds"]
    assert subnets == ["subnet-0aaaaaaa", "subnet-0bbbbbbb"]
    assert aws_of(recorded, "NodeGroup")["main-system"].inputs["subnetIds"] == subnets
    assert aws_of(recorded, "SubnetGroup")["mlflow"].inputs["subnetIds"] == subnets
    assert {r.inputs["subnetId"] for r in aws_of(recorded, "MountTarget").values()} == set(subnets)
    groups = aws_of(recorded, "SecurityGroup")
    assert groups
    assert {r.inputs["vpcId"] for r in groups.values()} == {"vpc-0123456789abcdef0"}


def test_a_pool_tied_to_one_zone_gets_that_subnet_only() -> None:
    tied = pool("managed", instanceTypes=["p4d.24xlarge"], gpu={"sharing": "exclusive"}, zoneId="use1-az2")
    recorded = plan(EXISTING, with_pool(tied))
    assert aws_of(recorded, "NodeGroup")["main-pool"].inputs["subnetIds"] == ["subnet-0bbbbbbb"]
    close = pool("managed", instanceTypes=["p4d.24xlarge"], gpu={"sharing": "exclusive"}, multiNode=MULTI_NODE)
    recorded = plan(EXISTING, with_pool(close))
    assert aws_of(recorded, "NodeGroup")["main-pool"].inputs["subnetIds"] == ["subnet-0aaaaaaa"]


def test_a_private_api_server_is_reached_from_the_stated_ranges() -> None:
    private = {"access": "private", "deployFromCidrs": ["10.20.0.0/24", "10.8.0.0/16"]}
    recorded = plan({"clusters": {"main": {"endpoint": None}}}, {"clusters": {"main": {"endpoint": private}}})
    config = aws_of(recorded, "Cluster")["main"].inputs["vpcConfig"]
    assert config["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in config
    rules = [
        r.inputs["cidrIpv4"] for name, r in aws_of(recorded, "SecurityGroupIngressRule").items() if "-api-" in name
    ]
    assert sorted(rules) == ["10.20.0.0/24", "10.8.0.0/16"]


def test_the_way_in_outlives_every_kubernetes_object() -> None:
    """Without its access entry the deployer could not even remove what it made."""
    recorded = plan()
    before = waits_for(recorded)
    entry = aws_of(recorded, "AccessPolicyAssociation")["main-deployer"].urn
    objects = [r for r in recorded.resources if r.type.startswith("kubernetes:")]
    assert objects
    for resource in objects:
        provider = resource.provider
        assert provider is not None
        assert entry in before[provider], resource.urn


def test_components_close_what_they_open() -> None:
    kinds = {r.type for r in plan(FILES, SPLIT).resources if r.type.startswith("trellis:aws:")}
    assert {"trellis:aws:Network", "trellis:aws:Buckets", "trellis:aws:Database", "trellis:aws:Reach"} <= kinds
    assert components(plan(SPLIT), "Cluster").keys() == {"training", "inference"}


def _monthly(recorded: Plan, kind: str) -> set[str]:
    return {r.inputs["tags"][MONTHLY] for r in aws_of(recorded, kind).values()}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, path)
    else:
        yield path, value
