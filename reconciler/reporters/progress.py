"""What a run shows while it works, on stderr: a bar on a terminal, or a line every 30 s without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from reconciler.engine import adoption_results, results, site_results, state_results
from reconciler.model.address import SiteName
from reconciler.model.durations import length
from reconciler.model.plurals import plural
from reconciler.model.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, TaskID

    from reconciler.executor.events import (
        EntryResolved,
        ProgressEvent,
        Started,
        StillUnclear,
        StillWaiting,
        WaitingForLock,
    )

    UnderWay = Started | StillWaiting | StillUnclear | WaitingForLock | EntryResolved

HEARTBEAT: Final = 30.0
"""Seconds between two lines if there is no terminal."""

BAR_AFTER: Final = 0.5
"""Seconds before a bar is shown: a faster run needs none."""


ENOUGH: Final = 5
"""How many sites must be done before the remaining time is estimated from them."""

STRAGGLING: Final = 1.25
"""If a site waits longer than the longest wait so far times this, the remaining time is no longer estimated."""

ROOMY: Final = 100
"""With this many columns or more, the bar also says what was begun last."""

SPARE: Final = 24
"""With fewer columns than this beside the numbers, the bar does not say what was begun last: no number may be cut."""

BARRED: Final = 56
"""With fewer columns than this, only numbers are shown, without a bar."""


class Watch(Struct, frozen=True):
    """A clock in seconds that never jumps, and a way to wait."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Progress:
    """Counts the sites of each phase and remembers what was begun last. One reporter among others, but on stderr.

    `keep_alive` runs beside the work. What is shown on a terminal disappears before a report writes something through
    `above`, and is shown again when the work goes on.
    """

    def __init__(self, watch: Watch, write: Callable[[str], object], *, terminal: bool, quiet: bool = False) -> None:
        self._quiet = quiet
        self._watch = watch
        self._write = write
        self._terminal = terminal
        self._phase = ""
        self._total = 0
        self._done = 0
        self._failed = 0
        self._generating: dict[SiteName, float] = {}
        """When each site began to wait for the remote side."""
        self._longest = 0.0
        self._under_way: dict[SiteName, UnderWay | None] = {}
        """What each site began last, the latest at the end. It is put into words only when they are shown."""
        self._unclear: dict[SiteName, float] = {}
        """Until when each site is watched for the effect of earlier calls."""
        self._holders: set[str] = set()
        """The runs whose locks this run has waited for: each is named once, however many sites it has locked."""
        self._began = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._columns: tuple[str | ProgressColumn, ...] = ()
        """What is always shown; what was begun last comes after it."""
        self._widest = 0
        self._width = 0
        self._shown = False
        """Whether the phase takes long enough for a bar."""

    def above(self, write: Callable[[str], object]) -> Callable[[str], object]:
        """Returns the function for a report on the same terminal: what it writes does not run into the bar."""

        def written(text: str) -> object:
            self._hide()
            return write(text)

        return written if self._terminal else write

    def handle(self, event: results.Event) -> None:
        match event:
            case results.PhaseStarted(phase=phase, sites=sites):
                self.stop()
                self._phase, self._total, self._done = phase.value, sites, 0
                self._failed, self._generating, self._longest = 0, {}, 0.0
                self._under_way, self._unclear, self._widest = {}, {}, 0
                self._began = self._watch.now()
            case (
                site_results.SitePlanned()
                | site_results.SiteDrifted()
                | site_results.SiteReviewed()
                | site_results.SiteNotReviewed()
                | site_results.SiteApplied()
                | site_results.SiteHistory()
                | adoption_results.SiteImported()
                | adoption_results.SiteExamined()
                | site_results.SiteFailed()
            ):
                self._ended(event)
            case site_results.Progressed(name=site, event=happened):
                self._under_way.setdefault(site)
                self._note(site, happened)
            case results.Notice():
                self._hide()  # as `above` does before a report writes
            case (
                results.RunStarted()
                | results.PlanLoaded()
                | site_results.SiteStarted()
                | state_results.LockFound()
                | adoption_results.ProjectExamined()
            ):
                pass
            case _:  # a closing event, or the end of the run
                self.stop()

    def _ended(self, event: results.SiteEvent) -> None:
        """Counts a site. The bar shows it when it is drawn again."""
        self._done += 1
        self._note_wait_over(event.name)
        self._under_way.pop(event.name, None)
        self._unclear.pop(event.name, None)
        match event:
            case site_results.SiteFailed(refused=refused):
                self._failed += not refused
            case site_results.SiteApplied(ledger=ledger):
                from reconciler.executor.ledger import ActionResult

                bad = any(entry.result is ActionResult.FAILED for entry in ledger.entries)
                self._failed += bool(ledger.error) or bad
            case _:
                pass

    def _note(self, site: SiteName, happened: ProgressEvent) -> None:
        """Counts the sites that are waiting for the remote side to generate, and remembers what was begun last."""
        from reconciler.executor.events import (
            EntryResolved,
            Finished,
            Started,
            StillUnclear,
            StillWaiting,
            WaitingForLock,
        )

        if isinstance(happened, StillUnclear):
            self._unclear[site] = self._watch.now() + happened.seconds
        else:
            self._unclear.pop(site, None)
        match happened:
            case Started(operation=operation) if operation.takes_time:
                self._generating.setdefault(site, self._watch.now())
            case StillWaiting():
                self._generating.setdefault(site, self._watch.now())
            case Finished(entry=entry) if entry.operation.takes_time:
                self._note_wait_over(site)
            case WaitingForLock(lock=lock) if lock.holder.token not in self._holders:
                self._holders.add(lock.holder.token)
                if not self._quiet:
                    self.say(doing(happened))
            case _:
                pass
        if isinstance(happened, Started | StillWaiting | StillUnclear | WaitingForLock | EntryResolved):
            self._under_way.pop(site, None)
            self._under_way[site] = happened
            self._refresh()

    def _note_wait_over(self, site: SiteName) -> None:
        if (since := self._generating.pop(site, None)) is not None:
            self._longest = max(self._longest, self._watch.now() - since)

    def stop(self) -> None:
        """Removes what is shown; the phase is over."""
        self._phase, self._shown = "", False
        self._hide()

    def _hide(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def say(self, words: str) -> None:
        """Shows a line to people without waiting for the next heartbeat; it appears above the bar."""
        if self._bar is not None:
            self._bar.console.print(words, markup=False, highlight=False)
        else:
            self._write(f"{words}\n")

    async def keep_alive(self) -> None:
        """Runs beside the work until it is cancelled."""
        while True:
            await self._watch.sleep(BAR_AFTER if self._terminal else HEARTBEAT)
            if not self._phase or not self._total:
                continue
            if self._terminal:
                self._shown = self._shown or self._watch.now() - self._began >= BAR_AFTER
                self._refresh()
                continue
            counts = (f"{count:,} {word}" for count, word in self._tallies() if count)
            parts = [
                f"{self._done:,} of {plural(self._total, 'site')}",
                *counts,
                *filter(None, (self._spent(), self._left(), self._doing())),
            ]
            self._write(f"still {self._phase}: {', '.join(parts)}\n")

    def _tallies(self) -> tuple[tuple[int, str], ...]:
        """How many sites failed, and how many wait for a generation, with the words for that."""
        return (self._failed, "failed"), (len(self._generating), "generating")

    def _spent(self) -> str:
        """How long it has been running."""
        return length(self._watch.now() - self._began)

    def _left(self) -> str:
        """About how much longer it will take; empty until enough is done to tell.

        Sites wait at the same time, so the rest begins as fast as the others did, and the last one waits as long as the
        longest so far. Empty too if one has already waited much longer than that.
        """
        if self._done < ENOUGH:
            return ""
        now, waiting = self._watch.now(), self._generating.values()
        begun = self._done + (len(self._under_way) if waiting else 0)
        left = (now - self._began) / begun * (self._total - begun)
        if waiting:
            if now - min(waiting) > self._longest * STRAGGLING:
                return ""
            left += self._longest - (0 if begun < self._total else now - max(waiting))
        left = max((left, *(until - now for until in self._unclear.values())))
        return f"about {length(left)} left" if left >= 1 else ""

    def _numbers(self, room: int) -> str:
        """What is beside the bar: `12/223, 2 failed, 31 generating, 1 h 05 min, about 19 h 04 min left`.

        What does not fit is left out whole, least important first, because a number must not be cut.
        """
        failed, generating = (f"{count:,} {word}" if count else "" for count, word in self._tallies())
        whole = [f"{self._done:,}/{self._total:,}", failed, generating, self._spent(), self._left()]
        for least in (4, 2, 1, 3):
            if len(_joined(whole)) <= room:
                break
            whole[least] = ""
        return _joined(whole)

    def _show_bar(self) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        from reconciler.reporters.bar_console import BarConsole

        console = BarConsole()
        self._width = console.width
        bar = BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=1))
        self._bar = Bar(
            TextColumn(self._phase, table_column=Column(no_wrap=True)),
            *([bar] if self._width >= BARRED else []),
            TextColumn("{task.fields[counts]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
            expand=self._width >= BARRED,
        )
        self._columns = self._bar.columns
        self._task = self._bar.add_task(self._phase, total=self._total, counts="", doing="")
        self._refresh()
        self._bar.start()

    def _refresh(self) -> None:
        if self._bar is None and self._shown:
            self._show_bar()
            return
        if self._bar is not None and self._bar.console.width != self._width:  # somebody resized the terminal
            self._hide()
            self._show_bar()
            return
        if self._bar is not None and self._task is not None:
            width = self._width
            counts = self._numbers(width - len(self._phase) - (len("   ") if width >= BARRED else len(" ")))
            room = width - len(self._phase) - len(counts)
            words = self._doing()
            shown = words and width >= ROOMY and room >= SPARE
            self._bar.columns = (*self._columns, self._doing_column(words, room)) if shown else self._columns
            self._bar.update(self._task, completed=self._done, counts=counts, doing=words)

    def _doing(self) -> str:
        """What was begun last at a site that is still under way, in words."""
        latest = next((begun for begun in reversed(self._under_way.values()) if begun is not None), None)
        return "" if latest is None else doing(latest)

    def _doing_column(self, words: str, room: int) -> ProgressColumn:
        """A column as wide as the longest text so far, so that the bar fills the rest and seldom changes its length."""
        from rich.cells import cell_len
        from rich.progress import TextColumn
        from rich.table import Column

        self._widest = max(self._widest, cell_len(words))
        column = Column(no_wrap=True, overflow="ellipsis", width=min(self._widest, room * 2 // 3))
        return TextColumn("{task.fields[doing]}", markup=False, table_column=column)


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


_VERBS: Final = {"wait": "wait for", "publish": "schedule"}
"""Verbs that are worded differently here."""


def doing(event: UnderWay) -> str:
    """What an event says is going on now."""
    from reconciler.executor.events import EntryResolved, Started, StillUnclear, StillWaiting, WaitingForLock
    from reconciler.planner.actions import Action, Reason
    from reconciler.reporters.kinds.registry import action_text

    match event:
        case Started(address=address, operation=operation):
            subject = action_text(Action(address, operation, Reason.RULE), "UTC").subject
            return printable(f"{address.site}: {_VERBS.get(operation.verb, operation.verb)} {subject}")
        case StillWaiting(site=site, status=None, left=left):
            return printable(f"waiting for the posts of {plural(left, 'activity', 'activities')} of {site.name}")
        case StillWaiting(site=site, status=status):
            return printable(f"waiting for the marketing plan of {site.name}, which is {status}")
        case StillUnclear(site=site, calls=calls):
            return printable(f"{site.name}: checking whether {plural(calls, 'earlier call')} took effect")
        case WaitingForLock(site=site, lock=lock, timeout=timeout):
            most = length(timeout.total_seconds())
            return printable(f"{site.name} is locked by {lock.holder}: waiting for up to {most}")
        case EntryResolved(site=site, entry=entry):
            return printable(f"{site.name}: resolved an earlier call, {entry.call}")
        case _:
            assert_never(event)
