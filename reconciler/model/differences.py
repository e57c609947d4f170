"""How two texts differ, word by word, for every format: what stayed, what was removed, what is new.

A long text is shown around its changes. If two texts look the same on a screen, a difference that nobody can see (a
composed letter, a trailing space, a zero-width character, a letter of another script) is spelled out.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Final

from msgspec import Struct

from reconciler.model.text import spelled

MOST_WORDS: Final = 1_500
"""With more words than this between the first and the last change, comparing word by word takes too long."""

ELLIPSIS: Final = "…"

_WORDS: Final = r"(?s:\s+|[^\s\u2e80-\uffff]+|.)"
"""Words with their punctuation; in scripts without spaces between words, single letters."""

_OUTER_OR_DOUBLED = r"\A +| +\Z| {2,}"

_LOOK_ALIKE: Final = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"  # Cyrillic capitals
    "\u0430\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u04bb\u0501\u051b\u051d"  # Cyrillic small letters
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd",  # Greek
    "ABESIJKMHOPCTYX"  # the same three rows in Latin
    "aesijopcyxhdqw"
    "ABEZHIKMNOPTYXov",
)
"""Letters of other scripts that look like Latin ones, each with the Latin one."""


class Mark(StrEnum):
    """What happened to a piece of text. GAP stands for unchanged words that are not shown."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"
    GAP = "gap"


class Piece(Struct, frozen=True):
    """A run of words with the same mark."""

    mark: Mark
    text: str


