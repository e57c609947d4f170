"""The options that commands share: their help, and the values they become."""

from __future__ import annotations

import errno
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.text import in_quotes
from reconciler.reporters.next_step import REGENERATE, Again, not_an_option

if TYPE_CHECKING:  # this file is loaded for `--help` too
    from datetime import timedelta

    from reconciler.engine.choice import Invocation, Shard, SiteFilter
    from reconciler.model.diagnostics import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])


class Output(Struct, frozen=True):
    """A format, and the file it goes to; None is stdout."""

    format: str
    file: Path | None = None


class OutputOptions(Struct, frozen=True):
    """Where a command's reports go, and how much of them people see.

    `explain`: everything known about each action. `quiet`: problems and the last line. `summary`: header, table and
    last line. `sites`: which sites share a block. `saved_to`: the file that the plan is saved to, to be applied next.
    `again`: the arguments that the next command repeats.
    """

    outputs: tuple[Output, ...]
    colour: bool
    explain: bool = False
    quiet: bool = False
    summary: bool = False
    sites: bool = False
    saved_to: str = ""
    again: Again = Again()


class RunOptions(Struct, frozen=True):
    """What a command over sites was asked for on the command line."""

    paths: tuple[Path, ...]
    choice: SiteFilter
    shown: OutputOptions
    invocation: Invocation
    regenerate: tuple[str, ...] = ()
    publish: bool = True
    strict: bool = False


