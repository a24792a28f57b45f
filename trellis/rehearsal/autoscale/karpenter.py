"""The real Karpenter as a process beside a sandbox: its CRDs, its environment, its end."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from trellis.rehearsal.autoscale.twins import GROUP
from trellis.sandbox import Sandbox
from trellis.sandbox.supervised import Child, child

TOOL = "karpenter-kwok"
CRDS = "TRELLIS_CRDS"
"""Variable that names a folder with CRDs, in a folder for each project."""
NODE_CLASS = f"{GROUP}_kwoknodeclasses.yaml"
_NEEDED = ("karpenter.sh_nodepools.yaml", "karpenter.sh_nodeclaims.yaml", "karpenter.sh_nodeoverlays.yaml")


class NoCrdsError(Exception):
    """Karpenter's CRDs are not to be found; the message says where they were looked for."""


def crds(tool: Path) -> tuple[list[dict[str, Any]], str]:
    """Karpenter's CRDs and where they are from. Raises `NoCrdsError`.

    They lie beside a tool that was built here; for another they come from the folder that TRELLIS_CRDS names, and the
    class of its nodes is then a stand-in of ours that takes anything.
    """
    beside = tool.resolve().parent
    if all((beside / name).is_file() for name in (*_NEEDED, NODE_CLASS)):
        return [_read(beside / name) for name in (*_NEEDED, NODE_CLASS)], "its own"
    folder = Path(os.environ[CRDS]) / "karpenter" if os.environ.get(CRDS) else None
    if folder and all((folder / name).is_file() for name in _NEEDED):
        return [*(_read(folder / name) for name in _NEEDED), _stand_in()], f"{CRDS}, KWOKNodeClass a stand-in"
    raise NoCrdsError(
        f"{tool} has no CRDs of Karpenter beside it, and {CRDS} names no folder with karpenter/{_NEEDED[0]}. "
        f"To mend it: take {TOOL} off PATH and run `trellis toolchain install {TOOL}`, which builds it with its CRDs, "
        f"or set {CRDS}"
    )


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def _stand_in() -> dict[str, Any]:
    """A CRD for KWOKNodeClass that takes anything and is ready at once."""
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
    status = {"default": {"conditions": [{**ready, "lastTransitionTime": "2024-01-01T00:00:00Z"}]}}
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": {**anything, **status}}}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "KWOKNodeClass", "plural": "kwoknodeclasses", "singular": "kwoknodeclass"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"kwoknodeclasses.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Cluster", "names": names, "versions": [version]},
    }


@contextlib.contextmanager
def karpenter(
    tool: Path, sandbox: Sandbox, types: Sequence[Mapping[str, Any]], settings: Mapping[str, str]
) -> Iterator[Child]:
    """Run Karpenter against a sandbox. It ends with the context, and with this process however that ends."""
    folder = sandbox.folder.with_name(f"{sandbox.folder.name}-karpenter")
    file = sandbox.folder / "instance-types.json"
    file.write_text(json.dumps(types))
    env = {
        "KUBECONFIG": str(sandbox.kubeconfig),
        "SYSTEM_NAMESPACE": "kube-system",
        "DISABLE_LEADER_ELECTION": "true",
        **settings,
    }
    # It lets nobody choose the address of its metrics and its health, only the port: a free one of the system's choice.
    arguments = [f"--instance-types-file-path={file}", "--metrics-port=0", "--health-probe-port=0"]
    with child(folder, "karpenter", [str(tool), *arguments], env) as running:
        yield running
