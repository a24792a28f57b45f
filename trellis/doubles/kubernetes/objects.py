"""Between a resource's property bag and the object that the API server knows."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from trellis.doubles.provider import Bag
from trellis.doubles.wire import Secret, has_secret, reveal

Manifest = dict[str, Any]

FIELD_MANAGER = "__fieldManager"
"""Output that keeps the name under which an object's fields are applied, as the official provider does."""
_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_EXTENSION, _WIRED = "x-kubernetes-", "x_kubernetes_"
"""Schema fields that no SDK can name as they are."""


def is_patch(type_: str) -> bool:
    """Whether a type changes fields of somebody else's object, such as `kubernetes:core/v1:NamespacePatch`."""
    module = type_.split(":")[1]
    group = module.partition("/")[0]
    ours = "." not in group or group.endswith(".k8s.io")
    return type_.endswith("Patch") and ours


def manifest(inputs: Bag) -> Manifest:
    """The object to send: no marks, nothing that is null, nothing that only the server may write."""
    made: Manifest = _sent(reveal(inputs))
    made.pop("status", None)
    made["metadata"] = {key: value for key, value in made.get("metadata", {}).items() if key not in _READ_ONLY}
    return made


def _sent(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_sent_key(key): _sent(item) for key, item in value.items() if item is not None}
    return [_sent(item) for item in value] if isinstance(value, list) else value


def _sent_key(key: str) -> str:
    return _EXTENSION + key.removeprefix(_WIRED).replace("_", "-") if key.startswith(_WIRED) else key


def _stored(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_stored_key(key): _stored(item) for key, item in value.items()}
    return [_stored(item) for item in value] if isinstance(value, list) else value


def _stored_key(key: str) -> str:
    return key.replace("-", "_") if key.startswith(_EXTENSION) else key


def outputs(live: Mapping[str, Any], inputs: Bag, manager: str) -> Bag:
    """What the state keeps of a live object. A Secret's data is secret where its stringData was."""
    kept: Bag = _stored(copy.deepcopy(dict(live)))
    kept.get("metadata", {}).pop("managedFields", None)
    kept[FIELD_MANAGER] = manager
    if kept.get("kind") == "Secret" and kept.get("apiVersion") == "v1" and has_secret(inputs.get("stringData")):
        kept["data"] = Secret(kept.get("data", {}))
    return kept


def imported(live: Mapping[str, Any]) -> Bag:
    """Inputs that would make a live object: all but what the server and its controllers write."""
    made: Bag = _stored(copy.deepcopy({key: value for key, value in live.items() if key != "status"}))
    made["metadata"] = {key: value for key, value in made["metadata"].items() if key not in _READ_ONLY}
    notes = made["metadata"].get("annotations", {})
    for written in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        notes.pop(written, None)
    if made.get("kind") == "Secret" and made.get("apiVersion") == "v1" and "data" in made:
        made["data"] = Secret(made["data"])
    return made


def annotation(inputs: Mapping[str, Any], name: str) -> str:
    """The value of `pulumi.com/<name>`; empty where it is not set."""
    found = (reveal(inputs).get("metadata") or {}).get("annotations") or {}
    return str(found.get(f"pulumi.com/{name}") or "") if isinstance(found, Mapping) else ""


def is_on(inputs: Mapping[str, Any], name: str) -> bool:
    """Whether the annotation `pulumi.com/<name>` is true."""
    return annotation(inputs, name) == "true"


def name_of(item: Mapping[str, Any]) -> str:
    """A known name, or nothing."""
    name = (reveal(item).get("metadata") or {}).get("name")
    return name if isinstance(name, str) else ""


def namespace_of(item: Mapping[str, Any]) -> str:
    """A known namespace, or nothing."""
    namespace = (reveal(item).get("metadata") or {}).get("namespace")
    return namespace if isinstance(namespace, str) else ""


def identifier(live: Mapping[str, Any]) -> str:
    """`namespace/name`, or `name` of what lives in no namespace."""
    return "/".join(part for part in (namespace_of(live), name_of(live)) if part)


def split(id_: str) -> tuple[str | None, str]:
    """Namespace and name of an id."""
    namespace, _, name = id_.rpartition("/")
    return namespace or None, name


def kind_of(type_: str) -> tuple[str, str]:
    """API version and kind that a type of the SDK stands for: `kubernetes:core/v1:Pod` is `v1` and `Pod`."""
    _, module, kind = type_.split(":")
    group, _, version = module.rpartition("/")
    if is_patch(type_):
        kind = kind.removesuffix("Patch")
    if not group or group == "core":
        return version, kind
    return f"{group}/{version}", kind
