"""Over many sites 1 wins, then 4, 3, 2, 0."""

from __future__ import annotations

from itertools import combinations

import pytest

from reconciler.cli.exit_codes import _OF_RESULT, ExitCode, of_apply, of_plans, worst
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.operations import Generate
from reconciler.model.sites import SiteRef

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
        ({"changes": 3, "detailed": True}, 2),
        ({"changes": 0, "detailed": True}, 0),
        ({"changes": 3, "refused": 1, "detailed": True}, 4),
        ({"changes": 3, "refused": 1, "failed": 1}, 1),
    ],
)
def test_plan(facts: dict[str, int], code: int) -> None:
    given = {"failed": 0, "refused": 0, "changes": 0, "detailed": False, **facts}
    assert of_plans(**given) == code  # type: ignore[arg-type]


def ledger(*results: Result, error: str | None = None) -> SiteLedger:
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
        ((ledger(error="the lock was lost"),), 1),
    ],
)
def test_apply(ledgers: tuple[SiteLedger, ...], code: int) -> None:
    assert of_apply(ledgers, failed=0, refused=0, interrupted=None) == code


def test_what_concerns_other_sites_counts_too() -> None:
    pending = (ledger(Result.PENDING),)
    assert of_apply(pending, failed=0, refused=1, interrupted=None) == 4
    assert of_apply(pending, failed=1, refused=1, interrupted=None) == 1
    assert of_apply(pending, failed=1, refused=1, interrupted=ExitCode.INTERRUPTED) == 130


def test_every_result_has_a_code() -> None:
    assert set(_OF_RESULT) == {result.value for result in Result}
