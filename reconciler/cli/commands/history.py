"""`reconciler history [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.run import Running
    from reconciler.engine.results import ClosingEvent


@click.command("history")
@options.paths
@options.choosing
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(**given: Any) -> int:
    """List what went out, when, and who approved it.

    Reads only the state, not the sites. Also lists posts that are scheduled
    and have not gone out yet.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("history", asked.shown, lambda running: _history(asked, running))


def _history(asked: options.RunOptions, running: Running) -> ClosingEvent:
    import os

    from reconciler.cli.selecting import selected
    from reconciler.engine.history import list_history
    from reconciler.wiring import open_state_of

    selection = selected(asked)
    state = open_state_of(selection.project, environ=os.environ, state=asked.state)
    return running.run(list_history(state, selection, running.emit))
