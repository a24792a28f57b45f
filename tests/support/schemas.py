"""Is this manifest one that the real API server would take? `problems()` says why not.

Built-in kinds are judged by the schemas of one Kubernetes minor, custom kinds by the CRDs of the shared folder. A kind
with neither raises `UnknownKind`, so that nothing passes unseen. tests/schemas/README.md says what this does not prove.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from tests.support import builtin_kinds, object_meta
from tests.support.cel_rules import RuleNode, broken_rules, compile_rules
from tests.support.crds import find_crd
from tests.support.shared import require_shared
from tests.support.strict_schema import validator
from tests.support.structural import to_json_schema, with_defaults
from tests.support.unknowns import dotted, marker_paths


class UnknownKind(LookupError):  # noqa: N818 - the word of the README and of reports
    """No schema for this kind: neither Kubernetes' own nor a CRD in the shared folder."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a manifest, and what could not be judged."""

    problems: tuple[str, ...]
    unknown_paths: tuple[str, ...]  # values that the plan does not know; they were taken to fit
    undecided_rules: tuple[str, ...]  # CEL rules that depend on such values


@dataclass(frozen=True)
class _Kind:
    """A compiled schema: made once per kind, used for every object."""

    namespaced: bool
    validator: Any
    complete: Callable[[Any], Any]
    rules: RuleNode | None


def problems(manifest: Mapping[str, Any], kubernetes_minor: str) -> list[str]:
    """Everything the API server would refuse in a manifest, each with its path; empty when it fits.

    `kubernetes_minor` is like "1.35". Raises UnknownKind, and `builtin_kinds.UnknownMinor`.
    """
    return list(judge(manifest, kubernetes_minor).problems)


def judge(manifest: Mapping[str, Any], kubernetes_minor: str) -> Verdict:
    """The full verdict on a manifest; see `problems`."""
    group, version, name = _identify(manifest)
    kind = _kind(group, version, name, kubernetes_minor)
    metadata = manifest.get("metadata")
    found = [*_metadata_problems(group, name, kind.namespaced, metadata, kubernetes_minor)]
    found += object_meta.label_problems(manifest)
    found += _selector_problems(group, manifest)
    completed = kind.complete(manifest)
    found += _schema_problems(kind.validator, completed)
    undecided: list[str] = []
    # Like the API server: rules are tried only on objects whose structure is right, others make them fail oddly.
    if not found:
        for broken in broken_rules(kind.rules, completed):
            (undecided if broken.undecided else found).append(f"{broken.path}: {broken.text}")
    unknown = tuple(dotted(path) for path in marker_paths(manifest))
    return Verdict(tuple(found), unknown, tuple(undecided))


def _identify(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str) or not api_version or not kind:
        raise UnknownKind(f"apiVersion {api_version!r} and kind {kind!r} name no kind")
    group, _, version = api_version.rpartition("/")
    return group, version, kind


@cache
def _kind(group: str, version: str, kind: str, minor: str) -> _Kind:
    served = builtin_kinds.served_versions(minor, group, kind)
    definition = builtin_kinds.definition_name(minor, group, version, kind)
    if definition is not None:
        return _Kind(
            namespaced=(group, kind) not in builtin_kinds.CLUSTER_SCOPED,
            validator=builtin_kinds.definition_validator(minor, definition),
            complete=lambda manifest: manifest,
            rules=None,
        )
    if served:
        raise UnknownKind(
            f"{group}/{version} {kind} is not served by Kubernetes {minor}; it serves {', '.join(served)}"
        )
    # Without a dot a group is Kubernetes' own; no CRD can help (and the shared folder need not be there).
    if "." not in group:
        raise UnknownKind(f"{group or 'core'}/{version} {kind} does not exist in Kubernetes {minor}")
    return _custom(require_shared(), group, version, kind)


def _custom(shared: FilePath, group: str, version: str, kind: str) -> _Kind:
    crd = find_crd(shared, group, kind)
    if crd is None:
        raise UnknownKind(f"{group}/{version} {kind}: neither built in nor among the CRDs of the shared folder")
    schema = crd.schemas.get(version)
    if schema is None:
        raise UnknownKind(
            f"{group}/{version} {kind}: the CRD ({crd.source.name}) serves {', '.join(crd.schemas)}"
            + (f", no longer {', '.join(crd.unserved)}" if crd.unserved else "")
        )
    return _Kind(
        namespaced=crd.namespaced,
        validator=validator(to_json_schema(schema, root=True)),
        complete=lambda manifest: with_defaults(manifest, schema),
        rules=compile_rules(schema),
    )


def _metadata_problems(group: str, kind: str, namespaced: bool, metadata: Any, minor: str) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield f"metadata: {metadata!r} is no metadata; every object has a name"
        return
    yield from object_meta.name_problems(group, kind, metadata.get("name"))
    yield from object_meta.namespace_problems(kind, namespaced, metadata)
    yield from _schema_problems(builtin_kinds.metadata_validator(minor), metadata, ("metadata",))


def _schema_problems(judged_by: Any, value: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    errors = sorted(judged_by.iter_errors(value), key=lambda error: ([str(p) for p in error.path], error.message))
    return [f"{dotted((*path, *error.absolute_path))}: {error.message}" for error in errors]


def _selector_problems(group: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """A workload whose selector does not match its own pods is refused by the API server."""
    spec = manifest.get("spec")
    if group != "apps" or not isinstance(spec, dict):
        return
    selector, template = spec.get("selector"), spec.get("template")
    wanted = selector.get("matchLabels") if isinstance(selector, dict) else None
    metadata = template.get("metadata") if isinstance(template, dict) else None
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    for key, value in wanted.items() if isinstance(wanted, dict) else ():
        given = labels.get(key) if isinstance(labels, dict) else None
        if given != value:
            yield (
                f"{dotted(('spec', 'selector', 'matchLabels', key))}: {value!r}, but the pods carry {given!r}; the "
                "selector must match spec.template.metadata.labels"
            )
