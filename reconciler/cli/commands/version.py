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
def command(check: bool, **given: Any) -> int:
    """Print the version.

    With --check-files, reads the files, the state and the saved plans of a project
    and lists those that this version cannot read or would write differently.
    PATH is the project, or saved plans kept elsewhere. Nothing is
    written.
    """
    from reconciler.cli.run import reported

    work = _check if check else _tell
    return reported("version", options.shown_of(given), lambda running: work(given, running))


def _tell(given: dict[str, Any], running: Running) -> ClosingEvent:
    from reconciler.engine.tool_results import VersionTold
    from reconciler.model.diagnostics import UsageError

    if given["paths"] or given["state"]:
        raise UsageError("a path and --state are for the files of a project", "add --check-files")
    told = VersionTold(__version__)
    running.emit(told)
    return told


def _check(given: dict[str, Any], running: Running) -> ClosingEvent:
    from reconciler.cli.selecting import opened_whole

    paths: tuple[Path, ...] = given.pop("paths")
    plans = tuple(path for path in paths if path.is_file() and path.suffix not in (".yaml", ".yml"))
    asked = options.run_options(tuple(path for path in paths if path not in plans), **given)
    return running.run(opened_whole(asked, asked.paths).check_files(plans, running.emit))
