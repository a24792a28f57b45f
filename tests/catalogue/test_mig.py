"""MIG packing: a layout is legal exactly when its slices can be placed."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue import hardware, mig
from components.catalogue.hardware import UnknownGpu
from components.catalogue.mig import UnknownProfile, balanced_layout, check_layout, profile, profiles

GPUS = sorted(gpu.id for gpu in hardware.gpus().values() if gpu.mig_capable)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    gpu = draw(st.sampled_from(GPUS))
    names = [p.name for p in profiles(gpu)]
    return gpu, draw(st.dictionaries(st.sampled_from(names), st.integers(1, 8), min_size=1, max_size=4))


def brute_force(gpu: str, layout: dict[str, int]) -> bool:
    """Try every choice of starts: slow, and obviously right."""
    model = hardware.gpu(gpu)
    wanted = [profile(gpu, name) for name, count in layout.items() for _ in range(count)]
    if sum(p.compute_slices for p in wanted) > model.mig_compute_slices:
        return False
    if sum(p.memory_slices for p in wanted) > model.mig_memory_slices:
        return False
    if any(count > profile(gpu, name).max_per_gpu for name, count in layout.items()):
        return False
    per_profile = [list(combinations(profile(gpu, name).starts, count)) for name, count in layout.items()]
    for choice in product(*per_profile):
        cells = [
            start + offset
            for name, starts in zip(layout, choice, strict=True)
            for start in starts
            for offset in range(profile(gpu, name).memory_slices)
        ]
        if len(cells) == len(set(cells)):
            return True
    return False


@given(layouts())
def test_the_search_is_exact(case: tuple[str, dict[str, int]]) -> None:
    gpu, layout = case
    assert check_layout(gpu, layout).legal == brute_force(gpu, layout)


@given(layouts())
def test_a_legal_layout_comes_with_its_placement(case: tuple[str, dict[str, int]]) -> None:
    gpu, layout = case
    verdict = check_layout(gpu, layout)
    if not verdict.legal:
        assert verdict.reason
        assert verdict.placements == ()
        return
    placed: set[int] = set()
    for name, start in verdict.placements:
        shape = profile(gpu, name)
        assert start in shape.starts
        cells = set(range(start, start + shape.memory_slices))
        assert not cells & placed, "two slices share memory"
        placed |= cells
    assert sorted(name for name, _ in verdict.placements) == sorted(n for n, c in layout.items() for _ in range(c))
    assert dict(verdict.resources) == {mig.resource_name(name): count for name, count in layout.items()}
    model = hardware.gpu(gpu)
    used = sum(profile(gpu, n).compute_slices * c for n, c in layout.items())
    assert verdict.stranded_compute == model.mig_compute_slices - used
    assert verdict.stranded_memory == model.mig_memory_slices - len(placed)


@given(layouts())
def test_one_more_slice_fits_exactly_where_the_verdict_says_so(case: tuple[str, dict[str, int]]) -> None:
    gpu, layout = case
    verdict = check_layout(gpu, layout)
    if verdict.legal:
        for extra in profiles(gpu):
            more = {**layout, extra.name: layout.get(extra.name, 0) + 1}
            assert check_layout(gpu, more).legal == (extra.name in verdict.addable)


@pytest.mark.parametrize(
    ("layout", "compute", "memory"),
    [
        ({"3g.40gb": 2}, 1, 0),  # 3 + 3 of 7 compute, 4 + 4 of 8 memory
        ({"3g.40gb": 1, "4g.40gb": 1}, 0, 0),  # 3 + 4 of 7, 4 + 4 of 8
        ({"1g.10gb": 7}, 0, 1),  # 7 of 7, 7 of 8
        ({"1g.20gb": 4}, 3, 0),  # 4 of 7, 8 of 8
        ({"7g.80gb": 1}, 0, 0),
        ({"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}, 0, 0),  # all-balanced: 2 + 2 + 3 of 7, 2 + 2 + 4 of 8
    ],
)
def test_what_full_layouts_strand(layout: dict[str, int], compute: int, memory: int) -> None:
    verdict = check_layout("h100", layout)
    assert verdict.legal, verdict.reason
    assert (verdict.stranded_compute, verdict.stranded_memory) == (compute, memory)
    assert verdict.addable == ()


@pytest.mark.parametrize(
    ("gpu", "layout", "reason"),
    [
        ("h100", {"1g.10gb": 8}, "needs 8 compute slices; NVIDIA H100 SXM has 7"),
        ("h100", {"3g.40gb": 2, "1g.10gb": 1}, "needs 9 memory slices; NVIDIA H100 SXM has 8"),
        ("h100", {"4g.40gb": 1, "2g.20gb": 1, "1g.20gb": 1, "1g.10gb": 1}, "needs 8 compute"),
        ("h100", {"2g.20gb": 3, "1g.20gb": 1}, None),  # 2 + 2 + 2 + 1 of 7; 2 + 2 + 2 + 2 of 8
        ("h100", {"1g.5gb": 1}, "has no MIG profile 1g.5gb; it has 1g.10gb"),
        ("h100", {}, "empty"),
        ("h100", {"1g.10gb": 0}, "at least 1"),
        ("l4", {"1g.10gb": 1}, "cannot be cut into MIG slices; share it by time-slicing or MPS"),
        ("h100", {"1g.10gb+me": 2}, "cannot be placed"),
        ("a100-40gb", {"1g.5gb": 6, "1g.5gb+me": 1}, None),
        ("rtx-pro-server-6000", {"1g.24gb": 4}, None),
        ("rtx-pro-server-6000", {"1g.24gb": 5}, "needs 5 compute"),
        ("h100", {"1g.10gb": 10**9}, "needs 1000000000 compute slices"),
    ],
)
def test_verdicts_say_why(gpu: str, layout: dict[str, int], reason: str | None) -> None:
    verdict = check_layout(gpu, layout)
    assert verdict.legal == (reason is None)
    assert (reason or "uses") in verdict.reason


def test_starts_matter_beyond_sums() -> None:
    """4g begins at 0 only and 2g at 0, 2 and 4: 4g + 1g + 2g fits, with the 1g pushed to the end."""
    verdict = check_layout("a100-80gb", {"4g.40gb": 1, "1g.10gb": 1, "2g.20gb": 1})
    assert dict(verdict.placements) == {"4g.40gb": 0, "2g.20gb": 4, "1g.10gb": 6}
    # 1g.20gb x 3 leaves 2 of 8 memory slices, and 3g needs four in a row
    assert not check_layout("a100-80gb", {"1g.20gb": 3, "3g.40gb": 1}).legal


def test_cost_share_is_the_larger_of_compute_and_memory() -> None:
    assert profile("h100", "1g.10gb").cost_share == pytest.approx(1 / 7)
    assert profile("h100", "3g.40gb").cost_share == pytest.approx(4 / 8)
    assert profile("h100", "7g.80gb").cost_share == 1


def test_balanced_layouts_are_legal_and_full() -> None:
    assert balanced_layout("a100-40gb") == {"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1}
    for gpu in GPUS:
        layout = balanced_layout(gpu)
        if hardware.gpu(gpu).mig_compute_slices == 7:
            assert check_layout(gpu, layout).addable == ()
        else:
            assert layout == {}


def test_names() -> None:
    assert mig.resource_name("1g.10gb") == "nvidia.com/mig-1g.10gb"
    assert mig.resource_name("1g.10gb+me") == "nvidia.com/mig-1g.10gb.me"
    with pytest.raises(UnknownProfile, match=r"has no MIG profile '1g\.10g'") as error:
        profile("h100", "1g.10g")
    assert "1g.10gb" in error.value.nearest
    with pytest.raises(UnknownGpu):
        check_layout("h1000", {"1g.10gb": 1})
