"""Runs a coroutine as the whole of a command, and lets Ctrl-C and SIGTERM end it cleanly."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

if TYPE_CHECKING:  # `validate` waits for nothing
    import asyncio

ResultT = TypeVar("ResultT")


class StoppedEarly(Exception):
    """A signal ended the run before it had anything to say."""

    def __init__(self, signal: int) -> None:
        super().__init__("interrupted")
        self.signal = signal


class Terminated(BaseException):
    """SIGTERM came when there was no run to finish cleanly."""


PAUSE_SECONDS: Final = 2.0
"""For how many seconds signals are ignored once a run is over: longer than its reports should take to end."""


class SignalPause:
    """Ignores signals for a moment, so that a second Ctrl-C does not cut off what the reports say about the first."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._before: dict[int, Any] = {}
        self._until = 0.0

    def begin(self) -> None:
        """From here on, a signal only counts after `PAUSE_SECONDS`."""
        if self._before:
            return
        self._until = self._monotonic() + PAUSE_SECONDS
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not the main thread
                self._before[number] = signal.signal(number, self._receive)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """From here on, signals mean what they meant before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._monotonic() >= self._until:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


class Interrupts:
    """Whether the run was asked to end, and what that does.

    The first signal sets `signal`, which a run that writes checks between its calls. Every signal also cancels the run,
    except the first one if `stop_gently` was called before it.
    """

    def __init__(self, signal_pause: SignalPause) -> None:
        self.signal: int | None = None
        self.signal_pause = signal_pause
        self._task: asyncio.Task[Any] | None = None
        self._gentle = False
        self._said: Callable[[], object] = lambda: None

    def stop_gently(self, said: Callable[[], object]) -> None:
        """From here on, the first signal calls `said` instead of cancelling the run: calls in flight finish."""
        self._gentle = True
        self._said = said

    def forget(self) -> None:
        """Treats the signal that came as the normal way to end this run."""
        self.signal = None

    def requested(self) -> bool:
        """Whether nothing more should be started."""
        return self.signal is not None

    def receive(self, number: int) -> None:
        """Handles a signal."""
        again = self.signal is not None
        self.signal = self.signal or number
        if self._gentle and not again:
            self._said()
        elif self._task is not None:
            self._task.cancel()

    def bind(self, task: asyncio.Task[Any] | None) -> None:
        """Sets the task to cancel."""
        self._task = task


def run(work: Coroutine[Any, Any, ResultT], interrupts: Interrupts) -> ResultT:
    """The result of work that a signal can end through `interrupts`. Raises StoppedEarly if a signal cancelled it."""
    import asyncio

    async def bound() -> ResultT:
        interrupts.bind(asyncio.current_task())
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in signals}
        try:
            for number in signals:
                loop.add_signal_handler(number, interrupts.receive, number)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, or not the main thread: KeyboardInterrupt does what it can
        try:
            return await work
        except asyncio.CancelledError:
            if interrupts.signal is None:
                raise
            raise StoppedEarly(interrupts.signal) from None
        finally:
            with _blocked(signals):  # between two handlers, SIGTERM would end the process without a word
                for number, handler in before.items():
                    try:
                        loop.remove_signal_handler(number)
                        signal.signal(number, handler)
                    except (NotImplementedError, RuntimeError, ValueError, TypeError):
                        pass
                if interrupts.signal is not None:
                    interrupts.signal_pause.begin()

    with closing(bound()) as outer:
        return asyncio.run(outer)


@contextmanager
def _blocked(signals: Collection[int]) -> Iterator[None]:
    """In this block, signals wait; they are handled afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def alongside(main: Awaitable[ResultT], other: Coroutine[Any, Any, None]) -> ResultT:
    """The result of `main`, while `other` runs beside it and is cancelled when it ends."""
    import asyncio

    task = asyncio.ensure_future(other)
    try:
        return await main
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
