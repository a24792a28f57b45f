"""A table of wrong stack files: each is a right one, broken in one place. What a person is told is held row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.spec.base import dotted
from components.spec.rules import RULES, rule_id
from tests.spec.edits import carry_out, find
from tests.spec.rows import Row, rows
from tests.spec.stack_files import GOOD, good, told

ROWS = rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=[f"{row.table}: {row.name}" for row in ROWS])


@each_row
def test_the_mistake_is_told_and_nothing_else(row: Row, tmp_path: Path) -> None:
    problems = told(row.values(), tmp_path)
    seen = sorted((problem.rule, dotted(problem.path)) for _, problem in problems)
    assert seen == row.wanted, "\n".join(
        f"{problem.rule} {dotted(problem.path)}: {problem.message}" for _, problem in problems
    )
    for one in row.finds:
        told_here = [p for _, p in problems if (p.rule, dotted(p.path)) == (one["rule"], one["at"])]
        problem = told_here[0]
        parts = {"says": problem.message, "allowed": problem.allowed, "fix": problem.fix, "else": problem.consequence}
        for key, text in parts.items():
            wanted = one.get(key, [])
            for fragment in [wanted] if isinstance(wanted, str) else wanted:
                assert fragment in text, f"{key}: {text}"
        assert all(parts.values())


@each_row
def test_the_mistake_has_its_line(row: Row, tmp_path: Path) -> None:
    """The line named is that of the key, or of the nearest enclosing one where the key is missing."""
    problems = told(row.values(), tmp_path)
    lines = (tmp_path / "Pulumi.bad.yaml").read_text(encoding="utf-8").splitlines()
    for place, problem in problems:
        assert place.file == "stacks/Pulumi.bad.yaml"
        assert place.line > 0
        names = [str(part) for part in problem.path if isinstance(part, str)]
        there = find(row.values(), problem.path) is not None
        if there and isinstance(problem.path[-1], str):
            assert names[-1] in lines[place.line - 1]


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
