"""The state of a draft, from what its file says and what the state remembers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.address import Kind, SiteName
from reconciler.model.canonical import digest_of
from reconciler.model.posts import ActivityId, PostId, PostStatus
from reconciler.model.sites import PostOutcome, PublishedPost, RecordedSite
from reconciler.planner.baseline import WAS_CANCELLED, key_of
from reconciler.reporters.cards import Card, CardState, Group
from reconciler.web.board import BoardFacts
from tests.web.pages import NOW, activity, activity_id, approvals, draft_id, page_of, write_project
from tests.web.test_page import Visitor

POST = PostId(draft_id(0))
CONTENT = activity(0).drafts[0].content
AT = NOW + timedelta(days=2)
SCHEDULED = PublishedPost(POST, CONTENT.digest, "INSTAGRAM", AT, NOW, activity=ActivityId(activity_id(0)))


def outcome(status: PostStatus, **more: str) -> PostOutcome:
    return PostOutcome(POST, status, NOW, **more)


PUBLISHED = outcome(PostStatus.PUBLISHED, link="https://www.instagram.com/p/1")
FAILED = outcome(PostStatus.FAILED, reason="The token expired")
NEVER_APPLIED = RecordedSite()
APPLIED = RecordedSite(known=True)
WAITS = RecordedSite(known=True, published=(SCHEDULED,))
TAKEN = RecordedSite(known=True, published=(SCHEDULED,), objects=((key_of(Kind.DRAFT, POST), WAS_CANCELLED),))


def card(
    root: Path,
    recorded: RecordedSite,
    word: str,
    *,
    whole: str = "keep",
    days: float = 0,
    needs_approval: bool = True,
) -> Card:
    """The first draft's card, with a decision on it and one on its activity, some days after the review."""
    write_project(root, {"shop": (activity(0),)})
    text = approvals(root).read_text()
    text = text.replace("decision: pending", f"decision: {word}", 1).replace("decision: keep", f"decision: {whole}", 1)
    approvals(root).write_text(text)
    without_approval = frozenset() if needs_approval else frozenset({SiteName("shop")})
    facts = BoardFacts(NOW + timedelta(days=days), {SiteName("shop"): recorded}, without_approval=without_approval)
    page = page_of(root, facts)
    return next(card for card in page.board.cards.values() if card.draft == POST)


@pytest.mark.parametrize(
    ("recorded", "given", "state"),
    [
        (APPLIED, {"word": "pending"}, CardState.PENDING),
        (APPLIED, {"word": "approve"}, CardState.APPROVED),
        (APPLIED, {"word": "approve", "days": 3}, CardState.MISSED),
        (APPLIED, {"word": "pending", "days": 3}, CardState.PENDING),
        (APPLIED, {"word": "approve", "whole": "discard"}, CardState.SENT_BACK),
        (NEVER_APPLIED, {"word": "approve"}, CardState.AGAIN),
        (WAITS, {"word": "approve"}, CardState.SCHEDULED),
        (WAITS, {"word": "pending"}, CardState.GOING_OUT),
        (WAITS, {"word": "approve", "whole": "regenerate"}, CardState.GOING_OUT),
        (TAKEN, {"word": "pending"}, CardState.PENDING),
        (TAKEN, {"word": "approve"}, CardState.APPROVED),
        (RecordedSite(known=True, published=(SCHEDULED,), outcomes=(FAILED,)), {"word": "approve"}, CardState.FAILED),
        (RecordedSite(known=True, published=(SCHEDULED,), outcomes=(PUBLISHED,)), {"word": "approve"}, CardState.OUT),
    ],
)
def test_the_state_of_a_draft_follows_its_file_and_the_record(
    pottery: Path, recorded: RecordedSite, given: dict[str, Any], state: CardState
) -> None:
    found = card(pottery, recorded, **given)
    assert found.state is state
    if state in (CardState.SCHEDULED, CardState.GOING_OUT):
        assert found.goes_out == "Wed 2026-11-04 10:00 Europe/Berlin", "the moment it is scheduled for, not the file's"
    late = given.get("days") == 3
    timings = {CardState.OUT: "went out", CardState.FAILED: "was due", CardState.SENT_BACK: "was planned for"}
    assert found.timing == ("was due" if late else timings.get(state, "goes out"))
    words = "it is too late to schedule it; give the activity a later date, or the rule another `at`"
    assert found.blocked == ((words,) if late else ())
    if state is CardState.GOING_OUT:
        assert "The next apply cancels it" in found.notes[0]
    assert (found.look.group is Group.ATTENTION) == (state in (CardState.FAILED, CardState.MISSED, CardState.GOING_OUT))


@pytest.mark.parametrize(
    ("post", "state", "note"),
    [
        (SCHEDULED, CardState.SCHEDULED, ()),
        (
            replace(SCHEDULED, digest=digest_of("other words")),
            CardState.PENDING,
            ("It is scheduled, and goes out as it is now: this site needs no approval.",),
        ),
    ],
)
def test_where_no_approval_is_needed_nothing_says_that_the_next_apply_cancels_a_post(
    pottery: Path, post: PublishedPost, state: CardState, note: tuple[str, ...]
) -> None:
    """Unless its activity is discarded or sent back."""
    recorded = RecordedSite(known=True, published=(post,))
    found = card(pottery, recorded, "pending", needs_approval=False)
    assert (found.state, found.notes) == (state, note)
    assert card(pottery, recorded, "pending", whole="discard", needs_approval=False).state is CardState.GOING_OUT


def test_what_needs_attention_comes_first_and_is_said_in_words(pottery: Path) -> None:
    root = write_project(pottery, {"shop": (activity(0), activity(1, blocked=("the text contains 'guaranteed'",)))})
    facts = BoardFacts(NOW, {SiteName("shop"): RecordedSite(known=True, published=(SCHEDULED,), outcomes=(FAILED,))})
    visitor = Visitor(root, facts=facts).enter()
    shown = visitor.ask("GET", "/").text
    assert 0 < shown.index("Needs attention") < shown.index("The token expired") < shown.index("Waiting for a decision")
    assert "pending, blocked" in shown
    assert "<b>Blocked:</b> the text contains &#x27;guaranteed&#x27;" in shown


def test_what_was_published_has_its_link(pottery: Path) -> None:
    recorded = RecordedSite(known=True, published=(SCHEDULED,), outcomes=(PUBLISHED,))
    assert card(pottery, recorded, "approve").public_link == "https://www.instagram.com/p/1"
    unsafe = outcome(PostStatus.PUBLISHED, link="javascript:alert(1)")
    recorded = RecordedSite(known=True, published=(SCHEDULED,), outcomes=(unsafe,))
    assert card(pottery, recorded, "approve").public_link == ""


def test_without_a_state_nothing_is_claimed(pottery: Path) -> None:
    root = write_project(pottery, {"shop": (activity(0),)})
    visitor = Visitor(root, facts=BoardFacts(NOW, {}, ("shop: its record cannot be read.",))).enter()
    assert "its record cannot be read" in visitor.ask("GET", "/").text
    visitor.decide(visitor.draft(0, "approve"))
    assert next(iter(visitor.page.board.cards.values())).state in (CardState.APPROVED, CardState.PENDING)


def test_how_the_pages_link_leads_from_elsewhere(pottery: Path) -> None:
    """A strict cookie is not sent with a link from another page; the answer has a link that works."""
    visitor = Visitor(write_project(pottery, {"shop": (activity(0),)}))
    answer = visitor.ask("GET", "/")
    assert answer.status_code == 403
    assert '<a href="/">' in answer.text
