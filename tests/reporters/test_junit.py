"""The JUnit format, read by other people's parsers."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from reconciler.engine.results import PlanCompleted
from reconciler.executor.ledger import ActionResult
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.junit import JunitReporter
from tests.hostile import CAPTIONS
from tests.reporters.endings import NOT_DONE, Run, applied, endings, exits, full_plan, ledger, planned

RUNS = dict(endings(str))


def document(run: Run) -> str:
    out = io.StringIO()
    reporter = JunitReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return out.getvalue()


def suite(run: Run) -> Any:
    junitparser = pytest.importorskip("junitparser")
    (found,) = junitparser.JUnitXml.fromstring(document(run).encode())
    return found


def cases(run: Run) -> dict[str, Any]:
    return {case.name: case for case in suite(run)}


def kinds(run: Run) -> dict[str, list[str]]:
    return {name: [type(result).__name__ for result in case.result] for name, case in cases(run).items()}


@pytest.mark.parametrize("text", CAPTIONS)
def test_it_is_xml_whatever_the_texts(text: str) -> None:
    for _, run in endings(lambda word: f"{word} {CAPTIONS[text]} \ud83d \x01"):
        ElementTree.fromstring(document(run).encode())


@pytest.mark.parametrize("name", RUNS)
def test_the_numbers_are_those_of_the_cases(name: str) -> None:
    found = suite(RUNS[name])
    before = (found.tests, found.failures, found.errors, found.skipped)
    found.update_statistics()
    assert (found.tests, found.failures, found.errors, found.skipped) == before


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nothing to change", {"run": [], "calm": []}),
        ("changes", {"run": [], "shop": [], "calm": []}),
        ("a site that cannot be read", {"run": [], "shop": [], "lost": ["Error"]}),
        ("a refused site", {"run": [], "shop": ["Failure"], "calm": []}),
        ("a refused run", {"run": ["Failure"], "shop": []}),
        ("interrupted at once", {"run": ["Failure"]}),
        ("a usage error", {"run": ["Error"]}),
        ("valid files with a warning", {"run": []}),
        ("validate of bad files", {"run": [], "sites/a.yaml": ["Error"], "sites/b.yaml": ["Error"]}),
        ("every result", {"run": [], "shop": ["Error"], "other": ["Error"], "lost": ["Error"]}),
        ("locked after the yes", {"run": [], "shop": [], "other": ["Failure"]}),
        ("drift", {"run": [], "shop": ["Failure"], "lost": ["Error"]}),
        ("no drift", {"run": [], "calm": []}),
        ("doctor", {"run": [], "shop": ["Error"]}),
        ("state list", {"run": [], "shop": [], "bad": ["Error"]}),
    ],
)
def test_what_fails(name: str, wanted: dict[str, list[str]]) -> None:
    assert kinds(RUNS[name]) == wanted


@pytest.mark.parametrize("result", NOT_DONE)
def test_a_site_where_work_was_left_undone_fails(result: ActionResult) -> None:
    """Also beside a site that fails for another reason: one red case doesn't make the others green."""
    left = (ledger(str, result), ledger(str, ActionResult.FAILED, site="other"))
    run = Run("apply", (*applied(str, *left, plan=PlanCompleted(2)), exits(1)))
    kind = "Error" if result is ActionResult.FAILED else "Failure"
    assert kinds(run) == {"run": [], "shop": [kind], "other": ["Error"]}


def test_what_is_in_doubt_fails_once_the_site_was_worked_on() -> None:
    doubt = Diagnostic("outcome-unknown", "may have been created", "run apply again", Severity.WARNING)
    plan = full_plan(str)
    before = planned(replace(plan, blocked=(*plan.blocked, doubt)))
    after = applied(str, replace(ledger(str, ActionResult.DONE), in_doubt=(doubt,)), plan=PlanCompleted(1))
    run = Run("apply", (before, *after, exits(3)))
    assert kinds(run) == {"run": [], "shop": ["Failure"]}
    assert "may have been created" not in str(cases(run)["shop"].system_out)


def test_what_is_blocked_is_reported_and_fails_nothing() -> None:
    case = cases(RUNS["changes"])["shop"]
    assert "w-blocked" in str(case.system_out)
    assert case.time == 1.25
