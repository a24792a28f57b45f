"""Errors that the stand-in for AWS gives on demand, in the wire format of the service that was asked.

A fault says whom it hits and how often; requests that it does not hit are answered as ever.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_THROTTLING = "ThrottlingException"
_THROTTLINGS = {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503), "iam": ("Throttling", 400)}
"""What these services say instead, with which status. S3 answers a HEAD without a code: there the status must do."""
_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of error, and which requests get it."""

    code: str
    """AWS's error code."""
    status: int = 400
    """HTTP status."""
    message: str = "injected by the rehearsal"
    service: str = ""
    """Only this service, by its boto3 name; empty: any."""
    operation: str = ""
    """Only this operation, such as `CreateNatGateway`; empty: any."""
    times: int | None = None
    """How many requests get it; None: all."""
    fraction: float = 1.0
    """Share of requests that get it."""
    seed: int = 0
    """Decides which ones: the same seed hits the same positions in the sequence of requests."""


def throttling(**which: Any) -> Fault:
    """Too many requests: a client that retries gets through."""
    return Fault(code=_THROTTLING, message="Rate exceeded", **which)


def unavailable(**which: Any) -> Fault:
    """The service is not there for a while: a client that retries gets through."""
    return Fault(code="ServiceUnavailable", status=503, message="The service is unavailable.", **which)


def no_capacity(instance_type: str = "the instance type", **which: Any) -> Fault:
    """No instances of a type are to be had; nobody retries it."""
    message = f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested."
    return Fault(code="InsufficientInstanceCapacity", status=400, message=message, **which)


class Faults:
    """A WSGI application around another one. All methods may run at the same time in many threads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, random.Random]] = []
        self._left: list[int | None] = []
        self._given: dict[str, int] = {}

    def replace(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Give these errors from now on, and forget what was given before."""
        faults = [Fault(**row) for row in rows]
        with self._lock:
            self._faults = [(one, random.Random(one.seed)) for one in faults]  # noqa: S311 - repeatable by design
            self._left = [one.times for one in faults]
            self._given = {}

    def given(self) -> Mapping[str, int]:
        """How many errors were given, by `service:Operation code`."""
        with self._lock:
            return dict(sorted(self._given.items()))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not self._faults:
            return self._app(environ, start_response)
        service, operation = asked(environ)
        fault = self._next(service, operation)
        if fault is None:
            return self._app(environ, start_response)
        return refuse(environ, start_response, fault)

    def _next(self, service: str, operation: str) -> Fault | None:
        with self._lock:
            for index, (fault, dice) in enumerate(self._faults):
                left = self._left[index]
                if fault.service not in ("", service) or fault.operation not in ("", operation) or left == 0:
                    continue
                if dice.random() >= fault.fraction:
                    continue
                self._left[index] = None if left is None else left - 1
                key = f"{service}:{operation} {fault.code}"
                self._given[key] = self._given.get(key, 0) + 1
                return fault
        return None


def refuse(environ: Environ, start_response: StartResponse, fault: Fault) -> Iterable[bytes]:
    """Answer with an error in the format of the service that was asked."""
    service = asked(environ)[0]
    if fault.code == _THROTTLING:
        code, status = _THROTTLINGS.get(service, (fault.code, fault.status))
        fault = replace(fault, code=code, status=status)
    body, headers = _written(environ, service, fault)
    if environ.get("REQUEST_METHOD") == "HEAD":
        body = b""
    start_response(f"{fault.status} {fault.code}", [*headers, ("Content-Length", str(len(body)))])
    return [body]


def rows(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults as JSON-ready data."""
    return [asdict(one) for one in faults]


def asked(environ: Environ) -> tuple[str, str]:
    """Service and operation of a request, as far as they can be told."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = {"elasticfilesystem": "efs"}.get(scope[1], scope[1]) if scope else ""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return service, str(target).rpartition(".")[2]
    action = parse_qs(_body(environ)).get("Action")
    if action:
        return service, action[0]
    return service, _by_path(service, environ)


def _body(environ: Environ) -> str:
    """The body of a form; it stays readable."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body.decode()


def _by_path(service: str, environ: Environ) -> str:
    """The operation of a service whose operations are paths: the one that asks for most, of those the shortest name."""
    query = set(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
    fitting = [
        (len(needs), -len(name), name)
        for name, verb, pattern, needs in _paths(service)
        if verb == method and needs <= query and pattern.fullmatch(path)
    ]
    return max(fitting)[-1] if fitting else ""


@cache
def _paths(service: str) -> tuple[tuple[str, str, re.Pattern[str], frozenset[str]], ...]:
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return ()
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http.get("requestUri", "/").partition("?")
        # An ARN in a path has slashes of its own.
        parts = [".+?" if part.startswith("{") else re.escape(part) for part in _cut(path)]
        needs = frozenset(parse_qs(query, keep_blank_values=True))
        found.append((name, http["method"], re.compile("".join(parts) + "/?"), needs))
    return tuple(found)


def _cut(path: str) -> list[str]:
    return re.findall(r"\{[^}]*\}|[^{]+", path)


def _written(environ: Environ, service: str, fault: Fault) -> tuple[bytes, list[tuple[str, str]]]:
    code, text = escape(fault.code), escape(fault.message)
    error = f"<Code>{code}</Code><Message>{text}</Message>"
    if service == "s3":
        return f"<Error>{error}</Error>".encode(), [("Content-Type", "application/xml")]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        ec2 = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>r</RequestID></Response>"
        other = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>r</RequestId></ErrorResponse>"
        return (ec2 if service == "ec2" else other).encode(), [("Content-Type", "text/xml")]
    body = json.dumps({"__type": fault.code, "message": fault.message}).encode()
    return body, [("Content-Type", "application/json"), ("x-amzn-ErrorType", fault.code)]
