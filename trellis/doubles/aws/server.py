"""Starts and ends the moto server that stands for AWS in a rehearsal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from trellis.doubles.aws.faults import Fault, rows
from trellis.doubles.aws.inventory import Inventory, inventory
from trellis.doubles.aws.session import Clients
from trellis.paths import ROOT
from trellis.sandbox.supervised import Child, child

READY_SECONDS = 60
"""Starting takes two seconds on an idle machine."""
_POLL_SECONDS = 0.05
_CONTROL = "/trellis/faults"


class AwsServerError(Exception):
    """The stand-in for AWS could not be started or does not answer."""


@dataclass(frozen=True)
class AwsServer:
    """A running server. It belongs to the process that started it and ends with it, however that one ends.

    What exists in it outlives every process that merely uses it: hand those `url` and `account`.
    """

    url: str
    account: str

    @classmethod
    @contextlib.contextmanager
    def start(cls, folder: Path, account: str = "123456789012") -> Iterator[AwsServer]:
        """Start a server with an empty account; `folder` must not exist. Raises `AwsServerError`."""
        told = folder / "port"
        argv = [sys.executable, "-m", "trellis.doubles.aws.moto_process", str(told)]
        env = {
            "PYTHONPATH": str(ROOT),
            "MOTO_ACCOUNT_ID": account,
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # 600 images that nobody asks for
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",  # roles attach them
        }
        with child(folder, "moto", argv, env) as process:
            server = cls(f"http://127.0.0.1:{_port(process, told)}", account)
            server.given()
            yield server

    def clients(self, region: str) -> Clients:
        """Clients of this server, for whoever looks at it from outside."""
        return Clients(self.url, region)

    def reset(self) -> None:
        """Empty the account."""
        self._request("POST", "/moto-api/reset")

    def inject(self, faults: Iterable[Fault]) -> None:
        """Give these errors from now on, in the place of all that were asked for before; none ends it."""
        self._request("PUT", _CONTROL, rows(faults))

    def given(self) -> Mapping[str, int]:
        """How many errors were given since they were asked for, by `service:Operation code`."""
        found: Mapping[str, int] = self._request("GET", _CONTROL).json()
        return found

    def inventory(self, regions: Sequence[str]) -> Inventory:
        """Ids of all that exists, by resource type, without what every AWS account has."""
        return inventory(self.clients(regions[0]), self.account) if len(regions) == 1 else _merged(self, regions)

    def _request(self, method: str, path: str, body: object = None) -> requests.Response:
        try:
            answer = requests.request(method, self.url + path, json=body, timeout=60)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise AwsServerError(f"the stand-in for AWS at {self.url} does not answer: {error}") from error
        return answer


def _merged(server: AwsServer, regions: Sequence[str]) -> Inventory:
    found: dict[str, set[str]] = {}
    for region in regions:
        for type_, ids in inventory(server.clients(region), server.account).items():
            found.setdefault(type_, set()).update(ids)
    return {type_: tuple(sorted(ids)) for type_, ids in sorted(found.items())}


def _port(process: Child, told: Path) -> int:
    until = time.monotonic() + READY_SECONDS
    while not told.exists():
        failure = process.failure()
        if failure is not None:
            raise AwsServerError(f"the stand-in for AWS ended while it started: {failure}")
        if time.monotonic() > until:
            raise AwsServerError(f"the stand-in for AWS was not ready within {READY_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    return int(told.read_text())
