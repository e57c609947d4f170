"""What somebody should check after a run, as diagnostics: for formats with room for problems and little else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.engine.adoption_results import Counts, FilesChecked, ProjectExamined, SiteExamined, SiteImported
from reconciler.engine.results import (
    ApplyCompleted,
    DriftCompleted,
    Ended,
    Event,
    FilesInvalid,
    Interrupted,
    Notice,
    PhaseStarted,
    PlanCompleted,
    PlanLoaded,
    Refused,
    RunFailed,
    RunStarted,
    SiteEvent,
)
from reconciler.engine.site_results import (
    Progressed,
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    SiteStarted,
)
from reconciler.engine.state_results import StateEvent, StateListed
from reconciler.engine.tool_results import ToolEvent
from reconciler.executor.ledger import Entry, SiteLedger, causes_once
from reconciler.model.activities import CreateActivity, DeleteActivity, UpdateActivity
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.posts import PostsWrite, name_of
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.text import spoken
from reconciler.model.verdict import Verdict
from reconciler.planner.actions import GoingOut, StillGoingOut
from reconciler.planner.drift_report import DriftState, without_name
from reconciler.planner.unstopped import stops
from reconciler.reporters import words
from reconciler.reporters.ledger_text import goes_out_instead

STILL_GOING_OUT: Final = "still-going-out"


class Findings:
    """The problems of a run, each once: an apply reports its sites twice, and a refusal both for its site and the run.

    A post that an apply tries to stop again is reported with how that ended, not with what the plan says about it.
    If a run ends badly and no event says why, that is itself a problem, so that no report is silent about it.
    """

    def __init__(self) -> None:
        self._reported: set[Diagnostic] = set()
        self._applies = False
        self._tried_again: dict[SiteName, dict[Address, Diagnostic]] = {}
        """What the plan of each site says about posts that are yet to be stopped."""

    def of(self, event: Event) -> list[Diagnostic]:
        """What an event reports that none before it did. A mere change is not a problem."""
        found = [finding for finding in self._of(event) if finding not in self._reported]
        self._reported.update(found)
        if isinstance(event, Ended) and not event.verdict.is_success:
            explained = any(explains(finding, event.verdict) for finding in self._reported)
            found += [] if explained else [ended_badly(event)]
        return found

    def _of(self, event: Event) -> list[Diagnostic]:
        """What an event reports. What a plan says about posts yet to be stopped comes last, if nothing replaced it."""
        found = list(dict.fromkeys(findings_of(event)))
        match event:
            case RunStarted(command=command):
                self._applies = command == "apply"
            case SitePlanned(plan=plan) if self._applies:
                stopping = {action.address for action in plan.actions if stops(action)}
                later = [finding for finding in found if finding.code == STILL_GOING_OUT and finding.about in stopping]
                if later:
                    self._tried_again[plan.site.name] = {finding.about: finding for finding in later}
                    return [finding for finding in found if finding not in later]
            case SiteApplied(name=name):
                self._tried_again.pop(name, None)
            case Ended():
                return [finding for later in self._tried_again.values() for finding in later.values()]
            case _:
                for finding in found:
                    if finding.code == STILL_GOING_OUT:
                        self._tried_again.get(finding.about.site, {}).pop(finding.about, None)
        return found


def goes_out(finding: Diagnostic) -> bool:
    """Whether a finding is about an unwanted post that still goes out. Reports show these first."""
    return finding.code == STILL_GOING_OUT and finding.severity is Severity.ERROR


def explains(finding: Diagnostic, verdict: Verdict) -> bool:
    """Whether a finding is sufficient reason for this verdict."""
    if verdict is Verdict.FAILED:
        return finding.severity is Severity.ERROR
    return finding.severity is not Severity.NOTE


def ended_badly(ended: Ended) -> Diagnostic:
    """The bad end of a run, if nothing else says why."""
    what = f"the run ended with exit code {ended.exit_code} ({ended.verdict})"
    severity = Severity.ERROR if ended.verdict is Verdict.FAILED else Severity.WARNING
    return Diagnostic(f"run-{ended.verdict}", what, "look at the text output of the run", severity)


def findings_of(event: Event) -> Iterator[Diagnostic]:
    """The problems that an event reports, whether or not they were reported before."""
    if isinstance(event, SiteEvent):
        yield from _of_site(event)
        return
    match event:
        case FilesInvalid(problems=problems):
            yield from problems
        case ProjectExamined(findings=findings):
            yield from findings
        case FilesChecked(touched=touched):
            yield from touched
        case PlanCompleted() | DriftCompleted():
            yield from _left(event.still_going_out)
            yield from event.refusals
        case Refused(reason=reason):
            yield from _left(event.still_going_out)
            yield reason
        case Notice(problem=problem) | RunFailed(problem=problem):
            yield problem
        case StateListed(sites=sites):
            for site in sites:
                if site.problem is not None:
                    yield replace(site.problem, address=Address(site.name))
        case Interrupted():
            yield from _left(event.still_going_out)
            yield Diagnostic("interrupted", "the run was interrupted", "run it again", Severity.WARNING)
        case ApplyCompleted(interrupted=True):
            yield Diagnostic("interrupted", "the run was interrupted", "run apply again to continue", Severity.WARNING)
        case (
            RunStarted()
            | PhaseStarted()
            | PlanLoaded()
            | SiteStarted()
            | Progressed()
            | ApplyCompleted()
            | Counts()
            | StateEvent()
            | ToolEvent()
            | Ended()
        ):
            return
        case _:
            assert_never(event)


def _of_site(event: SiteEvent) -> Iterator[Diagnostic]:
    match event:
        case SitePlanned(plan=plan):
            yield from (going_out(post, plan.time_zone) for post in plan.still_going_out)
            yield from plan.refusals
            yield from plan.blocked
        case SiteReviewed(review=review):
            yield from (going_out(post, review.zone) for post in review.going_out)
            yield from review.unapproved
            yield from review.failures
        case SiteNotReviewed(zone=zone):
            yield from (going_out(post, zone) for post in event.going_out)
        case SiteDrifted(report=report):
            yield from report.refusals
            yield from (
                item.problem for item in report.items if item.problem and item.state is not DriftState.IN_REVIEW
            )
        case SiteApplied(ledger=ledger):
            yield from _of_ledger(ledger)
        case SiteFailed(problems=problems, unseen=unseen):
            yield from (going_out(found.post, found.zone) for found in unseen.going_out)
            yield from unseen.waiting
            yield from problems
        case SiteImported(notes=findings) | SiteExamined(findings=findings):
            yield from findings
        case SiteHistory():
            return
        case _:
            assert_never(event)


def _left(posts: Iterable[GoingOut]) -> Iterator[Diagnostic]:
    return (going_out(found.post, found.zone) for found in posts)


def going_out(post: StillGoingOut, zone: str) -> Diagnostic:
    """A post that goes out although it is no longer wanted: an error, and where a person can stop it."""
    on = " on" if post.is_exact else ""  # not "on about"
    when = f"{on} {words.moment(post.moment, zone, exact=post.is_exact)}" if post.moment else ""
    account = words.on_account(post.account)
    problem = post.problem
    name = name_of(post)
    return Diagnostic(
        STILL_GOING_OUT,
        f"{name}{account} is still going out{when}: {problem.message}",
        problem.fix,
        address=post.address,
        request_id=problem.request_id,
        name=name,
        call=problem.call,
        says_name=True,
    )


def _of_ledger(ledger: SiteLedger) -> Iterator[Diagnostic]:
    yield from (going_out(post, ledger.time_zone) for post in ledger.still_going_out)
    if ledger.error:
        yield replace(ledger.error, address=ledger.error.address or Address(ledger.site.name))
    for entry in causes_once(ledger.entries, ledger.still_going_out):
        if entry.problem is not None:
            instead = goes_out_instead(entry, ledger.time_zone)
            ended = f"{entry.operation.verb}: {spoken(entry.result)}{f', but it {instead}' if instead else ''}"
            why = without_name(entry.problem).while_(ended)
            yield replace(why, name=_name(entry) or why.name, request_id=why.request_id or entry.request_id)


def _name(entry: Entry) -> str:
    """What people call the object of an action, if its address has only an id."""
    operation = entry.operation
    if isinstance(operation, SchedulePost | ReschedulePost | CancelPost):
        return name_of(operation)
    if isinstance(operation, CreateActivity | UpdateActivity | DeleteActivity | PostsWrite):
        return f'{spoken(Kind.ACTIVITY)} "{operation.title}"'
    return ""


def without_place(finding: Diagnostic) -> Diagnostic:
    """The finding for a format that shows its place by means other than words."""
    return replace(finding, place=None)
