"""FSx for Lustre as AWS has it: references, life cycle, mount name, changes, and data repository associations."""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.utils import utcnow

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"
_OURS = ("FileSystemTypeVersion", "VpcId", "Lifecycle", "CreationTime", "NetworkInterfaceIds", "OwnerId")


@serves("fsx", "CreateFileSystem", reason="moto looks at no reference and drops some settings")
def create(call: Call) -> Bag:
    """A file system, at once available."""
    params = call.params
    subnets = references.subnets(call, params.get("SubnetIds", []), "InvalidNetworkSettings")
    references.security_groups(call, params.get("SecurityGroupIds", []), "InvalidNetworkSettings")
    made = call.moto()["FileSystem"]
    call.store("systems")[made["FileSystemId"]] = {
        "FileSystemTypeVersion": params.get("FileSystemTypeVersion", "2.10"),
        "VpcId": subnets[0].vpc_id,
        "Lifecycle": "AVAILABLE",
        "CreationTime": utcnow(),
        "OwnerId": call.account,
        "NetworkInterfaceIds": [f"eni-{uuid.uuid4().hex[:17]}"],
        "MountName": uuid.uuid4().hex[:8],
    }
    return {"FileSystem": _shown(call, made)}


@serves("fsx", "DescribeFileSystems", reason="moto drops some settings and answers nothing for an id that is gone")
def describe(call: Call) -> Bag:
    """File systems, with all that they were made with."""
    for one in call.params.get("FileSystemIds", []):
        _system(call, one)
    return {"FileSystems": [_shown(call, one) for one in call.moto().get("FileSystems", [])]}


@serves("fsx", "UpdateFileSystem", reason=_WHY)
def change(call: Call) -> Bag:
    """More storage, or other Lustre settings. Storage never shrinks."""
    found, params = _system(call, call.params["FileSystemId"]), call.params
    if params.get("StorageCapacity", found.storage_capacity) < found.storage_capacity:
        raise Refusal("BadRequest", "A file system's storage capacity can only grow")
    found.storage_capacity = params.get("StorageCapacity", found.storage_capacity)
    found.lustre_configuration = {**(found.lustre_configuration or {}), **params.get("LustreConfiguration", {})}
    if "FileSystemTypeVersion" in params:
        call.store("systems").setdefault(found.file_system_id, {})["FileSystemTypeVersion"] = params[
            "FileSystemTypeVersion"
        ]
    return {"FileSystem": _shown(call, found.to_dict())}


@serves("fsx", "DeleteFileSystem", reason="moto does not take a file system's associations away with it")
def delete(call: Call) -> Bag:
    """A file system and its associations."""
    id_ = call.params["FileSystemId"]
    _system(call, id_)
    for key, one in list(call.store("associations").items()):
        if one["FileSystemId"] == id_:
            del call.store("associations")[key]
    call.store("systems").pop(id_, None)
    call.moto()
    return {"FileSystemId": id_, "Lifecycle": "DELETING"}


@serves("fsx", "CreateDataRepositoryAssociation", reason=_WHY)
def associate(call: Call) -> Bag:
    """Show a bucket's objects below a path."""
    params = call.params
    _system(call, params["FileSystemId"])
    references.bucket(call, params["DataRepositoryPath"].removeprefix("s3://").partition("/")[0], "BadRequest")
    for one in call.store("associations").values():
        if (one["FileSystemId"], one["FileSystemPath"]) == (params["FileSystemId"], params["FileSystemPath"]):
            raise Refusal("BadRequest", f"The path {params['FileSystemPath']} has an association already")
    id_ = f"dra-{uuid.uuid4().hex[:17]}"
    made: Bag = {
        "AssociationId": id_,
        "ResourceARN": call.arn(f"association/{params['FileSystemId']}/{id_}"),
        "Lifecycle": "AVAILABLE",
        "CreationTime": utcnow(),
        "ImportedFileChunkSize": params.get("ImportedFileChunkSize", 1024),
        "BatchImportMetaDataOnCreate": params.get("BatchImportMetaDataOnCreate", False),
        **{key: params[key] for key in ("FileSystemId", "FileSystemPath", "DataRepositoryPath", "S3") if key in params},
    }
    call.store("associations")[id_] = made
    call.backend.tagger.tag_resource(made["ResourceARN"], params.get("Tags", []))
    return {"Association": _association_shown(call, made)}


@serves("fsx", "DescribeDataRepositoryAssociations", reason=_WHY)
def associations(call: Call) -> Bag:
    """Associations by id or file system."""
    found = list(call.store("associations").values())
    for id_ in call.params.get("AssociationIds", []):
        _association(call, id_)
    if call.params.get("AssociationIds"):
        found = [one for one in found if one["AssociationId"] in call.params["AssociationIds"]]
    for row in call.params.get("Filters", []):
        if row["Name"] == "file-system-id":
            found = [one for one in found if one["FileSystemId"] in row["Values"]]
    return {"Associations": [_association_shown(call, one) for one in found]}


@serves("fsx", "UpdateDataRepositoryAssociation", reason=_WHY)
def change_association(call: Call) -> Bag:
    """Other events, or another size of chunks."""
    found = _association(call, call.params["AssociationId"])
    found |= {key: call.params[key] for key in ("S3", "ImportedFileChunkSize") if key in call.params}
    return {"Association": _association_shown(call, found)}


@serves("fsx", "DeleteDataRepositoryAssociation", reason=_WHY)
def delete_association(call: Call) -> Bag:
    """An association; the data stays where it is."""
    _association(call, call.params["AssociationId"])
    del call.store("associations")[call.params["AssociationId"]]
    return {"AssociationId": call.params["AssociationId"], "Lifecycle": "DELETING"}


def _system(call: Call, id_: str) -> Any:
    found = call.backend.file_systems.get(id_)
    if found is None:
        raise Refusal("FileSystemNotFound", f"File system '{id_}' does not exist.")
    return found


def _association(call: Call, id_: str) -> Bag:
    found: Bag | None = call.store("associations").get(id_)
    if found is None:
        raise Refusal("DataRepositoryAssociationNotFound", f"Association '{id_}' does not exist.")
    return found


def _shown(call: Call, theirs: Bag) -> Bag:
    kept = call.store("systems").get(theirs["FileSystemId"], {})
    lustre = {**theirs.get("LustreConfiguration", {}), "MountName": kept.get("MountName", "fsx")}
    return {**theirs, **{key: kept[key] for key in _OURS if key in kept}, "LustreConfiguration": lustre}


def _association_shown(call: Call, one: Bag) -> Bag:
    return {**one, "Tags": call.backend.tagger.list_tags_for_resource(one["ResourceARN"])["Tags"]}
