"""The reference page of the stack file, `docs/stack-file.md`: each key with meaning, allowed values, unit, default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import getdoc, getmodule
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.catalogue.addons import addons
from components.spec import edits
from components.spec.fields import ROOT, Shape, aliases, shape_of
from components.spec.hints import allowed
from components.spec.rules import RULES, Rule, rule_id

REQUIRED = "**required**"

INTRODUCTION = """\
# The stack file

<!-- Written by `make generate` from components/spec; change the models, not this page. -->

One file describes one environment: `stacks/Pulumi.<environment>.yaml`, below `config:` and `trellis:platform:`.

- **Profiles.** `profile: <name>` lays `stacks/profiles/<name>.yaml` below the file; a profile may name another.
  Mappings are laid together key by key and what stands nearer wins; lists and plain values replace, and `null` takes
  away what a profile sets. A file says only what differs.
- **Units** are in the keys: `memoryGib: 32`, `maxHours: 8`, `monthlyUsd: 6000`. The value is the bare number.
- **Quotes.** A version such as `"1.35"` and an account id are text: in quotes, or YAML reads a number.
- **Names** of clusters, pools, teams and models are yours: lower-case letters, digits and dashes.
- **Secrets** stand in no stack file. Where one is needed, a key takes its name in AWS Secrets Manager.
- **Mistakes** are told all at once, each with its line, what is allowed, what would happen and the edit that repairs
  it. Editors with a YAML language server check and complete these files as you type (`stacks/schema.json`).
"""


def markdown() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Keys", *_sections(), _rules(), _addons()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _sections() -> Iterator[str]:
    """A section for each model, where it first stands, in the order of the file."""
    seen: set[type[BaseModel]] = set()
    todo: list[tuple[str, Shape]] = [("", ROOT)]
    while todo:
        path, shape = todo.pop(0)
        below: list[tuple[str, Shape]] = []
        for model in shape.models:
            if model in seen:
                continue
            seen.add(model)
            tags = [tag for tag, one in shape.variants().items() if one is model]
            yield _section(path, model, f"{shape.tag}: {' | '.join(tags)}" if shape.tag else "")
            below += _below(path, model)
        todo = below + todo


def _below(path: str, model: type[BaseModel]) -> Iterator[tuple[str, Shape]]:
    for key, info in aliases(model).items():
        shape = shape_of(info.annotation, info)
        here = f"{path}.{key}" if path else key
        if shape.kind in ("mapping", "list"):
            shape, here = shape_of(shape.entries), f"{here}.<name>" if shape.kind == "mapping" else f"{here}[]"
        if shape.kind == "model":
            yield here, shape


def _section(path: str, model: type[BaseModel], variant: str) -> str:
    title = f"`{path}`" if path else "The platform"
    head = f"### {title}{f' with `{variant}`' if variant else ''}\n\n{_line(getdoc(model) or '')}\n\n"
    rows = [
        _row(key, info, tag=bool(variant) and variant.startswith(f"{key}:")) for key, info in aliases(model).items()
    ]
    return head + "| key | meaning | allowed | default |\n| --- | --- | --- | --- |\n" + "\n".join(rows)


def _row(key: str, info: FieldInfo, *, tag: bool) -> str:
    """One key. The key that chooses a variant is always required, whatever its default in Python."""
    shape = shape_of(info.annotation, info)
    default = REQUIRED if tag else _default(info, shape)
    words = allowed(shape, (key,)) if shape.kind not in ("model", "mapping") else _nested(shape)
    return f"| `{key}` | {_cell(info.description or '')} | {_cell(words)} | {_cell(default)} |"


def _nested(shape: Shape) -> str:
    """What stands in a mapping, where a section of its own says more."""
    if shape.kind == "model":
        return f"one of `{shape.tag}`: {', '.join(shape.variants())}" if shape.tag else "see below"
    entry = shape_of(shape.entries)
    return f"by name: {'see below' if entry.kind == 'model' else allowed(entry, ())}"


def _default(info: FieldInfo, shape: Shape) -> str:
    if info.is_required():
        return REQUIRED
    if isinstance(info.default, BaseModel):
        chosen = f"`{shape.tag}: {getattr(info.default, shape.tag)}`, " if shape.tag else ""
        return f"{chosen}as below"
    return "none" if info.default is None else f"`{edits.flow(_plain(info.default))}`"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(text.split())


def _rules() -> str:
    """What no schema can say: the rules, by what they are about."""
    groups: dict[str, list[Rule]] = {}
    for rule in RULES:
        groups.setdefault(_line(getdoc(getmodule(rule)) or ""), []).append(rule)
    text = "## What is judged across keys\n\nEach rule has an id, which messages and reports carry.\n"
    for about, rules in groups.items():
        text += f"\n{about}\n\n| rule | what holds |\n| --- | --- |\n"
        text += "".join(f"| `{rule_id(rule)}` | {_cell(getdoc(rule) or '')} |\n" for rule in rules)
    return text


def _addons() -> str:
    """What `addons` may switch."""
    text = "## Add-ons\n\nAn add-on that a setting asks for is on without a switch.\n\n"
    text += "| id | what it is | default | runs in clusters | of kind |\n| --- | --- | --- | --- | --- |\n"
    for one, row in addons().items():
        default = "on" if row.default_enabled else "off"
        roles: Mapping[str, str] = {"every": "of every role", "shared": "with `shared`"}
        where = roles.get(row.cluster_role, f"with `{row.cluster_role}`")
        text += (
            f"| `{one}` | {_cell(row.title)}: {_cell(row.purpose)} | {default} | {where} | {', '.join(row.targets)} |\n"
        )
    return text
