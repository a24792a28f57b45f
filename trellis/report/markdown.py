"""A judgement for a pull request."""

from __future__ import annotations

from tabulate import tabulate

from trellis.judge import Judgement
from trellis.report import sections
from trellis.report.text import tree_text


def to_markdown(judged: Judgement) -> str:
    """Verdict first, then GPUs, money and findings; the tree and what is unknown are folded."""
    plan = judged.plan
    parts = [
        f"## Trellis preview: `{plan.stack}`",
        f"**{sections.verdict_line(judged)}**",
        f"{sections.counts_line(judged)}. As of {plan.as_of}; no cloud and no cluster was asked.",
    ]
    parts += [_table(t) for t in (sections.gpu_table(judged), sections.cost_table(judged)) if t.rows]
    parts.append(_findings(judged))
    parts.append(_folded(f"Not in these figures ({len(sections.not_priced(judged))})", sections.not_priced(judged)))
    parts.append(_folded("Rules could not judge", sections.unjudged_lines(judged)))
    unknown = sections.unknown_lines(judged)
    parts.append(_folded(f"Known only after deployment ({len(unknown)})", unknown))
    shut = f"Charts not opened: what they install is not shown, judged or priced ({len(plan.not_opened)})"
    parts.append(_folded(shut, sections.not_opened_lines(judged)))
    parts.append(f"<details><summary>All resources</summary>\n\n```text\n{tree_text(plan)}```\n\n</details>")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: sections.Table) -> str:
    align = ["right" if index in table.numeric else "left" for index in range(len(table.head))]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    body = tabulate(rows, headers=list(table.head), tablefmt="github", colalign=align, disable_numparse=True)
    return f"### {table.title}\n\n{body}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _findings(judged: Judgement) -> str:
    findings = judged.report.findings
    if not findings:
        return f"### Findings\n\nNone ({len(judged.report.evaluated)} rules)."
    lines = [f"- **{f.level.value}** [`{f.rule}`]({f.url}) ({f.severity.value}): {f.message}" for f in findings]
    return f"### Findings ({len(findings)})\n\n" + "\n".join(lines)


def _folded(title: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    body = "\n".join(f"- {line}" for line in lines)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
