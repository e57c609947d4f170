"""Posts that wait to go out, judged again at every plan: kept, moved, or taken back (docs/design.md 1.3).

What this tool scheduled must stay wanted. What somebody else scheduled is taken back only if its activity goes away
or under `manage: all`; without an approval it is named. What is unwanted and cannot be cancelled is still going out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ApprovalState, Verdict
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.moments import moment_text
from reconciler.model.operations import CancelPost, ReschedulePost
from reconciler.model.posts import GONE_OUT, ActivityId, Post, PostId, PostStatus, Unrecognised, channel_name, post_name
from reconciler.model.schedule import DesiredSchedule, Pause
from reconciler.model.sites import ChannelStatus, DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.actions import (
    Action,
    BlockedBy,
    InReview,
    PostIs,
    Reason,
    StillAhead,
    StillGoingOut,
    StillScheduled,
    ToReview,
    blocked,
)
from reconciler.planner.approval_checks import commit_it, difference_words, not_committed
from reconciler.planner.candidates import moment_of, rule_for
from reconciler.planner.channel_rules import Violation
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.policy_checks import (
    Days,
    content_violations,
    day_violation,
    time_violations,
    too_late,
)
from reconciler.planner.unstopped import STOP_BY_HAND, TAKE_DOWN, why_not_cancelled
from reconciler.planner.used_approvals import rights_needed, scheduled_by_us

NO_SCHEDULE: Final = DesiredSchedule(())
"""Of a file without one: no rule covers anything, and what was scheduled under an approval still needs it."""

SEEN_FOR_SURE: Final = timedelta(days=1)
"""How far ahead a post must be for its activity to be shown by a read of the upcoming ones."""


SHOWS_NOTHING: Final = frozenset({PlanStatus.GENERATING, PlanStatus.FAILED, PlanStatus.INACTIVE})
"""Statuses of a marketing plan that is there and shows no activities."""

NOT_OURS: Final = "the state does not say that this tool scheduled it"


class Unwanted(Struct, frozen=True):
    """Why a post is not to go out, with the facts that the reason rests on."""

    reason: Reason
    details: tuple[str, ...] = ()


class WaitingPart(Struct, frozen=True):
    """What becomes of the posts that wait. `moves` and `blocked` are pairs with the rule's index."""

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
) -> WaitingPart:
    """What becomes of every post of these activities that may go out.

    `activities` are as they will be; `lost` says which of them lose their posts in this plan, and why.
    """
    waiting = sorted(
        ((activity, post) for activity in activities for post in activity.posts if may_go_out(post)),
        key=lambda pair: (moment_in(*pair), pair[1].id),
    )
    judge = _Judge(
        desired,
        desired.schedule or NO_SCHEDULE,
        options,
        scope,
        recorded,
        ours=scheduled_by_us(recorded),
        days=days_of(activities, scope),
        kept=days_of(activities, scope, only_gone=True),
    )
    for activity, post in waiting:
        judge.judge(activity, post, lost.get(activity.id))
    return WaitingPart(
        tuple(judge.cancels),
        tuple(judge.moves),
        tuple(judge.blocked),
        tuple(judge.to_review),
        tuple(judge.still_going_out),
    )


def may_go_out(post: Post) -> bool:
    """Whether a post may go out without another word: it waits, is on its way, or has a status nobody knows."""
    waits = (PostStatus.SCHEDULED, PostStatus.PROCESSING, PostStatus.IN_QUEUE)
    return post.status in waits or isinstance(post.status, Unrecognised)


def moment_in(activity: Activity, post: Post) -> datetime:
    """When a post goes out; the activity's date is the best estimate if the API does not say (I 6.2)."""
    return post.scheduled_for or activity.date


