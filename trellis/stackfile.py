"""The only way from files to a `Platform`: offline and under the engine alike.

`load` takes configuration (from `pulumi.Config`, or from a stack file read as the engine reads it) and the folder of
profiles, merges them and returns the frozen spec - or raises `StackFileError` with every mistake at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.spec import edits
from components.spec.base import Path as KeyPath
from components.spec.base import Problem, dotted
from components.spec.platform import Platform
from components.spec.validate import validate
from trellis.yaml_values import Document, Secure, StackYamlError, read_document, read_stack

KEY = "trellis:platform"
PROFILE_KEY = "profile"


@dataclass(frozen=True)
class Place:
    """Where a value stands: file and line (from 1; 0 when the value stands in no file)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


Faults = list[tuple[Place, Problem]]


class StackFileError(Exception):
    """Every mistake in a stack file and its profiles, each with its place."""

    def __init__(self, problems: Faults) -> None:
        self.problems = problems
        super().__init__("\n\n".join(describe(place, problem) for place, problem in problems))


def describe(place: Place, problem: Problem) -> str:
    """One problem in words: place, value, what is allowed, what would happen, the edit that fixes it."""
    value = json.dumps(problem.value, ensure_ascii=False, default=str)
    shown = value if len(value) <= 100 else value[:97] + "..."
    return "\n".join(
        [
            f"{place}: {dotted(problem.path)}: {problem.message}",
            f"  given:    {shown}",
            f"  allowed:  {problem.allowed}",
            f"  else:     {problem.consequence}",
            f"  fix:      {problem.fix}",
        ]
    )


@dataclass(frozen=True)
class Source:
    """Merged settings with the place of every key."""

    values: Mapping[str, Any]
    places: Mapping[KeyPath, Place]
    file: str

    def place(self, path: KeyPath) -> Place:
        """Where a path stands, or the nearest enclosing key that stands in a file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.file, 0)


def _merge(base: Source, over: Source) -> Source:
    """Lay one source over another: mappings merge key by key, lists and scalars replace, null takes away."""
    places = dict(base.places)
    values = _overlay(base.values, over.values, (), places, over.places)
    return Source(values=values, places=places, file=over.file)


def _overlay(
    base: Mapping[str, Any],
    over: Mapping[str, Any],
    path: KeyPath,
    places: dict[KeyPath, Place],
    over_places: Mapping[KeyPath, Place],
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        here = (*path, key)
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and value:
            merged[key] = _overlay(below, value, here, places, over_places)
            if here in over_places:  # what is missing below is told where the nearer file speaks of it
                places[here] = over_places[here]
        else:
            for stale in [p for p in places if p[: len(here)] == here]:
                del places[stale]
            places.update({p: place for p, place in over_places.items() if p[: len(here)] == here})
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
    return merged


def _profile_problem(value: Any, known: list[str], near: list[str]) -> Problem:
    return Problem(
        path=(PROFILE_KEY,),
        value=value,
        message="no such profile",
        allowed=", ".join(known) or "no profile exists",
        consequence="the environment would lack everything that it leaves to its profile",
        fix=edits.put((PROFILE_KEY,), (near or known or ["base"])[0]),
        rule="no-such-profile",
    )


def _with_profiles(source: Source, folder: Path) -> tuple[Source, Faults]:
    """Lay a source over its chain of profiles, farthest first. A misspelt one is told, and the nearest taken."""
    chain = [source]
    faults: Faults = []
    left = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    while PROFILE_KEY in chain[-1].values:
        top = chain[-1]
        name = top.values[PROFILE_KEY]
        if not isinstance(name, str) or name not in left:
            near = edits.nearest(name, left)
            faults.append((top.place((PROFILE_KEY,)), _profile_problem(name, list(left), near)))
            if not near:
                raise StackFileError(faults)
            name = near[0]
        file = left.pop(name)
        shown = f"stacks/profiles/{file.name}"
        document = _document(file, shown, read_document)
        lines = {path: Place(shown, line) for path, (line, _) in document.positions.items()}
        chain.append(Source(values=document.values, places=lines, file=shown))
    merged = chain.pop()
    while chain:
        merged = _merge(merged, chain.pop())
    return Source({k: v for k, v in merged.values.items() if k != PROFILE_KEY}, merged.places, source.file), faults


def check(source: Source, profiles: Path, stack: str | None = None) -> tuple[Platform, Source]:
    """Merge profiles, validate, and return the platform with where its values stand.

    `stack` is the name of the stack, which the environment must bear; None where there is no stack yet.
    """
    merged, faults = _with_profiles(source, profiles)
    platform, problems = validate(merged.values)
    environment = merged.values.get("environment")
    if stack is not None and isinstance(environment, str) and environment != stack:
        problems.append(_another_environment(environment, stack))
    faults += [(merged.place(problem.path), problem) for problem in problems]
    if faults or platform is None:
        raise StackFileError(sorted(faults, key=lambda row: (row[0].file, row[0].line, dotted(row[1].path))))
    return platform, merged


def _another_environment(environment: str, stack: str) -> Problem:
    return Problem(
        rule="environment-is-the-stack",
        path=("environment",),
        value=environment,
        message=f"the environment is not called as its stack, `{stack}`",
        allowed=f"{stack}, or a stack of the name given",
        consequence=f"buckets, roles and clusters would be called as those of the stack `{environment}`: one would "
        "take over, or be refused, what the other made",
        fix=f"set `environment: {stack}`",
    )


def load(values: Mapping[str, Any], profiles: Path, stack: str | None = None) -> Platform:
    """Turn the value of `trellis:platform` into a platform. Used under the engine, where no line numbers exist."""
    return check(Source(values=values, places={}, file="configuration"), profiles, stack)[0]


def _document(path: Path, shown: str, reader: Callable[[Path], Document]) -> Document:
    """Read a file; turn whatever keeps the engine from reading it into problems."""
    try:
        return reader(path)
    except StackYamlError as error:
        raise StackFileError(
            [
                (
                    Place(shown, one.line),
                    Problem(
                        path=one.path[2:] if one.path[:2] == ("config", KEY) else one.path,
                        value=one.value,
                        message=one.message,
                        allowed="YAML that the Pulumi engine reads",
                        consequence="the engine would refuse the file, or read something else than is written",
                        fix=one.fix,
                        rule="unreadable",
                    ),
                )
                for one in error.problems
            ]
        ) from error


def read(path: Path, shown: str | None = None) -> tuple[Mapping[str, Any], Source]:
    """Read a stack file as the engine would: all configuration, and the platform's part with line numbers."""
    name = shown or f"stacks/{path.name}"
    document = _document(path, name, read_stack)
    config: Mapping[str, Any] = document.values.get("config", {})
    values = config.get(KEY)
    if not isinstance(values, Mapping):
        problem = Problem(
            path=(),
            value=values,
            message=f"the key `config: {KEY}:` is missing or no mapping",
            allowed="a mapping that describes the environment",
            consequence="there would be nothing to build",
            fix=f"add `config:` with `  {KEY}:` and the settings below it; see stacks/Pulumi.dev.yaml",
            rule="required",
        )
        raise StackFileError([(Place(name, 1), problem)])
    prefix = ("config", KEY)
    places = {p[2:]: Place(name, line) for p, (line, _) in document.positions.items() if p[:2] == prefix}
    return config, Source(values=values, places=places, file=name)


def wire(config: Mapping[str, Any]) -> dict[str, str]:
    """Configuration as the engine hands it to a program: text, objects as JSON. Encrypted values are left out."""
    plain = {key: value for key, value in config.items() if not isinstance(value, Secure)}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in plain.items()}
