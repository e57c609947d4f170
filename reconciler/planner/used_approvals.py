"""Which approvals are used up, according to the state: each counts for one scheduling.

If the state knows nothing about a site, nobody can tell whether an approval in its file was used, so it counts as used
from the first apply on. A scheduled post that is approved as it is counts as this tool's own, whoever scheduled it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from reconciler.model.activities import Activity, DateIs
from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.frozen import instant
from reconciler.model.operations import Precondition
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.schedule import Approved, DesiredSchedule
from reconciler.model.sites import DesiredSite, PublishedPost, RecordedSite
from reconciler.planner.baseline import SCHEDULED, WAS_CANCELLED, Objects, approval_key, key_of

USED: Final = "used"
ADOPTED: Final = "adopted"
NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""When this tool scheduled a post that somebody else scheduled."""
_DRAFT: Final = f"{Kind.DRAFT.value}["


def used_key(post: PostId) -> str:
    """The key that records that an approval counts as used, although this tool did not schedule the post."""
    return f"{USED}[{post}]"


def adopted_key(post: PostId) -> str:
    """The key that records what an approved post is, and when it goes out, if somebody else scheduled it."""
    return f"{ADOPTED}[{post}]"


def is_noted(recorded: RecordedSite, post: PostId) -> bool:
    """Whether anything is known about schedulings of a post. If not, no digest of it needs to be computed."""
    return post in recorded.published_by_id or recorded.object(used_key(post)) is not None


def times_of(recorded: RecordedSite, post: PostId, digests: frozenset[Digest]) -> int:
    """How many times a post was scheduled with one of these contents, by this tool or according to an approval."""
    published = (published.times for published in recorded.published_by_id.get(post, ()) if published.digest in digests)
    return max((times_used(recorded, post, digests), *published))


def times_used(recorded: RecordedSite, post: PostId, digests: frozenset[Digest]) -> int:
    """How many times approvals of one of these contents count as used although this tool did not schedule the post."""
    used = recorded.object(used_key(post))
    if used is not None and used.get("content") in digests and isinstance(times := used.get("times"), int):
        return times
    return 0


def times_known(recorded: RecordedSite, post: PublishedPost) -> int:
    """How many times the content of a post is known to have been scheduled.

    Its `times` also counts approvals that are older than the state, which may never have been used.
    """
    if recorded.object(adopted_key(post.id)) is not None:
        return post.times
    return max(1, post.times - times_used(recorded, post.id, frozenset({post.digest})))


def was_scheduled(recorded: RecordedSite, post: PostId) -> bool:
    """Whether this tool is known to have scheduled a post, or to have found it scheduled and approved.

    If not, an approval of it that counts as used does so because it is older than the state.
    """
    return post in recorded.published_by_id or recorded.object(key_of(Kind.DRAFT, post)) is not None


def never_approved(recorded: RecordedSite, post: PostId) -> bool:
    """Whether this tool scheduled a post without an approval (`approval: none`) and has found none since."""
    last = recorded.last_published.get(post)
    return last is not None and not last.approved and recorded.object(approval_key(post)) is None


def scheduled_by_us(recorded: RecordedSite) -> frozenset[PostId]:
    """The posts that this tool scheduled, or found scheduled and approved, and did not cancel itself."""
    found = {post.id for post in recorded.published}
    for key, facts in recorded.objects:
        if key.startswith(_DRAFT) and facts == SCHEDULED:
            found.add(PostId(key.removeprefix(_DRAFT).removesuffix("]")))
    if not found:
        return frozenset()
    return frozenset(post for post in found if recorded.object(key_of(Kind.DRAFT, post)) != WAS_CANCELLED)


def adopted_posts(recorded: RecordedSite) -> Iterator[PublishedPost]:
    """The posts that somebody else scheduled and that count as this tool's own, as the state knows them.

    Of a post that no apply has seen since it was adopted, only the id is known: it has no channel and no time.
    """
    for id in sorted(scheduled_by_us(recorded) - recorded.published_by_id.keys()):
        facts = recorded.object(adopted_key(id))
        if facts is None:
            yield PublishedPost(id, Digest(""), "", None, NEVER, title=id)
            continue
        texts = {name: str(value) for name, value in facts.items()}
        yield PublishedPost(
            id,
            Digest(""),
            texts["channel"],
            datetime.fromisoformat(texts["scheduledFor"]) if "scheduledFor" in texts else None,
            NEVER,
            activity=ActivityId(texts["activity"]),
            title=texts["title"],
            account=texts.get("account"),
            date=datetime.fromisoformat(texts["date"]),
            zone=texts["zone"],
            type=texts["type"],
        )


def scheduled_under_another_id(activity: Activity, post: Post, recorded: RecordedSite) -> bool:
    """Whether this tool scheduled the same content on the same account for this activity, but only under another id."""
    if post.id in recorded.published_by_id:
        return False
    return (activity.id, post.digest) in recorded.published_contents


def rights_needed(
    activity: Activity, post: Post, schedule: DesiredSchedule, approvals: Approvals, recorded: RecordedSite
) -> tuple[Precondition, ...]:
    """What must hold for the approvals, the state and the activity when a post is scheduled or moved.

    Both an approval and a rule's time are for a certain day. Moving a post uses up no approval.
    """
    moves, day = post.status is PostStatus.SCHEDULED, DateIs(activity.id, activity.date)
    times = None if moves else times_of(recorded, post.id, frozenset({post.digest}))
    draft = approvals.draft(post.id)
    if not schedule.approval_required or draft is None:
        return (day,) if moves else (Approved(post.id, post.digest, times), day)
    return Approved(post.id, post.digest, times, draft.digest, draft.cancelled), day


def approvals_to_remember(
    desired: DesiredSite, activities: Iterable[Activity], recorded: RecordedSite, zone: str
) -> Objects:
    """What a run must record about the approvals before its first write. `zone` is the name of the site's time zone."""
    if desired.schedule is None or not desired.schedule.approval_required:
        return ()
    ours, found = scheduled_by_us(recorded), {}
    for activity in activities:
        for post in activity.posts:
            draft = desired.approvals.draft(post.id)
            if draft is None or draft.decision is not DraftDecision.APPROVE:
                continue
            waits = post.status is PostStatus.SCHEDULED
            adopted = waits and post.id not in ours and desired.approvals.approves(post, activity.date)
            if adopted:
                found[key_of(Kind.DRAFT, post.id)] = SCHEDULED
            if adopted or (waits and post.id in ours and post.id not in recorded.published_by_id):
                known, facts = recorded.object(adopted_key(post.id)), _facts(activity, post)
                if known is None or any(known.get(name) != value for name, value in facts.items()):
                    found[adopted_key(post.id)] = JsonObject({**facts, "zone": zone})
            if adopted or not recorded.is_known:
                found[used_key(post.id)] = JsonObject({"content": post.digest, "times": draft.cancelled + 1})
    return tuple(sorted(found.items()))


def _facts(activity: Activity, post: Post) -> dict[str, str]:
    facts: dict[str, str] = {
        "channel": post.channel,
        "type": post.type,
        "activity": activity.id,
        "title": activity.title,
        "date": instant(activity.date),
    }
    if post.account:
        facts["account"] = post.account
    if post.scheduled_for is not None:
        facts["scheduledFor"] = instant(post.scheduled_for)
    return facts
