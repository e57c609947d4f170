"""Posts waiting to go out, judged again in every plan: kept, moved, or cancelled (docs/design.md 1.3).

What this tool scheduled must still be wanted. What somebody else scheduled is cancelled only if its activity goes away
or under `manage: all`; if it lacks an approval, it is named. What is unwanted and cannot be cancelled is reported as
still going out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind, key_of
from reconciler.model.approvals import Approvals, ApprovalState
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.moments import moment_text
from reconciler.model.posts import (
    ActivityId,
    Post,
    PostId,
    PostStatus,
    Unrecognised,
    post_name,
)
from reconciler.model.schedule import CancelPost, PostIs, ReschedulePost, SchedulePost, StillAhead, StillScheduled
from reconciler.model.sites import ChannelStatus, DesiredSite, ObservedSite, RecordedSite
from reconciler.model.text import printable
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import (
    Action,
    BlockedBy,
    Grounds,
    InReview,
    Plan,
    Reason,
    StillGoingOut,
    ToReview,
    blocked,
)
from reconciler.planner.approval_checks import difference_words, not_committed
from reconciler.planner.candidates import ScheduleRuleIndex
from reconciler.planner.channel_rules import not_connected
from reconciler.planner.kept import split_kept
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.policy_checks import too_late
from reconciler.planner.unstopped import (
    BY_NO_PUBLISH,
    STOP_BY_HAND,
    Unstopped,
    left_out,
    or_by_hand,
    stops,
    why_not_cancelled,
)
from reconciler.planner.used_approvals import rights_needed, scheduled_by_us, scheduled_under_another_id
from reconciler.planner.wanted_posts import (
    NO_SCHEDULE,
    Standards,
    Unwanted,
    account_of,
    days_of,
    goes_out_words,
    moment_in,
    post_words,
)

NOT_OURS: Final = Diagnostic(
    Unstopped.NOT_OURS,
    "the state does not say that this tool scheduled it",
    "set `manage: all` under `schedule`, and run apply",
)


class WaitingPart(Struct, frozen=True):
    """What happens to the waiting posts. `moves` and `blocked` are pairs with the rule's index."""

    cancels: tuple[Action, ...] = ()
    moves: tuple[tuple[int, Action], ...] = ()
    blocked: tuple[tuple[int, Diagnostic], ...] = ()
    to_review: tuple[ToReview, ...] = ()
    still_going_out: tuple[StillGoingOut, ...] = ()


def judge_waiting(
    desired: DesiredSite,
    activities: tuple[Activity, ...],
    lost: Mapping[ActivityId, Unwanted],
    recorded: RecordedSite,
    options: PlanOptions,
    scope: Scope,
    titles: Mapping[ActivityId, str] | None = None,
) -> WaitingPart:
    """What happens to every post of these activities that may go out.

    `activities` are as they will be. `titles` are what the site calls them now, and name what is cancelled or still
    goes out. `lost` says which activities lose their posts, and why.
    """
    waiting = sorted(
        ((activity, post) for activity in activities for post in activity.posts if may_go_out(post)),
        key=lambda pair: (moment_in(*pair), pair[1].id),
    )
    standards = Standards(
        desired,
        desired.schedule or NO_SCHEDULE,
        options,
        scope,
        recorded,
        ours=scheduled_by_us(recorded) | _may_be_scheduled(recorded),
        days=days_of(activities, scope),
        kept=days_of(activities, scope, only_gone=True),
    )
    waiting_posts = _WaitingPosts(standards, ScheduleRuleIndex(standards.schedule.rules), titles or {})
    for activity, post in waiting:
        waiting_posts.judge(activity, post, lost.get(activity.id))
    return WaitingPart(
        tuple(waiting_posts.cancels),
        tuple(waiting_posts.moves),
        tuple(waiting_posts.blocked),
        tuple(waiting_posts.to_review),
        tuple(waiting_posts.still_going_out),
    )


def without_moves(waiting: WaitingPart) -> WaitingPart:
    """What happens if nothing public is planned: posts at a forbidden time are named, because nothing moves them."""
    named = left_out((action for _, action in waiting.moves), BY_NO_PUBLISH)
    moves = tuple((rule, action) for rule, action in waiting.moves if not stops(action))
    return replace(waiting, moves=moves, still_going_out=(*waiting.still_going_out, *named))


def _may_be_scheduled(recorded: RecordedSite) -> frozenset[PostId]:
    """The posts that an earlier run may have scheduled: if one is found waiting, that run scheduled it."""
    return frozenset(entry.operation.post for entry in recorded.open if isinstance(entry.operation, SchedulePost))


def may_go_out(post: Post) -> bool:
    """Whether a post may go out by itself: it is scheduled, is being published, or has an unknown status."""
    waits = (PostStatus.SCHEDULED, PostStatus.PROCESSING, PostStatus.IN_QUEUE)
    return post.status in waits or isinstance(post.status, Unrecognised)


