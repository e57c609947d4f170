"""Journal entries: a call that was about to be sent, what was there before it, and what is known about it now."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from reconciler.model.address import Address, Kind
from reconciler.model.canonical import ABSENT, EMPTY, Absent, Digest, JsonObject
from reconciler.model.failures import Failure
from reconciler.model.frozen import Instant, Struct, kind_of
from reconciler.model.operations import Operation
from reconciler.model.posts import Discarded, PostId
from reconciler.model.settings import Field
from reconciler.model.writes import Verb, Write


class PostSeen(Struct, frozen=True):
    """A post as it was before a call."""

    id: PostId
    digest: Digest


class Before(Struct, frozen=True):
    """What was there before a call, as far as it helps to recognise the call's effect afterwards.

    `known` are the ids that already existed, of events or activities like the one to be created, of the marketing
    plan's activities, or of an activity's posts: any other id is new. `status` is the marketing plan's. `settings` are
    the settings fields that the call does not name and must not change. `contents` are the digests of the marketing
    plan's activities and the ids of their posts. `drafts` are those that a regeneration throws away, with their
    titles and channels: while it is under way, the site may not show them. They are absent if there are none.
    """

    known: tuple[str, ...] = ()
    status: str = ""
    posts: tuple[PostSeen, ...] = ()
    settings: tuple[Field, ...] = ()
    contents: tuple[str, ...] = ()
    drafts: tuple[Discarded, ...] | Absent = ABSENT


class ReviewedDecision(Struct, frozen=True):
    """The reviewers' decision that a call carries out, and the digest of what it was about."""

    decision: str
    digest: Digest


class UnreadableCall(Write, frozen=True):
    """A call made by another version of this tool, for which this version has no operation.

    It blocks its object until a person says how it ended.
    """

    kind: ClassVar[Kind] = Kind.SITE

    call: str
    facts: JsonObject = EMPTY


AnyOperation: TypeAlias = Operation | UnreadableCall


class CallIntent(Struct, frozen=True):
    """A call that is about to be sent, to be recorded in the journal."""

    address: Address
    operation: Operation
    before: Before = Before()
    decided: ReviewedDecision | None = None


class OpenEntry(Struct, frozen=True):
    """A call that was recorded before it was sent, and whose outcome is not known yet."""

    id: str
    address: Address
    operation: AnyOperation
    started_at: Instant
    before: Before = Before()
    decided: ReviewedDecision | None = None
    sent: bool = False
    """True once the call is known to have been accepted, so that only waiting remains (`Journal.sent`)."""
    unknown: Failure | None = None
    """Why a run could not determine the outcome; None if none has tried (`Journal.end` with Unknown)."""

    @property
    def call(self) -> str:
        """The call's name in documents and on screens: `create-event`."""
        if isinstance(self.operation, UnreadableCall):
            return self.operation.call
        return kind_of(type(self.operation).__name__)

    def may_have(self, *verbs: Verb) -> bool:
        """Whether the call may have had one of these verbs; a call that this version does not know may have had any."""
        return isinstance(self.operation, UnreadableCall) or self.operation.verb in verbs
