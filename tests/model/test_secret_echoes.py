"""Echoes of a secret are masked in every form in which a server may say it back."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.secret import Secret, masked, may_echo

KEY = "IST.ey/JraWQiOiZz+9-canary_0123456789"

FORMS = {
    "as it is": KEY,
    "upper case": KEY.upper(),
    "lower case": KEY.lower(),
    "base64": b64encode(KEY.encode()).decode(),
    "base64 for URLs": urlsafe_b64encode(KEY.encode()).decode(),
    "base64 of a pair": b64encode(f"user:{KEY}".encode()).decode(),
    "base64 of one more": b64encode(f"a{KEY}z".encode()).decode(),
    "base64 of two more": b64encode(f"ab{KEY}z".encode()).decode(),
    "hex": KEY.encode().hex(),
    "upper hex": KEY.encode().hex().upper(),
    "URL-encoded": quote(KEY, safe=""),
    "URL-encoded throughout": "".join(f"%{ord(mark):02X}" for mark in KEY),
    "cut short": KEY[:16],
    "escaped": "".join(f"\\u{ord(mark):04x}" for mark in KEY),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_masked(form: str) -> None:
    text = f"bad key <{FORMS[form]}>, try again"
    said = masked(text, (KEY,))
    assert KEY[6:18].lower() not in said.lower()
    assert FORMS[form][6:18].lower() not in said.lower()
    assert said.startswith("bad key <")
    assert said.endswith(">, try again")
    assert may_echo(text.encode(), (KEY,))


@given(st.text("abcdefgh0123-.", min_size=8, max_size=60), st.binary(max_size=5), st.binary(max_size=5))
def test_base64_of_anything_around_it(secret: str, before: bytes, after: bytes) -> None:
    text = b64encode(before + secret.encode() + after).decode()
    assert masked(text, (secret,)) != text
    assert may_echo(text.encode(), (secret,))


@given(st.text(), st.text("xyz", min_size=8))
def test_what_is_no_echo_stays(text: str, secret: str) -> None:
    if not may_echo(text.encode("utf-8", "surrogatepass"), (secret,)):
        assert masked(text, (secret,)) == text


def test_nothing_to_mask() -> None:
    assert masked("text", ()) == masked("text", ("",)) == "text"
    assert not may_echo(b"text", ("",))
    assert json.dumps(str(Secret(KEY))) == '"***"'
