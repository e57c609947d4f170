"""The steps of `action.yml`, run in a shell as a runner does it, against a stand-in for the forge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integrations.forge import BOT, Forge, running_forge

TOP = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_text("utf-8"))
(STEP,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "run")
MARK = "<!-- reconciler: shops -->"


class Job:
    """A checkout with a project in `shops`, a forge, and a runner for the action's step."""

    def __init__(self, folder: Path, forge: Forge) -> None:
        self.forge = forge
        self.folder = folder / "checkout"
        self.temp = folder / "temp"
        self.temp.mkdir()
        (self.temp / "reconciler").symlink_to(sys.prefix)
        self.git("init", "--quiet", "--bare", "-b", "main", str(folder / "origin.git"), where=folder)
        self.git("clone", "--quiet", str(folder / "origin.git"), str(self.folder), where=folder)
        self.reconciler("init", "shops")
        with (self.folder / "shops" / "reconciler.yaml").open("a") as file:
            file.write("poll: {interval: 50ms}\n")
        (self.folder / "shops" / "sandbox.yaml").write_text("latency: {generate: 50ms, posts: 50ms}\n")
        self.commit("Start")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def git(self, *arguments: str, where: Path | None = None) -> str:
        named = ("-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main")
        return subprocess.run(
            ["git", *named, *arguments], cwd=where or self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject)

    def reconciler(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("reconciler")), *arguments], cwd=self.folder, capture_output=True
        )
        assert done.returncode in (0, 2), done.stdout.decode() + done.stderr.decode()

    def run(self, *, event: dict[str, Any] | None = None, **inputs: str) -> tuple[int, str, dict[str, str]]:
        """Exit code, log and outputs of the step with these inputs."""
        given = {name: str(value.get("default", "")) for name, value in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        given |= {"path": "shops", "token": "token-of-the-job"}
        values = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], text)
            for name, text in STEP["env"].items()
        }
        (self.temp / "event.json").write_text(json.dumps({"repository": {"default_branch": "main"}, **(event or {})}))
        output, summary = self.temp / "output", self.temp / "summary"
        output.write_text("")
        summary.write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(TOP),
            "GITHUB_API_URL": self.forge.url,
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "acme/sites",
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(self.temp),
            **values,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEP["run"]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        told = dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())
        return done.returncode, done.stdout + done.stderr, told


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with running_forge() as forge:
        yield Job(tmp_path, forge)


def pull_request(repository: str = "acme/sites") -> dict[str, Any]:
    return {"pull_request": {"number": 7, "head": {"repo": {"full_name": repository}}}}


def test_a_plan_keeps_one_comment_and_its_saved_plan_can_be_applied(job: Job) -> None:
    somebody = job.forge.comment(f"{MARK}\nI copied this", login="mallory")
    for number in range(120):  # more than a page
        job.forge.comment(f"talk {number}", login="ann")
    code, log, outputs = job.run(command="plan", key="shops", event=pull_request())
    assert code == 0, log
    comment = job.forge.comments[-1]
    assert comment["user"] == {"login": BOT}
    assert comment["body"].startswith(f"{MARK}\n### reconciler plan\n")
    assert "1 to add, 1 to change" in comment["body"]
    assert outputs["url"] == comment["html_url"]
    assert outputs["exit-code"] == "2"
    assert int(outputs["changes"]) > 0
    assert Path(outputs["report"]).read_text("utf-8").startswith("<!doctype html>")
    assert "::group::reconciler plan" in log

    code, log, _ = job.run(command="apply", plan_file=outputs["plan-file"])
    assert code == 0, log
    assert "Apply: " in log
    code, log, _ = job.run(command="plan", key="shops", event=pull_request())
    assert code == 0, log
    assert len(job.forge.comments) == 122  # the same comment, with what is true now
    assert "No changes" in job.forge.comments[-1]["body"]
    assert somebody["body"] == f"{MARK}\nI copied this"

    job.forge.forbidden = True
    code, log, _ = job.run(command="plan", key="shops", event=pull_request())
    assert code == 1
    assert "::error title=reconciler::GET issues/7/comments: 403" in log
    assert "give the job the permission for it" in log


def test_a_fork_is_validated_offline(job: Job) -> None:
    (job.folder / "shops" / "sites" / "example.yaml").write_text("version: 1\nsite: {name: example}\nsetings: {}\n")
    code, log, outputs = job.run(command="plan", event=pull_request("mallory/sites"))
    assert code == 1
    assert "::error title=invalid-file,file=shops/sites/example.yaml,line=3,col=1::" in log
    assert job.forge.asked == []
    assert "plan-file" not in outputs


