"""What is done to several posts or activities of a site, as one paragraph with all their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace

from reconciler.model.activities import DeleteActivity
from reconciler.model.canonical import Absent
from reconciler.model.moments import moment_text
from reconciler.model.operations import Operation
from reconciler.model.posts import PostsWrite, post_name
from reconciler.model.schedule import CancelPost, ScheduleOperation, SchedulePost
from reconciler.planner.actions import Action, Plan
from reconciler.planner.edits import MOMENT, edit_key
from reconciler.planner.reasons import facts_behind
from reconciler.reporters import words
from reconciler.reporters.going_out import UNKNOWN
from reconciler.reporters.items import Item
from reconciler.reporters.kinds.base import COUNT, STYLES, SYMBOLS
from reconciler.reporters.layout import Span, subject_line
from reconciler.reporters.named_drafts import at_times, by_channels, discard_line, discard_total
from reconciler.reporters.names_on_sites import names_line
from reconciler.reporters.post_totals import PostTotal
from reconciler.reporters.totals import ActivityTotal
from reconciler.reporters.values import quoted

Timed: TypeAlias = SchedulePost | CancelPost
"""Writes that one paragraph can name for several posts: they differ only in time and name."""


def what_to_several(item: Item, action: Action, plan: Plan) -> str:
    """What an action does, in words for several posts or activities; empty if it is shown by itself."""
    from reconciler.reporters.kinds.schedule import account_words

    operation = action.operation
    if isinstance(item.of_many, ActivityTotal):
        return item.of_many.on_one_site
    if not isinstance(operation, Timed) or not operation.title:
        return ""
    if edit_key(action.address, MOMENT) in plan.edited:
        return ""
    assert isinstance(item.total, PostTotal)
    if isinstance(operation, SchedulePost):
        picked = "" if operation.at else " at times that Wix picks"
        return f"{COUNT} {item.total.said(f' on {account_words(operation.account)}')}{picked}"
    facts = facts_behind(action.reason, action.details, action.grounds, plan.time_zone)
    behind = f" ({', '.join(facts)})" if facts else ""
    return f"{COUNT} {item.total.said(words.on_account(operation.account))}{behind}"


def together(what: str, items: Sequence[Item], actions: Sequence[Action], plan: Plan) -> Item:
    """Actions that do the same: what they do, with their number, then the names, then what is discarded."""
    first, *others = items
    verb, operations = actions[0].operation.verb, [action.operation for action in actions]
    head, count = (SYMBOLS[verb], STYLES[verb]), f"{len(items):,}"
    if isinstance(first.total, PostTotal):
        for item in others:
            assert isinstance(item.total, PostTotal)
            first.total.add(item.total)
        if first.total.names is not None:
            first.total.names.show(plan.site.name, posts_by_time(operations, plan.time_zone))
        posts = [each for each in operations if isinstance(each, Timed)]
        channels = {post_name("", each.channel, each.type) for each in posts}
        count += f" on {channels.pop()}" if len(channels) == 1 else ""
        about = Span(what.replace(COUNT, count, 1))
        names = posts_by_time(posts, plan.time_zone, one_channel=not channels)
        return replace(first, own=(subject_line(*head, "posts", about), names_line(names)))
    assert isinstance(first.of_many, ActivityTotal)
    for item in others:
        assert isinstance(item.of_many, ActivityTotal)
        first.of_many.add(item.of_many)
    zone = plan.time_zone
    names = ", ".join(_name(each, zone) for each in operations if isinstance(each, PostsWrite | DeleteActivity))
    discards = [draft for operation in operations for draft in plan.discarded_by(operation)]
    about = Span(what.replace(COUNT, count, 1))
    lines = (subject_line(*head, first.of_many.subject, about), names_line(names))
    own = (discard_line(discards),) if discards else ()
    return Item(first.rank, lines, own, discard_total(discards, plan), first.of_many)


def _name(operation: PostsWrite | DeleteActivity, zone: str) -> str:
    """`"Winter check"`, with its date if another activity has the same title."""
    if isinstance(operation, PostsWrite) or isinstance(operation.date, Absent):
        return quoted(operation.title)
    return f"{quoted(operation.title)} on {words.day_or_moment(operation.date, zone)}"


def named_alone(action: Action, plan: Plan) -> str:
    """The name and time of a post that is cancelled, if nothing else tells it from others with the same reason."""
    told_apart = facts_behind(action.reason, action.details, action.grounds, plan.time_zone)
    edited = edit_key(action.address, MOMENT) in plan.edited
    if not isinstance(action.operation, CancelPost) or not action.operation.title or told_apart or edited:
        return ""
    return posts_by_time([action.operation], plan.time_zone)


def posts_by_time(operations: Iterable[Operation], zone: str, *, one_channel: bool = False) -> str:
    """`Tue 2026-12-01 09:30 UTC "Sale" (X); Wed 2026-12-02 09:30 "Studio" (X)`: the zone is that of all times.

    With `one_channel`, it was named before.
    """
    times: dict[str, list[Timed]] = {}
    for post in sorted((each for each in operations if isinstance(each, Timed)), key=by_time):
        times.setdefault(_time_of(post, zone), []).append(post)
    named = (
        ", ".join(quoted(post.title) for post in same) if one_channel else by_channels(same, len(same), "post")
        for same in times.values()
    )
    return at_times(zip(times, named, strict=True), zone)


def by_time(post: ScheduleOperation) -> tuple[datetime, str, str, str]:
    """The order of posts on a screen: by the time at which each goes out, or would have, then by name."""
    about = post.about if isinstance(post, SchedulePost) else None
    return post.at or about or UNKNOWN, post.title, post.channel, post.type


def _time_of(post: SchedulePost | CancelPost, zone: str) -> str:
    """When a post goes out, or would have; empty if it is not known."""
    if isinstance(post, SchedulePost) and post.at is None:
        return moment_text(post.about, zone, exact=False) if post.about else ""
    exact = not isinstance(post, CancelPost) or post.is_exact
    return words.moment(post.at, zone, exact=exact) if post.at else ""
