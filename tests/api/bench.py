"""A clock that stands still, a scripted remote side, and a client over that or over a sandbox."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx

from reconciler.api.client import FullClient
from reconciler.api.limits import USUAL, Limits, Timeouts
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey, Credential
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef

Step: TypeAlias = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]

KEY = "IST.canary-of-the-key-0123456789"
APP_ID = "canary-app-id-0123456789"
APP_SECRET = "canary-of-the-app-secret-0123456789"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    at: datetime = NOW
    slept: list[float] = field(default_factory=list)

    @property
    def handed_in(self) -> Clock:
        return Clock(self.now, self.sleep, time.monotonic)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass
class Remote:
    """A remote side that answers by script: one step per request, the last one for all further requests."""

    steps: Sequence[Step]
    requests: list[httpx.Request] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """Method and last part of the path of each request."""
        return [f"{request.method} {request.url.path.rsplit('/', 1)[-1]}" for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx.Response):
            return httpx.Response(step.status_code, headers=step.headers, content=step.content)
        return step(request)


@dataclass
class Bench:
    """A client over a scripted remote side, with what it needs."""

    clock: FakeClock
    site: SiteRef
    timeouts: Timeouts = USUAL

    def client(
        self, remote: Callable[[httpx.Request], Any], credential: Credential | None = None, **limits: int
    ) -> FullClient:
        return self.over(httpx.MockTransport(remote), credential, **limits)

    def over(
        self, transport: httpx.AsyncBaseTransport, credential: Credential | None = None, **limits: int
    ) -> FullClient:
        chosen = credential or ApiKey(Secret(KEY))
        return FullClient(
            "http://localhost",
            credentials=lambda _: chosen,
            limits=Limits(**limits),
            clock=self.clock.handed_in,
            transport=transport,
            jitter=random.Random(7).random,
            timeouts=self.timeouts,
        )


def remote(*steps: Step) -> Remote:
    """A scripted remote side."""
    return Remote(steps)


def ok(body: object = None, status: int = 200, **headers: str) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, json={} if body is None else body, headers={"x-wix-request-id": "r-1", **headers})


def refused(status: int, code: str = "SOME_CODE", text: str = "no", **headers: str) -> httpx.Response:
    """An error in the documented envelope."""
    error = {"message": text, "details": {"applicationError": {"code": code, "description": text, "data": {}}}}
    return ok(error, status, **headers)
