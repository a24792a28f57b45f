"""The one program: the same under `pulumi up`, in a preview without an engine, and in a rehearsal."""

from __future__ import annotations

import pulumi

from components.platform import AiPlatform
from trellis.paths import PROFILES
from trellis.stackfile import StackFileError, load


def run() -> None:
    """Load the stack's configuration, build the platform, export its outputs."""
    values = pulumi.Config("trellis").require_object("platform")
    try:
        spec = load(values, PROFILES, pulumi.get_stack())
    except StackFileError as error:
        raise pulumi.RunError(str(error)) from error
    platform = AiPlatform("platform", spec)
    for name, value in sorted(platform.outputs.items()):
        pulumi.export(name, value)
