"""Reads only regular files: a FIFO would block forever, and a device has no end. Finds paths that lead elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class NotRegular(OSError):
    """A folder, FIFO, socket or device where a file was expected."""


def open_regular(path: Path) -> IO[bytes]:
    """Opens a regular file for reading, following links. Raises as `read_regular` does."""
    opened = os.fdopen(os.open(path, os.O_RDONLY | _WITHOUT_WAITING), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise NotRegular(f"{path} is not a regular file")
    return opened


def read_regular(path: Path | str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file, following links. Raises OSError; NotRegular for anything but a file.

    The check is made on the opened file, so that nothing can be put in its place in between.
    """
    descriptor = os.open(path, os.O_RDONLY | _WITHOUT_WAITING)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotRegular(f"{path} is not a regular file")
        # The size is only a hint: the file may grow meanwhile, and files in /proc say 0.
        chunks, left, at_once = [], limit, max(found.st_size + 1, 65_536)
        while left and (chunk := os.read(descriptor, min(left, at_once))):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def leads_away(path: Path, allowed: Iterable[Path] = ()) -> bool:
    """Whether a file to be written below the working directory would end up elsewhere, because of links.

    A repository can contain such a link, while whoever typed the path meant a place in the repository. `allowed` are
    resolved folders where it may be. A link to a regular file does not count, because the link itself is replaced.
    """
    try:
        here, written = Path.cwd(), Path(os.path.abspath(path))
    except OSError:  # the working directory has been removed, so nothing is below it
        return False
    if not written.is_relative_to(here):
        return False
    replaced = written.is_file() or not written.exists()
    real = Path(os.path.realpath(written.parent if replaced else written))
    return not any(real.is_relative_to(place) for place in (Path(os.path.realpath(here)), *allowed))
