"""Writes the engine's events to a file, one JSON document a line, with secrets masked as the engine masks them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import IO, Any

from pulumi.automation import events


class EventLog:
    """An event log, used as a context manager. Opening it raises `OSError`; a disk that fills up later only ends it."""

    def __init__(self, path: Path) -> None:
        # Inputs and outputs of everything are in it, so it is for its owner alone.
        self._file: IO[str] | None = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w")
        self.failure: OSError | None = None
        """Why it is not complete."""

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def listen(self, event: events.EngineEvent) -> None:
        """Write one event. An update must not fail, or lose its state, because its log cannot be written."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(document(event), sort_keys=True, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            self.failure = error
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self.failure = self.failure or error
            self._file = None


def document(value: Any) -> Any:
    """An event with the engine's own names, without what is not told."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, events.BaseEvent):
        return {_camel(key): document(one) for key, one in vars(value).items() if one is not None}
    if isinstance(value, Mapping):
        return {str(document(key)): document(one) for key, one in value.items()}
    return [document(one) for one in value] if isinstance(value, list | tuple) else value


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
