"""An audit on a screen: each object that is not as its file says, who moved, and what each side says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.engine.results import DriftCompleted, RunStarted, SiteDrifted, SiteFailed
from reconciler.model.address import Kind
from reconciler.model.canonical import Absent, Json
from reconciler.planner.actions import InReview
from reconciler.planner.drift_report import DriftItem, DriftReport, DriftState, FieldDrift, Finding
from reconciler.reporters import words
from reconciler.reporters.blocks import Blocks
from reconciler.reporters.context import Detail
from reconciler.reporters.failures import Failures
from reconciler.reporters.last_lines import drift_line, header
from reconciler.reporters.layout import Line, Row, Screen, Span, Style, table
from reconciler.reporters.plan_text import LEFT, subject_line
from reconciler.reporters.values import yaml
from reconciler.reporters.words import plural

_MARKS: Final = {
    DriftState.DRIFTED: ("~", Style.YELLOW, 0),
    DriftState.BLOCKED: ("!", Style.YELLOW, 1),
    DriftState.PENDING: (".", Style.DIM, 2),
    DriftState.IN_REVIEW: ("?", Style.CYAN, 3),
    DriftState.CONVERGED: ("=", Style.DIM, 4),
}

FEW_SITES: Final = 5
MOST_ROWS: Final = 30
COLUMNS: Final = ("drifted", "pending", "blocked", "review")


class DriftScreen:
    """Collects the audited sites of a run."""

    def __init__(self, screen: Screen, detail: Detail, *, explain: bool) -> None:
        self._screen = screen
        self._detail = detail
        self._explain = explain
        self._run: RunStarted | None = None
        self._failures = Failures(list_sites=detail.sites)
        self._blocks = Blocks(screen, list_sites=detail.sites)
        self._rows: list[tuple[int, Row]] = []
        self._in_review = self._sites_in_review = 0

    def started(self, run: RunStarted) -> None:
        self._run = run

    def failed(self, failed: SiteFailed) -> None:
        self._failures.add(failed)

    def site(self, drifted: SiteDrifted) -> None:
        """One site more."""
        report = drifted.report
        tally = report.tally
        self._in_review += tally.in_review
        self._sites_in_review += bool(tally.in_review)
        if (tally.drifted or tally.blocked or tally.pending) and len(self._rows) < 10_000:
            cells = (tally.drifted, tally.pending, tally.blocked, tally.in_review)
            self._rows.append((-tally.drifted, Row(report.site.name, cells)))
        lines = list(_report_lines(report, everything=self._explain))
        if lines and not self._detail.summary:
            rank = min(_MARKS[item.state][2] for item in report.items) if report.items else 4
            self._blocks.add(report.site.name, rank, lines, lambda: lines, labels=drifted.labels)

    def lines(self, completed: DriftCompleted) -> Iterator[str]:
        """Everything above the last line."""
        if self._run is not None and (line := header(self._run)):
            yield self._screen.paint(line, Style.BOLD)
            yield ""
        for failure in self._failures.lines():
            yield from failure.on(self._screen)
        if self._failures:
            yield ""
        yield from self._blocks.lines()
        if self._in_review and not self._detail.quiet:
            text = f"? {plural(self._in_review, 'draft')} in review in {plural(self._sites_in_review, 'site')}"
            yield from Line((Span(text, Style.CYAN), Span("(no drift)", Style.DIM))).on(self._screen)
            yield ""
        if len(self._rows) >= FEW_SITES and not self._detail.quiet:
            yield from self._table(completed)

    def last(self, completed: DriftCompleted) -> str:
        """The last line."""
        return drift_line(completed)

    def next_step(self, completed: DriftCompleted) -> str | None:
        """What to type next."""
        return "reconciler plan" if completed.tally.drifted and not completed.failed else None

    def _table(self, completed: DriftCompleted) -> Iterator[str]:
        rows = [row for _, row in sorted(self._rows, key=lambda found: found[0])]
        shown = rows[:MOST_ROWS]
        if len(rows) > MOST_ROWS:
            shown.append(Row(f"{len(rows) - MOST_ROWS:,} more sites", text="…"))
        tally = completed.tally
        total = (tally.drifted, tally.pending, tally.blocked, tally.in_review)
        shown.append(Row(f"all {completed.sites:,} sites", total, style=Style.BOLD))
        yield from table("site", COLUMNS, shown, self._screen)
        yield ""


def _report_lines(report: DriftReport, *, everything: bool) -> Iterator[Line]:
    for refusal in report.refusals:
        fix = (Span(f"fix: {refusal.fix}"),) if refusal.fix else ()
        yield subject_line("!", Style.RED, "refused", Span(refusal.message), *fix)
    for item in sorted(report.items, key=lambda found: _MARKS[found.state][2]):
        if item.state is DriftState.IN_REVIEW and not everything:
            continue  # one line for all of them, below
        if everything or item.state is not DriftState.CONVERGED:
            yield from _item(item, everything=everything)
    for note in report.notes:
        yield Line((Span(f"  note: {note}", Style.DIM),), hang=8)
    if report.due:
        objects = plural(report.due, "object")
        text = f"  note: {objects} came within the rules as time passed; the next apply sees to that"
        yield Line((Span(text, Style.DIM),), hang=8)


def _item(item: DriftItem, *, everything: bool) -> Iterator[Line]:
    symbol, style, _ = _MARKS[item.state]
    spans = [Span(item.state.value, style)]
    if item.moved is not None:
        spans.append(Span(item.moved.value))
    if item.finding is not None:
        spans.append(Span(finding(item)))
    if everything:
        spans.append(Span(str(item.address), Style.DIM))
    yield subject_line(symbol, style, _subject(item), *spans)
    for field in item.fields:
        yield Line((Span(_field(field)),), indent=LEFT + 4, hang=LEFT + 6)
    if item.fix:
        yield Line((Span(f"fix: {item.fix}"),), indent=LEFT + 4, hang=LEFT + 9)


def _subject(item: DriftItem) -> str:
    """What an object is, by the name people know; its id only where it has no other."""
    kind, key = item.address.kind, item.address.key
    if kind is Kind.EVENT:
        return f'event "{key}"'
    return kind.value.replace("-", " ")


def finding(item: DriftItem) -> str:
    """`its posts are gone: "Summer sale"`: the finding with what it is about."""
    assert item.finding is not None
    about = item.about
    if item.finding is Finding.REVIEW:
        about = (*about[:-1], words.IN_REVIEW[InReview(about[-1])])
    return f"{item.finding.value}: {', '.join(about)}" if about else item.finding.value


def _field(field: FieldDrift) -> str:
    path = field.path.removeprefix("settings.")
    sides = [f"file {_side(field.desired)}", f"last applied {_side(field.applied)}", f"site {_side(field.live)}"]
    return f"{path}: {', '.join(sides)} ({field.moved.value})"


def _side(value: Json | Absent) -> str:
    if isinstance(value, Absent):
        return "never"
    return "(not set)" if value is None else yaml(value)
