"""Where reports go: text or another format on the screen, and files beside it."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, TextIO, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.options import OutputOptions
from reconciler.cli.streams import NamedStream
from reconciler.config.trust import check_target
from reconciler.engine.results import Event
from reconciler.machine import utc_now
from reconciler.model.diagnostics import UsageError
from reconciler.model.text import printable
from reconciler.reporters.context import CallsOf, Detail, Reporter, ReporterContext
from reconciler.reporters.layout import Screen
from reconciler.reporters.registry import FORMATS, make
from reconciler.whole_files import new_mode, replacing

WriteText: TypeAlias = Callable[[str], object]

UNWRAPPED: Final = 1_000_000
"""The width of anything but a terminal."""

WIDEST: Final = 120
"""Text is wrapped at this many columns, however wide the terminal is: longer lines are hard to read."""


LAST_PART: Final = 4096
"""How many bytes at the end of an earlier report are searched for what is carried over to the next run."""


class Reports:
    """All reports of a run, as one reporter.

    `unwritable`: why one of them could not be opened, until that is reported.
    """

    def __init__(self, reporters: Sequence[Reporter], unwritable: UsageError | None = None) -> None:
        self._reporters = list(reporters)
        self.unwritable = unwritable

    def require_all(self) -> None:
        """Raises UsageError if one of the reports could not be opened, so that the others can still show it."""
        unwritable, self.unwritable = self.unwritable, None
        if unwritable is not None:
            raise unwritable

    def handle(self, event: Event) -> None:
        """Passes an event to each report. A report that cannot be written gets no more; the OSError is raised."""
        broken: OSError | None = None
        for reporter in tuple(self._reporters):
            try:
                reporter.handle(event)
            except OSError as error:
                self._reporters.remove(reporter)
                broken = error
        if broken is not None:
            raise broken


def sandbox_picture(url: str) -> str | None:
    """The sandbox's image at an address, as a `data:` URL, because it cannot be fetched.

    None for any other image.
    """
    from reconciler.sandbox.pictures import data_url

    return data_url(url)


@contextmanager
def open_reports(
    command: str,
    shown: OutputOptions,
    *,
    beside: Sequence[Reporter] = (),
    calls_of: CallsOf | None = None,
    asks: bool = False,
    above: Callable[[WriteText], WriteText] = lambda write: write,
) -> Iterator[Reports]:
    """The reports of a command. Files get their names when the run is over, completely or not at all.

    `beside`: extra reporters that see everything first. `asks`: somebody will be asked about what is shown, so text
    goes to stderr if the screen has another format. `above` wraps a function that writes to a terminal, so that its
    text does not run into the progress. Raises UsageError at the end for files that cannot be written, unless
    `require_all` did.
    """
    reporters, folder = list(beside), _folder_of_checkout()
    files: list[_File] = []
    unwritable: list[UsageError] = []

    def add(
        name: str,
        write: Callable[[str], object],
        screen: Screen,
        *,
        on_screen: bool = False,
        apart: bool = False,
        before: str = "",
    ) -> None:
        detail = Detail(shown.quiet, shown.summary, shown.sites, shown.saved_to, shown.again, asks)
        context = ReporterContext(command, write, screen, calls_of, on_screen, apart, sandbox_picture, now=utc_now)
        context = replace(context, detail=detail, before=before, folder=folder)
        if name == "github":
            summary, values = _appending("GITHUB_STEP_SUMMARY"), _appending("GITHUB_OUTPUT")
            context = replace(context, step_summary=summary, step_outputs=values)
        reporters.append(make(name, context))

    try:
        for output in shown.outputs:
            if output.file is None:
                write = _at_once if FORMATS[output.format].followed else sys.stdout.write
                write = above(write) if sys.stdout.isatty() else write
                terminals = sys.stdout.isatty() and sys.stderr.isatty()
                apart = not (terminals or are_one_file(sys.stdout, sys.stderr))
                add(output.format, write, screen_of(sys.stdout, colour=shown.colour), on_screen=True, apart=apart)
                continue
            try:
                files.append(_begin(output.file))
            except UsageError as error:  # no reason to lose the others
                unwritable.append(error)
                continue
            before = _before(files[-1]) if output.format == "openmetrics" else ""
            add(output.format, files[-1].text.write, Screen(UNWRAPPED), before=before)
        if asks and not shows_text(shown):
            add("text", above(sys.stderr.write), screen_of(sys.stderr, colour=shown.colour), on_screen=True)
        reports = Reports(reporters, unwritable[0] if unwritable else None)
        yield reports
        unwritable = [reports.unwritable] if reports.unwritable is not None else []
    finally:
        for file in files:
            try:
                _end(file)
            except UsageError as error:
                unwritable.append(error)
        if unwritable:
            raise unwritable[0]


def are_one_file(first: TextIO, second: TextIO) -> bool:
    """Whether both streams go to the same place, as with `2>&1`."""
    try:
        return os.path.sameopenfile(first.fileno(), second.fileno())
    except OSError:  # one of them is not a file
        return False


def _appending(variable: str) -> Callable[[str], object] | None:
    """Returns a function that appends to the file named by an environment variable; None if it names none.

    Raises UsageError.
    """
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        Path(path).open("a").close()
    except OSError as error:
        where = f"{variable}: {printable(path)}"
        raise UsageError(f"{where}: cannot be written: {error.strerror}", "correct the variable, or unset it") from None

    def append(text: str) -> None:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)

    return append


def _folder_of_checkout() -> str:
    """The working directory, as a path from the top of a CI job's checkout; empty at its top and outside of it."""
    top = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    if not top:
        return ""
    try:
        folder = Path.cwd().relative_to(Path(top).resolve()).as_posix()
    except (OSError, ValueError):  # a working directory that was deleted, or one outside of the checkout
        return ""
    return "" if folder == "." else folder


