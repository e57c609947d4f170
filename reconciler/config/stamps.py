"""Stamp: what the file system says about a file, which shows later whether the file was written again."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = bytes | None
"""A digest of a file's size and inode number, and of the times of its last write and its last status change; None if
there is no such file. There may be many thousands, and four numbers take six times the space.
"""


def stamp_of(path: Path | str) -> Stamp:
    """The stamp of a file. If taken before the file is read, it never matches later content."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    numbers = b"%d %d %d %d" % (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return blake2b(numbers, digest_size=15).digest()
