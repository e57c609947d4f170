"""What many sites share is shown once, although each message names something of its own site."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project

FLEET = 12
ID = "3f0c2a9e-8d0b-4b7c-9a55-0000000000"
DRAFTS = "schedule: {approval: required, rules: [{match: {within: 14d}}]}\n"
UNAPPROVED = DRAFTS.replace("required", "none")
QUIET = 'policy: {quietHours: {from: "21:00", to: "07:00"}}\n'
AT_NIGHT = DRAFTS.replace("14d}", '14d}, at: "03:00"')
DENIED = {"route": "*", "do": {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}}


def site(number: int, rest: str) -> str:
    return f"version: 1\nsite: {{name: shop-{number:02}, id: {ID}{number:02}}}\n{rest}"


def seeded(number: int) -> str:
    items = [f"{{channel: {channel}, caption: Words {number}}}" for channel in ("INSTAGRAM", "FACEBOOK")]
    activity = f"{{title: Idea of shop {number}, date: 2026-11-05T09:00:00Z, items: [{', '.join(items)}]}}"
    plan = f"{{status: ACTIVE, activities: [{activity}]}}"
    return f"  {ID}{number:02}: {{channels: [INSTAGRAM, FACEBOOK], plan: {plan}}}\n"


def fleet(root: Path, rest: str, sites: int = FLEET, *, policy: str = "", exist: bool = True) -> Project:
    numbers = range(1, sites + 1)
    made = Project(root)
    made.write({f"sites/{number:02}.yaml": site(number, rest) for number in numbers})
    world = "".join(map(seeded, numbers))
    made.write(
        {
            "reconciler.yaml": PROJECT + policy,
            "sandbox.yaml": SANDBOX + (f"sites:\n{world}" if exist else "createSites: false\n"),
        }
    )
    return made


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TYPO = "settings: {toneOfVioce: warm}\n"
OTHER_TYPO = "settings: {pointOfveiw: SECOND_PERSON}\n"


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "drift", "review", "history", "doctor"])
def test_a_typo_in_the_files_of_many_sites_is_shown_once(command: str, tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, TYPO)
    made.write({"sites/01.yaml": site(1, "\n" + TYPO), "sites/12.yaml": site(12, OTHER_TYPO)})
    ran = reconciler(command)
    assert ran.code == 1
    named = ", ".join(f"sites/{number:02}.yaml:3:12" for number in range(2, 7))
    assert ran.err.splitlines() == [
        "sites/01.yaml:4:12: settings.toneOfVioce: unknown key; did you mean toneOfVoice? "
        f"(the same in 10 more files: {named} and 5 more; `reconciler validate --sites` lists them)",
        "sites/12.yaml:3:12: settings.pointOfveiw: unknown key; did you mean pointOfView?",
        "Error: 2 problems in 12 files; nothing was done",
    ]


def test_all_files_with_a_problem_are_listed_on_request(tmp_path: Path, reconciler: Command) -> None:
    fleet(tmp_path, TYPO)
    first, last = reconciler("validate", "--sites").err.splitlines()
    named = ", ".join(f"sites/{number:02}.yaml:3:12" for number in range(2, 13))
    assert first.endswith(f" (the same in {named})")
    assert last == "Error: 1 problem in 12 files; nothing was done"


def test_programs_get_each_place_of_a_problem_and_comments_the_number(tmp_path: Path, reconciler: Command) -> None:
    fleet(tmp_path, TYPO)
    records = reconciler("validate", "--output", "json").json["problems"]
    assert [record["file"] for record in records] == [f"sites/{number:02}.yaml" for number in range(1, 13)]
    assert reconciler("validate", "--output", "github").out.count("::error title=") == 12
    first = ", ".join(f"<code>sites/{number:02}.yaml:3:12</code>" for number in range(1, 4))
    what = "settings.toneOfVioce: unknown key; did you mean toneOfVoice?"
    comment = reconciler("validate", "--output", "markdown").out
    assert [line for line in comment.splitlines() if "<li>" in line] == [
        f"<li>❌ 12 places ({first}, …): <code>{what}</code></li>"
    ]
    page = reconciler("validate", "--output", "html").out
    assert page.count("unknown key") == 1
    assert "the same in 11 more files: sites/02.yaml:3:12, " in page


def test_a_typo_in_many_documents_of_one_file_is_shown_once(tmp_path: Path, reconciler: Command) -> None:
    Project(tmp_path).write(
        {
            "reconciler.yaml": PROJECT,
            "sandbox.yaml": SANDBOX,
            "sites/all.yaml": "---\n".join(site(number, TYPO) for number in range(1, 10)),
        }
    )
    first, last = reconciler("validate").err.splitlines()
    named = ", ".join(f"sites/all.yaml:{line}:12" for line in range(7, 24, 4))
    assert "(the same in 8 more places: " + named + " and 3 more; " in first
    assert last == "Error: 1 problem in 1 file; nothing was done"


def test_approve_names_every_file_that_it_cannot_read(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, DRAFTS)
    bad = {number: f"version: 1\nsite: shop-{number:02}\nactivitees: []\n" for number in (2, 3)}
    made.write({f"approvals/shop-{number:02}.yaml": text for number, text in bad.items()})
    ran = reconciler("approve", "--all", "--yes")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "approvals/shop-02.yaml:3:1: activitees: unknown key; did you mean activities? "
        "(the same in approvals/shop-03.yaml:3:1)",
        "Error: 1 problem in 2 files; nothing was done",
    ]


@pytest.mark.parametrize("command", ["plan", "drift", "review", "doctor"])
def test_an_error_that_quotes_the_id_of_each_site_is_shown_once(
    command: str, tmp_path: Path, reconciler: Command
) -> None:
    fleet(tmp_path, DRAFTS, exist=False)
    ran = reconciler(command)
    assert ran.code == 1
    assert ran.out.count("does not exist") == 1, ran.out
    assert "site ID does not exist" in ran.out
    assert ID not in ran.out


def test_an_error_at_one_site_of_several_quotes_its_id(tmp_path: Path, reconciler: Command) -> None:
    fleet(tmp_path, DRAFTS, 1, exist=False)
    assert f"site {ID}01 does not exist" in reconciler("plan").out


@pytest.mark.parametrize("command", [("plan",), ("plan", "--quiet"), ("drift",), ("review",), ("apply",)])
def test_posts_that_cannot_be_checked_are_counted_after_their_cause(
    command: tuple[str, ...], tmp_path: Path, reconciler: Command
) -> None:
    made = fleet(tmp_path, UNAPPROVED)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    with made.world() as world:
        world.add_fault(DENIED)
    text = " ".join(reconciler(*command).out.split())
    said = (
        "! not looked at 24 scheduled posts on 12 sites can't be checked; the first is due "
        "Thu 2026-11-05 09:00 UTC on shop-01 (reconciler plan --sites lists them) fix: if one is unwanted: "
    )
    assert (text.count("not looked at"), text.count("if one is unwanted")) == (1, 1), text
    assert text.index("12 sites could not be read") < text.index(said)


def test_posts_that_cannot_be_checked_are_named_with_sites_and_on_few_sites(
    tmp_path: Path, reconciler: Command
) -> None:
    made = fleet(tmp_path, UNAPPROVED)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    with made.world() as world:
        world.add_fault(DENIED)
    listed = reconciler("plan", "--sites").out
    assert listed.index("12 sites could not be read") < listed.index("not looked at")
    assert all(f'"Idea of shop {number}" (Instagram)' in listed for number in range(1, FLEET + 1)), listed
    few = reconciler("plan", "--target", "shop-01", "--target", "shop-02").out
    assert few.index("not looked at") < few.index("2 sites could not be read")
    assert ('"Idea of shop 1" (Instagram)' in few, '"Idea of shop 2" (Facebook)' in few) == (True, True)


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_note_about_drafts_is_shown_once_although_their_titles_differ(
    command: str, tmp_path: Path, reconciler: Command
) -> None:
    fleet(tmp_path, AT_NIGHT, 60, policy=QUIET)
    text = " ".join(reconciler(command).out.split())
    note = "note: drafts that are waiting for review break policy.quietHours: 03:00 is between 21:00 and 07:00 (UTC)"
    assert (text.count("note: "), note in text, "Idea of shop" in text) == (1, True, False), text
    listed = reconciler(command, "--sites").out
    assert all(f'"Idea of shop {number}" (Instagram)' in listed for number in range(1, 61))


def test_notes_that_name_and_count_the_posts_of_each_site_are_shown_once(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, DRAFTS, 60)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--channel", "INSTAGRAM", "--yes").code == 0
    assert reconciler("approve", "--all", "--yes", "--target", "shop-0*").code == 0
    made.write({f"sites/{number:02}.yaml": site(number, DRAFTS.replace("14d", "1d")) for number in range(1, 61)})
    note = (
        "Same on all 60 sites (list them and their posts with --sites) note: 1 to 2 approved drafts will not go out, "
        "because no schedule rule matches (on each site; 69 in total); change `schedule.rules`, or write "
        "`pending` for them in the approvals file"
    )
    for command in ("plan", "drift"):
        text = " ".join(reconciler(command).out.split())
        assert (text.count("note: "), note in text) == (1, True), text
    made.write({f"sites/{number:02}.yaml": site(number, DRAFTS) for number in range(1, 61)})
    made.write({"reconciler.yaml": PROJECT + "policy: {maxPublish: 200}\n"})
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    made.write({"reconciler.yaml": PROJECT + "policy: {paused: hold}\n"})
    text = " ".join(reconciler("plan").out.split())
    note = (
        "note: publishing is paused, but 1 to 2 already scheduled posts will go out (on each site; 69 in total); to "
        "cancel them, write `paused: cancel` in"
    )
    assert (text.count("note: "), note in text) == (1, True), text
    listed = reconciler("plan", "--sites").out
    assert all(f'"Idea of shop {number}" (Instagram) Thu 2026-11-05 09:00 UTC' in listed for number in range(1, 61))


def test_a_note_about_the_drafts_of_few_sites_names_them(tmp_path: Path, reconciler: Command) -> None:
    fleet(tmp_path, AT_NIGHT, 2, policy=QUIET)
    text = " ".join(reconciler("plan").out.split())
    assert '"Idea of shop 2" (Facebook), "Idea of shop 2" (Instagram) are waiting for review, but break' in text


REFUSED = {
    "settings: {toneOfVoice: dry}\nmarketingPlan: {state: present}\n": (
        "regenerating would discard 1 to 2 approved drafts, but",
        "undo the change until they have gone out, allow it with",
    ),
    'activities: [{match: {title: "Idea*"}, state: absent}]\n': (
        "activities[0] (state: absent) would discard 1 to 2 approved drafts, but",
        "write pending for them in approvals/SITE.yaml, or take activities[0] out of the site file to keep them",
    ),
    'posts: [{match: {title: "*shop 1*"}, min: 2}]\n': (
        "posts[0] matches 0 to 1, but its min is 2",
        "widen its match, or lower min",
    ),
}


def test_refusals_that_differ_only_in_a_number_are_shown_once(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, "marketingPlan: {state: present}\n" + DRAFTS)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--channel", "INSTAGRAM", "--yes").code == 0
    assert reconciler("approve", "--all", "--yes", "--target", "shop-0*").code == 0
    for rest, (what, fix) in REFUSED.items():
        made.write({f"sites/{number:02}.yaml": site(number, rest + DRAFTS) for number in range(1, FLEET + 1)})
        for command in ("plan", "drift") if "min" in rest else ("plan",):
            ran = reconciler(command)
            text = " ".join(ran.out.split())
            assert ("Same on all 12 sites" in text, text.count("! refused ")) == (True, 1), ran.out
            assert (f"! refused {what}" in text, fix in text) == (True, True), ran.out
        assert f"Refused: 12 sites: {what}" in reconciler("plan").out


def test_what_only_a_person_can_change_refuses_a_fleet_in_one_message(tmp_path: Path, reconciler: Command) -> None:
    """Although some sites have one blocked draft, and others two."""
    made = fleet(tmp_path, DRAFTS, 60)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--channel", "INSTAGRAM", "--yes").code == 0
    assert reconciler("approve", "--all", "--yes", "--target", "shop-0*").code == 0
    made.write({"reconciler.yaml": PROJECT + "policy: {bannedWords: [words]}\n"})
    ran = reconciler("plan", "--strict")
    assert ran.code == 4
    assert ran.out.count("--strict refuses sites with blocked items") == 2, "above the blocks, and in the last line"
    assert "! 60 sites refused  --strict" in ran.out
    assert "Refused: 60 sites: --strict refuses sites with blocked items; resolve" in ran.out


def with_own_accounts(made: Project, sites: int) -> list[str]:
    """Gives each site accounts with names of their own, and returns these as screens show them."""
    for number in range(1, sites + 1):
        named = ", ".join(f"{channel}: [{{displayName: Shop{number:02}}}]" for channel in ("INSTAGRAM", "FACEBOOK"))
        made.edit("sandbox.yaml", f"{ID}{number:02}: {{", f"{ID}{number:02}: {{accounts: {{{named}}}, ")
    return [f"on {name}{number:02}," for number in range(1, sites + 1) for name in ("Shop", "shop")]


@pytest.mark.parametrize("sites", [4, 5, FLEET])
def test_posts_that_differ_only_in_their_accounts_are_one_block_if_sites_are_many(
    sites: int, tmp_path: Path, reconciler: Command
) -> None:
    made = fleet(tmp_path, UNAPPROVED, sites)
    for number in range(sites, 0, -1):
        made.edit("sandbox.yaml", f"Idea of shop {number}", "Idea")
    accounts = with_own_accounts(made, sites)
    together = f"posts             {2 * sites} go out without approval (approval: none), each on its own site's account"
    ran, listed = reconciler("plan"), reconciler("plan", "--sites").out
    assert (together in ran.out, together in listed) == (sites > 4, False), ran.out
    assert all(account in listed for account in accounts), listed
    assert [account in ran.out for account in accounts] == [sites == 4] * len(accounts)


def test_accounts_are_shown_if_a_post_of_one_site_has_another_title(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, UNAPPROVED, 5)
    for number in (5, 4, 3, 2):
        made.edit("sandbox.yaml", f"Idea of shop {number}", "Idea")
    accounts, planned = with_own_accounts(made, 5), reconciler("plan").out
    assert all(account in planned for account in accounts), planned


@pytest.mark.parametrize("sites", [1, 2, FLEET])
def test_withdrawn_approvals_refuse_a_saved_plan_in_one_message(
    sites: int, tmp_path: Path, reconciler: Command
) -> None:
    fleet(tmp_path, DRAFTS)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--all", "--yes").code == 0
    assert reconciler("plan", "--out", "all.plan").code == 0
    for number in range(1, sites + 1):
        (tmp_path / f"approvals/shop-{number:02}.yaml").unlink()
    ran = reconciler("apply", "all.plan", "--auto-approve", "--allow-publish")
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    if sites == 1:
        names = '"Idea of shop 1" (Facebook)', '"Idea of shop 1" (Instagram)'
        begins, stale = (
            "Refused: shop-01: the approval was withdrawn: 2 posts (",
            "the saved plan is stale; run plan again",
        )
        assert (errors, ran.last.startswith(begins), ran.last.endswith(f"); {stale}")) == ([], True, True), ran.last
        assert all(name in ran.last for name in names)
        return
    named = {2: "2 sites (shop-01, shop-02)"}.get(
        sites, "12 sites (shop-01, shop-02, shop-03, shop-04, shop-05 and 7 more; list them with --sites)"
    )
    assert errors == [
        f"error: the approval was withdrawn: {2 * sites} posts on {named}; the saved plan is stale; run plan again"
    ]
    assert ran.last == f"Refused: the saved plan is stale on {sites} sites; run plan again"
    listed = reconciler("apply", "all.plan", "--auto-approve", "--allow-publish", "--sites").err
    assert all(f'shop-{n:02}: "Idea of shop {n}" (Instagram): the approval' in listed for n in range(1, sites + 1))


def renumber(made: Project, sites: int) -> None:
    for number in range(1, sites + 1):
        made.edit(f"sites/{number:02}.yaml", "-9a55-", "-9a66-")


def test_sites_with_new_ids_are_one_warning(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, "")
    assert reconciler("apply", "--auto-approve").code == 0
    renumber(made, FLEET)
    ran = reconciler("plan")
    assert ran.err.count("undeclared") == 1, ran.err
    assert "this site has a new id in its file, but the state has the old one; restore the old id" in ran.err
    assert "reconciler state forget OLD_ID   (--sites shows the ids)" in ran.err
    strict = " ".join(reconciler("plan", "--strict").out.split())
    assert "12 sites refused this site has a new id in its file, but the state has the old one, and --strict" in strict
    assert strict.count("state forget") == 2, "once above, and in the last line"
    listed = reconciler("plan", "--sites").err
    assert all(f"reconciler state forget {ID}{number:02}" in listed for number in range(1, FLEET + 1))


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_posts_on_many_sites_with_new_ids_are_counted_after_those_that_go_out_first(
    command: str, tmp_path: Path, reconciler: Command
) -> None:
    made = fleet(tmp_path, UNAPPROVED)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    renumber(made, FLEET)
    lines = reconciler(command).err.splitlines()
    assert len(lines) == 12, lines
    assert "and posts are scheduled there; restore the old id" in lines[0]
    assert lines[1].startswith('warning: shop-01: "Idea of shop 1" ')
    assert lines[-1] == "warning: 14 more posts are still scheduled to go out on 7 sites (list them with --sites)"
    listed = reconciler(command, "--sites").err
    assert all(f'"Idea of shop {number}" (Facebook) is still' in listed for number in range(1, FLEET + 1))


def test_few_sites_with_new_ids_have_commands_with_their_ids(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, UNAPPROVED, 2)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    renumber(made, 2)
    said = reconciler("plan").err
    for number in ("01", "02"):
        old = f"{ID}{number}"
        assert f"reconciler state mv {old} {old.replace('-9a55-', '-9a66-')}; or, once" in said
        assert f"reconciler state forget {old}" in said
    assert "OLD_ID" not in said
    assert reconciler("apply", "--auto-approve", "--no-publish").code == 0
    said = reconciler("plan").err
    assert ("state mv" in said, "no file declares it, and 2 posts are scheduled there; declare it" in said) == (
        False,
        True,
    ), "both ids are in the state now"
    assert f"reconciler state forget {ID}01" in said


def rename(made: Project, sites: int) -> None:
    for number in range(1, sites + 1):
        made.edit(f"sites/{number:02}.yaml", "name: shop-", "name: store-")


def test_renamed_sites_are_one_note_or_a_warning_if_notes_are_not_shown(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, DRAFTS, 45)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    rename(made, 45)
    ran = reconciler("plan")
    text = " ".join(ran.out.split())
    move = "git mv approvals/OLD.yaml approvals/NEW.yaml"
    note = (
        "note: this site had another name at its last apply; the approvals file of that name has the decisions about "
        f"its posts; run: {move}"
    )
    assert (text.count("note: "), note in text) == (1, True), text
    assert ran.err == ""
    for without_notes in ("--quiet", "--summary"):
        ran = reconciler("plan", without_notes)
        assert ("note: " in ran.out, ran.err.count("warning: "), move in ran.err) == (False, 1, True), ran.err
        assert "shop-06.yaml and 39 more; `reconciler validate --sites` lists them)" in ran.err
    listed = " ".join(reconciler("plan", "--sites").out.split())
    moves = (f"approvals/shop-{n:02}.yaml approvals/store-{n:02}.yaml" for n in range(1, 46))
    assert all(f"git mv {each}" in listed for each in moves)
    assert " ".join(reconciler("review").out.split()).count("; then review again") == 1


def test_few_renamed_sites_have_commands_of_their_own(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, DRAFTS, 2)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    rename(made, 2)
    ran = reconciler("plan")
    assert ("OLD.yaml" in ran.out, ran.err) == (False, "")
    assert reconciler("plan", "--quiet").err.count("warning: ") == 2
    assert "approvals/shop-02.yaml approvals/store-02.yaml" in ran.out


def test_renamed_sites_whose_posts_are_waiting_are_one_failure(tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, DRAFTS)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--all", "--yes").code == 0
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    rename(made, FLEET)
    text = " ".join(reconciler("plan").out.split())
    said = "12 sites could not be read it is not known whether scheduled posts are still approved"
    assert (text.count("! 12 sites could not be read"), said in text, text.count("git mv")) == (1, True, 1), text
    assert (
        "24 scheduled posts on 12 sites can't be checked; the first is due Thu 2026-11-05 09:00 UTC on store-" in text
    )
    assert "not looked at" not in text


@pytest.mark.parametrize("sites", [1, 2])
def test_few_renamed_sites_whose_posts_are_waiting_are_one_message_each(
    sites: int, tmp_path: Path, reconciler: Command
) -> None:
    made = fleet(tmp_path, DRAFTS, sites)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--all", "--yes").code == 0
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    rename(made, sites)
    for args in (("plan",), ("plan", "--quiet"), ("plan", "--summary"), ("drift",), ("apply", "--auto-approve")):
        ran = reconciler(*args)
        text = " ".join(ran.out.split())
        assert (ran.code, ran.err) == (1, ""), args
        assert (text.count("git mv"), text.count("could not be read approvals/shop-")) == (sites, sites), text
        assert "2 scheduled posts can't be checked: " in text
        assert ("not looked at" in text, "if one is unwanted" in text) == (False, False), text
    ran = reconciler("review")
    text = " ".join(ran.out.split())
    assert (ran.code, ran.err, text.count("git mv"), "still going out" in text) == (0, "", sites, False), text
    assert "git mv approvals/shop-01.yaml" in reconciler("plan", "--output", "json").err, "no text says it"


@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
@pytest.mark.parametrize("detail", [(), ("--quiet",), ("--summary",), ("--sites",)])
def test_posts_on_sites_whose_files_are_gone_are_in_what_is_piped(
    command: str, detail: tuple[str, ...], tmp_path: Path, reconciler: Command
) -> None:
    """They change nothing, so the last line is `No changes.`, and nobody may see stderr."""
    made = fleet(tmp_path, UNAPPROVED)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    for number in range(2, FLEET + 1):
        (made.root / f"sites/{number:02}.yaml").unlink()
    ran = reconciler(command, *detail)
    assert (ran.code, ran.last) == (0, "No drift." if command == "drift" else "No changes.")
    names = "shop-02, shop-03, shop-04 and 8 more"
    if detail == ("--sites",):
        names = ", ".join(f"shop-{number:02}" for number in range(2, FLEET + 1))
    posts = "22 posts are still scheduled on 11 undeclared sites (in the state, but in no file)"
    assert f"! {posts}: {names}\n\n" in ran.out


@pytest.mark.parametrize("sites", [6, FLEET])
def test_why_posts_of_many_sites_reach_nobody_is_said_once(sites: int, tmp_path: Path, reconciler: Command) -> None:
    """Before they fail and afterwards, with what to do. The posts are named on up to ten sites."""
    made = fleet(tmp_path, UNAPPROVED, sites)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0

    def once(cause: str, fix: str, *commands: str) -> None:
        for command in commands:
            said = reconciler(command)
            assert (said.out.count(cause), said.out.count(fix)) == (1, 1), said.out
            names = [
                f'shop-{n:02}: "Idea of shop {n}" (Facebook) Thu 2026-11-05 09:00 UTC' for n in range(1, sites + 1)
            ]
            found = [name in without_order(said.out) for name in names]
            assert found == [sites == 6] * sites, said.out
            assert f"{sites} posts" in said.out
            risks = reconciler(command, "--output", "markdown").out.partition("<details>")[0]
            assert (risks.count(cause), f" and {sites - 5} more: " in risks) == (1, True), risks

    with made.world() as world:
        for number in range(1, sites + 1):
            world.dashboard.disconnect(f"{ID}{number:02}", "FACEBOOK")
    once("will fail: Facebook is not connected", "fix: connect Facebook", "plan", "drift")
    with made.world() as world:
        world.advance(timedelta(days=4))
    once("failed to go out: channel FACEBOOK is not connected", "fix: publish it by hand", "plan", "drift", "review")


@pytest.mark.parametrize("sites", [6, FLEET])
def test_a_new_time_in_the_rules_of_many_sites_is_one_finding(sites: int, tmp_path: Path, reconciler: Command) -> None:
    made = fleet(tmp_path, UNAPPROVED, sites)
    assert reconciler("apply", "--auto-approve", "--allow-publish").code == 0
    for number in range(1, sites + 1):
        made.edit(f"sites/{number:02}.yaml", "14d}", '14d}, at: "14:00"')
    said, listed = reconciler("drift").out, reconciler("drift", "--sites").out
    moved = "scheduled for a different time than the rule says"
    assert (said.count(moved), listed.count("the rule says Thu 2026-11-05 14:00 UTC")) == (1, sites), said
    times = "Thu 2026-11-05 09:00 -> Thu 2026-11-05 14:00 UTC"
    assert said.count(times) == (6 if sites == 6 else 0), said
    risks = reconciler("drift", "--output", "markdown").out.partition("<details>")[0]
    assert (risks.count(moved), f" and {2 * sites - 5} more: changed in git: {moved}" in risks) == (1, True), risks


def without_order(said: str) -> str:
    """What is said, with the name of a post before its time."""
    return re.sub(r': (\w{3} [\d-]+ [\d:]+ UTC) ("[^"]*" \(\w+\))', r": \2 \1", said)
