"""What every provider that the engine attaches to answers alike, whatever it does with resources."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

Context = grpc.ServicerContext


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """The part of the protocol that is about the plugin. What it does not define answers UNIMPLEMENTED."""

    def Handshake(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def Attach(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return plugin_pb2.PluginInfo(version="9999.0.0")  # newer than any SDK asks for, else the engine warns

    def GetSchema(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return provider_pb2.CheckResponse(inputs=request.news)

    def Cancel(self, _request: Any, _context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Context) -> Any:  # noqa: N802 - the gRPC method's name
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the program may ask nothing, but invokes {request.tok}")
