"""Posts scheduled by this tool that somebody moved to another time in the dashboard, and that the plan leaves there."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.posts import Post, PostStatus, post_name
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, blocked
from reconciler.planner.candidates import ScheduleRuleIndex, moment_of
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.used_approvals import scheduled_by_us
from reconciler.planner.wanted_posts import goes_out_words

MOVE_BACK: Final = (
    "move it back in the site's dashboard, or give its schedule rule an `at`; withdrawing its approval cancels it"
)

MOVE_BACK_WITHOUT_RULE: Final = "move it back in the site's dashboard; withdrawing its approval cancels it"

PUBLISHING: Final = "if its rule has an `at`, run `apply` without --no-publish to move it back"


def same_minute(moment: datetime, other: datetime) -> bool:
    """Whether two times are less than a minute apart."""
    return abs((moment - other).total_seconds()) < 60


def is_moved(last: PublishedPost, post: Post) -> bool:
    """Whether a post is waiting for a different time from the one it was scheduled for, as far as both are known."""
    if post.status is not PostStatus.SCHEDULED or last.scheduled_for is None or post.scheduled_for is None:
        return False
    return not same_minute(last.scheduled_for, post.scheduled_for)


def is_at_its_rules_time(index: ScheduleRuleIndex, activity: Activity, post: Post, scope: Scope) -> bool:
    """Whether a post waits for the `at` of its schedule rule: whoever moved it there, that time is asked for."""
    if post.scheduled_for is None:
        return False
    rule = index.rule_for(activity, post, scope)
    at = None if rule is None else moment_of(index.rules[rule].at, activity, scope)
    return at is not None and same_minute(at, post.scheduled_for)


def moved_by_hand(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, options: PlanOptions, scope: Scope
) -> tuple[Diagnostic, ...]:
    """The posts that go out at a time nobody asked for, and about which the plan says nothing else.

    No rule sets their time, nothing public is planned, or it is too late to move them back.
    """
    if observed.marketing_plan is None or not recorded.published:
        return ()
    by_rule = desired.schedule is not None and bool(desired.schedule.rules)
    move_back = MOVE_BACK if by_rule else MOVE_BACK_WITHOUT_RULE
    said = {str(action.address) for action in plan.actions} | {str(problem.address) for problem in plan.blocked}
    said |= {str(post.address) for post in plan.still_going_out}
    ours, zone = scheduled_by_us(recorded), scope.zone_name
    last = recorded.last_published
    index = ScheduleRuleIndex(desired.schedule.rules if desired.schedule is not None else ())
    found = []
    for activity in observed.marketing_plan.activities:
        for post in activity.posts:
            if post.id not in ours or post.id not in last or not is_moved(last[post.id], post):
                continue
            if is_at_its_rules_time(index, activity, post, scope):
                continue
            address = scope.address(Kind.DRAFT, post.id)
            before = last[post.id].scheduled_for
            assert before is not None
            if str(address) in said:
                continue
            name = post_name(activity.title, post.channel, post.type)
            goes_out = goes_out_words(activity, post, desired.approvals, recorded, zone)
            found.append(
                blocked(
                    address,
                    BlockedBy.MOVED_BY_HAND,
                    f"{goes_out}: somebody moved it from {moment_text(before, zone)}",
                    move_back if options.publish or not by_rule else f"{PUBLISHING}; or {move_back}",
                    name,
                    says_name=True,
                )
            )
    return tuple(found)
