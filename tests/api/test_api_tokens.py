"""Tokens of apps: fetched once, renewed in time, and once more after a 401."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx
import pytest

from reconciler.api.errors import ApiError, ErrorKind
from reconciler.model.address import SiteName
from reconciler.model.credentials import AppCredentials
from reconciler.model.diagnostics import UsageError
from reconciler.model.marketing_plan import Generate
from reconciler.model.outcomes import NotDone
from reconciler.model.sites import Need, SiteRef
from reconciler.sandbox.app import Sandbox
from tests.api.bench import APP_ID, APP_SECRET, Bench, ok, refused, remote


class Tokens:
    """A remote side that hands out numbered tokens, and accepts the last of them."""

    def __init__(self, lifetime: object = 14400) -> None:
        self.lifetime = lifetime
        self.handed_out: list[dict[str, str]] = []
        self.seen: list[httpx.Request] = []
        self.revoked: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            self.handed_out.append(json.loads(request.content))
            assert "authorization" not in request.headers
            return ok({"access_token": f"token-{len(self.handed_out)}", "expires_in": self.lifetime})
        self.seen.append(request)
        if request.headers["authorization"] in self.revoked:
            return refused(401, "UNAUTHENTICATED")
        return ok({"status": "ACTIVE"})


def test_a_token_is_asked_for_once_even_by_many_at_once(bench: Bench, app: AppCredentials) -> None:
    side = Tokens()

    async def many() -> None:
        client = bench.client(side, app)
        await asyncio.gather(*(client.endpoints.marketing_plan(bench.site) for _ in range(20)))

    asyncio.run(many())
    assert side.handed_out == [
        {
            "grant_type": "client_credentials",
            "client_id": APP_ID,
            "client_secret": APP_SECRET,
            "instance_id": "inst-1",
        }
    ]
    assert {request.headers["authorization"] for request in side.seen} == {"token-1"}
    assert all("wix-site-id" not in request.headers for request in side.seen)


def test_two_sites_of_an_app_have_a_token_each(bench: Bench, app: AppCredentials) -> None:
    side = Tokens()
    other = SiteRef(SiteName("other"), "other-id", instance_id="inst-2")

    async def both() -> None:
        client = bench.client(side, app)
        for site in (bench.site, other, bench.site):
            await client.endpoints.marketing_plan(site)

    asyncio.run(both())
    assert [grant["instance_id"] for grant in side.handed_out] == ["inst-1", "inst-2"]


@pytest.mark.parametrize(
    ("lifetime", "age", "renewed"), [(14400, 14000, False), (14400, 14200, True), (None, 280, True)]
)
def test_a_token_is_renewed_before_it_ends(
    bench: Bench, app: AppCredentials, lifetime: object, age: int, renewed: bool
) -> None:
    side = Tokens(lifetime)

    async def later() -> None:
        client = bench.client(side, app)
        await client.endpoints.marketing_plan(bench.site)
        bench.clock.at += timedelta(seconds=age)
        await client.endpoints.marketing_plan(bench.site)

    asyncio.run(later())
    assert len(side.handed_out) == (2 if renewed else 1)


def test_a_token_that_is_refused_is_renewed_once(bench: Bench, app: AppCredentials) -> None:
    side = Tokens()
    side.revoked = {"token-1"}
    asyncio.run(bench.client(side, app).endpoints.marketing_plan(bench.site))
    assert [request.headers["authorization"] for request in side.seen] == ["token-1", "token-2"]


def test_a_second_401_is_an_error(bench: Bench, app: AppCredentials) -> None:
    side = Tokens()
    side.revoked = {"token-1", "token-2"}
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side, app).endpoints.marketing_plan(bench.site))
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert len(side.handed_out) == 2


def test_an_api_key_that_is_refused_is_not_tried_again(bench: Bench) -> None:
    side = remote(refused(401, "UNAUTHENTICATED"))
    with pytest.raises(ApiError, match="check the site's credential"):
        asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    assert len(side.requests) == 1


def test_a_refusal_in_the_shape_of_oauth_is_understood(bench: Bench, app: AppCredentials) -> None:
    side = remote(httpx.Response(400, json={"error": "invalid_client", "error_description": f"bad {APP_SECRET}"}))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side, app).endpoints.marketing_plan(bench.site))
    error = caught.value
    assert (error.kind, error.code, error.message) == (ErrorKind.UNAUTHENTICATED, "invalid_client", "bad ***")
    assert "check the app id and secret" in str(error)


def test_if_no_token_can_be_fetched_the_write_was_not_sent(bench: Bench, app: AppCredentials) -> None:
    side = remote(httpx.Response(500))
    (outcome,) = asyncio.run(bench.client(side, app).writer().perform(bench.site, [Generate()]))
    assert isinstance(outcome, NotDone)
    assert outcome.problem.code == "api-server-error"
    assert {request.url.path for request in side.requests} == {"/oauth2/token"}


@pytest.mark.parametrize("body", [{}, {"access_token": 3}, {"access_token": ""}, []])
def test_an_answer_without_a_token_is_an_error(bench: Bench, app: AppCredentials, body: object) -> None:
    with pytest.raises(ApiError, match="access_token"):
        asyncio.run(bench.client(remote(ok(body)), app).endpoints.marketing_plan(bench.site))


def test_an_app_needs_the_instance(bench: Bench, app: AppCredentials) -> None:
    with pytest.raises(UsageError, match="instanceId"):
        asyncio.run(bench.client(remote(ok()), app).endpoints.settings(SiteRef(SiteName("x"), "id")))


def test_the_sandbox_lets_an_app_in(bench: Bench, app: AppCredentials, sandbox_of: object) -> None:
    assert callable(sandbox_of)
    box: Sandbox = sandbox_of(plan="ACTIVE")

    async def read() -> object:
        async with bench.over(httpx.ASGITransport(box), app) as client:
            return (await client.reader().read(bench.site, frozenset({Need.MARKETING_PLAN}))).marketing_plan

    assert asyncio.run(read())
    assert box.gaps() == []
