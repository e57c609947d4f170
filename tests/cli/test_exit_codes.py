"""Over many sites 1 wins, then 4, 3, 2, 0."""

from __future__ import annotations

from itertools import combinations

import pytest

from reconciler.cli.exit_codes import ExitCode, exit_code, worst
from reconciler.engine.carrying_out import ApplyTotals
from reconciler.engine.merging import WORST_FIRST
from reconciler.engine.results import (
    ApplyCompleted,
    DriftCompleted,
    FilesInvalid,
    Interrupted,
    PlanCompleted,
    Refused,
    RunFailed,
)
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.engine.state_results import StateListed
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.planner.drift_report import DriftTally
from reconciler.planner.tally import PlanTally
from reconciler.state.repair import StateSummary

NO = Diagnostic("no", "no")
ORDER = [ExitCode.ERROR, ExitCode.REFUSED, ExitCode.INCOMPLETE, ExitCode.CHANGES, ExitCode.DONE]


def test_the_worst_wins() -> None:
    for first, second in combinations(ORDER, 2):
        assert worst([second, first]) is first
        assert worst([first, second, ExitCode.DONE]) is first
    assert worst([]) is ExitCode.DONE


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


def ledger(*results: Result, error: Diagnostic | None = None) -> SiteLedger:
    address = Address(SiteName("shop"), Kind.MARKETING_PLAN)
    return SiteLedger(
        SiteRef(SiteName("shop"), "1"), tuple(Entry(address, Generate(), one) for one in results), (), error
    )


@pytest.mark.parametrize(
    ("ledgers", "code"),
    [
        ((), 0),
        ((ledger(Result.DONE),), 0),
        ((ledger(Result.DONE, Result.SKIPPED),), 3),
        ((ledger(Result.WITHHELD),), 3),
        ((ledger(Result.PENDING),), 3),
        ((ledger(Result.UNKNOWN),), 3),
        ((ledger(Result.NOT_STARTED),), 3),
        ((ledger(Result.DONE), ledger(Result.FAILED, Result.PENDING)), 1),
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


def test_what_concerns_other_sites_counts_too() -> None:
    pending = ledger(Result.PENDING)
    assert exit_code(applied(pending, refused=1)) == 4
    assert exit_code(applied(pending, failed=1, refused=1)) == 1
    assert exit_code(applied(pending, failed=1, refused=1, stop=True), signal=ExitCode.INTERRUPTED) == 130
    assert exit_code(applied(pending, stop=True), signal=ExitCode.TERMINATED) == 143
    assert exit_code(applied(pending, SiteFailed(SiteName("b"), (NO,), refused=True))) == 4
    assert exit_code(applied(pending, SiteFailed(SiteName("b"), (NO,)))) == 1


def test_every_result_has_a_code() -> None:
    for result in Result:
        assert exit_code(applied(ledger(result))) in (0, 1, 3)


def test_every_other_end() -> None:
    assert exit_code(Refused(NO)) == 4
    assert exit_code(Refused(NO, failed=1)) == 1
    assert exit_code(FilesInvalid((NO,))) == exit_code(RunFailed(NO)) == 1
    assert exit_code(Interrupted()) == 130
    assert exit_code(Interrupted(), signal=ExitCode.TERMINATED) == 143
    assert exit_code(StateListed("x", (StateSummary(SiteName("a")),))) == 0
    assert exit_code(StateListed("x", (StateSummary(SiteName("a"), problem="corrupt"),))) == 1


@pytest.mark.parametrize(("first", "second"), list(combinations(ExitCode, 2)))
def test_merged_reports_end_as_one_run_would(first: ExitCode, second: ExitCode) -> None:
    assert worst((first, second)) == min(first, second, key=WORST_FIRST.index)
