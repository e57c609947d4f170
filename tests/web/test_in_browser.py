"""The page in a real browser: by keyboard, by mouse and on a phone, in two tabs, and while files change."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.web.app import AT_ONCE
from tests.browser import complaints, needs_browser, requested
from tests.cli.projects import Command, Project, site
from tests.hostile import CAPTIONS
from tests.web.conftest import served
from tests.web.pages import (
    activity,
    activity_id,
    approvals,
    draft_id,
    page_of,
    without_own_git_settings,
    words,
    write_project,
)

pytestmark = needs_browser

PIXEL = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI0IiBoZWlnaHQ9IjgiLz4="
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


def until(said: Callable[[], Any], what: str = "", seconds: float = 60) -> Any:
    """What the page says, once the condition holds."""
    end = time.monotonic() + seconds
    while not (found := said()):
        assert time.monotonic() < end, f"not within {seconds} s: {what or said}"
        time.sleep(0.02)
    return found


def press(driver: Any, *keys: str) -> None:
    """Types each key, and waits until what it asked for is answered."""
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()
        until(lambda: not driver.find_elements("css selector", ".waiting-answer"), "an answer")


def tap(driver: Any, element: Any) -> None:
    """Clicks where a finger or a mouse would: not underneath what is fixed to the edges of the window."""
    script = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    for _ in range(2):  # a card has its real height only once it has been in view
        driver.execute_script(script, element)
    element.click()


def text(driver: Any, selector: str) -> str:
    return str(driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def states(driver: Any) -> list[str]:
    script = "return [...document.querySelectorAll('.card')].map(card => card.dataset.state)"
    return list(driver.execute_script(script))


def test_twelve_drafts_by_keyboard_by_mouse_and_on_a_phone(browser: Any, pottery: Path) -> None:
    from selenium.webdriver.common.by import By

    write_project(pottery, {"shop": tuple(map(activity, range(4)))})
    with served(page_of(pottery, picture=lambda _url: PIXEL)) as url:
        browser.get(url)
        assert browser.current_url.endswith("/"), "the token is not in the address any more"
        assert "12 of 12 drafts are waiting" in text(browser, "#summary")
        # By keyboard: the first three one by one, two more together, one sent back, one undone.
        press(browser, "jajaja")  # faster than the answers come
        until(lambda: states(browser)[:4] == ["approved"] * 3 + ["pending"], "no key is lost")
        assert states(browser)[:4] == ["approved"] * 3 + ["pending"]
        assert [words(pottery)[draft_id(0, channel)] for channel in range(3)] == ["approve"] * 3
        press(browser, "j", "x", "j", "x", "a")
        assert states(browser)[:6].count("approved") == 5
        press(browser, "x", "k", "x")
        press(browser, "u")
        assert states(browser)[:6].count("approved") == 3
        assert "Undone (2)" in text(browser, "#said")
        press(browser, "d")
        assert states(browser)[3:6] == ["sent-back"] * 3
        until(lambda: "Posts of 1 activity to be discarded." in text(browser, "#said"))
        assert words(pottery)[activity_id(1)] == "discard"
        press(browser, "u", "?")
        assert "next and previous draft" in text(browser, "#help")
        browser.find_element(By.CSS_SELECTOR, "#help button").click()
        # By mouse.
        cards = browser.find_elements(By.CSS_SELECTOR, ".card")
        tap(browser, cards[6].find_element(By.CSS_SELECTOR, "[data-to=approve]"))
        until(lambda: states(browser)[6] == "approved")
        tap(browser, cards[7].find_element(By.CSS_SELECTOR, ".others summary"))
        cards[7].find_element(By.CSS_SELECTOR, "[data-activity-to=regenerate-media]").click()
        until(lambda: states(browser)[6:9] == ["sent-back"] * 3)
        until(lambda: "Images of 1 activity to be regenerated." in text(browser, "#said"))
        browser.find_element(By.ID, "undo").click()
        until(lambda: states(browser)[6:9] == ["approved", "pending", "pending"])
        assert "Cropped here: the image is taller" in text(browser, ".card .image")
        # On a phone.
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        browser.refresh()
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        small = browser.execute_script(
            "return [...document.querySelectorAll('button, summary, .pick, select')].filter(e => e.checkVisibility())"
            ".map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, h]) => h && h < 30)"
        )
        assert small == [], "everything to touch is large enough for a thumb"
        last = browser.find_elements(By.CSS_SELECTOR, ".card [data-to=approve]")[-1]
        tap(browser, last)
        until(lambda: list(words(pottery).values()).count("approve") == 5)
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert complaints(browser) == []
        assert {address.split("/")[2] for address in requested(browser)} == {url.split("/")[2]}, "no foreign request"


def test_keys_lead_where_they_say_also_on_a_narrow_page(browser: Any, pottery: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    write_project(pottery, {"shop": (activity(0),)})
    with served(page_of(pottery)) as url:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        browser.get(url)
        assert not browser.find_element(By.NAME, "q").is_displayed()
        press(browser, "/")
        assert browser.switch_to.active_element == browser.find_element(By.NAME, "q"), "the filters open"
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        menu = browser.find_element(By.CSS_SELECTOR, ".others summary")
        tap(browser, menu)
        press(browser, Keys.TAB)
        assert browser.switch_to.active_element.text == "Regenerate text and images"
        press(browser, Keys.ESCAPE)
        assert browser.switch_to.active_element == menu, "the place on the page is kept"
        assert not browser.find_element(By.CSS_SELECTOR, ".menu").is_displayed()
        assert complaints(browser) == []


def test_who_approves_a_blocked_draft_is_told_so(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": (activity(0, {0: "New mugs"}, blocked=("no",)), activity(1, {0: "Come by"}))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        press(browser, "j", "a")
        until(lambda: "1 draft approved, but blocked. Press u" in text(browser, "#said"))
        press(browser, "p")
        until(lambda: "1 draft back to pending. Press u" in text(browser, "#said"))
        press(browser, "x", "j", "x", "a")
        until(lambda: "2 drafts approved, 1 of them blocked. Press u" in text(browser, "#said"))


def test_the_filter_counts_what_was_decided_since(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": (activity(0),)})

    def choices() -> list[str]:
        script = "return [...document.querySelectorAll('select[name=state] option')].map(option => option.textContent)"
        return list(browser.execute_script(script))

    with served(page_of(pottery)) as url:
        browser.get(url)
        assert choices() == ["all", "pending (3)"]
        press(browser, "j", "a")
        assert choices() == ["all", "pending (2)", "approved (1)"]
        press(browser, "d")
        assert choices() == ["all", "sent back (3)"]
        browser.get(browser.current_url + "?state=sent-back")
        press(browser, "u")
        until(lambda: choices() == ["all", "sent back (0)", "pending (2)", "approved (1)"])
        assert browser.execute_script("return document.querySelector('select[name=state]').value") == "sent-back"
        assert complaints(browser) == []


def test_each_reason_for_not_saving_is_said_with_its_number(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": (activity(0), activity(1, {0: "New mugs"}), activity(2, {0: "Come by"}))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        press(browser, "j", "d")
        until(lambda: states(browser)[:3] == ["sent-back"] * 3)
        file = approvals(pottery)
        file.write_text(file.read_text().replace("New mugs", "Free money", 1))
        until(lambda: "edited" in states(browser))
        browser.find_element("css selector", ".card .select").click()
        browser.find_element("css selector", "[data-bulk=all]").click()
        browser.find_element("css selector", "[data-bulk=approve]").click()
        until(lambda: "1 draft approved." in text(browser, "#said"))
        said = text(browser, "#said")
        assert "3 not saved: its activity has been sent back" in said
        assert "1 not saved: edited in the file" in said
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        gap = "return document.querySelector('#bulk').getBoundingClientRect().top - "
        gap += "document.querySelector('#said').getBoundingClientRect().bottom"
        assert browser.execute_script(gap) >= 0, "the message covers no button on a phone"
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_checkbox_says_what_it_selects(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": (activity(0, {0: "New mugs"}),)})
    with served(page_of(pottery)) as url:
        browser.get(url)
        (box,) = browser.find_elements("css selector", ".card .select")
        assert box.accessible_name.replace(" ,", ",") == "Select Activity 0, Instagram, pending"


def test_two_tabs_and_an_editor_lose_no_decision(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": tuple(map(activity, range(2)))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        second = browser.current_window_handle
        browser.get(url)
        press(browser, "j", "a")
        browser.switch_to.window(first)
        press(browser, "j", "d")  # at once, before this tab has heard of the other's decision
        until(lambda: states(browser)[0] in ("sent-back", "approved"))
        assert words(pottery)[draft_id(0)] == "approve", "the other tab's decision is in the file"
        press(browser, "u")
        until(lambda: states(browser)[0] == "approved", "this tab shows the other's decision")
        # An editor changes the words of a draft, and adds an approval unnoticed.
        file = approvals(pottery)
        text_of_file = file.read_text()
        file.write_text(text_of_file.replace("Activity 1: come and see", "Activity 1: free money", 1))
        until(lambda: "edited" in states(browser), "the edited draft is shown as edited")
        assert "changed in the files" in text(browser, "#news")
        driver_card = "[data-state=edited]"
        browser.execute_script("document.querySelector(arguments[0]).querySelector('[data-to]').click()", driver_card)
        until(lambda: "Not saved: edited in the file" in text(browser, f"{driver_card} .refused"))
        assert list(words(pottery).values()).count("approve") == 1
        browser.switch_to.window(second)
        browser.close()
        browser.switch_to.window(first)
        assert complaints(browser) == []


def test_nobody_decides_about_words_that_came_after_the_key(browser: Any, pottery: Path) -> None:
    def write(caption: str, *more: int) -> None:
        texts = {0: {0: "zero"}, 1: {0: caption}, 2: {0: "two"}} | {number: {0: "more"} for number in more}
        write_project(pottery, {"shop": tuple(activity(number, captions) for number, captions in texts.items())})

    def approved() -> list[int]:
        return [number for number in range(3) if words(pottery)[draft_id(number)] == "approve"]

    write("one")
    with served(page_of(pottery)) as url:
        browser.get(url)
        browser.execute_script(
            "const ask = window.fetch; window.pause = 700; window.fetch = async (path, options) => {"
            " if (path === '/decisions') await new Promise((go) => setTimeout(go, window.pause));"
            " if (window.lost) throw new TypeError(); return ask(path, options); }"
        )
        # The answer to the first key brings other words into the draft of the second.
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(browser).send_keys("ja").perform()
        write("free money")
        ActionChains(browser).send_keys("ja").perform()
        until(lambda: "1 not saved: it has changed since" in text(browser, "#said"))
        assert words(pottery)[draft_id(1)] == "pending"
        assert "1 draft changed in the files" in text(browser, "#news"), "it is said, whichever answer brought it"
        # What was selected with other words in it is no longer selected.
        browser.execute_script("window.pause = 0")
        browser.refresh()
        press(browser, "j", "x", "j", "x", "j", "x")
        write("guaranteed", 3)
        until(lambda: text(browser, "#bulk-count") == "2")
        assert "1 new draft in the files. Show the new drafts" in text(browser, "#news")
        press(browser, "a")
        assert approved() == [0, 2]
        # An undo that did not reach the server is not forgotten, and undoes nothing else the next time.
        press(browser, "k", "a")
        before = approved()
        browser.execute_script("window.ask = window.fetch; window.fetch = () => Promise.reject(new TypeError())")
        press(browser, "u")
        until(lambda: "Not saved" in text(browser, "#news"))
        browser.execute_script("window.fetch = window.ask")
        press(browser, "u")
        until(lambda: "Undone" in text(browser, "#said"))
        assert before == [0, 2]
        assert approved() == []


def test_a_page_of_a_server_that_was_started_again_says_so(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": tuple(map(activity, range(2)))})
    page = page_of(pottery)
    with served(page) as url:
        browser.get(url)
        page._run, page.board.version = page_of(pottery)._run, 1  # as with --port, and the new link opened in a tab
        until(lambda: "was restarted" in text(browser, "#news"))
        press(browser, "j", "a")
        assert "was restarted" in text(browser, "#news")
        tap(browser, browser.find_element("link text", "Show what the files say now"))
        until(lambda: states(browser)[0] == "approved")
        assert text(browser, "#news") == ""


def test_messages_are_visible_after_scrolling_down(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": tuple(map(activity, range(8)))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        tap(browser, browser.find_elements("css selector", ".card h3")[-1])
        file = approvals(pottery)
        file.write_text(file.read_text().replace("Activity 1: come and see", "Activity 1: free money", 1))
        press(browser, "a")
        until(lambda: "1 draft approved" in text(browser, "#said") and "changed in the files" in text(browser, "#said"))
        browser.execute_script("window.fetch = () => Promise.reject(new TypeError())")
        press(browser, "p")
        until(lambda: "Not saved. The page's server does not answer" in text(browser, "#said"))


def test_the_calendar_shows_what_was_decided_since(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": (activity(0, {0: "zero"}),)})
    with served(page_of(pottery)) as url:
        browser.get(url)
        browser.find_element("css selector", "#calendar summary").click()
        until(lambda: "?" in text(browser, "#calendar .day a"))
        press(browser, "j", "a")
        until(lambda: "✓" in text(browser, "#calendar .day a"))


def test_deciding_moves_no_draft_past_the_end_of_what_is_shown(browser: Any, pottery: Path) -> None:
    write_project(pottery, {"shop": tuple(map(activity, range(50)))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        browser.execute_script(
            "for (const which of ['all', 'approve']) document.querySelector(`[data-bulk=${which}]`).click()"
        )
        until(lambda: "approved" in states(browser))
        bottom = "window.scrollTo(0, document.body.scrollHeight); return document.querySelectorAll('.more').length"
        until(lambda: not browser.execute_script(bottom), "the end")
        shown = browser.execute_script("return [...document.querySelectorAll('.card')].map((card) => card.id)")
        assert len(shown) == len(set(shown)) == 150
        found = states(browser)
        assert found.count("approved") == list(words(pottery).values()).count("approve")
        assert complaints(browser) == []


@pytest.mark.parametrize("activities", [50, pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_thousands_of_drafts_scroll(browser: Any, pottery: Path, activities: int) -> None:
    write_project(pottery, {"shop": tuple(map(activity, range(activities)))})
    with served(page_of(pottery)) as url:
        browser.get(url)
        assert f"{3 * activities:,} of {3 * activities:,}" in text(browser, "#summary")
        assert len(states(browser)) == AT_ONCE, "however many there are"
        for _ in range(2):
            before = len(states(browser))
            browser.execute_script("scrollTo(0, document.documentElement.scrollHeight)")
            until(lambda seen=before: len(states(browser)) > seen, "more cards")  # type: ignore[misc]
        browser.get(url.split("?")[0] + f"?q=activity+{activities - 1}&channel=LINKEDIN")
        assert len(states(browser)) == 1
        press(browser, "j", "a")
        until(lambda: states(browser)[0] == "approved")
        assert words(pottery)[draft_id(activities - 1, 2)] == "approve"


def test_hostile_texts_stay_texts(browser: Any, pottery: Path) -> None:
    stacked = "Z" + "\u0300\u0301\u0302\u0303" * 60
    texts = [*CAPTIONS.values(), stacked]
    write_project(
        pottery,
        {
            "shop": tuple(
                activity(number, {0: words}, title=words or "none", blocked=(words or "x",))
                for number, words in enumerate(texts)
            )
        },
    )
    with served(page_of(pottery)) as url:
        browser.get(url)
        assert len(states(browser)) == len(texts)
        assert browser.execute_script(
            "return [document.scripts.length, document.querySelectorAll('.card a').length]"
        ) == [
            1,
            len(texts),
        ]
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        until(lambda: "could not be loaded" in text(browser, ".card .image.broken"), "a broken image says so")
        assert complaints(browser) == []


def test_everybody_can_use_it(browser: Any, pottery: Path) -> None:
    """axe-core finds nothing, in light and dark, on a phone, with everything open that can be opened."""
    axe = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not installed: `npm install --no-package-lock` in tests/web")
    blocked = activity(1, blocked=("the text contains 'guaranteed'",))
    arabic = activity(2, {0: "مجموعة الشتاء وصلت! خصم 20٪ حتى نهاية الأسبوع"}, title="إطلاق مجموعة الشتاء")
    root = write_project(pottery, {"shop": (activity(0), blocked, arabic)})
    with served(page_of(root, picture=lambda _url: PIXEL)) as url:
        browser.get(url)
        browser.execute_script(axe.read_text("utf-8"))
        press(browser, "j", "a", "j", "x", "j", "j", "d", "j")
        browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        until(lambda: browser.find_elements("css selector", "#calendar .chip"), "the calendar")
        right = "return getComputedStyle([...document.querySelectorAll('.caption')].at(-1)).direction"
        assert browser.execute_script(right) == "rtl"
        for scheme, phone in (("light", False), ("dark", False), ("light", True)):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            if phone:
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
            found = browser.execute_async_script(
                "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']})"
                ".then(r => done(r.violations.map(v => `${v.impact} ${v.id}: ${v.nodes[0].html.slice(0, 150)}`)))"
            )
            assert found == [], (scheme, phone)
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        assert complaints(browser) == []


def test_a_refresh_says_which_decisions_are_undone(browser: Any, project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more="schedule: {rules: [{match: {within: 14d}}]}\n")})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("review", project.root).code == 0
    shown_by = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "review", str(project.root), "--web"], stdout=subprocess.PIPE, text=True
    )
    assert shown_by.stdout is not None
    try:
        browser.get(next(line.split()[-1] for line in shown_by.stdout if "http://127.0.0.1:" in line))
        press(browser, "j", "r")
        card = browser.find_element("css selector", "[data-state=sent-back]")
        draft = card.get_attribute("data-draft")
        title = text(browser, "[data-state=sent-back] h3").partition(",")[0].strip()
        with project.world() as world:
            world.dashboard.edit_item("3f0c2a9e-8d0b-4b7c-9a55-000000000001", draft, caption="New words")
        browser.find_element("id", "refresh").click()
        until(lambda: "Read 1 of 1 site." in text(browser, "#news"), "the site is read again")
        assert f'shop: back to keep: "{title}": `regenerate` was given for drafts that have changed' in text(
            browser, "#news"
        )
    finally:
        shown_by.send_signal(signal.SIGINT)
        shown_by.communicate(timeout=20)


def test_the_whole_story(
    browser: Any,
    project: Project,
    reconciler: Command,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Drafts are generated, three are approved on the page and committed from it, and apply schedules just these."""
    without_own_git_settings(tmp_path_factory.mktemp("home"), monkeypatch)

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(project.root), *arguments], check=True, capture_output=True, text=True
        ).stdout

    rules = """\
posts:
  - match: {within: 21d}
schedule:
  rules:
    - match: {within: 14d}
      channels: [INSTAGRAM, FACEBOOK]
      at: "09:30"
"""
    project.write({"sites/shop.yaml": site("shop", more=rules), ".gitignore": ".reconciler/\n"})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("review", project.root).code == 0
    for command in (["init", "-q"], ["config", "user.name", "Ada"], ["config", "user.email", "a@b.example"]):
        git(*command)
    git("add", ".")
    git("commit", "-qm", "Review")
    shown_by = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "review", str(project.root), "--web", "--commit"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shown_by.stdout is not None
    try:
        url = next(line.split()[-1] for line in shown_by.stdout if "http://127.0.0.1:" in line)
        browser.get(url)
        assert "data:image/svg+xml" in browser.execute_script("return document.images[0].src"), "drawn, without network"
        assert browser.execute_script("return document.images[0].decode().then(() => document.images[0].naturalWidth)")
        browser.find_element("id", "refresh").click()
        until(lambda: "Read 1 of 1 site." in text(browser, "#news"), "the sites are read again")
        press(browser, "j", "a", "j", "a", "j", "a")
        moments = browser.execute_script(
            "return [...document.querySelectorAll('[data-state=approved] time')].map(each => each.innerText)"
        )
        tap(browser, browser.find_element("id", "commit"))
        until(lambda: "Committed: Approve 3 drafts for shop" in text(browser, "#news"))
        assert complaints(browser) == []
    finally:
        shown_by.send_signal(signal.SIGINT)
        said, _ = shown_by.communicate(timeout=20)
    assert shown_by.returncode == 0
    assert said.strip().startswith("Decided: 3 drafts in 1 site; ")
    assert git("status", "--porcelain") == ""
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish", "--committed").code == 0
    with project.world() as world:
        items = [item["item"] for each in world.world()["sites"].values() for item in each["items"].values()]
    scheduled = sorted(item["schedulingInfo"]["scheduledDate"] for item in items if item["status"] == "SCHEDULED")
    assert len(scheduled) == len(moments) == 3
    assert moments == [f"{datetime.fromisoformat(at):%a %Y-%m-%d %H:%M} UTC" for at in scheduled]
