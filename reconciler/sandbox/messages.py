"""Owns the form of requests and answers on the ASGI side."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

from reconciler.sandbox.errors import unparsable
from reconciler.sandbox.json_types import JsonDict

AsgiScope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, completely read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it contains."""
        return self.body.decode("utf-8", "replace")

    def parameters(self) -> dict[str, list[str]]:
        """The query parameters; arrays are repeated keys (S-wix, S-sdk)."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    def json(self) -> JsonDict:
        """The body: a JSON object; no body counts as an empty one (I). Anything else is 400 (D, S-wix)."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body, parse_constant=_no_number, parse_float=_finite)  # proto3 JSON
            if b"\\u" in self.body:
                json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is not text (proto3 JSON)
        except (ValueError, RecursionError):
            raise unparsable() from None
        if not isinstance(value, dict):
            raise unparsable()
        return value


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_number(text)


@dataclass(slots=True)
class HttpResponse:
    """One answer: status, body and headers. `respond` adds content-length and, if it is missing, content-type."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def encoded(value: object) -> bytes:
    """A body in JSON; for None, an empty body, as system errors have (D). A lone surrogate is sent as its escape."""
    if value is None:
        return b""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


LARGEST = 4 * 1024 * 1024
"""The limit for a request's body, in bytes; real ones, even a bulk of a hundred posts, are far smaller."""


class TooLarge(ValueError):
    """A body larger than any real one; the rest of it is not read."""


async def read(scope: AsgiScope, receive: Receive) -> HttpRequest:
    """The request of a connection. Raises TooLarge."""
    parts: list[bytes] = []
    more, size = True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST:
            raise TooLarge(f"a body of more than {LARGEST} bytes is not read")
        more = message.get("more_body", False)
    return HttpRequest(
        method=scope["method"].upper(),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(parts),
    )


async def respond(send: Send, given: HttpResponse, announced: int | None = None) -> None:
    """Sends an answer. `announced`: a length other than the body's, for a connection lost on the way."""
    headers = {"content-type": "application/json", **given.headers}
    if not given.body and announced is None:
        headers.pop("content-type")
    headers["content-length"] = str(len(given.body) if announced is None else announced)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": given.status, "headers": raw})
    await send({"type": "http.response.body", "body": given.body, "more_body": announced is not None})


async def lifespan(receive: Receive, send: Send) -> None:
    """Confirms start-up and shutdown: a world needs neither."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
