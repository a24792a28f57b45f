"""What Helm renders is read as Kubernetes reads it, and what two renderings disagree about is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builtin_kinds import CLUSTER_SCOPED, served_versions
from trellis.charts import scopes
from trellis.charts.built_in import KINDS
from trellis.charts.objects import ObjectsError, Opened, merge, parse
from trellis.plan import UNKNOWN

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def read(text: str) -> list[Any]:
    return [one.manifest for one in parse(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("Off", False), ("n", False), ("true", True), ('"yes"', "yes"), ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"), ("0644", 420), ("1e3", 1000), ("1.5", 1.5), ("0x10", 16), ("~", None), ("", None),
        ("1_000", 1000), ("1.2.3", "1.2.3"), ("'08'", "08"), ("500m", "500m"), ("nope", "nope"),
        ("2026-01-01T10:00:00+02:00", "2026-01-01T10:00:00+02:00"),
    ],
)  # fmt: skip
def test_scalars_are_what_kubernetes_takes_them_for(text: str, value: object) -> None:
    (found,) = read(f"{HEAD}value: {text}\n")
    assert found["value"] == value
    assert type(found["value"]) is type(value)


def test_keys_are_text() -> None:
    (found,) = read(f"{HEAD}data: {{on: a, 8080: b, null: c}}\n")
    assert found["data"] == {"true": "a", "8080": "b", "null": "c"}


def test_merge_keys_and_aliases_are_followed() -> None:
    (found,) = read(f"{HEAD}data: &d {{a: b}}\nmore: {{<<: *d, c: d}}\n")
    assert found["more"] == {"a": "b", "c": "d"}


def test_sources_stand_with_their_objects() -> None:
    text = (
        f"---\n# Source: c/crds/all.yaml\n{HEAD}---\n{HEAD}---\n# Source: c/templates/crds/b.yaml\n{HEAD}"
        f"---\n# Source: c/templates/empty.yaml\n"
    )
    found = parse(text)
    assert [one.source for one in found] == ["c/crds/all.yaml", "c/crds/all.yaml", "c/templates/crds/b.yaml"]
    assert [one.from_crds_folder for one in found] == [True, True, False]


def test_lists_are_taken_apart() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}\n"
    assert [one["kind"] for one in read(text)] == ["A", "B"]


@pytest.mark.parametrize("text", ["just text", "kind: 3\napiVersion: v1", "a: [", "{a: b}"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ObjectsError):
        parse(text)


def opened(**more: Any) -> list[Opened]:
    return [Opened({"apiVersion": "v1", "kind": "ConfigMap", **more}, "c/templates/a.yaml")]


def test_leaves_that_differ_are_unknown_and_no_others() -> None:
    (found,) = merge(opened(data={"same": "x", "no": ["1", "2"]}), opened(data={"same": "x", "no": ["1", "3"]}))
    assert found.manifest["data"] == {"same": "x", "no": ["1", UNKNOWN]}


def test_parts_of_another_shape_are_unknown_as_a_whole() -> None:
    (found,) = merge(opened(data={"a": {"x": 1}}), opened(data={"a": {"y": 1}}))
    assert found.manifest["data"] == {"a": UNKNOWN}
    (found,) = merge(opened(value=1), opened(value=True))
    assert found.manifest["value"] == UNKNOWN


def test_other_objects_are_an_error() -> None:
    with pytest.raises(ObjectsError, match="which objects the chart makes"):
        merge(opened(), [*opened(), *opened()])


def test_hooks_and_what_stays_are_read_from_annotations() -> None:
    (hook,) = opened(metadata={"annotations": {"helm.sh/hook": "pre-install, pre-upgrade"}})
    (kept,) = opened(metadata={"annotations": {"helm.sh/resource-policy": "keep"}})
    assert (hook.hooks, hook.stays) == (("pre-install", "pre-upgrade"), False)
    assert (kept.hooks, kept.stays) == ((), True)


def test_scopes_agree_with_the_kinds_of_kubernetes() -> None:
    answered_only = {"authentication.k8s.io", "authorization.k8s.io", "internal.apiserver.k8s.io"}
    assert {kind for kind in CLUSTER_SCOPED if kind[0] not in answered_only} == scopes.CLUSTER_SCOPED


@pytest.mark.parametrize("minor", ["1.33", "1.34", "1.35", "1.36"])
def test_what_charts_may_ask_for_is_served_by_every_kubernetes(minor: str) -> None:
    for version, kinds in KINDS.items():
        group, _, number = version.rpartition("/")
        absent = [kind for kind in kinds if number not in served_versions(minor, group, kind)]
        assert not absent, version


def test_scopes_of_custom_kinds_come_from_the_crd_beside_them_or_the_catalogue() -> None:
    names = {"kind": "Widget"}
    crd = {"kind": "CustomResourceDefinition", "spec": {"group": "w.dev", "names": names, "scope": "Cluster"}}
    assert scopes.namespaced("w.dev/v1", "Widget", scopes.scopes_in([crd])) is False
    assert scopes.namespaced("w.dev/v1", "Widget", {}) is None
    assert scopes.namespaced("karpenter.sh/v1", "NodePool", {}) is False
    assert scopes.namespaced("serving.kserve.io/v1beta1", "InferenceService", {}) is True
    assert scopes.namespaced("apps/v1", "Deployment", {}) is True
