"""What a double may raise, and how the engine is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from trellis.doubles import wire

_DETAILS = "grpc-status-details-bin"
"""Where gRPC carries a `google.rpc.Status`."""


class Refused(Exception):  # noqa: N818 - not a fault of ours: what the cloud or the cluster answered
    """The cloud or the cluster said no; the engine shows the message as it stands."""


class NotReady(Exception):  # noqa: N818 - the object exists; it is its start that failed
    """An object was made (or changed) but did not become ready; the engine keeps it in the state as failed.

    `inputs` are those that it was made with.
    """

    def __init__(self, id_: str, outputs: Mapping[str, Any], reasons: list[str], inputs: Mapping[str, Any]) -> None:
        super().__init__("; ".join(reasons))
        self.id = id_
        self.outputs = outputs
        self.reasons = reasons
        self.inputs = inputs


class _Status(NamedTuple):
    """What `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


@contextmanager
def told_to(context: grpc.ServicerContext) -> Iterator[None]:
    """Tell the engine what is raised within, in the protocol's terms."""
    try:
        yield
    except NotReady as error:
        context.abort_with_status(_not_ready(error))
    except Refused as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _not_ready(error: NotReady) -> grpc.Status:
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.id,
            properties=wire.write(wire.veil(error.outputs, error.inputs)),
            inputs=wire.write(error.inputs),
            reasons=error.reasons,
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    told: Any = _Status(code, str(error), ((_DETAILS, status.SerializeToString()),))
    return told  # type: ignore[no-any-return]  # gRPC wants the shape; its own class cannot be made
