"""Finding a project and its files, and what reconciler.yaml means."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from reconciler.config.locations import check_api, check_state
from reconciler.config.project import ProjectAccount, ProjectConfig, find_project
from reconciler.config.secrets import ApiKeyRef, AppRef, FromCommand, FromEnv, FromFile
from reconciler.config.sites import check_sites, open_project
from reconciler.config.stamps import stamp_of
from reconciler.config.trust import Trust, trust_of
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError
from reconciler.model.policy import Policy, QuietHours
from tests.config.guids import guid

WriteProject = Callable[[dict[str, str]], Path]

DOCUMENTED_PROJECT = """\
version: 1
sites: [sites/**/*.yaml, sites/**/*.yml]     # the default
api: wix                           # wix | sandbox | an https URL (http only on loopback)
credentials:                       # references only: an inline secret is refused
  default: {apiKey: {env: WIX_API_KEY}}
  agency: {appId: {env: APP_ID}, appSecret: {file: /run/secrets/app}}   # site: needs `instanceId`
account: {id: 6c1f2a9e-8d0b-4b7c-9a55-0c5a6f9a1e02, credentials: default}     # for `import --all` and `doctor`
state: .reconciler                 # or s3:// gs:// az:// (object-store URL)
approvals: approvals
defaults:                          # merged under each site; the site's own value wins
  - where: {labels: {team: emea}}
    settings: {toneOfVoice: warm}
limits: {parallelism: 32, requestsPerMinute: 200}      # per run; per site
poll: {interval: 5s, timeout: 15m}
policy:
  maxPublish: 20                   # public actions in one run, over all sites
  maxPublishPerSitePerDay: 3
  maxDelete: 10
  minLead: 2h                      # nothing is scheduled closer than this
  quietHours: {from: "21:00", to: "07:00"}
  blackoutDates: [2026-12-25]
  bannedWords: [guaranteed, free money]
  requireMedia: true
  checks: [acme_policy]            # policy as code: entry points of installed packages (group `reconciler.policy`)
