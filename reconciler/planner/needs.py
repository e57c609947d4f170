"""Which parts of a site must be read. Nothing is read that cannot affect the plan."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.model.activities import DeleteActivity, DesiredActivity
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityDecision
from reconciler.model.marketing_plan import DeleteMarketingPlan, PlanStatus, Regenerate
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.posts import ActivityId, GeneratePosts, PostId, PostStatus
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import NOTHING_RECORDED, DesiredSite, Need, ObservedSite, RecordedSite
from reconciler.planner.actions import Action, Plan, RefusedBy
from reconciler.planner.aftermath import due_items
from reconciler.planner.candidates import SUPPORTED_CHANNELS
from reconciler.planner.doubt import unseen_scheduled
from reconciler.planner.hidden_posts import SHOWS_NOTHING, may_be_past
from reconciler.planner.options import PlanOptions
from reconciler.planner.outlook import GOES_OUT_WHILE_PAUSED
from reconciler.planner.used_approvals import ADOPTED, scheduled_by_us


class PlanReads(Struct, frozen=True):
    """What a plan needs to read of a site.

    Parts, the channels whose connection matters, activities whose posts are in question, and posts that are read one by
    one.
    """

    needs: frozenset[Need] = frozenset()
    channels: tuple[str, ...] = ()
    posts_of: tuple[ActivityId, ...] = ()
    items: tuple[PostId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.needs or self.posts_of or self.items)


def first_reads(desired: DesiredSite, options: PlanOptions, recorded: RecordedSite = NOTHING_RECORDED) -> PlanReads:
    """What must be read for the file, and to judge again what this tool scheduled on the site."""
    needs: set[Need] = set()
    if desired.settings or desired.expect.language is not None:
        needs.add(Need.SETTINGS)
    sent_back = any(activity.decision is not ActivityDecision.KEEP for activity in desired.approvals.activities)
    waits = bool(scheduled_by_us(recorded))
    if desired.marketing_plan or desired.activities or desired.posts or desired.schedule or sent_back or waits:
        needs.add(Need.MARKETING_PLAN)
    if desired.events is not None:
        needs.add(Need.EVENTS)
    if _zone_matters(desired, options, waits=waits):
        needs.add(Need.PROPERTIES)
    if desired.expect.published is not None:
        needs.add(Need.PUBLISHED)
    if desired.expect.channels:
        needs.add(Need.CHANNELS)
    return PlanReads(frozenset(needs), desired.expect.channels)


def _zone_matters(desired: DesiredSite, options: PlanOptions, *, waits: bool) -> bool:
    """Whether anything is judged in the site's time zone.

    `waits`: whether any post is waiting to go out. Such posts are judged whatever is planned, and so are drafts: with
    `--no-publish`, a note says which ones are held back.
    """
    matches = [rule.match for rule in desired.activities if not isinstance(rule, DesiredActivity)]
    matches += [rule.match for rule in desired.posts]
    if desired.schedule:
        matches += [rule.match for rule in desired.schedule.rules]
    schedule, policy = desired.schedule, options.policy
    if waits or schedule:
        if policy.quiet_hours or policy.blackout_dates or policy.max_publish_per_site_per_day is not None:
            return True
        if schedule and any(rule.at is not None for rule in schedule.rules):
            return True
    return any(match.needs_zone for match in matches)


def _channels_of(operations: list[Operation]) -> set[str]:
    """The channels of what would be scheduled, now or once the drafts are known."""
    wanted = {operation.channel for operation in operations if isinstance(operation, SchedulePost)}
    promises = [operation for operation in operations if isinstance(operation, Deferred)]
    rules = (each.schedule_rules[each.rule] for each in promises if each.part is SitePart.SCHEDULE)
    return wanted.union(*(rule.channels or SUPPORTED_CHANNELS for rule in rules))


def further_reads(desired: DesiredSite, observed: ObservedSite, plan: Plan, recorded: RecordedSite) -> PlanReads:
    """What else a first plan shows to be needed; empty if that plan is final."""
    needs: set[Need] = set()
    channels: set[str] = set()
    operations = [action.operation for action in plan.actions]
    if any(operation.uses_inputs for operation in operations):
        needs.add(Need.PUBLISHED)
    if wanted := _channels_of(operations):
        needs |= {Need.CHANNELS, Need.FEATURES, Need.PUBLISHED}
        channels = {channel for channel in wanted if observed.channel(channel) is None}
        if not channels:
            needs.discard(Need.CHANNELS)
    if waiting := channels_of_waiting(observed, recorded):
        unread = {channel for channel in waiting if observed.channel(channel) is None}
        channels |= unread
        needs |= {Need.CHANNELS} if unread else set()
    unknown = any(refusal.code == RefusedBy.UNKNOWN_ID for refusal in plan.refusals)
    # What is deleted with the marketing plan includes the drafts of past activities (D 6.2).
    deletes = any(isinstance(operation, DeleteMarketingPlan) for operation in operations)
    if unknown or deletes or may_be_past(observed, recorded):
        needs.add(Need.PAST_ACTIVITIES)
    adopts = any(key.startswith(f"{ADOPTED}[") for key, _ in plan.bindings.objects)
    if adopts or _shows_moments(plan) or (desired.expect.language is not None and observed.language is None):
        needs.add(Need.PROPERTIES)
    posts_of = lacking_posts(plan.actions) | _may_lose_posts(operations, observed) | _decided(desired, observed)
    repeatable = {Need.CHANNELS} if channels else set()
    return PlanReads(
        frozenset(needs - (observed.had_reads - repeatable)),
        tuple(sorted(channels)),
        tuple(sorted(posts_of - observed.posts_confirmed)),
        missing_items(observed, recorded),
    )


def lacking_posts(actions: Iterable[Action]) -> set[ActivityId]:
    """The activities that posts are made for, and those that are deleted with their posts.

    Each that seems to have none is first read by itself: it is not documented whether the marketing plan shows the
    posts of every activity (14.1).
    """
    operations = [action.operation for action in actions]
    made = {operation.activity for operation in operations if isinstance(operation, GeneratePosts)}
    deleted = {
        operation.id for operation in operations if isinstance(operation, DeleteActivity) and not operation.discards
    }
    return made | deleted


def _may_lose_posts(operations: list[Operation], observed: ObservedSite) -> set[ActivityId]:
    """The activities whose posts may go with a regenerated or deleted marketing plan that has not shown any posts."""
    found: set[ActivityId] = set()
    # Whether past activities show posts must be known first.
    deletes = any(isinstance(operation, DeleteMarketingPlan) for operation in operations)
    if deletes and Need.PAST_ACTIVITIES in observed.had_reads:
        found.update(activity.id for activity in observed.with_past)
    if any(isinstance(operation, Regenerate) for operation in operations):
        found.update(activity.id for activity in observed.activities)
    return found if found and observed.hides_posts else set()


def _decided(desired: DesiredSite, observed: ObservedSite) -> set[ActivityId]:
    """The activities that people decided to clear or to make again, if the marketing plan has not shown any posts."""
    sent_back = {each.id for each in desired.approvals.activities if each.decision is not ActivityDecision.KEEP}
    found = {activity.id for activity in observed.activities if activity.id in sent_back}
    return found if found and observed.hides_posts else set()


def _shows_moments(plan: Plan) -> bool:
    """Whether a plan says when posts go out: these times are shown in the site's zone."""
    about = [*(action.address for action in plan.actions), *(found.about for found in plan.blocked)]
    paused = any(note.code == GOES_OUT_WHILE_PAUSED for note in plan.notes)
    return paused or bool(plan.still_going_out) or any(address.kind is Kind.DRAFT for address in about)


