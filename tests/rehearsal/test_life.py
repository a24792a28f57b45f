"""A whole life of a stack without AWS on the real engine and a real control plane, and each check seen failing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.shared import require_shared
from trellis.rehearsal import life
from trellis.rehearsal.drifting import drift
from trellis.rehearsal.result import Verdict
from trellis.rehearsal.world import World, world

pytestmark = pytest.mark.rehearse

AS_OF = "2026-11-01"


@pytest.fixture(scope="module")
def stage() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRELLIS_CRDS", str(require_shared() / "crds"))
        with world("onprem", as_of=AS_OF, progress=lambda _line: None) as made:
            yield made


def test_a_whole_life(stage: World) -> None:
    """In one test, because each act goes on from where the one before it ended."""
    for act in (life.agree, life.come_up, life.no_op, life.drifted):
        played = act(stage)
        assert (played.verdict, played.notes) == (Verdict.PASSED, ()), played.summary

    stage.api("dc1").create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "forgotten"}})
    assert drift(stage.clusters, stage.read()[0]) != []
    assert life.no_op(stage).verdict is Verdict.FAILED, "a change behind its back went unseen"

    left = life.gone(stage)
    assert left.verdict is Verdict.FAILED
    assert "dc1: Namespace forgotten is left" in left.notes
