"""The provider protocol, once for all doubles: connections, marks, diffs, errors. What a double is, is its kinds.

One port serves all Provider resources of a package and requests carry no provider reference; only the gRPC peer tells
two of them apart, so what a provider is configured with is kept per connection.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from trellis.doubles import wire
from trellis.doubles.differences import Difference, by_the_table, differences
from trellis.doubles.errors import Refused, told_to
from trellis.doubles.plugin import Context, Plugin

Bag = dict[str, Any]
S = TypeVar("S")
"""What a double keeps for one configured connection."""
Moment = Literal["before", "after"]
Hook = Callable[[Moment, str, str], None]
"""Called with moment, method (`Create`, `Update`, `Delete`) and URN; it may wait, raise `Refused` or kill."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request about one resource."""

    urn: str
    id: str = ""
    """Empty where the resource does not exist yet."""
    inputs: Bag = field(default_factory=dict)
    """The inputs that are wanted (for read and delete: the last known ones), with marks; see `wire.reveal`."""
    old_inputs: Bag = field(default_factory=dict)
    outputs: Bag = field(default_factory=dict)
    """Last known outputs."""
    preview: bool = False
    timeout: float = 0
    """Seconds that the program allows (`customTimeouts`); 0 where it says nothing."""

    @property
    def type(self) -> str:
        """Resource type, such as `aws:ec2/vpc:Vpc`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """Name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Found:
    """A resource as it is: id, outputs, and the inputs that would make it so."""

    id: str
    outputs: Bag
    inputs: Bag | None = None
    """None: the last known inputs still hold."""


