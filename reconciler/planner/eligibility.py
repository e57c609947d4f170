"""Judges wanted posts one by one: each goes out, waits for people, or is blocked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityDecision, Approvals, ApprovalState, ApprovalStatus, DraftDecision
from reconciler.model.canonical import ABSENT
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import Post, PostId, PostStatus, channel_name, post_name
from reconciler.model.schedule import DesiredSchedule, Pause, PostIs, SchedulePost, StillAhead
from reconciler.model.sites import ChannelStatus, Feature, ObservedSite, RecordedSite
from reconciler.planner.actions import Action, BlockedBy, InReview, Reason, ToReview, blocked
from reconciler.planner.approval_checks import does_not_count, is_of_title, not_committed, objection
from reconciler.planner.candidates import Candidate
from reconciler.planner.channel_rules import channel_is_gone, not_connected
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.policy_checks import (
    LATER,
    Days,
    content_violations,
    day_violation,
    time_violations,
    too_late,
)
from reconciler.planner.used_approvals import is_noted, rights_needed, times_of, was_scheduled

SCHEDULING = "SCHEDULE_POST"
"""The premium feature that scheduling needs (S-wix 10.5)."""

NEARLY_USED_UP = 0.2
"""A note says what is left of a quota if that is this share of it or less."""

SPARE = timedelta(hours=2)
"""How far ahead the API's own time must be: if a run dies before it moves the post, the next run still can."""

NOT_APPROVED_IN_TIME = "not-approved-in-time"
"""The code of the note about drafts that nobody decided about before they were due."""

MOST_NAMES = 3
"""How many drafts a note names; the others are counted."""


def times_scheduled(recorded: RecordedSite, post: Post) -> int:
    """How many times this post was scheduled with its present content, as far as is known."""
    if not is_noted(recorded, post.id):
        return 0
    return times_of(recorded, post.id, frozenset({post.digest, post.earlier_digest}))


def was_sent_back(post: Post, approvals: Approvals) -> bool:
    """Whether the file has a decision to regenerate or discard the post's activity as it was reviewed."""
    activity = approvals.activity_of(post.id)
    return activity is not None and activity.decision is not ActivityDecision.KEEP and activity.counts


def is_asked_for(post: Post, desired: DesiredSchedule, approvals: Approvals) -> bool:
    """Whether a cancelled post is to go out: it is still approved, approved again, or needs no approval.

    It is not if its activity is sent back.
    """
    if was_sent_back(post, approvals):
        return False
    draft = approvals.draft(post.id)
    return not desired.approval_required or (draft is not None and draft.decision is DraftDecision.APPROVE)


def changed_since(recorded: RecordedSite, post: Post) -> bool:
    """Whether this tool scheduled the post with different content."""
    return post.id in recorded.published_by_id and not times_scheduled(recorded, post)


