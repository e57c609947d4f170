"""`reconciler init [DIR]`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.diagnostics import Place, UsageError
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=options.PathType(file_okay=False, path_type=Path), default=".")
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
@options.output
def command(folder: Path, ci: str | None, live: tuple[str, ...], **given: Any) -> Verdict:
    """Write a starter project.

    It is written to DIR (default: the current directory) and runs against the built-in
    sandbox until you change `api`. Existing files are left as
    they are, and an existing project gets no example site. --from-live
    imports live sites as `reconciler import` does, and sets `api` to wix.
    """
    from reconciler.cli.run import reported

    asked = options.options_of_writing(folder, **given)
    return reported("init", asked.shown, lambda running: _init(folder, ci, live, asked, running))


def _init(
    folder: Path, ci: str | None, live: tuple[str, ...], asked: options.RunOptions, running: CommandRun
) -> ClosingEvent:
    from reconciler.engine.tool_results import StarterWritten

    accounts = [what.removeprefix("account:") for what in live if what.startswith("account:")]
    ids = tuple(what for what in live if not what.startswith("account:"))
    if len(accounts) > 1 or (accounts and ids):
        raise UsageError("--from-live: site ids and accounts cannot be combined", "give site ids, or one account:ID")
    written = [*_write(folder, _files(folder, ci, accounts[0] if accounts else None, example=not live), running)]
    if live:
        from reconciler.engine.live_sites import Wanted

        importing = importlib.import_module("reconciler.cli.commands.import")
        closing: ClosingEvent = importing.import_live(asked, Wanted(ids, bool(accounts)), (), running)
        return closing
    started = StarterWritten(str(folder), written.count(True), written.count(False))
    running.emit(started)
    return started


def _files(folder: Path, ci: str | None, account: str | None, *, example: bool) -> Mapping[str, str]:
    """What belongs in the folder, by path. A project that already exists gets no example site."""
    from reconciler.cli.ci_files import Service, ci_files
    from reconciler.cli.starter_files import EXAMPLE, live_files, starter_files

    files = dict(starter_files() if example else live_files(account))
    if (folder / "reconciler.yaml").exists() or any((folder / "sites").rglob("*.y*ml")):
        files.pop(EXAMPLE, None)
    return {**files, **(ci_files(Service(ci)) if ci else {})}


def _write(folder: Path, files: Mapping[str, str], running: CommandRun) -> Iterator[bool]:
    """Writes the files that do not exist yet, and yields for each whether it was written."""
    from reconciler.engine.results import Notice
    from reconciler.engine.tool_results import StarterFile
    from reconciler.model.diagnostics import Diagnostic, Severity
    from reconciler.model.text import printable

    for name, text in files.items():
        path = folder / name
        written = _written(path, text)
        running.emit(StarterFile(str(path), written))
        if path.name == ".gitignore" and not written and (missing := _not_in(path, text)):
            message = "git does not ignore some files that reconciler writes only for this machine"
            fix = f"add these lines: {', '.join(missing)}"
            place = Place(printable(str(path)))
            running.emit(Notice(Diagnostic("not-ignored", message, fix, Severity.WARNING, place)))
        yield written


def _not_in(path: Path, text: str) -> list[str]:
    """The patterns of a .gitignore that the existing one lacks, as far as it can be read."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    known = {line.strip().strip("/") for line in lines}
    return [line for line in text.splitlines() if not line.startswith("#") and line.strip("/") not in known]


def _written(path: Path, text: str) -> bool:
    from reconciler.model.text import printable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            return False
        place = Place(printable(str(error.filename or path)))
        raise UsageError(
            f"cannot be written: {error.strerror}", "choose a writable folder", place, continues=True
        ) from None
    return True
