"""Parts of the text format, for formats that show text in a frame of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.engine import results, site_results, tool_results
from reconciler.executor.ledger import SiteLedger, causes_once, tally_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.context import CallsOf, ReporterContext
from reconciler.reporters.drift_screen import report_items
from reconciler.reporters.items import Item, parts_of_many, shared_parts
from reconciler.reporters.last_lines import apply_line, drift_line, plan_line
from reconciler.reporters.layout import Line, Screen
from reconciler.reporters.ledger_text import applied_lines
from reconciler.reporters.plan_text import accounts_of, site_items
from reconciler.reporters.text import TextReporter
from reconciler.reporters.totals import Total, WaitingTotal
from reconciler.state.errors import of_any_site

NEXT = "Next:"

UNWRAPPED: Final = Screen(1_000_000)


def text_of(command: str, *events: results.Event, calls_of: CallsOf | None = None) -> list[str]:
    """The lines that the text format has for these events, without the next step; none is wrapped.

    Problems that are events of their own (`Notice`, `FilesInvalid`, `RunFailed`) are left out: `Findings` has them.
    """
    return _text(command, events, calls_of, problems=False)


def _text(
    command: str, events: Iterable[results.Event], calls_of: CallsOf | None = None, *, problems: bool
) -> list[str]:
    pieces: list[str] = []
    context = ReporterContext(command, pieces.append, UNWRAPPED, calls_of, on_screen=not problems)
    reporter = TextReporter(context)
    for event in events:
        reporter.handle(event)
    return [line for line in "".join(pieces).splitlines() if line.strip() and not line.startswith(NEXT)]


def last_line(command: str, closing: results.Event) -> str:
    """`Plan: 3 to add, ...`: how a run ended, in one line."""
    if isinstance(
        closing, tool_results.SchemaShown | tool_results.ScriptShown | tool_results.SandboxShown
    ):  # their output ends in whatever they contain
        return ""
    before = (closing.plan,) if isinstance(closing, results.ApplyCompleted) else ()
    lines = _text(command, (*before, closing), problems=True)
    return lines[-1] if lines else ""


def site_text(command: str, event: results.SiteEvent, calls_of: CallsOf | None = None) -> list[str]:
    """What the text format says about a run over only this site, with the last line of a plan, an apply or an audit."""
    if (closing := closing_of(event)) is not None:
        planned = isinstance(event, site_results.SitePlanned)
        return text_of("plan" if planned else command, event, closing, calls_of=calls_of if planned else None)
    if command == "review":
        return text_of(command, event, results.ReviewCompleted(1))[:-1]
    return text_of(command, event)


Closing: TypeAlias = results.PlanCompleted | results.ApplyCompleted | results.DriftCompleted


def closing_of(event: results.SiteEvent) -> Closing | None:
    """How a plan, an apply or an audit of only this site would end; None for what has no totals."""
    match event:
        case site_results.SitePlanned(plan=plan):
            return results.PlanCompleted(1, event.tally, refused=int(bool(plan.refusals)))
        case site_results.SiteApplied(ledger=ledger):
            failed, tally = int(bool(ledger.error)), tally_of((ledger,))
            return results.ApplyCompleted(results.PlanCompleted(1), tally, 1, failed, interrupted=ledger.interrupted)
        case site_results.SiteDrifted(report=report):
            return results.DriftCompleted(1, report.tally, refused=int(bool(report.refusals)))
        case _:
            return None


def joined(one: Closing, other: Closing) -> Closing:
    """How a run over the sites of both runs would end. Both must be runs of the same command."""
    match one, other:
        case results.PlanCompleted(), results.PlanCompleted():
            return results.PlanCompleted(
                one.sites + other.sites, one.tally + other.tally, refused=one.refused + other.refused
            )
        case results.DriftCompleted(), results.DriftCompleted():
            return results.DriftCompleted(
                one.sites + other.sites, one.tally + other.tally, refused=one.refused + other.refused
            )
        case results.ApplyCompleted(), results.ApplyCompleted():
            return results.ApplyCompleted(
                results.PlanCompleted(one.plan.sites + other.plan.sites),
                one.tally + other.tally,
                one.sites + other.sites,
                one.failed + other.failed,
                interrupted=one.interrupted or other.interrupted,
            )
        case _:
            raise AssertionError("two commands in one run")


def totals_line(closing: Closing) -> str:
    """The last line with the totals of several sites."""
    match closing:
        case results.PlanCompleted():
            return plan_line(closing)
        case results.DriftCompleted():
            return drift_line(closing)
        case results.ApplyCompleted():
            return apply_line(closing)
        case _:
            assert_never(closing)


class SharedParts(Struct, frozen=True):
    """What a site's block may share with blocks that differ only in names, numbers and requests; empty if nothing.

    `of_many`: what it may share with those that differ in their activities or values too; empty if it has none.
    `accounts`: where its posts go out, in the words of its lines.
    """

    parts: Sequence[Line | Total] = ()
    of_many: Sequence[Line | Total] = ()
    accounts: Sequence[str] = ()


NOTHING_SHARED: Final = SharedParts()


def shared_of(event: results.SiteEvent, calls_of: CallsOf | None = None) -> SharedParts:
    """What a site's block may share with others."""
    match event:
        case site_results.SitePlanned(plan=plan):
            waiting, unapproved, accounts = len(plan.to_review), plan.unapproved, accounts_of(plan)
        case site_results.SiteDrifted(report=report):
            waiting, unapproved, accounts = report.tally.in_review, 0, ()
        case site_results.SiteApplied(ledger=ledger):
            _, *lines = applied_lines(site_results.SiteApplied(_of_any_site(ledger)))  # the first has its name
            return SharedParts(lines)
        case _:
            return NOTHING_SHARED

    def waits() -> list[Line | Total]:
        return [WaitingTotal(waiting, unapproved)] if waiting else []

    items, of_many = _items_of(event, calls_of), list[Line | Total]()
    parts = [*shared_parts(items), *waits()]
    if calls_of is None and any(item.of_many for item in items):
        # Totals are added up in place, so merged blocks need totals of their own.
        of_many = [*parts_of_many(_items_of(event)), *waits()]
    return SharedParts(parts, of_many, accounts)


def _items_of(
    event: site_results.SitePlanned | site_results.SiteDrifted, calls_of: CallsOf | None = None
) -> Sequence[Item]:
    if isinstance(event, site_results.SitePlanned):
        return site_items(event, calls_of)
    return tuple(report_items(event.report, everything=False))


def _of_any_site(ledger: SiteLedger) -> SiteLedger:
    """A site's ledger without what differs between sites where the same was done: which requests failed."""
    entries = causes_once(ledger.entries, ledger.still_going_out)
    return replace(
        ledger,
        entries=tuple(
            replace(entry, problem=entry.problem and _without_call(of_any_site(entry.problem)), request_id=None)
            for entry in entries
        ),
        error=ledger.error and _without_call(of_any_site(ledger.error)),
        still_going_out=tuple(replace(post, problem=_without_call(post.problem)) for post in ledger.still_going_out),
        in_doubt=tuple(map(_without_call, ledger.in_doubt)),
    )


def _without_call(problem: Diagnostic) -> Diagnostic:
    return replace(problem, message=problem.cause, call="", request_id=None)


def shared_text(parts: Iterable[Line | Total]) -> list[str]:
    """What sites share, as lines that are not wrapped."""
    lines = (line for part in parts for line in ((part,) if isinstance(part, Line) else part.lines()))
    return [text for line in lines for text in line.on(UNWRAPPED)]
