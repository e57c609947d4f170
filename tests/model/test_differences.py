"""Differences of texts: the words that changed, with some words around them, and what nobody can see."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.differences import (
    MOST_WORDS,
    Mark,
    Piece,
    around_changes,
    both_spelled_out,
    compare_words,
    looks_the_same,
    spelled_out,
)


def shown(before: str, after: str) -> str:
    """`a [-b-]{+c+} d`."""
    forms = {Mark.KEPT: "{}", Mark.REMOVED: "[-{}-]", Mark.ADDED: "{{+{}+}}", Mark.GAP: "{}"}
    return "".join(forms[piece.mark].format(piece.text) for piece in around_changes(compare_words(before, after)))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("dry", "friendly and down to earth", "[-dry-]{+friendly and down to earth+}"),
        ("one two three", "one two four", "one two [-three-]{+four+}"),
        ("Mugs, now 20% off", "Mugs, now 30% off", "Mugs, now [-20%-]{+30%+} off"),
        ("same", "same", "same"),
        ("", "new", "{+new+}"),
        ("a big red cat", "a small blue cat", "a [-big red-]{+small blue+} cat"),
    ],
)
def test_words_that_changed_are_marked(before: str, after: str, wanted: str) -> None:
    assert shown(before, after) == wanted


def test_a_long_text_is_shown_around_its_change() -> None:
    words = [f"word{number}" for number in range(200)]
    changed = [*words[:150], "OTHER", *words[151:]]
    assert shown(" ".join(words), " ".join(changed)) == (
        "… word146 word147 word148 word149 [-word150-]{+OTHER+} word151 word152 word153 word154 …"
    )


texts = st.text(alphabet=st.sampled_from("ab .,\nñ\u200b"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(before=texts, after=texts)
def test_the_pieces_hold_both_texts(before: str, after: str) -> None:
    pieces = compare_words(before, after)
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.ADDED) == before
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.REMOVED) == after


def test_two_long_strangers_are_not_compared_word_by_word() -> None:
    before = " ".join(f"a{number}" for number in range(MOST_WORDS))
    after = " ".join(f"b{number}" for number in range(MOST_WORDS))
    assert compare_words(before, after) == (Piece(Mark.REMOVED, before), Piece(Mark.ADDED, after))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", unicodedata.normalize("NFD", "café")),
        ("open now", "open now "),
        ("open now", "open\u00a0now"),
        ("open now", "open\u200b now"),
    ],
)
def test_a_difference_that_cannot_be_seen_is_spelled_out(one: str, other: str) -> None:
    assert looks_the_same(one, other)
    assert spelled_out(one) != spelled_out(other)
    assert spelled_out(other).isprintable()


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("pear", "\u0440ear", ("(Latin p)ear", "(Cyrillic \u0440)ear")),
        ("\u0401lka", "\u00cblka", ("(Cyrillic \u0401)lka", "(Latin \u00cb)lka")),
        ("\u212bngstrom", "\u00c5ngstrom", ("(Angstrom \u212b)ngstrom", "(Latin \u00c5)ngstrom")),
        ("a pear ", "a \u0440ear", ("a pear·", "a (Cyrillic \u0440)ear")),
    ],
)
def test_letters_that_look_alike_are_shown_with_their_script(one: str, other: str, wanted: tuple[str, str]) -> None:
    assert looks_the_same(one, other)
    assert both_spelled_out(one, other) == wanted
    assert both_spelled_out(other, one) == wanted[::-1]


def test_what_can_be_seen_needs_no_spelling() -> None:
    assert not looks_the_same("café", "cafe")
    assert not looks_the_same("same", "same")
    assert spelled_out("Café au lait, 30% off") == "Café au lait, 30% off"


def test_texts_that_share_hardly_a_word_are_shown_one_after_the_other() -> None:
    old = "Friendly and warm, with short sentences and a joke here and there"
    new = "Serious and precise: we quote numbers, name sources and avoid humour"
    assert shown(f"Be kind. {old}.", f"Be kind. {new}.") == f"Be kind. [-{old}.-]{{+{new}.+}}"
