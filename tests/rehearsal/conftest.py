"""A real control plane for the tests here, apart from that of other folders: some assert that it is empty."""

from __future__ import annotations

from tests.sandbox.conftest import shared_sandbox

__all__ = ["shared_sandbox"]
