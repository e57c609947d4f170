"""The audit of activities, posts and drafts: what a plan would change about them, and which side moved.

Rules select by time and by content that an AI makes, so what they want changes even if nobody touches anything: an
activity comes within 21 days, or a post goes out and makes room for another. That is not drift. The audit
recognises drift by what was last applied to the object, and by whether the rules are those that were last carried out
in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from reconciler.model.activities import (
    ActivityRule,
    CreateActivity,
    DeleteActivity,
    DesiredActivity,
    PostsRule,
    RemoveActivities,
    UpdateActivity,
)
from reconciler.model.address import Address, Kind
from reconciler.model.canonical import ABSENT, Absent, JsonObject
from reconciler.model.frozen import instant
from reconciler.model.moments import moment_text
from reconciler.model.operations import Deferred, Foundation, SitePart
from reconciler.model.posts import (
    ActivityId,
    AwaitPosts,
    ClearPosts,
    GeneratePosts,
    PostStatus,
    RegeneratePosts,
    name_of,
)
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.model.text import spoken
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.baseline import (
    ABSENT_NOW,
    PRESENT,
    WAS_CANCELLED,
    approval_key,
    approval_of,
    baseline,
    key_of,
    rules_of,
)
from reconciler.planner.changes import same_plain
from reconciler.planner.drift_posts import PostsAudit
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftState, FieldDrift, Finding, together, who_moved
from reconciler.planner.moved_by_hand import same_minute
from reconciler.planner.options import Scope
from reconciler.planner.unstopped import UNTIL_CANCELLED


def content_items(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, scope: Scope
) -> tuple[list[DriftItem], tuple[str, ...]]:
    """The state of each managed activity, its posts and its drafts, and the names of what has only become due."""
    audit = _Audit(desired, observed, recorded, plan, scope)
    found: dict[str, DriftItem] = {}
    due: list[str] = []
    for item in audit.posts():
        found[str(item.address)] = item
    for item in audit.going_wrong():
        found[str(item.address)] = item
    going_out = {str(post.address) for post in plan.still_going_out}
    for action in plan.actions:
        address = str(action.address)
        if address in found and (address in going_out or action.operation.verb is not Verb.CANCEL):
            continue
        said = audit.of(action)
        if isinstance(said, DriftItem):
            found[str(action.address)] = said
        elif said is not None:
            due.append(said)
    for draft in plan.to_review:
        item = DriftItem(draft.address, DriftState.IN_REVIEW, Finding.REVIEW, about=(draft.state.value,))
        found.setdefault(str(draft.address), replace(item, title=draft.title, channel=draft.channel, type=draft.type))
    for item in audit.converged():
        found.setdefault(str(item.address), item)
    return list(found.values()), tuple(due)


def waiting_items(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, scope: Scope
) -> list[DriftItem]:
    """The posts that go wrong while the marketing plan is missing, failed, inactive or being generated.

    These are posts that the plan cancels, that go out unwanted, or that failed.
    """
    audit = _Audit(desired, observed, recorded, plan, scope)
    found = {str(item.address): item for item in audit.going_wrong()}
    for action in plan.actions:
        if action.operation.verb is Verb.CANCEL:
            said = audit.of(action)
            assert isinstance(said, DriftItem)
            found.setdefault(str(action.address), said)
    return list(found.values())


def _reported_elsewhere(_: Foundation | Deferred) -> None:
    """Settings, events and the marketing plan have items of their own, and a deferred action has no object yet."""


class _Audit(PostsAudit, frozen=True, dict=True):
    # --- what the plan would change

    def of(self, action: Action) -> DriftItem | str | None:
        """What an action says about its object: an item; its name if it has only become due; None for other parts."""
        match action.operation:
            case CreateActivity(activity=activity):
                if activity.target_date < self.scope.now:
                    return None
                wanted = (activity.title, activity.target_date)
                made = wanted in self._made
                finding = Finding.DELETED if made else Finding.MISSING
                return self._drifted(action, finding, ChangedSide.REMOTE if made else ChangedSide.GIT, activity.title)
            case UpdateActivity(title=title):
                return self._edited_activity(action, title)
            case DeleteActivity(title=title):
                return self._by_rule(action, Finding.UNWANTED, None, title)
            case GeneratePosts(title=title) | ClearPosts(title=title) | RegeneratePosts(title=title) if (
                action.reason is Reason.SENT_BACK
            ):
                return replace(self._drifted(action, Finding.SENT_BACK, ChangedSide.GIT, title), details=action.details)
            case GeneratePosts(title=title):
                return self._without_posts(action, title)
            case AwaitPosts(title=title):
                return DriftItem(action.address, DriftState.PENDING, Finding.POSTS_COMING, about=(title,))
            case ClearPosts(title=title) | RegeneratePosts(title=title):
                last = self.recorded.object(key_of(Kind.POSTS, action.address.key))
                return self._by_rule(action, Finding.UNWANTED, None if last is None else last == ABSENT_NOW, title)
            case SchedulePost(post=post, approved=approved) as operation:
                draft = self.desired.approvals.draft(post)
                agreed_before = draft and self.recorded.object(approval_key(post)) == approval_of(draft.digest)
                moved_on = agreed_before if approved else self._same_rules(SitePart.SCHEDULE)
                drifted = self._post_drifted(action, Finding.NOT_SCHEDULED, ChangedSide.GIT, operation)
                return name_of(operation) if moved_on else drifted
            case ReschedulePost():
                return self._other_time(action)
            case CancelPost() as operation if action.reason is not Reason.NOT_WANTED:
                found = self._post_drifted(action, Finding.TAKEN_BACK, self._who_made_unwanted(action), operation)
                return replace(
                    found,
                    problem=UNTIL_CANCELLED,
                    reason=action.reason,
                    details=action.details,
                    grounds=action.grounds,
                )
            case CancelPost(post=post) as operation:
                ours = post in self.published
                moved = who_moved(not self._same_rules(SitePart.SCHEDULE), not ours)
                if ours and moved is ChangedSide.GIT and self._same_rules(SitePart.SCHEDULE):
                    moved = ChangedSide.REMOTE  # its activity or its content is not what the rule matched
                return self._post_drifted(action, Finding.NOT_WANTED, moved, operation)
            case elsewhere:
                _reported_elsewhere(elsewhere)
                return None

    def _without_posts(self, action: Action, title: str) -> DriftItem | str:
        if self._all_cancelled_by_us(action.address.key):
            return self._drifted(action, Finding.POSTS_CANCELLED, ChangedSide.GIT, title)
        last = self.recorded.object(key_of(Kind.POSTS, action.address.key))
        finding = Finding.POSTS_CLEARED if last == PRESENT else Finding.POSTS_MISSING
        return self._by_rule(action, finding, None if last is None else last == PRESENT, title)

    def _all_cancelled_by_us(self, activity: str) -> bool:
        """Whether an activity has posts, and this tool cancelled all of them: then nobody else took them away."""
        found = self.activities_by_id.get(ActivityId(activity))
        posts = found.posts if found is not None else ()
        cancelled = (self.recorded.object(key_of(Kind.DRAFT, post.id)) == WAS_CANCELLED for post in posts)
        return bool(posts) and all(cancelled)

    def _drifted(self, action: Action, finding: Finding, moved: ChangedSide, *about: str) -> DriftItem:
        return DriftItem(action.address, DriftState.DRIFTED, finding, moved, about=about)

    def _post_drifted(
        self, action: Action, finding: Finding, moved: ChangedSide, post: SchedulePost | CancelPost
    ) -> DriftItem:
        found = self._drifted(action, finding, moved)
        return replace(found, title=post.title, channel=post.channel, type=post.type)

    def _who_made_unwanted(self, action: Action) -> ChangedSide:
        """Which side made the change that gets a post cancelled.

        If policy forbids the post's time, somebody may have moved it there.
        """
        operation = action.operation
        assert isinstance(operation, CancelPost)
        last = self.published.get(operation.post)
        if action.reason is Reason.FORBIDDEN and last and last.scheduled_for and operation.at:
            rescheduled = not same_minute(last.scheduled_for, operation.at)
            return ChangedSide.REMOTE if rescheduled else ChangedSide.GIT
        return ChangedSide.REMOTE if self.is_remote(action.reason, operation.post) else ChangedSide.GIT

    def _by_rule(self, action: Action, finding: Finding, applied: bool | None, title: str) -> DriftItem | str:
        """What an action of a rule shows as drift; the activity's name if only time has passed.

        `applied` tells whether the object was as the rule asks when it was last applied; None if that is not known.
        """
        part = SitePart.ACTIVITIES if action.operation.kind is Kind.ACTIVITY else SitePart.POSTS
        if applied is not None:
            return self._drifted(action, finding, ChangedSide.REMOTE if applied else ChangedSide.GIT, title)
        if not self._same_rules(part):
            return self._drifted(action, finding, ChangedSide.GIT, title)
        if self._may_be_due(action, part):
            return f'{spoken(Kind.ACTIVITY)} "{title}"'
        return self._drifted(action, finding, ChangedSide.REMOTE, title)

    def _same_rules(self, part: SitePart) -> bool:
        """Whether the file's rules are those that were last carried out in full."""
        key = key_of(Kind.RULE, part)
        return self.recorded.object(key) == self._rules[key]

    @cached_property
    def _rules(self) -> dict[str, JsonObject]:
        """The digest of each part's rules in the file."""
        return dict(rules_of(self.desired))

    @cached_property
    def _made(self) -> frozenset[tuple[str, datetime]]:
        """The title and the date of each activity that this tool created."""
        return frozenset((created.title, created.target_date) for created in self.recorded.created)

    def _may_be_due(self, action: Action, part: SitePart) -> bool:
        """Whether the rule may ask for the object now only because time has passed.

        Its window moved, or that of a rule above it, or a place became free.
        """
        rules: tuple[ActivityRule | PostsRule, ...] = self.desired.posts
        if part is SitePart.ACTIVITIES:
            rules = self.desired.activities
        index = next((n for n in range(len(rules)) if action.details == (f"{part}[{n}]",)), None)
        if index is None:
            return True
        return any(
            rule.match.within is not None or (not isinstance(rule, RemoveActivities) and rule.max is not None)
            for rule in rules[: index + 1]
            if not isinstance(rule, DesiredActivity)
        )

    def _edited_activity(self, action: Action, title: str) -> DriftItem | str:
        operation = action.operation
        assert isinstance(operation, UpdateActivity)
        last = self.recorded.object(key_of(Kind.ACTIVITY, operation.id))
        if last is None and self._same_rules(SitePart.ACTIVITIES):
            return f'{spoken(Kind.ACTIVITY)} "{title}"'  # it now matches a rule that has not changed
        fields = []
        for change in operation.changes:
            applied = ABSENT if last is None or change.path not in last else last[change.path]
            in_git = isinstance(applied, Absent) or not same_plain(change.after, applied)
            remotely = not isinstance(applied, Absent) and not same_plain(change.before, applied)
            fields.append(FieldDrift(change.path, change.after, change.before, who_moved(in_git, remotely), applied))
        moved = together(field.moved for field in fields)
        return DriftItem(action.address, DriftState.DRIFTED, Finding.DIFFERS, moved, tuple(fields), (title,))

    def _other_time(self, action: Action) -> DriftItem:
        operation = action.operation
        assert isinstance(operation, ReschedulePost)
        last = self.published.get(operation.post)
        applied = last.scheduled_for if last else None
        before = instant(operation.before) if operation.before else None
        activity = self.activities_by_id.get(operation.activity)
        another_day = bool(last and last.date and activity and last.date != activity.date)
        # The site's time zone is changed on the site, and so is the activity's date unless the file sets it.
        by_site = another_day and not (activity and self.date_set_by_file(activity))
        by_site |= last is not None and last.zone != self.scope.zone_name
        in_git = applied is None or (instant(applied) != instant(operation.at) and not by_site)
        remotely = by_site or (applied is not None and instant(applied) != before)
        moved = who_moved(in_git or not self._same_rules(SitePart.SCHEDULE), remotely)
        shown = ABSENT if applied is None else instant(applied)
        field = FieldDrift("scheduledDate", instant(operation.at), before, moved, shown)
        zone = self.scope.zone_name
        times = (moment_text(at, zone) for at in (operation.before, operation.at) if at is not None)
        return DriftItem(
            action.address,
            DriftState.DRIFTED,
            Finding.DATE_MOVED if another_day else Finding.OTHER_TIME,
            moved,
            (field,),
            about=tuple(times),
            title=operation.title,
            channel=operation.channel,
            type=operation.type,
            reason=action.reason if action.reason is Reason.FORBIDDEN else None,
            grounds=action.grounds,
        )

    # --- what is as it should be

    def converged(self) -> Iterator[DriftItem]:
        """Activities and posts that are as the rules ask, and posts that are waiting to go out as scheduled."""
        kinds = (Kind.ACTIVITY.value + "[", Kind.POSTS.value + "[")
        for key, _ in baseline(self.desired, self.observed, self.recorded, self.plan, self.scope):
            if key.startswith(kinds):
                yield DriftItem(Address.parse(f"{self.scope.site}/{key}"), DriftState.CONVERGED)
        if self.desired.schedule is not None:
            scheduled = {
                post.id
                for activity in self.activities()
                for post in activity.posts
                if post.status is PostStatus.SCHEDULED
            }
            for id in sorted(scheduled & set(self.published)):
                yield DriftItem(self.scope.address(Kind.DRAFT, id), DriftState.CONVERGED)
