"""The whole story over a real git repository: branch, plan, merge, apply, review, approve, publish, drift.

Jane and CI work in clones of one bare repository. Jane never reaches the API; only CI does, and it keeps the state.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.projects import Command, Project, Ran, site

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "approvals"
SITE_ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
FILE = "approvals/janes-pottery.yaml"
PUBLISH = ("apply", "--auto-approve", "--allow-publish")


@dataclass(frozen=True, slots=True)
class Clone:
    """A working copy. `reconciler` runs a command of the tool in it."""

    root: Path
    command: Command

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, check=False, text=True, capture_output=True)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def reconciler(self, *words: str) -> Ran:
        """Runs a command on the whole project; the folder goes right after the command's name."""
        return self.command(words[0], self.root, *words[1:])

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def push(self, branch: str) -> None:
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def look_at(self, branch: str) -> None:
        """Checks a branch of the remote out, as CI does."""
        self.git("fetch", "--quiet", "origin")
        self.git("switch", "--quiet", "--detach", f"origin/{branch}")

    def branch(self, name: str, start: str = "origin/main") -> None:
        self.git("fetch", "--quiet", "origin")
        self.git("switch", "--quiet", "--create", name, start)

    def merge(self, branch: str) -> None:
        """Merges a branch into main on the remote, as the button in a pull request does."""
        self.look_at("main")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", f"origin/{branch}")
        self.push("main")

    @property
    def project(self) -> Project:
        return Project(self.root)


@dataclass(frozen=True, slots=True)
class Pair:
    """Jane's clone and CI's."""

    jane: Clone
    ci: Clone

    def items(self) -> dict[str, dict[str, Any]]:
        """The live items of the site, by id."""
        with self.ci.project.world() as world:
            found = world.world()["sites"][SITE_ID]["items"]
        return {key: record["item"] for key, record in found.items()}

    def scheduled(self) -> dict[str, str]:
        """The scheduled items: when each goes out."""
        return {
            key: item["schedulingInfo"]["scheduledDate"]
            for key, item in self.items().items()
            if item["status"] == "SCHEDULED"
        }

    def writes(self) -> list[str]:
        """What was written to the site so far, by the last word of its path."""
        return [request["path"].rpartition("/")[2] for request in self.ci.project.requests() if request["wrote"]]

    def drafts(self, clone: Clone) -> dict[str, dict[str, Any]]:
        """The drafts of the approvals file in a clone, by id."""
        document = yaml.safe_load((clone.root / FILE).read_text("utf-8"))
        return {draft["id"]: draft for activity in document["activities"] for draft in activity["drafts"]}

    def does_nothing(self, kept: str) -> None:
        """An apply that may publish writes nothing, and leaves this one post scheduled."""
        before = self.writes()
        done = self.ci.reconciler(*PUBLISH)
        assert done.code == 0, done.out
        assert re.fullmatch(r"No changes(; \d+ blocked)?\.", done.last), done.out
        assert (self.writes(), list(self.scheduled())) == (before, [kept])

    def reviewed(self, branch: str) -> Ran:
        """CI writes the drafts to a branch of its own, and returns to main."""
        self.ci.branch(branch)
        done = self.ci.reconciler("review")
        assert self.ci.git("status", "--short", "--untracked-files=all") in (f"?? {FILE}", f"M {FILE}")
        self.ci.commit(f"Write down drafts to review ({branch})")
        self.ci.push(branch)
        self.ci.look_at("main")
        return done

    def decided(self, branch: str, decide: Callable[[Clone], object]) -> None:
        """Jane decides on that branch, with a commit, and merges it; CI is then at the new main."""
        self.jane.branch(branch, f"origin/{branch}")
        decide(self.jane)
        assert self.jane.git("status", "--short") == f"M {FILE}"
        self.jane.commit("Decide about the drafts")
        self.jane.push(branch)
        self.ci.look_at(branch)
        self.jane.merge(branch)
        self.ci.look_at("main")


