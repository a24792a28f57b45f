"""How an operation that moto lacks, or answers otherwise than AWS, is served."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.parsers import create_parser
from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

Bag = dict[str, Any]
Handler = Callable[["Call"], Mapping[str, Any] | None]

_MODULES = (
    "budgets",
    "ec2_gateways",
    "ec2_groups",
    "ec2_network",
    "ec2_placement",
    "efs",
    "eks_access",
    "eks_addons",
    "eks_cluster",
    "eks_nodes",
    "fsx",
    "rds",
    "refusals",
)
_REST = {"eks": "{0}/(?P<rest>.+)$", "efs": "/2015-02-01/(?P<rest>.+)$"}
"""Services whose operations are paths, with a path that serves those which moto does not know."""
_LOCK = threading.RLock()
"""AWS decides one request after the other; the server has a thread for each."""


class Refusal(ServiceException):
    """What AWS answers where it says no: its error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class Served(NamedTuple):
    """An operation that is ours, and why."""

    service: str
    operation: str
    reason: str
    lacking: bool
    """Whether moto has nothing of it; else ours stands around moto's."""


@dataclass(frozen=True)
class Call:
    """One request, read as AWS's model of the operation says."""

    service: str
    params: Bag
    account: str
    region: str
    moto: Callable[[], Bag]
    """Moto's own answer, as a client would read it."""

    @property
    def backend(self) -> Any:
        """Moto's memory of this service in this account and region."""
        return backend(self.service, self.account, self.region)

    def store(self, kind: str) -> MutableMapping[str, Any]:
        """What we keep of one kind; a reset of moto empties it."""
        kept: Bag = self.backend.__dict__.setdefault("kept_by_trellis", {})
        found: MutableMapping[str, Any] = kept.setdefault(kind, {})
        return found

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this service."""
        name = {"efs": "elasticfilesystem"}.get(self.service, self.service)
        return f"arn:aws:{name}:{self.region}:{self.account}:{resource}"


_served: dict[tuple[str, str], tuple[Handler, str]] = {}


def serves(service: str, *operations: str, reason: str) -> Callable[[Handler], Handler]:
    """Let a function answer operations of a service; `reason` says what moto lacks."""

    def take(handler: Handler) -> Handler:
        for operation in operations:
            _served[service, operation] = handler, reason
        return handler

    return take


def served() -> list[Served]:
    """All operations that are ours, with reasons."""
    _load()
    return sorted(
        Served(service, operation, reason, service_lacks(service, operation))
        for (service, operation), (_, reason) in _served.items()
    )


def service_lacks(service: str, operation: str) -> bool:
    """Whether moto itself has nothing for an operation."""
    found = getattr(_responses(service), xform_name(operation), None)
    return found is None or getattr(found, "alone", False)


def install() -> None:
    """Serve them in this process's moto. Call it before the first request; a second call changes nothing."""
    _load()
    for (service, operation), (handler, _) in _served.items():
        responses = _responses(service)
        name = xform_name(operation)
        if not hasattr(responses.__dict__.get(name), "ours"):
            setattr(responses, name, _method(service, operation, handler, getattr(responses, name, None)))
    for service, path in _REST.items():
        paths = importlib.import_module(f"moto.{service}.urls").url_paths
        paths.setdefault(path, _responses(service).dispatch)


def backend(service: str, account: str, region: str) -> Any:
    """Moto's memory of a service; global services have one for all regions."""
    name: Any = service  # moto types a name for each of its services
    found: Any = get_backend(name)[account]
    return found[region if region in found else "aws"]


def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"trellis.doubles.aws.gaps.{module}")


def _responses(service: str) -> type[BaseResponse]:
    module = importlib.import_module(f"moto.{service}.responses")
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, BaseResponse) and found.__module__ == module.__name__
    )


def _method(service: str, operation: str, handler: Handler, theirs: Any) -> Callable[[BaseResponse], ActionResult]:
    def answer(self: BaseResponse) -> ActionResult:
        params = _read(self, operation)
        call = Call(service, params, self.current_account, self.region, lambda: _theirs(self, operation, theirs))
        with _LOCK:
            return ActionResult(handler(call) or {})

    answer.ours, answer.alone = True, theirs is None  # type: ignore[attr-defined]  # seen by whoever looks again
    return answer


def _read(response: BaseResponse, operation: str) -> Bag:
    """What the client sent, under the names of the operation's model."""
    request = response.normalized_request
    response._get_action()  # takes what stands in the path
    model: ServiceModel = get_service_model(response.boto3_service_name)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)]
    sent: Any = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": request.data,
        "url_path": request.path,
        "url_params": response.uri_match,
    }
    found: Bag = plain(parser(model.operation_model(operation), map_type=dict).parse(sent))
    return found


def _theirs(response: BaseResponse, operation: str, method: Any) -> Bag:
    """Moto's answer, read back by the operation's model. Its refusals go through as they are."""
    if method is None:
        raise NotImplementedError(f"moto has no {operation}")
    model: ServiceModel = get_service_model(response.boto3_service_name)
    made = method(response)
    if isinstance(made, ActionResult):
        status, headers, body = response.serialized(made)
    elif isinstance(made, str):
        status, headers, body = 200, {}, made
    else:
        status, headers, body = response._transform_response({}, made)
    raw = body.encode() if isinstance(body, str) else body
    parser = create_parser(response.determine_response_protocol(model))
    shape = model.operation_model(operation).output_shape
    parsed: Bag = parser.parse({"body": raw, "headers": headers, "status_code": int(status)}, shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def plain(value: Any) -> Any:
    """Dictionaries and lists, whatever moto's parser made of them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
