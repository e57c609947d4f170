"""The project's `sandbox.yaml`: what it says, and everything that is wrong with it, at its place in the file.

It is YAML as the other files of a project are. What it means is checked by the sandbox itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciler.config.discovery import shown_path
from reconciler.config.documents import Document
from reconciler.config.problems import Problems
from reconciler.config.words import KeyPath
from reconciler.config.yaml_source import only_document
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, problem
from reconciler.sandbox.seed import read_seed
from reconciler.sandbox.seed_values import SeedError

INVALID_SANDBOX: Final = "invalid-sandbox"
"""The code of a problem with what the file says."""

MAX_WEIGHT: Final = 500_000
"""The limit for the file with its anchors expanded, as in yaml_reader.py: it can hold many sites."""

KEYS_IN_PROCESS: Final = Diagnostic(
    INVALID_SANDBOX,
    "keys: `api: sandbox` sends none, because it needs no credentials",
    "leave `keys` out; or run `reconciler sandbox serve`, and give its URL with --api",
)
"""A run with `api: sandbox` sends no key, so a sandbox that asks for one refuses all its requests."""


@contextmanager
def seed_in(file: Path, *, in_process: bool) -> Iterator[Any]:
    """What a sandbox.yaml says, for the sandbox of a run with `api: sandbox` or, unless `in_process`, for a server.

    Raises InvalidFiles with everything that is wrong with the file. A SeedError in the block is about what it says.
    """
    problems = Problems()
    document = _document(file, problems)
    source = {} if document is None else document.value
    if document is not None and in_process and isinstance(source, dict) and source.get("keys") is not None:
        problems.append(KEYS_IN_PROCESS.at(document.place(("keys",), key=True)))
    try:
        if problems:
            read_seed(source)
        else:
            yield source
    except SeedError as error:
        assert document is not None
        reported = {found.place for found in problems}
        for wrong in error.problems:
            place = document.place(_path(source, wrong.where), key=wrong.key)
            if place not in reported:  # the YAML itself is wrong there
                problems.append(problem(place, wrong.message, wrong.fix, code=INVALID_SANDBOX))
    if problems:
        raise InvalidFiles(problems.reported())


def time_of_seed(file: Path) -> datetime | None:
    """When the world of a sandbox.yaml begins; None if at the current time. Raises InvalidFiles."""
    with seed_in(file, in_process=True) as source:
        return read_seed(source).clock


def _document(file: Path, problems: list[Diagnostic]) -> Document | None:
    """The document in the file; None if it is empty or cannot be read."""
    return only_document(file, shown_path(file), problems, None, max_weight=MAX_WEIGHT)


_POSITION: Final = re.compile(r"\[(\d+)\]")


def _path(value: Any, where: str) -> KeyPath:
    """The path of a value, from the sandbox's own form of it. What the file does not have is left out."""
    path: list[str | int] = []
    while where:
        step: str | int | None = None
        if position := _POSITION.match(where):
            where = where[position.end() :]
            step = int(position[1])
            if isinstance(value, dict):
                step = list(value)[step]
        elif isinstance(value, dict):
            where = where.removeprefix(".")
            fitting = (key for key in value if f"{where}.".startswith((f"{key}.", f"{key}[")))
            step = max(fitting, key=len, default=None)
            where = where[len(step or "") :]
        if step is None:
            break
        path.append(step)
        value = value[step]
    return tuple(path)
