"""What a user can correct: what is wrong and what to do are two separate things, even between processes."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

import reconciler
from reconciler.engine.problems import diagnostic_of
from reconciler.model.diagnostics import Place, UsageError
from reconciler.planner.document import UnreadablePlan
from reconciler.state.errors import StateError
from tests.sources import parsed

SOURCES = sorted(Path(reconciler.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("no key"), "no key"),
        (UsageError("no key", "set WIX_API_KEY"), "no key; set WIX_API_KEY"),
        (UsageError("no key", "set it", Place("a.yaml", 3, 5)), "a.yaml:3:5: no key; set it"),
        (UsageError("no git", "install it; or not"), "no git; install it; or not"),
        (StateError("records/1.json", "is cut off", "restore it"), "records/1.json is cut off; restore it"),
        (UnreadablePlan("a.plan", "is not a saved plan", "make one"), "a.plan is not a saved plan; make one"),
    ],
)
def test_it_is_shown_as_one_sentence_and_kept_in_parts(error: UsageError, said: str) -> None:
    assert str(error) == said
    found = diagnostic_of(error)
    assert (found.message, found.fix, found.place) == (error.message, error.fix, error.place)
    assert ";" not in found.message


def test_it_travels_between_processes() -> None:
    error = UsageError("no key", "set it", Place("a.yaml"))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_message_holds_its_fix(path: Path) -> None:
    """Wherever one is raised, what to do is a separate argument."""
    for node in ast.walk(parsed(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("UsageError", "PartFailed", "UnreadablePlan"):
            texts = [inner.value for inner in ast.walk(node.args[0]) if isinstance(inner, ast.Constant)]
            assert not [text for text in texts if "; " in str(text)], ast.unparse(node)
