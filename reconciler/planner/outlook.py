"""What people should know about posts that go out, or did not: missed approvals, and warnings about single posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.approvals import (
    ActivityApproval,
    ActivityDecision,
    Approvals,
    ApprovalState,
    ApprovalStatus,
    DraftApproval,
    DraftDecision,
)
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import if_approved, moment_text
from reconciler.model.plurals import plural, some_of
from reconciler.model.policy import Policy
from reconciler.model.posts import Post, PostId, PostStatus, channel_name, post_name, shown_account
from reconciler.model.schedule import CancelPost, DesiredSchedule, Pause, ReschedulePost, ScheduleRule
from reconciler.model.sites import ObservedSite, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import Action, Reason
from reconciler.planner.approval_checks import does_not_count, objection
from reconciler.planner.candidates import (
    SUPPORTED_CHANNELS,
    Candidate,
    ScheduleRuleIndex,
    moment_of,
    posts_in_order,
    why_left_out,
)
from reconciler.planner.channel_rules import Outgoing, content_warnings, warnings_between
from reconciler.planner.eligibility import MOST_NAMES, times_scheduled
from reconciler.planner.matching import covers
from reconciler.planner.options import Scope, zone_of_posts
from reconciler.planner.used_approvals import scheduled_by_us
from reconciler.planner.wanted_posts import account_of

GOES_OUT_WHILE_PAUSED: Final = "goes-out-while-paused"
"""The code of the note about scheduled posts that a pause does not stop."""

UNKNOWN_CHANNEL: Final = "unknown-channel"
"""The code of the note that drafts are left alone because this version does not know where they would go out."""

OBSTACLE_IN_FILE: Final = "obstacle-in-file"
OTHER_TIME_IN_FILE: Final = "other-time-in-file"
SAY_WHAT_GOES_OUT: Final = frozenset({OBSTACLE_IN_FILE, OTHER_TIME_IN_FILE})
"""The notes that posts go out although the approvals file shows something else. A refused site schedules none."""
"""The codes of the notes that a post goes out although its approvals file shows an obstacle, or another time."""

APPROVED_NOT_SELECTED: Final = "approved-not-selected"
"""The code of the note about approved drafts that no rule selects."""


class MissedApproval(Struct, frozen=True):
    """A draft that was approved but did not go out in time. `exact` says whether `moment` is certain.

    `status` is what the file says about the draft as it is on the site.
    """

    draft: DraftApproval
    activity: ActivityApproval
    moment: datetime
    exact: bool
    status: ApprovalStatus = ApprovalStatus(ApprovalState.APPROVED)

    @property
    def is_changed(self) -> bool:
        """Whether it is no longer what was approved: `review` sets it back to pending."""
        return self.status.state in (ApprovalState.CHANGED, ApprovalState.EDITED)


def missed_approvals(
    schedule: DesiredSchedule | None,
    approvals: Approvals,
    activities: Iterable[Activity],
    recorded: RecordedSite,
    scope: Scope,
) -> tuple[MissedApproval, ...]:
    """Approved drafts that this tool has not scheduled since and whose time has passed."""
    if schedule is None or not schedule.approval_required:
        return ()
    live = {post.id: (activity, post) for activity in activities for post in activity.posts}
    used = {post.id: post.times for post in recorded.published}
    index = ScheduleRuleIndex(schedule.rules)
    missed: list[MissedApproval] = []
    for approval in approvals.activities:
        if approval.decision is not ActivityDecision.KEEP:
            continue
        for draft in approval.drafts:
            if draft.decision is not DraftDecision.APPROVE or used.get(draft.id, 0) > draft.cancelled:
                continue
            found = live.get(draft.id)
            if found is not None and found[1].status is not PostStatus.DRAFT:
                continue
            activity = found[0] if found else Activity(approval.id, approval.title, "", approval.date)
            moment, exact = due(draft.id, draft.channel, draft.type, activity, index, scope)
            if moment <= scope.now:
                as_it_is = (approvals.verdict(found[1], activity.date),) if found else ()
                missed.append(MissedApproval(draft, approval, moment, exact, *as_it_is))
    return tuple(missed)


def due(
    id: PostId, channel: str, type: str, activity: Activity, index: ScheduleRuleIndex, scope: Scope
) -> tuple[datetime, bool]:
    """When a draft goes out by the rule that covers it, or would have, and whether that is certain."""
    rule = index.rule_for(activity, Post(id, channel, type, PostStatus.SCHEDULED), scope)
    at = None if rule is None else moment_of(index.rules[rule].at, activity, scope)
    return (activity.date, False) if at is None else (at, True)


def warnings_of(
    candidates: Iterable[Candidate], scope: Scope, going: Collection[PostId] = ()
) -> dict[PostId, tuple[Diagnostic, ...]]:
    """Warnings about posts that go out, or would once they are approved, each as a clause.

    Posts in `going`, which a plan publishes, go out when their rule says, whatever time they are scheduled for now.
    """
    posts = tuple(candidates)
    outgoing = [
        Outgoing(
            post_name(candidate.activity.title, candidate.post.channel, candidate.post.type),
            candidate.post,
            candidate.moment if candidate.post.id in going else candidate.post.scheduled_for or candidate.moment,
            candidate.activity.id,
            candidate.at is not None or (candidate.post.id not in going and candidate.post.scheduled_for is not None),
        )
        for candidate in posts
    ]
    found = {candidate.post.id: list(content_warnings(candidate.post)) for candidate in posts}
    for each, warning in warnings_between(outgoing, scope.zone_name):
        found[each.post.id].append(warning)
    return {post: tuple(warnings) for post, warnings in found.items() if warnings}


def missed_notes(
    missed: Iterable[MissedApproval], live: Collection[PostId], file: str, scope: Scope
) -> Iterator[Diagnostic]:
    """A line for each approval that came too late, except for `live` posts, about which the plan says more."""
    for found in missed:
        if found.draft.id not in live:
            name = post_name(found.activity.title, found.draft.channel, found.draft.type)
            due = moment_text(found.moment, scope.zone_name, exact=found.exact)
            changed = objection(found.status, file, scope.zone_name)
            if changed is not None and found.is_changed:
                yield does_not_count(name, changed)
                continue
            what = f"{name} was approved but missed its time: it was due {due}"
            yield Diagnostic.note("approval-missed", what, f"write `pending` for it in {file}, and review removes it")


def zone_notes(
    actions: Iterable[Action],
    blocked: Iterable[Diagnostic],
    observed: ObservedSite,
    recorded: RecordedSite,
    scope: Scope,
) -> tuple[Diagnostic, ...]:
    """Says if the site's time zone has changed since posts that are now moved, cancelled or blocked were scheduled.

    Also says if the zone in which posts were scheduled stands in for it.
    """
    if zone_of_posts(observed, recorded) is not None:
        return (
            Diagnostic.note(
                "no-time-zone",
                f"the site's time zone cannot be read; the zone of its scheduled posts is used: {scope.zone_name}",
                "set it in the dashboard, or let the key read site properties",
            ),
        )
    reported = {problem.about.key for problem in blocked}
    posts = {
        action.operation.post
        for action in actions
        if isinstance(action.operation, ReschedulePost)
        or (isinstance(action.operation, CancelPost) and action.reason is Reason.FORBIDDEN)
    }
    before: dict[str, set[PostId]] = {}
    for post, published in recorded.published_by_id.items():
        last = max(published, key=lambda each: each.done_at)
        if last.zone != scope.zone_name and (post in posts or post in reported):
            before.setdefault(last.zone, set()).add(post)
    return tuple(
        Diagnostic.note(
            "time-zone-changed",
            f"the site's time zone is {scope.zone_name} now and was {zone} when "
            f"{'1 of its posts was' if len(found) == 1 else f'{len(found):,} of its posts were'} scheduled; "
            "`at`, quiet hours and blackout dates are read in the site's time zone",
        )
        for zone, found in sorted(before.items())
    )


def unknown_channel_notes(
    rules: tuple[ScheduleRule, ...], activities: Iterable[Activity], scope: Scope
) -> Iterator[Diagnostic]:
    """A line about the drafts that a rule without `channels` would take if this version knew their channel."""
    unknown = [
        (activity, post)
        for activity in activities
        for post in activity.posts
        if post.channel not in SUPPORTED_CHANNELS and post.status is PostStatus.DRAFT and activity.date > scope.now
    ]
    index = ScheduleRuleIndex(rules)
    found = Counter(
        printable(channel_name(post.channel)) or "no channel"
        for activity, post in unknown
        if index.rule_for(activity, post, scope) is None
        and any(
            not rule.channels and (not rule.types or post.type in rule.types) and covers(rule.match, activity, scope)
            for rule in rules
        )
    )
    if found:
        counts = ", ".join(f"{plural(number, 'draft')} on {name}" for name, number in sorted(found.items()))
        are = "is" if found.total() == 1 else "are"
        which, them, their = ("this channel", "it", "its") if len(found) == 1 else ("these channels", "them", "their")
        what = f"{counts} {are} left alone: this version does not know {which}"
        fix = f"to include {their} drafts, list {them} in `channels` of a schedule rule"
        yield Diagnostic.note(UNKNOWN_CHANNEL, what, fix)


def paused_notes(
    desired: DesiredSchedule,
    activities: Iterable[Activity],
    stopped: Collection[PostId],
    moved: Mapping[PostId, datetime],
    approvals: Approvals,
    recorded: RecordedSite,
    policy: Policy,
    scope: Scope,
) -> Iterator[Diagnostic]:
    """A line about scheduled posts that go out although publishing is paused. `stopped` ones are shown elsewhere.

    `moved` has the new times of those that their rules move.
    """
    if desired.paused.with_other(policy.paused) is not Pause.HOLD:
        return
    found = sorted(
        (post.scheduled_for, post_name(activity.title, post.channel, post.type), post.id, post)
        for activity, post in posts_in_order(activities)
        if post.status is PostStatus.SCHEDULED and post.id not in stopped
        if post.scheduled_for is not None and post.scheduled_for > scope.now
    )
    if not found:
        return
    named = []
    for moment, name, id, post in found:
        account = account_of(post, approvals, recorded)
        where = f" on {shown_account(account)}" if account else ""
        then = f" (its rule moves it to {moment_text(moved[id], scope.zone_name)})" if id in moved else ""
        named.append(f"{name} {moment_text(moment, scope.zone_name)}{where}{then}")
    what = f"publishing is paused, but {plural(len(found), 'already scheduled post')} will go out"
    in_file, ours = "in `schedule` of the site file", scheduled_by_us(recorded)
    place = in_file if desired.paused is Pause.HOLD else f"in {policy.place_of('paused')}"
    too = "" if desired.cancel_others or all(id in ours for *_, id, _ in found) else f", and `manage: all` {in_file}"
    fix = f"to cancel {'it' if len(found) == 1 else 'them'}, write `paused: cancel` {place}{too}"
    note = Diagnostic.note(GOES_OUT_WHILE_PAUSED, f"{what}: {some_of(named, MOST_NAMES)}", fix)
    yield replace(note, shared=(what, fix))


def file_notes(approvals: Approvals) -> Iterator[Diagnostic]:
    """Warnings about the approvals file itself."""
    if approvals.written_for:
        what = f"{approvals.file} was written for {approvals.written_for}; its decisions count for this site"
        yield Diagnostic.note("approvals-of-old-name", what, "review corrects the name in it")


def not_selected_notes(
    rules: tuple[ScheduleRule, ...],
    approvals: Approvals,
    activities: Iterable[Activity],
    chosen: Collection[PostId],
    recorded: RecordedSite,
    scope: Scope,
) -> Iterator[Diagnostic]:
    """A line about the approved drafts that the rules leave out. `chosen` drafts are those that the rules select."""
    index = ScheduleRuleIndex(rules)
    names: dict[str, list[str]] = {}
    kept = (activity for activity in activities if _is_kept(approvals.activity(activity.id)))
    for activity, post in posts_in_order(kept):
        if post.status is not PostStatus.DRAFT or post.id in chosen or activity.date <= scope.now:
            continue
        if recorded.is_known and approvals.approves(post, activity.date, times=times_scheduled(recorded, post)):
            why = why_left_out(activity, post, index, scope).message
            names.setdefault(why, []).append(post_name(activity.title, post.channel, post.type))
    for why, found in names.items():
        what = f"{plural(len(found), 'approved draft')} will not go out, because {why}"
        them = "it" if len(found) == 1 else "them"
        fix = f"change `schedule.rules`, or write `pending` for {them} in"
        named = f"{what}: {some_of(found, MOST_NAMES)}"
        note = Diagnostic.note(APPROVED_NOT_SELECTED, named, f"{fix} {approvals.file}")
        yield replace(note, shared=(what, f"{fix} the approvals file"))


def _is_kept(approval: ActivityApproval | None) -> bool:
    return approval is not None and approval.decision is ActivityDecision.KEEP


def other_moment_notes(
    candidates: Iterable[Candidate], going: Collection[PostId], approvals: Approvals, scope: Scope
) -> Iterator[Diagnostic]:
    """A line for each post that goes out although the file shows another time or an obstacle for it."""
    for candidate in candidates:
        draft = approvals.draft(candidate.post.id)
        if candidate.post.id not in going or draft is None or draft.decision is not DraftDecision.APPROVE:
            continue
        goes_out = moment_text(candidate.moment, scope.zone_name, exact=candidate.at is not None)
        name = post_name(candidate.activity.title, candidate.post.channel, candidate.post.type)
        address = scope.address(Kind.DRAFT, candidate.post.id)
        if draft.blocked:
            what = (
                f"{name} goes out; {approvals.file} still shows `blocked` ({printable(draft.blocked[0])}), but "
                "that line has no effect; to hold the post back, write `pending`"
            )
            yield replace(Diagnostic.note(OBSTACLE_IN_FILE, what), address=address)
        scheduled_for = candidate.post.scheduled_for
        moves = scheduled_for is not None and scheduled_for != candidate.moment  # its line says from when to when
        if draft.goes_out and not moves and if_approved(draft.goes_out) != goes_out:
            what = (
                f"{name} goes out {goes_out}; {approvals.file} still shows {printable(draft.goes_out)}, but that "
                "line has no effect: the time comes from the rule, or from the activity"
            )
            yield replace(Diagnostic.note(OTHER_TIME_IN_FILE, what), address=address)


def warning_notes(candidates: Iterable[Candidate], going: Collection[PostId], scope: Scope) -> Iterator[Diagnostic]:
    """A line for each warning about a post that this plan publishes."""
    found = tuple(candidates)
    warnings = warnings_of(found, scope, going)
    for candidate in found:
        name = post_name(candidate.activity.title, candidate.post.channel, candidate.post.type)
        if candidate.post.id in going:
            for warning in warnings.get(candidate.post.id, ()):
                address = scope.address(Kind.DRAFT, candidate.post.id)
                yield replace(warning, message=f"{name}: {warning.message}", address=address)
