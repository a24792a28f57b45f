"""What a change does, step by step, as the official provider's source says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.automation import CommandError

from tests.doubles.kubernetes.conftest import Program, Running, make
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

DELETED_FIRST = ["delete-replaced", "replace", "create-replacement"]


def deployment(namespace: str, app: str = "web", **more: Any) -> Program:
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": app}},
        "template": {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "web", "image": "a/b:1"}]}},
        **more,
    }
    meta = {"name": "web", "namespace": namespace}
    return lambda options: make(kubernetes.apps.v1.Deployment, "web", options, metadata=meta, spec=spec)


def config(namespace: str, **data: str) -> Program:
    meta = {"name": "settings", "namespace": namespace}
    return lambda options: make(kubernetes.core.v1.ConfigMap, "settings", options, metadata=meta, data=data)


def secret(namespace: str, **data: str) -> Program:
    meta = {"name": "words", "namespace": namespace}
    return lambda options: make(kubernetes.core.v1.Secret, "words", options, metadata=meta, string_data=data)


def test_an_immutable_field_replaces_and_the_old_one_goes_first(engine: Running, namespace: str) -> None:
    engine.runs(deployment(namespace)).up()
    engine.runs(deployment(namespace, app="other"))
    assert engine.preview() == {"replace": 1}
    assert engine.up() == {"replace": 1}
    assert engine.steps()["web"] == DELETED_FIRST
    assert engine.keys("web") == ["spec.selector.matchLabels.app"]
    assert engine.changed("web") == {
        "spec.selector.matchLabels.app": "update-replace",
        "spec.template.metadata.labels.app": "update",
    }


@pytest.mark.parametrize("kind", [config, secret])
def test_data_replaces_unless_the_provider_calls_it_mutable(
    kind: Callable[..., Program], engine: Running, namespace: str
) -> None:
    engine.runs(kind(namespace, word="1")).up()
    assert engine.runs(kind(namespace, word="2")).up() == {"replace": 1}
    mutable = {"enable_config_map_mutable": True, "enable_secret_mutable": True}
    engine.runs(kind(namespace, word="2"), **mutable).up()
    assert engine.runs(kind(namespace, word="3")).up() == {"update": 1}


def test_a_field_that_is_no_longer_wanted_goes(engine: Running, namespace: str, cluster: Sandbox) -> None:
    engine.runs(config(namespace, kept="1", dropped="1"), enable_config_map_mutable=True).up()
    assert engine.runs(config(namespace, kept="1")).up() == {"update": 1}
    assert engine.changed("settings") == {"data.dropped": "delete"}
    live = cluster.api.get("v1", "ConfigMap", "settings", namespace) or {}
    assert live["data"] == {"kept": "1"}


def _patch(cluster: Sandbox, namespace: str, manager: str, **data: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    cluster.api.call("PATCH", path, {"data": data}, "application/merge-patch+json", fieldManager=manager)


def test_drift_is_named_by_refresh_and_repaired(engine: Running, namespace: str, cluster: Sandbox) -> None:
    engine.runs(config(namespace, ours="1", also="1"), enable_config_map_mutable=True).up()
    _patch(cluster, namespace, "kubectl", ours="2")
    _patch(cluster, namespace, "somebody", theirs="1")  # not ours to watch, and not ours to remove
    assert engine.preview() == {}, "without a refresh nobody looks"
    assert engine.preview(refresh=True) == {"update": 1}
    assert engine.up(refresh=True) == {"update": 1}
    assert engine.changed("settings") == {"data.ours": "update"}
    live = cluster.api.get("v1", "ConfigMap", "settings", namespace) or {}
    assert live["data"] == {"ours": "1", "also": "1", "theirs": "1"}

    cluster.api.delete("v1", "ConfigMap", "settings", namespace)
    assert engine.up(refresh=True) == {"create": 1}


def test_a_field_of_another_manager_is_a_conflict_that_names_it(
    engine: Running, namespace: str, cluster: Sandbox
) -> None:
    engine.runs(config(namespace, ours="1"), enable_config_map_mutable=True).up()
    _patch(cluster, namespace, "kubectl-edit", ours="2")
    engine.runs(config(namespace, ours="3"))
    with pytest.raises(CommandError, match=r'(?s)apply conflict.*kubectl-edit.*pulumi.com/patchForce: "true"'):
        engine.up()
    assert engine.runs(config(namespace, ours="3"), enable_patch_force=True).up() == {"update": 2}  # the provider too


def test_what_exists_is_refused_and_can_be_imported(engine: Running, namespace: str, cluster: Sandbox) -> None:
    meta = {"name": "settings", "namespace": namespace}
    cluster.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}})
    engine.runs(config(namespace, a="1"))
    with pytest.raises(CommandError, match="ConfigMap settings was not created: it exists already"):
        engine.up()

    def imported(options: pulumi.ResourceOptions) -> None:
        own = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(import_=f"{namespace}/settings"))
        config(namespace, a="1")(own)

    assert engine.runs(imported).up() == {"import": 1}
    assert engine.runs(config(namespace, a="1")).preview() == {}


def test_a_patch_changes_its_fields_only_and_gives_them_back(engine: Running, namespace: str, cluster: Sandbox) -> None:
    meta = {"name": "a", "namespace": namespace}
    cluster.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})

    def patch(options: pulumi.ResourceOptions) -> None:
        noted = {**meta, "annotations": {"by": "patch"}}
        make(kubernetes.core.v1.ServiceAccountPatch, "patch", options, metadata=noted)

    def annotations() -> dict[str, str]:
        live = cluster.api.get("v1", "ServiceAccount", "a", namespace) or {}
        found: dict[str, str] = live["metadata"].get("annotations", {})
        return found

    engine.runs(patch).up()
    assert annotations() == {"by": "patch"}
    assert engine.preview(refresh=True) == {}
    engine.stack.destroy(color="never")
    assert annotations() == {}


def test_a_name_is_made_up_and_kept(engine: Running, namespace: str) -> None:
    def unnamed(value: str) -> Program:
        meta = {"namespace": namespace}
        return lambda options: make(kubernetes.core.v1.ConfigMap, "own", options, metadata=meta, data={"a": value})

    engine.runs(unnamed("1")).up()
    first = engine.state("own")["id"]
    assert first.startswith(f"{namespace}/own-")
    assert engine.preview() == {}
    assert engine.runs(unnamed("2")).up() == {"replace": 1}
    assert engine.steps()["own"][-1] == "delete-replaced", "the new one has another name, so it comes first"
