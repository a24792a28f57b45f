"""Which service accounts of a cluster get a role in AWS, and what the role allows. Nobody else has any right there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.catalogue.addon_model import PodIdentity
from components.catalogue.addons import addon
from components.layout import s3
from components.layout.clusters import ClusterView
from components.layout.iam import Statement
from components.layout.names import Names, managed_policy
from components.layout.permissions import GRANTS

MODEL_ACCOUNT = "model-server"
"""Service account of a team's model servers: it reads models."""
TRAINING_ACCOUNT = "training-job"
"""Service account of a team's training jobs: it reads data, and writes checkpoints and artefacts."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A service account and the role that its pods get by EKS Pod Identity."""

    role_name: str
    namespace: str
    service_account: str
    statements: tuple[Statement, ...] = ()
    managed_policies: tuple[str, ...] = ()
    """ARNs of policies that AWS maintains."""


def addon_identities(view: ClusterView) -> Mapping[str, tuple[Identity, ...]]:
    """Identities of the add-ons that are on, by add-on; those without any are left out."""
    if view.names is None:
        return {}
    made = {row: tuple(_of_row(view, view.names, row)) for row in view.addons}
    return {row: identities for row, identities in made.items() if identities}


def _of_row(view: ClusterView, names: Names, row: str) -> Iterable[Identity]:
    for account in addon(row).identities:
        grant = GRANTS.get((row, account.service_account))
        statements = grant(view, names) if grant else ()
        managed = _managed(account) if grant is None and not account.optional else ()
        if statements or managed:
            yield Identity(
                role_name=names.workload_role(view.name, account.service_account),
                namespace=account.namespace,
                service_account=account.service_account,
                statements=statements,
                managed_policies=managed,
            )


def _managed(account: PodIdentity) -> tuple[str, ...]:
    return tuple(managed_policy(name) for name in account.managed_policies)


def team_identities(view: ClusterView) -> Mapping[str, Identity]:
    """Identities of model servers and training jobs by `<team>-<purpose>`, for the roles that the cluster has."""
    names = view.names
    if names is None:
        return {}
    kinds = {
        "models": ("inference", MODEL_ACCOUNT, _models),
        "training": ("training", TRAINING_ACCOUNT, _training),
    }
    return {
        f"{team}-{purpose}": Identity(
            role_name=names.workload_role(view.name, f"{team}-{purpose}"),
            namespace=team,
            service_account=account,
            statements=statements(view, names, team),
        )
        for team in sorted(view.platform.teams)
        for purpose, (role, account, statements) in kinds.items()
        if role in view.cluster.roles
    }


def _models(view: ClusterView, names: Names, team: str) -> tuple[Statement, ...]:
    """Models below the team's own folder, and what its models in the stack file name wherever that lies."""
    models = [model for model in view.platform.models.values() if model.team == team]
    uris = [version.storage_uri for model in models for version in model.versions.values()]
    named = [s3.Place.of(uri) for uri in uris if uri and uri.startswith("s3://")]
    return s3.access("Models", [s3.own(names, "models", team), *named], s3.READ)


def _training(view: ClusterView, names: Names, team: str) -> tuple[Statement, ...]:
    """All data to read; the team's artefacts and models, and its jobs' checkpoints, to write."""
    jobs = [job for job in view.platform.training.values() if job.team == team]
    checkpoints = [s3.Place.of(job.checkpoint_uri) for job in jobs if job.checkpoint_uri]
    own = [s3.own(names, purpose, team) for purpose in ("artefacts", "models")]
    return (
        *s3.access("Data", [s3.own(names, "data")], s3.READ),
        *s3.access("Results", [*own, *checkpoints], s3.WRITE),
    )
