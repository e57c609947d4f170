"""What there is to review on a site: its drafts, when they would go out, their status, and what is wrong.

The approvals file and the gallery are made from the same values, so they cannot disagree.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import ActivityDecision
from reconciler.model.content import Difference, approval_digest
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.moments import moment_text, moving_text
from reconciler.model.posts import Post, PostId, PostStatus, post_name
from reconciler.model.review import ActivityForReview, DraftForReview
from reconciler.planner.actions import BlockedBy, StillGoingOut
from reconciler.planner.candidates import NOT_SELECTED
from reconciler.planner.channel_rules import GOES_OUT_ANYWAY
from reconciler.planner.outlook import MissedApproval
from reconciler.planner.unstopped import STOP_BY_HAND


class ReviewStatus(StrEnum):
    """The review status of a post."""

    PENDING = "pending"
    CHANGED = "changed-after-approval"
    EDITED = "edited-in-file"
    WITHHELD = "approve-again"
    """Approved, but the approval may have been used already."""
    CANCELLED = "cancelled-after-approval"
    MISSED = "missed"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    OUT = "went-out"
    FAILED = "failed"


TO_DECIDE: Final = frozenset(
    {
        ReviewStatus.PENDING,
        ReviewStatus.CHANGED,
        ReviewStatus.EDITED,
        ReviewStatus.WITHHELD,
        ReviewStatus.CANCELLED,
    }
)
"""What people are asked about."""

_UNTIL_SENT_BACK: Final = TO_DECIDE | {ReviewStatus.APPROVED}
"""What a post counts as until its activity is sent back."""

TOO_LATE: Final = "it is too late to schedule it"
"""What an approvals file says of a draft whose time has passed, or is too near."""

TO_BE_DISCARDED: Final = "to-be-discarded"
"""The code of the problem that the next apply discards a draft, for instance by regenerating the marketing plan."""

SITE_REFUSED: Final = "site-refused"
"""The code of the problem that apply refuses the site, because it would discard drafts such as this approved one."""

APPROVING_DOES_NOT_HELP: Final = frozenset(
    {
        BlockedBy.CANCELLED_AFTER_APPROVAL,
        BlockedBy.CHANNEL_GONE,
        BlockedBy.POLICY,
        BlockedBy.TOO_LATE,
        TO_BE_DISCARDED,
        NOT_SELECTED,
    }
)
"""What blocks a draft whether or not it is approved, until it or the rules change."""


class ReviewedPost(Struct, frozen=True):
    """A post as reviewers see it. `moment` is when it goes or would go out; `exact` says whether that is certain.

    `before` is when a scheduled post goes out unless its rule moves it to `moment`, once it is approved.
    `problems` are what would block it if it were approved (the policy, its channel, the premium plan or the site), and
    one more if the rules leave it out or the next apply discards it.
    """

    post: Post
    status: ReviewStatus
    moment: datetime
    exact: bool
    wanted: bool
    cancelled: int | None = 0
    cancellations: int = 0
    """How many times it was scheduled and cancelled, as far as the state knows.

    `cancelled` also counts approvals that are older than the state and may have been used.
    """
    problems: tuple[Diagnostic, ...] = ()
    differences: tuple[Difference, ...] = ()
    """Between the approvals file and the site, before `review` updates the file."""
    withheld: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    """What looks wrong with it but does not block it."""
    before: datetime | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether approving it does not help: it must change first, is about to be discarded, or no rule selects it."""
        return any(problem.code in APPROVING_DOES_NOT_HELP for problem in self.problems)

    @property
    def goes_out_anyway(self) -> bool:
        """Whether it waits for a decision, and goes out even without one."""
        return GOES_OUT_ANYWAY in self.warnings

    @property
    def to_discard(self) -> bool:
        """Whether the next apply discards it."""
        return any(problem.code == TO_BE_DISCARDED for problem in self.problems)


