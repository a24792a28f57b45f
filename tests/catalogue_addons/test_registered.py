"""What the stacks really register is in the catalogue: every type and input in the table of replacements."""

from __future__ import annotations

import pytest

from components.catalogue.addons import addon, owner_of_kind
from components.catalogue.replacements import Effect, effect, rule
from tests.support.stacks import recorded
from trellis.preview import stacks

# Importing a package of the SDK runs its deprecated classes, which warn about themselves.
pytestmark = pytest.mark.filterwarnings("ignore:.*has been deprecated in favor of:DeprecationWarning")
STACKS = pytest.mark.parametrize("stack", stacks())


@STACKS
def test_every_type_and_input_has_a_known_effect(stack: str) -> None:
    unknown = {
        (resource.type, name)
        for resource in recorded(stack).resources
        for name in resource.inputs
        if resource.custom
        if rule(resource.type) is None or effect(resource.type, name).reason.startswith("the table of replacements")
    }
    assert unknown == set()


@STACKS
def test_custom_kinds_belong_to_an_addon_that_says_so(stack: str) -> None:
    """Whoever removes an add-on must know which kinds the platform makes under it."""
    silent = set()
    for resource in recorded(stack).resources:
        package, _, rest = resource.type.partition(":")
        api_version, _, kind = rest.rpartition(":")
        owner = owner_of_kind(api_version, kind) if package == "kubernetes" else None
        if owner and f"{api_version.partition('/')[0]}/{kind}" not in addon(owner).creates:
            silent.add(f"{api_version.partition('/')[0]}/{kind} is missing in `creates` of data/addons/{owner}.yaml")
    assert silent == set()


def test_an_unknown_input_would_be_seen() -> None:
    change = effect("aws:ec2/vpc:Vpc", "aPropertyOfTomorrow")
    assert change.effect is Effect.MAY_REPLACE
    assert change.reason.startswith("the table of replacements")