def _at_once(text: str) -> None:
    """Writes to stdout at once, for a program at the other end of a pipe."""
    sys.stdout.write(text)
    sys.stdout.flush()


def shows_text(shown: OutputOptions) -> bool:
    """Whether stdout has the text format."""
    return any(output.file is None and output.format == "text" for output in shown.outputs)


def screen_of(stream: IO[str], *, colour: bool) -> Screen:
    """What a stream can show. Colours on a terminal or with FORCE_COLOR, but never with NO_COLOR or `--no-color`.

    What is not a terminal is not wrapped, whatever COLUMNS says: `grep` and `less` need whole lines.
    """
    terminal = stream.isatty()
    forced = os.environ.get("FORCE_COLOR", "0") not in ("", "0")
    able = forced or (terminal and os.environ.get("TERM") != "dumb")
    wanted = colour and able and not os.environ.get("NO_COLOR")
    return Screen(UNWRAPPED, wanted, _width if terminal else None)


def _width() -> int:
    from shutil import get_terminal_size

    return max(40, min(WIDEST, get_terminal_size((80, 24)).columns))


class _File(Struct, frozen=True):
    """A file that is being written, and what is done when it is complete. `stream`: it is a device or a pipe."""

    text: IO[str]
    path: Path
    closing: ExitStack
    stream: bool = False


def _begin(path: Path) -> _File:
    check_target("--output", path, os.environ)
    if path.suffix.lower() in (".yaml", ".yml"):
        shown, other = printable(str(path)), printable(path.stem)
        raise UsageError(
            f"--output {shown}: a report cannot be written to a YAML file", f"choose another name, such as {other}.json"
        )
    closing = ExitStack()
    try:
        if path.exists() and not path.is_file():
            return _File(closing.enter_context(_open_stream(path)), path, closing, stream=True)
        out = closing.enter_context(replacing(path, new_mode()))
    except OSError as error:
        raise _unwritable(path, error) from None
    return _File(NamedStream(out, printable(str(path)), newline="\n"), path, closing)


def _before(file: _File) -> str:
    """The end of the report that a new one replaces; empty if there is none, or if it cannot be read."""
    if file.stream:
        return ""
    try:
        with file.path.open("rb") as old:
            old.seek(max(0, file.path.stat().st_size - LAST_PART))
            return old.read(LAST_PART).decode("utf-8", "replace")
    except OSError:
        return ""


def _open_stream(path: Path) -> IO[str]:
    """Opens a device such as /dev/stderr, or a pipe. Raises OSError if the pipe has no reader, and does not wait."""
    try:
        handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nothing reads from this pipe") from None
        raise
    if stat.S_ISBLK(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is a block device")
    if os.name == "posix":
        os.set_blocking(handle, True)
    return NamedStream(os.fdopen(handle, "wb"), printable(str(path)))


def _end(file: _File) -> None:
    """Gives a finished file its name, with the permissions of a new file."""
    try:
        with file.closing:
            file.text.flush()
    except OSError as error:
        raise _unwritable(file.path, error) from None


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"--output {printable(str(path))} cannot be written: {error.strerror}", "choose another file")
