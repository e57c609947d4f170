"""Texts as HTML: nothing that an AI or a stranger wrote is markup, is invisible, or is obeyed by a CI runner."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib import resources
from typing import Final

from reconciler.model.differences import (
    Mark,
    around_changes,
    both_spelled_out,
    compare_words,
    looks_the_same,
    made_visible,
)
from reconciler.model.text import printable

LONG: Final = 1_500
"""If two texts have more characters than this together, only the parts around their differences are shown."""

_TAGS: Final = {Mark.KEPT: "{}", Mark.GAP: '<span class="soft">{}</span>', Mark.REMOVED: "<del>{}</del>"}
_ADDED: Final = "<ins>{}</ins>"


def text(value: str) -> str:
    """A text of one line, as HTML."""
    return escape(printable(value)).replace("::", ":&#58;").replace("##", "#&#35;")


def lines(value: str) -> str:
    r"""A text with its own line breaks. `\r\n` is one."""
    return "\n".join(text(line) for line in value.replace("\r\n", "\n").split("\n"))


def word_diff(before: str, after: str) -> str:
    """Two texts as one, with `<del>` and `<ins>` around the words that differ."""
    if looks_the_same(before, after) and len(before) + len(after) <= LONG:
        old, new = both_spelled_out(before, after)
        return f'<del>{text(old)}</del> <ins>{text(new)}</ins> <span class="soft">(they look the same)</span>'
    pieces = compare_words(before, after)
    if len(before) + len(after) > LONG:
        pieces = around_changes(pieces, words=25)
    return "".join(_TAGS.get(piece.mark, _ADDED).format(lines(piece.text)) for piece in made_visible(pieces))


def link(url: str) -> str:
    """A link, if it leads to https and has no invisible characters; otherwise its address as text."""
    if url.lower().startswith("https://") and printable(url) == url:
        return f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{text(url)}</a>'
    return f"<code>{text(url)}</code>"


def resource(package: str, name: str) -> str:
    """A text file in one of this project's packages."""
    return resources.files(package).joinpath(name).read_text("utf-8")


def hashed(text: str) -> str:
    """The hash by which a content security policy allows a style or a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def bullets(items: Iterable[str], kind: str = "") -> str:
    """A list of pieces that are already markup; empty if there are none."""
    inner = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="{kind}">{inner}</ul>' if inner else ""
