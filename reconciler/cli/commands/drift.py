"""`reconciler drift [PATH...]`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options


@click.command("drift")
@options.paths
@options.choosing
@click.option("--strict", is_flag=True, help="Refuse (exit 4) where anything is blocked.")
@click.option("--explain", is_flag=True, help="Show what converged too.")
@click.option(
    "--parallelism", type=click.IntRange(1, 1000), metavar="N", help="Sites at once; overrides the project's."
)
@click.option("--detailed-exitcode", is_flag=True, help="Always on: exit with 2 where something drifted.")
@options.reaching
@options.output
def command(detailed_exitcode: bool, **given: Any) -> int:  # noqa: ARG001 - known from plan, and always on
    """Audit the sites: what moved, and on which side.

    Each managed object is compared three ways: what its file asks for, what
    was last applied, and what the site has now. Nothing is written and no
    lock is taken. Posts that went out and drafts that wait for review are no
    drift. Exits with 2 where something drifted, with 1 where a site could not
    be read, and with 4 where a guard would refuse an apply.
    """
    from reconciler.cli.auditing import drift_command

    return drift_command(options.run_options(regenerate=(), no_publish=False, **given))
