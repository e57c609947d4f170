"""`reconciler init [DIR]`."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.model.diagnostics import Place, UsageError


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option(
    "--ci",
    metavar="SERVICE",
    type=click.Choice(("github", "gitlab")),
    help="Also write CI workflows: github or gitlab.",
)
@click.option(
    "--from-live",
    "live",
    multiple=True,
    metavar="WHAT",
    help="Import live sites instead of the example: a site id, or account:ID for all of its sites. Repeatable.",
)
@click.option("--api", metavar="API", help="With --from-live: wix, sandbox, or a base URL.")
def command(folder: Path, ci: str | None, live: tuple[str, ...], api: str | None) -> int | None:
    """Write a starter project.

    It is written to DIR (default: the current directory) and runs against the built-in
    sandbox until you change `api`. Existing files are left as
    they are, and an existing project gets no example site. --from-live
    imports live sites as `reconciler import` does, and sets `api` to wix.
    """
    from reconciler.model.text import printable

    accounts = [what.removeprefix("account:") for what in live if what.startswith("account:")]
    ids = tuple(what for what in live if not what.startswith("account:"))
    if len(accounts) > 1 or (accounts and ids):
        raise UsageError("--from-live: site ids and accounts cannot be combined", "give site ids, or one account:ID")
    try:
        _write(folder, _files(folder, ci, accounts[0] if accounts else None, example=not live))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(
            str(error.strerror), "choose a writable folder", Place(printable(str(error.filename)))
        ) from None
    if live:
        return _import(folder, ids or ("--all",), api)
    where = "" if folder == Path() else f" {shlex.quote(printable(str(folder)))}"
    click.echo(f"\nNext: reconciler plan{where}")
    return None


def _files(folder: Path, ci: str | None, account: str | None, *, example: bool) -> Mapping[str, str]:
    """What belongs in the folder, by path. A project that already exists gets no example site."""
    from reconciler.cli.ci_files import Service, ci_files
    from reconciler.cli.starter import EXAMPLE, live_files, starter_files

    files = dict(starter_files() if example else live_files(account))
    if (folder / "reconciler.yaml").exists() or any((folder / "sites").rglob("*.y*ml")):
        files.pop(EXAMPLE, None)
    return {**files, **(ci_files(Service(ci)) if ci else {})}


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files that do not exist yet."""
    from reconciler.model.text import printable

    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = printable(str(path))
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            click.echo(f"wrote  {shown}")
        except FileExistsError:
            click.echo(f"kept   {shown}, which already exists")


def _import(folder: Path, sites: tuple[str, ...], api: str | None) -> int:
    """Runs `reconciler import` for the folder."""
    importing = importlib.import_module("reconciler.cli.commands.import").command
    reach = ("--api", api) if api is not None else ()
    code: int = importing.main((*sites, "--into", str(folder), *reach), standalone_mode=False)
    return code
