"""NetworkPolicies of a namespace: everything is denied but what the tables name.

They hold where the network enforces them: on EKS the VPC CNI does (its add-on is configured so), elsewhere the
cluster's own network must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.catalogue.addons import addon
from components.catalogue.chart_settings import chart_settings
from components.catalogue.network_flows import (
    INTERNET,
    LOAD_BALANCER,
    OUTSIDE,
    POD_IDENTITY,
    TEAMS,
    VPC,
    Flow,
    network_flows,
)
from components.layout.clusters import ClusterView
from components.spec.clusters import EksCluster

Spec = dict[str, Any]
NAME_LABEL = "kubernetes.io/metadata.name"
TEAM_LABEL = "trellis.dev/team"
AGENT = "169.254.170.23/32"
"""Address at which the EKS Pod Identity agent hands out credentials on every node."""
ANYWHERE = "0.0.0.0/0"
API_PORTS = (443, 6443)
"""Of the Service `kubernetes` and of the API server itself (6443 on most clusters that are not EKS)."""
MESH_METRICS_PORTS = (15020, 15090)
"""Sidecars show the merged metrics of their pod, and their own, on these ports, outside mutual TLS."""


def policies(view: ClusterView, namespace: str) -> Mapping[str, Spec]:
    """Specs by name for one namespace of a cluster."""
    deny: Spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allow: Spec = {
        **deny,
        "ingress": [*_common_ingress(view, namespace), *_flows_in(view, namespace)],
        "egress": [*_common_egress(view, namespace), *_flows_out(view, namespace)],
    }
    return {"allow-needed": allow, "default-deny": deny}


def _common_ingress(view: ClusterView, namespace: str) -> list[Spec]:
    """From the own namespace; from the API server to webhooks; from Prometheus to metrics."""
    rules: list[Spec] = [{"from": [{"podSelector": {}}]}]
    webhooks = _webhook_ports(view, namespace)
    if webhooks:
        rules.append({**_from(_control_plane(view)), "ports": _ports(webhooks)})
    scraped = _metrics_ports(view, namespace)
    if scraped and "kube-prometheus-stack" in view.addons:
        prometheus = {
            **_namespace("monitoring"),
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
        }
        rules.append({"from": [prometheus], "ports": _ports(scraped)})
    if namespace == "istio-system":
        rules.append(
            {"from": [{"namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}}}], "ports": _ports([15012])}
        )
    return rules


def _common_egress(view: ClusterView, namespace: str) -> list[Spec]:
    """To the own namespace, DNS and the API server; Prometheus to whatever it scrapes."""
    dns = _pods("kube-system", {"k8s-app": "kube-dns"})
    rules: list[Spec] = [
        {"to": [{"podSelector": {}}]},
        {"to": [dns], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"to": [_block(cidr) for cidr in _api_server(view)], "ports": _ports(API_PORTS)},
    ]
    if namespace == "monitoring":
        # Pods by namespace, and nodes (kubelet, node exporter, which uses the host's network) by address.
        rules.append({"to": [{"namespaceSelector": {}}, *(_block(cidr) for cidr in _nodes(view))]})
    return rules


def _webhook_ports(view: ClusterView, namespace: str) -> list[int]:
    rows = (addon(one) for one in view.addons)
    return sorted({port.pod_port for row in rows for port in row.api_server_ports if port.namespace == namespace})


def _metrics_ports(view: ClusterView, namespace: str) -> list[int]:
    """Ports that Prometheus scrapes: those of our PodMonitors, of charts' own monitors, and of sidecars."""
    found: set[int] = set(MESH_METRICS_PORTS) if namespace in view.platform.teams else set()
    for row in (addon(one) for one in view.addons):
        found |= {pod.pod_port for pod in row.metrics.pods if pod.namespace == namespace}
        releases = (release for release in row.releases if release.namespace == namespace)
        found |= {port for release in releases for port in chart_settings(release.chart).metrics_ports}
    return sorted(found)


def _flows_in(view: ClusterView, namespace: str) -> list[Spec]:
    flows = [flow for flow in network_flows() if _is(view, flow.target, namespace) and _exists(view, flow.source)]
    return [{"from": _peers(view, flow.source), **_flow_ports(flow)} for flow in flows]


def _flows_out(view: ClusterView, namespace: str) -> list[Spec]:
    flows = [flow for flow in network_flows() if _is(view, flow.source, namespace) and _exists(view, flow.target)]
    return [{"to": _peers(view, flow.target), **_flow_ports(flow)} for flow in flows]


def _flow_ports(flow: Flow) -> Spec:
    return {"ports": _ports(flow.ports)} if flow.ports else {}


def _is(view: ClusterView, end: str, namespace: str) -> bool:
    return namespace in view.platform.teams if end == TEAMS else end == namespace


def _exists(view: ClusterView, end: str) -> bool:
    """Whether an end of a flow is there in this cluster."""
    if end == TEAMS:
        return bool(view.platform.teams)
    if end == LOAD_BALANCER:
        return view.is_eks and view.platform.exposure is not None
    if end == POD_IDENTITY:
        return "pod-identity-agent" in view.addons
    if end in OUTSIDE:
        return True
    return any(namespace.name == end for one in view.addons for namespace in addon(one).namespaces)


def _peers(view: ClusterView, end: str) -> list[Spec]:
    if end == TEAMS:
        return [{"namespaceSelector": {"matchExpressions": [{"key": TEAM_LABEL, "operator": "Exists"}]}}]
    if end == POD_IDENTITY:
        return [_block(AGENT)]
    if end in (VPC, LOAD_BALANCER):
        return [_block(cidr) for cidr in _nodes(view)]
    if end == INTERNET:
        return [_block(ANYWHERE)]
    return [_namespace(end)]


def _control_plane(view: ClusterView) -> Sequence[str]:
    """Addresses from which the API server calls webhooks: on EKS its interfaces in the VPC, elsewhere not known."""
    return (view.platform.network.cidr,) if view.is_eks else ()


def _api_server(view: ClusterView) -> Sequence[str]:
    """Addresses of the API server: its Service, and behind it the interfaces in the VPC."""
    if isinstance(view.cluster, EksCluster):
        return (view.cluster.service_cidr, view.platform.network.cidr)
    return (ANYWHERE,)


def _nodes(view: ClusterView) -> Sequence[str]:
    return (view.platform.network.cidr,) if view.is_eks else (ANYWHERE,)


def _from(cidrs: Sequence[str]) -> Spec:
    """A rule's `from`; without addresses it is left out, and the rule holds for every source."""
    return {"from": [_block(cidr) for cidr in cidrs]} if cidrs else {}


def _block(cidr: str) -> Spec:
    return {"ipBlock": {"cidr": cidr}}


def _namespace(name: str) -> Spec:
    return {"namespaceSelector": {"matchLabels": {NAME_LABEL: name}}}


def _pods(namespace: str, labels: Mapping[str, str]) -> Spec:
    return {**_namespace(namespace), "podSelector": {"matchLabels": dict(labels)}}


def _ports(ports: Sequence[int]) -> list[Spec]:
    return [{"port": port, "protocol": "TCP"} for port in ports]
