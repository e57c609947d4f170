"""Every site file is read on every run, the paths choose which sites it is about, and unread files are reported."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.config import packed_sites
from reconciler.config.packed_sites import Details, KeptSite, SpooledSite
from reconciler.config.problems import MAX_EXPLAINED, Problems
from reconciler.config.sites import SiteIndex, open_project
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.sites import DesiredSite
from reconciler.reporters.diagnostics import sentence
from tests import strategies
from tests.config.conftest import HEAD, ID, WriteProject
from tests.config.guids import guid


def site(name: str, more: str = "") -> str:
    return f"version: 1\nsite: {{name: {name}, id: {guid(name)}}}\n{more}"


def names(*paths: str) -> list[str]:
    return [entry.name for entry in index_of(*paths).entries]


def index_of(*paths: str) -> SiteIndex:
    return open_project([Path(path) for path in paths])[1]


def test_sites_that_are_only_checked_are_told_apart_and_not_kept(write_project: WriteProject) -> None:
    schedule = "schedule: {approval: none, rules: [{match: {}}]}\n"
    write_project({"reconciler.yaml": "version: 1\n", "sites/a.yaml": site("a", schedule), "sites/b.yaml": site("b")})
    index, checked = index_of(), open_project((), only_check=True)[1]
    assert [(entry.name, entry.id, entry.place, entry.stamp, entry.path) for entry in checked.entries] == [
        (entry.name, entry.id, entry.place, entry.stamp, entry.path) for entry in index.entries
    ]
    assert replace(checked, entries=()) == replace(index, entries=())
    assert checked.without_approval == ("a",)
    for entry in checked.entries:
        with pytest.raises(LookupError):
            entry.load()


def warnings(*paths: str) -> list[str]:
    return [sentence(warning) for warning in index_of(*paths).warnings]


def test_a_site_in_two_files_is_found_whatever_path_is_given(write_project: WriteProject) -> None:
    """CI passes the files of a pull request; the site's other file is not among them."""
    copy = HEAD.replace("name: shop", "name: shop-eu")
    write_project({"reconciler.yaml": "version: 1\n", "sites/shop.yaml": HEAD, "sites/eu/copy.yaml": copy})
    said = set()
    for paths in ([], ["sites/eu"], ["sites/shop.yaml"], ["sites/eu/copy.yaml"], ["reconciler.yaml"]):
        with pytest.raises(InvalidFiles) as raised:
            index_of(*paths)
        said.add(tuple(sentence(problem) for problem in raised.value.problems))
    assert said == {
        (f"sites/shop.yaml:2:24: site.id: '{ID}' is already used at sites/eu/copy.yaml:2:27; declare each site once",)
    }


def test_an_instance_of_an_app_is_on_one_site_only(write_project: WriteProject) -> None:
    """Its token is for the site of the instance: with a copied id, two names and two locks would be for one site."""
    project = "version: 1\ncredentials: {app: {appId: {env: APP_ID}, appSecret: {env: APP_SECRET}}}\n"
    text = "version: 1\nsite: {name: %s, id: %s, credentials: app, instanceId: %s}\n"
    instance, other = "0b9f6a1c-2d3e-4f50-8a61-7b8c9d0e1f22", ID.replace("3f0c", "3f0d")
    write_project({"reconciler.yaml": project, "sites/a.yaml": text % ("a", ID, instance)})
    write_project({"sites/b.yaml": text % ("b", other, instance.upper())})
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    (problem,) = raised.value.problems
    assert sentence(problem) == (
        f"sites/b.yaml:2:89: site.instanceId: '{instance.upper()}' is already used at sites/a.yaml:2:89; "
        "an app's instance is on one site only: write the id of the instance on this one"
    )
    write_project({"sites/b.yaml": text % ("b", ID, instance)})
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    (problem,) = raised.value.problems
    assert sentence(problem).endswith("declare each site once")
    write_project({"sites/b.yaml": text % ("b", other, instance.replace("0b9f", "0b9e"))})
    assert names() == ["a", "b"]


