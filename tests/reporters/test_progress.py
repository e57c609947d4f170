"""A heartbeat if there is no terminal; nothing on stdout, and nothing for a fast run."""

from __future__ import annotations

import asyncio
import io
import os
import re
from datetime import timedelta

import pytest
from rich.console import Console

from reconciler.engine.results import Notice, Phase, PhaseStarted, PlanCompleted
from reconciler.engine.site_results import Progressed, SiteFailed, SitePlanned
from reconciler.executor.events import Started, StillUnclear, WaitingForLock
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import Plan
from reconciler.planner.tally import PlanTally
from reconciler.reporters.progress import Progress, Watch, doing
from tests.reporters.endings import a_lock


class Time:
    """A clock that `sleep` moves forward."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def test_a_line_every_thirty_seconds() -> None:
    time, lines = Time(), list[str]()

    def write(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            progress.handle(SiteFailed(SiteName("other"), ()))
            progress.handle(
                Progressed(SiteName("shop"), Started(Address(SiteName("shop"), Kind.MARKETING_PLAN), Generate()))
            )
        if len(lines) == 3:
            raise asyncio.CancelledError

    progress = Progress(Watch(lambda: time.now, time.sleep), write, terminal=False)
    progress.handle(PhaseStarted(Phase.APPLYING, 40))

    async def work() -> None:
        await asyncio.gather(asyncio.ensure_future(progress.keep_alive()), return_exceptions=True)

    asyncio.run(work())
    assert lines == [
        "still applying: 0 of 40 sites, 30 s\n",
        "still applying: 0 of 40 sites, 1 min\n",
        "still applying: 1 of 40 sites, 1 failed, 1 generating, 1 min 30 s, shop: generate marketing plan\n",
    ]


def test_what_was_begun_last_is_said_only_of_sites_that_are_still_under_way() -> None:
    time, lines = Time(), list[str]()

    def write(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            raise asyncio.CancelledError
        progress.handle(SiteFailed(SiteName("slow"), ()))

    def begin(site: str) -> None:
        name = SiteName(site)
        progress.handle(Progressed(name, Started(Address(name, Kind.MARKETING_PLAN), Generate())))

    progress = Progress(Watch(lambda: time.now, time.sleep), write, terminal=False)
    progress.handle(PhaseStarted(Phase.APPLYING, 3))
    for site in ("slow", "quick"):
        begin(site)
    progress.handle(SiteFailed(SiteName("quick"), ()))

    async def work() -> None:
        await asyncio.gather(asyncio.ensure_future(progress.keep_alive()), return_exceptions=True)

    asyncio.run(work())
    assert [line.rpartition(", ")[2] for line in lines] == ["slow: generate marketing plan\n", "1 min\n"]


def test_a_notice_does_not_run_into_the_bar() -> None:
    time, shown = Time(), list[bool]()

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds)
        if time.now > 2:
            shown.append(progress._bar is not None)
            progress.handle(Notice(Diagnostic("lock-taken-over", "shop: took over an expired lock")))
            shown.append(progress._bar is not None)
            raise asyncio.CancelledError

    progress = Progress(Watch(lambda: time.now, sleep), lambda _: None, terminal=True)
    progress.handle(PhaseStarted(Phase.APPLYING, 40))

    async def work() -> None:
        await asyncio.gather(asyncio.ensure_future(progress.keep_alive()), return_exceptions=True)

    asyncio.run(work())
    assert shown == [True, False]


def test_a_bar_stays_while_sites_end_and_gives_way_to_what_is_written() -> None:
    time, written, shown = Time(), list[str](), list[bool]()

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds)
        if time.now > 2:
            progress.handle(SiteFailed(SiteName("s"), ()))  # nothing is written about it until all are planned
            shown.append(progress._bar is not None)
            above("s  failed\n")
            shown.append(progress._bar is not None)
            progress.handle(Progressed(SiteName("t"), Started(Address(SiteName("t")), Generate())))
            shown.append(progress._bar is not None)
            progress.stop()
            progress._refresh()
            shown.append(progress._bar is not None)
            raise asyncio.CancelledError

    progress = Progress(Watch(lambda: time.now, sleep), lambda _: None, terminal=True)
    above = progress.above(written.append)
    progress.handle(PhaseStarted(Phase.PLANNING, 40))

    async def work() -> None:
        await asyncio.gather(asyncio.ensure_future(progress.keep_alive()), return_exceptions=True)

    asyncio.run(work())
    assert (shown, written) == ([True, False, True, False], ["s  failed\n"])


def test_what_is_left_is_guessed_once_some_sites_are_done() -> None:
    time, lines = Time(), list[str]()

    def write(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            raise asyncio.CancelledError
        for number in range(10):
            progress.handle(SitePlanned(Plan(SiteRef(SiteName(f"s{number}"), "1")), PlanTally()))

    progress = Progress(Watch(lambda: time.now, time.sleep), write, terminal=False)
    progress.handle(PhaseStarted(Phase.PLANNING, 40))

    async def work() -> None:
        await asyncio.gather(asyncio.ensure_future(progress.keep_alive()), return_exceptions=True)

    asyncio.run(work())
    assert lines[1] == "still planning: 10 of 40 sites, 1 min, about 3 min left\n"


def test_what_is_left_is_not_guessed_for_a_site_that_waits_longer_than_any_other() -> None:
    now = [0.0]
    progress = Progress(Watch(lambda: now[0], asyncio.sleep), lambda _: None, terminal=False)
    progress.handle(PhaseStarted(Phase.APPLYING, 12))
    sites = [SiteName(f"s{number}") for number in range(12)]
    for site in sites[:11]:
        progress.handle(Progressed(site, Started(Address(site, Kind.MARKETING_PLAN), Generate())))
    now[0] = 30
    assert progress._left() == ""  # no generation has ended yet
    for site in sites[:10]:
        progress.handle(SiteFailed(site, ()))
    progress.handle(Progressed(sites[11], Started(Address(sites[11], Kind.MARKETING_PLAN), Generate())))
    now[0] = 35
    assert progress._left() == "about 25 s left"  # the last one began 30 s after the others, which took 30 s
    now[0] = 40
    assert progress._left() == ""


def test_a_site_that_is_watched_for_earlier_calls_says_so_and_for_how_long() -> None:
    """The others are done at once, but this one is read again for a minute."""
    now = [0.0]
    progress = Progress(Watch(lambda: now[0], asyncio.sleep), lambda _: None, terminal=False)
    progress.handle(PhaseStarted(Phase.APPLYING, 12))
    sites = [SiteName(f"s{number}") for number in range(12)]
    for site in sites[:11]:
        progress.handle(SiteFailed(site, ()))
    now[0] = 2
    unclear = StillUnclear(SiteRef(sites[11], "12"), 5, 58.0)
    progress.handle(Progressed(sites[11], unclear))
    assert (progress._left(), doing(unclear)) == (
        "about 58 s left",
        "s11: checking whether 5 earlier calls took effect",
    )
    now[0] = 32
    assert progress._left() == "about 28 s left"
    progress.handle(Progressed(sites[11], Started(Address(sites[11], Kind.MARKETING_PLAN), Generate())))
    assert "28 s" not in progress._left()


def test_a_run_whose_locks_are_waited_for_is_named_once() -> None:
    for quiet in (False, True):
        lines = list[str]()
        progress = Progress(Watch(lambda: 0.0, asyncio.sleep), lines.append, terminal=False, quiet=quiet)
        progress.handle(PhaseStarted(Phase.PLANNING, 2))
        for name in map(SiteName, ("one", "two", "one")):
            progress.handle(Progressed(name, WaitingForLock(SiteRef(name, "1"), a_lock(name), timedelta(minutes=2))))
        said = "one is locked by ana on ci-7, process 12: waiting for up to 2 min"
        assert lines == ([] if quiet else [f"{said}\n"])
        assert progress._doing() == said


def test_what_is_fast_shows_nothing() -> None:
    lines = list[str]()
    progress = Progress(Watch(lambda: 0.0, asyncio.sleep), lines.append, terminal=False)
    progress.handle(PhaseStarted(Phase.PLANNING, 1))
    progress.handle(SiteFailed(SiteName("shop"), ()))
    progress.handle(PlanCompleted(1))
    assert lines == []


HOUR_LONG = {
    24: "applying 12/223",
    40: "applying 12/223, 2 failed, 1 h 05 min",
    60: "applying 12/223, 2 failed, 31 generating, 1 h 05 min",
    80: "applying 12/223, 2 failed, 31 generating, 1 h 05 min, about 5 h 37 min left",
    120: "applying 12/223, 2 failed, 31 generating, 1 h 05 min, about 5 h 37 min left s30: generate marketing plan",
    200: "applying 12/223, 2 failed, 31 generating, 1 h 05 min, about 5 h 37 min left s30: generate marketing plan",
}
"""By the width of the screen; without the bar."""


@pytest.mark.parametrize("width", HOUR_LONG)
def test_no_number_next_to_the_bar_is_cut(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    now = [0.0]
    progress = Progress(Watch(lambda: now[0], asyncio.sleep), lambda _: None, terminal=True)
    progress.handle(PhaseStarted(Phase.APPLYING, 223))
    progress.handle(Progressed(SiteName("s"), Started(Address(SiteName("s"), Kind.MARKETING_PLAN), Generate())))
    now[0] = 3905
    for number in range(12):
        failed, plan = SiteFailed(SiteName("s"), ()), Plan(SiteRef(SiteName("s"), "1"))
        progress.handle(failed if number < 2 else SitePlanned(plan, PlanTally()))
    for number in range(31):
        address = Address(SiteName(f"s{number}"), Kind.MARKETING_PLAN)
        progress.handle(Progressed(address.site, Started(address, Generate())))
    progress._show_bar()
    assert progress._bar is not None
    screen = Console(width=progress._bar.console.width, file=io.StringIO(), color_system=None)
    screen.print(progress._bar.get_renderable())
    progress.stop()
    (line,) = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(line) <= width
    assert " ".join(re.sub("[━╸╺]", " ", line).split()) == HOUR_LONG[width]


def test_a_bar_is_as_wide_as_the_terminal_is_at_each_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    width = [120]
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((width[0], 24)))
    progress = Progress(Watch(lambda: 0.0, asyncio.sleep), lambda _: None, terminal=True)
    progress.handle(PhaseStarted(Phase.APPLYING, 223))
    progress._show_bar()
    for columns in (120, 40, 100):
        width[0] = columns
        bar = progress._bar
        assert bar is not None
        assert bar.console.width == columns - 2  # also for a draw before the next event
        progress._refresh()
        assert progress._bar is not None
        assert (progress._bar is bar) == (columns == 120)  # with or without a bar beside the numbers
        assert progress._bar.console.options.max_width == columns - 2
    progress.stop()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("doing", [False, True])
def test_the_bar_takes_the_whole_width(width: int, doing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    progress = Progress(Watch(lambda: 0.0, asyncio.sleep), lambda _: None, terminal=True)
    progress.handle(PhaseStarted(Phase.PLANNING, 223))
    if doing:
        address = Address(SiteName("shop"), Kind.MARKETING_PLAN)
        progress.handle(Progressed(address.site, Started(address, Generate())))
    progress._show_bar()
    assert progress._bar is not None
    screen = Console(width=progress._bar.console.width, file=io.StringIO(), color_system=None)
    screen.print(progress._bar.get_renderable())
    progress.stop()
    (line,) = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(line.rstrip()) == width - len("^C")
    assert ("generate" in line) == (doing and width >= 100)
