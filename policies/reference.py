"""The reference of all rules, generated from the rules themselves: docs/policies.md.

`python -m policies.reference` writes the file; a test fails when it is stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from policies.model import DOCS, Concern, Rule, Scope, Setting
from policies.rules import RULES
from policies.settings import UNSEEN

_HEAD = f"""# Policies

Generated from the rules by `python -m policies.reference`; do not edit.

The same rules run in process over a plan (`trellis preview`) and as a Pulumi policy pack
(`pulumi preview --policy-pack policies --policy-pack-config policies/config/<environment>.json`). A *mandatory* finding
stops the deployment, an *advisory* one is shown. Thresholds come from `guardrails` in the stack file; levels can be set
there by rule.

What a rule cannot see (known only after deployment, secret, made elsewhere) is never taken for right or wrong: it is
listed, under the advisory policy [`{UNSEEN}`](#{UNSEEN}) when the pack runs, and the rest of the rule is judged.
"""

_CONCERNS = {
    Concern.GPU: "GPUs",
    Concern.COST: "Cost",
    Concern.SECURITY: "Security",
    Concern.DELIVERY: "Delivery",
}
_SEEN_WHEN = {
    Scope.RESOURCE: "each resource, before it is created",
    Scope.STACK: "the whole stack",
}


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD, _overview()]
    for concern, title in _CONCERNS.items():
        rules = [rule for rule in RULES if rule.concern is concern]
        if rules:
            parts += [f"## {title}\n", *(_section(rule) for rule in rules)]
    parts += [
        f"## What could not be seen\n\n### {UNSEEN}\n\n"
        "Lists every value that a rule met and could not see, with the rule. Always advisory.\n"
    ]
    return "\n".join(parts)


def _overview() -> str:
    rows = [f"| [`{rule.id}`](#{rule.id}) | {_safe(rule.title)} | {rule.severity} | {rule.level} |" for rule in RULES]
    return "\n".join(["| rule | what must hold | severity | level |", "| --- | --- | --- | --- |", *rows, ""])


def _section(rule: Rule[Any]) -> str:
    lines = [
        f"### {rule.id}\n",
        f"**{_safe(rule.title)}.**\n",
        f"Severity {rule.severity}, {rule.level}. Judges {_SEEN_WHEN[rule.scope]}.\n",
        f"Why: {_safe(rule.reason)}\n",
        f"What to do: {_safe(rule.remediation)}\n",
    ]
    if rule.settings:
        lines += ["| setting | type | default | guardrail | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += [_row(setting) for setting in rule.settings]
        lines.append("")
    return "\n".join(lines)


def _row(setting: Setting) -> str:
    kind = setting.schema.get("type", "any")
    default = "none" if setting.default is None else f"`{json.dumps(setting.default)}`"
    return f"| `{setting.name}` | {kind} | {default} | `{setting.guardrail}` | {_safe(setting.meaning)} |"


def _safe(text: str) -> str:
    """Text in which `<profile>` stays to be read: Markdown would take it for a tag."""
    return text.replace("<", "&lt;")


if __name__ == "__main__":
    (Path(__file__).resolve().parent.parent / DOCS).write_text(markdown(), encoding="utf-8")
