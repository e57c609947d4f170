"""Values as people type them in YAML, on one line."""

from __future__ import annotations

import json
import re
from typing import Final

from reconciler.model.canonical import Json, JsonObject
from reconciler.model.differences import spelled_out
from reconciler.model.text import in_quotes, visible

_PLAIN: Final = r"[^\W\d_][^:#\[\]{},&*!|>'\"%@`\n\t]*\Z"
_DATE: Final = r"(?a)\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?\Z"
"""Written without quotes in a file, although YAML 1.1 would not read it as text."""

_SPACES: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

_NO_TEXT: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def yaml_text(value: Json) -> str:
    """A value as it would be written on one line of YAML: `{count: 3, interval: WEEK}`.

    Keys are in alphabetical order, because a saved plan and the site may have them in a different order from the file.
    Spaces around a text, which nobody would see, are spelled out: `[politics, religion·]`.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        inner = value.strip(_SPACES)
        plain = re.match(_PLAIN, inner) and inner.casefold() not in _NO_TEXT
        before, _, after = value.partition(inner) if inner else (value, "", "")
        if not (plain or re.match(_DATE, value)):
            inner = quoted_text(inner)[1:-1]
            return f'"{spelled_out(before)}{inner}{spelled_out(after)}"'
        return f"{spelled_out(before)}{inner}{spelled_out(after)}"
    if isinstance(value, tuple):
        return f"[{', '.join(yaml_text(member) for member in value)}]"
    if isinstance(value, JsonObject):
        return "{" + ", ".join(f"{key}: {yaml_text(member)}" for key, member in sorted(value.items())) + "}"
    return str(value)


def quoted_text(text: str) -> str:
    """A text in double quotes, with quotes and line breaks in it escaped."""
    return json.dumps(text, ensure_ascii=False)


def in_sentence(value: Json) -> str:
    """A value inside a sentence: texts in quotes, no value as `empty`."""
    if value is None:
        return "empty"
    return in_quotes(value) if isinstance(value, str) else visible(yaml_text(value))
