"""Placement groups, which moto lacks."""

from __future__ import annotations

import uuid

from moto.ec2.utils import EC2_RESOURCE_TO_PREFIX

from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"
EC2_RESOURCE_TO_PREFIX.setdefault("placement-group", "pg")  # whose tags moto would refuse


@serves("ec2", "CreatePlacementGroup", reason=_WHY)
def create(call: Call) -> Bag:
    """A group under a name that is free."""
    params, kept = call.params, call.store("placement groups")
    name = params["GroupName"]
    if name in kept:
        raise Refusal("InvalidPlacementGroup.Duplicate", f"The Placement Group '{name}' already exists.")
    id_ = f"pg-{uuid.uuid4().hex[:17]}"
    kept[name] = {
        "GroupName": name,
        "State": "available",
        "Strategy": params.get("Strategy", "cluster"),
        "GroupId": id_,
        "GroupArn": call.arn(f"placement-group/{name}"),
        **{key: params[key] for key in ("PartitionCount", "SpreadLevel") if key in params},
    }
    tags = {one["Key"]: one["Value"] for spec in params.get("TagSpecifications", []) for one in spec.get("Tags", [])}
    if tags:
        call.backend.create_tags([id_], tags)
    return {"PlacementGroup": _shown(call, kept[name])}


@serves("ec2", "DescribePlacementGroups", reason=_WHY)
def describe(call: Call) -> Bag:
    """Groups by name, id or filter."""
    kept = call.store("placement groups")
    names = call.params.get("GroupNames", [])
    missing = [name for name in names if name not in kept]
    if missing:
        raise Refusal("InvalidPlacementGroup.Unknown", f"The Placement Group '{', '.join(missing)}' is unknown.")
    ids = call.params.get("GroupIds", [])
    found = [one for name, one in sorted(kept.items()) if not names or name in names]
    found = [one for one in found if not ids or one["GroupId"] in ids]
    shown = [_shown(call, one) for one in found]
    return {"PlacementGroups": [one for one in shown if fits(one, call.params.get("Filters", []))]}


@serves("ec2", "DeletePlacementGroup", reason=_WHY)
def delete(call: Call) -> None:
    """A group by name."""
    kept, name = call.store("placement groups"), call.params["GroupName"]
    if name not in kept:
        raise Refusal("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    call.backend.tags.pop(kept.pop(name)["GroupId"], None)


def fits(shown: Bag, filters: list[Bag]) -> bool:
    """Whether an object passes filters by tag, or by a member whose name is the filter's."""
    tags = {one["Key"]: one["Value"] for one in shown.get("Tags", [])}
    for row in filters:
        name = row["Name"]
        if name.startswith("tag:"):
            held = tags.get(name.removeprefix("tag:"))
        else:
            held = shown.get("".join(part.capitalize() for part in name.split("-")))
        if held not in row["Values"]:
            return False
    return True


def _shown(call: Call, one: Bag) -> Bag:
    tags = call.backend.describe_tags(filters={"resource-id": [one["GroupId"]]})
    return {**one, "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]}
