"""What each kind of write says about itself, and how far the knowledge of one kind has spread."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import Phase, find, settings

import reconciler
from reconciler.executor.kinds import NO_CALL, kind_of
from reconciler.model.address import Address, Kind
from reconciler.model.frozen import kind_of as kind_of_class
from reconciler.model.operations import Deferred, Operation, Precondition, SitePart, class_of
from reconciler.model.writes import CLASSES, Verb, Write
from reconciler.planner.actions import Action, Reason
from reconciler.reporters.kinds.registry import action_text, precondition, write_record
from tests.sources import parsed
from tests.strategies import of

OPERATIONS = get_args(Operation)
ANY = settings(max_examples=1, phases=[Phase.generate], database=None)
EVENT = re.compile(r"\b(?:Create|Update|Delete|Calendar)Events?\b|calendar_events?\b|calendarEvents|calendar events?\b")
MOST = 14
"""Files that know calendar events. The number may fall, but never rise: `docs/design.md` names them, and says why."""


ITS_OWN = re.compile(r"(?:drift_)?event(?:s|_text)\.py")
NAMED = re.compile(
    r"\b(?:(?:model|planner|api|config|kinds)\.events|planner\.drift_events|config\.event_text)\b"
    r"|\b(?:Kind\.EVENT|Need\.EVENTS)\b"
)
MOST_SHARED = 20
"""Shared files that mention events: where a kind needs a line, and what is made from events."""


@pytest.mark.parametrize("kind", OPERATIONS)
def test_every_kind_of_write_says_what_is_true_of_it(kind: Any) -> None:
    operation = find(of(kind), lambda _: True, settings=ANY)
    if kind is not Deferred:
        assert isinstance(operation.verb, Verb)
        assert class_of(operation) is CLASSES[operation.verb]
    assert isinstance(kind.kind, Kind)
    assert (kind_of(operation) is NO_CALL) is (kind is Deferred)


@pytest.mark.parametrize("kind", OPERATIONS)
def test_every_kind_of_write_has_words_and_a_form_in_json(kind: Any) -> None:
    operation = Deferred(SitePart.SCHEDULE, 0) if kind is Deferred else find(of(kind), lambda _: True, settings=ANY)
    action = Action(Address.parse("shop"), operation, Reason.RULE)
    assert action_text(action, "UTC").subject
    assert write_record(operation).__struct_config__.tag == kind_of_class(kind.__name__)


@pytest.mark.parametrize("kind", get_args(Precondition))
def test_every_condition_has_words(kind: Any) -> None:
    assert precondition(find(of(kind), lambda _: True, settings=ANY))


def test_no_more_files_know_calendar_events_than_did() -> None:
    root = Path(reconciler.__file__).parent
    knowing = sorted(
        str(path.relative_to(root)) for path in root.rglob("*.py") if EVENT.search(path.read_text("utf-8"))
    )
    assert len(knowing) <= MOST, f"{len(knowing)} files know calendar events: {knowing}"


def test_no_more_files_of_all_kinds_name_events_than_did() -> None:
    root = Path(reconciler.__file__).parent
    naming = sorted(
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if not ITS_OWN.fullmatch(path.name) and NAMED.search(path.read_text("utf-8"))
    )
    assert len(naming) <= MOST_SHARED, f"{len(naming)} files of all kinds name events: {naming}"


def test_no_match_over_operations_swallows_a_new_one() -> None:
    """A match with a case for a kind of write ends in assert_never, or names them all."""
    names = {base.__name__ for kind in OPERATIONS for base in kind.__mro__ if issubclass(base, Write)}
    root = Path(reconciler.__file__).parent
    silent = []
    for path in root.rglob("*.py"):
        for match in ast.walk(parsed(path.read_text("utf-8"))):
            if isinstance(match, ast.Match) and _classes(match) & names and _swallows(match):
                silent.append(f"{path.relative_to(root)}:{match.lineno}")
    assert silent == []


KIND = re.compile(r"\bKind\.[A-Z_]+|executor\.kinds\.(?!base\b|steps\b)\w+")


def test_shared_files_of_the_executor_name_no_kind() -> None:
    """They ask the write, its condition or its ManagedKind. A deferred action is of no kind."""
    types = {each.__name__ for each in (*OPERATIONS, *get_args(Precondition))} - {Deferred.__name__}
    naming = {}
    for path in (Path(reconciler.__file__).parent / "executor").glob("*.py"):
        source = path.read_text("utf-8")
        names = {node.id for node in ast.walk(parsed(source)) if isinstance(node, ast.Name)}
        if found := names & types | set(KIND.findall(source)):
            naming[path.name] = sorted(found)
    assert naming == {}


DECIDE = ("model", "planner", "executor", "engine", "api", "state")
MOST_ASKED = 35
"""Branches that ask whether a write is of one type, in the packages below the reporters. A new type silently takes the
other branch, so each must be right for whatever comes; in a match that names all types, the type checker reports the
new one instead.
"""


def test_no_more_branches_ask_for_one_type_of_write_than_did() -> None:
    root = Path(reconciler.__file__).parent
    asked = [
        f"{path.relative_to(root)}:{line}"
        for path in sorted(root.rglob("*.py"))
        if path.relative_to(root).parts[0] in DECIDE
        for line in _branches(path.read_text("utf-8"))
    ]
    assert len(asked) <= MOST_ASKED, f"{len(asked)} branches ask whether a write is of one type: {asked}"


@pytest.mark.parametrize(
    "source",
    [
        "if isinstance(operation, Regenerate):\n    pass",
        "x = 1 if isinstance(action.operation, Regenerate) else 2",
        "def f():\n    return not isinstance(entry.operation, Regenerate)",
    ],
)
def test_such_a_branch_would_be_found(source: str) -> None:
    assert list(_branches(source)) != []


def test_choosing_writes_and_narrowing_them_are_not_branches() -> None:
    source = "assert isinstance(operation, Regenerate)\nfound = [a for a in b if isinstance(a.operation, Regenerate)]"
    assert list(_branches(source)) == []


def _branches(source: str) -> Iterator[int]:
    """The lines that ask for a write's type, except in a comprehension or an assertion."""
    tree = parsed(source)
    chosen: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension | ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.Assert):
            chosen |= set(ast.walk(node))
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name("isinstance"), args=[ast.Name("operation") | ast.Attribute(attr="operation"), _]
            ) if node not in chosen:
                yield node.lineno
            case _:
                pass


def _classes(match: ast.Match) -> set[str]:
    patterns = (node for case in match.cases for node in ast.walk(case.pattern))
    return {node.cls.id for node in patterns if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name)}


def _swallows(match: ast.Match) -> bool:
    """Whether a last case takes everything else without passing it on to assert_never or to typed code."""
    last = match.cases[-1]
    wild = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    if not isinstance(last.pattern, ast.MatchAs) or not wild:
        return False
    subject = {ast.unparse(match.subject), last.pattern.name}
    calls = [node for statement in last.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    given = (ast.unparse(value) for call in calls for value in call.args if isinstance(call.func, ast.Name))
    return not any(value in subject for value in given)
