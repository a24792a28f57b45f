"""What all kinds of EC2 share: tags given at creation, and patience with what is still being deleted."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from trellis.doubles.aws.model import camel
from trellis.doubles.aws.shape import Aws, Shape, code, mapping, pairs
from trellis.doubles.provider import Bag

_PAUSE_SECONDS = 0.2


class Ec2(Shape, ABC):
    """A type of EC2. `show` puts its id under `id`."""

    kind: str
    """What EC2 calls it where it tags it."""
    busy: tuple[str, ...] = ("DependencyViolation",)
    """Error codes that mean that somebody still uses it."""

    def tagged(self, tags: dict[str, str]) -> list[Any]:
        """Tags as a call that creates takes them."""
        return [{"ResourceType": self.kind, "Tags": pairs(tags)}] if tags else []

    def tag(self, aws: Aws, shown: Bag, add: dict[str, str], remove: list[str]) -> None:
        """Put and remove tags."""
        if remove:
            aws.client("ec2").delete_tags(Resources=[shown["id"]], Tags=[{"Key": key} for key in remove])
        if add:
            aws.client("ec2").create_tags(Resources=[shown["id"]], Tags=pairs(add))

    def retried(self, aws: Aws, call: Callable[[], Any]) -> None:
        """Call until nobody uses it any more, as the provider does: what uses it may be on its way out."""
        until = time.monotonic() + aws.patience
        while True:
            try:
                call()
            except ClientError as error:
                if code(error) not in self.busy or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return


def outputs(aws: Aws, kind: str, id_: str, found: Bag, members: set[str]) -> Bag:
    """Id, ARN, tags and those members of an answer which the provider only writes otherwise."""
    return {
        "id": id_,
        "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:{kind}/{id_}",
        "tagsAll": mapping(found.get("Tags")),
        **{camel(key): found[key] for key in sorted(members) if found.get(key) is not None},
    }
