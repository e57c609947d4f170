"""One command from its reports to its verdict: whatever happens becomes an event, and reaches every format.

Imports only what every command needs: `validate` reads no site.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.options import OutputOptions
from reconciler.cli.outputs import are_one_file, open_reports, screen_of, shows_text
from reconciler.cli.signals import Interrupts, SignalPause, StoppedEarly, Terminated, alongside, run
from reconciler.engine.how_far import HowFar
from reconciler.engine.results import ClosingEvent, Emit, Ended, FilesInvalid, Notice, RunFailed
from reconciler.engine.verdict import verdict_of
from reconciler.machine import since_boot, sleep
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.verdict import Verdict
from reconciler.reporters.problems import ProblemReporter
from reconciler.reporters.progress import Progress, Watch

if TYPE_CHECKING:
    from reconciler.model.operations import Operation
    from reconciler.model.sites import SiteRef

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE})
"""Write errors if the disk is full or broken, or nobody is reading any more: not a bug in this tool."""


class ReportsFailed(UsageError):
    """A report could not be opened or finished. What the run itself did stays done."""


class CommandRun:
    """A run in progress: where it reports, and whether it was asked to end.

    `show_notices` shows the notices held back to be grouped with others like them, so that people see them before they
    are asked. `far` is how far it got.
    """

    def __init__(
        self,
        emit: Emit,
        progress: Progress,
        signal_pause: SignalPause,
        show_notices: Callable[[], None],
        far: HowFar,
    ) -> None:
        self.emit = emit
        self.progress = progress
        self.show_notices = show_notices
        self.far = far
        self.interrupts = Interrupts(signal_pause)

    def run(self, work: Coroutine[Any, Any, ClosingEvent]) -> ClosingEvent:
        """Runs the work, shows progress, and returns its closing event. Raises StoppedEarly if a signal cancels it."""
        beside = self.progress.keep_alive()
        # A signal may come before any of them begins.
        with contextlib.closing(work), contextlib.closing(beside), contextlib.closing(alongside(work, beside)) as both:
            return run(both, self.interrupts)


def reported(
    command: str,
    shown: OutputOptions,
    work: Callable[[CommandRun], ClosingEvent],
    *,
    detailed: bool = False,
    asks: bool = False,
    harmless: bool = False,
) -> Verdict:
    """Runs a command and returns its verdict. Its work emits the closing event that it returns.

    If a report cannot be opened, nothing is done, and the other reports say so; `harmless` work runs all the same.
    Raises ReportsFailed if a report cannot be opened or finished, and OSError if writing to it fails during the run.
    """
    try:
        return _reported(command, shown, work, detailed=detailed, asks=asks, harmless=harmless)
    except UsageError as error:  # what is wrong with the work itself is in the reports
        raise ReportsFailed(error.message, error.fix, error.place) from None


def _reported(
    command: str,
    shown: OutputOptions,
    work: Callable[[CommandRun], ClosingEvent],
    *,
    detailed: bool,
    asks: bool,
    harmless: bool,
) -> Verdict:
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"  # such a terminal cannot erase what it shows
    progress = Progress(Watch(since_boot, sleep), sys.stderr.write, terminal=terminal, quiet=shown.quiet)
    calls_of = names_of_calls if shown.explain else None
    screen = screen_of(sys.stderr, colour=False)
    text_seen = sys.stdout.isatty() or are_one_file(sys.stdout, sys.stderr)
    seen = text_seen if shows_text(shown) else asks  # the text report, with its last line
    far = HowFar()
    stderr = progress.above(sys.stderr.write)
    problems = ProblemReporter(
        stderr,
        screen,
        list_sites=shown.sites,
        has_text=shows_text(shown),
        has_notes=not (shown.quiet or shown.summary),
        interrupted=None if seen else command,
    )
    first = (far, progress, problems)
    with (
        SignalPause(since_boot) as signal_pause,
        open_reports(command, shown, beside=first, calls_of=calls_of, asks=asks, above=progress.above) as reports,
    ):
        running = CommandRun(reports.handle, progress, signal_pause, problems.show_held, far)
        number: int | None = None
        try:
            if not harmless:
                reports.require_all()
            closing = work(running)
            number = running.interrupts.signal
        except OSError as error:
            if error.errno in NO_ROOM:
                reports.handle(Ended(verdict_of(error)))
                raise
            closing = _unexpected(error, reports.handle, far)
        except Exception as error:
            closing = _unexpected(error, reports.handle, far)
            number = error.signal if isinstance(error, StoppedEarly) else None
        except (KeyboardInterrupt, Terminated) as error:
            signal_pause.begin()
            reports.handle(closing := far.interrupted())
            number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
        signal_pause.begin()
        verdict = verdict_of(closing, detailed=detailed, signal=number)
        reports.handle(Ended(verdict))
        sys.stdout.flush()
    return verdict


def report_alone(error: UsageError | InvalidFiles) -> None:
    """Reports on stderr what ended a command before it had any reports."""
    ProblemReporter(sys.stderr.write, screen_of(sys.stderr, colour=False)).handle(
        FilesInvalid(error.problems) if isinstance(error, InvalidFiles) else _failed(error)
    )


def _unexpected(error: Exception, emit: Emit, far: HowFar) -> ClosingEvent:
    """Reports a run that an exception ended."""
    closing: ClosingEvent
    match error:
        case InvalidFiles(problems=problems, warnings=warnings):
            for warning in warnings:
                emit(Notice(warning))
            closing = FilesInvalid(problems)
        case StoppedEarly() | click.Abort():
            closing = far.interrupted()
        case _:
            closing = _failed(error)
    emit(closing)
    return closing


def _failed(error: Exception) -> ClosingEvent:
    import traceback

    from reconciler.engine.problems import BUG, diagnostic_of
    from reconciler.engine.results import Refused
    from reconciler.state.lease import Locked

    problem = diagnostic_of(error)
    if isinstance(error, Locked):
        return Refused(diagnostic_of(error, error.lock.site.name))
    if problem.code == BUG and os.environ.get("RECONCILER_DEBUG"):
        traceback.print_exception(error)
    return RunFailed(problem)


def names_of_calls(operation: Operation, site: SiteRef) -> tuple[str, ...]:
    """The API calls of an operation, with their bodies."""
    from reconciler.api.calls import all_calls_of
    from reconciler.model.canonical import canonical_text

    calls = all_calls_of(operation, site)
    return tuple(f"{call} {canonical_text(call.body) if call.body is not None else ''}".rstrip() for call in calls)
