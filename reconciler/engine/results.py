"""What a run says while it works and when it ends: one union of events.

Here are those of plan, apply, drift and review; adoption_results.py and state_results.py have the others.

Every run ends in one closing event (`ClosingEvent`) and then in `Ended`, which carries the exit code; whoever writes a
report needs nothing else. Before them come the events of its sites. Everything in an event is a frozen value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from reconciler.engine.adoption_results import (
    DoctorCompleted,
    FilesChecked,
    ImportCompleted,
    ProjectExamined,
    SiteExamined,
    SiteImported,
)
from reconciler.engine.state_results import CallResolved, LockFound, LockRemoved, RecordChanged, StateListed, StateShown
from reconciler.model.address import Labels, SiteName
from reconciler.model.diagnostics import Diagnostic, Place

if TYPE_CHECKING:
    # The types alone: whoever makes such a value has them, and `validate` starts without them.
    from reconciler.executor import events as executor_events
    from reconciler.executor.ledger import Result, SiteLedger, Tally
    from reconciler.model.posts import PostId
    from reconciler.model.sites import PostOutcome, PublishedPost
    from reconciler.planner.actions import Plan, Reason, StillGoingOut
    from reconciler.planner.document import RunPart
    from reconciler.planner.drift_report import DriftReport, DriftTally
    from reconciler.planner.reached import Reached
    from reconciler.planner.review import Review
    from reconciler.planner.tally import PlanTally


def _nothing_planned() -> PlanTally:
    from reconciler.planner.tally import PlanTally

    return PlanTally()


def _nothing_done() -> Tally:
    from reconciler.executor.ledger import Tally

    return Tally()


def _no_drift() -> DriftTally:
    from reconciler.planner.drift_report import DriftTally

    return DriftTally()


# --- the run ---------------------------------------------------------------------------------------


class ApiKind(StrEnum):
    """What a run works on: live sites, the sandbox, or another address."""

    WIX = "wix"
    SANDBOX = "sandbox"
    OTHER = "other"


class Api(Struct, frozen=True):
    """The remote side of a run. `target` is what `api` said: `wix`, `sandbox` or a URL; `host` is its host name."""

    kind: ApiKind
    target: str
    host: str = ""


class RunStarted(Struct, frozen=True):
    """The files are read and the sites are chosen: `sites` of the `of` that the project has.

    `project` is the name of its folder, `commit` what git has checked out, None outside of a repository or where it
    was not asked. `approval_none` are the chosen sites whose drafts go out without anybody's approval.
    """

    command: str
    project: str
    sites: int
    of: int
    api: Api | None = None
    commit: str | None = None
    approval_none: tuple[SiteName, ...] = ()
    places: tuple[tuple[SiteName, Place], ...] = ()
    """Where each chosen site is declared, for findings that have no line of their own."""
    part: RunPart | None = None
    """Which part of the sites it is, where it is one of several."""


class Phase(StrEnum):
    """What a run does with all its sites, one after the other."""

    READING = "reading"
    LISTING = "listing"
    IMPORTING = "importing"
    EXAMINING = "examining"
    PLANNING = "planning"
    CHECKING = "checking"
    APPLYING = "applying"
    REVIEWING = "reviewing"


class PhaseStarted(Struct, frozen=True):
    """From here on `sites` sites are worked on; each ends in an event of its own."""

    phase: Phase
    sites: int


class PlanLoaded(Struct, frozen=True):
    """The saved plan that what follows is read from. `spent_at` is None where it was not applied, as far as known."""

    id: str
    digest: str
    made_at: datetime
    expires_at: datetime
    tool: str
    api: str
    expired: bool = False
    spent_at: datetime | None = None


class Notice(Struct, frozen=True):
    """A warning or a note for people that stops nothing: a lock that was taken over, files that moved on."""

    problem: Diagnostic


# --- one site --------------------------------------------------------------------------------------


class SiteStarted(Struct, frozen=True):
    """Work on a site begins."""

    name: SiteName


class Progressed(Struct, frozen=True):
    """Something happened while a plan was carried out, or an earlier run's open call was resolved."""

    name: SiteName
    event: executor_events.Event


