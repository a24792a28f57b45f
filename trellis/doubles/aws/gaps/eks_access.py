"""Who may enter an EKS cluster, all of which moto lacks: access entries, their policies, Pod Identity associations."""

from __future__ import annotations

import uuid

from moto.core.utils import utcnow

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.eks_cluster import cluster
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"
_OF_NODES = frozenset({"EC2_LINUX", "EC2_WINDOWS", "EC2", "FARGATE_LINUX", "HYBRID_LINUX"})
"""Types of entries that nodes use; policies and groups are for the others."""


def entry_key(name: str, principal: str) -> str:
    """Under which an entry is kept."""
    return f"{name}:{principal}"


def new_entry(call: Call, name: str, principal: str, kind: str) -> Bag:
    """An access entry that AWS would make."""
    user = "system:node:{{EC2PrivateDNSName}}" if kind in _OF_NODES else principal
    who = principal.rpartition("/")[2]
    role = "user" if ":user/" in principal else "role"
    return {
        "clusterName": name,
        "principalArn": principal,
        "kubernetesGroups": ["system:nodes"] if kind in _OF_NODES else [],
        "arn": call.arn(f"access-entry/{name}/{role}/{call.account}/{who}/{uuid.uuid4()}"),
        "createdAt": utcnow(),
        "modifiedAt": utcnow(),
        "tags": {},
        "username": user,
        "type": kind,
        "policies": {},
    }


@serves("eks", "CreateAccessEntry", reason=_WHY)
def create_entry(call: Call) -> Bag:
    """Let a principal in."""
    params, home = call.params, cluster(call, call.params["clusterName"])
    mode = call.store("clusters").get(home.name, {}).get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")
    if mode == "CONFIG_MAP":
        message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to do this"
        raise Refusal("InvalidRequestException", message)
    references.role(call, params["principalArn"])
    key = entry_key(home.name, params["principalArn"])
    if key in call.store("entries"):
        raise Refusal(
            "ResourceInUseException", "The specified access entry resource is already in use on this cluster."
        )
    made = new_entry(call, home.name, params["principalArn"], params.get("type", "STANDARD"))
    made |= {key: params[key] for key in ("kubernetesGroups", "username", "tags") if key in params}
    call.store("entries")[key] = made
    return {"accessEntry": _entry_shown(made)}


@serves("eks", "DescribeAccessEntry", reason=_WHY)
def describe_entry(call: Call) -> Bag:
    """One entry."""
    return {"accessEntry": _entry_shown(_entry(call))}


@serves("eks", "ListAccessEntries", reason=_WHY)
def list_entries(call: Call) -> Bag:
    """Principals that may enter."""
    home = cluster(call, call.params["clusterName"]).name
    found = [one for one in call.store("entries").values() if one["clusterName"] == home]
    policy = call.params.get("associatedPolicyArn")
    return {"accessEntries": sorted(one["principalArn"] for one in found if not policy or policy in one["policies"])}


@serves("eks", "UpdateAccessEntry", reason=_WHY)
def update_entry(call: Call) -> Bag:
    """Groups or user name of an entry."""
    found = _entry(call)
    found |= {key: call.params[key] for key in ("kubernetesGroups", "username") if key in call.params}
    found["modifiedAt"] = utcnow()
    return {"accessEntry": _entry_shown(found)}


@serves("eks", "DeleteAccessEntry", reason=_WHY)
def delete_entry(call: Call) -> Bag:
    """An entry and its policies."""
    _entry(call)
    del call.store("entries")[entry_key(call.params["clusterName"], call.params["principalArn"])]
    return {}


@serves("eks", "AssociateAccessPolicy", reason=_WHY)
def associate(call: Call) -> Bag:
    """Give an entry a policy; the same policy again changes its scope."""
    found, policy = _entry(call), call.params["policyArn"]
    if found["type"] in _OF_NODES:
        raise Refusal("InvalidRequestException", f"An access entry of type {found['type']} takes no policies")
    if not policy.startswith("arn:aws:eks::aws:cluster-access-policy/"):
        raise Refusal("InvalidParameterException", f"The policyArn parameter format is not valid: {policy}")
    made = {"policyArn": policy, "accessScope": call.params["accessScope"]}
    found["policies"][policy] = {"associatedAt": utcnow(), "modifiedAt": utcnow(), **made}
    return {
        "clusterName": found["clusterName"],
        "principalArn": found["principalArn"],
        "associatedAccessPolicy": found["policies"][policy],
    }


