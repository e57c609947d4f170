"""Shards and changed files: every site in one part, and only those that git says changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click
import pytest

from reconciler.config.repository import Repository
from reconciler.engine.choice import Shard
from reconciler.engine.selection import in_shard
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.reporters.next_step import Again, repeated
from tests.cli.projects import Command, Project


def test_every_site_is_in_one_shard() -> None:
    names = [SiteName(f"shop-{number}") for number in range(300)]
    parts = [{name for name in names if in_shard(name, Shard(number, 8))} for number in range(1, 9)]
    assert sum(len(part) for part in parts) == 300
    assert set().union(*parts) == set(names)
    assert min(len(part) for part in parts) > 15


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(chain: Project) -> Project:
    (chain.root / ".gitignore").write_text(".reconciler/\n")
    git(chain.root, "init", "-q")
    git(chain.root, "add", ".")
    git(chain.root, "commit", "-q", "-m", "first")
    return chain


def planned(reconciler: Command, project: Project, revision: str = "HEAD") -> list[str]:
    done = reconciler("plan", project.root, "--changed-since", revision, "--output", "json")
    assert done.code == 0, done.err
    return [site["site"] for site in done.json["sites"]]


def test_changed_sites(repository: Project, reconciler: Command) -> None:
    assert planned(reconciler, repository) == []
    repository.edit("sites/b.yaml", "warm and playful", "dry")
    assert planned(reconciler, repository) == ["shop-b"]
    repository.write({"approvals/shop-c.yaml": "version: 1\nsite: shop-c\nactivities: []\n"})
    assert planned(reconciler, repository) == ["shop-b", "shop-c"]
    git(repository.root, "add", ".")
    git(repository.root, "commit", "-q", "-m", "second")
    assert planned(reconciler, repository) == []
    assert planned(reconciler, repository, "HEAD~1") == ["shop-b", "shop-c"]


def test_a_run_says_how_many_sites_it_looked_at(repository: Project, reconciler: Command) -> None:
    """A run over no sites says nothing about the sites, above all not that they need no change."""
    for command, *options in (("plan",), ("drift",), ("apply", "--auto-approve"), ("review",), ("history",)):
        done = reconciler(command, repository.root, "--changed-since", "HEAD", *options)
        assert "0 of 3 sites looked at" in done.out.splitlines()[0], command
        assert (done.code, done.last) == (0, "No sites were selected; nothing was checked."), command
    part = reconciler("plan", repository.root / "sites" / "b.yaml")
    assert "1 of 3 sites looked at" in part.out.splitlines()[0]


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "review", "approve", "history", "doctor"])
def test_a_sites_name_in_place_of_a_path_is_answered_with_the_option_for_names(
    repository: Project, reconciler: Command, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.root)
    tried = reconciler(command, "shop-*")
    assert (tried.code, tried.out) == (1, "")
    said = "Error: there is no file or folder shop-*; to select a site by its name, use --target 'shop-*'\n"
    assert tried.err == said
    for path in ("sites/shop", "shop.yaml"):
        assert "--target" not in reconciler(command, path).err, "a path that is missing"
    assert "--target" not in reconciler("validate", "shop").err, "which has no such option"


def test_a_changed_project_file_means_all_sites(repository: Project, reconciler: Command) -> None:
    repository.edit("reconciler.yaml", "interval: 1s", "interval: 2s")
    assert planned(reconciler, repository) == ["shop-b", "shop-c", "shop"]


def test_invalid_revisions(repository: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = Repository(repository.root, os.environ)
    with pytest.raises(UsageError, match="git does not know the revision 'nonsense'; has the history been fetched"):
        here.changed_since("nonsense")
    with pytest.raises(UsageError, match="git does not know the revision '--output=x'"):
        here.changed_since("--output=x")
    elsewhere = Repository(tmp_path_factory.mktemp("elsewhere"), os.environ)
    with pytest.raises(UsageError, match="not in a git repository"):
        elsewhere.changed_since("HEAD")
    assert elsewhere.head() is None
    assert len(here.head() or "") == 40


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "shop-b/event[Sle]"), "--target shop-b/event[Sle]: no such object in the files or on the site"),
        (("--exclude", "*/draft[no]"), "--exclude */draft[no]: no such object"),
        (
            ("--regenerate", "shop-b", "--target", "shop-b/settings"),
            "--regenerate shop-b: --target or --exclude leaves",
        ),
        (("--regenerate", "shop-b", "--exclude", "shop-b/marketing-plan"), "--regenerate shop-b: --target or"),
    ],
)
def test_options_without_effect_are_an_error_before_anything_is_written(
    chain: Project, reconciler: Command, options: tuple[str, ...], said: str
) -> None:
    assert reconciler("apply", chain.root, "--auto-approve").code == 0
    chain.edit("sites/b.yaml", "warm and playful", "dry")
    done = reconciler("apply", chain.root, "--auto-approve", *options)
    assert done.code == 1, done.out
    assert f"Error: {said}" in done.err
    planned = reconciler("plan", chain.root, *options)
    assert (planned.code, said in planned.err) == (1, True)
    if "--regenerate" not in options:
        audited = reconciler("drift", chain.root, *options)
        assert (audited.code, said in audited.err) == (1, True)
    assert "1 to change" in reconciler("plan", chain.root).last


@pytest.mark.parametrize(
    "left_out",
    [("--target", "shop-b/settings"), ("--exclude", "shop-b/marketing-plan"), ("--exclude", "shop-b/settings")],
)
def test_a_guard_does_not_hide_that_regenerate_has_no_effect(
    chain: Project, reconciler: Command, left_out: tuple[str, str]
) -> None:
    nothing = "marketingPlan: {state: present, regenerate: {discard: nothing}}"
    chain.edit("sites/b.yaml", "marketingPlan: {state: present}", nothing)
    assert reconciler("apply", chain.root, "--auto-approve").code == 0
    chain.edit("sites/b.yaml", "warm and playful", "dry")
    refused = reconciler("plan", chain.root, "--regenerate", "shop-b", "--target", "shop-b")
    assert (refused.code, "Refused: shop-b/marketing-plan: regenerating would discard" in refused.last) == (4, True)
    done = reconciler("plan", chain.root, "--regenerate", "shop-b", *left_out)
    said = "Error: --regenerate shop-b: --target or --exclude leaves its marketing plan out"
    assert (done.code, said in done.err) == (1, True), done.out


def test_a_rule_that_does_not_exist_is_an_error_before_a_generation_and_after_it(
    chain: Project, reconciler: Command
) -> None:
    rules = "posts:\n  - match: {within: 14d}\n  - match: {within: 21d}\nschedule: {rules: [{match: {within: 14d}}]}\n"
    chain.edit("sites/b.yaml", "marketingPlan: {state: present}\n", f"marketingPlan: {{state: present}}\n{rules}")
    missing = "--target shop-b/posts[7]: there is no such rule; the rules are shop-b/posts[0], shop-b/posts[1], "
    for option, said in (
        ("shop-b/posts[7]", f"{missing}shop-b/schedule.rules[0]"),
        ("shop-c/posts[0]", "--target shop-c/posts[0]: there is no such rule; the site's file has no rules"),
        ("shop-b/event[Sale]", "--target shop-b/event[Sale]: no such object"),
    ):
        done = reconciler("apply", chain.root, "--auto-approve", "--target", option)
        assert (done.code, f"Error: {said}" in done.err) == (1, True), done.err
    known = ("--target", "shop-b/posts[1]")
    assert "decided after generation" in reconciler("plan", chain.root, *known).out
    assert reconciler("plan", chain.root, "--target", "shop-b/draft[later]").code == 0
    assert reconciler("apply", chain.root, "--auto-approve").code == 0
    done = reconciler("plan", chain.root, *known)
    said = "shop-b/posts[1]: a rule can be named only if its matches are decided after generation; "
    assert (done.code, f"{said}name the objects that it matches instead; plan --explain shows" in done.err) == (
        1,
        True,
    ), done.err
    assert missing in reconciler("drift", chain.root, "--target", "shop-b/posts[7]").err


def test_regenerate_of_a_marketing_plan_that_no_file_manages(chain: Project, reconciler: Command) -> None:
    chain.edit("sites/b.yaml", "marketingPlan: {state: present}\n", "")
    done = reconciler("plan", chain.root, "--regenerate", "shop-b")
    assert (done.code, "its file does not manage the marketing plan" in done.err) == (1, True)


def test_completion_knows_names_and_labels(chain: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from reconciler.cli.completion import complete_sites, complete_targets

    context, parameter = click.Context(click.Command("plan")), click.Option(["--target"])
    monkeypatch.chdir(chain.root)
    assert complete_targets(context, parameter, "") == [
        "label:team=americas",
        "label:team=emea",
        "shop",
        "shop-b",
        "shop-c",
    ]
    assert complete_sites(context, parameter, "shop-") == ["shop-b", "shop-c"]
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert complete_targets(context, parameter, "") != []
    (chain.root / "reconciler.yaml").unlink()
    assert complete_targets(context, parameter, "") == []


@pytest.mark.parametrize("command", ["review", "doctor"])
@pytest.mark.parametrize(
    ("option", "address", "fix"),
    [
        ("--target", "shop/draft[d1]", "name the site: --target shop"),
        ("--target", "*/settings", "name the site: --target '*'"),
        ("--exclude", "shop/draft", "leave it out, or exclude the site: --exclude shop"),
    ],
)
def test_a_command_on_whole_sites_refuses_an_address(
    chain: Project, reconciler: Command, command: str, option: str, address: str, fix: str
) -> None:
    """It does not silently work on a whole site for one of its drafts."""
    done = reconciler(command, chain.root, option, address)
    assert (done.code, done.out) == (1, "")
    assert f"Error: {option} {address}: {command} works on whole sites; {fix}" in done.err
    assert not (chain.root / "approvals").exists()
    assert reconciler(command, chain.root, "--target", "shop/*").code == 0
    assert reconciler(command, chain.root, "--exclude", "*/settings").code == 0, "it has nothing to do with drafts"


def test_the_next_review_names_the_sites_of_the_addresses_that_were_planned() -> None:
    targets = ("--target", "shop/draft[a/b]", "--target", "label:team=a/b", "--target", "shop/settings")
    again = Again(("sites", *targets, "--exclude", "tea/draft", "--exclude", "hub", "--shard", "1/2"))
    kept = "sites --target shop --target label:team=a/b --exclude hub --shard 1/2"
    assert repeated("reconciler review   (2 new drafts)", again) == f"reconciler review {kept}   (2 new drafts)"
    assert "--exclude tea/draft" in repeated("reconciler approve", again)


def test_the_step_to_approve_leads_to_a_plan_with_the_same_api_and_state() -> None:
    """`approve` reads files alone, so its own next step would be about the project's API."""
    again = Again(("--target", "shop"), ("--api", "sandbox", "--state", "a b"), ("--regenerate", "shop"))
    plan = "reconciler plan --target shop --api sandbox --state 'a b'"
    assert (
        repeated("reconciler approve   (2 drafts)", again) == f"reconciler approve --target shop && {plan}   (2 drafts)"
    )