class SitePlanned(Struct, frozen=True):
    """A site that was read and planned. `reads` are the parts of it that were read, `seconds` what that took.

    `warnings` are those of policy checks; each is a `Notice` of its own too. `inherited` are the fields whose values
    are from the project's `defaults`, with the labels that those are for.
    """

    plan: Plan
    tally: PlanTally
    reads: tuple[str, ...] = ()
    labels: Labels = ()
    seconds: float = 0.0
    warnings: tuple[Diagnostic, ...] = ()
    inherited: tuple[tuple[str, str], ...] = ()
    reached: Reached | None = None
    """What the site has of what the options of the run name; None where nobody asked."""

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.plan.site.name

    @property
    def says_something(self) -> bool:
        """Whether there is anything of it, but for notes, that a person should see."""
        plan = self.plan
        return bool(plan.actions or plan.blocked or plan.refusals or plan.to_review or plan.still_going_out)

    @property
    def is_to_record(self) -> bool:
        """Whether an apply would record something of it, with nothing to do included: a first run, or a post's end.

        Without a record no approval counts.
        """
        from reconciler.planner.actions import BlockedBy
        from reconciler.planner.generation import FIRST_CONTACT

        plan = self.plan
        unproven = any(problem.code == BlockedBy.APPROVAL_UNPROVEN for problem in plan.blocked)
        return FIRST_CONTACT in plan.notes or bool(plan.ended) or unproven


class SiteDrifted(Struct, frozen=True):
    """A site that was audited, whatever was found."""

    report: DriftReport
    labels: Labels = ()
    seconds: float = 0.0

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.report.site.name

    @property
    def says_something(self) -> bool:
        """Whether there is anything of it that a person should see."""
        from reconciler.planner.drift_report import DriftState

        report = self.report
        converged = all(item.state is DriftState.CONVERGED for item in report.items)
        return not converged or bool(report.refusals or report.notes or report.due)


class Written(StrEnum):
    """What a review did to a site's approvals file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "up to date"
    NONE = "nothing to review"


class SiteReviewed(Struct, frozen=True):
    """A site's review, and what became of its approvals file; the path as it is shown."""

    review: Review
    written: Written
    file: str
    gallery: str | None = None

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.review.site


class SiteNotReviewed(Struct, frozen=True):
    """A site that has nothing to review now, and why."""

    name: SiteName
    why: Diagnostic
    going_out: tuple[StillGoingOut, ...] = ()
    """The posts that nobody wants any more and that go out all the same; `zone` is the site's."""
    zone: str = "UTC"


class SiteApplied(Struct, frozen=True):
    """What was done at a site and what was not. Sites come in the order in which they end."""

    ledger: SiteLedger
    labels: Labels = ()
    seconds: float = 0.0

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.ledger.site.name


class SiteHistory(Struct, frozen=True):
    """What went out on a site and what waits to, as the state knows it.

    Posts that this tool scheduled, and what became of those that were looked at after their moment.
    """

    name: SiteName
    posts: tuple[PublishedPost, ...]
    outcomes: tuple[PostOutcome, ...] = ()
    moved: tuple[tuple[PostId, datetime], ...] = ()
    """When posts go out, or went out, that somebody moved since they were scheduled."""
    unwanted: tuple[tuple[PostId, Reason], ...] = ()
    """Why posts that went out were not to go out any more."""

    def moment_of(self, post: PublishedPost) -> datetime | None:
        """When a post goes out or went out, as far as an apply has seen; None if nobody knows."""
        return dict(self.moved).get(post.id, post.scheduled_for)

    def outcome_of(self, post: PublishedPost) -> PostOutcome | None:
        """What became of a post; None where nobody has looked yet."""
        return next((outcome for outcome in self.outcomes if outcome.post == post.id), None)


class SiteFailed(Struct, frozen=True):
    """A site that could not be worked on, and why; the others went on.

    `refused`: nothing is wrong with it, but another run has it.
    """

    name: SiteName
    problems: tuple[Diagnostic, ...]
    refused: bool = False
    labels: Labels = ()
    seconds: float = 0.0

    @property
    def problem(self) -> Diagnostic:
        """The first of the problems."""
        return self.problems[0]


# --- how a run ends --------------------------------------------------------------------------------


