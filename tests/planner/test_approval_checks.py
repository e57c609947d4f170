"""How an approvals file and the site differ, as people read it."""

from __future__ import annotations

import pytest

from reconciler.model.content import Difference
from reconciler.planner.approval_checks import difference_words


@pytest.mark.parametrize(
    ("in_file", "live", "words"),
    [
        ("Only Friday", "Only Fryday", "caption: Only Friday -> Only Fryday"),
        ("Only\u00a0Friday", "Only Friday", r"caption: Only\xa0Friday -> Only Friday"),
        ("Two\nlines", "Two lines", r"caption: Two\nlines -> Two lines"),
        ("x" * 90 + " a\u3000b", "x" * 90 + " a b", rf"caption: {'x' * 90} a[-U+3000-]{{+·+}}b"),
        (
            "Come by on Fryday, we have new mugs in the studio and tea for all who like it, as every week in winter",
            "Come by on Friday, we have new mugs in the studio and tea for all who like it, as every week in winter",
            "caption: Come by on [-Fryday,-]{+Friday,+} we have new mugs …",
        ),
    ],
)
def test_a_difference_in_blanks_is_spelled_out(in_file: str, live: str, words: str) -> None:
    assert difference_words((Difference("caption", in_file, live),), "UTC") == words
