"""`--shard auto`, and `merge`: a run in parts is the run as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.shards import SYSTEMS, shard_of_job
from reconciler.engine.choice import Shard
from reconciler.engine.merge import merged_reports
from reconciler.model.diagnostics import UsageError
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "fleet" / "ci"
EVENTS = "calendarEvents:\n  events:\n    - {name: Sale, date: 2026-11-27}\n"
PARTS = 3
YES = ("--auto-approve", "--allow-publish")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Six sites, and a folder to run in, without any variable that names a part."""
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX})
    project.write({f"sites/{number}.yaml": site(f"shop-{number}", number, more=EVENTS) for number in range(1, 7)})
    monkeypatch.chdir(tmp_path)
    for told in SYSTEMS:
        monkeypatch.delenv(told.number, raising=False)
        monkeypatch.delenv(told.count, raising=False)
    monkeypatch.delenv("RECONCILER_SHARD", raising=False)
    return project


@pytest.fixture
def parts(fleet: Project, reconciler: Command) -> list[str]:
    """The saved plans of all parts; beside each its JSON report."""
    for number in range(1, PARTS + 1):
        ran = reconciler(
            "plan", "--shard", f"{number}/{PARTS}", "--out", f"{number}.plan", "--output", f"json={number}.json"
        )
        assert ran.code == 0, ran.err
        assert f"Saved to {number}.plan, shard {number} of {PARTS}" in ran.err
    return [f"{number}.plan" for number in range(1, PARTS + 1)]


def facts(file: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(file).read_text())
    return document


