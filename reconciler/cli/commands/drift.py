"""`reconciler drift [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent

STRICT: Final = (
    "Also exit with code 2 if anything is blocked (undeclared sites do not count), and fail on file warnings."
)


@click.command("drift")
@options.paths
@options.site_options
@click.option("--strict", is_flag=True, help=STRICT)
@options.detail_options
@options.parallelism
@options.workers
@click.option("--detailed-exitcode", is_flag=True, help="Always on: exit with code 2 if something drifted.")
@options.connection_options
@options.trust_options
@options.output
def command(detailed_exitcode: bool, **given: Any) -> Verdict:  # noqa: ARG001 - accepted as in plan, but always on
    """Audit the sites: what changed, and on which side.

    Each managed object is compared three ways: what its file asks for, what
    was last applied, and what the site has now. Nothing is written and no
    lock is taken. Posts that went out and drafts that are waiting for review do not
    count as drift. Exits with 2 if something drifted or a guard would refuse an apply,
    and with 1 if a site could not be read.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("drift", asked.shown, lambda running: _drift(asked, running))


def _drift(asked: options.RunOptions, running: CommandRun) -> ClosingEvent:
    from reconciler.cli.selection import selected

    project, selection, context = selected(asked)
    return running.run(project.run_drift(selection, context, running.emit))
