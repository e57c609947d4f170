"""Reviews and decisions in words, for a screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.config.deciding import Subject
from reconciler.engine.results import (
    Decided,
    ReviewCompleted,
    SiteFailed,
    SiteNotReviewed,
    SiteReviewed,
    Written,
)
from reconciler.model.address import Address, Kind
from reconciler.model.content import PublicContent
from reconciler.model.events import instant
from reconciler.model.moments import moment_text
from reconciler.model.text import printable
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.outlook import MissedApproval
from reconciler.planner.review import (
    TO_DECIDE,
    Review,
    ReviewedActivity,
    ReviewedPost,
    ReviewStatus,
)
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.last_lines import NO_SITES
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.words import plural

STATUS_WORDS: Final = {
    ReviewStatus.PENDING: "pending",
    ReviewStatus.CHANGED: "changed after approval",
    ReviewStatus.EDITED: "edited in the file",
    ReviewStatus.WITHHELD: "to approve again",
    ReviewStatus.CANCELLED: "cancelled after approval",
    ReviewStatus.MISSED: "approved, missed",
    ReviewStatus.APPROVED: "approved",
    ReviewStatus.SCHEDULED: "scheduled",
    ReviewStatus.OUT: "went out",
}


def review_lines(result: SiteReviewed | SiteNotReviewed | SiteFailed, screen: Screen) -> Iterator[str]:
    """A site's review: its counts and file, then what people are asked about."""
    if not isinstance(result, SiteReviewed):
        why = result.problem if isinstance(result, SiteFailed) else result.why
        style = Style.RED if isinstance(result, SiteFailed) else Style.PLAIN
        yield from wrapped((Span(result.name, Style.BOLD), Span(of_its_site(why), style)), screen)
        return
    review = result.review
    counts = [f"{count} {STATUS_WORDS[status]}" for status in ReviewStatus if (count := review.count(status))]
    where = f"{result.file} ({result.written})" if result.written is not Written.NONE else result.written.value
    spans = [Span(review.site, Style.BOLD), Span(", ".join(counts) or "no drafts"), Span(where, Style.DIM)]
    yield from wrapped([one for one in spans if one.text], screen)
    for missed in review.missed:
        yield from _missed(missed, review, screen)
    for activity, post in asked_about(review):
        yield from _asked(activity, post, review, screen)
    if result.gallery:
        yield from wrapped((Span(f"  Preview: {result.gallery}", Style.DIM),), screen)


def asked_about(review: Review) -> Iterator[tuple[ReviewedActivity, ReviewedPost]]:
    """The posts that wait for people, in the review's order."""
    for activity in review.activities:
        for post in activity.shown:
            if post.status in TO_DECIDE:
                yield activity, post


def _asked(activity: ReviewedActivity, one: ReviewedPost, review: Review, screen: Screen) -> Iterator[str]:
    facts = (
        f"{one.post.channel} {one.post.type}",
        f'"{activity.activity.title}"',
        *([f"on {one.post.account}"] if one.post.account else []),
        review.goes_out(one),
        f"({STATUS_WORDS[one.status]})",
    )
    spans = (Span("  ? review", Style.CYAN), Span(facts[0], Style.BOLD), *map(Span, facts[1:]))
    yield from wrapped(spans, screen, hang=12)
    if one.differences and one.status is not ReviewStatus.PENDING:
        what = f"in the file -> on the site: {difference_words(one.differences, review.zone)}"
        yield from wrapped((Span(what, Style.YELLOW),), screen, indent=12, hang=14)
    for problem in one.problems:
        yield from wrapped((Span(f"blocked: {problem.message}", Style.YELLOW),), screen, indent=12, hang=14)
    for warning in one.warnings:
        yield from wrapped((Span(f"note: {warning}", Style.DIM),), screen, indent=12, hang=14)


def _missed(missed: MissedApproval, review: Review, screen: Screen) -> Iterator[str]:
    """An approval that came too late: what people asked for and did not get."""
    due = moment_text(missed.moment, review.zone, exact=missed.exact)
    facts = (f"{missed.draft.channel} {missed.draft.type}", f'"{missed.activity.title}"', f"approved, was due {due}")
    yield from wrapped((Span("  ! missed", Style.YELLOW), *map(Span, facts)), screen, hang=12)


