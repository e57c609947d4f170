"""Cassettes: requests and their answers without anything personal, so that tests can play them back.

What is kept: shapes, names of members, the API's own words (statuses), numbers, times, and texts under a few names that
say nothing about anybody. Ids are replaced consistently; other texts become `text`. No header is kept.
"""

from __future__ import annotations

import json
import re
from typing import Final

from msgspec import Struct, field

from reconciler.api.routes import ReadCall
from reconciler.model.canonical import Json, JsonObject, thaw

KIND: Final = "reconciler-cassette"
FORMAT_VERSION: Final = 1

KEPT: Final = frozenset({"language", "languageCode", "country", "timeZone", "paymentCurrency", "version"})
"""Names whose texts are kept: they say which country and language a site has, and no more."""

WORDS: Final = frozenset(
    {
        "status", "type", "interval", "frequency", "goalKey", "pointOfView", "marketingTools", "socialChannels",
        "period", "marketingActivityType", "channelName", "planGoalKey", "pointOfViewKey", "code", "namespace",
        "featureType",
    }
)  # fmt: skip
"""Names under which upper-case words are the API's own."""

CHANNELS: Final = frozenset({"FACEBOOK", "GBP", "INSTAGRAM", "LINKEDIN", "PINTEREST", "TIKTOK", "TWITTER", "YOUTUBE"})
"""The possible names of a channel (D)."""

LONG: Final = 9
"""A text that is a number of at least this many characters is taken for an id."""

_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?")
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,6})?")


class Exchange(Struct, frozen=True):
    """One request and its answer. `query`: pairs in order; `answer` is None if it was not JSON."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Json
    status: int
    answer: Json


class Cassette(Struct):
    """A recording in progress."""

    exchanges: list[Exchange] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)

    def record(self, call: ReadCall, status: int, answer: Json) -> None:
        """Adds an exchange, made anonymous."""
        asked = tuple((name, self._text(value)) for name, value in call.query)
        body = None if call.body is None else self._value(call.body)
        self.exchanges.append(Exchange(call.method, self._path(call.path), asked, body, status, self._value(answer)))

    def text(self) -> str:
        """The text of the file."""
        exchanges = [
            {
                "method": exchange.method,
                "path": exchange.path,
                "query": [list(pair) for pair in exchange.query],
                "body": thaw(exchange.body),
                "status": exchange.status,
                "answer": thaw(exchange.answer),
            }
            for exchange in self.exchanges
        ]
        document = {"kind": KIND, "formatVersion": FORMAT_VERSION, "exchanges": exchanges}
        return json.dumps(document, indent=1, ensure_ascii=True) + "\n"

    # --- making anonymous

    def _path(self, path: str) -> str:
        return _GUID.sub(lambda found: self._id(found[0]), path)

    def _value(self, value: Json, name: str = "") -> Json:
        if isinstance(value, JsonObject):
            return JsonObject({key: self._value(member, key) for key, member in value.items()})
        if isinstance(value, tuple):
            return tuple(self._value(member, name) for member in value)
        return self._text(value, name) if isinstance(value, str) else value

    def _text(self, text: str, name: str = "") -> str:
        if _GUID.fullmatch(text):
            return self._id(text)
        if not text or name in KEPT or text in CHANNELS or _TIME.fullmatch(text):
            return text
        if _NUMBER.fullmatch(text):
            return text if len(text) < LONG else self._number(text)
        if _WORD.fullmatch(text) and name in WORDS:
            return text
        return "https://example.com/text" if text.startswith("https://") else "text"

    def _number(self, text: str) -> str:
        """A long number may be somebody's id too."""
        return self._ids.setdefault(text, f"{len(self._ids) + 1:0{len(text)}d}")

    def _id(self, id: str) -> str:
        return self._ids.setdefault(id.lower(), f"00000000-0000-4000-8000-{len(self._ids) + 1:012d}")
