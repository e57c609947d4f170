"""`reconciler plan [PATH...]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.run import Running
    from reconciler.engine.results import ClosingEvent


@click.command("plan")
@options.paths
@click.option("--detailed-exitcode", is_flag=True, help="Exit with code 2 if there are changes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan; `reconciler apply FILE` carries out exactly that, once and within 24 h.",
)
@options.choosing
@options.planning
@options.workers
@options.reaching
@options.trusting
@options.output
def command(detailed_exitcode: bool, out: Path | None, **given: Any) -> int:
    """Read the sites and show what would change.

    Nothing is changed, on the sites or in the state. PATH is a project folder, or site
    files and folders of one project; the default is the current directory.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    shard = given.get("shard")
    whole = out is not None and (shard is None or shard.count == 1)  # a part is merged with the others first
    shown = replace(asked.shown, saved_to=str(out)) if whole else asked.shown
    if out is not None and not whole:
        shown = replace(shown, again=replace(shown.again, is_part=True))
    return reported("plan", shown, lambda running: _plan(asked, out, running), detailed=detailed_exitcode)


def _plan(asked: options.RunOptions, out: Path | None, running: Running) -> ClosingEvent:
    from reconciler.api.client import ReadClient
    from reconciler.cli.selecting import context_of, selected, session_of
    from reconciler.engine.plan import plan_sites

    saving = None
    if out is not None:
        from reconciler.cli.saving import Saving

        saving = Saving(out, running.emit)
    selection = selected(asked)
    context = context_of(asked, selection)

    async def plan() -> ClosingEvent:
        async with session_of(asked, selection.project, ReadClient) as session:
            completed = await plan_sites(session, selection, context, saving.emit if saving else running.emit)
            if saving is not None:
                saving.write(session.api.target, session.clock.now(), selection.project.digest, selection.part)
            return completed

    return running.run(plan())
