"""The page without a browser: who may request what, and what happens to the files."""

from __future__ import annotations

import asyncio
import html
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.model.address import SiteName
from reconciler.web.files import SiteFile
from reconciler.web.guard import Guard
from tests.hostile import CAPTIONS
from tests.web.pages import activity, activity_id, approvals, draft_id, page_of, words, write_project

PORT = 8123
HOST = f"127.0.0.1:{PORT}"
HERE = f"http://{HOST}"


class Visitor:
    """A browser's requests to a guarded page, one after the other."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.page = page_of(root, **more)
        self.guard = Guard(self.page.app, PORT, "https:")
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.guard)
            async with httpx.AsyncClient(transport=transport, base_url=HERE, cookies=self.cookies) as client:
                return await client.request(method, path, **more)

        answer = asyncio.run(send())
        self.cookies |= dict(answer.cookies)
        return answer

    def enter(self) -> Visitor:
        assert self.ask("GET", f"/?token={self.guard.token}").status_code == 303
        return self

    def post(self, path: str, body: object) -> httpx.Response:
        return self.ask("POST", path, json=body, headers={"Origin": HERE})

    def decide(self, *decisions: dict[str, str]) -> dict[str, Any]:
        answer = self.post("/decisions", {"since": self.page.board.version, "decisions": decisions})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def file(self) -> SiteFile:
        return self.page.board.folder.files[SiteName("shop")]

    def draft(self, number: int, to: str, channel: int = 0, **more: str) -> dict[str, str]:
        card = next(card for card in self.page.board.cards.values() if card.draft == draft_id(number, channel))
        seen = {"digest": card.digest, "seen": card.decision.value}
        return {"about": "draft", "site": card.site, "id": card.draft, **seen, "to": to, **more}

    def whole(self, number: int, to: str, **more: str) -> dict[str, str]:
        card = next(card for card in self.page.board.cards.values() if card.activity == activity_id(number))
        seen = {"digest": card.activity_digest or "", "seen": card.sent_back.value}
        return {"about": "activity", "site": card.site, "id": card.activity, **seen, "to": to, **more}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "pottery", {"shop": tuple(map(activity, range(3)))})


@pytest.fixture
def visitor(root: Path) -> Visitor:
    return Visitor(root).enter()


def test_only_the_link_opens_the_page_and_the_token_leaves_the_address(root: Path) -> None:
    visitor = Visitor(root)
    for path in ("/", "/?token=guessed", "/cards", "/changes?since=0", "/static/page.js"):
        assert visitor.ask("GET", path).status_code == 403
    entered = visitor.ask("GET", f"/?token={visitor.guard.token}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"].lower()
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert visitor.guard.token not in entered.headers["set-cookie"]
    shown = visitor.ask("GET", "/")
    assert shown.status_code == 200
    assert "Activity 2" in shown.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": f"http://127.0.0.1:{PORT + 1}"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
        ({"Origin": HERE, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": HERE, "Content-Type": "text/plain"}, 415),
        ({"Origin": HERE, "Host": "evil.example"}, 421),
        ({"Origin": HERE, "Host": f"evil.example:{PORT}"}, 421),
    ],
)
def test_nobody_decides_through_the_browser(visitor: Visitor, headers: dict[str, str], status: int) -> None:
    body = {"since": 0, "decisions": [visitor.draft(0, "approve")]}
    before = visitor.file.path.read_bytes()
    assert visitor.ask("POST", "/decisions", json=body, headers=headers).status_code == status
    assert visitor.ask("GET", "/", headers={"Host": "evil.example"}).status_code == 421
    assert visitor.file.path.read_bytes() == before


def test_every_answer_carries_the_policy_and_only_our_files_are_served(visitor: Visitor) -> None:
    for path in ("/", "/cards", "/changes?since=0", "/static/page.css", "/nothing", "/static/..%2f..%2fapp.py"):
        answer = visitor.ask("GET", path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for name in ("..%2fapp.py", "../app.py", "%2e%2e/app.py", "page.html", "/etc/passwd", ""):
        assert visitor.ask("GET", f"/static/{name}").status_code == 404
    assert visitor.ask("PUT", "/decisions", headers={"Origin": HERE}).status_code == 405


def test_a_decision_is_one_line_and_everything_else_stays(visitor: Visitor, root: Path) -> None:
    file = approvals(root)
    file.write_text(file.read_text().replace("version: 1\n", "version: 1  # ours\n\n"))
    before = file.read_text().splitlines()
    assert visitor.decide(visitor.draft(1, "approve"))["refused"] == []
    after = file.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old.strip().split()[1], new.strip().split()[1]) for old, new in changed] == [("pending", "approve")]
    assert visitor.decide(visitor.whole(1, "regenerate"), visitor.draft(0, "approve", 2))["refused"] == []
    assert {id: word for id, word in words(root).items() if word not in ("pending", "keep")} == {
        draft_id(1): "approve",
        activity_id(1): "regenerate",
        draft_id(0, 2): "approve",
    }
    assert visitor.decide(visitor.whole(1, "keep"), visitor.draft(1, "pending"), visitor.draft(0, "pending", 2))
    assert file.read_text().splitlines() == before, "taken back, nothing is left of it"


def test_what_was_undone_does_not_count_as_decided(visitor: Visitor) -> None:
    """What is counted when the page ends."""
    visitor.decide(visitor.draft(0, "approve"), visitor.draft(1, "approve"))
    visitor.decide(visitor.whole(2, "discard"))
    visitor.decide(visitor.whole(2, "regenerate"))
    visitor.decide(visitor.draft(1, "pending"), visitor.whole(2, "keep"))
    assert visitor.page.decided == {("shop", draft_id(0)): "approve"}
    visitor.decide(visitor.draft(1, "approve"))
    assert set(visitor.page.decided) == {("shop", draft_id(0)), ("shop", draft_id(1))}


def test_what_somebody_else_decided_is_not_lost(root: Path) -> None:
    here, there = Visitor(root).enter(), Visitor(root).enter()
    mine, stale = here.draft(0, "approve"), there.whole(0, "discard")
    assert here.decide(mine)["refused"] == []
    # Another draft of the same file is not a conflict; both decisions are in it.
    assert there.decide(there.draft(1, "approve"))["refused"] == []
    assert (words(root)[draft_id(0)], words(root)[draft_id(1)]) == ("approve", "approve")
    # The same decision twice is one.
    assert there.decide({**mine})["refused"] == []
    # What the page showed is no longer so: refused, with what the file says.
    assert here.decide(here.draft(0, "pending"))["refused"] == []
    (said,) = there.decide({**mine, "seen": "approve", "to": "approve", "digest": "sha256:" + "0" * 64})["refused"]
    assert "changed since" in said["why"]
    (said,) = there.decide({**mine, "seen": "approve"})["refused"]
    assert "the file says pending" in said["why"]
    assert here.decide(here.whole(0, "regenerate"))["refused"] == []
    (said,) = there.decide(stale)["refused"]
    assert "the file says regenerate" in said["why"]
    (said,) = here.decide(here.draft(0, "approve"))["refused"]
    assert (said["why"], said["fix"]) == ("its activity has been sent back", "keep the activity first")
    assert words(root)[activity_id(0)] == "regenerate"


def test_a_file_that_changed_underneath_is_shown_and_merged(visitor: Visitor, root: Path) -> None:
    file, before = approvals(root), visitor.page.board.version
    kept, edited, gone = visitor.draft(0, "approve"), visitor.draft(1, "approve"), visitor.draft(2, "approve")
    text = file.read_text().replace("Activity 1: come and see", "Activity 1: guaranteed riches", 1)
    text = text[: text.index("  - id: " + activity_id(2))]
    file.write_text(text)
    told = visitor.ask("GET", f"/changes?since={before}").json()
    assert len(told["cards"]) == 1, "the draft whose words were edited"
    assert len(told["gone"]) == 3
    refused = visitor.decide(kept, edited, gone)["refused"]
    assert {said["id"]: said["why"] for said in refused} == {
        draft_id(1): "edited in the file",
        draft_id(2): f"{visitor.file.shown} no longer has this draft",
    }
    assert words(root)[draft_id(0)] == "approve"


def test_no_draft_is_approved_where_no_approval_counts_yet(visitor: Visitor, root: Path) -> None:
    file = approvals(root)
    file.write_text(file.read_text().replace("activities:", "approvable: false\nactivities:", 1))
    visitor.ask("GET", "/changes?since=0")
    (refused,) = visitor.decide(visitor.draft(0, "approve"))["refused"]
    assert "apply refuses the site" in refused["why"]
    assert words(root)[draft_id(0)] == "pending"


def test_a_broken_file_is_named_and_left_alone(visitor: Visitor, root: Path) -> None:
    file = approvals(root)
    broken = file.read_text().replace(
        "activities:\n", "<<<<<<< HEAD\nactivities:\n=======\nactivities: []\n>>>>>>> theirs\n", 1
    )
    file.write_text(broken)
    told = visitor.ask("GET", "/changes?since=1").json()
    assert "conflict" in told["problems"]
    assert len(told["gone"]) == 9
    whole = visitor.ask("GET", "/").text
    assert "No draft can be shown until the files are corrected" in whole
    assert "Nothing is waiting" not in whole
    decision = {"about": "draft", "site": "shop", "id": draft_id(0), "digest": "x", "seen": "pending", "to": "approve"}
    (said,) = visitor.decide(decision)["refused"]
    assert "cannot be read" in said["why"]
    assert said["fix"] == "correct it first"
    assert file.read_text() == broken


def test_nothing_outside_the_project_is_read_or_written(root: Path) -> None:
    outside = root.parent / "outside.yaml"
    outside.write_bytes(approvals(root).read_bytes())
    approvals(root).unlink()
    approvals(root).symlink_to(outside)
    visitor = Visitor(root).enter()
    shown = visitor.ask("GET", "/").text
    assert "leads outside the project" in shown
    assert "Activity 1" not in shown
    decision = {"about": "draft", "site": "shop", "id": draft_id(0), "digest": "x", "seen": "pending", "to": "approve"}
    assert len(visitor.decide(decision)["refused"]) == 1
    assert len(visitor.decide({**decision, "site": "../outside"})["refused"]) == 1
    assert "approve" not in words(root).values()


def test_a_folder_that_now_leads_outside_is_not_written_to(root: Path) -> None:
    visitor = Visitor(root).enter()
    outside = approvals(root).parent.rename(root.parent / "elsewhere")
    approvals(root).parent.symlink_to(outside)
    (said,) = visitor.decide(visitor.draft(0, "approve"))["refused"]
    assert "leads outside the project" in said["why"]
    assert said["fix"]
    assert said["fix"] not in said["why"]
    assert "approve" not in words(root).values()


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"since": 1, "decisions": [{"about": "draft"}]}',
        '{"since": 1, "decisions": [{"about": "post", "site": "shop"}]}',
        '{"since": 1, "decisions": [], "publish": true}',
        '{"since":1,"decisions":[{"about":"draft","site":"a","id":"b","digest":"c","seen":"pending","to":"publish"}]}',
        "\udcff".encode("utf-8", "surrogatepass"),
        '{"since": 1, "decisions": [{"site": ' + "[" * 100_000,
    ],
)
def test_what_is_not_a_decision_is_refused(visitor: Visitor, body: str | bytes) -> None:
    headers = {"Origin": HERE, "Content-Type": "application/json"}
    assert visitor.ask("POST", "/decisions", content=body, headers=headers).status_code == 400


def test_nobodys_text_is_markup(tmp_path: Path) -> None:
    activities = tuple(
        activity(number, {0: text}, title=text or "none", blocked=(text or "x",))
        for number, text in enumerate(CAPTIONS.values())
    )
    visitor = Visitor(write_project(tmp_path / "pottery", {"shop": activities})).enter()
    shown = visitor.ask("GET", "/").text
    assert shown.count("<article") == len(CAPTIONS)
    assert shown.count("<script") == 1
    assert "onerror=" not in shown.replace("onerror=alert(1)&gt;", "")
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("caption", "size"), [("Come\nin", "7 characters"), ("é", "1 character"), ("", "0 characters")]
)
def test_the_length_is_that_of_the_live_text_and_not_of_its_lines_in_the_file(
    caption: str, size: str, tmp_path: Path
) -> None:
    visitor = Visitor(write_project(tmp_path / "pottery", {"shop": (activity(0, {0: caption}),)})).enter()
    assert f'<div class="size">{size}</div>' in visitor.ask("GET", "/").text


def test_filters_and_search_choose_and_pages_follow_each_other(tmp_path: Path) -> None:
    sites = {
        "shop": tuple(map(activity, range(30))),
        "cafe": (activity(40, {0: "Crème brûlée for two"}, title="Dessert"),),
    }
    visitor = Visitor(write_project(tmp_path / "pottery", sites)).enter()

    def shown(query: str) -> int:
        return visitor.ask("GET", f"/cards?{query}").text.count("<article")

    assert shown("site=cafe") == 1
    assert shown("q=CRÈME+two") == 1
    assert shown("q=dessert") == 1
    assert shown("channel=FACEBOOK") == 30
    assert shown("channel=FACEBOOK&week=2026-11-02") == 23
    assert shown("state=waiting&site=shop") == 60
    assert shown("state=approved") == 0
    assert visitor.decide(visitor.draft(7, "approve"))["refused"] == []
    assert shown("state=approved") == shown("state=decided") == 1
    assert [shown(f"from={start}") for start in (0, 60, 120)] == [60, 31, 0]
    assert "No draft matches" in visitor.ask("GET", "/?q=nothing+of+it").text


def test_what_is_decided_moves_nothing_past_the_end_of_a_page(tmp_path: Path) -> None:
    visitor = Visitor(write_project(tmp_path / "pottery", {"shop": tuple(map(activity, range(30)))})).enter()

    def page(address: str) -> tuple[list[str], str]:
        found = visitor.ask("GET", address).text
        link = re.search(r'<a href="([^"]+)" data-more', found)
        return re.findall(r'data-draft="([^"]+)"', found), html.unescape(link[1]) if link else ""

    for query in ("/", "/?state=waiting"):
        first, more = page(query)
        for number in range(10):
            visitor.decide(visitor.draft(number, "approve"))
        second, end = page(more)
        assert (len(first), end) == (60, "")
        assert len(first) + len(second) == len({*first, *second})
        assert {draft_id(number, channel) for number in range(10, 30) for channel in range(3)} <= {*first, *second}
    assert page("/cards?from=60&at=1")[0], "of a page that is not known any more"
