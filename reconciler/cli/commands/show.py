"""`reconciler show PLANFILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.engine.results import ClosingEvent


@click.command("show")
@click.argument("planfile", type=options.PathType(path_type=Path))
@options.detail_options
@click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
@options.output
def command(planfile: Path, state: str | None, **given: Any) -> Verdict:
    """Render a saved plan in any format.

    Also says whether the plan has expired or was already applied, as far as the
    project in the current directory knows. If there is none, the project of the
    plan's own folder is used. No site is read.
    """
    from reconciler.cli.run import CommandRun, reported
    from reconciler.cli.show import options_of_plan, report_plan
    from reconciler.engine.plan_file import readable_plan

    def work(running: CommandRun) -> ClosingEvent:
        return report_plan(readable_plan(planfile), planfile, state, running)

    shown = options.output_options_of({**given, "state": state})
    return reported("show", options_of_plan(shown, planfile, state), work)
