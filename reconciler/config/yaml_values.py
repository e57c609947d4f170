"""Values as YAML that people like to read and edit: short ones on one line, long texts as blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from yaml.nodes import ScalarNode

from reconciler.config.yaml_edit import as_item, block, quoted, scalar
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.text import printable

WIDTH: Final = 100
"""The last column for a list or an object on one line."""


def yaml_value(value: Json, indent: int = 0, used: int = 0) -> str:
    """What follows a key and its colon: ` text`, or lines below it indented by `indent`.

    `used` is how many columns of the key's line are already taken.
    """
    line = one_line(value)
    if isinstance(value, str):
        return f" {_text(value, indent)}"
    if not isinstance(value, JsonObject | tuple) or not value:
        return f" {line}"
    short = used + 1 + len(line) <= WIDTH
    if short and all(not isinstance(member, JsonObject | tuple) for member in _members(value)):
        return f" {line}"
    blank = " " * indent
    if isinstance(value, JsonObject):
        lines = [
            f"{blank}{scalar(key)}:{yaml_value(member, indent + 2, indent + len(key) + 1)}"
            for key, member in value.items()
        ]
    else:
        return "\n" + "".join(as_item(item_lines(member), indent) for member in value).rstrip("\n")
    return "\n" + "\n".join(lines)


def item_lines(value: Json) -> list[str]:
    """An item of a list, as lines without indentation: see yaml_edit.as_item."""
    if isinstance(value, JsonObject) and value and 6 + len(one_line(value)) > WIDTH:
        lines = [f"{scalar(key)}:{yaml_value(member, 2)}" for key, member in value.items()]
        return "\n".join(lines).split("\n")
    return (_text(value, 2) if isinstance(value, str) else one_line(value)).split("\n")


def one_line(value: Json) -> str:
    """A value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, JsonObject):
        return "{" + ", ".join(f"{scalar(key)}: {one_line(member)}" for key, member in value.items()) + "}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(one_line, value))}]"
    return _scalar(value)


def in_style_of(old: Any, value: Json, text: str) -> str:
    """A value in the quotes of the node that it replaces, if that is a text in quotes; otherwise `text`."""
    style = old.style if isinstance(old, ScalarNode) else None
    if not isinstance(value, str) or "\n" in value or style not in ("'", '"'):
        return text
    return "'" + value.replace("'", "''") + "'" if style == "'" and printable(value) == value else quoted(value)


_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?")
"""Dates are text in our files, as in YAML 1.2, and nobody quotes them."""


def _scalar(text: str) -> str:
    return text if _TIME.fullmatch(text) else scalar(text)


def _text(text: str, indent: int) -> str:
    """A text of several lines as a literal block without a final newline; any other text on one line."""
    written = block(text, indent) if "\n" in text else _scalar(text)
    return f"|-{written[1:]}" if written.startswith("|\n") else written


def _members(value: JsonObject | tuple[Json, ...]) -> Iterator[Json]:
    yield from value.values() if isinstance(value, JsonObject) else value


SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no YAML can contain."""


def texts_of(value: Json) -> str:
    """All texts of a value, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, JsonObject):
        return "".join(f"{key}{texts_of(member)}" for key, member in value.items())
    if isinstance(value, tuple):
        return "".join(map(texts_of, value))
    return ""


def comment(text: str) -> str:
    """A text for a comment on one line: its line breaks become spaces."""
    return re.sub(r"[\r\n\x85\u2028\u2029]", " ", text)
