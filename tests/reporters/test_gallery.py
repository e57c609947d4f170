"""The gallery shows every draft, runs nothing, and looks the same every time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.text import printable
from reconciler.planner.review import Review, ReviewStatus
from reconciler.reporters.gallery import gallery
from tests.browser import chromium, complaints, needs_browser, requested
from tests.reporters.review_world import ARABIC, HOSTILE, LONG, review, shown_offline

VOID = {"meta", "img", "br"}
HARMLESS = VOID | {"html", "head", "title", "style", "body", "main", "section", "header", "h1", "h2", "p", "ul", "li"}
HARMLESS |= {"span", "div", "table", "thead", "tbody", "tr", "th", "td", "a", "b", "time", "article", "strong", "code"}
HARMLESS |= {"dl", "dt", "dd", "del", "ins", "h3", "ol", "details", "summary", "figure", "figcaption"}


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
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src https:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert all(image["src"].startswith("https://") and image["alt"] for image in page.all("img"))
    assert all(link["href"].startswith(("https://", "#")) for link in page.all("a"))
    assert "url(" not in style
    assert "@import" not in style


def test_images_that_no_network_has_are_drawn_into_the_page() -> None:
    drawn = "data:image/svg+xml;base64,PHN2Zy8+"
    page = Page(gallery([review()], lambda url: drawn if "wixstatic" in url else None))
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert "img-src https: data:;" in policy
    assert drawn in {image["src"] for image in page.all("img")}
    assert all(image["src"] == drawn or "wixstatic" not in image["src"] for image in page.all("img"))
    assert all(link["href"].startswith(("https://", "#")) for link in page.all("a"))  # links stay as they are


def test_the_calendar_leads_to_every_card_on_its_day_in_the_sites_zone() -> None:
    page = Page(gallery([review()]))
    cards = [card["id"] for card in page.all("article")]
    assert len(cards) == len(set(cards)) == 12
    assert Counter(link["href"] for link in page.all("a") if link["href"].startswith("#")) == Counter(
        f"#{card}" for card in cards
    )
    shown = "".join(page.texts)
    assert "December 2026" in shown
    assert "January 2027" in shown
    assert "Thu 2026-12-03 10:00 Europe/Berlin" in shown, "nine o'clock UTC is ten in Berlin"


def test_the_state_of_each_draft_is_in_words() -> None:
    shown = "".join(Page(gallery([review()])).texts)
    for words in ("9 pending", "1 approved", "1 scheduled", "1 cancelled after approval", "pending, blocked"):
        assert words in shown
    assert "policy.bannedWords: the text contains 'guaranteed'" in shown
    assert "; change the content in the dashboard or send it back with `decision: regenerate`, or change" in shown
    assert "No image" in shown
    assert "2,171 characters" in shown, "an emoji with its selector is one"


@pytest.mark.parametrize("status", ReviewStatus)
def test_each_status_of_a_draft_has_a_state(status: ReviewStatus) -> None:
    shown = review()
    first = shown.activities[0]
    first = replace(first, posts=tuple(replace(post, status=status) for post in first.posts))
    assert gallery([replace(shown, activities=(first,))])


def test_the_same_reviews_give_the_same_page_and_many_sites_share_one() -> None:
    assert gallery([review()]) == gallery([review()])
    assert len(Page(gallery([review(), review()])).all("main")) == 1
    assert "nothing to review" in gallery([])
    assert "There are no drafts to review" in gallery([Review(review().site, "UTC", ())])


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


@needs_browser
def test_a_browser_lays_it_out_without_running_over(tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    file.write_text(shown_offline(gallery([review()])), encoding="utf-8")
    with chromium(tmp_path) as driver:
        for width in (390, 1280):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(file.as_uri())
            driver.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
            wide, out, broken = driver.execute_script(
                "return [document.documentElement.scrollWidth, [...document.querySelectorAll('.card *, .week *')]"
                ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.media, .hidden'))"
                ".map(e => e.outerHTML.slice(0, 90)),"
                "[...document.images].filter(image => image.complete && !image.naturalWidth).length]"
            )
            assert (wide <= width, out, broken) == (True, [], 0)
        assert complaints(driver) == []
        assert requested(driver) == {file.as_uri()}


@needs_browser
def test_the_words_for_a_missing_image_are_behind_an_image_of_any_shape(tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    file.write_text(shown_offline(gallery([review()])), encoding="utf-8")
    with chromium(tmp_path) as driver:
        driver.get(file.as_uri())
        shares = driver.execute_script(
            "return [...document.querySelectorAll('.media .missing')].map(words => {"
            "const text = document.createRange(); text.selectNodeContents(words);"
            "return text.getBoundingClientRect().width / words.parentNode.clientWidth; })"
        )
        assert len(shares) > 5
        assert max(shares) < 0.35, "as wide as a portrait of 9:16 in the widest frame"


@needs_browser
def test_a_printed_card_fits_on_a_page_with_all_its_images(tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    file.write_text(shown_offline(gallery([review()])), encoding="utf-8")
    with chromium(tmp_path) as driver:
        size = {"width": 718, "height": 1047, "deviceScaleFactor": 1, "mobile": False}  # A4 with Chromium's margins
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        driver.get(file.as_uri())
        tall, cut, words = driver.execute_script(
            "const all = selector => [...document.querySelectorAll(selector)];"
            "return [all('.media').filter(media => media.offsetHeight > 400).length,"
            "all('.media').filter(media => media.scrollWidth > media.clientWidth + 1).length,"
            "all('.many').filter(words => words.offsetHeight).length]"
        )
        assert (tall, cut, words) == (0, 0, 0)


def test_what_waits_comes_first_and_the_page_says_how_to_decide() -> None:
    page = gallery([review()])
    places = [page.index(f'<h2 class="group">{title}</h2>') for title in ("Waiting for a decision", "Decided")]
    assert places == sorted(places)
    assert page.index('class="weeks"') < places[0]
    for words in ("reconciler review --web", "reconciler approve", "approvals/shop.yaml"):
        assert words in page


def test_what_failed_or_still_goes_out_is_seen_before_all_else() -> None:
    from msgspec.structs import replace

    from reconciler.model.approvals import ActivityDecision
    from reconciler.model.posts import PostStatus

    plain = review()
    last = plain.activities[-1]
    failed = replace(last.posts[0], post=replace(last.posts[0].post, status=PostStatus.FAILED, error="No connection"))
    scheduled = next(post for post in last.posts if post.post.status is PostStatus.SCHEDULED)
    page = gallery([replace(plain, activities=(*plain.activities[:-1], replace(last, posts=(failed,))))])
    assert 0 < page.index("Needs attention") < page.index("No connection") < page.index("Waiting for a decision")
    gone_on = replace(last, posts=(scheduled,), decision=ActivityDecision.DISCARD)
    page = gallery([replace(plain, activities=(*plain.activities[:-1], gone_on))])
    assert "1 still going out" in "".join(Page(page).texts)
