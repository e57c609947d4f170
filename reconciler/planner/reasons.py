"""The words for reasons, the facts behind them, and review statuses. Reporters and problems share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.model.canonical import Absent
from reconciler.planner.actions import Grounds, InReview, Reason, ReasonFact
from reconciler.planner.approval_checks import difference_values, difference_words

REASONS: Final[Mapping[Reason, str]] = {
    Reason.DIFFERS: "the site differs from the file",
    Reason.DECLARED: "declared in the file, but not on the site yet",
    Reason.NOT_LISTED: "not in the file (prune is on)",
    Reason.NO_MARKETING_PLAN: "none exists yet",
    Reason.MARKETING_PLAN_GONE: "somebody deleted the last one on the site",
    Reason.GENERATION_FAILED: "the last generation failed",
    Reason.INACTIVE: "it became inactive",
    Reason.INPUTS_CHANGED: "its inputs changed",
    Reason.ASKED_FOR: "requested with --regenerate",
    Reason.UNDER_WAY: "a generation is under way",
    Reason.UNCONFIRMED: "a generation was requested, and it is not known whether it began",
    Reason.ABSENT_WANTED: "declared absent in the file",
    Reason.RULE: "a rule in the file matches it",
    Reason.NEVER_GENERATED_FROM: "settings saved earlier have not been generated from yet",
    Reason.SENT_BACK: "sent back in review",
    Reason.APPROVED: "approved in review",
    Reason.NO_APPROVAL_NEEDED: "the file says approval: none",
    Reason.OTHER_TIME: "the rule asks for a different time",
    Reason.NOT_WANTED: "not covered by any rule, and the file says manage: all",
    Reason.WITHDRAWN: "the approval was withdrawn",
    Reason.CHANGED: "no longer what was approved",
    Reason.EDITED: "the entry in the approvals file was edited",
    Reason.NEVER_APPROVED: "not approved by anybody, and the file says manage: all",
    Reason.APPROVAL_NEEDED: "not approved by anybody, and the file no longer says approval: none",
    Reason.REPLACED: "the content is about to be replaced",
    Reason.ACTIVITY_GONE: "the activity is gone",
    Reason.DATE_MOVED: "the date of the activity changed",
    Reason.FORBIDDEN: "now forbidden by a policy",
    Reason.PAUSED: "publishing is paused",
}
"""A test fails for a reason that has no words here."""

FACTS: Final[Mapping[str, str]] = {
    ReasonFact.NO_APPROVALS_FILE: "there is no approvals file",
    ReasonFact.NOT_APPROVED_NOW: "nobody has approved it as it is now",
    ReasonFact.KEPT_IF_APPROVED: "to keep it, run review and approve it",
}
"""A test fails for a fact that has no words here."""


def facts_behind(reason: Reason, details: Iterable[str], grounds: Grounds | Absent, zone: str) -> tuple[str, ...]:
    """The facts behind a reason; times are in the time zone `zone`."""
    found: tuple[str, ...] = ()
    if not isinstance(grounds, Absent):
        differing = grounds.differences
        if reason is Reason.DATE_MOVED:
            found = tuple(difference_values(difference, zone) for difference in differing)
        elif differing:
            sides = "in the file -> on the site: " if reason is Reason.EDITED else ""  # the reverse of the edit
            found = (sides + difference_words(differing, zone),)
        found = (*found, *(broken.cause_and_place for broken in grounds.forbidden_by))
    return (*found, *(FACTS.get(fact, fact) for fact in details))


IN_REVIEW: Final[Mapping[InReview, str]] = {
    InReview.NOT_REVIEWED: "not in the approvals file yet",
    InReview.PENDING: "waiting for a decision",
}