class ReviewedActivity(Struct, frozen=True):
    """An activity with its posts. `decision` is people's decision about it, or `keep` once that is carried out.

    `lapsed` is what they had decided about drafts that have changed or gone out since: the entry goes back to `keep`.
    A decision that settles what failed to go out stays in the file, so it does not count as carried out.
    """

    activity: Activity
    decision: ActivityDecision
    carried_out: bool
    posts: tuple[ReviewedPost, ...]
    lapsed: ActivityDecision | None = None

    @property
    def shown(self) -> tuple[ReviewedPost, ...]:
        """The posts that people are asked about, or were."""
        return tuple(post for post in self.posts if post.wanted)

    @property
    def sent_back(self) -> tuple[ReviewedPost, ...]:
        """The shown posts that nobody is asked about, because the activity is to be regenerated or discarded."""
        if self.decision is ActivityDecision.KEEP:
            return ()
        return tuple(post for post in self.shown if post.status in _UNTIL_SENT_BACK)

    @property
    def blocked(self) -> tuple[ReviewedPost, ...]:
        """The approved drafts that do not go out, because something blocks them."""
        if self.decision is not ActivityDecision.KEEP:
            return ()
        return tuple(post for post in self.shown if post.status is ReviewStatus.APPROVED and post.problems)


class Rewritten(Struct, frozen=True):
    """An entry that a review changed: its status before and now, and what its file said.

    `differences` are between the file as it was and the site.
    """

    post: Post
    title: str
    before: ReviewStatus
    after: ReviewStatus
    differences: tuple[Difference, ...] = ()