def lost_channels(
    approvals: Approvals, observed: ObservedSite, recorded: RecordedSite, plan: Plan, scope: Scope
) -> tuple[Diagnostic, ...]:
    """This tool's posts waiting to go out on a channel that is no longer connected, soonest first: they will fail.

    Posts that the plan cancels, or names as still going out, are left out.
    """
    if observed.marketing_plan is None:
        return ()
    said = {action.operation.post for action in plan.actions if isinstance(action.operation, CancelPost)}
    said |= {post.post for post in plan.still_going_out}
    ours, found = scheduled_by_us(recorded) - said, []
    posts = ((activity, post) for activity in observed.marketing_plan.activities for post in activity.posts)
    for activity, post in sorted(
        posts, key=lambda pair: (moment_in(*pair), pair[0].title, pair[1].channel, pair[1].id)
    ):
        status = observed.channel(post.channel)
        lost = not_connected(post.channel, status) if status is not ChannelStatus.UNKNOWN else None
        if lost is None or post.status is not PostStatus.SCHEDULED or post.id not in ours:
            continue
        name = post_words(activity, post, approvals, recorded, scope.zone_name)
        message, fix = f"{name} will fail: {lost.message}", f"{lost.fix} before then"
        address = scope.address(Kind.DRAFT, post.id)
        found.append(blocked(address, BlockedBy.CHANNEL_NOT_CONNECTED, message, fix, name, says_name=True))
    return tuple(found)


