"""Generations as a user meets them: started once, waited for, continued, and made from the right inputs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.cli.projects import Command, Project, site

SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"


def starts(project: Project) -> list[str]:
    """The generations that were started, by the last part of their paths."""
    ends = (request["path"].rpartition("/")[2] for request in project.requests() if request["wrote"])
    return [end for end in ends if "generate-marketing-plan" in end]


def seeded(project: Project, fields: str) -> None:
    """Makes the only site start with these fields."""
    with_site = (project.root / "sandbox.yaml").read_text("utf-8") + f"sites:\n  {SHOP}: {fields}\n"
    project.write({"sandbox.yaml": with_site})


def advance(project: Project, by: timedelta) -> None:
    with project.world() as world:
        world.advance(by)


def test_a_plan_of_a_fresh_site_writes_nothing_and_is_2(project: Project, reconciler: Command) -> None:
    done = reconciler("plan", project.root, "--detailed-exitcode")
    assert done.code == 2
    assert done.last.startswith("Plan: 0 to add, 1 to change, 0 to destroy, 1 to generate")
    assert not any(request["wrote"] for request in project.requests())
    assert {request["method"] for request in project.requests()} == {"GET"}


def test_one_that_does_not_finish_is_pending_and_continued_later(project: Project, reconciler: Command) -> None:
    seeded(project, "{neverFinish: true}")
    first = reconciler("apply", project.root, "--auto-approve")
    assert first.code == 3
    assert first.last.endswith("; 1 pending.")
    assert starts(project) == ["generate-marketing-plan"]
    plan = reconciler("plan", project.root)
    assert plan.last.endswith("; 1 pending.")
    again = reconciler("apply", project.root, "--auto-approve")
    assert (again.code, starts(project)) == (3, ["generate-marketing-plan"])
    with project.world() as world:
        world.dashboard.set_plan_status(SHOP, "ACTIVE")
    last = reconciler("apply", project.root, "--auto-approve")
    assert (last.code, starts(project)) == (0, ["generate-marketing-plan"])
    assert reconciler("plan", project.root).last == "No changes."


POSTS = "posts: [{match: {within: 21d}, max: 7}]\n"


@pytest.mark.parametrize(
    ("latency", "rules", "said"),
    [
        ("generate: 10m, posts: 1s", "", "the generation that an earlier run started has since ended"),
        ("generate: 2s, posts: 10m", POSTS, "the 2 generations that earlier runs started have since ended"),
    ],
)
def test_one_that_ends_between_two_runs_is_told_by_the_second(
    latency: str, rules: str, said: str, project: Project, reconciler: Command
) -> None:
    """Once: after an apply, it is no news any more. A saved plan says what it found. `No changes.` stays as it is."""
    project.edit("sandbox.yaml", "generate: 2s, posts: 1s", latency)
    project.write({"sites/shop.yaml": site("shop", more=rules)})
    begun = reconciler("apply", project.root, "--auto-approve")
    assert (begun.code, " pending" in begun.last) == (3, True), begun.out
    assert "earlier" not in reconciler("plan", project.root).last
    advance(project, timedelta(minutes=20))
    saved = project.root / "saved.plan"
    for command in (("plan", "--out", saved), ("plan", "--quiet"), ("apply", "--auto-approve")):
        ran = reconciler(command[0], project.root, *command[1:])
        assert (ran.code, ran.last) == (0, "No changes."), ran.out
        assert (said in ran.out) is ("--quiet" not in command)
    assert said in reconciler("show", saved).out
    again = reconciler("plan", project.root)
    assert (again.last, "since ended" in again.out) == ("No changes.", False)


def test_one_that_ended_is_in_the_last_line_of_an_apply_that_did_other_things(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    project.edit("sandbox.yaml", "generate: 2s", "generate: 10m")
    assert reconciler("apply", "--auto-approve").code == 3
    advance(project, timedelta(minutes=20))
    project.edit("sites/shop.yaml", "{state: present}", "{state: present, regenerate: {when: never}}")
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    planned = reconciler("plan", "--out", "saved.plan").last
    assert planned.startswith("Plan: 0 to add, 1 to change, 0 to destroy; 1 earlier generation finished.")
    done = reconciler("apply", "saved.plan")
    assert (done.code, done.last) == (0, "Apply: 0 added, 1 changed, 0 destroyed; 1 earlier generation finished.")
    assert done.out.count("has since ended") == 1, done.out


def test_somebody_elses_is_waited_for_and_not_started_again(project: Project, reconciler: Command) -> None:
    settings = "settings: {toneOfVoice: warm and playful, marketingTools: [SOCIAL_MARKETING]}"
    seeded(project, f"{{plan: GENERATING, {settings}}}")
    done = reconciler("apply", project.root, "--auto-approve")
    assert (done.code, starts(project)) == (0, [])
    assert reconciler("plan", project.root).last == "No changes."


@pytest.mark.parametrize("status", ["INACTIVE", "FAILED"])
def test_what_is_not_usable_is_generated(project: Project, reconciler: Command, status: str) -> None:
    seeded(project, f"{{plan: {status}}}")
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert starts(project) == ["generate-marketing-plan"]


def test_six_idle_weeks_make_it_inactive_and_drift_says_so(project: Project, reconciler: Command) -> None:
    reconciler("apply", project.root, "--auto-approve")
    advance(project, timedelta(weeks=7))
    drift = reconciler("drift", project.root)
    assert drift.code == 2
    assert "INACTIVE" in drift.out
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert starts(project) == ["generate-marketing-plan"] * 2


@pytest.mark.parametrize(
    ("before", "after", "more", "start", "words"),
    [
        (
            "  marketingTools",
            "  topics: {included: [mugs]}\n  marketingTools",
            "",
            "regenerate-marketing-plan-with-keyword-research",
            "topics.included",
        ),
        ("warm and playful", "dry", "", "regenerate-marketing-plan", "toneOfVoice"),
        (
            "warm and playful",
            "dry",
            ", regenerate: {keywordResearch: always}",
            "regenerate-marketing-plan-with-keyword-research",
            "tone",
        ),
        ("warm and playful", "dry", ", regenerate: {when: never}", None, "toneOfVoice"),
    ],
    ids=["topics", "tone of voice", "always", "never"],
)
def test_which_regeneration_a_change_wants(
    project: Project, reconciler: Command, before: str, after: str, more: str, start: str | None, words: str
) -> None:
    project.edit("sites/shop.yaml", "{state: present}", f"{{state: present{more}}}")
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    project.edit("sites/shop.yaml", before, after)
    plan = reconciler("plan", project.root)
    assert words in plan.out
    assert ("with new keyword research" in plan.out) is ("research" in str(start))
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    made = starts(project)[1:]
    assert len(made) == (start is not None)
    assert all(call.startswith(str(start)) for call in made)
    assert reconciler("plan", project.root).last == "No changes."
