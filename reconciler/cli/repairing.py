"""`state list|show|unlock|resolve`: looks into the state and repairs it. No site is read, and none is written to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.cli.asking import agreed, can_ask
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.fleet import in_order
from reconciler.cli.outputs import screen_of
from reconciler.cli.running import run
from reconciler.cli.state_place import place_of_state
from reconciler.config.discovery import PROJECT_FILE, absolute_path, shown_path
from reconciler.config.project import Project, find_project
from reconciler.config.sites import check_sites
from reconciler.executor.manual_resolution import resolve_manually
from reconciler.model.address import SITE_NAME, SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.sites import NOTHING_RECORDED, SiteRef
from reconciler.model.text import printable
from reconciler.planner.targets import near
from reconciler.reporters.journal_words import words_of
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.state_json import list_json, show_json
from reconciler.reporters.state_text import hold_lines, list_line, list_lines, show_line, site_lines
from reconciler.reporters.words import plural
from reconciler.state.hold import Hold
from reconciler.state.holder import this_process
from reconciler.state.lease import RENEWAL, Leases, Locked
from reconciler.state.repair import Glance, SiteState, entry_named, glance, known_names, look
from reconciler.state.sites import StateStore, open_state

NO_TERMINAL: Final = "nobody could be asked, for there is no terminal; --force takes the lock away without asking"
DECLINED: Final = "it was not agreed to; the lock stays"


class Look(Struct, frozen=True):
    """Which state to look into, and how to show it. `state` overrides the project's."""

    paths: tuple[Path, ...] = ()
    state: str | None = None
    as_json: bool = False
    colour: bool = True

    @property
    def screen(self) -> Screen:
        return screen_of(sys.stdout, colour=self.colour)

    @property
    def where(self) -> tuple[str, ...]:
        """The arguments that lead another command to the same state."""
        named = () if self.state is None else ("--state", self.state)
        return (*named, *(str(path) for path in self.paths))


class Opened:
    """The state that a command was pointed at."""

    def __init__(self, asked: Look) -> None:
        self.project = find_project(asked.paths)
        location, root = place_of_state(self.project, asked.state)
        self.place = location if "://" in location else shown_path(absolute_path(root / location))
        self.state: StateStore = open_state(location, root)
        self.leases = Leases(self.state.store, this_process(os.environ))

    async def named(self, name: str) -> SiteState:
        """What is known of a site. Raises UsageError, with close matches, where nothing is."""
        found = await look(self.state, self.leases, SiteName(name)) if SITE_NAME.match(name) else None
        return found or SiteState(await self.ever_known(name), "", self.state.place(SiteName(name)), NOTHING_RECORDED)

    async def ever_known(self, name: str) -> SiteName:
        """The name itself, of a site that somebody held once. Raises UsageError, with close matches, for another."""
        known = await known_names(self.state, self.leases)
        if name in known:
            return SiteName(name)
        hint = near(name, known) or "; `reconciler state list` shows what is recorded"
        raise UsageError(f"{name!r}: nothing is recorded of such a site in {self.place}{hint}")


# --- list --------------------------------------------------------------------------------------------


def list_command(asked: Look) -> int:
    """Runs `reconciler state list`. Returns 0, or 1 where something cannot be read."""
    opened = Opened(asked)
    wanted = _sites_of(opened.project, asked.paths)
    sites = run(lambda _interrupts: _glances(opened, wanted))
    code = ExitCode.ERROR if any(one.problem for one in sites) else ExitCode.DONE
    if asked.as_json:
        sys.stdout.write(list_json(sites, opened.place, code))
        return code
    screen = asked.screen
    _lines(list_lines(sites, screen))
    if sites:
        sys.stdout.write("\n")
    _last(list_line(sites, opened.place), screen)
    return code


def _sites_of(project: Project, paths: Sequence[Path]) -> frozenset[SiteName] | None:
    """The sites that site files and folders name; None where the project as a whole is meant."""
    whole = (project.root, project.root / PROJECT_FILE)
    if all(absolute_path(path) in whole for path in paths or (project.root,)):
        return None
    return frozenset(one.name for one in check_sites(project, paths).entries)


async def _glances(opened: Opened, wanted: frozenset[SiteName] | None) -> tuple[Glance, ...]:
    names = [one for one in await known_names(opened.state, opened.leases) if wanted is None or one in wanted]

    async def one(name: SiteName) -> Glance | None:
        return await glance(opened.state, opened.leases, name)

    return tuple([found async for found in in_order(names, one, opened.project.parallelism) if found is not None])


# --- show --------------------------------------------------------------------------------------------


