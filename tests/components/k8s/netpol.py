"""Judges NetworkPolicies as a network does: may this end open a connection to that one?

Rules of the API: a pod that no policy of a direction selects is open in it; else any one rule that fits lets through.
An address is matched by `ipBlock` only, a pod by selectors (and by its address, which is in the VPC, too).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.components.k8s.builders import objects
from trellis.plan import Plan

POD_ADDRESS = "10.20.3.4"
"""Where pods of the VPC under test live."""


@dataclass(frozen=True)
class Pod:
    """A pod somewhere."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = POD_ADDRESS


@dataclass(frozen=True)
class Address:
    """An end that is no pod: the API server, the internet, a load balancer."""

    address: str


End = Pod | Address


@dataclass(frozen=True)
class Network:
    """The policies of a plan, with the labels of its namespaces."""

    policies: Mapping[str, list[Mapping[str, Any]]]
    labels: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, plan: Plan) -> Network:
        """The network of a plan of one cluster."""
        policies: dict[str, list[Mapping[str, Any]]] = {}
        for (namespace, _), policy in objects(plan, "NetworkPolicy").items():
            policies.setdefault(str(namespace), []).append(policy.inputs["spec"])
        labels = {
            name: {**namespace.inputs["metadata"]["labels"], "kubernetes.io/metadata.name": name}
            for (_, name), namespace in objects(plan, "Namespace").items()
        }
        return cls(policies, {"kube-system": {"kubernetes.io/metadata.name": "kube-system"}, **labels})

    def reaches(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether `source` may connect to `port` of `target`: out of the one and into the other."""
        out = not isinstance(source, Pod) or self._allowed(source, "Egress", target, port, protocol)
        into = not isinstance(target, Pod) or self._allowed(target, "Ingress", source, port, protocol)
        return out and into

    def _allowed(self, pod: Pod, direction: str, other: End, port: int, protocol: str) -> bool:
        mine = [
            policy
            for policy in self.policies.get(pod.namespace, [])
            if direction in policy["policyTypes"] and _selects(policy["podSelector"], pod.labels)
        ]
        if not mine:
            return True
        peers = {"Ingress": "from", "Egress": "to"}[direction]
        return any(
            self._fits(rule.get(peers), pod, other) and _port_fits(rule.get("ports"), port, protocol)
            for policy in mine
            for rule in policy.get(direction.lower(), [])
        )

    def _fits(self, peers: list[Mapping[str, Any]] | None, pod: Pod, other: End) -> bool:
        return peers is None or any(self._peer_fits(peer, pod, other) for peer in peers)

    def _peer_fits(self, peer: Mapping[str, Any], pod: Pod, other: End) -> bool:
        if "ipBlock" in peer:
            return ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
        if not isinstance(other, Pod) or not _selects(peer.get("podSelector", {}), other.labels):
            return False
        if "namespaceSelector" in peer:
            return _selects(peer["namespaceSelector"], self.labels[other.namespace])
        return other.namespace == pod.namespace


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_expression(rule, labels) for rule in selector.get("matchExpressions", []))


def _expression(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there = rule["key"] in labels
    return {
        "Exists": there,
        "DoesNotExist": not there,
        "In": labels.get(rule["key"]) in rule.get("values", []),
        "NotIn": labels.get(rule["key"]) not in rule.get("values", []),
    }[rule["operator"]]


def _port_fits(ports: list[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    return ports is None or any(
        one.get("protocol", "TCP") == protocol and one.get("port", port) == port for one in ports
    )
