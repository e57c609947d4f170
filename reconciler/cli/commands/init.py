"""`reconciler init [DIR]`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


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
    help="Import live sites, and no example: the id of a site, or account:ID for all of an account. Repeatable.",
)
@click.option("--api", metavar="API", help="With --from-live: wix, sandbox, or a base URL.")
def command(folder: Path, ci: str | None, live: tuple[str, ...], api: str | None) -> int | None:
    """Write a starter project.

    It goes into DIR (the current directory), and runs against the built-in
    sandbox until you change `api`. Files that are there already are left as
    they are, and a project that exists gets no example site. With --from-live
    its sites are imported, as by `reconciler import`, and `api` is wix.
    """
    from reconciler.cli.ci_files import Service, ci_files
    from reconciler.cli.starter import EXAMPLE, live_files, starter_files
    from reconciler.model.diagnostics import UsageError
    from reconciler.model.text import printable

    accounts = [what.removeprefix("account:") for what in live if what.startswith("account:")]
    ids = tuple(what for what in live if not what.startswith("account:"))
    if len(accounts) > 1 or (accounts and ids):
        raise UsageError("--from-live: give the ids of sites, or one account:ID")
    files = live_files(accounts[0] if accounts else None) if live else starter_files()
    if (folder / "reconciler.yaml").exists() or any((folder / "sites").rglob("*.y*ml")):
        files = {name: text for name, text in files.items() if name != EXAMPLE}
    try:
        for name, text in {**files, **(ci_files(Service(ci)) if ci else {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shown = printable(str(path))
            try:
                with path.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
                click.echo(f"wrote  {shown}")
            except FileExistsError:
                click.echo(f"kept   {shown}, which was there already")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}; choose a folder that can be written to") from None
    if live:
        import importlib

        importing = importlib.import_module("reconciler.cli.commands.import").command
        reach = ("--api", api) if api is not None else ()
        chosen = ids or ("--all",)
        code: int = importing.main((*chosen, "--into", str(folder), *reach), standalone_mode=False)
        return code
    where = "" if folder == Path() else f" {shlex.quote(printable(str(folder)))}"
    click.echo(f"\nNext: reconciler plan{where}")
    return None
