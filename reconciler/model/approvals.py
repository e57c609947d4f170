"""What people decided about generated content, as it stands in `approvals/<site>.yaml`."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.canonical import Digest, digest_of
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import ActivityId, PostId


class Decision(StrEnum):
    """Of one draft."""

    PENDING = "pending"
    APPROVE = "approve"


class ActivityDecision(StrEnum):
    """Of an activity as a whole."""

    KEEP = "keep"
    REGENERATE = "regenerate"
    REGENERATE_MEDIA = "regenerate-media"
    DISCARD = "discard"


class DraftApproval(Struct, frozen=True):
    """A draft as it was reviewed: the digest pins its channel, type, text and media."""

    id: PostId
    channel: str
    type: str
    digest: Digest
    decision: Decision = Decision.PENDING
    media: tuple[str, ...] = ()
    caption: str = ""
    cancelled: int = 0
    """How often this content had been scheduled and taken back when the decision was made: an approval counts
    for one scheduling, so one that is older than the last of them is used up. Written by `review`."""


class ActivityApproval(Struct, frozen=True):
    """An activity as it was reviewed."""

    id: ActivityId
    title: str
    date: Instant
    decision: ActivityDecision = ActivityDecision.KEEP
    drafts: tuple[DraftApproval, ...] = ()

    @property
    def digest(self) -> Digest:
        """Of the drafts that the decision is about: carried out once for them, it is not carried out again."""
        return digest_of(tuple(sorted(one.digest for one in self.drafts)))


class Approvals(Struct, frozen=True):
    """One approvals file. `file` is its path as messages show it; empty when there is none."""

    activities: tuple[ActivityApproval, ...] = ()
    file: str = ""

    def draft(self, id: PostId) -> DraftApproval | None:
        """The reviewed draft of that id, if it was ever reviewed."""
        return next((draft for one in self.activities for draft in one.drafts if draft.id == id), None)

    def activity(self, id: ActivityId) -> ActivityApproval | None:
        """The reviewed activity of that id."""
        return next((one for one in self.activities if one.id == id), None)

    def approves(self, id: PostId, digest: Digest, *, times: int = 0) -> bool:
        """Whether a person said yes to exactly this content, after it was scheduled that many times."""
        draft = self.draft(id)
        return (
            draft is not None
            and draft.decision is Decision.APPROVE
            and draft.digest == digest
            and draft.cancelled >= times
        )
