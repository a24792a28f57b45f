"""Node groups: references, the access entry that EKS makes for their role, new versions, and what moto drops."""

from __future__ import annotations

from typing import Any

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.eks_access import entry_key, new_entry
from trellis.doubles.aws.gaps.eks_cluster import cluster, update
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves


def group(call: Call) -> Any:
    """Moto's node group that the request names."""
    found = cluster(call, call.params["clusterName"]).nodegroups.get(call.params["nodegroupName"])
    if found is None:
        raise Refusal("ResourceNotFoundException", f"No node group found for name: {call.params['nodegroupName']}.")
    return found


@serves("eks", "CreateNodegroup", reason="moto looks at no reference and drops updateConfig")
def create(call: Call) -> Bag:
    """A node group, at once active. EKS lets its role join the cluster by an access entry of its own."""
    params = call.params
    home = cluster(call, params["clusterName"])
    if params["nodegroupName"] in home.nodegroups:
        message = f"NodeGroup already exists with name {params['nodegroupName']} and cluster name {home.name}"
        raise Refusal("ResourceInUseException", message)
    references.role(call, params["nodeRole"])
    references.subnets(call, params["subnets"])
    if "launchTemplate" in params:
        references.launch_template(call, params["launchTemplate"])
    made = call.moto()["nodegroup"]
    found = home.nodegroups[params["nodegroupName"]]
    found.update_config = params.get("updateConfig", {"maxUnavailable": 1})
    # Moto invents what AWS leaves open.
    found.remote_access = params.get("remoteAccess")
    found.instance_types = params.get("instanceTypes") or ([] if "launchTemplate" in params else ["t3.medium"])
    found.disk_size = params.get("diskSize") if "launchTemplate" in params else params.get("diskSize", 20)
    found.version = params.get("version") or home.version
    key = entry_key(home.name, params["nodeRole"])
    entries = call.store("entries")
    if key not in entries:
        entries[key] = new_entry(call, home.name, params["nodeRole"], "EC2_LINUX")
    return {"nodegroup": {**made, "updateConfig": found.update_config}}


@serves("eks", "DescribeNodegroup", reason="moto drops updateConfig and invents what AWS leaves open")
def describe(call: Call) -> Bag:
    """A node group as it is."""
    found = group(call)
    shown = call.moto()["nodegroup"]
    for key, value in (("remoteAccess", found.remote_access), ("diskSize", found.disk_size)):
        if not value:
            shown.pop(key, None)
    return {"nodegroup": {**shown, "updateConfig": found.update_config, "tags": found.tags}}


@serves("eks", "ListNodegroups", reason="moto fails where the cluster does not exist")
def names(call: Call) -> Bag:
    """Names of a cluster's node groups."""
    return {"nodegroups": sorted(cluster(call, call.params["clusterName"]).nodegroups)}


@serves("eks", "UpdateNodegroupVersion", reason="moto does not have it")
def upgrade(call: Call) -> Bag:
    """New nodes from a version or a template. A group is never newer than its cluster."""
    found, home = group(call), cluster(call, call.params["clusterName"])
    wanted = call.params.get("version")
    if wanted and tuple(map(int, wanted.split("."))) > tuple(map(int, str(home.version).split("."))):
        raise Refusal("InvalidParameterException", f"Node group version {wanted} is newer than the cluster's")
    template = call.params.get("launchTemplate")
    if template:
        references.launch_template(call, template)
        found.launch_template = {**(found.launch_template or {}), **template}
    found.version = wanted or found.version
    return update("VersionUpdate")
