"""EKS clusters, and what stands in them beside nodes: add-ons, access entries and Pod Identity associations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from trellis.doubles.aws.kinds_eks_nodes import TAGGING, NodeGroup
from trellis.doubles.aws.shape import Aws, Shape, changed, sent
from trellis.doubles.provider import Bag

_GONE = ("ResourceNotFoundException",)
_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_ACCESS = {"kubernetesGroups": "kubernetesGroups", "userName": "username"}
_ADDON = {
    "addonVersion": "addonVersion",
    "configurationValues": "configurationValues",
    "serviceAccountRoleArn": "serviceAccountRoleArn",
}
_ASSOCIATION = {
    "roleArn": "roleArn",
    "targetRoleArn": "targetRoleArn",
    "disableSessionTags": "disableSessionTags",
}


class _Eks(Shape):
    """What EKS tags, and tells to be gone, alike."""

    gone = _GONE
    tagging = TAGGING


class Cluster(_Eks):
    """`aws:eks/cluster:Cluster`; its id is its name. Its endpoint is the control plane that stands for it."""

    unread = ("bootstrapSelfManagedAddons", "defaultAddonsToRemoves", "forceUpdateVersion")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        same = ("version", "roleArn", "kubernetesNetworkConfig", "accessConfig", "upgradePolicy")
        encryption = inputs.get("encryptionConfig")
        aws.client("eks").create_cluster(
            name=chosen,
            resourcesVpcConfig=inputs["vpcConfig"],
            logging={"clusterLogging": _logging(inputs)},
            tags=tags,
            bootstrapSelfManagedAddons=inputs.get("bootstrapSelfManagedAddons", True),
            **({"encryptionConfig": [encryption]} if encryption else {}),
            **sent(inputs, {key: key for key in same}),
        )
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("eks").describe_cluster(name=id_)["cluster"]
        logs = [one for row in found["logging"].get("clusterLogging", []) if row["enabled"] for one in row["types"]]
        endpoint, authority = aws.clusters.get(id_, (found["endpoint"], found["certificateAuthority"]["data"]))
        encryption = found.get("encryptionConfig") or []
        return {
            "name": id_,
            "arn": found["arn"],
            "version": found["version"],
            "roleArn": found["roleArn"],
            "endpoint": endpoint,
            "certificateAuthority": {"data": authority},
            "identities": [{"oidcs": [found["identity"]["oidc"]]}],
            "platformVersion": found["platformVersion"],
            "status": found["status"],
            "createdAt": found["createdAt"].isoformat(),
            "enabledClusterLogTypes": logs,
            "kubernetesNetworkConfig": found["kubernetesNetworkConfig"],
            "accessConfig": found["accessConfig"],
            "upgradePolicy": found["upgradePolicy"],
            "vpcConfig": found["resourcesVpcConfig"],
            **({"encryptionConfig": encryption[0]} if encryption else {}),
            "tagsAll": found.get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        eks = aws.client("eks")
        if changed(old, new, "version"):
            eks.update_cluster_version(name=id_, version=new["version"])
        if changed(old, new, "enabledClusterLogTypes"):
            eks.update_cluster_config(name=id_, logging={"clusterLogging": _logging(new)})
        # EKS takes one kind of change at a time.
        for key, theirs in (("vpcConfig", "resourcesVpcConfig"), ("accessConfig", None), ("upgradePolicy", None)):
            if changed(old, new, key) and key in new:
                eks.update_cluster_config(name=id_, **{theirs or key: new[key]})

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").delete_cluster(name=id_)


class AccessEntry(_Eks):
    """`aws:eks/accessEntry:AccessEntry`; its id is `cluster:principal ARN`."""

    tagging = replace(TAGGING, of="accessEntryArn")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        who = sent(inputs, {"clusterName": "clusterName", "principalArn": "principalArn", "type": "type"})
        aws.client("eks").create_access_entry(tags=tags, **who, **sent(inputs, _ACCESS))
        return f"{inputs['clusterName']}:{inputs['principalArn']}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("eks").describe_access_entry(**_principal(id_, ":"))["accessEntry"]
        return {
            **{
                key: found[key] for key in ("clusterName", "principalArn", "type", "accessEntryArn", "kubernetesGroups")
            },
            "userName": found["username"],
            "createdAt": found["createdAt"].isoformat(),
            "tagsAll": found.get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, *_ACCESS):
            aws.client("eks").update_access_entry(**_principal(id_, ":"), **sent(new, _ACCESS))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").delete_access_entry(**_principal(id_, ":"))


class AccessPolicyAssociation(_Eks):
    """`aws:eks/accessPolicyAssociation:AccessPolicyAssociation`; its id is `cluster#principal ARN#policy ARN`."""

    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        id_ = "#".join(inputs[key] for key in ("clusterName", "principalArn", "policyArn"))
        self.change(aws, id_, {}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        *_, policy = id_.split("#")
        found = aws.client("eks").list_associated_access_policies(**_principal(id_, "#"))
        rows = [one for one in found["associatedAccessPolicies"] if one["policyArn"] == policy]
        if not rows:
            return None
        return {
            **_principal(id_, "#"),
            "policyArn": policy,
            "accessScope": rows[0]["accessScope"],
            "associatedAt": rows[0]["associatedAt"].isoformat(),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        keys = ("policyArn", "accessScope")
        aws.client("eks").associate_access_policy(**_principal(id_, "#"), **{key: new[key] for key in keys})

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").disassociate_access_policy(**_principal(id_, "#"), policyArn=id_.split("#")[2])


class Addon(_Eks):
    """`aws:eks/addon:Addon`; its id is `cluster:add-on`."""

    unread = ("resolveConflictsOnCreate", "resolveConflictsOnUpdate", "preserve")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        where = {"clusterName": inputs["clusterName"], "addonName": inputs["addonName"]}
        how = {"resolveConflictsOnCreate": "resolveConflicts"}
        aws.client("eks").create_addon(tags=tags, **where, **sent(inputs, {**_ADDON, **how}))
        return f"{inputs['clusterName']}:{inputs['addonName']}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("eks").describe_addon(**self._where(id_))["addon"]
        return {
            **self._where(id_),
            **sent(found, {theirs: ours for ours, theirs in _ADDON.items()}),
            "arn": found["addonArn"],
            "createdAt": found["createdAt"].isoformat(),
            "tagsAll": found.get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, *_ADDON):
            how = {"resolveConflictsOnUpdate": "resolveConflicts"}
            aws.client("eks").update_addon(**self._where(id_), **sent(new, {**_ADDON, **how}))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").delete_addon(**self._where(id_), preserve=bool(known.get("preserve")))

    def _where(self, id_: str) -> dict[str, str]:
        cluster, _, addon = id_.partition(":")
        return {"clusterName": cluster, "addonName": addon}


class PodIdentityAssociation(_Eks):
    """`aws:eks/podIdentityAssociation:PodIdentityAssociation`; imported as `cluster,association id`."""

    tagging = replace(TAGGING, of="associationArn")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        where = {key: inputs[key] for key in ("clusterName", "namespace", "serviceAccount")}
        made = aws.client("eks").create_pod_identity_association(tags=tags, **where, **sent(inputs, _ASSOCIATION))
        id_: str = made["association"]["associationId"]
        return f"{inputs['clusterName']},{id_}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("eks").describe_pod_identity_association(**self._where(id_))["association"]
        keys = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
        return {
            **{key: found[key] for key in keys},
            **sent(found, _ASSOCIATION),
            "tagsAll": found.get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, *_ASSOCIATION):
            aws.client("eks").update_pod_identity_association(**self._where(id_), **sent(new, _ASSOCIATION))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("eks").delete_pod_identity_association(**self._where(id_))

    def _where(self, id_: str) -> dict[str, str]:
        cluster, _, association = id_.partition(",")
        return {"clusterName": cluster, "associationId": association}


def _principal(id_: str, separator: str) -> dict[str, str]:
    """Cluster and principal of an id; a cluster's name holds neither separator."""
    cluster, _, rest = id_.partition(separator)
    return {"clusterName": cluster, "principalArn": rest.partition("#")[0]}


def _logging(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Which logs are on and which are off; EKS leaves alone what is not named."""
    on = inputs.get("enabledClusterLogTypes", [])
    rows = {True: [one for one in _LOG_TYPES if one in on], False: [one for one in _LOG_TYPES if one not in on]}
    return [{"types": types, "enabled": enabled} for enabled, types in rows.items() if types]


KINDS: Final[Mapping[str, Shape]] = {
    "aws:eks/accessEntry:AccessEntry": AccessEntry(),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": AccessPolicyAssociation(),
    "aws:eks/addon:Addon": Addon(),
    "aws:eks/cluster:Cluster": Cluster(),
    "aws:eks/nodeGroup:NodeGroup": NodeGroup(),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": PodIdentityAssociation(),
}
