"""Shows how far an operation is while it runs: live on a terminal, else a line now and then."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from pulumi.automation import events
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trellis.engine.heard import SAME, plain_text
from trellis.recorder import ROOT_TYPE

SHOWN = 12
"""Resources under way that are shown at once; the longest first."""


class Progress:
    """The progress of one operation, used as a context manager around it."""

    def __init__(
        self,
        title: str,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float | None = None,
    ) -> None:
        """`every` is the pause between plain lines, in seconds: by default 10, and 30 where `CI` is set."""
        self._title, self._clock = title, clock
        self._console = Console(file=stream or sys.stderr, highlight=False)
        self._every = every or (30 if os.environ.get("CI") else 10)
        self._started = clock()
        self._lock = threading.Lock()
        self._done: dict[tuple[str, bool], str] = {}
        self._running: dict[str, tuple[str, float]] = {}
        self._failed: set[str] = set()
        self._over = threading.Event()
        self._live = Live(get_renderable=self.render, console=self._console, transient=True, refresh_per_second=4)
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        else:
            self.say("started")
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._ticker.join()
        self.say("ended")

    def listen(self, event: events.EngineEvent) -> None:
        """Take note of one event."""
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            if step.op.value != SAME and step.type != ROOT_TYPE:
                with self._lock:
                    self._running[step.urn] = (step.op.value, self._clock())
        elif event.res_outputs_event:
            self._end(event.res_outputs_event.metadata, failed=False)
        elif event.res_op_failed_event:
            self._end(event.res_op_failed_event.metadata, failed=True)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error" and event.diagnostic_event.urn:
            told = event.diagnostic_event
            name = str(told.urn).rpartition("::")[2]
            line = f"trellis: {self._title}: {name}: {plain_text(told.message).splitlines()[0]}"
            self._console.print(Text(line), soft_wrap=True)

    def _end(self, step: events.StepEventMetadata, *, failed: bool) -> None:
        with self._lock:
            self._running.pop(step.urn, None)
            if failed:
                self._failed.add(step.urn)
            else:
                # A component ends twice: registered, and with its outputs. A replacement deletes under the same URN.
                self._done[step.urn, "delete" in step.op.value] = step.op.value

    def counts(self) -> str:
        """What is done: `12 create, 3 same, 1 failed`."""
        with self._lock:
            told = [f"{count} {op}" for op, count in sorted(Counter(self._done.values()).items())]
            return ", ".join([*told, *([f"{len(self._failed)} failed"] if self._failed else [])]) or "nothing yet"

    def render(self) -> RenderableType:
        """What a terminal shows just now."""
        table = Table.grid(padding=(0, 2))
        for op, urn, seconds in self._under_way()[:SHOWN]:
            table.add_row(f"  {op}", Text(urn.rpartition("::")[2], style="cyan"), f"{seconds:.0f} s")
        left = len(self._running) - SHOWN
        rest = [Text(f"  and {left} more", style="dim")] if left > 0 else []
        head = Text(f"{self._title}  {self._elapsed():.0f} s  {self.counts()}", style="bold")
        return Group(head, table, *rest)

    def _under_way(self) -> list[tuple[str, str, float]]:
        with self._lock:
            now = self._clock()
            rows = [(op, urn, now - since) for urn, (op, since) in self._running.items()]
        return sorted(rows, key=lambda row: (-row[2], row[1]))

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _tick(self) -> None:
        while not self._over.wait(self._every):
            rows = self._under_way()
            longest = f", longest {rows[0][1].rpartition('::')[2]} ({rows[0][2]:.0f} s)" if rows else ""
            self.say(f"{len(rows)} under way{longest}")

    def say(self, what: str) -> None:
        """Print a line that stays."""
        counts = "" if what == "started" else f"; {self.counts()}"
        self._console.print(
            Text(f"trellis: {self._title}: {what} after {self._elapsed():.0f} s{counts}"), soft_wrap=True
        )
