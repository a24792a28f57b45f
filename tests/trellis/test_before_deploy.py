"""What must be there before the first `pulumi up`: the README names it, or Helm waits in vain for pods that miss it."""

from __future__ import annotations

import pytest

from tests.support.shared import REPOSITORY
from tests.support.stacks import recorded
from trellis.preview import stacks


@pytest.mark.parametrize("stack", stacks())
def test_the_readme_names_every_secret_that_a_stack_only_reads(stack: str) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for resource in recorded(stack).resources:
        if resource.inputs.get("kind") != "ExternalSecret":
            continue
        for row in resource.inputs["spec"].get("data", []):
            key, field = row["remoteRef"]["key"], row["remoteRef"]["property"]
            if isinstance(key, str):  # RDS makes the others itself
                assert f"`{key}`" in readme, f"{stack}: {resource.name} reads {key}"
                assert f"`{field}`" in readme, f"{stack}: {resource.name} reads {field} of {key}"
