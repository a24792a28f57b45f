"""The Helm key check: true keys pass, each way to be wrong is told, on the real values of the real charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.chart_values import Chart, UnknownChart, load_chart
from tests.support.helm_keys import FREE_FORM, unknown_keys
from tests.support.shared import require_shared

UNKNOWN = {"$trellis": "unknown"}

# A spread over the ways in which charts declare keys.
CHARTS = [
    "argo-cd",
    "cert-manager",
    "gpu-operator",
    "istiod",
    "karpenter",
    "kserve-resources",
    "kueue",
    "knative-operator",
]


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A value at a path."""
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every scalar of a value tree with its path."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        elif isinstance(value, str | int | float):
            yield (*path, key), value


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        ("cert-manager", {"crds": {"enabled": True, "keep": True}}),
        (
            "oci://public.ecr.aws/karpenter/karpenter",
            {"settings": {"clusterName": "trellis", "interruptionQueue": "q"}},
        ),
        # subchart keys, by name and by alias
        ("gpu-operator", {"node-feature-discovery": {"worker": {"tolerations": [{"operator": "Exists"}]}}}),
        ("nvidia-device-plugin", {"nfd": {"master": {"replicaCount": 2}}}),
        ("kube-prometheus-stack", {"grafana": {"adminUser": "admin", "sidecar": {"dashboards": {"enabled": True}}}}),
        ("kube-prometheus-stack", {"prometheus-node-exporter": {"priorityClassName": "system-node-critical"}}),
        # switches that stand elsewhere than the subchart's key
        ("gpu-operator", {"nfd": {"enabled": True}}),
        ("nvidia-device-plugin", {"nfd": {"enabled": True}}),  # a condition that no values.yaml declares
        # a default that the parent chart takes away can be set all the same
        ("kyverno", {"grafana": {"namespace": "monitoring"}}),
        # keys that only the templates know, some of them commented out upstream
        ("cert-manager", {"serviceAccount": {"annotations": {"a": "b"}}, "image": {"registry": "mirror.local"}}),
        ("cert-manager", {"podDisruptionBudget": {"minAvailable": 1}}),
        ("kueue", {"serviceAccount": {"name": "kueue"}}),
        # Istio: top level, without the internal prefix
        ("istiod", {"autoscaleMin": 2, "global": {"proxy": {"autoInject": "enabled"}}, "profile": "ambient"}),
        ("base", {"defaultRevision": "default"}),
        # placeholders in values.yaml
        ("knative-operator", {"knative_operator": {"knative_operator": {"tag": "v1.23.0"}}}),
        # maps whose keys are ours
        ("cert-manager", {"nodeSelector": {"trellis.dev/pool": "system"}}),
        ("argo-cd", {"configs": {"params": {"server.insecure": True}, "cm": {"accounts.ci": "apiKey"}}}),
        ("istiod", {"meshConfig": {"accessLogFile": "/dev/stdout"}}),
        ("cluster-autoscaler", {"extraArgs": {"expander": "priority"}}),
        # an empty string stands for a number that is not set
        ("argo-cd", {"server": {"pdb": {"minAvailable": 1}}}),
        # null takes a default away; what is known after deployment fits
        ("karpenter", {"topologySpreadConstraints": None, "serviceAccount": {"annotations": {"x": UNKNOWN}}}),
        ("karpenter", {"settings": {"clusterName": UNKNOWN}, "controller": UNKNOWN}),
    ],
)
def test_true_keys_are_accepted(chart: str, values: dict[str, Any]) -> None:
    assert unknown_keys(chart, values) == []


