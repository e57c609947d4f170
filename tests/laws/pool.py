"""Works through many cases in forked processes, so that every core is used and imports are paid for only once."""

from __future__ import annotations

import gc
import json
import os
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest

Case = TypeVar("Case")

Say: TypeAlias = Callable[[str], None]
"""Prints a line even if output is captured."""

Try: TypeAlias = Callable[[int, Path], str | None]
"""Tries a case in its worker's own folder. None, or why it failed."""

SOME = 29
SOME_OR_ALL = pytest.mark.parametrize(
    "every", [SOME, pytest.param(1, marks=pytest.mark.exhaustive)], ids=["some", "all"]
)
"""A normal run tries a sample of a law's cases; `-m exhaustive` tries all of them."""

BLOCK = 12
"""How many cases one worker takes in a row; neighbours are often alike."""


def some(cases: Sequence[Case], every: int, first: int) -> Sequence[Case]:
    """One of every `every` cases. `first` says which, so that similar stages try different ones."""
    return cases[first % every :: every]


def work_off(count: int, attempt: Try, folder: Path) -> dict[int, str]:
    """Tries `count` cases, all of them. Number of a case -> why it failed."""
    blocks = [range(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]
    workers = min(os.cpu_count() or 1, len(blocks))
    children = []
    for number in range(workers):
        child = fork()
        if child == 0:
            _work([case for block in blocks[number::workers] for case in block], attempt, folder / str(number))
        children.append(child)
    ends = [os.waitpid(child, 0)[1] for child in children]
    assert ends == [0] * workers, ends
    results = [json.loads((folder / f"{number}.json").read_text()) for number in range(workers)]
    assert sum(result["tried"] for result in results) == count
    return {int(case): why for result in results for case, why in result["failures"].items()}


def fork() -> int:
    """`os.fork`, for a child that ends by `os._exit` or SIGKILL.

    The child's garbage collector leaves alone what the parent had: file offsets and `epoll` are shared, so closing a
    file or an event loop that is garbage, but not collected yet, would disturb the parent.
    """
    with warnings.catch_warnings():
        # A test runner may have threads of its own. The child uses nothing of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        gc.disable()
        try:
            child = os.fork()
            if child == 0:
                gc.freeze()
        finally:
            gc.enable()
        return child


def _work(cases: list[int], attempt: Try, folder: Path) -> None:
    """Tries these cases, and writes the figures to a file. Ends the process."""
    status, tried, failures = 1, 0, {}
    try:
        for case in cases:
            try:
                why = attempt(case, folder)
            except Exception as error:  # whatever it is, it is this case's failure
                why = f"{type(error).__name__}: {error}"
            if why is not None:
                failures[case] = why
            tried += 1
        folder.with_suffix(".json").write_text(json.dumps({"tried": tried, "failures": failures}))
        status = 0
    except BaseException:  # nothing of the parent's may run in a forked child, whatever happens
        traceback.print_exc()
    finally:
        os._exit(status)
