"""Managed node groups of EKS."""

from __future__ import annotations

from trellis.doubles.aws.shape import Aws, Shape, Tagging, changed, sent
from trellis.doubles.provider import Bag

_MADE_WITH = {
    "amiType": "amiType",
    "capacityType": "capacityType",
    "diskSize": "diskSize",
    "instanceTypes": "instanceTypes",
    "labels": "labels",
    "launchTemplate": "launchTemplate",
    "nodeRoleArn": "nodeRole",
    "releaseVersion": "releaseVersion",
    "scalingConfig": "scalingConfig",
    "subnetIds": "subnets",
    "taints": "taints",
    "updateConfig": "updateConfig",
    "version": "version",
}
TAGGING = Tagging("eks", id="resourceArn", tags="tags", keys="tagKeys", form=dict)
"""EKS tags everything by ARN."""


class NodeGroup(Shape):
    """`aws:eks/nodeGroup:NodeGroup`; its id is `cluster:group`."""

    tagging = TAGGING
    gone = ("ResourceNotFoundException",)
    unread = ("forceUpdateVersion",)
    maps = ("labels",)
    ordered = ("instanceTypes",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        where = {"clusterName": inputs["clusterName"], "nodegroupName": inputs.get("nodeGroupName", name)}
        aws.client("eks").create_nodegroup(tags=tags, **where, **sent(inputs, _MADE_WITH))
        return f"{where['clusterName']}:{where['nodegroupName']}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("eks").describe_nodegroup(**_where(id_))["nodegroup"]
        groups = found.get("resources", {}).get("autoScalingGroups", [])
        return {
            "clusterName": found["clusterName"],
            "nodeGroupName": found["nodegroupName"],
            "arn": found["nodegroupArn"],
            "status": found["status"],
            "resources": [{"autoscalingGroups": groups}],
            **{ours: found[theirs] for ours, theirs in _MADE_WITH.items() if found.get(theirs) is not None},
            "tagsAll": found.get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        eks, where = aws.client("eks"), _where(id_)
        if changed(old, new, "version", "releaseVersion", "launchTemplate"):
            names = {"version": "version", "releaseVersion": "releaseVersion", "launchTemplate": "launchTemplate"}
            eks.update_nodegroup_version(**where, **sent(new, names))
        if changed(old, new, "labels", "taints", "scalingConfig", "updateConfig"):
            eks.update_nodegroup_config(
                **where,
                labels=_labels(old.get("labels", {}), new.get("labels", {})),
                taints=_taints(old.get("taints", []), new.get("taints", [])),
                **sent(new, {"scalingConfig": "scalingConfig", "updateConfig": "updateConfig"}),
            )

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").delete_nodegroup(**_where(id_))


def _where(id_: str) -> dict[str, str]:
    cluster, _, group = id_.partition(":")
    return {"clusterName": cluster, "nodegroupName": group}


def _labels(old: dict[str, str], new: dict[str, str]) -> Bag:
    add = {key: value for key, value in new.items() if old.get(key) != value}
    return {"addOrUpdateLabels": add, "removeLabels": sorted(set(old) - set(new))}


def _taints(old: list[dict[str, str]], new: list[dict[str, str]]) -> Bag:
    kept = {(one["key"], one["effect"]) for one in new}
    return {
        "addOrUpdateTaints": [one for one in new if one not in old],
        "removeTaints": [one for one in old if (one["key"], one["effect"]) not in kept],
    }
