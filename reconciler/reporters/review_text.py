"""Reviews and decisions in words, for a screen and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import ActivityApproval, DraftApproval
from reconciler.model.events import instant
from reconciler.planner.review import Review, ReviewedActivity, ReviewedPost, Standing
from reconciler.reporters.layout import Screen, Span, Style, inert_json, wrapped
from reconciler.reporters.words import moment, plural


class Written(StrEnum):
    """What a review did to a site's approvals file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "up to date"
    NONE = "nothing to review"


class SiteReviewed(Struct, frozen=True):
    """A site's review, and what became of its files; the paths as they are shown."""

    review: Review
    written: Written
    file: str
    gallery: str | None = None


class NotReviewed(Struct, frozen=True):
    """A site without a review: `failed` says that this is an error."""

    site: SiteName
    reason: str
    failed: bool = False


ReviewResult = SiteReviewed | NotReviewed

STYLES = {Standing.PENDING: Style.CYAN, Standing.APPROVED: Style.GREEN, Standing.SCHEDULED: Style.GREEN}


def review_lines(result: ReviewResult, screen: Screen) -> Iterator[str]:
    """A site's review: its counts and file, then what people are asked about."""
    if isinstance(result, NotReviewed):
        style = Style.RED if result.failed else Style.PLAIN
        yield from wrapped((Span(result.site, Style.BOLD), Span(result.reason, style)), screen)
        return
    review = result.review
    counts = [f"{count} {one.value}" for one in Standing if (count := review.count(one))]
    where = f"{result.file} ({result.written})" if result.written is not Written.NONE else result.written.value
    spans = [Span(review.site, Style.BOLD), Span(", ".join(counts) or "no drafts"), Span(where, Style.DIM)]
    yield from wrapped([one for one in spans if one.text], screen)
    for activity, post in asked_about(review):
        yield from _asked(activity, post, review, screen)
    if result.gallery:
        yield from wrapped((Span(f"  look at it in {result.gallery}", Style.DIM),), screen)


def asked_about(review: Review) -> Iterator[tuple[ReviewedActivity, ReviewedPost]]:
    """The posts that wait for people, in the review's order."""
    for activity in review.activities:
        for post in activity.shown:
            if post.standing in (Standing.PENDING, Standing.CHANGED, Standing.CANCELLED):
                yield activity, post


def _asked(activity: ReviewedActivity, one: ReviewedPost, review: Review, screen: Screen) -> Iterator[str]:
    address = Address(review.site, Kind.DRAFT, one.post.id)
    facts = (
        f"{one.post.channel} {one.post.type}",
        f'"{activity.activity.title}"',
        moment(one.moment, review.zone),
        f"({one.standing})",
    )
    spans = (Span("  ? review", Style.CYAN), Span(str(address), Style.BOLD), *map(Span, facts))
    yield from wrapped(spans, screen, hang=12)
    for problem in one.problems:
        yield from wrapped((Span(f"blocked: {problem}", Style.YELLOW),), screen, indent=12, hang=14)


def review_summary(results: Iterable[ReviewResult]) -> str:
    """The last line of `review`."""
    done = list(results)
    reviews = [one.review for one in done if isinstance(one, SiteReviewed)]
    pending = sum(len(list(asked_about(one))) for one in reviews)
    sites = sum(1 for one in reviews if any(asked_about(one)))
    approved = sum(one.count(Standing.APPROVED) for one in reviews)
    failed = sum(1 for one in done if isinstance(one, NotReviewed) and one.failed)
    ending = f"; {plural(failed, 'site')} failed" if failed else ""
    return f"Review: {pending} pending, {approved} approved; pending in {sites} of {plural(len(done), 'site')}{ending}."


def review_json(results: Iterable[ReviewResult]) -> str:
    """All reviews as one JSON document."""
    return inert_json(json.dumps({"formatVersion": 1, "sites": [_json(one) for one in results]}, indent=2)) + "\n"


def _json(result: ReviewResult) -> dict[str, Any]:
    if isinstance(result, NotReviewed):
        return {"site": result.site, "reviewed": False, "failed": result.failed, "reason": result.reason}
    review = result.review
    drafts = [
        {
            "address": str(Address(review.site, Kind.DRAFT, one.post.id)),
            "activity": activity.activity.id,
            "title": activity.activity.title,
            "channel": one.post.channel,
            "type": one.post.type,
            "digest": one.post.digest,
            "standing": one.standing.value,
            "at": instant(one.moment),
            "exact": one.exact,
            "problems": list(one.problems),
        }
        for activity in review.activities
        for one in activity.shown
    ]
    return {
        "site": review.site,
        "reviewed": True,
        "file": result.file,
        "written": result.written.value,
        "timeZone": review.zone,
        "drafts": drafts,
    }


# --- deciding --------------------------------------------------------------------------------------


def draft_lines(
    site: SiteName, activity: ActivityApproval, drafts: Sequence[DraftApproval], screen: Screen
) -> Iterator[str]:
    """What is decided about, whole: nothing of a caption is left out, and nothing in it acts on the screen."""
    for draft in drafts:
        address = Address(site, Kind.DRAFT, draft.id)
        yield ""
        yield screen.paint(str(address), Style.BOLD)
        yield from wrapped(
            (Span(f"  {draft.channel} {draft.type}"), Span(f'"{activity.title}"'), Span(moment(activity.date, "UTC"))),
            screen,
        )
        for url in draft.media:
            yield screen.paint(f"  {url}", Style.DIM)
        if not draft.media:
            yield screen.paint("  no image", Style.DIM)
        for line in (draft.caption.removesuffix("\n") or "(no text)").replace("\r\n", "\n").split("\n"):
            for row in wrapped((Span(f"| {line}"),), screen, indent=2):
                yield row.rstrip()