class PlanCompleted(Struct, frozen=True):
    """All sites are planned. `refusals` are those of the run as a whole; `refused` counts sites with their own.

    In `plan` and `show` it closes the run; in `apply` it is what the yes is asked about.
    """

    sites: int
    tally: PlanTally = field(default_factory=_nothing_planned)
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    unstoppable: int = 0
    """Of the posts that still go out, those that no action of a plan stops."""

    @property
    def changes(self) -> int:
        """What would be done or waited for, promises included; zero is a project that has converged."""
        return self.tally.changes


class ApplyCompleted(Struct, frozen=True):
    """What a run did.

    `sites` had something to do; `refused` and `failed` count those that a lock or an error kept from it after the yes;
    `results` are the ways in which actions ended, each once.
    """

    plan: PlanCompleted
    tally: Tally = field(default_factory=_nothing_done)
    sites: int = 0
    failed: int = 0
    refused: int = 0
    results: frozenset[Result] = frozenset()
    interrupted: bool = False


class DriftCompleted(Struct, frozen=True):
    """All sites are audited. `refusals` are those an apply of the whole run would meet; `refused` counts sites."""

    sites: int
    tally: DriftTally = field(default_factory=_no_drift)
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()


class ReviewCompleted(Struct, frozen=True):
    """All sites are reviewed: drafts that wait for a decision, in how many sites, and those that have a yes."""

    sites: int
    pending: int = 0
    sites_pending: int = 0
    approved: int = 0
    failed: int = 0
    not_out: int = 0
    """Posts that failed to go out."""
    going_out: int = 0
    """Posts that go out although nobody wants them any more."""


class Validated(Struct, frozen=True):
    """All files are correct."""

    files: int
    sites: int


class PartsMerged(Struct, frozen=True):
    """The reports of all parts are one. `exit_code` is that of the run as a whole, as its parts ended."""

    parts: int
    sites: int
    exit_code: int


class Decided(Struct, frozen=True):
    """What people decided about drafts and activities, in how many sites, and how many drafts wait on.

    `asked` is how much there was to decide on, `listed` how many drafts the approvals files have.
    """

    drafts: int
    activities: int
    sites: int
    pending: int
    asked: int
    listed: int


class HistoryListed(Struct, frozen=True):
    """The history of all sites was told: `posts` are those this tool scheduled."""

    sites: int
    posts: int
    failed: int = 0


class GoingOut(Struct, frozen=True):
    """A post that nobody wants any more and that goes out all the same; `zone` is its site's time zone."""

    post: StillGoingOut
    zone: str


class Refused(Struct, frozen=True):
    """Nothing was done, for a guard or a person said no.

    `more` counts further reasons, each of which was said; `failed` the sites that could not be read. `still_going_out`
    are the posts that would have been taken back.
    """

    reason: Diagnostic
    more: int = 0
    failed: int = 0
    still_going_out: tuple[GoingOut, ...] = ()


class FilesInvalid(Struct, frozen=True):
    """Files that cannot be used: every problem of every file. Nothing was done."""

    problems: tuple[Diagnostic, ...]


class RunFailed(Struct, frozen=True):
    """The run as a whole could not go on: a mistake on the command line or in the environment, or a bug (`bug`)."""

    problem: Diagnostic


class Interrupted(Struct, frozen=True):
    """A signal ended the run before it had anything to say."""


class Ended(Struct, frozen=True):
    """The last event of every run."""

    exit_code: int


SiteEvent: TypeAlias = (
    SitePlanned
    | SiteDrifted
    | SiteReviewed
    | SiteNotReviewed
    | SiteApplied
    | SiteHistory
    | SiteImported
    | SiteExamined
    | SiteFailed
)

ClosingEvent: TypeAlias = (
    PlanCompleted
    | ApplyCompleted
    | DriftCompleted
    | ReviewCompleted
    | Validated
    | PartsMerged
    | Decided
    | HistoryListed
    | ImportCompleted
    | DoctorCompleted
    | FilesChecked
    | StateListed
    | StateShown
    | LockRemoved
    | CallResolved
    | RecordChanged
    | Refused
    | FilesInvalid
    | RunFailed
    | Interrupted
)

Event: TypeAlias = (
    RunStarted
    | PhaseStarted
    | PlanLoaded
    | Notice
    | SiteStarted
    | Progressed
    | LockFound
    | ProjectExamined
    | SiteEvent
    | ClosingEvent
    | Ended
)

Emit: TypeAlias = Callable[[Event], None]
