"""`plan --out`, `show PLANFILE` and `apply PLANFILE`, as a user runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.codec import sorted_json
from reconciler.planner.document import RunArguments
from reconciler.reporters.last_lines import NOTHING_PUBLIC
from reconciler.reporters.next_step import Again, repeated
from tests.cli.projects import PROJECT, Command, Project, site

SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
SECOND = "3f0c2a9e-8d0b-4b7c-9a55-000000000002"
EVENTS = "calendarEvents:\n  events:\n    - {name: Sale, date: 2026-11-27}\n"
POSTS = "posts:\n  - {match: {within: 21d}, state: present, max: 2}\n"
SITES = (("shop", "shop", 1), ("b", "shop-b", 2), ("c", "shop-c", 3))
YES = ("--auto-approve", "--allow-publish")


@pytest.fixture
def saved(reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved plan of a project with one site; commands run in the project's folder."""
    project.write({"sites/shop.yaml": site("shop", more=EVENTS + POSTS)})
    monkeypatch.chdir(project.root)
    ran = reconciler("plan", "--out", "shop.plan")
    assert ran.code == 0
    assert ran.err == "note: Saved to shop.plan\n"
    assert ran.out.endswith("Next: reconciler apply shop.plan\n")
    return project.root / "shop.plan"


def writes(project: Project) -> list[dict[str, Any]]:
    return [request for request in project.requests() if request["wrote"]]


def resealed(file: Path, **members: Any) -> None:
    """Changes the document, and gives it a matching seal."""
    document = {**json.loads(file.read_text()), **members}
    document.pop("seal")
    file.write_text(json.dumps({**document, "seal": f"sha256:{sha256(sorted_json(document)).hexdigest()}"}))


