"""The table of awkward YAML through the real engine, and the offline reader beside it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.engine.conftest import Attached
from tests.support import yaml_table
from trellis.engine.run import EngineError, engine_stack, preview
from trellis.yaml_values import Secure, StackYamlError, read_config

pytestmark = pytest.mark.engine

Read = Callable[..., Mapping[str, Any]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without stack files."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: trellis\nruntime: python\nstackConfigDir: stacks\n")
    return tmp_path


@pytest.fixture
def read_by_engine(project: Path, pulumi_cli: Path, providers: Attached) -> Read:
    """Give the engine a stack file; return what a program then reads, `platform` as an object, all else as text."""

    def read(text: str, *keys: str) -> Mapping[str, Any]:
        (project / "stacks" / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
        found: dict[str, Any] = {}

        def program() -> None:
            config = pulumi.Config("trellis")
            found["platform"] = config.get_object("platform")
            found.update({key: config.get(key) for key in keys})

        with engine_stack(project, "dev", program, pulumi=pulumi_cli, providers=providers.ports) as stack:
            preview(stack, as_of="2026-11-01")
        return found

    return read


def offline(project: Path) -> dict[str, Any]:
    return read_config(project / "stacks" / "Pulumi.dev.yaml")


def test_values_in_an_object_are_those_of_the_table(project: Path, read_by_engine: Read) -> None:
    platform = read_by_engine(yaml_table.object_file())["platform"]
    for number, (text, value) in enumerate(yaml_table.IN_OBJECT):
        assert repr(platform[f"row{number}"]) == repr(value), text
    assert repr(offline(project)["trellis:platform"]) == repr(platform)  # the order of keys too


def test_values_at_the_top_are_those_of_the_table(project: Path, read_by_engine: Read) -> None:
    keys = [f"row{number}" for number in range(len(yaml_table.AT_TOP))]
    found = read_by_engine(yaml_table.top_file(), *keys)
    assert [found[key] for key in keys] == [value for _, value in yaml_table.AT_TOP]
    assert [offline(project)[f"trellis:{key}"] for key in keys] == [found[key] for key in keys]


@pytest.mark.parametrize("name", yaml_table.REFUSED)
def test_what_the_engine_refuses_is_refused_offline(project: Path, read_by_engine: Read, name: str) -> None:
    with pytest.raises(EngineError):
        read_by_engine(yaml_table.REFUSED[name][0])
    with pytest.raises(StackYamlError):
        offline(project)


@pytest.mark.parametrize("name", yaml_table.REFUSED_OFFLINE_ONLY)
def test_what_is_refused_only_offline_is_an_accident_of_the_engine(read_by_engine: Read, name: str) -> None:
    assert "platform" in read_by_engine(yaml_table.REFUSED_OFFLINE_ONLY[name][0])


def test_random_scalars_are_read_alike(project: Path, read_by_engine: Read) -> None:
    scalars = _random_scalars(random.Random(20261101), 3000)  # noqa: S311 - a test's dice, the same every time
    rows = [scalar for scalar in scalars if _accepted(project, f"- {scalar}")]
    assert len(rows) > 1500, "the dice throw too much that is no YAML"
    platform = read_by_engine("config:\n  trellis:platform:\n" + "".join(f"    - {row}\n" for row in rows))["platform"]
    ours = offline(project)["trellis:platform"]
    assert [row for row in zip(rows, platform, ours, strict=True) if repr(row[1]) != repr(row[2])] == []


def _accepted(project: Path, item: str) -> bool:
    (project / "stacks" / "Pulumi.dev.yaml").write_text(f"config:\n  trellis:platform:\n    {item}\n", encoding="utf-8")
    try:
        offline(project)
    except StackYamlError:
        return False
    return True


def _random_scalars(dice: random.Random, count: int) -> list[str]:
    kinds = ("0123456789._", "0123456789.-+eE_", "01234567xob_-+", "0123456789-: TZ.", "tfynNTFruealos", "ab:#'\"~<=! ")
    return ["".join(dice.choices(dice.choice(kinds), k=dice.randint(1, 8))).strip() for _ in range(count)]


def test_a_secret_reaches_the_program_and_stays_a_mark_offline(
    project: Path, pulumi_cli: Path, read_by_engine: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    file = project / "stacks" / "Pulumi.dev.yaml"
    file.write_text("config:\n  trellis:platform: {database: {name: on}}\n")
    _encrypt(project, pulumi_cli, "trellis:platform.database.password", "hunter2")
    text = file.read_text()
    assert "hunter2" not in text
    assert "secure:" in text
    assert read_by_engine(text)["platform"] == {"database": {"name": "on", "password": "hunter2"}}
    assert offline(project)["trellis:platform"] == {"database": {"name": "on", "password": Secure()}}


def _encrypt(project: Path, pulumi_cli: Path, key: str, value: str) -> None:
    """Write a secret into the stack file as a user does, with the command line."""
    state = project / "state"
    state.mkdir()
    env = {"PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_HOME": str(project / "home"), "PATH": "/usr/bin:/bin"}
    env |= {"PULUMI_CONFIG_PASSPHRASE": "correct horse", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    for command in (["stack", "init", "dev"], ["config", "set", "--path", "--secret", "--stack", "dev", key, value]):
        subprocess.run(  # noqa: S603 - our own tool, without a shell
            [str(pulumi_cli), "--non-interactive", *command], cwd=project, env=env, check=True, capture_output=True
        )
