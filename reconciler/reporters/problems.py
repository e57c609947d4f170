"""What people are told on stderr, whatever the format of the report: problems, notices, an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from reconciler.engine.results import Event, FilesInvalid, Interrupted, Notice, RunFailed
from reconciler.reporters.diagnostics import notice_line, sentence
from reconciler.reporters.layout import inert_lines
from reconciler.reporters.plurals import plural


class ProblemReporter:
    """Writes a line for each problem that no site is about; their own line breaks stay."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def handle(self, event: Event) -> None:
        """Everything else is for the reports."""
        for line in problem_lines(event):
            for part in inert_lines(line):
                self._write(f"{part}\n")


def problem_lines(event: Event) -> Iterator[str]:
    """The lines of an event that is told on stderr; none for another one."""
    match event:
        case Notice(problem=problem):
            yield notice_line(problem)
        case FilesInvalid() | RunFailed() | Interrupted():
            yield from closing_lines(event)
        case _:
            return


def closing_lines(event: FilesInvalid | RunFailed | Interrupted) -> Iterator[str]:
    """How a run ended that had nothing to show."""
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
