"""Which posts the schedule rules want: rules are read from top to bottom, each up to its `max`.

What people decided, and what blocks a post, is judged in eligibility.py. Which posts are wanted does not depend on it,
so an approval or a connected channel never changes what others are asked to review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.policy import Policy
from reconciler.model.posts import GONE_OUT, Post, PostId, PostStatus, Unrecognised, fits_in_files
from reconciler.model.schedule import ScheduleRule
from reconciler.model.sites import RecordedSite
from reconciler.planner.channel_rules import channel_is_gone
from reconciler.planner.matching import MatchIndex, covers, in_order, may_cover
from reconciler.planner.options import Scope
from reconciler.planner.policy_checks import too_late

SUPPORTED_CHANNELS = ("FACEBOOK", "GBP", "INSTAGRAM", "LINKEDIN", "PINTEREST", "TIKTOK", "TWITTER", "YOUTUBE")
"""The channels of a rule without `channels` (D, account object). A channel of a later API version must be named."""


NOT_SELECTED: Final = "not-selected"
"""The code of the problem that the schedule rules leave a draft out."""


class Candidate(Struct, frozen=True):
    """A post with its activity, the rule that decides it, and when it would go out.

    `at` is the rule's wall time on the activity's own day; None leaves the time to the API. `moment` is `at` or, as the
    best estimate of the API's time, the activity's date.
    """

    rule: int
    activity: Activity
    post: Post
    at: datetime | None
    moment: datetime


class DraftSelection(Struct, frozen=True):
    """How the rules sort a site's posts.

    `wanted` are drafts within the rules' bounds (and posts of this tool that were cancelled). `scheduled` are those
    that are waiting to go out. `lost` are drafts that can never go out; they do not count towards `max`. `matches` and
    `room` have a number for each rule; a `room` of None is unlimited.
    """

    wanted: tuple[Candidate, ...]
    scheduled: tuple[Candidate, ...]
    lost: tuple[Candidate, ...]
    matches: tuple[int, ...]
    room: tuple[int | None, ...]


def select_drafts(
    rules: tuple[ScheduleRule, ...],
    activities: Iterable[Activity],
    recorded: RecordedSite,
    policy: Policy,
    scope: Scope,
) -> DraftSelection:
    """Sorts a site's posts by what the rules want.

    `max` counts what is scheduled or has gone out. What remains of it goes to the first drafts in the order of date,
    title, id and channel.
    """
    ours = {published.id for published in recorded.published}
    candidates: list[Candidate] = []
    index = ScheduleRuleIndex(rules)
    for activity, post in posts_in_order(activities):
        rule = index.rule_for(activity, post, scope)
        if rule is not None:
            at = moment_of(rules[rule].at, activity, scope)
            candidates.append(Candidate(rule, activity, post, at, at or activity.date))
    counting = [candidate for candidate in candidates if _counts(candidate.post)]
    drafts = [candidate for candidate in candidates if _may_go(candidate.post, ours) and _can_be_approved(candidate)]
    taken = Counter(candidate.rule for candidate in counting)
    room = [None if rule.max is None else max(0, rule.max - taken[index]) for index, rule in enumerate(rules)]
    wanted, lost = [], []
    for candidate in drafts:
        if is_lost(candidate, policy, scope):
            lost.append(candidate)
            continue
        left = room[candidate.rule]
        if left is None or left > 0:
            wanted.append(candidate)
            room[candidate.rule] = None if left is None else left - 1
    matched = taken + Counter(candidate.rule for candidate in drafts)
    return DraftSelection(
        tuple(wanted),
        tuple(
            candidate
            for candidate in counting
            if candidate.post.status is PostStatus.SCHEDULED and _can_be_approved(candidate)
        ),
        tuple(lost),
        tuple(matched[index] for index in range(len(rules))),
        tuple(room),
    )


def is_lost(candidate: Candidate, policy: Policy, scope: Scope) -> bool:
    """Whether a draft can never go out: its time has passed or is too close, or its channel takes no more posts."""
    return too_late(candidate.moment, scope.now, policy) is not None or channel_is_gone(
        candidate.post.channel, max(candidate.moment, scope.now)
    )


def moment_of(at: time | None, activity: Activity, scope: Scope) -> datetime | None:
    """A wall time on the activity's own day in the site's zone.

    A wall time that the clocks skip is moved on by the length of the gap (02:30 becomes 03:30). If they
    repeat it, the first one is taken.
    """
    if at is None:
        return None
    day = activity.date.astimezone(scope.zone).date()
    local = datetime.combine(day, at.replace(tzinfo=None, fold=0), tzinfo=scope.zone)
    return local.astimezone(UTC)


def posts_in_order(activities: Iterable[Activity]) -> Iterator[tuple[Activity, Post]]:
    """The posts of activities, in the order in which rules take them."""
    for activity in in_order(activities):
        for post in sorted(activity.posts, key=lambda post: (post.channel, post.type, post.id)):
            yield activity, post


class ScheduleRuleIndex:
    """The rules of a schedule, found by the ids and titles that they name: few need to be tried for a post."""

    def __init__(self, rules: tuple[ScheduleRule, ...]) -> None:
        self.rules = rules
        self._matches = MatchIndex(enumerate(rule.match for rule in rules))

    def rule_for(self, activity: Activity, post: Post, scope: Scope) -> int | None:
        """The rule that decides a post; None if no rule does."""
        if post.status is PostStatus.SCHEDULED:
            # `within` starts now. A post that goes out later on the same day still belongs to the rule once the
            # activity's date has passed.
            scope = replace(scope, now=min(scope.now, activity.date))
        for index in sorted(self._matches.that_may_cover(activity.id, activity.title)):
            rule = self.rules[index]
            if (
                (post.channel in rule.channels if rule.channels else post.channel in SUPPORTED_CHANNELS)
                and (not rule.types or post.type in rule.types)
                and covers(rule.match, activity, scope)
            ):
                return index
            if may_cover(rule.match, activity, scope):
                return None
        return None


def why_left_out(activity: Activity, post: Post, index: ScheduleRuleIndex, scope: Scope) -> Diagnostic:
    """Why the rules leave a draft out that is neither wanted nor lost."""
    rule = index.rule_for(activity, post, scope)
    if rule is None:
        what = "no schedule rule matches"
    elif index.rules[rule].max == 0:
        what = f"schedule.rules[{rule}] has `max: 0`"
    else:
        what = f"schedule.rules[{rule}] takes at most {index.rules[rule].max:,}, and others come first"
    address = scope.address(Kind.DRAFT, post.id)
    return Diagnostic(NOT_SELECTED, what, "change `schedule.rules`", Severity.WARNING, address=address)


def _counts(post: Post) -> bool:
    """Whether a post is scheduled or has gone out.

    A status of a later API version may mean either, so it counts too.
    """
    return post.status is PostStatus.SCHEDULED or post.status in GONE_OUT or isinstance(post.status, Unrecognised)


def _can_be_approved(candidate: Candidate) -> bool:
    """Whether an approvals file can name the post.

    One that cannot be named is reported (doubt.py) and left out of the file.
    """
    return fits_in_files(candidate.activity.id) and fits_in_files(candidate.post.id)


def _may_go(post: Post, ours: set[PostId]) -> bool:
    return post.status is PostStatus.DRAFT or (post.status is PostStatus.CANCELED and post.id in ours)
