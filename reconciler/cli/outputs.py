"""Where reports go: text or another format on the screen, and files beside it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from reconciler.cli.exit_codes import ExitCode, Interrupted
from reconciler.cli.options import Output
from reconciler.model.diagnostics import UsageError
from reconciler.model.text import printable
from reconciler.reporters.layout import Screen
from reconciler.reporters.registry import make
from reconciler.reporters.results import (
    ApplySummary,
    CallsOf,
    Checked,
    DriftResult,
    DriftSummary,
    PlanSummary,
    Reporter,
    SavedAs,
    Setting,
    SiteResult,
)

WIDEST: Final = 120
"""Columns that text is wrapped at, however wide the terminal is: longer lines are hard to read."""


class Reports:
    """All reports of a run, as one reporter."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = tuple(reporters)
        self._ended = False

    def site(self, result: SiteResult) -> None:
        for reporter in self._reporters:
            reporter.site(result)

    def planned(self, summary: PlanSummary) -> None:
        for reporter in self._reporters:
            reporter.planned(summary)
        sys.stdout.flush()

    def refused(self, reason: str, exit_code: int) -> None:
        self._ended = True
        for reporter in self._reporters:
            reporter.refused(reason, exit_code)

    def applied(self, summary: ApplySummary) -> None:
        self._ended = True
        for reporter in self._reporters:
            reporter.applied(summary)

    def valid(self, checked: Checked) -> None:
        self._ended = True
        for reporter in self._reporters:
            reporter.valid(checked)

    def saved(self, saved: SavedAs) -> None:
        for reporter in self._reporters:
            reporter.saved(saved)

    def site_drift(self, result: DriftResult) -> None:
        for reporter in self._reporters:
            reporter.site_drift(result)

    def drifted(self, summary: DriftSummary) -> None:
        self._ended = True
        for reporter in self._reporters:
            reporter.drifted(summary)

    def aborted(self, message: str, exit_code: int) -> None:
        if not self._ended:
            for reporter in self._reporters:
                reporter.aborted(message, exit_code)


@contextmanager
def open_reports(
    command: str,
    outputs: Sequence[Output],
    *,
    colour: bool,
    calls_of: CallsOf | None = None,
    asks: bool = False,
) -> Iterator[Reports]:
    """The reports of a command. Files appear under their names when the run is over, whole or not at all.

    `asks`: somebody will be asked about what is shown, so text goes to stderr where the screen has another
    format. A report learns of the error that ends its run. Raises UsageError for files that cannot be written.
    """
    reporters: list[Reporter] = []
    files: list[_File] = []

    def add(name: str, write: Callable[[str], object], screen: Screen) -> None:
        reporters.append(make(name, Setting(command, write, screen, calls_of)))

    try:
        for output in outputs:
            if output.file is None:
                add(output.format, sys.stdout.write, screen_of(sys.stdout, colour=colour))
                continue
            files.append(_begin(output.file))
            add(output.format, files[-1].text.write, Screen())
        if asks and not any(one.file is None and one.format == "text" for one in outputs):
            add("text", sys.stderr.write, screen_of(sys.stderr, colour=colour))
        reports = Reports(reporters)
        try:
            yield reports
        except BaseException as error:
            reports.aborted(_words(error), _code_of(error))
            raise
    finally:
        for file in files:
            _end(file)


def screen_of(stream: IO[str], *, colour: bool) -> Screen:
    """What a stream can show. Colours only on a terminal, and never against NO_COLOR or `--no-color`."""
    from shutil import get_terminal_size

    terminal = stream.isatty()
    wanted = colour and terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(max(40, min(WIDEST, get_terminal_size((80, 24)).columns)), wanted)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _code_of(error: BaseException) -> int:
    return error.code if isinstance(error, Interrupted) else ExitCode.ERROR


class _File(Struct, frozen=True):
    """A file that is being written; `hidden` is where it is until it is whole, None for a device or a pipe."""

    text: IO[str]
    path: Path
    hidden: Path | None


def _begin(path: Path) -> _File:
    try:
        if path.exists() and not path.is_file():
            return _File(path.open("w", encoding="utf-8"), path, None)
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed and renamed in _end
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        )
    except OSError as error:
        raise _unwritable(path, error) from None
    return _File(file, path, Path(file.name))


def _end(file: _File) -> None:
    """Gives a finished file its name, with the permissions that a new file has."""
    try:
        file.text.close()
        if file.hidden is not None:
            mask = os.umask(0)
            os.umask(mask)
            file.hidden.chmod(0o666 & ~mask)
            file.hidden.replace(file.path)
    except OSError as error:
        raise _unwritable(file.path, error) from None


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"--output {printable(str(path))}: cannot be written: {error.strerror}; choose another file")
