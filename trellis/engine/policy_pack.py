"""Runs the policy pack under the engine, also where no Python language host is."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANALYZER = "pulumi-analyzer-policy-python"
"""What the engine starts where it has no language host, with a warning."""


@dataclass(frozen=True, kw_only=True)
class PolicyPack:
    """A policy pack and its configuration."""

    folder: Path
    """Has `PulumiPolicy.yaml` in it."""
    config: Mapping[str, Any]
    """By policy, as in the pack's configuration file."""

    def arguments(self, scratch: Path) -> dict[str, list[str]]:
        """What an operation of the Automation API is told; the configuration is written below `scratch`."""
        file = scratch / "policy-config.json"
        file.write_text(json.dumps(self.config, sort_keys=True), encoding="utf-8")
        return {"policy_packs": [str(self.folder)], "policy_pack_configs": [str(file)]}


def write_analyzer(folder: Path) -> None:
    """Write, to a folder on the engine's PATH, what it starts in a pack's folder when it finds no language host.

    The language host is in no package registry; it comes with the downloaded command line, which then uses it instead.
    """
    script = folder / ANALYZER
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" __main__.py\n', encoding="utf-8")
    script.chmod(0o755)
