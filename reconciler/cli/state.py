"""`state list|show|mv|forget|unlock|resolve` on the command line: which state is meant, and what is asked first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from reconciler.cli.options import RunOptions
from reconciler.cli.prompts import agreed, can_ask
from reconciler.cli.run import CommandRun, reported
from reconciler.config.discovery import PROJECT_FILE, absolute_path
from reconciler.config.sites import check_sites
from reconciler.engine.results import ClosingEvent
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.sites import SiteRef
from reconciler.model.verdict import Verdict

NO_TERMINAL: Final = Diagnostic(
    "no-terminal",
    "no terminal to confirm on",
    "pass --force",
)
LOCK_LEFT: Final = Diagnostic("declined", "The lock was not removed")
NOT_FORGOTTEN: Final = Diagnostic("declined", "Nothing was forgotten")


def _opened(asked: RunOptions) -> ProjectRuns:
    """The project whose state is meant. Raises UsageError and InvalidFiles."""
    return ProjectRuns.find(asked.paths, asked.invocation)


def _readable(asked: RunOptions) -> ProjectRuns:
    """The same, for commands that only read the state. With `--state`, the project file may have problems."""
    return ProjectRuns.find(asked.paths, asked.invocation, usable=asked.invocation.state is not None)


def list_command(asked: RunOptions) -> Verdict:
    """Runs `reconciler state list` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        project = _readable(asked)
        return running.run(project.run_state_list(_sites_of(project, asked.paths), running.emit))

    return reported("state list", asked.shown, work)


def _sites_of(project: ProjectRuns, paths: Sequence[Path]) -> frozenset[str] | None:
    """The ids of the sites that site files and folders name; None if the project as a whole is meant."""
    root = project.files.root
    if all(absolute_path(path) in (root, root / PROJECT_FILE) for path in paths or (root,)):
        return None
    return frozenset(entry.id.lower() for entry in check_sites(project.files, paths).entries)


def show_command(name: str, asked: RunOptions) -> Verdict:
    """Runs `reconciler state show` and returns its verdict."""
    return reported(
        "state show",
        asked.shown,
        lambda running: running.run(_readable(asked).run_state_show(name, running.emit)),
    )


def unlock_command(name: str, asked: RunOptions, *, force: bool) -> Verdict:
    """Runs `reconciler state unlock` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        async def agree(site: SiteRef) -> Diagnostic | None:
            question = f"Do you want to remove the lock of {site.name}?"
            return await _declined(question, LOCK_LEFT, running, force=force)

        return running.run(_opened(asked).run_state_unlock(name, agree, running.emit))

    return reported("state unlock", asked.shown, work, asks=not force and can_ask())


def forget_command(name: str, asked: RunOptions, *, force: bool, lock_timeout: timedelta) -> Verdict:
    """Runs `reconciler state forget` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        async def agree(site: SiteRef) -> Diagnostic | None:
            question = f"Do you want to forget everything recorded about {site.name} ({site.id})?"
            question = f"{question} Posts scheduled there still go out."
            return await _declined(question, NOT_FORGOTTEN, running, force=force)

        return running.run(_opened(asked).run_state_forget(name, agree, running.emit, lock_timeout))

    return reported("state forget", asked.shown, work, asks=not force and can_ask())


async def _declined(question: str, declined: Diagnostic, running: CommandRun, *, force: bool) -> Diagnostic | None:
    """Why nothing is done; None with `force`, or if somebody answered yes."""
    if force:
        return None
    if not can_ask():
        return NO_TERMINAL
    return None if await agreed(question, running.show_notices) else declined


def move_command(old: str, new: str, asked: RunOptions, *, lock_timeout: timedelta) -> Verdict:
    """Runs `reconciler state mv` and returns its verdict."""
    return reported(
        "state mv",
        asked.shown,
        lambda running: running.run(_opened(asked).run_state_move(old, new, running.emit, lock_timeout)),
    )


def resolve_command(
    name: str, entry_id: str, asked: RunOptions, *, took_effect: bool, lock_timeout: timedelta
) -> Verdict:
    """Runs `reconciler state resolve` and returns its verdict."""
    return reported(
        "state resolve",
        asked.shown,
        lambda running: running.run(
            _opened(asked).run_state_resolve(name, entry_id, running.emit, lock_timeout, took_effect=took_effect)
        ),
    )
