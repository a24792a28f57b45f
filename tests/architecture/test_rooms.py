"""The rooms of the house: who may import whom, and how big things may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("components", "policies", "trellis")
MAX_FILE_LINES = 320
MAX_FUNCTION_LINES = 60

ORDER = {
    "components.catalogue": set(),
    "components.spec": {"components.catalogue"},
    "components.layout": {"components.catalogue", "components.spec"},
    "components.aws": {"components.catalogue", "components.spec", "components.layout"},
    "components.k8s": {"components.catalogue", "components.spec", "components.layout"},
    "policies": {"components.catalogue"},
}
"""Room -> rooms of ours that it may import. `components.platform` and `trellis` stand on top of all."""

PURE = ("components.catalogue", "components.spec", "components.layout")


def _files() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _room(module: str) -> str | None:
    return next((room for room in ORDER if module == room or module.startswith(f"{room}.")), None)


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_imports_go_one_way(path: Path) -> None:
    room = _room(_module(path))
    if room is None:
        return
    ours = {name for name in _imports(path) if name.split(".")[0] in ROOMS}
    wrong = {name for name in ours if _room(name) not in {*ORDER[room], room}}
    assert not wrong, f"{room} may import {sorted(ORDER[room]) or 'no other room'}, not {sorted(wrong)}"


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_pure_rooms_know_no_engine(path: Path) -> None:
    if _room(_module(path)) in PURE:
        engines = {
            name for name in _imports(path) if name.split(".")[0] in {"pulumi", "pulumi_aws", "pulumi_kubernetes"}
        }
        assert not engines


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_rooms_below_the_command_line_ask_nobody(path: Path) -> None:
    """No clock, no environment, no network, no other program."""
    if not _module(path).startswith(("components", "policies")) or path.name == "__main__.py":
        return
    outside = {"boto3", "os", "requests", "socket", "subprocess", "time", "urllib"}
    assert not {name for name in _imports(path) if name.split(".")[0] in outside}
    called = {n.attr for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Attribute)}
    assert not called & {"now", "today", "utcnow"}


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_doubles_stay_in_the_rehearsal(path: Path) -> None:
    """A real `up` never loads a double; a double knows nothing of whoever rehearses with it."""
    module = _module(path)
    if module.startswith("trellis.rehearsal") or module == "trellis.cli_rehearse":
        return
    allowed = ("trellis.doubles",) if module.startswith("trellis.doubles") else ()
    rooms = ("trellis.doubles", "trellis.rehearsal")
    assert not {name for name in _imports(path) if name.startswith(rooms) and not name.startswith(allowed or "-")}


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_files_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES, f"{lines} lines: is it one thing?"


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_functions_stay_small(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


def _is_component(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Attribute) and base.attr == "ComponentResource" for base in node.bases)


@pytest.mark.parametrize("path", list(_files()), ids=_module)
def test_components_register_their_outputs(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and _is_component(node):
            assert "self.register_outputs(" in ast.unparse(node), f"{node.name} registers no outputs"
