"""Where the state is: in the project's own place, or in the one that `--state` names."""

from __future__ import annotations

from pathlib import Path

from reconciler.config.locations import check_state
from reconciler.config.project import Project
from reconciler.model.diagnostics import UsageError


def place_of_state(project: Project, given: str | None) -> tuple[str, Path]:
    """The place, and the folder that a relative one starts from. `given` is what `--state` says: from the current
    directory, as every path on a command line. Raises UsageError for what is no place."""
    if given is None:
        return project.state, project.root
    if wrong := check_state(given):
        shown = "" if "@" in given else f" {given}"  # what stands before an @ may be a password
        raise UsageError(f"--state{shown}: {wrong[0]}; {wrong[1]}")
    return given, Path.cwd()
