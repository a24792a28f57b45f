"""EC2's launch templates and placement groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.ec2_shape import Ec2, outputs
from trellis.doubles.aws.model import from_api, to_api
from trellis.doubles.aws.shape import Aws, Shape, mapping, sent
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag

_REQUEST = "RequestLaunchTemplateData"
_RENAMES: Final = {
    (_REQUEST, "SecurityGroupIds"): "vpcSecurityGroupIds",
    (_REQUEST, "SecurityGroups"): "securityGroupNames",
    ("LaunchTemplateInstanceNetworkInterfaceSpecificationRequest", "Groups"): "securityGroups",
}
"""Shape and member -> the provider's name. The shape of requests also reads answers: the members are the same."""
_OWN = frozenset({"name", "namePrefix", "description", "tags", "updateDefaultVersion", "defaultVersion"})
"""Inputs that are the template's, not its versions'."""


class LaunchTemplate(Ec2):
    """`aws:ec2/launchTemplate:LaunchTemplate`; each change makes a version."""

    gone = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")
    kind = "launch-template"
    unread = ("updateDefaultVersion", "namePrefix")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        made = aws.client("ec2").create_launch_template(
            LaunchTemplateName=inputs.get("name") or f"{inputs.get('namePrefix', '')}{name}",
            LaunchTemplateData=_data(inputs),
            TagSpecifications=self.tagged(tags),
            **sent(inputs, {"description": "VersionDescription"}),
        )
        id_: str = made["LaunchTemplate"]["LaunchTemplateId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        ec2 = aws.client("ec2")
        rows = ec2.describe_launch_templates(LaunchTemplateIds=[id_])["LaunchTemplates"]
        if not rows:
            return None
        versions = ec2.describe_launch_template_versions(LaunchTemplateId=id_, Versions=["$Latest"])
        latest = versions["LaunchTemplateVersions"][0]
        # What describe_launch_templates tells of tags is, in moto, what they were at creation.
        tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"]
        data = from_api("ec2", _REQUEST, latest["LaunchTemplateData"], _RENAMES)
        if "tagSpecifications" in data:  # moto adds the template's own
            data["tagSpecifications"] = [one for one in data["tagSpecifications"] if one["resourceType"] != self.kind]
        return {
            **outputs(aws, self.kind, id_, {}, set()),
            **data,
            "name": rows[0]["LaunchTemplateName"],
            "description": latest.get("VersionDescription"),
            "latestVersion": rows[0]["LatestVersionNumber"],
            "defaultVersion": rows[0]["DefaultVersionNumber"],
            "tagsAll": mapping(tags),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        ec2 = aws.client("ec2")
        version = new.get("defaultVersion")
        if _data(old) != _data(new) or old.get("description") != new.get("description"):
            made = ec2.create_launch_template_version(
                LaunchTemplateId=id_, LaunchTemplateData=_data(new), **sent(new, {"description": "VersionDescription"})
            )
            if new.get("updateDefaultVersion"):
                version = made["LaunchTemplateVersion"]["VersionNumber"]
        if version is not None:
            ec2.modify_launch_template(LaunchTemplateId=id_, DefaultVersion=str(version))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ec2").delete_launch_template(LaunchTemplateId=id_)


def _data(inputs: Bag) -> Any:
    try:
        return to_api("ec2", _REQUEST, {key: value for key, value in inputs.items() if key not in _OWN}, _RENAMES)
    except ValueError as error:
        raise Refused(f"aws:ec2/launchTemplate:LaunchTemplate: {error}") from error


class PlacementGroup(Ec2):
    """`aws:ec2/placementGroup:PlacementGroup`; its id is its name."""

    gone = ("InvalidPlacementGroup.Unknown",)
    kind = "placement-group"
    busy = ("InvalidPlacementGroup.InUse",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {"strategy": "Strategy", "partitionCount": "PartitionCount", "spreadLevel": "SpreadLevel"}
        id_: str = inputs.get("name", name)
        aws.client("ec2").create_placement_group(
            GroupName=id_, TagSpecifications=self.tagged(tags), **sent(inputs, names)
        )
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_placement_groups(GroupNames=[id_])["PlacementGroups"][0]
        return {
            **outputs(aws, self.kind, id_, found, {"Strategy", "PartitionCount", "SpreadLevel"}),
            "name": id_,
            "placementGroupId": found["GroupId"],
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # only its tags change in place

    def tag(self, aws: Aws, shown: Bag, add: dict[str, str], remove: list[str]) -> None:
        super().tag(aws, {"id": shown["placementGroupId"]}, add, remove)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").delete_placement_group(GroupName=id_))


KINDS: Final[Mapping[str, Shape]] = {
    "aws:ec2/launchTemplate:LaunchTemplate": LaunchTemplate(),
    "aws:ec2/placementGroup:PlacementGroup": PlacementGroup(),
}
