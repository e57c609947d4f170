"""`show`: renders a saved plan as `plan` did. It asks the state whether the plan was applied, and no site."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from reconciler.cli.options import Output
from reconciler.cli.outputs import open_reports
from reconciler.cli.planning import Count, names_of_calls
from reconciler.cli.saving import read_plan, saved_as
from reconciler.cli.state_place import place_of_state
from reconciler.cli.wiring import open_sandbox
from reconciler.config.project import Project, find_project
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.planner.document import AlteredPlan, SavedPlan
from reconciler.planner.guards import judge_run
from reconciler.planner.tally import tally_of
from reconciler.reporters.results import Planned
from reconciler.state.errors import StateError
from reconciler.state.plans import SpentPlans
from reconciler.state.sites import open_state


def show_command(file: Path, outputs: Sequence[Output], *, explain: bool, colour: bool, state: str | None) -> int:
    """Runs `reconciler show`. Returns 0; raises UsageError for what is no plan, or an altered one."""
    try:
        saved = read_plan(file)
    except AlteredPlan as error:
        raise UsageError(str(error)) from None
    project = _project()
    now, spent_at = _now(saved, project), _spent_at(saved, project, state)
    with open_reports("plan", outputs, colour=colour, calls_of=names_of_calls if explain else None) as reports:
        reports.saved(saved_as(saved, now, spent_at))
        count = Count()
        for plan in saved.plans:
            planned = Planned(plan, tally_of(plan))
            count.add(planned)
            reports.site(planned)
        refusals = judge_run((count.tally,), project.policy) if project else ()
        reports.planned(replace(count.summary(), refusals=refusals))
    return 0


def _project() -> Project | None:
    """The project of the current folder; None where its file cannot be used."""
    try:
        return find_project([])
    except (InvalidFiles, UsageError):
        return None


def _spent_at(saved: SavedPlan, project: Project | None, state: str | None) -> datetime | None:
    """When the plan was applied, as far as the state of the project at hand says."""
    if project is None and state is None:
        return None
    try:
        location, root = place_of_state(project or Project(Path.cwd()), state)
        return asyncio.run(SpentPlans(open_state(location, root).store).spent_at(saved.seal))
    except (StateError, UsageError):
        return None


def _now(saved: SavedPlan, project: Project | None) -> datetime:
    """The time in the world the plan was made for."""
    if saved.api == "sandbox" and project is not None and (project.root / ".reconciler" / "sandbox.db").exists():
        try:
            world = open_sandbox(project.root)
        except UsageError:
            return datetime.now(UTC)
        try:
            return world.now()
        finally:
            world.close()
    return datetime.now(UTC)
