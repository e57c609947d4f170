"""Ends a command that failed outside its own run: a wrong command line, a signal, a full disk, a bug.

Imported only then, so that it slows down no other command.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from reconciler.cli.signals import StoppedEarly, Terminated
from reconciler.engine.verdict import verdict_of
from reconciler.version import __version__

if TYPE_CHECKING:
    from reconciler.cli.options import Output
    from reconciler.model.diagnostics import InvalidFiles, UsageError
    from reconciler.model.verdict import Verdict

CommandNamed: TypeAlias = Callable[[Sequence[str]], str]

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Write errors on a full or broken disk: not a bug in this tool."""


def report_failure(error: BaseException, args: Sequence[str], command_named: CommandNamed) -> Verdict:
    """Reports what ended a command, and returns its verdict. `command_named` finds the command in the arguments."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return verdict_of(error)
        case click.ClickException():
            return _misused(_usage_error(error, args), args, command_named)
        case click.Abort() | KeyboardInterrupt():
            return _stopped(KeyboardInterrupt(), args, command_named)
        case Terminated() | StoppedEarly():
            return _stopped(error, args, command_named)
        case BrokenPipeError():
            _close_stdout()
            return _reader_gone(error, args)
        case SystemExit():  # click ends like this if the reader of a pipe is gone
            return _reader_gone(error, args)
        case OSError(errno=number):
            return _fail_to_write(error) if number in NO_ROOM else _bug(error)
        case Exception():
            return _unexpected(error, args, command_named)
        case _:
            raise error


def after_last_flush(error: OSError, verdict: Verdict) -> Verdict:
    """The verdict of a command whose last output could not be written."""
    if isinstance(error, BrokenPipeError):
        _close_stdout()
        return verdict
    return _fail_to_write(error)


def _reader_gone(error: BrokenPipeError | SystemExit, args: Sequence[str]) -> Verdict:
    """The end of a command whose output nobody reads any more (`| head -1`). All but `apply` have done their job."""
    if args and args[0] == "apply":
        return _fail(error, "standard output was closed, so the run stopped; run it again to finish")
    return verdict_of(error)


def _misused(problem: UsageError, args: Sequence[str], command_named: CommandNamed) -> Verdict:
    """The end of a command whose command line is wrong: reported like any other problem, in every report."""
    from reconciler.model.diagnostics import UsageError

    try:
        if outputs := _reports_named(args):
            from reconciler.cli.options import OutputOptions
            from reconciler.cli.run import CommandRun, reported
            from reconciler.engine.results import ClosingEvent

            def work(_: CommandRun) -> ClosingEvent:
                raise problem

            return reported(command_named(args), OutputOptions(outputs, colour=False), work, harmless=True)
    except UsageError as unwritable:  # the other reports have shown what is wrong
        return _fail(unwritable, str(unwritable))
    return _failed(problem)


def _failed(error: UsageError | InvalidFiles) -> Verdict:
    from reconciler.cli.run import report_alone

    report_alone(error)
    return verdict_of(error)


def _stopped(
    error: KeyboardInterrupt | Terminated | StoppedEarly, args: Sequence[str], command_named: CommandNamed
) -> Verdict:
    """The end of a command that a signal stopped before it had opened its reports: every report says so."""
    from reconciler.cli.options import Output, OutputOptions
    from reconciler.cli.run import CommandRun, ReportsFailed, reported
    from reconciler.engine.results import ClosingEvent

    def work(_: CommandRun) -> ClosingEvent:
        raise error

    try:
        outputs = _reports_named(args) or (Output("text"),)
        return reported(command_named(args), OutputOptions(outputs, colour=False), work, harmless=True)
    except ReportsFailed as unwritable:
        return _fail(unwritable, str(unwritable))


def _usage_error(error: click.ClickException, args: Sequence[str]) -> UsageError:
    """What click found, in two parts: what is wrong, and what to do."""
    from reconciler.model.diagnostics import UsageError

    if isinstance(error, click.NoSuchOption) and error.ctx is not None and (known := _known(error, error.ctx, args)):
        return known
    text = " ".join(error.format_message().split()).rstrip(".")
    text = re.sub(r" is not one of (.*)$", lambda found: f" must be one of: {found[1].replace(chr(39), '')}", text)
    message, _, fix = re.sub(r"\. Choose from: ?", "; choose one of: ", text).partition("; ")
    if close := re.search(r"[. ]+\(?Did you mean (?:one of: )?(.*)\?\)?$", message):
        first, comma, last = close[1].rpartition(", ")
        message, fix = message[: close.start()], f"did you mean {first}{' or ' if comma else ''}{last}?"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and (close or not fix):
        fix = f"{fix} Try {context.command_path} --help" if fix else f"try {context.command_path} --help"
    return UsageError(message, fix)


def _known(error: click.NoSuchOption, ctx: click.Context, args: Sequence[str]) -> UsageError | None:
    """What is wrong with an option that has only one dash or belongs only to other commands; None for any other."""
    from reconciler.config.words import listed
    from reconciler.model.diagnostics import UsageError
    from reconciler.model.plurals import some_of
    from reconciler.model.text import in_quotes

    own = _options(ctx.command)
    for typed in (arg.partition("=")[0] for arg in args):
        if typed.startswith(error.option_name) and f"-{typed}" in own:
            return UsageError(f"No such option {in_quotes(typed)}", f"write -{typed}, with two dashes")
    takers = [name for name, command in _commands(ctx.find_root()) if error.option_name in _options(command)]
    if not takers or not error.option_name.startswith("--"):
        return None
    have = listed(takers, "and") if len(takers) <= 3 else some_of(takers, 3)
    what = f"No such option {in_quotes(error.option_name)}; it is an option of {have}"
    return UsageError(what, f"try {ctx.command_path} --help" if ctx.parent else "write it after the command")


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def _commands(ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group, with the words that call it."""
    group = ctx.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            inner = click.Context(command, parent=ctx, info_name=name)
            yield from ((f"{name} {word}", below) for word, below in _commands(inner))


