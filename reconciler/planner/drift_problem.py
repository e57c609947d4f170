"""What an audit says about an object, in words: the one problem that every format shows."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.text import spoken
from reconciler.model.two_values import both_in_sentence
from reconciler.planner.actions import BlockedBy, InReview
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftState, Finding, without_name
from reconciler.planner.reasons import IN_REVIEW, REASONS, facts_behind

FINDINGS: Final = {
    Finding.DIFFERS: "differs from the file",
    Finding.MISSING: "missing on the site",
    Finding.NOT_LISTED: "not in the file (prune is on)",
    Finding.UNWANTED: "exists, although declared absent in the file",
    Finding.DELETED: "gone since the last apply",
    Finding.INACTIVE: "became INACTIVE; just reading a marketing plan that was idle for weeks can cause that",
    Finding.FAILED: "the last generation failed",
    Finding.GENERATING: "a generation is under way",
    Finding.NOT_IN_FORCE: "saved, but not generated from yet",
    Finding.POSTS_COMING: "posts are being generated",
    Finding.POSTS_CANCELLED: "its posts were cancelled, and a rule asks for new ones",
    Finding.POSTS_CLEARED: "its posts are gone",
    Finding.POSTS_MISSING: "it has no posts yet",
    Finding.SENT_BACK: "a decision has not been carried out yet",
    Finding.NOT_SCHEDULED: "ready to go out, but not scheduled yet",
    Finding.OTHER_TIME: "scheduled for a different time than the rule says",
    Finding.NOT_WANTED: "scheduled, but not covered by any rule",
    Finding.FAILED_POST: "failed to go out",
    Finding.WENT_OUT_UNWANTED: "went out although no longer wanted",
    Finding.CHANNEL_LOST: "will fail",
    Finding.UNAPPROVED: "going out without approval",
    Finding.STILL_GOING_OUT: "goes out although it is no longer wanted",
    Finding.DATE_MOVED: "not moved along with the activity",
    Finding.TAKEN_BACK: "scheduled, but no longer wanted",
    Finding.CANCELLED: "scheduled, then cancelled by somebody",
    Finding.EDITED: "no longer what was approved",
    Finding.MOVED_BY_OTHERS: "moved to a different time by somebody",
    Finding.REVIEW: "waiting for review",
    Finding.BLOCKED: "waiting for a person",
}
"""What is not as the file asks, as a clause, which several posts may share. A test fails for a finding without one."""

_GRAVE: Final = frozenset(
    {
        Finding.FAILED,
        Finding.NOT_WANTED,
        Finding.STILL_GOING_OUT,
        Finding.DATE_MOVED,
        Finding.FAILED_POST,
        Finding.WENT_OUT_UNWANTED,
        Finding.CHANNEL_LOST,
        Finding.UNAPPROVED,
        Finding.EDITED,
        Finding.MOVED_BY_OTHERS,
    }
)
"""Drift that makes the wrong words go out, or none at all."""

_SAYS_MORE: Final = frozenset({Finding.FAILED_POST, Finding.STILL_GOING_OUT, Finding.TAKEN_BACK})
"""Findings that say what is wrong, while the obstacle only says why.

