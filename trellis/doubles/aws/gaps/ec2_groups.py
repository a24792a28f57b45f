"""Security groups of EC2 as AWS has them."""

from __future__ import annotations

from trellis.doubles.aws.gaps import ec2_uses
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves


@serves("ec2", "CreateSecurityGroup", reason="moto makes it in a VPC that does not exist")
def create(call: Call) -> Bag:
    """A group in a VPC."""
    if "VpcId" in call.params:
        call.backend.get_vpc(call.params["VpcId"])
    return call.moto()


@serves("ec2", "DeleteSecurityGroup", reason="moto deletes a group in use")
def delete(call: Call) -> Bag:
    """A group that nobody is in and no other group names."""
    id_ = call.params.get("GroupId", "")
    user = ec2_uses.of_group(call, id_)
    if user:
        raise Refusal("DependencyViolation", f"resource {id_} has a dependent object: {user}")
    return call.moto()


@serves("ec2", "DescribeSecurityGroupRules", reason="moto drops the description of a rule that names a group")
def rules(call: Call) -> Bag:
    """Rules with their descriptions."""
    answer = call.moto()
    held = {
        rule.id: rule
        for groups in call.backend.groups.values()
        for group in groups.values()
        for rule in (*group.ingress_rules, *group.egress_rules)
    }
    for one in answer.get("SecurityGroupRules", []):
        rule = held.get(one["SecurityGroupRuleId"])
        said = rule.source_group.get("Description") if rule else None
        if said:
            one["Description"] = said
    return answer
