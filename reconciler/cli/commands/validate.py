"""`reconciler validate [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("validate")
@options.paths
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--sites", is_flag=True, help="If several files share a problem, list them all.")
@options.trust_options
@options.output
def command(**given: Any) -> Verdict:
    """Check files offline and list all problems at once.

    Each schema, semantic or policy problem is shown with its location and a fix.
    Likely mistakes are warnings, such as a rule whose dates have passed.
    No key and no network are needed.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("validate", asked.shown, lambda running: _validate(asked, running))


def _validate(asked: options.RunOptions, running: CommandRun) -> ClosingEvent:
    from reconciler.engine.results import Notice, RunStarted, Validated
    from reconciler.library.runs import ProjectRuns
    from reconciler.model.diagnostics import InvalidFiles

    try:
        project = ProjectRuns.check(asked.paths, asked.invocation)
    except InvalidFiles as invalid:
        if asked.strict and invalid.warnings:
            raise InvalidFiles((*invalid.problems, *invalid.warnings)) from None
        raise
    index = project.index
    if asked.strict and index.warnings:
        raise InvalidFiles(index.warnings)
    count, approval_none = len(index), index.without_approval
    running.emit(RunStarted("validate", project.files.root.name, count, index.total, approval_none=approval_none))
    for warning in index.warnings:
        running.emit(Notice(warning))
    valid = Validated(index.files, count)
    running.emit(valid)
    return valid
