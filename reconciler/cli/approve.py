"""`approve` on a terminal: its questions, and what it says was saved."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Final, TextIO, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.cli.options import RunOptions
from reconciler.cli.outputs import screen_of, shows_text
from reconciler.cli.prompts import can_ask, key
from reconciler.cli.run import CommandRun, reported
from reconciler.cli.signals import Terminated, run
from reconciler.config.decisions import AnyDecision, DraftSelector, Ruling
from reconciler.config.discovery import shown_path
from reconciler.engine.approve_terms import Instead, ToApprove, Undecided, is_whole
from reconciler.engine.results import Decided
from reconciler.library.runs import ProjectRuns
from reconciler.model.approvals import ActivityDecision, DraftDecision
from reconciler.model.diagnostics import UsageError
from reconciler.model.verdict import Verdict
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.layout import Screen, Span, wrapped
from reconciler.reporters.review_text import EDITED, NOT_APPROVABLE, WHEN_APPROVABLE, WHEN_EDITED, subject_lines

_Reply = TypeVar("_Reply")

ANSWERS: Final[dict[str, AnyDecision]] = {
    "a": DraftDecision.APPROVE,
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
  d  discard the activity's posts: cancel scheduled ones and remove the drafts
  q  quit; your decisions are already saved
"""
SHORT_HELP: Final = """\
  y  yes
  n  no: it stays as it is
  u  undo the last decision and show that one again
  q  quit; your decisions are already saved
"""


LAST: Final = "  That was the last one. Saved: {decided}. [u]ndo [q]uit [?]: "
"""The question after the last draft, with all that was decided."""

LAST_HELP: Final = """\
  u  undo the last decision and show that draft again
  q  quit; your decisions are already saved
"""


class ApproveOptions(Struct, frozen=True):
    """What `approve` was asked for. `decision` None: ask which."""

    run: RunOptions
    selector: DraftSelector
    decision: AnyDecision | None
    everything: bool
    yes: bool


def approve_command(options: ApproveOptions) -> Verdict:
    """Runs `reconciler approve` and returns its verdict."""
    return reported("approve", options.run.shown, lambda running: _approve(options, running))


def _approve(options: ApproveOptions, running: CommandRun) -> Decided:
    if options.everything and not options.yes:
        raise UsageError("--all decides without asking, so it also needs --yes", "add --yes")
    if options.everything and options.selector:
        raise UsageError("--all cannot be combined with a selection", "leave one of them out")
    if options.yes and not (options.everything or options.selector):
        raise UsageError("--yes needs a selection", "add --id, --channel, --title or --all")
    if not options.yes and not can_ask():
        fix = "pass --yes" if options.selector else "name the drafts with --id, --channel or --title, and pass --yes"
        raise UsageError("no terminal to ask on", fix)
    invocation = replace(options.run.invocation, committed=False)  # it decides about what `review` has just written
    project = ProjectRuns.read(options.run.paths, invocation)
    selection, _ = project.select(options.run.choice)
    stream = sys.stdout if shows_text(options.run.shown) else sys.stderr
    screen = screen_of(stream, colour=options.run.shown.colour)

    async def undo_last(made: tuple[Ruling, ...]) -> bool:
        return await _interruptible(_undo_last(made, screen))

    async def decide(undecided: Undecided) -> AnyDecision | Instead:
        drafts = (draft.id for draft in undecided.subject.drafts)
        notes = {post: tuple(map(cause, undecided.notes[post])) for post in drafts if post in undecided.notes}
        number, of, with_id = undecided.number, undecided.of, bool(options.selector.ids)
        lines = subject_lines(undecided.subject, screen, number, of, notes, with_id=with_id)
        running.show_notices()
        stream.writelines(f"{line}\n" for line in lines)
        if options.yes:
            return options.decision or DraftDecision.APPROVE
        stream.flush()
        return await _interruptible(_answer(options.decision, undecided, screen))

    asked_for = ToApprove(options.selector, options.decision, options.everything, one_by_one=not options.yes)
    work = project.run_approve(
        selection,
        asked_for,
        decide,
        running.emit,
        lambda made: _print_saved(made, stream),
        None if options.selector.ids else undo_last,
    )
    return run(work, running.interrupts)


async def _interruptible(answer: Awaitable[_Reply]) -> _Reply:
    """Waits for an answer. Ctrl-C leaves the cursor on the line of the question."""
    try:
        return await answer
    except (asyncio.CancelledError, KeyboardInterrupt, Terminated):
        sys.stderr.write("\n")
        raise


async def _undo_last(made: Sequence[Ruling], screen: Screen) -> bool:
    """Whether a person takes back the last decision, after the last draft. The end of the input means no."""
    question = fitted(LAST.format(decided=_counted(sum(map(_words, made), Counter[str]()))), screen)
    while True:
        pressed = await key(question)
        if pressed == "u":
            return True
        if pressed in ("", "q", "\n"):
            return False
        _say(fitted(LAST_HELP, screen))


async def _answer(decision: AnyDecision | None, undecided: Undecided, screen: Screen) -> AnyDecision | Instead:
    """What a person decides, or which draft they want to see next. The end of the input ends the questions."""
    question = QUESTION if decision is None else f"  {decision.value}? [y]es [n]o [u]ndo [q]uit [?]: "
    while True:
        pressed = await key(fitted(question, screen))
        if pressed in ("", "q"):
            return Instead.QUIT
        if pressed in ("s", "n"):
            return Instead.SKIP
        if pressed == "u" and undecided.can_undo:
            return Instead.UNDO
        chosen = decision if decision is not None and pressed == "y" else None
        if decision is None:
            chosen = ANSWERS.get(pressed)
        if pressed == "u":
            _say("  there is nothing to undo\n")
        elif chosen is None:
            _say(fitted(HELP if decision is None else SHORT_HELP, screen))
        elif chosen is DraftDecision.APPROVE and undecided.subject.edited:
            _say(f"  {EDITED}: {WHEN_EDITED}\n")
        elif chosen is DraftDecision.APPROVE and not undecided.subject.approvable:
            _say(fitted(f"{NOT_APPROVABLE}; {WHEN_APPROVABLE}\n", screen))
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
"""Up to this many files are named, each with what was saved in it; more are only counted."""

_DECIDED: Final = {"approve": "approved", "pending": "pending", "keep": "kept"}
"""The words for decisions in the line about a file, such as `2 approved`; any other gets `to`: `1 to discard`."""


def _print_saved(made: Sequence[Ruling], stream: TextIO) -> None:
    """Says which files were written, with what."""
    if made:
        stream.write("\n")
    by_file: dict[Path, Counter[str]] = {}
    for ruling in made:
        by_file.setdefault(ruling.subject.path, Counter()).update(_words(ruling))
    if len(by_file) > MOST_FILES:
        whole = sum(by_file.values(), Counter[str]())
        folders = ", ".join(dict.fromkeys(shown_path(path.parent) for path in by_file))
        stream.write(f"Saved in {len(by_file):,} files in {folders}: {_counted(whole)}\n")
        return
    for path, words in by_file.items():
        stream.write(f"Saved in {shown_path(path)}: {_counted(words)}\n")


def _words(ruling: Ruling) -> Counter[str]:
    """A decision, with the number of drafts that it is about; 1 for a whole activity."""
    return Counter({ruling.decision.value: 1 if is_whole(ruling) else len(ruling.subject.drafts)})


def _counted(words: Counter[str]) -> str:
    """`2 approved, 1 to discard`."""
    return ", ".join(f"{count:,} {_DECIDED.get(word, f'to {word}')}" for word, count in words.items())
