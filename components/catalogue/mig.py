"""MIG: which slices a GPU can be cut into, and whether a layout can really be placed.

A 7-slice GPU has 7 compute and 8 memory slices. Each instance takes a run of memory slices that may begin only at
the starts its profile lists, so the sum of slices is not enough: a layout is legal when a placement exists. Profiles
and starts: NVIDIA's MIG guide and `nvidia-smi mig -lgipp` on A100; later GPUs are taken to be alike (likely).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from components.catalogue import hardware
from components.catalogue.hardware import Gpu
from components.catalogue.tables import CatalogueError, nearest, rows

# NVIDIA's `all-balanced` on 7-slice GPUs (NVIDIA/mig-parted deployments/systemd/config-default.yaml).
BALANCED = {1: 2, 2: 1, 3: 1}


class UnknownProfile(CatalogueError):  # noqa: N818 - the name reads as what it says where it is caught
    """A MIG profile that the GPU does not have; `nearest` holds those it has that look like it."""

    def __init__(self, gpu: Gpu, profile: str, nearest: list[str]) -> None:
        self.profile = profile
        self.nearest = nearest
        allowed = ", ".join(p.name for p in profiles(gpu)) or "none: it cannot be cut into slices"
        super().__init__(f"{gpu.title} has no MIG profile {profile!r}; it has {allowed}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One size of slice of one GPU model."""

    gpu: str
    name: str
    """Such as `1g.10gb`."""
    compute_slices: int
    memory_slices: int
    max_per_gpu: int
    """How many fit when the GPU holds only this profile."""
    starts: tuple[int, ...]
    """Memory slices at which an instance may begin."""
    resource: str
    """What pods ask for under the device plugin's `mixed` strategy."""
    confidence: str

    @property
    def cost_share(self) -> float:
        """Share of a GPU's cost that a slice stands for: the larger of its compute and its memory share."""
        gpu = hardware.gpu(self.gpu)
        return max(self.compute_slices / gpu.mig_compute_slices, self.memory_slices / gpu.mig_memory_slices)

    @property
    def media_extensions(self) -> bool:
        """Whether the slice owns the GPU's media engines (`+me`): one per GPU."""
        return self.name.endswith("+me")


@dataclass(frozen=True, slots=True)
class LayoutVerdict:
    """Whether a layout of one GPU is legal, and what it leaves unused."""

    legal: bool
    reason: str
    """One sentence: why not, or what the layout does."""
    stranded_compute: int = 0
    """Compute slices that no instance of this layout uses. A layout is fixed, so nobody else can."""
    stranded_memory: int = 0
    """Memory slices that no instance of this layout uses."""
    resources: tuple[tuple[str, int], ...] = ()
    """Resource name -> count that one GPU then offers under the `mixed` strategy, sorted."""
    placements: tuple[tuple[str, int], ...] = ()
    """(profile, first memory slice) of each instance, in order of memory."""
    addable: tuple[str, ...] = ()
    """Profiles of which one more would still fit; none when the GPU is full."""


def resource_name(profile: str) -> str:
    """Return the resource of a profile under the `mixed` strategy, such as `nvidia.com/mig-1g.10gb`."""
    return f"nvidia.com/mig-{profile.replace('+', '.')}"


def profiles(gpu: Gpu | str) -> tuple[Profile, ...]:
    """Return the profiles of a GPU, smallest first; none where it cannot be cut. Raises `UnknownGpu` for an id."""
    model = hardware.gpu(gpu) if isinstance(gpu, str) else gpu
    return _profiles_by_gpu().get(model.id, ())


def profile(gpu: Gpu | str, name: str) -> Profile:
    """Return one profile of a GPU. Raises `UnknownProfile`."""
    model = hardware.gpu(gpu) if isinstance(gpu, str) else gpu
    known = {p.name: p for p in profiles(model)}
    if name not in known:
        raise UnknownProfile(model, name, nearest(name, known))
    return known[name]


def check_layout(gpu: Gpu | str, layout: Mapping[str, int]) -> LayoutVerdict:
    """Judge a layout (profile -> instances) of every GPU of one model by searching for a real placement.

    An empty layout, a count below 1 and a profile the GPU has not are not legal; the reason says which.
    Raises `UnknownGpu` for an unknown id.
    """
    model = hardware.gpu(gpu) if isinstance(gpu, str) else gpu
    fault = _fault(model, layout)
    if fault:
        return LayoutVerdict(legal=False, reason=fault)
    compute = sum(profile(model, name).compute_slices * count for name, count in layout.items())
    memory = sum(profile(model, name).memory_slices * count for name, count in layout.items())
    too_much = compute > model.mig_compute_slices or memory > model.mig_memory_slices
    wanted = () if too_much else _expand(model, layout)
    placements = None if too_much else _place(wanted)
    if placements is None:
        return LayoutVerdict(legal=False, reason=_why_not(model, layout, compute, memory))
    stranded = (model.mig_compute_slices - compute, model.mig_memory_slices - memory)
    return LayoutVerdict(
        legal=True,
        reason=f"uses {compute} of {model.mig_compute_slices} compute and {memory} of "
        f"{model.mig_memory_slices} memory slices of each {model.title}",
        stranded_compute=stranded[0],
        stranded_memory=stranded[1],
        resources=tuple(sorted((resource_name(name), count) for name, count in layout.items())),
        placements=placements,
        addable=tuple(p.name for p in profiles(model) if _fits(model, (*wanted, p))),
    )


