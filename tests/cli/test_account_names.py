"""The accounts of posts that go out without an approval are named, as far as the site gives the names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.projects import SANDBOX, Command, Project

SITE = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
WORLD = f"""\
{SANDBOX}\
sites:
  {SITE}:
    channels: [INSTAGRAM, FACEBOOK]
    accounts:
      INSTAGRAM: [{{id: '17841405822304914', displayName: Janes Pottery}}]
      FACEBOOK: [{{id: '102938475610293', displayName: Pottery (Berlin)}}]
    settings: {{toneOfVoice: dry}}
"""
PLAN = """\
    plan:
      status: ACTIVE
      activities:
      - date: '2026-11-04T08:00:00Z'
        title: Kiln day
        items:
        - {channel: INSTAGRAM, type: POST, caption: Hello, media: [https://static.wixstatic.com/media/a.jpg]}
        - {channel: FACEBOOK, type: POST, caption: Hello all, media: [https://static.wixstatic.com/media/b.jpg]}
"""
FILE = f"""\
version: 1
site: {{name: pottery, id: {SITE}}}
marketingPlan: {{state: present}}
schedule:
  approval: none
  rules: [{{match: {{within: 30d}}, channels: [INSTAGRAM, FACEBOOK], max: 2}}]
"""
NAMES = ("Pottery (Berlin)", "janespottery")
LABELS = ("Pottery (Berlin) (102938475610293)", "janespottery (17841405822304914)")
IDS = ("account 102938475610293", "account 17841405822304914")
YES = ("--auto-approve", "--allow-publish")

UNREADABLE = {
    "an error": "{kind: error, status: 500}",
    "throttled": "{kind: throttle, retryAfter: 60}",
    "forbidden": "{kind: forbidden}",
    "never arrived": "{kind: drop-before}",
    "lost": "{kind: drop-after}",
    "half an answer": "{kind: truncated}",
}


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    (project.root / "sites/shop.yaml").unlink()
    project.write({"sites/pottery.yaml": FILE, "sandbox.yaml": WORLD + PLAN})
    monkeypatch.chdir(project.root)
    return project


def asked(project: Project) -> int:
    """How often the site was asked for accounts so far."""
    return sum(request["path"].endswith("/accounts") for request in project.requests())


def scheduled(project: Project) -> int:
    with project.world() as world:
        items = world.world()["sites"][SITE]["items"].values()
        return sum(each["item"]["status"] == "SCHEDULED" for each in items)


def rename(project: Project) -> None:
    with project.world() as world:
        for channel, id in (("INSTAGRAM", "17841405822304914"), ("FACEBOOK", "102938475610293")):
            world.dashboard.set_accounts(SITE, channel, [{"id": id, "displayName": "Renamed"}])


def test_the_accounts_of_unapproved_posts_are_named_by_one_request(shop: Project, reconciler: Command) -> None:
    planned = reconciler("plan")
    assert [name for name in NAMES if f"on {name}, without approval (approval: none)" in planned.out] == [*NAMES]
    assert asked(shop) == 1
    done = reconciler("apply", *YES)
    assert [name for name in NAMES if f"done  on {name}  scheduled for" in done.out] == [*NAMES]
    assert asked(shop) == 2
    assert "on Pottery (Berlin)  scheduled" in reconciler("history").out
    assert reconciler("plan").last == "No changes."
    assert asked(shop) == 2, "nothing is left to schedule"


def test_what_was_read_says_so_and_the_ids_are_there(shop: Project, reconciler: Command) -> None:
    said = reconciler("plan", "--explain").out
    assert "account names" in said
    assert [id for id in IDS if f"  {id.replace('account', 'account id:')}\n" in said] == [*IDS]
    shop.edit("sites/pottery.yaml", "approval: none", "approval: required")
    assert "account names" not in reconciler("plan", "--explain").out


@pytest.mark.parametrize(
    "change",
    [("approval: none", "approval: required"), ("within: 30d", "within: 1d"), ("channels", "max: 0, channels")],
)
def test_nothing_is_asked_if_no_unapproved_post_is_to_go_out(
    change: tuple[str, str], shop: Project, reconciler: Command
) -> None:
    if "max" in change[1]:
        shop.edit("sites/pottery.yaml", ", max: 2", "")
    shop.edit("sites/pottery.yaml", *change)
    assert "to publish" not in reconciler("plan").last
    assert reconciler("apply", *YES).code == 0
    assert asked(shop) == 0


def move_to(project: Project, account: str) -> None:
    """Puts the post on Instagram on another account."""

    def change(site: Any, *_: object) -> None:
        (item,) = (each["item"] for each in site.items.values() if each["item"]["channel"]["name"] == "INSTAGRAM")
        item["channel"]["accountId"] = account

    with project.world() as world:
        world.dashboard._edit(SITE, change)


@pytest.mark.parametrize(("name", "after"), [("Other", "other"), ("Janes Pottery", "janespottery (999)")])
def test_a_change_of_account_is_told_by_name(name: str, after: str, shop: Project, reconciler: Command) -> None:
    """The ids are shown only if both accounts have the same name."""
    accounts = "[{id: '17841405822304914', displayName: Janes Pottery}"
    shop.edit("sandbox.yaml", accounts, f"{accounts}, {{id: '999', displayName: {name}}}")
    shop.edit("sites/pottery.yaml", "approval: none", "approval: required")
    assert [reconciler(*args).code for args in (["apply", *YES], ["review"], ["approve", "--all", "--yes"])] == [0] * 3
    move_to(shop, "999")
    assert "changed after approval: account: janespottery -> 999\n" in reconciler("plan").out
    before = f"janespottery{' (17841405822304914)' if after.endswith(')') else ''}"
    assert f"changed after approval: account: {before} -> {after}" in reconciler("review").out
    move_to(shop, "17841405822304914")
    assert [reconciler(*args).code for args in (["review"], ["approve", "--all", "--yes"], ["apply", *YES])] == [0] * 3
    move_to(shop, "999")
    assert "(account: janespottery -> 999)" in reconciler("plan").out
    assert "account: janespottery -> 999)\n" in reconciler("drift").out
    assert f"account: {before} -> {after}\n" in reconciler("review").out
    assert f"(account: {before} -> {after}, nobody has approved it as it is now)" in reconciler("plan").out
    assert f"account: {before} -> {after}, nobody" in reconciler("drift").out


def test_a_post_that_is_cancelled_is_named_with_its_account(shop: Project, reconciler: Command) -> None:
    """In plan, drift, review, a saved plan and the ledger; if the account has no name, by its id."""
    assert reconciler("apply", *YES).code == 0
    shop.edit("sites/pottery.yaml", "approval: none", "paused: cancel")
    planned, saved = reconciler("plan", "--out", "cancel.plan").out, reconciler("show", "cancel.plan").out
    done = reconciler("apply", "--auto-approve").out
    for name in NAMES:
        assert f"scheduled for Wed 2026-11-04 08:00 UTC on {name}; publishing is paused" in planned
        assert f"scheduled for Wed 2026-11-04 08:00 UTC on {name}; publishing is paused" in saved
        assert f"done  was scheduled for Wed 2026-11-04 08:00 UTC on {name}\n" in done
    assert not [label for label in LABELS if label in planned + saved + done]


def test_a_post_that_still_goes_out_is_named_with_its_account_before_the_first_cancel(
    shop: Project, reconciler: Command
) -> None:
    assert reconciler("apply", *YES).code == 0
    shop.edit("sites/pottery.yaml", "approval: none", "paused: cancel")
    said = reconciler("review").out
    assert [name for name in NAMES if f"Wed 2026-11-04 08:00 UTC on {name}\n" in said] == [*NAMES]


def test_an_approved_post_is_named_as_its_file_names_it(shop: Project, reconciler: Command) -> None:
    shop.edit("sites/pottery.yaml", "approval: none", "approval: required")
    shop.write({"sandbox.yaml": f"faults: [{{route: GET /accounts, do: {{kind: forbidden}}}}]\n{WORLD}{PLAN}"})
    assert reconciler("apply", *YES).code == 0
    assert reconciler("review").code == 0
    before = asked(shop)
    assert reconciler("approve", "--all", "--yes").code == 0
    planned = reconciler("plan")
    assert (sum(f"on {id}" in planned.out for id in IDS), asked(shop)) == (2, before)


def test_a_name_is_defused_like_all_text_of_the_site(shop: Project, reconciler: Command) -> None:
    shop.edit("sandbox.yaml", "Pottery (Berlin)", '"\\e[31m::error::\\u202e@all\\n(x) "')
    planned = reconciler("plan", "--output", "text", "--output", "markdown=plan.md")
    assert planned.code == 0
    assert "::error::" in planned.out
    assert not set("\x1b\u202e") & set(planned.out + (shop.root / "plan.md").read_text("utf-8"))
    assert not any(line.startswith("::error") for line in planned.out.splitlines())
    assert reconciler("apply", *YES).code == 0


@pytest.mark.parametrize("fault", UNREADABLE)
def test_names_that_cannot_be_read_change_nothing_else(fault: str, shop: Project, reconciler: Command) -> None:
    shop.write({"sandbox.yaml": f"faults: [{{route: GET /accounts, do: {UNREADABLE[fault]}}}]\n{WORLD}{PLAN}"})
    planned = reconciler("plan")
    assert (planned.code, planned.err) == (0, "")
    assert [id for id in IDS if f"on {id}, without approval" in planned.out] == [*IDS]
    assert asked(shop) == 1
    assert reconciler("apply", *YES).code == 0
    assert scheduled(shop) == 2


@pytest.mark.parametrize(("form", "named"), [("first", NAMES[:1]), ("refuse", ())])
def test_some_names_are_enough(form: str, named: tuple[str, ...], shop: Project, reconciler: Command) -> None:
    """How one request asks about several channels is not documented."""
    shop.write({"sandbox.yaml": f"unknowns: {{repeatedChannelName: {form}}}\n{WORLD}{PLAN}"})
    planned = reconciler("plan")
    assert planned.code == 0
    assert tuple(name for name in NAMES if f"on {name}," in planned.out) == named
    assert sum(f"on {id}," in planned.out for id in IDS) == 2 - len(named)


@pytest.mark.parametrize("known", [True, False])
def test_a_saved_plan_holds_whatever_an_account_is_called_now(known: bool, shop: Project, reconciler: Command) -> None:
    """The id is the account: a new name, and one that could not be read before, are no changes."""
    if not known:
        shop.write(
            {"sandbox.yaml": f"faults: [{{route: GET /accounts, times: 1, do: {{kind: forbidden}}}}]\n{WORLD}{PLAN}"}
        )
    assert reconciler("plan", "--out", "due.plan").code == 0
    assert [label for label in LABELS if label in (shop.root / "due.plan").read_text()] == [*(LABELS if known else ())]
    rename(shop)
    done = reconciler("apply", "due.plan", *YES)
    assert (done.code, done.last) == (0, "Apply: 0 added, 0 changed, 0 destroyed, 2 published.")
    assert scheduled(shop) == 2


def test_posts_that_are_known_only_after_the_generation_are_named_too(shop: Project, reconciler: Command) -> None:
    shop.write({"sandbox.yaml": WORLD})
    assert "plus up to" in reconciler("plan").last
    assert asked(shop) == 0
    done = reconciler("apply", *YES)
    assert done.code == 0
    assert [name for name in NAMES if f"on {name}" in done.out] == [*NAMES]
    assert asked(shop) == 1


@pytest.mark.parametrize("fault", UNREADABLE)
def test_such_posts_go_out_without_the_names_too(fault: str, shop: Project, reconciler: Command) -> None:
    shop.write({"sandbox.yaml": f"faults: [{{route: GET /accounts, do: {UNREADABLE[fault]}}}]\n{WORLD}"})
    done = reconciler("apply", *YES)
    assert done.code == 0
    assert [id for id in IDS if f"on {id}" in done.out] == [*IDS]
    assert scheduled(shop) == 2
