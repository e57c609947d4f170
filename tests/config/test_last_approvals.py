"""Each draft as it was last approved, from git's history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.config.approvals import read_approvals
from reconciler.config.last_approvals import AT_ONCE, LastApprovals
from reconciler.config.repository import Repository
from reconciler.model.address import SiteName
from tests.config.conftest import WriteProject
from tests.config.test_repository import commit, git, repository

APPROVED = """\
version: 1
site: {site}
activities:
  - id: a-{site}
    title: Summer
    date: 2026-12-03T09:00:00Z
    drafts:
      - {{id: d-{site}, channel: X, account: jane, type: POST, decision: {decision}, title: T, caption: {words}}}
"""
YES, OPEN = (f"{word} sha256:{digits * 16}" for word, digits in (("approve", "41c9"), ("pending", "7be0")))


def write(root: Path, sites: list[str], decision: str, words: str) -> None:
    for site in sites:
        text = APPROVED.format(site=site, decision=decision, words=words)
        (root / f"approvals/{site}.yaml").write_text(text, "utf-8")


def test_git_is_asked_once_for_many_sites(write_project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = [f"shop-{number}" for number in range(AT_ONCE + 1)]
    root = write_project({"reconciler.yaml": "version: 1\n", "approvals/.keep": ""})
    git(root, "-c", "init.defaultBranch=main", "init", "-q")
    write(root, sites, YES, "Old")
    commit(root)
    write(root, sites, OPEN, "New")
    commit(root)
    calls: list[str] = []
    run = Repository._bytes

    def counted(self: Repository, *arguments: str, **more: Any) -> bytes:
        calls.append(arguments[0])
        return run(self, *arguments, **more)

    monkeypatch.setattr(Repository, "_bytes", counted)
    last = LastApprovals(repository(root), root / "approvals")
    paths = {SiteName(site): root / f"approvals/{site}.yaml" for site in sites}
    files = [(site, path, read_approvals(path, site)) for site, path in paths.items()]
    last.read(files)
    for site, path, approvals in files:
        [(draft, approved)] = last.of(site, path, approvals).items()
        assert (draft, approved.content.caption.strip()) == (f"d-{site}", "Old")
    assert sorted(calls) == ["cat-file"] * 4 + ["log", "rev-parse"]  # two parts of the sites, two versions of each


def test_texts_of_several_commits_come_with_one_call(write_project: WriteProject) -> None:
    root = write_project({"a b.yaml": "one\n", "empty.yaml": ""})
    git(root, "-c", "init.defaultBranch=main", "init", "-q")
    commit(root)
    first = git(root, "rev-parse", "HEAD").strip()
    (root / "a b.yaml").write_text("two")
    (root / "sub").mkdir()
    (root / "sub/c.yaml").write_text("c")
    commit(root)
    second = git(root, "rev-parse", "HEAD").strip()
    spaced, empty, sub = root / "a b.yaml", root / "empty.yaml", root / "sub/c.yaml"
    asked = [(sub, first), (spaced, first), (root / "sub", second), (empty, first), (spaced, second), (sub, second)]
    outside = [(root.parent / "elsewhere.yaml", first), (root / "a\nb.yaml", first)]
    found = repository(root).versions([*outside, *asked])
    assert found == {(spaced, first): b"one\n", (empty, first): b"", (spaced, second): b"two", (sub, second): b"c"}
    assert repository(root).versions([]) == {}
    assert repository(root).versions(outside) == {}
