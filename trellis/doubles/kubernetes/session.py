"""What one Provider resource is configured with: a cluster, and how its objects are treated."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import RequestException

from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag
from trellis.doubles.wire import has_unknown, reveal
from trellis.kube.client import Api, ApiError
from trellis.kube.exec_plugin import CredentialError
from trellis.kube.kubeconfig import Connection, KubeconfigError


@dataclass(frozen=True, kw_only=True)
class Session:
    """One configured connection of the engine."""

    connection: Connection | None
    """None where there is no cluster to speak to; `problem` says why."""
    problem: str = ""
    namespace: str = ""
    """Namespace of objects that name none; empty for the cluster's own default."""
    config_map_mutable: bool = False
    secret_mutable: bool = False
    server_side_apply: bool = True
    patch_force: bool = False
    upsert: bool = False
    cluster: str = field(default="", compare=False)
    """Identifier of the cluster, for messages."""

    @property
    def api(self) -> Api:
        """The API server. Raises `Refused` where there is none."""
        if self.connection is None:
            raise Refused(f"the configured Kubernetes cluster {self.cluster} is unreachable: {self.problem}")
        return self.connection.api

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Raise what the API server answers, or that it does not, as `Refused` with what was tried."""
        try:
            yield
        except ApiError as error:
            raise Refused(f"{what}: the API server answered {error.code} {error.reason}: {error.message}") from error
        except CredentialError as error:
            raise Refused(f"{what}: {error}") from error
        except (RequestException, OSError) as error:
            server = self.connection.server if self.connection else "?"
            reason = _innermost(error)
            raise Refused(
                f"{what}: the configured Kubernetes cluster is unreachable: {server} does not answer ({reason}); "
                "see that it runs and that the kubeconfig names its address and its authority"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a rehearsal gives to all sessions; `KubernetesDouble` tells what each is."""

    environment: Mapping[str, str]
    kubeconfigs: Mapping[str, Path]
    folder: Path | None


def open_session(inputs: Bag, around: Surroundings) -> Session:
    """Take a Provider resource's inputs. What keeps one from the cluster is told when the cluster is needed."""
    known = reveal(inputs)
    connection: Connection | None = None
    problem = "its kubeconfig is known only after deployment" if has_unknown(inputs.get("kubeconfig")) else ""
    if not problem:
        try:
            connection = _connect(known, around)
        except (KubeconfigError, OSError) as error:
            problem = str(error)
    return Session(
        connection=connection,
        problem=problem,
        namespace=str(known.get("namespace") or (connection.namespace if connection else "") or ""),
        config_map_mutable=_on(known, "enableConfigMapMutable"),
        secret_mutable=_on(known, "enableSecretMutable"),
        server_side_apply=_on(known, "enableServerSideApply", default=True),
        patch_force=_on(known, "enablePatchForce"),
        upsert=_on(known, "upsertExistingObjects"),
        cluster=str(known.get("clusterIdentifier") or ""),
    )


def _connect(known: Bag, around: Surroundings) -> Connection:
    given = known.get("kubeconfig")
    text = given if isinstance(given, str) else ""
    beside: Path | None = None
    if not text:
        raise KubeconfigError("the provider names no kubeconfig, and a rehearsal never takes the one of this machine")
    if "\n" not in text and "{" not in text:
        if text not in around.kubeconfigs:
            raise KubeconfigError(
                f"{text} would lead to a real cluster; a rehearsal needs a sandbox's kubeconfig in its place"
            )
        file = around.kubeconfigs[text]
        text, beside = file.read_text(encoding="utf-8"), file.parent
    # A context is a name in the user's own kubeconfig; the sandbox's that stands in for it has but one.
    context = None if beside else known.get("context")
    made = Connection(text, context=context, beside=beside, environment=around.environment, folder=around.folder)
    if not _is_here(made.server):
        server = made.server
        made.close()
        raise KubeconfigError(f"{server} is not on this machine; a rehearsal speaks to sandboxes only")
    return made


def _is_here(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _on(known: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """A switch; SDKs send the provider's as JSON text."""
    value = known.get(name)
    return default if value is None else value in (True, "true")


def _innermost(error: BaseException) -> str:
    """The reason below all the layers of a client, such as `Connection refused`."""
    below = error.__cause__ or error.__context__
    while below is not None:
        error, below = below, below.__cause__ or below.__context__
    return getattr(error, "strerror", None) or str(error)
