"""A client of a sandbox for tests, with the names that they share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import httpx

from reconciler.sandbox.app import Sandbox

Json = dict[str, Any]

SITE = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
OTHER = "aaaaaaaa-8d0b-4b7c-9a55-0c5a6f9a1e02"
ACCOUNT = "1f0c2a9e-0000-4b7c-9a55-0c5a6f9a1e99"
NOBODY = "99999999-0000-4000-8000-000000000000"  # an id that is nowhere
PLAN = "/promote/marketing-plan-service/v1"
PUBLISHER = "/social-publisher/v1"
HEADERS = {"authorization": "a-key", "wix-site-id": SITE}
TUESDAY = "2026-12-01T08:00:00Z"  # its next week ends on the 13th, its next month on 31 January


class Remote:
    """A world and a client of it."""

    def __init__(self, sandbox: Sandbox, send: Callable[[httpx.Request], httpx.Response]) -> None:
        self.sandbox = sandbox
        self._send = send

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """One request; `headers` replaces the usual ones, `content` sends bytes, `params` is the query."""
        options.setdefault("headers", HEADERS)
        return self._send(httpx.Request(method, f"http://127.0.0.1{path}", json=json, **options))

    def get(self, path: str, status: int = 200, **options: Any) -> Json:
        return self._checked("GET", path, None, status, options)

    def post(self, path: str, json: Any = None, status: int = 200, **options: Any) -> Json:
        return self._checked("POST", path, {} if json is None else json, status, options)

    def put(self, path: str, json: Any, status: int = 200, **options: Any) -> Json:
        return self._checked("PUT", path, json, status, options)

    def patch(self, path: str, json: Any, status: int = 200, **options: Any) -> Json:
        return self._checked("PATCH", path, json, status, options)

    def delete(self, path: str, status: int = 200, **options: Any) -> Json:
        return self._checked("DELETE", path, None, status, options)

    def _checked(self, method: str, path: str, json: Any, status: int, options: Json) -> Json:
        answer = self.ask(method, path, json, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["x-wix-request-id"]  # every response carries it (S-sdk)
        return cast(Json, answer.json())

    def later(self, seconds: float) -> None:
        self.sandbox.advance(timedelta(seconds=seconds))

    def plan(self, **window: str) -> Json:
        return self.get(f"{PLAN}/marketing-plan", params={f"timeframe.{name}": each for name, each in window.items()})

    def activities(self, **window: str) -> list[Json]:
        return cast(list[Json], self.plan(**window).get("marketingActivities", []))

    def generate(self) -> list[Json]:
        """A generation from start to end; its activities."""
        self.post(f"{PLAN}/marketing-plan/generate-marketing-plan")
        self.later(2)
        return self.activities()

    def drafts(self) -> list[Json]:
        return [item for activity in self.activities() for item in activity.get("items", [])]


def code(answer: Json) -> str:
    """The code of an application error."""
    return cast(str, answer["details"]["applicationError"]["code"])


def field(answer: Json) -> str:
    """The field of the first violation of a validation error."""
    return cast(str, answer["details"]["validationError"]["fieldViolations"][0]["field"])
