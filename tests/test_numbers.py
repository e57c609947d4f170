"""A number that people read has its thousands separated (`1,940`), and a duration has one form (`40 min`).

Where a number is put into a text it is `{count:,}`. What is typed (an index, a port, a line, `--shard 2/8`), and what
programs read, is left as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import reconciler
from reconciler.model.durations import as_typed, duration, length
from reconciler.reporters.layout import Row, Screen, table
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent
TESTS = Path(__file__).parent

INT = {"int", "int | None"}
COUNTING = {"len", "sum", "min", "max", "int"}

FOR_PROGRAMS = {
    "api/address.py",
    "api/cassette.py",
    "cli/options.py",
    "cli/shards.py",
    "config/approval_entries.py",
    "config/yaml_edit.py",
    "config/yaml_values.py",
    "engine/choice.py",
    "model/content.py",
    "model/settings.py",
    "reporters/json_report.py",
    "reporters/junit.py",
    "state/documents.py",
    "state/journal.py",
    "state/ledger.py",
    "state/part_results.py",
    "state/plans.py",
    "web/app.py",
    "web/guard.py",
    "web/server.py",
}
"""They write what is typed or read by a program: addresses, keys of the state, YAML, JSON, XML, arguments, versions."""

NAMES = {"column", "exit_code", "index", "line", "port", "process", "rule", "status", "version"}
"""Numbers that count nothing."""

OTHERS = {
    "config/advice.py": {"match.end", "match.start"},
    "config/repository.py": {"most"},
    "planner/doubt.py": {"live.asked"},
    "planner/events.py": {"REACH_AHEAD.days"},
    "reporters/ledger_summary.py": {"widest"},
    "reporters/page.py": {"len(columns) + 2"},
    "reporters/problem_items.py": {"name"},
    "reporters/state_text.py": {"len(head)", "words.asked"},
}
"""Dates, texts, a constant, an argument of git, widths, an attribute of HTML."""


def _sources() -> dict[str, ast.Module]:
    files = (path for path in sorted(ROOT.rglob("*.py")) if "sandbox" not in path.relative_to(ROOT).parts[:1])
    return {str(path.relative_to(ROOT)): parsed(path.read_text()) for path in files}


def _number_members(tree: ast.Module) -> Iterator[str]:
    for part in ast.walk(tree):
        for member in part.body if isinstance(part, ast.ClassDef) else ():
            match member:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if ast.unparse(kind) in INT:
                    yield name


def _is_number(value: ast.expr, names: set[str], members: set[str]) -> bool:
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in COUNTING
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv(), right=right):
            return _is_number(left, names, members) or _is_number(right, names, members)
        case ast.Name(id=name):
            return name in names and not name.isupper()
        case ast.Attribute(attr=name):
            return name in members
        case _:
            return False


def _bare_numbers(tree: ast.Module, members: set[str]) -> Iterator[tuple[int, str]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        names = {arg.arg for arg in given if arg.annotation is not None and ast.unparse(arg.annotation) in INT}
        for part in ast.walk(function):
            match part:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ) if _is_number(value, names, members):
                    names.add(name)
        for part in ast.walk(function):
            match part:
                case ast.FormattedValue(format_spec=None, value=value) if _is_number(value, names - NAMES, members):
                    yield part.lineno, ast.unparse(value)


def test_numbers_in_texts_have_their_thousands_apart() -> None:
    sources = _sources()
    members = {name for tree in sources.values() for name in _number_members(tree)} - NAMES
    found = {
        f"reconciler/{file}:{line}: {{{value}}} should be {{{value}:,}}"
        for file, tree in sources.items()
        if file not in FOR_PROGRAMS
        for line, value in _bare_numbers(tree, members)
        if value not in OTHERS.get(file, ())
    }
    assert not found, "\n".join(sorted(found))


SCREENS = sorted(
    {*TESTS.glob("*/screens/*.txt"), *TESTS.glob("cases/*/plan.txt"), *TESTS.glob("cases/*/reports/*.txt")}
)

BARE = re.compile(r"(?<![\w.,:/#+-])\d{4,}(?![\w:/-]|\.\d)")
ACCOUNT = re.compile(r"\b\d{15,}\b")

OTHER_FORM = re.compile(r"\b\d+ (?:h|min) 00 |\bafter \d+[smhd]\b|\bin \d+[smhd]\b")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: str(path.relative_to(TESTS)))
def test_golden_screens_have_one_form_of_numbers_and_durations(screen: Path) -> None:
    text = ACCOUNT.sub("", screen.read_text())
    assert [found for found in BARE.findall(text) if not 1970 <= int(found) <= 2100] == []
    assert [found[0] for found in OTHER_FORM.finditer(text)] == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (900, "15 min"),
        (200, "3 min 20 s"),
        (2400, "40 min"),
        (3600, "1 h"),
        (7500, "2 h 05 min"),
        (24 * 3600, "1 day"),
        (51 * 3600, "2 days 3 h"),
        (2000 * 24 * 3600, "2,000 days"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert length(seconds) == shown


def test_a_short_duration_has_a_tenth() -> None:
    assert [duration(seconds) for seconds in (0.42, 9.94, 9.96)] == ["0.4 s", "9.9 s", "10 s"]


@pytest.mark.parametrize("typed", ["21d", "2h", "90m", "45s", "50ms", "1500ms", "0s"])
def test_a_typed_duration_is_shown_as_it_can_be_typed(typed: str) -> None:
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = re.fullmatch(r"(\d+)(\D+)", typed).groups()  # type: ignore[union-attr]
    assert as_typed(timedelta(seconds=int(number) * units[unit])) == typed


def test_a_column_is_as_wide_as_its_numbers() -> None:
    lines = list(table("site", ["add"], [Row("shop", (12345,)), Row("cafe", (0,)), Row("all", (2,))], Screen(60)))
    assert lines == ["site     add", "shop  12,345", "cafe       -", "all        2"]


def test_templates_show_lengths_as_numbers() -> None:
    templates = [*ROOT.glob("*/templates/*.html")]
    assert templates
    bare = re.compile(r"\{\{[^}|]*\|length\b(?! ==)[^|}]*\}\}(?!;)")
    found = [f"{path.name}: {text}" for path in templates for text in bare.findall(path.read_text())]
    assert found == []
