"""The entry point: finds the command, and turns the way it ended into an exit code.

Imports click and nothing heavy. The commands are in a table with their summaries, so that `--help` imports none of
them.
"""

from __future__ import annotations

import atexit
import errno
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import click

from reconciler.cli.signals import StoppedEarly, Terminated
from reconciler.cli.streams import STANDARD_OUTPUT, NamedStream
from reconciler.model.plurals import plural
from reconciler.model.verdict import Verdict, interrupted_by
from reconciler.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reconciler.cli.options import Output
    from reconciler.model.diagnostics import UsageError

COMMANDS: Final[dict[str, str]] = {
    "init": "Write a starter project.",
    "import": "Write site files for live sites.",
    "validate": "Check files offline and list all problems at once.",
    "plan": "Read the sites and show what would change.",
    "apply": "Make a plan, ask, and carry it out; or carry out a saved plan exactly.",
    "drift": "Audit the sites: what changed, and on which side.",
    "review": "Write drafts to files for review.",
    "approve": "Decide on the drafts that `review` wrote.",
    "history": "List what went out, when, and who approved it.",
    "show": "Render a saved plan in any format.",
    "merge": "Merge the plans or JSON reports of all shards into one.",
    "doctor": "Check credentials, access, sites and state.",
    "state": "Inspect and repair the state.",
    "schema": "Print the JSON Schema of a file.",
    "sandbox": "Serve, inspect or reset the sandbox, an emulator of the API.",
    "completion": "Print a completion script for a shell.",
    "version": "Print the version.",
}
"""Each command with its summary, in the order of first use; the command is in `commands/<name>.py`."""

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of writing to a full or broken disk: not a bug of this tool."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they run."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with the given text, from the table; click would import them all."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            from reconciler.model.text import in_quotes

            near = get_close_matches(args[0], COMMANDS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command {in_quotes(args[0])}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 error, 2 changes (with --detailed-exitcode) or drift, 3 incomplete, "
    "4 refused by a guard.",
)
@click.version_option(__version__, "-V", "--version", message="reconciler %(version)s", help="Print the version.")
def cli() -> None:
    """Plan and apply changes to the AI marketing plans of many websites.

    One YAML file per site says what its marketing plan should be. `plan` shows
    what would change, and `apply` makes it so.
    """


