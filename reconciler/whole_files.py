"""Files that are written completely or not at all: even after a crash, a reader sees the old or the new one.

The files of a project, saved plans, reports and the state are all written by `replacing`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

SAFELY: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""How to open a file that should be a plain one: a link could lead elsewhere, and a FIFO would block forever."""


class ChangedMeanwhile(Exception):
    """Somebody else has written the file since it was read. It stays as they left it."""


@contextmanager
def replacing(
    path: Path | str, mode: int, before: bytes | None = None, *, locked: bool = False, durable: bool = True
) -> Iterator[IO[bytes]]:
    """A file that gets its name and its mode when the block ends. If the block raises, nothing is left of it.

    `before` is the content it was made from. `locked`: nobody else writes it meanwhile, so whatever a crash left beside
    it is also replaced. With `durable` False, a power cut may lose the content. Raises OSError, and ChangedMeanwhile if
    the file has changed since.
    """
    handle, hidden = _beside(path) if locked else _of_its_own(path)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            if durable:
                out.flush()
                os.fsync(out.fileno())  # before it takes its name: a name without its bytes would be a corrupt file
        if mode != PRIVATE:
            os.chmod(hidden, mode)
        if before is not None and (not os.path.exists(path) or Path(path).read_bytes() != before):
            raise ChangedMeanwhile
        os.replace(hidden, path)
    except BaseException:
        _discard(hidden)
        raise


def check_replaceable(path: Path | str) -> None:
    """Raises OSError if no file can be made beside a path to take its name. Nothing is left behind."""
    handle, hidden = _of_its_own(path)
    os.close(handle)
    _discard(hidden)


PRIVATE: Final = 0o600
"""The permissions that a file has while it is written."""


def _of_its_own(path: Path | str) -> tuple[int, str]:
    import tempfile  # this module is loaded at every start

    folder, name = os.path.split(path)
    return tempfile.mkstemp(dir=folder or os.curdir, prefix=f".{name}.", suffix=".tmp")


def _beside(path: Path | str) -> tuple[int, str]:
    folder, name = os.path.split(path)
    hidden, only_new = os.path.join(folder, f".{name}.new"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
    try:
        return os.open(hidden, only_new, PRIVATE), hidden
    except FileExistsError:
        os.unlink(hidden)  # left by a crash, or a link or a pipe that somebody put there
        return os.open(hidden, only_new, PRIVATE), hidden


def _discard(hidden: str) -> None:
    try:
        os.unlink(hidden)
    except OSError:
        pass  # the error that led here is the one to report


def set_aside(path: Path, name: str) -> None:
    """Renames a file or a folder that blocks a path, within its folder. Raises OSError."""
    path.rename(path.with_name(name))


def write_atomically(path: Path, text: str, before: bytes | None = None) -> None:
    """Writes a file of a project, creating its folders. A link's target is written, and keeps its mode.

    `before` is the content the text was made from. Raises what `replacing` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else new_mode()
    with replacing(target, mode, before) as out:
        out.write(text.encode("utf-8"))


def new_mode() -> int:
    """The permissions of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
