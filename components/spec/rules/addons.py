"""Rules about add-ons: that they exist, and that what is on has what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from components.catalogue.addons import addon, addons, missing_needs
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform
from components.spec.switches import asked_addons, enabled_addons, possible_addons, target


def addons_are_known(platform: Platform) -> Iterator[Problem]:
    """Every switch names an add-on of the catalogue."""
    for name in sorted(platform.addons):
        if name in addons():
            continue
        path: Path = ("addons", name)
        near = edits.nearest(name, addons())
        yield Problem(
            path=path,
            value=platform.addons[name],
            message="the catalogue has no such add-on" + (f"; the nearest is `{near[0]}`" if near else ""),
            allowed=edits.listed(addons(), 40),
            consequence="the switch would do nothing",
            fix=f"rename it to `addons.{near[0]}`" if near else edits.remove(path),
        )


def addons_have_a_cluster(platform: Platform) -> Iterator[Problem]:
    """An add-on that is switched on can run in one of the clusters."""
    for name, on in sorted(platform.addons.items()):
        if not on or name not in addons() or any(name in possible_addons(c) for c in platform.clusters.values()):
            continue
        row = addon(name)
        path: Path = ("addons", name)
        yield Problem(
            path=path,
            value=True,
            message=f"{row.title} runs on {' and '.join(row.targets)} clusters"
            + (f" with the role `{row.cluster_role}`" if row.cluster_role != "every" else "")
            + ", and there is none",
            allowed="false, or no switch",
            consequence="it would be on and run nowhere",
            fix=edits.remove(path),
            related=(path, ("clusters",), *(("clusters", one, "roles") for one in platform.clusters)),
        )


def needed_addons_are_on(platform: Platform) -> Iterator[Problem]:
    """No add-on is off that another one, which is on, needs."""
    wanted: dict[str, dict[str, str]] = {}
    shared = _shared(platform)
    for cluster, spec in sorted(platform.clusters.items()):
        reachable = possible_addons(spec) | shared.keys()
        for missing in missing_needs(enabled_addons(platform, cluster), target(spec)):
            if missing.need.id in reachable and not shared.get(missing.need.id):
                wanted.setdefault(missing.need.id, {})[missing.addon] = missing.need.why
    for name, by in sorted(wanted.items()):
        switched_off = platform.addons.get(name) is False
        path: Path = ("addons", name)
        reasons = "; ".join(f"{addon(one).title} needs it: {why}" for one, why in sorted(by.items()))
        yield Problem(
            path=path,
            value=platform.addons.get(name),
            message=f"{addon(name).title} is {'switched off' if switched_off else 'not on'}, but {reasons}",
            allowed="true while one of them is on",
            consequence=f"{edits.listed(addon(one).title for one in sorted(by))} would not start",
            fix=f"{edits.put(path, True)}, or switch off {edits.listed(f'`addons.{one}`' for one in sorted(by))} too",
            related=(path, *(("addons", one) for one in by)),
        )


def _shared(platform: Platform) -> dict[str, bool]:
    """Add-ons that run once and serve all clusters, such as Argo CD, with whether they are on."""
    return {
        one: one in enabled_addons(platform, cluster)
        for cluster, spec in sorted(platform.clusters.items())
        for one in sorted(possible_addons(spec))
        if addon(one).cluster_role == "shared"
    }


def asked_addons_are_on(platform: Platform) -> Iterator[Problem]:
    """No add-on is off that a pool, a model, a job or a service asks for."""
    for name in sorted(one for one, on in platform.addons.items() if not on and one in addons()):
        asked = [
            one
            for cluster, spec in sorted(platform.clusters.items())
            for one in asked_addons(platform, cluster)
            if one.addon == name and name in possible_addons(spec)
        ]
        if not asked:
            continue
        path: Path = ("addons", name)
        places = edits.listed(dict.fromkeys(f"`{'.'.join(str(part) for part in one.path)}`" for one in asked), 3)
        yield Problem(
            path=path,
            value=False,
            message=f"{addon(name).title} is switched off, but it is needed by {places}: {asked[0].why}",
            allowed="true, or no switch, while something asks for it",
            consequence=f"what stands at {places} would be written and do nothing",
            fix=f"{edits.remove(path)}, or remove {places}",
            related=(path, *dict.fromkeys(one.path for one in asked)),
        )


def asked_addons_have_a_cluster(platform: Platform) -> Iterator[Problem]:
    """What a cluster's pools or the platform's services ask for exists on a cluster of that kind."""
    anywhere = frozenset[str]().union(*(possible_addons(spec) for spec in platform.clusters.values()))
    said: set[Path] = set()
    for cluster, spec in sorted(platform.clusters.items()):
        for asked in asked_addons(platform, cluster):
            row = addon(asked.addon)
            if asked.addon in anywhere or target(spec) in row.targets or asked.path in said:
                continue
            said.add(asked.path)
            yield Problem(
                path=asked.path,
                value=None,
                message=f"it asks for {row.title} ({asked.why}), which exists on {edits.listed(row.targets)} clusters "
                f"only, and `{cluster}` is of kind `{spec.kind}`",
                allowed=f"nothing here, without a cluster of kind {edits.listed(row.targets)}",
                consequence="it would be written and do nothing",
                fix=edits.remove(asked.path),
                related=(asked.path, ("clusters",)),
            )
