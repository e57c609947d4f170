"""Reviews -> one HTML page: what needs attention first, each draft as it would look on its channel, and a calendar.

The page is self-contained: no script, no font, nothing remote but the drafts' own images, which its content security
policy allows only over https. Images that cannot be fetched, such as the sandbox's, are drawn into it. All texts come
from an AI or a stranger, and none is treated as markup. The same reviews give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from reconciler.model.approvals import ActivityDecision, DraftApproval, DraftDecision
from reconciler.model.content import approval_digest
from reconciler.model.moments import moment_text
from reconciler.model.posts import PostStatus
from reconciler.planner.outlook import MissedApproval
from reconciler.planner.review import Review, ReviewedActivity, ReviewedPost, ReviewStatus
from reconciler.reporters.cards import CARD_STYLES, Card, CardState, by_group, changed, in_order, weeks
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.markup import hashed, resource
from reconciler.reporters.review_text import content_facts
from reconciler.reporters.templating import render

_STATES: Final = {
    ReviewStatus.PENDING: CardState.PENDING,
    ReviewStatus.CHANGED: CardState.CHANGED,
    ReviewStatus.EDITED: CardState.EDITED,
    ReviewStatus.WITHHELD: CardState.AGAIN,
    ReviewStatus.CANCELLED: CardState.CANCELLED,
    ReviewStatus.MISSED: CardState.MISSED,
    ReviewStatus.APPROVED: CardState.APPROVED,
    ReviewStatus.SCHEDULED: CardState.SCHEDULED,
    ReviewStatus.OUT: CardState.OUT,
    ReviewStatus.FAILED: CardState.FAILED,
}
"""A test fails for a status without a state here."""

Picture: TypeAlias = Callable[[str], str | None]
"""The address of an image -> the image itself as a `data:` URL; None: load it from its address."""


def gallery(reviews: Sequence[Review], picture: Picture | None = None) -> str:
    """The page of one site or of many. `picture` draws images that cannot be fetched."""
    style = resource("reconciler.reporters", "gallery.css")
    cards = in_order(card for review in reviews for card in cards_of(review))
    counted = Counter(card.state for card in cards)

    def shown_at(url: str) -> str:
        return (picture(url) if picture is not None else None) or url

    page = render(
        "reporters/gallery.html",
        style=style,
        style_hash=hashed(style),
        images="https:" if picture is None else "https: data:",
        title=f"Review of {reviews[0].site}" if len(reviews) == 1 else f"Review of {len(reviews):,} sites",
        site=reviews[0].site if len(reviews) == 1 else "",
        zone=reviews[0].zone if len(reviews) == 1 else "",
        reviewed=bool(reviews),
        counts=[(CARD_STYLES[state], counted[state]) for state in CardState if counted[state]],
        groups=by_group(cards),
        weeks=weeks(cards),
        facts=facts_of,
        place=lambda card: f"#{card.key}",
        picture=shown_at,
    )
    return "".join((page, "\n"))  # a plain str: Markup would escape what callers insert


def cards_of(review: Review) -> Iterator[Card]:
    """Every draft of a review that people are asked about, or were, including approvals that came too late."""
    shown = set()
    for activity in review.activities:
        for post in activity.shown:
            shown.add(post.post.id)
            yield _card(activity, post, review)
    yield from (_missed(missed, review) for missed in review.missed if missed.draft.id not in shown)


def _card(activity: ReviewedActivity, reviewed: ReviewedPost, review: Review) -> Card:
    live, post = activity.activity, reviewed.post
    unwanted = any(found.post == post.id for found in review.going_out)
    state = CardState.GOING_OUT if unwanted else _state(activity, reviewed)
    differences = reviewed.differences if reviewed.status is not ReviewStatus.PENDING else ()
    times = reviewed.cancellations
    cancelled = ["cancelled once" if times == 1 else f"cancelled {times:,} times"] if times else []
    return Card(
        site=review.site,
        activity=live.id,
        title=live.title,
        draft=post.id,
        content=post.content,
        account=post.account,
        goes_out=review.goes_out(reviewed),
        moment=_local(reviewed.moment, review),
        state=state,
        digest=approval_digest(post.id, post.content, live.date, post.account_name or ""),
        posts=len(activity.shown),
        sent_back=activity.decision,
        blocked=tuple(map(cause, reviewed.problems)),
        notes=(*([post.error] if post.error else ()), *cancelled, *map(cause, reviewed.warnings)),
        changed=changed(differences, post.content, review.zone),
        link=post.external_url or "",
    )


def _missed(missed: MissedApproval, review: Review) -> Card:
    """An approval that came too late, as in its file: the site may no longer have the draft."""
    draft: DraftApproval = missed.draft
    return Card(
        site=review.site,
        activity=missed.activity.id,
        title=missed.activity.title,
        draft=draft.id,
        content=draft.content,
        account=draft.account or draft.content.account,
        goes_out=moment_text(missed.moment, review.zone, exact=missed.exact),
        moment=_local(missed.moment, review),
        state=CardState.MISSED,
        digest=draft.digest,
        decision=DraftDecision.APPROVE,
        notes=("It was approved, but not scheduled in time.",),
    )


def _local(moment: datetime, review: Review) -> datetime:
    return moment.astimezone(ZoneInfo(review.zone))


def facts_of(card: Card) -> list[tuple[str, str]]:
    """What the public sees of a post in addition to what the card already shows."""
    shown = ("title", "account")
    return [(name, text) for name, text in content_facts(card.content, card.account) if name not in shown]


def _state(activity: ReviewedActivity, reviewed: ReviewedPost) -> CardState:
    if reviewed.post.status is PostStatus.FAILED:
        return CardState.FAILED
    found = _STATES[reviewed.status]
    sent_back = activity.decision is not ActivityDecision.KEEP
    if reviewed.post.status is PostStatus.SCHEDULED and sent_back:
        return CardState.GOING_OUT
    return CardState.SENT_BACK if sent_back and found in (CardState.PENDING, CardState.APPROVED) else found
