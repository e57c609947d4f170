"""What a run of plan, apply, drift or review reports about one site: part of the union of events (results.py)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.address import Labels, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Variant

if TYPE_CHECKING:
    # Only for type checking: code that makes such a value has imported them, and `validate` starts without them.
    from reconciler.executor.events import ProgressEvent
    from reconciler.executor.ledger import SiteLedger
    from reconciler.model.posts import PostId
    from reconciler.model.sites import PostOutcome, PublishedPost
    from reconciler.planner.actions import GoingOut, Plan, SiteBackground, StillGoingOut
    from reconciler.planner.drift_report import DriftReport
    from reconciler.planner.gone_out import WhyNot
    from reconciler.planner.reached import Reached
    from reconciler.planner.review import Review
    from reconciler.planner.tally import PlanTally
    from reconciler.planner.unseen import UnseenPosts


def _nothing_unseen() -> UnseenPosts:
    from reconciler.planner.unseen import UnseenPosts

    return UnseenPosts()


class SiteStarted(Variant, frozen=True):
    """Work on a site begins."""

    name: SiteName


class Progressed(Variant, frozen=True):
    """Something happened while a plan was carried out, or while an earlier run's unconfirmed call was resolved."""

    name: SiteName
    event: ProgressEvent


class SitePlanned(Variant, frozen=True):
    """A site that was read and planned. `reads` are the parts of it that were read; `seconds` is how long that took.

    `warnings` are those of policy checks; each is also a `Notice` of its own. `inherited` are the fields whose values
    come from the project's `defaults`, with the labels that those are for.
    """

    plan: Plan
    tally: PlanTally
    reads: tuple[str, ...] = ()
    labels: Labels = ()
    seconds: float = 0.0
    warnings: tuple[Diagnostic, ...] = ()
    inherited: tuple[tuple[str, str], ...] = ()
    reached: Reached | None = None
    """The objects of the site that the run's options may name; None for a saved plan."""
    nothing_public: bool = False
    """Whether it is certain that nothing on the site goes public, by this plan or because a post is already waiting.
    This does not cover what the plan leaves out."""
    recorded: bool = True
    """Whether the state has a record of the site; approvals count only where it does."""
    unwritable: Diagnostic | None = None
    """Why nothing can be written to the state, if an apply would have recorded something about the site by now."""

    @classmethod
    def saved(cls, plan: Plan) -> SitePlanned:
        """A site of a saved plan, as it was when the plan was made."""
        from reconciler.model.canonical import Absent
        from reconciler.planner.actions import SiteBackground
        from reconciler.planner.tally import tally_of

        known = SiteBackground() if isinstance(plan.background, Absent) else plan.background
        planned = cls(plan, tally_of(plan), known.reads, known.labels, 0.0, known.warnings, known.inherited)
        return replace(planned, nothing_public=known.nothing_public, recorded=known.recorded)

    def with_plan(self, plan: Plan) -> SitePlanned:
        """The site with another plan."""
        from reconciler.planner.tally import tally_of

        return replace(self, plan=plan, tally=tally_of(plan))

    def background(self, position: int, *, approval_none: bool) -> SiteBackground:
        """What is saved with its plan. `approval_none` and `position` are those of `SiteBackground`."""
        from reconciler.planner.actions import SiteBackground

        known = (self.labels, self.reads, self.warnings, self.inherited, self.nothing_public, self.recorded)
        return SiteBackground(*known, approval_none, position)

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.plan.site.name

    @property
    def says_something(self) -> bool:
        """Whether it has anything that a person should see."""
        plan = self.plan
        return bool(
            plan.actions or plan.blocked or plan.refusals or plan.to_review or plan.still_going_out or plan.notes
        )

    @property
    def is_to_record(self) -> bool:
        """Whether an apply would record something about it, even with nothing to do: a baseline, or how a post ended.

        Without a record, no approval counts.
        """
        from reconciler.planner.actions import BlockedBy
        from reconciler.planner.generation import BASELINES

        plan = self.plan
        unproven = any(problem.code == BlockedBy.APPROVAL_UNPROVEN for problem in plan.blocked)
        return any(note.code in BASELINES for note in plan.notes) or bool(plan.ended) or unproven

    @property
    def if_idle(self) -> SiteLedger:
        """The site's ledger if nothing is done there: why, the posts that nothing stops, and what is in doubt."""
        from reconciler.executor.ledger import SiteLedger
        from reconciler.planner.tally import in_doubt

        plan = self.plan
        return SiteLedger(
            plan.site,
            error=plan.refusals[0] if plan.refusals else None,
            still_going_out=plan.still_going_out,
            time_zone=plan.time_zone,
            in_doubt=in_doubt(plan),
        )