def balanced_layout(gpu: Gpu | str) -> dict[str, int]:
    """Return NVIDIA's `all-balanced` layout: 2 x 1g, 1 x 2g and 1 x 3g. Empty for GPUs without 7 slices."""
    model = hardware.gpu(gpu) if isinstance(gpu, str) else gpu
    if model.mig_compute_slices != 7:
        return {}
    smallest: dict[int, Profile] = {}
    for candidate in profiles(model):
        smallest.setdefault(candidate.compute_slices, candidate)
    return {smallest[slices].name: count for slices, count in BALANCED.items()}


@cache
def _profiles_by_gpu() -> Mapping[str, tuple[Profile, ...]]:
    found: dict[str, list[Profile]] = {}
    for row in rows("mig_profiles.csv"):
        found.setdefault(row["gpu"], []).append(
            Profile(
                gpu=row["gpu"],
                name=row["profile"],
                compute_slices=int(row["compute_slices"]),
                memory_slices=int(row["memory_slices"]),
                max_per_gpu=int(row["max_per_gpu"]),
                starts=tuple(int(start) for start in row["placement_starts"].split()),
                resource=row["resource"],
                confidence=row["confidence"],
            )
        )
    return {gpu: tuple(sorted(group, key=_size)) for gpu, group in found.items()}


def _size(item: Profile) -> tuple[int, int, bool]:
    """Smallest first; media extensions last within a size, so that "the smallest of a size" is the plain one."""
    return item.compute_slices, item.memory_slices, item.media_extensions


def _fault(gpu: Gpu, layout: Mapping[str, int]) -> str | None:
    """What is wrong with a layout before any arithmetic."""
    known = [p.name for p in profiles(gpu)]
    if not known:
        return f"{gpu.title} cannot be cut into MIG slices; share it by time-slicing or MPS"
    if not layout:
        return "the layout is empty"
    unknown = sorted(set(layout) - set(known))
    if unknown:
        return f"{gpu.title} has no MIG profile {', '.join(unknown)}; it has {', '.join(known)}"
    below = sorted(name for name, count in layout.items() if count < 1)
    return f"a count must be at least 1: {', '.join(below)}" if below else None


def _why_not(gpu: Gpu, layout: Mapping[str, int], compute: int, memory: int) -> str:
    if compute > gpu.mig_compute_slices:
        return f"needs {compute} compute slices; {gpu.title} has {gpu.mig_compute_slices}"
    if memory > gpu.mig_memory_slices:
        return f"needs {memory} memory slices; {gpu.title} has {gpu.mig_memory_slices}"
    limits = ", ".join(f"{name} at most {profile(gpu, name).max_per_gpu}" for name in sorted(layout))
    return f"the slices add up but cannot be placed: each profile may begin only at certain memory slices ({limits})"


def _expand(gpu: Gpu, layout: Mapping[str, int]) -> tuple[Profile, ...]:
    """One entry per instance."""
    return tuple(profile(gpu, name) for name, count in sorted(layout.items()) for _ in range(count))


def _fits(gpu: Gpu, wanted: tuple[Profile, ...]) -> bool:
    return sum(p.compute_slices for p in wanted) <= gpu.mig_compute_slices and _place(wanted) is not None


def _place(wanted: tuple[Profile, ...]) -> tuple[tuple[str, int], ...] | None:
    """Search for a placement without overlap; None when there is none. Exact: at most 8 slices, so always quick."""
    if any(sum(q.name == p.name for q in wanted) > p.max_per_gpu for p in wanted):
        return None
    order = sorted(wanted, key=lambda p: (-p.memory_slices, p.name))  # big ones have fewest choices

    def search(index: int, taken: int) -> list[tuple[str, int]] | None:
        if index == len(order):
            return []
        item = order[index]
        for start in item.starts:
            mask = ((1 << item.memory_slices) - 1) << start
            if taken & mask:
                continue
            rest = search(index + 1, taken | mask)
            if rest is not None:
                return [(item.name, start), *rest]
        return None

    found = search(0, 0)
    return None if found is None else tuple(sorted(found, key=lambda placed: placed[1]))
