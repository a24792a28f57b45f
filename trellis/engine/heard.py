"""Gathers what the engine's events tell of one operation."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi.automation import events

from trellis.engine.outcome import Failure, Finding, Operation
from trellis.engine.policy_pack import ANALYZER
from trellis.recorder import ROOT_TYPE

OnEvent = Callable[[events.EngineEvent], object]
SAME = "same"
_NO_NEWS = r"(?:preview|update|refresh|destroy) failed"
"""What the engine adds to every failure that it told already."""


class Heard:
    """All events of one operation, gathered. What a listener raises is kept: the SDK would turn it into a warning."""

    def __init__(self, listeners: Sequence[OnEvent] = ()) -> None:
        self._listeners = listeners
        self.error: Exception | None = None
        """The first thing that a listener raised."""
        self.ended = threading.Event()
        self.begun = False
        self.warnings: list[str] = []
        self.failures: list[Failure] = []
        self.findings: set[Finding] = set()
        self.changes: Mapping[str, int] = {}
        self.states: dict[str, events.StepEventStateMetadata] = {}
        self.outputs: Mapping[str, Any] = {}
        self._steps: dict[tuple[str, str], Operation] = {}

    def listen(self, event: events.EngineEvent) -> None:
        """Take note of one event and hand it on."""
        self.begun = True
        try:
            self._note(event)
            for listener in self._listeners:
                listener(event)
        except Exception as error:  # whatever it is, it is raised once the engine has ended
            self.error = self.error or error

    def operations(self) -> tuple[Operation, ...]:
        """The steps other than `same`, sorted."""
        return tuple(sorted(step for step in self._steps.values() if step.op != SAME))

    def _note(self, event: events.EngineEvent) -> None:
        if event.diagnostic_event:
            self._diagnostic(event.diagnostic_event)
        if event.policy_event:
            self.findings.add(_finding(event.policy_event))
        if event.resource_pre_event:
            self._before(event.resource_pre_event.metadata)
        if event.res_outputs_event:
            self._after(event.res_outputs_event.metadata)
        if event.summary_event:
            changes = event.summary_event.resource_changes
            self.changes = {_word(op): count for op, count in sorted(changes.items()) if count}
        if event.cancel_event:
            self.ended.set()

    def _diagnostic(self, told: events.DiagnosticEvent) -> None:
        message = plain_text(told.message)
        if told.severity == "warning" and ANALYZER not in message:
            self.warnings.append(message)
        elif told.severity == "error" and not re.fullmatch(_NO_NEWS, message):
            failure = Failure(urn=told.urn or "", message=message)
            if failure not in self.failures:
                self.failures.append(failure)

    def _before(self, step: events.StepEventMetadata) -> None:
        if step.new:
            self.states[step.urn] = step.new
        self._steps[step.urn, _word(step.op)] = _operation(step, done=False)

    def _after(self, step: events.StepEventMetadata) -> None:
        """A refresh begins as `refresh` and ends as what it found; it is one step."""
        if _word(step.op) not in {op for urn, op in self._steps if urn == step.urn}:
            self._steps.pop((step.urn, "refresh"), None)
        self._steps[step.urn, _word(step.op)] = _operation(step, done=True)
        if step.type == ROOT_TYPE and step.new:
            self.outputs = step.new.outputs or {}


def _operation(step: events.StepEventMetadata, *, done: bool) -> Operation:
    detail = step.detailed_diff or {}
    replacing = {path for path, diff in detail.items() if diff.diff_kind.value.endswith("-replace")}
    return Operation(
        urn=step.urn,
        op=_word(step.op),
        changed=tuple(sorted(detail or step.diffs or ())),
        replacing=tuple(sorted(replacing or step.keys or ())),
        done=done,
    )


def _finding(told: events.PolicyEvent) -> Finding:
    urn = told.resource_urn or ""
    text = plain_text(told.message)
    return Finding(
        level=str(told.enforcement_level),
        policy=told.policy_name,
        urn="" if f"::{ROOT_TYPE}::" in urn else urn,
        # The engine puts the policy's title on a line before the finding's own words.
        message=text.partition("\n")[2].strip() or text,
    )


def plain_text(message: str) -> str:
    """A message of the engine without its colour marks."""
    return re.sub(r"<\{%.*?%\}>", "", message).strip()


def _word(op: events.OpType | str) -> str:
    return op.value if isinstance(op, events.OpType) else op
