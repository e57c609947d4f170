"""`sandbox`: the same world in process and over HTTP."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys

import pytest

from tests.cli.projects import Command, Project


def test_show_and_reset(project: Project, reconciler: Command) -> None:
    assert "no sites yet" in reconciler("sandbox", "show", project.root).out
    reconciler("apply", project.root, "--auto-approve")
    shown = reconciler("sandbox", "show", project.root).out
    assert "marketing plan: ACTIVE" in shown
    assert "DRAFT" in shown
    lines = reconciler("sandbox", "show", project.root, "--requests").out.splitlines()
    assert any(
        "POST /promote/marketing-plan-service/v1/marketing-plan/generate-marketing-plan" in line for line in lines
    )
    assert reconciler("sandbox", "show", project.root, "--json").json["requests"]
    reset = reconciler("sandbox", "reset", project.root)
    assert (reset.code, reset.out) == (0, "The sandbox was reset.\n")
    assert "no sites yet" in reconciler("sandbox", "show", project.root).out


def test_a_seed_that_is_wrong(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": "latencie: {}\n"})
    done = reconciler("plan", project.root)
    assert done.code == 1
    assert "latencie" in done.err
    assert "bug" not in done.err
    missing = reconciler("sandbox", "show", project.root, "--seed", project.root / "none.yaml")
    assert (missing.code, "none.yaml" in missing.err) == (1, True)


def test_serve_needs_no_credentials_and_prints_its_url(project: Project, reconciler: Command) -> None:
    command = [sys.executable, "-m", "reconciler", "sandbox", "serve", str(project.root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().removeprefix("Sandbox at ").strip()
            done = reconciler("plan", project.root, "--api", url, "--output", "json")
            assert done.code == 0, done.err
            assert [action["verb"] for action in done.json["sites"][0]["actions"]] == ["update", "generate"]
            taken = reconciler("sandbox", "serve", project.root, "--port", url.rsplit(":", 1)[1])
            assert (taken.code, "choose another port" in taken.err) == (1, True)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
        assert server.stderr is not None
        said = " ".join(server.stderr.read().split())
    assert "has its own clock, but runs over HTTP go by this machine's" in said
    assert "accepts any key, unless the seed lists `keys`; reconciler itself requires at least eight characters" in said
    assert server.returncode == 0
    assert json.loads(json.dumps(project.requests()))


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "review", "doctor", "import"])
def test_keys_that_a_sandbox_in_process_is_never_sent_are_refused_at_once(
    project: Project, reconciler: Command, command: str
) -> None:
    seed = (project.root / "sandbox.yaml").read_text("utf-8")
    project.write({"sandbox.yaml": f"{seed}keys: {{a-key-of-some-length: {{}}}}\n"})
    site = ("3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e09",) if command == "import" else ()
    args = (*site, "--into", project.root) if command == "import" else (project.root,)
    done = reconciler(command, *args, *(("--auto-approve",) if command == "apply" else ()))
    said = " ".join((done.out + done.err).split())
    assert (done.code, f"/sandbox.yaml:{seed.count(chr(10)) + 1}:1: keys: `api: sandbox` sends none" in said) == (
        1,
        True,
    ), said
    assert "reconciler sandbox serve" in said
    project.write({"sandbox.yaml": seed})
    assert reconciler("plan", project.root).code == 0


def test_a_file_in_place_of_its_folder_is_what_to_move_away(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project.root / ".reconciler", ignore_errors=True)
    (project.root / ".reconciler").touch()
    monkeypatch.chdir(project.root)
    why = f"cannot be used as a sandbox: {project.root / '.reconciler'} is not a folder; move it away"
    for command in (("plan",), ("apply", "--auto-approve"), ("doctor",), ("sandbox", "show")):
        ran = reconciler(*command)
        assert (ran.code, ran.err.count(why)) == (1, 1), ran.err
        assert "writable" not in ran.err + ran.out
    ran = reconciler("sandbox", "show", "--database", ".reconciler/w.db")
    assert f"{why.replace(str(project.root) + '/', '')}, or name another file with --database" in ran.err
