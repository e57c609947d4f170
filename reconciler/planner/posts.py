"""Posts rules against activities -> which activities get posts, and which lose theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from reconciler.model.activities import SOCIAL, Activity, DesiredActivity, PostsRule
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.posts import (
    ActivityId,
    AwaitPosts,
    ClearPosts,
    GeneratePosts,
    PostsAre,
    PostStatus,
    Unrecognised,
)
from reconciler.model.sites import RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import Action, Reason
from reconciler.planner.activities import gone_ids, too_few, unknown_ids
from reconciler.planner.live_posts import as_listed, live_posts
from reconciler.planner.matching import MatchIndex, covers, covers_declared, in_order, may_cover
from reconciler.planner.options import Scope

WAITING = frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED})


class PostsPart(Struct, frozen=True):
    """`actions` are pairs of a rule's index and an action. `gone` are activities that are to have no posts."""

    actions: tuple[tuple[int, Action], ...]
    refusals: tuple[Diagnostic, ...]
    gone: frozenset[ActivityId] = frozenset()
    lost: tuple[tuple[ActivityId, str], ...] = ()
    """For activities that have posts and are to have none: the rule that says so."""
    notes: tuple[Diagnostic, ...] = ()


def has_unknown(activity: Activity) -> bool:
    """Whether a post of an activity has a status that this version does not know.

    Clearing would remove it too, so the activity is left alone (remote-api.md 17.8).
    """
    return any(isinstance(post.status, Unrecognised) for post in activity.posts)


def clear_posts(activity: Activity, reason: Reason, details: tuple[str, ...], scope: Scope) -> tuple[Action, ...]:
    """Throws away the drafts of an activity. Its scheduled posts are cancelled first.

    Empty if that leaves nothing to clear.
    """
    live = live_posts(activity)
    drafts = [post for post in live if post.status is PostStatus.DRAFT]
    # No call removes a cancelled story: clearing stories takes only drafts (D 6.2).
    if not drafts and all(post.is_story for post in live if post.status in WAITING):
        return ()
    operation = ClearPosts(
        activity.id,
        activity.title,
        discards=tuple(post.id for post in drafts),
        stories=any(post.is_story for post in drafts),
    )
    return (Action(scope.address(Kind.POSTS, activity.id), operation, reason, details, as_listed(activity)),)


def plan_posts(
    rules: tuple[PostsRule, ...],
    activities: tuple[Activity, ...],
    created: tuple[DesiredActivity, ...],
    past: frozenset[ActivityId],
    recorded: RecordedSite,
    scope: Scope,
    discarded: frozenset[ActivityId] = frozenset(),
    unknown: frozenset[DesiredActivity] = frozenset(),
) -> PostsPart:
    """Which activities get posts, up to each rule's `max`. Those that already have posts count.

    `created` are activities that the same plan makes: their posts are deferred, since they have no id yet. Those that
    an earlier call may have made are `unknown`: they count towards `max`, but get no posts yet. `discarded` are
    activities that people discarded in review: they get no new posts.
    """
    decided, to_come = decide_posts(rules, activities, scope), _coming(rules, created, scope)
    actions: list[tuple[int, Action]] = []
    refusals: list[Diagnostic] = []
    notes: list[Diagnostic] = []
    gone: set[ActivityId] = set()
    lost: list[tuple[ActivityId, str]] = []
    under_way = _asked_for(recorded, scope)
    there = past | {activity.id for activity in activities}
    for index, rule in enumerate(rules):
        matched = decided[index]
        refusals += too_few(f"posts.{index}", len(matched), rule.min, scope)
        if not rule.present:
            notes += gone_ids(f"posts.{index}", rule.match, there)
            full = [activity for activity in matched if any(post.status in WAITING for post in activity.posts)]
            losing = full[: rule.max]
            lost += [(activity.id, f"posts[{index}]") for activity in losing]
            actions += [(index, action) for action in _clear(losing, index, scope)]
            # An activity with nothing left to clear counts as gone too, so nobody is asked to turn its cancelled story
            # into a draft.
            gone.update({activity.id for activity in matched} - {activity.id for activity in full[len(losing) :]})
            continue
        refusals += unknown_ids(f"posts.{index}", rule.match, there, scope)
        lacking, coming = _first_without_posts(rule, matched, to_come.get(index, []), discarded)
        actions += [(index, _generate(activity, index, activity.id in under_way, scope)) for activity in lacking]
        notes += [
            _made_in_place_of_cancelled(activity, index)
            for activity in lacking
            if any(post.status is PostStatus.CANCELED for post in activity.posts)
        ]
        if count := sum(activity not in unknown for activity in coming):
            actions.append((index, _promise(rules, index, count, scope)))
    return PostsPart(tuple(actions), tuple(refusals), frozenset(gone), tuple(lost), tuple(notes))


def _clear(losing: Iterable[Activity], index: int, scope: Scope) -> Iterator[Action]:
    """Throws away the drafts of the activities that a rule with `state: absent` is about."""
    for activity in losing:
        if not has_unknown(activity):
            yield from clear_posts(activity, Reason.ABSENT_WANTED, (f"posts[{index}]",), scope)


