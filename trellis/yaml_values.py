"""Reads stack files and profiles offline, with the values that the Pulumi engine would hand to the program.

The engine decodes a stack file with Go's yaml.v3, writes it out and decodes it again, and carries each value as JSON.
What that makes of a scalar is in `yaml_scalars`; here is what it makes of keys, merges, aliases and whole files.

Stricter than the engine where its own result is an accident: two keys of one mapping that end as the same name; keys
that are no text (`0755:`, which becomes `493:`); a quoted `"<<"` key; times with a zone offset
(their text depends on the machine); text over several lines that starts with an empty line (the engine loses it);
`!!binary` that is not UTF-8; `[a:]`, which libyaml refuses. Not covered, because both come from outside the file:
defaults of a `config:` section in `Pulumi.yaml`, and ESC environments (`environment:`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trellis.yaml_nodes import Kind, Node, NodeError, compose
from trellis.yaml_reader import KeyPath, Position, Reader, Secure, YamlProblem

__all__ = [
    "Document",
    "Secure",
    "StackYamlError",
    "YamlProblem",
    "positions",
    "read_config",
    "read_document",
    "read_mapping",
    "read_stack",
]


class StackYamlError(Exception):
    """Everything that keeps the engine from reading a file. The first problem's parts are at hand as attributes."""

    def __init__(self, file: Path, problems: tuple[YamlProblem, ...]) -> None:
        self.problems = problems
        first = problems[0]
        self.line, self.column, self.value = first.line, first.column, first.value
        self.message, self.fix = first.message, first.fix
        super().__init__("\n".join(f"{file}:{p.line}:{p.column}: {p.message}; {p.fix}" for p in problems))


@dataclass(frozen=True)
class Document:
    """A file's values as the program gets them, and where each stands."""

    values: dict[str, Any]
    positions: dict[KeyPath, Position]
    """By path from the top of the file. A value that comes by an anchor stands where the anchor's text is."""


def read_config(path: Path, project: str = "trellis") -> dict[str, Any]:
    """Return the `config:` section of a stack file as the engine resolves it, with full keys (`trellis:platform`).

    Objects and lists are what `pulumi.Config.require_object` gives. Scalars directly below `config:` are text, as for
    `pulumi.Config.require`. `secure:` values are `Secure()`. Raises `StackYamlError` with every problem of the file.
    """
    config: dict[str, Any] = read_stack(path, project).values.get("config", {})
    return config


def read_mapping(path: Path) -> dict[str, Any]:
    """Return a whole file (a profile) with the values that it would have inside a configuration object."""
    return read_document(path).values


def positions(path: Path) -> dict[KeyPath, Position]:
    """Where each key of a file stands, by path from its top: `("config", "trellis:platform", "pools", 0)`."""
    return (read_stack(path) if path.name.startswith("Pulumi.") else read_document(path)).positions


def read_document(path: Path) -> Document:
    """Read a file as one configuration object, values and positions at once."""
    return _read(path, lambda reader, root: reader.document(root))


def read_stack(path: Path, project: str = "trellis") -> Document:
    """Read a stack file, values and positions at once. `project` is what keys without `:` belong to."""
    return _read(path, lambda reader, root: reader.stack(root, project))


def _line(text: bytes, number: int) -> str:
    """One line of a file, counted from 1, to be shown; nothing where the file might hold cipher text."""
    lines = [] if b"secure" in text else text.splitlines()
    return lines[number - 1].decode(errors="replace").rstrip() if number <= len(lines) else ""


def _read(path: Path, build: Callable[[Reader, Node], dict[str, Any]]) -> Document:
    reader = Reader()
    values: dict[str, Any] = {}
    try:
        text = path.read_bytes()
        root = compose(text)
        if root is not None:
            values = build(reader, root)
    except NodeError as error:
        reader.add(Node(Kind.SCALAR, error.line, error.column), (), str(error), error.fix, _line(text, error.line))
    except RecursionError:
        reader.add(Node(Kind.SCALAR, 1, 1), (), "the file is nested too deeply", "nest at most a hundred levels", "")
    if reader.problems:
        raise StackYamlError(path, tuple(sorted(reader.problems, key=lambda p: (p.line, p.column))))
    return Document(values, reader.positions)
