"""`reconciler version`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict
from reconciler.version import __version__

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent
    from reconciler.engine.tool_results import VersionShown


@click.command("version")
@options.paths
@click.option("--check-files", "check", is_flag=True, help="List the files that an upgrade to this version affects.")
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(check: bool, **given: Any) -> Verdict:
    """Print the version.

    With --check-files, reads the files, the state and the saved plans of a project
    and lists those that this version cannot read or would write differently.
    PATH is the project, or saved plans kept elsewhere. Nothing is
    written.
    """
    shown = options.output_options_of(given)
    if not check:
        from reconciler.cli.text_output import show_text

        return show_text("version", shown, lambda: _version(given))
    from reconciler.cli.run import reported

    return reported("version", shown, lambda running: _check(given, running))


def _version(given: dict[str, Any]) -> VersionShown:
    from reconciler.engine.tool_results import VersionShown

    if given["paths"] or given["state"]:
        from reconciler.model.diagnostics import UsageError

        raise UsageError("PATH and --state only work with --check-files", "add --check-files")
    return VersionShown(__version__)


def _check(given: dict[str, Any], running: CommandRun) -> ClosingEvent:
    from reconciler.library.runs import ProjectRuns

    paths: tuple[Path, ...] = given.pop("paths")
    plans = tuple(path for path in paths if path.is_file() and path.suffix not in (".yaml", ".yml"))
    asked = options.run_options(tuple(path for path in paths if path not in plans), **given)
    project = ProjectRuns.find(asked.paths, asked.invocation).with_sites(asked.paths)
    return running.run(project.run_check_files(plans, running.emit))
