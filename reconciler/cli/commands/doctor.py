"""`reconciler doctor [PATH...]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("doctor")
@options.paths
@options.whole_site_options
@click.option("--strict", is_flag=True, help="Exit with code 4 if something is left for a person to do.")
@click.option("--sites", is_flag=True, help="If several sites share a finding, list them all.")
@options.quiet
@click.option("--probe", is_flag=True, help="Also check assumptions about the API, on the first site.")
@click.option(
    "--cassette",
    type=options.PathType(dir_okay=False, path_type=Path),
    default=Path("reconciler-probe.json"),
    metavar="FILE",
    show_default=True,
    help="With --probe: file for its requests and responses, with texts, ids and keys removed.",
)
@options.parallelism
@options.connection_options
@options.trust_options
@options.output
def command(probe: bool, cassette: Path, **given: Any) -> Verdict:
    """Check credentials, access, sites and state.

    Each finding says what to do about it. Errors would stop plan or apply
    (exit code 1); warnings are for a person to fix, such as a channel that is not
    connected. Sites are only read. To check that locks work, a small test object
    is written to the state and then deleted.
    """
    from reconciler.cli.run import reported

    asked = options.run_options(**given)
    return reported("doctor", asked.shown, lambda running: _doctor(asked, running, cassette if probe else None))


def _doctor(asked: options.RunOptions, running: CommandRun, probe_to: Path | None) -> ClosingEvent:
    from reconciler.library.runs import ProjectRuns

    project = ProjectRuns.find(asked.paths, asked.invocation).with_sites(asked.paths)
    selection, _ = project.select(asked.choice)
    return running.run(project.run_doctor(selection, running.emit, strict=asked.strict, probe_to=probe_to))
