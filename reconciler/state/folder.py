"""LocalFolder: a store in a folder of the file system, safe between processes and against crashes.

A write goes to a file beside its target, which then takes the target's name: a reader sees the old bytes or the new
ones, and a crash leaves one or the other. Comparing and writing happen under a lock that the system releases when its
process dies. Reading takes no lock, so a read-only folder can be read.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.state.errors import Conflict, StateError
from reconciler.state.file_lock import NotPlain, take
from reconciler.state.store import Any, Log, Store, Stored, Version, check_key, fresh
from reconciler.whole_files import PRIVATE, SAFELY, replacing, set_aside

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process's write, which takes milliseconds."""

NOT_ALLOWED: Final = "give this user permission, or name another place with --state"

_FIXES = {
    errno.ENXIO: "the state needs a regular file there; move away what is there",
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some of your quota and run again",
    errno.EROFS: "make the file system writable, or name another place with --state",
    errno.EACCES: NOT_ALLOWED,
    errno.EPERM: NOT_ALLOWED,
    errno.EISDIR: "the state needs a file there; move that folder away",
    errno.ENAMETOOLONG: "name a place with a shorter path with --state",
}

_NO_FOLDER: Final = frozenset({errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENOENT})
"""The errors of a path if something above its file is not a folder."""

_WHOLE_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors of the file system as a whole: the file that showed one first does not matter."""


class _InTheWay(OSError):
    """Something at a path, or above it, that is not what the state needs there."""

    def __init__(self, at: str, what: str, fix: str) -> None:
        super().__init__(f"{at} {what}")
        self.at, self.what, self.fix = at, what, fix


class LocalFolder(Store):
    """Keeps each key in a file of that name. The folder is created at the first write, not before.

    Paths are strings here: each Path interns its parts, and the table of interned strings never shrinks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._top = str(folder)

    def place(self, key: str) -> str:
        return os.path.join("" if self._top == os.curdir else self._top, key)

    async def get(self, key: str) -> Stored | None:
        # Reading a few kilobytes of a local file takes less time than starting a thread for it.
        return self._read(self.place(check_key(key)))

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        return await asyncio.to_thread(self._replace, check_key(key), (data,), expected, durable)

    async def put_pieces(self, key: str, pieces: Iterable[bytes], *, expected: Version | None | Any) -> Version:
        return await asyncio.to_thread(self._replace, check_key(key), pieces, expected, durable=True)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._remove, check_key(key))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        for name in await asyncio.to_thread(self._names, prefix):
            yield prefix + name

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        return await asyncio.to_thread(self._append, check_key(key), data, at)

    async def read_log(self, key: str) -> Log:
        stored = self._read(self.place(check_key(key)))
        data = stored.data if stored else b""
        whole = data[: data.rfind(b"\n") + 1]
        return Log(tuple(whole.splitlines(keepends=True)), len(data))

    async def delete_log(self, key: str) -> None:
        # Nothing is compared, so no lock is needed, and a log that a power cut brings back does no harm: no snapshot
        # names it. Removing a file takes less time than starting a thread for it.
        self._unlink(self.place(check_key(key)))

    # --- in a thread ---------------------------------------------------------------------------------

    def _read(self, path: str) -> Stored | None:
        with _as_state_error(path, "cannot be read"):
            self._refuse_links(os.path.dirname(path))
            try:
                handle = os.open(path, os.O_RDONLY | SAFELY)
            except FileNotFoundError:
                self._refuse_dead_link()
                return None
            try:
                data = _all_of(handle, _size_of_regular(handle, path))
            finally:
                os.close(handle)
        return Stored(data, Version(hashlib.sha256(data).hexdigest()))

    def _replace(self, key: str, pieces: Iterable[bytes], expected: Version | None | Any, durable: bool) -> Version:
        path, version = self.place(key), hashlib.sha256()
        with _as_state_error(path, "cannot be written"), self._locked(key):
            if not isinstance(expected, Any):
                there = self._read(path)
                if (there and there.version) != expected:
                    raise Conflict(key)
            with replacing(path, PRIVATE, locked=True, durable=durable) as out:
                for piece in pieces:
                    out.write(piece)
                    version.update(piece)
                if isinstance(expected, Any) and os.path.isdir(path) and not os.path.islink(path):
                    # Whatever is there must go. It may be a folder that contains something, so it is kept under another
                    # name.
                    set_aside(Path(path), f".{os.path.basename(path)}.{fresh()}")
            if durable:
                # The new name too: a call is sent once this returns, and a log that the snapshot absorbed may then be
                # removed.
                _sync_folder(_above(path))
        return Version(version.hexdigest())

    def _append(self, key: str, data: bytes, at: int) -> int:
        path = self.place(key)
        with _as_state_error(path, "cannot be written"), self._locked(key):
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | SAFELY, PRIVATE)
            try:
                if _size_of_regular(handle, path) != at:
                    raise Conflict(key)
                try:
                    _write_all(handle, data)
                    os.fsync(handle)  # a call is sent once this returns
                except OSError:
                    os.ftruncate(handle, at)  # half a line would corrupt the next attempt
                    raise
            finally:
                os.close(handle)
            if at == 0:
                _sync_folder(_above(path))  # without its name a new log is lost
        return at + len(data)

    def _remove(self, key: str) -> None:
        path = self.place(key)
        if not os.path.isdir(_above(path)):
            return
        with _as_state_error(path, "cannot be removed"), self._locked(key):
            self._unlink(path)
            _sync_folder(_above(path))

    def _unlink(self, path: str) -> None:
        with _as_state_error(path, "cannot be removed"):
            self._refuse_links(_above(path))
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _names(self, prefix: str) -> list[str]:
        folder = self.place(prefix.rstrip("/"))
        with _as_state_error(folder, "cannot be listed"):
            self._refuse_links(folder)
            try:
                with os.scandir(folder) as entries:
                    return sorted(entry.name for entry in entries if not entry.name.startswith("."))
            except FileNotFoundError:
                self._refuse_dead_link()
                return []

    def _refuse_dead_link(self) -> None:
        """Raises an OSError if the state is missing because a link points to nothing: nobody knows what is in it."""
        if not os.path.isdir(self._top) and (found := _in_the_way(self._top)) is not None:
            raise found

    def _refuse_links(self, folder: str) -> bool:
        """Raises an OSError if a folder of the state is a link: its contents could be anywhere.

        Returns whether it exists; False for the top folder.
        """
        exists = folder != self._top
        while folder != self._top and (above := os.path.dirname(folder)) != folder:
            kind = _kind_of(folder)
            if stat.S_ISLNK(kind):
                raise _not_plain(folder)
            exists = exists and stat.S_ISDIR(kind)
            folder = above
        return exists

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        # One file per key would leave ten thousand of them; 256 are enough for runs not to wait for each other.
        path, file = self.place(key), self.place(f".locks/{hashlib.sha256(key.encode()).hexdigest()[0:2]}")
        for folder in map(_above, (path, file)):
            if not self._refuse_links(folder):
                _make_folder(folder)
        release = _lock(file, path)
        try:
            yield
        finally:
            release()