def shards(project: Project) -> dict[str, str]:
    """Which of two shards each site of the chain is in."""
    return {name: "1/2" if in_shard(SiteName(name), Shard(1, 2)) else "2/2" for name in ("shop", "shop-b", "shop-c")}


@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
@pytest.mark.parametrize("option", ["--target", "--exclude"])
def test_an_address_in_another_shard_is_no_mistake(
    chain: Project, reconciler: Command, command: str, option: str
) -> None:
    chain.edit(
        "sites/b.yaml", "marketingPlan:", "calendarEvents: {events: [{name: Sale, date: 2026-12-24}]}\nmarketingPlan:"
    )
    elsewhere = "2/2" if shards(chain)["shop-b"] == "1/2" else "1/2"
    done = reconciler(command, chain.root, option, "shop-b/event[Sale]", "--shard", elsewhere)
    assert (done.code in (0, 2), "no such object" in done.err) == (True, False), done.err
    wrong = reconciler(command, chain.root, option, "shop-b/event[Sael]", "--shard", shards(chain)["shop-b"])
    assert (wrong.code, "did you mean shop-b/event[Sale]?" in wrong.err) == (1, True)


def test_an_excluded_object_of_a_site_that_is_no_target_is_no_mistake(chain: Project, reconciler: Command) -> None:
    done = reconciler("plan", chain.root, "--target", "shop", "--exclude", "shop-b/event[Sale]")
    assert (done.code, done.err) == (0, "")


