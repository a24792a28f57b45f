"""IAM roles and what they may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, changed, mapping, pairs, sent
from trellis.doubles.provider import Bag

_ROLE = {
    "assumeRolePolicy": "AssumeRolePolicyDocument",
    "description": "Description",
    "maxSessionDuration": "MaxSessionDuration",
    "path": "Path",
    "permissionsBoundary": "PermissionsBoundary",
}


class Role(Shape):
    """`aws:iam/role:Role`; its id is its name."""

    tagging = Tagging("iam", id="RoleName", of="name", add="tag_role", remove="untag_role")
    gone = ("NoSuchEntity",)
    unread = ("forceDetachPolicies",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        aws.client("iam").create_role(RoleName=chosen, Tags=pairs(tags), **sent(inputs, _ROLE))
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("iam").get_role(RoleName=id_)["Role"]
        return {
            "name": found["RoleName"],
            "arn": found["Arn"],
            "assumeRolePolicy": json.dumps(found["AssumeRolePolicyDocument"]),
            "description": found.get("Description", ""),
            "maxSessionDuration": found["MaxSessionDuration"],
            "path": found["Path"],
            "permissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            "uniqueId": found["RoleId"],
            "createDate": found["CreateDate"].isoformat(),
            "tagsAll": mapping(found.get("Tags")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        iam = aws.client("iam")
        if changed(old, new, "assumeRolePolicy"):
            iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
        if changed(old, new, "permissionsBoundary"):
            bound = new.get("permissionsBoundary")
            if bound:
                iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=bound)
            else:
                iam.delete_role_permissions_boundary(RoleName=id_)
        if changed(old, new, "description", "maxSessionDuration"):
            duration = new.get("maxSessionDuration", 3600)
            iam.update_role(RoleName=id_, Description=new.get("description", ""), MaxSessionDuration=duration)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        iam = aws.client("iam")
        if known.get("forceDetachPolicies"):
            for one in iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=id_, PolicyArn=one["PolicyArn"])
            for policy in iam.list_role_policies(RoleName=id_)["PolicyNames"]:
                iam.delete_role_policy(RoleName=id_, PolicyName=policy)
        iam.delete_role(RoleName=id_)


class RolePolicy(Shape):
    """`aws:iam/rolePolicy:RolePolicy`: a policy inside a role; its id is `role:name`."""

    gone = ("NoSuchEntity",)
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        id_ = f"{inputs['role']}:{inputs.get('name', name)}"
        self.change(aws, id_, {}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        role, _, name = id_.partition(":")
        found = aws.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        return {"role": role, "name": name, "policy": json.dumps(found["PolicyDocument"])}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        role, _, name = id_.partition(":")
        aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=new["policy"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        role, _, name = id_.partition(":")
        aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


class Attachment(Shape):
    """`aws:iam/rolePolicyAttachment:RolePolicyAttachment`; its id is `role/policy ARN`."""

    gone = ("NoSuchEntity",)
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        role, _, arn = id_.partition("/")
        pages = aws.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=role)
        attached = any(one["PolicyArn"] == arn for page in pages for one in page["AttachedPolicies"])
        return {"role": role, "policyArn": arn} if attached else None

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        """Nothing of it changes in place."""

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        role, _, arn = id_.partition("/")
        aws.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


KINDS: Final[Mapping[str, Shape]] = {
    "aws:iam/role:Role": Role(),
    "aws:iam/rolePolicy:RolePolicy": RolePolicy(),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Attachment(),
}
