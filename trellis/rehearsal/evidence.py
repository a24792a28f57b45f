"""The evidence of a rehearsal: one document, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tabulate import tabulate

from trellis.rehearsal.result import Act, Fidelity, Verdict

SCHEMA_VERSION = 1
NOT_PROVEN = "What a rehearsal does not prove stands in docs/rehearsal.md."


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All acts of one rehearsal."""

    stack: str
    as_of: str
    commit: str
    """Commit of the project, with `+` where files were changed after it; empty outside a repository."""
    kubernetes: str
    """Version of the control planes."""
    acts: Sequence[Act]
    fidelity: Sequence[Fidelity]

    @property
    def verdict(self) -> Verdict:
        """The worst of the acts."""
        order = list(Verdict)
        return max((act.verdict for act in self.acts), key=order.index, default=Verdict.PASSED)

    def document(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "stack": self.stack,
            "asOf": self.as_of,
            "commit": self.commit,
            "kubernetes": self.kubernetes,
            "verdict": self.verdict,
            "acts": [_act(act) for act in self.acts],
            "fidelity": [asdict(row) for row in self._all_fidelity()],
        }

    def to_json(self) -> str:
        """The document, keys sorted."""
        return json.dumps(self.document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """A row for each act, then notes, then fidelity."""
        rows = [[act.name, act.verdict, f"{act.seconds:.1f} s", _cell(act.summary)] for act in self.acts]
        parts = [
            f"# Rehearsal of {self.stack}: {self.verdict}",
            f"Kubernetes {self.kubernetes}, prices and dates of {self.as_of}"
            + (f", commit {self.commit}" if self.commit else ""),
            tabulate(rows, headers=["act", "verdict", "time", "what was shown"], tablefmt="github"),
        ]
        noted = [act for act in self.acts if act.notes]
        parts += [f"## {act.name}\n\n" + "\n".join(f"- {_cell(note)}" for note in act.notes) for act in noted]
        near = [[row.subject, row.level, _cell(row.detail)] for row in self._all_fidelity()]
        if near:
            table = tabulate(near, headers=["part", "fidelity", "detail"], tablefmt="github")
            parts.append(f"## Fidelity\n\n{table}")
        return "\n\n".join([*parts, NOT_PROVEN]) + "\n"

    def _all_fidelity(self) -> list[Fidelity]:
        return sorted({*self.fidelity, *(row for act in self.acts for row in act.fidelity)})


def _act(act: Act) -> dict[str, Any]:
    row = asdict(act)
    row.pop("fidelity")
    row["seconds"] = round(act.seconds, 2)
    return row


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
