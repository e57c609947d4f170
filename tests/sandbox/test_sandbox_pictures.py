"""Pictures of posts: plausible addresses, and something to see without a network."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from reconciler.sandbox import pictures
from tests.sandbox.remote import Json, Remote

HOSTILE = '<script>alert(1)</script> & "quotes" \u202eesrever \u0000 %2F.. /etc \''


def texts(drawn: bytes) -> str:
    """What a picture says."""
    root = ElementTree.fromstring(drawn)
    return " ".join(each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text"))


def addresses(item: Json) -> list[str]:
    return re.findall(r"https://static\.wixstatic\.com/[^\"]+", str(item).replace("'", '"'))


def test_every_draft_has_a_picture_of_its_title(ready: Remote) -> None:
    for activity in ready.activities():
        for item in activity.get("items", ()):
            [first, *_] = addresses(item)
            assert re.fullmatch(
                r"https://static\.wixstatic\.com/media/[0-9a-f]{6}_[0-9a-f]{32}~mv2\.jpg/\S+\.jpg", first
            )
            answer = ready.ask("GET", urlsplit(first).path, headers={})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
            assert texts(answer.content).startswith(activity["title"][:20])
            assert 500 < len(answer.content) < 5000


def test_in_process_a_picture_is_a_data_address(ready: Remote) -> None:
    [address, *_] = addresses(ready.drafts()[0])
    shown = pictures.data_url(address)
    assert shown is not None
    kind, _, content = shown.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == ready.ask("GET", urlsplit(address).path, headers={}).content
    assert pictures.data_url(address) == shown


def test_pictures_differ_by_what_they_are_of() -> None:
    one, other = (pictures.address("site", seed, title="Mugs") for seed in (1, 2))
    assert pictures.data_url(one) != pictures.data_url(other)
    assert pictures.file_id(one).endswith("~mv2.jpg")


@pytest.mark.parametrize("title", [HOSTILE, "", "   ", "x" * 4000, "اقرأ المزيد", "👩‍👩‍👧 family", "a\ud83db"])
def test_any_title_can_be_shown(title: str) -> None:
    address = pictures.address("key", title=title)
    assert address.isascii()
    assert not re.search(r"[\s<>\"',\[\]{}#|`]", address)  # usable as is in YAML, HTML and Markdown
    drawn = pictures.draw(urlsplit(address).path)
    assert len(drawn) < 5000
    assert b"<script" not in drawn
    texts(drawn)


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/media/a.jpg", "http://static.wixstatic.com/media/a.jpg", "https://[", "javascript:alert(1)",
     "https://static.wixstatic.com/other/a.jpg", ""],
)  # fmt: skip
def test_other_addresses_are_nobody_s_picture(url: str) -> None:
    assert pictures.data_url(url) is None
