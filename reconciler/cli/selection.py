"""What a command over sites runs on: the project that its options name, with all its sites or only some."""

from __future__ import annotations

from reconciler.cli.options import RunOptions
from reconciler.config.advice import VALIDATE_ONLY
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import InvalidFiles


def selected(options: RunOptions) -> tuple[ProjectRuns, Selection, RunContext]:
    """The project of a command, the sites that it works on, and how their plans are made.

    Raises InvalidFiles with every problem of every file, and UsageError. The warnings with the problems also name the
    scheduled posts that go out unchecked until the files are corrected.
    """
    try:
        return select_sites(options)
    except InvalidFiles as invalid:
        from reconciler.cli.unchecked import posts_unchecked

        of_run = tuple(warning for warning in invalid.warnings if warning.code not in VALIDATE_ONLY)
        problems = (*invalid.problems, *of_run) if options.strict else invalid.problems
        raise InvalidFiles(problems, (*(() if options.strict else of_run), *posts_unchecked(options))) from None


def select_sites(options: RunOptions) -> tuple[ProjectRuns, Selection, RunContext]:
    """Like `selected`, but if it fails, the state is not read."""
    project = ProjectRuns.read(options.paths, options.invocation)
    if options.strict and project.index.run_warnings:
        raise InvalidFiles(project.index.run_warnings)
    chosen = project.select(options.choice, options.regenerate, publish=options.publish, strict=options.strict)
    return project, *chosen
