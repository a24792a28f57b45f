"""Serves doubles on loopback for the engine to attach to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from trellis.doubles.plugin import Plugin
from trellis.doubles.provider import Double

_WORKERS = 64
"""One request of the engine waits while its object becomes ready, so there are more than cores by far."""
_LARGEST_MESSAGE = 400 << 20
"""As the engine itself allows, in bytes."""


@contextmanager
def serve(doubles: Mapping[str, Double[Any]]) -> Iterator[dict[str, int]]:
    """Serve doubles by package; yield their ports by package. Both are gone at the end."""
    with ExitStack() as stack:
        yield {package: stack.enter_context(_until_left(double)) for package, double in sorted(doubles.items())}


@contextmanager
def _until_left(double: Double[Any]) -> Iterator[int]:
    with served(double) as port:
        try:
            yield port
        finally:
            double.cancelled.set()  # whatever still waits has nobody to tell


@contextmanager
def served(provider: Plugin) -> Iterator[int]:
    """Serve one provider; yield its port."""
    sizes = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        server = grpc.server(pool, options=sizes)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        port: int = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(0).wait()
