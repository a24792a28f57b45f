"""Stack files read offline. That the table is the engine's own is proved in tests/engine/test_yaml_values.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import yaml_table
from trellis.yaml_values import Secure, StackYamlError, positions, read_config, read_document, read_mapping


def stack_file(folder: Path, text: str) -> Path:
    file = folder / "Pulumi.dev.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_values_in_an_object_are_those_of_the_table(tmp_path: Path) -> None:
    platform = read_config(stack_file(tmp_path, yaml_table.object_file()))["trellis:platform"]
    for number, (text, value) in enumerate(yaml_table.IN_OBJECT):
        # By representation: 1, 1.0 and True are equal to Python, and not to a strict model.
        assert repr(platform[f"row{number}"]) == repr(value), text


def test_values_at_the_top_are_text(tmp_path: Path) -> None:
    config = read_config(stack_file(tmp_path, yaml_table.top_file()))
    assert [config[f"trellis:row{n}"] for n in range(len(yaml_table.AT_TOP))] == [v for _, v in yaml_table.AT_TOP]


@pytest.mark.parametrize("name", [*yaml_table.REFUSED, *yaml_table.REFUSED_OFFLINE_ONLY])
def test_refused_files_name_the_line_and_a_fix(tmp_path: Path, name: str) -> None:
    text, line = {**yaml_table.REFUSED, **yaml_table.REFUSED_OFFLINE_ONLY}[name]
    with pytest.raises(StackYamlError) as refused:
        read_config(stack_file(tmp_path, text))
    assert refused.value.line == line
    assert refused.value.column > 0
    assert refused.value.message
    assert refused.value.fix


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "config:\n  trellis:platform:\n    a: .inf\n    b: 1\n    b: 2\n    c: !!int x\n"
    with pytest.raises(StackYamlError) as refused:
        read_config(stack_file(tmp_path, text))
    assert [p.line for p in refused.value.problems] == [3, 5, 6]
    assert "Pulumi.dev.yaml:5:5: key 'b' is written twice (first on line 4); delete one of them" in str(refused.value)


def test_secure_values_are_marks_without_their_cipher_text(tmp_path: Path) -> None:
    text = "config:\n  trellis:token: {secure: v1:abc}\n  trellis:platform: {a: [{secure: v1:def}], b: {c: on}}\n"
    config = read_config(stack_file(tmp_path, text))
    assert config == {"trellis:platform": {"a": [Secure()], "b": {"c": "on"}}, "trellis:token": Secure()}
    assert "v1:" not in repr(config)


def test_keys_get_the_project_and_the_old_spelling_is_known(tmp_path: Path) -> None:
    config = read_config(stack_file(tmp_path, "config:\n  a: 1\n  aws:region: x\n  trellis:config:b: 2\n"), "other")
    assert config == {"aws:region": "x", "other:a": "1", "trellis:b": "2"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "config:\n", "config: ~\n", "encryptionsalt: v1:x\n", "---\n"])
def test_files_without_configuration_are_empty(tmp_path: Path, text: str) -> None:
    assert read_config(stack_file(tmp_path, text)) == {}


def test_only_the_first_document_counts(tmp_path: Path) -> None:
    assert read_config(stack_file(tmp_path, "config: {trellis:a: b}\n---\nconfig: {trellis:a: c}\n")) == {
        "trellis:a": "b"
    }


def test_mappings_are_in_the_order_of_the_engine(tmp_path: Path) -> None:
    platform = read_config(stack_file(tmp_path, "config:\n  trellis:platform: {b: 1, Z: 2, a: 3}\n"))[
        "trellis:platform"
    ]
    assert list(platform) == ["Z", "a", "b"]


def test_positions_name_the_line_of_each_key(tmp_path: Path) -> None:
    head = "# first\nconfig:\n  trellis:platform:\n"
    found = positions(
        stack_file(tmp_path, head + "    pools: &p\n      - name: a\n    more:\n      <<: &m {x: 1}\n      y: *m\n")
    )
    assert found["config", "trellis:platform"] == (3, 3)
    assert found["config", "trellis:platform", "pools", 0] == (5, 9)
    assert found["config", "trellis:platform", "pools", 0, "name"] == (5, 9)
    assert found["config", "trellis:platform", "more", "x"] == (7, 15)
    assert found["config", "trellis:platform", "more", "y", "x"] == (7, 15)


def test_short_keys_have_positions_under_their_full_name(tmp_path: Path) -> None:
    assert positions(stack_file(tmp_path, "config:\n  platform:\n    a: 1\n"))["config", "trellis:platform", "a"] == (
        3,
        5,
    )


def test_a_profile_is_read_by_the_same_rules(tmp_path: Path) -> None:
    profile = tmp_path / "base.yaml"
    profile.write_text("b: {on: 0755}\na: 1.0\n")
    document = read_document(profile)
    assert document.values == read_mapping(profile) == {"a": 1, "b": {"on": 493}}
    assert document.positions == positions(profile) == {("b",): (1, 1), ("b", "on"): (1, 5), ("a",): (2, 1)}


@pytest.mark.parametrize("text", ["- a\n", "text\n", "secure: a\n"])
def test_a_profile_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    profile = tmp_path / "base.yaml"
    profile.write_text(text)
    with pytest.raises(StackYamlError, match="no mapping"):
        read_mapping(profile)


def test_deep_nesting_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(StackYamlError, match="nested too deeply"):
        read_config(stack_file(tmp_path, "config:\n  trellis:platform: " + "[" * 5000 + "]" * 5000 + "\n"))


@pytest.mark.parametrize("data", [b"config: \xff\n", b"config: \x00\n"])
def test_bytes_that_are_no_text_are_an_error(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_bytes(data)
    with pytest.raises(StackYamlError):
        read_config(file)


@pytest.mark.parametrize(
    ("line", "fix"),
    [("\tregion: us-east-1", "indent with spaces, not with a tab"), ("  region: a: b", "on the line above")],
)
def test_a_line_that_is_no_yaml_is_shown_with_its_likely_repair(line: str, fix: str, tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(f"config:\n{line}\n")
    with pytest.raises(StackYamlError) as refused:
        read_config(path)
    assert (refused.value.line, refused.value.value) == (2, line)
    assert fix in refused.value.fix


def test_a_broken_file_with_cipher_text_shows_no_line(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config:\n  a:token:\n    secure:\n      v1: CIPHER: x\n")
    with pytest.raises(StackYamlError) as refused:
        read_config(path)
    assert refused.value.value == ""
    assert "CIPHER" not in str(refused.value)
