"""The schedule of a file: which drafts go out, and who must have agreed."""

from __future__ import annotations

from datetime import time
from enum import StrEnum

from reconciler.model.frozen import Struct
from reconciler.model.selectors import Match


class Pause(StrEnum):
    """Whether publishing is paused: `hold` schedules nothing new, `cancel` also takes back what waits to go out."""

    NONE = "false"
    HOLD = "hold"
    CANCEL = "cancel"

    def with_other(self, other: Pause) -> Pause:
        """The stricter of two."""
        order = tuple(Pause)
        return max(self, other, key=order.index)


class ScheduleRule(Struct, frozen=True):
    """Which drafts go out. `at` is wall time on the activity's own day in the site's zone; None: the API's time."""

    match: Match
    channels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    min: int = 0
    max: int | None = None
    at: time | None = None


class DesiredSchedule(Struct, frozen=True):
    """The `schedule` of a file. `cancel_others` is `manage: all`."""

    rules: tuple[ScheduleRule, ...]
    approval_required: bool = True
    cancel_others: bool = False
    paused: Pause = Pause.NONE
