"""Text written by an AI or a stranger, made safe to show."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSAFE: Final = (  # compiled on first use: most texts are plain ASCII
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: terminal escapes start with one of these
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # bidi controls, and zero-width characters
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff"  # halves of surrogate pairs, which no encoder accepts
    "\ufff9-\ufffb\U000e0000-\U000e007f"  # interlinear annotations and tags: text that nobody sees
    "\ufffe\uffff"  # not characters at all, and refused by YAML
    "]"
)


_UNUSUAL_SPACE: Final = "[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"


def normal_text(text: str) -> str:
    r"""The form in which two texts are compared: NFC, line endings as `\n`, no leading or trailing whitespace.

    It is not documented what the API does to texts (remote-api.md 17.7). Without this, a text that came back slightly
    different would be written, and generated from, in every run.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def about(subject: str, message: str, *, continues: bool) -> str:
    """`toneOfVoice: expected text`, or `policy.maxPublish is 0` if the message continues the sentence."""
    return f"{subject} {message}" if continues else f"{subject}: {message}"


def spoken(slug: str) -> str:
    """A slug as people read it: `not-started` becomes "not started"."""
    return slug.replace("-", " ")


def printable(text: str) -> str:
    r"""The text with every control character, bidi control and line break spelled out (`\x1b`, `\u202e`).

    Letters, emoji and their joiners stay as they are, so that every script reads correctly.
    """
    if text.isascii() and text.isprintable():
        return text  # most texts, and this runs for each
    return re.sub(_UNSAFE, _spelled, text)


def visible(text: str) -> str:
    r"""The text as `printable` returns it, with unusual space characters spelled out too (`\xa0`)."""
    shown = printable(text)
    return shown if shown.isascii() else re.sub(_UNUSUAL_SPACE, _spelled, shown)


def in_quotes(text: str) -> str:
    """A value inside a sentence: `'dry'`, in single quotes whatever it contains.

    Titles of posts, activities and events have double ones.
    """
    return f"'{visible(text)}'"


def _spelled(found: re.Match[str]) -> str:
    return spelled(found.group())


def spelled(character: str) -> str:
    r"""An invisible character, escaped as in double-quoted YAML: `\n`, `\x1b`, `\u200b`."""
    short = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(character)
    if short is not None:
        return short
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
