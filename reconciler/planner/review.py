"""What there is to review on a site: its drafts with when they would go out, how they stand, and what is wrong.

The approvals file and the gallery are made from the same values, so that they cannot disagree.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.address import Kind, SiteName
from reconciler.model.approvals import ActivityDecision, Decision
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.posts import GONE_OUT, Post, PostId, PostStatus
from reconciler.model.review import ActivityForReview, DraftForReview
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.activities import plan_activities
from reconciler.planner.decisions import is_carried_out
from reconciler.planner.judging import changed_since, times_scheduled
from reconciler.planner.matching import in_order
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.policy_checks import content_violations, time_violations
from reconciler.planner.posts import live_posts
from reconciler.planner.wanted import Candidate, choose


class Standing(StrEnum):
    """How a post stands with its reviewers."""

    PENDING = "pending"
    APPROVED = "approved"
    CHANGED = "changed after approval"
    CANCELLED = "taken back after approval"
    SCHEDULED = "scheduled"
    OUT = "went out"


class ReviewedPost(Struct, frozen=True):
    """A post as reviewers see it. `moment` is when it goes or would go out, `exact` whether that is certain.

    `problems` are sentences about what the policy, its channel or the site have against it.
    """

    post: Post
    standing: Standing
    moment: datetime
    exact: bool
    wanted: bool
    cancelled: int = 0
    problems: tuple[str, ...] = ()


class ReviewedActivity(Struct, frozen=True):
    """An activity with its posts; `decision` is what still holds of what people decided about it."""

    activity: Activity
    decision: ActivityDecision
    carried_out: bool
    posts: tuple[ReviewedPost, ...]

    @property
    def shown(self) -> tuple[ReviewedPost, ...]:
        """The posts that people are asked about, or were."""
        return tuple(one for one in self.posts if one.wanted)


class Review(Struct, frozen=True):
    """A site's review. `zone` is the IANA name of its time zone."""

    site: SiteName
    zone: str
    activities: tuple[ReviewedActivity, ...]

    def for_file(self) -> tuple[ActivityForReview, ...]:
        """What the approvals file is made from."""
        return tuple(
            ActivityForReview(
                one.activity.id,
                one.activity.title,
                one.activity.date,
                tuple(
                    DraftForReview(
                        each.post.id,
                        each.post.channel,
                        each.post.type,
                        each.post.digest,
                        tuple(media.url for media in each.post.media),
                        each.post.caption,
                        each.wanted,
                        each.cancelled,
                    )
                    for each in one.posts
                ),
                one.carried_out,
            )
            for one in self.activities
        )

    def count(self, standing: Standing) -> int:
        """How many of the shown posts stand so."""
        return sum(1 for one in self.activities for each in one.shown if each.standing is standing)


def not_reviewable(desired: DesiredSite, observed: ObservedSite) -> str | None:
    """Why a site cannot be reviewed now, as a clause; None where it can."""
    if desired.schedule is None:
        return "its file has no schedule, so no draft is to go out"
    status = observed.marketing_plan.status if observed.marketing_plan else None
    if status is PlanStatus.ACTIVE:
        return None
    if status is PlanStatus.GENERATING:
        return "its marketing plan is being generated; run review when that is done"
    return f"it has no active marketing plan ({status}); run apply first"


def review_of(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, options: PlanOptions
) -> Review:
    """The review of a site that can be reviewed. `plan` is the plan for it, which knows what is blocked."""
    assert desired.schedule is not None
    assert observed.marketing_plan is not None
    scope = scope_of(observed, options)
    part = plan_activities(
        desired.activities, observed.marketing_plan.activities, observed.past_activities, recorded, scope
    )
    choice = choose(desired.schedule.rules, part.projected, recorded, options.policy, scope)
    candidates = {one.post.id: one for one in (*choice.wanted, *choice.scheduled)}
    blocked: dict[str, list[str]] = {}
    for one in plan.blocked:
        if one.about.kind is Kind.DRAFT:
            blocked.setdefault(one.about.key, []).append(one.message)
    asked = {one.post for one in plan.to_review}
    activities = []
    for activity in in_order(part.projected):
        approval = desired.approvals.activity(activity.id)
        done = approval is not None and is_carried_out(approval, activity, recorded)
        decision = ActivityDecision.KEEP if approval is None or done else approval.decision
        posts = tuple(
            _reviewed(post, activity, candidates.get(post.id), desired, recorded, blocked, asked, options, scope)
            for post in _in_order(activity)
        )
        activities.append(ReviewedActivity(activity, decision, done, posts))
    return Review(scope.site, scope.zone.key, tuple(activities))


def _in_order(activity: Activity) -> tuple[Post, ...]:
    return tuple(sorted(live_posts(activity), key=lambda one: (one.channel, one.type, one.id)))


def _reviewed(
    post: Post,
    activity: Activity,
    candidate: Candidate | None,
    desired: DesiredSite,
    recorded: RecordedSite,
    blocked: dict[str, list[str]],
    asked: set[PostId],
    options: PlanOptions,
    scope: Scope,
) -> ReviewedPost:
    known = desired.approvals.draft(post.id)
    times = times_scheduled(recorded, post) if post.status is PostStatus.DRAFT else 0
    moment, exact = activity.date, False
    if post.scheduled_for is not None:
        moment, exact = post.scheduled_for, True
    elif candidate is not None:
        moment, exact = candidate.moment, candidate.at is not None
    problems = tuple(blocked.get(post.id, ()))
    if not problems and candidate is not None:
        found = (*content_violations(post, options.policy), *time_violations(moment, options.policy, scope))
        problems = tuple(str(one) for one in found)
    # A scheduled post is asked about only where it was before, or where the plan cannot move it without a yes.
    wanted = known is not None or post.id in asked or (candidate is not None and post.status is PostStatus.DRAFT)
    standing = _standing(post, desired, recorded, times)
    return ReviewedPost(post, standing, moment, exact, wanted, times, problems if wanted else ())


def _standing(post: Post, desired: DesiredSite, recorded: RecordedSite, times: int) -> Standing:
    known = desired.approvals.draft(post.id)
    if post.status in GONE_OUT:
        return Standing.OUT
    if known is not None and known.decision is Decision.APPROVE and known.digest != post.digest:
        return Standing.CHANGED
    if post.status is PostStatus.SCHEDULED:
        required = desired.schedule is not None and desired.schedule.approval_required
        agreed = not required or desired.approvals.approves(post.id, post.digest)
        return Standing.SCHEDULED if agreed or not changed_since(recorded, post) else Standing.CHANGED
    if desired.approvals.approves(post.id, post.digest, times=times):
        return Standing.APPROVED
    return Standing.CANCELLED if times else Standing.PENDING