def run(args: Sequence[str]) -> int:
    """Runs a command line and returns its exit code. Writes to stdout and stderr, and never raises."""
    try:
        result = cli.main(args=list(args), prog_name="reconciler", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else Verdict.SUCCEEDED.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Verdict.FAILED.exit_code
    except click.ClickException as error:
        return _misused(_usage_error(error), args)
    except (click.Abort, KeyboardInterrupt):
        return _stopped(KeyboardInterrupt(), args)
    except Terminated as error:
        return _stopped(error, args)
    except BrokenPipeError:
        _close_stdout()
        return _reader_gone(args)
    except OSError as error:
        return _fail_to_write(error) if error.errno in NO_ROOM else _bug(error)
    except SystemExit as end:  # click ends like this when it has completed a word, or if the reader of a pipe is gone
        return _reader_gone(args) if end.code else Verdict.SUCCEEDED.exit_code
    except Exception as error:
        return _unexpected(error, args)


def _reader_gone(args: Sequence[str]) -> int:
    """The end of a command whose output nobody reads any more (`| head -1`). One that only looks was of use before."""
    if args[0] == "apply":
        return _fail("standard output was closed, so the run stopped; run it again to finish")
    return Verdict.FAILED.exit_code


def _misused(problem: UsageError, args: Sequence[str]) -> int:
    """The end of a command line that could not be understood: reported like any other problem, in every report."""
    from reconciler.model.diagnostics import UsageError

    try:
        if outputs := _reports_named(args):
            from reconciler.cli.options import OutputOptions
            from reconciler.cli.run import CommandRun, reported
            from reconciler.engine.results import ClosingEvent

            def work(_: CommandRun) -> ClosingEvent:
                raise problem

            return reported(_command_named(args), OutputOptions(outputs, colour=False), work, harmless=True)
    except UsageError as unwritable:  # the other reports have shown what is wrong
        return _fail(str(unwritable))
    return _fail(str(problem))


def _stopped(error: KeyboardInterrupt | Terminated, args: Sequence[str]) -> int:
    """The end of a command that a signal ended before it had opened its reports: it is in every report."""
    from reconciler.cli.options import Output, OutputOptions
    from reconciler.cli.run import CommandRun, ReportsFailed, reported
    from reconciler.engine.results import ClosingEvent

    def work(_: CommandRun) -> ClosingEvent:
        raise error

    try:
        outputs = _reports_named(args) or (Output("text"),)
        return reported(_command_named(args), OutputOptions(outputs, colour=False), work, harmless=True)
    except ReportsFailed as unwritable:
        return _fail(str(unwritable))


def _usage_error(error: click.ClickException) -> UsageError:
    """What click found, in two parts: what is wrong, and what to do."""
    from reconciler.model.diagnostics import UsageError

    text = " ".join(error.format_message().split()).rstrip(".")
    text = re.sub(r" is not one of (.*)$", lambda found: f" must be one of: {found[1].replace(chr(39), '')}", text)
    message, _, fix = re.sub(r"\. Choose from: ?", "; choose one of: ", text).partition("; ")
    if close := re.search(r"[. ]+\(?Did you mean (?:one of: )?(.*)\?\)?$", message):
        first, comma, last = close[1].rpartition(", ")
        message, fix = message[: close.start()], f"did you mean {first}{' or ' if comma else ''}{last}?"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and (close or not fix):
        fix = f"{fix} See: {context.command_path} --help" if fix else f"see: {context.command_path} --help"
    return UsageError(message, fix)


def _command_named(args: Sequence[str]) -> str:
    """`plan`, `state list`: the command that a command line is for, as far as it can be understood."""
    name = args[0] if args else ""
    if name in COMMANDS:
        command = importlib.import_module(f"reconciler.cli.commands.{name}").command
        if isinstance(command, click.Group):
            return " ".join((name, *(arg for arg in args[1:2] if arg in command.commands)))
    return name


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


def _unexpected(error: Exception, args: Sequence[str]) -> int:
    """Reports a command that failed before it had reports, or because they cannot be written."""
    from reconciler.cli.run import ReportsFailed
    from reconciler.model.diagnostics import InvalidFiles, UsageError
    from reconciler.reporters.diagnostics import sentence

    match error:
        case InvalidFiles(problems=problems):
            _say(sentence(problem) for problem in problems)
            files = len({problem.file for problem in problems})
            return _fail(f"{plural(len(problems), 'problem')} in {plural(files, 'file')}; nothing was done")
        case ReportsFailed():
            return _fail(str(error))
        case UsageError():
            return _misused(error, args)
        case StoppedEarly(signal=number):
            click.echo("Interrupted.", err=True)
            return interrupted_by(number).exit_code
        case _:
            return _bug(error)


def entry_point() -> NoReturn:
    """The `reconciler` command."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_closed_streams()
    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        out = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115 - open as long as the process
        sys.stdout = NamedStream(out, STANDARD_OUTPUT, sys.stdout.encoding, at_once=sys.stdout.write_through)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a letter is not a bug. What is written into a file or a pipe is there at once:
            # a run that is killed has shown its plan, and every site that it finished.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
    except OSError as error:
        code = _fail_to_write(error)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Ends the process as `sys.exit` does, but without tearing down its modules: nobody needs their memory any more.

    Exit handlers are called, and buffered output is written. If other people's code, threads or processes are running,
    the interpreter ends them in its own order.
    """
    threading = sys.modules.get("threading")
    if (threading and threading.active_count() > 1) or not _OTHERS.isdisjoint(sys.modules):
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


_OTHERS: Final = frozenset({"importlib.metadata", "multiprocessing"})
"""Modules imported by code that starts policy checks, object stores or processes, which may write files at exit."""


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _open_closed_streams() -> None:
    """Discards output to a closed stream (`>&-`), so that no file of a run takes that stream's number."""
    unseen = sys.stdout is None
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    if unseen:
        _say(["warning: standard output is closed, so nothing that is printed there is shown"])


def _fail_to_write(error: OSError) -> int:
    _close_stdout()
    where = f" to {error.filename}" if error.filename else ""
    return _fail(f"cannot write{where}: {error.strerror}; free some space, then run again")


def _close_stdout() -> None:
    """Keeps the interpreter from complaining about a vanished reader when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _fail(message: str) -> int:
    _say([f"Error: {message}"])
    return Verdict.FAILED.exit_code


def _say(messages: Iterable[str]) -> None:
    """Messages on stderr. Their own line breaks stay; everything else that could act on a terminal is removed."""
    from reconciler.reporters.layout import inert_lines

    for message in messages:
        for line in inert_lines(message):
            click.echo(line, err=True)


def _bug(error: Exception) -> int:
    if os.environ.get("RECONCILER_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _say(
        [
            f"This is a bug in reconciler {__version__}: {type(error).__name__}: {error}",
            "Please report it in the project's issue tracker, with this text and the command you ran.",
            "RECONCILER_DEBUG=1 shows where it happened.",
        ]
    )
    return Verdict.FAILED.exit_code
