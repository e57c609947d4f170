"""Makes the review of a site: which drafts would go out, when, their status, and what blocks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import (
    ActivityApproval,
    ActivityDecision,
    Approvals,
    ApprovalState,
    ApprovalStatus,
    DraftApproval,
    DraftDecision,
)
from reconciler.model.content import approval_digest, counted
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.marketing_plan import PlanStatus, When
from reconciler.model.posts import GONE_OUT, ActivityId, Post, PostId, PostStatus, Unrecognised, account_name
from reconciler.model.schedule import ReschedulePost
from reconciler.model.sites import DesiredSite, Expect, ObservedSite, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, ReasonFact, RefusedBy
from reconciler.planner.activities import plan_activities
from reconciler.planner.aftermath import out_unrecorded
from reconciler.planner.candidates import NOT_SELECTED, Candidate, ScheduleRuleIndex, select_drafts, why_left_out
from reconciler.planner.channel_rules import GOES_OUT_ANYWAY
from reconciler.planner.decisions import (
    came_to_nothing,
    came_too_late,
    drafts_to_list,
    is_carried_out,
    is_out_of_date,
    names_others,
    settles_failures,
)
from reconciler.planner.eligibility import changed_since, times_scheduled
from reconciler.planner.live_posts import GONE
from reconciler.planner.matching import in_order
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.outlook import due, missed_approvals, warnings_of
from reconciler.planner.planner import make_plan
from reconciler.planner.review import (
    SITE_REFUSED,
    TO_BE_DISCARDED,
    TO_DECIDE,
    Review,
    ReviewedActivity,
    ReviewedPost,
    ReviewStatus,
)
from reconciler.planner.unstopped import until_applied
from reconciler.planner.used_approvals import times_known, was_scheduled

NOTHING_TO_REVIEW: Final = "nothing-to-review"

NO_SCHEDULE: Final = Diagnostic.note(NOTHING_TO_REVIEW, "no schedule in the site file, so there is nothing to review")


def not_reviewable(desired: DesiredSite, observed: ObservedSite) -> Diagnostic | None:
    """Why a site cannot be reviewed now; None if it can."""
    if desired.schedule is None:
        return NO_SCHEDULE
    fix = "run apply first"
    match observed.marketing_plan.status if observed.marketing_plan else None:
        case PlanStatus.ACTIVE:
            return None
        case PlanStatus.GENERATING:
            what = "the marketing plan is being generated"
            return Diagnostic.note(NOTHING_TO_REVIEW, what, "run review when that is done")
        case PlanStatus.FAILED:
            what = "the last generation of the marketing plan failed"
        case PlanStatus.INACTIVE:
            what = "the marketing plan is inactive"
        case Unrecognised() as status:
            what = f"the status of the marketing plan is {status}, which this version does not know"
            fix = "look at it in the dashboard, and run review again when it is ready"
        case PlanStatus.NEVER_CREATED | None:
            what = "there is no marketing plan yet"
        case never:
            assert_never(never)
    if desired.marketing_plan is None or not desired.marketing_plan.present:
        what, fix = f"{what}, and the file does not ask for a marketing plan", ""
    return Diagnostic.note(NOTHING_TO_REVIEW, what, fix)


def with_account_names(observed: ObservedSite) -> ObservedSite:
    """The site, with the names of the accounts that its posts appear on, as far as they were read."""
    live = observed.marketing_plan
    names = {(account.channel, account.id): account.name for account in observed.accounts if account.name}
    if live is None or not names:
        return observed
    activities = tuple(
        replace(
            activity,
            posts=tuple(
                replace(post, account_name=names.get((post.channel, post.account_id or ""))) for post in activity.posts
            ),
        )
        for activity in live.activities
    )
    return replace(observed, marketing_plan=replace(live, activities=activities))


def review_of(
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    plan: Plan,
    options: PlanOptions,
    if_approved: Plan | None = None,
) -> Review:
    """The review of a site that can be reviewed. `plan` is the plan for it.

    `if_approved`, which `plan_if_approved` makes if it is None, says what blocks a draft.
    """
    assert desired.schedule is not None
    assert observed.marketing_plan is not None
    scope = scope_of(observed, recorded, options)
    part = plan_activities(
        desired.activities, observed.marketing_plan.activities, observed.past_activities, recorded, scope
    )
    deleted = tuple(_approved_among_deleted(desired, observed, part.projected))
    choice = select_drafts(desired.schedule.rules, part.projected, recorded, options.policy, scope)
    going_out = until_applied(plan)
    failures = tuple(problem for problem in plan.blocked if problem.code == BlockedBy.FAILED)
    hypothetical = if_approved or plan_if_approved(desired, observed, recorded, options)
    discarded = frozenset() if plan.refusals else frozenset(draft.post for draft in plan.discarded)
    keeps = bool(discarded) and _refuses_discards(
        plan_if_approved(desired, observed, recorded, options, regenerate=True)
    )
    reviewing = _ReviewBuilder(
        desired,
        recorded,
        options,
        scope,
        {candidate.post.id: candidate for candidate in (*choice.wanted, *choice.scheduled)},
        drafts_to_list(choice),
        frozenset(candidate.post.id for candidate in choice.lost),
        _blocked_drafts(hypothetical, failures),
        frozenset(draft.post for draft in plan.to_review)
        | {PostId(found.about.key) for found in plan.blocked if found.code == BlockedBy.EDITED_BY_HAND}
        | {PostId(action.address.key) for action in plan.actions if ReasonFact.KEPT_IF_APPROVED in action.details},
        discarded,
        frozenset(found.post for found in going_out),
        warnings_of((*choice.wanted, *choice.scheduled), scope),
        ScheduleRuleIndex(desired.schedule.rules),
        {} if plan.refusals else _moves(plan),
        _moves(hypothetical),
        _refuses_discards(plan),
        keeps,
        frozenset(activity.id for activity in deleted),
    )
    live = in_order((*part.projected, *deleted))
    missed = (
        found
        for found in missed_approvals(desired.schedule, desired.approvals, part.projected, recorded, scope)
        if not found.is_changed
    )
    return Review(
        scope.site,
        scope.zone_name,
        tuple(reviewing.activity(found) for found in live),
        tuple(missed),
        gone=tuple(problem for problem in plan.blocked if problem.code == BlockedBy.DRAFT_GONE),
        failures=failures,
        going_out=going_out,
        unrecorded=out_unrecorded(observed, recorded),
    )


def plan_if_approved(
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    options: PlanOptions,
    *,
    regenerate: bool = False,
) -> Plan:
    """The plan if every draft were approved: what blocks a draft there blocks it whatever people decide.

    A review shows no refusals, so what blocks a draft must not be left to an expectation of the file, nor to a
    regeneration that is refused. With `regenerate`, the plan says whether it is refused then.
    """
    assert observed.marketing_plan is not None
    activities = plan_activities(
        desired.activities,
        observed.marketing_plan.activities,
        observed.past_activities,
        recorded,
        scope_of(observed, recorded, options),
    ).projected
    approved = Approvals(
        tuple(
            ActivityApproval(
                activity.id,
                activity.title,
                activity.date,
                drafts=tuple(
                    DraftApproval(
                        post.id,
                        post.content,
                        counted(approval_digest(post.id, post.content, activity.date), times),
                        DraftDecision.APPROVE,
                        times,
                    )
                    for post in activity.posts
                    for times in (times_scheduled(recorded, post),)
                ),
            )
            for activity in activities
        ),
        desired.approvals.file,
    )
    wanted = desired.marketing_plan
    if wanted is not None and not regenerate:
        wanted = replace(wanted, when=When.NEVER)
    desired = replace(desired, approvals=approved, expect=Expect(), marketing_plan=wanted)
    return make_plan(desired, observed, replace(recorded, known=True), options)


def _approved_among_deleted(
    desired: DesiredSite, observed: ObservedSite, projected: Iterable[Activity]
) -> Iterator[Activity]:
    """The activities that are to be deleted and have approved drafts: without these, nothing would protect them."""
    assert observed.marketing_plan is not None
    kept = {activity.id for activity in projected}
    approvals = {activity.id: activity.drafts for activity in desired.approvals.activities}
    for activity in observed.marketing_plan.activities:
        drafts = approvals.get(activity.id, ()) if activity.id not in kept else ()
        if any(draft.decision is DraftDecision.APPROVE for draft in drafts):
            yield activity


def _blocked_drafts(plan: Plan, failures: tuple[Diagnostic, ...]) -> dict[str, list[Diagnostic]]:
    """What blocks each draft of a plan, by its id. Of failed posts, only `failures` have not been dealt with."""
    blocked: dict[str, list[Diagnostic]] = {}
    failed = {problem.address for problem in failures}
    for problem in plan.blocked:
        if problem.about.kind is Kind.DRAFT and (problem.code != BlockedBy.FAILED or problem.address in failed):
            blocked.setdefault(problem.about.key, []).append(problem)
    return blocked


def _refuses_discards(plan: Plan) -> bool:
    return any(refusal.code == RefusedBy.DISCARD for refusal in plan.refusals)


def _moves(plan: Plan) -> dict[PostId, datetime]:
    """The posts that a plan moves to another time, and to which."""
    operations = (action.operation for action in plan.actions)
    return {operation.post: operation.at for operation in operations if isinstance(operation, ReschedulePost)}


class _ReviewBuilder(Struct, frozen=True):
    """Reviews the activities and posts of a site, one at a time."""

    desired: DesiredSite
    recorded: RecordedSite
    options: PlanOptions
    scope: Scope
    candidates: dict[PostId, Candidate]
    wanted: frozenset[PostId]
    lost: frozenset[PostId]
    blocked: dict[str, list[Diagnostic]]
    asked: frozenset[PostId]
    discarded: frozenset[PostId]
    going_out: frozenset[PostId]
    warnings: dict[PostId, tuple[Diagnostic, ...]]
    rules: ScheduleRuleIndex
    moves: dict[PostId, datetime]
    moves_if_approved: dict[PostId, datetime]
    refused: bool
    """Whether the plan is refused because of what it discards."""
    keeps: bool
    """Whether a plan that discards drafts is refused once these are approved."""
    deleted: frozenset[ActivityId]
    """The activities that are to be deleted."""

    def activity(self, activity: Activity) -> ReviewedActivity:
        approval = self.desired.approvals.activity(activity.id)
        done = approval is not None and is_carried_out(approval, activity, self.recorded)
        stale = (
            approval is not None
            and not done
            and is_out_of_date(approval, activity, self.desired.approvals, self.wanted, self.recorded)
        )
        decision = ActivityDecision.KEEP if approval is None or done or stale else approval.decision
        others = approval is not None and names_others(approval)
        over = approval if done and not others else None
        discarded = over is not None and over.decision is ActivityDecision.DISCARD
        settles = over is not None and settles_failures(over, activity)
        sent_back = over is not None and over.decision is not ActivityDecision.KEEP
        lapsed = approval is not None and (
            stale
            or others
            or came_to_nothing(approval, activity, self.recorded)
            or came_too_late(approval, activity, self.recorded)
        )
        return ReviewedActivity(
            activity,
            decision,
            done and not settles,
            tuple(
                self._post(
                    post,
                    activity,
                    decision,
                    to_ask_again=stale or (sent_back and post.status is PostStatus.CANCELED),
                )
                for post in self._posts(activity, cancelled=not discarded)
            ),
            approval.decision if approval is not None and lapsed else None,
        )

    def _posts(self, activity: Activity, *, cancelled: bool) -> list[Post]:
        """The posts of an activity, with `cancelled` also cancelled ones that have an entry in the file."""
        reviewed = self.desired.approvals
        found = [
            post
            for post in activity.posts
            if post.status not in GONE
            or (cancelled and post.status is PostStatus.CANCELED and reviewed.draft(post.id) is not None)
        ]
        return sorted(found, key=lambda post: (post.channel, post.type, post.id))

    def _post(self, post: Post, activity: Activity, decision: ActivityDecision, *, to_ask_again: bool) -> ReviewedPost:
        """With `to_ask_again`, an approval is withdrawn: the latest decision was against the whole activity."""
        candidate = self.candidates.get(post.id)
        known = self.desired.approvals.draft(post.id)
        times = times_scheduled(self.recorded, post) if post.status is PostStatus.DRAFT else None
        if post.scheduled_for is not None:
            moment, exact = post.scheduled_for, True
        elif candidate is not None:
            moment, exact = candidate.moment, candidate.at is not None
        else:
            moment, exact = due(post.id, post.channel, post.type, activity, self.rules, self.scope)
        # A scheduled post is asked about only if it was before, or if the plan cannot move it without an approval.
        wanted = (
            known is not None
            or post.id in self.asked
            or (candidate is not None and post.status in (PostStatus.DRAFT, PostStatus.CANCELED))
        )
        # An approval of a scheduled post schedules nothing more, so whether the state knows the site does not matter.
        known_site = self.recorded.is_known or post.status is PostStatus.SCHEDULED
        verdict = self.desired.approvals.verdict(
            post, activity.date, title=activity.title, times=times, known=known_site
        )
        cancellations = self._cancellations(post, times) if times else 0
        status = self._status(post, verdict, times or 0, cancellations)
        if status is ReviewStatus.APPROVED and moment <= self.scope.now:
            status = ReviewStatus.MISSED
        anyway = post.status is PostStatus.SCHEDULED and status in TO_DECIDE and post.id not in self.going_out
        kept = decision is ActivityDecision.KEEP
        asked = kept and status in TO_DECIDE
        then = (self.moves_if_approved if asked else self.moves).get(post.id, moment)
        warnings = self.warnings.get(post.id, ())
        return ReviewedPost(
            self._with_name_in_file(post),
            status,
            then,
            exact,
            wanted,
            times,
            cancellations,
            tuple(self._problems(post, activity, status, kept=kept, anyway=anyway)) if wanted else (),
            verdict.differences,
            to_ask_again or verdict.state is ApprovalState.UNPROVEN,
            (GOES_OUT_ANYWAY, *warnings) if anyway else warnings,
            moment if then != moment else None,
        )

    def _cancellations(self, post: Post, times: int) -> int:
        """How many of the times that an approval of a draft was used are known to have ended in a cancellation."""
        if not was_scheduled(self.recorded, post.id):
            return 0
        scheduled, same = self.recorded.published_by_id.get(post.id, ()), (post.digest, post.earlier_digest)
        return max((times_known(self.recorded, found) for found in scheduled if found.digest in same), default=times)

    def _problems(
        self, post: Post, activity: Activity, status: ReviewStatus, *, kept: bool, anyway: bool
    ) -> Iterator[Diagnostic]:
        """What blocks a post even if it is approved. Unless `kept`, a decision already says that it is discarded.

        `anyway`: it is scheduled, waits for a decision, and nothing cancels it.
        """
        may_be_selected = anyway or post.status is PostStatus.DRAFT
        if kept and post.id in self.discarded:
            address = Address(self.scope.site, Kind.DRAFT, post.id)
            then = "; if it is approved, apply refuses the whole site instead" if self.keeps else ", approved or not"
            what, fix = f"the next apply discards it{then}", "run plan, which shows why"
            yield Diagnostic(TO_BE_DISCARDED, what, fix, Severity.WARNING, address=address)
        elif kept and activity.id in self.deleted:
            address = Address(self.scope.site, Kind.DRAFT, post.id)
            what, fix = (
                "its activity is declared absent in the site file",
                "take that out of the site file to keep the draft",
            )
            yield Diagnostic(NOT_SELECTED, what, fix, Severity.WARNING, address=address)
        elif kept and may_be_selected and post.id not in self.candidates and post.id not in self.lost:
            yield why_left_out(activity, post, self.rules, self.scope)
        if kept and self.refused and status is ReviewStatus.APPROVED:
            address = Address(self.scope.site, Kind.DRAFT, post.id)
            what, fix = "apply refuses the site, so as not to discard drafts", "run plan, which shows what to do"
            yield Diagnostic(SITE_REFUSED, what, fix, Severity.WARNING, address=address)
        yield from self.blocked.get(post.id, ())

    def _with_name_in_file(self, post: Post) -> Post:
        """The post under the account name that was approved, if no other name has been read since.

        An approval stays valid if the name cannot be read, or is read for the first time.
        """
        draft, activity = self.desired.approvals.draft(post.id), self.desired.approvals.activity_of(post.id)
        if draft is None or activity is None or not draft.is_as_written(activity.date):
            return post
        name, undecided = account_name(draft.account), draft.decision is DraftDecision.PENDING
        if draft.content.account != post.content.account or (post.account_name and (name or undecided)):
            return post
        return replace(post, account_name=name or None)

    def _status(self, post: Post, verdict: ApprovalStatus, times: int, cancellations: int) -> ReviewStatus:
        if post.status in GONE_OUT:
            return ReviewStatus.OUT
        if post.status is PostStatus.FAILED:
            return ReviewStatus.FAILED
        if post.status is PostStatus.CANCELED:
            return ReviewStatus.CANCELLED
        match verdict.state:
            case ApprovalState.CHANGED:
                return ReviewStatus.CHANGED
            case ApprovalState.EDITED:
                return ReviewStatus.EDITED
            case ApprovalState.UNPROVEN | ApprovalState.OVERCOUNTED:
                return ReviewStatus.WITHHELD
            case ApprovalState.USED_UP:
                return ReviewStatus.CANCELLED if cancellations else ReviewStatus.WITHHELD
            case ApprovalState.APPROVED:
                return ReviewStatus.SCHEDULED if post.status is PostStatus.SCHEDULED else ReviewStatus.APPROVED
            case ApprovalState.PENDING | ApprovalState.NOT_REVIEWED:
                pass
            case _:
                assert_never(verdict.state)
        if post.status is PostStatus.SCHEDULED:
            required = self.desired.schedule is not None and self.desired.schedule.approval_required
            if required and changed_since(self.recorded, post):
                return ReviewStatus.CHANGED
            return ReviewStatus.PENDING if required or post.id in self.asked else ReviewStatus.SCHEDULED
        if times:
            return ReviewStatus.CANCELLED if cancellations else ReviewStatus.WITHHELD
        return ReviewStatus.PENDING
