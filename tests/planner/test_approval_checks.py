"""How an approvals file and the site differ, as people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.approvals import ApprovalState, ApprovalStatus
from reconciler.model.content import Difference
from reconciler.planner.approval_checks import difference_words, objection


@pytest.mark.parametrize(
    ("in_file", "live", "words"),
    [
        ("Only Friday", "Only Fryday", "caption: Only Friday -> Only Fryday"),
        ("Only\u00a0Friday", "Only Friday", "caption: Only\\xa0Friday -> Only·Friday"),
        ("Two\nlines", "Two lines", "caption: Two\\nlines -> Two·lines"),
        ("Café  こんにちは", "Café こんにちは", "caption: Café··こんにちは -> Café·こんにちは"),
        ("x" * 90 + " a\u3000b", "x" * 90 + " a b", rf"caption: {'x' * 90} a[-\u3000-]{{+·+}}b"),
        (
            "Come by on Fryday, we have new mugs in the studio and tea for all who like it, as every week in winter",
            "Come by on Friday, we have new mugs in the studio and tea for all who like it, as every week in winter",
            "caption: Come by on [-Fryday,-]{+Friday,+} we have new mugs …",
        ),
    ],
)
def test_a_difference_in_blanks_is_spelled_out(in_file: str, live: str, words: str) -> None:
    assert difference_words((Difference("caption", in_file, live),), "UTC") == words


@pytest.mark.parametrize(
    ("in_file", "live", "words"),
    [
        ("a.jpg b.jpg", "a.jpg b.jpg c.jpg", "{+c.jpg+}"),
        ("a.jpg b.jpg c.jpg", "c.jpg d.jpg", "[-a.jpg-] [-b.jpg-] {+d.jpg+}"),
        ("a.jpg b.jpg", "a.jpg c.jpg", "b.jpg -> c.jpg"),
        ("a.jpg b.jpg", "b.jpg a.jpg", "a.jpg b.jpg -> b.jpg a.jpg"),
        ("a.jpg", "a.jpg a.jpg", "{+a.jpg+}"),
        ("a.jpg", "", "a.jpg -> (not set)"),
    ],
)
def test_media_are_compared_one_by_one(in_file: str, live: str, words: str) -> None:
    assert difference_words((Difference("media", in_file, live),), "UTC") == f"media: {words}"


@pytest.mark.parametrize(
    ("in_file", "live", "again"),
    [
        ("https://a.test/i.jpg?token=1&expires=5", "https://a.test/i.jpg?token=2&expires=6", True),
        ("https://a.test/i.jpg?token=1", "https://a.test/j.jpg?token=1", False),
        ("https://a.test/i.jpg?v=1", "https://a.test/i.jpg?v=2", False),
        ("https://a.test/i.jpg?token=1", "https://a.test/i.jpg?token=1 https://a.test/j.jpg?token=2", False),
    ],
)
def test_media_at_an_address_that_is_signed_again_are_named_as_such(in_file: str, live: str, again: bool) -> None:
    found = Difference("media", in_file, live)
    assert difference_words((found,), "UTC").startswith("media: ...?token=1") is again
    why = objection(ApprovalStatus(ApprovalState.CHANGED, (found,)), "approvals/shop.yaml", "UTC")
    assert why is not None
    assert (
        "; if the signature in the image's URL changes each time, use an image from the Media Manager" in why.fix
    ) is again
    both = ApprovalStatus(ApprovalState.CHANGED, (found, Difference("caption", "a", "b")))
    why = objection(both, "", "UTC")
    assert why is not None
    assert "Media Manager" not in why.fix


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (72, "date: Sun 2026-10-25 -> Wed 2026-10-28"),
        (1, "date: Sun 2026-10-25 (activity: 02:30 {zone} (UTC+02:00) -> 02:30 {zone} (UTC+01:00))"),
    ],
)
def test_a_date_that_moved_is_not_taken_for_the_time_at_which_a_post_goes_out(hours: int, words: str) -> None:
    """A rule may have another time of day."""
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    found = Difference("date", before.isoformat(), (before + timedelta(hours=hours)).isoformat())
    assert difference_words((found,), "Europe/Berlin") == words.replace("{zone}", "Europe/Berlin")
