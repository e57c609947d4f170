"""`reconciler sandbox serve|reset|show`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent
    from reconciler.sandbox.app import Sandbox

OTHER_CLOCK: Final = (
    "This sandbox has its own clock, but runs over HTTP go by this machine's, so a plan can differ from that of "
    "`api: sandbox`."
)

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group("sandbox")
def command() -> None:
    """Serve, inspect or reset the sandbox, an emulator of the API.

    A project with `api: sandbox` needs no server: it uses the same data, in its
    .reconciler/sandbox.db.
    """


def _world(function: Command) -> Command:
    for option in (
        click.option(
            "--seed",
            type=options.PathType(path_type=Path),
            help="File with the sandbox's sites and behaviour; default: sandbox.yaml in DIR.",
        ),
        click.option(
            "--database",
            type=options.PathType(dir_okay=False, path_type=Path),
            help="Database file of the sandbox; default: .reconciler/sandbox.db in DIR.",
        ),
        click.argument(
            "folder", metavar="[DIR]", default=".", type=options.PathType(exists=True, file_okay=False, path_type=Path)
        ),
    ):
        function = option(function)
    return function


@contextmanager
def _open(folder: Path, database: Path | None, seed: Path | None) -> Iterator[Sandbox]:
    from reconciler.config.project import find_project
    from reconciler.wiring import open_sandbox

    sandbox = open_sandbox(find_project((folder,)).root, database=database, seed=seed)
    try:
        yield sandbox
    finally:
        sandbox.close()


@command.command()
@_world
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 picks a free one."
)
@options.output_alone
def serve(folder: Path, database: Path | None, seed: Path | None, host: str, port: int, **given: Any) -> Verdict:
    """Serve the sandbox of the project in DIR over HTTP until Ctrl-C.

    Point any client at the printed URL, such as `reconciler plan --api URL`.
    It accepts any key, unless the seed lists `keys`; reconciler itself requires
    keys of eight characters or more. The Host header of a request must be an IP
    address, localhost or the --host name, as a defence against DNS rebinding.
    With --output ndjson it prints its URL once it is ready.
    """
    from reconciler.cli.run import reported

    def work(running: CommandRun) -> ClosingEvent:
        with _open(folder, database, seed) as sandbox:
            return _serve(sandbox, host, port, running)

    return reported("sandbox serve", options.output_options_of(given), work)


def _serve(sandbox: Sandbox, host: str, port: int, running: CommandRun) -> ClosingEvent:
    from reconciler.engine.tool_results import SandboxReady, SandboxStopped
    from reconciler.model.diagnostics import UsageError
    from reconciler.sandbox.server import ServerError
    from reconciler.sandbox.server import serve as serve_world

    def ready(url: str) -> None:
        running.emit(SandboxReady(url))
        sys.stdout.flush()
        if sandbox.seed.clock is not None:
            click.echo(OTHER_CLOCK, err=True)
        click.echo(
            "It accepts any key, unless the seed lists `keys`; reconciler itself requires at least eight characters, "
            "such as WIX_API_KEY=any-key-will-do. Press Ctrl-C to stop.",
            err=True,
        )

    try:
        serve_world(sandbox, host, port, ready)
    except ServerError as error:
        raise UsageError(error.message, error.fix) from None
    stopped = SandboxStopped()
    running.emit(stopped)
    return stopped


@command.command()
@_world
@options.output_alone
def reset(folder: Path, database: Path | None, seed: Path | None, **given: Any) -> Verdict:
    """Reset the sandbox of the project in DIR to sandbox.yaml.

    The project's state still remembers the old sandbox; remove
    the whole of .reconciler/ to start over.
    """
    from reconciler.cli.run import reported
    from reconciler.engine.tool_results import SandboxReset

    def work(running: CommandRun) -> ClosingEvent:
        with _open(folder, database, seed) as sandbox:
            sandbox.reset()
        done = SandboxReset()
        running.emit(done)
        return done

    return reported("sandbox reset", options.output_options_of(given), work)


@command.command()
@_world
@click.option("--json", "as_json", is_flag=True, help="Show everything in the sandbox, as JSON.")
@click.option("--requests", is_flag=True, help="List the requests it received, oldest first, one per line.")
@options.output_alone
def show(
    folder: Path, database: Path | None, seed: Path | None, as_json: bool, requests: bool, **given: Any
) -> Verdict:
    """Show the sites in the sandbox of the project in DIR.

    --json prints everything in the sandbox; --output json wraps it in a report.
    """
    from reconciler.cli.run import reported
    from reconciler.engine.tool_results import SandboxShown, SandboxView

    view = SandboxView.EVERYTHING if as_json else SandboxView.REQUESTS if requests else SandboxView.SITES

    def work(running: CommandRun) -> ClosingEvent:
        with _open(folder, database, seed) as sandbox:
            shown = SandboxShown(sandbox.world(), tuple(sandbox.requests()), view)
        running.emit(shown)
        return shown

    return reported("sandbox show", options.output_options_of(given), work)
