"""Files that cannot be used: which scheduled posts therefore nobody can judge, as far as the state knows."""

from __future__ import annotations

import asyncio
import os

from reconciler.cli.options import RunOptions
from reconciler.cli.showing import time_of
from reconciler.config.project import InvalidProject, find_project
from reconciler.engine.unseen import unchecked_posts
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, UsageError
from reconciler.wiring import open_state_of


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
    return (found,) if found is not None else ()
