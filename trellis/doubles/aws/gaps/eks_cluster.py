"""EKS clusters as AWS has them: the security group that EKS makes, access, upgrade policy, versions, tags of all parts.

Source of names and error codes: the service model of EKS in botocore 1.44.
"""

from __future__ import annotations

import uuid
from typing import Any

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, backend, serves

_KEPT = ("accessConfig", "upgradePolicy", "zonalShiftConfig", "deletionProtection")
"""Parts of a cluster which moto drops."""
PARTS = ("addons", "entries", "associations")
"""What we keep of a cluster's parts; each knows its `clusterName` and `tags`."""


def cluster(call: Call, name: str) -> Any:
    """Moto's cluster."""
    found = call.backend.clusters.get(name)
    if found is None:
        raise Refusal("ResourceNotFoundException", f"No cluster found for name: {name}.")
    return found


def update(kind: str) -> Bag:
    """What EKS answers to a change: done at once here."""
    return {"update": {"id": str(uuid.uuid4()), "status": "Successful", "type": kind, "params": [], "errors": []}}


@serves("eks", "CreateCluster", reason="moto looks at no reference, makes no security group and drops some settings")
def create(call: Call) -> Bag:
    """A cluster, at once active, with the security group that EKS makes for it."""
    params, name = call.params, call.params["name"]
    if name in call.backend.clusters:
        raise Refusal("ResourceInUseException", f"Cluster already exists with name: {name}")
    references.role(call, params["roleArn"])
    network = params["resourcesVpcConfig"]
    subnets = references.subnets(call, network.get("subnetIds", []))
    if len({one.availability_zone for one in subnets}) < 2:
        raise Refusal("InvalidParameterException", "Subnets specified must be in at least two different AZs")
    references.security_groups(call, network.get("securityGroupIds", []))
    for one in params.get("encryptionConfig", []):
        references.usable_key(call, one["provider"]["keyArn"])
    call.moto()
    group = backend("ec2", call.account, call.region).create_security_group(
        name=f"eks-cluster-sg-{name}-{uuid.uuid4().int % 10**9}",
        description="EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as "
        "well as any managed workloads.",
        vpc_id=subnets[0].vpc_id,
        tags={"Name": f"eks-cluster-sg-{name}", f"kubernetes.io/cluster/{name}": "owned"},
    )
    call.store("clusters")[name] = {
        **{key: params[key] for key in _KEPT if key in params},
        "network": {"clusterSecurityGroupId": group.id, "vpcId": subnets[0].vpc_id},
    }
    return {"cluster": _shown(call, name)}


@serves("eks", "DescribeCluster", reason="moto drops some settings of a cluster")
def describe(call: Call) -> Bag:
    """A cluster with all that it was made with."""
    cluster(call, call.params["name"])
    return {"cluster": _shown(call, call.params["name"])}


@serves("eks", "UpdateClusterConfig", reason="moto forgets what a change does not mention, and drops some settings")
def configure(call: Call) -> Bag:
    """Change what is given and keep the rest."""
    found, kept = cluster(call, call.params["name"]), call.store("clusters").setdefault(call.params["name"], {})
    for key in _KEPT:
        if key in call.params:
            value = call.params[key]
            kept[key] = {**kept.get(key, {}), **value} if isinstance(value, dict) else value
    network = call.params.get("resourcesVpcConfig")
    if network:
        references.subnets(call, network.get("subnetIds", []))
        references.security_groups(call, network.get("securityGroupIds", []))
        found.resources_vpc_config = {**found.resources_vpc_config, **network}
    if "logging" in call.params:
        found.logging = _logging(found.logging, call.params["logging"])
    return update("ConfigUpdate")


@serves("eks", "UpdateClusterVersion", reason="moto does not have it")
def upgrade(call: Call) -> Bag:
    """One minor version up; EKS takes no other step."""
    found, wanted = cluster(call, call.params["name"]), call.params["version"]
    minor, new = int(str(found.version).rpartition(".")[2]), int(wanted.rpartition(".")[2])
    if new == minor:
        raise Refusal("InvalidRequestException", f"Cluster is already at version {wanted}")
    if new != minor + 1:
        raise Refusal("InvalidParameterException", f"Unsupported Kubernetes minor version update from {found.version}")
    found.version = wanted
    return update("VersionUpdate")


