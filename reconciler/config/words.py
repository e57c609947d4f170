"""Small building blocks of messages about files: paths, quotes, lists, close matches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from reconciler.model.text import in_quotes

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value is within its document: keys, and positions counted from 0."""

NOTHING: Final = {"activities": "[]", "posts": "[]", "schedule": "{rules: []}"}
"""How a site's file says that it has no rules in a section, whatever `defaults` has."""

_KEY_LIKE = r"IST\.[A-Za-z0-9_-]{8}|eyJ[A-Za-z0-9_-]{16}"
"""What a Wix API key, or any JSON web token, looks like. It is never quoted, wherever it was put by mistake."""

_PLAIN_KEY = r"[A-Za-z0-9_-]{1,60}\Z"


def dotted(path: KeyPath) -> str:
    """`posts[0].match.within`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + _key(step)
    return text


def _key(key: str) -> str:
    return key if re.match(_PLAIN_KEY, key) and not looks_secret(key) else quoted(key)


def quoted(value: Any) -> str:
    """A scalar as a message shows it: short, control characters made visible, nothing that looks like a key."""
    if isinstance(value, str):
        return "'***'" if looks_secret(value) else in_quotes(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int | float) else "this"


def looks_secret(text: str) -> bool:
    """Whether a text looks like a key or token."""
    return bool(re.search(_KEY_LIKE, text))


def listed(words: Iterable[Any], last: str = "") -> str:
    """`a, b, c`; if `last` is `or`, `a, b or c`."""
    texts = [str(word) for word in words]
    if last and len(texts) > 1:
        return f"{', '.join(texts[:-1])} {last} {texts[-1]}"
    return ", ".join(texts)


def close_match(word: str, allowed: Iterable[str], *, alone: bool = False) -> str | None:
    """The word that was probably meant. With `alone`, only if no other word is close."""
    from difflib import get_close_matches

    by_folded: dict[str, str] = {}
    for name in allowed:
        by_folded.setdefault(name.casefold(), name)
    found = get_close_matches(word.casefold()[:100], list(by_folded), n=2, cutoff=0.7)
    return by_folded[found[0]] if found and not (alone and len(found) > 1) else None
