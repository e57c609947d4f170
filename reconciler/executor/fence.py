"""PublicFence: the right to publish, checked again before every attempt of a call that publishes.

The writer itself checks the lease. This checks what else may have changed while the call waited its turn or the process
was suspended: the time, the project's files, and what people have approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from reconciler.api.fence import Fence
from reconciler.executor.kinds import kind_of, of_kind
from reconciler.executor.kinds.base import Moment
from reconciler.executor.ports import Journal
from reconciler.executor.problems import diagnostic_of
from reconciler.model.approvals import ActivityDecision, Approvals
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, UsageError
from reconciler.model.outcomes import Trouble
from reconciler.planner.actions import Action


class NoLongerAllowed(Exception):
    """A post that was to go out may no longer go out; says what was found."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem.message)
        self.problem = problem


class PublicFence:
    """Implements api.fence.Fence for the public actions of one call."""

    def __init__(
        self,
        actions: Sequence[Action],
        approved: Approvals,
        approvals: Callable[[], Approvals],
        forbid: Callable[[], Diagnostic | None],
        journal: Journal,
        now: Callable[[], datetime],
        zone: str = "UTC",
    ) -> None:
        self._actions = actions
        self._approved = approved
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
            raise NoLongerAllowed(unreadable("the approvals", error)) from None
        if why := self._forbid():
            raise NoLongerAllowed(why)
        moment = Moment(self._journal.recorded, approvals, self._now(), self._zone)
        for action in self._actions:
            if (why := self._decided_since(action, approvals)) is not None:
                raise NoLongerAllowed(why.while_(str(action.address)))
            for required in action.requires:
                if (found := of_kind(required.kind).right_unmet(required, moment)) is not None:
                    raise NoLongerAllowed(replace(found.while_(str(action.address)), code=Trouble.NO_LONGER_ALLOWED))

    def _decided_since(self, action: Action, approvals: Approvals) -> Diagnostic | None:
        """A problem if a post's activity is to be discarded or regenerated, and was not when the plan was made."""
        activity = kind_of(action.operation).activity(action.operation)
        now = approvals.activity(activity) if activity is not None else None
        if now is None or now.decision is ActivityDecision.KEEP:
            return None
        before = self._approved.activity(now.id)
        if before is not None and (before.decision, before.decided) == (now.decision, now.decided):
            return None
        what = f"its activity has been sent back since the plan was made (decision: {now.decision})"
        return Diagnostic(Trouble.NO_LONGER_ALLOWED, what, "run plan again")


class LastFence:
    """Implements api.fence.Fence, checked last: when it has been `passed`, a request is sent.

    `before` is checked first. As long as it was not passed, the call has had no effect.
    """

    def __init__(self, before: Fence | None) -> None:
        self._before = before
        self.passed = False

    async def confirm(self) -> None:
        """Raises what `before` raises."""
        if self._before is not None:
            await self._before.confirm()
        self.passed = True


def unreadable(what: str, error: InvalidFiles | UsageError) -> Diagnostic:
    """The first problem of a file that must be read again before posts go out, but can no longer be read."""
    first = error.problems[0] if isinstance(error, InvalidFiles) else diagnostic_of(error)
    return first.while_(f"{what} can no longer be read")
