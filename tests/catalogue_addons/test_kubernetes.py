"""Kubernetes minors, ranges, and the verdict on an add-on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue.addons import addons, supports
from components.catalogue.kubernetes import Level, Minor, NotAMinorError, Span, judge

MINORS = st.builds(Minor, st.integers(0, 3), st.integers(0, 99))


@pytest.mark.parametrize("text", ["1.35", "v1.35", "1.35.2", "v1.35.0-eks-1234567"])
def test_forms_of_a_version_are_read(text: str) -> None:
    assert Minor.parse(text) == Minor(1, 35)


@pytest.mark.parametrize("text", ["", "1", "one.two", "1.x", "35", "1.35 "])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(NotAMinorError, match=r"write major\.minor"):
        Minor.parse(text)


def test_minors_are_ordered_as_numbers() -> None:
    assert Minor.parse("1.9") < Minor.parse("1.10") < Minor.parse("2.0")


@given(MINORS, MINORS, MINORS)
def test_a_span_holds_what_lies_between_its_ends(one: Minor, two: Minor, three: Minor) -> None:
    low, middle, high = sorted([one, two, three])
    assert middle in Span(low, high)
    assert middle in Span(low, None)
    assert middle in Span(None, high)
    if low < middle:
        assert low not in Span(middle, high)
    if middle < high:
        assert high not in Span(low, middle)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("1.32", "1.36", "1.32 to 1.36"),
        ("1.32", None, "1.32 and newer"),
        (None, "1.36", "up to 1.36"),
        (None, None, "any version"),
    ],
)
def test_a_span_is_told_in_words(low: str | None, high: str | None, said: str) -> None:
    assert str(Span.parse(low, high)) == said


def test_outside_the_stated_range_is_unsupported_and_outside_the_tested_one_unproven() -> None:
    stated, tested = Span.parse("1.25", "1.40"), Span.parse("1.32", "1.35")
    levels = {
        text: judge("X", Minor.parse(text), stated, tested, "here").level for text in ("1.24", "1.36", "1.35", "1.41")
    }
    assert levels == {
        "1.24": Level.UNSUPPORTED,
        "1.36": Level.UNPROVEN,
        "1.35": Level.SUPPORTED,
        "1.41": Level.UNSUPPORTED,
    }


def test_a_verdict_says_range_version_and_source() -> None:
    verdict = supports("istio", "1.37")
    assert not verdict.ok
    assert (
        verdict.reason
        == "Istio runs on Kubernetes 1.32 to 1.36, and the cluster has 1.37 (source: istio.io announcing-1.30)"
    )


def test_unproven_is_allowed_but_said() -> None:
    verdict = supports("argo-cd", "1.36")
    assert verdict.ok
    assert verdict.level is Level.UNPROVEN
    assert "1.32 to 1.35" in verdict.reason


def test_every_addon_may_run_on_the_recommended_minor() -> None:
    assert [one for one in addons() if not supports(one, "1.35").ok] == []
