"""Stamp: what the file system says about a file, which shows later whether the file was written again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = bytes | None
"""Times of the last write and of the last change of its entry, size and number; None if there is no such file.

Kept as bytes: there are many thousands, and four separate numbers take more than twice the space.
"""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file. If taken before the file is read, it never matches a later content."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return b"%d %d %d %d" % (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
