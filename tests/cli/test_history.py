"""`history`: what went out, from the state alone."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest

from tests.cli.projects import SANDBOX, Command, Project, site

SEED = f"{SANDBOX}sites: {{3f0c2a9e-8d0b-4b7c-9a55-000000000001: {{timeZone: Europe/Berlin}}}}\n"

SCHEDULE = """\
posts:
  - match: {within: 10d}
schedule:
  approval: none
  rules:
    - match: {within: 10d}
      channels: [INSTAGRAM]
      max: 2
"""


def test_what_went_out_when_and_with_which_link(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    assert reconciler("history", project.root).last == "History: 0 posts in 1 site."
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    waits = reconciler("history", project.root)
    assert waits.code == 0
    assert waits.last == "History: 2 posts in 1 site."
    assert waits.out.count("scheduled") == 2
    assert "approval: none" in waits.out
    assert reconciler("history", project.root, "--quiet").out == f"{waits.last}\n"
    assert waits.out.count("Europe/Berlin") == 2, "in the site's own time"

    with project.world() as world:
        world.advance(timedelta(days=12))
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    asked = len(project.requests())
    (shop,) = reconciler("history", project.root, "--output", "json").json["sites"]
    assert len(project.requests()) == asked, "no site is asked"
    for post in shop["posts"]:
        assert post["status"] == "PUBLISHED"
        assert post["link"].startswith("https://")
        assert (post["channel"], post["approved"]) == ("INSTAGRAM", False)
        assert post["title"]
        assert post["timeZone"] == "Europe/Berlin"
    assert reconciler("history", project.root).out.count("went out: https://") == 2
    assert (
        reconciler("history", project.root, "--exclude", "shop").last == "No sites were selected; nothing was checked."
    )


@pytest.mark.parametrize("changed", [None, "sites/shop.yaml", "approvals/shop.yaml"])
def test_a_commit_is_named_only_if_the_files_of_the_site_are_as_in_it(
    changed: str | None, project: Project, reconciler: Command
) -> None:
    approvals = "version: 1\nsite: shop\nactivities: []\n"
    files = {"sandbox.yaml": SEED, "sites/shop.yaml": site("shop", more=SCHEDULE), "approvals/shop.yaml": approvals}
    project.write(files)
    git = ("git", "-C", str(project.root), "-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for arguments in ("init -q", "add .", "commit -qm Start"):
        subprocess.run((*git, *arguments.split()), check=True)
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    if changed:
        project.write({changed: f"{files[changed]}# not committed\n"})
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    (shop,) = reconciler("history", project.root, "--output", "json").json["sites"]
    head = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True).stdout.strip()
    expected = None if changed else head
    assert [post.get("commit") for post in shop["posts"]] == [expected] * 2


def test_a_site_that_cannot_be_read_is_a_block_among_the_others(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    (record,) = (project.root / ".reconciler" / "records").iterdir()
    record.write_text("{", "utf-8")
    for command in ("history", "doctor"):
        out = reconciler(command, project.root).out
        _, failed, last = out.rsplit("\n\n", 2)
        assert failed.startswith(f"! shop could not be read  {record} is corrupt")
        assert last.startswith(f"{command.title()}: ")
        assert "\n\n\n" not in out


def test_what_became_of_a_post_is_known_although_the_api_never_showed_its_time(
    project: Project, reconciler: Command
) -> None:
    seed = SEED + "unknowns: {scheduledDateShown: false, publishedInPlan: false}\n"
    project.write({"sandbox.yaml": seed, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    with project.world() as world:
        world.advance(timedelta(days=12))
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("history", project.root).out.count("went out: https://") == 2


def test_what_was_cancelled_is_no_longer_said_to_be_scheduled(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    paused = SCHEDULE.replace("approval: none", "approval: none\n  paused: cancel")
    project.write({"sites/shop.yaml": site("shop", more=paused)})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    said = reconciler("history", project.root).out
    assert (said.count("cancelled before it went out"), said.count("scheduled")) == (2, 0)
    (shop,) = reconciler("history", project.root, "--output", "json").json["sites"]
    assert {post["status"] for post in shop["posts"]} == {"CANCELED"}


def test_a_comment_has_no_block_of_sites_without_posts(chain: Project, reconciler: Command) -> None:
    nothing = reconciler("history", chain.root, "--output", "markdown")
    assert "<details>" not in nothing.out
    assert "History: 0 posts in 3 sites." in nothing.out
    chain.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", chain.root, "--target", "shop", "--auto-approve", "--no-publish")
    reconciler("apply", chain.root, "--target", "shop", "--auto-approve", "--allow-publish")
    some = reconciler("history", chain.root, "--output", "markdown")
    assert some.out.count("<details>") == 1
    assert "shop-b" not in some.out


def test_the_last_line_counts_the_sites_that_have_posts(project: Project, reconciler: Command) -> None:
    quiet = site("quiet").replace("000000000001", "000000000002")
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE), "sites/quiet.yaml": quiet})
    assert reconciler("history", project.root).last == "History: 0 posts in 2 sites."
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    assert reconciler("history", project.root).last == "History: 2 posts in 1 of 2 sites."


def test_a_post_whose_time_has_passed_is_not_said_to_be_scheduled(project: Project, reconciler: Command) -> None:
    """Somebody may have cancelled it in the dashboard, which the state does not know."""
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    with project.world() as world:
        world.advance(timedelta(days=60))
    said = reconciler("history", project.root).out
    assert (said.count("due; not known whether it went out"), said.count(" scheduled")) == (2, 0), said


def test_addresses_choose_posts_as_they_do_in_a_plan(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0

    def listed(*options: str) -> list[str]:
        done = reconciler("history", project.root, *options, "--output", "json")
        assert done.code == 0, done.err
        return [post["post"] for post in done.json["sites"][0]["posts"]]

    first, second = listed()
    assert listed("--target", f"shop/draft[{first}]") == [first]
    assert listed("--target", f"*/draft[{second[:-1]}?]") == [second]
    assert listed("--exclude", f"shop/draft[{first}]") == [second]
    both = [first, second]
    assert listed("--target", "shop/draft") == listed("--target", f"shop/draft[{first}]", "--target", "shop") == both
    assert listed("--exclude", "shop/draft") == []
    assert listed("--exclude", "shop/settings") == both
    for option, address, said in (
        ("--target", "shop/settings", "history lists posts; name a site, or a post like shop/draft[ID]"),
        ("--target", "shop/draft[nobody]", "no post in the history of these sites has this address"),
        ("--exclude", f"shop/draft[{first[:-1]}]", f"did you mean shop/draft[{first}]?"),
    ):
        done = reconciler("history", project.root, option, address)
        assert (done.code, f"Error: {option} {address}: " in done.err, said in done.err) == (1, True, True), done.err
