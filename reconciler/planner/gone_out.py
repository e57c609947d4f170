"""Posts that went out although they were no longer wanted, and posts that somebody moved, cancelled or deleted.

Nothing can be done about a post that is out, so it is only reported: by every plan and drift until an apply has
recorded what became of it, and by `history` from then on (docs/design.md 1.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ActivityDecision, ApprovalState
from reconciler.model.canonical import JsonObject
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.moments import moment_text
from reconciler.model.posts import GONE_OUT, Post, PostId, PostStatus, post_name, shown_account
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import BlockedBy, Reason, blocked
from reconciler.planner.aftermath import outcomes, seen_posts
from reconciler.planner.baseline import Objects
from reconciler.planner.moved_by_hand import same_minute
from reconciler.planner.options import Scope
from reconciler.planner.reasons import REASONS
from reconciler.planner.since_scheduled import since_scheduled
from reconciler.planner.used_approvals import scheduled_by_us

GONE: Final = "gone"

MOVED: Final = "moved"

STOPPED: Final = "stopped"

UNWANTED: Final = "unwanted"

WhyNot: TypeAlias = Literal[
    Reason.WITHDRAWN,
    Reason.APPROVAL_NEEDED,
    Reason.SENT_BACK,
    Reason.CHANGED,
    Reason.DATE_MOVED,
    Reason.EDITED,
    Reason.PAUSED,
]
"""Why the files no longer want a post: the reasons that can be known once it is out, or without reading its site."""


def no_longer_wanted(reason: WhyNot) -> Diagnostic:
    """Why a post is no longer wanted, as a clause."""
    incomplete = reason in (Reason.APPROVAL_NEEDED, Reason.SENT_BACK, Reason.CHANGED)
    return Diagnostic(reason, f"it was {REASONS[reason]}" if incomplete else REASONS[reason])


def gone_key(post: PostId) -> str:
    """The key that records which scheduling of a post the site no longer has; its facts are empty if it came back."""
    return f"{GONE}[{post}]"


def moved_key(post: PostId) -> str:
    """The key that records that a post was moved away from the time it was scheduled for."""
    return f"{MOVED}[{post}]"


def stopped_key(post: PostId) -> str:
    """The key that records which scheduling of a post somebody cancelled; its facts are empty if that was undone."""
    return f"{STOPPED}[{post}]"


def unwanted_key(post: PostId) -> str:
    """The key that records that a post went out although it was no longer wanted."""
    return f"{UNWANTED}[{post}]"


class WentOut(Struct, frozen=True):
    """A post scheduled by this tool that turns out to have gone out although it was no longer wanted."""

    address: Address
    post: Post
    title: str
    account: str | None
    moment: datetime | None
    reason: WhyNot


def went_out_unwanted(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> tuple[WentOut, ...]:
    """The posts whose outcome is not recorded yet and which the present files do not approve."""
    over = {outcome.post for outcome in recorded.outcomes if outcome.status is PostStatus.PUBLISHED}
    seen, last, found = seen_posts(observed), recorded.last_published, []
    for outcome in outcomes(observed, recorded):
        known = last.get(outcome.post)
        # A post that needed no approval when it was scheduled does not count as withdrawn just because the file now
        # asks for one.
        if outcome.status is not PostStatus.PUBLISHED or outcome.post in over or known is None or not known.approved:
            continue
        post, date = seen[outcome.post]
        reason = _why_not(desired, recorded, post, date or known.date)
        if reason is not None:
            address = scope.address(Kind.DRAFT, post.id)
            found.append(
                WentOut(address, post, known.title, known.account, post.scheduled_for or known.scheduled_for, reason)
            )
    return tuple(found)


def _why_not(desired: DesiredSite, recorded: RecordedSite, post: Post, date: datetime | None) -> WhyNot | None:
    """Why a post that is out should not have gone out, by today's approvals; None if there is no reason."""
    needless = desired.schedule is not None and not desired.schedule.approval_required
    if needless or desired.approvals.unasked is not None:
        return None
    activity = desired.approvals.activity_of(post.id)
    if activity is None:
        return Reason.WITHDRAWN
    if activity.decision is not ActivityDecision.KEEP and activity.counts:
        return Reason.SENT_BACK
    verdict = desired.approvals.verdict(post, date or activity.date)
    match verdict.state:
        case ApprovalState.APPROVED:
            return None
        case ApprovalState.CHANGED:
            return Reason.CHANGED
        case ApprovalState.EDITED:
            return Reason.EDITED
        case ApprovalState.PENDING if not verdict.differences:
            changed = since_scheduled(recorded, post, date or activity.date)
            return Reason.CHANGED if changed else Reason.WITHDRAWN
        case (
            ApprovalState.PENDING
            | ApprovalState.NOT_REVIEWED
            | ApprovalState.UNPROVEN
            | ApprovalState.OVERCOUNTED
            | ApprovalState.USED_UP
        ):
            return Reason.WITHDRAWN
        case _:
            assert_never(verdict.state)