def test_a_named_file_that_no_pattern_matches_is_compared_with_those_that_nothing_reads(
    write_project: WriteProject,
) -> None:
    project = "version: 1\nsites: [sites/*.yaml]\n"
    copy = HEAD.replace("name: shop", "name: other")
    write_project({"reconciler.yaml": project, "sites/a.yaml": site("a"), "sites/new/x.yaml": HEAD})
    write_project({"sites/new/copy.yaml": copy})
    assert len(warnings()) == 2, "what nobody names may be a copy"
    with pytest.raises(InvalidFiles) as raised:
        index_of("sites/new/x.yaml")
    (problem,) = raised.value.problems
    assert re.match(f"sites/new/copy.yaml:2:.*site.id: '{ID}' is already used at sites/new/x.yaml:", sentence(problem))
    write_project({"sites/new/copy.yaml": site("other")})
    unread, named = warnings("sites/new/x.yaml")
    assert unread.startswith("sites/new/copy.yaml is not read:")
    assert named.startswith("sites/new/x.yaml is only read because you named it:")
    write_project({"sites/new/copy.yaml": site("Shop")})
    with pytest.raises(InvalidFiles, match=r"site.name: 'Shop' is already used"):
        index_of("sites/new/x.yaml")
    write_project({"sites/new/copy.yaml": site("other"), "elsewhere/x.yaml": site("new")})
    assert names("elsewhere/x.yaml") == ["new"]
    write_project({"elsewhere/copy.yml": site("new")})
    with pytest.raises(InvalidFiles, match=r"elsewhere.copy.yml.*are already used at elsewhere.x.yaml"):
        index_of("elsewhere/x.yaml")
    assert names("sites/a.yaml") == ["a"]


def test_files_come_in_the_order_of_their_folders_and_names(write_project: WriteProject) -> None:
    files = [Path("sites/a/z.yaml"), Path("sites/a-b/y.yaml"), Path("sites/a.yaml"), Path("sites/a b/x.yaml")]
    write_project({str(file): site(file.stem) for file in files})
    assert names(".") == [file.stem for file in sorted(files)]
    assert [entry.file for entry in index_of(".").entries] == [Path.cwd() / file for file in sorted(files)]


