"""Stamp: what the file system says of a file, which shows later whether it was written again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = bytes | None
"""Times of the last write and of the last change of its entry, size and number; None if there is no such file.

Bytes, for many thousands are kept, and four numbers of their own take more than twice their room."""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file. Taken before the file is read, it never passes for that of a later content."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return b"%d %d %d %d" % (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
