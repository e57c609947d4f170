"""`reconciler sandbox serve|reset|show`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from reconciler.sandbox.app import Sandbox

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
            type=click.Path(path_type=Path),
            help="File with the sandbox's sites and behaviour; default: sandbox.yaml in DIR.",
        ),
        click.option(
            "--database",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Database file of the sandbox; default: .reconciler/sandbox.db in DIR.",
        ),
        click.argument(
            "folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
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
def serve(folder: Path, database: Path | None, seed: Path | None, host: str, port: int) -> None:
    """Serve the sandbox of the project in DIR over HTTP until Ctrl-C.

    Point any client at the printed URL, such as `reconciler plan --api URL`.
    It accepts any key of eight characters or more, unless the seed lists `keys`.
    Requests must address it by an IP address, as localhost, or as given to
    --host, so that a web page cannot reach it through a domain of its own.
    """
    from reconciler.model.diagnostics import UsageError
    from reconciler.sandbox.server import ServerError
    from reconciler.sandbox.server import serve as serve_world

    def ready(url: str) -> None:
        click.echo(f"Sandbox at {url}")
        click.echo("Any key works, such as WIX_API_KEY=any-key-will-do. Press Ctrl-C to stop.", err=True)

    with _open(folder, database, seed) as sandbox:
        try:
            serve_world(sandbox, host, port, ready)
        except ServerError as error:
            raise UsageError.saying(str(error)) from None


@command.command()
@_world
def reset(folder: Path, database: Path | None, seed: Path | None) -> None:
    """Reset the sandbox of the project in DIR to sandbox.yaml.

    The project's state still remembers the old sandbox; remove
    the whole of .reconciler/ to start over.
    """
    with _open(folder, database, seed) as sandbox:
        sandbox.reset()
    click.echo("The sandbox was reset to sandbox.yaml.")


@command.command()
@_world
@click.option("--json", "as_json", is_flag=True, help="Show everything in the sandbox, as JSON.")
@click.option("--requests", is_flag=True, help="List the requests it received, oldest first, one per line.")
def show(folder: Path, database: Path | None, seed: Path | None, as_json: bool, requests: bool) -> None:
    """Show the sites in the sandbox of the project in DIR."""
    with _open(folder, database, seed) as sandbox:
        if as_json:
            click.echo(json.dumps({**sandbox.world(), "requests": sandbox.requests()}, indent=2))
        elif requests:
            for one in sandbox.requests():
                click.echo(
                    _safe(
                        f"{one['at']}  {one['status'] or 'lost'}  {one['site'] or '-'}  {one['method']} {one['path']}"
                    )
                )
        else:
            _show_world(sandbox.world())


def _show_world(world: dict[str, Any]) -> None:
    click.echo(f"clock: {world['clock']}")
    if not world["sites"]:
        click.echo("no sites yet; a site is created on the first request for it")
    for site_id, site in world["sites"].items():
        for line in _site_lines(site_id, site):
            click.echo(_safe(line))
    for gap in world["gaps"]:
        click.echo(_safe(f"unknown route requested: {gap['method']} {gap['path']}"))


def _site_lines(id: str, site: dict[str, Any]) -> Iterator[str]:
    from reconciler.reporters.words import plural

    facts = site["facts"]
    statuses = Counter(record["item"]["status"] for record in site["items"].values())
    posts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "none"
    channels = ", ".join(f"{name} {status}" for name, status in sorted(site["channels"].items())) or "none"
    published = "published" if facts["published"] else "not published"
    yield f"{id}  {facts['name']}, {published}, {facts['timeZone']}"
    yield f"  marketing plan: {site['plan']['status']}, {plural(len(site['activities']), 'activity', 'activities')}"
    yield f"  posts: {posts}; events: {len(site['events'])}; channels: {channels}"


def _safe(text: str) -> str:
    from reconciler.model.text import printable

    return printable(text)