class SiteDrifted(Variant, frozen=True):
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
        """Whether it has anything that a person should see."""
        from reconciler.planner.drift_report import DriftState

        report = self.report
        converged = all(item.state is DriftState.CONVERGED for item in report.items)
        return not converged or bool(report.refusals or report.notes or report.due)


class AuditedSite(Variant, frozen=True):
    """A site that was audited.

    `would` is what an apply would do there. `reached` are those of its objects that the options may name. `stopped` are
    the unwanted posts that an apply would stop, and that go out if the run as a whole is refused.
    """

    site: SiteDrifted
    would: PlanTally
    reached: Reached
    stopped: tuple[GoingOut, ...] = ()


class Written(StrEnum):
    """What a review did to a site's approvals file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "up-to-date"
    NONE = "nothing-to-review"


class SiteReviewed(Struct, frozen=True):
    """A site's review, and what happened to its approvals file. The path is as messages show it."""

    review: Review
    written: Written
    file: str
    gallery: str | None = None
    recorded: bool = True
    """Whether the state has a record of the site; approvals count only where it does."""
    refused: bool = False
    """Whether an apply would refuse the site."""

    @property
    def approvable(self) -> bool:
        """Whether approving drafts can help: an apply records no site that it refuses, and then no approval counts."""
        return self.recorded or not self.refused

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.review.site


class SiteNotReviewed(Struct, frozen=True):
    """A site that was not reviewed, and why."""

    name: SiteName
    why: Diagnostic
    going_out: tuple[StillGoingOut, ...] = ()
    """The posts that are no longer wanted and still go out. `zone` is the site's."""
    zone: str = "UTC"


class SiteApplied(Variant, frozen=True):
    """What was and was not done at a site. Sites come in the order in which they end."""

    ledger: SiteLedger
    labels: Labels = ()
    seconds: float = 0.0

    @property
    def name(self) -> SiteName:
        """The site's name."""
        return self.ledger.site.name


class SiteHistory(Struct, frozen=True):
    """What went out on a site and what is waiting to go out, according to the state.

    Posts that this tool scheduled, and what became of those that were read after their time.
    """

    name: SiteName
    posts: tuple[PublishedPost, ...]
    outcomes: tuple[PostOutcome, ...] = ()
    moved: tuple[tuple[PostId, datetime], ...] = ()
    """The posts that somebody moved after they were scheduled, each with its new time."""
    unwanted: tuple[tuple[PostId, WhyNot], ...] = ()
    """Why posts that went out were no longer wanted."""
    overdue: frozenset[PostId] = frozenset()
    """Posts whose time has passed and whose outcome no apply has seen."""

    def moment_of(self, post: PublishedPost) -> datetime | None:
        """When a post goes out or went out, as far as an apply has seen; None if unknown."""
        return dict(self.moved).get(post.id, post.scheduled_for)

    def outcome_of(self, post: PublishedPost) -> PostOutcome | None:
        """What became of a post; None if no apply has seen it yet."""
        return next((outcome for outcome in self.outcomes if outcome.post == post.id), None)

    @property
    def not_out(self) -> int:
        """How many posts failed to go out."""
        from reconciler.model.posts import PostStatus

        failed = {outcome.post for outcome in self.outcomes if outcome.status is PostStatus.FAILED}
        return sum(post.id in failed for post in self.posts)


class SiteFailed(Variant, frozen=True):
    """A site that could not be worked on, and why; the others continued.

    `refused`: nothing is wrong with it, but another run holds it.
    """

    name: SiteName
    problems: tuple[Diagnostic, ...]
    refused: bool = False
    labels: Labels = ()
    seconds: float = 0.0
    unseen: UnseenPosts = field(default_factory=_nothing_unseen)
    """What still goes out there, as far as the state and the files know."""

    @property
    def problem(self) -> Diagnostic:
        """The first of the problems."""
        return self.problems[0]
