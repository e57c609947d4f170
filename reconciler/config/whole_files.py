"""Files that are written completely or not at all: a reader, or a crash, sees the old or the new one, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class ChangedMeanwhile(Exception):
    """Somebody else has written the file since it was read. It stays as they left it."""


@contextmanager
def replacing(path: Path, mode: int, before: bytes | None = None) -> Iterator[IO[bytes]]:
    """A file that gets its name and its mode when the block ends. If the block raises, nothing is left of it.

    `before` is the content it was made from. Raises OSError, and ChangedMeanwhile if the file has changed since.
    """
    import tempfile  # this module is loaded at every start

    handle, hidden = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(hidden, mode)
        if before is not None and (not path.exists() or path.read_bytes() != before):
            raise ChangedMeanwhile
        os.replace(hidden, path)
    except BaseException:
        os.unlink(hidden)
        raise


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
    """The permissions that a new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
