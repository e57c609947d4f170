"""The bodies of answers: the fast parser agrees with the careful one, and nothing secret comes through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.decoding import NotJson, decode

SECRET = "canary/of-the-key+0123456789"

texts = st.text(max_size=6) | st.sampled_from(["a\nb", 'said "no"', "back\\slash", "é", "\u2028", "//"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**65) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def carefully(raw: bytes) -> Any:
    """What the standard parser returns; None for what it refuses."""

    def refuse(_: str) -> float:
        raise ValueError

    def whole(text: str) -> int:
        if not -(2**63) <= int(text) < 2**64:
            raise ValueError
        return int(text)

    try:
        return repr(json.loads(raw, parse_constant=refuse, parse_int=whole))
    except ValueError:
        return None


def quickly(raw: bytes) -> Any:
    try:
        return repr(decode(raw, (), content=True))
    except NotJson:
        return None


@given(plain, st.booleans(), st.integers(0, 3))
def test_both_parsers_say_the_same(value: Any, ascii: bool, cut: int) -> None:
    raw = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "replace")
    raw = raw[: len(raw) - cut] or b"x"
    assert quickly(raw) == carefully(raw)


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 1, "a": 2}', b"-0.0", b"1e400", b"123456789012345678901", b"NaN", b'"a\tb"', b"01", b"[1,]", b'"\xff"'],
)
def test_what_parsers_disagree_about(raw: bytes) -> None:
    assert quickly(raw) == (None if raw == b"1e400" else carefully(raw))


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.replace("/", r"\/"),
        "\\u0063" + SECRET[1:],
        "first line\\n" + SECRET,
        'said \\"' + SECRET + '\\"',
        SECRET.upper(),
    ],
)
def test_no_echo_of_a_secret_comes_through(written: str) -> None:
    found = decode(f'{{"text": "{written}", "other": "a\\nb"}}'.encode(), (SECRET,), content=True)
    assert SECRET.lower() not in found["text"].lower()
    assert "***" in found["text"]
    assert found["other"] == "a\nb"
