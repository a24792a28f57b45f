"""Turns the tree of a YAML file into configuration values, by the engine's rules for keys, merges and aliases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trellis.yaml_nodes import Kind, Node, NodeError
from trellis.yaml_scalars import MERGE, STR, Scalar, ScalarError, Timestamp, as_text, in_object, resolve

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]
"""Line and column, both from 1."""

# The engine's guard against a file whose aliases explode: yaml.v3 allows this share of nodes to come from aliases,
# sinking from the first to the second between these counts of nodes.
_ALIAS_SHARE = (0.99, 0.10)
_ALIAS_NODES = (400_000, 4_000_000)


@dataclass(frozen=True)
class Secure:
    """Stands for a `secure:` value. It is never decrypted offline, and its cipher text is not kept."""


@dataclass(frozen=True, kw_only=True)
class YamlProblem:
    """One thing that keeps the engine from reading a file, with the edit that repairs it."""

    path: KeyPath
    line: int
    column: int
    value: Any
    message: str
    fix: str


class Reader:
    """Turns nodes into values; gathers problems and positions on the way."""

    def __init__(self) -> None:
        self.problems: list[YamlProblem] = []
        self.positions: dict[KeyPath, Position] = {}
        self._open_aliases: dict[int, Node] = {}
        self._nodes = 0
        self._nodes_from_aliases = 0

    def add(self, node: Node, path: KeyPath, message: str, fix: str, value: Any = None) -> None:
        """Note a problem; the same one is noted once, however often an alias leads to it."""
        problem = YamlProblem(path=path, line=node.line, column=node.column, value=value, message=message, fix=fix)
        if not any((p.line, p.column, p.message) == (node.line, node.column, message) for p in self.problems):
            self.problems.append(problem)

    def document(self, root: Node) -> dict[str, Any]:
        """A whole file as one configuration object."""
        if root.kind is Kind.MAPPING:
            values = self.value(root, ())
            if isinstance(values, dict):
                return values
        elif root.kind is Kind.SCALAR and self._scalar(root, ()) is None:
            return {}
        self.add(root, (), "the file holds no mapping", "write `key: value` lines", root.text)
        return {}

    def stack(self, root: Node, project: str) -> dict[str, Any]:
        """A stack file: its `config:` section. The other sections only have to be YAML that the engine can read."""
        if root.kind is not Kind.MAPPING:
            if root.kind is not Kind.SCALAR or self._scalar(root, ()) is not None:
                self.add(root, (), "a stack file must be a mapping", "put the settings below `config:`", root.text)
            return {"config": {}}
        fields = self.fields(root, ())
        for name, child in fields.items():
            if name != "config":
                self.value(child, (name,))
        return {"config": self.config(fields["config"].followed(), project) if "config" in fields else {}}

    def config(self, node: Node, project: str) -> dict[str, Any]:
        """The `config:` mapping: full keys; scalars as text."""
        if node.kind is not Kind.MAPPING:
            if node.kind is not Kind.SCALAR or self._scalar(node, ("config",)) is not None:
                fix = "write `namespace:key: value` lines below it"
                self.add(node, ("config",), "`config:` must be a mapping", fix, node.text)
            return {}
        found: dict[str, Any] = {}
        for key, child in self.fields(node, ("config",), project=project).items():
            parts = key.split(":")
            if len(parts) == 3 and parts[1] == "config":  # the engine's old spelling of namespace:key
                del parts[1]
            full = ":".join(parts)
            if len(parts) != 2 or full in found:
                what = "is written twice" if full in found else "is no configuration key"
                self.add(child, ("config", key), f"key '{key}' {what}", "write each key once, as `namespace:name`", key)
                continue
            found[full] = self.top(child, ("config", full))
        return dict(sorted(found.items()))

    def top(self, node: Node, path: KeyPath) -> Any:
        """A value directly below `config:`."""
        followed = node.followed()
        return self._scalar(followed, path, as_text) if followed.kind is Kind.SCALAR else self.value(node, path)

    def value(self, node: Node, path: KeyPath) -> Any:
        """A value inside a configuration object."""
        self._count()
        if node.target is not None:
            return self._alias(node, node.target, path)
        if node.kind is Kind.SEQUENCE:
            found = []
            for index, child in enumerate(node.children):
                self.positions[(*path, index)] = (child.line, child.column)
                found.append(self.value(child, (*path, index)))
            return found
        if node.kind is Kind.MAPPING:
            return self._mapping(node, path)
        return self._scalar(node, path, in_object)

    def _alias(self, node: Node, target: Node, path: KeyPath) -> Any:
        if id(node) in self._open_aliases:
            self.add(node, path, f"anchor '{node.text}' contains itself", "write the value out", f"*{node.text}")
            return None
        self._open_aliases[id(node)] = node
        value = self.value(target, path)
        del self._open_aliases[id(node)]
        return value

    def _mapping(self, node: Node, path: KeyPath) -> Any:
        fields = self.fields(node, path)
        if list(fields) == ["secure"]:
            inner = fields["secure"].followed()
            if inner.kind is Kind.SCALAR and isinstance(self._scalar(inner, path), str | Timestamp):
                return Secure()
        # Sorted, because the engine's JSON is: a program that walks a mapping then sees one order on both ways.
        return {name: self.value(child, (*path, name)) for name, child in sorted(fields.items())}

    def fields(self, node: Node, path: KeyPath, *, project: str = "") -> dict[str, Node]:
        """The values of a mapping by final key name, merges (`<<`) included; own keys win over merged ones."""
        found: dict[str, Node] = {}
        seen: dict[tuple[Kind, str], Node] = {}
        merges: list[Node] = []
        for key, child in node.pairs():
            first = seen.setdefault((key.kind, key.text), key)
            if first is not key:
                message = f"key '{key.text}' is written twice (first on line {first.line})"
                self.add(key, (*path, key.text), message, "delete one of them", key.text)
                continue
            if key.kind is Kind.SCALAR and key.text == "<<":
                if key.tag == MERGE:
                    merges.append(child)
                else:  # the engine writes it without quotes and then reads its own output
                    self.add(key, path, "the engine takes a quoted `<<` for a merge", "use another key", "<<")
                continue
            self._count()
            name = self._key(key, path)
            if name is None:
                continue
            if project and ":" not in name:
                name = f"{project}:{name}"
            if name in found:
                self.add(key, (*path, name), f"two keys end as '{name}'", "delete one of them", key.text)
                continue
            found[name] = child
            self.positions.setdefault((*path, name), (key.line, key.column))
        for merge in merges:
            self._merge(merge, found, path)
        return found

    def _merge(self, node: Node, found: dict[str, Node], path: KeyPath) -> None:
        sources = node.children if node.kind is Kind.SEQUENCE else [node]
        for source in sources:
            mapping = source.followed()
            if mapping.kind is not Kind.MAPPING:
                self.add(node, path, "`<<` needs a mapping or a list of mappings", "merge an anchor of a mapping", "<<")
            elif id(source) in self._open_aliases:
                self.add(source, path, f"anchor '{source.text}' contains itself", "write the value out", "<<")
            else:
                self._count()
                self._open_aliases[id(source)] = source
                for name, child in self.fields(mapping, path).items():
                    found.setdefault(name, child)
                del self._open_aliases[id(source)]

    def _count(self) -> None:
        """Count a node. Raises `NodeError` when so many came from aliases that the engine refuses the file."""
        self._nodes += 1
        if not self._open_aliases:
            return
        self._nodes_from_aliases += 1
        if self._nodes_from_aliases <= 100 or self._nodes <= 1000:
            return
        (high, low), (first, last) = _ALIAS_SHARE, _ALIAS_NODES
        sunk = min(max((self._nodes - first) / (last - first), 0.0), 1.0)
        if self._nodes_from_aliases / self._nodes > high - (high - low) * sunk:
            outermost = next(iter(self._open_aliases.values()))
            message = f"alias '{outermost.text}' makes the file explode"
            raise NodeError(message, outermost.line, outermost.column, "use fewer aliases inside aliases")

    def _key(self, key: Node, path: KeyPath) -> str | None:
        node = key.followed()
        known = len(self.problems)
        scalar = self._scalar(node, path) if node.kind is Kind.SCALAR else None
        if isinstance(scalar, str):
            return scalar
        if len(self.problems) == known:
            self.add(key, path, f"key `{node.text}` is no text to the engine", "write it in quotes", node.text)
        return None

    def _scalar(self, node: Node, path: KeyPath, convert: Callable[[Scalar], Any] = lambda scalar: scalar) -> Any:
        try:
            return convert(node.text if node.tag == STR else resolve(node.tag, node.text)[1])
        except ScalarError as error:
            self.add(node, path, str(error), error.fix, node.text)
            return None