def orphans(observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> tuple[Activity, ...]:
    """Posts of ours that wait to go out while the marketing plan does not show their activity.

    Each with what is remembered of that. One of today or tomorrow is left alone: the window that a read shows starts
    today (D 6.2).
    """
    live = observed.marketing_plan
    if live is None or live.status not in (PlanStatus.ACTIVE, PlanStatus.NEVER_CREATED):
        return ()
    last = _last_published(recorded)
    found = []
    for post, moment in _not_shown(observed, recorded):
        if moment - scope.now > SEEN_FOR_SURE:
            known = last.get(post.id)
            activity = known.activity if known else ActivityId("")
            id = activity or ActivityId(f"of {post.id}")
            found.append(Activity(id, known.title if known else "", "", moment, None, (post,)))
    return tuple(found)


def with_hidden_posts(observed: ObservedSite, recorded: RecordedSite) -> ObservedSite:
    """The site with the posts of ours that wait to go out in the activities that do not show them.

    Whether an activity keeps its scheduled posts is not stated (6.4). Asked for by its id, such a post is still there,
    so nothing of it is gone and it is judged as the posts that are shown.
    """
    live = observed.marketing_plan
    if live is None or live.status is not PlanStatus.ACTIVE:
        return observed
    last, found = _last_published(recorded), dict[ActivityId, tuple[Post, ...]]()
    for post, _ in _not_shown(observed, recorded):
        if known := last.get(post.id):
            found[known.activity] = (*found.get(known.activity, ()), post)
    if not any(activity.id in found for activity in live.activities):
        return observed
    activities = tuple(
        replace(activity, posts=(*activity.posts, *found.get(activity.id, ()))) for activity in live.activities
    )
    return replace(observed, marketing_plan=replace(live, activities=activities))


def hidden(observed: ObservedSite, recorded: RecordedSite) -> tuple[Activity, ...]:
    """Posts of ours that wait to go out while the marketing plan shows nothing, with what is remembered of them.

    Being generated, failed or inactive, the marketing plan says nothing of them, and they are judged as ever.
    """
    live = observed.marketing_plan
    if live is None or live.status not in SHOWS_NOTHING:
        return ()
    last = _last_published(recorded)
    return tuple(
        Activity(known.activity, known.title, "", known.date, None, (post,))
        for post, _ in _not_shown(observed, recorded)
        # A yes is given for a day: without the day nobody can tell.
        if (known := last.get(post.id)) is not None and known.date is not None and known.activity
    )


def _not_shown(observed: ObservedSite, recorded: RecordedSite) -> Iterator[tuple[Post, datetime]]:
    """The scheduled posts of ours that were asked for by their ids and that the marketing plan does not show."""
    live = observed.marketing_plan
    shown = {post.id for activity in live.activities for post in activity.posts} if live else set()
    ours = scheduled_by_us(recorded)
    for id, post in observed.items:
        if post is None or post.status is not PostStatus.SCHEDULED or id in shown or id not in ours:
            continue
        if post.scheduled_for is not None:
            yield post, post.scheduled_for


def _last_published(recorded: RecordedSite) -> dict[PostId, PublishedPost]:
    return {post.id: post for post in sorted(recorded.published, key=lambda post: post.done_at)}


def lost_channels(observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> tuple[Diagnostic, ...]:
    """Posts of ours that wait to go out on a channel that is not connected any more: they will fail."""
    if observed.marketing_plan is None:
        return ()
    ours, found = scheduled_by_us(recorded), []
    for activity in observed.marketing_plan.activities:
        for post in activity.posts:
            status = observed.channel(post.channel)
            lost = status not in (None, ChannelStatus.VALID, ChannelStatus.UNKNOWN)
            if not lost or post.status is not PostStatus.SCHEDULED or post.id not in ours:
                continue
            moment = moment_text(moment_in(activity, post), scope.zone.key)
            name = post_name(activity.title, post.channel, post.type)
            detail = f"{name} goes out {moment}, and the channel is not connected ({status})"
            fix = f"connect {channel_name(post.channel)} in the site's dashboard before that"
            address = scope.address(Kind.DRAFT, post.id)
            found.append(blocked(address, BlockedBy.CHANNEL_NOT_CONNECTED, detail, fix))
    return tuple(found)


def days_of(activities: Iterable[Activity], scope: Scope, *, only_gone: bool = False) -> Days:
    """How many posts go out on each day: what has gone out, and what waits unless `only_gone`."""
    days = Days()
    for activity in activities:
        for post in activity.posts:
            if post.status in GONE_OUT or (post.status is PostStatus.SCHEDULED and not only_gone):
                days.add(moment_in(activity, post).astimezone(scope.zone).date(), post.id)
    return days


def _is_at(post: Post, moment: datetime) -> bool:
    """Whether a post waits for a moment, to the minute."""
    return post.scheduled_for is not None and abs((moment - post.scheduled_for).total_seconds()) < 60


class _Judge(Struct):
    """Judges one waiting post after the other in the order of their moments, since days fill up."""

    desired: DesiredSite
    schedule: DesiredSchedule
    options: PlanOptions
    scope: Scope
    recorded: RecordedSite
    ours: frozenset[PostId]
    days: Days
    kept: Days
    cancels: list[Action] = field(default_factory=list)
    moves: list[tuple[int, Action]] = field(default_factory=list)
    blocked: list[tuple[int, Diagnostic]] = field(default_factory=list)
    to_review: list[ToReview] = field(default_factory=list)
    still_going_out: list[StillGoingOut] = field(default_factory=list)

    def judge(self, activity: Activity, post: Post, lost: Unwanted | None) -> None:
        rule = rule_for(self.schedule.rules, activity, post, self.scope)
        unwanted = lost or self._why_not(activity, post, rule)
        if unwanted is not None:
            self._take_back(activity, post, unwanted)
            return
        if rule is not None and self._paused():
            self._goes_out(activity, post, Unwanted(Reason.PAUSED), NOT_OURS, f"{STOP_BY_HAND}, or set manage: all")
            return
        if (undecided := self._decided_otherwise(activity, post)) is not None:
            approvals = self.desired.approvals
            stop = f"{commit_it(approvals)}; or {STOP_BY_HAND}"
            self._goes_out(activity, post, undecided, not_committed(approvals), stop)
            return
        if not isinstance(post.status, PostStatus) or post.status is not PostStatus.SCHEDULED or rule is None:
            return
        agreed = self._verdict(activity, post).state is ApprovalState.APPROVED
        if agreed or not self.schedule.approval_required:
            self._move(activity, post, rule)
        else:
            self._not_agreed(activity, post, rule)

    # --- whether it may go out

    def _paused(self) -> bool:
        return self.schedule.paused.with_other(self.options.policy.paused) is Pause.CANCEL

    def _why_not(self, activity: Activity, post: Post, rule: int | None) -> Unwanted | None:
        """Why a post that is ours to take back is no longer wanted; None if it is, or is somebody else's."""
        if post.id not in self.ours and not self.schedule.cancel_others:
            return None
        if self._paused():
            return Unwanted(Reason.PAUSED)
        if rule is None and self.schedule.cancel_others:
            return Unwanted(Reason.NOT_WANTED)
        if (unwanted := self._not_approved(activity, post)) is not None:
            return unwanted
        if found := content_violations(post, self.options.policy):
            return self._forbidden(found)
        found = self._at_its_moment(activity, post)
        if found and (rule is None or self._moved(activity, post, rule) is None):
            return self._forbidden(found)
        before = self._date_before(activity, post, rule)
        if before is not None and (rule is None or self._moved(activity, post, rule) is None):
            zone = self.scope.zone.key
            return Unwanted(Reason.DATE_MOVED, (f"{moment_text(before, zone)} -> {moment_text(activity.date, zone)}",))
        self.kept.add(moment_in(activity, post).astimezone(self.scope.zone).date(), post.id)
        return None

    def _not_approved(self, activity: Activity, post: Post) -> Unwanted | None:
        verdict = self._verdict(activity, post)
        if not self.schedule.approval_required or verdict.state is ApprovalState.APPROVED:
            return None
        if post.id not in self.ours:
            return Unwanted(Reason.NEVER_APPROVED)
        what = difference_words(verdict.differences, self.scope.zone.key)
        match verdict.state:
            case ApprovalState.CHANGED:
                return Unwanted(Reason.CHANGED, (what,) if what else ())
            case ApprovalState.EDITED:
                return Unwanted(Reason.EDITED, (what,) if what else ())
            case _:
                return Unwanted(Reason.WITHDRAWN)

    def _decided_otherwise(self, activity: Activity, post: Post) -> Unwanted | None:
        """What the file on the disk decides against a post of ours, where only what is committed counts."""
        if post.id not in self.ours:
            return None
        uncommitted = self.desired.approvals.uncommitted
        if activity.id in uncommitted:
            return Unwanted(Reason.SENT_BACK)
        if post.id in uncommitted and self.schedule.approval_required:
            return Unwanted(Reason.WITHDRAWN)
        return None

    def _verdict(self, activity: Activity, post: Post) -> Verdict:
        return self.desired.approvals.verdict(post, activity.date)

    def _date_before(self, activity: Activity, post: Post, rule: int | None) -> datetime | None:
        """The date that the activity had when a post of ours was scheduled without an approval.

        Only if it has another date now and the post did not move along. A yes names the date itself.
        """
        last = max(
            (one for one in self.recorded.published if one.id == post.id), key=lambda one: one.done_at, default=None
        )
        if self.schedule.approval_required or last is None or last.date in (None, activity.date):
            return None
        at = self.schedule.rules[rule].at if rule is not None else None
        return None if _is_at(post, moment_of(at, activity, self.scope) or activity.date) else last.date

    def _at_its_moment(self, activity: Activity, post: Post) -> tuple[Violation, ...]:
        moment, policy = moment_in(activity, post), self.options.policy
        full = day_violation(post.id, moment, self.kept, policy, self.scope)
        return (*time_violations(moment, policy, self.scope), *((full,) if full else ()))

    def _forbidden(self, found: tuple[Violation, ...]) -> Unwanted:
        return Unwanted(Reason.FORBIDDEN, tuple(str(one) for one in found))

    # --- what becomes of it

    def _take_back(self, activity: Activity, post: Post, unwanted: Unwanted) -> None:
        address, moment = self._address(post), moment_in(activity, post)
        if post.status is not PostStatus.SCHEDULED:
            obstacle = f"a post that is {post.status} cannot be cancelled"
            self._goes_out(activity, post, unwanted, obstacle, TAKE_DOWN)
            return
        if (tried := why_not_cancelled(self.recorded, post.id)) is not None:
            self._goes_out(activity, post, unwanted, f"{tried}; apply tries again")
        known = ActivityId("") if activity.id.startswith("of ") else activity.id
        operation = CancelPost(post.id, known, post.channel, moment, activity.title)
        self.cancels.append(Action(address, operation, unwanted.reason, unwanted.details, (StillScheduled(post.id),)))

    def _goes_out(
        self, activity: Activity, post: Post, unwanted: Unwanted, obstacle: str, stop: str = STOP_BY_HAND
    ) -> None:
        self.still_going_out.append(
            StillGoingOut(
                self._address(post),
                post.id,
                post.channel,
                activity.title,
                post.account_id,
                moment_in(activity, post),
                unwanted.reason,
                unwanted.details,
                obstacle,
                stop,
            )
        )

    def _moved(self, activity: Activity, post: Post, rule: int) -> datetime | None:
        """The moment that a rule moves a post to, if that is allowed; None if it stays where it is."""
        at = self._other_time(activity, post, rule)
        if at is None or not self.options.publish or too_late(at, self.scope.now, self.options.policy):
            return None
        return None if self._against(post, at) else at

    def _other_time(self, activity: Activity, post: Post, rule: int) -> datetime | None:
        at = moment_of(self.schedule.rules[rule].at, activity, self.scope)
        if at is None and self._date_before(activity, post, rule) is not None:
            at = activity.date  # the API's own time (I 6.2)
        # If the API does not say when, or the time is right to the minute, there is nothing to move.
        if at is None or post.scheduled_for is None or _is_at(post, at) or at <= self.scope.now:
            return None
        return at

    def _against(self, post: Post, at: datetime) -> tuple[Violation, ...]:
        policy = self.options.policy
        full = day_violation(post.id, at, self.days, policy, self.scope)
        return (
            *content_violations(post, policy),
            *time_violations(at, policy, self.scope),
            *((full,) if full else ()),
        )

    def _move(self, activity: Activity, post: Post, rule: int) -> None:
        at = self._other_time(activity, post, rule)
        if at is None:
            return
        address, name = self._address(post), post_name(activity.title, post.channel, post.type)
        late = too_late(at, self.scope.now, self.options.policy)
        if late is not None:
            fix = "give the rule another `at`, or move it in the dashboard"
            self.blocked.append((rule, blocked(address, BlockedBy.TOO_LATE, f"{name} cannot be moved: {late}", fix)))
            return
        if found := self._against(post, at):
            place = self.options.policy.place
            self.blocked += [
                (rule, blocked(address, BlockedBy.POLICY, f"{name} breaks {violation} ({place})", violation.fix))
                for violation in found
            ]
            return
        self.days.add(at.astimezone(self.scope.zone).date(), post.id)
        operation = ReschedulePost(
            post.id, activity.id, post.channel, post.digest, at, post.scheduled_for, activity.title
        )
        requires = (
            PostIs(post.id, PostStatus.SCHEDULED, post.digest),
            *rights_needed(activity, post, self.schedule, self.desired.approvals, self.recorded),
            StillAhead(at, self.options.policy.min_lead),
        )
        if self._at_its_moment(activity, post):
            reason = Reason.FORBIDDEN
        else:
            moved = self._date_before(activity, post, rule) is not None
            reason = Reason.DATE_MOVED if moved else Reason.OTHER_TIME
        self.moves.append((rule, Action(address, operation, reason, (f"schedule.rules[{rule}]",), requires)))

    def _not_agreed(self, activity: Activity, post: Post, rule: int) -> None:
        """A post that somebody else scheduled, that a rule covers, and whose content nobody approved."""
        address, verdict = self._address(post), self._verdict(activity, post)
        changed = verdict.state is ApprovalState.CHANGED
        what = difference_words(verdict.differences, self.scope.zone.key)
        how = f"changed after approval ({what})" if changed else "somebody scheduled it, and nobody approved it"
        self.blocked.append(
            (
                rule,
                blocked(
                    address,
                    BlockedBy.CHANGED_AFTER_APPROVAL if changed else BlockedBy.SCHEDULED_UNAPPROVED,
                    f"{post_name(activity.title, post.channel, post.type)} goes out: {how}",
                    f"{STOP_BY_HAND}, or run review and approve it; manage: all cancels it",
                    differences=verdict.differences if changed else (),
                ),
            )
        )
        reviewed = verdict.state is ApprovalState.PENDING and not verdict.differences
        state = InReview.PENDING if reviewed else InReview.NOT_REVIEWED
        self.to_review.append(ToReview(address, post.id, post.channel, activity.title, state))

    def _address(self, post: Post) -> Address:
        return self.scope.address(Kind.DRAFT, post.id)
