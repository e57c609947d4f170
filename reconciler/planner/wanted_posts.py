"""Whether a waiting post is still wanted, and to what time its rule moves it (docs/design.md 1.3).

waiting_posts.py decides what happens to it then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.approvals import Approvals, ApprovalState, ApprovalStatus
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.moments import moment_text
from reconciler.model.posts import (
    GONE_OUT,
    Post,
    PostId,
    PostStatus,
    account_id,
    account_name,
    post_name,
    shown_account,
)
from reconciler.model.schedule import DesiredSchedule, Pause
from reconciler.model.sites import DesiredSite, RecordedSite
from reconciler.planner.actions import Grounds, Reason, ReasonFact
from reconciler.planner.candidates import moment_of
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.policy_checks import Days, content_violations, day_violation, time_violations, too_late
from reconciler.planner.since_scheduled import since_scheduled
from reconciler.planner.used_approvals import never_approved

NO_SCHEDULE: Final = DesiredSchedule(())
"""The schedule of a file without one: no rule covers anything, and posts scheduled under an approval still need it."""


class Unwanted(Struct, frozen=True):
    """Why a post must not be published, with the facts behind the reason, as in an action."""

    reason: Reason
    details: tuple[str, ...] = ()
    grounds: Grounds | Absent = ABSENT


def _differing(*found: Difference) -> Grounds | Absent:
    return Grounds(differences=found) if found else ABSENT


def moment_in(activity: Activity, post: Post) -> datetime:
    """When a post goes out. The activity's date is the best estimate if the API does not say (I 6.2)."""
    return post.scheduled_for or activity.date


def account_of(post: Post, approvals: Approvals, recorded: RecordedSite) -> str:
    """Its account, with a name if one is known: as it was read, as in the file, or as it was when it was scheduled."""
    reviewed, last = approvals.draft(post.id), recorded.last_published.get(post.id)
    own = (reviewed.account if reviewed else "", (last.account or "") if last else "")
    labels = (post.account, *own, approvals.account_of(post))
    known = (label for label in labels if label and account_id(label) == post.account_id and account_name(label))
    return next(known, post.account)


def goes_out_words(activity: Activity, post: Post, approvals: Approvals, recorded: RecordedSite, zone: str) -> str:
    """`"Winter check" (Facebook) goes out Thu 2026-12-03 09:30 Europe/Berlin on Kiln`, as far as all that is known."""
    return post_words(activity, post, approvals, recorded, zone, verb=" goes out")


def post_words(
    activity: Activity, post: Post, approvals: Approvals, recorded: RecordedSite, zone: str, *, verb: str = ""
) -> str:
    """`"Winter check" (Facebook) Thu 2026-12-03 09:30 Europe/Berlin on Kiln`, as far as all that is known."""
    when = moment_text(moment_in(activity, post), zone, exact=post.scheduled_for is not None)
    account = account_of(post, approvals, recorded)
    where = f" on {shown_account(account)}" if account else ""
    return f"{post_name(activity.title, post.channel, post.type)}{verb} {when}{where}"


def days_of(activities: Iterable[Activity], scope: Scope, *, only_gone: bool = False) -> Days:
    """How many posts go out on each day: what has gone out and, unless `only_gone`, what is waiting."""
    days = Days()
    for activity in activities:
        for post in activity.posts:
            if post.status in GONE_OUT or (post.status is PostStatus.SCHEDULED and not only_gone):
                days.add(moment_in(activity, post).astimezone(scope.zone).date(), post.id)
    return days


def _is_at(post: Post, moment: datetime) -> bool:
    """Whether a post is waiting for this time, to the minute."""
    return post.scheduled_for is not None and abs((moment - post.scheduled_for).total_seconds()) < 60


