"""Single posts: scheduled, moved and cancelled. Only approved content is scheduled, and each post is read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.executor.kinds.base import ManagedKind, Moment, OutcomeReads, differences
from reconciler.executor.lagging import drafts_themselves
from reconciler.executor.ports import ApplyOptions, Journal
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Kind
from reconciler.model.approvals import DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import Failure
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import MarketingPlan
from reconciler.model.moments import moment_text
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Remark, Trouble, not_as_asked, not_done, stale
from reconciler.model.posts import GONE_OUT, ActivityId, Post, PostId, PostStatus, account_id, channel_name, post_name
from reconciler.model.schedule import (
    WAITING_POSTS,
    Approved,
    CancelPost,
    DraftCondition,
    NothingWaits,
    PostIs,
    ReschedulePost,
    ScheduleOperation,
    SchedulePost,
    StillAhead,
    StillScheduled,
)
from reconciler.model.sites import Bindings, Need, PublishedPost, RecordedSite
from reconciler.model.text import printable
from reconciler.model.writes import FieldChange
from reconciler.planner.baseline import SCHEDULED, WAS_CANCELLED, key_of
from reconciler.planner.unstopped import failed_cancel, tried_key
from reconciler.planner.used_approvals import times_of

TAKEN: Final = frozenset({PostStatus.DRAFT, PostStatus.CANCELED, PostStatus.DELETED})
"""Statuses of a post that does not go out."""


QUOTED: Final = 80
"""How many characters of a post's text a message shows."""

GONE: Final = stale("the post is gone")

LISTED: Final = 3
"""How many posts a message names."""


