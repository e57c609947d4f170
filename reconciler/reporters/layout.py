"""How words are put on a screen: colours, wrapping, tables.

Everything that is shown passes through `printable` here, whoever wrote it, so that no other module has to remember to
do that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.text import printable

NARROW: Final = 60
"""Below this width, a table has a line of words for each row."""

SUBJECT: Final = 16
"""The minimum width of a line's subject, so that what follows it starts in the same column."""

LEFT: Final = 4
"""Where a subject starts, after its symbol."""

_OBEYED: Final = r"(##\w*)\["
"""What CI runners obey anywhere in a line of a log: `##[error]`, `##vso[...]`."""

_PATH: Final = r"(?a)[A-Za-z]+(?:\[\d+\])?(?:\.[A-Za-z]+(?:\[\d+\])?)+:?"
"""The path of a field, which may break after a dot if it is longer than a line: `overrides.socialMarketing.enabled`."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""What comes before the route of an API call, which may break at a slash. The path of a file does not."""

_NEVER_FIRST: Final = frozenset(
    "\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"  # emoji variation selectors and skin tones
    ",.!?:;)]}'\"\u2019\u201d\u2026"
    "\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1a\uff1b\uff09\uff3d\uff5d\u300d\u300f\u3011\u3015\u3009\u300b\u30fb\u30fc\u3005"
    "\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
)
"""What no line begins with: emoji modifiers, closing punctuation, and small kana."""

_NEVER_LAST: Final = frozenset("([{'\"\u2018\u201c\uff08\uff3b\uff5b\u300c\u300e\u3010\u3014\u3008\u300a\u200d")
"""What no line ends with: opening punctuation, and what joins emoji."""

_MOMENT: Final = r"\b((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d(?: \d\d:\d\d)?)(?: (?:UTC|[A-Z]\w+/[\w/+-]+)\b)?"
"""A time as screens show it; its group is the part without the time zone."""


_CODE: Final = r"`[^`\0]+`"
"""What a fix asks people to type."""


def inert(text: str) -> str:
    r"""The text made printable, with what a CI runner takes for a command escaped: `##[error]` becomes `##\[error]`.

    `::error::` is a command only at the start of a line; `wrapped` takes care of that.
    """
    safe = printable(text)
    return re.sub(_OBEYED, r"\1\\[", safe) if "##" in safe else safe


def inert_json(document: str) -> str:
    """An equivalent JSON document in which no CI runner sees a command when it passes through a log."""
    return re.sub(_OBEYED, lambda found: r"\u0023" + found[0][1:], document)


def inert_lines(text: str) -> Iterator[str]:
    """The lines of a text, each inert, including what a CI runner would obey at the start of a line (`::error::`)."""
    for line in text.splitlines():
        safe = inert(line)
        indent = len(safe) - len(safe.lstrip())
        yield safe[:indent] + "\\" + safe[indent:] if safe[indent:].startswith("::") else safe


class Style(Enum):
    """The SGR code of a colour; PLAIN has none."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    GREEN = "32"
    YELLOW = "33"
    RED = "31"
    CYAN = "36"
    MAGENTA = "35"


class Screen(Struct, frozen=True):
    """Where a text is shown: its width in columns, and whether it takes colours.

    `measure` gives the present width of a terminal, which somebody may resize during a run.
    """

    fixed: int = 80
    colour: bool = False
    measure: Callable[[], int] | None = None

    @property
    def width(self) -> int:
        """The width in columns, now."""
        return self.fixed if self.measure is None else self.measure()

    def paint(self, text: str, style: Style = Style.PLAIN) -> str:
        """The text made printable, in colour if the screen has colours."""
        safe = inert(text)
        if not self.colour or style is Style.PLAIN or not safe:
            return safe
        return f"\x1b[{style.value}m{safe}\x1b[0m"


class Span(Struct, frozen=True):
    """A piece of a line. Lines break at its spaces; an id is never cut."""

    text: str
    style: Style = Style.PLAIN
    glued: bool = False
    """Whether it follows the span before it without a space, as parts of one text do."""


class Line(Struct, frozen=True):
    """A line before it is wrapped: where it starts, and where its continuation lines do.

    `cause` identifies a problem that is shown once, above the blocks that have it, if there are several; or a fix.
    """

    spans: tuple[Span, ...]
    indent: int = 0
    hang: int = 4
    cause: str = ""

    def on(self, screen: Screen) -> Iterator[str]:
        """The lines on a screen."""
        return wrapped(self.spans, screen, indent=self.indent, hang=self.hang)


def paragraph(lines: Iterable[Line], screen: Screen) -> Iterator[str]:
    """The lines on a screen, and an empty one after them; nothing without lines."""
    empty = True
    for line in lines:
        yield from line.on(screen)
        empty = False
    if not empty:
        yield ""


def columns(text: str) -> int:
    """How many columns a printable text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_column, text))


