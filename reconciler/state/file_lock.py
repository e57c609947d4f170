"""A lock that a process holds through a file, and that the system releases when the process dies.

Each write to the state takes one. So on POSIX it is `flock` itself: the same lock that filelock takes there, and thus
visible to other versions of this tool, but ten times faster. Elsewhere, and on file systems without `flock`, filelock
is used.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from reconciler.whole_files import PRIVATE, SAFELY

if sys.platform != "win32":
    import fcntl

POLL: Final = 0.005
"""Seconds between two attempts."""

_WITHOUT: Final = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class NotPlain(OSError):
    """The lock file's path is something other than a regular file."""


def take(file: Path | str, timeout: float) -> Callable[[], None]:
    """Takes the lock of a file and returns a function that releases it. Creates a missing file; removes none.

    Two threads exclude each other like two processes. Raises TimeoutError if another holder keeps it for longer than
    `timeout` seconds, NotPlain, and OSError.
    """
    if sys.platform == "win32":
        return _by_filelock(file, timeout)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | SAFELY, PRIVATE)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotPlain(errno.EINVAL, "is not a regular file", str(file))
        if _flock(handle, timeout):
            return partial(os.close, handle)
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return _by_filelock(file, timeout)


def _flock(handle: int, timeout: float) -> bool:
    """Takes the lock of an open file; False on a file system without locks."""
    until = time.monotonic() + timeout
    while sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= until:
                raise TimeoutError from None
            time.sleep(POLL)
        except OSError as error:
            if error.errno in _WITHOUT:
                return False
            raise
        else:
            return True
    return False


def _by_filelock(file: Path | str, timeout: float) -> Callable[[], None]:
    from filelock import FileLock, Timeout

    if os.path.islink(file) or (os.path.exists(file) and not os.path.isfile(file)):
        raise NotPlain(
            errno.EINVAL, "is not a regular file", str(file)
        )  # some versions truncate the file that a link points to
    lock = FileLock(file)
    try:
        lock.acquire(timeout=timeout, poll_interval=POLL)
    except Timeout:
        raise TimeoutError from None
    return lock.release
