"""What a review writes down of a live site: its activities with drafts that people decide about."""

from __future__ import annotations

from reconciler.model.canonical import Digest
from reconciler.model.content import PublicContent, counted
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import ActivityId, PostId


class DraftForReview(Struct, frozen=True):
    """A live post as the approvals file shows it.

    `digest` is what a first yes to it names; `earlier_digest` what the first layout has for it. `goes_out` is when, in
    words, and `blocked` what is in its way. `wanted` says that a schedule rule wants it: it is added where the file
    does not have it yet. `cancelled` is how often this content was scheduled before it was taken back; None while it is
    scheduled or has gone out. `withheld` says that a yes in the file does not count and is to be given again.
    """

    id: PostId
    content: PublicContent
    digest: Digest
    earlier_digest: Digest
    account: str = ""
    goes_out: str = ""
    wanted: bool = True
    cancelled: int | None = 0
    withheld: bool = False
    blocked: tuple[str, ...] = ()

    @property
    def named(self) -> Digest:
        """What its entry is to name, where the file has none yet."""
        return counted(self.digest, self.cancelled or 0)


class ActivityForReview(Struct, frozen=True):
    """A live activity with its posts, in their order. `carried_out`: its decision is used up."""

    id: ActivityId
    title: str
    date: Instant
    drafts: tuple[DraftForReview, ...]
    carried_out: bool = False
