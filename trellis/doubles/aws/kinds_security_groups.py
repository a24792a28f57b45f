"""EC2's security groups and their rules, each rule a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.ec2_shape import Ec2, outputs
from trellis.doubles.aws.shape import Aws, Shape, sent
from trellis.doubles.provider import Bag

_ALL = "-1"
_MISSING_GROUP = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound")


class SecurityGroup(Ec2):
    """`aws:ec2/securityGroup:SecurityGroup`; rules within it are not supported, they are resources of their own."""

    gone = _MISSING_GROUP
    kind = "security-group"
    unread = ("revokeRulesOnDelete", "namePrefix")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        ec2 = aws.client("ec2")
        id_: str = ec2.create_security_group(
            GroupName=inputs.get("name") or f"{inputs.get('namePrefix', '')}{name}",
            Description=inputs.get("description", "Managed by Pulumi"),
            TagSpecifications=self.tagged(tags),
            **sent(inputs, {"vpcId": "VpcId"}),
        )["GroupId"]
        # As the provider does: what may go out is for the program to say.
        everywhere = {"IpProtocol": _ALL, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=[everywhere])
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]
        return {
            **outputs(aws, self.kind, id_, found, {"VpcId", "OwnerId", "Description"}),
            "name": found["GroupName"],
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # only its tags change in place

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").delete_security_group(GroupId=id_))


class Rule(Ec2):
    """`aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule` and its twin for egress."""

    gone = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", *_MISSING_GROUP)
    kind = "security-group-rule"

    def __init__(self, direction: str) -> None:
        self._direction = direction

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        authorize = getattr(aws.client("ec2"), f"authorize_security_group_{self._direction}")
        made = authorize(
            GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)], TagSpecifications=self.tagged(tags)
        )
        id_: str = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rows = aws.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[id_])["SecurityGroupRules"]
        if not rows:
            return None
        found = rows[0]
        plain = {"CidrIpv4", "CidrIpv6", "PrefixListId", "Description", "IpProtocol"}
        ports = {
            ours: found[theirs]
            for ours, theirs in (("fromPort", "FromPort"), ("toPort", "ToPort"))
            if found.get(theirs) not in (None, -1) or ours in known
        }
        return {
            **outputs(aws, self.kind, id_, found, plain),
            **ports,
            "securityGroupRuleId": id_,
            "securityGroupId": found["GroupId"],
            "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        names = {
            "ipProtocol": "IpProtocol",
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupId",
            "description": "Description",
        }
        if {**old, "tags": None} == {**new, "tags": None}:
            return
        rule = {**sent(new, names), "FromPort": new.get("fromPort", -1), "ToPort": new.get("toPort", -1)}
        aws.client("ec2").modify_security_group_rules(
            GroupId=new["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}],
        )

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        revoke = getattr(aws.client("ec2"), f"revoke_security_group_{self._direction}")
        revoke(GroupId=known["securityGroupId"], SecurityGroupRuleIds=[id_])


def _permission(inputs: Bag) -> Bag:
    said = sent(inputs, {"description": "Description"})
    found: Bag = sent(inputs, {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"})
    if inputs.get("cidrIpv4"):
        found["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **said}]
    if inputs.get("cidrIpv6"):
        found["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"], **said}]
    if inputs.get("prefixListId"):
        found["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"], **said}]
    if inputs.get("referencedSecurityGroupId"):
        found["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **said}]
    return found


KINDS: Final[Mapping[str, Shape]] = {
    "aws:ec2/securityGroup:SecurityGroup": SecurityGroup(),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Rule("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Rule("egress"),
}
