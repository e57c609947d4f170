"""What a review writes down of a live site: its activities with drafts that people decide about."""

from __future__ import annotations

from reconciler.model.canonical import Digest
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import ActivityId, PostId


class DraftForReview(Struct, frozen=True):
    """A live post as the approvals file shows it.

    `wanted` says that a schedule rule wants it: it is added where the file does not have it yet. `cancelled` is
    how often this content was scheduled before it was taken back; 0 while it is scheduled, or never was.
    """

    id: PostId
    channel: str
    type: str
    digest: Digest
    media: tuple[str, ...]
    caption: str
    wanted: bool = True
    cancelled: int = 0


class ActivityForReview(Struct, frozen=True):
    """A live activity with its posts, in their order. `carried_out`: its decision is used up."""

    id: ActivityId
    title: str
    date: Instant
    drafts: tuple[DraftForReview, ...]
    carried_out: bool = False
