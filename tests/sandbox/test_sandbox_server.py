"""What the server refuses (other host names, web pages, endless bodies), and what it survives."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.messages import LARGEST
from reconciler.sandbox.server import RunningServer, start_in_thread
from tests.sandbox.remote import HEADERS, PLAN, SITE, TUESDAY

SETTINGS = f"{PLAN}/marketing-settings"
PATCH = {"do": "patch_settings", "site": SITE, "values": {"settings.toneOfVoice": "dry"}}


@pytest.fixture
def running() -> Iterator[RunningServer]:
    server = start_in_thread(Sandbox(seed={"clock": TUESDAY, "freeze": True, "defaults": {"plan": "ACTIVE"}}))
    yield server
    server.stop()


@pytest.fixture
def client(running: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(verify=False, base_url=running.base_url, headers=HEADERS) as made:
        yield made


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1", "192.0.2.7:80", "[::1]:8080"])
def test_it_is_known_by_address_and_as_localhost(client: httpx.Client, host: str) -> None:
    assert client.get(SETTINGS, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "", "[", "127.0.0.1.nip.io"]
)
def test_a_foreign_name_is_refused_everywhere(client: httpx.Client, host: str) -> None:
    for path in (SETTINGS, "/_sandbox/world", "/media/a~mv2.jpg"):
        assert client.get(path, headers={"host": host}).status_code == 403


def test_it_answers_to_the_name_it_was_started_with() -> None:
    server = start_in_thread(Sandbox(), host="localhost")
    with httpx.Client(verify=False, base_url=server.base_url) as client:
        assert client.get("/_sandbox/clock", headers={"host": "localhost"}).status_code == 200
    server.stop()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_control_calls_are_json_or_refused(client: httpx.Client, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert client.post("/_sandbox/reset", content=b"{}", headers=headers).status_code == 415
    assert client.post("/_sandbox/dashboard", json=PATCH).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_control_calls_of_web_pages_are_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    assert client.post("/_sandbox/dashboard", json=PATCH, headers=headers).status_code == 403
    assert client.get("/_sandbox/world", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "body", [b"[", b"[]", b'"x"', b"[" * 100_000, b'{"do": 5}', b'{"do": "patch_settings", "site": 5}', b"\xff"]
)
def test_control_calls_that_make_no_sense_are_refused(client: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for what in ("dashboard", "clock"):
        assert client.post(f"/_sandbox/{what}", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("seconds", ["1e14", "-1e14", "1e400", "-1e400", "NaN", "6e10"])
def test_the_clock_stays_within_what_a_date_can_be(client: httpx.Client, seconds: str) -> None:
    headers = {"content-type": "application/json"}
    before = client.get("/_sandbox/clock").json()["clock"]
    body = f'{{"advance": {seconds}}}'
    assert client.post("/_sandbox/clock", content=body, headers=headers).status_code in (200, 400)
    after = client.get("/_sandbox/clock")
    assert after.status_code == 200
    assert (after.json()["clock"][:4] == before[:4]) is (seconds != "6e10")


@pytest.mark.parametrize("path", [SETTINGS, "/_sandbox/dashboard"])
def test_bodies_are_bounded(client: httpx.Client, path: str) -> None:
    answer = client.post(path, content=b" " * (LARGEST + 1), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert client.post(SETTINGS, content=b" " * LARGEST).status_code == 400
    assert client.get(SETTINGS).status_code == 200


def test_a_body_without_end_is_given_up(running: RunningServer) -> None:
    url = httpx.URL(running.base_url)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(
            f"POST {SETTINGS} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            for _ in range(3 * LARGEST // 0x10000):
                connection.sendall(chunk)
        except ConnectionError:
            pass  # given up: nobody reads it any more
        connection.settimeout(10)
        assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]


def test_half_a_character_survives(client: httpx.Client) -> None:
    half = b'{"do": "patch_settings", "site": "%s", "values": {"settings.toneOfVoice": "a\\ud83db"}}' % SITE.encode()
    headers = {"content-type": "application/json"}
    assert client.post("/_sandbox/dashboard", content=half, headers=headers).status_code == 200
    answer = client.get(SETTINGS)
    assert answer.status_code == 200
    assert b"a\\ud83db" in answer.content
    world = client.get("/_sandbox/world")
    assert (world.status_code, world.json()["sites"][SITE]["settings"]["settings"]["toneOfVoice"]) == (200, "a\ud83db")
    upsert = b'{"marketingSettings": {"settings": {"toneOfVoice": "\\ud83d"}}, "fieldMask": "settings.toneOfVoice"}'
    assert client.post(SETTINGS, content=upsert).status_code == 400  # and is not text in a request (proto3 JSON)
    for path in (f"{SETTINGS}?fieldMask=%ed%a0%bd", f"{PLAN}/%ed%a0%bd", "/media/%ed%a0%bd~mv2.jpg/x/%ed%a0%bd.jpg"):
        assert client.get(path).status_code < 500
