"""Posts that a run may have scheduled: the outcome of its call is not known, so they may go out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of, shown_account
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import RecordedSite
from reconciler.model.text import printable


def may_go_out(recorded: RecordedSite, now: datetime) -> Iterator[SchedulePost]:
    """The schedulings that are still open, except those whose time has passed, soonest first."""
    found = [entry.operation for entry in recorded.open if isinstance(entry.operation, SchedulePost)]
    ahead = [post for post in found if (post.at or post.about or now) >= now or post.own_time_first]
    return iter(sorted(ahead, key=lambda post: (post.at or post.about or now, post.post)))


def open_posts(recorded: RecordedSite, zone: str) -> dict[str, str]:
    """The posts whose scheduling is still open, with their times, by the ids of their entries in the journal."""
    return {
        entry.id: with_time(entry.operation, zone)
        for entry in recorded.open
        if isinstance(entry.operation, SchedulePost)
    }


def with_time(post: SchedulePost, zone: str) -> str:
    """`"Kiln day" (Instagram) about Thu 2026-11-05 16:00 Europe/Berlin on kiln`."""
    return f"{printable(name_of(post))} {when_and_where(post, zone)}"


def when_and_where(post: SchedulePost, zone: str) -> str:
    """When a post goes out if it was scheduled, and on which account.

    One that is scheduled for the API's own time first may still have that time.
    """
    account = f" on {printable(shown_account(post.account))}" if post.account else ""
    if post.at is not None:
        when = moment_text(post.at, zone)
        return f"{when} or at a time Wix picks,{account}".rstrip(",") if post.own_time_first else f"{when}{account}"
    if post.about is not None:
        return f"{moment_text(post.about, zone, exact=False)}{account}"
    return f"at a time Wix picks,{account}".rstrip(",")