def test_a_glob_that_may_match_in_sites_outside_the_run_is_a_warning(repository: Project, reconciler: Command) -> None:
    """An exclusion stays an error: if it was mistyped, too much would be done."""
    for name in ("b", "c"):
        repository.edit(f"sites/{name}.yaml", "warm and playful", "dry")
    sale = "*/event[Sale]"
    for command in ("plan", "drift"):
        done = reconciler(command, repository.root, "--target", sale, "--changed-since", "HEAD")
        said = f"warning: --target {sale}: no such object in this run; 1 site that the target names is left out\n"
        assert (done.code, done.err) == (0, said)
        done = reconciler(command, repository.root, "--exclude", sale, "--changed-since", "HEAD")
        assert (done.code, f"Error: --exclude {sale}: no such object on the sites of this run" in done.err) == (1, True)
        assert reconciler(command, repository.root, "--target", sale).code == 1
    part = ("--changed-since", "HEAD", "--all", "--yes")
    for command, options, kind in (("approve", part, "draft"), ("history", part[:2], "draft")):
        done = reconciler(command, repository.root, "--target", "*/draft[d1]", *options)
        said = f"warning: --target */draft[d1]: no such {kind} in this run; 1 site that the target names is left out\n"
        assert (done.code, done.err) == (0, said)
        assert reconciler(command, repository.root, "--exclude", "*/draft[d1]", *options).code == 1


@pytest.mark.parametrize("option", ["--target", "--exclude"])
@pytest.mark.parametrize("selector", ["shop-c", "shop-c/settings", "label:team=americas"])
def test_a_site_outside_the_given_paths_is_not_called_unknown(
    chain: Project, reconciler: Command, option: str, selector: str
) -> None:
    done = reconciler("plan", chain.root / "sites" / "b.yaml", option, selector)
    said = f"Error: {option} {selector} matches no site in the given paths; it matches a site outside them"
    assert (done.code, said in done.err) == (1, True), done.err
