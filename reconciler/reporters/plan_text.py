"""One site's plan as lines: problems, then what goes public, what is thrown away, what is costly, what is safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SitePlanned
from reconciler.model.address import Address, Kind
from reconciler.model.operations import SitePart, class_of
from reconciler.model.posts import account_id
from reconciler.model.schedule import CancelPost, DraftWrite, ReschedulePost, ScheduleOperation, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import Need
from reconciler.model.text import spoken
from reconciler.model.writes import FieldChange, Verb
from reconciler.planner.actions import Action, Plan
from reconciler.planner.edits import MOMENT, edit_key
from reconciler.planner.reasons import facts_behind
from reconciler.reporters import words
from reconciler.reporters.context import CallsOf
from reconciler.reporters.going_out import GoingOutTotal, by_cause, going_out_lines
from reconciler.reporters.items import CLASS_RANKS, SEVERAL, Item, Rank
from reconciler.reporters.kinds.base import STYLES, SYMBOLS
from reconciler.reporters.layout import LEFT, Line, Span, Style, fill, subject_line
from reconciler.reporters.named_drafts import discard_line, discard_total
from reconciler.reporters.names_on_sites import titles_counted
from reconciler.reporters.post_totals import PostTotal
from reconciler.reporters.problem_items import alike, blocked_item, note_items, refused_item, with_fixes
from reconciler.reporters.same_names import with_ids_if_needed
from reconciler.reporters.several import by_time, named_alone, together, what_to_several
from reconciler.reporters.totals import ActivityTotal
from reconciler.reporters.value_totals import ARROW, FieldOfMany, Side, ValuesTotal, side
from reconciler.reporters.values import change_row, name_width

MOST_WAITING: Final = 3
"""How many titles of a site's drafts that wait for review are shown; the rest are counted."""

NOTHING_DONE: Final = "None of the changes below will be made:"
"""Shown above the changes of what is refused: a site, or the whole run."""

NOTHING_DONE_AT_ALL: Final = "None of the changes above or below will be made:"
"""Shown if the run is refused and sites with posts that still go out come first."""

NAMES_OF_PARTS: Final[dict[str, str]] = {Need.PUBLISHED: "published URLs"}
"""How `--explain` names the parts of a site if their slugs do not read as words."""

KINDS_IN_PLAN: Final = {Kind.MARKETING_PLAN: "marketing plan", Kind.ACTIVITY: "activities", Kind.DRAFT: "posts"}
"""How changes are named by kind alone. Other kinds are named by their plural, a rule by what it is about."""

EDITED: Final = Span("edited on the site since the last apply", Style.YELLOW)
"""Shown beside what somebody changed and the plan overwrites."""


def site_items(
    planned: SitePlanned, calls_of: CallsOf | None = None, *, each_with_fix: bool = False
) -> tuple[Item, ...]:
    """The parts of a site's block in the order of the screen; none for a site with nothing to say.

    `each_with_fix`: each cause that blocks drafts has its fix, because they may be shown apart.
    """
    plan = replace(planned.plan, actions=tuple(with_ids_if_needed(planned.plan.actions)))
    planned, zone = replace(planned, plan=plan), plan.time_zone
    items = [
        Item(Rank.STILL_GOING_OUT, (), tuple(going_out_lines(same, zone)), GoingOutTotal(same, zone))
        for same in by_cause(plan.still_going_out, zone)
    ]
    items += [refused_item(same) for same in alike(plan.refusals)]
    blocked = with_fixes(plan.blocked)
    items += [blocked_item(same, same[0].fix if each_with_fix else fix, planned.name) for same, fix in blocked]
    if plan.refusals and plan.actions:
        left = Span(NOTHING_DONE, Style.DIM)
        items.append(Item(Rank.PUBLIC, (Line((left,), indent=2),)))
    items += _actions(planned, calls_of)
    items += note_items(plan)
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
    kept.append(Item(Rank.PUBLIC, (Line((left,), indent=2, hang=8),), total=discard_total(lost, plan)))
    return [*kept, *(item for item in items if item.rank is Rank.NOTE)]


def _actions(planned: SitePlanned, calls_of: CallsOf | None) -> Iterator[Item]:
    """The actions. What is done to several posts or activities is said once, with all their names."""
    plan, actions = planned.plan, _in_order(planned.plan.actions)
    items = [_action(action, planned, calls_of) for action in actions]
    by_words: dict[tuple[Rank, Verb, str], list[int]] = {}
    for number, (item, action) in enumerate(zip(items, actions, strict=True)):
        what = "" if calls_of else what_to_several(item, action, plan)
        by_words.setdefault((item.rank, action.operation.verb, what or str(number)), []).append(number)
    paragraphs = {numbers[0]: (what, numbers) for (_, _, what), numbers in by_words.items() if len(numbers) >= SEVERAL}
    others = {number for _, numbers in paragraphs.values() for number in numbers}
    for number, item in enumerate(items):
        if number in paragraphs:
            what, numbers = paragraphs[number]
            yield together(what, [items[each] for each in numbers], [actions[each] for each in numbers], plan)
        elif number not in others:
            yield item


