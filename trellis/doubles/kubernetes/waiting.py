"""Waiting until an object is ready, and telling why one is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from requests import RequestException

from trellis.doubles.errors import NotReady
from trellis.doubles.kubernetes import objects, wait_for
from trellis.doubles.kubernetes.objects import Manifest
from trellis.doubles.kubernetes.readiness import Look, Rule, Standing, rule_for
from trellis.doubles.kubernetes.session import Session
from trellis.doubles.provider import Ask, Bag
from trellis.kube.client import Api, ApiError

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.4
"""Seconds between two looks: often at first, for a sandbox is quick, and seldom later, for there are many waits."""
_TOLD_REASONS = 10


def seconds_allowed(ask: Ask, default: float) -> float:
    """How long an operation may take: by `customTimeouts`, by annotation, or by default."""
    noted = objects.annotation(ask.inputs, "timeoutSeconds")
    return ask.timeout or (float(noted) if noted.isdigit() else default)


@dataclass(frozen=True)
class Wait:
    """What waits: one request on one connection, until `stop`."""

    session: Session
    ask: Ask
    stop: threading.Event


def await_ready(wait: Wait, live: Manifest, kept: Callable[[Manifest], Bag]) -> Manifest:
    """Wait until an object is ready; as it is then. Raises `NotReady`, with what is `kept` of it."""
    session, ask, stop = wait.session, wait.ask, wait.stop
    rule = _rule(ask, live)
    if rule is None:
        return live
    check, look = rule.make(), Look(session.api)
    allowed, pause = seconds_allowed(ask, rule.seconds), _FIRST_PAUSE
    until = time.monotonic() + allowed
    while True:
        live, stand = _stand(session.api, live, lambda now: check(now, look))
        if stand.ready:
            return live
        late = time.monotonic() >= until
        if stand.failed or late or stop.is_set():
            why = (
                f"it was not ready within {allowed:.0f} s"
                if late
                else "the wait was cancelled"
                if not stand.failed
                else ""
            )
            reasons = [reason for reason in (why, stand.reason, *_reasons(session.api, live)) if reason]
            raise NotReady(objects.identifier(live), kept(live), list(dict.fromkeys(reasons)), ask.inputs)
        stop.wait(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        live = _look_again(session.api, live) or live


def _rule(ask: Ask, live: Manifest) -> Rule | None:
    if objects.is_on(ask.inputs, "skipAwait"):
        return None
    noted = objects.annotation(ask.inputs, "waitFor")
    return wait_for.rule(noted) if noted else rule_for(live)


def _stand(api: Api, live: Manifest, check: Callable[[Manifest], Standing]) -> tuple[Manifest, Standing]:
    try:
        return live, check(live)
    except (ApiError, RequestException) as error:  # an API server may go away and come back while we wait
        return live, Standing(False, f"{api.access.server} does not answer: {error}")


def _look_again(api: Api, live: Manifest) -> Manifest | None:
    """The object as it is now; None where nobody answers. One that was deleted meanwhile is as good as not ready."""
    meta = live["metadata"]
    try:
        return api.get(live["apiVersion"], live["kind"], meta["name"], meta.get("namespace"))
    except (ApiError, RequestException):
        return None


def _reasons(api: Api, live: Manifest) -> list[str]:
    """What the object's pods and the events around it say."""
    try:
        pods = _pods(api, live)
        said = [message for pod in pods for message in _pod_reasons(pod)]
        about = {pod["metadata"]["uid"] for pod in pods} | {live["metadata"].get("uid")}
        said += _warnings(api, live["metadata"].get("namespace"), about)
    except (ApiError, RequestException, LookupError) as error:
        return [f"no more is known: {error}"]
    return list(dict.fromkeys(said))[:_TOLD_REASONS]


def _pods(api: Api, live: Manifest) -> list[Manifest]:
    spec, namespace = live.get("spec") or {}, live["metadata"].get("namespace")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    labels = (selector or {}).get("matchLabels") if live["kind"] != "Service" else selector
    if live["kind"] == "Pod":
        return [live]
    if not labels or not namespace:
        return []
    return api.list("v1", "Pod", namespace, labelSelector=",".join(f"{key}={value}" for key, value in labels.items()))


def _pod_reasons(pod: Manifest) -> list[str]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    said = [
        f"pod {name}: {row.get('reason')}: {row.get('message')}"
        for row in status.get("conditions") or []
        if row["type"] == "PodScheduled" and row["status"] != "True"
    ]
    for box in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        said += [f"pod {name}: container {box['name']}: {why}" for why in _container_reasons(box)]
    return said


def _container_reasons(box: dict[str, Any]) -> list[str]:
    state = box.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    rows = [waiting] if waiting.get("message") else []
    rows += [ended] if ended.get("exitCode") else []
    return [" ".join(str(row[key]) for key in ("reason", "exitCode", "message") if row.get(key)) for row in rows]


def _warnings(api: Api, namespace: str | None, about: set[Any]) -> list[str]:
    events = api.list("v1", "Event", namespace, fieldSelector="type=Warning") if namespace else []
    return [
        f"{event['involvedObject']['kind']} {event['involvedObject']['name']}: {event['reason']}: {event['message']}"
        for event in events
        if event["involvedObject"].get("uid") in about
    ]
