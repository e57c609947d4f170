"""Values as people type them in YAML, and changes of them: what is new, what is gone, what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from reconciler.model.canonical import Json, JsonObject
from reconciler.model.operations import FieldChange
from reconciler.planner.changes import Step, details_of
from reconciler.reporters.differences import Mark, around_changes, compare_words, looks_the_same, spelled_out
from reconciler.reporters.layout import Span, Style

LONG: Final = 60
"""Characters from which on a changed text is shown by the words that changed."""

LONGEST: Final = 160
"""Characters of one value that are shown; `--explain` and the other formats have all of it."""

_PLAIN = re.compile(r"[^\W\d_][^:#\[\]{},&*!|>'\"%@`\n\t]*\Z")
_NO_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class ChangeRow(Struct, frozen=True):
    """One changed field: a symbol, its name, and what becomes of it."""

    symbol: str
    style: Style
    name: str
    spans: tuple[Span, ...]


def yaml(value: Json, *, whole: bool = False) -> str:
    """A value as one would write it in a line of YAML, shortened unless the whole of it is asked for."""
    text = _flow(value)
    if whole or len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"


def quoted(text: str) -> str:
    """A title or name in double quotes."""
    return f'"{text}"'


def change_row(change: FieldChange, *, whole: bool = False) -> ChangeRow:
    """How one field changes."""
    name = change.path.removeprefix("settings.")
    before, after = change.before, change.after
    if before is None:
        return ChangeRow("+", Style.GREEN, name, (Span(yaml(after, whole=whole), Style.GREEN),))
    if after is None:
        return ChangeRow("-", Style.RED, name, (Span(yaml(before, whole=whole), Style.RED),))
    if isinstance(before, tuple) and isinstance(after, tuple):
        return ChangeRow(" ", Style.PLAIN, name, tuple(_items(change, whole=whole)))
    if isinstance(before, str) and isinstance(after, str):
        if looks_the_same(before, after):
            shown = (Span(spelled_out(before), Style.RED), Span("->"), Span(spelled_out(after), Style.GREEN))
            return ChangeRow(" ", Style.PLAIN, name, (*shown, Span("(they look the same)", Style.DIM)))
        if max(len(before), len(after)) > LONG and not whole:
            return ChangeRow(" ", Style.PLAIN, name, tuple(_words(before, after)))
    old, new = (Span(yaml(side, whole=whole), style) for side, style in ((before, Style.RED), (after, Style.GREEN)))
    return ChangeRow(" ", Style.PLAIN, name, (old, Span("->"), new))


def is_read_by_parts(before: Json, after: Json) -> bool:
    """Whether a change is shown by what differs in it: two long texts, texts that look the same, two lists."""
    if isinstance(before, str) and isinstance(after, str):
        return max(len(before), len(after)) > LONG or looks_the_same(before, after)
    return isinstance(before, tuple) and isinstance(after, tuple)


def _items(change: FieldChange, *, whole: bool) -> Iterator[Span]:
    """`+ studio life  - politics`: a list is read by what is new in it and what is gone."""
    details = details_of(change)
    for detail in details:
        if detail.step is not Step.REMOVED:
            yield Span(f"+ {yaml(detail.after, whole=whole)}", Style.GREEN)
    for detail in details:
        if detail.step is not Step.ADDED:
            yield Span(f"- {yaml(detail.before, whole=whole)}", Style.RED)


def _words(before: str, after: str) -> Iterator[Span]:
    """The words that changed, as `git diff --word-diff` marks them."""
    forms = {
        Mark.KEPT: ("{}", Style.PLAIN),
        Mark.GAP: ("{}", Style.DIM),
        Mark.REMOVED: ("[-{}-]", Style.RED),
        Mark.ADDED: ("{{+{}+}}", Style.GREEN),
    }
    for number, piece in enumerate(around_changes(compare_words(before, after))):
        form, style = forms[piece.mark]
        yield Span(form.format(piece.text.replace("\n", " ")), style, glued=number > 0)


def _flow(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.casefold() not in _NO_TEXT else _text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_flow(member) for member in value)}]"
    if isinstance(value, JsonObject):
        return "{" + ", ".join(f"{key}: {_flow(member)}" for key, member in value.items()) + "}"
    return str(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
