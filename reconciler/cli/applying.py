"""`apply` on the command line: what it may do, the question it asks, and how a signal ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.client import FullClient
from reconciler.cli.asking import agreed, can_ask, public_question
from reconciler.cli.options import RunOptions
from reconciler.cli.run import Running, reported
from reconciler.cli.selecting import context_of, selected, session_of
from reconciler.config.project import Project, find_project
from reconciler.engine.apply import apply_live, apply_saved, refuse_plan
from reconciler.engine.applying import DECLINED, ApplyTerms, Decision, Proposal, Run
from reconciler.engine.choice import Choice
from reconciler.engine.plan_file import read_plan
from reconciler.engine.results import ClosingEvent, Event, Notice, RunStarted
from reconciler.engine.saved import check_project, files_of
from reconciler.engine.session import RunContext
from reconciler.engine.verdict import verdict_of
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.planner.document import PlanRefused
from reconciler.reporters.last_lines import header
from reconciler.wiring import api_of

NO_TERMINAL: Final = Diagnostic(
    "no-terminal",
    "no terminal to confirm on",
    "pass --auto-approve",
)
STOPPING: Final = "Stopping after the calls in progress. Press Ctrl-C again to stop now."


class Permissions(Struct, frozen=True):
    """What the command line allows: writing without asking, making posts public, waiting for a lock.

    A `saved` plan is carried out without asking again, because whoever names it has seen it. Publishing is asked about
    all the same.
    """

    auto_approve: bool
    allow_publish: bool
    lock_timeout: timedelta
    saved: bool = False

    @property
    def asks(self) -> bool:
        """Whether there will be a question."""
        return can_ask() and not self.auto_approve and not (self.saved and self.allow_publish)


def apply_live_command(asked: RunOptions, permissions: Permissions) -> int:
    """Runs `reconciler apply [PATH...]` and returns its exit code."""

    def work(running: Running) -> ClosingEvent:
        selection = selected(asked)
        context = context_of(asked, selection)

        async def live(run: Run) -> ClosingEvent:
            return await apply_live(run, selection)

        return _carry_out(selection.project, asked, context, permissions, running, live)

    return reported("apply", asked.shown, work, asks=permissions.asks)


def apply_saved_command(file: Path, asked: RunOptions, permissions: Permissions) -> int:
    """Runs `reconciler apply PLANFILE` and returns its exit code."""

    def work(running: Running) -> ClosingEvent:
        _check_options(asked)
        project = find_project([], asked.trust())
        try:
            saved = read_plan(file)
        except PlanRefused as refused:
            return _carry_out(project, asked, RunContext(), permissions, running, partial(refuse_plan, why=refused))
        check_project(saved, project, api_of(project, asked.api))
        if saved.part is not None and saved.part.count > 1:
            if asked.choice.shard is not None:
                raise UsageError(f"{file} is already one shard", "merge all shards, or leave --shard out")
            what = f"this is shard {saved.part.number} of {saved.part.count}, and the limits only count its own sites"
            fix = "to check them over all shards: reconciler merge FILE... --out FILE"
            running.emit(Notice(Diagnostic("part-alone", what, fix, Severity.WARNING)))
        files = files_of(project)

        async def from_file(run: Run) -> ClosingEvent:
            return await apply_saved(run, saved, files, asked.choice.shard)

        return _carry_out(project, asked, RunContext(strict=asked.strict), permissions, running, from_file)

    return reported("apply", asked.shown, work, asks=permissions.asks)


def _carry_out(
    project: Project,
    asked: RunOptions,
    context: RunContext,
    permissions: Permissions,
    running: Running,
    work: Callable[[Run], Awaitable[ClosingEvent]],
) -> ClosingEvent:
    interrupts = running.interrupts
    started: list[RunStarted] = []

    def emit(event: Event) -> None:
        if isinstance(event, RunStarted):
            started.append(event)
        running.emit(event)

    async def apply() -> ClosingEvent:
        async with session_of(asked, project, FullClient) as session:

            async def decide(proposal: Proposal) -> Decision:
                sites = proposal.completed.sites
                saved = RunStarted("apply", project.root.name, sites, sites, session.api, session.commit)
                decision = await _decide(proposal, permissions, header(started[0] if started else saved))
                if decision.apply:
                    interrupts.stop_gently(lambda: running.progress.say(STOPPING))
                return decision

            terms = ApplyTerms(
                decide,
                permissions.lock_timeout,
                interrupts.requested,
                lambda completed: verdict_of(completed, signal=interrupts.signal),
            )
            return await work(Run(session, context, terms, emit))

    return running.run(apply())


async def _decide(proposal: Proposal, permissions: Permissions, where: str) -> Decision:
    """What the flags allow, or what a person answers.

    `where` says where the run works; it is shown again before publishing.
    """
    unasked = permissions.saved and (permissions.allow_publish or not proposal.public or not can_ask())
    if permissions.auto_approve or unasked:
        return Decision(apply=True, allow_publish=permissions.allow_publish)
    if not can_ask():
        return Decision(apply=False, refusal=NO_TERMINAL)
    if proposal.only_public and not permissions.allow_publish:
        agreed_to = await agreed(public_question(where, proposal.completed.tally, alone=True))
        return Decision(apply=agreed_to, allow_publish=agreed_to)
    if not permissions.saved and not await agreed("Do you want to perform these actions?"):
        return Decision(apply=False, refusal=DECLINED)
    if proposal.public and not permissions.allow_publish:
        return Decision(apply=True, allow_publish=await agreed(public_question(where, proposal.completed.tally)))
    return Decision(apply=True, allow_publish=permissions.allow_publish)


def _check_options(asked: RunOptions) -> None:
    """A saved plan is carried out as it is, so options that would change it are refused."""
    wrong = [
        name
        for name, given in (
            ("--regenerate", bool(asked.regenerate)),
            ("--no-publish", not asked.publish),
            ("--target, --exclude or --changed-since", replace(asked.choice, shard=None) != Choice()),
        )
        if given
    ]
    if wrong:
        raise UsageError("a saved plan is carried out as it is", f"use {', '.join(wrong)} with `plan --out` instead")
