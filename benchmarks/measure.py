"""What the benchmarks share: CPU and memory of whole processes, as the operating system counts them."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

KEY = {"WIX_API_KEY": "any-key-will-do-for-a-sandbox"}


class Cost(Struct, frozen=True):
    """CPU seconds (user and system) and peak memory, in MiB, of one process."""

    cpu: float
    memory: float


LAUNCHER = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def cost_of(arguments: Sequence[str], folder: Path, *, codes: Sequence[int] = (0,)) -> Cost:
    """Runs a command once. Ends the benchmark if it fails.

    A small process starts it: Linux counts a process's peak memory from that of whoever started it, and a benchmark may
    be larger than what it measures.
    """
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, *arguments]
    done = subprocess.run(launch, cwd=folder, env={**os.environ, **KEY}, capture_output=True, text=True)
    code, cpu, memory = done.stdout.split()
    if int(code) not in codes:
        raise SystemExit(f"{' '.join(arguments)} ended with {code}: {done.stderr}")
    return Cost(float(cpu), int(memory) / 1024)


def ratio(one: Sequence[str], other: Sequence[str], folder: Path, rounds: int) -> float:
    """The CPU of one command relative to another's: run in turn, compared pair by pair, median of the pairs.

    Whatever else the machine does affects both.
    """
    cost_of(one, folder), cost_of(other, folder)  # byte code and file caches
    return statistics.median(cost_of(one, folder).cpu / cost_of(other, folder).cpu for _ in range(rounds))


def exponent(small: float, large: float, times: float) -> float:
    """The power with which a cost grows: 1 is linear, 2 is quadratic."""
    return math.log(large / small) / math.log(times)


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *arguments]


def compiled() -> None:
    """Writes the byte code of the tool, because Python may not be able to write it into a checkout."""
    import compileall

    import reconciler

    compileall.compile_dir(str(Path(reconciler.__file__).parent), quiet=1)
