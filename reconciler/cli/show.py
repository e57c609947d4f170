"""`show`: renders a saved plan as `plan` did. It asks the state whether the plan was applied, but reads no site."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.cli.run import CommandRun
from reconciler.config.project import ProjectConfig
from reconciler.engine.choice import Invocation
from reconciler.engine.results import ClosingEvent
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.planner.document import SavedPlan


def report_plan(saved: SavedPlan, state: str | None, running: CommandRun) -> ClosingEvent:
    """Reports a saved plan, judged by the limits of the current project."""
    invocation = Invocation(os.environ, saved.api, state)
    try:
        project = ProjectRuns.find((), invocation)
    except (InvalidFiles, UsageError):  # its limits are not known
        project = ProjectRuns(invocation, ProjectConfig(Path()))
    return running.run(project.run_show(saved, running.emit))
