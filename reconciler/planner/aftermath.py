"""What became of the posts that this tool scheduled, once their time has come (design.md 1.3).

A post that went out is recorded with its link. A failed post is reported until somebody deals with it: sets it back to
pending, has its activity regenerated or discarded, or removes it in the dashboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter

from msgspec import Struct

from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ActivityDecision, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.posts import GONE_OUT, Post, PostId, PostStatus, name_of
from reconciler.model.sites import DesiredSite, ObservedSite, PostOutcome, PublishedPost, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import BlockedBy, EndedPost, blocked
from reconciler.planner.options import Scope
from reconciler.planner.used_approvals import adopted_posts, scheduled_by_us


class FailedPost(Struct, frozen=True):
    """A post that did not go out, and why, as far as the API says."""

    address: Address
    post: PostId
    channel: str
    title: str
    moment: datetime | None
    reason: str
    type: str = "POST"


def due_items(observed: ObservedSite, recorded: RecordedSite) -> tuple[PostId, ...]:
    """Posts whose time has passed and that are not known to have gone out.

    Only those that the marketing plan does not show: they are read one by one. If the API did not show when a post goes
    out, its activity's own date is the best guess (14.7).
    """
    shown = {post.id for post in observed.posts}
    over = {outcome.post for outcome in recorded.outcomes if outcome.status is PostStatus.PUBLISHED}
    ours = scheduled_by_us(recorded)
    return tuple(
        sorted(
            {
                post.id
                for post in (*recorded.published, *adopted_posts(recorded))
                if (moment := post.scheduled_for or post.date) is not None
                and moment <= observed.read_at
                and post.id in ours
                and post.id not in over
                and post.id not in shown
            }
        )
    )


def out_unrecorded(observed: ObservedSite, recorded: RecordedSite) -> frozenset[PostId]:
    """Posts that were read by id and have gone out, but that no apply has recorded as such."""
    due = due_items(observed, recorded)
    return frozenset(id for id, post in observed.items if post and post.status in GONE_OUT and id in due)


def outcomes(observed: ObservedSite, recorded: RecordedSite) -> tuple[PostOutcome, ...]:
    """What became of this tool's posts, if that is not recorded yet."""
    known = {outcome.post: outcome for outcome in recorded.outcomes}
    ours, found = scheduled_by_us(recorded), []
    for id, (post, _) in sorted(seen_posts(observed).items()):
        if id not in ours or post.status not in (PostStatus.PUBLISHED, PostStatus.FAILED):
            continue
        assert isinstance(post.status, PostStatus)
        outcome = PostOutcome(id, post.status, observed.read_at, post.external_url, post.error)
        before = known.get(id)
        if before is None or (before.status, before.link, before.reason) != (
            post.status,
            post.external_url,
            post.error,
        ):
            found.append(outcome)
    return tuple(found)


def ended_posts(observed: ObservedSite, recorded: RecordedSite) -> tuple[EndedPost, ...]:
    """The posts in `outcomes`, with the title they were scheduled under and the time they have now."""
    if not (new := outcomes(observed, recorded)):
        return ()
    seen, scheduled = seen_posts(observed), _last_scheduled(recorded)
    titles = {post.id: activity.title for activity in observed.activities for post in activity.posts}
    found = []
    for outcome in new:
        (post, _), last = seen[outcome.post], scheduled.get(outcome.post)
        title = (last.title if last and last.channel else "") or titles.get(post.id, "")
        account = (last.account if last else None) or post.account or None
        moment = post.scheduled_for or (last.scheduled_for if last else None)
        found.append(EndedPost(post.id, post.channel, title, account, moment, post.type))
    return tuple(found)


def failed_posts(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> tuple[FailedPost, ...]:
    """The posts of this tool that failed, and that nobody has dealt with since, in the order in which they were due."""
    failed = [(id, post) for id, (post, _) in seen_posts(observed).items() if post.status is PostStatus.FAILED]
    if not failed:
        return ()
    activities = {post.id: activity for activity in observed.activities for post in activity.posts}
    scheduled, found = _last_scheduled(recorded), []
    for id, post in sorted(failed, key=itemgetter(0)):
        if id not in scheduled or _is_decided(desired, id):
            continue
        activity, last = activities.get(id), scheduled[id]
        title = activity.title if activity else last.title
        moment = post.scheduled_for or last.scheduled_for
        address, error = scope.address(Kind.DRAFT, id), printable(post.error)
        found.append(FailedPost(address, id, post.channel, title, moment, error, post.type))
    never = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda failed: (failed.moment or never, failed.title, failed.channel)))


def failure(failed: FailedPost, zone: str) -> Diagnostic:
    """A failed post as a problem that is shown to people."""
    due = f" {moment_text(failed.moment, zone)}" if failed.moment else ""
    why, name = failed.reason or "the API does not say why", printable(name_of(failed)) + due
    return blocked(
        failed.address,
        BlockedBy.FAILED,
        f"{name} failed to go out: {why}",
        "publish it by hand or delete it in the site's dashboard; or decide against it: set it back to `pending` in "
        "the approvals file, or give its activity `discard` or `regenerate`",
        name,
        says_name=True,
    )


def _last_scheduled(recorded: RecordedSite) -> dict[PostId, PublishedPost]:
    """The last scheduling of each post of this tool, including posts that somebody else scheduled before an import."""
    return {post.id: post for post in adopted_posts(recorded)} | recorded.last_published


def _is_decided(desired: DesiredSite, post: PostId) -> bool:
    activity, draft = desired.approvals.activity_of(post), desired.approvals.draft(post)
    if activity is None or draft is None:
        return False
    return draft.decision is DraftDecision.PENDING or activity.decision is not ActivityDecision.KEEP


def seen_posts(observed: ObservedSite) -> Mapping[PostId, tuple[Post, datetime | None]]:
    """Every post that was read, with its activity's own date; the date is None for a post that was read by id."""
    found: dict[PostId, tuple[Post, datetime | None]] = {id: (post, None) for id, post in observed.items if post}
    return found | {post.id: (post, activity.date) for activity in observed.activities for post in activity.posts}
