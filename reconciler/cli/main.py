"""The entry point: finds the command, and ends the process with the exit code of its verdict.

Imports click and nothing heavy. The commands are in a table with their summaries, so that `--help` imports none of
them.
"""

from __future__ import annotations

import atexit
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import click

from reconciler.cli.signals import Terminated
from reconciler.cli.streams import STANDARD_OUTPUT, NamedStream
from reconciler.engine.verdict import verdict_of
from reconciler.model.verdict import Verdict
from reconciler.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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


COMPLETE: Final = "_RECONCILER_COMPLETE"
"""The variable with which a shell's completion script asks for words."""


class FittingContext(click.Context):
    """A context whose help fits the terminal."""

    def make_formatter(self) -> click.HelpFormatter:
        from reconciler.cli.help_format import HelpFormatter

        return HelpFormatter(width=self.terminal_width, max_width=self.max_content_width)


class LazyGroup(click.Group):
    """A group whose commands are imported only when they run."""

    context_class = FittingContext

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        for fitted in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            fitted.context_class = FittingContext
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
    verdict = _verdict(args)
    try:
        sys.stdout.flush()
    except OSError as error:
        from reconciler.cli.failures import after_last_flush

        verdict = after_last_flush(error, verdict)
    return verdict.exit_code


def _verdict(args: Sequence[str]) -> Verdict:
    try:
        result = cli.main(args=list(args), prog_name="reconciler", complete_var=COMPLETE, standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, Terminated, SystemExit) as error:
        if not os.environ.get(COMPLETE):
            from reconciler.cli.failures import report_failure

            return report_failure(error, args, _command_named)
        result = None  # click ends like this when it has completed a word, and nothing may be printed while people type
    return result if isinstance(result, Verdict) else verdict_of(None)


def _command_named(args: Sequence[str]) -> str:
    """`plan`, `state list`: the command that a command line is for, as far as it can be understood."""
    name = args[0] if args else ""
    if name in COMMANDS:
        command = importlib.import_module(f"reconciler.cli.commands.{name}").command
        if isinstance(command, click.Group):
            return " ".join((name, *(arg for arg in args[1:2] if arg in command.commands)))
    return name


def entry_point() -> NoReturn:
    """The `reconciler` command."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_closed_streams()
    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        out = open(sys.stdout.fileno(), "wb", closefd=False)  # noqa: SIM115 - open until the process ends
        sys.stdout = NamedStream(out, STANDARD_OUTPUT, sys.stdout.encoding, at_once=sys.stdout.write_through)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character is not a bug. Each line goes to a file or a pipe at once, so that
            # even a run that is killed leaves its plan and the sites that it finished.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """Ends the process as `sys.exit` does, but without tearing down its modules: the system frees their memory.

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
"""If one of these is loaded, policy checks, object stores or processes may be in use: they may write files at exit."""


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _open_closed_streams() -> None:
    """Discards output to a closed stream (`>&-`), so that no file of a run takes that stream's number."""
    unseen = sys.stdout is None
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115 - open until the process ends
    if unseen:
        from reconciler.cli.failures import say

        say(["warning: standard output is closed, so nothing that is printed there is shown"])
