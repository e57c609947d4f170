"""One site's plan as lines: problems, then what goes public, what is thrown away, what is costly, what is safe."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.engine.site_results import SitePlanned
from reconciler.executor.ended_since import ENDED_SINCE
from reconciler.model.activities import DeleteActivity
from reconciler.model.address import Address, Kind
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.operations import Deferred, SitePart, class_of
from reconciler.model.plurals import plural
from reconciler.model.posts import Discarded, PostsWrite, post_name
from reconciler.model.schedule import CancelPost, DraftWrite, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import Need
from reconciler.model.text import spoken
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import COUNTING, Action, BlockedBy, Plan
from reconciler.planner.channel_rules import SAME_CONTENT, SAME_MINUTE
from reconciler.planner.edits import MOMENT, edit_key
from reconciler.planner.eligibility import NOT_APPROVED_IN_TIME
from reconciler.planner.outlook import (
    APPROVED_NOT_SELECTED,
    GOES_OUT_WHILE_PAUSED,
    OBSTACLE_IN_FILE,
    OTHER_TIME_IN_FILE,
    UNKNOWN_CHANNEL,
)
from reconciler.planner.reasons import facts_behind
from reconciler.planner.schedule import HELD_BACK
from reconciler.reporters import words
from reconciler.reporters.context import CallsOf
from reconciler.reporters.diagnostics import cause, for_any_site
from reconciler.reporters.going_out import GoingOutTotal, by_cause, going_out_lines
from reconciler.reporters.kinds.base import COUNT, STYLES, SYMBOLS
from reconciler.reporters.layout import LEFT, Line, Span, Style, fill, subject_line
from reconciler.reporters.totals import (
    ActivityTotal,
    DiscardTotal,
    NoteTotal,
    PostTotal,
    ProblemTotal,
    RefusalTotal,
    SharedNote,
    Total,
    note_line,
    problem_lines,
    shared_fix,
    titles_counted,
)
from reconciler.reporters.values import change_row, name_width, quoted

MOST_WAITING: Final = 3
"""How many titles of a site's drafts that wait for review are shown; the rest are counted."""

MOST_NAMED: Final = 6
"""How many drafts a line names; the rest are counted. Approved drafts that one site discards are all named."""


NOTHING_DONE: Final = "Nothing below will be done:"
"""Shown above the changes of what is refused: a site, or the whole run."""

SEVERAL: Final = 3
"""How many posts or activities of a site to which the same is done share a paragraph."""

Timed: TypeAlias = SchedulePost | CancelPost
"""Writes that one paragraph can name for several posts: they differ only in time and name."""

NAMES_OF_PARTS: Final[dict[str, str]] = {Need.PUBLISHED: "published URLs"}
"""How `--explain` names the parts of a site if their slugs do not read as words."""

KINDS_IN_PLAN: Final = {Kind.MARKETING_PLAN: "marketing plan", Kind.ACTIVITY: "activities", Kind.DRAFT: "posts"}
"""How changes are named by kind alone. Other kinds are named by their plural, a rule by what it is about."""

