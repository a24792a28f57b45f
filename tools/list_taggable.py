"""Write policies/data/taggable.txt: the AWS resource types that take tags, read from the installed provider SDK.

Run after an upgrade of pulumi-aws: `python tools/list_taggable.py`. The rule `cost-tags-present` reads the list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

OUT = Path(__file__).parent.parent / "policies" / "data" / "taggable.txt"


def taggable(sdk: Path, pattern: str = "*/*.py") -> Iterator[str]:
    """Types whose constructor takes `tags`, found in the sources: importing every module takes a minute."""
    for path in sorted(sdk.glob(pattern)):
        source = path.read_text(encoding="utf-8")
        if "@pulumi.type_token" not in source:
            continue
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and (token := _token(node)) and _takes_tags(node):
                yield token


def _token(node: ast.ClassDef) -> str | None:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pulumi.type_token":
            return str(ast.literal_eval(decorator.args[0]))
    return None


def _takes_tags(node: ast.ClassDef) -> bool:
    return any(
        isinstance(part, ast.FunctionDef)
        and part.name == "_internal_init"
        and any(argument.arg == "tags" for argument in (*part.args.args, *part.args.kwonlyargs))
        for part in node.body
    )


def text() -> str:
    """The file's content."""
    spec = find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        raise SystemExit("pulumi-aws is not installed: run this with the project's own Python")
    types = sorted(set(taggable(Path(spec.origin).parent)))
    head = (
        f"# AWS resource types that take tags: pulumi-aws {version('pulumi-aws')}. Written by tools/list_taggable.py\n"
    )
    return head + "".join(f"{name}\n" for name in types)


if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text(), encoding="utf-8")
