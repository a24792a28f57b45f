"""Managed services and the network, each sum worked out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from components.catalogue import prices
from tests.catalogue.plans import UNKNOWN, month, priced, resource


def flat(kind: str, inputs: dict[str, Any], region: str = "us-east-1", **more: Any) -> float:
    """The month of something that costs the same in every month."""
    minimum, expected, worst = month(resource(kind, inputs), region, **more)
    assert minimum == expected == worst
    return worst


@pytest.mark.parametrize(
    ("inputs", "on", "usd"),
    [
        ({"version": "1.35"}, date(2026, 11, 23), 73.0),  # 0.10 x 730
        ({"version": "1.33"}, date(2026, 11, 23), 438.0),  # 0.60 x 730: standard support ended 2026-07-29
        ({"version": "1.33"}, date(2026, 7, 28), 73.0),
        ({"version": "1.33"}, date(2026, 7, 29), 438.0),
        ({"version": "1.33", "upgradePolicy": {"supportType": "STANDARD"}}, date(2026, 11, 23), 73.0),
        ({"version": "1.29"}, date(2026, 11, 23), 438.0),
        ({"version": "1.33"}, None, 73.0),
        ({}, date(2026, 11, 23), 73.0),
        ({"version": "1.36"}, date(2026, 11, 23), 73.0),
    ],
)
def test_the_control_plane(inputs: dict[str, Any], on: date | None, usd: float) -> None:
    assert flat("aws:eks/cluster:Cluster", inputs, as_of=on) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("version", "on", "note"),
    [
        ("1.35", date(2026, 11, 23), "begins in 124 days (2027-03-27)"),
        ("1.33", date(2026, 11, 23), "in extended support since 2026-07-29"),
        ("1.36", date(2026, 11, 23), "no support dates known for Kubernetes 1.36"),
        ("2.0", date(2026, 11, 23), "2.0 is not in the EKS calendar"),
        ("1.35", None, "no date given"),
    ],
)
def test_the_control_plane_says_what_is_coming(version: str, on: date | None, note: str) -> None:
    found = priced(resource("aws:eks/cluster:Cluster", {"version": version}), as_of=on)
    assert note in " ".join(found.notes)


def test_a_version_in_good_time_says_nothing() -> None:
    assert priced(resource("aws:eks/cluster:Cluster", {"version": "1.35"}), as_of=date(2026, 3, 1)).notes == ()


def test_auto_mode_is_left_out_aloud() -> None:
    found = priced(resource("aws:eks/cluster:Cluster", {"version": "1.35", "computeConfig": {"enabled": True}}))
    assert "Auto Mode" in found.left_out[0]


def test_nat_and_addresses() -> None:
    assert flat("aws:ec2/natGateway:NatGateway", {}) == pytest.approx(0.045 * 730)
    stated = {"tags": {"trellis:expected-gib-month": "1000"}}
    assert flat("aws:ec2/natGateway:NatGateway", stated) == pytest.approx(0.045 * 730 + 1000 * 0.045)
    assert flat("aws:ec2/natGateway:NatGateway", {}, "ap-southeast-1") == pytest.approx(0.059 * 730)
    assert flat("aws:ec2/eip:Eip", {"domain": "vpc"}) == pytest.approx(3.65)  # 0.005 x 730
    assert "data processed" in priced(resource("aws:ec2/natGateway:NatGateway", {})).left_out[0]


def test_endpoints_are_billed_by_zone() -> None:
    interface = {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN, UNKNOWN]}
    assert flat("aws:ec2/vpcEndpoint:VpcEndpoint", interface) == pytest.approx(21.9)  # 3 x 0.01 x 730
    assert flat("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"}) == 0
    assert flat("aws:ec2/vpcEndpoint:VpcEndpoint", {}) == 0
    for inputs, reason in (
        ({"vpcEndpointType": "Interface", "subnetIds": UNKNOWN}, "subnetIds is known only after deployment"),
        ({"vpcEndpointType": "Interface"}, "subnetIds must be set"),
        ({"vpcEndpointType": "GatewayLoadBalancer"}, "no price for VPC endpoints of type GatewayLoadBalancer"),
    ):
        assert reason in priced(resource("aws:ec2/vpcEndpoint:VpcEndpoint", inputs)).reason


def test_load_balancers() -> None:
    assert flat("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "network"}) == pytest.approx(16.425)
    assert flat("aws:lb/loadBalancer:LoadBalancer", {}) == pytest.approx(0.0225 * 730)
    gateway = priced(resource("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "gateway"}))
    assert "no price for load balancers of type gateway" in gateway.reason


def test_a_database() -> None:
    inputs = {"engine": "postgres", "instanceClass": "db.m7g.large", "multiAz": True, "allocatedStorage": 50.0}
    listed = prices.rds("db.m7g.large", "us-east-1", multi_az=True)
    assert listed is not None
    assert flat("aws:rds/instance:Instance", inputs) == pytest.approx(listed.usd * 730)
    assert (
        "database storage (50 GiB, at most 50 GiB)" in priced(resource("aws:rds/instance:Instance", inputs)).left_out[0]
    )
    for change, reason in (
        ({"engine": "mysql"}, "no price for RDS engine 'mysql'"),
        ({"instanceClass": "db.z9.large"}, "no price for RDS class db.z9.large in us-east-1"),
        ({"multiAz": UNKNOWN}, "multiAz is known only after deployment"),
    ):
        assert reason in priced(resource("aws:rds/instance:Instance", inputs | change)).reason


@pytest.mark.parametrize(
    ("kind", "usd"),
    [
        ("aws:kms/key:Key", 1.0),
        ("aws:secretsmanager/secret:Secret", 0.4),
        ("aws:route53/zone:Zone", 0.5),
    ],
)
def test_things_billed_by_the_month(kind: str, usd: float) -> None:
    assert flat(kind, {}) == usd
    elsewhere = priced(resource(kind, {}), "eu-west-1")
    assert elsewhere.confidence == "unsure"
    assert "us-east-1's taken" in elsewhere.notes[0]


@pytest.mark.parametrize(
    ("kind", "usd"),
    [
        ("aws:s3/bucket:Bucket", 500 * 0.023),
        ("aws:s3/bucketV2:BucketV2", 500 * 0.023),
        ("aws:efs/fileSystem:FileSystem", 500 * 0.30),
        ("aws:ecr/repository:Repository", 500 * 0.10),
    ],
)
def test_storage_is_priced_by_stated_volume_only(kind: str, usd: float) -> None:
    assert flat(kind, {"tags": {"trellis:expected-gib": "500"}}) == pytest.approx(usd)
    assert flat(kind, {"tagsAll": {"trellis:expected-gib": 500.0}}) == pytest.approx(usd)
    for tags in ({}, {"trellis:expected-gib": UNKNOWN}, {"trellis:expected-gib": "lots"}):
        silent = priced(resource(kind, {"tags": tags}))
        assert (silent.status, silent.cost) == ("unpriced", None)
        assert "state the expected volume in the tag trellis:expected-gib" in silent.reason


def test_file_systems_with_more() -> None:
    tags = {"trellis:expected-gib": "100"}
    one_zone = {"tags": tags, "availabilityZoneName": "us-east-1a"}
    assert flat("aws:efs/fileSystem:FileSystem", one_zone) == pytest.approx(100 * 0.16)
    fast = {"tags": tags, "provisionedThroughputInMibps": 10}
    assert flat("aws:efs/fileSystem:FileSystem", fast) == pytest.approx(100 * 0.30 + 10 * 6)


def test_log_groups() -> None:
    """90 GB a month: 90 x 0.50 to take in, and 30 days of it kept at 0.03."""
    tags = {"trellis:expected-gib-month": "90"}
    kept = {"tags": tags, "retentionInDays": 60}
    assert flat("aws:cloudwatch/logGroup:LogGroup", kept) == pytest.approx(90 * 0.5 + 180 * 0.03)
    endless = priced(resource("aws:cloudwatch/logGroup:LogGroup", {"tags": tags}))
    assert "grows for ever" in endless.left_out[0]
    assert "expected intake" in priced(resource("aws:cloudwatch/logGroup:LogGroup", {})).reason


def test_volumes() -> None:
    """200 GiB gp3 with 5000 IOPS and 250 MiB/s: 200 x 0.08 + 2000 x 0.005 + 125 x 0.04."""
    fast = {"size": 200, "type": "gp3", "iops": 5000, "throughput": 250}
    assert flat("aws:ebs/volume:Volume", fast) == pytest.approx(16 + 10 + 5)
    assert flat("aws:ebs/volume:Volume", {"size": 200, "type": "gp3", "iops": 3000, "throughput": 125}) == 16
    assert flat("aws:ebs/volume:Volume", {"size": 100, "type": "io2", "iops": 1000}) == pytest.approx(12.5 + 65)
    assert flat("aws:ebs/volume:Volume", {"size": 100}) == pytest.approx(10)  # gp2
    assert "no price for EBS io9" in priced(resource("aws:ebs/volume:Volume", {"size": 1, "type": "io9"})).reason
    assert "size must be set" in priced(resource("aws:ebs/volume:Volume", {})).reason


def test_what_no_table_prices_is_listed() -> None:
    for kind, reason in (
        ("aws:fsx/lustreFileSystem:LustreFileSystem", "no FSx for Lustre price"),
        ("aws:sqs/queue:Queue", "billed by request"),
        ("aws:bedrock/agent:Agent", "in no price table and not known to be free"),
    ):
        found = priced(resource(kind, {}))
        assert (found.status, found.cost) == ("unpriced", None)
        assert reason in found.reason


def test_what_is_free_says_why() -> None:
    found = priced(resource("aws:iam/role:Role", {}))
    assert (found.status, found.reason) == ("free", "IAM costs nothing")
    assert found.cost is not None
    assert found.cost.worst == 0


def test_a_region_without_prices() -> None:
    assert "no prices for region sa-east-1" in priced(resource("aws:kms/key:Key", {}), "sa-east-1").reason
    assert "no region is known" in priced(resource("aws:kms/key:Key", {}), None).reason
    own = resource("aws:ec2/natGateway:NatGateway", {"region": "ap-southeast-1"})
    assert month(own)[2] == pytest.approx(0.059 * 730)
