"""Two values in one sentence: for long ones, what differs in them, wherever that is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.canonical import Json, freeze
from reconciler.model.two_values import both_in_sentence

LONG = " ".join(f"sentence {number} of it." for number in range(30))
AT_THE_END = LONG.replace("29", "last")
TOPICS = tuple(f"topic number {number}" for number in range(20))


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (LONG, AT_THE_END, ("'… 28 of it. sentence 29 of it.'", "'… 28 of it. sentence last of it.'")),
        (
            LONG,
            LONG.replace("15 of", "fifteen of"),
            ("'… 14 of it. sentence 15 of it. sentence 16 …'", "'… 14 of it. sentence fifteen of it. sentence 16 …'"),
        ),
        (
            LONG,
            LONG.replace("3 of it. sentence 4", "3 of it. s. 4").replace("20", "twenty"),
            (
                "'… sentence 3 of it. sentence 4 of it. sentence … 19 of it. sentence 20 of it. sentence 21 …'",
                "'… sentence 3 of it. s. 4 of it. sentence … 19 of it. sentence twenty of it. sentence 21 …'",
            ),
        ),
        (LONG, f"{LONG} And more.", ("'… sentence 29 of it.'", "'… sentence 29 of it. And more.'")),
        (LONG, f"{LONG} ", ("'… sentence 29 of it.'", "'… sentence 29 of it.·'")),
        (
            LONG.replace("15", "caf\u00e9"),
            LONG.replace("15", "cafe\u0301"),
            (
                "'… 14 of it. sentence caf\u00e9 of it. sentence 16 …'",
                r"'… 14 of it. sentence cafe\u0301 of it. sentence 16 …'",
            ),
        ),
        (TOPICS, (*TOPICS, "tea"), ("[…]", "[…, tea]")),
        (TOPICS, ("tea", *TOPICS[:-2], "milk"), ("[…, topic number 18, topic number 19]", "[…, tea, milk]")),
        ((*TOPICS, LONG), (*TOPICS, AT_THE_END), (
            "[…, '… 28 of it. sentence 29 of it.']", "[…, '… 28 of it. sentence last of it.']"
        )),
        (
            freeze({"name": "Sale", "description": LONG, "days": 3}),
            freeze({"name": "Sale", "description": AT_THE_END}),
            (
                "{…, days: 3, description: '… 28 of it. sentence 29 of it.'}",
                "{…, description: '… 28 of it. sentence last of it.'}",
            ),
        ),
        ("dry", "warm", ("'dry'", "'warm'")),
        ("dry", None, ("'dry'", "empty")),
        ("", "dry", ("empty", "'dry'")),
        (("tea",), ("tea", "milk"), ("[tea]", "[tea, milk]")),
        (("coffee", "tea"), ("tea", "c\u043effee"), ("[…, 'c(Latin o)ffee']", "[…, 'c(Cyrillic \u043e)ffee']")),
        (("caf\u00e9", "tea", "x"), ("x", "cafe\u0301"), ("[…, caf\u00e9, tea]", "[…, cafe\\u0301]")),
        ("x" * 300, ("tea",), (f"'{'x' * 120}...'", "[tea]")),
    ],
)  # fmt: skip
def test_what_differs_is_shown(one: Json, other: Json, shown: tuple[str, str]) -> None:
    assert both_in_sentence(one, other) == shown
    assert both_in_sentence(other, one) == shown[::-1]


words = st.lists(
    st.sampled_from(["warm", "and", "playful", "tone", "a\u0301", "\u00e1", "so\u200bft", "x ", "w\u0430rm"]),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(one=words.map(" ".join), other=words.map(" ".join))
def test_different_texts_never_look_the_same(one: str, other: str) -> None:
    left, right = both_in_sentence(one, other)
    assert (left == right) == (one == other)