@pytest.mark.parametrize(
    ("chart", "values", "says"),
    [
        ("cert-manager", {"crd": {"enabled": True}}, "crd: chart cert-manager v1.21.1 has no such key"),
        ("karpenter", {"settings": {"clusterNames": "x"}}, "settings.clusterNames: .* did you mean 'clusterName'"),
        ("gpu-operator", {"driver": {"enable": False}}, "driver.enable: .* did you mean 'enabled'"),
        ("gpu-operator", {"node-feature-discovery": {"workers": {}}}, "node-feature-discovery.workers: .*'worker'"),
        ("kube-prometheus-stack", {"grafana": {"adminUsr": "a"}}, "grafana.adminUsr: .*'adminUser'"),
        ("nvidia-device-plugin", {"node-feature-discovery": {}}, "no such key"),
        # the internal prefix and the forbidden one of Istio
        ("istiod", {"_internal_defaults_do_not_set": {"hub": "x"}}, "no such key"),
        ("istiod", {"defaults": {"hub": "x"}}, "no such key"),
        # a subchart whose values are not here is not waved through
        ("argo-cd", {"redis-ha": {"replicas": 3}}, "redis-ha.replicas: cannot be checked"),
        ("mlflow", {"postgresql": {"auth": {"usernam": "x"}}}, "postgresql.auth.usernam: cannot be checked"),
        # types
        ("cert-manager", {"crds": {"enabled": "true"}}, "'true' is a string, .* is a boolean"),
        ("cert-manager", {"replicaCount": "2"}, "replicaCount: '2' is a string"),
        ("cert-manager", {"crds": True}, "crds: True is a boolean, .* is a map"),
        ("cert-manager", {"extraArgs": {"v": 2}}, "extraArgs: .* is a map, .* is a list"),
        ("karpenter", {"logLevel": 3}, "logLevel: 3 is a number, .* is a string"),
        ("karpenter", {"settings": {"clusterName": True}}, "True is a boolean, .* is a string"),
        ("cert-manager", {"podLabels": {"a": 1}}, r"podLabels\.a: 1 must be a string"),
        # Kubernetes types inside values
        (
            "karpenter",
            {"tolerations": [{"key": "x", "efect": "NoSchedule"}]},
            r"tolerations\[0\]: unknown field 'efect'",
        ),
        ("karpenter", {"tolerations": [{"effect": "No"}]}, r"tolerations\[0\]\.effect: 'No' is not one of"),
        ("cert-manager", {"resources": {"limit": {"cpu": "1"}}}, "resources: unknown field 'limit'"),
        ("cert-manager", {"resources": {"limits": {"cpu": "1 core"}}}, "does not match"),
        # Helm's own refusal, by the chart's schema
        ("cert-manager", {"global": {"logLevel": "two"}}, "refused by the chart's values.schema.json"),
        ("kueue", {"serviceAccount": "kueue"}, "the chart's templates read a map"),
        ("kueue", {"serviceAccount": {"nam": "kueue"}}, "serviceAccount.nam: .* no such key"),
        ("gpu-operator", {"node-feature-discovery": {"master": {"port": 0}}}, "port: refused by the chart's values"),
        ("gateway", {"kind": "StatefulSet"}, "refused by the chart's values.schema.json"),
    ],
)
def test_each_way_to_be_wrong_is_told(chart: str, values: dict[str, Any], says: str) -> None:
    found = unknown_keys(chart, values)
    assert found
    with pytest.raises(ValueError, match=says):
        raise ValueError("\n".join(found))


def test_a_chart_that_is_not_here_is_never_passed() -> None:
    with pytest.raises(UnknownChart, match="'no-such-chart' is not in the shared folder"):
        unknown_keys("oci://registry.local/no-such-chart", {})


@pytest.mark.parametrize("chart", CHARTS)
def test_defaults_of_a_chart_pass_and_each_of_them_misspelt_does_not(chart: str) -> None:
    loaded = load_chart(require_shared(), chart)
    assert unknown_keys(chart, loaded.defaults) == []
    checked = [path for path, _value in leaves(loaded.defaults) if not _free(loaded, path)]
    assert checked
    for path in checked:
        misspelt = (*path[:-1], f"{path[-1]}Typo")
        assert unknown_keys(chart, nested(misspelt, UNKNOWN)), f"{'.'.join(misspelt)} was accepted"


def _free(chart: Chart, path: tuple[str, ...]) -> bool:
    """Whether a misspelling below this path is the user's own key and cannot be told."""
    parents = [".".join(path[:length]) for length in range(1, len(path))]
    ends = ("annotations", "labels", "nodeselector", "matchlabels", "limits", "requests", "env", "extraargs")
    return any(parent in FREE_FORM.get(chart.name, ()) or parent.lower().endswith(ends) for parent in parents)


def test_free_form_rows_still_name_keys_of_their_chart() -> None:
    for chart, paths in FREE_FORM.items():
        defaults = load_chart(require_shared(), chart).defaults
        for path in paths:
            place: Any = defaults
            keys = path.split(".") if path != "grafana.grafana.ini" else ["grafana", "grafana.ini"]
            for key in keys:
                assert key in place, f"{chart}: {path} is gone; drop its row in FREE_FORM"
                place = place[key]
            assert isinstance(place, dict)
