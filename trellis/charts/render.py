"""Opens a release: real Helm over the cached archive, offline, and its answer kept until anything in it changes.

A value that is known only after deployment is given to Helm as a placeholder. Everything is rendered twice, with two
placeholders: what differs depends on such a value (also through base64 or a checksum) or on chance, and is marked
unknown. A chart that branches on such a value sees a text that is not empty.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from trellis.charts import cache, helm
from trellis.charts.archive import digest_of
from trellis.charts.built_in import API_VERSIONS
from trellis.charts.objects import ObjectsError, Opened, merge, parse
from trellis.charts.rows import Chart, of_release

_FORMAT = 1
"""Goes up when what is kept changes its meaning; older answers are not read then."""
_KEPT = 500
"""Answers on disk: some environments' worth. The oldest go first."""
PLACEHOLDERS = ("a-trellis-unknown", "b-trellis-unknown")
"""They fit where a name, a host or a label is asked for, and differ at the start, where no cutting removes it."""
NOT_HONOURED = ("postrender", "valueYamlFiles", "devel", "verify", "keyring")
"""Inputs of a release that would change what Helm renders, and that no release of ours has."""


class NotOpenedError(Exception):
    """A release cannot be opened; the text says why and what repairs it."""


def archive_of(inputs: Mapping[str, Any], locked: Mapping[str, str]) -> Path:
    """The cached archive of a release's chart, by its locked digest. Raises `NotOpenedError`."""
    chart = of_release(inputs)
    return archive(chart, locked)


def archive(chart: Chart, locked: Mapping[str, str]) -> Path:
    """The cached archive of a chart, by its locked digest. Raises `NotOpenedError`."""
    digest = locked.get(chart.key)
    there = cache.digests(chart.name, chart.version)
    if not there:
        raise NotOpenedError("no archive in the cache; `trellis charts pull` fetches it")
    if digest is None:  # of which origin the archive is, only a lock tells
        raise NotOpenedError("an archive is in the cache, but none is locked; `trellis charts pull` locks it")
    found = cache.find(chart.name, chart.version, digest)
    if found is not None:
        return found
    if digest not in there:
        raise NotOpenedError(
            "the cache has another archive than is locked; `trellis charts pull` fetches the locked one"
        )
    raise NotOpenedError("the archive in the cache is broken; `trellis charts pull` fetches it anew")


def open_release(
    inputs: Mapping[str, Any],
    *,
    archive: Path,
    helm_path: Path,
    kube_version: str,
    api_versions: Iterable[str] = (),
) -> list[Opened]:
    """What Helm would install for a `helm.v3.Release`, in Helm's order, hooks (but no tests) included.

    `inputs` are the release's, as a plan or the engine has them; `kube_version` is a minor such as `1.35`;
    `api_versions` are what the cluster has beyond Kubernetes itself, as `group/version` or `group/version/Kind`.
    Raises `NotOpenedError` where Helm refuses.
    """
    if unfit := [key for key in NOT_HONOURED if inputs.get(key)]:
        raise NotOpenedError(f"it sets {', '.join(unfit)}, which only the real installation honours")
    if any(_has_marker(inputs.get(key)) for key in ("name", "namespace", "skipCrds")):
        raise NotOpenedError("its name, namespace or skipCrds is known only after deployment")
    if not inputs.get("name"):
        raise NotOpenedError("it has no name of its own: the engine makes one up at deployment")
    arguments = [
        str(inputs["name"]),
        str(archive),
        *("--namespace", str(inputs.get("namespace") or "default"), "--kube-version", kube_version, "--skip-tests"),
        *(["--skip-crds"] if inputs.get("skipCrds") else ["--include-crds"]),
        *(part for one in sorted(API_VERSIONS.union(api_versions)) for part in ("--api-versions", one)),
    ]
    values = inputs.get("values") or {}
    kept = cache.folder() / "rendered" / f"{_address(arguments, values, archive, helm_path)}.json"
    known = _read(kept)
    if known is not None:
        return known
    try:
        made = _render(helm_path, arguments, values)
    except (helm.HelmError, ObjectsError) as error:
        raise NotOpenedError(f"Helm: {error}" if isinstance(error, helm.HelmError) else str(error)) from error
    _keep(kept, made)
    return made


def _render(helm_path: Path, arguments: list[str], values: Any) -> list[Opened]:
    def once(placeholder: str) -> str:
        return helm.template(helm_path, arguments, json.dumps(_known(values, placeholder)))

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(once, PLACEHOLDERS)
    # Reading megabytes of CRDs takes longer than rendering them, and most charts render the same both times.
    return parse(one) if one == other else merge(parse(one), parse(other))


def _known(value: Any, placeholder: str) -> Any:
    """Values with a placeholder for each mark of something unknown or secret."""
    if isinstance(value, Mapping):
        if "$trellis" in value:
            return placeholder
        return {key: _known(item, placeholder) for key, item in value.items()}
    return [_known(item, placeholder) for item in value] if isinstance(value, list | tuple) else value


def _has_marker(value: Any) -> bool:
    return isinstance(value, Mapping) and "$trellis" in value


def _address(arguments: list[str], values: Any, archive: Path, helm_path: Path) -> str:
    """A digest of all that the answer depends on. A tool that changes has another time or size."""
    tool = helm_path.stat()
    parts = [_FORMAT, str(helm_path), tool.st_size, tool.st_mtime_ns, digest_of(archive), arguments, values]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> list[Opened] | None:
    try:
        rows = json.loads(path.read_bytes())
        path.touch()  # by this the oldest are known
        return [Opened(row["manifest"], row["source"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, opened: list[Opened]) -> None:
    """Keep an answer; a disk that is full or read-only only means that Helm is asked again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False, encoding="utf-8") as file:
            json.dump([{"manifest": one.manifest, "source": one.source} for one in opened], file)
        Path(file.name).replace(path)
        by_age = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in by_age[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return