class Standards(Struct):
    """What a waiting post is judged by.

    `ours` are the posts that this tool scheduled. `days` counts what goes out on each day as things are; `kept` counts
    what has gone out and, as posts are judged one after the other, what still goes out.
    """

    desired: DesiredSite
    schedule: DesiredSchedule
    options: PlanOptions
    scope: Scope
    recorded: RecordedSite
    ours: frozenset[PostId]
    days: Days
    kept: Days

    def paused(self) -> bool:
        """Whether a pause, in the file or in the policy, cancels what is waiting."""
        return self.schedule.paused.with_other(self.options.policy.paused) is Pause.CANCEL

    def why_not(self, activity: Activity, post: Post, rule: int | None) -> Unwanted | None:
        """Why a post is no longer wanted; None if it is wanted, or if this tool may not cancel it."""
        if post.id not in self.ours and not self.schedule.cancel_others:
            return None
        if self.paused():
            return Unwanted(Reason.PAUSED)
        if rule is None and self.schedule.cancel_others:
            return Unwanted(Reason.NOT_WANTED)
        if (unwanted := self._not_approved(activity, post, rule)) is not None:
            return unwanted
        if found := content_violations(post, self.options.policy):
            return Unwanted(Reason.FORBIDDEN, grounds=Grounds(found))
        found = self.at_its_moment(activity, post)
        if found and (rule is None or self.moved(activity, post, rule) is None):
            return Unwanted(Reason.FORBIDDEN, grounds=Grounds(found))
        before = self.date_before(activity, post, rule)
        unmoved = not self.options.publish or rule is None or self.moved(activity, post, rule) is None
        if before is not None and unmoved:
            dates = Difference("date", instant(before), instant(activity.date))
            return Unwanted(Reason.DATE_MOVED, grounds=_differing(dates))
        self.kept.add(moment_in(activity, post).astimezone(self.scope.zone).date(), post.id)
        return None

    def _not_approved(self, activity: Activity, post: Post, rule: int | None) -> Unwanted | None:
        verdict = self.verdict(activity, post)
        if not self.schedule.approval_required or verdict.state is ApprovalState.APPROVED:
            return None
        if post.id not in self.ours:
            return Unwanted(Reason.NEVER_APPROVED)
        undecided = verdict.state in (ApprovalState.PENDING, ApprovalState.NOT_REVIEWED)
        if undecided and never_approved(self.recorded, post.id):
            return Unwanted(Reason.APPROVAL_NEEDED, (ReasonFact.KEPT_IF_APPROVED,) if rule is not None else ())
        differing = _differing(*verdict.differences)
        match verdict.state:
            case ApprovalState.CHANGED:
                return Unwanted(Reason.CHANGED, grounds=differing)
            case ApprovalState.EDITED:
                return Unwanted(Reason.EDITED, grounds=differing)
            case ApprovalState.PENDING if not verdict.differences and (
                since := since_scheduled(self.recorded, post, activity.date, self.desired.approvals.account_of(post))
            ):
                return Unwanted(Reason.CHANGED, (ReasonFact.NOT_APPROVED_NOW,), _differing(*since.differences))
            case (
                ApprovalState.PENDING
                | ApprovalState.NOT_REVIEWED
                | ApprovalState.UNPROVEN
                | ApprovalState.OVERCOUNTED
                | ApprovalState.USED_UP
            ):
                gone = not self.desired.approvals.file
                return Unwanted(Reason.WITHDRAWN, (ReasonFact.NO_APPROVALS_FILE,) if gone else ())
            case _:
                assert_never(verdict.state)

    def decided_otherwise(self, activity: Activity, post: Post) -> Unwanted | None:
        """What the file on disk decides against one of this tool's posts, if only committed files count."""
        if post.id not in self.ours:
            return None
        uncommitted = self.desired.approvals.uncommitted
        if activity.id in uncommitted:
            return Unwanted(Reason.SENT_BACK)
        if post.id in uncommitted and self.schedule.approval_required:
            return Unwanted(Reason.WITHDRAWN)
        return None

    def verdict(self, activity: Activity, post: Post) -> ApprovalStatus:
        """What the approvals say about a post as it is."""
        return self.desired.approvals.verdict(post, activity.date)

    def date_before(self, activity: Activity, post: Post, rule: int | None) -> datetime | None:
        """The date that the activity had when this tool scheduled its post without an approval.

        None unless the activity has another date now and the post did not move with it. An approval names the date
        itself.
        """
        last = max(
            self.recorded.published_by_id.get(post.id, ()),
            key=lambda published: published.done_at,
            default=None,
        )
        if self.schedule.approval_required or last is None or last.date in (None, activity.date):
            return None
        at = self.schedule.rules[rule].at if rule is not None else None
        return None if _is_at(post, moment_of(at, activity, self.scope) or activity.date) else last.date

    def at_its_moment(self, activity: Activity, post: Post) -> tuple[Diagnostic, ...]:
        """What forbids a post at its time, including the other posts of its day."""
        moment, policy = moment_in(activity, post), self.options.policy
        full = day_violation(post.id, moment, self.kept, policy, self.scope)
        return (*time_violations(moment, policy, self.scope), *((full,) if full else ()))

    def moved(self, activity: Activity, post: Post, rule: int) -> datetime | None:
        """The time that a rule moves a post to, if that is allowed; None if it stays where it is.

        With `options.publish` False, another run moves it: a post that a move takes out of a forbidden time is not
        cancelled.
        """
        at = self.other_time(activity, post, rule)
        if at is None or too_late(at, self.scope.now, self.options.policy):
            return None
        return None if self.against(post, at) else at

    def other_time(self, activity: Activity, post: Post, rule: int) -> datetime | None:
        """The time that a post should be moved to, allowed or not; None if there is nothing to move."""
        at = moment_of(self.schedule.rules[rule].at, activity, self.scope)
        if at is None and self.date_before(activity, post, rule) is not None:
            at = activity.date  # the API's own time (I 6.2)
        # If the API does not say when, or the time is right to the minute, there is nothing to move.
        if at is None or post.scheduled_for is None or _is_at(post, at) or at <= self.scope.now:
            return None
        return at

    def against(self, post: Post, at: datetime) -> tuple[Diagnostic, ...]:
        """What forbids moving a post to a given time."""
        policy = self.options.policy
        full = day_violation(post.id, at, self.days, policy, self.scope)
        return (
            *content_violations(post, policy),
            *time_violations(at, policy, self.scope),
            *((full,) if full else ()),
        )