class DraftEligibility(Struct):
    """Judges wanted posts in turn, as days and quotas fill up."""

    desired: DesiredSchedule
    approvals: Approvals
    observed: ObservedSite
    recorded: RecordedSite
    options: PlanOptions
    scope: Scope
    days: Days
    """How many posts go out on each day, including those that this plan moves there."""
    goes: list[tuple[int, Action]] = field(default_factory=list)
    blocked: list[tuple[int, Diagnostic]] = field(default_factory=list)
    to_review: list[ToReview] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    missed: int = 0
    stuck: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """The drafts that wait for review and break the policy, by what they break and what to do about it."""
    named: set[PostId] = field(default_factory=set)
    """The drafts that a note names because their approvals do not count."""

    def stuck_notes(self) -> Iterator[Diagnostic]:
        """What the policy forbids in drafts that wait for review: nobody should approve these as they are."""
        for (broken, fix), names in self.stuck.items():
            wait, breaks = ("is", "breaks") if len(names) == 1 else ("are", "break")
            what = f"{some_of(names, MOST_NAMES)} {wait} waiting for review, but {breaks} {broken}"
            shared = f"drafts that are waiting for review break {broken}", fix
            yield replace(Diagnostic.note("approving-does-not-help", what, fix), shared=shared)

    def all_notes(self) -> tuple[Diagnostic, ...]:
        """The notes about single posts, and about a quota that is nearly used up."""
        notes = list(self.notes)
        if self.missed:
            what = f"{plural(self.missed, 'draft')} that no one approved in time will no longer go out"
            notes.append(replace(Diagnostic.note(NOT_APPROVED_IN_TIME, what), shared=(what, "")))
        return (*notes, *self._quota_note())

    # --- drafts

    def draft(self, candidate: Candidate) -> None:
        """Judges a draft within its rule's bounds: it is scheduled, left for review, or blocked."""
        if not self._is_agreed(candidate):
            return
        found = [*self._paused(candidate), *self._preflight(candidate), *self._policy(candidate)]
        if not found:
            found = self._quota(candidate)
        if found:
            self.blocked += [(candidate.rule, blocked) for blocked in found]
            return
        self.days.add(candidate.moment.astimezone(self.scope.zone).date(), candidate.post.id)
        approved = self.desired.approval_required
        self.goes.append(
            (
                candidate.rule,
                Action(
                    self.scope.address(Kind.DRAFT, candidate.post.id),
                    SchedulePost(
                        candidate.post.id,
                        candidate.activity.id,
                        candidate.post.channel,
                        candidate.post.digest,
                        candidate.at,
                        approved=approved,
                        own_time_first=candidate.at is not None and self._may_have_own_time(candidate),
                        title=candidate.activity.title,
                        account=self._account(candidate),
                        about=candidate.moment if candidate.at is None else None,
                        type=candidate.post.type,
                    ),
                    Reason.APPROVED if approved else Reason.NO_APPROVAL_NEEDED,
                    (f"schedule.rules[{candidate.rule}]",),
                    (
                        PostIs(candidate.post.id, PostStatus.DRAFT, candidate.post.digest),
                        *rights_needed(candidate.activity, candidate.post, self.desired, self.approvals, self.recorded),
                        StillAhead(candidate.moment, self.options.policy.min_lead),
                    ),
                ),
            )
        )

    def _account(self, candidate: Candidate) -> str:
        """The account's name; if it was not read this time, the name in the approvals file."""
        reviewed = self.approvals.draft(candidate.post.id)
        same = reviewed is not None and reviewed.content.account == candidate.post.content.account
        return reviewed.account if same and reviewed and not candidate.post.account_name else candidate.post.account

    def lost(self, candidate: Candidate) -> None:
        """Judges a draft that can never go out.

        If its time passed before anyone approved it, there is nothing to do.
        """
        if channel_is_gone(candidate.post.channel, max(candidate.moment, self.scope.now)):
            detail = f"{channel_name(candidate.post.channel)} takes no posts after 2026-07-31"
            rule = f"schedule.rules[{candidate.rule}].channels"
            named = self.desired.rules[candidate.rule].channels
            fix = (
                f"leave {candidate.post.channel} out of {rule}" if named else f"list only the other channels in {rule}"
            )
            self._block(candidate, self._blocked(candidate, BlockedBy.CHANNEL_GONE, detail, fix))
            return
        times = times_scheduled(self.recorded, candidate.post)
        if times or candidate.post.status is not PostStatus.DRAFT:
            return
        if self.desired.approval_required and not self.approvals.approves(candidate.post, candidate.activity.date):
            self._not_approved_in_time(candidate)
            return
        late = too_late(candidate.moment, self.scope.now, self.options.policy)
        assert late is not None
        what = f"{_name(candidate)}: {late.message}"
        self._block(candidate, self._blocked(candidate, BlockedBy.TOO_LATE, what, LATER, says_name=True))

    def _not_approved_in_time(self, candidate: Candidate) -> None:
        """Counts a draft that nobody approved. One whose approval does not count is named, with the reason."""
        draft = self.approvals.draft(candidate.post.id)
        said_yes = draft is not None and draft.decision is DraftDecision.APPROVE
        found = objection(self._verdict(candidate), self.approvals.file, self.scope.zone_name) if said_yes else None
        if found is None:
            self.missed += 1
            return
        late = too_late(candidate.moment, self.scope.now, self.options.policy)
        assert late is not None
        self.named.add(candidate.post.id)
        self.notes.append(does_not_count(_name(candidate), found, late.message))

    def _is_agreed(self, candidate: Candidate) -> bool:
        """Whether people's decisions let this content go out now; if not, records what is missing."""
        post, times = candidate.post, times_scheduled(self.recorded, candidate.post)
        if post.status is PostStatus.CANCELED:
            if not is_asked_for(post, self.desired, self.approvals):
                return False  # it is already as people want it
            detail = f"{_name(candidate)} was scheduled and then cancelled, and the API only schedules drafts"
            keep = "write `pending` for the draft in the approvals file"
            if not self.desired.approval_required:
                keep = "leave its activity out of `schedule.rules`"
            fix = (
                f"if it should stay cancelled, {keep}; if it should go out, turn it back into a draft in the site's "
                "dashboard, then run review and approve it"
            )
            self._block(
                candidate, self._blocked(candidate, BlockedBy.CANCELLED_AFTER_APPROVAL, detail, fix, says_name=True)
            )
            return False
        if not times and not self.desired.approval_required:
            return True
        if post.id in self.approvals.uncommitted:
            found = not_committed(self.approvals)
            self._block(candidate, self._blocked(candidate, BlockedBy.NOT_COMMITTED, found.message, found.fix))
            return False
        verdict = self._verdict(candidate, times)
        if verdict.state is ApprovalState.APPROVED:
            return True
        reviewed = self.approvals.draft(post.id)
        if times and (reviewed is None or reviewed.cancelled < times):
            used = was_scheduled(self.recorded, post.id)
            verdict = ApprovalStatus(ApprovalState.USED_UP if used else ApprovalState.UNPROVEN)
        elif reviewed is not None and reviewed.decision is DraftDecision.PENDING and is_of_title(verdict.differences):
            # Nothing was decided, so nothing is blocked; `review` shows the new title.
            verdict = ApprovalStatus(ApprovalState.PENDING, verdict.differences)
        elif verdict.state is ApprovalState.CHANGED and was_sent_back(post, self.approvals):
            # People asked for new content, and nobody has decided about it yet.
            verdict = ApprovalStatus(ApprovalState.PENDING, verdict.differences)
        self._not_approved(candidate, verdict)
        return False

    def _verdict(self, candidate: Candidate, times: int | None = None) -> ApprovalStatus:
        return self.approvals.verdict(
            candidate.post,
            candidate.activity.date,
            title=candidate.activity.title,
            times=times,
            known=self.recorded.is_known,
        )

    def _not_approved(self, candidate: Candidate, verdict: ApprovalStatus) -> None:
        """Records a post that is not approved as it is: changed since, edited in the file, or not decided yet."""
        found = objection(verdict, self.approvals.file or "the approvals file", self.scope.zone_name)
        if found is not None:
            detail, code = f"{_name(candidate)}: {found.message}", BlockedBy(found.code)
            self._block(
                candidate, self._blocked(candidate, code, detail, found.fix, verdict.differences, says_name=True)
            )
            return
        # Until a review has found that approvals count now, nobody can give one.
        open_now = self.approvals.approvable or not self.recorded.is_known
        reviewed = verdict.state is ApprovalState.PENDING and not verdict.differences and open_now
        state = InReview.PENDING if reviewed else InReview.NOT_REVIEWED
        address = self.scope.address(Kind.DRAFT, candidate.post.id)
        post, title = candidate.post, candidate.activity.title
        violations = self._violations(candidate)
        for violation in violations:
            self.stuck.setdefault((violation.cause_and_place, violation.fix), []).append(_name(candidate))
        review = ToReview(address, post.id, post.channel, title, state, post.type, stuck=bool(violations) or ABSENT)
        self.to_review.append(review)

    def _may_have_own_time(self, candidate: Candidate) -> bool:
        """Whether a post may briefly have the API's own time before it is moved to the rule's.

        That time must be far enough ahead, and not one that the policy forbids, because the post would stay there if
        moving it failed.
        """
        own = candidate.activity.date
        policy = self.options.policy
        return (
            own - self.scope.now >= max(self.options.policy.min_lead, SPARE)
            and not time_violations(own, policy, self.scope)
            and day_violation(candidate.post.id, own, self.days, policy, self.scope) is None
        )

    # --- what blocks a post -------------------------------------------------------------------------

    def _paused(self, candidate: Candidate) -> list[Diagnostic]:
        policy = self.options.policy
        if self.desired.paused.with_other(policy.paused) is Pause.NONE:
            return []
        own = self.desired.paused is not Pause.NONE
        fix = (
            "set `schedule.paused: false` in the site file"
            if own
            else f"set `paused: false` in {policy.place_of('paused')}"
        )
        return [self._blocked(candidate, BlockedBy.PAUSED, "publishing is paused", fix)]

    def _preflight(self, candidate: Candidate) -> list[Diagnostic]:
        """What the site lacks, as far as it was read. What is not known does not block: scheduling is tried."""
        found: list[Diagnostic] = []
        channel = candidate.post.channel
        if self.observed.published is False:
            fix = "publish the site, then run again"
            found.append(self._blocked(candidate, BlockedBy.SITE_NOT_PUBLISHED, "the site is not published", fix))
        status = self.observed.channel(channel)
        lost = not_connected(channel, status) if status is not ChannelStatus.UNKNOWN else None
        if lost is not None:
            rule = f"schedule.rules[{candidate.rule}].channels"
            named = self.desired.rules[candidate.rule].channels
            without = f"leave it out of {rule}" if named else f"list only the other channels in {rule}"
            fix = f"{lost.fix}, or {without}"
            found.append(self._blocked(candidate, BlockedBy.CHANNEL_NOT_CONNECTED, lost.message, fix))
        feature = self.observed.feature(SCHEDULING)
        if feature is not None and not feature.enabled:
            fix = "choose a premium plan that includes scheduling posts"
            detail = "the site's premium plan does not include scheduling"
            found.append(self._blocked(candidate, BlockedBy.FEATURE_MISSING, detail, fix))
        return found

    def _quota(self, candidate: Candidate) -> list[Diagnostic]:
        """The quota goes to the first drafts in order. Moving a post uses none of it."""
        feature = self.observed.feature(SCHEDULING)
        if feature is None or feature.remaining is None or len(self.goes) < feature.remaining:
            return []
        posts = plural(feature.remaining, "scheduled post")
        if feature.limit:
            posts = f"{feature.remaining:,} of {plural(feature.limit, 'scheduled post')}"
        per = f" this {_period(feature)}" if _period(feature) else ""
        if feature.remaining == 0:
            detail = f"the quota has no scheduled posts left{per}"
        elif feature.remaining == 1:
            detail = f"the quota has {posts} left{per}, and an earlier draft uses it up"
        else:
            detail = f"the quota has {posts} left{per}, and earlier drafts use them up"
        return [
            self._blocked(
                candidate,
                BlockedBy.QUOTA_EXHAUSTED,
                detail,
                "wait for the next period, or choose a larger premium plan",
            )
        ]

    def _policy(self, candidate: Candidate) -> list[Diagnostic]:
        return [
            replace(
                self._blocked(
                    candidate,
                    BlockedBy.POLICY,
                    f"{_name(candidate)} breaks {violation.cause}",
                    violation.fix,
                    says_name=True,
                ),
                place=violation.place,
            )
            for violation in self._violations(candidate)
        ]

    def _violations(self, candidate: Candidate) -> list[Diagnostic]:
        """What the policy forbids in a draft, or at its time."""
        policy = self.options.policy
        found = [
            *content_violations(candidate.post, policy),
            *time_violations(candidate.moment, policy, self.scope),
        ]
        if (full := day_violation(candidate.post.id, candidate.moment, self.days, policy, self.scope)) is not None:
            found.append(full)
        return found

    def _quota_note(self) -> list[Diagnostic]:
        feature = self.observed.feature(SCHEDULING)
        if not self.goes or feature is None or feature.remaining is None or not feature.limit:
            return []
        left = feature.remaining - len(self.goes)
        if left > NEARLY_USED_UP * feature.limit:
            return []
        posts = f"{left:,} of {plural(feature.limit, 'scheduled post')}"
        per = f" this {_period(feature)}" if _period(feature) else ""
        return [Diagnostic.note("near-quota", f"after this run, the quota has {posts} left{per}")]

    def _block(self, candidate: Candidate, problem: Diagnostic) -> None:
        self.blocked.append((candidate.rule, problem))

    def _blocked(
        self,
        candidate: Candidate,
        by: BlockedBy,
        detail: str,
        fix: str,
        differences: tuple[Difference, ...] = (),
        *,
        says_name: bool = False,
    ) -> Diagnostic:
        address = self.scope.address(Kind.DRAFT, candidate.post.id)
        return blocked(address, by, detail, fix, _name(candidate), differences, says_name=says_name)


def _period(feature: Feature) -> str:
    """`month`: how long a quota counts; empty if it never starts again."""
    return feature.period.lower() if feature.period and feature.period != "NO_PERIOD" else ""


def _name(candidate: Candidate) -> str:
    """`"Summer launch" (Instagram)`: what people call a draft."""
    return post_name(candidate.activity.title, candidate.post.channel, candidate.post.type)


def why_not_scheduled(observed: ObservedSite, channel: str) -> Diagnostic | None:
    """Why the API does not schedule a draft of a channel, as far as the site shows it."""
    status = observed.channel(channel)
    if status is not ChannelStatus.UNKNOWN and (lost := not_connected(channel, status)) is not None:
        return lost
    feature = observed.feature(SCHEDULING)
    if feature is None or (feature.enabled and feature.remaining != 0):
        return None
    if not feature.enabled:
        return Diagnostic(BlockedBy.FEATURE_MISSING, "the site's premium plan does not include scheduling")
    return Diagnostic(BlockedBy.QUOTA_EXHAUSTED, "no scheduled posts are left in the site's quota")
