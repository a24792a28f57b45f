"""Two clusters in one program, each reached by its own kubeconfig and the stack's own `aws` command."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from tests.doubles.kubernetes.conftest import make
from trellis.doubles.kubernetes import KubernetesDouble
from trellis.doubles.kubernetes.fake_aws import aws_command
from trellis.doubles.serve import serve
from trellis.engine.run import engine_stack
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]


def kubeconfig(name: str, sandbox: Sandbox) -> str:
    """One as `components/k8s/provider.py` makes it."""
    arguments = ["eks", "get-token", "--region", "eu-central-1", "--cluster-name", name, "--output", "json"]
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": arguments,
        "interactiveMode": "Never",
    }
    known = json.loads(sandbox.kubeconfig.read_text())["clusters"][0]["cluster"]
    return json.dumps(
        {
            "current-context": name,
            "clusters": [{"name": name, "cluster": known}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"exec": token}}],
        }
    )


def data(sandbox: Sandbox) -> Any:
    return (sandbox.api.get("v1", "ConfigMap", "twin", "default") or {}).get("data")


def test_each_provider_speaks_to_its_own_cluster(cluster: Sandbox, tmp_path: Path, pulumi_cli: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: twins\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with Sandbox.start("twin", tmp_path / "twin") as other:
        both = {"one": cluster, "two": other}
        found = aws_command(tmp_path / "bin", {name: sandbox.api.access for name, sandbox in both.items()})
        assert stat.S_IMODE((tmp_path / "bin/clusters.json").stat().st_mode) == 0o600

        def program() -> None:
            for name, sandbox in both.items():
                provider = kubernetes.Provider(name, kubeconfig=kubeconfig(name, sandbox))
                options = pulumi.ResourceOptions(provider=provider)
                make(
                    kubernetes.core.v1.ConfigMap, f"{name}-twin", options, metadata={"name": "twin"}, data={"in": name}
                )

        with (
            KubernetesDouble(environment=found) as double,
            serve({"kubernetes": double}) as ports,
            engine_stack(tmp_path, "dev", program, pulumi=pulumi_cli, providers=ports) as stack,
        ):
            stack.up(color="never")
            assert (data(cluster), data(other)) == ({"in": "one"}, {"in": "two"})
            stack.destroy(color="never")
            assert (data(cluster), data(other)) == (None, None)
