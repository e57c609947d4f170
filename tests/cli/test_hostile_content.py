"""Captions and titles that an AI or a stranger wrote, through every command: shown, but never obeyed."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import yaml

from tests.cli.projects import Command, Project, Ran
from tests.hostile import CAPTIONS, RAW

SITE_ID = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
SEED = f"""\
clock: 2026-11-02T09:00:00Z
freeze: true
sites:
  - id: {SITE_ID}
    timeZone: Europe/Berlin
    channels: [FACEBOOK]
    plan:
      activities:
"""
SITE = f"""\
version: 1
site: {{name: shop, id: {SITE_ID}}}
schedule:
  rules:
    - match: {{within: 14d}}
"""
ids = {name: f"d0000000-0000-4000-8000-{number:012d}" for number, name in enumerate(CAPTIONS)}
activities = {name: f"b0000000-0000-4000-8000-{number:012d}" for number, name in enumerate(CAPTIONS)}


@pytest.fixture
def shop(project: Project) -> Project:
    """A site with a draft for each caption, under a title that is just as bad."""
    seed = SEED
    for number, name in enumerate(CAPTIONS):
        draft = f"{{id: {ids[name]}, channel: FACEBOOK, media: ['https://static.wixstatic.com/{name}.jpg']}}"
        seed += (
            f"        - {{id: {activities[name]}, date: 2026-11-{3 + number % 10:02d}T12:00:00Z, items: [{draft}]}}\n"
        )
    project.write({"sandbox.yaml": seed, "sites/shop.yaml": SITE})
    with project.world() as world:
        for name, caption in CAPTIONS.items():
            world.dashboard.edit_item(SITE_ID, ids[name], caption=caption)
            world.dashboard.edit_activity(SITE_ID, activities[name], title=caption[:90])
        world.dashboard.edit_item(
            SITE_ID,
            ids["html"],
            media=["javascript:alert(1)", 'https://a.example/"><script>', "https://b.example/\x1b[31m"],
        )
    return project


def harmless(ran: Ran, code: int = 0) -> Ran:
    """The run as it ended; nothing raw reached the terminal, and nothing that a CI's log reader obeys."""
    assert ran.code == code, ran.out + ran.err
    for text in (ran.out, ran.err):
        assert RAW.findall(text) == []
        text.encode("utf-8")
        obeyed = [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]
        assert obeyed == []
    assert "Traceback" not in ran.err
    return ran


class Elements(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def is_inactive(text: str) -> None:
    """No script, no handler, no frame, no form, and every address a web address or a place on the page."""
    page = Elements(text)
    assert not RAW.findall(text)
    assert not {"script", "iframe", "object", "embed", "form", "link", "base", "svg"} & {
        tag for tag, _ in page.elements
    }
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
        for name in ("href", "src"):
            assert (attributes.get(name) or "#").startswith(("https://", "#"))
    assert sum(1 for tag, _ in page.elements if tag == "article") == len(CAPTIONS)
    assert CAPTIONS["html"] in page.text
    assert CAPTIONS["long"].strip() in page.text
    assert CAPTIONS["emoji"] in page.text


def test_captions_do_no_harm_in_any_command(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shop.root / "page.html"
    for output in ("text", "json"):
        harmless(reconciler("plan", shop.root, "--output", output))
        harmless(reconciler("review", shop.root, "--output", output))
        harmless(reconciler("plan", shop.root, "--explain", "--output", output))
    is_inactive(harmless(reconciler("review", shop.root, "--output", "html")).out)
    harmless(reconciler("review", shop.root, "--output", f"html={page}"))
    is_inactive(page.read_text("utf-8"))
    is_inactive((shop.root / "approvals" / "shop.html").read_text("utf-8"))
    harmless(reconciler("validate", shop.root))
    harmless(reconciler("apply", shop.root, "--auto-approve"))  # from now on the state knows the site
    shown = harmless(reconciler("approve", shop.root, "--all", "--yes")).out
    assert CAPTIONS["long"] in " ".join(shown.split())  # wrapped, and whole
    assert CAPTIONS["emoji"] in shown
    saved = shop.root / ".reconciler" / "plan.json"
    harmless(reconciler("plan", shop.root, "--out", saved))
    monkeypatch.chdir(shop.root)
    for output in ("text", "json"):
        harmless(reconciler("show", saved, "--output", output))
        harmless(reconciler("drift", shop.root, "--output", output), 2)
    done = harmless(reconciler("apply", shop.root, "--auto-approve", "--allow-publish"))
    assert f" {len(CAPTIONS)} published." in done.last
    harmless(reconciler("drift", shop.root))
    harmless(reconciler("sandbox", "show", shop.root))


def test_the_approvals_have_exactly_what_goes_out(shop: Project, reconciler: Command) -> None:
    harmless(reconciler("review", shop.root))
    text = (shop.root / "approvals" / "shop.yaml").read_text("utf-8")
    assert RAW.findall(text) == []
    document = yaml.safe_load(text)
    drafts = {draft["id"]: draft for activity in document["activities"] for draft in activity["drafts"]}
    titles = {activity["id"]: activity["title"] for activity in document["activities"]}
    for name, caption in CAPTIONS.items():
        read = drafts[ids[name]].get("caption", "")
        assert read in (caption, caption + "\n"), name
        assert titles[activities[name]] == caption[:90], name
    before = text
    harmless(reconciler("review", shop.root))
    assert (shop.root / "approvals" / "shop.yaml").read_text("utf-8") == before


def test_edits_in_a_file_with_such_captions_keep_them(shop: Project, reconciler: Command) -> None:
    """Deciding rewrites nothing but the decisions."""
    harmless(reconciler("review", shop.root))
    path = shop.root / "approvals" / "shop.yaml"
    before = path.read_text("utf-8")
    harmless(reconciler("approve", shop.root, "--all", "--yes"))
    assert path.read_text("utf-8").replace("decision: approve", "decision: pending") == before


COLOUR_OR_BAR = re.compile(r"\x1b\[[0-9;]*m|\r?\x1b\[(?:2K|1A|\?25[lh])")
"""A colour, or a progress bar coming and going: a run that takes longer than half a second has one."""


def test_colours_are_the_only_escapes_on_a_terminal(shop: Project) -> None:
    """On a real terminal, with its colours, its progress, and a person at it."""
    harmless_on_a_terminal("review", str(shop.root))
    shown = harmless_on_a_terminal("plan", str(shop.root))
    assert "\x1b[36m" in shown


def harmless_on_a_terminal(*arguments: str) -> str:
    """What a command shows on a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}  # one that shows colours, wherever the test runs
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so at the end
        while found := os.read(ours, 65536):
            shown += found
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode("utf-8").replace("\r\n", "\n")
    assert RAW.findall(COLOUR_OR_BAR.sub("", text)) == []
    return text


def test_json_has_the_facts_as_they_are(shop: Project, reconciler: Command) -> None:
    found = json.loads(reconciler("review", shop.root, "--output", "json").out)
    titles = {draft["address"]: draft["title"] for draft in found["sites"][0]["drafts"]}
    assert titles[f"shop/draft[{ids['markdown']}]"] == CAPTIONS["markdown"][:90]