@lru_cache(4096)
def _column(character: str) -> int:
    if unicodedata.combining(character) or character == "\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fill(text: str, width: int) -> str:
    """The text padded with spaces to a width in columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(spans: Sequence[Span], screen: Screen, *, indent: int = 0, hang: int = 4) -> Iterator[str]:
    """Lines for a row of spans, broken at spaces. The first starts at `indent`, the others at `hang`.

    Spans are joined with two spaces. A span that would fit on a line of its own but not on the rest of this line moves
    to the next line as a whole. A word that is longer than a line gets its own line and runs over it; but
    the path of a field breaks at a dot, the route of an API call at a slash, and a text without spaces between words,
    such as Japanese, between its characters.
    """
    line, room = _Line(screen, indent), screen.width
    for number, span in enumerate(spans):
        text = inert(span.text)
        whole = columns(text)
        fits = span.glued or line.used + 2 + whole <= room
        if not line.empty and not fits and hang + whole <= room:
            yield line.text()
            line = _Line(screen, hang)
        if line.used + 2 + whole <= room and "::" not in text:  # most spans: nothing to escape or move
            line.add(0 if line.empty or span.glued else 2, text, whole, span.style)
            continue
        words = text.split(" ") if line.used + 2 + whole <= room else _words(text, room - hang)
        for place, word in enumerate(words):
            first = place == 0 and number > 0
            gap = 0 if line.empty or (first and span.glued) else 2 if first else 1
            width = columns(word)
            if not line.empty and line.used + gap + width > room and line.used + gap > hang:
                yield line.text()
                line, gap = _Line(screen, hang), 0
            if line.used + gap + width > room and (parts := _parts(word, words[place - 1] if place else "")):
                *steps, word = parts
                for step in steps:
                    wide = columns(step)
                    if not line.empty and line.used + gap + wide > room:
                        yield line.text()
                        line, gap = _Line(screen, hang), 0
                    line.add(gap, step, wide, span.style)
                    gap = 0
                width = columns(word)
                if line.used + width > room:
                    yield line.text()
                    line = _Line(screen, hang)
            line.add(gap, word, width, span.style)
    yield line.text()


def _parts(word: str, before: str) -> list[str]:
    """Where a word longer than a line may break: paths after dots, JSON after commas and braces, routes at slashes."""
    if before.removeprefix("(") in _METHODS:
        return re.findall(r"[^/]*/|[^/]+", word)
    if re.fullmatch(_PATH, word):
        return re.findall(r"[^.]+\.?", word)
    if not word.isascii():
        return _characters(word)
    # The texts in JSON contain blanks, so it may come in several words.
    is_json = re.match(r"\{(?!\+)|\[(?!-\D)", word) or '":' in word
    return re.findall(r"(?:\{\+|[^,{])*[,{]|(?:\{\+|[^,{])+", word) if is_json else []


def _characters(word: str) -> list[str]:
    """Where a word may break before or after wide characters; what belongs to one of them stays with it."""
    parts: list[str] = []
    before, wide = "", 0
    for character in word:
        width = _column(character)
        alone = width > 1 or wide > 1
        if not parts or (width and alone and character not in _NEVER_FIRST and before not in _NEVER_LAST):
            parts.append(character)
        else:
            parts[-1] += character
        before, wide = character, width or wide
    if len(parts) > 1 and parts[0] in ("[-", "{+"):  # a word that changed keeps its marks
        parts[:2] = ["".join(parts[:2])]
    if len(parts) > 1 and parts[-1] in ("-]", "+}"):
        parts[-2:] = ["".join(parts[-2:])]
    return parts if len(parts) > 1 else []


def _words(text: str, room: int) -> list[str]:
    """What a line may break between: words, but times and text in backquotes stay whole if they fit.

    A time is a text like `Thu 2026-12-03 09:30 Europe/Berlin`.
    """

    def kept(found: re.Match[str]) -> str:
        whole = found[0] if len(found[0]) < room else found[1]
        return whole.replace(" ", "\0") + found[0][len(whole) :]  # which no printable text contains

    def typed(found: re.Match[str]) -> str:
        return found[0].replace(" ", "\0") if len(found[0]) < room else found[0]

    text = re.sub(_CODE, typed, re.sub(_MOMENT, kept, text))
    return [word.replace("\0", " ") for word in text.split(" ")]


class _Line:
    """A line in progress; adjacent words of one colour are painted together."""

    def __init__(self, screen: Screen, indent: int) -> None:
        self._screen = screen
        self._runs: list[tuple[list[str], Style]] = [([" " * indent], Style.PLAIN)]
        self._at_start = True
        self.used = indent
        self.empty = True

    def add(self, gap: int, word: str, width: int, style: Style) -> None:
        if self._at_start and word.startswith("::"):
            word, width = "\\" + word, width + 1  # at the start of a line, CI runners would obey it
        pieces, last = self._runs[-1]
        if last is style:
            pieces += (" " * gap, word)
        else:
            self._runs += [([" " * gap], Style.PLAIN), ([word], style)]
        self.used += gap + width
        self.empty = False
        self._at_start = self._at_start and not word.strip()

    def text(self) -> str:
        return "".join(self._screen.paint("".join(pieces), style) for pieces, style in self._runs)


def subject_line(symbol: str, style: Style, subject: str, *spans: Span) -> Line:
    """`  ~ settings          ...`: a symbol, a subject, and what is said about it."""
    head = f"  {symbol} {subject}"
    room = LEFT + SUBJECT
    if spans and columns(head) < room:
        head += " " * (room - columns(head))
    return Line((Span(head.rstrip() if not spans else head, style), *spans), hang=LEFT + 4)


def outside(line: Line) -> Line:
    """A line of a block as it is shown outside one: two columns further to the left."""
    first, *others = line.spans
    spans = (replace(first, text=first.text.removeprefix("  ")), *others)
    return replace(line, spans=spans, indent=max(0, line.indent - 2), hang=line.hang - 2)


class Row(Struct, frozen=True):
    """A row of a table: its name, and a cell for each column of numbers, or one text instead."""

    name: str
    cells: tuple[int, ...] = ()
    text: str = ""
    style: Style = Style.PLAIN


def table(
    title: str, heads: Sequence[str], rows: Iterable[Row], screen: Screen, always: Container[str] = ()
) -> Iterator[str]:
    """A table of numbers, names first, the total last. A name too long for its column gets a line of its own.

    A narrow screen has one line for each row instead, with its numbers in words, and all of them in the total. If some
    do not fit, `…` takes their place, but those in the `always` columns are shown.
    """
    rows = tuple(rows)
    if screen.width < NARROW:
        yield from _rows_in_words(heads, rows, screen, always)
        return
    wide = [max([len(head), *(len(f"{row.cells[n]:,}") for row in rows if row.cells)]) for n, head in enumerate(heads)]
    numbers = sum(wide) + 2 * len(wide)
    widest = max([columns(title), *(columns(printable(row.name)) for row in rows)])
    room = max(columns(title), min(widest, screen.width - numbers))
    titles = "".join(f"  {head:>{each}}" for head, each in zip(heads, wide, strict=True))
    yield screen.paint(fill(title, room) + titles, Style.DIM)
    for row in rows:
        name = printable(row.name)
        if row.text:
            yield from wrapped((Span(fill(name, room), row.style), Span(row.text, row.style)), screen, hang=room + 2)
            continue
        if columns(name) > room:
            yield screen.paint(name, row.style)
            name = ""
        cells = "".join(f"  {f'{cell:,}' if cell else '-':>{each}}" for cell, each in zip(row.cells, wide, strict=True))
        yield screen.paint(fill(name, room) + cells, row.style)


def _rows_in_words(heads: Sequence[str], rows: Sequence[Row], screen: Screen, always: Container[str]) -> Iterator[str]:
    for row in rows:
        counted = [(n, column) for column, n in zip(heads, row.cells, strict=False) if n]
        room = 0 if row is rows[-1] else screen.width - columns(printable(row.name)) - 2
        yield from Line((Span(row.name, row.style), Span(_in_words(counted, room, always) or row.text))).on(screen)


def _in_words(counts: Sequence[tuple[int, str]], room: int, always: Container[str] = ()) -> str:
    """`12 change, 72 discard, …`: as many counts as there is room for, and all that are `always` shown.

    Without room for these, or for any, all of them: they take several lines.
    """
    every = shown = [f"{count:,} {what}" for count, what in counts]
    others = [text for text, (_, what) in zip(every, counts, strict=True) if what not in always]
    while shown and room > 0:
        text = ", ".join(shown if shown == every else [*shown, "…"])
        if columns(text) <= room:
            return text
        if not others:
            break
        last = others.pop()
        shown = [each for each in shown if each != last]
    return ", ".join(every)
