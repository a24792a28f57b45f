"""Reading the catalogue's YAML, quickly where libyaml is there. Apart from `tables`, whose users need no YAML."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> Any:
    """Plain data from YAML text. Raises `yaml.YAMLError`."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the loader is a safe one, C or Python
