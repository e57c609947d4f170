"""What a command over sites runs on: the project that its options name, with all its sites or only some."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.options import RunOptions
from reconciler.config.advice import OF_NO_RUN
from reconciler.config.sites import open_project
from reconciler.engine.selection import Selection
from reconciler.engine.session import RunContext
from reconciler.model.diagnostics import InvalidFiles
from reconciler.runs import Means, Runs, context_of


def selected(options: RunOptions) -> tuple[Runs, Selection, RunContext]:
    """The project of a command, the sites that it works on, and how their plans are made.

    Raises InvalidFiles with every problem of every file, and UsageError. The warnings beside the problems name the
    scheduled posts that nobody can judge until the files are corrected.
    """
    try:
        return select_sites(options)
    except InvalidFiles as invalid:
        from reconciler.cli.unchecked import posts_unchecked

        of_run = tuple(warning for warning in invalid.warnings if warning.code not in OF_NO_RUN)
        problems = (*invalid.problems, *of_run) if options.strict else invalid.problems
        raise InvalidFiles(problems, (*(() if options.strict else of_run), *posts_unchecked(options))) from None


def select_sites(options: RunOptions) -> tuple[Runs, Selection, RunContext]:
    """Like `selected`, but without reading the state if that fails."""
    runs = opened(options)
    selection = runs.select(options.choice)
    context = context_of(selection, options.regenerate, publish=options.publish, strict=options.strict)
    return runs, selection, context


def opened(options: RunOptions, paths: Sequence[Path] | None = None) -> Runs:
    """The project of a command. Raises InvalidFiles with every problem of every file, and UsageError."""
    elsewhere = options.spread.elsewhere if options.spread else None
    files, index = open_project(options.paths if paths is None else paths, options.trust(), elsewhere)
    if options.strict and index.run_warnings:
        raise InvalidFiles(index.run_warnings)
    return Runs(files, means_of(options), index)


def opened_whole(options: RunOptions, named: Sequence[Path] = ()) -> Runs:
    """The project of a command, possibly without a site yet; with all its sites, or those that are `named`."""
    from reconciler.config.new_files import open_whole

    files, index = open_whole(options.paths, options.trust(), named)
    return Runs(files, means_of(options), index)


def means_of(options: RunOptions) -> Means:
    """What a command's run is carried out with."""
    workers = options.spread.make if options.spread else None
    return Means(os.environ, options.api, options.state, options.parallelism, workers)