def channels_of_waiting(observed: ObservedSite, recorded: RecordedSite) -> frozenset[str]:
    """The channels of this tool's waiting posts: a lost connection is reported before they are due."""
    ours = scheduled_by_us(recorded)
    return frozenset(post.channel for post in observed.posts if post.id in ours and post.status is PostStatus.SCHEDULED)


def missing_items(observed: ObservedSite, recorded: RecordedSite) -> tuple[PostId, ...]:
    """Posts that, according to the state, are due or waiting to go out, but that the marketing plan does not show.

    A post may outlive its activity (14.8), so it is read by itself before it counts as missing (17.3). So is one that
    the marketing plan shows as a draft: that may be out of date (17.6), and the post may go out all the same.
    """
    read = {post for post, _ in observed.items}
    asked = {*unseen_scheduled(observed, recorded), *due_items(observed, recorded)}
    ours, live = scheduled_by_us(recorded), observed.marketing_plan
    asked |= ours.intersection(post.id for post in observed.posts if post.status is PostStatus.DRAFT)
    if live is not None and live.status in (PlanStatus.NEVER_CREATED, *SHOWS_NOTHING):
        # A waiting post may outlive a marketing plan that somebody deleted (14.8), and one that shows nothing.
        shown = {post.id for post in observed.posts}
        asked |= {
            post.id
            for post in recorded.published
            if post.id in ours and post.id not in shown
            if post.scheduled_for is not None and post.scheduled_for > observed.read_at
        }
    return tuple(sorted(asked - read))
