"""Names, labels, annotations and namespaces: what the API server checks of every object beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.unknowns import Path, dotted, is_marker

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_ANNOTATIONS_LIMIT = 256 * 1024  # bytes, keys and values together

# (pattern, longest, words) for kinds whose names are narrower (or wider) than a DNS subdomain.
_DNS_LABEL = (re.compile(_LABEL), 63, "a DNS label (lower-case letters, digits and '-')")
_DNS_1035 = (
    re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?"),
    63,
    "a DNS-1035 label (starts with a lower-case letter, then letters, digits and '-')",
)
_SEGMENT = (re.compile(r"(?!\.{1,2}$)[^/%]+"), 253, "a path segment (no '/' and no '%')")
_DEFAULT = (_SUBDOMAIN, 253, "a DNS subdomain (lower-case letters, digits, '-' and '.')")
_RULES = {
    ("", "Namespace"): _DNS_LABEL,
    ("", "Service"): _DNS_1035,
    # The controller appends 11 characters to make the name of a Job, which must stay a label value.
    ("batch", "CronJob"): (_SUBDOMAIN, 52, _DEFAULT[2]),
    **{
        ("rbac.authorization.k8s.io", kind): _SEGMENT
        for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    },
    # Not the API server but KServe's webhook: IsvcNameFmt in kserve/kserve.
    ("serving.kserve.io", "InferenceService"): _DNS_1035,
}


def name_problems(group: str, kind: str, name: object) -> Iterator[str]:
    """What is wrong with the name of an object of a kind."""
    pattern, longest, words = _RULES.get((group, kind), _DEFAULT)
    if is_marker(name):
        return
    if not isinstance(name, str) or not name:
        yield f"metadata.name: {name!r} is no name; every object is named explicitly"
        return
    if not pattern.fullmatch(name):
        yield f"metadata.name: {name!r} is not {words}"
    if len(name) > longest:
        yield f"metadata.name: {name!r} has {len(name)} characters, a {kind} may have {longest}"


def namespace_problems(kind: str, namespaced: bool, metadata: Mapping[str, Any]) -> Iterator[str]:
    """A namespace must stand on a namespaced object and must not on any other."""
    namespace = metadata.get("namespace")
    if is_marker(namespace):
        return
    if namespaced and not namespace:
        yield f"metadata.namespace: missing; {kind} is namespaced and would land in 'default'"
    elif not namespaced and namespace is not None:
        yield f"metadata.namespace: {namespace!r} on {kind}, which is cluster-scoped"
    elif namespaced and (not isinstance(namespace, str) or not _DNS_LABEL[0].fullmatch(namespace)):
        yield f"metadata.namespace: {namespace!r} is not {_DNS_LABEL[2]}"


def label_problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Labels, annotations and selectors of an object and of every template inside it."""
    yield from _walk(manifest, ())


def _walk(value: Any, path: Path) -> Iterator[str]:
    if isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, (*path, index))
        return
    if not isinstance(value, dict) or is_marker(value):
        return
    for key, child in value.items():
        here = (*path, key)
        if key == "metadata" and isinstance(child, dict):
            yield from _labels(child.get("labels"), (*here, "labels"))
            yield from _annotations(child.get("annotations"), (*here, "annotations"))
        elif key in ("matchLabels", "nodeSelector"):
            yield from _labels(child, here)
        if key not in ("labels", "annotations"):
            yield from _walk(child, here)


def _labels(labels: Any, path: Path) -> Iterator[str]:
    if not isinstance(labels, dict) or is_marker(labels):
        return  # a wrong type is the schema's to tell
    for key, value in labels.items():
        yield from _key(key, path, key)
        # An ApplicationSet's template holds Go templates where the object will have values.
        if not isinstance(value, str) or "{{" in value:
            continue
        if len(value) > 63 or (value and not _QUALIFIED.fullmatch(value)):
            yield (
                f"{dotted((*path, key))}: {value!r} is not a label value (at most 63 letters, digits, '-', '_', '.', "
                "starting and ending with a letter or digit)"
            )


def _annotations(annotations: Any, path: Path) -> Iterator[str]:
    if not isinstance(annotations, dict) or is_marker(annotations):
        return
    for key in annotations:
        yield from _key(key, path, key.lower())
    size = sum(len(str(part).encode()) for item in annotations.items() for part in item)
    if size > _ANNOTATIONS_LIMIT:
        yield f"{dotted(path)}: {size} bytes, at most {_ANNOTATIONS_LIMIT} are stored"


def _key(key: str, path: Path, text: str) -> Iterator[str]:
    prefix, slash, name = text.rpartition("/")
    good_prefix = not slash or (len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix))
    if not good_prefix or len(name) > 63 or not _QUALIFIED.fullmatch(name):
        yield f"{dotted((*path, key))}: {key!r} is not a key ([DNS subdomain/]name of at most 63 characters)"
