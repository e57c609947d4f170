"""Which scheduled posts cannot be checked because the files cannot be used, as far as the state knows."""

from __future__ import annotations

import asyncio
from typing import Final

from reconciler.cli.options import RunOptions
from reconciler.config.discovery import PROJECT_FILE
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError

PLACE_UNKNOWN: Final = Diagnostic(
    "not-checked",
    f"nothing was checked, because {PROJECT_FILE}, which says where the state is, cannot be read; "
    "scheduled posts still go out",
    "correct the file and run again; until then, reconciler state list --state PLACE shows what is recorded",
    Severity.WARNING,
)
"""The project file is not YAML, and the state in its usual place has nothing scheduled."""


def posts_unchecked(options: RunOptions) -> tuple[Diagnostic, ...]:
    """A warning that names the posts that go out unchecked; empty if there are none, or the state cannot be read."""
    try:
        project = ProjectRuns.find(options.paths, options.invocation, usable=True)
        found = asyncio.run(project.unchecked_posts())
    except (InvalidFiles, UsageError):
        return ()
    files = project.files
    if found is None and files.file is not None and files.stamp is None and options.invocation.state is None:
        found = PLACE_UNKNOWN
    return (found,) if found is not None else ()
