"""`reconciler history [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("history")
@options.paths
@options.post_options
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.quiet
@options.output
def command(**given: Any) -> Verdict:
    """List what went out, when, and who approved it.

    Reads only the state, not the sites. Also lists posts that are scheduled
    and have not gone out yet.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("history", asked.shown, lambda running: _history(asked, running))


def _history(asked: options.RunOptions, running: CommandRun) -> ClosingEvent:
    from reconciler.cli.selection import selected

    project, selection, _ = selected(asked)
    return running.run(project.run_history(selection, running.emit))
