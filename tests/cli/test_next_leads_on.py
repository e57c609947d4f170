"""Typing what `Next:` says, again and again, does all the work, on the sites that were asked for and no others."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, Ran, site

MORE = """
posts: [{match: {within: 30d}, max: 1}]
schedule: {rules: [{match: {within: 30d}, channels: [INSTAGRAM]}]}
"""
FILES = {"shop-1": "sites/-my shops/it's.yaml", "shop-2": "sites/b.yaml", "shop-3": "sites/c.yaml"}
MOST_STEPS = 8
YES = {"apply": ("--auto-approve",), "approve": ("--all", "--yes")}
"""What answers the questions of a command."""


def made(root: Path) -> Project:
    project = Project(root)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX})
    project.write({file: site(name, number, more=MORE) for number, (name, file) in enumerate(FILES.items(), 1)})
    return project


def typed(line: str, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """What the shell does with a line; the result is that of its last command."""
    words, ran = [*shlex.split(line), "&&"], None
    while words:
        end = words.index("&&")
        (program, *arguments), words = words[:end], words[end + 1 :]
        if program == "cd":
            monkeypatch.chdir(arguments[0])
            continue
        assert program == "reconciler"
        saved = any(argument.endswith(".plan") for argument in arguments)
        ran = reconciler(*arguments, *(() if saved else YES.get(arguments[0], ())))
        assert ran.code == 0, (line, ran.out, ran.err)
    assert ran is not None
    return ran


def next_of(ran: Ran) -> str | None:
    last = ran.out.splitlines()[-1]
    return last.removeprefix("Next: ").partition("   (")[0] if last.startswith("Next: ") else None


def published(project: Project) -> set[str]:
    """The sites where a post waits to go out."""
    with project.world() as world:
        found = world.world()["sites"].items()
    return {
        f"shop-{int(id[-2:])}"
        for id, live in found
        if any(record["item"]["status"] == "SCHEDULED" for record in live["items"].values())
    }


ALL = frozenset(FILES)


@pytest.mark.parametrize(
    ("folder", "options", "sites"),
    [
        (".", "", ALL),
        ("sites", "", ALL),
        ("..", "project", ALL),
        (".", "--target shop-1", {"shop-1"}),
        (".", "--target 'shop-[12]' --exclude shop-2", {"shop-1"}),
        (".", "--exclude shop-2", {"shop-1", "shop-3"}),
        (".", "--exclude 'shop-1/settings' --exclude shop-2", {"shop-3"}),
        (".", "--target label:team=emea --shard 1/1", ALL),
        (".", "'sites/-my shops' sites/b.yaml", {"shop-1", "shop-2"}),
        ("sites", "-- '-my shops'", {"shop-1"}),
        (".", "--state 'other state'", ALL),
        (".", "--api sandbox --require-approval --target shop-2", {"shop-2"}),
        (".", "--no-publish --target shop-2", {"shop-2"}),
        (".", "--strict", ALL),
        (".", "--regenerate shop-2", ALL),
        (".", "--out 'my own.plan' --target shop-3", {"shop-3"}),
        (".", "--out=-p.plan", ALL),
        ("..", "project --out a.plan", ALL),
        ("sites", "b.yaml --out ../a.plan", {"shop-2"}),
    ],
)
def test_typing_what_is_next_ends_with_nothing_to_do_on_the_sites_that_were_asked_for(
    folder: str,
    options: str,
    sites: frozenset[str],
    tmp_path: Path,
    reconciler: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = made(tmp_path / "project")
    monkeypatch.chdir(project.root / folder)
    line: str | None = f"reconciler plan {options}"
    steps: list[str] = []
    while line is not None:
        steps.append(line)
        assert len(steps) <= MOST_STEPS, steps
        line = next_of(typed(line, reconciler, monkeypatch))
    assert "--allow-publish" in steps[-1], steps
    assert published(project) == sites, steps
    again = next(step for step in reversed(steps) if "reconciler plan" in step)
    assert typed(again, reconciler, monkeypatch).last.startswith("No changes."), steps
    if "--state" in options:
        assert not (project.root / ".reconciler" / "records").exists()


def test_approvals_without_a_record_are_renewed(
    tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost state, the first apply records the sites, but the decisions in their files no longer count."""
    project = made(tmp_path)
    monkeypatch.chdir(tmp_path)
    for command in ("apply", "review", "approve"):
        typed(f"reconciler {command}", reconciler, monkeypatch)
    line: str | None = "reconciler plan --state other"
    steps: list[str] = []
    while line is not None:
        steps.append(line)
        assert len(steps) <= MOST_STEPS, steps
        line = next_of(typed(line, reconciler, monkeypatch))
    assert steps == [
        "reconciler plan --state other",
        "reconciler apply --state other",
        "reconciler review --state other",
        "reconciler approve && reconciler plan --state other",
        "reconciler apply --state other --allow-publish",
    ]
    assert published(project) == ALL


@pytest.mark.parametrize(
    ("refused", "then"),
    [
        (
            ("shop-1",),
            "reconciler apply --strict --allow-publish   (12 posts to make public; leaves out 1 refused site)",
        ),
        (("shop-1", "shop-2", "shop-3"), None),
    ],
)
def test_what_is_next_leads_on_although_sites_are_refused(
    refused: tuple[str, ...], then: str | None, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which part of the work it does; if that is nothing, there is no next step."""
    project = made(tmp_path)
    monkeypatch.chdir(tmp_path)
    for command in ("apply", "review", "approve"):
        typed(f"reconciler {command}", reconciler, monkeypatch)
    for name in refused:
        project.edit(FILES[name], "schedule: {", "schedule: {paused: hold, ")
    planned = reconciler("plan", "--strict")
    *_, last = planned.out.splitlines()
    if then is None:
        assert (planned.code, last.partition(":")[0]) == (4, "Refused"), planned.out
        return
    assert (planned.code, last) == (4, f"Next: {then}"), planned.out
    applied = reconciler(*then.partition("   (")[0].split()[1:], "--auto-approve")
    assert (applied.code, published(project)) == (4, set(ALL.difference(refused))), applied.out


def test_a_shard_of_a_saved_plan_that_withheld_posts_leaves_the_other_shards(
    tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = made(tmp_path)
    monkeypatch.chdir(tmp_path)
    for file in FILES.values():
        project.edit(file, "schedule: {rules", "schedule: {approval: none, rules")
    typed("reconciler plan --out all.plan", reconciler, monkeypatch)
    done = reconciler("apply", "all.plan", "--shard", "1/2")
    assert done.code == 3
    assert done.out.endswith(" withheld; its shard of the saved plan is used up)\n"), done.out
    assert next_of(reconciler("show", "all.plan")) == "reconciler apply all.plan --shard 2/2 --allow-publish"