def _shard(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Shard | None:
    if value is None:
        return None
    from reconciler.cli.shards import shard_of, shard_of_job

    shard = shard_of_job(os.environ) if value == "auto" else shard_of(value)
    if shard is None:
        raise click.BadParameter(
            f"{in_quotes(value)} is not a shard such as 2/8; the first number must not be larger than the second."
        )
    return shard


def _outputs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
    return tuple(output_of(value) for value in values)


def output_of(value: str) -> Output:
    """The format and file in a value like `json=plan.json`. Raises click.BadParameter."""
    from reconciler.reporters.registry import FORMATS

    name, equals, file = value.partition("=")
    if name not in FORMATS:
        raise click.BadParameter(f"{in_quotes(name)} must be one of: {', '.join(FORMATS)}.")
    if equals and not file:
        raise click.BadParameter(f"{in_quotes(value)} needs a file name after the equals sign.")
    if file:
        _check_path(file, "--output ")
    return Output(name, Path(file) if file else None)


def _stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def completed_by(name: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What completes a value: a function of `completion.py`, which is imported when a shell asks for words."""

    def complete(*asked: Any) -> list[str]:
        found: list[str] = getattr(importlib.import_module("reconciler.cli.completion"), name)(*asked)
        return found

    return complete


class PathType(click.Path):
    """The path of a file or a folder. It may be missing, but it must be possible to find that out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises UsageError if it cannot be looked up."""
        if ctx is None or not ctx.resilient_parsing:  # a shell that completes words needs no answer
            _check_path(value, f"{param.opts[0]} " if isinstance(param, click.Option) else "")
            if ctx is not None and isinstance(param, click.Argument):
                _check_not_a_name(value, ctx.command)
        return super().convert(value, param, ctx)


def _check_path(path: str | Path, option: str) -> None:
    """Raises UsageError if nobody can tell what is at a path: it is empty or too long, or its folder cannot be read."""
    from reconciler.model.diagnostics import UsageError
    from reconciler.model.text import printable

    if path == "":
        raise UsageError(f"{option}'' is not a path", "name a file or a folder, or leave it out")
    try:
        os.stat(path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ENAMETOOLONG):
            what = f"{option}{printable(str(path))} cannot be looked up: {error.strerror}"
            raise UsageError(what, "check the path and its permissions") from None


def _check_not_a_name(path: str | Path, command: click.Command) -> None:
    """Raises UsageError for what looks like a site's name, if --target is how a command takes names."""
    from reconciler.model.diagnostics import UsageError
    from reconciler.model.text import printable

    given = str(path)
    takes_names = any(option.name == "targets" for option in command.params)
    if takes_names and Path(given).name == given and not Path(given).suffix and not os.path.lexists(given):
        import shlex

        fix = f"to select a site by its name, use --target {shlex.quote(printable(given))}"
        raise UsageError(f"there is no file or folder {printable(given)}", fix)


def paths(command: Command) -> Command:
    """PATH..., a project or site files and folders in it."""
    return click.argument("paths", nargs=-1, type=PathType(path_type=Path))(command)


def output_alone(command: Command) -> Command:
    """--output, which every command has."""
    from reconciler.reporters.registry import FORMATS

    return click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        callback=_outputs,
        shell_complete=completed_by("complete_outputs"),
        help=f"Output format: {', '.join(FORMATS)}. =FILE writes it to that file; the text is still shown. Repeatable.",
    )(command)


def output(command: Command) -> Command:
    """--output and --no-color."""
    return _stacked(
        output_alone,
        click.option("--no-color", is_flag=True, help="No colours. NO_COLOR in the environment does the same."),
    )(command)


def _complete_apis(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [api for api in ("wix", "sandbox") if api.startswith(incomplete)]


def connection_options(command: Command) -> Command:
    """--api and --state."""
    return _stacked(
        click.option(
            "--api",
            metavar="API",
            shell_complete=_complete_apis,
            help="wix, sandbox, or a base URL; overrides the project's api.",
        ),
        click.option("--state", metavar="PLACE", help="Folder or object-store URL; overrides the project's state."),
    )(command)


def trust_options(command: Command) -> Command:
    """--allow-host, --require-approval, --committed: what the repository's files may not decide themselves."""
    return _stacked(
        click.option(
            "--allow-host",
            "allow_hosts",
            multiple=True,
            metavar="HOST",
            help="Also allow keys to be sent to this host. Repeatable.",
        ),
        click.option("--require-approval", is_flag=True, help="Refuse files that say `approval: none`."),
        click.option("--committed", is_flag=True, help="Count only committed approvals; on when CI is set."),
    )(command)


def _site_options(which: str) -> Callable[[Command], Command]:
    """--target, --exclude, --shard, --changed-since. `which` says what the first two take."""
    return _stacked(
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="WHAT",
            shell_complete=completed_by("complete_targets"),
            help=f"Only these: {which}, or a glob. Repeatable.",
        ),
        click.option(
            "--exclude",
            "excludes",
            multiple=True,
            metavar="WHAT",
            shell_complete=completed_by("complete_targets"),
            help="Skip these (same syntax as --target). Repeatable.",
        ),
        click.option(
            "--shard",
            metavar="K/N",
            callback=_shard,
            help="Only shard K of N, a fixed share of the sites. auto: this CI job's shard.",
        ),
        click.option(
            "--changed-since",
            metavar="REV",
            help="Only sites whose files have changed since the branch diverged from this git revision (their merge "
            "base).",
        ),
    )


site_options = _site_options("a site name, label:team=emea, an address (shop/settings)")
post_options = _site_options("a site name, label:team=emea, an address (shop/draft[ID])")
"""For a command about posts."""
whole_site_options = _site_options("a site name, label:team=emea")
"""For a command on whole sites."""


parallelism = click.option(
    "--parallelism",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Number of sites processed in parallel; overrides the project's.",
)


def _workers(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | str | None:
    if value is None:
        return None
    from reconciler.library.runs import wrong_workers

    asked = int(value) if value.isdecimal() else value
    if wrong := wrong_workers(asked):
        raise click.BadParameter(f"{in_quotes(value)} {wrong}.")
    return asked


workers = click.option(
    "--workers",
    metavar="N|URL",
    callback=_workers,
    help="Spread the sites over N processes, or over the Dask cluster at tls://HOST:PORT.",
)


quiet = click.option("--quiet", is_flag=True, help="In text output, show only problems and the last line.")


def detail_options(command: Command) -> Command:
    """--explain, --quiet, --summary, --sites: how much the text on the screen says."""
    return _stacked(
        click.option("--explain", is_flag=True, help="Show addresses, preconditions, API calls and what was read."),
        quiet,
        click.option(
            "--summary", is_flag=True, help="In text output, show only the header, problems, table and last line."
        ),
        click.option("--sites", is_flag=True, help="If several sites are shown together, list them all."),
    )(command)


def plan_options(command: Command) -> Command:
    """How a plan is made and shown."""
    return _stacked(
        click.option(
            "--regenerate",
            multiple=True,
            metavar="SITE",
            shell_complete=completed_by("complete_sites"),
            help="Regenerate this site's marketing plan. Repeatable.",
        ),
        click.option("--no-publish", is_flag=True, help="Leave everything public out of the plan."),
        click.option("--strict", is_flag=True, help="Refuse blocked items (exit code 4); fail on file warnings."),
        detail_options,
        parallelism,
    )(command)


_LOCK_TIMES = "30s or 5m"

lock_timeout = click.option(
    "--lock-timeout",
    default="0s",
    metavar="TIME",
    callback=lambda _ctx, _param, value: _duration(value, _LOCK_TIMES),
    help=f"How long to wait for another run's lock, such as {_LOCK_TIMES}.",
)


def _duration(text: str, like: str) -> timedelta:
    from reconciler.config.times import duration

    try:
        return duration(text, like=like)
    except ValueError as error:
        raise click.BadParameter(f"{in_quotes(text)} {error}") from None


def run_options(paths: Sequence[Path], **given: Any) -> RunOptions:
    """The options of a command as one value. An option that a command does not have counts as not given.

    Raises UsageError if two of them exclude each other.
    """
    return RunOptions(
        paths=tuple(paths),
        choice=site_filter_of(given),
        shown=output_options_of(given, paths),
        invocation=invocation_of(given),
        regenerate=tuple(given.get("regenerate", ())),
        publish=not given.get("no_publish", False),
        strict=given.get("strict", False),
    )


def options_of_writing(folder: Path, **given: Any) -> RunOptions:
    """The options of a command that writes to a folder. The next command names it unless it is the current one."""
    asked = run_options((folder,), **given)
    if folder != Path():
        return asked
    return replace(asked, shown=replace(asked.shown, again=replace(asked.shown.again, sites=(), paths=())))


def invocation_of(given: Mapping[str, Any]) -> Invocation:
    """The options of `connection_options` and `trust_options`, --parallelism and --workers, with the environment."""
    from reconciler.engine.choice import Invocation

    return Invocation(
        os.environ,
        given.get("api"),
        given.get("state"),
        given.get("parallelism"),
        given.get("workers"),
        tuple(given.get("allow_hosts", ())),
        given.get("require_approval", False),
        given.get("committed") or None,
    )


def site_filter_of(given: Mapping[str, Any]) -> SiteFilter:
    """The options of `site_options`; all sites for a command without them."""
    from reconciler.engine.choice import SiteFilter

    return SiteFilter(
        tuple(given.get("targets", ())),
        tuple(given.get("excludes", ())),
        given.get("shard"),
        given.get("changed_since"),
    )


def output_options_of(given: Mapping[str, Any], paths: Sequence[Path] = ()) -> OutputOptions:
    """The options of `output` and `detail_options`. Raises UsageError if two of them exclude each other."""
    if given.get("quiet") and given.get("summary"):
        from reconciler.model.diagnostics import UsageError

        raise UsageError("--quiet and --summary cannot be combined", "leave one of them out")
    return OutputOptions(
        outputs_of(given["outputs"]),
        not given.get("no_color", False),
        **{name: given.get(name, False) for name in ("explain", "quiet", "summary", "sites")},
        again=_again(given, paths),
    )


def applied_elsewhere(shown: OutputOptions, file: Path, folder: str, state: str | None) -> OutputOptions:
    """The same options for a plan saved to `file` (a full path) whose project is not the current one, but in `folder`.

    An empty `folder` means that it is not known.
    """
    from reconciler.config.discovery import absolute_path

    again = replace(shown.again, folder=folder)
    if state is not None and "://" not in state:
        reaching = tuple(str(absolute_path(Path(word))) if word == state else word for word in again.reaching)
        again = replace(again, reaching=reaching)
    return replace(shown, saved_to=str(file), again=again)


def _again(given: Mapping[str, Any], paths: Sequence[Path]) -> Again:
    """What the next command repeats.

    A saved plan among the paths is not repeated, because it is carried out only once.
    """
    shard: Shard | None = given.get("shard")

    def each(option: str, name: str) -> Iterator[str]:
        value = given.get(name)
        for text in (value,) if isinstance(value, str) else value or ():
            yield from (option, text)

    def flag(option: str, name: str) -> Iterator[str]:
        if given.get(name, False):
            yield option

    return Again(
        paths=tuple(
            not_an_option(str(path)) for path in paths if path.suffix.lower() in (".yaml", ".yml") or not path.is_file()
        ),
        sites=(
            *each("--target", "targets"),
            *each("--exclude", "excludes"),
            *(("--shard", f"{shard.number}/{shard.count}") if shard is not None else ()),
            *each("--changed-since", "changed_since"),
        ),
        reaching=(
            *each("--api", "api"),
            *each("--state", "state"),
            *each("--allow-host", "allow_hosts"),
            *flag("--require-approval", "require_approval"),
            *flag("--committed", "committed"),
        ),
        planning=(
            *each(REGENERATE, "regenerate"),
            *flag("--no-publish", "no_publish"),
            *flag("--strict", "strict"),
        ),
    )


def outputs_of(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """The outputs, with text on the screen unless another format goes there. Raises UsageError."""
    on_screen = [output for output in outputs if output.file is None]
    files = [output.file for output in outputs if output.file]
    if len(on_screen) > 1 or len(set(files)) < len(files):
        raise _clash(on_screen)
    return tuple(outputs) if on_screen else (Output("text"), *outputs)


def _clash(on_screen: Sequence[Output]) -> UsageError:
    """What is wrong with outputs that exclude each other."""
    from reconciler.model.diagnostics import UsageError

    if len(on_screen) > 1:
        names = " and ".join(output.format for output in on_screen)
        return UsageError(
            f"--output: {names} cannot share the screen", "send all but one to files, such as json=plan.json"
        )
    return UsageError("--output: two formats write to the same file", "give each a file of its own")