@lru_cache(64)  # one change on many sites is compared once
def compare_words(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of both texts in reading order. What was replaced comes as removed, then added.

    Without the removed pieces they join to `after`, without the added ones to `before`.
    """
    old, new = re.findall(_WORDS, before), re.findall(_WORDS, after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    found = [Piece(Mark.KEPT, "".join(old[:head]))]
    if max(len(middle_old), len(middle_new)) > MOST_WORDS:
        found += [Piece(Mark.REMOVED, "".join(middle_old)), Piece(Mark.ADDED, "".join(middle_new))]
    else:
        found += _unless_patchy(tuple(_pieces(middle_old, middle_new)), "".join(middle_old), "".join(middle_new))
    found.append(Piece(Mark.KEPT, "".join(old[len(old) - tail :])))
    return tuple(_joined(piece for piece in found if piece.text))


def around_changes(pieces: Iterable[Piece], words: int = 4) -> tuple[Piece, ...]:
    """The pieces, with long unchanged runs cut to a few words next to each change; `…` stands for the rest."""
    whole = tuple(pieces)
    found: list[Piece] = []
    for number, piece in enumerate(whole):
        if piece.mark is not Mark.KEPT:
            found.append(piece)
            continue
        before = words if number else 0
        after = words if number < len(whole) - 1 else 0
        found += _shortened(piece.text, before, after)
    return tuple(found)


def made_visible(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces, with invisible changes spelled out: changed whitespace, and different texts that look the same."""
    whole = tuple(pieces)
    found = list(whole)
    for number, piece in enumerate(whole):
        after = whole[number + 1] if number + 1 < len(whole) else None
        if piece.mark in (Mark.REMOVED, Mark.ADDED) and not as_seen(piece.text):
            found[number] = Piece(piece.mark, spelled_out(piece.text))
        elif piece.mark is Mark.REMOVED and after is not None and looks_the_same(piece.text, after.text):
            removed, added = _with_scripts(piece.text, after.text)
            found[number] = Piece(piece.mark, spelled_out(removed))
            found[number + 1] = Piece(after.mark, spelled_out(added))
    return tuple(found)


def looks_the_same(one: str, other: str) -> bool:
    """Whether two different texts cannot be told apart on a screen."""
    return one != other and as_seen(one) == as_seen(other)


def escaped_unlike(text: str, other: str) -> str:
    """The text with its invisible characters spelled out if the other text has different ones; spaces stay."""
    mine, theirs = (Counter(char for char in side if _is_invisible(char)) for side in (text, other))
    return "".join(_spelled(char) if _is_invisible(char) else char for char in text) if mine != theirs else text


def _is_invisible(char: str) -> bool:
    return not char.isprintable() and char not in "\n\u200d"  # the second joins emoji


def spelled_out(text: str) -> str:
    r"""A text with invisible characters as `\u200b` and the like, and leading, trailing and doubled spaces as `·`."""
    inner = re.sub(_OUTER_OR_DOUBLED, lambda spaces: "·" * len(spaces[0]), text)
    return "".join(char if char in " ·" else _spelled(char) for char in inner)


def both_spelled_out(one: str, other: str) -> tuple[str, str]:
    """Two texts that look the same, with what differs marked on both sides: `a··b` and `a·b`."""
    one, other = _with_scripts(one, other)
    left, right = re.split(r"(\s+)", one), re.split(r"(\s+)", other)
    if len(left) != len(right) or left[::2] != right[::2]:
        return spelled_out(one), spelled_out(other)
    pairs = tuple(zip(left, right, strict=True))
    return _side(pairs, 0), _side(pairs, 1)


def _with_scripts(one: str, other: str) -> tuple[str, str]:
    """Two texts that look the same, with the script of each letter that differs: `w(Latin a)rm`, `w(Cyrillic а)rm`."""
    if len(one) == len(other):
        differ = {
            place
            for place, (left, right) in enumerate(zip(one, other, strict=True))
            if left != right and _look(left) == _look(right) and left.isalpha() and right.isalpha()
        }
        return _marked(one, differ), _marked(other, differ)
    mine, theirs = ({place for place, char in enumerate(text) if ord(char) in _LOOK_ALIKE} for text in (one, other))
    if Counter(one[place] for place in mine) == Counter(other[place] for place in theirs):
        return one, other
    return _marked(one, mine), _marked(other, theirs)


def _marked(text: str, places: Container[int]) -> str:
    """The text with the letters at some places in brackets, after the name of their script; neighbours share it."""
    found: list[str] = []
    for script, letters in groupby(enumerate(text), lambda each: _script(each[1]) if each[0] in places else ""):
        run = "".join(char for _, char in letters)
        found.append(f"({script} {run})" if script else run)
    return "".join(found)


def _script(letter: str) -> str:
    """`Cyrillic`: the first word of the letter's name."""
    return unicodedata.name(letter, "other").split()[0].capitalize()


def _look(text: str) -> str:
    """A text with its letters as they look."""
    return unicodedata.normalize("NFD", text).translate(_LOOK_ALIKE)


def _side(pairs: Iterable[tuple[str, str]], side: int) -> str:
    marked = (pair[side].replace(" ", "·") if pair[0] != pair[1] else pair[side] for pair in pairs)
    return spelled_out("".join(marked))


def _common(one: list[str], other: list[str]) -> int:
    """How many words two lists share at the beginning."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    from difflib import SequenceMatcher

    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece(Mark.KEPT, "".join(old[old_from:old_to]))
            continue
        yield Piece(Mark.REMOVED, "".join(old[old_from:old_to]))
        yield Piece(Mark.ADDED, "".join(new[new_from:new_to]))


def _unless_patchy(pieces: tuple[Piece, ...], old: str, new: str) -> tuple[Piece, ...]:
    """The pieces; or the two texts, one after the other, if they share too little to be read as one."""
    kept = sum(_letters(piece.text) for piece in pieces if piece.mark is Mark.KEPT)
    if kept * 3 >= min(_letters(old), _letters(new)):
        return pieces
    return (Piece(Mark.REMOVED, old), Piece(Mark.ADDED, new))


def _letters(text: str) -> int:
    return sum(len(word) for word in text.split())


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, with changes joined if only a space separates them: people read phrases."""
    found: list[Piece] = []
    for piece in _phrases(tuple(pieces)):
        if found and found[-1].mark is piece.mark:
            found[-1] = Piece(piece.mark, found[-1].text + piece.text)
        else:
            found.append(piece)
    return found


def _phrases(pieces: tuple[Piece, ...]) -> list[Piece]:
    """The pieces, with each space between two changes counted towards both; removed text comes before new text."""
    found: list[Piece] = []
    removed, added = "", ""
    for number, piece in enumerate(pieces):
        between = 0 < number < len(pieces) - 1 and piece.mark is Mark.KEPT and not piece.text.strip()
        if piece.mark is Mark.KEPT and not between:
            found += [Piece(Mark.REMOVED, removed), Piece(Mark.ADDED, added), piece]
            removed, added = "", ""
            continue
        removed += piece.text if piece.mark is not Mark.ADDED else ""
        added += piece.text if piece.mark is not Mark.REMOVED else ""
    found += [Piece(Mark.REMOVED, removed), Piece(Mark.ADDED, added)]
    return [piece for piece in found if piece.text]


def _shortened(text: str, before: int, after: int) -> Iterator[Piece]:
    """The first `before` and the last `after` words of an unchanged run, with a gap for what lies between."""
    tokens = re.findall(_WORDS, text)
    places = [number for number, token in enumerate(tokens) if not token.isspace()]
    if len(places) <= before + after + 2:
        yield Piece(Mark.KEPT, text)
        return
    head = tokens[: places[before]] if before else []
    tail = tokens[places[-after - 1] + 1 :] if after else []
    if head:
        yield Piece(Mark.KEPT, "".join(head))
    yield Piece(Mark.GAP, ELLIPSIS)
    if tail:
        yield Piece(Mark.KEPT, "".join(tail))


def as_seen(text: str) -> str:
    """The same for all texts that cannot be told apart on a screen."""
    shown = "".join(char for char in _look(text) if unicodedata.category(char) not in ("Cf", "Cc") or char in "\t\n")
    return " ".join(shown.split())


def _spelled(char: str) -> str:
    return char if char.isprintable() and not unicodedata.combining(char) else spelled(char)
