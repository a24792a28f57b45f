"""The parts that messages are made of."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.spec import edits, forms, secrets
from components.spec.base import dotted
from components.spec.fields import ROOT, Shape, aliases, place, shape_of
from components.spec.hints import example
from components.spec.units import amount
from components.spec.validate import validate
from tests.spec.edits import parse_path
from tests.spec.stack_files import good
from trellis.stackfile import Place, describe

plain = st.one_of(st.booleans(), st.integers(-(10**9), 10**9), st.text(st.characters(codec="ascii"), max_size=12))


@given(st.recursive(plain, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=5), inner))))
def test_values_are_shown_as_yaml_that_reads_back(value: Any) -> None:
    assert yaml.safe_load(f"key: {edits.flow(value)}")["key"] == value


@given(st.lists(st.one_of(st.integers(0, 99), st.text(st.characters(exclude_characters='"'), min_size=1)), min_size=1))
def test_paths_are_written_so_that_they_can_be_read(path: list[str | int]) -> None:
    if isinstance(path[0], str):
        assert parse_path(dotted(tuple(path))) == tuple(path)


@pytest.mark.parametrize(
    ("text", "key", "whole", "meant"),
    [
        ("32Gi", "memoryGib", False, 32),
        ("32 GB", "memoryGib", False, 32),
        ("512Mi", "memoryGib", False, 0.5),
        ("512Mi", "diskGib", True, 1),
        ("1.5Ti", "diskGib", True, 1536),
        ("2h", "maxHours", True, 2),
        ("90m", "maxHours", True, 2),
        ("5m", "consolidateAfterSeconds", True, 300),
        ("2w", "retentionDays", True, 14),
        ("70%", "targetPercent", True, 70),
        ("$1,500.50", "monthlyUsd", False, 1500.5),
        ("6k", "monthlyUsd", False, 6000),
        ("500m", "cpu", False, 0.5),
        ("8 cores", "cpu", False, 8),
        ("3", "nodes", True, 3),
        ("much", "memoryGib", False, None),
        ("5 parsecs", "maxHours", True, None),
        ("", "nodes", True, None),
    ],
)
def test_amounts_are_read_in_the_unit_of_their_key(text: str, key: str, whole: bool, meant: float | None) -> None:
    assert amount(text, key, whole=whole) == meant


@pytest.mark.parametrize(
    ("given_", "known", "best"),
    [
        ("instance_types", ["instanceTypes", "image"], "instanceTypes"),
        ("memoryGB", ["memoryGib", "cpu"], "memoryGib"),
        ("ON_DEMAND", ["on-demand", "spot", "reserved"], "on-demand"),
        ("kserv", ["keda", "kserve", "kueue"], "kserve"),
        ("us-east-9", ["us-west-2", "us-east-2", "us-east-1"], "us-east-1"),
    ],
)
def test_the_nearest_name_is_found(given_: str, known: list[str], best: str) -> None:
    assert edits.nearest(given_, known)[0] == best


def test_what_is_far_is_not_offered() -> None:
    assert edits.nearest("zebra", ["dataGib", "lustre", "repositories"]) == []


@pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.example)
def test_every_form_fits_its_own_example(form: forms.Form) -> None:
    import re

    assert re.search(form.regex, form.example)
    assert form.words


def _models(shape: Shape, seen: dict[str, type]) -> dict[str, type]:
    for model in shape.models:
        if model.__name__ not in seen:
            seen[model.__name__] = model
            for info in aliases(model).values():
                below = shape_of(info.annotation, info)
                _models(below if below.entries is None else shape_of(below.entries), seen)
    return seen


MODELS = _models(ROOT, {})


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_example_of_every_part_is_right_by_the_schema(name: str) -> None:
    """Examples stand in for what is missing while the rest of a file is judged."""
    model: Any = MODELS[name]
    made = example(Shape(kind="model", models=(model,)))
    assert model.model_validate_json(yaml_to_json(made))


def yaml_to_json(value: Any) -> str:
    """JSON text, as validation takes it."""
    import json

    return json.dumps(value)


def test_places_leave_out_the_variants_that_were_tried() -> None:
    loc = ("clusters", "main", "eks", "pools", "karpenter", "karpenter", "gpu", "mig", "layout", "1g.5gb")
    assert place(loc) == ("clusters", "main", "pools", "karpenter", "gpu", "layout", "1g.5gb")


CREDENTIALS = [
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----",
    "ghp_" + "a" * 36,
    "hf_" + "b" * 34,
    "https://user:password@example.com/repo",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("path", ["gitops.repoUrl", "models.embedder.versions.v1.env.X", "clusters.main.zebra"])
def test_a_credential_is_told_and_never_shown(credential: str, path: str) -> None:
    values = good()
    here: Any = values
    *above, last = path.split(".")
    for part in above:
        here = here.setdefault(part, {})
    here[last] = credential
    _, problems = validate(values)
    assert any(problem.rule == "no-secrets" for problem in problems)
    text = "\n".join(describe(Place("file", 1), problem) for problem in problems)
    assert credential not in text


@pytest.mark.parametrize("key", ["password", "API_TOKEN", "clientSecret", "privateKey"])
def test_what_stands_under_a_secrets_name_is_not_shown(key: str) -> None:
    assert secrets.shown(("exposure", key), "hunter2") == secrets.HIDDEN


@pytest.mark.parametrize("key", ["secretName", "grafanaCredentials", "certificateArn"])
def test_the_name_of_a_secret_is_shown(key: str) -> None:
    assert secrets.shown(("exposure", key), "trellis/oidc") == "trellis/oidc"
