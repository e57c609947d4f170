"""`reconciler state list|show|mv|forget|unlock|resolve`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("state")
def command() -> None:
    """Inspect and repair the state.

    The state is what earlier runs recorded about each site: what its marketing plan
    was generated from, what was applied and published, calls whose outcome is not
    known, and which run holds its lock. These commands do not read or change the sites.
    """


def _place(function: Command) -> Command:
    """--state, --output, --no-color and PATH..., for every command of the group."""
    state = click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state.")
    return options.paths(state(options.output(function)))


_site = click.argument("site", shell_complete=options.completed_by("complete_sites"))


@command.command("list")
@_place
def list_(**given: Any) -> Verdict:
    """List the sites that have a record in the state.

    For each site: unconfirmed calls (it is not known whether they took effect), calls
    in progress, posts that apply has scheduled so far, generation inputs (pending:
    waiting for the next generation; up to date: used by the current marketing plan),
    and who holds its lock.
    PATH limits the list to the sites in those files and folders. Exits with 1
    if something cannot be read.
    """
    from reconciler.cli.state import list_command

    return list_command(options.run_options(**given))


@command.command()
@_site
@_place
def show(site: str, **given: Any) -> Verdict:
    """Show everything recorded about SITE.

    Says what each unconfirmed call means and how to resolve it. Long values are
    cut short; --output json has them in full.
    """
    from reconciler.cli.state import show_command

    return show_command(site, options.run_options(**given))


@command.command()
@_site
@click.option("--force", is_flag=True, help="Do not ask.")
@_place
def unlock(site: str, force: bool, **given: Any) -> Verdict:
    """Remove the lock of SITE.

    Says whose lock it is, and asks for confirmation. The lock of a dead run needs
    no unlocking: it expires within a minute. Exits with 4 if it is not removed.
    """
    from reconciler.cli.state import unlock_command

    return unlock_command(site, options.run_options(**given), force=force)


@command.command()
@_site
@click.argument("entry")
@click.argument("outcome", metavar="done|not-done", type=click.Choice(("done", "not-done")))
@options.lock_timeout
@_place
def resolve(site: str, entry: str, outcome: str, lock_timeout: timedelta, **given: Any) -> Verdict:
    """Record how an unconfirmed call of SITE ended.

    ENTRY is its id in `state show`, or the first characters of it. An apply
    resolves the calls whose effect it can see on the site; this is for the rest:
    look at the site, then say whether the call took effect. Exits with 4
    if a run has locked the site.
    """
    from reconciler.cli.state import resolve_command

    asked = options.run_options(**given)
    return resolve_command(site, entry, asked, took_effect=outcome == "done", lock_timeout=lock_timeout)


@command.command()
@click.argument("old")
@click.argument("new", metavar="NEW_ID")
@options.lock_timeout
@_place
def mv(old: str, new: str, lock_timeout: timedelta, **given: Any) -> Verdict:
    """Move everything recorded about OLD to the site NEW_ID.

    OLD is an id, or the name of the site: the one in its file, or else its last
    known one. This is for a site that was recreated under another id. Exits
    with 4 if a run has locked either site.
    """
    from reconciler.cli.state import move_command

    return move_command(old, new, options.run_options(**given), lock_timeout=lock_timeout)


@command.command()
@_site
@click.option("--force", is_flag=True, help="Do not ask.")
@options.lock_timeout
@_place
def forget(site: str, force: bool, lock_timeout: timedelta, **given: Any) -> Verdict:
    """Forget everything recorded about SITE.

    Says which posts are still scheduled there, and asks for confirmation. It
    changes nothing on the site: scheduled posts still go out. Exits with 4 if the
    record is kept.
    """
    from reconciler.cli.state import forget_command

    return forget_command(site, options.run_options(**given), force=force, lock_timeout=lock_timeout)