class _WaitingPosts(Struct):
    """Judges the waiting posts in the order of their times, since days fill up."""

    standards: Standards
    rules: ScheduleRuleIndex
    titles: Mapping[ActivityId, str] = {}
    cancels: list[Action] = field(default_factory=list)
    moves: list[tuple[int, Action]] = field(default_factory=list)
    blocked: list[tuple[int, Diagnostic]] = field(default_factory=list)
    to_review: list[ToReview] = field(default_factory=list)
    still_going_out: list[StillGoingOut] = field(default_factory=list)

    def judge(self, activity: Activity, post: Post, lost: Unwanted | None) -> None:
        standards = self.standards
        rule = self.rules.rule_for(activity, post, standards.scope)
        if lost is None or lost.reason is Reason.REPLACED:  # a reason of its own holds without the regeneration too
            unwanted = standards.why_not(activity, post, rule) or lost
        else:
            unwanted = lost
        if unwanted is not None:
            self._cancel(activity, post, unwanted)
            return
        if standards.desired.schedule is not None and standards.paused():
            self._goes_out(activity, post, Unwanted(Reason.PAUSED), NOT_OURS)
            return
        if (undecided := standards.decided_otherwise(activity, post)) is not None:
            self._goes_out(activity, post, undecided, not_committed(standards.desired.approvals))
            return
        if not isinstance(post.status, PostStatus) or post.status is not PostStatus.SCHEDULED or rule is None:
            return
        agreed = standards.verdict(activity, post).state is ApprovalState.APPROVED
        if agreed or not standards.schedule.approval_required:
            self._move(activity, post, rule)
        else:
            self._not_agreed(activity, post, rule)

    def _cancel(self, activity: Activity, post: Post, unwanted: Unwanted) -> None:
        address, moment = self._address(post), moment_in(activity, post)
        if post.status is not PostStatus.SCHEDULED:
            strange = isinstance(post.status, Unrecognised)
            which = f"with an unknown status ({post.status})" if strange else f"that is {post.status}"
            what = printable(f"a post {which} cannot be cancelled")
            self._goes_out(activity, post, unwanted, Diagnostic(Unstopped.NOT_CANCELLABLE, what))
            return
        if (tried := why_not_cancelled(self.standards.recorded, post.id)) is not None:
            self._goes_out(activity, post, unwanted, tried)
        known = ActivityId("") if activity.id.startswith("of ") else activity.id
        title = self.titles.get(activity.id, activity.title)
        account, estimated = self._account(post) or ABSENT, post.scheduled_for is None or ABSENT
        operation = CancelPost(post.id, known, post.channel, moment, title, post.type, account, estimated)
        self.standards.days.note_leaving(operation, self.standards.scope.zone)
        requires = (StillScheduled(post.id),)
        self.cancels.append(Action(address, operation, unwanted.reason, unwanted.details, requires, unwanted.grounds))

    def _goes_out(self, activity: Activity, post: Post, unwanted: Unwanted, problem: Diagnostic) -> None:
        self.still_going_out.append(
            StillGoingOut(
                self._address(post),
                post.id,
                post.channel,
                self.titles.get(activity.id, activity.title),
                self._account(post) or None,
                moment_in(activity, post),
                unwanted.reason,
                unwanted.details,
                or_by_hand(problem, post),
                post.type,
                unwanted.grounds,
                post.scheduled_for is None or ABSENT,
            )
        )

    def _move(self, activity: Activity, post: Post, rule: int) -> None:
        standards = self.standards
        at = standards.other_time(activity, post, rule)
        if at is None:
            return
        address, name = self._address(post), post_name(activity.title, post.channel, post.type)
        late = too_late(at, standards.scope.now, standards.options.policy, move=True)
        zone = standards.scope.zone_name
        stays = f"{self._goes_out_words(activity, post)} and cannot be moved to {moment_text(at, zone)}"
        if late is not None:
            fix = "give the rule another `at`, or move it in the dashboard"
            what = f"{stays}: {late.message}"
            self.blocked.append((rule, blocked(address, BlockedBy.TOO_LATE, what, fix, name, says_name=True)))
            return
        if found := standards.against(post, at):
            for violation in found:
                what = f"{stays}: that breaks {violation.cause_and_place}"
                problem = blocked(address, BlockedBy.POLICY, what, violation.fix, name, says_name=True)
                self.blocked.append((rule, problem))
            return
        forbidden = standards.at_its_moment(activity, post)
        if forbidden:
            reason = Reason.FORBIDDEN
        else:
            moved = standards.date_before(activity, post, rule) is not None
            reason = Reason.DATE_MOVED if moved else Reason.OTHER_TIME
        if reason is Reason.OTHER_TIME and (kept := self._kept_time(activity, post, at)) is not None:
            self.blocked.append((rule, kept))
            return
        standards.days.add(at.astimezone(standards.scope.zone).date(), post.id)
        operation = ReschedulePost(
            post.id,
            activity.id,
            post.channel,
            post.digest,
            at,
            post.scheduled_for,
            activity.title,
            post.type,
            self._account(post) or ABSENT,
        )
        standards.days.note_leaving(operation, standards.scope.zone)
        requires = (
            PostIs(post.id, PostStatus.SCHEDULED, post.digest),
            *rights_needed(activity, post, standards.schedule, standards.desired.approvals, standards.recorded),
            StillAhead(at, standards.options.policy.min_lead),
        )
        grounds = Grounds(forbidden) if forbidden else ABSENT
        self.moves.append((rule, Action(address, operation, reason, (f"schedule.rules[{rule}]",), requires, grounds)))

    def _kept_time(self, activity: Activity, post: Post, at: datetime) -> Diagnostic | None:
        """Blocks moving a post whose time two moves did not change: there is no third move (remote-api.md 17.7)."""
        if post.scheduled_for is None:
            return None
        now, zone = post.scheduled_for, self.standards.scope.zone_name
        change = FieldChange("scheduledDate", instant(now), instant(at))
        if not split_kept(key_of(Kind.DRAFT, post.id), [change], self.standards.recorded)[1]:
            return None
        return blocked(
            self._address(post),
            BlockedBy.NOT_MOVED,
            f"{self._goes_out_words(activity, post)}: two moves to {moment_text(at, zone)} did not change that",
            "move it in the site's dashboard, or give its schedule rule another `at`",
            post_name(activity.title, post.channel, post.type),
            says_name=True,
        )

    def _not_agreed(self, activity: Activity, post: Post, rule: int) -> None:
        """A post that somebody else scheduled, that a rule covers, and whose content nobody approved."""
        standards = self.standards
        address, verdict = self._address(post), standards.verdict(activity, post)
        changed = verdict.state is ApprovalState.CHANGED
        what = difference_words(verdict.differences, standards.scope.zone_name)
        how = f"changed after approval ({what})" if changed else "somebody scheduled it, but nobody approved it"
        if not changed and scheduled_under_another_id(activity, post, standards.recorded):
            how = "it has the content of an approved post, but a different id, and nobody approved it under that id"
        goes_out = self._goes_out_words(activity, post)
        self.blocked.append(
            (
                rule,
                blocked(
                    address,
                    BlockedBy.CHANGED_AFTER_APPROVAL if changed else BlockedBy.SCHEDULED_UNAPPROVED,
                    f"{goes_out}: {how}",
                    f"{STOP_BY_HAND}, or run review and approve it; `manage: all` in the site file would cancel it",
                    goes_out,
                    verdict.differences if changed else (),
                    says_name=True,
                ),
            )
        )
        reviewed = verdict.state is ApprovalState.PENDING and not verdict.differences
        state = InReview.PENDING if reviewed else InReview.NOT_REVIEWED
        self.to_review.append(ToReview(address, post.id, post.channel, activity.title, state, post.type))

    def _account(self, post: Post) -> str:
        return account_of(post, self.standards.desired.approvals, self.standards.recorded)

    def _goes_out_words(self, activity: Activity, post: Post) -> str:
        standards = self.standards
        zone = standards.scope.zone_name
        return goes_out_words(activity, post, standards.desired.approvals, standards.recorded, zone)

    def _address(self, post: Post) -> Address:
        return self.standards.scope.address(Kind.DRAFT, post.id)
