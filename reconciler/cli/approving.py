"""`approve`: decides about what `review` wrote down, from the terminal. Reads and writes approvals files only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct, field

from reconciler.cli.asking import can_ask
from reconciler.cli.options import Shown
from reconciler.cli.outputs import screen_of, shows_text
from reconciler.cli.run import reported
from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import set_decisions, write_atomically
from reconciler.config.discovery import shown_path
from reconciler.config.sites import open_project
from reconciler.config.trust import trust_of
from reconciler.engine.results import Decided, Emit
from reconciler.engine.selection import Choice, Selection, select
from reconciler.engine.session import begin
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, Decision, DraftApproval
from reconciler.model.diagnostics import UsageError
from reconciler.reporters.review_text import draft_lines

AnyDecision: TypeAlias = Decision | ActivityDecision

ANSWERS: Final[dict[str, AnyDecision]] = {
    "a": Decision.APPROVE,
    "r": ActivityDecision.REGENERATE,
    "m": ActivityDecision.REGENERATE_MEDIA,
    "d": ActivityDecision.DISCARD,
}
QUESTION = "  [a]pprove [s]kip [q]uit; the activity: [r]egenerate new [m]edia [d]iscard: "


class ApproveOptions(Struct, frozen=True):
    """What `approve` was asked for. `decision` None: ask which; `ids` are of drafts or of activities."""

    paths: tuple[Path, ...]
    choice: Choice
    ids: tuple[str, ...]
    channels: tuple[str, ...]
    titles: tuple[str, ...]
    decision: AnyDecision | None
    everything: bool
    yes: bool
    shown: Shown

    @property
    def selects(self) -> bool:
        """Whether the drafts are named, by an id or by what they are like."""
        return bool(self.ids or self.channels or self.titles)


class Subject(Struct, frozen=True):
    """What one question is about: a draft, or an activity with its drafts."""

    activity: ActivityApproval
    drafts: tuple[DraftApproval, ...]


class Tally(Struct):
    """What was decided, and what waits on."""

    drafts: int = 0
    activities: int = 0
    sites: set[SiteName] = field(default_factory=set)
    pending: int = 0


class _Quit(Exception):
    """The person wants no more questions."""


def approve_command(options: ApproveOptions) -> int:
    """Runs `reconciler approve`, and gives its exit code."""
    return reported("approve", options.shown, lambda running: _approve(options, running.emit))


def _approve(options: ApproveOptions, emit: Emit) -> Decided:
    if options.everything and not options.yes:
        raise UsageError("--all decides without a question, so it needs --yes too")
    if options.everything and options.selects:
        raise UsageError("--all and a selection exclude each other; leave one of them out")
    if options.yes and not (options.everything or options.selects):
        raise UsageError("--yes needs a selection: --id, --channel, --title, or --all")
    if not options.yes and not can_ask():
        raise UsageError(
            "there is no terminal to ask on; name the drafts with --id, --channel or --title and add --yes"
        )
    project, index = open_project(options.paths, trust_of(os.environ))
    selection = select(project, index, options.choice)
    begin("approve", selection, emit)
    tally, unknown = Tally(), set(options.ids)
    try:
        for entry in selection.entries:
            _decide_site(entry.name, entry.load().approvals, selection, options, tally, unknown)
    except _Quit:
        pass
    else:
        if unknown:
            known = ", ".join(sorted(unknown))
            raise UsageError(f"--id {known}: no approvals file of these sites has it; run review to add new drafts")
    tally.pending = sum(
        1
        for entry in selection.entries
        for activity in read_approvals(project.approvals_file(entry.name), entry.name).activities
        for draft in activity.drafts
        if draft.decision is Decision.PENDING
    )
    decided = Decided(tally.drafts, tally.activities, len(tally.sites), tally.pending)
    emit(decided)
    return decided


def _decide_site(
    site: SiteName, approvals: Approvals, selection: Selection, options: ApproveOptions, tally: Tally, unknown: set[str]
) -> None:
    path = selection.project.approvals_file(site)
    stream = sys.stdout if shows_text(options.shown) else sys.stderr
    screen = screen_of(stream, colour=options.shown.colour)
    sent_back: set[str] = set()
    for subject in _subjects(approvals, options, unknown):
        if subject.activity.id in sent_back:
            continue
        for line in draft_lines(site, subject.activity, subject.drafts, screen):
            stream.write(f"{line}\n")
        decision = options.decision or Decision.APPROVE if options.yes else _ask(options.decision)
        if decision is None:
            continue
        drafts: dict[str, Decision] = {}
        activities: dict[str, ActivityDecision] = {}
        if isinstance(decision, Decision):
            drafts = {one.id: decision for one in subject.drafts}
        else:
            activities = {subject.activity.id: decision}
            sent_back.add(subject.activity.id)
        _write(path, drafts, activities)
        tally.drafts += len(drafts)
        tally.activities += len(activities)
        tally.sites.add(site)


def _write(path: Path, drafts: dict[str, Decision], activities: dict[str, ActivityDecision]) -> None:
    """Written after each decision, so that leaving in the middle loses none."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        write_atomically(path, set_decisions(text, drafts, activities, shown_path(path)))
    except OSError as error:
        raise UsageError(f"{shown_path(path)}: cannot be written: {error.strerror}") from None


def _subjects(approvals: Approvals, options: ApproveOptions, unknown: set[str]) -> Iterator[Subject]:
    """What there is to decide on in a file: what is not so already, and is selected."""
    whole = isinstance(options.decision, ActivityDecision)
    for activity in approvals.activities:
        unknown.discard(activity.id)
        unknown.difference_update(one.id for one in activity.drafts)
        drafts = tuple(one for one in activity.drafts if _is_selected(one, activity, options))
        if whole:
            named = not options.selects or activity.id in options.ids or bool(drafts)
            if named and activity.decision is not options.decision:
                yield Subject(activity, activity.drafts)
            continue
        wanted = options.decision or Decision.APPROVE
        for draft in drafts:
            if draft.decision is not wanted and activity.decision is ActivityDecision.KEEP:
                yield Subject(activity, (draft,))


def _is_selected(draft: DraftApproval, activity: ActivityApproval, options: ApproveOptions) -> bool:
    return (
        (not options.ids or draft.id in options.ids or activity.id in options.ids)
        and (not options.channels or draft.channel.casefold() in {one.casefold() for one in options.channels})
        and (
            not options.titles or any(fnmatchcase(activity.title.casefold(), one.casefold()) for one in options.titles)
        )
    )


def _ask(decision: AnyDecision | None) -> AnyDecision | None:
    """What a person answers; None for skipping this one. Raises _Quit at the end of the input too."""
    question = QUESTION if decision is None else f"  {decision.value}? [y]es, [n]o, [q]uit: "
    while True:
        sys.stdout.flush()
        sys.stderr.write(question)
        sys.stderr.flush()
        line = sys.stdin.readline()
        answer = line.strip().casefold()[:1]
        if not line or answer == "q":
            sys.stderr.write("" if line else "\n")
            raise _Quit
        if answer in ("s", "n"):
            return None
        if decision is not None and answer == "y":
            return decision
        if decision is None and answer in ANSWERS:
            return ANSWERS[answer]
