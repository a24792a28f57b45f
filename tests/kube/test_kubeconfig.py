"""Who one is by a kubeconfig, without a server."""

from __future__ import annotations

import base64
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from trellis.kube.client import Identity
from trellis.kube.exec_plugin import CredentialError
from trellis.kube.kubeconfig import Connection, KubeconfigError

VERSION = "client.authentication.k8s.io/v1beta1"


def text(user: dict[str, Any] | None = None, **cluster: Any) -> str:
    return json.dumps(
        {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", **({"user": "a"} if user else {})}}],
            "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
            "users": [{"name": "a", "user": user}] if user else [],
        }
    )


def identity(connection: Connection, *, anew: bool = False) -> Identity:
    found = connection.api.access.identity
    assert found
    return found(anew)


def counting(folder: Path, until: str) -> dict[str, Any]:
    """A user whose program counts how often it is asked."""
    answer = f'{{"apiVersion": "{VERSION}", "kind": "ExecCredential", "status": {{"token": "T%d", {until}}}}}'
    code = (
        f"import pathlib; file = pathlib.Path({str(folder / 'count')!r}); "
        "number = int(file.read_text()) + 1 if file.exists() else 1; file.write_text(str(number)); "
        f"print({answer!r} % number)"
    )
    return {"exec": {"apiVersion": VERSION, "command": sys.executable, "args": ["-c", code]}}


def test_certificates_are_files_for_the_owner_only_and_go_away() -> None:
    data = base64.b64encode(b"PEM").decode()
    connection = Connection(text({"client-certificate-data": data, "client-key-data": data}))
    who = identity(connection)
    assert who.certificate
    assert who.key
    assert who.key.read_bytes() == b"PEM"
    assert stat.S_IMODE(who.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(who.key.parent.stat().st_mode) == 0o700
    connection.close()
    assert not who.key.parent.exists()


def test_a_token_is_not_shown() -> None:
    connection = Connection(text({"token": "plantedword"}))
    assert identity(connection).token == "plantedword"  # noqa: S105 - a test's own
    assert "plantedword" not in repr(identity(connection))
    connection.close()


def test_a_program_is_asked_again_only_when_its_credential_has_expired(tmp_path: Path) -> None:
    lasting = Connection(text(counting(tmp_path, '"expirationTimestamp": "2999-01-01T00:00:00Z"')))
    assert [identity(lasting).token, identity(lasting).token, identity(lasting, anew=True).token] == ["T1", "T1", "T2"]
    lasting.close()
    expired = Connection(text(counting(tmp_path, '"expirationTimestamp": "2001-01-01T00:00:00Z"')))
    assert [identity(expired).token, identity(expired).token] == ["T3", "T4"]
    expired.close()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"command": "absent-command", "installHint": "install it"}, "absent-command.*install it"),
        ({"command": sys.executable, "args": ["-c", "import sys; sys.exit('no role')"]}, "exit code 1: no role"),
        ({"command": sys.executable, "args": ["-c", "print('hello')"]}, "no ExecCredential"),
        ({"command": "a", "apiVersion": "client.authentication.k8s.io/v1alpha1"}, "v1alpha1.*known are"),
    ],
)
def test_a_program_that_fails_is_named_with_why(spec: dict[str, Any], said: str) -> None:
    connection = Connection(text({"exec": {"apiVersion": VERSION, **spec}}))
    with pytest.raises(CredentialError, match=said):
        identity(connection)
    connection.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[", "no YAML"),
        ("a: 1", "has no clusters"),
        (text(server="http://127.0.0.1"), "no https address"),
        (text({"username": "a", "password": "b"}), "password, username: not supported"),
        (text(None, **{"insecure-skip-tls-verify": True}), "insecure-skip-tls-verify: not supported"),
        (text({"client-key-data": "*"}), "client-key-data is no base64"),
        (text({"client-key": "a.key"}), "relative to no file"),
        (text().replace('"current-context": "a"', '"current-context": "b"'), "no context 'b'; there are: a"),
    ],
)
def test_a_wrong_kubeconfig_is_told(wrong: str, said: str) -> None:
    with pytest.raises(KubeconfigError, match=said):
        Connection(wrong)
