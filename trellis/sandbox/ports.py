"""Loopback ports that stay ours from the moment they are chosen until a server has them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from trellis.sandbox.control_plane import HOST


class PortTakenError(OSError):
    """Somebody listens on a port already."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} on {HOST} is taken; name another, or none: then a free one is chosen")


@contextmanager
def reserved(*wanted: int | None) -> Iterator[tuple[int, ...]]:
    """Hold ports, free ones where none is named. Raises `PortTakenError`.

    The sockets are bound and never listen, with the option that lets a server of the same user bind beside them: nobody
    else is given the port meanwhile, and no connection is lost to a socket of ours.
    """
    with ExitStack() as held:
        yield tuple(held.enter_context(_bound(port)) for port in wanted)


@contextmanager
def _bound(port: int | None) -> Iterator[int]:
    if port is not None:
        _refuse_taken(port)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((HOST, port or 0))
        yield int(holder.getsockname()[1])


def _refuse_taken(port: int) -> None:
    """A server that shares its port would let us bind beside it, so ask once without sharing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a server that is gone do not count
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTakenError(port) from error
