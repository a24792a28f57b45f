"""The samples in the README, made by the commands that they show, so that they cannot grow stale."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from trellis.judge import judge
from trellis.paths import STACKS
from trellis.preview import load_environment, plan_environment
from trellis.report.text import to_text
from trellis.stackfile import StackFileError

AS_OF = "2026-11-01"
"""Fixed, so that the README changes only when the platform does."""


def with_samples(text: str) -> str:
    """The README with each block between `<!-- generated: NAME -->` and `<!-- end -->` made anew."""

    def block(match: re.Match[str]) -> str:
        sample = SAMPLES[match["name"]]().strip("\n")
        return f"<!-- generated: {match['name']} -->\n```text\n{sample}\n```\n<!-- end -->"

    return re.sub(r"<!-- generated: (?P<name>.+?) -->\n(?:.*?\n)??<!-- end -->", block, text, flags=re.DOTALL)


def preview_of_dev() -> str:
    """The preview of dev, without the tree and the closing lists."""
    # Without opened charts: the README must not depend on what the cache of whoever generates it holds.
    text = to_text(judge(plan_environment("dev", as_of=AS_OF), load_environment("dev")[1]))
    head, _, rest = text.partition("\ntrellis-dev\n")
    tables = rest[rest.index("\nGPUs offered") : rest.index("\nNot in these figures")]
    findings = rest[rest.index("\nFindings") : rest.index("\nKnown only")]
    return f"{head}\n{tables}{findings}"


def mistakes() -> str:
    """What three mistakes in the dev file are answered with."""
    wrong = (STACKS / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    for right, mistake in (
        ("weight: 90", "weight: 80"),
        ("instanceTypes: [g6.4xlarge, gr6.4xlarge]", "instanceTypes: [g6.5xlarge]"),
        ("alertEmails:", "alertEmail:"),
    ):
        wrong = wrong.replace(right, mistake, 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "profiles").symlink_to(STACKS / "profiles")
        (folder / "Pulumi.dev.yaml").write_text(wrong, encoding="utf-8")
        try:
            load_environment("dev", folder)
        except StackFileError as error:
            return str(error)
    raise AssertionError("the sample's mistakes were accepted")


SAMPLES: Mapping[str, Callable[[], str]] = {"preview of dev": preview_of_dev, "mistakes": mistakes}
