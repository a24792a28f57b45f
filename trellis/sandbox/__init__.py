"""A real Kubernetes control plane on this machine, over simulated nodes."""

from trellis.sandbox.registry import SandboxError, Status, down, status, statuses
from trellis.sandbox.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxError", "Status", "down", "status", "statuses"]
