"""Error answers in all their shapes."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.decoding import NotJson
from reconciler.api.errors import ApiError, ErrorKind, FieldViolation, error_of, retry_after_of
from reconciler.api.routes import GET_SETTINGS, TOKEN
from reconciler.model.text import printable
from tests.api.bench import NOW, Bench, remote

CALL = GET_SETTINGS.call()


def error(status: int, body: object = None) -> ApiError:
    return error_of(CALL, status, {} if body is None else body, request_id="r-7", retry_after=None, site="shop")


@pytest.mark.parametrize(
    ("status", "kind", "unclear"),
    [
        (400, ErrorKind.INVALID, False),
        (401, ErrorKind.UNAUTHENTICATED, False),
        (403, ErrorKind.FORBIDDEN, False),
        (404, ErrorKind.NOT_FOUND, False),
        (405, ErrorKind.NOT_FOUND, False),
        (408, ErrorKind.SERVER, True),
        (409, ErrorKind.CONFLICT, False),
        (422, ErrorKind.INVALID, False),
        (428, ErrorKind.PRECONDITION, False),
        (429, ErrorKind.THROTTLED, False),
        (302, ErrorKind.REDIRECT, False),
        (500, ErrorKind.SERVER, True),
        (503, ErrorKind.SERVER, True),
        (599, ErrorKind.SERVER, True),
    ],
)
def test_each_status_has_its_kind_and_only_a_server_error_is_unclear(
    status: int, kind: ErrorKind, unclear: bool
) -> None:
    assert (error(status).kind, error(status).unclear) == (kind, unclear)


def test_a_refusal_as_invalid_says_whose_words_it_repeats_and_what_to_do() -> None:
    found = error(400, {"message": "the tone is too long"}).diagnostic()
    assert found.cause == "the request was refused as invalid: the tone is too long"
    assert (
        found.fix == "if the message names something in the site's file, correct that; otherwise report the request id"
    )


def test_what_only_repeats_the_kind_of_error_is_left_out() -> None:
    assert error(429, {"message": "Too many requests"}).what() == "too many requests"
    assert error(429, {"message": "slow down"}).what() == "too many requests: slow down"


def test_a_conflict_and_a_precondition_that_is_not_met_have_a_remedy() -> None:
    """Both are about what is on the site (3.2). A mask that does not match the body is this tool's mistake."""
    assert error(409, {"message": "exists"}).diagnostic().fix == "run plan again to see what is on the site now"
    for status in (428, 412):
        assert error(status, {"message": "no"}).diagnostic().fix == (
            "run plan again to see what is on the site now, or `reconciler doctor` to see its features, quotas and "
            "channels"
        )
    mask = {"message": "m", "details": {"applicationError": {"code": "INVALID_FIELD_MASK_ERROR"}}}
    assert error(428, mask).advice() == "report the request id"


def test_an_application_error() -> None:
    body = {
        "message": "plan already generating",
        "details": {"applicationError": {"code": "PLAN_ALREADY_GENERATING_ERROR", "description": "d", "data": {}}},
    }
    found = error(428, body)
    assert (found.code, found.message) == ("PLAN_ALREADY_GENERATING_ERROR", "plan already generating")
    assert str(found) == (
        "GET /promote/marketing-plan-service/v1/marketing-settings answered 428 PLAN_ALREADY_GENERATING_ERROR: "
        "plan already generating; run plan again to see what is on the site now, or `reconciler doctor` to see its "
        "features, quotas and channels (request id r-7)"
    )


def test_a_validation_error_with_and_without_its_rule() -> None:
    listed = [
        {"field": "a.b", "description": "is bad", "violatedRule": "FORMAT", "data": {"type": "X"}},
        {"field": "c", "description": "is worse"},
        {},
        "not an object",
    ]
    found = error(400, {"message": "m", "details": {"validationError": {"fieldViolations": listed}}})
    assert found.violations == (
        FieldViolation("a.b", "is bad", "FORMAT"),
        FieldViolation("c", "is worse"),
        FieldViolation("", ""),
    )
    assert "a.b: is bad (FORMAT); c: is worse" in str(found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, ""),
        ({"message": "", "details": None}, ""),
        ({"message": None, "details": []}, ""),
        ({"details": {"applicationError": {"description": "only here"}}}, "only here"),
        ({"message": 5, "details": {"applicationError": "no object", "validationError": 3}}, ""),
        ({"details": {"validationError": {"fieldViolations": {"no": "list"}}}}, ""),
        ([], ""),
        ([1, 2], ""),
        ("a bare text", "a bare text"),
        (17, ""),
        (NotJson("<!DOCTYPE html><h1>Oops</h1>"), "it sent an HTML page"),
        (NotJson("upstream connect error"), "upstream connect error"),
        (NotJson(""), ""),
    ],
)
def test_every_other_shape(body: object, message: str) -> None:
    assert error(500, body).message == message


def test_a_403_without_a_word_looks_like_throttling_and_any_other_does_not() -> None:
    assert error(403, {"message": "", "details": {}}).looks_throttled
    assert not error(403, {"message": "no permission"}).looks_throttled
    assert not error(403, NotJson("<html>")).looks_throttled


def test_every_error_says_what_to_do() -> None:
    assert "Manage Marketing Plans (SCOPE.PROMOTE.MANAGE-MARKETING-PLAN)" in str(error(403))
    assert "credential" in str(error(401))
    assert "site's id" in str(error(404))
    assert "later" in str(error(429))


def test_a_refused_token_is_a_matter_of_credentials_whatever_its_status() -> None:
    body = {"error": "invalid_request", "error_description": "no such app"}
    found = error_of(TOKEN.call(), 400, body, request_id=None, retry_after=None)
    assert (found.kind, found.code, found.message) == (ErrorKind.UNAUTHENTICATED, "invalid_request", "no such app")


def test_an_endless_message_is_cut() -> None:
    assert len(error(400, {"message": "x" * 10_000}).message) < 600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Mon, 23 Nov 2026 09:30:20 GMT", 20.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 09:30:20", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("", None),
        ("\u0663", None),
        ("Mon, 99 Nov 99999 09:30:20 GMT", None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_of(value, NOW) == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "message",
                    "details",
                    "applicationError",
                    "validationError",
                    "fieldViolations",
                    "code",
                    "error",
                    "field",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([400, 401, 403, 404, 409, 428, 429, 500]))
def test_no_error_body_is_too_strange(body: object, status: int) -> None:
    found = error(status, body)
    assert printable(found.sentence()) == found.sentence()


@given(st.binary(max_size=200), st.sampled_from([400, 403, 500]))
def test_no_bytes_are_too_strange(body: bytes, status: int) -> None:
    found = error(status, NotJson(body.decode("utf-8", "replace")))
    assert printable(found.sentence()) == found.sentence()


def test_an_error_comes_through_the_client_with_its_request_id_and_site(bench: Bench) -> None:
    body = json.dumps({"message": "no", "details": None}).encode()
    side = remote(httpx.Response(400, content=body, headers={"x-wix-request-id": "r-9"}))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).endpoints.settings(bench.site))
    assert (caught.value.request_id, caught.value.site, caught.value.status) == ("r-9", "janes-pottery", 400)


def test_a_failing_service_is_not_called_a_problem_of_the_network() -> None:
    assert "network problem" not in error(503, NotJson("")).advice()
    assert error(503, NotJson("")).advice().startswith("run the command again later")
    assert error(503, NotJson("<html>")).what() == "the server failed: it sent an HTML page"
