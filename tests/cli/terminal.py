"""A command on a pseudo terminal."""

from __future__ import annotations

import codecs
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import ClassVar


class Terminal:
    """A command on a terminal of its own."""

    started: ClassVar[list[Terminal]] = []
    """Those that have not ended: a test that fails leaves some."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # what is read may end in the middle of a character
        environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.started.append(self)

    def until(self, words: str) -> None:
        """Reads until some words have been printed."""
        while words not in self.said:
            ready, _, _ = select.select([self.master], [], [], 30)
            more = self._read() if ready else b""
            assert more, f"it ended, or hangs, before it said {words!r}: {self.said}"
            self.said += self._decoder.decode(more)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Reads to the end, and returns the exit code."""
        while more := self._read():
            self.said += self._decoder.decode(more)
        return self._ended(30)

    @classmethod
    def end_all(cls) -> None:
        """Ends what tests have left running."""
        for terminal in tuple(cls.started):
            terminal._process.kill()
            terminal._ended(30)

    def _ended(self, seconds: float) -> int:
        self.started.remove(self)
        os.close(self.master)
        return self._process.wait(seconds)

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 4096)
        except OSError:  # what Linux says at the end
            return b""
