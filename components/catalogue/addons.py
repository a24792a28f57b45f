"""The add-on catalogue: what can be installed, in which order, and what it takes.

Rows are files (``data/addons/<id>.yaml``), read once; adding an add-on is adding a row. Order is data too:
`install_order` and `waves` follow `needs` and `wants`, and teardown is the reverse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import yaml
from pydantic import ValidationError

from components.catalogue import yaml_rows
from components.catalogue.addon_model import Addon, ClusterRole, Namespace, Need, PodSecurity, Quota, Target
from components.catalogue.kubernetes import Minor, Verdict, judge

_STRICTEST_FIRST: tuple[PodSecurity, ...] = ("restricted", "baseline", "privileged")


class BadRowError(ValueError):
    """A row file of the catalogue itself is wrong: a mistake of ours, never of a user."""


class UnknownAddonError(KeyError):
    """An add-on id that the catalogue has not; `nearest` holds the most similar ids."""

    def __init__(self, addon_id: str, nearest: list[str]) -> None:
        super().__init__(addon_id)
        self.addon_id = addon_id
        self.nearest = nearest

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return f"the catalogue has no add-on '{self.addon_id}'{hint}"


class MissingNeed(NamedTuple):
    """An enabled add-on whose need is not enabled."""

    addon: str
    need: Need


def parse_row(text: str, name: str) -> Addon:
    """Read one row; raise `BadRowError` naming the file `name` and every mistake in it."""
    try:
        data = yaml_rows.parse(text)
        row = Addon.model_validate_json(json.dumps(data))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise BadRowError(f"{name}: {error}") from error
    if name != f"{row.id}.yaml":
        raise BadRowError(f"{name}: the row's id is '{row.id}', so its file must be {row.id}.yaml")
    return row


@cache
def addons() -> Mapping[str, Addon]:
    """All rows by id, in alphabetical order, read-only."""
    folder = files("components.catalogue") / "data" / "addons"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    rows = [parse_row((folder / name).read_text(encoding="utf-8"), name) for name in names]
    return MappingProxyType({row.id: row for row in rows})


def addon(addon_id: str) -> Addon:
    """One row; raise `UnknownAddonError` with the nearest ids."""
    rows = addons()
    if addon_id not in rows:
        raise UnknownAddonError(addon_id, get_close_matches(addon_id, rows, n=3))
    return rows[addon_id]


def _before(row: Addon, enabled: frozenset[str]) -> set[str]:
    """Ids among `enabled` that are installed before `row`."""
    asked = {need.id for need in row.needs} | set(row.wants)
    if not row.foundation:
        asked |= {other for other in enabled if addon(other).foundation}
    return asked & enabled - {row.id}


def dependencies(addon_id: str, enabled: Iterable[str]) -> tuple[str, ...]:
    """Ids among `enabled` that `addon_id` is installed directly after: its ``depends_on``, sorted."""
    return tuple(sorted(_before(addon(addon_id), frozenset(enabled))))


def waves(ids: Iterable[str]) -> dict[str, int]:
    """Wave number per add-on, from 0: each stands one after the last of what comes before it.

    Add-ons of one wave can be installed together; keys come in install order, ties by id. Raise
    `BadRowError` on a cycle.
    """
    enabled = frozenset(ids)
    graph = {one: _before(addon(one), enabled) for one in enabled}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        raise BadRowError(f"these add-ons wait for each other: {' -> '.join(error.args[1])}") from error
    result: dict[str, int] = {}
    number = 0
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result.update(dict.fromkeys(ready, number))
        sorter.done(*ready)
        number += 1
    return result


def install_order(ids: Iterable[str]) -> list[str]:
    """The add-ons in the order of their waves, ties by id; reversed it is the order of teardown."""
    return list(waves(ids))


def missing_needs(enabled: Iterable[str], target: Target = "eks") -> list[MissingNeed]:
    """Needs of enabled add-ons that are not enabled themselves, on platforms of the kind `target`."""
    ids = frozenset(enabled)
    return [
        MissingNeed(one, need)
        for one in sorted(ids)
        for need in addon(one).needs
        if need.id not in ids and target in need.targets
    ]


def needed_by(addon_id: str, enabled: Iterable[str], target: Target = "eks") -> list[str]:
    """Enabled add-ons that need `addon_id` directly: what breaks when it is switched off."""
    wanted = addon(addon_id).id
    return sorted(
        one for one in set(enabled) if any(need.id == wanted and target in need.targets for need in addon(one).needs)
    )


def for_role(*roles: ClusterRole) -> list[str]:
    """Ids of add-ons that a cluster with these roles carries; rows of role ``every`` always.

    One cluster for everything has the roles training, inference and shared; of two separate clusters one
    takes ``shared`` beside its own.
    """
    wanted = {*roles, "every"}
    return [one for one, row in addons().items() if row.cluster_role in wanted]


def for_target(target: Target) -> list[str]:
    """Ids of add-ons that exist on platforms of the kind `target`."""
    return [one for one, row in addons().items() if target in row.targets]


def supports(addon_id: str, kubernetes_minor: str) -> Verdict:
    """Whether the add-on runs on a Kubernetes minor such as ``1.35``, with the reason and its source."""
    row = addon(addon_id)
    claim = row.kubernetes
    return judge(row.title, Minor.parse(kubernetes_minor), claim.supported, claim.tested, claim.source)


def namespaces(ids: Iterable[str]) -> dict[str, Namespace]:
    """Namespaces of these add-ons by name; where rows share one, it admits the pods of all of them."""
    result: dict[str, Namespace] = {}
    for namespace in (one for addon_id in sorted(set(ids)) for one in addon(addon_id).namespaces):
        other = result.setdefault(namespace.name, namespace)
        result[namespace.name] = namespace.model_copy(
            update={
                "pod_security": max(namespace.pod_security, other.pod_security, key=_STRICTEST_FIRST.index),
                "create": namespace.create and other.create,
                "daemon_pods": namespace.daemon_pods or other.daemon_pods,
                "inject_mesh": namespace.inject_mesh or other.inject_mesh,
            }
        )
    return dict(sorted(result.items()))


def quotas(ids: Iterable[str]) -> dict[str, Quota]:
    """Quota per namespace of these add-ons; rows that share a namespace state the same one."""
    return {quota.namespace: quota for addon_id in sorted(set(ids)) for quota in addon(addon_id).quotas}


@cache
def _kind_owners() -> Mapping[tuple[str, str], str]:
    return {(crd.group, crd.kind): row.id for row in addons().values() for crd in row.crds}


def owner_of_kind(api_version: str, kind: str) -> str | None:
    """The add-on whose CRD defines this kind, or None for built-in and unknown kinds.

    Whoever makes such an object comes after that add-on and goes before it.
    """
    group = api_version.partition("/")[0] if "/" in api_version else ""
    return _kind_owners().get((group, kind))
