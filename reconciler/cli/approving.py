"""`approve`: records decisions about what `review` wrote, from the terminal. Reads and writes only approvals files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final, TextIO, assert_never

from msgspec import Struct, structs

from reconciler.cli.asking import can_ask, key
from reconciler.cli.options import Shown
from reconciler.cli.outputs import screen_of, shows_text
from reconciler.cli.run import reported
from reconciler.cli.running import Terminated
from reconciler.config.approvals import read_approvals
from reconciler.config.deciding import AnyDecision, Ruling, Selector, Subject, listed_in, pending, subjects, write
from reconciler.config.discovery import shown_path
from reconciler.config.last_approvals import LastApprovals
from reconciler.config.project import Project
from reconciler.config.sites import open_project
from reconciler.config.trust import trust_of
from reconciler.engine.choice import SiteFilter
from reconciler.engine.results import Decided, Emit
from reconciler.engine.selection import repository_of, select
from reconciler.engine.session import begin
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, Decision
from reconciler.model.diagnostics import UsageError
from reconciler.model.moments import zone_in
from reconciler.model.posts import PostId
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.channel_rules import warnings_between_reviewed
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.layout import Screen, Span, wrapped
from reconciler.reporters.review_text import EDITED, WHEN_EDITED, subject_lines

ANSWERS: Final[dict[str, AnyDecision]] = {
    "a": Decision.APPROVE,
    "r": ActivityDecision.REGENERATE,
    "m": ActivityDecision.REGENERATE_MEDIA,
    "d": ActivityDecision.DISCARD,
}
QUESTION: Final = "  [a]pprove [s]kip [u]ndo [q]uit [?] activity: [r]egenerate [m]edia [d]iscard: "
HELP: Final = """\
  a  approve this draft: apply schedules what is shown, for the time shown
  s  skip it: it stays as it is
  u  undo the last decision and show that draft again
  r  regenerate all posts of this activity, texts and images
  m  regenerate only their images
  d  discard the activity: cancel its scheduled posts and remove its drafts
  q  quit; what was decided is saved already
"""
SHORT_HELP: Final = """\
  y  yes
  n  no: it stays as it is
  u  undo the last decision and show that one again
  q  quit; what was decided is saved already