def show_command(name: str, asked: Look) -> int:
    """Runs `reconciler state show`. Returns 0; raises UsageError where nothing is recorded."""
    opened = Opened(asked)
    site = run(lambda _interrupts: opened.named(name))
    if asked.as_json:
        sys.stdout.write(show_json(site, ExitCode.DONE))
        return ExitCode.DONE
    screen = asked.screen
    _lines(site_lines(site, screen, asked.where))
    sys.stdout.write("\n")
    _last(show_line(site), screen)
    return ExitCode.DONE


# --- unlock ------------------------------------------------------------------------------------------


def unlock_command(name: str, asked: Look, *, force: bool) -> int:
    """Runs `reconciler state unlock`. Returns 0 once nobody holds the site, 4 where the lock stays."""
    opened = Opened(asked)
    return run(lambda _interrupts: _unlock(name, opened, asked.screen, force=force))


async def _unlock(name: str, opened: Opened, screen: Screen, *, force: bool) -> int:
    site = await _held(name, opened)
    if site is None:
        _last(f"Not locked: {name}.", screen)
        return ExitCode.DONE
    hold, ended = site, opened.leases.has_ended(site)
    _lines(wrapped((Span(f"{hold.site} is locked by", Style.BOLD),), screen))
    _lines(hold_lines(hold, screen, ended=ended))
    if not ended:
        warning = (
            f"Where that run lives, it learns of the loss within {RENEWAL.total_seconds():.0f} s: it finishes the "
            "call in flight, begins no other, and its journal says where it was."
        )
        _lines(wrapped((Span(warning),), screen, hang=0))
    if not force:
        if not can_ask():
            return _refused(NO_TERMINAL, screen)
        if not await agreed(f"Do you want to take the lock of {name} away?"):
            return _refused(DECLINED, screen)
    if await opened.leases.unlock(hold):
        _last(f"Unlocked: {name}.", screen)
        return ExitCode.DONE
    now = await opened.leases.inspect(hold.site)
    if now is not None:
        return _refused(f"the lock is {now.holder}'s by now, and was left alone; see whose it is and try again", screen)
    _last(f"Not locked: {name}; its holder gave the lock back meanwhile.", screen)
    return ExitCode.DONE


async def _held(name: str, opened: Opened) -> Hold | None:
    """Who holds a site, also where its document cannot be read. Raises UsageError for an unknown site."""
    found = await opened.leases.inspect(SiteName(name)) if SITE_NAME.match(name) else None
    if found is None:
        await opened.ever_known(name)
    return found


# --- resolve -----------------------------------------------------------------------------------------


def resolve_command(name: str, entry_id: str, asked: Look, *, took_effect: bool, lock_timeout: timedelta) -> int:
    """Runs `reconciler state resolve`. Returns 0, or 4 while a run holds the site; raises UsageError."""
    opened = Opened(asked)
    screen = asked.screen
    try:
        return run(lambda _interrupts: _resolve(name, entry_id, opened, screen, took_effect, lock_timeout))
    except Locked as locked:
        return _refused(str(locked), screen)


async def _resolve(
    name: str, entry_id: str, opened: Opened, screen: Screen, took_effect: bool, lock_timeout: timedelta
) -> int:
    # Looked for before the lease is taken, so that a name nobody knows leaves nothing behind.
    site = await opened.named(name)
    entry_named(site.name, site.recorded.open, entry_id)
    lease = await opened.leases.acquire(site.name, lock_timeout)
    async with lease:
        if lease.taken_over:
            sys.stderr.write(f"note: {printable(lease.taken_over)}\n")
        journal = await opened.state.open_journal(SiteRef(site.name, site.id), lease)
        entry = entry_named(site.name, journal.recorded.open, entry_id)
        await resolve_manually(journal, entry, took_effect=took_effect)
        left = sum(not one.sent for one in journal.recorded.open)
    words = words_of(entry)
    _lines(wrapped((Span(entry.id, Style.BOLD), Span(entry.call), Span(entry.address)), screen))
    _lines(wrapped((Span(f"  {words.done if took_effect else words.not_done}"),), screen, hang=2))
    rest = f"{plural(left, 'call')} of {site.name} {'is' if left == 1 else 'are'} in doubt still" if left else ""
    _last(
        f"Resolved: {'done' if took_effect else 'not done'}; {rest or f'no call of {site.name} is in doubt'}.", screen
    )
    return ExitCode.DONE


# --- output ------------------------------------------------------------------------------------------


def _refused(reason: str, screen: Screen) -> int:
    _last(f"Refused: {reason}", screen, Style.RED)
    return ExitCode.REFUSED


def _last(line: str, screen: Screen, style: Style = Style.BOLD) -> None:
    """A line that scripts look for, so it is never wrapped."""
    sys.stdout.write(screen.paint(line, style) + "\n")


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line.rstrip() + "\n")
