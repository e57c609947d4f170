"""`reconciler merge FILE... --out FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.engine.results import ClosingEvent


@click.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=options.PathType(path_type=Path))
@click.option(
    "--out",
    type=options.PathType(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="File to write the combined result to.",
)
@options.detail_options
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(files: tuple[Path, ...], out: Path, state: str | None, **given: Any) -> Verdict:
    """Merge the plans or JSON reports of all shards into one.

    Each FILE is what one --shard run wrote: a saved plan (`plan --out`) or a JSON
    report (`--output json=FILE`). Pass one for each shard, all made from the same site
    files. A merged plan is shown and checked against the limits of the run. `apply
    PLANFILE` carries it out as a whole, `apply PLANFILE --shard 2/8` one shard.
    """
    from reconciler.cli.merge import merge
    from reconciler.cli.run import CommandRun, reported
    from reconciler.cli.show import options_of_plan

    def work(running: CommandRun) -> ClosingEvent:
        return merge(files, out, state, running)

    shown = options.output_options_of({**given, "state": state})
    return reported("merge", options_of_plan(shown, out, state), work)
