"""What goes wrong, told in words that say what to do, with the state as it is."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.automation import CommandError

from tests.doubles.kubernetes.conftest import Program, Running, make
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]


def claim(namespace: str, class_: str, seconds: str = "1") -> Program:
    meta = {"name": "disk", "namespace": namespace, "annotations": {"pulumi.com/timeoutSeconds": seconds}}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class_,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return lambda options: make(kubernetes.core.v1.PersistentVolumeClaim, "disk", options, metadata=meta, spec=spec)


def job(namespace: str, **more: Any) -> Program:
    spec = {
        "backoffLimit": 0,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a/b:1"}]}},
        **more,
    }
    meta = {"name": "work", "namespace": namespace}
    return lambda options: make(kubernetes.batch.v1.Job, "work", options, metadata=meta, spec=spec)


def test_a_failed_job_tells_why_and_stays_in_the_state(engine: Running, namespace: str) -> None:
    engine.runs(job(namespace, activeDeadlineSeconds=1))  # no node is there, so its pod never starts
    with pytest.raises(CommandError, match=r"the Job failed: DeadlineExceeded"):
        engine.up()
    kept = engine.state("work")
    assert kept["id"] == f"{namespace}/work"
    assert any("DeadlineExceeded" in why for why in kept["initErrors"])


def test_a_wait_in_vain_tells_what_is_missing(engine: Running, namespace: str) -> None:
    engine.runs(claim(namespace, "absent"))
    with pytest.raises(CommandError, match=r"(?s)not ready within 1 s.*there is no StorageClass absent"):
        engine.up()
    assert engine.state("disk")["initErrors"]


def test_a_claim_that_waits_for_its_first_consumer_is_ready(engine: Running, namespace: str, cluster: Sandbox) -> None:
    kind = {"provisioner": "a/b", "volumeBindingMode": "WaitForFirstConsumer", "metadata": {"name": "later"}}
    cluster.api.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **kind})
    assert engine.runs(claim(namespace, "later", "60")).up() == {"create": 3}
    cluster.api.delete("storage.k8s.io/v1", "StorageClass", "later")


def test_an_annotation_names_what_to_wait_for(engine: Running, namespace: str) -> None:
    def waits(expression: str) -> Program:
        notes = {"pulumi.com/waitFor": expression, "pulumi.com/timeoutSeconds": "1"}
        meta = {"name": "a", "namespace": namespace, "annotations": notes}
        return lambda options: make(kubernetes.core.v1.ConfigMap, "a", options, metadata=meta, data={"is": "here"})

    both = json.dumps(["jsonpath={.data.is}=here", "jsonpath={.metadata.uid}"])
    assert engine.runs(waits(both)).up() == {"create": 3}
    with pytest.raises(CommandError, match=r".data.is is here, not gone"):
        engine.runs(waits("jsonpath={.data.is}=gone")).up()
    with pytest.raises(CommandError, match=r"condition Ready is not set, not True"):
        engine.runs(waits("condition=Ready")).up()
    with pytest.raises(CommandError, match=r'expected a "jsonpath=" or "condition=" prefix'):
        engine.runs(waits("ready")).up()


def test_a_finalizer_holds_a_delete_and_is_named(engine: Running, namespace: str, cluster: Sandbox) -> None:
    def held(options: pulumi.ResourceOptions) -> None:
        notes = {"pulumi.com/timeoutSeconds": "1"}
        meta = {"name": "held", "namespace": namespace, "finalizers": ["trellis.test/hold"], "annotations": notes}
        make(kubernetes.core.v1.ConfigMap, "held", options, metadata=meta)

    engine.runs(held).up()
    with pytest.raises(CommandError, match=r"still there after 1 s; its finalizers trellis.test/hold hold it"):
        engine.stack.destroy(color="never")
    assert engine.state("held")["id"] == f"{namespace}/held"
    path = f"/api/v1/namespaces/{namespace}/configmaps/held"
    cluster.api.call("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    engine.stack.destroy(color="never")


def test_a_wrong_field_and_a_missing_kind_are_told(engine: Running, namespace: str) -> None:
    def wrong(options: pulumi.ResourceOptions) -> None:
        meta = {"name": "a", "namespace": namespace}
        spec = {"ports": [{"port": 1}], "selectr": {"a": "b"}}
        make(
            kubernetes.apiextensions.CustomResource,
            "a",
            options,
            api_version="v1",
            kind="Service",
            metadata=meta,
            spec=spec,
        )

    with pytest.raises(CommandError, match=r'unknown field "spec.selectr"'):
        engine.runs(wrong).preview()  # already then: the API server is asked what it would say


def test_an_unreachable_cluster_is_named(engine: Running, namespace: str) -> None:
    def one(options: pulumi.ResourceOptions) -> None:
        make(kubernetes.core.v1.ConfigMap, "a", options, metadata={"name": "a", "namespace": namespace})

    document = json.loads(engine.kubeconfig)
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    engine.kubeconfig = json.dumps(document)
    assert engine.runs(one).preview() == {"create": 3}, "a preview needs no cluster"
    with pytest.raises(CommandError, match=r"unreachable: https://127.0.0.1:1 does not answer \(Connection refused\)"):
        engine.up()
    document["clusters"][0]["cluster"]["server"] = "https://203.0.113.1"
    engine.kubeconfig = json.dumps(document)
    with pytest.raises(CommandError, match=r"https://203.0.113.1 is not on this machine"):
        engine.runs(one).up()
    engine.kubeconfig = "~/.kube/config"
    with pytest.raises(CommandError, match=r"~/.kube/config would lead to a real cluster"):
        engine.runs(one).up()
