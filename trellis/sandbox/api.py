"""The API server of a sandbox, by the one client that Trellis has."""

from __future__ import annotations

from trellis.kube.client import Access, Api, ApiError, Manifest, UnknownKindError, wait_for

__all__ = ["Access", "Api", "ApiError", "Manifest", "UnknownKindError", "wait_for"]
