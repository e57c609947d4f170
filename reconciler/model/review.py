"""What a review records about a live site: its activities, with drafts for people to decide about."""

from __future__ import annotations

from reconciler.model.canonical import Digest
from reconciler.model.content import PublicContent, counted
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import ActivityId, PostId


class DraftForReview(Struct, frozen=True):
    """A live post as the approvals file shows it.

    `digest` is what a first approval of it names; `earlier_digest` is its digest in the first layout. `goes_out` says
    when it goes out, `blocked` what blocks it, and `status` whether it is cancelled or goes out unapproved. `wanted`
    means that a schedule rule selects it, so it is added if the file does not have it yet. `cancelled` is how many
    times this content was scheduled and cancelled; None if it is no longer a draft. `withheld` means that an approval
    in the file does not count and must be given again.
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
    status: str = ""

    @property
    def named(self) -> Digest:
        """The digest for its entry, if the file has none yet."""
        return counted(self.digest, self.cancelled or 0)


class ActivityForReview(Struct, frozen=True):
    """A live activity with its posts, in order. `carried_out`: its decision is used up."""

    id: ActivityId
    title: str
    date: Instant
    drafts: tuple[DraftForReview, ...]
    carried_out: bool = False
