"""What somebody edited on the site since the last apply and that a plan is about to overwrite."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Action


def edit_key(address: Address, path: str) -> str:
    """How a field of an object is named in `Plan.edited`: `shop/settings#settings.toneOfVoice`."""
    return f"{address}#{path}"


def edited_since(actions: Iterable[Action], recorded: RecordedSite) -> tuple[str, ...]:
    """The fields that actions change and whose live value is not what was last applied.

    Fields never applied do not count.
    """
    return tuple(
        edit_key(action.address, change.path)
        for action in actions
        for change in action.operation.changes
        if not recorded.is_as_applied(action.address, change.path, change.before)
    )