def review_line(review: ReviewCompleted) -> str:
    """The last line of `review`."""
    if not review.sites:
        return NO_SITES
    ending = f"; {plural(review.failed, 'site')} failed" if review.failed else ""
    return (
        f"Review: {review.pending} pending, {review.approved} approved; "
        f"pending in {review.sites_pending} of {plural(review.sites, 'site')}{ending}."
    )


def review_values(result: SiteReviewed | SiteNotReviewed) -> dict[str, Any]:
    """A site's review for the JSON format."""
    if isinstance(result, SiteNotReviewed):
        return {"site": result.name, "reviewed": False, "reason": result.why.message}
    review = result.review
    drafts = [
        {
            "address": str(Address(review.site, Kind.DRAFT, one.post.id)),
            "activity": activity.activity.id,
            "title": activity.activity.title,
            "channel": one.post.channel,
            "type": one.post.type,
            "digest": one.post.digest,
            "status": one.status.value,
            "account": one.post.account,
            "goesOut": review.goes_out(one),
            "at": instant(one.moment),
            "exact": one.exact,
            "problems": [problem.message for problem in one.problems],
            "warnings": list(one.warnings),
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


def content_facts(content: PublicContent, account: str) -> Iterator[tuple[str, str]]:
    """What the public sees of a post beside its words and images, and where: name and text, without what is empty."""
    pairs = (
        ("account", account or content.account),
        *content.place,
        ("title", content.title),
        ("link", content.link),
        ("preview", " | ".join(text for text in (content.preview.title, content.preview.description) if text)),
        ("preview image", content.preview.thumbnail),
        ("call to action", content.call_to_action),
        ("audience", content.audience),
        *content.other,
    )
    return ((name, text) for name, text in pairs if text)


# --- deciding --------------------------------------------------------------------------------------


EDITED: Final = "edited in the file: run review, which shows it as it is on the site, and approve that"


def subject_lines(subject: Subject, screen: Screen, number: int, of: int) -> Iterator[str]:
    """What is decided about, whole, as the gallery shows it: nothing of a caption is left out, and nothing in it acts
    on the screen."""
    for draft in subject.drafts:
        yield ""
        facts = (f"{draft.channel} {draft.type}", f'"{subject.activity.title}"')
        yield from wrapped((Span(f"{number} of {of}", Style.BOLD), Span(subject.site), *map(Span, facts)), screen)
        when = draft.goes_out or moment_text(subject.activity.date, "UTC", exact=False)
        yield from wrapped((Span(f"goes out: {when}"),), screen, indent=2)
        for name, text in content_facts(draft.content, draft.account):
            yield from wrapped((Span(f"{name}: {text}"),), screen, indent=2)
        for problem in (*draft.blocked, *([EDITED] if subject.edited else ())):
            yield from wrapped((Span(f"blocked: {problem}", Style.YELLOW),), screen, indent=2)
        for url in draft.content.media:
            yield screen.paint(f"  {printable(url)}", Style.DIM)
        if not draft.content.media:
            yield screen.paint("  no image", Style.DIM)
        words = "\n\n".join(text for text in (draft.content.caption, draft.content.description) if text)
        for line in (words.strip("\n") or "(no text)").replace("\r\n", "\n").split("\n"):
            for row in wrapped((Span(f"| {line}"),), screen, indent=2):
                yield row.rstrip()
        yield screen.paint(f"  {draft.id}", Style.DIM)
    if not subject.drafts:
        yield ""
        title = Span(f'"{subject.activity.title}"')
        yield from wrapped((Span(f"{number} of {of}", Style.BOLD), Span(subject.site), title, Span("no posts")), screen)


def decided_line(decided: Decided) -> str:
    """The last line of `approve`."""
    what = [plural(decided.drafts, "draft")]
    if decided.activities:
        what.append(plural(decided.activities, "activity", "activities"))
    return f"Decided: {' and '.join(what)} in {plural(decided.sites, 'site')}; {decided.pending} pending."
