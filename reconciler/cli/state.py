"""`state list|show|mv|forget|unlock|resolve` on the command line: which state is meant, and what is asked first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.cli.options import RunOptions
from reconciler.cli.prompts import agreed, can_ask
from reconciler.cli.run import CommandRun, reported
from reconciler.config.discovery import PROJECT_FILE, absolute_path
from reconciler.config.sites import check_sites
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import ClosingEvent, Notice, Refused
from reconciler.engine.state import (
    GUID,
    StateAccess,
    discard_lock,
    forget_site,
    list_state,
    move_record,
    remove_lock,
    resolve_call,
    show_state,
    site_named,
    still_going_out,
)
from reconciler.engine.state_results import LockFound, LockRemoved
from reconciler.engine.undeclared import goes_out_notice
from reconciler.library import Project
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity
from reconciler.model.verdict import Verdict
from reconciler.state.errors import StateError

NO_TERMINAL: Final = Diagnostic(
    "no-terminal",
    "no terminal to confirm on",
    "pass --force",
)
DECLINED: Final = Diagnostic("declined", "The lock was not removed")


def _opened(asked: RunOptions) -> Project:
    """The project whose state it is. Raises UsageError and InvalidFiles."""
    return Project.find(asked.paths, asked.means)


def _readable(asked: RunOptions) -> Project:
    """The same, for commands that only look: with `--state`, also if the project file has problems."""
    return Project.find(asked.paths, asked.means, usable=asked.means.state is not None)


def _state_for(site: str, project: Project) -> StateAccess:
    """The state, to look up one site by what its file calls it now. Raises UsageError and InvalidFiles."""
    state = project.state()
    return state if GUID.match(site) else replace(state, declared=_declared_in(project))


def _declared_in(project: Project) -> dict[str, str]:
    """The ids of a project's sites by name, as its files have them now. Raises UsageError and InvalidFiles."""
    return {entry.name: entry.id.lower() for entry in project.with_sites().index.entries}


def list_command(asked: RunOptions) -> Verdict:
    """Runs `reconciler state list` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        project = _readable(asked)
        only = _sites_of(project, asked.paths)
        return running.run(list_state(project.state(), only, running.emit))

    return reported("state list", asked.shown, work)


def _sites_of(project: Project, paths: Sequence[Path]) -> frozenset[str] | None:
    """The ids of the sites that site files and folders name; None if the project as a whole is meant."""
    root = project.files.root
    if all(absolute_path(path) in (root, root / PROJECT_FILE) for path in paths or (root,)):
        return None
    return frozenset(entry.id.lower() for entry in check_sites(project.files, paths, only_check=True).entries)


def show_command(name: str, asked: RunOptions) -> Verdict:
    """Runs `reconciler state show` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        project = _readable(asked)
        try:
            state = _state_for(name, project)
        except InvalidFiles:  # what is recorded can be looked at without them
            state = project.state()
        place = asked.means.state
        where = (*(() if place is None else ("--state", place)), *map(str, asked.paths))
        return running.run(show_state(state, name, running.emit, where))

    return reported("state show", asked.shown, work)


def unlock_command(name: str, asked: RunOptions, *, force: bool) -> Verdict:
    """Runs `reconciler state unlock` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        return running.run(_unlock(name, _state_for(name, _opened(asked)), running, force=force))

    return reported("state unlock", asked.shown, work, asks=not force and can_ask())


async def _unlock(name: str, state: StateAccess, running: CommandRun, *, force: bool) -> ClosingEvent:
    site = await site_named(state, name)
    closing: ClosingEvent
    try:
        lock = await state.leases.inspect(site)
    except StateError as error:
        running.emit(Notice(replace(diagnostic_of(error), severity=Severity.WARNING)))
        if (refusal := await _declined(site.name, force=force)) is None:
            return await discard_lock(state, site, running.emit)
        running.emit(closing := Refused(refusal))
        return closing
    if lock is None:
        running.emit(closing := LockRemoved(site.name))
        return closing
    running.emit(LockFound(lock, state.leases.has_ended(lock)))
    if (refusal := await _declined(site.name, force=force)) is None:
        removed = await remove_lock(state, lock, running.emit)
        if isinstance(removed, LockRemoved):
            return removed
        what = f"the lock is now held by {removed.holder} and was left alone"
        refusal = Diagnostic("lock-changed-hands", what, "see whose it is and try again")
    running.emit(closing := Refused(refusal))
    return closing


async def _declined(name: SiteName, *, force: bool) -> Diagnostic | None:
    """Why a lock stays; None if it may be removed."""
    if force:
        return None
    if not can_ask():
        return NO_TERMINAL
    return None if await agreed(f"Do you want to remove the lock of {name}?") else DECLINED


def move_command(old: str, new: str, asked: RunOptions, *, lock_timeout: timedelta) -> Verdict:
    """Runs `reconciler state mv` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        state = _state_for(old, project := _opened(asked))
        try:
            declared = _declared_in(project)
        except InvalidFiles:  # the record of an id can be moved without them
            declared = {}
        return running.run(move_record(state, old, new, declared, lock_timeout=lock_timeout, emit=running.emit))

    return reported("state mv", asked.shown, work)


def forget_command(name: str, asked: RunOptions, *, force: bool, lock_timeout: timedelta) -> Verdict:
    """Runs `reconciler state forget` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        project = _opened(asked)
        state, now = _state_for(name, project), project.now()
        return running.run(_forget(name, state, now, running, force=force, lock_timeout=lock_timeout))

    return reported("state forget", asked.shown, work, asks=not force and can_ask())


async def _forget(
    name: str, state: StateAccess, now: datetime, running: CommandRun, *, force: bool, lock_timeout: timedelta
) -> ClosingEvent:
    site = await site_named(state, name)
    for post in await still_going_out(state, site, now):
        running.emit(Notice(goes_out_notice(site, post)))
    refusal = None
    if not force and not can_ask():
        refusal = Diagnostic("no-terminal", "no terminal to confirm on", "pass --force")
    elif not force and not await agreed(f"Do you want to forget everything recorded about {site.name} ({site.id})?"):
        refusal = Diagnostic("declined", "Nothing was forgotten")
    if refusal is None:
        return await forget_site(state, site, lock_timeout=lock_timeout, emit=running.emit)
    closing = Refused(refusal)
    running.emit(closing)
    return closing


def resolve_command(
    name: str, entry_id: str, asked: RunOptions, *, took_effect: bool, lock_timeout: timedelta
) -> Verdict:
    """Runs `reconciler state resolve` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        state = _state_for(name, _opened(asked))
        return running.run(
            resolve_call(state, name, entry_id, took_effect=took_effect, lock_timeout=lock_timeout, emit=running.emit)
        )

    return reported("state resolve", asked.shown, work)