# --- which part ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "shard"),
    [
        ({"RECONCILER_SHARD": "2/8"}, Shard(2, 8)),
        ({"RECONCILER_SHARD": "2/8", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, Shard(2, 8)),
        ({"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "4"}, Shard(3, 4)),
        ({"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"}, Shard(1, 4)),
        ({"BUILDKITE_PARALLEL_JOB": "3", "BUILDKITE_PARALLEL_JOB_COUNT": "4"}, Shard(4, 4)),
        ({"BITBUCKET_PARALLEL_STEP": "1", "BITBUCKET_PARALLEL_STEP_COUNT": "4"}, Shard(2, 4)),
        ({"JOB_COMPLETION_INDEX": "7", "RECONCILER_SHARDS": "8"}, Shard(8, 8)),
    ],
)
def test_the_part_that_a_job_is_given(environ: Mapping[str, str], shard: Shard) -> None:
    assert shard_of_job(environ) == shard


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "set RECONCILER_SHARD=2/8"),
        ({"CI_NODE_TOTAL": "1"}, "no variable says which shard"),  # GitLab, of a job that is not parallel
        ({"RECONCILER_SHARD": "9/8"}, "RECONCILER_SHARD=9/8 is not a valid shard"),
        ({"RECONCILER_SHARD": "0/8"}, "is not a valid shard"),
        ({"JOB_COMPLETION_INDEX": "3"}, "RECONCILER_SHARDS is not; set it to the number of shards"),
        ({"JOB_COMPLETION_INDEX": "8", "RECONCILER_SHARDS": "8"}, "is not a valid shard"),
        ({"CI_NODE_INDEX": "x", "CI_NODE_TOTAL": "4"}, "CI_NODE_INDEX=x, CI_NODE_TOTAL=4 is not a valid shard"),
        (
            {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4", "JOB_COMPLETION_INDEX": "1", "RECONCILER_SHARDS": "4"},
            "name different shards",
        ),
    ],
)
def test_without_a_clear_part_it_is_an_error_and_never_all_sites(environ: Mapping[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        shard_of_job(environ)


def test_auto_without_a_part_plans_nothing(fleet: Project, reconciler: Command) -> None:
    ran = reconciler("plan", "--shard", "auto")
    assert (ran.code, ran.out) == (1, "")
    assert "set RECONCILER_SHARD=2/8" in ran.err


def test_auto_is_the_part(fleet: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_SHARD", "2/3")
    assert reconciler("plan", "--shard", "auto").out == reconciler("plan", "--shard", "2/3").out


def test_a_site_of_another_part_may_be_regenerated(fleet: Project, reconciler: Command) -> None:
    assert all(reconciler("plan", "--shard", f"{n}/3", "--regenerate", "shop-1").code == 0 for n in (1, 2, 3))
    assert reconciler("plan", "--shard", "1/3", "--regenerate", "shop-9").code == 1


# --- merge -----------------------------------------------------------------------------------------


def test_all_parts_together_are_the_plan_of_one_run(fleet: Project, reconciler: Command, parts: list[str]) -> None:
    ran = reconciler("merge", *reversed(parts), "--out", "all.plan")
    assert ran.code == 0, ran.err
    assert ran.last == "Plan: 6 to add, 6 to change, 0 to destroy, 6 to generate. Nothing goes public."
    assert reconciler("plan", "--out", "one.plan").code == 0
    merged, one = facts("all.plan"), facts("one.plan")
    assert (merged["digest"], merged["sites"]) == (one["digest"], one["sites"])
    assert "part" not in merged
    assert merged["expiresAt"] == min(facts(part)["expiresAt"] for part in parts)
    assert reconciler("show", "all.plan").last == ran.last


@pytest.mark.parametrize("given", [("--no-publish",), ()])
def test_the_whole_was_made_with_the_arguments_of_its_parts(
    given: tuple[str, ...], fleet: Project, reconciler: Command
) -> None:
    """Apart from the one that tells the parts apart."""
    for n in (1, 2):
        assert reconciler("plan", "--shard", f"{n}/2", "--out", f"{n}.plan", *given).code == 0
    assert facts("1.plan")["background"]["arguments"]["sites"] == ["--shard", "1/2"]
    assert reconciler("merge", "1.plan", "2.plan", "--out", "all.plan").code == 0
    kept = {"paths": [], "sites": [], "planning": [*given]} if given else None
    assert facts("all.plan")["background"].get("arguments") == kept


def test_parts_that_are_not_one_whole_are_refused(fleet: Project, reconciler: Command, parts: list[str]) -> None:
    def said(*files: str) -> str:
        ran = reconciler("merge", *files, "--out", "all.plan")
        assert (ran.code, Path("all.plan").exists()) == (1, False)
        return ran.err

    assert "shard 2 of 3 is missing" in said("1.plan", "3.plan")
    assert "1.plan and 1.plan are both shard 1" in said("1.plan", "2.plan", "3.plan", "1.plan")
    assert "made without --shard" in said(*parts, "1.json") or "plans and reports" in said(*parts, "1.json")
    reconciler("plan", "--out", "one.plan")
    assert "one.plan is not a shard: it was made without --shard" in said(*parts, "one.plan")
    reconciler("plan", "--shard", "2/4", "--out", "4.plan")
    assert "4.plan is shard 2 of 4, but 1.plan is shard 1 of 3" in said("1.plan", "4.plan")
    fleet.edit("sites/1.yaml", "warm and playful", "loud")
    reconciler("plan", "--shard", "3/3", "--out", "3.plan")
    assert "made from different files or with different options" in said(*parts)
    Path("2.plan").write_text(Path("2.plan").read_text().replace("warm", "cold"))
    assert "altered" in said("2.plan")
    assert "cannot be read" in said("nowhere.plan")
    assert "neither a saved plan nor a JSON report" in said("sites/1.yaml")
    Path("twice.json").write_text('{"command": "plan", "verdict": "succeeded", "verdict": "failed"}')
    assert "neither a saved plan nor a JSON report" in said("twice.json")


@pytest.mark.parametrize("kind", ["plan", "json"])
def test_a_part_that_leaves_out_what_is_public_is_not_merged_with_parts_that_publish(
    reconciler: Command, parts: list[str], kind: str
) -> None:
    """The whole would publish less than its readers think, and nothing in it would say so."""
    reconciler("plan", "--shard", "2/3", "--no-publish", "--out", "2.plan", "--output", "json=2.json")
    ran = reconciler("merge", *(f"{number}.{kind}" for number in (1, 2, 3)), "--out", "all")
    assert (ran.code, Path("all").exists()) == (1, False)
    assert f"2.{kind} and 1.{kind} were made from different files or with different options" in ran.err
    for number in (1, 3):
        out = ("--out", f"{number}.plan", "--output", f"json={number}.json")
        assert reconciler("plan", "--shard", f"{number}/3", "--no-publish", *out).code == 0
    assert reconciler("merge", *(f"{number}.{kind}" for number in (1, 2, 3)), "--out", "all").code == 0


def test_reports_are_joined_and_their_code_is_the_worst(fleet: Project, reconciler: Command, parts: list[str]) -> None:
    ran = reconciler("merge", "1.json", "2.json", "3.json", "--out", "all.json")
    assert (ran.code, ran.last) == (0, "Merged: 3 shards, 6 sites."), ran.err
    reconciler("plan", "--output", "json=one.json")
    merged, one = facts("all.json"), facts("one.json")
    assert merged["summary"] == one["summary"]
    assert merged["run"] == one["run"]
    assert sorted(merged["sites"], key=str) == sorted(one["sites"], key=str)
    reports = [(f"{number}.json", facts(f"{number}.json")) for number in (1, 2, 3)]
    for code, (_, report) in zip((2, 4, 3), reports, strict=True):
        report["exitCode"] = code
    assert merged_reports(reports)["exitCode"] == 4


def test_a_merge_says_that_a_shard_failed(reconciler: Command, parts: list[str]) -> None:
    report = facts("2.json")
    Path("2.json").write_text(json.dumps({**report, "verdict": "failed", "exitCode": 1}), "utf-8")
    ran = reconciler("merge", "1.json", "2.json", "3.json", "--out", "all.json")
    said = "Merged: 3 shards, 6 sites; the worst shard ended with exit code 1 (failed)."
    assert (ran.code, ran.last) == (1, said), ran.err


def test_a_warning_about_a_file_is_in_a_merged_report_once(fleet: Project, reconciler: Command) -> None:
    """Every shard reads all files."""
    fleet.edit("sites/1.yaml", "warm and playful", "warm and ${MOOD}")
    for number in (1, 2, 3):
        reconciler("plan", "--shard", f"{number}/3", "--output", f"json={number}.json")
    reconciler("merge", "1.json", "2.json", "3.json", "--out", "all.json")
    reconciler("plan", "--output", "json=one.json")
    assert facts("all.json")["problems"] == facts("one.json")["problems"]
    assert len(facts("all.json")["problems"]) == 1


# --- apply in parts --------------------------------------------------------------------------------


def test_a_merged_plan_is_applied_in_parts_each_once(
    fleet: Project, reconciler: Command, parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("merge", *parts, "--out", "all.plan")
    added = 0
    for number in (2, 1, 3):
        monkeypatch.setenv("RECONCILER_SHARD", f"{number}/{PARTS}")
        ran = reconciler("apply", "all.plan", "--shard", "auto", *YES)
        assert ran.code == 0, ran.out + ran.err
        added += int(ran.last.split()[1])
        again = reconciler("apply", "all.plan", "--shard", "auto", *YES)
        assert (again.code, "applied before" in again.last) == (4, True)
    assert added == 6
    for whole in ((), ("--shard", "1/2")):
        assert reconciler("apply", "all.plan", *whole, *YES).code == 4
    assert reconciler("plan", "--detailed-exitcode").last == "No changes."


def test_a_merged_plan_of_which_some_shards_were_applied_is_not_called_applied(
    fleet: Project, reconciler: Command, parts: list[str]
) -> None:
    reconciler("merge", *parts, "--out", "all.plan")
    assert reconciler("apply", "all.plan", "--shard", "2/3", *YES).code == 0
    shown = reconciler("show", "all.plan", "--output", "json=shown.json")
    assert "apply began Mon 2026-11-02 09:00 UTC; shards 1/3, 3/3 are left; expires" in " ".join(shown.out.split())
    assert "used up" not in shown.out
    assert shown.out.splitlines()[-1] == ("Next: reconciler apply all.plan --shard 1/3   (shards 1/3, 3/3 are left)")
    saved = facts("shown.json")["saved"]
    assert (saved["spentAt"], saved["shards"], saved["shardsLeft"]) == (None, 3, [1, 3])

    begun = "an apply of the saved plan in 3 shards began on Mon 2026-11-02 09:00 UTC, and shards 1/3, 3/3 are left"
    for wrong in ((), ("--shard", "1/2")):
        refused = reconciler("apply", "all.plan", *wrong, *YES)
        assert refused.code == 4
        assert refused.last == f"Refused: {begun}; apply each of them with --shard, or run plan again"
    again = reconciler("apply", "all.plan", "--shard", "2/3", *YES)
    assert again.last == (
        "Refused: shard 2/3 of the saved plan was applied before, on Mon 2026-11-02 09:00 UTC; run plan again"
    )

    for number in (1, 3):
        assert reconciler("apply", "all.plan", "--shard", f"{number}/3", *YES).code == 0
    assert "used up: it was applied Mon 2026-11-02 09:00 UTC" in " ".join(reconciler("show", "all.plan").out.split())
    assert "the saved plan was applied before, on" in reconciler("apply", "all.plan", *YES).last


def test_limits_are_judged_over_all_parts(fleet: Project, reconciler: Command) -> None:
    assert reconciler("apply", *YES).code == 0
    fleet.write({"reconciler.yaml": PROJECT + "policy: {maxDelete: 5}\n"})
    gone = "calendarEvents: {prune: true, events: []}\n"
    fleet.write({f"sites/{number}.yaml": site(f"shop-{number}", number, more=gone) for number in range(1, 7)})
    for number in (1, 2, 3):
        assert reconciler("plan", "--shard", f"{number}/3", "--out", f"{number}.plan").code == 0
    ran = reconciler("merge", "1.plan", "2.plan", "3.plan", "--out", "all.plan")
    assert (ran.code, "maxDelete is 5" in ran.out + ran.err) == (4, True)
    before = [request for request in fleet.requests() if request["wrote"]]
    ran = reconciler("apply", "all.plan", "--shard", "1/3", *YES)
    assert (ran.code, "maxDelete is 5" in ran.last) == (4, True)
    assert [request for request in fleet.requests() if request["wrote"]] == before


def test_a_part_that_was_begun_and_not_ended_begins_again(
    fleet: Project, reconciler: Command, parts: list[str]
) -> None:
    """As a killed job leaves it: one site done, the others untouched, and nothing said about an end."""
    reconciler("merge", *parts, "--out", "all.plan")
    names = [entry["site"]["name"] for entry in facts("2.plan")["sites"]]
    assert len(names) > 1
    assert reconciler("apply", "--target", names[0], *YES).code == 0
    (fleet.root / ".reconciler" / "plans").mkdir(exist_ok=True)
    first = reconciler("apply", "all.plan", "--shard", "2/3", *YES)
    assert (first.code, "stale" in first.last) == (4, True)  # nobody began it: somebody else did something
    seal = facts("all.plan")["seal"]
    mark_begun(fleet.root, seal)
    ran = reconciler("apply", "all.plan", "--shard", "2/3", *YES)
    assert ran.code == 0, ran.out + ran.err
    assert ran.last.startswith(f"Apply: {len(names) - 1} added")
    assert reconciler("apply", "all.plan", "--shard", "2/3", *YES).code == 4


def mark_begun(root: Path, seal: str) -> None:
    import asyncio
    from datetime import UTC, datetime

    from reconciler.state.folder import LocalFolder
    from reconciler.state.plans import SpentPlans

    plans = SpentPlans(LocalFolder(root / ".reconciler"))
    asyncio.run(plans.begin_part(seal, 2, 3, datetime(2026, 11, 2, 9, tzinfo=UTC)))


def test_a_shard_of_a_saved_plan_is_no_whole(fleet: Project, reconciler: Command, parts: list[str]) -> None:
    assert "1.plan is already one shard" in reconciler("apply", "1.plan", "--shard", "1/3", *YES).err


@pytest.fixture
def pruned(fleet: Project) -> Project:
    """Six sites; a run would delete an event of each, as many as the limit of a run allows."""
    fleet.write({"reconciler.yaml": f"{PROJECT}policy: {{maxDelete: 6}}\n"})
    events = "calendarEvents: {prune: true, events: []}\n"
    fleet.write({f"sites/{number}.yaml": site(f"shop-{number}", number, more=events) for number in range(1, 7)})
    own = {"events": [{"name": "Old fair", "recurringRule": {"frequency": "MONTHLY"}}]}
    fleet.write({"sandbox.yaml": yaml.safe_dump({**yaml.safe_load(SANDBOX), "defaults": own})})
    return fleet


@pytest.mark.parametrize("saved", [False, True], ids=["live", "saved"])
def test_a_shard_that_runs_alone_is_refused_what_a_limit_counts(
    pruned: Project, reconciler: Command, *, saved: bool
) -> None:
    """The three of them could delete three times maxDelete."""
    reconciler("plan", "--shard", "2/3", "--out", "2.plan")
    ran = reconciler("apply", *(("2.plan",) if saved else ("--shard", "2/3")), *YES)
    message = "policy.maxDelete limits all 3 shards together, and shard 2 alone does not know"
    assert (ran.code, message in " ".join((ran.out + ran.err).split())) == (4, True), ran.out + ran.err
    assert "reconciler merge FILE... --out FILE" in " ".join((ran.out + ran.err).split())
    assert "0 to destroy" not in reconciler("plan", "--shard", "2/3").last  # nothing was deleted


def test_the_next_step_after_a_shard_is_one_that_is_not_refused(pruned: Project, reconciler: Command) -> None:
    """An apply of the shard alone would be refused if a limit counts what it does."""
    each = "   (for each shard; then merge and apply, because a limit covers all shards together)"

    def step(*options: str) -> str:
        return reconciler("plan", pruned.root, "--shard", "2/3", *options).out.splitlines()[-1]

    assert step() == f"Next: reconciler plan {pruned.root} --shard 2/3 --out FILE{each}"
    assert step("--out", str(pruned.root / "2.plan")).startswith("Next: reconciler merge FILE... --out FILE")
    pruned.edit("reconciler.yaml", "maxDelete", "maxDiscard")
    assert step() == f"Next: reconciler apply {pruned.root} --shard 2/3"
    assert reconciler("apply", pruned.root, "--shard", "2/3", "--auto-approve").code == 0


def test_a_shard_that_runs_alone_may_do_what_no_limit_counts(pruned: Project, reconciler: Command) -> None:
    """It deletes nothing, so it cannot break the limit."""
    more = {f"sites/{number}.yaml": site(f"shop-{number}", number, more=EVENTS) for number in range(1, 7)}
    pruned.write(more)
    assert reconciler("apply", "--shard", "2/3", *YES).code == 0


@pytest.mark.parametrize("shard", ["1/1", "2/3"])
def test_without_a_limit_a_shard_may_run_alone(pruned: Project, reconciler: Command, shard: str) -> None:
    if shard != "1/1":
        pruned.write({"reconciler.yaml": PROJECT})
    ran = reconciler("apply", "--shard", shard, *YES)
    assert (ran.code, "shards together" in ran.err) == (0, False), ran.err


def test_a_shard_of_a_merged_plan_is_judged_with_the_others(pruned: Project, reconciler: Command) -> None:
    files = [f"{number}.plan" for number in range(1, PARTS + 1)]
    for number, file in enumerate(files, 1):
        reconciler("plan", "--shard", f"{number}/{PARTS}", "--out", file)
    assert reconciler("merge", *files, "--out", "all.plan").code == 0
    assert [reconciler("apply", "all.plan", "--shard", f"{number}/3", *YES).code for number in (1, 2, 3)] == [0, 0, 0]
    assert reconciler("plan").last == "No changes."


# --- the manifests ---------------------------------------------------------------------------------


def test_the_manifests_say_what_the_command_knows() -> None:
    from reconciler.cli.main import COMMANDS

    files = {path.name: path.read_text("utf-8") for path in EXAMPLES.iterdir()}
    assert all(yaml.safe_load(text) for text in files.values())
    for text in files.values():
        assert all(command in COMMANDS for command in re.findall(r"reconciler (plan|merge|apply|\w+) ", text))
    job = yaml.safe_load(files["indexed-job.yaml"])["spec"]
    env = {entry["name"]: entry.get("value") for entry in job["template"]["spec"]["containers"][0]["env"]}
    assert env["RECONCILER_SHARDS"] == str(job["completions"])