@serves("eks", "DisassociateAccessPolicy", reason=_WHY)
def disassociate(call: Call) -> Bag:
    """Take a policy from an entry."""
    if _entry(call)["policies"].pop(call.params["policyArn"], None) is None:
        raise Refusal("ResourceNotFoundException", "The specified policy is not associated with this access entry")
    return {}


@serves("eks", "ListAssociatedAccessPolicies", reason=_WHY)
def policies(call: Call) -> Bag:
    """Policies of an entry."""
    found = _entry(call)
    rows = [one for _, one in sorted(found["policies"].items())]
    return {
        "clusterName": found["clusterName"],
        "principalArn": found["principalArn"],
        "associatedAccessPolicies": rows,
    }


@serves("eks", "CreatePodIdentityAssociation", reason=_WHY)
def create_association(call: Call) -> Bag:
    """Give a service account a role; it has at most one."""
    params, home = call.params, cluster(call, call.params["clusterName"]).name
    references.role(call, params["roleArn"])
    same = ("clusterName", "namespace", "serviceAccount")
    if any(all(one[key] == params[key] for key in same) for one in call.store("associations").values()):
        message = f"Association already exists: {params['namespace']}/{params['serviceAccount']}"
        raise Refusal("ResourceInUseException", message)
    id_ = f"a-{uuid.uuid4().hex[:17]}"
    made = {
        **{key: params[key] for key in (*same, "roleArn")},
        "associationId": id_,
        "arn": call.arn(f"podidentityassociation/{home}/{id_}"),
        "tags": params.get("tags", {}),
        "createdAt": utcnow(),
        "modifiedAt": utcnow(),
        "disableSessionTags": params.get("disableSessionTags", False),
        **{key: params[key] for key in ("targetRoleArn",) if key in params},
    }
    call.store("associations")[id_] = made
    return {"association": _association_shown(made)}


@serves("eks", "DescribePodIdentityAssociation", reason=_WHY)
def describe_association(call: Call) -> Bag:
    """One association."""
    return {"association": _association_shown(_association(call))}


@serves("eks", "ListPodIdentityAssociations", reason=_WHY)
def list_associations(call: Call) -> Bag:
    """Associations of a cluster, a namespace or a service account."""
    cluster(call, call.params["clusterName"])
    keys = [key for key in ("clusterName", "namespace", "serviceAccount") if key in call.params]
    found = [one for one in call.store("associations").values() if all(one[key] == call.params[key] for key in keys)]
    return {"associations": [_association_shown(one) for one in found]}


@serves("eks", "UpdatePodIdentityAssociation", reason=_WHY)
def update_association(call: Call) -> Bag:
    """Another role for a service account."""
    found = _association(call)
    if "roleArn" in call.params:
        references.role(call, call.params["roleArn"])
    keys = ("roleArn", "targetRoleArn", "disableSessionTags")
    found |= {key: call.params[key] for key in keys if key in call.params}
    return {"association": _association_shown(found)}


@serves("eks", "DeletePodIdentityAssociation", reason=_WHY)
def delete_association(call: Call) -> Bag:
    """Take the role from a service account."""
    found = _association(call)
    del call.store("associations")[found["associationId"]]
    return {"association": _association_shown(found)}


def _entry(call: Call) -> Bag:
    cluster(call, call.params["clusterName"])
    found: Bag | None = call.store("entries").get(entry_key(call.params["clusterName"], call.params["principalArn"]))
    if found is None:
        message = f"The specified principalArn could not be found: {call.params['principalArn']}"
        raise Refusal("ResourceNotFoundException", message)
    return found


def _entry_shown(entry: Bag) -> Bag:
    return {
        **{key: value for key, value in entry.items() if key not in ("arn", "policies")},
        "accessEntryArn": entry["arn"],
    }


def _association(call: Call) -> Bag:
    found: Bag | None = call.store("associations").get(call.params["associationId"])
    if found is None or found["clusterName"] != call.params["clusterName"]:
        raise Refusal("ResourceNotFoundException", f"Association {call.params['associationId']} was not found")
    return found


def _association_shown(one: Bag) -> Bag:
    return {**{key: value for key, value in one.items() if key != "arn"}, "associationArn": one["arn"]}
