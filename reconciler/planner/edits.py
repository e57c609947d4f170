"""What somebody edited on the site since the last apply and that a plan is about to overwrite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.model.address import Address
from reconciler.model.schedule import ReschedulePost
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Action
from reconciler.planner.moved_by_hand import same_minute

MOMENT: Final = "scheduledDate"
"""The field of a post that says when it goes out."""


def edit_key(address: Address, path: str) -> str:
    """How a field of an object is named in `Plan.edited`: `shop/settings#settings.toneOfVoice`."""
    return f"{address}#{path}"


def edited_since(actions: Iterable[Action], recorded: RecordedSite) -> tuple[str, ...]:
    """The fields that actions change and whose live value is not what was last applied.

    Fields never applied do not count.
    """
    return tuple(
        edit_key(action.address, path)
        for action in actions
        for path in (
            *(
                change.path
                for change in action.operation.changes
                if not recorded.is_as_applied(action.address, change.path, change.before)
            ),
            *((MOMENT,) if isinstance(action.operation, ReschedulePost) and _moved(action.operation, recorded) else ()),
        )
    )


def _moved(post: ReschedulePost, recorded: RecordedSite) -> bool:
    """Whether a post is scheduled for another time than the one this tool last set."""
    last = recorded.last_published.get(post.post)
    if last is None or last.scheduled_for is None or post.before is None:
        return False
    return not same_minute(last.scheduled_for, post.before)
