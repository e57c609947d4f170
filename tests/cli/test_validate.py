"""`validate`: what it checks besides the site files, and the time that it goes by."""

from __future__ import annotations

import re

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

BROKEN = {
    "an unknown key": "bogus: 1\n",
    "no YAML": "clock: {nonsense\n",
    "no mapping": "[]\n",
    "a wrong value": "clock: yesterday\n",
    "a site that cannot be": "sites: [{id: x, channels: [MASTODON]}]\n",
    "keys": "keys: {a-key: {}}\n",
}


@pytest.mark.parametrize("seed", BROKEN.values(), ids=BROKEN)
def test_a_broken_sandbox_is_found_and_told_as_plan_tells_it(seed: str, project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": seed})
    told = reconciler("validate", project.root)
    assert told.code == 1
    assert not (project.root / ".reconciler").exists()
    planned = reconciler("plan", project.root)
    assert planned.code == 1
    problem = planned.err.strip().removeprefix("Error: ")
    assert problem
    assert " ".join(problem.split()) in " ".join(told.err.split())


def test_a_broken_sandbox_is_reported_with_its_place(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": "freeze: true\nclock: yesterday\n"})
    file = str(project.root / "sandbox.yaml")
    told = reconciler("validate", project.root, "--output", "json")
    (found,) = told.json["problems"]
    assert (found["code"], found["file"], found["line"], found["column"]) == ("invalid-sandbox", file, 2, 8)
    assert f"{file}:2:8: clock: 'yesterday' is not a valid time" in told.err
    (result,) = reconciler("validate", project.root, "--output", "sarif").json["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/sandbox.yaml")
    assert place["region"] == {"startLine": 2, "startColumn": 8}
    planned = reconciler("plan", project.root, "--output", "json").json
    assert (planned["problems"][0]["file"], planned["problems"][0]["line"]) == (file, 2)


def test_a_broken_sandbox_is_told_with_the_other_problems(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": "bogus: 1\n", "sites/b.yaml": "version: 1\n"})
    for command in ("validate", "plan"):
        told = reconciler(command, project.root).err
        assert "unknown key 'bogus'" in told
        assert "sites/b.yaml" in told
    assert "unknown key 'bogus'" not in reconciler("plan", project.root, "--api", "http://127.0.0.1:9").err


def test_a_sandbox_that_the_project_does_not_use_is_not_checked(project: Project, reconciler: Command) -> None:
    project.write({"reconciler.yaml": PROJECT.replace("api: sandbox", "api: wix"), "sandbox.yaml": "bogus: 1\n"})
    assert "bogus" not in reconciler("validate", project.root).err
    named = reconciler("validate", project.root / "sandbox.yaml")
    assert "belongs to the sandbox and is not checked here" in " ".join((named.out + named.err).split())


def test_a_sandbox_that_was_named_is_checked(project: Project, reconciler: Command) -> None:
    file = project.root / "sandbox.yaml"
    assert reconciler("validate", file).code == 0
    assert "not checked" not in reconciler("validate", file).err
    project.write({"sandbox.yaml": "bogus: 1\n"})
    assert "unknown key 'bogus'" in reconciler("validate", file).err


def test_what_has_passed_is_told_by_the_time_of_the_sandbox(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more="posts: [{match: {to: 2026-12-03}}]\n")})
    clock = SANDBOX.replace("2026-11-02T09:00:00Z", "{}")
    assert clock != SANDBOX
    for now, passed in (("2026-12-04T11:59:59Z", False), ("2026-12-04T12:00:00Z", True)):
        project.write({"sandbox.yaml": clock.replace("{}", now)})
        told = reconciler("validate", project.root)
        assert told.code == 0
        assert ("posts[0].match.to has passed" in told.err) is passed, now
    assert reconciler("validate", "--strict", project.root).code == 1
    assert "has passed" not in reconciler("plan", project.root).err


def test_warnings_are_in_the_order_of_lines(project: Project, reconciler: Command) -> None:
    more = """schedule:
  rules:
    - match: {from: 2020-12-25, to: 2020-12-25}
    - match: {title: "a*"}
posts:
  - match: {within: 2d}
  - match: {to: 2020-12-25}
activities:
  - match: {from: 2020-12-05, to: 2020-12-07}
    state: absent
"""
    project.write({"sites/shop.yaml": site("shop", more=more)})
    for options in (), ("--strict",):
        told = reconciler("validate", *options, project.root)
        lines = [int(line) for line in re.findall(r"shop\.yaml:(\d+)", told.err)]
        assert len(lines) >= 3, told.err
        assert lines == sorted(lines), options
