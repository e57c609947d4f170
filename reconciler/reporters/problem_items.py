"""Problems and notes of a site as parts of its block: each cause once, with everything that it concerns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.executor.ended_since import ENDED_SINCE
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, of_a_post
from reconciler.model.moments import without_weekdays
from reconciler.model.plurals import plural
from reconciler.model.schedule import DraftWrite
from reconciler.planner.actions import COUNTING, GOES_OUT_UNAPPROVED, BlockedBy, Plan
from reconciler.planner.channel_rules import SAME_CONTENT, SAME_MINUTE
from reconciler.planner.eligibility import NOT_APPROVED_IN_TIME
from reconciler.planner.outlook import (
    APPROVED_NOT_SELECTED,
    GOES_OUT_WHILE_PAUSED,
    OBSTACLE_IN_FILE,
    OTHER_TIME_IN_FILE,
    UNKNOWN_CHANNEL,
)
from reconciler.planner.schedule import HELD_BACK
from reconciler.reporters.diagnostics import cause, for_any_site
from reconciler.reporters.items import SEVERAL, Item, Rank
from reconciler.reporters.layout import LEFT, Line, Span, Style
from reconciler.reporters.named_drafts import MOST_NAMED, by_channels
from reconciler.reporters.names_on_sites import names_counted, names_line
from reconciler.reporters.totals import (
    NoteTotal,
    ProblemTotal,
    RefusalTotal,
    SharedNote,
    note_line,
    problem_lines,
    shared_fix,
)

FOR_MANY_POSTS: Final = {
    SAME_MINUTE: "go out in the same minute as another post from the same site",
    SAME_CONTENT: "repeat what goes out on the same account within a day",
    OBSTACLE_IN_FILE: "go out; the approvals file still shows `blocked`, but that line has no effect; "
    "to hold a post back, write `pending`",
    OTHER_TIME_IN_FILE: "go out at a different time from the one in the approvals file, "
    "because the time comes from the rule, or from the activity",
}
"""Notes about posts of one site, worded for many posts."""

COUNTING_NOTES: Final = {
    GOES_OUT_WHILE_PAUSED: slice(1),
    APPROVED_NOT_SELECTED: slice(1),
    NOT_APPROVED_IN_TIME: slice(1),
    UNKNOWN_CHANNEL: slice(None),
    ENDED_SINCE: slice(-1, None),
}
"""The codes of notes that count posts or drafts of their site, and which of their numbers do."""


def note_items(plan: Plan) -> Iterator[Item]:
    """The notes. What the approvals file says about several posts is said once, with their names."""
    alike: dict[str, list[Diagnostic]] = {}
    for number, note in enumerate(plan.notes):
        in_file = note.code in (OBSTACLE_IN_FILE, OTHER_TIME_IN_FILE)
        alike.setdefault(note.code if in_file else str(number), []).append(note)
    for code, same in alike.items():
        if len(same) < SEVERAL:
            yield from map(note_item, same)
            continue
        about = {note.address for note in same}
        operations = [action.operation for action in plan.actions if action.address in about]
        named = by_channels((each for each in operations if isinstance(each, DraftWrite)), MOST_NAMED, "post")
        head = note_line(f"{plural(len(same), 'post')} {FOR_MANY_POSTS[code]}")
        yield Item(Rank.NOTE, (), (head, names_line(named)), NoteTotal(FOR_MANY_POSTS[code], len(same)))


def note_item(note: Diagnostic) -> Item:
    """A note. In those about posts, only the names differ from site to site."""
    if (kind := FOR_MANY_POSTS.get(note.code)) is not None:
        return Item(Rank.NOTE, (), (note_line(cause(note)),), NoteTotal(kind))
    if note.shared is not ABSENT or note.code in COUNTING_NOTES:
        shared_note = for_any_site(note)
        names = note.shared is not ABSENT
        total = SharedNote(shared_note.cause, shared_note.fix, COUNTING_NOTES.get(note.code), listed=names)
        return Item(Rank.NOTE, (), (note_line(cause(note)),), total)
    shared, titles = cause(note), ""
    if note.code == HELD_BACK:
        begins, _, titles = note.message.partition(": ")
        shared = f"posts {begins}"
    own = (Line((Span(titles, Style.DIM),), indent=LEFT + 4, hang=LEFT + 6),) if titles else ()
    return Item(Rank.NOTE, (note_line(shared),), own)


def alike(problems: Iterable[Diagnostic]) -> Iterable[list[Diagnostic]]:
    """The problems grouped by cause: each cause is shown once, with everything that it concerns."""
    found: dict[tuple[str, str], list[Diagnostic]] = {}
    for problem in problems:
        found.setdefault((problem.unnamed, problem.fix), []).append(problem)
    return found.values()


def with_fixes(problems: Iterable[Diagnostic]) -> Iterator[tuple[list[Diagnostic], str]]:
    """The causes, with those that have the same fix next to each other, and the fix after the last of these.

    They are sorted by their words, by time if these have one: sites with the same causes share a block.
    """
    by_fix: dict[tuple[bool, str], list[list[Diagnostic]]] = {}
    for same in sorted(alike(problems), key=lambda same: (without_weekdays(same[0].unnamed), same[0].fix)):
        by_fix.setdefault((same[0].code == BlockedBy.WENT_OUT_UNWANTED, same[0].fix), []).append(same)
    for causes in by_fix.values():
        yield from ((same, "") for same in causes[:-1])
        yield causes[-1], shared_fix(causes[-1][0].fix, len(causes))


def cause_key(problem: Diagnostic) -> str:
    """What tells the causes of refusals apart: a digest of what is wrong and what to do."""
    return hashlib.blake2b(cause(problem).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def of_cause(lines: Iterable[Line], problem: Diagnostic) -> Iterator[Line]:
    """Lines about why a site is refused, which are shown once if several blocks have them."""
    return (replace(line, cause=cause_key(problem)) for line in lines)


def refused_item(same: Sequence[Diagnostic]) -> Item:
    """Why a site is refused. If only the numbers differ, sites share it."""
    item, problem = _item(same, "refused", Rank.REFUSED, Style.RED, same[0].fix), same[0]
    if item.total is not None:
        return item
    if problem.code not in COUNTING:
        return replace(item, lines=tuple(of_cause(item.lines, problem)))
    shared = for_any_site(problem)
    return Item(Rank.REFUSED, (), item.lines, RefusalTotal("refused", Style.RED, shared.message, shared.fix))


def blocked_item(same: Sequence[Diagnostic], fix: str, site: str) -> Item:
    """What waits for a person. A post that is already out comes first."""
    if same[0].code == BlockedBy.WENT_OUT_UNWANTED:
        return _item(same, "went out", Rank.STILL_GOING_OUT, Style.RED, fix, site)
    return _item(same, "blocked", Rank.BLOCKED, Style.YELLOW, fix, site)


def _item(same: Sequence[Diagnostic], word: str, rank: Rank, style: Style, fix: str, site: str = "") -> Item:
    """Problems with the same cause: a single one in its own words; several are counted, with their names below."""
    problem, count = same[0], len(same)
    will_fail = problem.code == BlockedBy.CHANNEL_NOT_CONNECTED and problem.says_name is True
    may_go_out = problem.code == BlockedBy.OUTCOME_UNKNOWN and of_a_post(problem)
    is_post = will_fail or may_go_out or problem.code == BlockedBy.FAILED
    each, thing = is_post or problem.code in GOES_OUT_UNAPPROVED, "post" if is_post else "draft"
    said = problem.message if count == 1 else problem.unnamed
    lines = list(problem_lines(word, style, said, fix, count, thing))
    names = Counter(found.name for found in same if found.name)
    if not names:
        return Item(rank, tuple(lines))
    named = names_counted(names.items(), names.total(), count if each else MOST_NAMED)
    if count > 1 or problem.says_name is not True:
        lines += map(names_line, names.elements()) if each else (names_line(named),)
    total = ProblemTotal(word, style, problem.unnamed, problem.fix, count, thing, names, site=site, named=named)
    return Item(rank, (), tuple(lines), total)