FOR_MANY_POSTS: Final = {
    SAME_MINUTE: "go out in the same minute as another post from the same site",
    SAME_CONTENT: "repeat what goes out on the same account within a day",
    OBSTACLE_IN_FILE: "are to go out; the approvals file still shows `blocked`, but that line has no effect; "
    "to hold a post back, write `pending`",
    OTHER_TIME_IN_FILE: "are to go out at another time than the approvals file shows, but what it shows has no effect: "
    "the time comes from the rule, or from the activity",
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


EDITED: Final = Span("edited on the site since the last apply", Style.YELLOW)
"""Shown beside what somebody changed and the plan overwrites."""


class Rank(IntEnum):
    """The order of a screen: what must not be missed first."""

    STILL_GOING_OUT = 0
    FAILED = 1
    REFUSED = 2
    BLOCKED = 3
    PUBLIC = 4
    DISCARDING = 5
    WAITING = 6
    COSTLY = 7
    SAFE = 8
    NOTE = 9


CLASS_RANKS: Final = {
    ActionClass.PROTECTIVE: Rank.PUBLIC,
    ActionClass.PUBLIC: Rank.PUBLIC,
    ActionClass.COSTLY: Rank.COSTLY,
    ActionClass.SAFE: Rank.SAFE,
}


CHANGES: Final = frozenset({Rank.PUBLIC, Rank.DISCARDING, Rank.COSTLY, Rank.SAFE})
"""The ranks of blocks that begin with a change, and so contain no problem."""


class Item(Struct, frozen=True):
    """A part of a site's block. `lines` may be the same on many sites; if they are not, `own` lines come below them.

    `total`: what sites that share the block show in place of their own lines. `of_many`: what is shown in place of all
    lines if many sites differ only in their activities.
    """

    rank: Rank
    lines: tuple[Line, ...]
    own: tuple[Line, ...] = ()
    total: Total | None = None
    of_many: ActivityTotal | None = None


def shared_parts(items: Sequence[Item]) -> list[Line | Total]:
    """What a block may share with other sites: its lines, and one total per kind, where the first of its kind is."""
    parts: list[Line | Total] = []
    totals: dict[str, Total] = {}
    for item in items:
        parts += item.lines
        if item.total is None:
            continue
        if (known := totals.get(item.total.kind)) is not None:
            known.add(item.total)
        else:
            totals[item.total.kind] = item.total
            parts.append(item.total)
    return parts


def parts_of_many(items: Sequence[Item]) -> list[Line | Total]:
    """What a block may share with those that differ from it only in their activities."""
    ordered = sorted(items, key=lambda item: (item.rank, item.of_many.kind if item.of_many else ""))
    return shared_parts([Item(item.rank, (), (), item.of_many) if item.of_many else item for item in ordered])


def own_lines(items: Sequence[Item]) -> list[Line]:
    """The lines of a block that no other site shares, naming the drafts it is about."""
    return [line for item in items for line in (*item.lines, *item.own)]


def site_items(planned: SitePlanned, calls_of: CallsOf | None = None) -> tuple[Item, ...]:
    """The parts of a site's block in the order of the screen; none for a site with nothing to say."""
    plan = planned.plan
    zone = plan.time_zone
    items = [
        Item(Rank.STILL_GOING_OUT, (), tuple(going_out_lines(same, zone)), GoingOutTotal(same, zone))
        for same in by_cause(plan.still_going_out, zone)
    ]
    items += [refused_item(same) for same in _alike(plan.refusals)]
    items += [_blocked(same, fix=fix) for same, fix in _with_fixes(plan.blocked)]
    if plan.refusals and plan.actions:
        left = Span(NOTHING_DONE, Style.DIM)
        items.append(Item(Rank.PUBLIC, (Line((left,), indent=2),)))
    items += _actions(planned, calls_of)
    items += _notes(plan)
    if calls_of and planned.reads:
        reads = f"  read: {', '.join(NAMES_OF_PARTS.get(part, spoken(part)) for part in planned.reads)}"
        items.append(Item(Rank.NOTE, (Line((Span(reads, Style.DIM),), hang=8),)))
    return tuple(sorted(items, key=lambda item: item.rank))


def _kind_of(address: Address) -> str:
    if address.kind is Kind.RULE:
        return "activities" if address.key.startswith(SitePart.ACTIVITIES) else "posts"
    return KINDS_IN_PLAN.get(address.kind) or f"{address.kind.removesuffix('s')}s"


def without_refused(items: Sequence[Item], plan: Plan) -> Sequence[Item]:
    """The same block, but if the site is refused, one line says what the changes would be about: none will be made.

    Sites that share the block also count the drafts that these would throw away.
    """
    if not items or not plan.refusals or not plan.actions or items[-1].rank < Rank.PUBLIC:  # `--quiet` leaves them out
        return items
    found = sorted(plan.actions, key=lambda action: CLASS_RANKS[class_of(action.operation)])
    kinds = ", ".join(dict.fromkeys(f"{SYMBOLS[action.operation.verb]} {_kind_of(action.address)}" for action in found))
    left = Span(f"Not done: {kinds}  (in full with --sites)", Style.DIM)
    kept = [item for item in items if item.rank < Rank.PUBLIC]
    lost = [draft for action in found for draft in plan.discarded_by(action.operation)]
    kept.append(Item(Rank.PUBLIC, (Line((left,), indent=2, hang=8),), total=_discard_total(lost, plan)))
    return [*kept, *(item for item in items if item.rank is Rank.NOTE)]


def _notes(plan: Plan) -> Iterator[Item]:
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
        yield Item(Rank.NOTE, (), (head, _names_line(named)), NoteTotal(FOR_MANY_POSTS[code], len(same)))


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


def _discard_line(discards: Sequence[Discarded]) -> Line:
    """`- discards 3 drafts, 1 of them approved: "Winter check" (Instagram); unapproved: "Open studio" (Facebook, X)`.

    Every approved one is named. If a draft has no channel here, only its id is known, not whether it is approved.
    """
    approved = [draft for draft in discards if draft.approved]
    others = [draft for draft in discards if not draft.approved]
    unknown = any(not draft.channel for draft in others)
    mixed = bool(approved and others) or unknown
    kind = "drafts" if mixed else "approved drafts" if approved else "unapproved drafts"
    text = f"- discards {len(discards):,} {kind if len(discards) != 1 else kind.removesuffix('s')}"
    if approved and others:
        text += f", {len(approved):,} of them approved"
    named = [by_channels(approved, len(discards)), by_channels(others, MOST_NAMED)]
    if all(named):
        named[1] = f"unapproved: {named[1]}"
    text += f": {'; '.join(part for part in named if part)}" if any(named) else ""
    return Line((Span(text, Style.RED),), indent=LEFT + 4, hang=LEFT + 6)


class _Titled(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def type(self) -> str: ...


def by_channels(posts: Iterable[_Titled], most: int, thing: str = "draft") -> str:
    """`"Winter check", "Studio", each on Facebook, X; "Sale" (2 on X)`: the channels once for the titles they share.

    Every post is named or, beyond the first titles, counted as one more `thing`.
    """
    channels: dict[str, Counter[str]] = {}
    for post in posts:
        channels.setdefault(post.title, Counter())[post_name("", post.channel, post.type)] += 1
    untitled = sum(channels.pop("", Counter()).values())
    titles: dict[tuple[str, bool], list[str]] = {}
    for title in list(channels)[:most]:
        where = ", ".join(name if n == 1 else f"{n:,} on {name}" for name, n in channels[title].items())
        once = all(n == 1 for n in channels[title].values())
        titles.setdefault((where, once), []).append(quoted(title))
    found = [
        f"{same[0]} ({where})"
        if len(same) == 1
        else f"{', '.join(same)}, each on {where}"
        if once
        else f"{', '.join(same)} (each: {where})"
        for (where, once), same in titles.items()
    ]
    rest = untitled + sum(sum(counts.values()) for counts in list(channels.values())[most:])
    more = f" and {plural(rest, f'more {thing}')}" if rest else ""
    return f"{'; '.join(found)}{more}" if found else ""


def _actions(planned: SitePlanned, calls_of: CallsOf | None) -> Iterator[Item]:
    """The actions. What is done to several posts or activities is said once, with all their names."""
    plan = planned.plan
    items = [_action(action, planned, calls_of) for action in plan.actions]
    alike: dict[tuple[Rank, Verb, str], list[int]] = {}
    for number, (item, action) in enumerate(zip(items, plan.actions, strict=True)):
        what = "" if calls_of else _what_to_several(item, action, plan)
        alike.setdefault((item.rank, action.operation.verb, what or str(number)), []).append(number)
    together = {numbers[0]: (what, numbers) for (_, _, what), numbers in alike.items() if len(numbers) >= SEVERAL}
    others = {number for _, numbers in together.values() for number in numbers}
    for number, item in enumerate(items):
        if number in together:
            what, numbers = together[number]
            yield _together(what, [items[each] for each in numbers], [plan.actions[each] for each in numbers], plan)
        elif number not in others:
            yield item


def accounts_of(plan: Plan) -> Sequence[str]:
    """The accounts on which posts of a site go out, in the words of its lines. None if one is unknown."""
    operations = [action.operation for action in plan.actions]
    accounts = {each.account for each in operations if isinstance(each, SchedulePost)}
    if not accounts or "" in accounts:
        return ()
    from reconciler.reporters.kinds.schedule import account_words

    return [*map(account_words, accounts)]


def _what_to_several(item: Item, action: Action, plan: Plan) -> str:
    """What an action does, in words for several posts or activities; empty if it is shown by itself."""
    from reconciler.reporters.kinds.schedule import account_words

    operation = action.operation
    if item.of_many is not None:
        return item.of_many.on_one_site
    if not isinstance(operation, Timed) or not operation.title:
        return ""
    if edit_key(action.address, MOMENT) in plan.edited:
        return ""
    assert isinstance(item.total, PostTotal)
    if isinstance(operation, SchedulePost):
        picked = "" if operation.at else " at times that Wix picks"
        return f"{COUNT} {item.total.kind} on {account_words(operation.account)}{picked}"
    facts = facts_behind(action.reason, action.details, action.grounds, plan.time_zone)
    behind = f" ({', '.join(facts)})" if facts else ""
    return f"{COUNT} {item.total.kind}{behind}"


def _together(what: str, items: Sequence[Item], actions: Sequence[Action], plan: Plan) -> Item:
    """Actions that do the same: what they do, with their number, then the names, then what is discarded."""
    first, *others = items
    verb, operations = actions[0].operation.verb, [action.operation for action in actions]
    head, count = (SYMBOLS[verb], STYLES[verb]), f"{len(items):,}"
    if isinstance(first.total, PostTotal):
        for item in others:
            assert isinstance(item.total, PostTotal)
            first.total.add(item.total)
        posts = [each for each in operations if isinstance(each, Timed)]
        channels = {post_name("", each.channel, each.type) for each in posts}
        count += f" on {channels.pop()}" if len(channels) == 1 else ""
        about, names = Span(what.replace(COUNT, count, 1)), _by_time(posts, plan.time_zone, one_channel=not channels)
        return replace(first, own=(subject_line(*head, "posts", about), _names_line(names)))
    assert first.of_many is not None
    for item in others:
        assert item.of_many is not None
        first.of_many.add(item.of_many)
    zone = plan.time_zone
    names = ", ".join(_name(each, zone) for each in operations if isinstance(each, PostsWrite | DeleteActivity))
    discards = [draft for operation in operations for draft in plan.discarded_by(operation)]
    about = Span(what.replace(COUNT, count, 1))
    lines = (subject_line(*head, first.of_many.subject, about), _names_line(names))
    own = (_discard_line(discards),) if discards else ()
    return Item(first.rank, lines, own, _discard_total(discards, plan), first.of_many)


def _name(operation: PostsWrite | DeleteActivity, zone: str) -> str:
    """`"Winter check"`, with its date if another activity has the same title."""
    if isinstance(operation, PostsWrite) or isinstance(operation.date, Absent):
        return quoted(operation.title)
    return f"{quoted(operation.title)} on {words.day_or_moment(operation.date, zone)}"


def _names_line(names: str) -> Line:
    return Line((Span(names),), indent=LEFT + 4, hang=LEFT + 6)


def _by_time(posts: Iterable[SchedulePost | CancelPost], zone: str, *, one_channel: bool) -> str:
    """`Tue 2026-12-01 09:30 UTC "Sale" (X); Wed 2026-12-02 09:30 "Studio" (X)`: the zone is that of all times.

    With `one_channel`, it was named before.
    """
    times: dict[str, list[SchedulePost | CancelPost]] = {}
    for post in posts:
        times.setdefault(_time_of(post, zone), []).append(post)
    found: list[str] = []
    in_zone = f" {zone}"
    for when, same in times.items():
        names = ", ".join(quoted(post.title) for post in same) if one_channel else by_channels(same, len(same), "post")
        found.append(f"{when.replace(f' {zone}', in_zone, 1)} {names}".strip())
        in_zone = "" if when else in_zone
    return "; ".join(found)


def _time_of(post: SchedulePost | CancelPost, zone: str) -> str:
    """When a post goes out, or would have; empty if it is not known."""
    if isinstance(post, SchedulePost) and post.at is None:
        return moment_text(post.about, zone, exact=False) if post.about else ""
    return words.moment(post.at, zone) if post.at else ""


def _action(action: Action, planned: SitePlanned, calls_of: CallsOf | None) -> Item:
    from reconciler.reporters.kinds.registry import action_text  # a plan without actions needs no words for them

    plan, operation = planned.plan, action.operation
    verb, whole = operation.verb, calls_of is not None
    said = action_text(action, plan.time_zone)
    edited, inherited = frozenset(plan.edited), dict(planned.inherited)
    about = [Span(said.text)] if said.text else []
    if edit_key(action.address, MOMENT) in edited:
        about.append(EDITED)
    lines = [subject_line(SYMBOLS[verb], STYLES[verb], said.subject, *about)]
    rows = [change_row(change, whole=whole) for change in said.changes]
    widest = name_width(row.name for row in rows)
    for row, change in zip(rows, said.changes, strict=True):
        style = row.style if row.symbol != " " else Style.PLAIN
        spans = [Span(f"{row.symbol} {fill(row.name, widest)}", style), *row.spans]
        if edit_key(action.address, change.path) in edited:
            spans.append(EDITED)
        if change.path in inherited and isinstance(operation, UpdateSettings):
            spans.append(Span(f"from defaults {inherited[change.path]}".rstrip(), Style.DIM))
        lines.append(Line(tuple(spans), indent=LEFT + 2, hang=LEFT + 8))
    if calls_of:
        lines += _explanation(action, plan, calls_of)
    discards = plan.discarded_by(operation)
    rank = Rank.DISCARDING if discards else CLASS_RANKS[class_of(operation)]
    if verb is Verb.WAIT:  # before what waits for it
        rank = Rank.WAITING
    if isinstance(operation, DraftWrite):
        return Item(rank, (), tuple(lines), PostTotal(action, plan.time_zone))
    of_many = None
    if said.of_many:
        overwritten = any(edit_key(action.address, change.path) in edited for change in said.changes)
        of_many = ActivityTotal(verb, said, _discard_total(discards, plan), edited=overwritten)
    if discards:
        return Item(rank, tuple(lines), (_discard_line(discards),), _discard_total(discards, plan), of_many)
    return Item(rank, tuple(lines), of_many=of_many)


def _discard_total(discards: Sequence[Discarded], plan: Plan) -> DiscardTotal | None:
    return DiscardTotal(discards, refused=bool(plan.refusals)) if discards else None


def _explanation(action: Action, plan: Plan, calls_of: CallsOf) -> Iterator[Line]:
    from reconciler.reporters.kinds.deferred import deferred_words
    from reconciler.reporters.kinds.registry import precondition

    lines = [f"address: {action.address.shown}", f"class: {class_of(action.operation)}"]
    why = (
        deferred_words(action.operation, plan.time_zone)[1]
        if isinstance(action.operation, Deferred)
        else words.reason_behind(action.reason)
    )
    lines.append(f"reason: {action.reason}" + (f" ({why})" if why else ""))
    if facts := facts_behind(action.reason, action.details, action.grounds, plan.time_zone):
        lines.append(f"because: {', '.join(facts)}")
    lines += [f"call: {call}" for call in calls_of(action.operation, plan.site)]
    lines += [f"needs: {precondition(required)}" for required in action.requires]
    for line in lines:
        yield Line((Span(line, Style.DIM),), indent=LEFT + 4, hang=LEFT + 6)


def waiting_lines(sites: Iterable[tuple[str, Counter[str]]], *more: Span) -> Iterator[Line]:
    """`? shop: 3 drafts are waiting for review  "Sale" (2 drafts), "Winter"`: for each site, by its drafts' titles."""
    for name, titles in sites:
        count = titles.total()
        named = titles_counted(titles.items(), count, MOST_WAITING, "draft") if any(titles) else ""
        verb = "is" if count == 1 else "are"
        head = f"? {name}: {plural(count, 'draft')} {verb} waiting for review"
        yield Line((Span(head, Style.CYAN), Span(named, Style.DIM), *more))


def _alike(problems: Iterable[Diagnostic]) -> Iterable[list[Diagnostic]]:
    """The problems grouped by cause: each cause is shown once, with everything that it concerns."""
    found: dict[tuple[str, str], list[Diagnostic]] = {}
    for problem in problems:
        found.setdefault((problem.unnamed, problem.fix), []).append(problem)
    return found.values()


def _with_fixes(problems: Iterable[Diagnostic]) -> Iterator[tuple[list[Diagnostic], str]]:
    """The causes, with those that have the same fix next to each other, and the fix after the last of these."""
    by_fix: dict[tuple[bool, str], list[list[Diagnostic]]] = {}
    for same in _alike(problems):
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
    item, problem = _problem(same, "refused", Rank.REFUSED, Style.RED), same[0]
    if item.total is not None:
        return item
    if problem.code not in COUNTING:
        return replace(item, lines=tuple(of_cause(item.lines, problem)))
    shared = for_any_site(problem)
    return Item(Rank.REFUSED, (), item.lines, RefusalTotal("refused", Style.RED, shared.message, shared.fix))


def _blocked(same: Sequence[Diagnostic], *, fix: str) -> Item:
    """What waits for a person. A post that is already out comes first."""
    if same[0].code == BlockedBy.WENT_OUT_UNWANTED:
        return _problem(same, "went out", Rank.STILL_GOING_OUT, Style.RED, fix=fix)
    return _problem(same, "blocked", Rank.BLOCKED, Style.YELLOW, fix=fix)


def _times(count: int) -> str:
    """How often a name occurs, for use after it; empty if it occurs only once."""
    return {1: "", 2: " twice"}.get(count, f" {count:,} times")


def _problem(same: Sequence[Diagnostic], word: str, rank: Rank, style: Style, *, fix: str | None = None) -> Item:
    """Problems with the same cause: a single one in its own words; several are counted, with their names below.

    `fix`: the fix to show, if it is not the problem's own.
    """
    problem, count = same[0], len(same)
    shown = problem.fix if fix is None else fix
    lines = list(problem_lines(word, style, problem.message if count == 1 else problem.unnamed, shown, count))
    names = Counter(found.name for found in same if found.name)
    if not names:
        return Item(rank, tuple(lines))
    if count > 1 or problem.says_name is not True:
        named = [f"{name}{_times(n)}" for name, n in names.items()][:MOST_NAMED]
        rest = sum(list(names.values())[MOST_NAMED:])
        text = f"{', '.join(named)}{f' and {rest:,} more' if rest else ''}"
        lines.append(Line((Span(text),), indent=LEFT + 4, hang=LEFT + 6))
    return Item(rank, (), tuple(lines), ProblemTotal(word, style, problem.unnamed, problem.fix, count))
