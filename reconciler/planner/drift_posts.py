"""The audit of posts that were scheduled or approved, and of posts that go wrong."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ActivityApproval, ActivityDecision, ApprovalState, DraftApproval, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.moments import moment_text
from reconciler.model.posts import GONE_OUT, ActivityId, Post, PostId, PostStatus, shown_account
from reconciler.model.schedule import ReschedulePost, SchedulePost
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, Reason, StillGoingOut
from reconciler.planner.baseline import WAS_CANCELLED, approval_key, approval_of, key_of
from reconciler.planner.candidates import ScheduleRuleIndex
from reconciler.planner.doubt import gone_posts
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftState, Finding, GoesOut, who_moved
from reconciler.planner.edited_by_hand import is_edited
from reconciler.planner.eligibility import is_asked_for
from reconciler.planner.moved_by_hand import is_at_its_rules_time, is_moved
from reconciler.planner.options import Scope
from reconciler.planner.since_scheduled import since_scheduled
from reconciler.planner.unstopped import why_not_cancelled

REMOTE_REASONS = (Reason.CHANGED, Reason.ACTIVITY_GONE, Reason.NEVER_APPROVED)
"""Reasons to cancel a post that do not come from a change in a file."""

SEEN_FOR_SURE = 86_400
"""Seconds from now beyond which a read of the upcoming activities is sure to show a post.

