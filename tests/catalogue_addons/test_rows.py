"""Each row file by itself, and that mistakes in a row are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import yaml

from components.catalogue.addon_model import Addon
from components.catalogue.addons import BadRowError, UnknownAddonError, addon, addons, parse_row
from tests.support.shared import REPOSITORY

ROWS = sorted(addons())
FOLDER = REPOSITORY / "components" / "catalogue" / "data" / "addons"
EXPECTED = {
    *("cert-manager", "metrics-server", "aws-load-balancer-controller", "ebs-csi", "efs-csi", "fsx-csi"),
    *("vpc-cni", "coredns", "kube-proxy", "pod-identity-agent", "karpenter", "cluster-autoscaler"),
    *("kube-prometheus-stack", "istio", "gpu-operator", "efa-device-plugin", "kueue", "keda", "vpa", "argo-cd"),
    *("kserve", "mlflow", "kubeflow-trainer", "katib", "kubeflow-pipelines", "external-secrets"),
}


class _NoDuplicates(yaml.SafeLoader):
    """Refuses a key that is written twice, which YAML readers silently take the last of."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"written twice at {node.start_mark}: {keys}"
    return loader.construct_mapping(node, deep=True)


_NoDuplicates.add_constructor("tag:yaml.org,2002:map", _mapping)


def test_every_addon_of_the_platform_has_a_row() -> None:
    assert set(ROWS) >= EXPECTED


def test_rows_ship_as_package_data() -> None:
    folder = files("components.catalogue") / "data" / "addons"
    assert {entry.name for entry in folder.iterdir()} == {f"{one}.yaml" for one in ROWS}


@pytest.mark.parametrize("row_id", ROWS)
def test_no_key_is_written_twice(row_id: str) -> None:
    yaml.load((FOLDER / f"{row_id}.yaml").read_text(encoding="utf-8"), Loader=_NoDuplicates)  # noqa: S506 - a safe one


@pytest.mark.parametrize("row_id", ROWS)
def test_reasons_name_values_that_the_row_sets(row_id: str) -> None:
    for release in addon(row_id).releases:
        for path in release.because:
            value: Any = release.values
            for part in path.split("."):
                assert part in value, f"{row_id}: a reason is given for {path}, which the row does not set"
                value = value[part]


@pytest.mark.parametrize("row_id", ROWS)
def test_metric_switches_are_keys_that_can_be_set(row_id: str) -> None:
    metrics = addon(row_id).metrics
    if metrics.by == "chart":
        assert addon(row_id).kind == "helm"
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", path) for path in metrics.switches)


@pytest.mark.parametrize("row_id", ROWS)
def test_identities_live_in_the_rows_namespaces(row_id: str) -> None:
    row = addon(row_id)
    names = {namespace.name for namespace in row.namespaces}
    assert {identity.namespace for identity in row.identities} <= names
    assert {ui.namespace for ui in row.uis} <= names
    assert {port.namespace for port in row.api_server_ports} <= names


@pytest.mark.parametrize("row_id", ROWS)
def test_addons_with_aws_rights_wait_for_the_agent_that_hands_them_out(row_id: str) -> None:
    row = addon(row_id)
    if any(not identity.optional for identity in row.identities):
        assert "pod-identity-agent" in {need.id for need in row.needs}


def test_no_two_pages_share_a_local_port() -> None:
    ports = [ui.local_port for row in addons().values() for ui in row.uis]
    assert len(ports) == len(set(ports))


def test_the_port_forward_command_names_context_service_and_ports() -> None:
    page = addon("kube-prometheus-stack").uis[0]
    assert page.port_forward("trellis-dev") == (
        "kubectl --context trellis-dev -n monitoring port-forward svc/kube-prometheus-stack-grafana 3000:80"
    )


def test_no_kind_is_defined_by_two_addons() -> None:
    owners: dict[str, str] = {}
    for row in addons().values():
        for crd in row.crds:
            assert owners.setdefault(crd.name, row.id) == row.id, f"{crd.name}: {owners[crd.name]} and {row.id}"


def test_an_unknown_id_gets_the_nearest_ones() -> None:
    with pytest.raises(UnknownAddonError, match="no add-on 'cert-manger'; did you mean cert-manager"):
        addon("cert-manger")


def test_rows_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        addon("istio").title = "other"  # type: ignore[misc]  # the very mistake that is tested


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(row: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        target: Any = row
        for part in parents:
            target = target[int(part)] if part.isdigit() else target[part]
        target[last] = value

    return change


MISTAKES: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("cert-manager", _set("colour", "red"), "colour"),
    ("cert-manager", _set("kind", "eks-addon"), "disagree"),
    ("cert-manager", _set("clusterRole", "all"), "clusterRole"),
    ("cert-manager", _set("id", "other"), "must be other.yaml"),
    ("cert-manager", _set("releases.0.oci", "oci://example/x"), "either 'repository' or 'oci'"),
    ("karpenter", _set("releases.0.oci", "example/x"), "starts with oci://"),
    ("cert-manager", _set("releases.0.namespace", "elsewhere"), "elsewhere"),
    ("cert-manager", _set("releases.0.crds.provides", []), "name the CRDs"),
    (
        "kserve",
        _set("releases.1.crds.provides", [{"name": "a.b", "kind": "A", "scope": "Cluster", "versions": ["v1"]}]),
        "none itself",
    ),
    ("vpc-cni", _set("eksAddon.versionReason", None), "reason for having none"),
    (
        "kube-prometheus-stack",
        _set("quotas", [{"namespace": "monitoring", "pods": 1, "cpuMillis": 1, "memoryGib": 1}]),
        "every node",
    ),
    ("cert-manager", _set("metrics.pods", []), "need pods"),
    ("istio", _set("kubernetes.high", "1.30"), "upside down"),
    ("istio", _set("kubernetes.low", "one"), "names no Kubernetes version"),
    ("mlflow", _set("needs.0.id", "Not_An_Id"), "needs"),
    ("cert-manager", _set("quotas.0.pods", 0), "greater than 0"),
    ("cert-manager", _set("sources", []), "sources"),
]


@pytest.mark.parametrize(("row_id", "change", "said"), MISTAKES, ids=[f"{m[0]}-{i}" for i, m in enumerate(MISTAKES)])
def test_a_mistake_in_a_row_is_named(row_id: str, change: Callable[[dict[str, Any]], None], said: str) -> None:
    text = (FOLDER / f"{row_id}.yaml").read_text(encoding="utf-8")
    assert isinstance(parse_row(text, f"{row_id}.yaml"), Addon)
    row = yaml.safe_load(text)
    change(row)
    with pytest.raises(BadRowError, match=said):
        parse_row(yaml.safe_dump(row), f"{row_id}.yaml")


def test_broken_yaml_is_named_with_its_file() -> None:
    with pytest.raises(BadRowError, match=r"istio\.yaml"):
        parse_row("id: [", "istio.yaml")
