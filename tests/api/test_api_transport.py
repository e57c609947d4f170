"""What goes on the wire: which requests are sent, to whom, with which headers, and what is removed from answers."""

from __future__ import annotations

import asyncio
import gzip
import json

import httpx
import pytest

from reconciler.api import routes
from reconciler.api.address import WIX
from reconciler.api.client import ReadClient
from reconciler.api.decoding import LARGEST
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.limits import Limits
from reconciler.api.routes import ApiCall, ReadCall, ReadRoute, WriteRoute
from reconciler.api.transport import FullTransport, ReadTransport, WriteRefused
from reconciler.model.address import SiteName
from reconciler.model.credentials import ApiKey
from reconciler.model.diagnostics import UsageError
from reconciler.model.secret import Secret
from reconciler.model.sites import Need, SiteRef
from tests.api.bench import APP_SECRET, KEY, Bench, FakeClock, ok, refused, remote

ALL_ROUTES = [route for value in vars(routes).values() for route in (value if isinstance(value, tuple) else (value,))]
WRITES = [route for route in ALL_ROUTES if isinstance(route, WriteRoute)]
READS = [route for route in ALL_ROUTES if isinstance(route, ReadRoute)]


def test_every_route_is_a_read_or_a_write_and_there_are_many() -> None:
    assert len(WRITES) >= 20
    assert len(READS) >= 18


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.template}")
def test_a_reading_transport_refuses_every_write_before_it_is_sent(bench: Bench, route: WriteRoute) -> None:
    side = remote(ok())
    client = bench.client(side)
    reading = ReadTransport(client._connection)
    call = route.call(id="x") if "{id}" in route.template else route.call()
    disguised = ReadCall(**{name: getattr(call, name) for name in ApiCall.__struct_fields__})
    with pytest.raises(WriteRefused):
        asyncio.run(reading.read(disguised, bench.site))
    assert side.requests == []


@pytest.mark.parametrize("route", READS, ids=lambda route: f"{route.method} {route.template}")
def test_a_reading_transport_sends_every_read(bench: Bench, route: ReadRoute) -> None:
    side = remote(ok())
    reading = ReadTransport(bench.client(side)._connection)
    asyncio.run(reading.read(route.call(id="x", channel="INSTAGRAM"), bench.site))
    assert len(side.requests) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "get"])
def test_a_path_that_may_be_read_may_not_be_written(bench: Bench, method: str) -> None:
    side = remote(ok())
    reading = ReadTransport(bench.client(side)._connection)
    with pytest.raises(WriteRefused):
        asyncio.run(reading.read(ReadCall(method, routes.GET_MARKETING_PLAN.template), bench.site))
    assert side.requests == []


def test_the_client_that_only_reads_has_no_writer_and_the_other_reads_over_a_reading_transport(bench: Bench) -> None:
    assert not hasattr(ReadClient, "writer")
    client = bench.client(remote(ok()))
    assert type(client.endpoints._transport) is ReadTransport
    assert isinstance(client.writer()._transport, FullTransport)


def test_an_api_key_is_sent_bare_with_the_site(bench: Bench) -> None:
    side = remote(ok({"language": "en"}))
    asyncio.run(bench.client(side).endpoints.settings(bench.site))
    (request,) = side.requests
    assert request.headers["authorization"] == KEY
    assert request.headers["wix-site-id"] == bench.site.id
    assert "wix-account-id" not in request.headers


def test_a_call_for_an_account_names_the_account_and_no_site(bench: Bench) -> None:
    pages = [
        ok({"sites": [{"id": "s1", "displayName": "One"}], "metadata": {"cursors": {"next": "c1"}, "hasNext": True}}),
        ok({"sites": [{"id": "s2", "published": True}], "metadata": {"cursors": {}, "hasNext": False}}),
    ]
    side = remote(*pages)
    account = SiteRef(SiteName("account"), "acc-1")
    sites = asyncio.run(bench.client(side).endpoints.sites(account))
    assert [site.id for site in sites] == ["s1", "s2"]
    assert all(
        request.headers["wix-account-id"] == "acc-1" and "wix-site-id" not in request.headers
        for request in side.requests
    )
    # A follow-up page sends only the cursor (S-wix 5).
    assert json.loads(side.requests[1].content) == {"query": {"cursorPaging": {"cursor": "c1"}}}


def test_a_cursor_that_comes_again_is_an_error_and_no_endless_listing(bench: Bench) -> None:
    page = ok({"sites": [{"id": "s1"}], "metadata": {"cursors": {"next": "same"}, "hasNext": True}})
    side = remote(page)
    with pytest.raises(ApiError, match="expected a cursor for the next page of sites"):
        asyncio.run(bench.client(side).endpoints.sites(SiteRef(SiteName("account"), "acc-1")))
    assert len(side.requests) == 2