def test_drift_opens_updates_and_closes_one_issue(job: Job) -> None:
    code, log, outputs = job.run(command="drift", key="shops")
    assert (code, outputs["exit-code"]) == (0, "2"), log
    (issue,) = job.forge.issues
    assert (issue["title"], issue["labels"]) == ("reconciler: drift (shops)", ["reconciler-drift"])
    assert issue["body"].startswith(f"{MARK}\n### reconciler drift")
    assert outputs["url"] == issue["html_url"]
    job.run(command="drift", key="shops")
    assert len(job.forge.issues) == 1
    job.reconciler("apply", "shops", "--auto-approve")
    code, log, _ = job.run(command="drift", key="shops")
    assert code == 0, log
    assert job.forge.issues[0]["state"] == "closed"
    assert job.forge.comments[-1]["body"] == "The latest audit found no drift."


def test_the_audits_of_parts_have_an_issue_each(job: Job) -> None:
    """A run that finds no drift neither closes another run's issue nor opens one."""
    calm = "version: 1\nsite: {name: calm, id: 00000000-0000-4000-8000-000000000002}\n"
    (job.folder / "shops" / "sites" / "calm.yaml").write_text(calm)
    assert job.run(command="drift", args="--target=example")[2]["exit-code"] == "2"
    assert job.run(command="drift", args="--target\ncalm")[2]["exit-code"] == "0"
    assert job.run(command="drift", args="--strict\n--target=calm")[2]["exit-code"] == "0"
    (issue,) = job.forge.issues
    assert (issue["title"], issue["state"]) == ("reconciler: drift (shops target example)", "open")


def test_a_review_that_was_merged_as_one_commit_opens_no_empty_pull_request(job: Job) -> None:
    job.reconciler("apply", "shops", "--auto-approve")
    code, log, _ = job.run(command="review", key="shops")
    assert code == 0, log
    job.forge.pulls.clear()  # merged
    job.git("checkout", "--quiet", "main")
    job.git("merge", "--quiet", "--squash", "origin/reconciler/review")
    job.commit("Review drafts (#9)")
    job.git("push", "--quiet", "origin", "HEAD:main")
    code, log, outputs = job.run(command="review", key="shops")
    assert code == 0, log
    assert job.forge.pulls == []
    assert "url" not in outputs


def test_review_opens_one_pull_request_and_keeps_what_people_decided_there(job: Job) -> None:
    job.reconciler("apply", "shops", "--auto-approve")
    code, log, outputs = job.run(command="review", key="shops")
    assert code == 0, log
    (request,) = job.forge.pulls
    assert (request["head"], request["base"]) == ("reconciler/review", "main")
    assert outputs["url"] == request["html_url"]
    file = "shops/approvals/example.yaml"
    assert job.git("diff", "--name-only", "origin/main", "origin/reconciler/review") == file

    job.git("checkout", "--quiet", "-B", "reconciler/review", "origin/reconciler/review")
    decided = (job.folder / file).read_text("utf-8").replace("decision: pending sha256", "decision: approve sha256", 1)
    (job.folder / file).write_text(decided)
    job.commit("Approve one")
    job.git("push", "--quiet", "origin", "HEAD:reconciler/review")
    job.git("checkout", "--quiet", "main")
    (job.folder / "README").write_text("main moves on\n")
    job.commit("Move on")
    job.git("push", "--quiet", "origin", "HEAD:main")
    code, log, _ = job.run(command="review", key="shops")
    assert code == 0, log
    assert len(job.forge.pulls) == 1
    assert "decision: approve sha256" in job.git("show", f"origin/reconciler/review:{file}")
    assert job.git("show", "origin/reconciler/review:README") == "main moves on"

    code, log, _ = job.run(command="explode")
    assert code == 1
    assert "must be one of: validate, plan, apply, drift, review, merge" in log


def test_the_action_trusts_nobody() -> None:
    """No input reaches a shell except through the environment; other actions are pinned by commit."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
    assert all(value.get("description") for part in ("inputs", "outputs") for value in ACTION[part].values())


def test_the_parts_of_a_matrix_are_joined_into_one_plan(job: Job) -> None:
    parts = job.folder / "parts"
    for number in (1, 2):
        code, log, outputs = job.run(command="plan", args=f"--shard={number}/2", event=pull_request(), comment="false")
        assert code == 0, log
        (parts / str(number)).mkdir(parents=True)
        shutil.copy(outputs["plan-file"], parts / str(number))
    assert len(list(parts.glob("*/*.plan"))) == 2
    code, log, outputs = job.run(command="merge", parts="parts/**/*.plan", key="shops", event=pull_request())
    assert code == 0, log
    assert "1 to add, 1 to change" in job.forge.comments[-1]["body"]
    code, log, _ = job.run(command="apply", plan_file=outputs["plan-file"])
    assert code == 0, log
    assert "Apply: 1 added, 1 changed" in log