def _lock(file: str, path: str) -> Callable[[], None]:
    try:
        return take(file, LOCK_TIMEOUT)
    except NotPlain:
        raise _not_plain(file) from None
    except TimeoutError:
        raise StateError(
            path,
            "another process has been writing to it for too long",
            "find out which one, and stop it",
            continues=False,
        ) from None


def _not_plain(path: str) -> _InTheWay:
    if os.path.islink(path):
        return _InTheWay(path, "is a link", "move it away; the state does not follow links")
    return _InTheWay(path, "is not a regular file", "move it away; the state needs a regular file there")


def _in_the_way(path: str) -> _InTheWay | None:
    """What is not a folder, although a path needs one there; None if the path itself is one or could be made."""
    while not os.path.lexists(path) and (above := os.path.dirname(path)) != path:
        path = above
    if not path or os.path.isdir(path):
        return None
    if not os.path.islink(path):
        fix = "the state needs a folder there; move it away, or name another place with --state"
        return _InTheWay(path, "is not a folder", fix)
    target, fix = os.readlink(path), "restore what the link points to, or name another place with --state"
    return _InTheWay(path, f"is a link to {target}, which cannot be followed", fix)


def _size_of_regular(handle: int, path: str) -> int:
    found = os.fstat(handle)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise _not_plain(path)
    return found.st_size


def _kind_of(path: str) -> int:
    """The `st_mode` of what is at a path, without following a link; 0 if nothing is there, or nobody can tell."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _above(path: str) -> str:
    """The folder of a file or a folder."""
    return os.path.dirname(path) or os.curdir


def _make_folder(folder: str) -> None:
    """Makes a folder and its parents, durably. Only the owner may read the state."""
    if not os.path.isdir(folder):
        _make_folder(_above(folder))
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
        _sync_folder(_above(folder))  # otherwise everything durable in it would be lost with its name


def _all_of(handle: int, size: int) -> bytes:
    pieces = []
    while piece := os.read(handle, size + 1):  # one read, and one that finds its end: a file object needs twice as many
        pieces.append(piece)
    return b"".join(pieces)


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _sync_folder(folder: str) -> None:
    """Makes a rename durable. Where folders cannot be opened (Windows), the system takes care of it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _as_state_error(path: str, what: str) -> Iterator[None]:
    """Turns an error of the file system into one that a user can act on."""
    try:
        yield
    except OSError as error:
        found = error if isinstance(error, _InTheWay) else _cause_of(error, path)
        if found is not None:
            raise StateError(
                path, f"{what} ({'it' if found.at == path else found.at} {found.what})", found.fix
            ) from None
        fix = _FIXES.get(error.errno or 0, "check that place, or name another with --state")
        said = error.strerror or str(error)
        elsewhere = error.filename is not None and os.path.dirname(str(error.filename)) != os.path.dirname(path)
        if elsewhere and error.errno not in _WHOLE_DISK:  # another file in its folder is only a temporary one
            said += f": {error.filename}"
        raise StateError(path, f"{what} ({said})", fix) from error


def _cause_of(error: OSError, path: str) -> _InTheWay | None:
    """What is in the way if that explains an error at a path, or at the file that the error names."""
    if error.errno not in _NO_FOLDER:
        return None
    if error.errno == errno.ELOOP and os.path.islink(path):
        return _not_plain(path)
    return _in_the_way(error.filename if isinstance(error.filename, str) else path)
