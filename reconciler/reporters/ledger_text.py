"""The ledger of a run as lines of text: what was done, and what was not and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.executor.ledger import Entry, Result, SiteLedger, Tally
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.layout import Row, Screen, Span, Style, table, wrapped
from reconciler.reporters.plan_text import INDENT, STYLES, going_out_lines
from reconciler.reporters.tables import cut
from reconciler.reporters.words import SYMBOLS

RESULT_STYLES: dict[Result, Style] = {
    Result.DONE: Style.GREEN,
    Result.SKIPPED: Style.YELLOW,
    Result.WITHHELD: Style.YELLOW,
    Result.PENDING: Style.YELLOW,
    Result.UNKNOWN: Style.RED,
    Result.FAILED: Style.RED,
    Result.NOT_STARTED: Style.YELLOW,
}


def ledger_lines(ledger: SiteLedger, screen: Screen) -> Iterator[str]:
    """One site: each action with how it ended, the notes, and why the site was given up if it was."""
    for post in ledger.still_going_out:
        yield from going_out_lines(post, ledger.time_zone, screen)
    for entry in ledger.entries:
        yield from _entry(entry, screen)
    for note in ledger.notes:
        yield from wrapped((Span(f"  note: {note}"),), screen, hang=8)
    if ledger.error:
        spans = (Span("  E failed  ", Style.RED), Span(ledger.site.name, Style.BOLD), Span(of_its_site(ledger.error)))
        yield from wrapped(spans, screen, hang=INDENT)
    if ledger.interrupted:
        yield from wrapped((Span("  note: interrupted; run apply again to go on"),), screen, hang=8)


def _entry(entry: Entry, screen: Screen) -> Iterator[str]:
    verb = entry.operation.verb
    spans = [
        Span(f"  {SYMBOLS[verb]} {verb:<8}", STYLES[verb]),
        Span(str(entry.address), Style.BOLD),
        Span(_ended(entry), RESULT_STYLES[entry.result]),
    ]
    if entry.detail:
        spans.append(Span(f"({entry.detail})", Style.DIM))
    if entry.request_id and entry.result not in (Result.DONE, Result.WITHHELD):
        spans.append(Span(f"request {entry.request_id}", Style.DIM))
    yield from wrapped(spans, screen, hang=INDENT)


def _ended(entry: Entry) -> str:
    """How it ended; a promise is kept, for what is done are the objects that it found."""
    return "kept" if entry.result is Result.DONE and not entry.count else entry.result.value


def ledger_table(ledgers: Sequence[SiteLedger], screen: Screen) -> Iterator[str]:
    """One row a site, counting its actions by how they ended; columns that are all zero are left out."""
    used = {entry.result for ledger in ledgers for entry in ledger.entries} | {Result.DONE}
    results = [result for result in Result if result in used]
    shown, rest = cut(ledgers)
    rows = [_row(ledger, results) for ledger in shown]
    if rest:
        rows.append(Row(f"{len(rest)} more", _cells(rest, results)))
    if len(ledgers) > 1:
        rows.append(Row(f"all {len(ledgers)} sites", _cells(ledgers, results), style=Style.BOLD))
    yield from table("site", [result.value for result in results], rows, screen)


def _row(ledger: SiteLedger, results: Sequence[Result]) -> Row:
    return Row(ledger.site.name, _cells((ledger,), results), style=Style.RED if ledger.error else Style.PLAIN)


def _cells(ledgers: Sequence[SiteLedger], results: Sequence[Result]) -> tuple[int, ...]:
    # A promise that was looked into is no object of its own; what came of it stands beside it.
    ended = [entry.result for ledger in ledgers for entry in ledger.entries if entry.count]
    return tuple(ended.count(result) for result in results)


def apply_line(tally: Tally) -> str:
    """`Apply: 3 added, 1 changed, ...`, word for word as design.md 2.2 has it."""
    cancelled = f", {tally.cancelled} cancelled" if tally.cancelled else ""
    going_out = f", {tally.still_going_out} still going out" if tally.still_going_out else ""
    return (
        f"Apply: {tally.added} added, {tally.changed} changed, {tally.destroyed} destroyed, "
        f"{tally.generated} generated, {tally.published} published{cancelled}; "
        f"{tally.skipped} skipped, {tally.withheld} withheld, {tally.pending} pending, "
        f"{tally.unknown} unknown, {tally.failed} failed{going_out}."
    )
