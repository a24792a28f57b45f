"""What other rooms call of the engine: open a stack, run an operation on it, read what came of it."""

from __future__ import annotations

from trellis.engine.errors import EngineError, StackLockedError, StackMissingError
from trellis.engine.live import Options, destroy, preview, refresh, up
from trellis.engine.opening import Engine, engine_stack, open_stack
from trellis.engine.outcome import Failure, Finding, Operation, Result
from trellis.engine.policy_pack import PolicyPack
from trellis.engine.surroundings import own_backend

__all__ = [
    "Engine",
    "EngineError",
    "Failure",
    "Finding",
    "Operation",
    "Options",
    "PolicyPack",
    "Result",
    "StackLockedError",
    "StackMissingError",
    "destroy",
    "engine_stack",
    "open_stack",
    "own_backend",
    "preview",
    "refresh",
    "up",
]
