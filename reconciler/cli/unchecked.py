"""Files that cannot be used: which scheduled posts therefore nobody can judge, as far as the state knows."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from reconciler.cli.options import RunOptions
from reconciler.cli.show import time_of
from reconciler.config.discovery import PROJECT_FILE
from reconciler.config.project import InvalidProject, find_project
from reconciler.engine.unseen import unchecked_posts
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.wiring import open_state_of

PLACE_UNKNOWN: Final = Diagnostic(
    "not-checked",
    f"nothing was checked, and {PROJECT_FILE} cannot say where the state is: what is scheduled still goes out",
    "correct the file and run again; until then, reconciler state list --state PLACE shows what is recorded",
    Severity.WARNING,
)
"""The project file is not YAML, and nothing is scheduled according to the state in its usual place."""


def posts_unchecked(options: RunOptions) -> tuple[Diagnostic, ...]:
    """A warning that names the posts that go out unjudged; empty if there are none, or the state cannot be read."""
    try:
        project = find_project(options.paths, options.trust())
    except InvalidProject as invalid:
        project = invalid.project
    except (InvalidFiles, UsageError):
        return ()
    try:
        access = open_state_of(project, environ=os.environ, state=options.state)
        found = asyncio.run(unchecked_posts(access.store, time_of(project, options.api or project.api)))
    except UsageError:
        return ()
    if found is None and project.file is not None and project.stamp is None and options.state is None:
        found = PLACE_UNKNOWN
    return (found,) if found is not None else ()
