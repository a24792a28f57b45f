"""What a real API server has is found by kind and name, and a release by Helm's own records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from tests.doubles.kubernetes.conftest import Running, cluster, engine, make, namespace, shared_sandbox
from tests.engine.backend import BackendFile
from trellis.engine.errors import EngineError
from trellis.engine.identity.finding import Finding, Found, IdentityError, Readiness, Sought
from trellis.engine.identity.kubernetes import RELEASE, Cluster, find, forget_unfinished
from trellis.engine.recovery import settle
from trellis.kube.client import Access, Api
from trellis.sandbox import Sandbox

__all__ = ["cluster", "engine", "namespace", "shared_sandbox"]
pytestmark = [pytest.mark.cluster, pytest.mark.engine]


def seen(cluster: Sandbox) -> Cluster:
    return Cluster(api=cluster.api, server=cluster.api.access.server)


def thing(kind: str, name: str, namespace: str | None = None, api_version: str = "v1") -> Sought:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    inputs: Mapping[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
    return Sought(stack="dev", type=f"kubernetes:core/v1:{kind}", name="it", inputs=inputs)


def test_an_object_is_found_in_its_namespace(cluster: Sandbox, namespace: str) -> None:
    assert find(thing("ConfigMap", "it", namespace), seen(cluster)) == Finding()
    cluster.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it", "namespace": namespace}})
    assert find(thing("ConfigMap", "it", namespace), seen(cluster)).found == (Found(id=f"{namespace}/it"),)
    assert find(thing("ConfigMap", "it"), seen(cluster)) == Finding()  # that is the default one


def test_an_object_without_namespace_has_its_name_as_id(cluster: Sandbox, namespace: str) -> None:
    assert find(thing("Namespace", namespace), seen(cluster)).found == (Found(id=namespace),)


def test_a_kind_that_is_not_served_has_no_objects(cluster: Sandbox, namespace: str) -> None:
    assert find(thing("Widget", "it", namespace, "unheard.of/v1"), seen(cluster)) == Finding()


def test_what_is_being_deleted_is_waited_for(cluster: Sandbox, namespace: str) -> None:
    metadata = {"name": "it", "namespace": namespace, "finalizers": ["trellis.test/held"]}
    cluster.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    cluster.api.delete("v1", "ConfigMap", "it", namespace)
    [found] = find(thing("ConfigMap", "it", namespace), seen(cluster)).found
    assert (found.readiness, found.state) == (Readiness.PASSING, "terminating")
    path = f"/api/v1/namespaces/{namespace}/configmaps/it"
    cluster.api.call("PATCH", path, {"metadata": {"finalizers": []}}, "application/merge-patch+json")
    assert find(thing("ConfigMap", "it", namespace), seen(cluster)) == Finding()


def test_where_nobody_answers_nothing_is_known() -> None:
    api = Api(Access("https://127.0.0.1:9"))
    with pytest.raises(IdentityError, match=r"https://127.0.0.1:9 was asked .* Nothing was changed"):
        find(thing("ConfigMap", "it"), Cluster(api=api, server="https://127.0.0.1:9"))


def test_an_object_without_a_name_cannot_be_looked_for(cluster: Sandbox) -> None:
    with pytest.raises(IdentityError, match=r"tells no apiVersion, kind and metadata.name"):
        find(Sought(stack="dev", type="kubernetes:core/v1:ConfigMap", name="it", inputs={}), seen(cluster))


def revision(cluster: Sandbox, namespace: str, version: int, status: str, name: str = "web") -> None:
    """Helm's record of one revision of a release."""
    labels = {"owner": "helm", "name": name, "status": status, "version": str(version)}
    metadata = {"name": f"sh.helm.release.v1.{name}.v{version}", "namespace": namespace, "labels": labels}
    cluster.api.create({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": metadata})


@pytest.mark.parametrize(
    ("revisions", "readiness", "left"),
    [
        (["deployed"], Readiness.READY, [1]),
        (["superseded", "deployed"], Readiness.READY, [1, 2]),
        (["pending-install"], Readiness.BROKEN, []),
        (["failed"], Readiness.BROKEN, []),
        (["deployed", "pending-upgrade"], Readiness.BROKEN, [1]),
        (["deployed", "failed"], Readiness.READY, [1, 2]),  # an upgrade may follow
    ],
)
def test_a_release_is_what_helm_says_of_it(
    cluster: Sandbox, namespace: str, revisions: list[str], readiness: Readiness, left: list[int]
) -> None:
    release = Sought(stack="dev", type=RELEASE, name="web", inputs={"name": "web", "namespace": namespace})
    assert find(release, seen(cluster)) == Finding()
    revision(cluster, namespace, 1, "pending-install", name="another")
    for version, status in enumerate(revisions, 1):
        revision(cluster, namespace, version, status)
    [found] = find(release, seen(cluster)).found
    assert (found.id, found.readiness, found.state) == (f"{namespace}/web", readiness, revisions[-1])

    forgotten = forget_unfinished(release, seen(cluster))
    records = {one["metadata"]["name"] for one in cluster.api.list("v1", "Secret", namespace, labelSelector="name=web")}
    assert records == {f"sh.helm.release.v1.web.v{version}" for version in left}
    assert len(forgotten) == len(revisions) - len(left)
    assert cluster.api.get("v1", "Secret", "sh.helm.release.v1.another.v1", namespace) is not None


def test_an_object_that_a_killed_update_made_is_imported_by_the_kubeconfig_of_its_provider(
    cluster: Sandbox, namespace: str, engine: Running
) -> None:
    def program(options: pulumi.ResourceOptions) -> None:
        metadata = {"name": "it", "namespace": namespace}
        make(kubernetes.core.v1.ConfigMap, "it", options, metadata=metadata, data={"a": "1"})

    engine.runs(program).up()
    before = cluster.api.get("v1", "ConfigMap", "it", namespace)
    backend = BackendFile(engine.stack)
    backend.forget("it")
    [done] = settle(engine.stack)
    assert (done.did, done.told) == ("imported", f"kubernetes:core/v1:ConfigMap it: was made: {namespace}/it")
    assert engine.up() == {}
    assert settle(engine.stack) == ()
    after = cluster.api.get("v1", "ConfigMap", "it", namespace)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]

    backend.forget("it")
    cluster.api.delete("v1", "ConfigMap", "it", namespace)
    assert [one.did for one in settle(engine.stack)] == ["cleared"]
    assert engine.up() == {"create": 1}


def test_without_a_way_into_the_cluster_the_state_stays(namespace: str, engine: Running) -> None:
    def program(options: pulumi.ResourceOptions) -> None:
        make(kubernetes.core.v1.ConfigMap, "it", options, metadata={"name": "it", "namespace": namespace})

    engine.runs(program).up()
    backend = BackendFile(engine.stack)
    backend.forget("it")

    def lose(latest: dict[str, Any]) -> None:
        provider = next(row for row in latest["resources"] if row["urn"].endswith("::cluster"))
        provider["inputs"]["kubeconfig"] = "/nowhere/kubeconfig"

    backend.edit(lose)
    before = backend.state()
    with pytest.raises(EngineError, match=r"no way into its cluster.*No such file"):
        settle(engine.stack)
    assert backend.state() == before
