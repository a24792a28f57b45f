"""The variables that the engine runs with: the user's own, fit for a copy of the project, or those of a rehearsal."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from trellis.yaml_values import read_mapping

BACKEND = "PULUMI_BACKEND_URL"
_PATHS = (
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "KUBECONFIG",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_HOME",
    "SSL_CERT_FILE",
)
"""Variables that hold paths; one that is relative means the folder that the user stands in, not the copy's."""
_FILE = "file://"


def surroundings(project: Path) -> dict[str, str]:
    """What the engine needs to see from a copy of `project` what the user sees from the original."""
    changed = {
        # The copy of the stack file goes away, and with it a secrets provider that the engine would write there.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for name in _PATHS:
        given = os.environ.get(name)
        if given:
            absolute = os.pathsep.join(str(Path(one).absolute()) if one else one for one in given.split(os.pathsep))
            changed |= {name: absolute} if absolute != given else {}
    url, base = _backend(project)
    if url.startswith(_FILE) and not url.removeprefix(_FILE).startswith(("/", "~")):
        path, mark, query = url.removeprefix(_FILE).partition("?")
        url = f"{_FILE}{(base / path).resolve()}{mark}{query}"
    if url:
        changed[BACKEND] = url
    return changed


def own_backend(root: Path, providers: Mapping[str, int]) -> dict[str, str]:
    """Variables for a backend and a home below `root`, and providers that run already, by package and loopback port."""
    (root / "state").mkdir(parents=True, exist_ok=True)
    return {
        BACKEND: (root / "state").absolute().as_uri(),
        "PULUMI_HOME": str((root / "home").absolute()),
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", ""),
        "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in sorted(providers.items())),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def backend_of(variables: Mapping[str, str]) -> str:
    """Where the state lies, for people to read: without a password."""
    url = variables.get(BACKEND) or os.environ.get(BACKEND) or "the backend that `pulumi login` chose"
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def _backend(project: Path) -> tuple[str, Path]:
    """The backend's address as the engine finds it, and the folder that a relative one starts from."""
    given = os.environ.get(BACKEND)
    if given:
        return given, Path.cwd()
    settings = read_mapping(project / "Pulumi.yaml").get("backend")
    if isinstance(settings, Mapping) and settings.get("url"):
        return str(settings["url"]), project
    home = Path(os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current") or ""), project
    except (OSError, ValueError, AttributeError):
        return "", project
