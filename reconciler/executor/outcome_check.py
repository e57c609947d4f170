"""How calls ended, judging by what is there now.

The same rules apply to an unclear answer, to an entry of an earlier run, and to the read-back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from typing import Final

from msgspec.structs import replace

from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.base import OutcomeReads
from reconciler.executor.ports import PollPolicy, Reader
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.stale_drafts import posts_shown_as_drafts
from reconciler.model.journal import AnyOperation, OpenEntry
from reconciler.model.outcomes import Outcome
from reconciler.model.posts import Post, PostId
from reconciler.model.sites import SiteRef

__all__ = ["LOOKS", "Snapshot", "infer_outcome", "pause_between_looks", "read_for"]

LOOKS: Final = 4
"""How many times a difference must be seen before it counts: reads may lag behind writes (17.6)."""

SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 2.0
"""Seconds between two reads: as often as generations are polled, within these bounds."""


SHOWS_WITHIN: Final = timedelta(minutes=1)
"""How long an unanswered create or scheduling may show no effect before it counts as not done (17.6).

The next run waits until then.
"""

CREATED_SHOWS_WITHIN: Final = timedelta(seconds=5)
"""How long the run itself looks for the object of an unanswered create; after that, the outcome is unknown."""


def pause_between_looks(waiting: PollPolicy) -> float:
    """How many seconds to wait before a read that differs is repeated."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, waiting.interval.total_seconds()))


def infer_outcome(entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
    """What became of a call, judging by what is there now. None: this read does not tell.

    Pending means that a generation is under way.
    """
    return kind_of(entry.operation).outcome(entry.operation, entry, found, now)


async def read_for(site: SiteRef, reader: Reader, operations: Iterable[AnyOperation]) -> Snapshot:
    """Reads what shows how these calls ended, and nothing else. May raise an ApiError."""
    none = OutcomeReads()
    reads = reduce(OutcomeReads.__or__, (kind_of(operation).reads(operation) for operation in operations), none)
    found = Snapshot()
    if reads.needs:
        found = Snapshot(await reader.read(site, reads.needs))
    # The marketing plan shows no past activities, and may not show all posts (14.1).
    hidden = {activity for post, activity in reads.posts if activity and found.post(post) is None}
    if activities := reads.activities | hidden:
        found = replace(found, posts=await reader.posts_of(site, sorted(activities)))
    shown = {post: found.post(post) for post, _ in reads.posts}
    missing = sorted(post for post, live in shown.items() if live is None)
    items: list[tuple[PostId, Post | None]] = [(post, await reader.post(site, post)) for post in missing]
    as_they_are = await posts_shown_as_drafts(site, reader, [live for live in shown.values() if live is not None])
    return replace(found, items=(*items, *((post.id, post) for post in as_they_are)))
