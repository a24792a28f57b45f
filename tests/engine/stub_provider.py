"""A provider for any resource type: it believes what it is told and owns nothing.

The real engine attaches to it (`PULUMI_DEBUG_PROVIDERS`) in the place of the AWS and Kubernetes plugins. It follows the
provider protocol, so the engine does all its own work - URNs, parents, dependencies, diffs, state - but it knows no
schema: it refuses no input, never replaces, and computes only the outputs (`COMPUTED`) without which the program stops.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2

from trellis.doubles.plugin import Context, Plugin
from trellis.doubles.serve import served

COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://stub.invalid",
        "certificateAuthority": {"data": "c3R1Yg=="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-stub", "subnetIds": []},
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "aws:sqs/queue:Queue": {"url": "https://stub.invalid/queue"},
    "aws:rds/instance:Instance": {
        "address": "stub.invalid",
        "masterUserSecrets": [{"kmsKeyId": "stub", "secretArn": "arn:stub", "secretStatus": "active"}],
    },
}
"""Type -> outputs that the program looks into once a resource is made. Each AWS resource has an ARN too; all other
outputs are what was put in, or nothing, and then unknown in the next preview."""


@dataclass
class Seen:
    """What the engine asked, in the order of arrival."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    """Method and URN."""
    refuse: set[str] = field(default_factory=set)
    """Names of resources that cannot be created."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """While it is not set, every creation waits."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Nothing waits unless a test says so."""
        self.go_on.set()

    def add(self, method: str, urn: str) -> None:
        """Note one request; the engine sends many at once."""
        with self._lock:
            self.calls.append((method, urn))

    def urns(self, method: str) -> list[str]:
        """The URNs that a method was called with, sorted."""
        return sorted(urn for name, urn in self.calls if name == method)


class StubProvider(Plugin):
    """One attached provider. What it does not define answers UNIMPLEMENTED, and the engine knows how to take that."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._ids = itertools.count(1)

    def DiffConfig(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return _diff(request.old_inputs, request.news)

    def Configure(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Configure", request.urn)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Check", request.urn)
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return _diff(request.old_inputs, request.news)

    def Create(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Create (preview)" if request.preview else "Create", request.urn)
        # An empty id in a preview is what the protocol calls unknown.
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=request.properties)
        self._seen.go_on.wait()
        name = request.urn.rpartition("::")[2]
        if name in self._seen.refuse:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the cloud does not want {name}")
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.properties)
        if request.urn.split("::")[2].rpartition("$")[2].startswith("aws:"):
            outputs.update({"arn": f"arn:stub:{name}"})
        outputs.update(COMPUTED.get(request.urn.split("::")[2].rpartition("$")[2], {}))
        return provider_pb2.CreateResponse(id=f"stub-{next(self._ids)}", properties=outputs)

    def Read(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Update (preview)" if request.preview else "Update", request.urn)
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Delete", request.urn)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        self._seen.add("Invoke", request.tok)
        return super().Invoke(request, context)


def _diff(old: struct_pb2.Struct, new: struct_pb2.Struct) -> Any:
    changed = sorted(
        key
        for key in {*old.fields, *new.fields}
        if key not in old.fields or key not in new.fields or old.fields[key] != new.fields[key]
    )
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed)


@contextmanager
def serve(*packages: str, seen: Seen | None = None) -> Iterator[tuple[Mapping[str, int], Seen]]:
    """Serve one stub for each package on a free loopback port; yield the ports by package and what is asked of them."""
    seen = seen or Seen()
    with ExitStack() as stack:
        ports = {package: stack.enter_context(served(StubProvider(seen))) for package in packages}
        yield ports, seen
