"""What this machine has, what it lacks, and what that means."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tabulate import tabulate

from trellis.toolchain import listing


@dataclass(frozen=True)
class Check:
    """One thing that a command may need."""

    name: str
    needed_for: str
    without: str
    find: Callable[[], str | None]


def _python() -> str | None:
    return ".".join(map(str, sys.version_info[:3])) if sys.version_info >= (3, 11) else None


def _on_path(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name)


CHECKS = (
    Check("python 3.11+", "everything", "nothing works", _python),
    Check("go", "building tools that cannot be downloaded", "a wheel brings it when it is needed", _on_path("go")),
    Check("aws", "the kubeconfig's exec plugin in `pulumi up`", "nothing can be deployed to EKS", _on_path("aws")),
    Check("git", "comparing commits", "previews still work", _on_path("git")),
)


BRING = "`trellis toolchain install {}` brings it; previews work without"


def report() -> str:
    """A table of all checks, and of the tools that the toolchain can bring."""
    rows = []
    for check in CHECKS:
        found = check.find()
        rows.append([check.name, found or "missing", check.needed_for, "" if found else check.without])
    for tool, path in listing():
        found = str(path) if path else None
        name = f"{tool.name} {tool.version}"
        rows.append([name, found or "missing", tool.needed_for, "" if found else BRING.format(tool.name)])
    head = ["what", "here", "needed for", "without it"]
    return tabulate(rows, headers=head, tablefmt="simple", disable_numparse=True)
