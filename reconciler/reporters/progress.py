"""What a run shows while it works, on stderr: a bar on a terminal, a line every 30 s without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from reconciler.engine import results
from reconciler.model.text import printable
from reconciler.reporters.plurals import plural

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from reconciler.executor.events import Event

HEARTBEAT: Final = 30.0
"""Seconds between two lines where there is no terminal."""

PATIENCE: Final = 0.5
"""Seconds before a bar is shown: what is faster needs none."""


class Watch(Struct, frozen=True):
    """The time in seconds that never jumps, and waiting."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Progress:
    """Counts the sites of each phase and remembers what was begun last. One reporter among others, but on stderr.

    `keep_alive` runs beside the work. What is shown on a terminal goes away before a report has something to say.
    """

    def __init__(self, watch: Watch, write: Callable[[str], object], *, terminal: bool) -> None:
        self._watch = watch
        self._write = write
        self._terminal = terminal
        self._phase = ""
        self._total = 0
        self._done = 0
        self._doing = ""
        self._began = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def handle(self, event: results.Event) -> None:
        """An event of the run."""
        match event:
            case results.PhaseStarted(phase=phase, sites=sites):
                self.stop()
                self._phase, self._total, self._done, self._doing = phase.value, sites, 0, ""
                self._began = self._watch.now()
            case (
                results.SitePlanned()
                | results.SiteDrifted()
                | results.SiteReviewed()
                | results.SiteNotReviewed()
                | results.SiteApplied()
                | results.SiteHistory()
                | results.SiteImported()
                | results.SiteExamined()
                | results.SiteFailed()
            ):
                self._done += 1
                self._refresh()
            case results.Progressed(event=happened):
                if (words := doing(happened)) is not None:
                    self._doing = words
                    self._refresh()
            case (
                results.RunStarted()
                | results.PlanLoaded()
                | results.Notice()
                | results.SiteStarted()
                | results.LockFound()
                | results.ProjectExamined()
            ):
                pass
            case _:  # how a run ends, whatever it is
                self.stop()

    def stop(self) -> None:
        """Takes down what is shown; the phase is over."""
        self._phase = ""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def say(self, words: str) -> None:
        """A line for people that does not wait for the next heartbeat; it stands above the bar."""
        if self._bar is not None:
            self._bar.console.print(words, markup=False, highlight=False)
        else:
            self._write(f"{words}\n")

    async def keep_alive(self) -> None:
        """Runs beside the work until it is cancelled."""
        while True:
            await self._watch.sleep(PATIENCE if self._terminal else HEARTBEAT)
            if not self._phase or not self._total:
                continue
            spent = self._watch.now() - self._began
            if self._terminal:
                if self._bar is None and spent >= PATIENCE:
                    self._show_bar()
                continue
            last = f", {self._doing}" if self._doing else ""
            sites = plural(self._total, "site")
            self._write(f"still {self._phase}: {self._done} of {sites}, {round(spent)} s{last}\n")

    def _show_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn(self._phase),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self._phase, total=self._total, completed=self._done, doing=self._doing)
        self._bar.start()

    def _refresh(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, doing=self._doing)


def doing(event: Event) -> str | None:
    """What an event says is going on now; None for one that is no news here."""
    from reconciler.executor.events import Corrected, EntryResolved, Finished, Note, Skipped, Started, StillWaiting

    match event:
        case Started(address=address, operation=operation):
            return printable(f"{operation.verb} {address}")
        case StillWaiting(site=site, status=None, left=left):
            return printable(f"waiting for the posts of {plural(left, 'activity', 'activities')} of {site.name}")
        case StillWaiting(site=site, status=status):
            return printable(f"waiting for {site.name}, which is {status}")
        case EntryResolved(site=site, entry=entry):
            return printable(f"resolved {entry.call} of an earlier run at {site.name}")
        case Finished() | Skipped() | Corrected() | Note():
            return None
        case _:
            assert_never(event)
