"""Who may do what, what is a route, what is a body; sites and their properties (2, 3, 11 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import ACCOUNT, HEADERS, NOBODY, OTHER, PLAN, PUBLISHER, SITE, Remote, code

Json = dict[str, Any]
SETTINGS = f"{PLAN}/marketing-settings"
SITES = "/site-list/v2/sites/query"
AS_ACCOUNT = {"authorization": "a-key", "wix-account-id": ACCOUNT}
KEYS: Json = {
    "keys": {"k": {"sites": [SITE]}, "plans": {"scopes": ["Manage Marketing Plans"]}},
    "apps": [{"appId": "app", "appSecret": "s3cret", "instances": {"inst": SITE}}],
}


def token_request(**changes: Any) -> Json:
    given = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret", "instance_id": "inst"}
    return {**given, **changes}


def test_without_authorization_it_is_unauthenticated(make: Callable[..., Remote]) -> None:
    headers = {"wix-site-id": SITE}
    assert code(make().get(SETTINGS, status=401, headers=headers)) == "UNAUTHENTICATED"
    make({"anonymous": True}).get(SETTINGS, headers=headers)


@pytest.mark.parametrize("key", ["wrong", "Bearer k", "bearer wrong", "OauthNG.JWS.made-up"])
def test_a_wrong_key_is_unauthenticated(make: Callable[..., Remote], key: str) -> None:
    make(KEYS).get(SETTINGS, status=401, headers={**HEADERS, "authorization": key})


def test_a_key_reaches_only_its_sites(make: Callable[..., Remote]) -> None:
    remote = make(KEYS)
    remote.get(SETTINGS, headers={"authorization": "k", "wix-site-id": SITE.upper()})
    refused = remote.get(SETTINGS, status=403, headers={"authorization": "k", "wix-site-id": OTHER})
    assert code(refused) == "PERMISSION_DENIED"


def test_a_key_without_the_scope_is_denied(make: Callable[..., Remote]) -> None:
    remote = make(KEYS)
    headers = {"authorization": "plans", "wix-site-id": SITE}
    remote.get(SETTINGS, headers=headers)
    remote.get(f"{PUBLISHER}/features/AI_TOOLS", status=403, headers=headers)
    remote.get("/urls-server/v2/published-site-urls", status=403, headers=headers)
    account = {"authorization": "plans", "wix-account-id": ACCOUNT}
    remote.post(SITES, status=403, headers=account)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"wix-site-id": SITE, "wix-account-id": ACCOUNT}, 400),
        ({}, 400),
        ({"wix-site-id": "shop"}, 400),
        ({"wix-account-id": ACCOUNT}, 403),
    ],
)
def test_a_site_level_method_wants_a_site(remote: Remote, headers: dict[str, str], status: int) -> None:
    remote.get(SETTINGS, status=status, headers={"authorization": "a-key", **headers})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"wix-site-id": SITE, "wix-account-id": ACCOUNT}, 400),
        ({"wix-account-id": "x"}, 400),
        ({"wix-site-id": SITE}, 403),
    ],
)
def test_an_account_level_method_wants_an_account(remote: Remote, headers: dict[str, str], status: int) -> None:
    remote.post(SITES, status=status, headers={"authorization": "a-key", **headers})


def test_an_app_token_identifies_its_site_with_and_without_bearer(make: Callable[..., Remote]) -> None:
    remote = make({**KEYS, "defaults": {"name": "Tokens"}})
    answer = remote.post("/oauth2/token", token_request(), headers={})
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 14400)
    token = answer["access_token"]
    for authorization in (token, f"Bearer {token}"):
        remote.get(SETTINGS, headers={"authorization": authorization})
    remote.get(SETTINGS, headers={"authorization": token, "wix-site-id": SITE})
    remote.get(SETTINGS, status=403, headers={"authorization": token, "wix-site-id": OTHER})
    remote.post(SITES, status=403, headers={"authorization": token})
    assert {each["site"] for each in remote.sandbox.requests()[1:4]} == {SITE}
    info = remote.post("/oauth2/token-info", {"token": token}, headers={})
    assert info.pop("exp") - info.pop("iat") == 14400
    app = token_request()["client_id"]
    assert info == {
        "active": True,
        "subjectType": "APP",
        "subjectId": app,
        "clientId": app,
        "siteId": SITE,
        "instanceId": remote.sandbox.world()["sites"][SITE]["facts"]["instanceId"],
    }
    remote.later(14400)
    remote.get(SETTINGS, status=401, headers={"authorization": token})
    assert remote.post("/oauth2/token-info", {"token": token}, headers={}) == {"active": False}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"instance_id": "other"}, 400, "invalid_request"),
        ({"instance_id": None}, 400, "invalid_request"),
    ],
)
def test_token_errors_follow_oauth(make: Callable[..., Remote], changes: Json, status: int, error: str) -> None:
    answer = make(KEYS).post("/oauth2/token", token_request(**changes), status=status, headers={})
    assert answer["error"] == error
    assert answer["error_description"]


def test_without_seeded_apps_an_instance_finds_its_site(make: Callable[..., Remote]) -> None:
    remote = make({"sites": [{"id": SITE, "instanceId": "inst", "name": "Found"}]})
    token = remote.post("/oauth2/token", token_request(), headers={})["access_token"]
    found = remote.get("/site-properties/v4/properties", headers={"authorization": token})
    assert found["properties"]["siteDisplayName"] == "Found"
    remote.post("/oauth2/token", token_request(instance_id="nowhere"), status=400, headers={})
    remote.post("/oauth2/token", token_request(instance_id=OTHER), headers={})


def test_no_secret_is_in_the_log(make: Callable[..., Remote]) -> None:
    remote = make(KEYS)
    remote.post("/oauth2/token", token_request(), headers={})
    remote.get(SETTINGS, headers={"authorization": "k", "wix-site-id": SITE})
    log = repr(remote.sandbox.requests())
    assert "s3cret" not in log
    assert "'k'" not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", f"{PLAN}/marketing-plan"),
        ("GET", f"{PLAN}/events"),
        ("GET", f"{SETTINGS}/"),
        ("PUT", f"{PUBLISHER}/items/{NOBODY}"),
    ],
)
def test_an_unknown_route_is_not_found_and_remembered(remote: Remote, method: str, path: str) -> None:
    for _ in range(2):
        assert remote.ask(method, path).status_code == 404
    assert remote.sandbox.gaps() == [{"method": method, "path": path, "count": 2}]


@pytest.mark.parametrize(
    "content", [b"{", b"title=x", b"[1]", b'"x"', b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}']
)
def test_a_body_that_is_not_a_json_object_cannot_be_parsed(remote: Remote, content: bytes) -> None:
    answer = remote.ask("POST", SETTINGS, content=content)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Failed to parse request message"


def test_request_ids_count_up_on_every_answer(remote: Remote) -> None:
    answers = [remote.ask("GET", path) for path in (SETTINGS, "/nowhere", SETTINGS)]
    assert [answer.headers["x-wix-request-id"][-1] for answer in answers] == ["1", "2", "3"]


def test_unknown_sites_are_made_or_not_found(make: Callable[..., Remote]) -> None:
    make().get(SETTINGS)
    remote = make({"createSites": False, "sites": {OTHER: {}}})
    remote.get(SETTINGS, status=404)
    remote.get(SETTINGS, headers={**HEADERS, "wix-site-id": OTHER})


def test_more_than_the_limit_in_a_minute_is_throttled(make: Callable[..., Remote]) -> None:
    remote = make({"requestsPerMinute": 3})
    for _ in range(3):
        remote.get(SETTINGS)
    assert code(remote.get(SETTINGS, status=429)) == "RESOURCE_EXHAUSTED"
    remote.get(SETTINGS, headers={**HEADERS, "wix-site-id": OTHER})
    remote.later(61)
    remote.get(SETTINGS)


def test_published_urls_show_whether_a_site_is_published(make: Callable[..., Remote]) -> None:
    path = "/urls-server/v2/published-site-urls"
    remote = make({"sites": [{"id": SITE}, {"id": OTHER, "published": False}]})
    url = remote.get(path)["urls"][0]
    assert (url["urlType"], url["primary"]) == ("PREMIUM", True)
    assert remote.get(path, params={"filters.urlType": "FREE"}) == {"urls": []}
    remote.get(path, status=400, params={"filters.urlType": "CHEAP"})
    assert remote.get(path, headers={**HEADERS, "wix-site-id": OTHER}) == {"urls": []}


def test_sites_are_listed_page_by_page(make: Callable[..., Remote]) -> None:
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(7)]
    sites = [{"id": each, "name": f"Shop {place}", "published": place != 3} for place, each in enumerate(ids)]
    remote = make({"sites": sites, "accountId": ACCOUNT})
    found: list[Json] = []
    paging: Json = {"limit": 3}
    while paging:
        page = remote.post(SITES, {"query": {"cursorPaging": paging}}, headers=AS_ACCOUNT)
        found += page["sites"]
        assert "pagingMetadata" not in page
        assert page["metadata"]["hasNext"] == (len(found) < 7)
        paging = {"limit": 3, "cursor": page["metadata"]["cursors"]["next"]} if page["metadata"]["hasNext"] else {}
    assert [each["id"] for each in found] == ids
    assert {each["id"]: each["viewUrl"] for each in found}[ids[3]] == ""
    query = {"filter": {"published": True}, "sort": [{"fieldName": "displayName", "order": "DESC"}]}
    some = remote.post(SITES, {"query": query}, headers=AS_ACCOUNT)["sites"]
    assert [each["displayName"] for each in some][:2] == ["Shop 6", "Shop 5"]
    assert remote.post("/site-list/v2/sites/count", headers=AS_ACCOUNT) == {"count": 7}
    for wrong in ({"cursorPaging": {"limit": 101}}, {"cursorPaging": {"cursor": "x"}}, {"filter": {"color": 1}}):
        remote.post(SITES, {"query": wrong}, status=400, headers=AS_ACCOUNT)
    remote.post(SITES, status=403, headers={**AS_ACCOUNT, "wix-account-id": NOBODY})


def test_site_properties_and_their_own_kind_of_mask(make: Callable[..., Remote]) -> None:
    path = "/site-properties/v4/properties"
    remote = make({"defaults": {"language": "fr", "timeZone": "Europe/Paris"}})
    before = remote.get(path)
    assert (before["properties"]["language"], before["properties"]["timeZone"]) == ("fr", "Europe/Paris")
    change = {"properties": {"language": "de"}, "fields": {"paths": ["language"]}}
    answer = remote.patch(path, change)
    assert answer.keys() == {"version"}
    assert answer["version"] != before["version"]
    assert remote.get(path)["properties"]["language"] == "de"
    assert remote.get(SETTINGS)["marketingSettings"]["settings"]["language"] == "de"
    refused = remote.patch(path, {"properties": {"language": "de"}}, status=400)
    assert refused["message"] == "Illegal request - No updates on request body"
    remote.patch(path, {"properties": {"language": "de"}, "fields": "language"}, status=400)
