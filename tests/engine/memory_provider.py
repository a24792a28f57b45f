"""A provider that remembers what it made, as a cloud does: told twice, it makes the same thing twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from components.catalogue.identities import TAG
from tests.engine.stub_provider import Seen, StubProvider
from trellis.doubles.plugin import Context
from trellis.doubles.serve import served

GENERATED = "groupName"
"""Input for which the provider makes up a name where the program gives none, as bridged providers do."""
UNTOLD = "bootstrapSelfManagedAddons"
"""Input that a reading does not give back, as with EKS."""
_DEFAULTS = "__defaults"


@dataclass
class Memory:
    """What exists: properties by id."""

    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    mute: Callable[[str], object] | None = None
    """Called with the id of what was made instead of an answer, so that only this memory knows of it."""

    def make(self, properties: Mapping[str, Any]) -> str:
        """Make a thing; return its id."""
        id_ = f"thing-{next(self.ids)}"
        self.things[id_] = dict(properties)
        return id_

    def tagged(self, value: str) -> list[str]:
        """Ids of what carries the tag with this value."""
        return sorted(id_ for id_, one in self.things.items() if one.get("tags", {}).get(TAG) == value)


class MemoryProvider(StubProvider):
    """The stub, with a memory."""

    def __init__(self, seen: Seen, memory: Memory) -> None:
        super().__init__(seen)
        self._memory = memory

    def Check(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Check", request.urn)
        olds, news = (json_format.MessageToDict(one) for one in (request.olds, request.news))
        chosen = []
        if GENERATED not in news and request.urn.endswith("::named"):
            known = olds.get(GENERATED) if GENERATED in olds.get(_DEFAULTS, []) else None
            news[GENERATED] = known or f"named-{next(self._memory.ids)}"
            chosen = [GENERATED]
        return provider_pb2.CheckResponse(inputs=_struct({**news, _DEFAULTS: chosen}))

    def Diff(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        """As a bridged provider: what the state has against what is wanted; two properties only fit a new thing."""
        olds, news = (json_format.MessageToDict(one) for one in (request.olds, request.news))
        changed = sorted(key for key, value in news.items() if key != _DEFAULTS and olds.get(key) != value)
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if changed else none,
            diffs=changed,
            replaces=[key for key in changed if key in (GENERATED, UNTOLD)],
        )

    def Create(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        if request.preview:
            return super().Create(request, context)
        self._seen.add("Create", request.urn)
        inputs = json_format.MessageToDict(request.properties)
        inputs.pop(_DEFAULTS, None)
        id_ = self._memory.make(inputs)
        if self._memory.mute:
            self._memory.mute(id_)
            context.abort(grpc.StatusCode.UNAVAILABLE, "nobody hears this")
        return provider_pb2.CreateResponse(id=id_, properties=_struct(inputs))

    def Read(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Read", request.urn)
        found = self._memory.things.get(request.id)
        if found is None:
            return provider_pb2.ReadResponse(id="")
        told = {key: value for key, value in found.items() if key != UNTOLD}
        return provider_pb2.ReadResponse(
            id=request.id, properties=_struct({**told, "id": request.id}), inputs=_struct({**told, _DEFAULTS: []})
        )

    def Update(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        if not request.preview:
            self._memory.things[request.id] = json_format.MessageToDict(request.news)
        return super().Update(request, context)

    def Delete(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._memory.things.pop(request.id, None)
        return super().Delete(request, context)


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(dict(values))
    return made


@contextmanager
def remembering() -> Iterator[tuple[Mapping[str, int], Seen, Memory]]:
    """Serve it as the AWS provider; yield the port by package, what is asked of it, and what it made."""
    seen, memory = Seen(), Memory()
    with served(MemoryProvider(seen, memory)) as port:
        yield {"aws": port}, seen, memory