def _reports_named(args: Sequence[str]) -> tuple[Output, ...]:
    """The reports that a command line asks for, as far as it can be understood."""
    from reconciler.cli.options import output_of

    values = [value for option, value in zip(args, (*args[1:], ""), strict=True) if option == "--output"]
    values += [arg.removeprefix("--output=") for arg in args if arg.startswith("--output=")]
    found: dict[Path | None, Output] = {}
    for value in values:
        try:
            output = output_of(value)
        except click.BadParameter:
            continue
        found.setdefault(output.file, output)
    return tuple(found.values())


def _unexpected(error: Exception, args: Sequence[str], command_named: CommandNamed) -> Verdict:
    """Reports a command that failed before it had reports, or because they cannot be written."""
    from reconciler.cli.run import ReportsFailed
    from reconciler.model.diagnostics import InvalidFiles, UsageError

    match error:
        case InvalidFiles():
            return _failed(error)
        case ReportsFailed():
            return _fail(error, str(error))
        case UsageError():
            return _misused(error, args, command_named)
        case _:
            return _bug(error)


def _fail_to_write(error: OSError) -> Verdict:
    _close_stdout()
    where = f" to {error.filename}" if error.filename else ""
    return _fail(error, f"cannot write{where}: {error.strerror}; free some space, then run again")


def _close_stdout() -> None:
    """Keeps the interpreter from complaining about a vanished reader when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _fail(error: Exception | SystemExit, message: str) -> Verdict:
    say([f"Error: {message}"])
    return verdict_of(error)


def say(messages: Iterable[str]) -> None:
    """Messages on stderr. Their own line breaks stay; everything else that could act on a terminal is removed."""
    from reconciler.reporters.layout import inert_lines

    for message in messages:
        for line in inert_lines(message):
            click.echo(line, err=True)


def _bug(error: Exception) -> Verdict:
    if os.environ.get("RECONCILER_DEBUG"):
        import traceback

        traceback.print_exception(error)
    say(
        [
            f"This is a bug in reconciler {__version__}: {type(error).__name__}: {error}",
            "Please report it in the project's issue tracker, with this text and the command you ran.",
            "RECONCILER_DEBUG=1 shows where it happened.",
        ]
    )
    return verdict_of(error)