def test_a_first_run_with_nothing_to_do_is_recorded_by_its_saved_plan(
    reconciler: Command, project: Project, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `import`: approvals count only once a site is known, and a workflow applies nothing but saved plans."""
    assert reconciler("apply", saved.name, *YES).code == 0
    shutil.rmtree(project.root / ".reconciler" / "records")
    outputs = project.root / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    for first in (True, False):
        ran = reconciler("plan", "--out", "calm.plan", "--output", "text", "--output", "github=notes")
        assert ran.last == "No changes."
        told = dict(line.split("=") for line in outputs.read_text().splitlines())
        assert (told["changes"], told["to-record"]) == ("0", str(int(first)))
        assert reconciler("apply", "calm.plan", *YES).code == 0
        assert (project.root / ".reconciler" / "records" / f"{SHOP}.json").is_file()


# --- exact -----------------------------------------------------------------------------------------


def test_a_saved_plan_is_carried_out_and_nothing_is_left(reconciler: Command, project: Project, saved: Path) -> None:
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 0, ran.out + ran.err
    assert ran.last.startswith("Apply: 1 added, 1 changed, 0 destroyed, ")
    assert reconciler("plan").last == "No changes."
    assert reconciler("drift").last == "No drift."


def test_it_is_carried_out_without_asking_again_but_for_what_is_public(
    reconciler: Command, project: Project, saved: Path
) -> None:
    """There is no terminal here: what is public is withheld unless somebody allowed it."""
    assert reconciler("apply", saved.name).code == 0
    rules = "schedule: {approval: none, rules: [{match: {within: 14d}, channels: [INSTAGRAM], max: 1}]}\n"
    project.write({"sites/shop.yaml": site("shop", more=EVENTS + POSTS + rules)})
    for name in ("public.plan", "again.plan"):
        assert reconciler("plan", "--out", name).last.endswith("1 to publish.")
    ran = reconciler("apply", "public.plan")
    assert (ran.code, ran.last) == (3, "Apply: 0 added, 0 changed, 0 destroyed; 1 withheld.")
    step = "Next: reconciler apply --allow-publish   (1 public action withheld; the saved plan is used up)"
    assert ran.out.splitlines()[-1] == step
    assert reconciler("apply", "again.plan", "--allow-publish").code == 0


@pytest.mark.parametrize("generated", [True, False], ids=["drafts", "before-the-generation"])
def test_its_top_says_that_it_publishes_without_approval(
    generated: bool, reconciler: Command, project: Project, saved: Path
) -> None:
    if generated:
        assert reconciler("apply", saved.name).code == 0
    rules = "schedule: {approval: none, rules: [{match: {within: 14d}, channels: [INSTAGRAM], max: 1}]}\n"
    project.write({"sites/shop.yaml": site("shop", more=EVENTS + POSTS + rules)})
    said = "! approval: none on 1 site (shop): drafts go out there unapproved"
    assert said in reconciler("plan", "--out", "public.plan").out.splitlines()
    assert reconciler("plan", "--shard", "1/1", "--out", "part.plan").code == 0
    for command in (("show", "public.plan"), ("merge", "part.plan", "--out", "all.plan"), ("apply", "public.plan")):
        ran = reconciler(*command, "--output", "text", "--output", "json=report.json")
        assert said in ran.out.splitlines(), command
        assert json.loads((project.root / "report.json").read_text())["run"]["approvalNone"] == ["shop"], command


def test_its_top_says_nothing_of_approval_if_everything_needs_one(reconciler: Command, saved: Path) -> None:
    assert "approval: none" not in reconciler("show", saved.name).out


def test_what_is_stale_is_reported_in_the_site_file(reconciler: Command, project: Project, saved: Path) -> None:
    assert reconciler("plan", "--out", "late.plan").code == 0
    assert reconciler("apply", saved.name).code == 0
    assert reconciler("apply", "late.plan", "--output", "sarif=found.sarif").code == 4
    results = json.loads((project.root / "found.sarif").read_text())["runs"][0]["results"]
    found = [
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in results
        if each["level"] == "error"
    ]
    assert found
    assert set(found) == {"sites/shop.yaml"}


def test_what_is_not_in_it_is_not_done(reconciler: Command, project: Project, saved: Path) -> None:
    project.write({"sites/shop.yaml": site("shop", more=EVENTS + POSTS).replace("warm and playful", "loud")})
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 0
    assert "warning: the files have changed since the plan was made (shop)" in ran.err
    assert "the saved plan is carried out as it is, or not at all" in ran.err
    assert reconciler("plan", "--output", "json").json["sites"][0]["actions"][0]["changes"] == [
        {"path": "settings.toneOfVoice", "before": "warm and playful", "after": "loud"}
    ]


def test_strict_refuses_if_the_files_have_changed(reconciler: Command, project: Project, saved: Path) -> None:
    project.edit("sites/shop.yaml", "warm and playful", "loud")
    ran = reconciler("apply", saved.name, *YES, "--strict")
    assert (ran.code, ran.last) == (
        4,
        "Refused: the files have changed since the plan was made (shop), and --strict is given; run plan again",
    )
    assert writes(project) == []


def test_warnings_about_the_files_are_given_and_refuse_it_with_strict(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    project.write({"other/b.yaml": site("b")})
    said = "warning: other/b.yaml is not read: no pattern in `sites` matches it"
    assert reconciler("plan", "--out", "p.plan").code == 0
    refused = reconciler("apply", "p.plan", *YES, "--strict")
    why = "there are warnings about the files, and --strict is given"
    assert (refused.code, refused.last) == (4, f"Refused: {why}; correct the files")
    assert refused.err.startswith(said)
    assert writes(project) == []
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, ran.err.startswith(said)) == (0, True), ran.err


def test_the_project_file_is_one_of_those_that_move_on(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People who approved the plan did not see a limit that has been loosened since."""
    monkeypatch.chdir(project.root)
    project.write({"reconciler.yaml": PROJECT + "policy: {maxDelete: 0, minLead: 2h}\n"})
    assert reconciler("plan", "--out", "p.plan").code == 0
    project.edit("reconciler.yaml", "policy:", "# reviewed\npolicy:")
    assert reconciler("apply", "p.plan", *YES, "--strict").code == 0
    for before, after in (("maxDelete: 0", "maxDelete: 99"), ("timeout: 1m", "timeout: 2m")):
        assert reconciler("plan", "--out", "p.plan", "--regenerate", "shop").code == 0
        project.edit("reconciler.yaml", before, after)
        moved = "the files have changed since the plan was made (reconciler.yaml)"
        refused = reconciler("apply", "p.plan", *YES, "--strict")
        assert (refused.code, refused.last) == (4, f"Refused: {moved}, and --strict is given; run plan again")
        ran = reconciler("apply", "p.plan", *YES)
        assert (ran.code, ran.err.startswith(f"warning: {moved}; ")) == (0, True), ran.err


def test_files_that_cannot_be_read_any_more_give_no_right(reconciler: Command, project: Project, saved: Path) -> None:
    """A saved plan is carried out only for sites of today's project, and nobody can tell which those are."""
    project.write({"sites/shop.yaml": "version: 1\nsite: {"})
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last.startswith("Refused: sites/shop.yaml:")
    assert ran.last.endswith("; correct that and apply the plan again")
    refused = reconciler("apply", saved.name, *YES, "--output", "json").json["refused"]
    assert (refused["code"], refused["file"], refused["line"]) == ("files-unreadable", "sites/shop.yaml", 3)
    assert "sites/shop.yaml" not in refused["message"]
    assert writes(project) == []


def test_approvals_that_cannot_be_read_are_the_reason_and_not_a_missing_site(
    reconciler: Command, project: Project, saved: Path
) -> None:
    project.write({"approvals/shop.yaml": "version: 1\nsite: shop\nactivities: 7\n"})
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last.startswith("Refused: approvals/shop.yaml:3:13:"), ran.last
    assert "no site" not in ran.out
    assert writes(project) == []


def test_a_comment_or_another_order_in_the_file_is_not_a_change(
    reconciler: Command, project: Project, saved: Path
) -> None:
    text = (project.root / "sites/shop.yaml").read_text("utf-8")
    project.write({"sites/shop.yaml": "# reviewed\n" + text})
    ran = reconciler("apply", saved.name, *YES, "--strict")
    assert ran.code == 0
    assert "warning" not in ran.err


@pytest.mark.parametrize("more", ["again.plan", "sites/shop.yaml", "."])
def test_a_saved_plan_is_applied_by_itself(more: str, reconciler: Command, project: Project, saved: Path) -> None:
    """Two plans, as after `plan --shard`, are not site files that need another name."""
    assert reconciler("plan", "--out", "again.plan").code == 0
    for paths in ((saved.name, more), (more, saved.name)):
        ran = reconciler("apply", *paths, *YES)
        assert ran.code == 1
        assert (
            "a saved plan, which cannot be combined with other paths; pass one saved plan alone (`merge` joins"
            in ran.err
        )
        assert ran.out == ""
    assert writes(project) == []


# --- stale -----------------------------------------------------------------------------------------


def test_a_stale_plan_is_refused_and_says_which_precondition(
    reconciler: Command, project: Project, saved: Path
) -> None:
    with project.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last == (
        "Refused: shop/settings: settings.toneOfVoice is 'dry' now, but was not set; "
        "the saved plan is stale; run plan again"
    )
    assert writes(project) == []
    with project.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": None})
    assert reconciler("apply", saved.name, *YES).code == 0, "a refused plan is not spent"


def test_one_stale_site_keeps_all_from_being_written(
    reconciler: Command, chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chain.root)
    reconciler("plan", "--out", "all.plan")
    with chain.world() as world:
        world.dashboard.patch_settings(SECOND, {"settings.toneOfVoice": "dry"})
    ran = reconciler("apply", "all.plan", *YES)
    assert ran.code == 4
    assert "shop-b/settings" in ran.last
    assert writes(chain) == []
    assert not list((chain.root / ".reconciler").rglob("lease*.json"))


def test_a_plan_that_is_stale_on_several_sites_says_on_how_many(
    reconciler: Command, chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chain.root)
    reconciler("plan", "--out", "all.plan")
    reconciler("apply", *YES)
    ran = reconciler("apply", "all.plan", *YES)
    assert ran.code == 4
    assert ran.last == "Refused: the saved plan is stale on 3 sites; run plan again"
    assert ran.err.count("toneOfVoice is ") == 1
    assert "error: shop-b" not in ran.err


# --- altered, expired, spent -----------------------------------------------------------------------


def test_an_altered_plan_is_refused(reconciler: Command, project: Project, saved: Path) -> None:
    saved.write_text(saved.read_text().replace("warm and playful", "buy now"))
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last.startswith("Refused: the saved plan was altered")
    assert writes(project) == []


def test_an_expired_plan_is_refused(reconciler: Command, project: Project, saved: Path) -> None:
    with project.world() as world:
        world.advance(timedelta(hours=24))
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last.startswith("Refused: the saved plan expired on Tue 2026-11-03 09:")
    assert writes(project) == []


def test_a_later_expiry_written_into_the_file_is_detected(reconciler: Command, project: Project, saved: Path) -> None:
    resealed(saved, expiresAt="2027-11-03T09:00:00Z")
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert "expiresAt does not match" in ran.last


def test_a_plan_is_applied_once(reconciler: Command, project: Project, saved: Path) -> None:
    assert reconciler("apply", saved.name, *YES).code == 0
    before = writes(project)
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.last.startswith("Refused: the saved plan was applied before, on Mon 2026-11-02 ")
    copy = saved.with_name("copy.plan")
    copy.write_bytes(saved.read_bytes())
    assert reconciler("apply", copy.name, *YES).code == 4
    assert writes(project) == before


def test_the_same_facts_give_the_same_digest(reconciler: Command, project: Project, saved: Path) -> None:
    with project.world() as world:
        world.advance(timedelta(hours=1))
    reconciler("plan", "--out", "again.plan")
    one, other = (json.loads((project.root / name).read_text()) for name in ("shop.plan", "again.plan"))
    assert one["digest"] == other["digest"]
    assert one["seal"] != other["seal"]
    assert one["madeAt"] != other["madeAt"]


# --- what is not a plan, and what does not go with one ---------------------------------------------


@pytest.mark.parametrize("text", ["", "{}", "not a plan", '{"kind": "reconciler-plan", "formatVersion": 9}'])
def test_what_is_not_a_plan_is_an_error(reconciler: Command, project: Project, saved: Path, text: str) -> None:
    saved.write_text(text)
    for command in (("apply", *YES), ("show",)):
        ran = reconciler(command[0], saved.name, *command[1:])
        assert ran.code == 1
        assert "shop.plan is " in ran.err or "shop.plan was made by a newer version" in ran.err
        assert "bug" not in ran.err


def test_a_plan_for_another_api_is_an_error(reconciler: Command, project: Project, saved: Path) -> None:
    ran = reconciler("apply", saved.name, *YES, "--api", "http://127.0.0.1:9")
    assert ran.code == 1
    assert "was made for the API sandbox" in ran.err


@pytest.mark.parametrize(
    "option", [("--target", "shop"), ("--regenerate", "shop"), ("--no-publish",), ("--changed-since", "HEAD")]
)
def test_options_that_would_make_it_another_plan_are_errors(
    reconciler: Command, project: Project, saved: Path, option: tuple[str, ...]
) -> None:
    ran = reconciler("apply", saved.name, *YES, *option)
    assert ran.code == 1
    assert option[0] in ran.err


def test_a_plan_that_lacks_a_site_is_not_saved(
    reconciler: Command, chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chain.root)
    chain.write({".reconciler/sites/shop-b.json": "{"})
    ran = reconciler("plan", "--out", "all.plan")
    assert ran.code == 1
    assert "was not saved" in ran.err
    step = "Next: reconciler plan --out all.plan   (not saved: 1 site could not be read; "
    step += "fix that first, or leave out what fails with --exclude)"
    assert ran.out.splitlines()[-1] == step, "not to apply what is not there, or an earlier plan"
    assert not (chain.root / "all.plan").exists()


def test_a_folder_that_is_not_there_is_reported_before_anything_is_read(reconciler: Command, project: Project) -> None:
    ran = reconciler("plan", project.root, "--out", project.root / "no" / "file")
    assert ran.code == 1
    assert "there is no folder" in ran.err
    assert project.requests() == []


def test_limits_of_the_run_are_judged_again(reconciler: Command, project: Project, saved: Path) -> None:
    with project.world() as world:
        world.dashboard.add_event(SHOP, {"name": "Theirs", "date": "2026-11-20T00:00:00.000Z"})
    project.write({"sites/shop.yaml": site("shop", more=EVENTS + "  prune: true\n")})
    assert reconciler("plan", "--out", "prune.plan").last.startswith("Plan: 1 to add, 1 to change, 1 to destroy")
    project.write({"reconciler.yaml": (project.root / "reconciler.yaml").read_text() + "policy: {maxDelete: 0}\n"})
    ran = reconciler("apply", "prune.plan", *YES)
    assert ran.code == 4
    assert "maxDelete" in ran.last
    assert writes(project) == []


# --- show ------------------------------------------------------------------------------------------


def test_show_renders_what_plan_showed(reconciler: Command, project: Project, saved: Path) -> None:
    shown, planned = reconciler("show", saved.name), reconciler("plan")
    assert shown.code == 0
    assert planned.last.endswith(NOTHING_PUBLIC)
    head, saved_line, *rest = shown.out.splitlines()
    assert "(expires" in saved_line
    assert [head, *rest[:-1]] == planned.out.splitlines()[:-1]
    assert rest[-1] == f"Next: reconciler apply {saved.name}"
    as_json = reconciler("show", saved.name, "--output", "json").json
    assert as_json["sites"] == reconciler("plan", "--output", "json").json["sites"]
    assert as_json["saved"]["spentAt"] is None
    assert "needs:" in reconciler("show", saved.name, "--explain").out


def test_what_strict_refused_as_a_whole_stays_refused(reconciler: Command, project: Project, saved: Path) -> None:
    """So does what it refused on a single site."""
    project.write({"sites/b.yaml": site("shop-b", 2)})
    assert reconciler("apply", "--auto-approve").code == 0
    (project.root / "sites" / "b.yaml").unlink()
    project.edit("sites/shop.yaml", "warm and playful", "loud")
    planned = reconciler("plan", "--strict", "--out", "strict.plan")
    assert (planned.code, planned.last.startswith("Refused: shop-b: ")) == (4, True)
    shown = reconciler("show", "strict.plan")
    assert (shown.code, shown.last) == (4, planned.last)
    before = len(writes(project))
    applied = reconciler("apply", "strict.plan", *YES)
    assert (applied.code, applied.last, len(writes(project))) == (4, planned.last, before)


def test_a_mapping_is_shown_in_one_order_by_plan_and_show(reconciler: Command, project: Project, saved: Path) -> None:
    project.write(
        {"sites/shop.yaml": site("shop", more="overrides: {blogs: {frequency: {interval: WEEK, count: 2}}}\n")}
    )
    planned, shown = reconciler("plan", "--out", "more.plan"), reconciler("show", "more.plan")
    for said in (planned.out, shown.out):
        assert "overrides.blogs.frequency  {count: 2, interval: WEEK}" in said


def test_show_says_when_a_plan_was_spent_or_is_over(reconciler: Command, project: Project, saved: Path) -> None:
    reconciler("apply", saved.name, *YES)
    assert "used up: it was applied" in " ".join(reconciler("show", saved.name).out.split())
    with project.world() as world:
        world.advance(timedelta(days=2))
    assert reconciler("show", saved.name, "--output", "json").json["saved"]["expired"] is True


def test_show_says_what_to_type_for_the_plan_as_it_is(reconciler: Command, project: Project, saved: Path) -> None:
    def step() -> str:
        return reconciler("show", saved.name).out.splitlines()[-1]

    assert step() == f"Next: reconciler apply {saved.name}"
    reconciler("apply", saved.name, *YES)
    assert step() == "Next: reconciler plan   (this plan has already been applied)"
    reconciler("plan", "--out", "more.plan", "--shard", "2/2")
    reconciler("plan", "--out", "part.plan", "--shard", "1/2")
    parts = [reconciler("show", part).out for part in ("more.plan", "part.plan")]
    assert not any("Next: reconciler apply" in part for part in parts)


def test_what_show_says_to_type_works_for_another_api_and_state(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like the last line of `plan`, it names the API that the plan was made for, unless the project does."""
    monkeypatch.chdir(project.root)
    project.write({"reconciler.yaml": PROJECT.replace("sandbox", "wix"), "sites/shop.yaml": site("shop")})
    elsewhere = ("--state", "elsewhere")
    planned = reconciler("plan", "--api", "sandbox", *elsewhere, "--out", "shop.plan").out.splitlines()[-1]
    assert planned == "Next: reconciler apply --api sandbox --state elsewhere shop.plan"
    assert reconciler("show", *elsewhere, "shop.plan").out.splitlines()[-1] == planned
    refused = reconciler("apply", "shop.plan", *YES)
    assert (refused.code, "pass --api sandbox, or run plan again" in refused.err) == (1, True)
    typed = planned.removeprefix("Next: reconciler ").split()
    assert reconciler(*typed, *YES).code == 0
    again = "Next: reconciler plan --api sandbox --state elsewhere   (this plan has already been applied)"
    assert reconciler("show", *elsewhere, "shop.plan").out.splitlines()[-1] == again


@pytest.mark.parametrize("state", ["elsewhere", "../elsewhere", "FULL", ".reconciler"])
def test_show_leads_to_the_state_that_a_plan_was_made_with(
    state: str, reconciler: Command, project: Project, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Also from another folder. What is recorded is relative to the project, so that its folder may be moved."""
    monkeypatch.chdir(project.root)
    state = state.replace("FULL", str(tmp_path_factory.mktemp("full")))
    planned = reconciler("plan", "--state", state, "--require-approval", "--out", "shop.plan").out.splitlines()[-1]
    assert planned == f"Next: reconciler apply --state {state} --require-approval shop.plan"
    recorded = json.loads((project.root / "shop.plan").read_text())["background"]["arguments"]
    assert recorded == {"paths": [], "sites": [], "planning": [], "reaching": ["--state", state, "--require-approval"]}
    shown = reconciler("show", "shop.plan").out
    assert shown.splitlines()[-1] == planned
    assert ("it is not known whether it was applied" in " ".join(shown.split())) == (state != ".reconciler")
    assert reconciler("show", "shop.plan", "--state", "third").out.splitlines()[-1] == planned.replace(state, "third")
    monkeypatch.chdir(project.root / "sites")
    inside = os.path.relpath(project.root / state) if not state.startswith("/") else state
    assert f"reconciler apply --state {inside} --require-approval" in reconciler("show", "../shop.plan").out
    monkeypatch.chdir(project.root.parent)
    step = reconciler("show", project.root / "shop.plan").out.splitlines()[-1]
    enter, _, apply = step.removeprefix("Next: ").partition(" && ")
    monkeypatch.chdir(shlex.split(enter)[1])
    done = reconciler(*shlex.split(apply)[1:], *YES)
    assert (done.code, (project.root / state / "records").is_dir()) == (0, True), done.err
    used = reconciler("show", "shop.plan", "--state", state).out
    assert used.endswith(
        f"reconciler plan --state {state} --require-approval   (this plan has already been applied)\n"
    ), used


def test_an_apply_leads_on_to_the_state_that_it_worked_on() -> None:
    """Whichever one the saved plan was made with."""
    arguments = RunArguments(reaching=("--state", "s3://bucket/shops", "--committed"))
    assert Again().with_those_of(arguments, shown=False).reaching == ()
    assert Again().with_those_of(arguments, shown=True).reaching == arguments.reaching
    given = Again(reaching=("--state", "here"))
    assert given.with_those_of(arguments, shown=True).reaching == ("--state", "here", "--committed")


def test_a_plan_made_with_the_default_state_is_saved_as_before(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its seal covers how it is written, so what earlier versions wrote must be written the same."""
    monkeypatch.chdir(project.root)
    assert reconciler("plan", "--no-publish", "--api", "sandbox", "--out", "shop.plan").code == 0
    recorded = json.loads((project.root / "shop.plan").read_text())["background"]["arguments"]
    assert recorded == {"paths": [], "sites": [], "planning": ["--no-publish"]}
    assert reconciler("show", "shop.plan").out.splitlines()[-1] == "Next: reconciler apply shop.plan"
    assert reconciler("apply", "shop.plan", *YES).code == 0


def test_what_plan_says_to_type_finds_the_project_and_the_file(
    reconciler: Command, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`apply FILE` takes the project of the current folder, whichever project the plan was made for."""
    project.write({"sites/shop.yaml": site("shop")})
    monkeypatch.chdir(project.root.parent)
    step = reconciler("plan", project.root.name, "--out", "my shop.plan").out.splitlines()[-1]
    assert step == f"Next: cd {project.root.name} && reconciler apply '{project.root.parent}/my shop.plan'"
    refused = reconciler("apply", "my shop.plan", *YES)
    assert (refused.code, refused.out) == (1, "")
    assert f"no reconciler.yaml in {project.root.parent} or above" in refused.err
    assert "run it in the folder of the project that the plan was made from" in refused.err
    step = reconciler("plan", project.root.name, "--out", "my shop.plan", "--state", "st").out.splitlines()[-1]
    assert f" apply --state {project.root.parent}/st '{project.root.parent}/my shop.plan'" in step
    enter, _, apply = step.removeprefix("Next: ").partition(" && ")
    monkeypatch.chdir(shlex.split(enter)[1])
    assert reconciler(*shlex.split(apply)[1:], *YES).code == 0
    assert reconciler("plan", project.root, "--out", "a b.plan", "--regenerate", "shop").out.splitlines()[-1] == (
        "Next: reconciler apply 'a b.plan'"
    )


def test_a_step_without_the_saved_plan_keeps_to_the_sites_of_the_run() -> None:
    step = "reconciler apply   (run this first to record the site; approvals count only after that)"
    again = Again(sites=("acme", "--target", "shop"), folder="acme")
    assert repeated(step, again, "shop.plan") == step.replace("apply", "apply acme --target shop", 1)
    assert repeated("reconciler apply shop.plan", again, "shop.plan") == "cd acme && reconciler apply shop.plan"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        (".", ""),
        ("--target shop --exclude shop/settings", "--target shop --exclude shop/settings"),
        ("sites/b.yaml", "b.yaml"),
        ("sites --shard 2/2", ". --shard 2/2"),
        ("--target shop-b --regenerate shop-b", "--target shop-b"),
    ],
)
def test_what_a_saved_plan_leaves_is_not_looked_for_on_other_sites(
    given: str, kept: str, reconciler: Command, chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise `Next:` would publish what nobody had planned. Paths are written as from the current directory."""
    monkeypatch.chdir(chain.root)
    assert reconciler("apply", *YES).code == 0
    unapproved = "schedule: {approval: none, rules: [{match: {within: 30d}}]}\n"
    chain.write({f"sites/{file}.yaml": site(name, n, more=unapproved) for file, name, n in SITES})
    assert reconciler("plan", *given.split(), "--out", "part.plan").code == 0
    monkeypatch.chdir(chain.root / "sites")
    done = reconciler("apply", "../part.plan", "--auto-approve")
    step = f"Next: reconciler apply{f' {kept}' if kept else ''} --allow-publish   ("
    assert (done.code, done.out.splitlines()[-1].startswith(step)) == (3, True), done.out


def test_a_stale_plan_says_once_what_to_do(reconciler: Command, project: Project, saved: Path) -> None:
    reconciler("apply", project.root, *YES)
    ran = reconciler("apply", saved.name, *YES)
    assert ran.code == 4
    assert ran.out.count("! shop refused  ") > 1
    assert ran.out.count("fix: the saved plan is stale; run plan again") == 1
    assert ran.last.endswith("; run plan again (and 3 more, above)")


@pytest.mark.parametrize("unread", [False, True])
def test_a_plan_refused_as_a_whole_shows_why_and_none_of_its_changes(
    unread: bool, reconciler: Command, chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is applied on all its sites or on none; `show` has what it would have done."""
    monkeypatch.chdir(chain.root)
    reconciler("plan", "--out", "all.plan")
    with chain.world() as world:
        world.dashboard.patch_settings(SECOND, {"settings.toneOfVoice": "dry"})
    if unread:
        (chain.root / ".reconciler/records").mkdir(parents=True, exist_ok=True)
        (chain.root / f".reconciler/records/{SECOND}.json").write_text("{", "utf-8")
    ran = reconciler("apply", "all.plan", *YES)
    assert ran.code == (1 if unread else 4)
    made, nothing = ran.out.splitlines()[1:3]
    assert (made.startswith("Saved plan, made "), nothing) == (True, "None of its changes will be made.")
    blocks = [line for line in ran.out.splitlines()[3:] if line and not line.startswith(" ")]
    what = "! shop-b could not be read  " if unread else "! shop-b refused  "
    assert (len(blocks), blocks[0].startswith(what), blocks[1]) == (2, True, ran.last), ran.out
    assert "~ settings" in reconciler("show", "all.plan").out


def test_show_does_not_show_an_altered_plan(reconciler: Command, project: Project, saved: Path) -> None:
    saved.write_text(saved.read_text().replace("warm and playful", "buy now"))
    ran = reconciler("show", saved.name)
    assert (ran.code, ran.out) == (1, "")
    assert "altered" in ran.err


def test_show_reads_no_site(reconciler: Command, project: Project, saved: Path) -> None:
    before = len(project.requests())
    reconciler("show", saved.name)
    assert len(project.requests()) == before


@pytest.mark.parametrize("command", [("show",), ("apply", *YES)])
def test_a_saved_plan_begins_with_where_it_works(
    reconciler: Command, project: Project, saved: Path, command: tuple[str, ...]
) -> None:
    """Then comes when it was made and when it expires; what tells plans apart is for --explain and reports."""
    first, second, *_ = reconciler(*command, saved.name, "--summary").out.splitlines()
    assert first == f"SANDBOX · {project.root.name} · 1 site"
    assert re.fullmatch(r"Saved plan, made \S+ \S+ \S+ UTC  \(expires \S+ \S+ \S+ UTC\)", second)


def test_id_and_digest_of_a_saved_plan_are_explained(reconciler: Command, saved: Path) -> None:
    document = json.loads(saved.read_text("utf-8"))
    facts = {f"id {document['id']}", f"digest {document['digest']}"}
    assert not facts & set(reconciler("show", saved.name).out.splitlines())
    assert facts <= set(reconciler("show", saved.name, "--explain").out.splitlines())
    shown = reconciler("show", saved.name, "--output", "json").json["saved"]
    assert (shown["id"], shown["digest"], shown["commit"]) == (document["id"], document["digest"], None)


def test_a_saved_plan_names_the_commit_it_was_made_from(reconciler: Command, project: Project, saved: Path) -> None:
    commit = committed(project.root)
    assert reconciler("plan", "--out", "shop.plan").code == 0
    assert committed(project.root) != commit
    for command in (("show",), ("apply", *YES)):
        ran = reconciler(*command, "shop.plan").out.splitlines()
        assert f" UTC from git {commit[:7]}  (expires " in ran[1]
        assert reconciler("show", "shop.plan", "--output", "json").json["saved"]["commit"] == commit


def committed(folder: Path) -> str:
    """Makes a commit of everything in a folder, and returns its id."""
    git = ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "sites"]):
        subprocess.run([*git, *arguments], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_show_from_outside_finds_the_project_of_the_plans_folder(
    reconciler: Command, project: Project, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says there what it says in the project, and its last line works from here."""
    inside = reconciler("show", saved.name).out.splitlines()
    monkeypatch.chdir(project.root.parent)
    *outside, step = reconciler("show", saved).out.splitlines()
    assert outside == inside[:-1]
    assert step == f"Next: cd {project.root.name} && reconciler apply {saved}"
    enter, _, apply = step.removeprefix("Next: ").partition(" && ")
    monkeypatch.chdir(shlex.split(enter)[1])
    assert reconciler(*shlex.split(apply)[1:], *YES).code == 0
    monkeypatch.chdir(project.root.parent)
    used = reconciler("show", saved).out
    assert "used up: it was applied" in " ".join(used.split())
    assert used.endswith(f"Next: reconciler plan {project.root.name}   (this plan has already been applied)\n")
    assert reconciler("plan", project.root, "--target", "shop", "--regenerate", "shop", "--out", saved).code == 0
    assert reconciler("show", saved).out.endswith(f"Next: cd {project.root.name} && reconciler apply {saved}\n")
    monkeypatch.chdir(project.root)
    assert reconciler("apply", saved, *YES).code == 0
    monkeypatch.chdir(project.root.parent)
    step = f"Next: reconciler plan {project.root.name} --target shop --regenerate shop"
    assert reconciler("show", saved).out.endswith(f"{step}   (this plan has already been applied)\n")


def test_show_without_a_project_says_what_is_not_known(
    reconciler: Command, project: Project, saved: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    moved = saved.rename(elsewhere / saved.name)
    monkeypatch.chdir(elsewhere)
    first, *rest, step = reconciler("show", moved.name).out.splitlines()
    assert first == "SANDBOX · 1 site"
    assert "; outside its project, so it is not known whether it can still be applied)" in " ".join(
        " ".join(rest[:4]).split()
    )
    assert step == f"Next: reconciler apply --api sandbox {moved}   (in the folder of its project)"
    refused = reconciler("apply", "--api", "sandbox", moved.name, *YES)
    assert (refused.code, refused.out) == (1, "")
    assert f"there is no reconciler.yaml in {elsewhere} or above" in refused.err
    assert list(elsewhere.iterdir()) == [moved]
    monkeypatch.chdir(project.root)
    assert reconciler(*step.split("   ")[0].split()[2:], *YES).code == 0
    assert "used up" in reconciler("show", moved).out


def test_show_says_if_the_state_cannot_tell_whether_a_plan_was_applied(
    reconciler: Command, project: Project, saved: Path
) -> None:
    (project.root / "broken").write_text("not a folder")
    shown = reconciler("show", saved.name, "--state", "broken").out
    assert "it is not known whether it was applied)" in " ".join(shown.split())


def test_nothing_comes_after_the_next_step(project: Project) -> None:
    """Also not where a terminal mixes the two streams."""
    command = [sys.executable, "-m", "reconciler", "plan", "--out", "shop.plan"]
    ran = subprocess.run(
        command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=60
    )
    assert "note: Saved to shop.plan\n" in ran.stdout
    assert ran.stdout.endswith("Next: reconciler apply shop.plan\n")
