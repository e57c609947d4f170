"""An audit as text: each object that is not as its file asks for, who moved, and what each side says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.engine.results import DriftCompleted, SiteDrifted, SiteFailed
from reconciler.model.canonical import Absent, Json
from reconciler.planner.actions import InReview
from reconciler.planner.drift_report import DriftItem, DriftState, FieldDrift, Finding
from reconciler.reporters import words
from reconciler.reporters.layout import Row, Screen, Span, Style, table, wrapped
from reconciler.reporters.plan_text import PlanText
from reconciler.reporters.tables import cut

NO_DRIFT = "No drift."

COLUMNS = ("drifted", "pending", "blocked", "review")

INDENT = 16
"""Where an item's address starts, and where its further lines do."""

_MARKS = {
    DriftState.DRIFTED: ("~", "drifted", Style.YELLOW),
    DriftState.PENDING: (".", "pending", Style.DIM),
    DriftState.BLOCKED: ("#", "blocked", Style.YELLOW),
    DriftState.IN_REVIEW: ("?", "in review", Style.CYAN),
    DriftState.CONVERGED: ("=", "converged", Style.DIM),
}


def drift_lines(result: SiteDrifted | SiteFailed, screen: Screen, *, all_objects: bool = False) -> Iterator[str]:
    """All lines of one site; with `all_objects` also of what converged."""
    if isinstance(result, SiteFailed):
        yield from PlanText(screen).site(result)
        return
    report = result.report
    for item in report.items:
        if all_objects or item.state is not DriftState.CONVERGED:
            yield from _item(item, screen)
    for refusal in report.refusals:
        yield from PlanText(screen).refusal(refusal)
    notes = list(report.notes)
    if report.due:
        objects = words.plural(report.due, "object")
        notes.append(f"{objects} came within the rules as time passed or content was made; the next apply sees to that")
    for note in notes:
        yield from wrapped((Span(f"  note: {note}"),), screen, hang=8)


def _item(item: DriftItem, screen: Screen) -> Iterator[str]:
    symbol, word, style = _MARKS[item.state]
    spans = [Span(f"  {symbol} {word:<10}", style), Span(str(item.address), Style.BOLD)]
    if item.moved is not None:
        spans.append(Span(item.moved.value))
    if item.finding is not None:
        spans.append(Span(f"({finding(item)})", Style.DIM))
    yield from wrapped(spans, screen, hang=INDENT)
    for field in item.fields:
        yield from wrapped((Span(_field(field)),), screen, indent=INDENT, hang=INDENT + 2)
    if item.fix:
        yield from wrapped((Span(f"fix: {item.fix}"),), screen, indent=INDENT, hang=INDENT + 5)


def finding(item: DriftItem) -> str:
    """`its posts are gone: "Summer sale"`: the finding with what it is about."""
    assert item.finding is not None
    about = item.about
    if item.finding is Finding.REVIEW:
        about = (*about[:-1], words.IN_REVIEW[InReview(about[-1])])
    return f"{item.finding.value}: {', '.join(about)}" if about else item.finding.value


def _field(field: FieldDrift) -> str:
    path = field.path.removeprefix("settings.")
    sides = [f"file {words.value(field.desired)}", f"site {words.value(field.live)}"]
    sides.insert(1, f"last applied {_applied(field.applied)}")
    return f"{path}: {', '.join(sides)}  ({field.moved.value})"


def _applied(value: Json | Absent) -> str:
    return "never" if isinstance(value, Absent) else words.value(value)


def drift_table(results: Sequence[SiteDrifted | SiteFailed], summary: DriftCompleted, screen: Screen) -> Iterator[str]:
    """One row a site that has something to say, and a total where there are several."""
    shown, rest = cut(results)
    rows = [_row(one) for one in shown]
    if rest:
        rows.append(Row(f"{len(rest)} more", text="below"))
    if summary.sites > 1:
        tally = summary.tally
        cells = (tally.drifted, tally.pending, tally.blocked, tally.in_review)
        rows.append(Row(f"all {summary.sites} sites", cells, style=Style.BOLD))
    yield from table("site", COLUMNS, rows, screen)


def _row(result: SiteDrifted | SiteFailed) -> Row:
    if isinstance(result, SiteFailed):
        return Row(result.name, text="failed", style=Style.RED)
    tally = result.report.tally
    style = Style.RED if result.report.refusals else Style.PLAIN
    return Row(result.name, (tally.drifted, tally.pending, tally.blocked, tally.in_review), style=style)


def drift_line(summary: DriftCompleted) -> str:
    """`Drift: 2 drifted, ...` or `No drift.`, word for word as design.md 2.2 has them."""
    tally = summary.tally
    if not tally.drifted and not summary.failed:
        return NO_DRIFT
    sites = words.plural(summary.sites, "site")
    return (
        f"Drift: {tally.drifted} drifted, {tally.pending} pending, {tally.blocked} blocked, "
        f"in {tally.sites} of {sites}."
    )
