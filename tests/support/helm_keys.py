"""Does the chart have this key? Helm passes a misspelt value on without a word, and the default stays in force.

`unknown_keys()` compares the values we set with the chart's own values.yaml: each key must exist there (or be known to
the templates), with a value of the default's type. Maps whose keys are the user's (labels, annotations, environment)
are free; Kubernetes types inside values (tolerations, resources, ...) are checked by Kubernetes' schema.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from tests.support.builtin_kinds import definition_validator
from tests.support.chart_values import Chart, load_chart, merged
from tests.support.shared import require_shared
from tests.support.unknowns import dotted, is_marker

# The schemas of Kubernetes types inside values hardly change; one minor serves all charts.
_MINOR = "1.35"

# Key -> Kubernetes types that it may hold; in a list, each item. Where a chart's own default does not fit, the chart
# means something else by that word and the ordinary comparison with its default applies.
_CORE = "io.k8s.api.core.v1."
_KUBERNETES_TYPES: dict[str, tuple[str, ...]] = {
    "affinity": ("Affinity",),
    "containerSecurityContext": ("SecurityContext",),
    "env": ("EnvVar",),
    "extraEnv": ("EnvVar",),
    "extraVolumeMounts": ("VolumeMount",),
    "extraVolumes": ("Volume",),
    "podSecurityContext": ("PodSecurityContext",),
    "resources": ("ResourceRequirements",),
    "securityContext": ("PodSecurityContext", "SecurityContext"),
    "tolerations": ("Toleration",),
    "topologySpreadConstraints": ("TopologySpreadConstraint",),
    "volumeMounts": ("VolumeMount",),
    "volumes": ("Volume",),
}
_MAPS = frozenset({key for key in _KUBERNETES_TYPES if key.endswith(("affinity", "Context", "resources"))})

# Maps whose keys are the user's wherever they occur, though some charts fill them with examples.
_STRING_MAPS = ("annotations", "labels", "nodeselector", "matchlabels")  # ends of key names, lower case
_FREE_MAPS = frozenset({"env", "extraArgs", "extraEnv", "extraEnvVars"})

# The same for one chart each: its templates pass the whole map on.
FREE_FORM: dict[str, frozenset[str]] = {
    "argo-cd": frozenset({"configs.cm", "configs.params", "configs.rbac", "notifications.notifiers"}),
    # Alertmanager's and Grafana's own configuration files, as maps.
    "kube-prometheus-stack": frozenset({"alertmanager.config", "grafana.grafana.ini"}),
    # Istio's MeshConfig: the chart names only what it defaults.
    "istiod": frozenset({"meshConfig"}),
}


@dataclass(frozen=True)
class _Place:
    """Where a value stands in a chart."""

    chart: Chart
    path: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.path[-1]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def below(self, key: str) -> _Place:
        return _Place(self.chart, (*self.path, key))


def unknown_keys(chart: str, values: Mapping[str, Any]) -> list[str]:
    """Every key in `values` that the chart does not have, or whose value is not of its type, each with its path.

    `chart` is its name, or the reference a Release uses. Raises `chart_values.UnknownChart`.
    """
    loaded = load_chart(require_shared(), chart)
    found = list(_map(_Place(loaded, ()), loaded.defaults, values))
    return found + list(_refused_by_schema(loaded, values))


def _map(place: _Place, defaults: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        here = place.below(key)
        if key in defaults:
            yield from _value(here, defaults[key], value)
        elif here.name in place.chart.template_keys:
            continue
        elif any(known.startswith(f"{here.name}.") for known in place.chart.template_keys):
            yield from _parent_of_template_keys(here, value)
        elif here.path[0] in place.chart.unchecked:
            yield (
                f"{here.name}: cannot be checked, the values of subchart {here.path[0]!r} are not in the shared folder"
            )
        else:
            near = difflib.get_close_matches(key, map(str, defaults), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{here.name}: chart {place.chart.name} {place.chart.version} has no such key{hint}"


def _parent_of_template_keys(place: _Place, value: Any) -> Iterator[str]:
    """A map that values.yaml lacks, while the templates read keys inside it."""
    if isinstance(value, Mapping) and not is_marker(value):
        yield from _map(place, {}, value)
    elif value is not None and not is_marker(value):
        yield f"{place.name}: {value!r} is {_type(value)}, the chart's templates read a map"


def _value(place: _Place, default: Any, value: Any) -> Iterator[str]:
    if value is None or is_marker(value):
        return  # null takes the default away; what is known later fits
    shapes = _kubernetes_shapes(place.key, default)
    if shapes and _container(default, value) is None:
        yield from _misshapen(place, shapes, value)
    elif isinstance(default, dict) and isinstance(value, dict):
        if _is_string_map(place.key, default):
            yield from (
                f"{place.name}.{key}: {item!r} must be a string"
                for key, item in value.items()
                if not isinstance(item, str) and item is not None and not is_marker(item)
            )
        elif default and not _is_free(place):
            yield from _map(place, default, value)
    else:
        mismatch = _container(default, value)
        if mismatch is not None:
            yield f"{place.name}: {mismatch}"


def _is_string_map(key: str, default: Mapping[str, Any]) -> bool:
    named_so = key.lower().endswith(_STRING_MAPS)
    # KEDA keeps a map for each of its deployments under podLabels; then the ordinary comparison applies.
    return named_so and all(isinstance(item, str) for item in default.values())


def _is_free(place: _Place) -> bool:
    return place.key in _FREE_MAPS or place.name in FREE_FORM.get(place.chart.name, ())


def _container(default: Any, value: Any) -> str | None:
    """Why a value is not of its default's type, or None. A null default says nothing about the type."""
    if default is None or _type(default) == _type(value):
        return None
    # "" is how charts write "not set" for numbers too (a minAvailable, a port).
    if default == "" and _type(value) == "a number":
        return None
    return f"{value!r} is {_type(value)}, the chart's default {default!r} is {_type(default)}"


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = (((int, float), "a number"), (str, "a string"), (Mapping, "a map"), (list, "a list"))
    return next((name for types, name in names if isinstance(value, types)), type(value).__name__)


