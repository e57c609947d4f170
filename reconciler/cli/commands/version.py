"""`reconciler version`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.version import __version__

if TYPE_CHECKING:
    from reconciler.cli.run import Running
    from reconciler.engine.results import ClosingEvent


@click.command("version")
@options.paths
@click.option("--check-files", "check", is_flag=True, help="List the files that an upgrade to this version affects.")
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(paths: tuple[Path, ...], check: bool, **given: Any) -> int | None:
    """Print the version.

    With --check-files, reads the files, the state and the saved plans of a project
    and lists those that this version cannot read or would write differently.
    PATH is the project, or saved plans kept elsewhere. Nothing is
    written.
    """
    if not check:
        click.echo(f"reconciler {__version__}")
        return None
    from reconciler.cli.run import reported

    plans = tuple(path for path in paths if path.is_file() and path.suffix not in (".yaml", ".yml"))
    asked = options.run_options(tuple(path for path in paths if path not in plans), **given)
    return reported("version", asked.shown, lambda running: _check(asked, plans, running))


def _check(asked: options.RunOptions, plans: tuple[Path, ...], running: Running) -> ClosingEvent:
    import os

    from reconciler.config.new_files import open_whole
    from reconciler.engine.check_files import check_files
    from reconciler.wiring import open_state_of

    project, index = open_whole(asked.paths, asked.trust(), asked.paths)
    state = open_state_of(project, environ=os.environ, state=asked.state)
    return running.run(check_files(project, index, state.store, plans, running.emit))