def test_a_redirect_is_not_followed(bench: Bench) -> None:
    side = remote(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert caught.value.kind is ErrorKind.REDIRECT
    assert not caught.value.unclear
    assert len(side.requests) == 1


def test_a_cookie_of_one_site_is_not_sent_for_another(bench: Bench) -> None:
    side = remote(ok({"language": "en"}, 200, **{"set-cookie": "session=of-one-site; Path=/"}))

    async def twice() -> None:
        client = bench.client(side)
        await client.endpoints.settings(bench.site)
        await client.endpoints.settings(bench.site)

    asyncio.run(twice())
    assert "cookie" not in side.requests[1].headers


@pytest.mark.parametrize(
    "address",
    [
        "http://www.wixapis.com",
        "http://localhost.example.com",
        "http://10.0.0.1:8080",
        "https://user:pass@www.wixapis.com",
        "ftp://localhost",
        "https://",
        "www.wixapis.com",
        "https://www.wixapis.com?x=1",
        "http://[::1",
        "",
    ],
)
def test_an_address_that_would_leak_or_means_nothing_is_refused(clock: FakeClock, address: str) -> None:
    with pytest.raises(UsageError) as caught:
        ReadClient(address, credentials=lambda _: ApiKey(Secret(KEY)), limits=Limits(), clock=clock.handed_in)
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("address", [WIX, "http://127.0.0.1:1", "http://[::1]:1", "http://localhost/", "https://x/y/"])
def test_https_and_this_machine_are_fine(clock: FakeClock, address: str) -> None:
    ReadClient(address, credentials=lambda _: ApiKey(Secret(KEY)), limits=Limits(), clock=clock.handed_in)


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "k\u00e9y", "\u201cquoted\u201d"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(bench: Bench, key: str) -> None:
    side = remote(ok())
    with pytest.raises(UsageError) as caught:
        asyncio.run(bench.client(side, ApiKey(Secret(key))).endpoints.settings(bench.site))
    assert not key or key not in str(caught.value)
    assert side.requests == []


def test_compressed_answers_are_read(bench: Bench) -> None:
    packed = gzip.compress(json.dumps({"marketingSettings": {"settings": {"toneOfVoice": "warm"}}}).encode())
    side = remote(lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed)))
    found = asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert found.settings["toneOfVoice"] == "warm"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-encoding": "gzip"}, b"this is not gzip"),
        ({"content-encoding": "gzip"}, gzip.compress(b" " * (LARGEST + 1))),
        ({"content-encoding": "gzip"}, gzip.compress(b'{"status": "NEVER_CREATED"}') + b"and more"),
        ({"content-encoding": "gzip"}, gzip.compress(b'{"status": "NEVER_CREATED"}')[:-1]),
        ({}, b"{" + b" " * (LARGEST + 1) + b"}"),
        ({}, b"<html><body>Oops</body></html>"),
        ({}, b'{"status": "ACT'),
        ({}, b"\xff\xfe\xff"),
        ({}, b"[" * 100_000),
        ({}, b'{"a": NaN}'),
        ({}, b'{"a": 1e999}'),
        ({}, b'{"a": ' + b"9" * 10_000 + b"}"),
        ({}, b'"just a text"'),
        ({}, b"[]"),
    ],
    ids=range(14),
)
def test_a_success_that_cannot_be_read_is_an_error_that_says_so(
    bench: Bench, headers: dict[str, str], body: bytes
) -> None:
    side = remote(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(body)))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).reader().read(bench.site, frozenset({Need.MARKETING_PLAN})))
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert caught.value.unclear
    assert "GET /promote/marketing-plan-service/v1/marketing-plan" in str(caught.value)


# --- secrets ---------------------------------------------------------------------------------------

ECHOES = [
    lambda secret: refused(400, code=secret, text=f"the key {secret} is bad"),
    lambda secret: ok({"message": "x", "details": {"validationError": {"fieldViolations": [{"field": secret}]}}}, 400),
    lambda secret: httpx.Response(500, text=f"<html>{secret}</html>"),
    lambda secret: httpx.Response(400, text=f"plain {secret}"),
    lambda secret: httpx.Response(400, content=f'{{"message": "{escaped(secret)}"}}'.encode()),
    lambda secret: httpx.Response(428, json={"message": "x"}, headers={"x-wix-request-id": secret}),
    lambda secret: httpx.Response(200, json={"status": {secret: secret}}),
    lambda secret: httpx.Response(200, json={"marketingActivities": [{"id": "a", "date": secret}]}),
    lambda secret: httpx.Response(200, content=f'{{"status": "{escaped(secret)}"}}'.encode()),
    lambda secret: httpx.Response(200, json={"status": secret}),
    lambda secret: httpx.Response(200, text="", headers={"x-wix-request-id": secret}),
    lambda secret: httpx.Response(200, text="<html>", headers={"x-wix-request-id": secret}),
    lambda secret: httpx.ConnectError(f"cannot reach {secret}"),
]


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
def test_no_echo_of_the_key_comes_through(bench: Bench, echo: object) -> None:
    assert callable(echo)
    side = remote(echo(KEY))
    try:
        found: object = asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    except ApiError as error:
        found = error, str(error), vars(error), error.__cause__
    assert KEY not in repr(found)


def test_no_echo_of_a_token_or_app_secret_comes_through(bench: Bench, app: object) -> None:
    token = "canary-of-the-token-0123456789"
    side = remote(ok({"access_token": token, "expires_in": 14400}), refused(400, text=f"{token} {APP_SECRET}"))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side, app).endpoints.settings(bench.site))  # type: ignore[arg-type]
    assert "canary" not in str(caught.value)
    assert "***" in str(caught.value)


def test_control_characters_of_an_error_are_shown_and_not_sent_to_the_terminal(bench: Bench) -> None:
    side = remote(refused(400, text="\x1b[31mred\u202e\x07"))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert r"\x1b[31mred\u202e\x07" in str(caught.value)
