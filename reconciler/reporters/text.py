"""The text format: what a person reads on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from reconciler.engine.results import (
    ApplyCompleted,
    CallResolved,
    Decided,
    DriftCompleted,
    Ended,
    Event,
    FilesInvalid,
    HistoryListed,
    Interrupted,
    LockFound,
    LockRemoved,
    Notice,
    Phase,
    PhaseStarted,
    PlanCompleted,
    PlanLoaded,
    Progressed,
    RecordChanged,
    Refused,
    ReviewCompleted,
    RunFailed,
    RunStarted,
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    SiteStarted,
    StateListed,
    StateShown,
    Validated,
)
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import refused_line
from reconciler.reporters.drift_text import NO_DRIFT, drift_line, drift_lines, drift_table
from reconciler.reporters.history_text import history_line, history_lines
from reconciler.reporters.layout import Span, Style, inert_lines, wrapped
from reconciler.reporters.ledger_text import apply_line, ledger_lines, ledger_table
from reconciler.reporters.plan_text import PlanText, going_out_lines
from reconciler.reporters.problems import problem_lines
from reconciler.reporters.review_text import decided_line, review_line, review_lines
from reconciler.reporters.state_text import (
    list_line,
    list_lines,
    lock_lines,
    lock_removed_line,
    record_changed_line,
    resolved_line,
    resolved_lines,
    show_line,
    site_lines,
)
from reconciler.reporters.tables import NO_CHANGES, missing_line, plan_line, plan_table, valid_line
from reconciler.reporters.tables import refused_line as refused_sites_line
from reconciler.reporters.words import moment, plural


class TextReporter:
    """Keeps the sites that have something to say; all others are a count."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._write = context.write
        self._screen = context.screen
        self._explain = context.calls_of is not None
        self._plan_text = PlanText(context.screen, context.calls_of)
        self._phase: Phase | None = None
        self._order: dict[SiteName, int] = {}
        """The place of each site that an apply works on; sites end in any order."""
        self._planned: list[SitePlanned | SiteFailed] = []
        self._noted: dict[str, list[str]] = {}
        """Notes about sites of which there is nothing else to say: note -> their names."""
        self._applied: list[SiteApplied | SiteFailed] = []
        self._audited: list[SiteDrifted | SiteFailed] = []

    def handle(self, event: Event) -> None:  # noqa: C901 - a case for each event
        """An event of the run."""
        match event:
            case PhaseStarted(phase=phase):
                self._phase = phase
            case PlanLoaded():
                self._loaded(event)
            case SitePlanned():
                self._site_planned(event)
            case SiteDrifted():
                if event.says_something or self._explain:
                    self._audited.append(event)
            case SiteApplied():
                self._applied.append(event)
            case SiteReviewed() | SiteNotReviewed():
                self._lines(review_lines(event, self._screen))
            case SiteHistory():
                self._lines(history_lines(event, self._screen))
            case SiteFailed():
                self._site_failed(event)
            case LockFound():
                self._lines(lock_lines(event, self._screen))
            case PlanCompleted():
                self._plan_completed(event)
            case ApplyCompleted():
                self._apply_completed(event)
            case DriftCompleted():
                self._drift_completed(event)
            case Refused(reason=reason, more=more):
                for found in event.still_going_out:
                    self._lines(going_out_lines(found.post, found.zone, self._screen))
                self._last(refused_line(reason, more), Style.RED)
            case StateListed(sites=sites, place=place):
                self._lines(list_lines(sites, self._screen))
                self._write("\n" if sites else "")
                self._last(list_line(sites, place))
            case StateShown(site=site, where=where):
                self._lines(site_lines(site, self._screen, where))
                self._write("\n")
                self._last(show_line(site))
            case CallResolved():
                self._lines(resolved_lines(event, self._screen))
                self._last(resolved_line(event))
            case ReviewCompleted():
                self._last(review_line(event))
            case Validated(files=files, sites=sites):
                self._last(valid_line(files, sites))
            case HistoryListed():
                self._last(history_line(event))
            case Decided():
                self._last(decided_line(event))
            case RecordChanged():
                self._last(record_changed_line(event))
            case LockRemoved():
                self._last(lock_removed_line(event))
            case Notice() | FilesInvalid() | RunFailed() | Interrupted():
                if not self._context.on_screen:  # there stderr has told them
                    self._lines(line for text in problem_lines(event) for line in inert_lines(text))
            case RunStarted() | SiteStarted() | Progressed() | Ended():
                pass
            case _:
                assert_never(event)

    # --- sites -------------------------------------------------------------------------------------

    def _site_planned(self, planned: SitePlanned) -> None:
        """Kept until the table that stands first can be made."""
        if planned.plan.actions:
            self._order[planned.name] = len(self._order)
        if planned.says_something or self._explain:
            self._planned.append(planned)
            return
        for note in planned.plan.notes:
            self._noted.setdefault(note, []).append(planned.name)

    def _site_failed(self, failed: SiteFailed) -> None:
        match self._phase:
            case Phase.READING:
                self._audited.append(failed)
            case Phase.APPLYING:
                self._applied.append(failed)
            case Phase.PLANNING | Phase.CHECKING:
                self._planned.append(failed)
            case Phase.REVIEWING | None:
                self._lines(review_lines(failed, self._screen))
            case _:
                assert_never(self._phase)

    def _loaded(self, saved: PlanLoaded) -> None:
        """Which plan this is, and whether it can still be applied."""
        made = f"Saved plan {saved.id}, made {moment(saved.made_at, 'UTC')} by reconciler {saved.tool} for {saved.api}"
        state = f"expires {moment(saved.expires_at, 'UTC')}"
        if saved.spent_at is not None:
            state = f"spent: it was applied {moment(saved.spent_at, 'UTC')}"
        elif saved.expired:
            state = f"expired {moment(saved.expires_at, 'UTC')}"
        self._lines(wrapped((Span(made, Style.BOLD), Span(f"({state})")), self._screen))
        self._lines(wrapped((Span(f"  digest {saved.digest}", Style.DIM),), self._screen))
        self._write("\n")

    # --- plan --------------------------------------------------------------------------------------

    def _plan_completed(self, completed: PlanCompleted) -> None:
        """The table, the sites, the table again, the last line; an `apply` that has work goes on from here."""
        self._show_plan(completed)
        for refusal in completed.refusals:
            self._lines(self._plan_text.refusal(refusal))
        self._missing(completed.failed, completed.sites)
        line = plan_line(completed)
        if line != NO_CHANGES or not (completed.refused or completed.refusals):
            self._last(line)
        if self._context.command != "apply":
            own = [refusal for result in self._planned for refusal in _refusals_of(result)]
            self._refusal((*completed.refusals, *own))
        self._planned.clear()
        self._noted.clear()

    def _show_plan(self, completed: PlanCompleted) -> None:
        if not self._planned and not self._noted:
            return
        tables = bool(completed.changes or completed.tally.blocked or completed.failed or completed.refused)
        if tables:
            self._plan_table(completed)
        for result in self._planned:
            if completed.sites > 1:
                self._write(self._screen.paint(result.name, Style.BOLD) + "\n")
            self._lines(self._plan_text.site(result))
            self._write("\n")
        for note, sites in self._noted.items():
            several = f"{plural(len(sites), 'site')} ({', '.join(sites[:3])}{', ...' if len(sites) > 3 else ''}): "
            text = f"  note: {several if completed.sites > 1 else ''}{note}"
            self._lines(wrapped((Span(text),), self._screen, hang=8))
            self._write("\n")
        if completed.sites > 1 and (unchanged := completed.sites - len(self._planned)):
            words = f"{plural(unchanged, 'site')} without changes"
            self._lines(wrapped((Span(words, Style.DIM),), self._screen))
            self._write("\n")
        if tables:
            self._plan_table(completed)

    def _plan_table(self, completed: PlanCompleted) -> None:
        self._lines(plan_table(self._planned, completed, self._screen))
        self._write("\n")

    # --- apply -------------------------------------------------------------------------------------

    def _apply_completed(self, completed: ApplyCompleted) -> None:
        """The ledger, between its tables."""
        if not completed.sites:
            if completed.plan.failed:  # then nothing above says that there was nothing to do
                self._last(apply_line(completed.tally))
            return
        results = sorted(self._applied, key=lambda result: self._order.get(result.name, 0))
        ledgers = [result.ledger for result in results if isinstance(result, SiteApplied)]
        several = completed.plan.sites > 1
        self._write("\n")
        self._lines(ledger_table(ledgers, self._screen))
        self._write("\n")
        for result in results:
            if several:
                self._write(self._screen.paint(result.name, Style.BOLD) + "\n")
            if isinstance(result, SiteApplied):
                self._lines(ledger_lines(result.ledger, self._screen))
            else:
                self._lines(self._plan_text.site(result))
            self._write("\n")
        self._lines(ledger_table(ledgers, self._screen))
        self._write("\n")
        self._missing(completed.plan.failed, completed.plan.sites)
        if refused := completed.plan.refused + completed.refused:
            line = refused_sites_line(refused, completed.plan.sites)
            self._lines(wrapped((Span(line),), self._screen))
        self._last(apply_line(completed.tally))

    # --- drift -------------------------------------------------------------------------------------

    def _drift_completed(self, completed: DriftCompleted) -> None:
        """The table, the sites, the table again, the last line."""
        if self._audited:
            tally = completed.tally
            tables = bool(tally.sites or tally.in_review or completed.failed or completed.refused)
            if tables:
                self._drift_table(completed)
            for result in self._audited:
                if completed.sites > 1:
                    self._write(self._screen.paint(result.name, Style.BOLD) + "\n")
                self._lines(drift_lines(result, self._screen, all_objects=self._explain))
                self._write("\n")
            if tables:
                self._drift_table(completed)
        for refusal in completed.refusals:
            self._lines(self._plan_text.refusal(refusal))
        self._missing(completed.failed, completed.sites)
        own = [refusal for result in self._audited for refusal in _refusals_of(result)]
        reasons = (*completed.refusals, *own)
        line = drift_line(completed)
        if line != NO_DRIFT or not reasons:
            self._last(line)
        self._refusal(reasons)

    def _drift_table(self, completed: DriftCompleted) -> None:
        self._lines(drift_table(self._audited, completed, self._screen))
        self._write("\n")

    # --- lines -------------------------------------------------------------------------------------

    def _missing(self, failed: int, sites: int) -> None:
        if failed:
            self._lines(wrapped((Span(missing_line(failed, sites)),), self._screen))

    def _refusal(self, reasons: Sequence[Diagnostic]) -> None:
        if reasons:
            self._last(refused_line(reasons[0], len(reasons) - 1), Style.RED)

    def _last(self, line: str, style: Style = Style.BOLD) -> None:
        """A line that scripts look for, so it is never wrapped."""
        self._write(self._screen.paint(line, style) + "\n")

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(line.rstrip() + "\n")


def _refusals_of(result: SitePlanned | SiteDrifted | SiteFailed) -> tuple[Diagnostic, ...]:
    match result:
        case SitePlanned(plan=plan):
            return plan.refusals
        case SiteDrifted(report=report):
            return report.refusals
        case SiteFailed():
            return ()
        case _:
            assert_never(result)
