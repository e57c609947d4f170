"""`reconciler apply [PATH... or PLANFILE]`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict


@click.command("apply")
@options.paths
@click.option("--auto-approve", is_flag=True, help="Do not ask; publishing also needs --allow-publish.")
@click.option("--allow-publish", is_flag=True, help="Let approved posts go public.")
@options.lock_timeout
@options.site_options
@options.plan_options
@options.workers
@options.connection_options
@options.trust_options
@options.output
def command(**given: Any) -> Verdict:
    """Make a plan, ask, and carry it out; or carry out a saved plan exactly.

    Ends with a ledger of what was done, what was not, and why. Run it again to
    continue where a run stopped. PATH is a project folder, or site files and
    folders of one project; the default is the current directory. A file that
    is not YAML is read as a saved plan (see `plan --out`): then `apply` does
    nothing that is not in the plan, does nothing at all if a site has changed
    since, and does not ask again. Publishing needs --allow-publish or, on a
    terminal, a yes.
    """
    from msgspec.structs import replace

    from reconciler.cli.apply import Permissions, apply_live_command, apply_saved_command
    from reconciler.engine.saved import plan_file_of
    from reconciler.model.diagnostics import UsageError

    asked = options.run_options(**given)
    if given["allow_publish"] and not asked.publish:
        raise UsageError("--allow-publish and --no-publish cannot be combined", "leave one of them out")
    permissions = Permissions(given["auto_approve"], given["allow_publish"], given["lock_timeout"])
    if (file := plan_file_of(asked.paths)) is not None:
        return apply_saved_command(file, asked, replace(permissions, saved=True))
    return apply_live_command(asked, permissions)
