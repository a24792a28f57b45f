"""When an object is ready, by kind, as the official provider holds it; one row per kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from trellis.kube.client import Api

Live = Mapping[str, Any]
MINUTE = 60.0
_SETTLED_SECONDS = 2.0
"""Endpoints that change no more for so long are taken as they are; the official provider waits 10 s for a cloud."""
_SPECS_WITHOUT_PODS = ("ExternalName",)


class Standing(NamedTuple):
    """How an object stands. One that has failed will not become ready any more."""

    ready: bool
    reason: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Look:
    """What a check may look at besides the object."""

    api: Api


Check = Callable[[Live, Look], Standing]


class Rule(NamedTuple):
    """How a kind becomes ready. `make` gives a check of its own to each wait, for it may remember."""

    make: Callable[[], Check]
    seconds: float = 10 * MINUTE
    """How long to wait where neither the program nor the object says."""


def condition(live: Live, type_: str) -> Mapping[str, Any]:
    """A condition of an object, or nothing."""
    rows = (live.get("status") or {}).get("conditions") or []
    return next((row for row in rows if str(row.get("type", "")).lower() == type_.lower()), {})


def _is_true(live: Live, type_: str) -> bool:
    return condition(live, type_).get("status") == "True"


def _told(live: Live, type_: str) -> str:
    row = condition(live, type_)
    return " ".join(str(row[key]) for key in ("reason", "message") if row.get(key))


def _is_observed(live: Live) -> bool:
    """Whether the controller has seen the object as it is now."""
    seen = int((live.get("status") or {}).get("observedGeneration") or 0)
    return seen >= int(live["metadata"].get("generation") or 0)


def _deployment(live: Live, _look: Look) -> Standing:
    if not _is_observed(live):
        return Standing(False, "its controller has not seen it yet")
    progressing, status = condition(live, "Progressing"), live.get("status") or {}
    rolled = progressing.get("reason") == "NewReplicaSetAvailable" or not progressing
    wanted = int(live["spec"].get("replicas", 1))
    if rolled and _is_true(live, "Available") and int(status.get("updatedReplicas") or 0) >= wanted:
        return Standing(True)
    available = int(status.get("availableReplicas") or 0)
    told = _told(live, "Progressing") if progressing.get("status") == "False" else ""
    return Standing(False, f"{available} of {wanted} pods are available. {told}".strip())


def _stateful_set(live: Live, _look: Look) -> Standing:
    if not _is_observed(live):
        return Standing(False, "its controller has not seen it yet")
    spec, status = live["spec"], live.get("status") or {}
    wanted, ready = int(spec.get("replicas", 1)), int(status.get("readyReplicas") or 0)
    strategy = spec.get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    on_delete = strategy.get("type") == "OnDelete"
    rolled = on_delete or bool(partition) or status.get("currentRevision") == status.get("updateRevision")
    if rolled and int(status.get("replicas") or 0) == wanted == ready:
        return Standing(True)
    return Standing(False, f"{ready} of {wanted} pods are ready")


def _daemon_set(live: Live, _look: Look) -> Standing:
    if not _is_observed(live):
        return Standing(False, "its controller has not seen it yet")
    status = live.get("status") or {}
    wanted, available = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    on_delete = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if available >= wanted and (on_delete or int(status.get("updatedNumberScheduled") or 0) >= wanted):
        return Standing(True)
    return Standing(False, f"{available} of {wanted} pods are available")


def _job(live: Live, _look: Look) -> Standing:
    if _is_true(live, "Failed"):
        return Standing(False, f"the Job failed: {_told(live, 'Failed')}", failed=True)
    status = live.get("status") or {}
    if status.get("startTime") and _is_true(live, "Complete"):
        return Standing(True)
    if live["spec"].get("suspend"):
        return Standing(False, "the Job is suspended")
    return Standing(
        False, f"{int(status.get('succeeded') or 0)} of {live['spec'].get('completions', 1)} pods succeeded"
    )


def _pod(live: Live, _look: Look) -> Standing:
    phase = (live.get("status") or {}).get("phase")
    if phase == "Failed":
        return Standing(False, f"the pod failed: {(live['status']).get('message', '')}", failed=True)
    if phase == "Succeeded" or (phase == "Running" and _is_true(live, "Ready")):
        return Standing(True)
    return Standing(False, f"the pod is {phase}. {_told(live, 'PodScheduled')}".strip())


def _claim(live: Live, look: Look) -> Standing:
    phase = (live.get("status") or {}).get("phase")
    if phase == "Bound":
        return Standing(True)
    name = live["spec"].get("storageClassName")
    found = look.api.get("storage.k8s.io/v1", "StorageClass", name) if name else None
    if found and found.get("volumeBindingMode") == "WaitForFirstConsumer" and phase == "Pending":
        return Standing(True)
    return Standing(
        False, f"the claim is {phase}" + ("" if found or not name else f"; there is no StorageClass {name}")
    )


def _volume(live: Live, _look: Look) -> Standing:
    phase = (live.get("status") or {}).get("phase")
    return Standing(phase in ("Available", "Bound"), f"the volume is {phase}")


def _quota(live: Live, _look: Look) -> Standing:
    same = (live.get("status") or {}).get("hard", {}) == live["spec"].get("hard", {})
    return Standing(same, "its controller has not taken the limits over yet")


def _replication_controller(live: Live, _look: Look) -> Standing:
    wanted = int(live["spec"].get("replicas", 1))
    available = int((live.get("status") or {}).get("availableReplicas") or 0)
    return Standing(available == wanted, f"{available} of {wanted} pods are available")


def _secret(live: Live, _look: Look) -> Standing:
    waits = live.get("type") == "kubernetes.io/service-account-token"
    return Standing(
        not waits or bool(live.get("data")), "no token was written into it; is there such a ServiceAccount?"
    )


def _namespace(live: Live, _look: Look) -> Standing:
    phase = (live.get("status") or {}).get("phase")
    return Standing(phase == "Active", f"the namespace is {phase}")


def _definition(live: Live, _look: Look) -> Standing:
    names = condition(live, "NamesAccepted")
    if names.get("status") == "False":
        return Standing(False, f"its names are taken: {_told(live, 'NamesAccepted')}", failed=True)
    return Standing(_is_true(live, "Established"), f"it is not served yet. {_told(live, 'Established')}".strip())


class _Service:
    """Ready when its load balancer has an address, and no endpoint is about to change."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = time.monotonic()

    def __call__(self, live: Live, look: Look) -> Standing:
        spec = live["spec"]
        if spec.get("type") == "LoadBalancer" and not ((live.get("status") or {}).get("loadBalancer") or {}).get(
            "ingress"
        ):
            return Standing(False, "the Service was not allocated an address; does a load balancer controller run?")
        if spec.get("type") in _SPECS_WITHOUT_PODS or spec.get("clusterIP") == "None" or not spec.get("selector"):
            return Standing(True)
        selector = f"kubernetes.io/service-name={live['metadata']['name']}"
        namespace = live["metadata"]["namespace"]
        slices = look.api.list("discovery.k8s.io/v1", "EndpointSlice", namespace, labelSelector=selector)
        ready = [
            bool((end.get("conditions") or {}).get("ready")) for one in slices for end in one.get("endpoints") or []
        ]
        seen = (len(slices), sorted(ready))
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        if not slices:
            return Standing(False, "the Service has no endpoints yet")
        if not all(ready):
            return Standing(False, f"{ready.count(False)} of {len(ready)} pods that the Service selects are not ready")
        return Standing(time.monotonic() - self._since >= _SETTLED_SECONDS, "its endpoints still change")