class ScheduleKind(ManagedKind[ScheduleOperation]):
    """Single posts that go out. `publishing.py` schedules drafts in batches."""

    async def unmet(
        self, required: DraftCondition, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        match required:
            case PostIs() | StillScheduled():
                return await post_unmet(required, site)
            case NothingWaits():
                return await waiting_unmet(required, site, moment)
            case StillAhead() | Approved():
                return right_unmet(required, moment)
            case _:
                assert_never(required)

    async def refusal_reason(self, operation: ScheduleOperation, site: SiteCache, moment: Moment) -> Diagnostic | None:
        if not isinstance(operation, SchedulePost):
            return None
        return _not_as_approved(operation, await site.marketing_plan())

    def reads(self, operation: ScheduleOperation) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.MARKETING_PLAN}), posts=((operation.post, operation.activity),))

    def outcome(self, operation: ScheduleOperation, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        live = found.post(operation.post)
        match operation:
            case SchedulePost():
                return _scheduling_outcome(live)
            case ReschedulePost():
                if live is None:
                    return not_done(Trouble.GONE, "the post is gone")
                if live.scheduled_for is None:
                    return None
            case CancelPost():
                if live is not None and not isinstance(live.status, PostStatus):
                    return None  # an unknown status of a later version proves nothing
            case _:
                assert_never(operation)
        return super().outcome(operation, entry, found, now)

    def mismatch(
        self, operation: ScheduleOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        live = found.post(operation.post)
        match operation:
            case SchedulePost():
                return None  # what was scheduled is read back by its own step
            case ReschedulePost(at=at):
                moment = live.scheduled_for if live else None
                return None if moment is None else differences([("scheduledDate", instant(at), instant(moment))])
            case CancelPost():
                if live is None or live.status in TAKEN:
                    return None
                return not_as_asked(f"asked for it to be cancelled, but it is {printable(str(live.status))}")
            case _:
                assert_never(operation)

    def leaves(self, operation: ScheduleOperation, entry: OpenEntry, done: Done, recorded: RecordedSite) -> Bindings:
        match operation:
            case SchedulePost() | ReschedulePost():
                return Bindings(objects=((key_of(Kind.DRAFT, operation.post), SCHEDULED),))
            case CancelPost():
                cancelled = (key_of(Kind.DRAFT, operation.post), WAS_CANCELLED)
                tried = recorded.object(tried_key(operation.post)) is not None
                over = ((tried_key(operation.post), failed_cancel(None)),) if tried else ()
                return Bindings(objects=(cancelled, *over))
            case _:
                assert_never(operation)

    async def ruled_out(
        self, operation: ScheduleOperation, refused: NotDone, site: SiteCache, journal: Journal
    ) -> Outcome:
        """The outcome of a cancel or a move that was refused with 409, 428 or 404, judging by what the post is now.

        Such an answer says that the post cannot be cancelled in its state (17.9). If it is out, the public has seen it,
        and no cancel changes that. A post that is at the time it was to move to has been moved.
        """
        if isinstance(operation, SchedulePost):
            return refused
        live = await site.reader.post(site.site, operation.post)
        if isinstance(operation, ReschedulePost):
            moved = live is not None and live.status is PostStatus.SCHEDULED and live.scheduled_for == operation.at
            return Done(request_id=refused.request_id) if moved else refused
        if live is None or live.status in TAKEN:
            return Done(remark=Remark.NOT_WAITING, request_id=refused.request_id)
        if live.status is PostStatus.PUBLISHED:
            return replace(refused, problem=_is_live(live, refused.problem), skipped=True)
        return replace(refused, problem=refused.problem.and_then(f"the post is {printable(str(live.status))}"))

    def not_kept(self, operation: ScheduleOperation) -> Bindings:
        if isinstance(operation, CancelPost):
            return Bindings(
                objects=(
                    (key_of(Kind.DRAFT, operation.post), SCHEDULED),
                    (tried_key(operation.post), failed_cancel(Failure(Trouble.NO_EFFECT))),
                )
            )
        return Bindings()

    def unkept(
        self, operation: ScheduleOperation, created: str | None, found: Snapshot
    ) -> tuple[str, tuple[FieldChange, ...]]:
        live = found.post(operation.post)
        if not isinstance(operation, ReschedulePost) or live is None or live.scheduled_for is None:
            return "", ()
        change = FieldChange("scheduledDate", instant(live.scheduled_for), instant(operation.at))
        return key_of(Kind.DRAFT, operation.post), (change,)

    def touches(self, operation: ScheduleOperation) -> frozenset[str]:
        return frozenset({operation.post, WAITING_POSTS})

    def activity(self, operation: ScheduleOperation) -> ActivityId | None:
        return operation.activity


def is_scheduled(live: Post) -> bool:
    """Whether a post is waiting to go out, is going out, or has gone out."""
    return live.status is PostStatus.SCHEDULED or live.status in GONE_OUT


def _is_live(live: Post, refused: Diagnostic) -> Diagnostic:
    """A refused cancel of a post that has gone out, with what the public saw of it."""
    words = " ".join(printable(live.caption).split())
    quoted = f'"{words if len(words) <= QUOTED else words[:QUOTED] + "..."}"' if words else "without text"
    where = f"on {printable(live.account_name or live.account_id or channel_name(live.channel))}"
    link = f": {printable(live.external_url)}" if live.external_url else ""
    gone_out = refused.because_of(f"it has gone out and is live {where}, {quoted}{link}")
    return replace(gone_out, fix="take it down by hand if it must not stay")


def _scheduling_outcome(live: Post | None) -> Outcome | None:
    if live is None:
        return not_done(Trouble.GONE, "the post is gone")
    if is_scheduled(live):
        return Done()
    # A status of a later version proves nothing.
    known = isinstance(live.status, PostStatus)
    return not_done(Trouble.UNEXPECTED_STATUS, f"the post is {live.status}") if known else None


NOTHING_SCHEDULED: Final = PublishedPost(PostId(""), Digest(""), "", None, datetime.min.replace(tzinfo=UTC))


def published_post(
    entry: OpenEntry,
    journal: Journal,
    moment: datetime | None,
    options: ApplyOptions | None = None,
    found: Snapshot | None = None,
    zone: str | None = None,
) -> PublishedPost:
    """The record of a post that this call scheduled or moved.

    `moment` is when it goes out. `zone` is the site's time zone (None: not read, so it is the one that the site had
    last). The options know the commit and who approved it. `found` is what has been read since.

    It has the date of its journal entry, so that two notes of it still count as one scheduling.
    """
    operation = entry.operation
    assert isinstance(operation, SchedulePost | ReschedulePost)
    post, digest = operation.post, operation.digest
    before = _recorded(post, digest, journal.recorded)
    zone = zone or max(journal.recorded.published, key=lambda known: known.done_at, default=NOTHING_SCHEDULED).zone
    live, activity = (found.post(post), found.activity(operation.activity)) if found else (None, None)
    if before is not None and isinstance(operation, ReschedulePost):
        # The same scheduling at another time, not a second one.
        return replace(before, scheduled_for=moment, date=activity.date if activity else before.date, zone=zone)
    commit, approver = (options.commit, dict(options.approvers).get(post)) if options else (None, None)
    return PublishedPost(
        post,
        digest,
        operation.channel,
        moment,
        entry.started_at,
        commit=commit,
        approver=approver,
        activity=operation.activity,
        title=operation.title,
        account=_account(operation, live),
        date=activity.date if activity else None,
        approved=isinstance(operation, ReschedulePost) or operation.approved,
        zone=zone,
        type=operation.type,
    )


def _account(operation: SchedulePost | ReschedulePost, live: Post | None) -> str | None:
    """The account that a post is on, under the name that the plan used."""
    if live is None:
        return None
    planned = operation.account if isinstance(operation, SchedulePost) else ""
    return planned if planned and account_id(planned) == live.account_id else live.account or None


def _recorded(post: PostId, digest: Digest, recorded: RecordedSite) -> PublishedPost | None:
    return next((known for known in recorded.published if (known.id, known.digest) == (post, digest)), None)


# --- preconditions ---------------------------------------------------------------------------------


async def post_unmet(required: PostIs | StillScheduled, site: SiteCache) -> Diagnostic | None:
    """What a post is instead of what is required. May raise an ApiError."""
    post = _post(await site.marketing_plan(), required.id)
    if post is None and isinstance(required, PostIs) and required.status is PostStatus.SCHEDULED:
        # The activity of a scheduled post may not show it (6.4).
        post = await site.reader.post(site.site, required.id)
    if isinstance(required, StillScheduled):
        # It may outlive its activity (14.8), which the marketing plan does not show, or be shown as it was (17.6).
        if post is None:
            post = await site.reader.post(site.site, required.id)
        elif themselves := await drafts_themselves(site.site, site.reader, [post]):
            (post,) = themselves
        if post is not None and post.status is PostStatus.SCHEDULED:
            return None
        return GONE if post is None else stale(f"the post is {printable(str(post.status))} now")
    if post is None:
        return GONE
    if post.status != required.status:
        return stale(f"the post is {printable(str(post.status))} now, not {required.status}")
    return None if post.digest == required.content else stale("the post's content has changed since the plan")


def right_unmet(required: DraftCondition, moment: Moment) -> Diagnostic | None:
    """What blocks publishing, as far as it can be judged without reading the site; None if nothing does."""
    match required:
        case StillAhead():
            return time_unmet(required, moment.now, moment.zone)
        case Approved():
            return _approval_unmet(required, moment)
        case PostIs() | StillScheduled() | NothingWaits():
            return None
        case _:
            assert_never(required)


def _approval_unmet(required: Approved, moment: Moment) -> Diagnostic | None:
    if times_of(moment.recorded, required.post, frozenset({required.content})) != required.times:
        return stale("another run has scheduled it, and an approval counts only once")
    if required.decided is None:
        return None
    draft = moment.approvals.draft(required.post)
    if draft is None or draft.decision is not DraftDecision.APPROVE:
        return stale("its approval was withdrawn")
    if (draft.digest, draft.cancelled) != (required.decided, required.cancelled):
        return stale("different content is approved now", "run plan again")
    return None


async def waiting_unmet(required: NothingWaits, site: SiteCache, moment: Moment) -> Diagnostic | None:
    """The posts of an activity, or of all upcoming ones, that are waiting to go out or may be.

    May raise an ApiError.
    """
    posts = [
        (post, post_name(printable(activity.title), printable(post.channel), printable(post.type)))
        for activity in (await site.marketing_plan()).activities
        if activity.id == required.activity or (required.activity is None and activity.date >= moment.now)
        for post in activity.posts
    ]
    # An unknown status of a later version may mean that it is waiting.
    waiting = [
        name for post, name in posts if post.status is PostStatus.SCHEDULED or not isinstance(post.status, PostStatus)
    ]
    if waiting:
        are, them = ("is", "it") if len(waiting) == 1 else ("are", "them")
        return stale(f"{_listed(waiting)} {are} still waiting to go out", f"cancel {them} first")
    asked = {entry.operation.post for entry in moment.recorded.open if isinstance(entry.operation, SchedulePost)}
    if in_doubt := [name for post, name in posts if post.id in asked]:
        # It reads as a draft, but reads may lag behind the call that scheduled it (17.6).
        return stale(
            f"{_listed(in_doubt)} may be waiting to go out: it is not known whether an earlier run scheduled it"
        )
    return None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def time_unmet(required: StillAhead, now: datetime, zone: str) -> Diagnostic | None:
    """Whether it has become too late for a post."""
    late = required.moment <= now or required.moment - now < required.lead
    what = f"too late: it would go out {moment_text(required.moment, zone)}"
    return stale(what, "run plan again") if late else None


def _not_as_approved(operation: SchedulePost, live: MarketingPlan) -> Diagnostic | None:
    post = _post(live, operation.post)
    if post is None:
        return stale("the draft is gone")
    if post.status is not PostStatus.DRAFT:
        return stale(f"the post is {printable(str(post.status))}, no longer a draft")
    return None if post.digest == operation.digest else stale("changed after approval", "review it again")


def _post(live: MarketingPlan, id: PostId) -> Post | None:
    return next((post for activity in live.activities for post in activity.posts if post.id == id), None)
