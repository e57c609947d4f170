"""What a run reports while it works and when it ends: one union of events.

The events of a run as a whole and the union are here. site_results.py has the events of a single site;
adoption_results.py, state_results.py and tool_results.py have those of the commands about files, about the state and
about the tool itself.

Every run ends with a closing event (`ClosingEvent`; in an apply, its plan's closing event comes before its own). The
events of the sites come before it. The command line then adds `Ended`, which carries the exit code.
Everything in an event is a frozen value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from reconciler.engine import adoption_results, site_results, state_results, tool_results
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.model.frozen import Variant
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    # Only for type checking: code that makes such a value has imported them, and `validate` starts without them.
    from reconciler.executor.ledger import ActionResult, ApplyTally
    from reconciler.planner.actions import GoingOut
    from reconciler.planner.document import RunArguments, RunPart
    from reconciler.planner.drift_report import DriftTally
    from reconciler.planner.tally import PlanTally, Spare


def _nothing_planned() -> PlanTally:
    from reconciler.planner.tally import PlanTally

    return PlanTally()


def _nothing_done() -> ApplyTally:
    from reconciler.executor.ledger import ApplyTally

    return ApplyTally()


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
    """The remote side of a run. `target` is what `api` says: `wix`, `sandbox` or a URL; `host` is its host name."""

    kind: ApiKind
    target: str
    host: str = ""


class RunStarted(Struct, frozen=True):
    """The files have been read and the sites chosen: `sites` of the `of` that the project has.

    `project` is the name of its folder. `commit` is what git has checked out, None outside a repository or if git was
    not asked. `approval_none` are the chosen sites whose drafts go out without approval.
    """

    command: str
    project: str
    sites: int
    of: int
    api: Api | None = None
    commit: str | None = None
    approval_none: tuple[SiteName, ...] = ()
    places: Iterable[tuple[SiteName, Place]] = ()
    """Where each chosen site is declared, for findings without a line of their own."""
    part: RunPart | None = None
    """Which part of the sites it is, if there are several parts."""


class Phase(StrEnum):
    """What a run does with all its sites, one phase after the other."""

    READING = "reading"
    LISTING = "listing"
    IMPORTING = "importing"
    EXAMINING = "examining"
    PLANNING = "planning"
    CHECKING = "checking"
    APPLYING = "applying"
    REVIEWING = "reviewing"


class PhaseStarted(Struct, frozen=True):
    """From here on, `sites` sites are worked on; each ends in an event of its own."""

    phase: Phase
    sites: int


class PlanLoaded(Struct, frozen=True):
    """The saved plan that the following events come from. `spent_at` is None unless it is known to have been applied.

    If it is applied in shards, `begun_at` says when that began, `shards` how many there are, and `shards_left` which of
    them are left to apply; it counts as applied once none is left.

    `parts`: how many shards there are if it is one of them, otherwise 1. `commit`: what git had checked out when it was
    made, if that is known. `other_api`: whether the project names an API other than `api`, so that an apply must
    be given this one. `spent_known`: whether the state could say if it was applied. `outside`: whether it is shown
    where its project was not found. `arguments`: those that decided what is in it, with paths from here, if any.
    """

    id: str
    digest: str
    made_at: datetime
    expires_at: datetime
    tool: str
    api: str
    expired: bool = False
    spent_at: datetime | None = None
    parts: int = 1
    commit: str | None = None
    other_api: bool = False
    spent_known: bool = True
    outside: bool = False
    begun_at: datetime | None = None
    shards: int = 1
    shards_left: tuple[int, ...] = ()
    arguments: RunArguments | None = None


class Notice(Variant, frozen=True):
    """A warning or a note for people that stops nothing: a lock that was taken over, files that have changed."""

    problem: Diagnostic


class LeftOut(Notice, frozen=True):
    """A warning about posts that go out unwanted on a site that the run leaves out."""

    posts: tuple[GoingOut, ...]


# --- how a run ends --------------------------------------------------------------------------------


class PlanCompleted(Struct, frozen=True):
    """All sites are planned. `refusals` are those of the run as a whole; `refused` counts sites with their own.

    In `plan` and `show`, it closes the run; in `apply`, it is what the question is about.
    """

    sites: int
    tally: PlanTally = field(default_factory=_nothing_planned)
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    unstoppable: int = 0
    """The number of posts that still go out and that no action of a plan stops."""
    still_going_out: tuple[GoingOut, ...] = ()
    """What the plans would have stopped, if the run as a whole is refused and nothing is done."""
    nothing_public: bool = False
    """Whether all sites of the project were read, and it is certain that nothing on them goes public. For a saved plan,
    that is as of when it was made; once it is carried out, the sites must have been read again."""
    covers_all: bool = False
    """Whether nothing that may go public was left out on these sites, and no site is undeclared."""
    needs_others: bool = False
    """Whether an apply of this shard alone would be refused, because a limit counts what all shards do."""
    unsaved: bool = False
    """Whether the plan was to be saved, but its file could not be written."""
    spare: Spare | None = None
    """What the run may still delete and discard once generations have ended; None if no limits were judged."""

    @property
    def changes(self) -> int:
        """What would be done or waited for, deferred actions included."""
        return self.tally.changes


class ApplyCompleted(Struct, frozen=True):
    """What a run did.

    `sites` had something to do. `refused` and `failed` count those that a lock or an error stopped after
    approval. `results` are the ways in which actions ended, each once.
    """

    plan: PlanCompleted
    tally: ApplyTally = field(default_factory=_nothing_done)
    sites: int = 0
    failed: int = 0
    refused: int = 0
    results: frozenset[ActionResult] = frozenset()
    interrupted: bool = False


class DriftCompleted(Struct, frozen=True):
    """All sites are audited.

    `refusals` are those that an apply of the whole run would meet; `refused` counts sites with their own.
    `still_going_out` are the posts that such an apply would therefore not stop.
    """

    sites: int
    tally: DriftTally = field(default_factory=_no_drift)
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    still_going_out: tuple[GoingOut, ...] = ()

    @property
    def all_going_out(self) -> int:
        """How many posts go out although they are no longer wanted."""
        return self.tally.still_going_out + len(self.still_going_out)


def refused_sites(completed: PlanCompleted | DriftCompleted) -> int:
    """How many sites are refused: all that could be read, if the run as a whole is."""
    return completed.sites - completed.failed if completed.refusals else completed.refused


class ReviewCompleted(adoption_results.Counts, frozen=True):
    """All sites are reviewed: drafts that wait for a decision, in how many sites, and those that are approved."""

    sites: int
    pending: int = 0
    sites_pending: int = 0
    approved: int = 0
    failed: int = 0
    not_out: int = 0
    """Posts that failed to go out."""
    going_out: int = 0
    """Posts that go out although they are no longer wanted."""
    unrecorded: int = 0
    """Sites with waiting drafts and no record in the state yet: no approval counts there before an apply."""
    stuck: int = 0
    """How many of the waiting drafts are stuck: something else must change first, so approving them does not help."""
    sites_stuck: int = 0
    """In how many sites all waiting drafts are like that."""
    to_discard: int = 0
    """How many of the waiting drafts the next apply discards."""
    unapproved: int = 0
    """How many of them are already scheduled, and go out unless somebody cancels them."""
    not_reviewed: int = 0
    """How many of the failed sites were read, but have an approvals file or a gallery that could not be updated."""
    blocked: int = 0
    """How many of the approved drafts do not go out, because something blocks them."""
    pending_blocked: int = 0
    """How many of the waiting drafts something blocks as they are: those that are stuck, and others."""
    scheduled_blocked: int = 0
    """How many posts that are scheduled will fail, or cannot be moved to the time of their rule."""


class Validated(adoption_results.Counts, frozen=True):
    """All files are correct."""

    files: int
    sites: int


class PartsMerged(adoption_results.Counts, frozen=True):
    """The reports of all parts were merged. `verdict` is that of the run as a whole, given how its parts ended."""

    parts: int
    sites: int
    verdict: Verdict


class Decided(adoption_results.Counts, frozen=True):
    """What people decided about drafts and activities, in how many sites, and how many drafts still wait.

    `asked` is how much there was to decide on, `listed` how many drafts the approvals files have, and `among` how many
    sites the run was about.
    """

    drafts: int
    activities: int
    sites: int
    pending: int
    asked: int
    listed: int
    among: int


class HistoryListed(adoption_results.Counts, frozen=True):
    """The history of all sites was reported: `posts` are those this tool scheduled, at `with_posts` of the sites.

    `failed` counts the sites whose records could not be read, `not_out` the posts that failed to go out.
    """

    sites: int
    posts: int
    failed: int = 0
    with_posts: int = 0
    not_out: int = 0


class Refused(Struct, frozen=True):
    """Nothing was done because a guard or a person refused.

    `more` counts further reasons, which were all reported before; `failed` counts the sites that could not be read.
    `still_going_out` are the unwanted posts of the sites that would have been written to; `unstopped` counts those that
    the plan has named. `unwritable` says that the reason is an error: the state cannot be written.
    """

    reason: Diagnostic
    more: int = 0
    failed: int = 0
    still_going_out: tuple[GoingOut, ...] = ()
    unstopped: int = 0
    unwritable: bool = False


class FilesInvalid(Struct, frozen=True):
    """Files that cannot be used: every problem of every file. Nothing was done."""

    problems: tuple[Diagnostic, ...]


class RunFailed(Struct, frozen=True):
    """The run could not continue: a mistake on the command line or in the environment, or a bug (code `bug`)."""

    problem: Diagnostic


class Interrupted(Struct, frozen=True):
    """A signal ended the run before it had a result, after `done` of the `sites` of a phase.

    `phase` is None if no phase had begun. `still_going_out` and `unstopped` are as in `Refused`, if an apply was
    interrupted while it was asking. `earlier_ended` generations of earlier runs were found to have ended, and have
    discarded `earlier_discarded` drafts; the next run does not report them again.
    """

    phase: Phase | None = None
    done: int = 0
    sites: int = 0
    still_going_out: tuple[GoingOut, ...] = ()
    unstopped: int = 0
    earlier_ended: int = 0
    earlier_discarded: int = 0


class Ended(Struct, frozen=True):
    """The last event of every run on the command line: how it ended, for the shell and for every report."""

    verdict: Verdict

    @property
    def exit_code(self) -> int:
        """The exit code for the shell."""
        return self.verdict.exit_code


SiteEvent: TypeAlias = (
    site_results.SitePlanned
    | site_results.SiteDrifted
    | site_results.SiteReviewed
    | site_results.SiteNotReviewed
    | site_results.SiteApplied
    | site_results.SiteHistory
    | adoption_results.SiteImported
    | adoption_results.SiteExamined
    | site_results.SiteFailed
)

RunClosing: TypeAlias = (
    PlanCompleted
    | ApplyCompleted
    | DriftCompleted
    | ReviewCompleted
    | Validated
    | PartsMerged
    | Decided
    | HistoryListed
    | adoption_results.ImportCompleted
    | adoption_results.DoctorCompleted
    | adoption_results.FilesChecked
    | Refused
    | FilesInvalid
    | RunFailed
    | Interrupted
)

ClosingEvent: TypeAlias = (
    RunClosing
    | state_results.StateListed
    | state_results.StateShown
    | state_results.LockRemoved
    | state_results.CallResolved
    | state_results.RecordChanged
    | tool_results.VersionShown
    | tool_results.SchemaShown
    | tool_results.ScriptShown
    | tool_results.StarterWritten
    | tool_results.SandboxStopped
    | tool_results.SandboxReset
    | tool_results.SandboxShown
)

Event: TypeAlias = (
    RunStarted
    | PhaseStarted
    | PlanLoaded
    | Notice
    | site_results.SiteStarted
    | site_results.Progressed
    | adoption_results.ProjectExamined
    | SiteEvent
    | ClosingEvent
    | state_results.AnyStateEvent
    | tool_results.AnyToolEvent
    | Ended
)

Emit: TypeAlias = Callable[[Event], None]
