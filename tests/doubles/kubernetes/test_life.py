"""The life of a few objects, from a preview of nothing to nothing left."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from tests.doubles.kubernetes.conftest import Running, make
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

WORD = "plantedword"
LABELS = {"app": "web"}


def definition(group: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    }


@pytest.fixture
def group(cluster: Sandbox) -> Iterator[str]:
    """An API group whose CRD is gone at the end."""
    yield "life.test"
    cluster.api.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.life.test")


def program(options: pulumi.ResourceOptions, group: str, size: int = 1, image: str = "a/b:1") -> None:
    space = kubernetes.core.v1.Namespace("space", metadata={"name": "life"}, opts=options)
    inside = {"namespace": space.metadata["name"]}
    crd = definition(group)
    kinds = kubernetes.apiextensions.v1.CustomResourceDefinition(
        "kinds", metadata=crd["metadata"], spec=crd["spec"], opts=options
    )
    make(kubernetes.core.v1.ConfigMap, "settings", options, metadata={**inside, "name": "settings"}, data={"a": "1"})
    words = {"word": pulumi.Output.secret(WORD)}
    make(kubernetes.core.v1.Secret, "words", options, metadata={**inside, "name": "words"}, string_data=words)
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": image}]}},
    }
    make(kubernetes.apps.v1.Deployment, "web", options, metadata={**inside, "name": "web"}, spec=spec)
    kubernetes.apiextensions.CustomResource(
        "widget",
        api_version=f"{group}/v1",
        kind="Widget",
        # The garbage collector, which deletes in the foreground, learns of a new kind only after half a minute.
        metadata={**inside, "name": "widget", "annotations": {"pulumi.com/deletionPropagationPolicy": "background"}},
        spec={"size": size, "parts": [{"name": "x"}]},
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[kinds])),
    )


def test_a_whole_life(engine: Running, cluster: Sandbox, group: str) -> None:
    engine.runs(lambda options: program(options, group))
    assert engine.preview() == {"create": 8}  # six objects, the provider and the stack itself
    assert cluster.api.get("v1", "Namespace", "life") is None, "a preview makes nothing"

    assert engine.up() == {"create": 8}
    assert cluster.api.get(f"{group}/v1", "Widget", "widget", "life") is not None
    web = engine.state("web")
    assert web["id"] == "life/web"
    assert web["outputs"]["status"]["observedGeneration"] == 1, "the Deployment was waited for"
    assert "managedFields" not in web["outputs"]["metadata"]
    assert engine.state("space")["id"] == "life"

    assert engine.preview() == {}, "a second preview is empty"
    assert engine.preview(refresh=True) == {}, "what the server filled in is no drift"

    state = Path(engine.stack.workspace.work_dir).with_name("state")
    texts = [file.read_text() for file in state.rglob("*.json*")]
    words = (WORD, base64.b64encode(WORD.encode()).decode())  # as it was given, and as the API server keeps it
    assert not any(word in text for text in texts for word in words), "a secret stands in the state"

    engine.runs(lambda options: program(options, group, size=2, image="a/b:2"))
    assert engine.up() == {"update": 2}
    assert engine.steps() == {"web": ["update"], "widget": ["update"]}
    assert engine.changed("widget") == {"spec.size": "update"}
    assert cluster.api.get(f"{group}/v1", "Widget", "widget", "life")["spec"]["size"] == 2  # type: ignore[index]

    engine.stack.destroy(color="never")
    assert cluster.api.get("v1", "Namespace", "life") is None
