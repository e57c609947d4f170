"""What a file of the repository may ask for, and what must be allowed from outside it (docs/design.md 6)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.config.environment import clean_environment
from reconciler.config.sites import open_project
from reconciler.config.trust import Trust, trust_of
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.reporters.diagnostics import sentence
from tests.config.conftest import HEAD, WriteProject


def said(trust: Trust | None = None, *paths: Path) -> list[str]:
    """The problems of the project in the current directory."""
    try:
        open_project(paths, trust)
    except InvalidFiles as invalid:
        return [sentence(problem) for problem in invalid.problems]
    return []


@pytest.mark.parametrize(
    "api", ["wix", "sandbox", "https://www.wixapis.com/x", "https://WWW.wixapis.com:443", "http://127.0.0.1:1", "https://localhost"]
)  # fmt: skip
def test_hosts_that_a_file_may_name(api: str, write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": f"version: 1\napi: {api}\n", "sites/a.yaml": HEAD})
    assert said() == []


@pytest.mark.parametrize(
    "api",
    [
        "https://attacker.example",
        "https://www.wixapis.com.attacker.example",
        "https://www.wixapis.com:8443",
        "https://wixapis.com",
        "https://127.0.0.1.attacker.example",
    ],
)
def test_hosts_that_a_file_may_not_name(api: str, write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": f"version: 1\napi: {api}\n", "sites/a.yaml": HEAD})
    (problem,) = said()
    host = api.removeprefix("https://").partition(":")[0]
    assert problem == (
        f"reconciler.yaml:2:6: api: a file may not send keys to '{host}'; "
        f"allow it from outside the repository: --allow-host {host} or RECONCILER_ALLOW_HOSTS={host}"
    )
    assert said(trust_of({}, allow_hosts=[host.upper()])) == []
    assert said(trust_of({"RECONCILER_ALLOW_HOSTS": f"other.example, {host}"})) == []
    assert said(trust_of({}, api="sandbox")) == []
    assert said(trust_of({"RECONCILER_ALLOW_HOSTS": f"sub.{host}"})) != []


@pytest.mark.parametrize("host", ["https://a.example", "a.example/x", "*", "a b", ""])
def test_invalid_hosts(host: str) -> None:
    with pytest.raises(UsageError, match=r"--allow-host: .* is not a host name"):
        trust_of({}, allow_hosts=[host])


def test_a_file_may_not_run_a_command(write_project: WriteProject) -> None:
    write_project(
        {"reconciler.yaml": "version: 1\ncredentials: {default: {apiKey: {command: [env]}}}\n", "sites/a.yaml": HEAD}
    )
    (problem,) = said()
    assert problem.startswith(
        "reconciler.yaml:2:34: credentials.default.apiKey.command: a file may not run a command; "
    )
    assert problem.endswith("set RECONCILER_ALLOW_COMMANDS=1 in the environment")
    for off in ("", "0", "false"):
        assert said(trust_of({"RECONCILER_ALLOW_COMMANDS": off})) == [problem]
    assert said(trust_of({"RECONCILER_ALLOW_COMMANDS": "1"})) == []


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("sites/x.yaml", "sites/x.yaml"),
        ("sites/more", "sites/more/x.yaml"),
        ("approvals", "reconciler.yaml:1:1"),
        (".reconciler", "reconciler.yaml:1:1"),
        ("reconciler.yaml", "reconciler.yaml"),
    ],
)
def test_what_leads_outside_is_not_read_and_not_quoted(
    what: str, place: str, write_project: WriteProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/a.yaml": HEAD})
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("SUPERSECRETTOKEN0123456789")
    (root / what).unlink(missing_ok=True)
    (root / what).symlink_to(outside / "x.yaml" if what.endswith(".yaml") else outside)
    problems = said()
    assert len(problems) == 1
    assert problems[0].startswith(place)
    assert "outside the project" in problems[0]
    assert "RECONCILER_ALLOW_PATHS" in problems[0]
    assert "SUPERSECRET" not in "".join(problems)
    allowed = "".join(said(trust_of({"RECONCILER_ALLOW_PATHS": f"/nowhere{os.pathsep}{outside}"})))
    assert "outside the project" not in allowed


def test_a_dead_link_that_leads_outside_is_one_problem(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": HEAD})
    (root / "approvals").symlink_to("/nowhere")
    (problem,) = said()
    assert problem.startswith("approvals leads outside the project")
    (allowed,) = said(trust_of({"RECONCILER_ALLOW_PATHS": "/nowhere"}))
    assert allowed.startswith("approvals is a link to /nowhere, which does not exist")


def test_state_of_the_file_stays_inside(write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": "version: 1\nstate: ../elsewhere\n", "sites/a.yaml": HEAD})
    (problem,) = said()
    assert problem.startswith("reconciler.yaml:2:8: state leads outside the project")
    assert said(trust_of({}, state="anywhere")) == []
    write_project({"reconciler.yaml": "version: 1\nstate: s3://bucket/x\n"})
    assert said() == []


def test_approvals_file_that_leads_outside_stops_its_own_site(
    write_project: WriteProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = write_project({"sites/a.yaml": HEAD, "approvals/x": ""})
    outside = tmp_path_factory.mktemp("outside") / "shop.yaml"
    outside.write_text("version: 1\nsite: shop\nactivities: []\n")
    (root / "approvals/shop.yaml").symlink_to(outside)
    (entry,) = open_project()[1].entries
    assert [str(problem.place) for problem in entry.problems] == ["approvals/shop.yaml"]
    with pytest.raises(InvalidFiles, match="leads outside the project"):
        entry.load()


def test_links_inside_the_project_are_fine(write_project: WriteProject) -> None:
    root = write_project({"common/shop.yaml": HEAD, "sites/.keep": ""})
    (root / "sites/shop.yaml").symlink_to("../common/shop.yaml")
    assert [entry.name for entry in open_project()[1].entries] == ["shop"]


def test_nothing_of_git_is_read_through_a_link(write_project: WriteProject) -> None:
    root = write_project({".git/config": "SECRET", "sites/.keep": ""})
    (root / "sites/shop.yaml").symlink_to("../.git/config")
    (problem,) = said()
    assert problem.startswith("sites/shop.yaml leads into the folder `.git`")
    assert "SECRET" not in problem


def test_approvals_can_be_required_from_outside(write_project: WriteProject) -> None:
    rule = "schedule: {approval: none, rules: [{channels: [INSTAGRAM]}]}\n"
    write_project({"sites/a.yaml": HEAD + rule})
    assert open_project()[1].without_approval == ("shop",)
    for trust in (trust_of({}, require_approval=True), trust_of({"RECONCILER_REQUIRE_APPROVAL": "1"})):
        (problem,) = said(trust)
        assert problem.startswith("sites/a.yaml:3:22: schedule.approval: `approval: none` is refused")
        assert "run without --require-approval and RECONCILER_REQUIRE_APPROVAL" in problem
    write_project({"sites/a.yaml": HEAD, "reconciler.yaml": f"version: 1\ndefaults:\n  - {rule}"})
    assert open_project()[1].without_approval == ("shop",)
    (problem,) = said(trust_of({}, require_approval=True))
    assert problem.startswith("reconciler.yaml:3:26: defaults[0].schedule.approval: ")
    write_project({"sites/a.yaml": HEAD + rule.replace("none", "required"), "reconciler.yaml": "version: 1\n"})
    assert open_project()[1].without_approval == ()
    assert said(trust_of({}, require_approval=True)) == []


def test_ci_counts_only_committed_approvals() -> None:
    assert trust_of({"CI": "true"}).committed
    assert trust_of({}, committed=True).committed
    assert not trust_of({"CI": "false"}).committed
    assert not trust_of({}).committed


def test_children_get_no_secret() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "WIX_API_KEY": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "CI": "1",
    }
    assert clean_environment(environ, EXTRA="1") == {"PATH": "/bin", "HOME": "/root", "LC_ALL": "C", "EXTRA": "1"}
    assert dict(trust_of(environ).environment) == {"PATH": "/bin", "HOME": "/root", "LC_ALL": "C"}
