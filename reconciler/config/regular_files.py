"""Reads regular files alone: a FIFO would wait for ever, and a device has no end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class NotRegular(OSError):
    """A folder, FIFO, socket or device, where a file was expected."""


def read_regular(path: Path, limit: int) -> bytes:
    """At most `limit` bytes of a regular file, links followed. Raises OSError, NotRegular for another kind of thing.

    What is judged is what was opened, so that nothing can be put in its place in between.
    """
    descriptor = os.open(path, os.O_RDONLY | _WITHOUT_WAITING)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegular(f"{path} is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(limit)
    finally:
        os.close(descriptor)
