"""What git knows in addition to the files: what was approved before, and what is not committed yet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from reconciler.config.approvals_edit import update_approvals
from reconciler.model.address import SiteName
from reconciler.model.content import approval_digest
from reconciler.reporters.cards import CardState
from tests.web.pages import activity, approvals, draft_id, without_own_git_settings, write_project
from tests.web.test_page import Visitor


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a repository whose git user is Ada, all committed."""
    without_own_git_settings(tmp_path, monkeypatch)
    made = write_project(tmp_path / "pottery", {"shop": tuple(map(activity, range(3)))})
    git(made, "init", "-q", "-b", "main")
    git(made, "config", "user.name", "Ada")
    git(made, "config", "user.email", "ada@example.com")
    git(made, "add", ".")
    git(made, "commit", "-qm", "Begin")
    return made


def bar(visitor: Visitor) -> str:
    return str(visitor.ask("GET", "/changes?since=0").json()["bar"])


def commit(visitor: Visitor) -> httpx.Response:
    """Commits what the page shows."""
    return visitor.post("/commit", {"since": visitor.page.board.version})


def test_the_bar_gives_the_two_commands_which_do_what_it_says(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    visitor = Visitor(root).enter()
    assert bar(visitor) == ""
    visitor.decide(visitor.draft(0, "approve"), visitor.draft(1, "approve"), visitor.whole(2, "discard"))
    said = bar(visitor)
    assert "3 decisions are saved but not committed yet" in said
    assert "git add -- approvals/shop.yaml<br>git commit -m " in said
    assert "Approve 2 drafts, discard the posts of 1 activity for shop" in said
    assert "shop: approve Instagram post of &quot;Activity 0&quot;, Tue 2026-11-03 10:00 Europe/Berlin" in said
    assert 'id="commit"' not in said
    assert visitor.post("/commit", {"since": 0}).status_code == 404, "only with --commit"
    commands = said.split("<pre")[1].split(">", 1)[1].split("</pre>")[0].replace("&#x27;", "'").split("<br>")
    for command in filter(None, map(str.strip, commands)):
        subprocess.run(command, shell=True, check=True, cwd=root, capture_output=True)
    assert bar(visitor) == ""
    assert git(root, "log", "-1", "--format=%s").strip() == "Approve 2 drafts, discard the posts of 1 activity for shop"


def test_a_commit_from_the_page_lists_what_was_decided_and_takes_nothing_else(root: Path) -> None:
    origin = root.parent / "origin.git"
    git(root, "clone", "-q", "--bare", str(root), str(origin))
    git(root, "remote", "add", "origin", str(origin))
    git(root, "push", "-q", "-u", "origin", "main")
    (root / "sites" / "shop.yaml").write_text((root / "sites" / "shop.yaml").read_text() + "# mine\n")
    git(root, "add", "sites")
    visitor = Visitor(root, commits=True).enter()
    visitor.decide(visitor.draft(0, "approve", 2))
    said = commit(visitor).json()
    assert said["said"] == {"words": "Committed: Approve 1 draft for shop. It is not pushed.", "problems": []}
    assert said["bar"] == ""
    message, author = git(root, "log", "-1", "--format=%B%x00%an").split("\0")
    assert author.strip() == "Ada"
    assert message.split("\n")[:3] == [
        "Approve 1 draft for shop",
        "",
        '- shop: approve LinkedIn post of "Activity 0", Tue 2026-11-03 10:00 Europe/Berlin',
    ]
    assert git(root, "show", "--name-only", "--format=").split() == ["approvals/shop.yaml"]
    assert git(root, "diff", "--cached", "--name-only").split() == ["sites/shop.yaml"], "it stays staged"
    assert git(origin, "rev-list", "--count", "main").strip() == "1", "never pushed"


def test_a_deleted_file_is_named_and_can_be_committed(root: Path) -> None:
    visitor = Visitor(root, commits=True).enter()
    visitor.decide(visitor.draft(0, "approve"))
    commit(visitor)
    approvals(root).unlink()
    said = bar(visitor)
    assert "1 decision is saved but not committed yet" in said
    assert "shop: delete the approvals file, which has 1 approval<" in said
    said = commit(visitor).json()
    assert said["said"] == {"words": "Committed: Delete 1 approvals file for shop. It is not pushed.", "problems": []}
    assert said["bar"] == ""
    assert git(root, "show", "--name-status", "--format=").split() == ["D", "approvals/shop.yaml"]


def test_a_site_that_never_had_a_file_is_not_in_the_bar(root: Path) -> None:
    approvals(root).unlink()
    git(root, "commit", "-qam", "Delete")
    assert bar(Visitor(root).enter()) == ""


def test_decisions_that_the_page_has_not_shown_are_not_committed(root: Path) -> None:
    visitor = Visitor(root, commits=True).enter()
    visitor.decide(visitor.draft(0, "approve"))
    shown = visitor.page.board.version
    edited = root / "edited.yaml"  # as most editors save; if written in place, only the file's time would differ
    edited.write_text(approvals(root).read_text().replace("decision: pending", "decision: approve", 1))
    edited.replace(approvals(root))
    said = visitor.post("/commit", {"since": shown}).json()
    assert said["said"]["words"] == "Nothing was committed."
    assert "commit again" in said["said"]["problems"][0]
    assert "2 decisions are saved but not committed yet" in said["bar"]
    assert git(root, "log", "--format=%s").split() == ["Begin"]
    said = visitor.post("/commit", {"since": said["version"]}).json()
    assert said["said"]["words"] == "Committed: Approve 2 drafts for shop. It is not pushed."


def test_what_git_refuses_is_reported(root: Path) -> None:
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    visitor = Visitor(root, commits=True).enter()
    visitor.decide(visitor.draft(0, "approve"))
    said = commit(visitor).json()
    assert "Nothing was committed" in said["said"]["words"]
    assert "not on a Friday" in said["said"]["problems"][0]
    assert "not committed yet" in said["bar"]
    hook.unlink()
    assert "Committed: " in commit(visitor).json()["said"]["words"]
    assert commit(visitor).json()["said"]["words"] == "There is nothing to commit."


def test_without_a_repository_the_page_says_so(tmp_path: Path) -> None:
    root = write_project(tmp_path / "pottery", {"shop": (activity(0),)})
    visitor = Visitor(root).enter()
    assert "cannot be committed here: the project is not in a git repository" in bar(visitor)
    git(root, "init", "-q")
    assert "cannot be committed here: the repository has no commit yet; make the first one." in bar(
        Visitor(root).enter()
    )


def after_review(root: Path, *activities: Any) -> None:
    """What `review` leaves if the site now has other drafts."""
    text = update_approvals(approvals(root).read_text(), SiteName("shop"), activities)
    assert text is not None
    approvals(root).write_text(text)


@pytest.mark.parametrize("through", ["git", "page"])
def test_what_changed_since_the_approval_is_shown_word_by_word(root: Path, through: str) -> None:
    visitor = Visitor(root).enter()
    visitor.decide(visitor.draft(0, "approve"), visitor.draft(1, "approve"))
    if through == "git":
        git(root, "commit", "-qam", "Approve")
    after_review(root, activity(0, {0: "Activity 0: come and buy"}), activity(1), activity(2))
    if through == "git":
        git(root, "commit", "-qam", "Review")
        visitor = Visitor(root).enter()
    shown = visitor.ask("GET", "/cards?q=buy").text
    assert "Changed since it was approved: caption" in shown
    assert "<del>see</del><ins>buy</ins>" in shown
    card = visitor.page.board.cards
    states = {each.draft: each.state for each in card.values()}
    assert states[draft_id(0)] is CardState.CHANGED
    assert states[draft_id(1)] is CardState.APPROVED
    assert states[draft_id(2)] is CardState.PENDING
    # Once it is approved again, there is nothing left to compare.
    visitor.decide(visitor.draft(0, "approve"))
    assert "Changed since" not in visitor.ask("GET", "/cards?q=buy").text


def test_old_and_new_images_are_side_by_side(root: Path) -> None:
    visitor = Visitor(root).enter()
    visitor.decide(visitor.draft(0, "approve"))
    found = activity(0)
    content = replace(found.drafts[0].content, media=("https://static.wixstatic.com/media/other~mv2.jpg",))
    digest = approval_digest(found.drafts[0].id, content, found.date, "janes.pottery")
    draft = replace(found.drafts[0], content=content, digest=digest)
    after_review(root, replace(found, drafts=(draft, *found.drafts[1:])), activity(1), activity(2))
    shown = visitor.ask("GET", "/cards?state=changed").text
    sides = shown.split('<div class="sides">')[1].split("</div>")[0]
    assert "0_0~mv2.jpg" in sides.split("now")[0]
    assert "other~mv2.jpg" in sides.split("now")[1]


def test_a_pull_is_noticed(root: Path) -> None:
    other = root.parent / "other"
    git(root.parent, "clone", "-q", str(root), str(other))
    there = Visitor(other).enter()
    there.decide(there.draft(1, "approve"))
    git(other, "-c", "user.name=Bo", "-c", "user.email=b@example.com", "commit", "-qam", "Approve one")
    os.utime(approvals(root), (0, 0))  # long before the pull: file times may be in whole seconds, and the size stays
    here = Visitor(root).enter()
    version = here.page.board.version
    git(root, "pull", "-q", str(other), "main")
    told = here.ask("GET", f"/changes?since={version}").json()
    assert len(told["cards"]) == 1
    assert told["bar"] == ""
