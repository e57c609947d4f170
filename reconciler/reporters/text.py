"""The text format: what a person reads on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final, assert_never

from msgspec.structs import replace

from reconciler.engine import adoption_results, results, site_results, state_results, tool_results
from reconciler.model.failures import PASSING, PASSING_MEANWHILE
from reconciler.model.plurals import plural
from reconciler.model.text import printable
from reconciler.model.verdict import Verdict
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import above, refused_line, sentence
from reconciler.reporters.last_lines import NO_CHANGES, apply_line, header_lines, interrupted_line
from reconciler.reporters.layout import Style
from reconciler.reporters.next_step import repeated
from reconciler.reporters.problems import ProblemReporter
from reconciler.reporters.undeclared import UndeclaredSites

if TYPE_CHECKING:
    from reconciler.executor.ledger import Retries
    from reconciler.planner.actions import GoingOut
    from reconciler.reporters.doctor_text import Shared
    from reconciler.reporters.drift_screen import DriftScreen
    from reconciler.reporters.failures import Failures
    from reconciler.reporters.ledger_summary import LedgerSummary
    from reconciler.reporters.plan_screen import PlanScreen
    from reconciler.reporters.review_screen import ReviewScreen


REPEATING: Final = frozenset({"plan", "apply", "drift", "review", "approve", "show", "merge", "import", "init"})
"""The commands whose next step is about the same sites."""


class TextReporter:
    """Passes each event to the screen of its command, and writes the lines that it returns."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._write = context.write
        self._screen = context.screen
        self._phase: results.Phase | None = None
        self._applying = 0
        self._sites = 0
        self._planned = self._gap = self._ends_with_plan = False
        self._held = ""
        """The last line of a plan that nobody is asked about: a quiet apply shows its own instead, if it has one."""
        self._new_drafts = self._sites_with_new = self._left_by_guard = self._read_only = self._unreached = 0
        self._sites_again = 0
        """How many sites failed for a reason that may be temporary."""
        self._generated: set[str] = set()
        """The sites whose generation this run began: the next step asks for none of them again."""
        self._uncounted = self._imported = False
        self._loaded: results.PlanLoaded | None = None
        self._explained: dict[str, str] = {}
        """What `doctor` found, with the first site that has it."""
        detail = context.detail
        has_notes = not (detail.quiet or detail.summary)
        self._undeclared = UndeclaredSites(list_sites=detail.sites)
        self._problems = ProblemReporter(context.write, list_sites=detail.sites, has_notes=has_notes)

    @cached_property
    def _retries(self) -> Retries:
        """What the next apply retries on all sites."""
        from reconciler.executor.ledger import Retries

        return Retries()

    @cached_property
    def _plan(self) -> PlanScreen:
        """The screen of plans. Each screen is imported when needed: `validate` needs none."""
        from reconciler.reporters.plan_screen import PlanScreen

        return PlanScreen(self._screen, self._context.detail, self._context.calls_of)

    @cached_property
    def _drift(self) -> DriftScreen:
        from reconciler.reporters.drift_screen import DriftScreen

        return DriftScreen(self._screen, self._context.detail, explain=self._context.calls_of is not None)

    @cached_property
    def _reviews(self) -> ReviewScreen:
        from reconciler.reporters.review_screen import ReviewScreen

        return ReviewScreen(self._screen, quiet=self._context.detail.quiet)

    @cached_property
    def _failed(self) -> Failures:
        from reconciler.reporters.failures import Failures

        return Failures(list_sites=self._context.detail.sites)

    @cached_property
    def _examined(self) -> Shared:
        from reconciler.reporters.doctor_text import Shared

        return Shared()

    @cached_property
    def _ledger(self) -> LedgerSummary:
        from reconciler.reporters.ledger_summary import LedgerSummary

        return LedgerSummary(self._screen, list_sites=self._context.detail.sites)

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        if not self._context.on_screen:  # on a screen, stderr shows them
            self._problems.handle(event)
        match event:
            case site_results.SiteStarted() | site_results.Progressed() | results.Ended():
                pass  # most events
            case results.RunStarted():
                self._started(event)
            case results.PhaseStarted(phase=phase, sites=sites):
                self._phase, self._applying = phase, sites
                self._gap = phase is results.Phase.APPLYING and sites > 0 and self._planned
            case results.PlanLoaded():
                self._plan.loaded(event)
                self._loaded = event
            case site_results.SitePlanned():
                self._site_planned(event)
            case site_results.SiteDrifted():
                self._drift.site(event)
            case site_results.SiteApplied():
                self._site_applied(event)
            case (
                site_results.SiteReviewed()
                | site_results.SiteNotReviewed()
                | results.ReviewCompleted()
                | results.Decided()
            ):
                self._review(event)
            case site_results.SiteHistory() | results.HistoryListed():
                self._history(event)
            case adoption_results.SiteImported() | adoption_results.ImportCompleted():
                self._import(event)
            case (
                adoption_results.ProjectExamined()
                | adoption_results.SiteExamined()
                | adoption_results.DoctorCompleted()
                | adoption_results.FilesChecked()
            ):
                self._doctor(event)
            case site_results.SiteFailed():
                self._site_failed(event)
            case results.PlanCompleted():
                self._plan_completed(event)
            case results.ApplyCompleted():
                self._apply_completed(event)
            case results.DriftCompleted():
                self._drift_completed(event)
            case results.Refused():
                self._refused(event)
            case state_results.StateEvent():
                self._state(event)
            case results.Validated(files=files, sites=sites):
                self._last(f"Valid: {plural(files, 'file')}, {plural(sites, 'site')}.")
            case results.PartsMerged():
                self._merged(event)
            case tool_results.ToolEvent():
                self._tool(event)
            case results.Interrupted():
                self._interrupted(event)
            case results.Notice(problem=problem) if self._context.apart:
                self._undeclared.add(problem)
            case results.Notice():
                pass  # shown in the same place
            case results.FilesInvalid() | results.RunFailed():
                pass  # reported above, or on stderr
            case _:
                assert_never(event)

    # --- sites -------------------------------------------------------------------------------------

    def _started(self, run: results.RunStarted) -> None:
        self._sites = run.sites
        match run.command:
            case "plan" | "apply" | "show":
                self._plan.started(run)
            case "drift":
                self._drift.started(run)
            case "review":
                self._lines(self._reviews.started(run))
            case "history" | "import" | "doctor" if not self._context.detail.quiet:
                self._lines((*header_lines(run, self._screen), ""))
            case _:  # `validate` and `approve` read no site
                pass

    def _site_applied(self, applied: site_results.SiteApplied) -> None:
        from reconciler.executor.ledger import (
            has_generated,
            left_by_guard,
            left_read_only,
            public_not_started,
            retries,
        )
        from reconciler.reporters.ledger_text import FEW_SITES, applied_lines, has_problems, is_untouched

        if self._ends_with_plan and not applied.ledger.entries:  # the plan has said all that there is to say
            return
        new = applied.ledger.new_drafts
        self._uncounted |= new is None
        self._new_drafts += new or 0
        self._retries += retries(applied.ledger)
        self._sites_again += applied.ledger.error is not None and applied.ledger.error.code in PASSING_MEANWHILE
        guarded = left_by_guard(applied.ledger)
        self._left_by_guard += guarded
        self._read_only += 0 if guarded else left_read_only(applied.ledger)
        self._unreached += 0 if guarded else public_not_started(applied.ledger)
        self._sites_with_new += bool(new)
        if has_generated(applied.ledger):
            self._generated.add(applied.ledger.site.name)
        same_as = self._ledger.applied(applied)
        detail = self._context.detail
        brief = self._applying >= FEW_SITES
        if brief and is_untouched(applied.ledger) and not detail.sites:  # they are counted at the end
            return
        if not detail.summary and (has_problems(applied.ledger) or not detail.quiet):
            lines = applied_lines(
                applied,
                brief=brief,
                quiet=detail.quiet,
                list_posts=detail.sites,
                same_as=same_as,
            )
            self._end_gap()
            for line in lines:
                self._lines(line.on(self._screen))

    def _review(
        self,
        event: site_results.SiteReviewed
        | site_results.SiteNotReviewed
        | site_results.SiteFailed
        | results.ReviewCompleted
        | results.Decided,
    ) -> None:
        from reconciler.reporters.review_text import decided_line, next_after_deciding, next_after_review, review_line

        match event:
            case results.ReviewCompleted():
                self._lines(self._reviews.end())
                self._last(review_line(event), next_after_review(event))
            case results.Decided():
                self._last(decided_line(event), next_after_deciding(event))
            case _:
                self._lines(self._reviews.site(event))

    def _history(self, event: site_results.SiteHistory | results.HistoryListed) -> None:
        from reconciler.reporters.history_text import history_line, history_lines

        if isinstance(event, results.HistoryListed):
            self._failed_sites()
            self._last(history_line(event))
        else:
            self._lines(history_lines(event, self._screen, quiet=self._context.detail.quiet))

    def _import(self, event: adoption_results.SiteImported | adoption_results.ImportCompleted) -> None:
        from reconciler.reporters.import_text import import_line, import_lines, import_step

        if isinstance(event, adoption_results.ImportCompleted):
            self._lines(("",) if self._imported else ())
            self._failed_sites()
            self._last(import_line(event), import_step(event))
        else:
            lines = tuple(import_lines(event, self._screen, quiet=self._context.detail.quiet))
            self._imported |= bool(lines) and not self._context.detail.quiet
            self._lines(lines)

    def _doctor(
        self,
        event: adoption_results.ProjectExamined
        | adoption_results.SiteExamined
        | adoption_results.DoctorCompleted
        | adoption_results.FilesChecked,
    ) -> None:
        from reconciler.reporters import doctor_text

        quiet = self._context.detail.quiet
        if quiet and isinstance(event, adoption_results.ProjectExamined | adoption_results.SiteExamined):
            event = doctor_text.without_notes(event)
        match event:
            case adoption_results.SiteExamined() if self._sites > doctor_text.FEW:
                self._examined.add(event)
            case adoption_results.DoctorCompleted():
                self._lines(self._examined.lines(self._screen, every=self._context.detail.sites))
                self._failed_sites()
                self._last(doctor_text.doctor_line(event))
            case adoption_results.FilesChecked():
                self._lines(doctor_text.touched_lines(event, self._screen))
                self._last(doctor_text.files_line(event))
            case adoption_results.ProjectExamined() | adoption_results.SiteExamined():
                self._lines(doctor_text.examined_lines(event, self._screen, self._explained, facts=not quiet))

    def _state(self, event: state_results.AnyStateEvent) -> None:
        from reconciler.reporters import state_text

        match event:
            case state_results.LockFound():
                self._lines(state_text.lock_lines(event, self._screen))
            case state_results.StateListed(sites=sites, place=place):
                self._lines(state_text.list_lines(sites, self._screen))
                self._write("\n" if sites else "")
                self._last(state_text.list_line(sites, place))
            case state_results.StateShown(site=site, where=where):
                self._lines(state_text.site_lines(site, self._screen, where))
                self._write("\n")
                self._last(state_text.show_line(site))
            case state_results.CallResolved():
                self._lines(state_text.resolved_lines(event, self._screen))
                self._last(state_text.resolved_line(event))
            case state_results.RecordChanged():
                self._last(state_text.record_changed_line(event))
            case state_results.LockRemoved():
                self._last(state_text.lock_removed_line(event))
            case _:
                assert_never(event)

    def _tool(self, event: tool_results.AnyToolEvent) -> None:
        from reconciler.reporters.tool_text import tool_text

        self._write(tool_text(event))
        if isinstance(event, tool_results.StarterWritten):
            self._next("reconciler plan")

    def _site_planned(self, planned: site_results.SitePlanned) -> None:
        self._plan.site(planned)
        if self._context.command != "apply":
            return
        if planned.plan.refusals:
            self._ledger.refused(planned.name, len(planned.plan.still_going_out))
        elif not planned.plan.actions:
            self._ledger.idle(planned.tally)

    def _site_failed(self, failed: site_results.SiteFailed) -> None:
        match self._phase:
            case results.Phase.READING:
                self._drift.failed(failed)
            case results.Phase.APPLYING:
                from reconciler.reporters.ledger_text import FEW_SITES, refused_lines

                self._sites_again += not failed.refused and failed.problem.code in PASSING_MEANWHILE
                same_as = self._ledger.failed(failed, planned=True)
                self._end_gap()
                self._lines(refused_lines(failed, self._screen, brief=self._applying >= FEW_SITES, same_as=same_as))
            case results.Phase.PLANNING | results.Phase.CHECKING:
                self._sites_again += not failed.refused and failed.problem.code in PASSING
                self._plan.failed(failed)
                self._ledger.failed(failed, planned=False)
            case results.Phase.REVIEWING:
                self._review(failed)
            case results.Phase.IMPORTING | results.Phase.LISTING | results.Phase.EXAMINING | None:
                self._failed.add(failed)
            case _:
                assert_never(self._phase)

    def _failed_sites(self) -> None:
        """The sites that failed in a command that shows all others as they come: each cause once."""
        for line in self._failed.lines():
            self._lines(line.on(self._screen))
        self._lines(("",) if self._failed else ())

    def _end_gap(self) -> None:
        """If a plan was shown, writes an empty line between its last line and the first site's lines, once."""
        if self._gap and not self._held:
            self._write("\n")
        self._gap = False

    # --- how a run ends ----------------------------------------------------------------------------

    def _refused(self, refused: results.Refused) -> None:
        end = self._left_behind(refused.still_going_out, refused.unstopped, refused.failed)
        why = self._plan.refused_sites(refused.reason) or refused_line(refused.reason, refused.more)
        why = f"Error: {sentence(refused.reason)}" if refused.unwritable else why
        self._last(why + end, style=Style.RED)

    def _left_behind(self, still_going_out: tuple[GoingOut, ...], unstopped: int, unread: int = 0) -> str:
        """Names the posts that go out because nothing was done, and returns how the last line counts what is above."""
        if still_going_out:
            from reconciler.reporters.going_out import going_out_once

            for line in going_out_once(still_going_out, list_sites=self._context.detail.sites):
                self._lines(line.on(self._screen))
        return above(unread, len(still_going_out) + unstopped)

    def _interrupted(self, interrupted: results.Interrupted) -> None:
        self._lines(self._reviews.end() if self._phase is results.Phase.REVIEWING else ())
        end = self._left_behind(interrupted.still_going_out, interrupted.unstopped)
        self._last(interrupted_line(self._context.command, interrupted, self._context.detail.saved_to) + end)

    def _merged(self, merged: results.PartsMerged) -> None:
        parts, sites, verdict = merged.parts, merged.sites, merged.verdict
        worst = f"exit code {verdict.exit_code} ({verdict})"
        ending = "" if verdict is Verdict.SUCCEEDED else f"; the worst shard ended with {worst}"
        self._last(f"Merged: {plural(parts, 'shard')}, {plural(sites, 'site')}{ending}.")

    def _drift_completed(self, completed: results.DriftCompleted) -> None:
        self._lines(self._drift.head())
        self._lines(self._undeclared.lines(self._screen))
        self._lines(self._drift.lines(completed))
        self._last(self._drift.last(completed), self._drift.next_step(completed))

    def _plan_completed(self, completed: results.PlanCompleted) -> None:
        """The plan; an `apply` that has work continues from here."""
        head = tuple(self._plan.head(completed))
        self._lines((*head, "") if head else ())
        self._lines(self._undeclared.lines(self._screen))
        self._lines(self._plan.body(completed))
        line, refusal = self._plan.last(completed), self._plan.refusal(completed)
        if self._context.command == "apply" and self._context.detail.quiet and not self._context.detail.asks:
            self._held, self._gap = line, True
        elif not self._plan.is_in_vain(completed) and (line != NO_CHANGES or refusal is None):
            self._last(line)
        if self._context.command != "apply":
            if refusal is not None:
                self._last(refusal, style=Style.RED)
            elif (step := self._plan.next_step(completed)) is not None:
                self._next(step)
        self._plan.forget()
        self._planned = True
        self._ends_with_plan = not (completed.changes or completed.failed or completed.refused)

    def _apply_completed(self, completed: results.ApplyCompleted) -> None:
        """The ledger of all sites, and the last line."""
        if not (completed.sites or completed.plan.failed or completed.plan.refused):
            if self._held:
                self._last(self._held)
            if (step := self._plan.review_step()) is not None:
                self._next(step)
            return
        several = completed.plan.sites > 1 or not completed.sites  # a single site that was worked on is shown above
        if several and not self._context.detail.quiet:  # each problem has been shown above
            self._gap = False
            self._write("\n")
            self._lines(self._ledger.lines(completed))
        if not self._gap:
            self._write("\n")
        self._last(apply_line(completed), self._after_apply(completed))

    def _after_apply(self, completed: results.ApplyCompleted) -> str | None:
        """What to type next. It names what was not done, then what was withheld, so that neither hides the other."""
        tally, doubt, why, again = completed.tally, completed.plan.tally.in_doubt, [], self._retries
        left = tally.skipped + tally.unknown - doubt + tally.not_started - again.left_posts
        left -= self._left_by_guard + self._read_only + self._unreached
        failed = tally.failed + completed.failed + completed.plan.failed
        lasting = failed - again.failed - self._sites_again
        if again.posts and not completed.interrupted:
            why.append(f"{plural(again.posts, 'post')} still going out")
        if completed.interrupted:
            why.append("continues where it stopped")
        elif tally.pending:
            why.append(f"{plural(tally.pending, 'action')} pending")
        elif failed > lasting:
            actions = again.failed - again.failed_posts
            what = "generation" if actions == again.generations else "action"
            why += [f"{plural(actions, what)} failed"] if actions else []
            why += [f"{plural(self._sites_again, 'site')} failed"] if self._sites_again else []
            others = f"{lasting:,} failures" if lasting > 1 else "failure"
            why += [f"fix the other {others} first"] if lasting else []
        elif failed:
            first = f"fix the {'failures' if failed > 1 else 'failure'} first"
            why += [first] if tally.withheld or not tally.still_going_out else []  # each of these says how to stop it
        elif left > 0 or doubt:
            why += [f"{plural(left, 'action')} not done"] if left > 0 else []
            why += [plural(doubt, "unconfirmed call")] if doubt else []
        elif self._left_by_guard and tally.withheld:
            why.append("fix the skipped actions first")
        if self._unreached and (why or not failed):
            why.append(f"{plural(self._unreached, 'public action')} not started")
        if tally.withheld:
            why.append(f"{plural(tally.withheld, 'public action')} withheld")
        if why:
            shard = "its shard of " if "--shard" in self._context.detail.again.sites else ""
            used_up = self._loaded is not None and not completed.interrupted
            why += [f"{shard}the saved plan is used up"] if used_up else []
            public = tally.withheld or self._unreached or again.public
            publish = " --allow-publish" if public else ""
            return f"reconciler apply{publish}   ({'; '.join(why)})"
        if failed and tally.still_going_out:  # each post says how to stop it, and nothing is more urgent
            return None
        if self._new_drafts:
            new = plural(self._new_drafts + self._plan.new_elsewhere, "new draft")
            sites = self._sites_with_new + self._plan.sites_new_elsewhere
            return f"reconciler review   ({new} in {plural(sites, 'site')})"
        if self._uncounted:
            return "reconciler plan   (shows whether there are new drafts to review)"
        return self._plan.review_step()

    # --- lines -------------------------------------------------------------------------------------

    def _last(self, line: str, step: str | None = None, *, style: Style = Style.BOLD) -> None:
        """A line that scripts look for, so it is never wrapped. Only what to type next comes after it."""
        self._write(self._screen.paint(line, style) + "\n")
        if step is not None:
            self._next(step)

    def _next(self, step: str) -> None:
        detail = self._context.detail
        if detail.quiet or detail.summary:  # what these show ends with the last line
            return
        if self._context.command in REPEATING:
            again, loaded = detail.again, self._loaded
            if loaded is not None and loaded.arguments is not None:
                again = again.with_those_of(loaded.arguments, shown=self._context.command == "show")
            if loaded is not None and loaded.other_api and "--api" not in again.reaching:
                again = replace(again, reaching=("--api", loaded.api, *again.reaching))
            step = printable(repeated(step, again.without_regenerating(self._generated), detail.saved_to))
        self._write(f"{self._screen.paint('Next:', Style.DIM)} {self._screen.paint(step)}\n")

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(line.rstrip() + "\n")
