"""The summary tables, and the last lines that scripts look for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from reconciler.engine.results import PlanCompleted, SiteFailed, SitePlanned
from reconciler.planner.tally import PlanTally
from reconciler.reporters.layout import Row, Screen, Style, table
from reconciler.reporters.words import plural

NO_CHANGES = "No changes."

PLAN_COLUMNS = ("add", "change", "destroy", "generate", "publish", "blocked")

MOST_ROWS = 50
"""Sites that have a row of their own; the rest share one, and their lines stand below all the same."""

Item = TypeVar("Item")


def plan_table(results: Sequence[SitePlanned | SiteFailed], summary: PlanCompleted, screen: Screen) -> Iterator[str]:
    """One row a site that has something to say, and a total where there are several."""
    shown, rest = cut(results)
    rows = [_plan_row(result) for result in shown]
    if rest:
        rows.append(Row(f"{len(rest)} more", _cells(_sum(rest))))
    if summary.sites > 1:
        rows.append(Row(f"all {summary.sites} sites", _cells(summary.tally), style=Style.BOLD))
    yield from table("site", PLAN_COLUMNS, rows, screen)


def cut(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """The items that have a row of their own, and those that share one."""
    return (items, ()) if len(items) <= MOST_ROWS + 1 else (items[:MOST_ROWS], items[MOST_ROWS:])


def _plan_row(result: SitePlanned | SiteFailed) -> Row:
    if isinstance(result, SiteFailed):
        return Row(result.name, text="refused" if result.refused else "failed", style=Style.RED)
    style = Style.RED if result.plan.refusals else Style.PLAIN
    return Row(result.name, _cells(result.tally), style=style)


def _sum(results: Sequence[SitePlanned | SiteFailed]) -> PlanTally:
    return sum((one.tally for one in results if isinstance(one, SitePlanned)), PlanTally())


def _cells(tally: PlanTally) -> tuple[int, ...]:
    return tuple(getattr(tally, column) for column in PLAN_COLUMNS)


def plan_line(summary: PlanCompleted) -> str:
    """`Plan: 3 to add, ...` or `No changes.`, word for word as design.md 2.2 has them."""
    tally = summary.tally
    if not summary.changes and not summary.failed and not tally.still_going_out:
        return NO_CHANGES
    cancel = f", {tally.cancel} to cancel" if tally.cancel else ""
    goes_out = f", {tally.still_going_out} still going out" if tally.still_going_out else ""
    return (
        f"Plan: {tally.add} to add, {tally.change} to change, {tally.destroy} to destroy, "
        f"{tally.generate} to generate, {tally.publish} to publish{cancel}; "
        f"{tally.pending} pending, {tally.blocked} blocked{goes_out}."
    )


def missing_line(failed: int, sites: int) -> str:
    """What the counts leave out."""
    return f"{failed} of {plural(sites, 'site')} could not be read; the counts say nothing about them"


def refused_line(refused: int, sites: int) -> str:
    """Where an apply did nothing, to stand below the ledger of the other sites."""
    return f"{refused} of {plural(sites, 'site')} refused, so nothing was done there; the reason stands above"


def valid_line(files: int, sites: int) -> str:
    """`Valid: 12 files, 40 sites.`"""
    return f"Valid: {plural(files, 'file')}, {plural(sites, 'site')}."