@serves("eks", "DeleteCluster", reason="moto does not take a cluster's parts away with it, nor its security group")
def delete(call: Call) -> Bag:
    """A cluster with what EKS made for it; node groups must be gone, add-ons and entries go with it."""
    name = call.params["name"]
    found = cluster(call, name)
    if found.nodegroups or found.fargate_profiles:
        raise Refusal("ResourceInUseException", "Cluster has nodegroups attached")
    answer = {"cluster": _shown(call, name)}
    group = call.store("clusters").get(name, {}).get("network", {}).get("clusterSecurityGroupId")
    call.moto()
    call.store("clusters").pop(name, None)
    for part in PARTS:
        kept = call.store(part)
        for key in [key for key, one in kept.items() if one["clusterName"] == name]:
            del kept[key]
    if group:
        backend("ec2", call.account, call.region).delete_security_group(group_id=group)
    return answer


@serves("eks", "TagResource", "UntagResource", "ListTagsForResource", reason="moto tags clusters only")
def tags(call: Call) -> Bag:
    """Tags of clusters, node groups and of all parts."""
    held = _tags_of(call, call.params["resourceArn"])
    held.update(call.params.get("tags", {}))
    for key in call.params.get("tagKeys", []):
        held.pop(key, None)
    return {"tags": dict(held)}


def _tags_of(call: Call, arn: str) -> Bag:
    holders = [one for one in call.backend.clusters.values() if one.arn == arn]
    holders += [
        group for one in call.backend.clusters.values() for group in one.nodegroups.values() if group.arn == arn
    ]
    parts = [one for part in PARTS for one in call.store(part).values() if one["arn"] == arn]
    found = next((one.tags for one in holders), None) or next((one["tags"] for one in parts), None)
    if found is None and not holders and not parts:
        raise Refusal("NotFoundException", f"Resource {arn} was not found")
    if found is None:
        found = holders[0].tags = {}
    held: Bag = found
    return held


def _shown(call: Call, name: str) -> Bag:
    found, kept = call.backend.clusters[name], call.store("clusters").get(name, {})
    return {
        "name": name,
        "arn": found.arn,
        "createdAt": found.created_at,
        "version": str(found.version),
        "endpoint": found.endpoint,
        "roleArn": found.role_arn,
        "resourcesVpcConfig": {
            "securityGroupIds": [],
            "publicAccessCidrs": ["0.0.0.0/0"],
            **found.resources_vpc_config,
            **kept.get("network", {}),
        },
        "kubernetesNetworkConfig": {"ipFamily": "ipv4", **found.kubernetes_network_config},
        "logging": found.logging,
        "identity": found.identity,
        "status": found.status,
        "certificateAuthority": found.certificate_authority,
        "platformVersion": found.platformVersion,
        "tags": found.tags,
        "encryptionConfig": found.encryption_config,
        "upgradePolicy": {"supportType": "EXTENDED", **kept.get("upgradePolicy", {})},
        "accessConfig": {"authenticationMode": "CONFIG_MAP", **kept.get("accessConfig", {})},
        **{key: kept[key] for key in ("zonalShiftConfig", "deletionProtection") if key in kept},
    }


def _logging(old: Bag, change: Bag) -> Bag:
    """Log types by whether they are on: a change names types, and the others stay."""
    on = {one: row["enabled"] for row in old.get("clusterLogging", []) for one in row["types"]}
    on |= {one: row["enabled"] for row in change.get("clusterLogging", []) for one in row["types"]}
    rows = [
        {"types": sorted(key for key, is_on in on.items() if is_on is state), "enabled": state}
        for state in (True, False)
    ]
    return {"clusterLogging": [row for row in rows if row["types"]]}
