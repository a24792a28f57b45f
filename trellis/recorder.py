"""Runs the program in process, without an engine, and records what it registers.

The recorder behaves as a preview: ids and computed outputs are unknown. It answers no invoke; a program that
makes one is refused, because such a program could not be previewed without credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import Stack

from trellis.plan import SECRET, UNKNOWN, Plan, Resource

ROOT_TYPE = "pulumi:pulumi:Stack"


class InvokeInProgramError(RuntimeError):
    """The program asked a provider a question while it was being recorded."""


class _NoMocks(mocks.Mocks):
    """Required by the SDK's constructor; the recording monitor never consults it."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise InvokeInProgramError(_invoke_message(args.token))

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise AssertionError(f"the recorder registers {args.typ} itself")


def _invoke_message(token: str) -> str:
    return (
        f"the program invokes '{token}'. A preview must need no credentials and no cluster, so the program may not ask "
        "a provider anything: take the value from the stack file or the catalogue instead."
    )


class RecordingMonitor(mocks.MockMonitor):
    """Stands in for the engine's resource monitor and keeps every registration."""

    def __init__(self, project: str, stack: str) -> None:
        super().__init__(_NoMocks())
        self.recorded: dict[str, Resource] = {}
        self.problems: list[str] = []
        self._prefix = f"urn:pulumi:{stack}::{project}::"

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's rule: the qualified type is the chain of parent types, without the stack's."""
        parent_type = parent.split("::")[2] if parent else ROOT_TYPE
        qualified = type_ if parent_type == ROOT_TYPE else f"{parent_type}${type_}"
        return f"{self._prefix}{qualified}::{name}"

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        self.problems.append(_invoke_message(request.tok))
        raise InvokeInProgramError(self.problems[-1])

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        self.problems.append(_invoke_message(f"{request.type} (read of {request.name})"))
        raise InvokeInProgramError(self.problems[-1])

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == ROOT_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if urn in self.recorded:
            self.problems.append(f"two resources are called {request.name!r} ({request.type}): {urn}")
        self.recorded[urn] = _resource(urn, request, self.recorded.get(request.parent))
        # Inputs echo as outputs, as a provider does in a preview; whatever else is read stays unknown.
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        return empty_pb2.Empty()


def _resource(urn: str, request: Any, parent: Resource | None) -> Resource:
    """Read a registration. As in the engine, a child that does not say otherwise is retained with its parent."""
    provider = request.provider.rpartition("::")[0] if request.provider else None
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=bool(request.custom),
        parent=request.parent or None,
        dependencies=tuple(sorted(set(request.dependencies))),
        provider=provider,
        protect=bool(request.protect),
        retain_on_delete=(
            bool(request.retainOnDelete)
            if request.HasField("retainOnDelete")
            else parent is not None and parent.retain_on_delete
        ),
        deleted_with=request.deletedWith or (parent.deleted_with if parent else None),
        aliases=tuple(sorted(_alias(a) for a in request.aliases)),
        ignore_changes=tuple(sorted(request.ignoreChanges)),
        inputs=_struct(request.object),
    )


def _alias(alias: Any) -> str:
    return str(alias.urn or f"{alias.spec.type}::{alias.spec.name}")


def _struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    return {key: _plain(struct.fields[key]) for key in sorted(struct.fields)}


def _plain(value: struct_pb2.Value) -> Any:
    """Turn a wire value into plain data: secrets masked, unknowns marked, whole numbers as integers."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return dict(UNKNOWN) if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    return None


def _plain_struct(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields[rpc._special_sig_key].string_value if rpc._special_sig_key in struct.fields else ""
    if signature == rpc._special_secret_sig:
        return dict(SECRET)
    if signature == rpc._special_resource_sig:
        return struct.fields["urn"].string_value
    return _struct(struct)


async def _outputs(stack: Stack) -> dict[str, Any]:
    wire = await rpc.serialize_properties(stack.outputs, {})
    return _struct(wire)


async def _settle() -> None:
    """Wait until nothing is outstanding any more.

    The SDK's own loop waits for one task at a time and looks at all others each time, which takes a minute for a
    thousand models. Here whole batches are awaited; what they start is the next batch.
    """
    manager = settings.SETTINGS.rpc_manager
    while manager.rpcs or settings.SETTINGS.outputs:
        batch = [*manager.rpcs, *settings.SETTINGS.outputs]
        manager.rpcs.clear()
        settings.SETTINGS.outputs.clear()
        await asyncio.gather(*batch)
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)


def record(program: Callable[[], None], *, project: str, stack: str, config: Mapping[str, str], as_of: str) -> Plan:
    """Run a program and return its plan.

    `config` holds the stack's configuration as the engine would hand it over: full keys, objects as JSON text.
    Raises `InvokeInProgramError` on an invoke and `RuntimeError` on two resources of one name.
    """
    monitor = RecordingMonitor(project, stack)

    async def main() -> dict[str, Any]:
        # A refused call fails many futures at once; one of them is raised, the others would only be noise later.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        settings.set_root_resource(None)  # type: ignore[arg-type]  # None is how the SDK says "no stack yet"
        mocks.set_mocks(_NoMocks(), project=project, stack=stack, preview=True, monitor=monitor)
        pulumi.runtime.set_all_config(dict(config))
        settings.SETTINGS.outputs.clear()  # a program that failed before leaves tasks of its ended loop here
        program()
        await _settle()
        root = settings.get_root_resource()
        return await _outputs(root) if isinstance(root, Stack) else {}

    with asyncio.Runner() as runner:  # also ends whatever a failed program left running
        outputs = runner.run(main())
    if monitor.problems:
        raise InvokeInProgramError("\n".join(sorted(set(monitor.problems))))
    resources = tuple(monitor.recorded[urn] for urn in sorted(monitor.recorded))
    return Plan(project=project, stack=stack, environment=stack, as_of=as_of, resources=resources, outputs=outputs)
