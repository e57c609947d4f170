"""`show`: renders a saved plan as `plan` did. It asks the state whether the plan was applied, but reads no site."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

from reconciler.config.project import ProjectConfig, find_project
from reconciler.config.trust import trust_of
from reconciler.engine.plan import PlanTotals
from reconciler.engine.plan_file import read_plan
from reconciler.engine.results import Emit, PlanCompleted
from reconciler.engine.saved import plan_loaded
from reconciler.engine.site_results import SitePlanned
from reconciler.machine import utc_now
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError
from reconciler.model.text import printable
from reconciler.planner.document import AlteredPlan, SavedPlan
from reconciler.planner.tally import tally_of
from reconciler.state.errors import StateError
from reconciler.state.plans import SpentPlans
from reconciler.wiring import open_sandbox, open_state_of


def readable_plan(file: Path) -> SavedPlan:
    """The saved plan in a file. Raises UsageError if the file is not a plan, or was altered."""
    try:
        return read_plan(file)
    except AlteredPlan as error:
        raise UsageError(error.what, error.fix, Place(printable(str(file)))) from None


def report_plan(saved: SavedPlan, state: str | None, emit: Emit) -> PlanCompleted:
    """Reports a saved plan, judged by the limits of the current project."""
    project = _project()
    emit(plan_loaded(saved, time_of(project, saved.api), _spent_at(saved, project, state)))
    totals = PlanTotals()
    for plan in saved.plans:
        planned = SitePlanned(plan, tally_of(plan))
        totals.add(planned)
        emit(planned)
    completed = totals.completed(project.policy if project else None)
    completed = totals.refused_by(completed.refusals, completed)
    emit(completed)
    return completed


def _project() -> ProjectConfig | None:
    """The project of the current folder; None if its file cannot be used."""
    try:
        return find_project([], trust_of(os.environ))
    except (InvalidFiles, UsageError):
        return None


def _spent_at(saved: SavedPlan, project: ProjectConfig | None, state: str | None) -> datetime | None:
    """When the plan was applied, according to the current project's state."""
    if project is None and state is None:
        return None
    try:
        access = open_state_of(project or ProjectConfig(Path.cwd()), environ=os.environ, state=state)
        return asyncio.run(SpentPlans(access.store.store).spent_at(saved.seal))
    except (StateError, UsageError):
        return None


def time_of(project: ProjectConfig | None, api: str) -> datetime:
    """The time in the world behind an API."""
    if api == "sandbox" and project is not None and (project.root / ".reconciler" / "sandbox.db").exists():
        try:
            world = open_sandbox(project.root)
        except UsageError:
            return utc_now()
        try:
            return world.now()
        finally:
            world.close()
    return utc_now()
