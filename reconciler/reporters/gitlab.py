"""The format of GitLab's `reports:terraform`: three numbers over all sites, which a merge request shows.

Created is what is added or generated, updated what is changed, published or has drifted, deleted what is destroyed,
cancelled or discarded. A run that failed or was interrupted, or that has only refused changes, writes an object without
numbers, which GitLab reports as a failed report; zeros would say that nothing changes.
"""

from __future__ import annotations

import json

from reconciler.engine.results import DriftCompleted, Ended, Event, PlanCompleted
from reconciler.model.verdict import Verdict
from reconciler.reporters.context import ReporterContext


class GitlabReporter:
    """Keeps three numbers."""

    def __init__(self, context: ReporterContext) -> None:
        self._write = context.write
        self._numbers: dict[str, int] = {}

    def handle(self, event: Event) -> None:
        """Handles an event of the run; only its plan and its audit have numbers."""
        match event:
            case PlanCompleted(tally=tally):
                self._numbers = {
                    "create": tally.add + tally.generate,
                    "update": tally.change + tally.publish,
                    "delete": tally.destroy + tally.cancel + tally.discard,
                }
            case DriftCompleted(tally=tally):
                self._numbers = {"create": 0, "update": tally.drifted, "delete": 0}
            case Ended():
                only_refused = event.verdict is Verdict.REFUSED and not any(self._numbers.values())
                unknown = event.verdict.is_cut_short or only_refused
                self._write(json.dumps({} if unknown else self._numbers) + "\n")
            case _:
                pass
