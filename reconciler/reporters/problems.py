"""What people are told on stderr, whatever the format of the report: problems, notices, an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.engine.results import Event, FilesInvalid, Interrupted, Notice, RunFailed
from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.diagnostics import cause, notice_line, sentence
from reconciler.reporters.layout import inert_lines
from reconciler.reporters.plurals import plural

MOST_FILES: Final = 5
"""How many more files with the same problem are named; the rest are counted."""


class ProblemReporter:
    """Writes a line for each problem that is not about a site; its own line breaks stay.

    Notices about files wait for the next event of another kind, so that the same notice about many files appears once.
    If other notices in a row have the same fix, only the first shows it.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._about_files: dict[tuple[str, str], list[Diagnostic]] = {}
        self._fix: tuple[str, str] = ("", "")

    def handle(self, event: Event) -> None:
        """Handles an event; everything else is for the reports."""
        match event:
            case Notice(problem=problem) if problem.place is not None:
                self._about_files.setdefault((problem.severity, cause(problem)), []).append(problem)
                return
            case Notice(problem=problem):
                said, self._fix = self._fix, (problem.code, problem.fix)
                self._lines((notice_line(replace(problem, fix="") if said == self._fix else problem),))
            case _:
                self._fix = ("", "")
        for same in self._about_files.values():
            self._lines((f"{notice_line(same[0])}{_and_more(same)}",))
        self._about_files.clear()
        if isinstance(event, FilesInvalid | RunFailed | Interrupted):
            self._lines(closing_lines(event))

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            for part in inert_lines(line):
                self._write(f"{part}\n")


def _and_more(same: Sequence[Diagnostic]) -> str:
    """In how many other files, or in how many other places of one file, the same problem occurs."""
    if len(same) == 1:
        return ""
    files = sorted({problem.file for problem in same} - {same[0].file})
    if files:
        named = files[:MOST_FILES]
        if len(files) > MOST_FILES:
            named.append(plural(len(files) - MOST_FILES, "more file"))
        return f" (the same in {', '.join(named)})"
    return f" (the same at {plural(len(same) - 1, 'more place')} of this file)"


def closing_lines(event: FilesInvalid | RunFailed | Interrupted) -> Iterator[str]:
    """How a run that had nothing to show ended."""
    from reconciler.engine.problems import BUG

    match event:
        case FilesInvalid(problems=problems):
            yield from (sentence(problem) for problem in problems)
            files = len({problem.file for problem in problems})
            yield f"Error: {plural(len(problems), 'problem')} in {plural(files, 'file')}; nothing was done"
        case RunFailed(problem=problem) if problem.code == BUG:
            yield sentence(problem)
        case RunFailed(problem=problem):
            yield f"Error: {sentence(problem)}"
        case Interrupted():
            yield "Interrupted."
        case _:
            assert_never(event)
