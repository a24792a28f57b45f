"""Fills the cache: from a folder of archives or from where the catalogue says, never other bytes than are locked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

from trellis.charts import archive, cache, helm, lock
from trellis.charts.rows import Chart
from trellis.toolchain import ensure

_AT_ONCE = 4
"""Downloads side by side: enough to hide waiting, few enough for any registry's limits."""

Progress = Callable[[str], None]


class ChartError(Exception):
    """A chart could not be had; the text says why and what repairs it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one chart."""

    chart: Chart
    digest: str = ""
    """SHA-256 of its archive; empty where there is none."""
    how: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where archives are taken from, and what they must be."""

    given: Mapping[tuple[str, str], Path]
    """Archives in the user's folders by name and version (without a leading `v`)."""
    folder: Path | None
    """Folder that alone counts; None where origins are asked too."""
    locked: Mapping[str, str]
    again: bool
    """Whether to fetch what is there already, and to accept whatever comes."""
    helm: Callable[[], Path]
    progress: Progress


def pull(charts: Sequence[Chart], progress: Progress, folder: Path | None = None) -> list[Outcome]:
    """Bring charts into the cache, and lock those that no lock file has yet.

    With `folder`, archives come from there and the network is left alone. Raises `lock.LockError`, and
    `ToolUnavailableError` where something must be fetched and Helm is not to be had.
    """
    return _all(charts, _source(progress, folder, lock.load(), again=False))


def relock(charts: Sequence[Chart], catalogue: Sequence[Chart], progress: Progress, *, again: bool) -> list[Outcome]:
    """Lock charts: with `again` as their origins serve them now, else those not locked yet. Drops what is gone."""
    locked = lock.load()
    wanted = [chart for chart in charts if again or chart.key not in locked]
    lock.change({}, set(locked) - {chart.key for chart in catalogue})
    return _all(wanted, _source(progress, None, locked, again=again))


def _source(progress: Progress, folder: Path | None, locked: Mapping[str, str], *, again: bool) -> Source:
    return Source(
        given=_given([*cache.dropped(), *(sorted(folder.glob("*.tgz")) if folder else [])]),
        folder=folder,
        locked=locked,
        again=again,
        helm=once(lambda: ensure("helm", progress)),
        progress=progress,
    )


def _given(files: Sequence[Path]) -> Mapping[tuple[str, str], Path]:
    """Archives by what they call themselves, whatever their files are called. Broken ones are named when looked for."""
    found: dict[tuple[str, str], Path] = {}
    for file in files:
        try:
            read = archive.read(file)
        except archive.BrokenArchiveError:
            continue
        found[read.name, _plain(read.version)] = file
    return found


def _all(charts: Sequence[Chart], source: Source) -> list[Outcome]:
    if any(_wants_helm(chart, source) for chart in charts):
        source.helm()  # minutes where it must be built: once, and before threads wait for it
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda chart: _outcome(chart, source), charts))


def _wants_helm(chart: Chart, source: Source) -> bool:
    if source.folder is not None or _found_given(chart, source):
        return False
    locked = source.locked.get(chart.key)
    return source.again or locked is None or cache.find(chart.name, chart.version, locked) is None


def _outcome(chart: Chart, source: Source) -> Outcome:
    try:
        return _one(chart, source)
    except (ChartError, archive.BrokenArchiveError, helm.HelmError) as error:
        return Outcome(chart, problem=str(error))
    except OSError as error:
        return Outcome(chart, problem=f"{error.filename or cache.folder()}: {error.strerror}")


def _one(chart: Chart, source: Source) -> Outcome:
    with cache.workplace(chart.name) as place:
        # Read anew: another process may have pulled and locked it while this one waited for the place.
        locked = None if source.again else lock.load().get(chart.key)
        # What is not locked is fetched, whatever is there: it may be a chart of this name from somewhere else.
        if locked is not None and cache.find(chart.name, chart.version, locked) is not None:
            return Outcome(chart, locked, "in the cache")
        file, how = _fetch(chart, source, place)
        read = archive.read(file)
        _must_be(chart, read, locked, how)
        cache.store(file, read, chart.name, chart.version)
        lock.change({chart.key: read.digest})
        return Outcome(chart, read.digest, how)


def _fetch(chart: Chart, source: Source, place: Path) -> tuple[Path, str]:
    """A copy of the archive in the working folder, and where it is from."""
    given = _found_given(chart, source)
    if given is not None:
        return Path(shutil.copyfile(given, place / "given.tgz")), f"from {given}"
    if source.folder is not None:
        broken = [path for path in sorted(source.folder.glob(f"{chart.name}-*.tgz")) if _is_broken(path)]
        if broken:
            archive.read(broken[0])  # says what is wrong with it
        raise ChartError(f"{source.folder} holds no archive of this name and version")
    source.progress(f"pulling {chart}")
    try:
        return helm.pull(source.helm(), chart, place), f"from {chart.origin}"
    except helm.HelmError as error:
        raise ChartError(f"{error}{_nearest(chart, source) if error.missing else ''}") from error


def _found_given(chart: Chart, source: Source) -> Path | None:
    return source.given.get((chart.name, _plain(chart.version)))


def _is_broken(path: Path) -> bool:
    try:
        archive.read(path)
    except archive.BrokenArchiveError:
        return True
    return False


def _nearest(chart: Chart, source: Source) -> str:
    """Which versions there are, for one that is not: the next lower and the highest."""
    lower = helm.best(source.helm(), chart, f"<{_plain(chart.version)}")
    newest = helm.best(source.helm(), chart, f">{_plain(chart.version)}")
    words = [f"the nearest lower is {lower}" if lower else "", f"the newest is {newest}" if newest else ""]
    known = ", ".join(word for word in words if word)
    return f"; {known}: correct the version in the catalogue's row" if known else ""


def _must_be(chart: Chart, read: archive.Archive, locked: str | None, how: str) -> None:
    if (read.name, _plain(read.version)) != (chart.name, _plain(chart.version)):
        raise ChartError(f"the archive {how} calls itself {read.name} {read.version}; nothing was stored")
    if locked is not None and read.digest != locked:
        raise ChartError(
            f"the archive {how} has the digest sha256:{read.digest}, but sha256:{locked} is locked; nothing stored. "
            "Somebody published other bytes under this version: find out why. "
            f"`trellis charts lock {chart.name}` accepts what its origin serves now"
        )


def _plain(version: str) -> str:
    return version.removeprefix("v")
