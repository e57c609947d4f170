"""What a run may delete and discard once generations have ended: its limits apply across all sites (design.md 3.2)."""

from __future__ import annotations

import math

from reconciler.model.operations import Operation
from reconciler.planner.actions import RefusedBy
from reconciler.planner.tally import Spare


class Allowance:
    """What is left of a run's limits. The sites of the run share it: first come, first served."""

    def __init__(self, spare: Spare | None = None) -> None:
        spare = spare or Spare()
        self._delete = math.inf if spare.delete is None else spare.delete
        self._discard = math.inf if spare.discard is None else spare.discard

    def take(self, operation: Operation) -> RefusedBy | None:
        """Counts a write. If it would exceed a limit, nothing is counted, and that limit is returned."""
        deletes, discards = int(operation.destroys), len(operation.discards)
        if deletes > self._delete:
            return RefusedBy.MAX_DELETE
        if discards > self._discard:
            return RefusedBy.MAX_DISCARD
        self._delete -= deletes
        self._discard -= discards
        return None
