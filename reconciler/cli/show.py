"""`show`: renders a saved plan as `plan` did. It asks the state whether the plan was applied, but reads no site."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from reconciler.cli import options
from reconciler.cli.options import OutputOptions
from reconciler.cli.run import CommandRun
from reconciler.config.discovery import absolute_path, find_root, root_of_plan, shown_path
from reconciler.config.project import ProjectConfig
from reconciler.engine.choice import Invocation
from reconciler.engine.results import ClosingEvent
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.planner.document import SavedPlan


def options_of_plan(shown: OutputOptions, file: Path, state: str | None) -> OutputOptions:
    """The output options, with the file that a plan is saved in and the folder where `apply` finds its project."""
    try:
        root = root_of_plan(file)
        if root == find_root(())[0]:
            return replace(shown, saved_to=str(file))
        folder = shown_path(root) if root is not None else ""
        shown = options.applied_elsewhere(shown, absolute_path(file), folder, state)
    except UsageError:  # the project cannot be looked up
        return replace(shown, saved_to=str(file))
    return replace(shown, again=replace(shown.again, paths=(folder,))) if folder else shown


def report_plan(saved: SavedPlan, file: Path, state: str | None, running: CommandRun) -> ClosingEvent:
    """Reports a saved plan, judged by the limits of the project that it is shown in."""
    invocation = Invocation(os.environ, saved.api, state)
    outside = False
    try:
        root = root_of_plan(file)
        outside = root is None
        project = ProjectRuns.find((root,) if root is not None else (), invocation)
    except (InvalidFiles, UsageError):  # its limits are not known
        project = ProjectRuns(invocation, ProjectConfig(Path()))
    return running.run(project.run_show(saved, running.emit, outside=outside))
