"""Work that kills its worker once it is done: a separate module, because workers import it by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from reconciler.engine.parts import Task, from_bytes
from reconciler.worker import run_part


def run_part_and_die(data: bytes) -> bytes:
    """Works on a part; the first part that writes kills its worker before anybody has the answer."""
    answer = run_part(data)
    if b'"kind":"applying"' in data:
        died = Path(from_bytes(Task, data).setup.project.root) / "died"
        try:
            died.touch(exist_ok=False)
        except FileExistsError:
            return answer
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
