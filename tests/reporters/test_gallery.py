"""The gallery shows every draft, runs nothing, and looks the same every time."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.text import printable
from reconciler.planner.review import Review
from reconciler.reporters.gallery import gallery
from tests.reporters.review_world import ARABIC, HOSTILE, LONG, review, shown_offline

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "img", "br"}
HARMLESS = VOID | {"html", "head", "title", "style", "body", "main", "section", "header", "h1", "h2", "p", "ul", "li"}
HARMLESS |= {"span", "div", "table", "thead", "tbody", "tr", "th", "td", "a", "b", "time", "article", "strong", "code"}
HARMLESS |= {"dl", "dt", "dd", "del", "ins"}


class Page(HTMLParser):
    """The elements and texts of a page; every element must be closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_text_is_shown_as_text_and_nothing_can_run() -> None:
    page = Page(gallery([review()]))
    assert {tag for tag, _ in page.tags} <= HARMLESS
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    shown = "".join(page.texts)
    assert LONG in shown
    assert ARABIC in shown
    assert all(printable(line) in shown for line in HOSTILE.split("\n"))
    assert not re.search("[\x1b\u202e]", shown)


def test_only_images_over_https_may_be_fetched() -> None:
    text = gallery([review()])
    page = Page(text)
    (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src https:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert all(one["src"].startswith("https://") and one["alt"] for one in page.all("img"))
    assert all(one["href"].startswith(("https://", "#")) for one in page.all("a"))
    assert "url(" not in style
    assert "@import" not in style


def test_images_that_no_network_has_are_drawn_into_the_page() -> None:
    drawn = "data:image/svg+xml;base64,PHN2Zy8+"
    page = Page(gallery([review()], lambda url: drawn if "wixstatic" in url else None))
    (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert "img-src https: data:;" in policy
    assert drawn in {one["src"] for one in page.all("img")}
    assert all(one["src"] == drawn or "wixstatic" not in one["src"] for one in page.all("img"))
    assert all(one["href"].startswith(("https://", "#")) for one in page.all("a"))  # where it leads stays what it is


def test_the_calendar_leads_to_every_card_on_its_day_in_the_sites_zone() -> None:
    page = Page(gallery([review()]))
    cards = [one["id"] for one in page.all("article")]
    assert len(cards) == len(set(cards)) == 12
    assert Counter(one["href"] for one in page.all("a") if one["href"].startswith("#")) == Counter(
        f"#{one}" for one in cards
    )
    shown = "".join(page.texts)
    assert "December 2026" in shown
    assert "January 2027" in shown
    assert "Thu 2026-12-03 10:00 Europe/Berlin" in shown, "nine o'clock UTC is ten in Berlin"


def test_how_each_draft_stands_is_said_in_words() -> None:
    shown = "".join(Page(gallery([review()])).texts)
    for words in ("9 pending", "1 approved", "1 scheduled", "1 cancelled after approval", "pending, blocked"):
        assert words in shown
    assert "policy.bannedWords: the text has 'guaranteed'" in shown
    assert "No image" in shown
    assert "2171 letters" in shown, "an emoji with its selector is one"


def test_the_same_reviews_give_the_same_page_and_many_sites_share_one() -> None:
    assert gallery([review()]) == gallery([review()])
    assert len(Page(gallery([review(), review()])).all("main")) == 1
    assert "nothing to review" in gallery([])
    assert "No draft is to be reviewed" in gallery([Review(review().site, "UTC", ())])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=10), st.text(max_size=30))
def test_no_text_becomes_markup(caption: str, channel: str, url: str) -> None:
    from msgspec.structs import replace

    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.posts import Media, PostId

    plain = review()
    activity = plain.activities[0]
    first = activity.posts[1]
    post = replace(
        first.post,
        id=PostId(url),
        channel=channel,
        type=caption,
        texts=((channel, caption),),
        media=(Media(channel, url), Media("IMAGE", f"https://{url}")),
    )
    odd = replace(
        activity,
        activity=replace(activity.activity, title=caption),
        posts=(replace(first, post=post, problems=(Diagnostic("policy", caption),)),),
    )
    page = Page(gallery([replace(plain, activities=(odd,))]))
    assert len(page.all("article")) == 1
    assert len(page.all("img")) == (printable(url) == url)
    assert not page.all("script")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_lays_it_out_without_running_over(width: int, tmp_path: Path) -> None:
    """What the page is as wide as, is told by a browser: the page itself may not run a script to say so."""
    assert CHROMIUM is not None
    page = shown_offline(gallery([review()]))
    page = page.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
    probe = (
        "<script>addEventListener('load',()=>{document.title=JSON.stringify({wide:document.documentElement.scrollWidth,"
        "room:innerWidth,broken:[...document.images].filter(i=>i.complete&&!i.naturalWidth).length,"
        "out:[...document.querySelectorAll('.card *, .month *')]"
        ".filter(e=>e.getBoundingClientRect().right>innerWidth+1&&!e.closest('.media')).length})})</script></body>"
    )
    file = tmp_path / "gallery.html"
    file.write_text(page.replace("</body>", probe), encoding="utf-8")
    made = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1000",
            "--virtual-time-budget=2000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r'<title>\{"wide":(\d+),"room":(\d+),"broken":(\d+),"out":(\d+)\}', made.stdout)
    assert found, made.stdout[:500]
    wide, room, broken, out = map(int, found.groups())
    assert (wide <= room, broken, out) == (True, 0, 0)
