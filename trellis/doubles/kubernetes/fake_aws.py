"""An `aws` command for a rehearsal: it answers `eks get-token` with a sandbox's own credential, and nothing else.

So the stack's own kubeconfig works unchanged: what it runs is this, because its folder stands first on PATH.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trellis.kube.client import Access

_VERSION = "client.authentication.k8s.io/v1beta1"
_SCRIPT = '''#!{python}
"""Answers `aws eks get-token --cluster-name NAME` in a rehearsal."""
import json, pathlib, sys

arguments = sys.argv[1:]
known = json.loads(pathlib.Path(__file__).with_name("clusters.json").read_text())
if arguments[:2] != ["eks", "get-token"] or "--cluster-name" not in arguments[:-1]:
    sys.exit("a rehearsal's aws answers `eks get-token --cluster-name NAME` only, not: " + " ".join(arguments))
name = arguments[arguments.index("--cluster-name") + 1]
if name not in known:
    sys.exit(f"the rehearsal has no cluster {{name!r}}; it has: {{', '.join(sorted(known)) or 'none'}}")
print(json.dumps(known[name]))
'''


def aws_command(folder: Path, clusters: Mapping[str, Access]) -> dict[str, str]:
    """Write the command into a folder, which only its owner may enter; return the environment in which it is found.

    `clusters` gives the access of each cluster by its name in AWS. Calling it again replaces what it answers.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write(folder / "clusters.json", json.dumps({name: _credential(one) for name, one in clusters.items()}), 0o600)
    _write(folder / "aws", _SCRIPT.format(python=sys.executable), 0o700)
    return {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _write(path: Path, text: str, mode: int) -> None:
    """Put a file into place whole, so that whoever runs it now reads the old or the new one."""
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=mode)
    new.write_text(text, encoding="utf-8")
    new.chmod(mode)
    new.replace(path)


def _credential(access: Access) -> dict[str, Any]:
    if access.certificate is None or access.key is None:
        raise ValueError(f"{access.server}: the access has no certificate with its key, so it is nobody's")
    status = {
        "clientCertificateData": access.certificate.read_text(encoding="utf-8"),
        "clientKeyData": access.key.read_text(encoding="utf-8"),
    }
    return {"apiVersion": _VERSION, "kind": "ExecCredential", "spec": {}, "status": status}