"""


class Step(Enum):
    """What a person does instead of deciding."""

    SKIP = "skip"
    UNDO = "undo"
    QUIT = "quit"


class ApproveOptions(Struct, frozen=True):
    """What `approve` was asked for. `decision` None: ask which."""

    paths: tuple[Path, ...]
    choice: SiteFilter
    selector: Selector
    decision: AnyDecision | None
    everything: bool
    yes: bool
    shown: Shown


def approve_command(options: ApproveOptions) -> int:
    """Runs `reconciler approve` and returns its exit code."""
    return reported("approve", options.shown, lambda running: _approve(options, running.emit))


def _approve(options: ApproveOptions, emit: Emit) -> Decided:
    if options.everything and not options.yes:
        raise UsageError("--all decides without asking, so it also needs --yes", "add --yes")
    if options.everything and options.selector:
        raise UsageError("--all cannot be combined with a selection", "leave one of them out")
    if options.yes and not (options.everything or options.selector):
        raise UsageError("--yes needs a selection", "add --id, --channel, --title or --all")
    if not options.yes and not can_ask():
        fix = "pass --yes" if options.selector else "name the drafts with --id, --channel or --title, and pass --yes"
        raise UsageError("no terminal to ask on", fix)
    trust = structs.replace(trust_of(os.environ), committed=False)  # it decides about what `review` has just written
    project, index = open_project(options.paths, trust)
    selection = select(project, index, options.choice)
    begin("approve", selection, emit)
    files = [(entry.name, project.approvals_file(entry.name), entry.load().approvals) for entry in selection.entries]
    found = subjects(files, options.selector, options.decision, waiting=options.everything)
    stream = sys.stdout if shows_text(options.shown) else sys.stderr
    screen = screen_of(stream, colour=options.shown.colour)
    notes = _notes(project, files, found)
    if options.yes:
        made = _all_of_them(found, options.decision or Decision.APPROVE, stream, screen, notes)
    else:
        made = _one_by_one(found, options.decision, stream, screen, notes)
    _print_saved(made, stream)
    decided = Decided(
        sum(len(ruling.subject.drafts) for ruling in made if isinstance(ruling.decision, Decision)),
        sum(isinstance(ruling.decision, ActivityDecision) for ruling in made),
        len({ruling.subject.site for ruling in made}),
        sum(pending(read_approvals(path, name)) for name, path, _ in files),
        asked=len(found),
        listed=sum(listed_in(approvals) for _, _, approvals in files),
    )
    emit(decided)
    return decided


def _notes(
    project: Project, files: Sequence[tuple[SiteName, Path, Approvals]], found: Sequence[Subject]
) -> dict[PostId, tuple[str, ...]]:
    """Notes about drafts that their own entries do not show: twins, and what changed since the last approval."""
    asked = dict.fromkeys(subject.site for subject in found)
    last = LastApprovals(repository_of(project), project.approvals_folder)
    notes: dict[PostId, tuple[str, ...]] = {}
    files = [file for file in files if file[0] in asked]
    last.read(files)
    for site, path, approvals in files:
        between = warnings_between_reviewed(approvals)
        notes |= {post: tuple(map(cause, warnings)) for post, warnings in between.items()}
        before = last.of(site, path, approvals)
        for activity in approvals.activities:
            for draft in activity.drafts if before else ():
                changes = before[draft.id].differences(activity, draft) if draft.id in before else ()
                if changes and draft.decision is Decision.PENDING:
                    words = difference_words(changes, zone_in(draft.goes_out))
                    notes[draft.id] = (f"changed since it was approved: {words}", *notes.get(draft.id, ()))
    return notes


def _all_of_them(
    found: Sequence[Subject],
    decision: AnyDecision,
    stream: TextIO,
    screen: Screen,
    notes: Mapping[PostId, Sequence[str]],
) -> tuple[Ruling, ...]:
    """Decides about all without asking.

    What was edited in the file is not approved: such an approval would not count.
    """
    made: list[Ruling] = []
    for number, subject in enumerate(found, 1):
        stream.writelines(f"{line}\n" for line in subject_lines(subject, screen, number, len(found), notes))
        if decision is not Decision.APPROVE or not subject.edited:
            made.append(Ruling(subject, decision))
    write(made)
    return tuple(made)


def _one_by_one(
    found: Sequence[Subject],
    decision: AnyDecision | None,
    stream: TextIO,
    screen: Screen,
    notes: Mapping[PostId, Sequence[str]],
) -> tuple[Ruling, ...]:
    """Asks about one after the other. Each answer is written at once, so that stopping halfway loses none."""
    made: list[tuple[int, Ruling]] = []
    at = 0
    while at < len(found):
        subject = found[at]
        if subject.activity.id in {ruling.subject.activity.id for _, ruling in made if _is_whole(ruling)}:
            at += 1
            continue
        stream.writelines(f"{line}\n" for line in subject_lines(subject, screen, at + 1, len(found), notes))
        stream.flush()
        try:
            answer = _answer(decision, subject, screen, can_undo=bool(made))
        except (KeyboardInterrupt, Terminated):
            sys.stderr.write("\n")
            _print_saved(tuple(ruling for _, ruling in made), stream)
            raise
        match answer:
            case Step.QUIT:
                break
            case Step.UNDO:
                at, last = made.pop()
                write([last.undone()])
            case Step.SKIP:
                at += 1
            case Decision() | ActivityDecision():
                write([Ruling(subject, answer)])
                made.append((at, Ruling(subject, answer)))
                at += 1
            case _:
                assert_never(answer)
    return tuple(ruling for _, ruling in made)


def _is_whole(ruling: Ruling) -> bool:
    return isinstance(ruling.decision, ActivityDecision)


def _answer(decision: AnyDecision | None, subject: Subject, screen: Screen, *, can_undo: bool) -> AnyDecision | Step:
    """What a person decides, or which draft they want to see next. The end of the input ends the questions."""
    question = QUESTION if decision is None else f"  {decision.value}? [y]es [n]o [u]ndo [q]uit [?]: "
    while True:
        pressed = key(fitted(question, screen))
        if pressed in ("", "q"):
            return Step.QUIT
        if pressed in ("s", "n"):
            return Step.SKIP
        if pressed == "u" and can_undo:
            return Step.UNDO
        chosen = decision if decision is not None and pressed == "y" else None
        if decision is None:
            chosen = ANSWERS.get(pressed)
        if pressed == "u":
            _say("  there is nothing to undo\n")
        elif chosen is None:
            _say(fitted(HELP if decision is None else SHORT_HELP, screen))
        elif chosen is Decision.APPROVE and subject.edited:
            _say(f"  {EDITED}: {WHEN_EDITED}\n")
        else:
            return chosen


def fitted(text: str, screen: Screen) -> str:
    """A question or a help text as lines of a screen, broken at spaces; the final space before the answer is kept."""
    found: list[str] = []
    for line in text.splitlines():
        words = line.strip()
        hang = len("  a  ") if words[1:3] == "  " else 2
        found += wrapped((Span(words),), screen, indent=2, hang=hang)
    return "\n".join(found) + text[len(text.rstrip()) :]


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


MOST_FILES: Final = 10
"""How many files are named with what was saved in them; the rest are only counted."""

_DECIDED: Final = {"approve": "approved", "pending": "pending", "keep": "kept"}
"""How decisions are worded in the line of a file; those not listed are still to be carried out."""


def _print_saved(made: Sequence[Ruling], stream: TextIO) -> None:
    """Says which files were written, with what."""
    if made:
        stream.write("\n")
    by_file: dict[Path, Counter[str]] = {}
    for ruling in made:
        words = by_file.setdefault(ruling.subject.path, Counter())
        words[ruling.decision.value] += 1 if _is_whole(ruling) else len(ruling.subject.drafts)
    if len(by_file) > MOST_FILES:
        whole = sum(by_file.values(), Counter[str]())
        folders = ", ".join(dict.fromkeys(shown_path(path.parent) for path in by_file))
        stream.write(f"Saved in {len(by_file):,} files in {folders}: {_counted(whole)}\n")
        return
    for path, words in by_file.items():
        stream.write(f"Saved in {shown_path(path)}: {_counted(words)}\n")


def _counted(words: Counter[str]) -> str:
    """`2 approved, 1 to discard`."""
    return ", ".join(f"{count:,} {_DECIDED.get(word, f'to {word}')}" for word, count in words.items())
