"""The words for what `drift` finds. Plain text; layout.py makes it safe to show."""

from __future__ import annotations

from typing import Final

from reconciler.model.posts import name_of
from reconciler.planner.actions import InReview
from reconciler.planner.drift_report import DriftItem, Finding
from reconciler.reporters.words import IN_REVIEW, REASONS, facts_behind

FINDINGS: Final = {
    Finding.DIFFERS: "differs from the file",
    Finding.MISSING: "missing on the site",
    Finding.NOT_LISTED: "not in the file (prune is on)",
    Finding.UNWANTED: "exists, although the file says absent",
    Finding.DELETED: "gone since the last apply",
    Finding.INACTIVE: "became INACTIVE; just reading a marketing plan that was idle for weeks can cause that",
    Finding.FAILED: "the last generation failed",
    Finding.GENERATING: "a generation is under way",
    Finding.NOT_IN_FORCE: "saved, but not generated from yet",
    Finding.POSTS_COMING: "posts are being generated",
    Finding.POSTS_CLEARED: "its posts are gone",
    Finding.POSTS_MISSING: "it has no posts yet",
    Finding.SENT_BACK: "a decision has not been carried out yet",
    Finding.NOT_SCHEDULED: "ready to go out, but not scheduled yet",
    Finding.OTHER_TIME: "scheduled for a different time than the rule says",
    Finding.NOT_WANTED: "scheduled, but no rule covers it",
    Finding.FAILED_POST: "failed to go out",
    Finding.WENT_OUT_UNWANTED: "went out although it was no longer wanted",
    Finding.CHANNEL_LOST: "will fail",
    Finding.UNAPPROVED: "goes out without approval",
    Finding.STILL_GOING_OUT: "goes out although it is no longer wanted",
    Finding.DATE_MOVED: "its activity was moved, but the post was not",
    Finding.TAKEN_BACK: "scheduled, but the next apply cancels it",
    Finding.CANCELLED: "was scheduled, but somebody cancelled it",
    Finding.EDITED: "its content is no longer what was approved",
    Finding.MOVED_BY_OTHERS: "somebody moved it to a different time",
    Finding.REVIEW: "waiting for review",
    Finding.BLOCKED: "waiting for a person",
}
"""What is not as the file asks, as a clause. A test fails for a finding without one."""


def finding(item: DriftItem, *, named: bool = False) -> str:
    """`its posts are gone: Summer sale`: the finding, which the item must have, with its reason and what it is about.

    `named`: the object has already been named.
    """
    assert item.finding is not None
    said, about = FINDINGS[item.finding], item.about
    if item.reason is not None:
        facts = facts_behind(item.reason, item.details, item.grounds, item.zone)
        said += f" ({', '.join((REASONS[item.reason], *facts))})"
    if item.finding is Finding.REVIEW:
        about = (IN_REVIEW[InReview(about[-1])],)
    elif item.finding is Finding.MOVED_BY_OTHERS:
        about = (" -> ".join(about),)
    elif item.finding in (Finding.OTHER_TIME, Finding.DATE_MOVED):
        *now, planned = about
        about = (*(f"it goes out {at}" for at in now), f"{'and' if now else 'it'} should go out {planned}")
    if not named:
        called = name_of(item) if item.channel else item.title
        about = (*(part for part in (called, item.name) if part), *about)
    if item.problem is not None and item.finding is not Finding.TAKEN_BACK:  # its problem says the same as the finding
        about = (*about, item.problem.cause)
    if item.finding is Finding.FAILED_POST and item.problem is not None:  # so does its problem here
        return ", ".join(about)
    return f"{said}: {', '.join(about)}" if about else said
