"""What a run did at each site, as lines: streamed while it works, and as a ledger of all sites at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from reconciler.engine.results import ApplyCompleted, SiteApplied, SiteFailed
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.operations import Deferred
from reconciler.planner.actions import Action, Reason
from reconciler.reporters.action_text import STYLES, SYMBOLS, action_text
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.layout import Line, Screen, Span, Style
from reconciler.reporters.plan_text import still_going_out_lines, subject_line
from reconciler.reporters.words import plural

RESULT_STYLES: Final = {
    Result.DONE: Style.GREEN,
    Result.SKIPPED: Style.YELLOW,
    Result.WITHHELD: Style.YELLOW,
    Result.PENDING: Style.YELLOW,
    Result.UNKNOWN: Style.RED,
    Result.FAILED: Style.RED,
    Result.NOT_STARTED: Style.YELLOW,
}

_WORST_FIRST: Final = (
    Result.FAILED,
    Result.UNKNOWN,
    Result.NOT_STARTED,
    Result.SKIPPED,
    Result.WITHHELD,
    Result.PENDING,
    Result.DONE,
)

MOST_ROWS: Final = 30


def applied_lines(applied: SiteApplied, screen: Screen) -> Iterator[str]:
    """A site that has just ended: how long it took, then each action with how it ended."""
    ledger, zone = applied.ledger, applied.ledger.time_zone
    spans = (Span(applied.name, Style.BOLD), Span(_counts(ledger)), Span(f"in {duration(applied.seconds)}", Style.DIM))
    yield from Line(spans).on(screen)
    for post in ledger.still_going_out:
        for line in still_going_out_lines(post, zone):
            yield from line.on(screen)
    for entry in ledger.entries:
        yield from _entry(entry, zone).on(screen)
    for note in ledger.notes:
        yield from Line((Span(f"  note: {note}", Style.DIM),), hang=8).on(screen)
    if ledger.error:
        yield from subject_line("!", Style.RED, "failed", Span(of_its_site(ledger.error))).on(screen)
    if ledger.interrupted:
        yield from Line((Span("  note: stopped; run apply again to go on", Style.DIM),), hang=8).on(screen)


def refused_lines(failed: SiteFailed, screen: Screen) -> Iterator[str]:
    """A site that was not worked on after the yes, and why."""
    what = "refused" if failed.refused else "failed"
    yield from Line((Span(failed.name, Style.BOLD), Span(what, Style.RED), Span(of_its_site(failed.problem)))).on(
        screen
    )


def _entry(entry: Entry, zone: str) -> Line:
    operation = entry.operation
    said = action_text(Action(entry.address, operation, Reason.RULE), zone)
    style = STYLES[operation.verb] if entry.result is Result.DONE else RESULT_STYLES[entry.result]
    symbol = SYMBOLS[operation.verb] if entry.result is Result.DONE else "!"
    if isinstance(operation, Deferred) and entry.result is Result.DONE:
        found = "nothing matched" if entry.detail.startswith("0 ") else entry.detail
        return subject_line(symbol, Style.DIM, said.subject, Span(f"as promised: {found}", Style.DIM))
    spans = [Span(entry.result.value, RESULT_STYLES[entry.result])]
    spans += [Span(text) for text in (said.text, entry.detail) if text]
    if entry.request_id and entry.result not in (Result.DONE, Result.WITHHELD):
        spans.append(Span(f"(request id {entry.request_id})", Style.DIM))
    return subject_line(symbol, style, said.subject, *spans)


def _counts(ledger: SiteLedger) -> str:
    """`1 failed, 3 done`."""
    if ledger.error and not ledger.entries:
        return "failed"
    found = Counter(entry.result for entry in ledger.entries if entry.count)
    return ", ".join(f"{found[result]} {result.value}" for result in _WORST_FIRST if found[result]) or "nothing done"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


class Ledger:
    """A line for each site of a run that had something to do, worst first; the others are counted."""

    def __init__(self, screen: Screen, *, most: int = MOST_ROWS) -> None:
        self._screen = screen
        self._most = most
        self._rows: list[tuple[int, str, str, Style]] = []

    def applied(self, applied: SiteApplied) -> None:
        """A site that was worked on."""
        ledger = applied.ledger
        results = {entry.result for entry in ledger.entries}
        worst = min((_WORST_FIRST.index(result) for result in results), default=len(_WORST_FIRST) - 1)
        goes_out = plural(len(ledger.still_going_out), "post") + " still going out" if ledger.still_going_out else ""
        words = ", ".join(part for part in (goes_out, _counts(ledger)) if part)
        rank = -1 if goes_out else 0 if ledger.error else worst
        self._rows.append((rank, applied.name, words, RESULT_STYLES[_WORST_FIRST[max(rank, 0)]]))

    def failed(self, failed: SiteFailed) -> None:
        """A site that was planned or not, and could not be worked on."""
        word = "refused" if failed.refused else "failed"
        self._rows.append((1 if failed.refused else 0, failed.name, word, Style.RED))

    def refused(self, name: str) -> None:
        """A site whose own plan a guard refuses."""
        self._rows.append((1, name, "refused", Style.RED))

    def lines(self, done: ApplyCompleted) -> Iterator[str]:
        """All rows, and how many sites had nothing to do."""
        rows = sorted(self._rows, key=lambda row: row[0])
        widest = max((len(name) for _, name, _, _ in rows[: self._most]), default=0)
        for _, name, words, style in rows[: self._most]:
            yield from Line((Span(f"  {name:<{widest}}"), Span(words, style)), hang=6).on(self._screen)
        if len(rows) > self._most:
            yield self._screen.paint(f"  and {len(rows) - self._most:,} more sites, each of them above", Style.DIM)
        if idle := done.plan.sites - len(rows):
            yield self._screen.paint(f"  {plural(idle, 'site')} with nothing to do", Style.DIM)
