"""Which version a tool is, and which versions will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from trellis.toolchain_rows import tool
from trellis.toolchain_version import version_of


def stand_in(file: Path, script: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "version", "taken"),
    [
        ("pulumi", "3.250.0", True),
        ("pulumi", "3.300.1", True),
        ("pulumi", "3.250.0-dev.1", False),
        ("pulumi", "4.0.0", False),
        ("kube-apiserver", "1.35.9", True),
        ("kube-apiserver", "1.35.0", False),
        ("kube-apiserver", "1.36.4", False),
        ("kubectl", "1.34.0", True),
        ("kubectl", "1.36.1", True),
        ("kubectl", "1.32.4", False),
    ],
)
def test_which_other_versions_will_do(name: str, version: str, taken: bool) -> None:
    assert tool(name).accepts(version) is taken


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("Kubernetes v1.35.4", "1.35.4"),
        ("etcd Version: 3.6.5\nGit SHA: Not provided\nGo Version: go1.26.8", "3.6.5"),
        ("v4.3.1+g1a2b3c", "4.3.1"),
        ("Client Version: v1.35.4\nKustomize Version: v5.7.1", "1.35.4"),
        ("kwok version 0.8.0 go1.26.8 (linux/amd64)", "0.8.0"),
        ("v3.250.0-dev.1", "3.250.0-dev.1"),
        ("go1.26.8", None),
    ],
)
def test_what_tools_say_of_their_version(tmp_path: Path, says: str, version: str | None) -> None:
    stand_in(tmp_path / "bin/pulumi", f"echo '{says}'")
    assert version_of(tool("pulumi"), tmp_path / "bin/pulumi") == version


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("mod\tsigs.k8s.io/karpenter\tv1.14.1\th1:x=", "1.14.1"),
        ("dep\tsigs.k8s.io/karpenter\tv1.14.2-rc.1", "1.14.2-rc.1"),
        ("dep\tsigs.k8s.io/karpenter-other\tv1.14.1\th1:x=", None),
        ("mod\tsigs.k8s.io/karpenter\t(devel)\t", None),
    ],
)
def test_a_tool_without_an_answer_carries_the_version_of_its_module(
    tmp_path: Path, line: str, version: str | None
) -> None:
    file = tmp_path / "bin/karpenter-kwok"
    stand_in(file, f"path\tsigs.k8s.io/karpenter/kwok\n{line}")
    assert version_of(tool("karpenter-kwok"), file) == version
    file.chmod(0o644)
    assert version_of(tool("karpenter-kwok"), file) is None
    file.write_text("")
    file.chmod(0o755)
    assert version_of(tool("karpenter-kwok"), file) is None
