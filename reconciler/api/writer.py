"""Carries out operations, and reports the outcome of each: done, pending, not done or unknown.

It neither waits for what takes time nor reads anything back: the executor does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.api import wire, wire_posts
from reconciler.api.calls import batch_call, batched, publish_later
from reconciler.api.endpoints import understood
from reconciler.api.errors import ALREADY_GENERATING, ITEM_GONE, REFERENCE_TAKEN, ApiError, ErrorKind
from reconciler.api.fence import Fence, Fences
from reconciler.api.routes import WriteCall
from reconciler.api.transport import Answer, FullTransport
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Remark, Trouble, Unknown
from reconciler.model.posts import GONE_OUT, Post, PostStatus, channel_name
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import SiteRef
from reconciler.model.writes import Verb

_ON_ITS_WAY: Final = GONE_OUT | {PostStatus.SCHEDULED}


CANNOT_CHOOSE_TIME: Final = Diagnostic(
    Trouble.NO_TIME_OF_OUR_OWN,
    "the API only schedules drafts at times that Wix picks, and the rule asks for a different time",
    "schedule it in the site's dashboard, or leave `at` out of the rule",
)


class Learned(Struct):
    """What was found out about undocumented behaviour of the remote side, kept for the run."""

    keys: dict[tuple[str, ...], str] = field(default_factory=dict)
    """For each set of possible body keys (WriteCall), the one that is understood."""
    publishes_later: bool = True


class SiteWriter:
    """Writes to live sites. Sends exactly what `calls_of` shows (but see `_send` and `_schedule_for`)."""

    def __init__(self, transport: FullTransport, fence: Fence | None = None, learned: Learned | None = None) -> None:
        self._transport = transport
        self._fence = fence
        self._learned = learned or Learned()

    async def perform(
        self, site: SiteRef, operations: Sequence[Operation], fence: Fence | None = None
    ) -> tuple[Outcome, ...]:
        """One outcome per operation, in order. Several operations go into one call if the API allows it.

        Before every attempt, the writer's own fence is checked, and then `fence`. Raises UsageError for a credential
        that cannot be used, and what the fences raise; everything else is an outcome.
        """
        outcomes: list[Outcome] = []
        for group in batched(operations):
            outcomes += await self._group(site, group, Fences(self._fence, fence))
        return tuple(outcomes)

    async def _group(self, site: SiteRef, group: tuple[Operation, ...], fence: Fence) -> Sequence[Outcome]:
        first = group[0]
        sent: Answer | None = None
        try:
            if isinstance(first, SchedulePost) and first.at is not None and not first.takes_own_time:
                return [await self._schedule_for(site, first, first.at, fence)]
            for call in batch_call(group, site):
                sent = await self._send(site, call, fence)
        except ApiError as error:
            if sent is not None:  # of two calls, the first took effect
                problem = error.diagnostic().while_(f"{sent.call} succeeded, but the call after it failed")
                return [Unknown(problem, asked=error.asked)] * len(group)
            return [_failed(operation, error) for operation in group]
        if sent is None:
            return [_nothing_to_send(operation) for operation in group]
        if isinstance(first, SchedulePost):
            return _scheduled(tuple(operation for operation in group if isinstance(operation, SchedulePost)), sent)
        return [_outcome(operation, sent) for operation in group]

    async def _schedule_for(self, site: SiteRef, operation: SchedulePost, at: datetime, fence: Fence) -> Outcome:
        """Schedules a draft for a given time, in one call, if the remote side has that call.

        If it does not, the draft is left alone: without `own_time_first`, a post must not have the API's own time, not
        even briefly.
        """
        if self._learned.publishes_later:
            try:
                sent = await self._transport.write(publish_later(operation.post, at), site, fence)
                return _scheduled_alone(operation, sent)
            except ApiError as error:
                if not error.no_such_route or error.code == ITEM_GONE:
                    raise
            self._learned.publishes_later = False
        return NotDone(CANNOT_CHOOSE_TIME, skipped=True)

    async def _send(self, site: SiteRef, call: WriteCall, fence: Fence) -> Answer:
        """Sends a call. If the key of its body is inferred, tries another one after a 400.

        That is safe because a 400 has no effect. The key that works is kept for the run.
        """
        if not call.keys:
            return await self._transport.write(call, site, fence)
        refused: ApiError | None = None
        for key in sorted(call.keys, key=lambda key: key != self._learned.keys.get(call.keys)):
            try:
                answer = await self._transport.write(call.under(key), site, fence)
            except ApiError as error:
                if error.kind is not ErrorKind.INVALID:
                    raise (error if error.unclear or refused is None else refused) from None
                refused = refused or error
            else:
                self._learned.keys[call.keys] = key
                return answer
        assert refused is not None
        raise refused


def _outcome(operation: Operation, answer: Answer) -> Outcome:
    """What a success means for an operation. If it cannot be understood, the write has happened all the same (17.1)."""
    name = answer.request_id
    try:
        understood(answer, wire.accepted)
        if operation.verb is Verb.CREATE:
            created = understood(answer, wire.created_id)
            return Done(created, None if created else Remark.NO_ID, name)
    except ApiError as error:
        return _accepted(error, answer)
    return Pending(request_id=name) if operation.takes_time else Done(request_id=name)


def _scheduled(group: tuple[SchedulePost, ...], answer: Answer) -> Sequence[Outcome]:
    """The outcome of each draft. The API silently leaves out those that it did not schedule (D 6.2)."""
    try:
        found = {post.id: post for post in understood(answer, wire_posts.items)}
    except ApiError as error:
        return [_accepted(error, answer)] * len(group)
    return [_one_scheduled(operation, found.get(operation.post), answer) for operation in group]


def _scheduled_alone(operation: SchedulePost, answer: Answer) -> Outcome:
    try:
        post = understood(answer, wire_posts.answered_post) if answer.body != {} else None
    except ApiError as error:
        return _accepted(error, answer)
    if post is None:  # an answer without the item still means success: its shape is not documented
        return Done(request_id=answer.request_id)
    return _one_scheduled(operation, post, answer)


def _one_scheduled(operation: SchedulePost, post: Post | None, answer: Answer) -> Outcome:
    name = answer.request_id
    if post is None or post.status is PostStatus.DRAFT:
        # Only a read can tell: it may be scheduled all the same, now or in a moment.
        why = f"the response does not say that this {channel_name(operation.channel)} draft was scheduled"
        return Unknown(Diagnostic(Trouble.NOT_SCHEDULED, why, request_id=name), accepted=True)
    if post.status in _ON_ITS_WAY:
        return Done(request_id=name)
    why = f"the response shows this {channel_name(operation.channel)} post as {post.status}"
    return Unknown(Diagnostic(Trouble.UNEXPECTED_STATUS, why, request_id=name))


def _accepted(error: ApiError, answer: Answer) -> Unknown:
    """A success that cannot be understood."""
    return Unknown(replace(error.diagnostic(), request_id=answer.request_id), accepted=True, asked=error.asked)


def _failed(operation: Operation, error: ApiError) -> Outcome:
    """What an error means: certainly not done, or unknown."""
    if error.unclear or error.code == REFERENCE_TAKEN:  # the post already exists: it is looked for (17.9)
        return Unknown(error.diagnostic(), asked=error.asked)
    return NotDone(
        error.diagnostic(),
        skipped=_ruled_out(operation, error),
        missing=error.kind is ErrorKind.NOT_FOUND,
        asked=error.asked,
    )


def _ruled_out(operation: Operation, error: ApiError) -> bool:
    """Whether the remote side refused because of the object's state, not because of how it was asked (D 3.2: 428).

    A post in the wrong state, or in an unknown one, is also refused with a 409 (17.9, D 10.1).
    """
    if error.kind is ErrorKind.CONFLICT:
        return operation.may_conflict
    if error.kind is not ErrorKind.PRECONDITION:
        return False
    return operation.may_be_gone or error.code == ALREADY_GENERATING


def _nothing_to_send(operation: Operation) -> Outcome:
    if operation.verb is Verb.WAIT:
        return Pending()
    raise TypeError(f"{type(operation).__name__} cannot be sent as it is: its objects are not known yet")