def _first_without_posts(
    rule: PostsRule,
    matched: Iterable[Activity],
    coming: Iterable[DesiredActivity],
    discarded: frozenset[ActivityId],
) -> tuple[list[Activity], list[DesiredActivity]]:
    """The activities without posts that a rule has room for, existing ones and those that the plan creates.

    In the order of matches, so that it makes no difference whether an activity already exists.
    """
    # What people discard does not count towards `max`, either before or after its posts are cleared.
    counting = [activity for activity in matched if activity.id not in discarded]
    lacking = [activity for activity in counting if not live_posts(activity)]
    room = None if rule.max is None else max(0, rule.max - len(counting) + len(lacking))
    all_of_them: list[Activity | DesiredActivity] = [*lacking, *coming]
    first = set(map(id, sorted(all_of_them, key=_place_of)[:room]))
    return (
        [activity for activity in lacking if id(activity) in first],
        [activity for activity in coming if id(activity) in first],
    )


def _made_in_place_of_cancelled(activity: Activity, index: int) -> Diagnostic:
    """The note that a rule asks for new posts for an activity whose posts somebody cancelled."""
    cancelled = sum(post.status is PostStatus.CANCELED for post in activity.posts)
    return Diagnostic.note(
        "posts-were-cancelled",
        f'"{printable(activity.title)}": posts[{index}] asks for new posts, because its '
        f"{'post was' if cancelled == 1 else f'{cancelled:,} posts were'} cancelled",
        f"to keep it without posts, put a rule with `match: {{ids: [{printable(activity.id)}]}}` and `state: absent` "
        f"above posts[{index}]",
    )


def decide_posts(
    rules: tuple[PostsRule, ...], activities: tuple[Activity, ...], scope: Scope
) -> dict[int, list[Activity]]:
    """Rule index -> the activities it decides, in order.

    Past ones, and those known to have no social posts, are left out.
    """
    decided: dict[int, list[Activity]] = {index: [] for index in range(len(rules))}
    matches = MatchIndex(enumerate(rule.match for rule in rules))
    for activity in in_order(activities):
        if activity.date < scope.now or activity.type not in (None, SOCIAL):
            continue
        for index in sorted(matches.that_may_cover(activity.id, activity.title)):
            if covers(rules[index].match, activity, scope):
                decided[index].append(activity)
                break
            if may_cover(rules[index].match, activity, scope):
                break
    return decided


def _asked_for(recorded: RecordedSite, scope: Scope) -> frozenset[ActivityId]:
    """The activities whose posts may still come, because an earlier run asked for them."""
    return frozenset(
        entry.operation.activity
        for entry in recorded.open
        if isinstance(entry.operation, GeneratePosts) and scope.may_still_show(entry)
    )


def _generate(activity: Activity, index: int, under_way: bool, scope: Scope) -> Action:
    address = scope.address(Kind.POSTS, activity.id)
    if under_way:
        return Action(address, AwaitPosts(activity.id, activity.title), Reason.UNDER_WAY, (f"posts[{index}]",))
    operation = GeneratePosts(activity.id, activity.title)
    return Action(address, operation, Reason.RULE, (f"posts[{index}]",), (PostsAre(activity.id),))


def _place_of(declared: Activity | DesiredActivity) -> tuple[datetime, str]:
    return (declared.date if isinstance(declared, Activity) else declared.target_date, declared.title)


def _coming(
    rules: tuple[PostsRule, ...], created: tuple[DesiredActivity, ...], scope: Scope
) -> dict[int, list[DesiredActivity]]:
    """Rule index -> the activities that the same plan creates and this rule decides."""
    decided: dict[int, list[DesiredActivity]] = {}
    matches = MatchIndex(enumerate(rule.match for rule in rules))
    for activity in created:
        if activity.type == SOCIAL and activity.target_date >= scope.now:
            for index in sorted(matches.that_may_cover("", activity.title)):
                if covers_declared(rules[index].match, activity, scope):
                    decided.setdefault(index, []).append(activity)
                    break
    return decided


def _promise(rules: tuple[PostsRule, ...], index: int, at_most: int | None, scope: Scope) -> Action:
    return Action(
        scope.address(Kind.RULE, f"posts.{index}"),
        Deferred(SitePart.POSTS, index, posts_rules=rules, at_most=at_most),
        Reason.RULE,
        (f"posts[{index}]",),
    )


def defer_posts(
    rules: tuple[PostsRule, ...], max_discard: int | None, scope: Scope, *, may_discard: bool
) -> tuple[Action, ...]:
    """One bounded, deferred action per rule, for activities that are known only after the generation.

    The bound counts activities that get posts, or drafts that are thrown away. Without `may_discard`, rules that throw
    drafts away are left out, since no plan has shown which.
    """
    return tuple(
        _promise(rules, index, rule.max if rule.present else max_discard, scope)
        for index, rule in enumerate(rules)
        if rule.present or may_discard
    )
