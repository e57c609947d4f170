"""What people ask for on the page -> lines of approvals files, or why not.

A wish names what was seen: the decision in the file, and the digest of what it was about. If the file now says
something else, the wish is refused, so that neither another tab nor an editor nor a `git pull` loses a decision.
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
from reconciler.reporters.review_text import EDITED, WHEN_EDITED
from reconciler.web.files import ApprovalsFolder, SiteFile


class DraftWish(Struct, frozen=True, tag="draft", tag_field="about", forbid_unknown_fields=True):
    """Changes `seen` to `to`, for a draft whose content has the digest that was shown."""

    site: str
    id: str
    digest: str
    seen: DraftDecision
    to: DraftDecision


class ActivityWish(Struct, frozen=True, tag="activity", tag_field="about", forbid_unknown_fields=True):
    """The same for an activity as a whole. `digest` is empty if its file has the first layout."""

    site: str
    id: str
    digest: str
    seen: ActivityDecision
    to: ActivityDecision


Wish = DraftWish | ActivityWish


class Refusal(Struct, frozen=True):
    """A wish that was not carried out: why, and what to do; `fix` is empty if the page itself shows what to do."""

    about: Literal["draft", "activity"]
    site: str
    id: str
    why: str
    fix: str = ""


def decide(folder: ApprovalsFolder, wishes: Sequence[Wish]) -> tuple[Refusal, ...]:
    """Carries out whatever can be, with one write of each file. What is already so counts as done."""
    refused: list[Refusal] = []
    by_site: dict[str, list[Wish]] = {}
    for wish in wishes:
        by_site.setdefault(wish.site, []).append(wish)
    for site, asked in by_site.items():
        refused += _decide(folder, SiteName(site), asked)
    return tuple(refused)


def _decide(folder: ApprovalsFolder, site: SiteName, wishes: Sequence[Wish]) -> list[Refusal]:
    if site not in folder.files:
        return [_refusal(wish, "this page does not include that site") for wish in wishes]
    refused: list[Refusal] = []

    def made(file: SiteFile) -> tuple[str, Approvals] | None:
        refused.clear()
        wanted: list[Wish] = []
        for wish in wishes:
            if objection := _objection(file, wish):
                refused.append(_refusal(wish, *objection))
            else:
                wanted.append(wish)
        if not wanted:
            return None
        drafts = {wish.id: wish.to for wish in wanted if isinstance(wish, DraftWish)}
        activities = {wish.id: wish.to for wish in wanted if isinstance(wish, ActivityWish)}
        text = set_decisions(file.text, drafts, activities, file.shown)
        if text == file.text:
            return None
        return text, _decided(file.approvals, drafts, activities)

    try:
        folder.change(site, made)
    except UsageError as error:
        where = f"{error.place}: " if error.place is not None else ""
        return [_refusal(wish, f"{where}{error.message}", error.fix) for wish in wishes]
    except InvalidFiles as error:
        why = ", and ".join(problem.message for problem in error.problems)
        fix = next((problem.fix for problem in error.problems if problem.fix), "")
        return [_refusal(wish, why, fix) for wish in wishes]
    return refused


def _refusal(wish: Wish, why: str, fix: str = "") -> Refusal:
    return Refusal("draft" if isinstance(wish, DraftWish) else "activity", wish.site, wish.id, why, fix)


def _objection(file: SiteFile, wish: Wish) -> tuple[str, str] | None:
    """Why a wish is not carried out, and what to do; None if nothing prevents it."""
    if file.problems:
        return f"{file.shown} cannot be read, so nothing in it was changed", "correct it first"
    if isinstance(wish, DraftWish):
        return _objection_to_draft(file, wish)
    activity = next((each for each in file.approvals.activities if each.id == wish.id), None)
    if activity is None:
        return f"{file.shown} no longer has this activity", ""
    if activity.decision is wish.to:
        return None
    if activity.decision is not wish.seen:
        return f"somebody else has decided in the meantime: the file says {activity.decision.value}", ""
    if (activity.decided or "") != wish.digest or not activity.counts:
        return "the posts of this activity have changed since", "look at them again"
    return None


def _objection_to_draft(file: SiteFile, wish: DraftWish) -> tuple[str, str] | None:
    found = next(((each, draft) for each, draft in _drafts(file.approvals) if draft.id == wish.id), None)
    if found is None:
        return f"{file.shown} no longer has this draft", ""
    activity, draft = found
    if draft.digest != wish.digest:
        return "it has changed since", "you now see what the file says. Look at it again"
    if draft.decision is wish.to:
        return None
    if draft.decision is not wish.seen:
        return f"somebody else has decided in the meantime: the file says {draft.decision.value}", ""
    if wish.to is DraftDecision.APPROVE:
        if activity.decision is not ActivityDecision.KEEP:
            return "its activity is sent back", "keep the activity first"
        if Subject(file.site, file.path, activity, (draft,)).edited:
            return EDITED, WHEN_EDITED
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
