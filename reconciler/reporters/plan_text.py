"""One site's plan as lines: problems first, then what goes public, what is thrown away, what costs, what is safe."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from msgspec import Struct

from reconciler.engine.results import SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import ActionClass, Deferred, class_of
from reconciler.planner.actions import Action, Plan, StillGoingOut
from reconciler.planner.edits import edit_key
from reconciler.reporters import words
from reconciler.reporters.action_text import (
    STYLES,
    SYMBOLS,
    WHY,
    action_text,
    channel_name,
    deferred_words,
    post_name,
)
from reconciler.reporters.context import CallsOf
from reconciler.reporters.layout import Line, Span, Style, columns
from reconciler.reporters.values import change_row

SUBJECT: Final = 16
"""Columns that the subject of a line has at least, so that what becomes of it starts in one column."""

LEFT: Final = 4
"""Where a subject starts, after its symbol."""

MOST_NAMED: Final = 6
"""Discarded drafts that are named; the rest is counted."""


class Rank(IntEnum):
    """The order of a screen: what must not be missed first."""

    STILL_GOING_OUT = 0
    FAILED = 1
    REFUSED = 2
    BLOCKED = 3
    PUBLIC = 4
    DISCARDING = 5
    COSTLY = 6
    SAFE = 7
    NOTE = 8


CLASS_RANKS: Final = {
    ActionClass.PROTECTIVE: Rank.PUBLIC,
    ActionClass.PUBLIC: Rank.PUBLIC,
    ActionClass.COSTLY: Rank.COSTLY,
    ActionClass.SAFE: Rank.SAFE,
}


class Item(Struct, frozen=True):
    """A part of a site's block. `lines` may be the same on many sites; `discards` are named where they are not."""

    rank: Rank
    lines: tuple[Line, ...]
    discards: tuple[tuple[str, str, bool], ...] = ()
    """Title, channel and whether it was approved, of each draft that is thrown away."""


def site_items(planned: SitePlanned, calls_of: CallsOf | None = None) -> tuple[Item, ...]:
    """The parts of a site's block in the order of the screen; none for a site with nothing to say."""
    plan = planned.plan
    zone = plan.time_zone
    items = [Item(Rank.STILL_GOING_OUT, still_going_out_lines(post, zone)) for post in plan.still_going_out]
    items += [_problem(refusal, "refused", Rank.REFUSED, Style.RED) for refusal in plan.refusals]
    items += [_problem(blocked, "blocked", Rank.BLOCKED, Style.YELLOW) for blocked in plan.blocked]
    items += [_action(action, plan, calls_of) for action in plan.actions]
    items += [Item(Rank.NOTE, (Line((Span(f"  note: {note}", Style.DIM),), hang=8),)) for note in plan.notes]
    if calls_of and planned.reads:
        items.append(Item(Rank.NOTE, (Line((Span(f"  read: {', '.join(planned.reads)}", Style.DIM),), hang=8),)))
    return tuple(sorted(items, key=lambda item: item.rank))


def discard_line(discards: tuple[tuple[str, str, bool], ...], *, named: bool = True) -> Line:
    """`- discards 3 drafts, 1 of them approved: "Winter check" (Instagram, Facebook)`."""
    approved = sum(1 for _, _, was_approved in discards if was_approved)
    kind = "unapproved drafts" if not approved else "drafts"
    count = f"{len(discards):,} {kind if len(discards) != 1 else kind.removesuffix('s')}"
    text = f"- discards {count}"
    if approved:
        text += f", {approved:,} of them approved"
    if named:
        by_title: dict[str, list[str]] = {}
        for title, channel, _ in discards:
            by_title.setdefault(title, []).append(channel_name(channel))
        names = [f'"{title}" ({", ".join(dict.fromkeys(channels))})' for title, channels in by_title.items() if title]
        if names:
            more = len(names) - MOST_NAMED
            text += f": {', '.join(names[:MOST_NAMED])}" + (f" and {more} more activities" if more > 0 else "")
    return Line((Span(text, Style.RED),), indent=LEFT + 4, hang=LEFT + 6)


def subject_line(symbol: str, style: Style, subject: str, *spans: Span) -> Line:
    """`  ~ settings          ...`: a symbol, what it is about, and what becomes of it."""
    head = f"  {symbol} {subject}"
    room = LEFT + SUBJECT
    if spans and columns(head) < room:
        head += " " * (room - columns(head))
    return Line((Span(head.rstrip() if not spans else head, style), *spans), hang=LEFT + 4)


def _action(action: Action, plan: Plan, calls_of: CallsOf | None) -> Item:
    operation = action.operation
    verb, whole = operation.verb, calls_of is not None
    said = action_text(action, plan.time_zone)
    lines = [subject_line(SYMBOLS[verb], STYLES[verb], said.subject, *((Span(said.text),) if said.text else ()))]
    rows = [change_row(change, whole=whole) for change in said.changes]
    widest = min(max((columns(row.name) for row in rows), default=0), 32)
    edited = dict.fromkeys(plan.edited)
    for row, change in zip(rows, said.changes, strict=True):
        name = row.name + " " * max(0, widest - columns(row.name))
        spans = [Span(f"{row.symbol} {name}", row.style if row.symbol != " " else Style.PLAIN), *row.spans]
        if edit_key(action.address, change.path) in edited:
            spans.append(Span("edited on the site since the last apply", Style.YELLOW))
        lines.append(Line(tuple(spans), indent=LEFT + 2, hang=LEFT + 8))
    if calls_of:
        lines += _explanation(action, plan, calls_of)
    discards = tuple((draft.title, draft.channel, draft.approved) for draft in plan.discarded_by(operation))
    rank = Rank.DISCARDING if discards else CLASS_RANKS[class_of(operation)]
    return Item(rank, tuple(lines), discards)


def _explanation(action: Action, plan: Plan, calls_of: CallsOf) -> Iterator[Line]:
    lines = [f"address: {action.address}", f"class: {class_of(action.operation)}"]
    why = deferred_words(action.operation)[1] if isinstance(action.operation, Deferred) else WHY[action.reason]
    lines.append(f"reason: {action.reason}" + (f" ({why})" if why else ""))
    if action.because:
        lines.append(f"because: {', '.join(action.because)}")
    lines += [f"call: {call}" for call in calls_of(action.operation, plan.site)]
    lines += [f"needs: {words.precondition(required)}" for required in action.requires]
    for line in lines:
        yield Line((Span(line, Style.DIM),), indent=LEFT + 4, hang=LEFT + 6)


def still_going_out_lines(post: StillGoingOut, zone: str) -> tuple[Line, Line]:
    """A post that goes out although nobody wants it any more: when and where, why, and how to stop it by hand."""
    when = f" {words.moment(post.moment, zone)}" if post.moment else ""
    account = f" on {post.account}" if post.account else ""
    why = "; ".join(part for part in (WHY[post.reason], *post.because) if part)
    text = f"{post_name(post.title, post.channel)}{when}{account}: {why}; {post.obstacle}"
    return subject_line("!", Style.RED, "still going out", Span(text, Style.RED)), _fix(post.stop)


def _problem(problem: Diagnostic, word: str, rank: Rank, style: Style) -> Item:
    lines = [subject_line("!", style, word, Span(problem.message))]
    if problem.fix:
        lines.append(_fix(problem.fix))
    return Item(rank, tuple(lines))


def _fix(fix: str) -> Line:
    return Line((Span(f"fix: {fix}"),), indent=LEFT + 4, hang=LEFT + 9)
