"""LocalFolder: a store in a folder of the file system, safe between processes and against crashes.

A write goes to a file beside its target, which then takes the target's name: a reader sees the old bytes or
the new ones, and a crash leaves one of them. Comparing and writing happen under a lock that the system gives
back when its process dies. Reading takes no lock, so that a folder that is read only can be read.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.state.errors import Conflict, StateError
from reconciler.state.store import Any, Stored, Version, check_key

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process's write, which takes milliseconds."""

_FIXES = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some of your quota and run again",
    errno.EROFS: "make the file system writable, or name another place with --state",
    errno.EACCES: "give this user the right to it, or name another place with --state",
    errno.EPERM: "give this user the right to it, or name another place with --state",
    errno.ENOTDIR: "the state needs a folder there; move that file away, or name another place with --state",
    errno.EISDIR: "the state keeps a file there; move that folder away",
    errno.ENAMETOOLONG: "name a place with a shorter path with --state",
}


class LocalFolder:
    """Keeps each key in the file of that name. The folder is made at the first write, not before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, key: str) -> str:
        return str(self.folder / key)

    async def get(self, key: str) -> Stored | None:
        # A few kilobytes of a local file take less time than a thread to read them in.
        return self._read(self.folder / check_key(key))

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any) -> Version:
        return await asyncio.to_thread(self._replace, check_key(key), data, expected)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._remove, check_key(key))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        for name in await asyncio.to_thread(self._names, prefix):
            yield prefix + name

    # --- in a thread ---------------------------------------------------------------------------------

    def _read(self, path: Path) -> Stored | None:
        with _told(path, "cannot be read"):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                return None
        return Stored(data, _version(data))

    def _replace(self, key: str, data: bytes, expected: Version | None | Any) -> Version:
        path = self.folder / key
        with _told(path, "cannot be written"), self._locked(key):
            if not isinstance(expected, Any):
                there = self._read(path)
                if (there and there.version) != expected:
                    raise Conflict(key)
            _make_folder(path.parent)
            # One name a key: nobody else writes it while the lock is held, and what a crash left is reused.
            beside = path.with_name(f".{path.name}.new")
            try:
                _write(beside, data)
                beside.replace(path)
            except OSError:
                _discard(beside)
                raise
            _sync_folder(path.parent)
        return _version(data)

    def _remove(self, key: str) -> None:
        path = self.folder / key
        if not path.parent.is_dir():
            return
        with _told(path, "cannot be removed"), self._locked(key):
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)

    def _names(self, prefix: str) -> list[str]:
        folder = self.folder / prefix
        with _told(folder, "cannot be listed"):
            try:
                with os.scandir(folder) as entries:
                    return sorted(entry.name for entry in entries if not entry.name.startswith("."))
            except FileNotFoundError:
                return []

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        # Imported by the first write: reading commands need none of it.
        from filelock import FileLock, Timeout

        folder = self.folder / ".locks"
        _make_folder(folder)
        # A file a key would leave ten thousand of them; a few are enough for runs not to wait for each other.
        lock = FileLock(folder / hashlib.sha256(key.encode()).hexdigest()[0:2])
        try:
            with lock.acquire(timeout=LOCK_TIMEOUT, poll_interval=0.005):
                yield
        except Timeout:
            raise StateError(
                str(self.folder / key),
                "another process has been writing to it for too long",
                "see which one, and end it",
            ) from None


def _version(data: bytes) -> Version:
    return Version(hashlib.sha256(data).hexdigest())


def _make_folder(folder: Path) -> None:
    """Makes a folder and those it lies in, durably."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # the error that led here is the one to tell


def _sync_folder(folder: Path) -> None:
    """Makes a rename durable. Where folders cannot be opened (Windows), the system sees to it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Turns what the file system refuses into an error that a user can act on."""
    try:
        yield
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, "see what is wrong with that place, or name another with --state")
        said = error.strerror or str(error)
        if error.filename is not None and str(error.filename) != str(path):
            said += f": {error.filename}"
        raise StateError(str(path), f"{what} ({said})", fix) from error
