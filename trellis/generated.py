"""Files that are made from others and checked in, so that people and editors can read them. One list, one command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from policies.config import to_json
from policies.reference import markdown as policies_reference
from trellis import readme, reference, schema
from trellis.paths import ROOT
from trellis.policy_config import config_for_platform
from trellis.preview import load_environment, stacks


def contents() -> Mapping[str, Callable[[], str]]:
    """Path below the project -> what must stand there."""
    fixed: dict[str, Callable[[], str]] = {
        "README.md": lambda: readme.with_samples((ROOT / "README.md").read_text(encoding="utf-8")),
        "docs/policies.md": policies_reference,
        "docs/stack-file.md": reference.markdown,
        "stacks/profiles/schema.json": schema.profile_schema_json,
        "stacks/schema.json": schema.schema_json,
    }
    configs = {f"policies/config/{stack}.json": _config(stack) for stack in stacks()}
    return dict(sorted({**fixed, **configs}.items()))


def _config(stack: str) -> Callable[[], str]:
    return lambda: to_json(config_for_platform(load_environment(stack)[1]))


def stale(root: Path = ROOT) -> list[str]:
    """Files that differ from what they must be, or are missing."""
    return [path for path, make in contents().items() if _read(root / path) != make()]


def write_all(root: Path = ROOT) -> list[str]:
    """Write what is stale; return which."""
    changed = stale(root)
    for path in changed:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(contents()[path](), encoding="utf-8")
    return changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