For all others, the obstacle's code is the more specific.
"""

_WHOLE: Final = frozenset(
    {
        BlockedBy.CANCELLED_AFTER_APPROVAL,
        BlockedBy.DRAFT_GONE,
        BlockedBy.EDITED_BY_HAND,
        BlockedBy.FAILED,
        BlockedBy.MOVED_BY_HAND,
        BlockedBy.SCHEDULED_UNAPPROVED,
        BlockedBy.WENT_OUT_UNWANTED,
    }
)
"""Obstacles that already say what the finding says."""

_SAME: Final = (
    (Finding.EDITED, BlockedBy.CHANGED_AFTER_APPROVAL),
    (Finding.CHANNEL_LOST, BlockedBy.CHANNEL_NOT_CONNECTED),
)
"""Findings and their obstacles that say the same."""


def with_problem(item: DriftItem, zone: str) -> DriftItem:
    """The item, with all that is said about it as its problem. As passed in, its problem is only the obstacle, if any.

    A blocked item keeps the problem that the plan gives. `zone` is the site's time zone.
    """
    finding = item.finding
    if finding is None or finding is Finding.BLOCKED:
        return item
    item = replace(item, zone=zone)
    found = _found(item, finding, zone)
    if item.problem is not None:
        obstacle = without_name(item.problem, _name(item))
        code = finding if finding in _SAYS_MORE else obstacle.code
        if finding is Finding.TAKEN_BACK:  # its obstacle says the same
            obstacle = replace(found, fix=obstacle.fix)
        elif obstacle.code not in _WHOLE and (finding, obstacle.code) not in _SAME:
            obstacle = obstacle.while_(found.message)
        found = replace(obstacle, code=code)
    if item.moved is not None:
        found = found.while_(spoken(item.moved))
    found = replace(found, severity=_severity(item), address=item.address)
    return replace(item, problem=found.named(_name(item)))


def _found(item: DriftItem, finding: Finding, zone: str) -> Diagnostic:
    """The finding alone, with its facts."""
    found, because = Diagnostic(finding, FINDINGS[finding]), ""
    if item.reason is not None:
        facts = (REASONS[item.reason], *facts_behind(item.reason, item.details, item.grounds, zone))
        because = f" ({', '.join(facts)})"
        found = Diagnostic(finding, f"{found.message}{because}")
    match finding:
        case Finding.DIFFERS if item.fields:
            sides = ((field, *both_in_sentence(field.live, field.desired)) for field in item.shown_fields)
            each = (
                f"{field.path.removeprefix('settings.')} is {live}, but the file "
                + ("clears it" if field.desired in (None, "") else f"says {desired}")
                for field, live, desired in sides
            )
            return Diagnostic(finding, "; ".join(each))
        case Finding.UNWANTED if item.address.kind is Kind.POSTS:
            return Diagnostic(finding, "has posts, although declared absent in the file")
        case Finding.SENT_BACK if item.details:
            return Diagnostic(finding, f"`{item.details[0]}` has not been carried out yet")
        case Finding.OTHER_TIME:
            *now, planned = item.about
            said = f"scheduled for {now[0]}; the rule says {planned}" if now else f"{found.message}: {planned}"
            return Diagnostic(finding, f"{said}{because}" if now else said, shared=_for_many(item, found))
        case Finding.DATE_MOVED:
            *now, planned = item.about
            times = f": scheduled for {now[0]} instead of {planned}" if now else f"; should be moved to {planned}"
            return Diagnostic(finding, found.message + times, shared=_for_many(item, found))
        case Finding.REVIEW:
            return Diagnostic(finding, IN_REVIEW[InReview(item.about[-1])])
        case Finding.MOVED_BY_OTHERS:
            return Diagnostic(finding, f"{found.message}: {' -> '.join(item.about)}") if item.about else found
        case _ if item.about and not _is_titled(item):
            return Diagnostic(finding, f"{found.message}: {', '.join(item.about)}")
        case _:
            return found


def _for_many(item: DriftItem, found: Diagnostic) -> tuple[str, str] | Absent:
    """What many posts share that a change in git moves: what was found, without the times of each."""
    return (f"{spoken(item.moved)}: {found.message}", "") if item.moved is ChangedSide.GIT else ABSENT


def _name(item: DriftItem) -> str:
    """What people call the object, if its address has only an id."""
    if item.channel:
        return item.post
    if _is_titled(item) and item.about:
        return f'{spoken(Kind.ACTIVITY)} "{", ".join(item.about)}"'
    return item.problem.name if item.problem is not None else ""


def _is_titled(item: DriftItem) -> bool:
    """Whether the only fact behind the finding is the title of an activity."""
    return item.address.kind in (Kind.ACTIVITY, Kind.POSTS)


def _severity(item: DriftItem) -> Severity:
    match item.state:
        case DriftState.CONVERGED | DriftState.PENDING | DriftState.IN_REVIEW:
            return Severity.NOTE
        case DriftState.BLOCKED:
            return Severity.WARNING
        case DriftState.DRIFTED:
            return Severity.ERROR if item.finding in _GRAVE else Severity.WARNING
        case _:
            assert_never(item.state)
