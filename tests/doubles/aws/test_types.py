"""Every AWS type that a stack registers is there, and every one of them can be told in the inventory."""

from __future__ import annotations

import pytest

from components.catalogue.identities import identities
from trellis.doubles.aws.inventory import _rows
from trellis.doubles.aws.kinds import kinds, simulated
from trellis.preview import plan_environment, stacks

_APART = {
    "aws:ec2/subnet:Subnet",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:kms/key:Key",
}
"""Types that the inventory lists by code."""


@pytest.mark.parametrize("stack", stacks())
def test_each_type_of_a_stack_is_there(stack: str) -> None:
    used = {one.type for one in plan_environment(stack, as_of="2026-11-01").resources if one.type.startswith("aws:")}
    assert used <= set(kinds())


def test_each_type_is_in_the_inventory() -> None:
    assert {row.type for row in _rows()} | _APART >= set(kinds())


def test_each_type_has_an_identity() -> None:
    assert set(kinds()) <= set(identities())


def test_what_moto_lacks_is_marked() -> None:
    assert set(simulated()) == {
        "aws:ec2/placementGroup:PlacementGroup",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
    }
