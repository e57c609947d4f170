"""Nothing is decided by the words of a message, a fix or an error: they may be reworded any day.

Callers go by a code or a value. Texts of other programs are read once, where they come in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent

TEXTS = {"message", "fix", "cause", "unnamed", "detail"}
"""The members of problems and errors that are words for people."""

LOOKS = {"startswith", "endswith", "find", "index", "count", "partition", "rpartition"}
"""The methods that look into a text."""

ALLOWED = {
    "config/explain.py": "jsonschema names a missing key only in its message",
    "reporters/diagnostics.py": "the site's name is left out of a command that is shown once for several sites",
    "reporters/problem_items.py": "the names in a note are set apart from what is the same on every site",
}
"""Where a text is looked into all the same, and why."""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in TEXTS


def _has_words(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and node.value in (None, ""))


def decisions(tree: ast.AST) -> Iterator[int]:
    """The lines where something is decided by a text."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=text, attr=method)) if method in LOOKS and _is_text(text):
                yield node.lineno
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]) if _is_text(right):
                yield node.lineno
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]) if (
                _is_text(left) and _has_words(right)
            ) or (_is_text(right) and _has_words(left)):
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[*_, text]) if _is_text(text):
                yield node.lineno
            case ast.Match(subject=text) if _is_text(text):
                yield node.lineno
            case _:
                pass


def test_nothing_is_decided_by_the_words_of_a_problem() -> None:
    files = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in sorted(ROOT.rglob("*.py"))}
    found = {name: lines for name, text in files.items() if (lines := list(decisions(parsed(text))))}
    assert {name: lines for name, lines in found.items() if name not in ALLOWED} == {}
    assert ALLOWED.keys() - found.keys() == set(), "nothing looks into a text there any more"


@pytest.mark.parametrize(
    "source",
    [
        'if problem.message.startswith("the site"): pass',
        'owned = "dubious ownership" in error.message',
        'if "x" not in error.fix: pass',
        "same = problem.unnamed == problem.message",
        'if problem.cause != "gone": pass',
        'begins, _, names = note.message.partition(": ")',
        'if re.search("gone", problem.message): pass',
        'match problem.message:\n    case "gone": pass',
    ],
)
def test_a_decision_by_words_would_be_found(source: str) -> None:
    assert len(list(decisions(parsed(source)))) == 1


@pytest.mark.parametrize(
    "source",
    ["if problem.fix: pass", 'if error.message == "": pass', "text = problem.message", "if problem.code == GONE: pass"],
)
def test_what_is_not_a_decision_by_words_is_left_alone(source: str) -> None:
    assert list(decisions(parsed(source))) == []
