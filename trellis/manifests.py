"""Writes the Kubernetes objects of a plan as YAML, in the order in which they can be applied."""

from __future__ import annotations

from collections.abc import Mapping
from errno import EEXIST
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from trellis.plan import Plan, Resource

INDEX = "rendered.txt"
"""Lists what a rendering wrote, so that the next one leaves nothing stale behind."""
RELEASE = "kubernetes:helm.sh/v3:Release"


def waves(plan: Plan) -> Mapping[str, int]:
    """Wave of each Kubernetes object and release by URN: one more than the last that it waits for.

    What was opened from a chart comes with its release.
    """
    shown = [r for r in plan.recorded.resources if r.is_kubernetes or r.type == RELEASE]
    inside = {r.urn for r in shown}
    order = TopologicalSorter({r.urn: _before(plan, r) & inside for r in shown})
    order.prepare()
    found: dict[str, int] = {}
    wave = 0
    while order.is_active():
        ready = order.get_ready()
        found.update(dict.fromkeys(ready, wave))
        order.done(*ready)
        wave += 1
    return found | {r.urn: found[r.opened_from] for r in plan.resources if r.opened_from}


def _before(plan: Plan, resource: Resource) -> set[str]:
    """What a resource waits for, through components (its parents too, as in the engine) and AWS resources."""
    seen: set[str] = set()
    todo = _direct(resource)
    while todo:
        urn = todo.pop()
        if urn not in seen:
            seen.add(urn)
            known = plan.by_urn.get(urn)
            if known is not None and not known.type.startswith("kubernetes:"):
                todo += _direct(known)
    return seen


def _direct(resource: Resource) -> list[str]:
    return [*resource.dependencies, *([resource.parent] if resource.parent else [])]


def manifest(resource: Resource) -> dict[str, Any]:
    """The object as it goes to the API server; a release as a document that says what Helm would install."""
    if resource.type != RELEASE:
        return {key: resource.inputs[key] for key in ("apiVersion", "kind", "metadata") if key in resource.inputs} | {
            key: value for key, value in resource.inputs.items() if key not in {"apiVersion", "kind", "metadata"}
        }
    return {"helmRelease": dict(resource.inputs)}


def write(plan: Plan, folder: Path) -> int:
    """Write one file for each object: `<cluster>/<wave>/<kind>-<namespace>-<name>.yaml`. Returns how many.

    What Helm is told stands in files that end in `.release`: they are no Kubernetes objects. What it makes of that
    lies in a folder named after the release, where its chart could be opened; it is Helm's to install, and
    `kubectl apply -f` on the wave's folder leaves it alone. What an earlier rendering wrote is removed first.
    Raises `FileExistsError` for a folder with other files in it.
    """
    _clear(folder)
    order = waves(plan)
    written: list[str] = []
    for resource in plan.resources:
        if resource.urn not in order:
            continue
        provider = plan.by_urn.get(resource.provider or "")
        target = folder / (provider.name if provider else "cluster") / f"{order[resource.urn]:02d}"
        target /= plan.by_urn[resource.opened_from].name if resource.opened_from else ""
        target.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(manifest(resource), sort_keys=False, allow_unicode=True, width=110)
        file = target / f"{_file_name(resource)}.{'release' if resource.type == RELEASE else 'yaml'}"
        file.write_text(text, encoding="utf-8")
        written.append(file.relative_to(folder).as_posix())
    (folder / INDEX).write_text("\n".join(sorted(written)) + "\n", encoding="utf-8")
    return len(written)


def _clear(folder: Path) -> None:
    index = folder / INDEX
    if index.is_file():
        for line in index.read_text(encoding="utf-8").splitlines():
            file = (folder / line).resolve()
            if file.is_relative_to(folder.resolve()):  # an index is a file like any other: it may name no other place
                file.unlink(missing_ok=True)
        index.unlink()
    if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
        raise FileExistsError(EEXIST, "it holds files that `trellis render` did not write: empty it, or name another")


def _file_name(resource: Resource) -> str:
    meta = resource.inputs.get("metadata") or resource.inputs
    group = resource.type.removeprefix("kubernetes:").partition("/")[0]
    kind = f"{resource.kind}.{group}" if "." in group else resource.kind
    _, _, number = resource.name.partition("#")  # of several hooks with one name
    parts = [kind, meta.get("namespace"), meta.get("name", resource.name), number if resource.opened_from else ""]
    shown = [part if isinstance(part, str) else "unknown" for part in parts if part]
    return "-".join(shown).lower().replace("/", "_")
