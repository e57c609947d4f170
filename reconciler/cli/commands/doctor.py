"""`reconciler doctor [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.run import Running
    from reconciler.engine.results import ClosingEvent


@click.command("doctor")
@options.paths
@options.choosing
@click.option("--strict", is_flag=True, help="Exit with 4 where something waits for a person.")
@click.option("--quiet", is_flag=True, help="Show what is wrong and the last line only.")
@options.parallelism
@options.reaching
@options.trusting
@options.output
def command(**given: Any) -> int:
    """Check credentials, access, sites and state.

    Each finding comes with what to do about it. Errors stop plan or apply
    (exit 1); warnings wait for a person, such as a channel that is not
    connected. Sites are only read. In the state a small probe is written and
    deleted again, to see that two runs can be kept apart.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("doctor", asked.shown, lambda running: _doctor(asked, running))


def _doctor(asked: options.RunOptions, running: Running) -> ClosingEvent:
    import os

    from reconciler.api.client import ReadClient
    from reconciler.config.new_files import open_whole
    from reconciler.engine.doctor import examine
    from reconciler.engine.selection import select
    from reconciler.wiring import open_session

    project, index = open_whole(asked.paths, asked.trust(), asked.paths)
    selection = select(project, index, asked.choice)

    async def run() -> ClosingEvent:
        async with open_session(
            selection.project,
            ReadClient,
            environ=os.environ,
            api=asked.api,
            state=asked.state,
            parallelism=asked.parallelism,
        ) as session:
            return await examine(session, selection, os.environ, running.emit, strict=asked.strict)

    return running.run(run())
