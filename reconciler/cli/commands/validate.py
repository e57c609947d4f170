"""`reconciler validate [PATH...]`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.cli import options


@click.command("validate")
@options.paths
@options.output
def command(paths: Sequence[Path], outputs: Sequence[options.Output], no_color: bool) -> int:
    """Check files offline: all problems at once.

    Every problem of schema, meaning and policy says where it is and what
    would be right. No key and no network is needed.
    """
    from reconciler.cli.outputs import open_reports
    from reconciler.config.project import find_project
    from reconciler.config.sites import check_sites
    from reconciler.reporters.results import Checked

    with open_reports("validate", options.outputs_of(outputs), colour=not no_color) as reports:
        index = check_sites(find_project(paths), paths)
        reports.valid(Checked(index.files, len(index)))
    return 0