def _kubernetes_shapes(key: str, default: Any) -> tuple[str, ...]:
    """The Kubernetes types that judge a key, unless the chart's default shows that it means something else."""
    types = _KUBERNETES_TYPES.get(key, ())
    if default is None or not isinstance(default, dict if key in _MAPS else list):
        return ()
    return types if not default or _fits(types, default) else ()


def _fits(types: tuple[str, ...], value: Any) -> bool:
    return any(not _shape_errors(name, value) for name in types)


def _shape_errors(name: str, value: Any) -> list[str]:
    judge = definition_validator(_MINOR, _CORE + name)
    items = value if isinstance(value, list) else [value]
    return [
        f"{f'[{index}]' if isinstance(value, list) else ''}{_below(error)}: {error.message}"
        for index, item in enumerate(items)
        for error in sorted(judge.iter_errors(item), key=lambda error: error.message)
    ]


def _below(error: Any) -> str:
    return f".{dotted(tuple(error.absolute_path))}" if error.absolute_path else ""


def _misshapen(place: _Place, types: tuple[str, ...], value: Any) -> Iterator[str]:
    if not _fits(types, value):
        shortest = min((_shape_errors(name, value) for name in types), key=len)
        yield from (f"{place.name}{error} (a Kubernetes {'/'.join(types)})" for error in shortest)


def _refused_by_schema(chart: Chart, values: Mapping[str, Any]) -> Iterator[str]:
    """What Helm itself would refuse, where the chart or a subchart brings a values.schema.json."""
    whole = merged(chart.raw, _known(values))
    for key, schema in chart.schemas.items():
        part = whole.get(key, {}) if key else whole
        # Some schemas name a dialect that does not exist ("https://json-schema.org/draft-07/schema#").
        judge = validator_for(schema, default=Draft7Validator)(schema)
        for error in sorted(judge.iter_errors(part), key=lambda error: [str(step) for step in error.path]):
            path = (*((key,) if key else ()), *error.absolute_path)
            yield f"{dotted(path)}: refused by the chart's values.schema.json: {error.message}"


def _known(values: Any) -> Any:
    """Values without those that are unknown, for which the default then stands in."""
    if isinstance(values, Mapping):
        return {key: _known(value) for key, value in values.items() if not is_marker(value)}
    if isinstance(values, list):
        return [_known(value) for value in values if not is_marker(value)]
    return values
