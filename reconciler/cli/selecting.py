"""What a command over sites is about: the project, which of its sites, and how their plans are made."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager

from reconciler.cli.options import RunOptions
from reconciler.config.advice import OF_NO_RUN
from reconciler.config.project import Project
from reconciler.config.sites import open_project
from reconciler.engine.selection import Selection, regenerated, select
from reconciler.engine.session import RunContext, Session
from reconciler.model.diagnostics import InvalidFiles
from reconciler.wiring import Client, open_session


def selected(options: RunOptions) -> Selection:
    """The sites that a command works on. Raises InvalidFiles with every problem of every file, and UsageError.

    The warnings beside the problems name the scheduled posts that nobody can judge until the files are corrected.
    """
    try:
        return select_sites(options)
    except InvalidFiles as invalid:
        from reconciler.cli.unchecked import posts_unchecked

        of_run = tuple(warning for warning in invalid.warnings if warning.code not in OF_NO_RUN)
        problems = (*invalid.problems, *of_run) if options.strict else invalid.problems
        raise InvalidFiles(problems, (*(() if options.strict else of_run), *posts_unchecked(options))) from None


def select_sites(options: RunOptions) -> Selection:
    """As `selected`, without a look into the state if that fails."""
    elsewhere = options.spread.elsewhere if options.spread else None
    project, index = open_project(options.paths, options.trust(), elsewhere)
    if options.strict and index.run_warnings:
        raise InvalidFiles(index.run_warnings)
    return select(project, index, options.choice)


def context_of(options: RunOptions, selection: Selection) -> RunContext:
    """How the plans of a command are made. Raises UsageError for `--regenerate` of a site outside the selection."""
    return RunContext(selection.targets, regenerated(options.regenerate, selection), options.publish, options.strict)


def session_of(
    options: RunOptions, project: Project, client_type: type[Client]
) -> AbstractAsyncContextManager[Session[Client]]:
    """Everything a command works with. Raises UsageError."""
    return open_session(
        project,
        client_type,
        environ=os.environ,
        api=options.api,
        state=options.state,
        parallelism=options.parallelism,
        workers=options.spread.make if options.spread else None,
    )
