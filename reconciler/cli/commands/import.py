"""`reconciler import SITE_ID... | --all`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.run import Running
    from reconciler.engine.live_sites import Wanted
    from reconciler.engine.results import ClosingEvent


@click.command("import")
@click.argument("ids", nargs=-1, metavar="SITE_ID...")
@click.option("--all", "everything", is_flag=True, help="Every site of the project's account.")
@click.option("--name", "title", metavar="GLOB", help="With --all: only sites whose own names match, such as 'Jane*'.")
@click.option(
    "--update",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Bring this site file up to date: what it manages, and nothing else. Repeatable.",
)
@click.option("--defaults", "lift", is_flag=True, help="Move what all sites share into defaults of reconciler.yaml.")
@click.option(
    "--into",
    type=click.Path(exists=True, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The project to write to; the current directory's by default.",
)
@click.option("--credentials", default="default", metavar="NAME", help="Credentials of the project to read with.")
@options.parallelism
@click.option("--quiet", is_flag=True, help="Show problems and the last line only.")
@options.reaching
@options.trusting
@options.output
def command(
    ids: tuple[str, ...],
    everything: bool,
    title: str | None,
    files: tuple[Path, ...],
    lift: bool,
    into: Path,
    credentials: str,
    **given: Any,
) -> int:
    """Write site files from live sites.

    What was set by hand on a site is declared, and nothing else: defaults and
    what is derived from the site are left out. Posts that are scheduled
    already are taken in as approved. Nothing is written to a site. A site
    that a file declares already is left alone, so a run that was cut short
    goes on where it stopped. A plan right after is empty, which is checked.
    """
    from reconciler.cli.run import reported
    from reconciler.engine.live_sites import Wanted
    from reconciler.model.diagnostics import UsageError

    asked = options.run_options(files or (into,), **given)
    if (bool(ids), everything, bool(files)).count(True) != 1:
        raise UsageError("give one of: the ids of sites, --all, --update FILE")
    if title is not None and not everything:
        raise UsageError("--name chooses among all sites of the account; add --all")
    if files and lift:
        raise UsageError("--defaults goes with new files, and --update changes those that are there; leave one out")
    wanted = Wanted(ids, everything, title, credentials, lift)
    return reported("import", asked.shown, lambda running: _import(asked, wanted, files, running))


def _import(asked: options.RunOptions, wanted: Wanted, files: tuple[Path, ...], running: Running) -> ClosingEvent:
    from reconciler.api.client import ReadClient
    from reconciler.cli.selecting import session_of
    from reconciler.config.new_files import open_whole
    from reconciler.config.sites import open_project
    from reconciler.engine.import_sites import import_sites
    from reconciler.engine.update_sites import update_sites

    project, index = open_project(files, asked.trust()) if files else open_whole(asked.paths, asked.trust())

    async def run() -> ClosingEvent:
        async with session_of(asked, project, ReadClient) as session:
            if files:
                return await update_sites(session, index.entries, index.total, running.emit)
            return await import_sites(session, index, wanted, running.emit)

    return running.run(run())
