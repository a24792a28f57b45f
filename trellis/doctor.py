"""What this machine has, what it lacks, and what that means."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tabulate import tabulate

from trellis.toolchain import find_pulumi


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


def _pulumi() -> str | None:
    found = find_pulumi()
    return str(found) if found else None


CHECKS = (
    Check("python 3.11+", "everything", "nothing works", _python),
    Check("pulumi", "`pulumi up`, engine tests", "previews, policies and costs still work", _pulumi),
    Check("go", "building pulumi where it cannot be downloaded", "install pulumi yourself", _on_path("go")),
    Check("aws", "the kubeconfig's exec plugin in `pulumi up`", "nothing can be deployed to EKS", _on_path("aws")),
    Check("kubectl", "port-forwards to user interfaces", "use another client", _on_path("kubectl")),
    Check("git", "comparing commits", "previews still work", _on_path("git")),
)


def report() -> str:
    """A table of all checks."""
    rows = []
    for check in CHECKS:
        found = check.find()
        rows.append([check.name, found or "missing", check.needed_for, "" if found else check.without])
    return tabulate(rows, headers=["what", "here", "needed for", "without it"], tablefmt="simple")
