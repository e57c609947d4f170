"""YAML text -> plain values with places: dict, list, str, int, float, bool, None, and where each is.

Reads parser events (libyaml's if available) and builds the values itself, so that scalars are those of YAML 1.2 (`no`
and `12:30` are text, a date stays text), duplicate keys are noticed, and neither deep nesting nor exploding anchors do
harm. schema.py knows what a value means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from reconciler.config.documents import Document
from reconciler.config.lean_yaml import yaml
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.yaml_reader import MAX_WEIGHT, DocumentReader, GiveUp
from reconciler.config.yaml_syntax import syntax_problem
from reconciler.model.diagnostics import Diagnostic, Place, problem

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: the same events, more slowly
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

READABLE: Final = "give this user permission to read it"

MAX_BYTES: Final = 4 * 1024 * 1024


def read_file(path: Path | str, shown: str, problems: list[Diagnostic]) -> bytes | None:
    """The bytes of a file. If it can't be read, is too large or is not a regular file: None, and a problem."""
    whole = Place(shown)
    try:
        data = read_regular(path, MAX_BYTES + 1)
    except NotRegular:
        problems.append(problem(whole, "is not a file", "give a YAML file", continues=True))
        return None
    except OSError as error:
        message = f"cannot be read: {error.strerror or type(error).__name__}"
        fix = READABLE if isinstance(error, PermissionError) else ""
        if isinstance(error, FileNotFoundError) and os.path.islink(path):
            message, fix = f"is a link to {os.readlink(path)}, which does not exist", "correct the link, or delete it"
        problems.append(problem(whole, message, fix, continues=True))
        return None
    if len(data) > MAX_BYTES:
        problems.append(problem(whole, "is over 4 MiB", "split it into several files", continues=True))
        return None
    return data


def documents(
    data: bytes, file: str, problems: list[Diagnostic], parser: Any = _Parser, max_weight: int = MAX_WEIGHT
) -> Iterator[Document]:
    """The documents of a file, one at a time. What is wrong with the YAML itself goes to `problems`.

    A document with a problem may be left out or come with what could be read of it; a syntax error ends the file.
    `parser` is the PyYAML class that makes events: libyaml's if available.
    """
    text = _decoded(data, file, problems)
    if text is None:
        return
    if "\n>>>>>>> " in text and (line := _conflict(text, _BEGIN)) is not None:  # few files pass the first test
        problems.append(_merge_conflict(file, line))
        return
    reader = DocumentReader(file, problems, max_weight)
    try:
        yield from reader.read(parser(text))
    except yaml.YAMLError as error:
        line = _conflict(text, _ANY_MARKER)  # one of its lines may have been deleted
        problems.append(_merge_conflict(file, line) if line is not None else syntax_problem(error, text, file))
    except GiveUp:
        pass


_BEGIN: Final = re.compile(r"^<{7}( |$)", re.MULTILINE)
_ANY_MARKER: Final = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


def _conflict(text: str, marker: re.Pattern[str]) -> int | None:
    """The line of the first marker of a git merge conflict, if there is one."""
    found = marker.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def _merge_conflict(file: str, line: int) -> Diagnostic:
    fix = "keep what is right and delete the lines that begin with <<<<<<<, ======= and >>>>>>>"
    return problem(Place(file, line, 1), "an unresolved merge conflict", fix, code="merge-conflict")


def only_document(
    path: Path,
    shown: str,
    problems: list[Diagnostic],
    if_empty: str | None,
    data: bytes | None = None,
    max_weight: int = MAX_WEIGHT,
) -> Document | None:
    """The document of a file with only one; None if no document can be read.

    `if_empty` is what to do if it is empty; None if it may be. `data` is used as its content; None reads the file.
    """
    if data is None:
        data = read_file(path, shown, problems)
    if data is None:
        return None
    before = len(problems)
    found = list(documents(data, shown, problems, max_weight=max_weight))
    if len(problems) > before and not found:
        return None
    if len(found) > 1:
        problems.append(problem(found[1].start, "this file can hold only one document", "keep one of them"))
    if not found or found[0].value is None:
        if if_empty is not None:
            problems.append(problem(Place(shown, 1, 1), "the file is empty", if_empty))
        return None
    return found[0]


def _decoded(data: bytes, file: str, problems: list[Diagnostic]) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.append(problem(Place(file, 1, 1), "the file is UTF-16, not UTF-8", "save the file as UTF-8"))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        message = f"this is not UTF-8: the byte 0x{data[error.start]:02x} is not valid here"
        problems.append(problem(Place(file, line, column), message, "save the file as UTF-8"))
        return None
