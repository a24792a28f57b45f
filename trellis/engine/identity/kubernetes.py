"""Asks a cluster for an object by its kind and name, and for a Helm release by Helm's own record of it.

Ids are those of the Kubernetes provider: `namespace/name`, or the name alone where a kind has no namespace. An object
needs no tag: within a cluster its name is its identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from requests import RequestException

from trellis.engine.identity.finding import Finding, Found, IdentityError, Readiness, Sought
from trellis.kube.client import Api, ApiError, UnknownKindError

RELEASE = "kubernetes:helm.sh/v3:Release"
_UNFINISHED = ("pending-install", "pending-upgrade", "pending-rollback")
"""States of a Helm revision whose Helm was stopped half-way. Source: Helm 4, `pkg/release/common`, `Status`."""
_DEPLOYED = ("deployed", "superseded")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster as one provider of a stack sees it."""

    api: Api
    server: str
    namespace: str = "default"
    """Namespace of objects that name none."""


def find(sought: Sought, cluster: Cluster) -> Finding:
    """The object or the release, if it is there. Raises `IdentityError` where the cluster does not answer."""
    if sought.type == RELEASE:
        return _find_release(sought, cluster)
    metadata = sought.inputs.get("metadata") or {}
    api_version, kind, name = sought.inputs.get("apiVersion"), sought.inputs.get("kind"), metadata.get("name")
    if not (api_version and kind and name):
        raise IdentityError(
            f"{sought.type} {sought.name!r}: its state tells no apiVersion, kind and metadata.name, so nobody can be "
            "asked whether it was made. Clear it by `pulumi refresh --clear-pending-creates` once you have looked"
        )
    with _asking(sought, cluster):
        try:
            namespaced = cluster.api.resource(api_version, kind).namespaced
        except UnknownKindError:
            return Finding()
        namespace = str(metadata.get("namespace") or cluster.namespace) if namespaced else None
        there = cluster.api.get(api_version, kind, name, namespace)
    if there is None:
        return Finding()
    leaving = "deletionTimestamp" in there["metadata"]
    return Finding(
        found=(
            Found(
                id=f"{namespace}/{name}" if namespace else name,
                readiness=Readiness.PASSING if leaving else Readiness.READY,
                state="terminating" if leaving else "",
            ),
        )
    )


def _find_release(sought: Sought, cluster: Cluster) -> Finding:
    """A release that Helm did not finish is broken: the provider would neither upgrade nor install over it."""
    namespace, name = _release(sought, cluster)
    with _asking(sought, cluster):
        revisions = _revisions(cluster.api, namespace, name)
    if not revisions:
        return Finding()
    states = [revision["metadata"]["labels"].get("status", "") for revision in revisions]
    usable = states[-1] not in _UNFINISHED and not set(states).isdisjoint(_DEPLOYED)
    readiness = Readiness.READY if usable else Readiness.BROKEN
    return Finding(found=(Found(id=f"{namespace}/{name}", readiness=readiness, state=states[-1]),))


def forget_unfinished(sought: Sought, cluster: Cluster) -> tuple[str, ...]:
    """Delete Helm's records of revisions that it did not finish, and of a first one that failed; return their names.

    Only the records: what such a revision made carries the release's name, so the next install or upgrade takes it
    over. Helm itself refuses both while the record is there ("another operation is in progress").
    """
    namespace, name = _release(sought, cluster)
    with _asking(sought, cluster):
        revisions = _revisions(cluster.api, namespace, name)
        whole = [one for one in revisions if one["metadata"]["labels"].get("status") in _DEPLOYED]
        stuck = [
            one["metadata"]["name"]
            for one in revisions
            if one not in whole and (not whole or one["metadata"]["labels"].get("status") in _UNFINISHED)
        ]
        for one in stuck:
            cluster.api.delete("v1", "Secret", one, namespace)
    return tuple(stuck)


def _release(sought: Sought, cluster: Cluster) -> tuple[str, str]:
    name = sought.inputs.get("name")
    if not name:
        raise IdentityError(f"{sought.type} {sought.name!r}: its state tells no name; look for it by `helm list -A`")
    return str(sought.inputs.get("namespace") or cluster.namespace), str(name)


def _revisions(api: Api, namespace: str, name: str) -> list[dict[str, Any]]:
    """Helm's Secrets of a release, oldest first."""
    found = api.list("v1", "Secret", namespace, labelSelector=f"owner=helm,name={name}")
    return sorted(found, key=lambda one: int(one["metadata"]["labels"].get("version", "0")))


@contextmanager
def _asking(sought: Sought, cluster: Cluster) -> Iterator[None]:
    try:
        yield
    except (ApiError, RequestException, OSError) as error:
        raise IdentityError(
            f"{cluster.server} was asked whether {sought.type} {sought.name!r} was made by an interrupted update: "
            f"{error}. Nothing was changed; see that the cluster is reachable and that you may read there, then run it "
            "again"
        ) from error


def default_namespace(inputs: Mapping[str, Any], of_kubeconfig: str | None) -> str:
    """Namespace of objects that name none, as the provider chooses it."""
    return str(inputs.get("namespace") or of_kubeconfig or "default")
