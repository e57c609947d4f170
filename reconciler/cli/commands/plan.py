"""`reconciler plan [PATH...]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.options import OutputOptions
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("plan")
@options.paths
@click.option("--detailed-exitcode", is_flag=True, help="Exit with code 2 if there are changes.")
@click.option(
    "--out",
    type=options.PathType(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan; `reconciler apply FILE` carries out exactly that, once and within 24 h.",
)
@options.site_options
@options.plan_options
@options.workers
@options.connection_options
@options.trust_options
@options.output
def command(detailed_exitcode: bool, out: Path | None, **given: Any) -> Verdict:
    """Read the sites and show what would change.

    Nothing is changed, on the sites or in the state. PATH is a project folder, or site
    files and folders of one project; the default is the current directory.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    shard = given.get("shard")
    whole = out is not None and (shard is None or shard.count == 1)  # a part is merged with the others first
    shown = _to_apply(asked, out) if out is not None and whole else asked.shown
    if out is not None and not whole:
        shown = replace(shown, again=replace(shown.again, is_part=True))
    return reported("plan", shown, lambda running: _plan(asked, out, running), detailed=detailed_exitcode)


def _to_apply(asked: options.RunOptions, out: Path) -> OutputOptions:
    """The output options, with the file that the plan is saved to and the folder where `apply` finds its project."""
    from reconciler.config.discovery import absolute_path, find_root, shown_path
    from reconciler.model.diagnostics import UsageError

    try:
        root, here = find_root(asked.paths)[0], find_root(())[0]
        file = absolute_path(out)
    except UsageError:  # planning reports the same problem
        root = here = file = Path()
    if root == here:
        return replace(asked.shown, saved_to=str(out))
    return options.applied_elsewhere(asked.shown, file, shown_path(root), asked.invocation.state)


def _plan(asked: options.RunOptions, out: Path | None, running: CommandRun) -> ClosingEvent:
    from reconciler.cli.selection import selected

    if out is None:
        project, selection, context = selected(asked)
        return running.run(project.run_plan(selection, context, running.emit))
    from reconciler.cli.plan_collector import PlanCollector

    collector = PlanCollector(out, running.emit, asked.shown.again)
    project, selection, context = selected(asked)
    collector.begin(project, selection)
    completed = running.run(project.run_plan(selection, context, collector.emit))
    collector.check()
    return completed
