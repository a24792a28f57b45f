"""Add-ons that EKS runs. Moto has none of them."""

from __future__ import annotations

import uuid

from moto.core.utils import utcnow

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.eks_cluster import cluster, update
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"
_DEFAULT_VERSION = "v1.0.0-eksbuild.1"
"""Stands for the version that AWS would choose; which that is, is not known here."""
_SET = ("addonVersion", "serviceAccountRoleArn", "configurationValues")


@serves("eks", "CreateAddon", reason=_WHY)
def create(call: Call) -> Bag:
    """Install an add-on. It is active at once: no pod of it runs."""
    params, home = call.params, cluster(call, call.params["clusterName"]).name
    key = f"{home}:{params['addonName']}"
    if key in call.store("addons"):
        raise Refusal("ResourceInUseException", "Addon already exists.")
    if "serviceAccountRoleArn" in params:
        references.role(call, params["serviceAccountRoleArn"])
    made = {
        "clusterName": home,
        "addonName": params["addonName"],
        "status": "ACTIVE",
        "addonVersion": _DEFAULT_VERSION,
        "health": {"issues": []},
        "arn": call.arn(f"addon/{home}/{params['addonName']}/{uuid.uuid4()}"),
        "createdAt": utcnow(),
        "modifiedAt": utcnow(),
        "tags": params.get("tags", {}),
        **{one: params[one] for one in _SET if one in params},
    }
    call.store("addons")[key] = made
    return {"addon": _shown(made)}


@serves("eks", "DescribeAddon", reason=_WHY)
def describe(call: Call) -> Bag:
    """One add-on."""
    return {"addon": _shown(_addon(call))}


@serves("eks", "ListAddons", reason=_WHY)
def names(call: Call) -> Bag:
    """Names of a cluster's add-ons."""
    home = cluster(call, call.params["clusterName"]).name
    return {"addons": sorted(one["addonName"] for one in call.store("addons").values() if one["clusterName"] == home)}


@serves("eks", "UpdateAddon", reason=_WHY)
def change(call: Call) -> Bag:
    """Another version or configuration."""
    found = _addon(call)
    if "serviceAccountRoleArn" in call.params:
        references.role(call, call.params["serviceAccountRoleArn"])
    found |= {key: call.params[key] for key in _SET if key in call.params}
    found["modifiedAt"] = utcnow()
    return update("AddonUpdate")


@serves("eks", "DeleteAddon", reason=_WHY)
def delete(call: Call) -> Bag:
    """Remove an add-on."""
    found = _addon(call)
    del call.store("addons")[f"{found['clusterName']}:{found['addonName']}"]
    return {"addon": {**_shown(found), "status": "DELETING"}}


def _addon(call: Call) -> Bag:
    home = cluster(call, call.params["clusterName"]).name
    found: Bag | None = call.store("addons").get(f"{home}:{call.params['addonName']}")
    if found is None:
        raise Refusal("ResourceNotFoundException", f"No addon: {call.params['addonName']} found in cluster: {home}")
    return found


def _shown(one: Bag) -> Bag:
    return {**{key: value for key, value in one.items() if key != "arn"}, "addonArn": one["arn"]}
