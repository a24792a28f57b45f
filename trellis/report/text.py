"""A judgement for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.tree import Tree

from trellis.judge import Judgement
from trellis.plan import Plan, Resource
from trellis.report import sections

COLOURS = {"ok": "bold green", "warnings": "bold yellow", "blocked": "bold red"}
WIDTH = 140
"""Columns when the output is no terminal; fixed, so that two runs give the same bytes."""


def render(judged: Judgement, console: Console) -> None:
    """Write the whole report."""
    plan = judged.plan
    console.print(f"[bold]Trellis preview of {plan.stack}[/] as of {plan.as_of}: no cloud, no cluster was asked")
    console.print(f"[{COLOURS[judged.verdict]}]{escape(sections.verdict_line(judged))}[/]\n")
    console.print(sections.counts_line(judged))
    console.print(tree(plan))
    for table in (sections.gpu_table(judged), sections.cost_table(judged)):
        if table.rows:
            console.print()
            console.print(_table(table))
    _list(console, "Not in these figures", sections.not_priced(judged))
    _findings(console, judged)
    _list(console, "Rules could not judge", sections.unjudged_lines(judged))
    _list(console, "Known only after deployment", sections.unknown_lines(judged))
    _list(
        console,
        "Charts not opened: what they install is not shown, judged or priced",
        sections.not_opened_lines(judged),
        len(plan.not_opened),
    )
    # The tree is long: whoever looks at the end of the screen sees the verdict too.
    console.print(f"\n[{COLOURS[judged.verdict]}]{escape(sections.verdict_line(judged))}[/]")


def to_text(judged: Judgement) -> str:
    """The report as plain text, without colour and at a fixed width."""
    buffer = io.StringIO()
    render(judged, Console(file=buffer, width=WIDTH, color_system=None, highlight=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def tree(plan: Plan) -> Tree:
    """All resources below the component that owns them."""
    root = Tree(f"{plan.project}-{plan.stack}", guide_style="dim")
    _grow(root, plan, plan.children.get(None, ()))
    return root


def _grow(node: Tree, plan: Plan, resources: Iterable[Resource]) -> None:
    for resource in sorted(resources, key=lambda r: (r.custom, r.type, r.name)):
        mark = " [bold](protected)[/]" if resource.protect else ""
        mark += f" [dim](hook: {escape(', '.join(resource.hooks))})[/]" if resource.hooks else ""
        branch = node.add(f"{escape(resource.type)} [cyan]{escape(resource.name)}[/]{mark}")
        _grow(branch, plan, plan.children.get(resource.urn, ()))


def _table(table: sections.Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, head in enumerate(table.head):
        side: Literal["right", "left"] = "right" if index in table.numeric else "left"
        # Folded, not cut: on a narrow terminal `nvidia.c...` would be any of five resources.
        shown.add_column(head, justify=side, header_style="dim", overflow="fold")
    for row in table.rows:
        shown.add_row(*(escape(cell) for cell in row), style="bold" if row[0] == "total" else None)
    return shown


def _list(console: Console, title: str, lines: tuple[str, ...], count: int | None = None) -> None:
    if lines:
        console.print(f"\n[bold]{title}[/] ({len(lines) if count is None else count})")
        for line in lines:
            console.print(f"  {escape(line)}", soft_wrap=True)


def _findings(console: Console, judged: Judgement) -> None:
    findings = judged.report.findings
    judgements = sum(judged.report.evaluated.values())
    console.print(
        f"\n[bold]Findings[/] ({len(findings)} of {judgements} judgements by {len(judged.report.evaluated)} rules)"
    )
    for finding in findings:
        colour = "red" if finding in judged.report.mandatory else "yellow"
        console.print(f"  [{colour}]{finding.level.value} {finding.rule}[/] ({finding.severity.value})", soft_wrap=True)
        console.print(f"    {escape(finding.message)}", soft_wrap=True)
        console.print(f"    see {finding.url}", soft_wrap=True)


def tree_text(plan: Plan) -> str:
    """The tree alone, as plain text."""
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, color_system=None, highlight=False).print(tree(plan))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
