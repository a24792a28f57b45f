"""Looks for a resource of a stack's state where its own provider would: in its account and region, in its cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3

from trellis.engine.identity import aws, kubernetes
from trellis.engine.identity.aws import Aws
from trellis.engine.identity.finding import Finding, IdentityError, Sought
from trellis.engine.identity.kubernetes import Cluster
from trellis.kube.kubeconfig import Connection, KubeconfigError

Row = Mapping[str, Any]
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark that the engine puts on a secret
_ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the process has that a state does not tell. The defaults are those of a user's own machine."""

    session: Callable[[], boto3.Session] = boto3.Session
    kubeconfigs: Mapping[str, Path] = field(default_factory=dict)
    """File to read instead of a path that a provider names."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for programs that a kubeconfig asks for a credential; `AWS_ENDPOINT_URL` counts for us too."""


class Finder:
    """Finds resources of one stack. Close it, or use it in a `with`."""

    def __init__(self, stack: str, providers: Mapping[str, Row], around: Surroundings) -> None:
        """`providers` are the state's providers by URN, with their secrets in clear."""
        self._stack = stack
        self._providers = providers
        self._around = around
        self._open = ExitStack()
        self._aws: dict[str, Aws] = {}
        self._clusters: dict[str, Cluster] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def find(self, row: Row) -> Finding:
        """All that exists of a resource. Raises `IdentityError` where that cannot be known."""
        sought, provider = self._sought(row), self._provider(row)
        if sought.type.startswith("aws:"):
            return aws.find(sought, self._see(provider))
        if sought.type.startswith("kubernetes:"):
            return kubernetes.find(sought, self._reach(provider))
        raise IdentityError(
            f"an interrupted update may have made {sought.type} {sought.name!r}, and nobody here knows how to look. "
            "Look yourself; `pulumi import` it if it is there, and clear the rest by "
            "`pulumi refresh --clear-pending-creates`"
        )

    def forget_unfinished(self, row: Row) -> tuple[str, ...]:
        """Delete what Helm noted of an unfinished operation; empty for everything that is no release."""
        if row["type"] != kubernetes.RELEASE:
            return ()
        return kubernetes.forget_unfinished(self._sought(row), self._reach(self._provider(row)))

    def _sought(self, row: Row) -> Sought:
        return Sought(
            stack=self._stack,
            type=str(row["type"]),
            name=str(row["urn"]).rpartition("::")[2],
            inputs=reveal(row.get("inputs") or {}),
        )

    def _provider(self, row: Row) -> str:
        urn = str(row.get("provider", "")).rpartition("::")[0]
        if urn not in self._providers:
            raise IdentityError(f"{row['urn']}: the state has no provider {urn or 'for it'}; is it of an older Pulumi?")
        return urn

    def _see(self, urn: str) -> Aws:
        if urn not in self._aws:
            inputs = self._providers[urn].get("inputs") or {}
            endpoint = self._around.environment.get(_ENDPOINT)
            self._aws[urn] = aws.from_provider(self._around.session(), inputs, endpoint)
        return self._aws[urn]

    def _reach(self, urn: str) -> Cluster:
        if urn not in self._clusters:
            inputs = self._providers[urn].get("inputs") or {}
            try:
                connection = self._connect(inputs)
            except (KubeconfigError, OSError) as error:
                raise IdentityError(f"{urn}: no way into its cluster: {error}") from error
            self._open.callback(connection.close)
            namespace = kubernetes.default_namespace(inputs, connection.namespace)
            self._clusters[urn] = Cluster(api=connection.api, server=connection.server, namespace=namespace)
        return self._clusters[urn]

    def _connect(self, inputs: Row) -> Connection:
        """As the provider reads it: text, or the path of a file, or the user's own."""
        given = str(inputs.get("kubeconfig") or self._around.environment.get("KUBECONFIG") or "~/.kube/config")
        context, environment = inputs.get("context"), self._around.environment
        if "\n" in given or "{" in given:
            return Connection(given, context=context, environment=environment)
        instead = self._around.kubeconfigs.get(given)
        file = instead or Path(given).expanduser()
        # A context is a name in the user's own kubeconfig; what stands in for it has but one.
        context = None if instead else context
        return Connection(
            file.read_text(encoding="utf-8"), context=context, beside=file.parent, environment=environment
        )


def reveal(value: Any) -> Any:
    """A value of a state that was exported with its secrets; one that is still encrypted becomes None."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return reveal(json.loads(value["plaintext"])) if "plaintext" in value else None
        return {key: reveal(one) for key, one in value.items()}
    return [reveal(one) for one in value] if isinstance(value, list) else value


def has_secret(value: Any) -> bool:
    """Whether a value of a state has a secret in it."""
    if isinstance(value, Mapping):
        return value.get(_SIGNATURE) == _SECRET or any(map(has_secret, value.values()))
    return isinstance(value, list) and any(map(has_secret, value))