"""


def site(name: str) -> str:
    return f"version: 1\nsite: {{name: {name}, id: {guid(name)}}}\n"


def names(project: ProjectConfig, *paths: str) -> list[str]:
    return [entry.name for entry in check_sites(project, [Path(path) for path in paths]).entries]


def test_documented_project_is_read_whole(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": DOCUMENTED_PROJECT})
    project = find_project()
    assert project == ProjectConfig(
        root=root,
        file=root / "reconciler.yaml",
        credentials={
            "default": ApiKeyRef(FromEnv("WIX_API_KEY")),
            "agency": AppRef(FromEnv("APP_ID"), FromFile(Path("/run/secrets/app"))),
        },
        parallelism_adapts=False,
        digest=project.digest,
        defaults=project.defaults,
        account=ProjectAccount("6c1f2a9e-8d0b-4b7c-9a55-0c5a6f9a1e02"),
        policy=Policy(
            max_publish=20,
            max_publish_per_site_per_day=3,
            max_delete=10,
            min_lead=timedelta(hours=2),
            quiet_hours=QuietHours(time(21), time(7)),
            blackout_dates=frozenset({date(2026, 12, 25)}),
            banned_words=("guaranteed", "free money"),
            require_media=True,
            checks=("acme_policy",),
            place=Place("reconciler.yaml", 15, 1),
            places=project.policy.places,
        ),
        stamp=stamp_of(root / "reconciler.yaml"),
        content=(root / "reconciler.yaml").read_bytes(),
    )
    line = DOCUMENTED_PROJECT[: DOCUMENTED_PROJECT.index("quietHours:")].count("\n") + 1
    assert str(project.policy.place_of("quietHours")) == f"reconciler.yaml:{line}:3"
    assert project.policy.place_of("no such rule") == project.policy.place
    assert project.defaults[0].labels == (("team", "emea"),)


def test_without_a_file_the_defaults_hold(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a")})
    project = find_project()
    assert project == ProjectConfig(root)
    assert project.credentials == {"default": ApiKeyRef(FromEnv("WIX_API_KEY"))}
    assert (project.api, project.state, project.approvals) == ("wix", ".reconciler", "approvals")
    assert (project.parallelism, project.requests_per_minute) == (32, 200)
    assert (project.poll_interval, project.poll_timeout) == (timedelta(seconds=5), timedelta(minutes=15))


@pytest.mark.parametrize("written", ["xyz", "3", "null"])
def test_an_account_without_a_proper_id_is_reported(written: str, write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": f"version: 1\naccount: {{id: {written}}}\n"})
    with pytest.raises(InvalidFiles, match=r"account\.id"):
        open_project()


def test_references_of_every_kind(write_project: WriteProject) -> None:
    root = write_project(
        {
            "reconciler.yaml": "version: 1\ncredentials:\n  a: {apiKey: {file: keys/a}}\n"
            "  b: {apiKey: {command: [op, read, x y]}}\n  c: {apiKey: {command: pass show 'x y'}}\n"
        }
    )
    with pytest.raises(InvalidFiles, match="a file may not run a command"):
        find_project()
    assert find_project(trust=Trust(commands=True)).credentials == {
        "a": ApiKeyRef(FromFile(root / "keys/a")),
        "b": ApiKeyRef(FromCommand(("op", "read", "x y"), root)),
        "c": ApiKeyRef(FromCommand(("pass", "show", "x y"), root)),
    }


def test_a_home_folder_is_the_environments_that_was_handed_in(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\ncredentials:\n  a: {apiKey: {file: ~/keys/a}}\n"})
    home = {"HOME": "/home/jane", "USERPROFILE": "/home/jane"}
    assert find_project(trust=trust_of(home)).credentials == {"a": ApiKeyRef(FromFile(Path("/home/jane/keys/a")))}
    assert find_project(trust=trust_of({})).credentials == {"a": ApiKeyRef(FromFile(root / "~/keys/a"))}


def test_durations(write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": "version: 1\npoll: {interval: 50ms, timeout: 90s}\npolicy: {minLead: 2h}\n"})
    project = find_project()
    assert project.poll_interval == timedelta(milliseconds=50)
    assert project.poll_timeout == timedelta(seconds=90)
    assert project.policy.min_lead == timedelta(hours=2)


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("api: sandbox", 500),
        ("api: sandbox\npoll: {timeout: 1m}", 500),
        ("api: sandbox\npoll: {interval: 5s}", 5000),
        ("api: http://127.0.0.1:8099", 5000),
        ("api: wix", 5000),
    ],
)
def test_the_sandbox_is_polled_more_often_by_default(
    written: str, milliseconds: int, write_project: WriteProject
) -> None:
    write_project({"reconciler.yaml": f"version: 1\n{written}\n"})
    assert find_project().poll_interval == timedelta(milliseconds=milliseconds)


def test_project_is_found_upwards_from_any_path(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/a.yaml": site("a"), "sites/eu/b.yaml": site("b")})
    for path in (root, root / "reconciler.yaml", root / "sites", root / "sites/a.yaml", root / "sites/eu"):
        assert find_project([path]).root == root
    assert find_project([root / "sites/a.yaml", root / "sites/eu"]).root == root
    assert find_project().root == root


def test_root_without_a_file_is_above_sites(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a")})
    for path in (root, root / "sites", root / "sites/a.yaml"):
        assert find_project([path]).root == root
        assert names(find_project([path]), str(path)) == ["a"]


def test_paths_choose_files(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\nsites: ['sites/**/*.yaml', '*.yaml', 'approvals/*']\n",
            "sites/b.yaml": site("b"),
            "sites/a.yaml": site("a"),
            "sites/eu/c.yaml": site("c"),
            "sites/eu/d.yml": site("d"),
            "elsewhere/e.yaml": site("e"),
            "approvals/a.yaml": "version: 1\nsite: a\nactivities: []\n",
        }
    )
    project = find_project()
    assert names(project) == names(project, ".") == names(project, "reconciler.yaml") == ["a", "b", "c"]
    assert names(project, "sites/eu") == ["c"]
    assert names(project, "sites/eu/d.yml", "sites/b.yaml", "sites/b.yaml") == ["b", "d"]
    assert names(project, "elsewhere/e.yaml", "sites/eu") == ["c", "e"]
    assert names(project, "approvals/a.yaml") == ["a"]
    with pytest.raises(UsageError, match=r"no site file of the project .* is in elsewhere"):
        names(project, "elsewhere")


def test_paths_of_two_projects_are_refused(write_project: WriteProject) -> None:
    write_project({"one/reconciler.yaml": "version: 1\n", "two/reconciler.yaml": "version: 1\n"})
    with pytest.raises(
        UsageError, match=r"one and two belong to different projects, .*; give paths of one project at a time"
    ):
        find_project([Path("one"), Path("two")])


def test_path_that_is_not_there_is_refused(write_project: WriteProject) -> None:
    write_project({})
    with pytest.raises(UsageError, match=r"there is no file or folder sites/x\.yaml"):
        find_project([Path("sites/x.yaml")])


@pytest.mark.parametrize("name", ["reconciler.yml", "Reconciler.yaml", "reconcilier.yaml", "reconciller.yml"])
def test_misnamed_project_file_is_reported(write_project: WriteProject, name: str) -> None:
    write_project({name: "version: 1\n", "sites/a.yaml": site("a")})
    for paths in ((), (Path("sites/a.yaml"),)):
        with pytest.raises(UsageError, match=f"{re.escape(name)} is not read; name it reconciler.yaml"):
            find_project(paths)


@pytest.mark.parametrize("make", ["folder", "fifo", "dangling link", "link to itself"])
def test_what_is_not_a_readable_file_is_a_problem(make: str, write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a")})
    for path in (root / "sites/b.yaml", root / "reconciler.yaml"):
        if make == "folder":
            path.mkdir()
        elif make == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to(path.name if make == "link to itself" else "nowhere")
    with pytest.raises(InvalidFiles) as raised:
        open_project()
    assert [str(problem.place) for problem in raised.value.problems] == ["reconciler.yaml", "sites/b.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_problem(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a"), "more/b.yaml": site("b")})
    (root / "sites/a.yaml").chmod(0)
    with pytest.raises(InvalidFiles, match=r"sites/a\.yaml cannot be read: Permission denied"):
        names(find_project())
    (root / "sites").chmod(0)
    try:
        with pytest.raises(InvalidFiles, match="sites cannot be listed: Permission denied"):
            names(find_project())
    finally:
        (root / "sites").chmod(0o700)
        (root / "sites/a.yaml").chmod(0o600)


def test_linked_files_and_folders_are_fine(write_project: WriteProject) -> None:
    root = write_project({"real/a.yaml": site("a"), "sites/b.yaml": site("b")})
    (root / "sites/a.yaml").symlink_to(root / "real/a.yaml")
    assert names(find_project()) == ["a", "b"]


def test_paths_are_shown_from_the_current_directory(
    write_project: WriteProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/a.yaml": site("a") + "x: 1\n"})
    with pytest.raises(InvalidFiles, match=r"^sites/a\.yaml:3:1: x: unknown key"):
        names(find_project())
    monkeypatch.chdir(root / "sites")
    with pytest.raises(InvalidFiles, match=r"^a\.yaml:3:1: x: unknown key"):
        names(find_project())
    monkeypatch.chdir("/")
    with pytest.raises(InvalidFiles, match=r"sites/a\.yaml:3:1: x: unknown key"):
        names(find_project([root]), str(root))


def test_sandbox_needs_no_credentials(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\napi: sandbox\ncredentials: {other: {apiKey: {env: A}}}\n",
            "sites/a.yaml": site("a"),
        }
    )
    assert names(find_project()) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "wix",
        "sandbox",
        "https://example.com",
        "https://example.com:8443/base",
        "http://localhost:8700",
        "http://127.0.0.1:8700/",
        "http://[::1]:8700",
        "http://127.8.9.1",
    ],
)
def test_apis_that_are_fine(text: str) -> None:
    assert check_api(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Wix",
        "www.wixapis.com",
        "http://example.com",
        "http://localhost.example.com",
        "ftp://example.com",
        "https://",
        "https://me@example.com",
        "https://:x@example.com",
        "https://example.com?a=b",
        "://",
        "https://example.com#a",
        "https://example.com:port",
        "https://[::1",
        "https://exa mple.com",
        "http://0.0.0.0:80",
        "https:///x",
    ],
)
def test_apis_that_are_not(text: str) -> None:
    assert check_api(text) is not None


@pytest.mark.parametrize("text", [".reconciler", "/var/lib/x", "s3://bucket", "gs://bucket/a/b", "az://box/a"])
def test_states_that_are_fine(text: str) -> None:
    assert check_state(text) is None


@pytest.mark.parametrize(
    "text", [" ", "s3://", "http://x/y", "s3://a:b@bucket", "s3://bucket?x=y", "file:///x", "s3://["]
)
def test_states_that_are_not(text: str) -> None:
    assert check_state(text) is not None
