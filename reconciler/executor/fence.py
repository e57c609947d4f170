"""PublicFence: the right to publish, checked again before every attempt of a call that publishes.

The writer itself checks the lease. This checks what else may have changed while the call waited its turn or the process
was suspended: the time, the project's files, and what people have approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from reconciler.executor.kinds.base import Moment
from reconciler.executor.kinds.schedule import right_unmet
from reconciler.executor.ports import Journal
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.schedule import DraftCondition
from reconciler.planner.actions import Action


class NoLongerAllowed(Exception):
    """A post that was to go out may no longer go out; a sentence says what was found."""


class PublicFence:
    """Implements api.fence.Fence for the public actions of one call."""

    def __init__(
        self,
        actions: Sequence[Action],
        approvals: Callable[[], Approvals],
        forbid: Callable[[], str],
        journal: Journal,
        now: Callable[[], datetime],
        zone: str = "UTC",
    ) -> None:
        self._actions = actions
        self._approvals = approvals
        self._forbid = forbid
        self._journal = journal
        self._now = now
        self._zone = zone

    async def confirm(self) -> None:
        """Raises NoLongerAllowed if one of the posts may no longer go out, or if that cannot be determined."""
        try:
            approvals = self._approvals()
        except (InvalidFiles, UsageError) as error:
            raise NoLongerAllowed(f"the approvals can no longer be read: {error}") from None
        if why := self._forbid():
            raise NoLongerAllowed(why)
        moment = Moment(self._journal.recorded, approvals, self._now(), self._zone)
        for action in self._actions:
            for required in action.requires:
                if isinstance(required, DraftCondition) and (found := right_unmet(required, moment)) is not None:
                    raise NoLongerAllowed(f"{action.address}: {found}")
