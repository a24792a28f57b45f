"""Rules about names: nothing has two owners, and nothing takes a name that the platform needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.catalogue.addons import addons
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.clusters import EksCluster
from components.spec.platform import Platform
from components.spec.rules.facts import pools

BUILT_IN = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})

LONGEST_LABEL = 63
"""Characters of a DNS label, which the name of a Service is."""

PREDICTOR = "-predictor"
"""What KServe puts behind the name of an InferenceService to name its Deployment and Service."""

SYSTEM = "system"
"""The name of the node group that runs controllers, beside the pools."""

RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "karpenter.sh", "karpenter.k8s.aws", "nvidia.com", "trellis.dev")
LABEL_KEY = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")


def namespaces_are_free(platform: Platform) -> Iterator[Problem]:
    """No team and no Application takes a namespace of Kubernetes or of an add-on."""
    taken = dict.fromkeys(BUILT_IN, "Kubernetes")
    for row in addons().values():
        taken |= {namespace.name: row.title for namespace in row.namespaces if namespace.name not in BUILT_IN}
    places: list[tuple[Path, str]] = [(("teams", name), name) for name in platform.teams]
    places += [
        (("gitops", "applications", name, "namespace"), row.namespace)
        for name, row in platform.gitops.applications.items()
    ]
    for path, name in sorted(places):
        owner = taken.get(name) or ("Kubernetes" if name.startswith("kube-") else None)
        if owner is not None:
            better = f"{name.removeprefix('kube-')}-team"
            yield Problem(
                path=path,
                value=name,
                message=f"the namespace `{name}` belongs to {owner}",
                allowed="a name that no add-on and no part of Kubernetes uses",
                consequence="two owners would change its labels, quota and network policies back and forth",
                fix=f"rename the team to `teams.{better}`, here and wherever it is named"
                if path[0] == "teams"
                else edits.put(path, sorted(platform.teams)[0] if platform.teams else better),
            )


def services_have_one_owner(platform: Platform) -> Iterator[Problem]:
    """In a namespace each Service has one owner: one model, and not KServe."""
    owners: dict[tuple[str, str], tuple[str, Path]] = {}
    for name, model in sorted(platform.models.items()):
        for version in sorted(model.versions):
            for service in (f"{name}-{version}", f"{name}-{version}{PREDICTOR}"):
                owner = f"KServe, for version `{version}` of model `{name}`"
                owners.setdefault((model.team, service), (owner, ("models", name, "versions")))
    for name, model in sorted(platform.models.items()):
        path: Path = ("models", name, "service")
        owner, place = owners.setdefault((model.team, model.service), (f"model `{name}`", path))
        if place != path:
            yield Problem(
                path=path,
                value=model.service,
                message=f"the Service `{model.service}` of team `{model.team}` belongs to {owner} already",
                allowed="a name of its own for each model of a team",
                consequence="requests would reach the pods of the wrong model",
                fix=edits.put(path, name if (model.team, name) not in owners else f"{name}-service"),
                related=(path, place, ("models", name, "team"), (*place[:2], "team")),
            )


def versions_have_one_owner(platform: Platform) -> Iterator[Problem]:
    """No two versions end as the same InferenceService, which is named `<model>-<version>`."""
    owners: dict[str, tuple[str, str]] = {}
    for name, model in sorted(platform.models.items()):
        for version in sorted(model.versions):
            made = f"{name}-{version}"
            path: Path = ("models", name, "versions", version)
            owner = owners.setdefault(made, (name, version))
            if owner != (name, version):
                yield Problem(
                    path=path,
                    value=version,
                    message=f"its InferenceService would be `{made}`, and so is that of `{owner[0]}`, `{owner[1]}`",
                    allowed="model and version names that join to a name of their own",
                    consequence="one of the two would overwrite the other",
                    fix=f"rename the model `models.{name}`, or its version",
                    related=(path, ("models", owner[0], "versions", owner[1])),
                )
            elif len(made) + len(PREDICTOR) > LONGEST_LABEL:
                most = LONGEST_LABEL - len(PREDICTOR) - 1
                yield Problem(
                    path=path,
                    value=version,
                    message=f"`{made}{PREDICTOR}` has {len(made) + len(PREDICTOR)} characters, "
                    f"and the name of a Service has {LONGEST_LABEL} at most",
                    allowed=f"{most} characters in the names of model and version together",
                    consequence="KServe could not make the Service",
                    fix=f"rename the model, for example to `models.{name[: most - len(version)].rstrip('-')}`",
                )


def pool_names_are_free(platform: Platform) -> Iterator[Problem]:
    """No pool takes the name of the system nodes, and no two node groups end with the same name."""
    owners = {
        f"{cluster}-{SYSTEM}": f"the system nodes of cluster `{cluster}`"
        for cluster, spec in platform.clusters.items()
        if isinstance(spec, EksCluster)
    }
    for at in pools(platform):
        mine = f"pool `{at.name}` of cluster `{at.cluster}`"
        owner = owners.setdefault(f"{at.cluster}-{at.name}", mine)
        if owner != mine:
            yield Problem(
                path=at.path,
                value=at.name,
                message=f"its nodes would be called `{at.cluster}-{at.name}`, as are {owner}",
                allowed="a name that, behind the cluster's name and a dash, is its own",
                consequence="two node groups of one name cannot be told apart, and the second would be refused",
                fix=f"rename it, for example to `clusters.{at.cluster}.pools.{at.name}-nodes`",
            )


def applications_have_one_owner(platform: Platform) -> Iterator[Problem]:
    """No folder of the Git repository is deployed to one namespace twice, and folders are below the repository."""
    first: dict[tuple[str, str], str] = {}
    places: list[tuple[Path, str]] = [(("gitops", "path"), platform.gitops.path)]
    for name, row in sorted(platform.gitops.applications.items()):
        path: Path = ("gitops", "applications", name, "path")
        places.append((path, row.path))
        other = first.setdefault((row.path.strip("/"), row.namespace), name)
        if other != name:
            yield Problem(
                path=path,
                value=row.path,
                message=f"Application `{other}` deploys the same folder to the same namespace",
                allowed="one Application for each folder and namespace",
                consequence="each of the two would prune what the other made",
                fix=edits.remove(path[:-1]),
                related=(path, (*path[:-1], "namespace"), ("gitops", "applications", other)),
            )
    for path, folder in places:
        if folder.startswith("/") or ".." in folder.split("/"):
            yield Problem(
                path=path,
                value=folder,
                message="not a folder below the repository",
                allowed="a relative path without `..`",
                consequence="Argo CD would refuse it",
                fix=edits.put(path, "/".join(part for part in folder.split("/") if part not in ("", "..", "."))),
            )


def labels_can_be_set(platform: Platform) -> Iterator[Problem]:
    """Further node labels are labels, and of no domain that Kubernetes, Karpenter, NVIDIA or Trellis sets."""
    for at in pools(platform):
        for key, value in sorted(at.pool.labels.items()):
            path = (*at.path, "labels", key)
            domain = key.partition("/")[0] if "/" in key else ""
            owned = next((one for one in RESERVED_DOMAINS if domain == one or domain.endswith("." + one)), None)
            if owned is None and LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value):
                continue
            plain = edits.slug(key.rpartition("/")[2])
            yield Problem(
                path=path,
                value=value,
                message=f"labels of `{owned}` are set by the platform itself" if owned else "no label of Kubernetes",
                allowed="letters, digits, dashes, dots and underscores, 63 at most, behind a domain of your own",
                consequence="Karpenter or EKS would refuse the pool",
                fix=f"rename it to `example.com/{plain}: {edits.slug(value, 63)}`" if value else edits.remove(path),
            )
