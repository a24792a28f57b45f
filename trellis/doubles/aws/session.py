"""What one configured AWS provider works with: clients, region, account and default tags."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag
from trellis.doubles.wire import has_unknown, reveal

ATTEMPTS = 25
"""As often the AWS provider asks (`maxRetries`)."""
PATIENCE_SECONDS = 20.0
"""The provider waits 5 to 20 minutes; here everything else that is being deleted is gone in seconds."""


class Clients:
    """boto3 clients of one region, made once each. Credentials are a pretence: moto asks for some."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        self.region = region
        self._lock = threading.Lock()
        self._session = boto3.Session(aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal")  # noqa: S106 - none
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client, safe to be used by many threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(  # type: ignore[call-overload]  # any service
                    service,
                    region_name=self.region,
                    endpoint_url=self.url,
                    config=Config(
                        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                        max_pool_connections=64,
                        s3={"addressing_style": "path"},
                        proxies={},
                    ),
                )
            return self._clients[service]


@dataclass(frozen=True)
class AwsSession:
    """One connection's settings."""

    clients_of_region: Clients
    account: str
    default_tags: Mapping[str, str]
    clusters: Mapping[str, tuple[str, str]]
    patience: float = PATIENCE_SECONDS

    @property
    def region(self) -> str:
        """Region of the provider."""
        return self.clients_of_region.region

    def client(self, service: str, /) -> Any:
        """A boto3 client."""
        return self.clients_of_region.client(service)


def settings(inputs: Bag) -> Bag:
    """Inputs of a Provider resource; what is no text travels as JSON."""
    return {key: _decoded(value) for key, value in reveal(inputs).items()}


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value


def checked_account(inputs: Bag, account: str) -> None:
    """Refuse an account that the provider may not work in. Raises `Refused`."""
    allowed = inputs.get("allowedAccountIds") or []
    if has_unknown(allowed):
        return
    if allowed and account not in allowed:
        raise Refused(
            f"the provider may work in account {', '.join(map(str, allowed))} only (allowedAccountIds), but AWS says "
            f"that this is account {account}. Start the rehearsal's AWS with one of the allowed accounts"
        )
    if account in (inputs.get("forbiddenAccountIds") or []):
        raise Refused(f"the provider must not work in account {account} (forbiddenAccountIds)")