class _Ingress:
    """Ready when it has an address; the Services behind it are waited for a while, then only missed."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _SETTLED_SECONDS

    def __call__(self, live: Live, look: Look) -> Standing:
        if not ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
            return Standing(False, "the Ingress has no address in .status.loadBalancer; does its controller run?")
        missing = [name for name in _backends(live) if not self._is_there(name, live, look)]
        if missing and time.monotonic() < self._until:
            return Standing(False, f"no Service {', '.join(missing)} is there yet")
        return Standing(True)

    @staticmethod
    def _is_there(name: str, live: Live, look: Look) -> bool:
        return look.api.get("v1", "Service", name, live["metadata"]["namespace"]) is not None


def _backends(live: Live) -> list[str]:
    paths = [path for rule in live["spec"].get("rules") or [] for path in (rule.get("http") or {}).get("paths") or []]
    services = [(path.get("backend") or {}).get("service") or {} for path in paths]
    return sorted({service["name"] for service in services if service.get("name")})


def _always(check: Check) -> Callable[[], Check]:
    return lambda: check


RULES: Mapping[tuple[str, str], Rule] = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Rule(_always(_definition), MINUTE),
    ("apps", "DaemonSet"): Rule(_always(_daemon_set)),
    ("apps", "Deployment"): Rule(_always(_deployment)),
    ("apps", "StatefulSet"): Rule(_always(_stateful_set)),
    ("batch", "Job"): Rule(_always(_job)),
    ("", "Namespace"): Rule(_always(_namespace), MINUTE),
    ("", "PersistentVolume"): Rule(_always(_volume), 5 * MINUTE),
    ("", "PersistentVolumeClaim"): Rule(_always(_claim), 5 * MINUTE),
    ("", "Pod"): Rule(_always(_pod)),
    ("", "ReplicationController"): Rule(_always(_replication_controller)),
    ("", "ResourceQuota"): Rule(_always(_quota), MINUTE),
    ("", "Secret"): Rule(_always(_secret), 5.0),
    ("", "Service"): Rule(_Service),
    ("networking.k8s.io", "Ingress"): Rule(_Ingress),
}
"""Group and kind -> its rule; all other kinds are ready at once, as with the official provider."""


def rule_for(live: Live) -> Rule | None:
    """The rule of an object's kind."""
    group, _, _ = str(live["apiVersion"]).rpartition("/")
    return RULES.get((group, str(live["kind"])))
