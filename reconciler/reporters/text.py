"""The text format: what a person reads on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.executor.ledger import tally_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.drift_text import NO_DRIFT, drift_line, drift_lines, drift_table
from reconciler.reporters.layout import Span, Style, wrapped
from reconciler.reporters.ledger_text import apply_line, ledger_lines, ledger_table
from reconciler.reporters.plan_text import PlanText, refusal_words
from reconciler.reporters.results import (
    ApplySummary,
    Checked,
    Drifted,
    DriftResult,
    DriftSummary,
    Failed,
    Planned,
    PlanSummary,
    SavedAs,
    Setting,
    SiteResult,
)
from reconciler.reporters.tables import NO_CHANGES, missing_line, plan_line, plan_table, refused_line, valid_line
from reconciler.reporters.words import moment, plural


class TextReporter:
    """Keeps the sites that have something to say; all others are a count."""

    def __init__(self, setting: Setting) -> None:
        self._command = setting.command
        self._write = setting.write
        self._screen = setting.screen
        self._explain = setting.calls_of is not None
        self._plan_text = PlanText(setting.screen, setting.calls_of)
        self._results: list[SiteResult] = []
        self._noted: dict[str, list[str]] = {}
        """Notes about sites of which there is nothing else to say: note -> their names."""
        self._audited: list[DriftResult] = []

    def site(self, result: SiteResult) -> None:
        """Kept until the table that stands first can be made."""
        if isinstance(result, Failed) or result.says_something or self._explain:
            self._results.append(result)
            return
        for note in result.plan.notes:
            self._noted.setdefault(note, []).append(result.site)

    def planned(self, summary: PlanSummary) -> None:
        """The table, the sites, the table again, the last line; an `apply` that has work goes on from here."""
        self._show_plan(summary)
        for refusal in summary.refusals:
            self._lines(self._plan_text.refusal(refusal))
        self._missing(summary.failed, summary.sites)
        line = plan_line(summary)
        if line != NO_CHANGES or not (summary.refused or summary.refusals):
            self._last(line)
        if self._command == "plan" and (reason := self._first_refusal(summary)):
            self.refused(reason, summary.exit_code)
        self._results.clear()
        self._noted.clear()

    def refused(self, reason: str, exit_code: int) -> None:  # noqa: ARG002 - other formats write it
        """The last line of a run that a guard or a person stopped."""
        self._last(f"Refused: {reason}", Style.RED)

    def applied(self, summary: ApplySummary) -> None:
        """The ledger, between its tables."""
        if not summary.ledgers:
            if summary.plan.failed:  # then nothing above says that there was nothing to do
                self._last(apply_line(tally_of(())))
            return
        several = summary.plan.sites > 1
        self._write("\n")
        self._lines(ledger_table(summary.ledgers, self._screen))
        self._write("\n")
        for ledger in summary.ledgers:
            if several:
                self._write(self._screen.paint(ledger.site.name, Style.BOLD) + "\n")
            self._lines(ledger_lines(ledger, self._screen))
            self._write("\n")
        self._lines(ledger_table(summary.ledgers, self._screen))
        self._write("\n")
        self._missing(summary.plan.failed, summary.plan.sites)
        if summary.plan.refused:
            self._lines(wrapped((Span(refused_line(summary.plan.refused, summary.plan.sites)),), self._screen))
        self._last(apply_line(tally_of(summary.ledgers)))

    def valid(self, checked: Checked) -> None:
        """Files that are correct."""
        self._last(valid_line(checked.files, checked.sites))

    def saved(self, saved: SavedAs) -> None:
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

    def site_drift(self, result: DriftResult) -> None:
        """Kept until the table that stands first can be made."""
        if isinstance(result, Failed) or result.says_something or self._explain:
            self._audited.append(result)

    def drifted(self, summary: DriftSummary) -> None:
        """The table, the sites, the table again, the last line."""
        if self._audited:
            tables = bool(summary.tally.sites or summary.tally.in_review or summary.failed or summary.refused)
            if tables:
                self._drift_table(summary)
            for result in self._audited:
                if summary.sites > 1:
                    self._write(self._screen.paint(result.site, Style.BOLD) + "\n")
                self._lines(drift_lines(result, self._screen, all_objects=self._explain))
                self._write("\n")
            if tables:
                self._drift_table(summary)
        for refusal in summary.refusals:
            self._lines(self._plan_text.refusal(refusal))
        self._missing(summary.failed, summary.sites)
        own = [one for result in self._audited if isinstance(result, Drifted) for one in result.report.refusals]
        line, reason = drift_line(summary), _first([*summary.refusals, *own])
        if line != NO_DRIFT or not reason:
            self._last(line)
        if reason:
            self.refused(reason, summary.exit_code)

    def _missing(self, failed: int, sites: int) -> None:
        if failed:
            self._lines(wrapped((Span(missing_line(failed, sites)),), self._screen))

    def _drift_table(self, summary: DriftSummary) -> None:
        self._lines(drift_table(self._audited, summary, self._screen))
        self._write("\n")

    def aborted(self, message: str, exit_code: int) -> None:
        """Nothing more: stderr has it."""

    def _show_plan(self, summary: PlanSummary) -> None:
        if not self._results and not self._noted:
            return
        tables = bool(summary.changes or summary.tally.blocked or summary.failed or summary.refused)
        if tables:
            self._table(summary)
        for result in self._results:
            if summary.sites > 1:
                self._write(self._screen.paint(result.site, Style.BOLD) + "\n")
            self._lines(self._plan_text.site(result))
            self._write("\n")
        for note, sites in self._noted.items():
            several = f"{plural(len(sites), 'site')} ({', '.join(sites[:3])}{', ...' if len(sites) > 3 else ''}): "
            self._lines(wrapped((Span(f"  note: {several if summary.sites > 1 else ''}{note}"),), self._screen, hang=8))
            self._write("\n")
        if summary.sites > 1 and (unchanged := summary.sites - len(self._results)):
            words = f"{plural(unchanged, 'site')} without changes"
            self._lines(wrapped((Span(words, Style.DIM),), self._screen))
            self._write("\n")
        if tables:
            self._table(summary)

    def _table(self, summary: PlanSummary) -> None:
        self._lines(plan_table(self._results, summary, self._screen))
        self._write("\n")

    def _first_refusal(self, summary: PlanSummary) -> str:
        own = [one for result in self._results if isinstance(result, Planned) for one in result.plan.refusals]
        return _first([*summary.refusals, *own])

    def _last(self, line: str, style: Style = Style.BOLD) -> None:
        """A line that scripts look for, so it is never wrapped."""
        self._write(self._screen.paint(line, style) + "\n")

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(line.rstrip() + "\n")


def _first(reasons: Sequence[Diagnostic]) -> str:
    """The first refusal in words, and how many more there are."""
    if not reasons:
        return ""
    return refusal_words(reasons[0]) + (f" (and {len(reasons) - 1} more, above)" if len(reasons) > 1 else "")
