"""Signals that arrive while an interrupted run is ending."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

ENDING = """
import asyncio, os, sys, time
from reconciler.cli.signals import Interrupts, SignalPause, StoppedEarly, run

number = int(sys.argv[1])
remove = asyncio.SelectorEventLoop.remove_signal_handler

def remove_and_hurry(loop, removed):
    found = remove(loop, removed)
    os.kill(os.getpid(), removed)
    return found

async def work():
    os.kill(os.getpid(), number)
    await asyncio.sleep(60)

asyncio.SelectorEventLoop.remove_signal_handler = remove_and_hurry
with SignalPause(time.monotonic) as pause:
    try:
        run(work(), Interrupts(pause))
    except StoppedEarly as stopped:
        print("stopped by", stopped.signal)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_that_comes_while_handlers_are_restored_is_ignored(number: signal.Signals) -> None:
    """For a moment, the system's default handlers would be active."""
    command = [sys.executable, "-c", ENDING, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"stopped by {int(number)}\n", "")


AT_ONCE = """
import asyncio, gc
from reconciler.cli.run import CommandRun
from reconciler.reporters.progress import Progress, Watch

async def work():
    return None

def interrupted(*_, **__):
    raise KeyboardInterrupt

async def sleep(seconds):
    await asyncio.sleep(seconds)

progress = Progress(Watch(lambda: 0.0, sleep), print, terminal=False, quiet=True)
asyncio.run = interrupted
try:
    CommandRun(print, progress, None, print, None).run(work())
except KeyboardInterrupt:
    gc.collect()
    print("interrupted")
"""


def test_a_signal_before_anything_runs_says_nothing_about_coroutines() -> None:
    command = [sys.executable, "-W", "always", "-c", AT_ONCE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
