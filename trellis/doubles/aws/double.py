"""The AWS provider of a rehearsal: boto3 against a moto server, with the official provider's ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import moto
from botocore.exceptions import BotoCoreError

from trellis.doubles.aws import gaps
from trellis.doubles.aws.diffing import differences_of, named
from trellis.doubles.aws.kinds import kinds, simulated
from trellis.doubles.aws.session import PATIENCE_SECONDS, AwsSession, Clients, checked_account, settings
from trellis.doubles.aws.shape import Shape
from trellis.doubles.differences import Difference
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Ask, Bag, Double, Found, Hook
from trellis.doubles.wire import has_unknown


class AwsDouble(Double[AwsSession]):
    """All resource types of `kinds`; AWS itself is behind a URL and outlives this process."""

    def __init__(
        self,
        url: str,
        account: str,
        *,
        clusters: Mapping[str, tuple[str, str]] | None = None,
        hook: Hook | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`clusters` gives endpoint and certificate authority (base64) of what stands for an EKS cluster, by its name.

        `patience` is how many seconds a deletion waits for what still uses the resource.
        """
        super().__init__(hook)
        self._url = url
        self._account = account
        self._clusters = dict(clusters or {})
        self._patience = patience
        self._lock = threading.Lock()
        self._clients: dict[str, Clients] = {}

    def configure(self, inputs: Bag) -> AwsSession:
        given = settings(inputs)
        region = given.get("region")
        if not region or has_unknown(region):
            raise Refused("the AWS provider has no region; give it one in the stack file (network.region)")
        checked_account(given, self._account)
        with self._lock:
            clients = self._clients.setdefault(region, Clients(self._url, region))
        tags = (given.get("defaultTags") or {}).get("tags") or {}
        default_tags = {key: str(value) for key, value in tags.items()}
        return AwsSession(clients, self._account, default_tags, self._clusters, self._patience)

    def check(self, session: AwsSession | None, ask: Ask) -> tuple[Bag, Mapping[str, str]]:
        del session
        self._kind(ask)
        return ask.inputs, {}

    def create(self, session: AwsSession, ask: Ask) -> Found:
        with _told(ask):
            return self._kind(ask).create(session, ask)

    def read(self, session: AwsSession, ask: Ask) -> Found | None:
        with _told(ask):
            return self._kind(ask).read(session, ask)

    def update(self, session: AwsSession, ask: Ask) -> Bag:
        with _told(ask):
            return self._kind(ask).update(session, ask)

    def delete(self, session: AwsSession, ask: Ask) -> None:
        with _told(ask):
            self._kind(ask).delete(session, ask)

    def compare(self, session: AwsSession | None, ask: Ask) -> list[Difference]:
        return differences_of(ask, self._kind(ask), session.default_tags if session else {}, self._classify)

    def delete_first(self, ask: Ask, changed: list[Difference]) -> bool:
        return any(one.replaces for one in changed) and named(ask)

    def _kind(self, ask: Ask) -> Shape:
        found = kinds().get(ask.type)
        if found is None:
            raise Refused(
                f"the AWS of a rehearsal has no type {ask.type}, so {ask.name} cannot be rehearsed. It has "
                f"{len(kinds())} types; to mend it, add this one to a module trellis/doubles/aws/kinds_*.py"
            )
        return found


@contextmanager
def _told(ask: Ask) -> Iterator[None]:
    """Tell what boto3 itself refuses, or that AWS is not there."""
    try:
        yield
    except BotoCoreError as error:
        raise Refused(f"{ask.type} {ask.name}: {error}") from error


@dataclass(frozen=True, kw_only=True, order=True)
class Nearness:
    """How near to AWS one part is; fields as a rehearsal's `Fidelity` has them."""

    subject: str
    level: str
    detail: str


@cache
def fidelity() -> tuple[Nearness, ...]:
    """How near to AWS each part is: moto, types that moto lacks, and operations that are ours around moto's."""
    found = [Nearness(subject="AWS", level="stand-in", detail=f"moto {moto.__version__} for {len(kinds())} types")]
    found += [Nearness(subject=type_, level="simulated", detail=reason) for type_, reason in simulated().items()]
    ours: dict[str, list[str]] = {}
    for one in gaps.served():
        ours.setdefault(one.service, []).append(f"{one.operation} ({one.reason})")
    found += [
        Nearness(subject=f"AWS {service}", level="stand-in", detail="operations of ours: " + "; ".join(rows))
        for service, rows in ours.items()
    ]
    return tuple(sorted(found))
