"""`reconciler apply [PATH... or PLANFILE]`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options


@click.command("apply")
@options.paths
@click.option("--auto-approve", is_flag=True, help="Do not ask; public actions need --allow-publish besides.")
@click.option("--allow-publish", is_flag=True, help="Let approved posts go public.")
@click.option(
    "--lock-timeout", default="0s", metavar="TIME", help="How long to wait for another run's lock, such as 30s or 5m."
)
@options.choosing
@options.planning
@options.reaching
@options.output
def command(auto_approve: bool, allow_publish: bool, lock_timeout: str, **given: Any) -> int:
    """Make a plan, ask, and carry it out; or carry out a saved plan exactly.

    Ends in a ledger of what was done, and what was not and why. Run again, it
    goes on where a run stopped. PATH is a project folder, or site files and
    folders of one project; the default is the current directory. A single
    file that is no YAML is a plan that `plan --out` saved: nothing is done
    that is not in it, and nothing at all if a site has changed since.
    """
    from reconciler.cli.applying import Permissions, apply_command
    from reconciler.cli.saving import plan_file_of
    from reconciler.config.times import duration

    try:
        patience = duration(lock_timeout)
    except ValueError as error:
        raise click.BadParameter(f"{lock_timeout!r} {error}", param_hint="'--lock-timeout'") from None
    run_options, permissions = options.run_options(**given), Permissions(auto_approve, allow_publish, patience)
    if (file := plan_file_of(run_options.paths)) is not None:
        from reconciler.cli.applying_saved import apply_saved_command

        return apply_saved_command(file, run_options, permissions)
    return apply_command(run_options, permissions)
