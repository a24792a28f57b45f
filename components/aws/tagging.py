"""The tag by which a resource is found again when the engine stopped before it could note the id that AWS gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.catalogue import identities


def tagged(stack: str) -> pulumi.ResourceTransformation:
    """A transformation that tags each AWS resource below a component with its stack, type and name.

    It runs in the program, so the recorder and the engine see the same inputs: the engine's own transforms do not run
    in a preview without an engine.
    """

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in identities.tagged_types():
            return None
        own = {identities.TAG: identities.tag(stack, args.type_, args.name)}
        return pulumi.ResourceTransformationResult(
            {**args.props, "tags": _merged(args.props.get("tags"), own)}, args.opts
        )

    return add


def _merged(given: Any, own: Mapping[str, str]) -> Any:
    if isinstance(given, pulumi.Output):
        return given.apply(lambda tags: {**(tags or {}), **own})
    return {**(given or {}), **own}
