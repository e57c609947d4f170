"""The marketing plan: what a generation throws away, how to see that it took effect, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import assert_never

from reconciler.executor.kinds.activities import forgotten
from reconciler.executor.kinds.base import ManagedKind, Moment, OutcomeContext, OutcomeReads, thrown_away
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.activities import Activity, named_drafts
from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT, EMPTY
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import Failure
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.marketing_plan import (
    NO_STATUS,
    AwaitGeneration,
    DeleteMarketingPlan,
    Discard,
    DiscardsOnly,
    Generate,
    MarketingPlan,
    MarketingPlanCondition,
    MarketingPlanIs,
    MarketingPlanOperation,
    PlanStatus,
    Regenerate,
)
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, Outcome, Pending, Trouble, behind, not_as_asked, not_done, stale
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import Post, PostStatus, Unrecognised, post_name
from reconciler.model.sites import Bindings, CreatedActivity, Need, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.baseline import ABSENT_NOW, PRESENT, key_of
from reconciler.planner.generation import FAILED_GENERATION, failed_generation, upcoming_posts, waiting_posts
from reconciler.planner.kept import is_a_form_of
from reconciler.planner.losses import approved_drafts

LISTED = 3
"""How many objects a message names."""

GENERATION_FAILED = not_done(
    Trouble.GENERATION_FAILED,
    "the generation ended FAILED",
    "plan and apply again to start another one; if that fails too, look at the site's dashboard",
)


class MarketingPlanKind(ManagedKind[MarketingPlanOperation]):
    """The marketing plan of a site."""

    async def unmet(
        self, required: MarketingPlanCondition, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        return await marketing_plan_unmet(required, operation, site, moment.now)

    async def refusal_reason(
        self, operation: MarketingPlanOperation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        if not isinstance(operation, Regenerate):
            return None
        return await _beyond_discard(operation, site, moment)

    async def before(self, operation: MarketingPlanOperation, site: SiteCache) -> Before:
        live = await site.marketing_plan()
        return Before(
            known=tuple(sorted(activity.id for activity in live.activities)),
            status=str(live.status),
            contents=tuple(sorted(live.contents)) if operation.uses_inputs else (),
            drafts=(operation.takes_time and named_drafts(operation.discards, live.activities)) or ABSENT,
        )

    def reads(self, operation: MarketingPlanOperation) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.MARKETING_PLAN}))

    def outcome(
        self, operation: MarketingPlanOperation, entry: OpenEntry, found: Snapshot, now: datetime
    ) -> Outcome | None:
        match operation:
            case Generate() | Regenerate():
                return generation_outcome(entry, found.marketing_plan)
            case DeleteMarketingPlan():
                gone = _is_gone(entry, found.marketing_plan)
                return Done() if gone else not_done(Trouble.NO_EFFECT, "the marketing plan is still there")
            case AwaitGeneration():
                return None
            case _:
                assert_never(operation)

    def mismatch(
        self, operation: MarketingPlanOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        live = found.marketing_plan
        if not isinstance(operation, DeleteMarketingPlan) or live is None:
            return None  # a generation is read back where it is waited for
        # The status after a delete is not documented, so after a clear answer only an ACTIVE marketing plan that still
        # has activities counts as not deleted.
        if live.status is PlanStatus.ACTIVE and live.activities:
            count = plural(len(live.activities), "activity", "activities")
            return not_as_asked(f"asked for it to be deleted, but it is ACTIVE with {count}")
        return None

    def leaves(
        self, operation: MarketingPlanOperation, entry: OpenEntry, done: Done, context: OutcomeContext
    ) -> Bindings:
        key, replaced = key_of(Kind.MARKETING_PLAN), _replaced(entry, context.recorded)
        kept = _survivors(context.recorded, context.found.activities if context.found else ())
        over = ((FAILED_GENERATION, EMPTY),) if context.recorded.object(FAILED_GENERATION) else ()
        match operation:
            case Generate():
                return Bindings(created=(*replaced, *kept), objects=((key, PRESENT), *over))
            case Regenerate(discards=discards):
                lost = thrown_away(discards, context.recorded)
                return Bindings(created=(*replaced, *kept), objects=((key, PRESENT), *over, *lost))
            case DeleteMarketingPlan(discards=discards):
                lost = thrown_away(discards, context.recorded)
                return Bindings(created=replaced, objects=((key, ABSENT_NOW), *lost))
            case AwaitGeneration():
                return Bindings()
            case _:
                assert_never(operation)

    def leaves_if_not_done(
        self, operation: MarketingPlanOperation, entry: OpenEntry, failure: Failure, recorded: RecordedSite
    ) -> Bindings:
        """A generation that ended FAILED may turn ACTIVE by itself: then the next run need not start another one."""
        if failure.code != Trouble.GENERATION_FAILED or recorded.pending is None:
            return Bindings()
        return Bindings(objects=((FAILED_GENERATION, failed_generation(recorded.pending, entry.before)),))

    def halts(self, operation: MarketingPlanOperation) -> Diagnostic | None:
        return behind("the marketing plan was not deleted") if operation.destroys else None

    def touches(self, operation: MarketingPlanOperation) -> frozenset[str]:
        return frozenset({"marketing plan"})


def _replaced(entry: OpenEntry, recorded: RecordedSite) -> tuple[CreatedActivity, ...]:
    """What is recorded about the upcoming activities, which a generation replaces (D 6.2: past ones are kept)."""
    return forgotten(recorded, lambda created: created.target_date >= entry.started_at)


def _survivors(recorded: RecordedSite, activities: Iterable[Activity]) -> tuple[CreatedActivity, ...]:
    """The created activities that a generation has kept.

    Whether it keeps any is not documented (14.8). If the server stores a title in a different form, only the recorded
    id identifies the activity; without that id, the next step would create the activity a second time.
    """
    shown = {activity.id: activity for activity in activities}
    return tuple(
        created
        for created in recorded.created
        if (activity := shown.get(created.id)) is not None
        and activity.date == created.target_date
        and is_a_form_of(created.title, activity.title)
    )


# --- how it ended ----------------------------------------------------------------------------------


def generation_outcome(entry: OpenEntry, live: MarketingPlan | None) -> Outcome | None:
    """What became of a generation; None if there is no sign of it."""
    if live is None or not (entry.sent or leaves_trace(entry, live)):
        return None
    match live.status:
        case PlanStatus.ACTIVE:
            return Done()
        case PlanStatus.FAILED:
            return GENERATION_FAILED
        case PlanStatus.NEVER_CREATED:
            return not_done(Trouble.GONE, "the marketing plan is gone")
        case PlanStatus.INACTIVE:
            return not_done(Trouble.UNEXPECTED_STATUS, "the marketing plan is INACTIVE")
        case PlanStatus.GENERATING | Unrecognised():
            # A status of a later API version counts as under way until a known one follows (I 13.1.5).
            return Pending()
        case _:
            assert_never(live.status)


def leaves_trace(entry: OpenEntry, live: MarketingPlan) -> bool:
    """Whether there is any sign of a generation: it is under way, or there is a new status, activity or post.

    Missing activities prove nothing: the window starts today, so they disappear as days pass (D 6.2).
    """
    return (
        live.status is PlanStatus.GENERATING
        or str(live.status) != entry.before.status
        or any(activity.id not in entry.before.known for activity in live.activities)
        or (bool(entry.before.contents) and not live.contents <= set(entry.before.contents))
    )


def is_as_before(entry: OpenEntry, live: MarketingPlan) -> bool:
    """Whether a marketing plan shows content from before the call and nothing new: no generation repeats content."""
    shown, before = live.contents, set(entry.before.contents)
    return bool(shown & before) and not leaves_trace(entry, live)


def _is_gone(entry: OpenEntry, live: MarketingPlan | None) -> bool:
    """The status after a delete is not documented, so an empty marketing plan counts as gone too."""
    if live is None or live.status is PlanStatus.NEVER_CREATED:
        return True
    changed = bool(entry.before.known) or str(live.status) != entry.before.status
    return not live.activities and changed


# --- preconditions ---------------------------------------------------------------------------------


async def marketing_plan_unmet(
    required: MarketingPlanCondition, operation: Operation, site: SiteCache, now: datetime
) -> Diagnostic | None:
    """What the marketing plan is instead of what is required. May raise an ApiError."""
    match required:
        case MarketingPlanIs(statuses=statuses):
            live = await site.marketing_plan()
            status = live.status
            if status == NO_STATUS and not live.activities:  # treated as in the planner (remote-api.md 17.1)
                status = PlanStatus.NEVER_CREATED
            return None if status in statuses else stale(f"the marketing plan is {printable(str(status))} now")
        case DiscardsOnly(posts=posts):
            keeps_past = operation.takes_time  # a generation
            activities = await site.activities(past=not keeps_past)
            lost = upcoming_posts(activities, now) if keeps_past else waiting_posts(activities)
            return _unlisted(activities, [post for post in lost if post.id not in posts])
        case _:
            assert_never(required)


async def _beyond_discard(operation: Regenerate, site: SiteCache, moment: Moment) -> Diagnostic | None:
    """What a regeneration would throw away although `discardable` forbids it.

    If an earlier generation was waited for first, there may be drafts that the plan does not list.
    """
    if operation.discardable is Discard.ALL:
        return None
    activities = await site.activities(past=False)
    upcoming = upcoming_posts(activities, moment.now)
    match operation.discardable:
        case Discard.NOTHING:
            return _unlisted(activities, upcoming)
        case Discard.UNAPPROVED:
            approved = approved_drafts(activities, moment.approvals, moment.recorded)
            kept = (post for post in upcoming if post.status is PostStatus.SCHEDULED or post.id in approved)
            return _unlisted(activities, tuple(kept))
        case never:
            assert_never(never)


def _unlisted(activities: Iterable[Activity], posts: Sequence[Post]) -> Diagnostic | None:
    if not posts:
        return None
    titles = {post.id: activity.title for activity in activities for post in activity.posts}
    named = [printable(post_name(titles[post.id], post.channel, post.type)) for post in posts]
    what = "a post" if len(posts) == 1 else f"{len(posts):,} posts"
    return stale(f"it would discard {what} that the plan does not list: {some_of(named, LISTED)}", "run plan again")
