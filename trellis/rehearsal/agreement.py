"""Compares the recorded plan with the engine's, resource by resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.plan import SECRET, UNKNOWN, Plan

NOT_COMPARED: Mapping[str, str] = {"deletedWith": "a preview of the engine does not tell it"}
"""Field -> why it is left out."""


def disagreements(engine: Plan, recorded: Plan) -> Iterator[str]:
    """All that differs, a line each. What charts make is left out: the engine knows their Releases only."""
    theirs, ours = _rows(engine), _rows(recorded.recorded)
    yield from (f"{urn}: only the engine has it" for urn in sorted(theirs.keys() - ours.keys()))
    yield from (f"{urn}: only the recorder has it" for urn in sorted(ours.keys() - theirs.keys()))
    for urn in sorted(theirs.keys() & ours.keys()):
        for key, value in theirs[urn].items():
            if not same(value, ours[urn].get(key)):
                yield f"{urn} {key}: engine {value!r}, recorder {ours[urn].get(key)!r}"
    if not same(dict(engine.outputs), dict(recorded.outputs)):
        yield f"outputs: engine {dict(engine.outputs)!r}, recorder {dict(recorded.outputs)!r}"


def _rows(plan: Plan) -> dict[str, dict[str, Any]]:
    rows = {resource.urn: resource.document() for resource in plan.resources}
    return {urn: {key: value for key, value in row.items() if key not in NOT_COMPARED} for urn, row in rows.items()}


def same(engine: Any, recorder: Any) -> bool:
    """Whether two values are the same. Of a secret that is unknown too, the engine's events tell only the latter."""
    if recorder == SECRET:
        return bool(engine in (SECRET, UNKNOWN))
    if isinstance(engine, Mapping) and isinstance(recorder, Mapping):
        return engine.keys() == recorder.keys() and all(same(engine[key], recorder[key]) for key in engine)
    if isinstance(engine, list) and isinstance(recorder, list):
        return len(engine) == len(recorder) and all(map(same, engine, recorder))
    return type(engine) is type(recorder) and bool(engine == recorder)
