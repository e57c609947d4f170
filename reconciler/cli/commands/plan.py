"""`reconciler plan [PATH...]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import options


@click.command("plan")
@options.paths
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where something would change.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan; `reconciler apply FILE` carries out exactly that, once and within 24 h.",
)
@options.choosing
@options.planning
@options.reaching
@options.output
def command(detailed_exitcode: bool, out: Path | None, **given: Any) -> int:
    """Read the sites and show what would change.

    Nothing is written, remotely or here. PATH is a project folder, or site
    files and folders of one project; the default is the current directory.
    """
    from reconciler.cli.planning import plan_command

    return plan_command(options.run_options(**given), detailed=detailed_exitcode, out=out)