def unwanted_post(found: WentOut, zone: str) -> Diagnostic:
    """A post that went out unwanted, as a problem that is shown to people."""
    when = f" {moment_text(found.moment, zone)}" if found.moment else ""
    where = f" on {shown_account(printable(found.account))}" if found.account else ""
    link = f": {printable(found.post.external_url)}" if found.post.external_url else ""
    name = post_name(printable(found.title), found.post.channel, found.post.type)
    return blocked(
        found.address,
        BlockedBy.WENT_OUT_UNWANTED,
        f"{name} went out{when}{where}, although {no_longer_wanted(found.reason).message}{link}",
        "take it down on its channel if it must not stay up; the next apply records it, "
        "and history lists it from then on",
        name,
        says_name=True,
    )


def to_remember(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope, gone: Collection[PostId]
) -> Objects:
    """What `history` needs to know about the posts that were read or that are `gone`, by the keys above."""
    found = dict((*_moves(observed, recorded), *_stops(observed, recorded), *_gone(observed, recorded, gone)))
    for post in went_out_unwanted(desired, observed, recorded, scope):
        found[unwanted_key(post.post.id)] = JsonObject({"reason": post.reason.value})
    return tuple(sorted(found.items()))


def _moves(observed: ObservedSite, recorded: RecordedSite) -> Iterator[tuple[str, JsonObject]]:
    ours, last = scheduled_by_us(recorded), recorded.last_published
    for id, (post, _) in seen_posts(observed).items():
        known, now = last.get(id), post.scheduled_for
        if id not in ours or known is None or known.scheduled_for is None or now is None:
            continue
        if post.status is not PostStatus.SCHEDULED and post.status not in GONE_OUT:
            continue
        if not same_minute(moment_now(recorded, known) or now, now):
            yield moved_key(id), JsonObject({"from": instant(known.scheduled_for), "to": instant(now)})


def _stops(observed: ObservedSite, recorded: RecordedSite) -> Iterator[tuple[str, JsonObject]]:
    ours, last = scheduled_by_us(recorded), recorded.last_published
    for id, (post, _) in seen_posts(observed).items():
        known, stopped = last.get(id), post.status is PostStatus.CANCELED
        if id not in ours or known is None or not (stopped or post.status is PostStatus.SCHEDULED):
            continue
        if stopped != is_stopped(recorded, known):
            yield stopped_key(id), JsonObject({"scheduled": instant(known.done_at)} if stopped else {})


def _gone(observed: ObservedSite, recorded: RecordedSite, gone: Collection[PostId]) -> Iterator[tuple[str, JsonObject]]:
    seen = seen_posts(observed)
    for id, known in recorded.last_published.items():
        if id in gone and not is_gone(recorded, known):
            yield gone_key(id), JsonObject({"scheduled": instant(known.done_at)})
        elif id in seen and id not in gone and is_gone(recorded, known):
            yield gone_key(id), JsonObject({})


def is_gone(recorded: RecordedSite, post: PublishedPost) -> bool:
    """Whether the last apply that asked for a post found it gone, and this tool has not scheduled it since."""
    return _is_of_last_scheduling(recorded, gone_key(post.id), post)


def is_stopped(recorded: RecordedSite, post: PublishedPost) -> bool:
    """Whether an apply has seen that somebody cancelled a post after this tool last scheduled it."""
    return _is_of_last_scheduling(recorded, stopped_key(post.id), post)


def _is_of_last_scheduling(recorded: RecordedSite, key: str, post: PublishedPost) -> bool:
    noted = recorded.object(key)
    return noted is not None and noted.get("scheduled") == instant(post.done_at)


def stopped_posts(recorded: RecordedSite) -> frozenset[PostId]:
    """The posts that somebody has cancelled since this tool last scheduled them, as far as an apply has seen."""
    return frozenset(id for id, post in recorded.last_published.items() if is_stopped(recorded, post))


def moment_now(recorded: RecordedSite, post: PublishedPost) -> datetime | None:
    """When a post goes out or went out as far as an apply has seen: as scheduled, unless somebody moved it."""
    moved = recorded.object(moved_key(post.id))
    if moved is None or post.scheduled_for is None or moved.get("from") != instant(post.scheduled_for):
        return post.scheduled_for
    return datetime.fromisoformat(str(moved["to"]))


def reason_recorded(recorded: RecordedSite, post: PostId) -> WhyNot | None:
    """Why a post that went out was unwanted, as recorded; None if it was wanted."""
    facts = recorded.object(unwanted_key(post))
    if facts is None:
        return None
    known: dict[str, WhyNot] = {reason.value: reason for reason in get_args(WhyNot)}
    return known[str(facts["reason"])]
