"""Echoes of a secret are masked in every form in which a server may repeat it."""

from __future__ import annotations

import json
from base64 import b64encode, encodebytes, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.decoding import decode
from reconciler.model.echoes import masked, may_echo
from reconciler.model.secret import Secret

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


CLOSE_LOOK = {
    "without its beginning": KEY[4:],
    "its middle": KEY[7:23],
    "its end": KEY[-12:],
    "URL-encoded twice": quote(quote(KEY, safe=""), safe=""),
    "URL-encoded twice throughout": "".join(f"%25{ord(mark):02x}" for mark in KEY),
    "HTML": "".join(f"&#{ord(mark)};" for mark in KEY),
    "HTML in hex": "".join(f"&#x{ord(mark):x};" for mark in KEY),
    "escaped in hex": "".join(f"\\x{ord(mark):02x}" for mark in KEY),
    "escaped in octal": "".join(f"\\{ord(mark):03o}" for mark in KEY),
    "JSON in JSON": json.dumps(json.dumps(KEY)),
    "hex with colons": KEY.encode().hex(":"),
    "bytes": ",".join(f"0x{ord(mark):02x}" for mark in KEY),
    "base64 in lines": encodebytes(2 * KEY.encode()).decode().strip(),
    "base64 of capitals": b64encode(KEY.upper().encode()).decode(),
    "base64 of its end": b64encode(KEY[9:].encode()).decode(),
    "base64 of base64": b64encode(b64encode(KEY.encode())).decode(),
    "in two lines": f"{KEY[:8]}\n{KEY[8:]}",
    "letter by letter": " ".join(KEY),
    "with what nobody sees": "\N{ZERO WIDTH SPACE}".join(KEY),
    "in wide letters": "".join(chr(ord(mark) + 0xFEE0) for mark in KEY),
}
"""What is found in errors, where every text is checked closely."""


@pytest.mark.parametrize("form", CLOSE_LOOK)
def test_errors_are_checked_closely(form: str) -> None:
    said = masked(f"bad key <{CLOSE_LOOK[form]}>, try again", (KEY,))
    assert len(said.replace("***", "")) <= len("bad key <>, try again") + 6, said
    assert said.startswith("bad key <")
    assert said.endswith(", try again")


@pytest.mark.parametrize(
    "secret", ["abcdefghijkl;CANARY-rest", "p+q/r=s&t'u\"v<w>x1234567890", "CANARY-1", "two words here"]
)
@pytest.mark.parametrize("content", [True, False])
def test_nothing_of_a_key_is_left(secret: str, content: bool) -> None:
    raw = json.dumps({"message": f"bad '{secret}'", f"{secret}": [secret.upper()]}).encode()
    assert decode(raw, (secret,), content=content) == {"message": "bad '***'", "***": ["***"]}


@pytest.mark.parametrize("secret", ["%41%42-one%43", r"back\u0041slash\x42", "&amp;and&#65;more"])
def test_a_key_that_looks_escaped_is_masked(secret: str) -> None:
    assert masked(f"bad <{secret}>", (secret,)) == "bad <***>"
    assert masked(f"bad <{quote(secret, safe='')}>", (secret,)) == "bad <***>"


def test_a_short_token_masks_no_words_of_content() -> None:
    assert decode(b'{"tone": "token of thanks"}', ("token", "t"), content=True) == {"tone": "token of thanks"}
    assert decode(b'{"message": "bad token"}', ("token",), content=False) == {"message": "bad ***"}
    assert masked("text", ("   ",)) == "text"


@given(st.text("xyz -.,%&;\\/0123456789abcdef"))
def test_no_text_is_too_odd(text: str) -> None:
    assert masked(text, ("IST.secret-and-long",)) == text


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
def test_what_is_not_an_echo_stays(text: str, secret: str) -> None:
    if not may_echo(text.encode("utf-8", "surrogatepass"), (secret,)):
        assert masked(text, (secret,)) == text


def test_nothing_to_mask() -> None:
    assert masked("text", ()) == masked("text", ("",)) == "text"
    assert not may_echo(b"text", ("",))
    assert json.dumps(str(Secret(KEY))) == '"***"'
