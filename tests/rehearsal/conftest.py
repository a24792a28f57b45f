"""A real control plane for the tests here."""

from __future__ import annotations

from tests.sandbox.conftest import shared_sandbox, tools

__all__ = ["shared_sandbox", "tools"]
