"""A release that installs nothing is there all the same: it is read, changed, deleted, and made once only."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.automation import CommandError

from tests.doubles.kubernetes.conftest import Program, Running, make
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]


def release(namespace: str, version: str = "1.0.0", *names: str) -> Program:
    def program(options: pulumi.ResourceOptions) -> None:
        for name in names or ("one",):
            inputs = {"name": "chart", "chart": "chart", "version": version, "namespace": namespace}
            make(kubernetes.helm.v3.Release, name, options, **inputs)

    return program


def test_a_release_is_there_until_it_is_deleted(engine: Running, namespace: str, cluster: Sandbox) -> None:
    def secret() -> object:
        return cluster.api.get("v1", "Secret", "sh.helm.release.v1.chart.v1", namespace)

    engine.runs(release(namespace)).up()
    assert secret()
    assert engine.preview(refresh=True) == {}
    assert engine.runs(release(namespace, "2.0.0")).up() == {"update": 1}
    assert engine.state("one")["outputs"]["status"]["revision"] == 2
    cluster.api.delete("v1", "Secret", "sh.helm.release.v1.chart.v1", namespace)
    assert engine.preview(refresh=True) == {"create": 1}, "one that is gone is seen"
    engine.stack.destroy(color="never")
    assert secret() is None


def test_a_name_in_use_is_refused(engine: Running, namespace: str) -> None:
    with pytest.raises(CommandError, match="cannot re-use a name that is still in use"):
        engine.runs(release(namespace, "1.0.0", "one", "two")).up(parallel=1)
