"""What people decide on the page -> lines of approvals files, or why not.

A new decision names what was seen: the decision in the file, and the digest of what it was about. If the file now says
something else, it is refused, so that neither another tab nor an editor nor a `git pull` loses a decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.approvals_edit import set_decisions
from reconciler.config.decisions import Subject
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.reporters.review_text import EDITED, NOT_APPROVABLE, WHEN_APPROVABLE, WHEN_EDITED
from reconciler.web.files import ApprovalsFolder, SiteFile


class NewDraftDecision(Struct, frozen=True, tag="draft", tag_field="about", forbid_unknown_fields=True):
    """Changes `seen` to `to`, for a draft whose content has the digest that was shown."""

    site: str
    id: str
    digest: str
    seen: DraftDecision
    to: DraftDecision


class NewActivityDecision(Struct, frozen=True, tag="activity", tag_field="about", forbid_unknown_fields=True):
    """The same for an activity as a whole. `digest` is empty if its file has the first layout."""

    site: str
    id: str
    digest: str
    seen: ActivityDecision
    to: ActivityDecision


NewDecision = NewDraftDecision | NewActivityDecision


class Refusal(Struct, frozen=True):
    """A decision that was not written: why, and what to do; `fix` is empty if the page itself shows what to do."""

    about: Literal["draft", "activity"]
    site: str
    id: str
    why: str
    fix: str = ""


def decide(folder: ApprovalsFolder, decisions: Sequence[NewDecision]) -> tuple[Refusal, ...]:
    """Writes whatever can be written, with one write of each file. What a file already says counts as written."""
    refused: list[Refusal] = []
    by_site: dict[str, list[NewDecision]] = {}
    for new in decisions:
        by_site.setdefault(new.site, []).append(new)
    for site, asked in by_site.items():
        refused += _decide(folder, SiteName(site), asked)
    return tuple(refused)


def _decide(folder: ApprovalsFolder, site: SiteName, decisions: Sequence[NewDecision]) -> list[Refusal]:
    if site not in folder.files:
        return [_refusal(new, "this page does not include that site") for new in decisions]
    refused: list[Refusal] = []

    def made(file: SiteFile) -> tuple[str, Approvals] | None:
        refused.clear()
        accepted: list[NewDecision] = []
        for new in decisions:
            if objection := _objection(file, new):
                refused.append(_refusal(new, *objection))
            else:
                accepted.append(new)
        if not accepted:
            return None
        drafts = {new.id: new.to for new in accepted if isinstance(new, NewDraftDecision)}
        activities = {new.id: new.to for new in accepted if isinstance(new, NewActivityDecision)}
        text = set_decisions(file.text, drafts, activities, file.shown)
        if text == file.text:
            return None
        return text, _decided(file.approvals, drafts, activities)

    try:
        folder.change(site, made)
    except UsageError as error:
        where = f"{error.place}: " if error.place is not None else ""
        return [_refusal(new, f"{where}{error.message}", error.fix) for new in decisions]
    except InvalidFiles as error:
        why = ", and ".join(problem.message for problem in error.problems)
        fix = next((problem.fix for problem in error.problems if problem.fix), "")
        return [_refusal(new, why, fix) for new in decisions]
    return refused


def _refusal(new: NewDecision, why: str, fix: str = "") -> Refusal:
    return Refusal("draft" if isinstance(new, NewDraftDecision) else "activity", new.site, new.id, why, fix)


def _objection(file: SiteFile, new: NewDecision) -> tuple[str, str] | None:
    """Why a decision is not written, and what to do; None if nothing prevents it."""
    if file.problems:
        return f"{file.shown} cannot be read, so nothing in it was changed", "correct it first"
    if isinstance(new, NewDraftDecision):
        return _objection_to_draft(file, new)
    activity = next((each for each in file.approvals.activities if each.id == new.id), None)
    if activity is None:
        return f"{file.shown} no longer has this activity", ""
    if activity.decision is new.to:
        return None
    if activity.decision is not new.seen:
        return f"somebody else has decided in the meantime: the file says {activity.decision.value}", ""
    if (activity.decided or "") != new.digest or not activity.counts:
        return "the posts of this activity have changed since", "look at them again"
    return None


def _objection_to_draft(file: SiteFile, new: NewDraftDecision) -> tuple[str, str] | None:
    found = next(((each, draft) for each, draft in _drafts(file.approvals) if draft.id == new.id), None)
    if found is None:
        return f"{file.shown} no longer has this draft", ""
    activity, draft = found
    if draft.digest != new.digest:
        return "it has changed since", "you now see what the file says. Look at it again"
    if draft.decision is new.to:
        return None
    if draft.decision is not new.seen:
        return f"somebody else has decided in the meantime: the file says {draft.decision.value}", ""
    if new.to is DraftDecision.APPROVE:
        if activity.decision is not ActivityDecision.KEEP:
            return "its activity has been sent back", "keep the activity first"
        if Subject(file.site, file.path, activity, (draft,)).edited:
            return EDITED, WHEN_EDITED
        if not file.approvals.approvable:
            return NOT_APPROVABLE, WHEN_APPROVABLE
    return None


def _drafts(approvals: Approvals) -> Iterator[tuple[ActivityApproval, DraftApproval]]:
    return ((activity, draft) for activity in approvals.activities for draft in activity.drafts)


def _decided(
    approvals: Approvals, drafts: dict[str, DraftDecision], activities: dict[str, ActivityDecision]
) -> Approvals:
    """What a file says after these decisions. Activities that they do not concern remain the same objects."""

    def after(activity: ActivityApproval) -> ActivityApproval:
        if activity.id not in activities and not any(draft.id in drafts for draft in activity.drafts):
            return activity
        return replace(
            activity,
            decision=activities.get(activity.id, activity.decision),
            drafts=tuple(replace(draft, decision=drafts.get(draft.id, draft.decision)) for draft in activity.drafts),
        )

    return replace(approvals, activities=tuple(map(after, approvals.activities)))
