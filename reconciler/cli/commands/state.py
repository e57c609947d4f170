"""`reconciler state list|show|unlock|resolve`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.repairing import Look

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("state")
def command() -> None:
    """Look into the state, and repair it.

    The state is what earlier runs noted of each site: what it was generated
    from, what was applied and published, calls whose outcome is open, and
    which run holds it. No site is read or changed by these commands.
    """


def _place(function: Command) -> Command:
    """--state, --no-color and PATH..., for every command of the group."""
    for option in (
        click.option("--no-color", is_flag=True, help="No colours. NO_COLOR in the environment does the same."),
        click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state."),
        options.paths,
    ):
        function = option(function)
    return function


_format = click.option(
    "--output", type=click.Choice(("text", "json")), default="text", show_default=True, help="What to write."
)

_site = click.argument("site")


@command.command("list")
@_format
@_place
def list_(output: str, **given: Any) -> int:
    """List the sites of which something is recorded.

    Per site: calls in doubt (nobody knows whether they took effect), calls
    waited for, generation inputs (pending: waiting for the next generation;
    in use: used by the current plan), and who holds its lock.
    PATH narrows the list to the sites of files and folders. Exits with 1
    where something cannot be read.
    """
    from reconciler.cli.repairing import list_command

    return list_command(_asked(output=output, **given))


@command.command()
@_site
@_format
@_place
def show(site: str, output: str, **given: Any) -> int:
    """Show all that is recorded of SITE.

    Open calls stand with what they mean and how to settle them. Values that
    are cut short are whole with --output json.
    """
    from reconciler.cli.repairing import show_command

    return show_command(site, _asked(output=output, **given))


@command.command()
@_site
@click.option("--force", is_flag=True, help="Do not ask.")
@_place
def unlock(site: str, force: bool, **given: Any) -> int:
    """Take the lock of SITE away from its holder.

    Says whose it is, and asks. A lock whose holder died needs no unlocking:
    it ends by itself within a minute. Exits with 4 where the lock stays.
    """
    from reconciler.cli.repairing import unlock_command

    return unlock_command(site, _asked(**given), force=force)


@command.command()
@_site
@click.argument("entry")
@click.argument("outcome", metavar="done|not-done", type=click.Choice(("done", "not-done")))
@click.option(
    "--lock-timeout", default="0s", metavar="TIME", help="How long to wait for another run's lock, such as 30s or 5m."
)
@_place
def resolve(site: str, entry: str, outcome: str, lock_timeout: str, **given: Any) -> int:
    """Settle an open call of SITE by hand.

    ENTRY is its id in `state show`, or the first characters of it. An apply
    settles by itself what reading the site can tell; this is for the rest:
    look at the site, then say whether the call took effect. Exits with 4
    while a run holds the site.
    """
    from reconciler.cli.repairing import resolve_command
    from reconciler.config.times import duration

    try:
        patience = duration(lock_timeout)
    except ValueError as error:
        raise click.BadParameter(f"{lock_timeout!r} {error}", param_hint="'--lock-timeout'") from None
    return resolve_command(site, entry, _asked(**given), took_effect=outcome == "done", lock_timeout=patience)


def _asked(paths: tuple[Path, ...], state: str | None, no_color: bool, output: str = "text") -> Look:
    from reconciler.cli.repairing import Look

    return Look(paths, state, output == "json", not no_color)