@pytest.fixture
def pair(tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The example as a repository with a bare remote, and two clones of it. There is also a second site."""
    for key, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(key, value)
    clones = [Clone(tmp_path / name, reconciler) for name in ("jane", "ci")]
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(tmp_path / "remote.git")], check=True)
    for clone in clones:
        subprocess.run(
            ["git", "clone", "--quiet", str(tmp_path / "remote.git"), str(clone.root)], check=True, capture_output=True
        )
        clone.git("config", "user.name", clone.root.name)
        clone.git("config", "user.email", f"{clone.root.name}@example.com")
    jane = clones[0]
    shutil.copytree(
        EXAMPLE, jane.root, ignore=shutil.ignore_patterns(".reconciler", "*.html", "approvals"), dirs_exist_ok=True
    )
    jane.project.write({"sites/other.yaml": site("other", 9)})
    jane.commit("Start a project")
    jane.push("main")
    clones[1].look_at("main")
    return Pair(*clones)


def test_the_whole_story(pair: Pair) -> None:
    jane, ci = pair.jane, pair.ci
    assert ci.reconciler("apply", "--auto-approve").code == 0

    # A branch changes one site; CI plans only that one, and writes nothing.
    jane.branch("tone")
    jane.project.edit("sites/janes-pottery.yaml", "warm and playful", "dry and witty")
    jane.commit("Speak drily")
    jane.push("tone")
    ci.look_at("tone")
    before = pair.writes()
    planned = ci.reconciler("plan", "--changed-since", "origin/main", "--detailed-exitcode")
    assert planned.code == 2, planned.out + planned.err
    assert planned.last.startswith("Plan: 0 to add, 1 to change, 0 to destroy, 1 to generate, ")
    assert "janes-pottery" in planned.out
    assert "other" not in planned.out
    assert pair.writes() == before

    # Merged and applied: the marketing plan is regenerated, and nothing is public.
    jane.merge("tone")
    ci.look_at("main")
    applied = ci.reconciler(*PUBLISH)
    assert applied.code == 0
    assert re.fullmatch(r"Apply: 0 added, 1 changed, 0 destroyed, 1 generated, \d+ discarded\.", applied.last)
    assert {item["status"] for item in pair.items().values()} == {"DRAFT"}

    # The content is written to a branch. One draft is approved by editing the file, one from the terminal.
    assert pair.reviewed("review").last == "Review: 4 pending, 0 approved; 1 of 2 sites has pending drafts."
    chosen: list[str] = []

    def decide(clone: Clone) -> None:
        drafts = pair.drafts(clone)
        chosen.extend(key for key, draft in drafts.items() if draft["channel"] == "INSTAGRAM")
        live = pair.items()
        posts = [live[key] for key in chosen if live[key]["type"] == "POST"]
        assert posts
        assert all(post["instagramPost"]["caption"] == drafts[post["id"]]["caption"].rstrip("\n") for post in posts)
        text = (clone.root / FILE).read_text("utf-8")
        decision = drafts[chosen[0]]["decision"]
        one_yes = text.replace(f"decision: {decision}", f"decision: {decision.replace('pending', 'approve')}")
        assert one_yes != text
        (clone.root / FILE).write_text(one_yes, "utf-8")
        done = clone.reconciler("approve", "--id", chosen[1], "--yes")
        assert (done.code, done.last) == (0, "Decided: 1 draft in 1 site; 2 pending.")

    pair.decided("review", decide)
    assert len(chosen) == 2
    assert not (jane.root / ".reconciler").exists(), "deciding reaches no API"
    assert ci.git("ls-files").splitlines().count(FILE) == 1

    # Without permission, nothing goes out; with it, exactly what was approved does, at the rule's time.
    before = pair.writes()
    withheld = ci.reconciler("apply", "--auto-approve")
    assert (withheld.code, withheld.last) == (
        3,
        "Apply: 0 added, 0 changed, 0 destroyed; 2 withheld.",
    )
    assert (pair.writes(), pair.scheduled()) == (before, {})
    done = ci.reconciler(*PUBLISH)
    assert (done.code, done.last) == (0, "Apply: 0 added, 0 changed, 0 destroyed, 2 published.")
    scheduled = pair.scheduled()
    assert sorted(scheduled) == sorted(chosen)
    assert all(when.endswith("T08:30:00.000Z") for when in scheduled.values()), "09:30 in Berlin"
    ledger = [path.read_text("utf-8") for path in (ci.root / ".reconciler").rglob("*.json")]
    assert any(ci.git("rev-parse", "HEAD") in document for document in ledger), "the commit that approved it is noted"
    assert any('"approver":"jane"' in document.replace(": ", ":") for document in ledger), "and who made it"

    # Again: nothing twice, and no drift.
    before = pair.writes()
    again = ci.reconciler(*PUBLISH)
    assert (again.code, again.last) == (0, "No changes.")
    quiet = ci.reconciler("drift")
    assert (quiet.code, quiet.last) == (0, "No drift.")
    assert (pair.writes(), pair.scheduled()) == (before, scheduled)


def test_what_somebody_cancels_is_drift_and_needs_a_new_approval(pair: Pair) -> None:
    ci = pair.ci
    ci.reconciler(*PUBLISH)
    pair.reviewed("review")
    pair.decided("review", lambda clone: clone.reconciler("approve", "--channel", "INSTAGRAM", "--yes"))
    assert ci.reconciler(*PUBLISH).code == 0
    cancelled, kept = sorted(pair.scheduled())
    with ci.project.world() as world:
        world.dashboard.cancel_item(SITE_ID, cancelled)
    drifted = ci.reconciler("drift")
    assert (drifted.code, drifted.last) == (2, "Drift: 1 drifted, in 1 of 2 sites.")
    assert '~ post "' in drifted.out
    assert "changed remotely" in " ".join(drifted.out.split())
    pair.does_nothing(kept)

    # Back among the drafts, it has its old content and its old approval, which counted for only one scheduling.
    with ci.project.world() as world:
        world.edit(SITE_ID, lambda found, _now, _seed: found.items[cancelled]["item"].update(status="DRAFT"))
    assert ci.reconciler("drift").code == 2
    pair.does_nothing(kept)
    pair.reviewed("second")
    assert pair.drafts(ci)[cancelled]["decision"].startswith("approve "), "main still has the old yes"
    pair.does_nothing(kept)
    pair.decided("second", lambda clone: clone.reconciler("approve", "--id", cancelled, "--yes"))
    done = ci.reconciler(*PUBLISH)
    assert (done.code, done.last) == (0, "Apply: 0 added, 0 changed, 0 destroyed, 1 published.")
    assert sorted(pair.scheduled()) == sorted([cancelled, kept])
    assert ci.reconciler(*PUBLISH).last == "No changes."
    assert ci.reconciler("drift").code == 0


def test_what_changes_after_approval_is_read_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text and images, in a draft and in a saved plan; the new content needs a new decision."""
    ci = pair.ci
    ci.reconciler(*PUBLISH)
    pair.reviewed("review")
    pair.decided("review", lambda clone: clone.reconciler("approve", "--channel", "INSTAGRAM", "--yes"))
    saved = ci.root / ".reconciler" / "plan.json"
    assert ci.reconciler("plan", "--out", str(saved)).code == 0
    edited, kept = sorted(key for key, draft in pair.drafts(ci).items() if draft["decision"].startswith("approve "))
    with ci.project.world() as world:
        world.dashboard.edit_item(SITE_ID, edited, caption="Buy it now!!")
    before = pair.writes()
    monkeypatch.chdir(ci.root)
    stale = ci.command("apply", saved, "--auto-approve", "--allow-publish")
    assert stale.code == 4
    assert stale.last.startswith('Refused: janes-pottery: "')
    assert edited not in stale.last
    assert "the post's content has changed since the plan; " in stale.last
    assert stale.last.endswith("run plan again")
    assert (pair.writes(), pair.scheduled()) == (before, {})

    # A plan made now leaves it out, and the rest is carried out.
    done = ci.reconciler(*PUBLISH)
    assert (done.code, done.last) == (0, "Apply: 0 added, 0 changed, 0 destroyed, 1 published; 1 blocked.")
    assert "changed after approval" in " ".join(done.out.split())
    assert list(pair.scheduled()) == [kept]

    # Its image is edited as well; the review shows both, and asks again.
    with ci.project.world() as world:
        world.dashboard.edit_item(SITE_ID, edited, media=["https://static.wixstatic.com/media/other.jpg"])
    pair.reviewed("second")
    pair.decided("second", lambda clone: clone.reconciler("approve", "--id", edited, "--yes"))
    read = pair.drafts(ci)[edited]
    assert (read["caption"], read["media"]) == ("Buy it now!!\n", ["https://static.wixstatic.com/media/other.jpg"])
    assert ci.reconciler(*PUBLISH).code == 0
    assert sorted(pair.scheduled()) == sorted([edited, kept])

    # The same after it was scheduled: it is cancelled, unless somebody has read and approved what it is now.
    with ci.project.world() as world:
        world.dashboard.edit_item(SITE_ID, kept, caption="And now?")
    assert ci.reconciler("drift").code == 2
    reviewed = pair.reviewed("third").last
    assert reviewed == "Review: 3 pending, 0 approved; 1 of 2 sites has pending drafts; 1 post still going out."
    ci.git("merge", "--quiet", "origin/third")
    assert pair.drafts(ci)[kept]["decision"].startswith("pending ")
    assert "no longer what was approved" in " ".join(ci.reconciler("plan").out.split())
    assert ci.reconciler("drift").code == 2
    pair.decided("third", lambda clone: clone.reconciler("approve", "--id", kept, "--yes"))
    assert "blocked" not in ci.reconciler("plan").out
    assert ci.reconciler("drift").code == 0
