"""A stand-in for AWS, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trellis.doubles.aws.server import AwsServer
from trellis.doubles.aws.session import AwsSession, Clients

ACCOUNT = "444455556666"
REGION = "us-east-1"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """One server for all tests of a process: it takes seconds to start."""
    with AwsServer.start(tmp_path_factory.mktemp("aws") / "server", ACCOUNT) as server:
        yield server


@pytest.fixture(scope="session")
def clients(running: AwsServer) -> Clients:
    """Clients, made once."""
    return running.clients(REGION)


@pytest.fixture
def server(running: AwsServer) -> Iterator[AwsServer]:
    """The server with an empty account and without faults."""
    running.reset()
    running.inject([])
    yield running
    running.inject([])


@pytest.fixture
def aws(server: AwsServer, clients: Clients) -> AwsSession:
    """What a provider with one default tag works with; it waits for nothing."""
    return AwsSession(clients, server.account, {"team": "ml"}, {}, patience=0)
