"""The tree of a YAML file with line numbers, before any value is decided.

PyYAML's parser does the reading. Its composer is not used: it resolves scalars by other rules than the engine, refuses
anchors that are defined twice, which the engine accepts, and forgets which text a key was written with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

import yaml

from trellis.yaml_scalars import MERGE, STR, ScalarError, resolve, short_tag

# libyaml, which every PyYAML wheel carries: the engine's own parser was ported from it, and it is several times faster.
# No stand-in by PyYAML's pure parser: that one reads `[a:]` as a mapping where the engine reads text.
_PARSER = yaml.CSafeLoader
# Where unquoted text between brackets is read differently: yaml.v3 ends it at any `?` and before a `:` after a blank,
# and takes a comma for a part of the tag before it.
_UNLIKE_IN_FLOW = re.compile(r"\?|(^|\s):")


class Kind(Enum):
    """What a node is."""

    SCALAR = auto()
    MAPPING = auto()
    SEQUENCE = auto()
    ALIAS = auto()


@dataclass(slots=True, eq=False)
class Node:
    """One node. A mapping's children are keys and values by turns; an alias points to its anchor's node."""

    kind: Kind
    line: int
    column: int
    """Both count from 1."""
    tag: str = ""
    text: str = ""
    children: list[Node] = field(default_factory=list)
    target: Node | None = None

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    def followed(self) -> Node:
        """The node itself, or what an alias stands for."""
        return self if self.target is None else self.target


REPAIR = "repair the YAML there, or on the line above: look for indentation, a colon, a quote or a bracket"


class NodeError(ValueError):
    """The text is no YAML that the engine reads; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int, fix: str = REPAIR) -> None:
        super().__init__(message)
        self.fix = fix
        self.line = line
        self.column = column


def compose(text: bytes) -> Node | None:
    """Build the tree of the first document (the engine ignores the others); None where there is none.

    Raises `NodeError` at the first place that is no YAML or that names an unknown anchor.
    """
    try:
        return _Composer(yaml.parse(text, Loader=_PARSER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = error.problem or "not valid YAML"
        tab = any(shown.lstrip(b" ").startswith(b"\t") for shown in text.splitlines()[line - 1 : line])
        fix = "indent with spaces, not with a tab" if tab else REPAIR
        raise NodeError(message, line, column, fix) from error
    except yaml.YAMLError as error:  # a byte that is no text; PyYAML knows its offset only
        raise NodeError(str(error).splitlines()[0], 1, 1) from error


class _Composer:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                root = self._node(next(self._events))
                next(self._events)  # the document's end: what follows on its last line must be YAML too
                return root
        return None

    def _node(self, event: yaml.Event, *, in_flow: bool = False) -> Node:
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise NodeError(f"unknown anchor '{event.anchor}'", line, column)
            return Node(Kind.ALIAS, line, column, text=event.anchor, target=self._anchors[event.anchor])
        if isinstance(event, yaml.ScalarEvent):
            tag_alone = event.tag is not None and not event.value
            if in_flow and not event.style and (tag_alone or _UNLIKE_IN_FLOW.search(event.value)):
                shown = event.value or event.tag
                raise NodeError(f"between brackets the engine misreads `{shown}`", line, column, "quote the value")
            node = Node(Kind.SCALAR, line, column, tag=_scalar_tag(event), text=event.value)
        else:
            kind = Kind.MAPPING if isinstance(event, yaml.MappingStartEvent) else Kind.SEQUENCE
            node = Node(kind, line, column)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:  # before the children: an anchor may (wrongly) be used inside itself
            self._anchors[anchor] = node
        if node.kind is not Kind.SCALAR:
            in_flow = in_flow or bool(getattr(event, "flow_style", False))
            while not isinstance(child := next(self._events), yaml.CollectionEndEvent):
                node.children.append(self._node(child, in_flow=in_flow))
        return node


def _scalar_tag(event: yaml.ScalarEvent) -> str:
    """The tag that the engine's parser gives a scalar: explicit, text when quoted, else found from the text."""
    explicit = short_tag(event.tag)
    if explicit:
        return explicit
    if event.style:
        return STR
    if event.value == "<<":
        return MERGE
    try:
        return resolve("", event.value)[0]
    except ScalarError:  # reported with its path when the value is decided
        return ""
