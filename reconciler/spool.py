"""Keeps data about many sites on disk until the run ends, so that memory does not grow with their number."""

from __future__ import annotations

import io
import tempfile
from array import array


class Spool:
    """Pieces of bytes in a nameless file that disappears with the process. Raises OSError if the disk is full.

    Where no temporary file can be made, they stay in memory.
    """

    def __init__(self) -> None:
        try:
            # Unbuffered, so that closing it writes nothing: on a full disk, or in a forked process, that would fail.
            self._file: io.FileIO | io.BytesIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - see `__del__`
        except OSError:
            self._file = io.BytesIO()
        self._ends = array("Q", [0])

    def __del__(self) -> None:
        self._file.close()

    def append(self, data: bytes) -> int:
        """Adds a piece, and returns its number."""
        self._file.seek(self._ends[-1])
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._ends.append(self._ends[-1] + len(data))
        return len(self._ends) - 2

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return self._file.read(end - start)