def test_index_counts_the_whole_project(write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": site("a"), "sites/b.yml": site("b"), "sites/eu/c.yaml": site("c")})
    assert names() == ["a", "b", "c"]
    index = index_of("sites/eu")
    assert ([entry.name for entry in index.entries], index.total, index.files) == (["c"], 3, 1)
    assert index.entries[0].load().ref.name == "c"


def test_an_approvals_file_as_path_is_checked_as_what_it_is(write_project: WriteProject) -> None:
    write_project(
        {
            "sites/a.yaml": site("a"),
            "sites/b.yaml": site("b"),
            "approvals/a.yaml": "version: 1\nsite: a\nactivities: []\n",
        }
    )
    assert names("approvals/a.yaml") == ["a"]
    assert names("approvals/a.yaml", "sites/b.yaml") == ["a", "b"]
    write_project({"approvals/a.yaml": "version: 1\nsite: a\nactivities: 3\n"})
    (problem,) = index_of("approvals/a.yaml").problems
    assert str(problem.place) == "approvals/a.yaml:3:13"
    assert index_of("sites/b.yaml").problems == ()


def test_a_link_that_leads_nowhere_says_so(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a")})
    (root / "sites/b.yaml").symlink_to("../elsewhere/b.yaml")
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    said = "sites/b.yaml is a link to ../elsewhere/b.yaml, which does not exist; correct the link, or delete it"
    assert [sentence(problem) for problem in raised.value.problems] == [said]


def test_a_saved_plan_given_as_a_path_says_how_to_look_at_it(write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": site("a"), "a.plan": "{}"})
    with pytest.raises(InvalidFiles) as raised:
        index_of("a.plan")
    assert raised.value.problems[0].fix == "if it is a saved plan, look at it with: reconciler show a.plan"


def test_a_project_behind_a_link_needs_no_folder_of_approvals(write_project: WriteProject, tmp_path: Path) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/a.yaml": site("a")})
    (tmp_path / "linked").symlink_to(root)
    assert names(str(tmp_path / "linked")) == ["a"]
    assert index_of(str(tmp_path / "linked")).problems == ()


def test_the_folder_of_approvals_names_its_files(write_project: WriteProject) -> None:
    write_project({f"sites/{name}.yaml": site(name) for name in "abc"})
    write_project({f"approvals/{name}.yaml": f"version: 1\nsite: {name}\nactivities: []\n" for name in "ac"})
    assert names("approvals") == names("approvals/") == names("approvals", "approvals/a.yaml") == ["a", "c"]
    assert index_of("approvals").files == 4
    write_project({"approvals/a.yaml": "version: 1\nsite: a\nactivities: 3\n"})
    (problem,) = index_of("approvals").problems
    assert str(problem.place) == "approvals/a.yaml:3:13"


@pytest.mark.parametrize("rest", ["", "activitie: []\n", "activitie: []\nmore: 1\n"])
def test_an_approvals_file_in_another_folder_is_checked_as_one(rest: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": site("a"), "approvals.yaml": f"version: 1\nsite: a\n{rest}"})
    with pytest.raises(InvalidFiles) as raised:
        index_of("approvals.yaml")
    assert any("is an approvals file that nothing reads" in warning.message for warning in raised.value.warnings)
    said = [sentence(problem) for problem in raised.value.problems]
    assert not any("site: expected" in problem for problem in said), said
    assert any("did you mean activities?" in problem for problem in said) == bool(rest)


@pytest.mark.parametrize("head", ["site: a\n", ""])
def test_an_approvals_file_without_a_version_or_site_is_checked_as_one(head: str, write_project: WriteProject) -> None:
    entry = "activities:\n- {id: x, decision: keep, drafts: []}\n"
    write_project({"sites/a.yaml": site("a"), "old.yaml": f"{head}{entry}"})
    with pytest.raises(InvalidFiles) as raised:
        index_of("old.yaml")
    assert any("is an approvals file that nothing reads" in warning.message for warning in raised.value.warnings)


def test_a_site_file_that_names_its_site_by_a_text_is_still_a_site_file(write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": site("a"), "b.yaml": "version: 1\nsite: b\nsetings: {}\n"})
    with pytest.raises(InvalidFiles, match="site: expected keys and values"):
        index_of("b.yaml")


@pytest.mark.parametrize("file", ["approvals/a.yml", "approvals/a.YAML", "approvals/emea/a.yaml"])
def test_an_approvals_file_that_no_site_reads_is_named(file: str, write_project: WriteProject) -> None:
    """Whatever is approved in it does not count, and nothing else would say so."""
    write_project({"sites/a.yaml": site("a"), file: "version: 1\nsite: a\nactivities: []\n"})
    said = f"{file} is an approvals file that nothing reads; approvals files are named approvals/<site>.yaml"
    for paths in ((), ("sites/a.yaml",), (file,)):
        assert [sentence(warning) for warning in index_of(*paths).run_warnings] == [f"{said}; move it there"]


def test_an_approvals_file_without_a_site(write_project: WriteProject) -> None:
    write_project({"sites/shop.yaml": HEAD, "approvals/shpo.yaml": "version: 1\nsite: shpo\nactivities: []\n"})
    (warning,) = warnings()
    assert warning == (
        "approvals/shpo.yaml: no site is called 'shpo', so no decision in this file counts; if the site was "
        "renamed: git mv approvals/shpo.yaml approvals/shop.yaml (deleting the file would withdraw its approvals); "
        "if the site is gone, delete the file (this cancels no posts)"
    )
    assert index_of().unowned == ("shpo",)
    write_project({"approvals/shop.yaml": "version: 1\nsite: shop\nactivities: []\n"})
    (warning,) = warnings()
    assert "git mv approvals/shpo.yaml approvals/NEW.yaml" in warning  # the site that comes close has a file
    Path("approvals/shop.yaml").unlink()
    write_project({"sites/shop.yaml": site("shop-1"), "sites/b.yaml": site("shop-2")})
    (warning,) = warnings()
    assert "git mv approvals/shpo.yaml approvals/NEW.yaml" in warning  # more than one comes close
    write_project({"sites/shop.yaml": HEAD})
    assert names("approvals/shpo.yaml") == []
    write_project({"approvals/shpo.yaml": "version: 1\nsite: shpo\nactivities: 3\n"})
    with pytest.raises(InvalidFiles, match="activities"):
        index_of("approvals/shpo.yaml")


@pytest.mark.parametrize("text", ["", "# a comment\n"])
def test_an_empty_site_file_is_the_one_cause_of_approvals_without_a_site(
    text: str, write_project: WriteProject
) -> None:
    approvals = {"approvals/b.yaml": "version: 1\nsite: b\nactivities: []\n"}
    write_project({"sites/a.yaml": site("a"), "sites/b.yaml": text, **approvals})
    with pytest.raises(InvalidFiles, match=r"sites/b\.yaml:1:1: the file is empty") as raised:
        index_of()
    assert (len(raised.value.problems), raised.value.warnings) == (1, ())


def test_a_bad_approvals_file_stops_only_its_own_site(write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": site("a"), "sites/b.yaml": site("b"), "approvals/a.yaml": "not approvals"})
    a, b = index_of().entries
    assert a.problems
    assert not b.problems
    assert b.load().ref.name == "b"
    with pytest.raises(InvalidFiles):
        a.load()


def test_a_project_file_of_another_name(write_project: WriteProject) -> None:
    write_project(
        {"sites/a.yaml": site("a"), "sites/project.yaml": "version: 1\napi: sandbox\n", "sites/b.yaml": site("b")}
    )
    with pytest.raises(InvalidFiles):  # a pattern takes it, so it should be a site
        index_of()
    write_project({"prod.yaml": "version: 1\napi: sandbox\n", "sites/project.yaml": site("p")})
    assert names("prod.yaml", "sites/a.yaml") == ["a"]
    assert warnings("prod.yaml", "sites/a.yaml")[0].startswith("prod.yaml is a project file that is not called")


def test_a_project_file_of_another_name_is_checked_whole(write_project: WriteProject) -> None:
    text = "version: 1\napi: sandbx\nstate: ../../x\npoll: {interval: 1h, timeout: 1m}\n"
    write_project({"prod.yaml": text, "sites/a.yaml": site("a")})
    with pytest.raises(InvalidFiles) as named:
        index_of("prod.yaml", "sites/a.yaml")
    write_project({"reconciler.yaml": text})
    with pytest.raises(InvalidFiles) as own:
        index_of()
    assert str(named.value) == str(own.value).replace("reconciler.yaml", "prod.yaml")
    assert len(named.value.problems) == 3


def test_yaml_that_no_pattern_takes_is_named(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\nsites: [sites/*.yaml]\n",
            "sites/a.yaml": site("a"),
            "sites/b.yml": site("b"),
            "sites/.hidden.yaml": site("hidden"),
            "sites/.other.yaml": "rules: {}\n",
            "sites/notes.txt": "",
        }
    )
    assert warnings() == [
        "sites/.hidden.yaml is not read: no pattern in `sites` matches it; remove the dot at the start of its name",
        "sites/b.yml is not read: no pattern in `sites` matches it; widen `sites` in reconciler.yaml, or move the file",
    ]
    assert names() == ["a"]
    assert names("sites/b.yml") == ["b"]


def test_a_site_in_a_hidden_folder_beside_sites_is_named(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\n",
            "sites/a.yaml": site("a"),
            "sites/.old/b.yaml": site("b"),
            "sites/eu/c.yaml": site("c"),
            "sites/eu/.old/deeper/d.yaml": site("d"),
            "sites/.git/e.yaml": site("e"),
            ".cache/f.yaml": site("f"),
        }
    )
    fix = "move it out of the hidden folder, or name that folder in `sites` in reconciler.yaml"
    assert warnings() == [
        f"{file} is not read: no pattern in `sites` matches it; {fix}"
        for file in ("sites/.old/b.yaml", "sites/eu/.old/deeper/d.yaml")
    ]
    write_project(
        {"reconciler.yaml": "version: 1\nsites: [sites/**/*.yaml, sites/.old/*.yaml, sites/eu/.old/**/*.yaml]\n"}
    )
    assert (warnings(), names()) == ([], ["b", "a", "d", "c"])


def test_yaml_in_folders_that_no_pattern_reaches_is_named(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\nsites: [sites/*.yaml]\n",
            "sites/a.yaml": site("a"),
            "sites/eu/b.yaml": site("b"),
            "sites/eu/west/c.yaml": site("c"),
            "elsewhere/values.yaml": "a: 1\n",
        }
    )
    assert [warning.split(" is ")[0] for warning in warnings()] == ["sites/eu/b.yaml", "sites/eu/west/c.yaml"]
    write_project({"reconciler.yaml": "version: 1\nsites: ['*.yaml']\n", "z.yaml": site("z")})
    assert len(warnings()) == 3, "all YAML is below the project's own folder, so only what declares a site is named"


@pytest.mark.parametrize(
    "path",
    [
        ".git/a.yaml",
        ".cache/a.yaml",
        "lib/node_modules/x/a.yaml",
        "approvals/a.yaml",
        "approvals/eu/a.yaml",
        "venv/lib/a.yaml",
        "another/a.yaml",
        "another/sites/a.yaml",
        "docs/a.txt",
    ],
)
def test_a_site_in_a_folder_of_other_tools_is_not_named(write_project: WriteProject, path: str) -> None:
    project = {"reconciler.yaml": "version: 1\n", "another/reconciler.yaml": "version: 1\n", "venv/pyvenv.cfg": ""}
    write_project({**project, "sites/b.yaml": site("b"), path: site("a")})
    assert [found for found in warnings() if "is not read" in found] == []


@pytest.mark.parametrize("form", ["block", "flow", "crlf", "commented"])
def test_a_site_anywhere_in_the_project_that_no_pattern_takes_is_named(write_project: WriteProject, form: str) -> None:
    text = {
        "block": f"version: 1\nsite:\n  name: stray\n  id: {ID}\n",
        "flow": site("stray"),
        "crlf": f"# by hand\r\nversion: 1\r\nsite:\r\n  id: {ID}\r\n  name: stray\r\n",
        "commented": f"settings: {{}}\nsite:\n  # the shop\n  name: stray\n  id: {ID}\nversion: 1\n",
    }[form]
    write_project({"reconciler.yaml": "version: 1\n", "sites/b.yaml": site("b"), "old/eu/stray.yml": text})
    write_project({"old/values.yaml": "version: 1\nsite: example\n", "old/hugo.yaml": "site:\n  name: blog\n"})
    (found,) = warnings()
    assert found.startswith("old/eu/stray.yml is not read: no pattern in `sites` matches it; widen `sites`")


def test_a_site_that_is_read_through_a_link_is_not_reported_as_unread(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "shared/a.yaml": site("a"), "shared/eu/b.yaml": site("b")})
    (root / "sites").mkdir()
    (root / "sites/a.yaml").symlink_to("../shared/a.yaml")
    (root / "sites/eu").symlink_to("../shared/eu")
    assert (names(), warnings()) == (["a", "b"], [])


def test_only_so_many_files_are_looked_at(write_project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project({"reconciler.yaml": "version: 1\n", "sites/b.yaml": site("b"), "a/b/c/d/stray.yaml": site("stray")})
    assert len(warnings()) == 1
    monkeypatch.setattr("reconciler.config.stray_files.LOOKED_AT", 3)
    assert warnings() == []


def test_what_nobody_reads_is_named_along_with_files_with_errors(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": "version: 1\nsites: [sites/*.yaml]\npolicy: {bannedWords: ['${WORD}']}\n",
            "sites/a.yaml": "version: 7\n",
            "sites/b.yml": site("b"),
        }
    )
    with pytest.raises(InvalidFiles) as raised:
        warnings()
    assert [found.code for found in raised.value.warnings] == ["variable-not-replaced", "file-not-read"]


@pytest.mark.parametrize(
    ("project", "file", "codes"),
    [
        ("", "site: {name: b, id: x}\n", ["approvals-for-nobody", "defaults-for-nobody"]),
        ("limits: {parallelism: none}\n", "", ["approvals-for-nobody", "defaults-for-nobody"]),
        ("", "site: {name: zz, id: x, labels: {team: emea}}\n", []),
        ("", "site: {nmae: b, id: x}\n", []),
        ("", "site: {name: b, id: x, labels: [team]}\n", []),
        ("", "]\n", []),
        ("policy: {minLead: soon}\n", "", []),
        ("sites: 7\n", "", []),
    ],
)
def test_what_applies_to_no_site_is_reported_along_with_errors_if_it_is_certain(
    write_project: WriteProject, project: str, file: str, codes: list[str]
) -> None:
    defaults = "defaults: [{where: {labels: {team: emea}}, settings: {toneOfVoice: dry}}]\n"
    files = {"reconciler.yaml": f"version: 1\n{defaults}{project}", "approvals/zz.yaml": "version: 1\nsite: zz\n"}
    write_project({**files, "sites/a.yaml": site("a"), **({"sites/b.yaml": f"version: 1\n{file}"} if file else {})})
    with pytest.raises(InvalidFiles) as raised:
        warnings()
    assert [found.code for found in raised.value.warnings] == codes


def test_a_variable_in_the_project_file_is_named_once(write_project: WriteProject) -> None:
    write_project(
        {
            "reconciler.yaml": (
                "version: 1\npolicy: {bannedWords: ['${WORD}', free]}\n"
                "defaults: [{settings: {toneOfVoice: '${TONE}'}}]\n"
            ),
            "sites/a.yaml": site("a"),
        }
    )
    literally = "is taken literally: variables are not replaced in files; write the value itself"
    assert warnings() == [
        f"reconciler.yaml:2:24: policy.bannedWords[0]: ${{WORD}} {literally}",
        f"reconciler.yaml:3:37: defaults[0].settings.toneOfVoice: ${{TONE}} {literally}",
    ]


def test_the_seed_of_the_sandbox_is_not_a_site(write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": "version: 1\nsites: ['*.yaml']\n", "a.yaml": site("a"), "sandbox.yml": "x"})
    assert [warning.split(" is ")[0] for warning in warnings()] == ["sandbox.yml"]
    write_project({"reconciler.yaml": "version: 1\n", "sites/b.yaml": site("b"), "sandbox.yaml": "clock: 1\n"})
    assert names("sandbox.yaml", "sites/b.yaml") == ["b"]


@pytest.mark.parametrize("links", ["loops", "layers"])
def test_links_in_circles_end(links: str, write_project: WriteProject) -> None:
    root = write_project({"sites/shop.yaml": HEAD})
    if links == "loops":
        (root / "sites/a").symlink_to(".")
        (root / "sites/b").symlink_to("..")
    else:  # no circle, and two to the power of thirty ways through
        for number in range(30):
            (root / f"sites/d{number + 1}").mkdir()
            for way in ("a", "b"):
                (root / (f"sites/d{number}" if number else "sites") / way).symlink_to(root / f"sites/d{number + 1}")
    before = time.process_time()
    assert names() == ["shop"]
    assert time.process_time() - before < 2


def test_links_in_circles_end_for_patterns_of_a_fixed_depth(write_project: WriteProject) -> None:
    """Each further `*` would multiply the ways to one file, and each way would be a second site with the same name."""
    pattern = "sites/" + "*/" * 10 + "*.yaml"
    root = write_project({"reconciler.yaml": f"version: 1\nsites: ['{pattern}']\n", "sites/shop.yaml": HEAD})
    for name in "abc":
        (root / "sites" / name).symlink_to(".")
    assert names() == ["shop"]


def test_a_pattern_of_many_stars_is_refused(write_project: WriteProject) -> None:
    deep = "sites/" + "d/" * 12
    write_project({"reconciler.yaml": f"version: 1\nsites: ['{'**/' * 10}*.yaml']\n", f"{deep}shop.yaml": HEAD})
    with pytest.raises(InvalidFiles, match=r"^reconciler\.yaml:2:9: sites\[0\]: .* has `\*\*` more than once"):
        index_of()


def test_a_device_and_a_fifo_are_not_read(write_project: WriteProject) -> None:
    root = write_project({"sites/a.yaml": site("a"), "approvals/x": ""})
    os.mkfifo(root / "sites/f.yaml")
    os.mkfifo(root / "approvals/a.yaml")
    (root / "sites/z.yaml").symlink_to("/dev/zero")
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    said = [sentence(problem) for problem in raised.value.problems]
    assert said[0] == "sites/f.yaml is not a file; give a YAML file"
    assert said[1].startswith("sites/z.yaml leads outside the project")
    (root / "sites/f.yaml").unlink()
    (root / "sites/z.yaml").unlink()
    assert [sentence(problem) for problem in index_of().problems] == [
        "approvals/a.yaml is not a file; give a YAML file"
    ]


def test_a_merge_conflict_is_called_one(write_project: WriteProject) -> None:
    text = HEAD + "settings:\n<<<<<<< HEAD\n  toneOfVoice: warm\n=======\n  toneOfVoice: dry\n>>>>>>> branch\n"
    write_project({"sites/shop.yaml": text, "approvals/shop.yaml": "<<<<<<< HEAD\na: 1\n=======\n>>>>>>> b\n"})
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    (problem,) = raised.value.problems
    assert sentence(problem).startswith("sites/shop.yaml:4:1: an unresolved merge conflict; keep what is right")
    write_project({"sites/shop.yaml": HEAD})
    (problem,) = index_of().problems
    assert (problem.code, str(problem.place)) == ("merge-conflict", "approvals/shop.yaml:1:1")


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> branch"])
def test_a_marker_left_behind_is_called_a_merge_conflict(write_project: WriteProject, marker: str) -> None:
    write_project({"sites/shop.yaml": f"{HEAD}settings:\n{marker}\n  toneOfVoice: warm\n"})
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    (problem,) = raised.value.problems
    assert sentence(problem).startswith("sites/shop.yaml:4:1: an unresolved merge conflict; keep what is right")


def test_a_text_that_looks_like_a_marker_is_no_conflict(write_project: WriteProject) -> None:
    write_project({"sites/shop.yaml": HEAD + "settings:\n  toneOfVoice: |\n    warm\n    <<<<<<< HEAD\n    =======\n"})
    assert index_of().problems == ()


def test_problems_beyond_a_thousand_are_counted(write_project: WriteProject) -> None:
    documents = "---\n".join(f"version: 1\nsite: {{name: A{at}, id: x}}\nnone: 1\n" for at in range(800))
    write_project({"sites/all.yaml": documents})
    with pytest.raises(InvalidFiles) as raised:
        index_of()
    *explained, last = raised.value.problems
    assert len(explained) <= MAX_EXPLAINED
    assert re.fullmatch(r"at least \d+ more problems not listed; fix the others first", last.message)
    assert not Problems().full


def test_an_empty_project_is_reported(write_project: WriteProject) -> None:
    write_project({"reconciler.yaml": "version: 1\n", "other/a.txt": ""})
    for paths in ([], ["other"]):
        with pytest.raises(UsageError, match="no site file"):
            index_of(*paths)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.lists(strategies.of(DesiredSite), min_size=1, max_size=3))
def test_a_packed_site_is_the_one_that_was_packed(sites: list[DesiredSite]) -> None:
    packer = packed_sites.Packer()
    details = [Details(site.ref.id, site.place, bytes(15)) for site in sites]
    packed = [packer.pack(site, detail) for site, detail in zip(sites, details, strict=True)]
    spooled = [packer.spool(site) for site in packed]
    for kept in (packed, spooled):
        assert [site.unpack() for site in kept] == sites
        assert [site.details for site in kept] == details


def test_a_site_with_approved_texts_is_never_kept_as_it_is(write_project: WriteProject) -> None:
    write_project({"sites/one.yaml": site("one")})
    (entry,) = index_of().entries
    desired = entry.load()
    approved = replace(desired, approvals=Approvals(activities=cast("Any", ("a long text",))))
    assert packed_sites.Packer().keep(desired, 1, entry.kept.details).unpack() is desired
    assert isinstance(packed_sites.Packer().keep(approved, 1, entry.kept.details), SpooledSite)


def test_what_is_kept_of_a_site_is_small(write_project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_sites, "ROOM", 4096)  # as after many files
    rules = "posts: [{match: {within: 21d}, max: 3}]\nschedule: {rules: [{channels: [INSTAGRAM], at: '09:30'}]}\n"
    write_project({f"sites/{at}.yaml": site(f"s{at}", rules) for at in range(200)})
    index = index_of()
    packed = [entry.kept.packed.data for entry in index.entries if isinstance(entry.kept, SpooledSite)]
    size = sum(entry.file.stat().st_size for entry in index.entries if isinstance(entry.kept, KeptSite))
    assert 0 < size <= 4096
    assert sum(len(data) for data in packed) / len(packed) < 500
    assert index.entries[-1].load().posts == index.entries[0].load().posts
