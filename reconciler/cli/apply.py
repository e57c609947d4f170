"""`apply` on the command line: what it may do, the question it asks, and how a signal ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.options import RunOptions
from reconciler.cli.prompts import WHOLE_QUESTION, agreed, can_ask, public_question, whole_question
from reconciler.cli.run import CommandRun, reported
from reconciler.cli.selection import selected
from reconciler.engine.apply_run import DECLINED, ApplyTerms, Decision, Proposal
from reconciler.engine.choice import SiteFilter
from reconciler.engine.plan_file import plan_in
from reconciler.engine.results import ClosingEvent, Emit, Event, RunStarted
from reconciler.engine.run_context import RunContext
from reconciler.engine.verdict import verdict_of
from reconciler.library.runs import ProjectRuns
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.verdict import Verdict
from reconciler.planner.document import SavedPlan
from reconciler.reporters.last_lines import header

NO_TERMINAL: Final = Diagnostic(
    "no-terminal",
    "no terminal to confirm on",
    "pass --auto-approve",
)
NO_TERMINAL_TO_PUBLISH: Final = replace(NO_TERMINAL, fix="pass --auto-approve; publishing also needs --allow-publish")
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


def apply_live_command(asked: RunOptions, permissions: Permissions) -> Verdict:
    """Runs `reconciler apply [PATH...]` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        project, selection, context = selected(asked)
        return running.run(project.run_apply(selection, context, *_terms(permissions, running)))

    return reported("apply", asked.shown, work, asks=permissions.asks)


def apply_saved_command(file: Path, asked: RunOptions, permissions: Permissions) -> Verdict:
    """Runs `reconciler apply PLANFILE` and returns its verdict."""

    def work(running: CommandRun) -> ClosingEvent:
        _check_options(asked)
        project = ProjectRuns.find((), asked.invocation)
        saved = plan_in(file)
        if isinstance(saved, SavedPlan) and saved.part is not None and saved.part.count > 1 and asked.choice.shard:
            raise UsageError(f"{file} is already one shard", "merge all shards, or leave --shard out")
        context, terms = RunContext(strict=asked.strict), _terms(permissions, running)
        return running.run(project.run_apply_plan(saved, context, *terms, asked.choice.shard))

    return reported("apply", asked.shown, work, asks=permissions.asks)


def _terms(permissions: Permissions, running: CommandRun) -> tuple[ApplyTerms, Emit]:
    """The terms of the run, and where it reports."""
    interrupts = running.interrupts
    started: list[RunStarted] = []

    def emit(event: Event) -> None:
        if isinstance(event, RunStarted):
            started.append(event)
        running.emit(event)

    async def decide(proposal: Proposal) -> Decision:
        decision = await _decide(proposal, permissions, header(started[0]), running.show_notices)
        if decision.apply:
            interrupts.stop_gently(lambda: running.progress.say(STOPPING))
        return decision

    terms = ApplyTerms(
        decide,
        permissions.lock_timeout,
        interrupts.requested,
        lambda completed: verdict_of(completed, signal=interrupts.signal),
        running.far.leave,
    )
    return terms, emit


async def _decide(
    proposal: Proposal, permissions: Permissions, where: str, show_notices: Callable[[], None]
) -> Decision:
    """What the flags allow, or what a person answers.

    `where` says where the run works; it is shown again before publishing.
    """
    unasked = permissions.saved and (permissions.allow_publish or not proposal.public or not can_ask())
    if permissions.auto_approve or unasked:
        return Decision(apply=True, allow_publish=permissions.allow_publish)
    if not can_ask():
        needs_publish = proposal.public and not permissions.allow_publish
        return Decision(apply=False, refusal=NO_TERMINAL_TO_PUBLISH if needs_publish else NO_TERMINAL)
    if proposal.only_public:
        agreed_to = await agreed(public_question(where, proposal.completed.tally, alone=True), show_notices)
        return Decision(apply=agreed_to, allow_publish=agreed_to)
    all_at_once = proposal.public and permissions.allow_publish
    question = whole_question(where, proposal.completed.tally) if all_at_once else WHOLE_QUESTION
    if not permissions.saved and not await agreed(question, show_notices):
        return Decision(apply=False, refusal=DECLINED)
    if proposal.public and not permissions.allow_publish:
        question = public_question(where, proposal.completed.tally)
        return Decision(apply=True, allow_publish=await agreed(question, show_notices))
    return Decision(apply=True, allow_publish=permissions.allow_publish)


def _check_options(asked: RunOptions) -> None:
    """A saved plan is carried out as it is, so options that would change it are refused."""
    wrong = [
        name
        for name, given in (
            ("--regenerate", bool(asked.regenerate)),
            ("--no-publish", not asked.publish),
            ("--target, --exclude or --changed-since", replace(asked.choice, shard=None) != SiteFilter()),
        )
        if given
    ]
    if wrong:
        raise UsageError("a saved plan is applied as it is", f"use {', '.join(wrong)} with `plan --out` instead")
