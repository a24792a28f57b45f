"""Recognises credentials that were written into a stack file by mistake, so that no message ever repeats them."""

from __future__ import annotations

import re
from typing import Any

from components.spec.base import Path

HIDDEN = "(not shown)"

_CREDENTIAL = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS access key id
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{22,}"  # GitHub
    r"|\bglpat-[\w-]{20}\b"  # GitLab
    r"|\bhf_[A-Za-z0-9]{30,}\b"  # Hugging Face
    r"|\bsk-[A-Za-z0-9_-]{20,}\b"  # API keys of several model providers
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}\b"  # Slack
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+\b"  # a signed token (JWT)
    r"|://[^/\s:@]+:[^/\s:@]+@"  # user and password in a URL
)
_SECRET_KEY = re.compile(r"(?i)(passw(or)?d|passphrase|secret|token|api_?key|private_?key|credential)")
_NAMES_ONLY = re.compile(r"(?i)(name|credentials|arn|id|path|file|uri|url)$")
"""Keys that name where a secret is kept, such as `secretName` or `grafanaCredentials`."""


def is_credential(value: Any) -> bool:
    """Whether a text has the form of a known kind of credential."""
    return isinstance(value, str) and _CREDENTIAL.search(value) is not None


def names_secret(key: str | int) -> bool:
    """Whether a key asks for a secret itself, rather than for the name of one."""
    return isinstance(key, str) and bool(_SECRET_KEY.search(key)) and not _NAMES_ONLY.search(key)


def shown(path: Path, value: Any) -> Any:
    """A value as a message may show it: credentials, and whatever stands under a secret's name, are hidden."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: shown((*path, key), entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [shown((*path, index), entry) for index, entry in enumerate(value)]
    if is_credential(value) or (path and names_secret(next((p for p in reversed(path) if isinstance(p, str)), ""))):
        return HIDDEN
    return value
