"""What an apply that generated says to type next: only what then finds something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

POSTS = "posts: [{match: {within: 30d}, max: 3}]\n"


def schedule(within: str) -> str:
    return f"{POSTS}schedule: {{rules: [{{match: {{within: {within}}}}}]}}\n"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (schedule("30d"), True),
        (schedule("1h"), False),
        (POSTS, False),
    ],
)
def test_review_is_only_offered_if_it_finds_drafts(more: str, found: bool, tmp_path: Path, reconciler: Command) -> None:
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    done = reconciler("apply", project.root, "--auto-approve")
    assert done.code == 0, done.err
    steps = [line for line in done.out.splitlines() if line.startswith("Next: ")]
    reviewed = reconciler("review", project.root).last
    if not found:
        assert (steps, reviewed.partition(",")[0]) == ([], "Review: 0 pending"), reviewed
        return
    new = steps[0].partition("   (")[2]
    assert steps == [f"Next: reconciler review {project.root}   ({new}"]
    assert new == f"{new.split()[0]} new drafts in 1 site)"
    assert reviewed == f"Review: {new.split()[0]} pending, 0 approved; pending in 1 of 1 site."
