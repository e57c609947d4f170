"""Answers that do not show what earlier runs made, or what rules select by (remote-api.md 17.1, 17.3, 17.8).

A wrong site id, an API key of another account, a renamed field in the answer and a site that somebody emptied all look
alike. If such a site were taken as empty, the next step would be to create everything again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from reconciler.model.activities import DesiredActivity
from reconciler.model.address import Kind, rule_words
from reconciler.model.approvals import DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import NO_STATUS, Discard, MarketingPlan, PlanStatus
from reconciler.model.posts import ActivityId, PostId, PostStatus, Unrecognised, fits_in_files, post_name
from reconciler.model.selectors import Match
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import ENOUGH, BlockedBy, RefusedBy, blocked, not_shown, refusal
from reconciler.planner.aftermath import seen_posts
from reconciler.planner.baseline import WAS_CANCELLED, key_of, knows_marketing_plan
from reconciler.planner.gone_out import moment_now, stopped_posts
from reconciler.planner.losses import MAY_DISCARD
from reconciler.planner.matching import may_cover
from reconciler.planner.options import Scope
from reconciler.planner.used_approvals import scheduled_by_us, scheduled_under_another_id


def with_known_status(observed: ObservedSite, recorded: RecordedSite) -> ObservedSite:
    """The site, with a status filled in for a marketing plan whose answer omits it.

    proto3 may leave out the first value of an enum (I), so an answer without a status and without activities means
    that the marketing plan was never created, but only if earlier runs know of none.
    """
    live = observed.marketing_plan
    if live is None or live.status != NO_STATUS or live.activities or knows_marketing_plan(recorded):
        return observed
    return replace(observed, marketing_plan=replace(live, status=PlanStatus.NEVER_CREATED))


def doubts(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> tuple[Diagnostic, ...]:
    """The refusals of a site whose answers do not show what the state knows about it."""
    found: tuple[Diagnostic, ...] = ()
    if observed.marketing_plan is not None:
        found += _missing_plan(observed.marketing_plan, recorded, scope)
        found += _missing_posts(observed, recorded, scope)
        found += _given_up(desired, observed.marketing_plan, recorded, scope)
    return found


def _missing_plan(live: MarketingPlan, recorded: RecordedSite, scope: Scope) -> tuple[Diagnostic, ...]:
    address = scope.address(Kind.MARKETING_PLAN)
    if live.status == NO_STATUS:
        known_by = "the request id" if live.request_id else "the time of the request: the response has no id"
        unreadable = refusal(
            address,
            RefusedBy.NOT_SHOWN,
            "expected the status of the marketing plan, which earlier runs recorded, but the response has none "
            f"({live.asked})",
            f"look at the marketing plan in the dashboard, and report this with {known_by}",
        )
        return (replace(unreadable, request_id=live.request_id, call=live.asked),)
    if live.status is PlanStatus.NEVER_CREATED and live.activities:
        # A generation would replace these activities and their drafts, and nobody could say how many.
        count = f"{len(live.activities):,} activities" if len(live.activities) > 1 else "an activity"
        contradiction = refusal(
            address,
            RefusedBy.NOT_SHOWN,
            f"the response contradicts itself: it says NEVER_CREATED and shows {count}",
            "look at the marketing plan in the dashboard, then plan again; report this if it persists",
        )
        return (contradiction,)
    if live.status is not PlanStatus.ACTIVE:
        return ()  # an explicit status explains why there are no activities
    known = frozenset(created.id for created in recorded.created if created.id and created.target_date >= scope.now)
    if not live.activities:
        # If other activities were shown, a regeneration could have replaced these. An empty answer explains nothing.
        known |= _activities_of_waiting(recorded, scope.now)
    shown = {activity.id for activity in live.activities}
    enough = ENOUGH if live.shows_activities else 1
    if len(known) < enough or known & shown:
        return ()
    recorded_before, shows = (
        ("an upcoming activity", "does not show it")
        if len(known) == 1
        else (f"{len(known):,} upcoming activities", "shows none of them")
    )
    return (
        not_shown(address, f"earlier runs recorded {recorded_before}, but the marketing plan {shows}", scope.where),
    )


def unseen_scheduled(observed: ObservedSite, recorded: RecordedSite) -> tuple[PostId, ...]:
    """The posts that are waiting to go out according to the state, but that an ACTIVE marketing plan does not show."""
    live = observed.marketing_plan
    if live is None or live.status is not PlanStatus.ACTIVE:
        return ()
    waiting = {post.id for post in _waiting(recorded, observed.read_at)}
    return tuple(sorted(waiting - {post.id for post in observed.posts}))


def gone_posts(observed: ObservedSite, recorded: RecordedSite, refusals: Iterable[Diagnostic]) -> frozenset[PostId]:
    """The posts waiting to go out according to the state that the Publisher, asked by id, no longer has.

    Only if an ACTIVE marketing plan does not show them either, and their content does not go out under another id. If
    the site is refused because what it shows is in doubt, nothing counts as gone.
    """
    live = observed.marketing_plan
    if live is None or live.status is not PlanStatus.ACTIVE:
        return frozenset()
    if any(refusal.code == RefusedBy.NOT_SHOWN for refusal in refusals):
        return frozenset()
    seen = seen_posts(observed)
    gone = {id for id, found in observed.items if found is None and id not in seen}
    gone |= {id for id, (post, _) in seen.items() if post.status is PostStatus.DELETED}
    gone -= {outcome.post for outcome in recorded.outcomes}
    last, elsewhere = recorded.last_published, _under_other_ids(observed, recorded)
    return frozenset(
        post.id
        for post in _waiting(recorded, observed.read_at)
        if post.id in gone
        and (post.activity, post.digest) not in elsewhere
        and (moment := moment_now(recorded, last[post.id])) is not None
        and moment > observed.read_at
    )


def _under_other_ids(observed: ObservedSite, recorded: RecordedSite) -> frozenset[tuple[ActivityId, Digest]]:
    """What goes out with the content of a post of this tool: the site may have given that post another id."""
    return frozenset(
        (activity.id, post.digest)
        for activity in observed.activities
        for post in activity.posts
        if post.status is PostStatus.SCHEDULED and scheduled_under_another_id(activity, post, recorded)
    )


def _waiting(recorded: RecordedSite, now: datetime) -> Iterator[PublishedPost]:
    """The posts that this tool scheduled for a time that is still ahead, and that nobody is known to have cancelled."""
    stopped = stopped_posts(recorded)
    for post in recorded.published:
        ahead = post.scheduled_for is not None and post.scheduled_for >= now
        if ahead and post.id not in stopped and recorded.object(key_of(Kind.DRAFT, post.id)) != WAS_CANCELLED:
            yield post


def _missing_posts(observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> tuple[Diagnostic, ...]:
    """Refuses a site if the posts waiting to go out there are neither in its marketing plan nor found by id."""
    unseen = unseen_scheduled(observed, recorded)
    # A single post that is shown proves that the answer is from this site: the others may be gone, which is drift.
    ours_shown = any(post.id in recorded.published_by_id for post in observed.posts)
    ours_shown = ours_shown or bool(_under_other_ids(observed, recorded))
    gone = {post for post, found in observed.items if found is None}
    if len(unseen) < ENOUGH or ours_shown or not gone.issuperset(unseen):
        return ()
    return (
        not_shown(
            scope.address(Kind.SITE),
            f"earlier runs scheduled {len(unseen):,} posts that have not gone out yet, but the site shows none of them",
            scope.where,
        ),
    )


def _given_up(
    desired: DesiredSite, live: MarketingPlan, recorded: RecordedSite, scope: Scope
) -> tuple[Diagnostic, ...]:
    """Refuses to replace a marketing plan that somebody deleted if `discard` protects drafts in the approvals file."""
    wanted = desired.marketing_plan
    if (
        wanted is None
        or not wanted.present
        or live.status is not PlanStatus.NEVER_CREATED
        or not knows_marketing_plan(recorded)
    ):
        return ()
    scheduled = scheduled_by_us(recorded)
    drafts = [
        draft.decision is DraftDecision.APPROVE
        for activity in desired.approvals.activities
        if activity.date >= scope.now
        for draft in activity.drafts
        if draft.id not in scheduled
    ]
    lost = {Discard.ALL: 0, Discard.UNAPPROVED: sum(drafts), Discard.NOTHING: len(drafts)}[wanted.discard]
    if not lost:
        return ()
    what = "approved draft" if wanted.discard is Discard.UNAPPROVED else "draft"
    return (
        refusal(
            scope.address(Kind.MARKETING_PLAN),
            RefusedBy.DISCARD,
            f"somebody deleted the marketing plan; generating a new one would discard {lost} {what}"
            f"{'' if lost == 1 else 's'}, but {MAY_DISCARD[wanted.discard]}",
            "set marketingPlan.regenerate.discard to all to allow this, "
            f"or take {'it' if lost == 1 else 'them'} out of the approvals file",
        ),
    )


def _activities_of_waiting(recorded: RecordedSite, now: datetime) -> frozenset[ActivityId]:
    """The ids of activities with a post that is waiting to go out."""
    return frozenset(
        post.activity for post in _waiting(recorded, now) if post.activity and (post.date is None or post.date >= now)
    )


def cannot_be_judged(desired: DesiredSite, observed: ObservedSite, scope: Scope) -> tuple[Diagnostic, ...]:
    """What cannot be decided, and is therefore left alone.

    These are rules that select by a type that the API does not show, posts with a status that this version does not
    know (remote-api.md 17.8), and posts whose ids an approvals file cannot hold.
    """
    live = observed.marketing_plan
    if live is None:
        return ()
    found: list[Diagnostic] = []
    for name, match in _matches(desired):
        if match.type is None:
            continue
        ahead = (activity for activity in live.activities if activity.date >= scope.now)
        if any(may_cover(match, activity, scope) for activity in ahead):
            found.append(
                blocked(
                    scope.address(Kind.RULE, name),
                    BlockedBy.CANNOT_BE_JUDGED,
                    f"{rule_words(name)} selects by type, but the API does not show the types of activities",
                    "select by title, dates or ids instead; what the rule might match is left alone until then",
                    says_name=True,
                )
            )
    posts = _unknown_posts(live, scope) if desired.posts or desired.schedule else ()
    unnamed = _unnamed_posts(live, scope) if desired.schedule else ()
    return (*found, *posts, *unnamed)


def _matches(desired: DesiredSite) -> Iterator[tuple[str, Match]]:
    """Every rule that selects objects, with its name."""
    for index, rule in enumerate(desired.activities):
        if not isinstance(rule, DesiredActivity):
            yield f"activities.{index}", rule.match
    for index, posts_rule in enumerate(desired.posts):
        yield f"posts.{index}", posts_rule.match
    for index, schedule_rule in enumerate(desired.schedule.rules if desired.schedule else ()):
        yield f"schedule.rules.{index}", schedule_rule.match


def _unnamed_posts(live: MarketingPlan, scope: Scope) -> Iterator[Diagnostic]:
    for activity in live.activities:
        for post in activity.posts:
            odd = next((id for id in (activity.id, post.id) if not fits_in_files(id)), None)
            if odd is not None and post.status in (PostStatus.DRAFT, PostStatus.SCHEDULED):
                name = post_name(activity.title, post.channel, post.type)
                yield blocked(
                    scope.address(Kind.DRAFT, post.id),
                    BlockedBy.CANNOT_BE_JUDGED,
                    printable(f"approvals files cannot hold the id of {name}: {odd}"),
                    "publish it in the site's dashboard; it is left alone and not written to any file",
                )


def _unknown_posts(live: MarketingPlan, scope: Scope) -> Iterator[Diagnostic]:
    for activity in live.activities:
        for post in activity.posts:
            if isinstance(post.status, Unrecognised):
                name = printable(post_name(activity.title, post.channel, post.type))
                yield blocked(
                    scope.address(Kind.DRAFT, post.id),
                    BlockedBy.UNKNOWN_STATUS,
                    printable(f"{name} has an unknown status ({post.status})"),
                    "look at it in the dashboard; it is left alone: not scheduled, cancelled or cleared",
                    name,
                    says_name=True,
                )
