"""`reconciler import SITE_ID... | --all`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.live_sites import Wanted
    from reconciler.engine.results import ClosingEvent


@click.command("import")
@click.argument("ids", nargs=-1, metavar="[SITE_ID]...")
@click.option("--all", "everything", is_flag=True, help="Every site of the project's account.")
@click.option(
    "--name", "title", metavar="GLOB", help="With --all: only sites whose names on Wix match, such as 'Jane*'."
)
@click.option(
    "--update",
    "files",
    multiple=True,
    type=options.PathType(path_type=Path),
    metavar="FILE",
    help="Update the values that this site file manages. Repeatable.",
)
@click.option(
    "--defaults", "lift", is_flag=True, help="Move settings that all sites share into defaults in reconciler.yaml."
)
@click.option(
    "--into",
    type=options.PathType(exists=True, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The project to write to; default: the current directory.",
)
@click.option(
    "--credentials",
    metavar="NAME",
    help="The project's credentials to read with; default: those that the new files inherit.",
)
@options.parallelism
@options.quiet
@options.connection_options
@options.trust_options
@options.output
def command(
    ids: tuple[str, ...],
    everything: bool,
    title: str | None,
    files: tuple[Path, ...],
    lift: bool,
    into: Path,
    credentials: str | None,
    **given: Any,
) -> Verdict:
    """Write site files for live sites.

    Only what was set by hand on a site is written: defaults and values that
    Wix derives from the site are left out. Posts that are already scheduled
    are recorded as approved. Sites are only read. A site that already has a
    file is left alone, so you can repeat an interrupted import. Finally it
    checks that a plan made from the new files is empty.
    """
    from reconciler.cli.run import reported
    from reconciler.engine.live_sites import Wanted
    from reconciler.model.diagnostics import UsageError

    asked = options.run_options(files, **given) if files else options.options_of_writing(into, **given)
    if not (ids or everything or files):
        raise UsageError("no sites to import", "name the sites to import: give their ids, --all, or --update FILE")
    if (bool(ids), everything, bool(files)).count(True) > 1:
        raise UsageError("site ids, --all and --update cannot be combined", "give one of them")
    if title is not None and not everything:
        raise UsageError("--name only works with --all", "add --all")
    if files and lift:
        raise UsageError("--defaults and --update cannot be combined", "leave one of them out")
    if files and credentials is not None:
        raise UsageError("--credentials and --update cannot be combined", "a site file names its own credentials")
    wanted = Wanted(ids, everything, title, credentials, lift)
    return reported("import", asked.shown, lambda running: import_live(asked, wanted, files, running))


def import_live(
    asked: options.RunOptions, wanted: Wanted, files: tuple[Path, ...], running: CommandRun
) -> ClosingEvent:
    """Writes new site files, or updates those in `files`."""
    from reconciler.library.runs import ProjectRuns

    if files:
        return running.run(ProjectRuns.read(files, asked.invocation).run_update(running.emit))
    return running.run(ProjectRuns.find(asked.paths, asked.invocation).with_sites().run_import(wanted, running.emit))