def _in_order(actions: Sequence[Action]) -> Sequence[Action]:
    """The actions as they are done, but what is done to posts in the order of their times."""
    posts = [
        (number, each.operation) for number, each in enumerate(actions) if isinstance(each.operation, ScheduleOperation)
    ]
    kinds = list(dict.fromkeys(type(operation) for _, operation in posts))
    ordered = sorted(posts, key=lambda found: (kinds.index(type(found[1])), by_time(found[1])))
    places = dict(zip((number for number, _ in posts), (number for number, _ in ordered), strict=True))
    return [actions[places.get(number, number)] for number in range(len(actions))]


def accounts_of(plan: Plan) -> Sequence[str]:
    """The accounts on which posts of a site go out, in the words of its lines. None if one is unknown."""
    operations = [action.operation for action in plan.actions]
    accounts = {each.account for each in operations if isinstance(each, SchedulePost)}
    accounts |= {each.account for each in operations if isinstance(each, ReschedulePost | CancelPost) and each.account}
    if not accounts or "" in accounts:
        return ()
    from reconciler.reporters.kinds.schedule import account_words

    return [*map(account_words, accounts)]


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
    fields = []
    for row, change in zip(rows, said.changes, strict=True):
        style = row.style if row.symbol != " " else Style.PLAIN
        name = Span(f"{row.symbol} {fill(row.name, widest)}", style)
        marks = [EDITED] if edit_key(action.address, change.path) in edited else []
        if change.path in inherited and isinstance(operation, UpdateSettings):
            marks.append(Span(f"from defaults {inherited[change.path]}".rstrip(), Style.DIM))
        fields.append(FieldOfMany(name, row.spans, _sides(change), tuple(marks)))
        lines.append(Line((name, *row.spans, *marks), indent=LEFT + 2, hang=LEFT + 8))
    if calls_of:
        lines += _explanation(action, plan, calls_of)
    discards = plan.discarded_by(operation)
    rank = Rank.DISCARDING if discards else CLASS_RANKS[class_of(operation)]
    if verb is Verb.WAIT:  # before what waits for it
        rank = Rank.WAITING
    if isinstance(operation, DraftWrite):
        return Item(rank, (), tuple(lines), PostTotal(action, plan.time_zone, planned.name, named_alone(action, plan)))
    of_many: ActivityTotal | ValuesTotal | None = None
    if said.changes:
        of_many = ValuesTotal(lines[0], fields, planned.name)
    if said.of_many:
        overwritten = any(edit_key(action.address, change.path) in edited for change in said.changes)
        of_many = ActivityTotal(verb, said, discard_total(discards, plan), edited=overwritten)
    if discards:
        return Item(rank, tuple(lines), (discard_line(discards),), discard_total(discards, plan), of_many)
    return Item(rank, tuple(lines), of_many=of_many)


def _sides(change: FieldChange) -> tuple[Side, ...]:
    """The values before and after a change, or the only one if a field is set or cleared."""
    before, after = side("{}", change.before, Style.RED), side("{}", change.after, Style.GREEN)
    if change.before is None:
        return (after,)
    return (before,) if change.after is None else (before, ARROW, after)


def _explanation(action: Action, plan: Plan, calls_of: CallsOf) -> Iterator[Line]:
    from reconciler.reporters.kinds.registry import precondition

    lines = [f"address: {action.address.shown}", f"class: {class_of(action.operation)}"]
    why = words.reason_behind(action.reason)
    lines.append(f"reason: {action.reason}" + (f" ({why})" if why else ""))
    if facts := facts_behind(action.reason, action.details, action.grounds, plan.time_zone):
        lines.append(f"details: {', '.join(facts)}")
    if isinstance(action.operation, ScheduleOperation) and action.operation.account:
        lines.append(f"account id: {account_id(action.operation.account)}")
    lines += [f"call: {call}" for call in calls_of(action.operation, plan.site)]
    lines += [f"needs: {precondition(required)}" for required in action.requires]
    for line in lines:
        yield Line((Span(line, Style.DIM),), indent=LEFT + 4, hang=LEFT + 6)


def waiting_lines(sites: Iterable[tuple[str, Counter[str], str]], *more: Span) -> Iterator[Line]:
    """`? shop: 3 drafts are waiting for review  "Sale" (2 drafts), "Winter"`: for each site, by its drafts' titles.

    The texts are those of `waiting_words`.
    """
    for name, titles, text in sites:
        named = titles_counted(titles.items(), titles.total(), MOST_WAITING, "draft") if any(titles) else ""
        yield Line((Span(f"? {name}: {text}", Style.CYAN), Span(named, Style.DIM), *more))
