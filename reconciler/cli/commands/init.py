"""`reconciler init [DIR]`."""

from __future__ import annotations

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
def command(folder: Path, ci: str | None) -> None:
    """Write a starter project.

    It goes into DIR (the current directory), and runs against the built-in
    sandbox until you change `api`. Files that are there already are left as
    they are.
    """
    from reconciler.cli.ci_files import Service, ci_files
    from reconciler.cli.starter import starter_files
    from reconciler.model.diagnostics import UsageError
    from reconciler.model.text import printable

    try:
        for name, text in {**starter_files(), **(ci_files(Service(ci)) if ci else {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shown = printable(str(path))
            try:
                with path.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
                click.echo(f"wrote  {shown}")
            except FileExistsError:
                click.echo(f"kept   {shown}, which was there already")
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}; choose a folder that can be written to") from None
    where = "" if folder == Path() else f" {printable(str(folder))}"
    click.echo(f"\nNext: reconciler plan{where}")
