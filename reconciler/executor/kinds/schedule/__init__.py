"""Single posts: scheduled, moved and cancelled. Only approved content is scheduled, and each post is read back."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.kinds.base import ManagedKind, Moment, OutcomeContext, OutcomeReads
from reconciler.executor.kinds.schedule.conditions import (
    is_scheduled,
    not_as_approved,
    post_unmet,
    right_unmet,
    waiting_unmet,
)
from reconciler.executor.kinds.schedule.records import published_post
from reconciler.executor.ports import Journal
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import Failure
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Remark, Trouble, not_as_asked, not_done
from reconciler.model.posts import ActivityId, Post, PostStatus, account_with_name, channel_name, shown_account
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
from reconciler.model.writes import FieldChange, Verb
from reconciler.planner.baseline import SCHEDULED, WAS_CANCELLED, key_of
from reconciler.planner.unstopped import failed_cancel, tried_key

NOT_GOING_OUT: Final = frozenset({PostStatus.DRAFT, PostStatus.CANCELED, PostStatus.DELETED})
"""Statuses of a post that does not go out."""


QUOTED: Final = 80
"""How many characters of a post's text a message shows."""


class ScheduleKind(ManagedKind[ScheduleOperation]):
    """Single posts that go out."""

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

    def right_unmet(self, required: DraftCondition, moment: Moment) -> Diagnostic | None:
        return right_unmet(required, moment)

    async def refusal_reason(self, operation: ScheduleOperation, site: SiteCache, moment: Moment) -> Diagnostic | None:
        if not isinstance(operation, SchedulePost):
            return None
        return not_as_approved(operation, await site.marketing_plan())

    def reads(self, operation: ScheduleOperation) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.MARKETING_PLAN}), posts=((operation.post, operation.activity),))

    def outcome(self, operation: ScheduleOperation, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        live = found.post(operation.post)
        match operation:
            case ReschedulePost():
                if live is None:
                    return not_done(Trouble.GONE, "the post is gone")
                if live.scheduled_for is None:
                    return None
            case SchedulePost() | CancelPost():
                if live is not None and not isinstance(live.status, PostStatus):
                    return None  # an unknown status of a later version proves nothing
            case _:
                assert_never(operation)
        return super().outcome(operation, entry, found, now)

    def may_lag(self, operation: ScheduleOperation, found: Snapshot) -> bool:
        live = found.post(operation.post)
        return not operation.at_once and live is not None and live.status is PostStatus.DRAFT

    def mismatch(
        self, operation: ScheduleOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        live = found.post(operation.post)
        match operation:
            case SchedulePost():
                return _not_scheduled(live)
            case ReschedulePost(at=at):
                if live is None:
                    what = "asked for another time, but the post is gone"
                    return not_as_asked(what, "check in the site's dashboard whether it goes out under another id")
                if live.status in (PostStatus.CANCELED, PostStatus.DELETED):
                    return _not_scheduled(live)  # somebody cancelled it; a stale read would show a draft
                moment = live.scheduled_for
                if moment is None or instant(moment) == instant(at):
                    return None
                return not_as_asked("the site shows another time than the one asked for")
            case CancelPost():
                if live is None or live.status in NOT_GOING_OUT:
                    return None
                return not_as_asked(f"it is {printable(str(live.status))}, not {PostStatus.CANCELED}")
            case _:
                assert_never(operation)

    def leaves(self, operation: ScheduleOperation, entry: OpenEntry, done: Done, context: OutcomeContext) -> Bindings:
        match operation:
            case SchedulePost() | ReschedulePost():
                return Bindings(objects=((key_of(Kind.DRAFT, operation.post), SCHEDULED),))
            case CancelPost():
                cancelled = (key_of(Kind.DRAFT, operation.post), WAS_CANCELLED)
                tried = context.recorded.object(tried_key(operation.post)) is not None
                over = ((tried_key(operation.post), failed_cancel(None)),) if tried else ()
                return Bindings(objects=(cancelled, *over))
            case _:
                assert_never(operation)

    def published(
        self, operation: ScheduleOperation, entry: OpenEntry, context: OutcomeContext
    ) -> PublishedPost | None:
        return None if isinstance(operation, CancelPost) else published_post(operation, entry, context)

    def leaves_if_not_done(
        self, operation: ScheduleOperation, entry: OpenEntry, failure: Failure, recorded: RecordedSite
    ) -> Bindings:
        """Until a post is cancelled or gone, each plan says that it still goes out."""
        if operation.verb is not Verb.CANCEL:
            return Bindings()
        return Bindings(objects=((tried_key(operation.post), failed_cancel(failure)),))

    async def ruled_out(
        self, operation: ScheduleOperation, refused: NotDone, site: SiteCache, journal: Journal
    ) -> Outcome:
        """The outcome of a refused cancel or move, judging by what the post is now.

        A 409 or 428 says that the post's state does not allow the call (17.9); any other refusal may still have taken
        effect. If the post is out, the public has seen it, and no cancel changes that. If it already has the new time,
        it has been moved.
        """
        if isinstance(operation, SchedulePost):
            return refused
        because_of_state = refused.skipped or refused.missing
        try:
            live = await site.reader.post(site.site, operation.post)
        except ApiError:
            if because_of_state:
                raise
            return replace(refused, goes_out=operation.now) if operation.moves else refused
        if isinstance(operation, ReschedulePost):
            if live is None:
                return replace(refused, problem=refused.problem.and_then("the post is gone"))
            if live.status is PostStatus.SCHEDULED and live.scheduled_for == operation.at:
                return Done(request_id=refused.request_id)
            refused = replace(refused, goes_out=live.scheduled_for if is_scheduled(live) else None)
        elif live is None or live.status in NOT_GOING_OUT:
            return Done(remark=Remark.NOT_WAITING, request_id=refused.request_id)
        if live.status is PostStatus.PUBLISHED:
            return replace(refused, problem=_is_live(live, operation, refused.problem), skipped=True)
        if live.status is PostStatus.SCHEDULED and (operation.moves or not because_of_state):
            return refused
        return replace(refused, problem=refused.problem.and_then(f"the post is {printable(str(live.status))}"))

    def not_kept(self, operation: ScheduleOperation) -> Bindings:
        if operation.verb is not Verb.CANCEL:
            return Bindings()
        still = (key_of(Kind.DRAFT, operation.post), SCHEDULED)
        return Bindings(objects=(still, (tried_key(operation.post), failed_cancel(Failure(Trouble.NO_EFFECT)))))

    def goes_out(self, operation: ScheduleOperation, found: Snapshot) -> datetime | None:
        live = found.post(operation.post)
        return live.scheduled_for if operation.moves and live is not None and is_scheduled(live) else None

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


def _is_live(live: Post, operation: ScheduleOperation, refused: Diagnostic) -> Diagnostic:
    """A refused cancel or move of a post that has gone out, with what the public saw of it."""
    words = " ".join(printable(live.caption).split())
    quoted = f'"{words if len(words) <= QUOTED else words[:QUOTED] + "..."}"' if words else "without text"
    account = account_with_name(live, operation.account)
    where = f"on {printable(shown_account(account) if account else channel_name(live.channel))}"
    link = f": {printable(live.external_url)}" if live.external_url else ""
    gone_out = refused.because_of(f"it has gone out and is live {where}, {quoted}{link}")
    return replace(gone_out, fix="take it down by hand if it must not stay up")


def _not_scheduled(live: Post | None) -> Diagnostic | None:
    if live is None:
        return Diagnostic(Trouble.GONE, "the post is gone")
    return None if is_scheduled(live) else Diagnostic(Trouble.UNEXPECTED_STATUS, f"the post is {live.status}")