class Double(Plugin, ABC, Generic[S]):
    """A provider; a subclass says what its resources do. All methods may run at the same time in many threads."""

    def __init__(self, hook: Hook | None = None) -> None:
        self.hook: Hook = hook or (lambda _moment, _method, _urn: None)
        self.cancelled = threading.Event()
        """Set when the engine asks everything that waits to stop; another one takes its place in the next operation."""
        self._sessions: dict[str, S] = {}

    @abstractmethod
    def configure(self, inputs: Bag) -> S:
        """Take a Provider resource's inputs (they may hold unknowns in a preview). Raises `Refused`."""

    @abstractmethod
    def check(self, session: S | None, ask: Ask, /) -> tuple[Bag, Mapping[str, str]]:
        """Inputs with defaults filled in, and what is wrong with them: property -> reason."""

    @abstractmethod
    def create(self, session: S, ask: Ask, /) -> Found:
        """Make a resource. Raises `Refused` or `NotReady`. Not called in a preview."""

    @abstractmethod
    def read(self, session: S, ask: Ask, /) -> Found | None:
        """A resource as it is; None when it is gone. `ask.inputs` is empty when it is to be imported."""

    @abstractmethod
    def update(self, session: S, ask: Ask, /) -> Bag:
        """Change a resource in place; return its outputs. Not called in a preview."""

    @abstractmethod
    def delete(self, session: S, ask: Ask, /) -> None:
        """Delete a resource and wait until it is gone; one that is gone already is fine."""

    def planned(self, session: S | None, ask: Ask) -> Bag:
        """Outputs of a create or update in a preview: the inputs; all else is unknown by the protocol's rule.

        Raises `Refused` where it is certain already that the real thing would be. No session: not configured yet.
        """
        del session
        return ask.inputs

    def replaces(self, type_: str, path: str, /) -> bool | None:
        """Whether a change replaces; None leaves it to the catalogue's table."""
        del type_, path
        return None

    def compare(self, session: S | None, ask: Ask) -> list[Difference]:
        """What changed between the old inputs and the wanted ones."""
        del session
        return differences(ask.type, ask.old_inputs, ask.inputs, self._classify)

    def delete_first(self, ask: Ask, changed: list[Difference]) -> bool:
        """Whether a replacement must delete the old one first."""
        del ask, changed
        return False

    def replace_key(self, path: str) -> str:
        """What the engine calls a property whose change replaces; here the top one that the path lies in."""
        return _top(path)

    def _classify(self, type_: str, path: str) -> bool:
        own = self.replaces(type_, path)
        return by_the_table(type_, path) if own is None else own

    # The protocol.

    def DiffConfig(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        # A provider resource is never replaced for its settings: what it manages stays where it is.
        return _diff_response(differences("", wire.read(request.old_inputs), wire.read(request.news), lambda *_: False))

    def Configure(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        if self.cancelled.is_set():  # the engine cancels at the end of every operation, and a double outlives many
            self.cancelled = threading.Event()
        with told_to(context):
            self._sessions[context.peer()] = self.configure(wire.read(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        ask = Ask(urn=request.urn, inputs=wire.read(request.news), old_inputs=wire.read(request.olds))
        with told_to(context):
            inputs, wrong = self.check(self._sessions.get(context.peer()), ask)
        failures = [provider_pb2.CheckFailure(property=key, reason=why) for key, why in sorted(wrong.items())]
        return provider_pb2.CheckResponse(inputs=wire.write(inputs), failures=failures)

    def Diff(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        ask = Ask(
            urn=request.urn,
            id=request.id,
            inputs=wire.read(request.news),
            old_inputs=wire.read(request.old_inputs),
            outputs=wire.read(request.olds),
        )
        with told_to(context):
            changed = self.compare(self._sessions.get(context.peer()), ask)
        return _diff_response(changed, delete_first=self.delete_first(ask, changed), key=self.replace_key)

    def Create(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        inputs = wire.read(request.properties)
        ask = Ask(urn=request.urn, inputs=inputs, preview=request.preview, timeout=request.timeout)
        if request.preview:  # an empty id is what the protocol calls unknown
            return provider_pb2.CreateResponse(id="", properties=self._planned(context, ask))
        with told_to(context):
            self.hook("before", "Create", request.urn)
            made = self.create(self._session(context), ask)
            self.hook("after", "Create", request.urn)
        return provider_pb2.CreateResponse(id=made.id, properties=wire.write(wire.veil(made.outputs, inputs)))

    def Read(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        inputs = wire.read(request.inputs)
        ask = Ask(urn=request.urn, id=request.id, inputs=inputs, outputs=wire.read(request.properties))
        with told_to(context):
            found = self.read(self._session(context), ask)
        if found is None:
            return provider_pb2.ReadResponse(id="")
        now = inputs if found.inputs is None else wire.veil(found.inputs, inputs)
        outputs = wire.veil(found.outputs, inputs)
        return provider_pb2.ReadResponse(id=found.id, properties=wire.write(outputs), inputs=wire.write(now))

    def Update(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        inputs = wire.read(request.news)
        ask = Ask(
            urn=request.urn,
            id=request.id,
            inputs=inputs,
            old_inputs=wire.read(request.old_inputs),
            outputs=wire.read(request.olds),
            preview=request.preview,
            timeout=request.timeout,
        )
        if request.preview:
            return provider_pb2.UpdateResponse(properties=self._planned(context, ask))
        with told_to(context):
            self.hook("before", "Update", request.urn)
            outputs = self.update(self._session(context), ask)
            self.hook("after", "Update", request.urn)
        return provider_pb2.UpdateResponse(properties=wire.write(wire.veil(outputs, inputs)))

    def Delete(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        ask = Ask(
            urn=request.urn,
            id=request.id,
            inputs=wire.read(request.old_inputs),
            outputs=wire.read(request.properties),
            timeout=request.timeout,
        )
        with told_to(context):
            self.hook("before", "Delete", request.urn)
            self.delete(self._session(context), ask)
            self.hook("after", "Delete", request.urn)
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self.cancelled.set()
        return super().Cancel(_request, _context)

    def _planned(self, context: Context, ask: Ask) -> Any:
        with told_to(context):
            return wire.write(self.planned(self._sessions.get(context.peer()), ask))

    def _session(self, context: Context) -> S:
        found = self._sessions.get(context.peer())
        if found is None:
            raise Refused("this connection was never configured")
        return found


_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def _diff_response(
    changed: list[Difference], *, delete_first: bool = False, key: Callable[[str], str] | None = None
) -> Any:
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if changed else none,
        diffs=sorted({_top(one.path) for one in changed}),
        replaces=sorted({(key or _top)(one.path) for one in changed if one.replaces}),
        deleteBeforeReplace=delete_first,
        hasDetailedDiff=True,
        detailedDiff={
            one.path: provider_pb2.PropertyDiff(kind=_KINDS[one.how, one.replaces], inputDiff=True) for one in changed
        },
    )


def _top(path: str) -> str:
    """The property of the resource that a path lies in."""
    return re.split(r"[.\[]", path, maxsplit=1)[0] or path
