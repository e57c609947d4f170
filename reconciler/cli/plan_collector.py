"""`plan --out`: the plans of a run, collected until they can be saved together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from reconciler.config.discovery import absolute_path
from reconciler.config.sites import SiteEntry
from reconciler.config.trust import check_target
from reconciler.engine.plan_file import StoredPlans, bare
from reconciler.engine.results import Emit, Event, Notice, PlanCompleted, RunStarted
from reconciler.engine.saved import check_destination, save_plan
from reconciler.engine.selection import Selection
from reconciler.engine.site_results import SiteFailed, SitePlanned
from reconciler.library.runs import ProjectRuns
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.planner.actions import RefusedBy
from reconciler.planner.document import RunArguments, RunBackground, RunPart
from reconciler.reporters.next_step import Again, without


class PlanCollector:
    """Passes on the events of a `plan` and saves its plans. Raises UsageError for a file that cannot be written.

    The file is written before the plan is shown, because what is shown ends with how to apply it.
    """

    def __init__(self, file: Path, emit: Emit, again: Again) -> None:
        self._file = file
        self._emit = emit
        self._again = again
        self._arguments: RunArguments | Absent = ABSENT
        self._plans = StoredPlans()
        self._failed = 0
        self._of = 0
        self._save: Callable[[RunBackground], None]
        self._part: RunPart | None = None
        self._unsaved: UsageError | None = None
        self._approval_none: frozenset[SiteName] = frozenset()
        self._order: Iterator[tuple[int, SiteEntry]] = iter(())
        check_target("--out", file, os.environ)
        check_destination(file)

    def begin(self, project: ProjectRuns, selection: Selection) -> None:
        """The run is about to begin. Its sites will come in the order of their files."""
        self._order, self._part = enumerate(selection.every), selection.part
        self._arguments = _arguments(self._again, project.files.root)

        def save(background: RunBackground) -> None:
            made_from = (selection.part, project.files.digest, project.commit(), background)
            save_plan(self._file, project.api.target, project.now(), self._plans, *made_from)

        self._save = save

    def emit(self, event: Event) -> None:
        """Handles an event of the run."""
        if isinstance(event, RunStarted):
            self._of, self._approval_none = event.of, frozenset(event.approval_none)
        if isinstance(event, SitePlanned):
            position = next(at for at, entry in self._order if entry.name == event.name)
            background = event.background(position, approval_none=event.name in self._approval_none)
            self._plans.add(replace(bare(event.plan), background=background))
        if isinstance(event, PlanCompleted):
            refusals = tuple(why for why in event.refusals if why.code == RefusedBy.STRICT)
            try:
                whole = RunBackground(self._of, event.covers_all, refusals, self._arguments)
                self._emit(Notice(self._saved(whole)))
            except UsageError as error:
                self._unsaved, event = error, replace(event, unsaved=True)
        self._failed += isinstance(event, SiteFailed)
        self._emit(event)

    def check(self) -> None:
        """Raises UsageError if the file could not be written."""
        if self._unsaved is not None:
            raise self._unsaved

    def _saved(self, background: RunBackground) -> Diagnostic:
        """Saves the plan, and says so.

        A plan that lacks a site is not saved, because it could later be taken for the complete one.
        """
        if self._failed:
            what = f"The plan was not saved to {self._file}: not every site could be planned"
            return Diagnostic("plan-not-saved", what, severity=Severity.WARNING)
        self._save(background)
        part = self._part
        what, fix = f"Saved to {self._file}", ""  # `Next:` says how to apply it
        if part is not None and part.count > 1:
            what += f", shard {part.number:,} of {part.count:,}"
            fix = "to merge all shards into one plan: reconciler merge FILE... --out FILE"
        return Diagnostic("plan-saved", what, fix, Severity.NOTE)


def _arguments(again: Again, root: Path) -> RunArguments | Absent:
    """The arguments that decide what is in a plan, with paths from the project's folder `root`."""
    absolute = [absolute_path(Path(path)) for path in again.paths]
    paths = [Path(os.path.relpath(path, root)).as_posix() for path in absolute if path != root]
    # The API is saved with every plan.
    found = RunArguments(tuple(paths), again.sites, again.planning, without(again.reaching, "--api") or ABSENT)
    if (state := found.state) is not None and "://" not in state and not os.path.isabs(state):
        found = found.with_state(Path(os.path.relpath(state, root)).as_posix())
    return ABSENT if found == RunArguments() else found