class Review(Struct, frozen=True):
    """A site's review. `zone` is the IANA name of its time zone."""

    site: SiteName
    zone: str
    activities: tuple[ReviewedActivity, ...]
    missed: tuple[MissedApproval, ...] = ()
    rewritten: tuple[Rewritten, ...] = ()
    """The decisions and edits by people that the file no longer has: none of them disappears silently."""
    gone: tuple[Diagnostic, ...] = ()
    """Approved drafts and scheduled posts that the site no longer has; the file no longer has their entries."""
    failures: tuple[Diagnostic, ...] = ()
    """The posts that failed to go out and that nobody has dealt with since, whether or not the site shows them."""
    going_out: tuple[StillGoingOut, ...] = ()
    """The posts that are no longer wanted and go out unless an apply or a person stops them."""
    unrecorded: frozenset[PostId] = frozenset()
    """Posts that have gone out, that the site no longer shows, and that no apply has recorded as out."""

    def endangered(self, activity: ReviewedActivity) -> tuple[ReviewedPost, ...]:
        """The scheduled posts of an activity that are wanted, but will fail or go out at another time."""
        unwanted = {post.post for post in self.going_out}
        scheduled = (post for post in activity.shown if post.status is ReviewStatus.SCHEDULED)
        return tuple(post for post in scheduled if post.problems and post.post.id not in unwanted)

    def for_file(self) -> tuple[ActivityForReview, ...]:
        """The content of the approvals file."""
        return tuple(
            ActivityForReview(
                found.activity.id,
                found.activity.title,
                found.activity.date,
                tuple(self._for_file(reviewed, found.activity) for reviewed in found.posts),
                found.carried_out,
            )
            for found in self.activities
        )

    def after(self, before: Review) -> Review:
        """This review, with what the previous one found in the file and changed."""
        decided = {
            found.activity.id: found.lapsed or found.decision
            for found in before.activities
            if found.lapsed or found.decision is not ActivityDecision.KEEP
        }
        now = {post.post.id: post.status for found in self.activities for post in found.posts}
        rewritten = tuple(
            Rewritten(was.post, found.activity.title, was.status, status, was.differences)
            for found in before.activities
            for was in found.posts
            if was.status in (ReviewStatus.CHANGED, ReviewStatus.EDITED, ReviewStatus.WITHHELD)
            and (status := now.get(was.post.id, was.status)) is not was.status
        )
        activities = tuple(
            replace(found, lapsed=decided.get(found.activity.id) if found.decision is ActivityDecision.KEEP else None)
            for found in self.activities
        )
        reasons = {post.address: post for post in before.going_out}  # as found before the entry was set to `pending`
        going_out = tuple(reasons.get(post.address, post) for post in self.going_out)
        return replace(self, activities=activities, rewritten=rewritten, gone=before.gone, going_out=going_out)

    def kept(self) -> frozenset[PostId]:
        """Entries of the approvals file that stay although no such post is live.

        Without the entry of a post that is out, nobody could tell whether it was wanted.
        """
        return self.unrecorded | {missed.draft.id for missed in self.missed}

    def goes_out(self, reviewed: ReviewedPost) -> str:
        """When a post goes out, in the site's zone, and to what time it moves, if it does."""
        moment = moment_text(reviewed.moment, self.zone, exact=reviewed.exact)
        if reviewed.before is None:
            return moment
        return moving_text(moment_text(reviewed.before, self.zone), moment, waits=reviewed.status in TO_DECIDE)

    @property
    def waiting(self) -> tuple[ReviewedPost, ...]:
        """The posts that wait for a decision, as `approve` counts them.

        A cancelled post does not wait for one: it must first be made a draft in the dashboard.
        """
        return tuple(
            reviewed
            for activity in self.activities
            if activity.decision is ActivityDecision.KEEP
            for reviewed in activity.shown
            if reviewed.status in TO_DECIDE and reviewed.post.status is not PostStatus.CANCELED
        )

    @property
    def unapproved(self) -> tuple[Diagnostic, ...]:
        """The waiting posts that go out at their time unless somebody cancels them."""
        fix = f"approve it, or {STOP_BY_HAND}"
        return tuple(
            Diagnostic(
                GOES_OUT_ANYWAY.code,
                f"{post_name(activity.activity.title, post.channel, post.type)} goes out "
                f"{moment_text(reviewed.before or reviewed.moment, self.zone, exact=reviewed.exact)}, "
                "and nobody has approved it",
                fix,
                Severity.WARNING,
                address=Address(self.site, Kind.DRAFT, post.id),
            )
            for activity in self.activities
            if activity.decision is ActivityDecision.KEEP
            for reviewed in activity.shown
            if reviewed.goes_out_anyway
            for post in (reviewed.post,)
        )

    @property
    def to_discard(self) -> int:
        """How many of the waiting posts the next apply discards."""
        return sum(reviewed.to_discard for reviewed in self.waiting)

    def count(self, status: ReviewStatus) -> int:
        """How many of the shown posts have this status, apart from those that are sent back.

        Missed and failed ones count even if they are not shown.
        """
        if status is ReviewStatus.MISSED:
            return len(self.missed)
        if status is ReviewStatus.FAILED:
            return len(self.failures)
        return sum(
            reviewed.status is status
            for activity in self.activities
            if activity.decision is ActivityDecision.KEEP or status not in _UNTIL_SENT_BACK
            for reviewed in activity.shown
        )

    def _for_file(self, reviewed: ReviewedPost, activity: Activity) -> DraftForReview:
        post = reviewed.post
        return DraftForReview(
            post.id,
            post.content,
            approval_digest(post.id, post.content, activity.date, post.account_name or ""),
            post.earlier_digest,
            post.account,
            self.goes_out(reviewed),
            reviewed.wanted,
            reviewed.cancelled,
            reviewed.withheld,
            tuple(_stable_words(problem).message for problem in reviewed.problems) if reviewed.wanted else (),
            _status_in_file(reviewed),
        )


def _status_in_file(reviewed: ReviewedPost) -> str:
    """What a pending entry says of its post: that no decision helps any more, or that it goes out without one."""
    if reviewed.status is ReviewStatus.OUT:
        return PostStatus.PUBLISHED
    cancelled = reviewed.post.status is PostStatus.CANCELED
    return str(reviewed.post.status) if cancelled or reviewed.goes_out_anyway else ""


def _stable_words(problem: Diagnostic) -> Diagnostic:
    """What blocks a draft, in words that a later review repeats exactly."""
    late = problem.code == BlockedBy.TOO_LATE
    return replace(problem, message=TOO_LATE) if late else problem
