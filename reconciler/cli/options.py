"""The options that commands share: their help, and the values they become."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

Command = TypeVar("Command", bound=Callable[..., Any])


class Shard(Struct, frozen=True):
    """One of `count` parts of the sites, `number` counting from 1."""

    number: int
    count: int


class Output(Struct, frozen=True):
    """A format, and the file it goes to; None is stdout."""

    format: str
    file: Path | None = None


class Choice(Struct, frozen=True):
    """Which of the project's sites, and which of their objects."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    shard: Shard | None = None
    changed_since: str | None = None


class RunOptions(Struct, frozen=True):
    """What `plan` and `apply` were asked for on the command line."""

    paths: tuple[Path, ...]
    choice: Choice
    api: str | None
    state: str | None
    parallelism: int | None
    regenerate: tuple[str, ...]
    publish: bool
    strict: bool
    explain: bool
    outputs: tuple[Output, ...]
    colour: bool


def _shard(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Shard | None:
    if value is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", value)
    if not found or int(found[1]) > int(found[2]):
        raise click.BadParameter(f"{value!r} is not a part like 2/8, with the first number no larger than the second.")
    return Shard(int(found[1]), int(found[2]))


def _outputs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
    from reconciler.reporters.registry import FORMATS

    outputs = []
    for value in values:
        name, equals, file = value.partition("=")
        if name not in FORMATS:
            raise click.BadParameter(f"{name!r} is none of the formats {', '.join(FORMATS)}.")
        if equals and not file:
            raise click.BadParameter(f"{value!r} names no file after the equals sign.")
        outputs.append(Output(name, Path(file) if file else None))
    return tuple(outputs)


def _stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def paths(command: Command) -> Command:
    """PATH..., a project or site files and folders in it."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(command)


def output(command: Command) -> Command:
    """--output and --no-color."""
    return _stacked(
        click.option(
            "--output",
            "outputs",
            multiple=True,
            metavar="FORMAT[=FILE]",
            callback=_outputs,
            help="What to write: text, json; with =FILE into a file, beside the text on the screen. Repeatable.",
        ),
        click.option("--no-color", is_flag=True, help="No colours. NO_COLOR in the environment does the same."),
    )(command)


def reaching(command: Command) -> Command:
    """--api and --state."""
    return _stacked(
        click.option("--api", metavar="API", help="wix, sandbox, or a base URL; overrides the project's api."),
        click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state."),
    )(command)


def choosing(command: Command) -> Command:
    """--target, --exclude, --shard, --changed-since."""
    return _stacked(
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="WHAT",
            help="Only this: a site name, a glob, label:team=emea, or an address. Repeatable.",
        ),
        click.option("--exclude", "excludes", multiple=True, metavar="WHAT", help="Not this; as --target. Repeatable."),
        click.option(
            "--shard", metavar="K/N", callback=_shard, help="Only part K of N of the sites, the same part in every run."
        ),
        click.option("--changed-since", metavar="REV", help="Only sites whose files differ from this git revision."),
    )(command)


def planning(command: Command) -> Command:
    """What decides how a plan is made and shown."""
    return _stacked(
        click.option("--regenerate", multiple=True, metavar="SITE", help="Generate this site anew. Repeatable."),
        click.option("--no-publish", is_flag=True, help="Leave everything public out of the plan."),
        click.option("--strict", is_flag=True, help="Refuse (exit 4) where anything is blocked."),
        click.option("--explain", is_flag=True, help="Show preconditions, API calls, classes and the reads made."),
        click.option(
            "--parallelism", type=click.IntRange(1, 1000), metavar="N", help="Sites at once; overrides the project's."
        ),
    )(command)


def run_options(
    paths: Sequence[Path],
    outputs: Sequence[Output],
    targets: Sequence[str],
    excludes: Sequence[str],
    regenerate: Sequence[str],
    **flags: Any,
) -> RunOptions:
    """The options of a command as one value. Raises UsageError where two of them cannot be."""
    return RunOptions(
        paths=tuple(paths),
        choice=Choice(tuple(targets), tuple(excludes), flags["shard"], flags["changed_since"]),
        api=flags["api"],
        state=flags["state"],
        parallelism=flags["parallelism"],
        regenerate=tuple(regenerate),
        publish=not flags["no_publish"],
        strict=flags["strict"],
        explain=flags["explain"],
        outputs=outputs_of(outputs),
        colour=not flags["no_color"],
    )


def outputs_of(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """The outputs, with text on the screen unless another format is sent there. Raises UsageError."""
    from reconciler.model.diagnostics import UsageError

    on_screen = [one for one in outputs if one.file is None]
    if len(on_screen) > 1:
        names = " and ".join(one.format for one in on_screen)
        raise UsageError(f"--output: {names} cannot share the screen; send all but one to files, as json=plan.json")
    files = [one.file for one in outputs if one.file]
    if len(set(files)) < len(files):
        raise UsageError("--output: two formats name the same file")
    return tuple(outputs) if on_screen else (Output("text"), *outputs)
