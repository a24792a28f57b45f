"""A table of wrong stack files: each is a right one, broken in one place. What a person is told is held row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.spec.base import Problem, dotted
from components.spec.rules import RULES, rule_id
from tests.spec.edits import carry_out, find
from tests.spec.rows import Row, rows
from tests.spec.stack_files import GOOD, good, told
from trellis.stackfile import Place

ROWS = rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=[f"{row.table}: {row.name}" for row in ROWS])


@each_row
def test_the_mistake_is_told_with_its_line_and_nothing_else(row: Row, tmp_path: Path) -> None:
    problems = told(row.values(), tmp_path)
    seen = sorted((problem.rule, dotted(problem.path)) for _, problem in problems)
    assert seen == row.wanted, "\n".join(f"{p.rule} {dotted(p.path)}: {p.message}" for _, p in problems)
    lines = (tmp_path / "Pulumi.bad.yaml").read_text(encoding="utf-8").splitlines()
    for place, problem in problems:
        assert _is_line_of(problem, place, lines, row)
        parts = {"says": problem.message, "allowed": problem.allowed, "fix": problem.fix, "else": problem.consequence}
        assert all(parts.values())
        wanted = next(one for one in row.finds if (one["rule"], one["at"]) == (problem.rule, dotted(problem.path)))
        for key in parts.keys() & wanted.keys():
            for fragment in [wanted[key]] if isinstance(wanted[key], str) else wanted[key]:
                assert fragment in parts[key]


def _is_line_of(problem: Problem, place: Place, lines: list[str], row: Row) -> bool:
    """Whether a place is the line of the key, or, where the key is missing, some line of the file."""
    assert place.file == "stacks/Pulumi.bad.yaml"
    key = problem.path[-1]
    there = find(row.values(), problem.path) is not None and isinstance(key, str)
    return str(key) in lines[place.line - 1] if there else place.line > 0


@each_row
def test_the_edit_that_is_offered_repairs_it(row: Row, tmp_path: Path) -> None:
    if row.words_only:
        assert len(row.words_only) > 20, "say why the fix cannot be carried out"
        return
    values = row.values()
    for _ in range(len(row.finds)):
        problems = told(values, tmp_path)
        if not problems:
            break
        _, first = problems[0]
        values = carry_out(values, first.fix, first.path)
        left = [(p.rule, p.path) for _, p in told(values, tmp_path)]
        assert (first.rule, first.path) not in left, f"still there after: {first.fix}"


def test_every_rule_is_in_the_table() -> None:
    hit = {one["rule"] for row in ROWS for one in row.finds}
    assert [rule_id(rule) for rule in RULES if rule_id(rule) not in hit] == []


def test_rows_have_names_of_their_own() -> None:
    names = [(row.table, row.name) for row in ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", GOOD)
def test_the_files_that_are_broken_here_are_right(name: str, tmp_path: Path) -> None:
    assert told(good(name), tmp_path) == []
