"""Over many sites 1 wins, then 4, 3, 2, 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

import reconciler
from reconciler.engine.apply_sites import ApplyTotals
from reconciler.engine.merge import merged_reports, report_verdict
from reconciler.engine.results import (
    ApplyCompleted,
    ClosingEvent,
    DriftCompleted,
    FilesInvalid,
    Interrupted,
    PlanCompleted,
    Refused,
    RunFailed,
)
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.engine.state_results import StateListed
from reconciler.engine.verdict import verdict_of
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.model.verdict import Verdict, verdict_with, worst
from reconciler.planner.drift_report import DriftTally
from reconciler.planner.tally import PlanTally
from reconciler.state.repair import StateSummary
from tests.sources import parsed

NO = Diagnostic("no", "no")
ORDER = [Verdict.FAILED, Verdict.REFUSED, Verdict.INCOMPLETE, Verdict.CHANGES, Verdict.SUCCEEDED]


def exit_code(event: ClosingEvent, *, detailed: bool = False, signal: int | None = None) -> int:
    return verdict_of(event, detailed=detailed, signal=signal).exit_code


def test_the_worst_wins() -> None:
    for first, second in combinations(ORDER, 2):
        assert worst([second, first]) is first
        assert worst([first, second, Verdict.SUCCEEDED]) is first
    assert worst([]) is Verdict.SUCCEEDED


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, 0),
        ({"changes": 3}, 0),
        ({"changes": 3, "detailed": 1}, 2),
        ({"changes": 0, "detailed": 1}, 0),
        ({"changes": 3, "refused": 1, "detailed": 1}, 4),
        ({"changes": 3, "refusals": 1, "detailed": 1}, 4),
        ({"changes": 3, "refused": 1, "failed": 1}, 1),
    ],
)
def test_plan_and_drift(facts: dict[str, int], code: int) -> None:
    changes, refusals = facts.get("changes", 0), (NO,) * facts.get("refusals", 0)
    failed, refused, detailed = facts.get("failed", 0), facts.get("refused", 0), bool(facts.get("detailed"))
    plan = PlanCompleted(9, PlanTally(change=changes), failed, refused, refusals)
    assert exit_code(plan, detailed=detailed) == code
    drift = DriftCompleted(9, DriftTally(drifted=changes), failed, refused, refusals)
    assert exit_code(drift) == (1 if failed else 2 if changes else 0), "a guard refuses no audit"


def ledger(*results: ActionResult, error: Diagnostic | None = None) -> SiteLedger:
    address = Address(SiteName("shop"), Kind.MARKETING_PLAN)
    return SiteLedger(
        SiteRef(SiteName("shop"), "1"), tuple(Entry(address, Generate(), result) for result in results), (), error
    )


@pytest.mark.parametrize(
    ("ledgers", "code"),
    [
        ((), 0),
        ((ledger(ActionResult.DONE),), 0),
        ((ledger(ActionResult.DONE, ActionResult.SKIPPED),), 3),
        ((ledger(ActionResult.WITHHELD),), 3),
        ((ledger(ActionResult.PENDING),), 3),
        ((ledger(ActionResult.UNKNOWN),), 3),
        ((ledger(ActionResult.NOT_STARTED),), 3),
        ((ledger(ActionResult.DONE), ledger(ActionResult.FAILED, ActionResult.PENDING)), 1),
        ((ledger(error=Diagnostic("state", "the lock was lost")),), 1),
    ],
)
def test_apply(ledgers: tuple[SiteLedger, ...], code: int) -> None:
    assert exit_code(applied(*ledgers)) == code


def applied(*results: SiteLedger | SiteFailed, failed: int = 0, refused: int = 0, stop: bool = False) -> ApplyCompleted:
    totals = ApplyTotals(PlanCompleted(len(results), failed=failed, refused=refused), len(results))
    for result in results:
        totals.add(SiteApplied(result) if isinstance(result, SiteLedger) else result)
    return totals.completed(interrupted=stop)


def test_an_apply_that_leaves_the_outcome_of_an_earlier_call_unknown_is_incomplete() -> None:
    in_doubt = PlanCompleted(1, PlanTally(blocked=1, in_doubt=1))
    assert exit_code(in_doubt, detailed=True) == 0
    for ledgers in ((), (ledger(ActionResult.DONE),)):
        totals = ApplyTotals(in_doubt, len(ledgers))
        for each in ledgers:
            totals.add(SiteApplied(each))
        assert exit_code(totals.completed(interrupted=False)) == 3


def test_what_concerns_other_sites_counts_too() -> None:
    pending = ledger(ActionResult.PENDING)
    assert exit_code(applied(pending, refused=1)) == 4
    assert exit_code(applied(pending, failed=1, refused=1)) == 1
    assert exit_code(applied(pending, failed=1, refused=1, stop=True), signal=SIGINT) == 130
    assert exit_code(applied(pending, stop=True), signal=SIGTERM) == 143
    assert exit_code(applied(pending, SiteFailed(SiteName("b"), (NO,), refused=True))) == 4
    assert exit_code(applied(pending, SiteFailed(SiteName("b"), (NO,)))) == 1


def test_every_result_has_a_code() -> None:
    for result in ActionResult:
        assert exit_code(applied(ledger(result))) in (0, 1, 3)


def test_every_other_end() -> None:
    assert exit_code(Refused(NO)) == 4
    assert exit_code(Refused(NO, failed=1)) == 1
    assert exit_code(Refused(NO, unwritable=True)) == 1
    assert exit_code(FilesInvalid((NO,))) == exit_code(RunFailed(NO)) == 1
    assert exit_code(Interrupted()) == 130
    assert exit_code(Interrupted(), signal=SIGTERM) == 143
    assert exit_code(StateListed("x", (StateSummary(SiteName("a")),))) == 0
    assert exit_code(StateListed("x", (StateSummary(SiteName("a"), problem=Diagnostic("state", "corrupt")),))) == 1


def test_every_verdict_has_a_code_of_its_own() -> None:
    assert {verdict.value: verdict.exit_code for verdict in Verdict} == {
        "succeeded": 0,
        "changes": 2,
        "incomplete": 3,
        "refused": 4,
        "failed": 1,
        "interrupted": 130,
        "terminated": 143,
    }
    assert [verdict_with(verdict.exit_code) for verdict in Verdict] == list(Verdict)
    assert {verdict_with(odd) for odd in (None, "0", False, 0.0, 5, -1)} == {Verdict.FAILED}


@pytest.mark.parametrize(("first", "second"), list(combinations(Verdict, 2)))
def test_merged_reports_end_as_one_run_would(first: Verdict, second: Verdict) -> None:
    def report(number: int, verdict: Verdict) -> tuple[str, dict[str, object]]:
        run = {"part": {"number": number, "count": 2, "config": "x"}}
        return f"{number}.json", {
            "command": "plan",
            "run": run,
            "verdict": verdict.value,
            "exitCode": verdict.exit_code,
        }

    merged = merged_reports([report(1, first), report(2, second)])
    wanted = worst((first, second))
    assert (merged["verdict"], merged["exitCode"]) == (wanted.value, wanted.exit_code)


def test_a_shard_that_does_not_say_how_it_ended_failed() -> None:
    run = {"part": {"number": 1, "count": 1, "config": "x"}}
    assert report_verdict(merged_reports([("1.json", {"command": "plan", "run": run})])) is Verdict.FAILED


def test_what_ended_without_a_run_has_a_verdict_too() -> None:
    assert verdict_of(None) is Verdict.SUCCEEDED, "help was shown, or a word completed"
    for error in (OSError("disk full"), BrokenPipeError(), SystemExit(1), ValueError("a bug")):
        assert verdict_of(error) is Verdict.FAILED


SOURCES = sorted(Path(reconciler.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "verdict.py"], ids=str)
def test_no_other_file_names_an_exit_code(path: Path) -> None:
    """Neither as the number with which a process ends, nor to find out what an exit code means."""
    if path.name != "verdict.py" and "sandbox" not in path.parts:
        assert list(named_codes(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "sys.exit(1)",
        "raise SystemExit(4)",
        "os._exit(3)",
        "SUCCESS = {0, 2} if exit_code else 0",
        "ok = exit_code in (0, 2)",
        "style = {0: 'good'}.get(exit_code)",
        "if ended.exit_code == 1: pass",
        "def command() -> int:\n    return 1",
        "def command() -> int | None:\n    return 4",
        "Ended(1)",
        "signals = {SIGINT: 130}",
    ],
)
def test_an_exit_code_elsewhere_is_seen(line: str) -> None:
    assert list(named_codes(line))


def named_codes(text: str) -> Iterator[str]:
    """The pieces of code that hold an exit code as a number."""
    for node in ast.walk(parsed(text)):
        match node:
            case ast.Constant(value=130 | 143):
                yield ast.unparse(node)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[argument, *_]):
                ends = called in ("exit", "_exit", "SystemExit", "Ended")
                looks_up = called == "get" and "exit_code" in ast.unparse(argument)
                if looks_up or (ends and isinstance(argument, ast.Constant) and argument.value != 0):
                    yield ast.unparse(node)
            case ast.Compare() | ast.IfExp():
                sides = ast.unparse(node)
                if "exit_code" in sides and any(map(is_number, ast.walk(node))):
                    yield sides
            case ast.FunctionDef(name=name, returns=ast.expr() as returns) if name in ENDING:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None and is_number(inner.value):
                        yield f"{ast.unparse(returns)}: {ast.unparse(inner)}"
            case _:
                pass


ENDING = ("command", "run", "reported", "entry_point")
"""Functions that give an exit code."""


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool)


CLI = [path for path in SOURCES if path.is_relative_to(Path(reconciler.__file__).parent / "cli")]


def test_the_command_line_takes_the_exit_code_of_a_verdict_in_one_place_and_decides_none() -> None:
    found = {path.name: list(verdicts_made(path.read_text("utf-8"))) for path in CLI}
    assert {name: places for name, places in found.items() if places} == {"main.py": ["verdict.exit_code"]}


@pytest.mark.parametrize(
    "line",
    [
        "return verdict.exit_code",
        "return Verdict.FAILED",
        "return Verdict('failed')",
        "return interrupted_by(number)",
        "return verdict_with(code)",
        "return worst([first, second])",
        "context.exit(code)",
        "raise SystemExit(code)",
        "raise click.exceptions.Exit(code)",
        "def command() -> int: ...",
        "def _failed(error: Exception) -> int: ...",
    ],
)
def test_a_second_place_is_seen(line: str) -> None:
    assert list(verdicts_made(line))


def verdicts_made(text: str) -> Iterator[str]:
    """The pieces of code that decide how a command ended, or turn that into an exit code."""
    for node in ast.walk(parsed(text)):
        match node:
            case ast.Attribute(attr="exit_code") | ast.Attribute(value=ast.Name(id="Verdict")):
                yield ast.unparse(node)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in DECIDE | LEAVE:
                if ast.unparse(node) not in LEFT:
                    yield ast.unparse(node)
            case ast.FunctionDef(name=name, returns=ast.Name(id="int")) if name not in NUMBERS:
                yield f"{name} -> int"
            case _:
                pass


DECIDE = frozenset({"Verdict", "interrupted_by", "verdict_with", "worst"})
"""What makes a verdict from something other than the end of a command."""

LEAVE = frozenset({"exit", "_exit", "Exit", "SystemExit"})
"""What ends a process with a code."""

LEFT = frozenset({"sys.exit(code)", "os._exit(code)"})
"""How `_leave` ends the process with the code that `run` returned."""

NUMBERS = frozenset({"run", "write", "_width"})
"""The functions of the command line that return a number: an exit code, characters written, the width of a screen."""