The window starts today (D 6.2), but its time zone is not documented.
"""


class PostsAudit(Struct, frozen=True, dict=True):
    """The three sides of a site, and the plan that was made from them."""

    desired: DesiredSite
    observed: ObservedSite
    recorded: RecordedSite
    plan: Plan
    scope: Scope

    def posts(self) -> Iterator[DriftItem]:
        """Posts that are no longer as they were scheduled or approved.

        Without a `schedule`, only those that somebody moved to another time.
        """
        managed = self.desired.schedule is not None
        live = self.posts_by_id
        again = {action.operation.post for action in self.plan.actions if isinstance(action.operation, SchedulePost)}
        moving = {action.operation.post for action in self.plan.actions if isinstance(action.operation, ReschedulePost)}
        published = self.published
        for post, last in sorted(published.items()):
            if self.recorded.object(key_of(Kind.DRAFT, post)) == WAS_CANCELLED:
                continue
            found = live.get(post)
            finding = self._of_scheduled(last, found)
            if finding is Finding.MOVED_BY_OTHERS and post in moving:
                continue
            if finding is not None and (managed or finding is Finding.MOVED_BY_OTHERS):
                moved = ChangedSide.BOTH if post in again else ChangedSide.REMOTE
                yield self._post(post, finding, moved, last.channel, found)
        if managed:
            yield from self._approved(live, frozenset(published))

    def going_wrong(self) -> Iterator[DriftItem]:
        """Posts that failed, that will fail, or that go out unwanted or unapproved."""
        findings = {
            BlockedBy.FAILED: Finding.FAILED_POST,
            BlockedBy.CHANNEL_NOT_CONNECTED: Finding.CHANNEL_LOST,
            BlockedBy.SCHEDULED_UNAPPROVED: Finding.UNAPPROVED,
            BlockedBy.WENT_OUT_UNWANTED: Finding.WENT_OUT_UNWANTED,
        }
        posts = {
            str(self.scope.address(Kind.DRAFT, post.id)): (activity, post)
            for activity in self.activities()
            for post in activity.posts
        }
        ours = self.published
        for problem in self.plan.blocked:
            finding = findings.get(BlockedBy(problem.code))
            if finding is None:
                continue
            found = posts.get(str(problem.address))
            if finding is Finding.CHANNEL_LOST and (found is None or found[1].status is not PostStatus.SCHEDULED):
                continue
            # The files no longer wanted it, and it went out all the same.
            moved = ChangedSide.BOTH if finding is Finding.WENT_OUT_UNWANTED else ChangedSide.REMOTE
            item = DriftItem(problem.about, DriftState.DRIFTED, finding, moved, problem=problem)
            if found is not None:
                activity, its = found
                item = replace(item, title=activity.title, channel=its.channel, type=its.type)
            if finding is Finding.FAILED_POST:
                last = ours.get(PostId(problem.about.key))
                if found is None and last is not None:
                    item = replace(item, title=last.title, channel=last.channel, type=last.type)
                at = (found[1].scheduled_for if found else None) or (last.scheduled_for if last else None)
                item = replace(item, goes_out=GoesOut(at))
            yield item
        for post in self.plan.still_going_out:
            when = moment_text(post.moment, self.scope.zone_name, exact=post.is_exact) if post.moment else ""
            account = shown_account(post.account) if post.account else ""
            yield DriftItem(
                post.address,
                DriftState.DRIFTED,
                Finding.STILL_GOING_OUT,
                self._unwanted_by(post, ours),
                about=tuple(part for part in (when, account) if part),
                problem=post.problem,
                reason=post.reason,
                details=post.details,
                grounds=post.grounds,
                title=post.title,
                channel=post.channel,
                type=post.type,
                going_out=post,
            )

    def _of_scheduled(self, last: PublishedPost, found: tuple[Activity, Post] | None) -> Finding | None:
        moment = last.scheduled_for
        if last.id in self._gone:
            return Finding.DELETED
        if found is None:
            if last.id in self._gone_out:
                return None  # it went out before its time, and its activity may have gone since
            wait = (moment - self.scope.now).total_seconds() if moment else 0
            return Finding.DELETED if wait > SEEN_FOR_SURE else None
        activity, post = found
        if post.status in GONE_OUT or not isinstance(post.status, PostStatus):
            return None
        if (moment or activity.date) <= self.scope.now:
            return None
        if post.status is not PostStatus.SCHEDULED:
            return Finding.CANCELLED if self._should_go_out(activity, post) else None
        if is_edited(last, activity, post, self.desired.approvals):
            return Finding.EDITED
        if is_moved(last, post) and not is_at_its_rules_time(self._schedule_rules, activity, post, self.scope):
            return Finding.MOVED_BY_OTHERS
        return None

    def _should_go_out(self, activity: Activity, post: Post) -> bool:
        """Whether the files still ask for a post that is no longer scheduled.

        If an earlier run tried to cancel it, the cancel has taken effect after all.
        """
        schedule, approvals = self.desired.schedule, self.desired.approvals
        if schedule is None or not is_asked_for(post, schedule, approvals):
            return False
        if not schedule.approval_required:
            rule = self._schedule_rules.rule_for(activity, post, self.scope)
            return rule is not None and schedule.rules[rule].max != 0
        return why_not_cancelled(self.recorded, post.id) is None or approvals.approves(post, activity.date)

    def _approved(self, live: dict[PostId, tuple[Activity, Post]], published: frozenset[PostId]) -> Iterator[DriftItem]:
        """Approved drafts whose content has changed since, or that are gone."""
        activities = {activity.id for activity in self.activities()}
        for reviewed in self.desired.approvals.activities:
            if reviewed.decision is not ActivityDecision.KEEP:
                continue
            for draft in reviewed.drafts:
                if draft.decision is not DraftDecision.APPROVE or draft.id in published:
                    continue
                found = live.get(draft.id)
                if found is None:
                    last = self.recorded.object(approval_key(draft.id))
                    taken = self.recorded.object(key_of(Kind.DRAFT, draft.id)) == WAS_CANCELLED
                    upcoming = (reviewed.date - self.scope.now).total_seconds() > SEEN_FOR_SURE
                    if last == approval_of(draft.digest) and reviewed.id in activities and upcoming and not taken:
                        yield self._post(draft.id, Finding.DELETED, ChangedSide.REMOTE, draft.channel, None)
                elif _waits(found, self.scope) and not draft.names(found[1], found[0].date):
                    yield self._post(draft.id, Finding.EDITED, self._edited_on(reviewed, draft), draft.channel, found)

    def _edited_on(self, activity: ActivityApproval, draft: DraftApproval) -> ChangedSide:
        """Which side edited a draft whose approval no longer fits it.

        The file, if the entry no longer shows what its digest covers; otherwise the site. Both, if the entry was edited
        and its digest was once recorded as fitting the post: then the post has changed too.
        """
        edited = not draft.earlier and not draft.is_as_written(activity.date)
        was_right = self.recorded.object(approval_key(draft.id)) == approval_of(draft.digest)
        return who_moved(edited, remotely=was_right or not edited)

    def _post(
        self, id: PostId, finding: Finding, moved: ChangedSide, channel: str, found: tuple[Activity, Post] | None
    ) -> DriftItem:
        address = self.scope.address(Kind.DRAFT, id)
        about: tuple[str, ...] = ()
        last = self.published.get(id)
        title = found[0].title if found else last.title if last else ""
        type = found[1].type if found else last.type if last else "POST"
        if finding is Finding.MOVED_BY_OTHERS and last and last.scheduled_for and found and found[1].scheduled_for:
            zone = self.scope.zone_name
            about = tuple(moment_text(at, zone) for at in (last.scheduled_for, found[1].scheduled_for))
        return DriftItem(
            address,
            DriftState.DRIFTED,
            finding,
            moved,
            about=about,
            problem=self._blocked.get(address),
            title=title,
            channel=channel,
            type=type,
        )

    def _unwanted_by(self, post: StillGoingOut, ours: Container[PostId]) -> ChangedSide:
        if self.is_remote(post.reason, post.post):
            return ChangedSide.REMOTE
        return ChangedSide.GIT if post.post in ours else ChangedSide.BOTH

    def is_remote(self, reason: Reason, post: PostId) -> bool:
        """Whether a post is unwanted because of a change on the site.

        A date that the file sets, or used to set, on its activity is not one.
        """
        if reason is Reason.DATE_MOVED:
            found = self.posts_by_id.get(post)
            return found is None or not self.date_set_by_file(found[0])
        return reason in REMOTE_REASONS and not (reason is Reason.CHANGED and self._dated_by_file(post))

    def _dated_by_file(self, post: PostId) -> bool:
        """Whether a post is approved except for the date, which the file sets, or used to set, on its activity."""
        live = self.posts_by_id.get(post)
        if live is None:
            return False
        activity, found = live
        moved, last = self.date_set_by_file(activity), self.published.get(post)
        date = last.date if moved and last and last.date else activity.date
        state = self.desired.approvals.verdict(found, activity.date).state
        if moved and state is ApprovalState.PENDING:  # `review` resets it when the date changes
            return not since_scheduled(self.recorded, found, date)
        return self.desired.approvals.approves(found, date)

    def date_set_by_file(self, activity: Activity) -> bool:
        """Whether an activity has the date that the file sets, or used to set."""
        applied = self.recorded.object(key_of(Kind.ACTIVITY, activity.id))
        return applied is not None and applied.get("targetDate") == instant(activity.date)

    @cached_property
    def published(self) -> dict[PostId, PublishedPost]:
        """The last scheduling of each post."""
        return {
            published.id: published
            for published in sorted(self.recorded.published, key=lambda published: published.done_at)
        }

    @cached_property
    def posts_by_id(self) -> dict[PostId, tuple[Activity, Post]]:
        """The posts of the marketing plan, each with its activity."""
        return {post.id: (activity, post) for activity in self.activities() for post in activity.posts}

    @cached_property
    def activities_by_id(self) -> dict[ActivityId, Activity]:
        """The activities of the marketing plan."""
        return {activity.id: activity for activity in self.activities()}

    @cached_property
    def _schedule_rules(self) -> ScheduleRuleIndex:
        return ScheduleRuleIndex(self.desired.schedule.rules if self.desired.schedule is not None else ())

    @cached_property
    def _gone(self) -> frozenset[PostId]:
        return gone_posts(self.observed, self.recorded, self.plan.refusals)

    @cached_property
    def _gone_out(self) -> frozenset[PostId]:
        return frozenset(each.post for each in self.recorded.outcomes if each.status is PostStatus.PUBLISHED)

    @cached_property
    def _blocked(self) -> dict[Address | None, Diagnostic]:
        """The first problem of each object."""
        return {problem.address: problem for problem in reversed(self.plan.blocked)}

    def activities(self) -> tuple[Activity, ...]:
        """The activities of the marketing plan; empty if there is none."""
        return self.observed.marketing_plan.activities if self.observed.marketing_plan else ()


def _waits(found: tuple[Activity, Post], scope: Scope) -> bool:
    """Whether a post can still go out."""
    activity, post = found
    return activity.date >= scope.now and post.status in (PostStatus.DRAFT, PostStatus.SCHEDULED)
