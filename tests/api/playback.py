"""Plays back what `doctor --probe` recorded (reconciler/api/cassette.py)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import httpx

from reconciler.api.cassette import FORMAT_VERSION, KIND
from reconciler.model.canonical import Json, JsonObject, freeze

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?")


def playback(data: bytes) -> httpx.MockTransport:
    """Answers requests as recorded in a cassette; 501 for a request that is not in it."""
    document = json.loads(data)
    assert (document["kind"], document["formatVersion"]) == (KIND, FORMAT_VERSION)

    def answer(request: httpx.Request) -> httpx.Response:
        query = [list(pair) for pair in request.url.params.multi_items()]
        body = freeze(json.loads(request.content)) if request.content else None
        for found in document["exchanges"]:
            asked = (found["method"], found["path"], found["query"])
            if asked == (request.method, request.url.path, query) and _same(freeze(found["body"]), body):
                return httpx.Response(found["status"], json=found["answer"])
        return httpx.Response(501, json={"message": "this request is not on the cassette"})

    return httpx.MockTransport(answer)


def _same(one: Json, other: Json) -> bool:
    return bool(_without_times(one) == _without_times(other))


def _without_times(value: Json) -> Any:
    """A body without its times, because a later run asks for a later range."""
    if isinstance(value, JsonObject):
        return {key: _without_times(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [_without_times(member) for member in value]
    return "time" if isinstance(value, str) and _TIME.fullmatch(value) else value
