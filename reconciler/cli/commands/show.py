"""`reconciler show PLANFILE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.cli import options


@click.command("show")
@click.argument("planfile", type=click.Path(path_type=Path))
@click.option("--explain", is_flag=True, help="Show preconditions, API calls and classes.")
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(planfile: Path, explain: bool, state: str | None, outputs: Sequence[options.Output], no_color: bool) -> int:
    """Render a saved plan in any format.

    Says too whether the plan has expired or was applied already, as far as
    the project of the current directory knows. No site is read.
    """
    from reconciler.cli.showing import show_command

    shown = options.outputs_of(outputs)
    return show_command(planfile, shown, explain=explain, colour=not no_color, state=state)
