"""How far this machine's clock is from the remote side's, and what must not happen while it is wrong.

All times of a run are judged by this machine's clock: which activities are still ahead, which posts are too late. If it
is behind, a post could be scheduled for a time that has passed, and what the API does then is not documented.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from reconciler.api.client import ReadClient
from reconciler.engine.results import Emit, Notice
from reconciler.engine.session import Session
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.durations import length
from reconciler.model.outcomes import Trouble

CLOCK_SKEW: Final = "clock-skew"

LARGEST: Final = 60.0
"""By how many seconds two clocks may differ before the times of locks and posts can no longer be trusted."""


def clock_skew(ahead: float | None, whose: str = "this machine's") -> Diagnostic | None:
    """A warning if a machine's clock is wrong; None if it is right, or if that is not known."""
    if ahead is None or abs(ahead) <= LARGEST:
        return None
    what = f"{whose} clock is {length(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the server's"
    fix = "set the clock (NTP): times of posts and locks depend on it"
    return Diagnostic(CLOCK_SKEW, what, fix, Severity.WARNING)


def report_clock_skew(session: Session[ReadClient], emit: Emit) -> None:
    """Warns if the clock that this run relies on is wrong: this machine's, or that of a worker elsewhere."""
    workers = session.workers
    if workers is None:
        found = clock_skew(session.client.clock_ahead)
    else:
        found = clock_skew(workers.clock_ahead, "this machine's" if workers.files else "a worker's")
    if found is not None:
        emit(Notice(found))


def too_slow_to_publish(client: ReadClient, min_lead: timedelta) -> Diagnostic | None:
    """Why nothing may be published now: this machine's clock is too far behind; None if it is not.

    A post goes out at least the minimum lead after what this machine takes to be now. If the clock is behind by
    less than that, the time of the post is still ahead.
    """
    ahead = client.clock_ahead
    if ahead is None or -ahead < min_lead.total_seconds() or -ahead <= LARGEST:
        return None
    found = clock_skew(ahead)
    assert found is not None
    what = f"{found.message}, so a time that seems to be in the future may have passed"
    return Diagnostic(Trouble.NO_LONGER_ALLOWED, what, "set the clock (NTP), and run plan again")
