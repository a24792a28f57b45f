"""Rules about served models: traffic, images, scaling, ports, headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.platform import Platform
from components.spec.workloads import HpaScaling

MESH_PORTS = range(15000, 15091)
"""Ports of Istio's sidecar (istio.io, application requirements): 15000 to 15090."""

HEADER = re.compile(r"^[a-z0-9!#$%&'*+.^_`|~-]+$")
"""A header name (RFC 9110 token), in lower case as Istio's VirtualService asks for."""

ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def weights_sum_to_100(platform: Platform) -> Iterator[Problem]:
    """The weights of a model's versions are percentages of one whole."""
    for name, model in sorted(platform.models.items()):
        weights = {version: row.weight for version, row in sorted(model.versions.items())}
        total = sum(weights.values())
        if total == 100:
            continue
        path: Path = ("models", name, "versions")
        missing = 100 - total
        able = next((one for one in reversed(weights) if 0 <= weights[one] + missing <= 100), None)
        fixes = [edits.put((*path, able, "weight"), weights[able] + missing)] if able else _even(path, list(weights))
        yield Problem(
            path=path,
            value=weights,
            message=f"weights sum to {total}, not to 100",
            allowed="percentages that sum to exactly 100",
            consequence="Istio would refuse the route, or split the traffic otherwise than written",
            fix=f"for example {' and '.join(fixes)}",
            related=(path, *((*path, version, "weight") for version in weights)),
        )


def _even(path: Path, versions: list[str]) -> list[str]:
    """Edits that split the traffic evenly, the remainder to the first."""
    share, rest = divmod(100, len(versions))
    return [
        edits.put((*path, version, "weight"), share + (rest if index == 0 else 0))
        for index, version in enumerate(versions)
    ]


def versions_say_what_is_served(platform: Platform) -> Iterator[Problem]:
    """A container needs its image; a shipped runtime needs the place of the model, and has an image of its own."""
    for name, model in sorted(platform.models.items()):
        for version, row in sorted(model.versions.items()):
            base: Path = ("models", name, "versions", version)
            rests: tuple[Path, ...] = (("models", name, "runtime"),)
            if model.runtime == "container" and row.image is None:
                path = (*base, "image")
                yield Problem(
                    path=path,
                    value=None,
                    message="runtime `container` runs the image of each version, and this one has none",
                    allowed="an image with tag or digest",
                    consequence="there would be nothing to start",
                    fix=edits.add(path, f"my-registry/{name}:{row.release}"),
                    related=(path, *rests),
                )
            if model.runtime != "container" and row.storage_uri is None:
                path = (*base, "storageUri")
                yield Problem(
                    path=path,
                    value=None,
                    message=f"runtime `{model.runtime}` loads a model from `storageUri`, and this version has none",
                    allowed="s3://, gs://, https://, hf://, pvc:// or oci://",
                    consequence="the server would start without a model",
                    fix=edits.add(path, f"s3://models/{name}-{version}"),
                    related=(path, *rests),
                )
            if model.runtime != "container" and row.image is not None:
                path = (*base, "image")
                yield Problem(
                    path=path,
                    value=row.image,
                    message=f"runtime `{model.runtime}` has an image of its own",
                    allowed="nothing, unless the runtime is `container`",
                    consequence="the image would be ignored",
                    fix=f"{edits.remove(path)}, or {edits.put(('models', name, 'runtime'), 'container')}",
                    related=(path, *rests),
                )


def replicas_have_a_range(platform: Platform) -> Iterator[Problem]:
    """Fewest replicas are not more than most, and none at all only where something can wake the model."""
    for name, model in sorted(platform.models.items()):
        scaling = model.scaling
        low: Path = ("models", name, "scaling", "minReplicas")
        high: Path = ("models", name, "scaling", "maxReplicas")
        if scaling.min_replicas > scaling.max_replicas:
            yield Problem(
                path=high,
                value=scaling.max_replicas,
                message=f"less than `minReplicas`, which is {scaling.min_replicas}",
                allowed=f"at least {scaling.min_replicas}",
                consequence="Kubernetes would refuse the autoscaler",
                fix=edits.put(high, scaling.min_replicas),
                related=(low, high),
            )
        if scaling.min_replicas == 0 and isinstance(scaling, HpaScaling):
            yield Problem(
                path=low,
                value=0,
                message=f"scaling by {scaling.by} cannot go to zero: without a replica there is nothing to measure",
                allowed="at least 1, or 0 with `by: prometheus`",
                consequence="Kubernetes would refuse the autoscaler",
                fix=edits.put(low, 1),
                related=(low, ("models", name, "scaling", "by")),
            )


def ports_are_free(platform: Platform) -> Iterator[Problem]:
    """A model's server does not listen where the mesh's sidecar does."""
    for name, model in sorted(platform.models.items()):
        if model.port in MESH_PORTS:
            path: Path = ("models", name, "port")
            yield Problem(
                path=path,
                value=model.port,
                message="Istio's sidecar, in the same pod, uses this port",
                allowed=f"any port but {MESH_PORTS.start} to {MESH_PORTS.stop - 1}",
                consequence="one of the two would not start",
                fix=edits.put(path, 8080),
            )


def headers_are_header_names(platform: Platform) -> Iterator[Problem]:
    """Headers to match are header names in lower case."""
    for name, model in sorted(platform.models.items()):
        for header in sorted(model.match_headers):
            if HEADER.fullmatch(header):
                continue
            path: Path = ("models", name, "matchHeaders", header)
            better = re.sub(r"[^a-z0-9-]+", "-", header.lower()).strip("-") or "version"
            yield Problem(
                path=path,
                value=header,
                message="no header name as Istio reads it",
                allowed="lower-case letters, digits and dashes",
                consequence="no request would ever match, and the model would get none",
                fix=f"rename it to `{dotted((*path[:-1], better))}`",
            )


def env_names_are_variables(platform: Platform) -> Iterator[Problem]:
    """Names of environment variables are names that a process can read."""
    for name, model in sorted(platform.models.items()):
        for version, row in sorted(model.versions.items()):
            for variable in sorted(row.env):
                if ENV_NAME.fullmatch(variable):
                    continue
                path: Path = ("models", name, "versions", version, "env", variable)
                plain = re.sub(r"[^A-Za-z0-9_]+", "_", variable).strip("_").upper()
                better = plain if ENV_NAME.fullmatch(plain) else f"NAME_{plain}"
                yield Problem(
                    path=path,
                    value=variable,
                    message="no name of an environment variable",
                    allowed="letters, digits and underscores, not beginning with a digit",
                    consequence="shells and most programs could not read it",
                    fix=f"rename it to `{dotted((*path[:-1], better))}`",
                )
