"""`import`: site files from live sites, after which a plan is empty."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.text import normal_text
from tests.cli.projects import Command, Project
from tests.hostile import CAPTIONS

ACCOUNT = "1f0c2a9e-0000-4000-8000-000000000000"
PROJECT = f"version: 1\napi: sandbox\naccount: {{id: {ACCOUNT}}}\n"
CLOCK = "2026-11-02T09:00:00Z"

EVERY_FIELD = {
    "marketingPlanGoal": {"customGoal": "fill the evening courses"},
    "marketingTools": ["SOCIAL_MARKETING", "BLOGS"],
    "topics": {"included": ["handmade ceramics", "a, b"], "excluded": ["politics"], "coreTopic": "clay"},
    "businessProfile": {"valueProposition": "stoneware", "targetAudience": "cooks", "businessGoal": "grow: fast"},
    "toneOfVoice": "warm & playful: yes",
    "pointOfView": "SECOND_PERSON",
    "customContentGuidelines": "one\ntwo\n\nthree",
    "imageGuidelines": "2026-11-27",
    "socialChannels": ["INSTAGRAM"],
    "frequency": {"interval": "WEEK", "count": 3},
}


def id_of(number: int) -> str:
    return f"3f0c2a9e-8d0b-4b7c-9a55-{number:012d}"


def world(*sites: dict[str, Any], **more: Any) -> str:
    seed = {"clock": CLOCK, "freeze": True, "accountId": ACCOUNT, "sites": list(sites), **more}
    return yaml.safe_dump(seed, allow_unicode=True, sort_keys=False)


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A project without sites; its account has a site of every kind."""
    made = Project(tmp_path)
    scheduled = {"channel": "INSTAGRAM", "status": "SCHEDULED", "scheduledDate": "2026-12-03T09:00:00Z"}
    made.write(
        {
            "reconciler.yaml": PROJECT,
            "sandbox.yaml": world(
                {"id": id_of(1), "name": "Never Planned"},
                {"id": id_of(2), "name": "Jane's Pottery", "settings": EVERY_FIELD, "plan": "ACTIVE",
                 "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}},
                 "events": [{"name": "Sale", "date": "2026-11-27T00:00:00Z", "description": "30% off"},
                            {"name": "Sale", "date": "2026-12-24T00:00:00Z"},
                            {"name": "Doors", "date": "2026-11-28T08:30:15.250Z"},
                            {"name": "Open day", "recurringRule": {"frequency": "MONTHLY"}},
                            {"name": "Long gone", "date": "2026-03-01T00:00:00Z"}]},
                {"id": id_of(3), "name": "jane's pottery", "plan": "INACTIVE", "published": False, "channels": []},
                {"id": id_of(4), "name": "日本の陶器", "events": [{"name": "own", "date": "2026-11-27T00:00:00Z"}],
                 "foreignEvents": [{"name": "theirs", "date": "2026-11-28T00:00:00Z"}]},
                {"id": id_of(5), "name": "Waiting", "timeZone": "Europe/Berlin", "namespace": "HEADLESS", "plan": {
                    "activities": [{"date": "2026-12-03T09:00:00Z", "title": CAPTIONS["workflow"], "items": [
                        {**scheduled, "caption": CAPTIONS["yaml"]}, {"channel": "FACEBOOK"}]}]}},
                {"id": id_of(6), "name": CAPTIONS["escapes"], "settings": {
                    "toneOfVoice": CAPTIONS["bidi"], "imageGuidelines": CAPTIONS["tags"],
                    "customContentGuidelines": CAPTIONS["lines"],
                    "topics": {"included": [CAPTIONS["html"], CAPTIONS["yaml"]], "excluded": [CAPTIONS["emoji"]]}}},
            ),
        }
    )  # fmt: skip
    return made


def documents(project: Project) -> dict[str, Any]:
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((project.root / "sites").iterdir())}


CREDENTIALS = "credentials: {default: {apiKey: {env: KEY}}, agency: {apiKey: {env: KEY}}}\n"


@pytest.mark.parametrize(
    ("project", "options", "written"),
    [
        (CREDENTIALS, [], None),
        (CREDENTIALS, ["--credentials", "agency"], "agency"),
        (CREDENTIALS + "defaults: [{site: {credentials: agency}}]\n", [], None),
        (CREDENTIALS + "defaults: [{site: {credentials: agency}}]\n", ["--credentials", "agency"], None),
        (CREDENTIALS + "defaults: [{site: {credentials: agency}}]\n", ["--credentials", "default"], "default"),
        (CREDENTIALS + "defaults: [{where: {labels: {a: b}}, site: {credentials: agency}}]\n", [], None),
        ("credentials: {agency: {apiKey: {env: KEY}}}\n", [], "agency"),
    ],
)
def test_a_new_file_ends_up_with_the_credentials_that_its_site_was_read_with(
    project: str, options: list[str], written: str | None, fresh: Project, reconciler: Command
) -> None:
    account = f"account: {{id: {ACCOUNT}, credentials: {'default' if 'default' in project else 'agency'}}}\n"
    fresh.write({"reconciler.yaml": f"version: 1\napi: sandbox\n{account}{project}"})
    ran = reconciler("import", "--all", "--into", str(fresh.root), *options)
    assert ran.code == 0, ran.err
    assert {found["site"].get("credentials") for found in documents(fresh).values()} == {written}


def test_a_site_file_is_updated_with_its_own_credentials(fresh: Project, reconciler: Command) -> None:
    assert reconciler("import", id_of(2), "--into", str(fresh.root)).code == 0
    ran = reconciler("import", "--update", str(fresh.root / "sites" / "janes-pottery.yaml"), "--credentials", "default")
    assert ran.code == 1
    assert ran.err.endswith("--credentials and --update cannot be combined; a site file names its own credentials\n")


def test_sites_of_every_kind_are_taken_in_and_nothing_is_left_to_change(fresh: Project, reconciler: Command) -> None:
    ran = reconciler("import", "--all", "--into", fresh.root, "--output", f"json={fresh.root / 'import.json'}")
    assert (ran.code, ran.last) == (0, "Import: 6 created; the plan is empty.")
    where = f"{fresh.root}   (run this first to record 6 sites; approvals count only after that)"
    assert f"Next: reconciler apply {where}" in ran.out
    found = documents(fresh)
    assert set(found) == {
        "never-planned", "janes-pottery", "janes-pottery-2", "site-3f0c2a9e", "waiting",
        next(name for name in found if "gone" in name),
    }  # fmt: skip
    assert set(found["never-planned"]) == {"version", "site"}, "defaults are left out"
    pottery = found["janes-pottery"]
    assert pottery["settings"] == {**EVERY_FIELD, "imageGuidelines": pottery["settings"]["imageGuidelines"]}
    names = [event["name"] for event in pottery["calendarEvents"]["events"]]
    assert names == ["Sale", "Doors", "Open day"], "one of two namesakes; nothing that has passed"
    assert 'left out event "Sale"' in ran.out
    assert pottery["marketingPlan"] == {"state": "present"}
    assert "marketingPlan" not in found["janes-pottery-2"], "only an ACTIVE plan is declared"
    assert "calendarEvents" not in found["site-3f0c2a9e"], "whose event it is cannot be read"
    assert "#     - {name: own, date: 2026-11-27}" in (fresh.root / "sites/site-3f0c2a9e.yaml").read_text("utf-8")

    waiting = yaml.safe_load((fresh.root / "approvals/waiting.yaml").read_text("utf-8"))
    ((draft,),) = (activity["drafts"] for activity in waiting["activities"])
    assert draft["decision"].startswith("approve sha256:")
    assert draft["goesOut"] == "Thu 2026-12-03 10:00 Europe/Berlin"
    assert normal_text(draft["caption"]) == normal_text(CAPTIONS["yaml"])
    assert "1 scheduled post recorded as approved" in ran.out

    assert reconciler("validate", fresh.root, "--strict").code == 0
    assert reconciler("plan", fresh.root, "--detailed-exitcode").last == "No changes."
    assert reconciler("apply", fresh.root, "--auto-approve").last == "No changes."
    assert reconciler("review", fresh.root).code == 0
    assert reconciler("plan", fresh.root, "--detailed-exitcode").last == "No changes.", "the approval still counts"

    before = {path: path.read_bytes() for path in fresh.root.rglob("*.yaml")}
    again = reconciler("import", "--all", "--into", fresh.root, "--output", "json")
    assert (again.code, again.json["summary"]["declared"]) == (0, 6)
    assert {site["written"] for site in again.json["sites"]} == {"already-declared"}
    assert {path: path.read_bytes() for path in fresh.root.rglob("*.yaml")} == before


def test_a_withdrawn_post_of_an_import_is_cancelled(fresh: Project, reconciler: Command) -> None:
    """A post that was imported belongs to this project from the first apply on."""
    reconciler("import", "--all", "--name", "wait*", "--into", fresh.root)
    reconciler("apply", fresh.root, "--auto-approve")
    fresh.edit("approvals/waiting.yaml", "decision: approve sha256", "decision: pending sha256")
    assert reconciler("plan", fresh.root).last == "Plan: 0 to add, 0 to change, 0 to destroy, 1 to cancel."


def test_posts_that_were_scheduled_before_an_import_are_named_once_their_site_is_undeclared(
    fresh: Project, reconciler: Command
) -> None:
    assert reconciler("import", id_of(1), id_of(5), "--into", fresh.root).code == 0
    assert reconciler("apply", fresh.root, "--auto-approve").last == "No changes."
    shown = reconciler("state", "show", "waiting", fresh.root).out
    assert "(Instagram): scheduled for Thu 2026-12-03 10:00 Europe/Berlin" in shown
    assert "sha256" not in shown
    assert reconciler("plan", fresh.root).last == "No changes."
    (fresh.root / "sites/waiting.yaml").unlink()
    (fresh.root / "approvals/waiting.yaml").unlink()
    named = "is still scheduled to go out on Thu 2026-12-03 10:00 Europe/Berlin"
    for command in ("plan", "drift"):
        ran = reconciler(command, fresh.root)
        assert "no file declares it, and 1 post is scheduled there" in ran.err
        assert named in ran.err
        assert "\n! 1 post is still scheduled on 1 undeclared site (in the state, but in no file): waiting\n" in ran.out
        assert ran.last == ("No changes." if command == "plan" else "No drift.")
    assert named in reconciler("state", "forget", "waiting", "--force", fresh.root).err


def test_decisions_that_exist_already_are_not_replaced_by_an_import(fresh: Project, reconciler: Command) -> None:
    site, approvals = fresh.root / "sites/waiting.yaml", fresh.root / "approvals/waiting.yaml"
    assert reconciler("import", id_of(5), "--into", fresh.root).code == 0
    site.unlink()
    assert reconciler("import", id_of(5), "--into", fresh.root).code == 0, "the file says the same"
    site.unlink()
    withdrawn = approvals.read_text("utf-8").replace("decision: approve", "decision: pending")
    approvals.write_text(withdrawn, "utf-8")
    ran = reconciler("import", id_of(5), "--into", fresh.root)
    assert (ran.code, ran.last) == (1, "Import: 0 created; 1 failed.")
    assert (
        "approvals/waiting.yaml: the file already exists, and its decisions differ from those that this import"
        in ran.out
    )
    assert approvals.read_text("utf-8") == withdrawn
    assert not site.exists()


def test_a_file_of_another_site_in_the_way_stops_only_its_own_site(fresh: Project, reconciler: Command) -> None:
    fresh.write({"sites/waiting.yaml": f"version: 1\nsite: {{name: other, id: {id_of(1)}}}\n"})
    ran = reconciler("import", "--all", "--into", fresh.root)
    assert (ran.code, ran.last) == (1, "Import: 4 created, 1 already declared; 1 failed.")
    assert "sites/waiting.yaml: the file exists and declares another site\n    fix: move it, and run again" in ran.out


def test_a_name_of_digits_stays_a_name(fresh: Project, reconciler: Command) -> None:
    """YAML reads `1` as a number and `null` as nothing, in an approvals file too."""
    fresh.edit("sandbox.yaml", "name: Waiting", "name: '1'")
    fresh.edit("sandbox.yaml", "name: Never Planned", "name: 'Null'")
    assert reconciler("import", "--all", "--into", fresh.root).last == "Import: 6 created; the plan is empty."
    assert (fresh.root / "approvals/site-1.yaml").is_file()
    assert '\n  name: "null"\n' in (fresh.root / "sites/null.yaml").read_text("utf-8")
    assert reconciler("plan", fresh.root, "--detailed-exitcode").last == "No changes."


def test_an_import_continues_where_it_was_cut_short(fresh: Project, reconciler: Command) -> None:
    """One site cannot be read: the others have files, and the next run asks only for that one."""
    fresh.edit(
        "sandbox.yaml",
        "sites:",
        "faults: [{route: GET /marketing-settings, times: 1, do: {kind: error, status: 403, body: json}}]\nsites:",
    )
    first = reconciler("import", "--all", "--into", fresh.root, "--parallelism", "1")
    assert first.code == 1
    assert first.last == "Import: 5 created; 1 failed."
    assert "Manage Marketing Plans" in first.out
    assert "\n\n\n" not in first.out, "a line among those of other sites"
    asked = len(fresh.requests())
    second = reconciler("import", "--all", "--into", fresh.root)
    assert second.last == "Import: 1 created, 5 already declared; the plan is empty."
    assert len(fresh.requests()) - asked <= 5


NO_NAMES = "faults: [{route: GET /properties, site: ID, times: 1, do: {kind: error, status: 403, body: json}}]\nsites:"


def test_a_site_whose_name_cannot_be_read_gets_no_file(fresh: Project, reconciler: Command) -> None:
    """A file keeps the name it got, and `site-3f0c2a9e` is nobody's name."""
    fresh.edit("sandbox.yaml", "sites:", NO_NAMES.replace("ID", id_of(1)))
    both = ("import", id_of(1), id_of(2), "--into", fresh.root, "--output", "json")
    first = reconciler(*both)
    assert (first.code, set(documents(fresh))) == (1, {"janes-pottery"})
    failed, imported = first.json["sites"]
    assert (failed["site"], imported["site"]) == ("site-3f0c2a9e", "janes-pottery")
    assert failed["error"]["code"] == "api-forbidden"
    asked = len(fresh.requests())
    again = reconciler(*both)
    assert (again.code, set(documents(fresh))) == (0, {"janes-pottery", "never-planned"})
    assert [request["path"] for request in fresh.requests()[asked:]].count("/site-properties/v4/properties") == 1


def test_values_of_the_projects_defaults_are_not_repeated(fresh: Project, reconciler: Command) -> None:
    """What the defaults say is left out; what a site does not have is cleared, so nothing changes."""
    fresh.write(
        {
            "reconciler.yaml": PROJECT
            + "defaults:\n  - settings: {toneOfVoice: 'warm & playful: yes', pointOfView: FIRST_PERSON}\n"
            + "    calendarEvents: {events: [{name: Everywhere, date: 2026-12-01}]}\n"
        }
    )
    ran = reconciler("import", "--all", "--into", fresh.root)
    assert ran.last == "Import: 6 created; the plan is empty."
    found = documents(fresh)
    assert "toneOfVoice" not in found["janes-pottery"]["settings"]
    assert found["janes-pottery"]["settings"]["pointOfView"] == "SECOND_PERSON"
    assert found["never-planned"]["settings"] == {"toneOfVoice": None, "pointOfView": None}
    assert found["never-planned"]["calendarEvents"] == {"events": []}
    assert reconciler("plan", fresh.root).last == "No changes."


def test_what_cannot_be_imported_is_reported(fresh: Project, reconciler: Command) -> None:
    into = ("--into", fresh.root)
    for arguments, words in (
        ((), "name the sites to import: give their ids, --all, or --update FILE"),
        (("--all", id_of(1)), "give one of them"),
        (("--defaults", "--update", fresh.root), "leave one of them out"),
        (("shop",), "is not a site's id"),
        (("--all", "--name", "nobody"), "none of the account's 6 sites"),
        ((id_of(1), "--name", "x"), "add --all"),
    ):
        ran = reconciler("import", *arguments, *into)
        assert (ran.code, words in ran.out + ran.err) == (1, True), ran
    fresh.write({"reconciler.yaml": "version: 1\napi: sandbox\n"})
    assert "account: {id: ...}" in reconciler("import", "--all", *into).err
    by_id = reconciler("import", id_of(2).upper(), *into)
    assert by_id.last == "Import: 1 created; the plan is empty."
    assert set(documents(fresh)) == {"janes-pottery"}, "its own name, without an account"
    fresh.write({"reconciler.yaml": "version: 1\napi: sandbox\nsites: [shops/*/x.yaml]\n"})
    assert "no pattern in `sites`" in reconciler("import", id_of(1), *into).err


def test_500_sites_are_imported_with_three_requests_each(tmp_path: Path, reconciler: Command) -> None:
    project = Project(tmp_path)
    sites = [
        {"id": id_of(number), "name": f"Shop {number}", "settings": {"toneOfVoice": "warm"}} for number in range(500)
    ]
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world(*sites)})
    assert reconciler("import", "--all", "--into", tmp_path).last == "Import: 500 created; the plan is empty."
    counted = Counter(request["path"].rpartition("/")[2] for request in project.requests())
    pages = 9  # the first has 100 sites, and those behind a cursor as many as the API gives
    assert counted == {"query": 500 + pages, "marketing-settings": 500, "marketing-plan": 500}


UPDATED = """\
# ours
version: 1
site: {name: pottery, id: ID}     # who
settings:
  # how it sounds
  toneOfVoice: 'cold'   # for now
  topics:
    included:
      - handmade ceramics   # the heart of it
      - bicycles            # gone
    excluded: [politics, tax]
  pointOfView: FIRST_PERSON
  businessProfile: {valueProposition: china, targetAudience: cooks}
  marketingPlanGoal:
    goalKey: BOOST_SALES
overrides: {blogs: {frequency: {interval: WEEK, count: 1}}}
calendarEvents:
  events:
    - {name: Sale, date: 2026-11-26}     # black
    # the open doors
    - name: Doors
      date: 2026-11-28T08:00:00Z
      description: at last
    - name: Open day
      date: 2026-12-01
    - {name: Never was, date: 2026-12-05}
marketingPlan: {state: present}
posts:
  - match: {within: 30d}
    state: absent
"""


def test_a_file_is_brought_up_to_date_and_keeps_its_comments(fresh: Project, reconciler: Command) -> None:
    fresh.write({"sites/pottery.yaml": UPDATED.replace("ID", id_of(2))})
    file = fresh.root / "sites/pottery.yaml"
    ran = reconciler("import", "--update", file)
    assert (ran.code, ran.last) == (0, "Import: 1 updated; 1 plan not empty.")
    assert "a plan would still make " in ran.out
    assert file.read_text("utf-8") == (
        UPDATED.replace("ID", id_of(2))
        .replace("'cold'", "'warm & playful: yes'")
        .replace("      - bicycles            # gone\n", '      - "a, b"\n')
        .replace("[politics, tax]", "[politics]")
        .replace("FIRST_PERSON", "SECOND_PERSON")
        .replace("{valueProposition: china,", "{valueProposition: stoneware,")
        .replace(
            "marketingPlanGoal:\n    goalKey: BOOST_SALES", "marketingPlanGoal: {customGoal: fill the evening courses}"
        )
        .replace("{frequency: {interval: WEEK, count: 1}}", "{frequency: null}")
        .replace("2026-11-26", "2026-11-27")
        .replace(
            "2026-11-28T08:00:00Z\n      description: at last", "2026-11-28T08:30:15.250Z\n      description: null"
        )
        .replace("date: 2026-12-01", "recurringRule: {frequency: MONTHLY}")
        .replace("    - {name: Never was, date: 2026-12-05}\n", "")
    )
    fresh.edit("sites/pottery.yaml", "posts:\n  - match: {within: 30d}\n    state: absent\n", "")
    again = reconciler("import", "--update", file)
    assert (again.code, again.last) == (0, "Import: 1 up to date; the plan is empty.")
    assert reconciler("import", "--update", file, "--quiet").out == f"{again.last}\n"


def test_what_all_sites_share_moves_into_defaults(tmp_path: Path, reconciler: Command) -> None:
    project = Project(tmp_path)
    shared = {"toneOfVoice": "warm", "topics": {"included": ["tea"], "excluded": ["tax"]}}
    sites = [
        {"id": id_of(at), "name": f"Shop {at}", "settings": {**shared, "imageGuidelines": f"no {at}"}}
        for at in range(3)
    ]
    project.write({"reconciler.yaml": f"# the project\n{PROJECT}", "sandbox.yaml": world(*sites)})
    ran = reconciler("import", "--all", "--defaults", "--into", tmp_path)
    assert ran.last == "Import: 3 created; the plan is empty."
    assert "moved settings that all 3 sites share into defaults in " in ran.err
    assert "reconciler.yaml: settings.toneOfVoice, settings.topics.excluded, settings.topics.included" in ran.err
    text = (tmp_path / "reconciler.yaml").read_text("utf-8")
    assert text.startswith("# the project\n")
    assert yaml.safe_load(text)["defaults"] == [{"settings": shared}]
    assert [found["settings"] for found in documents(project).values()] == [
        {"imageGuidelines": f"no {at}"} for at in range(3)
    ]
    assert reconciler("plan", tmp_path, "--detailed-exitcode").last == "No changes."
    (tmp_path / "sites/shop-2.yaml").unlink()
    ran = reconciler("import", "--all", "--defaults", "--into", tmp_path)
    assert ran.last.startswith("Import: 1 created")
    assert "defaults already has every setting that all 3 sites share, so nothing was moved into defaults" in ran.err
    assert reconciler("plan", tmp_path, "--detailed-exitcode").last == "No changes."


def test_two_sites_are_both(tmp_path: Path, reconciler: Command) -> None:
    sites = [{"id": id_of(at), "name": f"Shop {at}", "settings": {"toneOfVoice": "warm"}} for at in range(2)]
    Project(tmp_path).write({"reconciler.yaml": PROJECT, "sandbox.yaml": world(*sites)})
    ran = reconciler("import", "--all", "--defaults", "--into", tmp_path)
    assert "moved settings that both sites share into defaults in " in ran.err
    assert "own" not in ran.err


def test_files_that_existed_before_are_said_to_keep_what_moved_into_defaults(
    tmp_path: Path, reconciler: Command
) -> None:
    """What they say themselves wins, so changing the default changes nothing there."""
    sites = [{"id": id_of(at), "name": f"Shop {at}", "settings": {"toneOfVoice": "warm"}} for at in range(3)]
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world(*sites)})
    assert reconciler("import", id_of(0), id_of(1), "--into", tmp_path).code == 0
    ran = reconciler("import", "--all", "--defaults", "--into", tmp_path)
    assert "settings.toneOfVoice; 2 sites that already had a file keep their own values, which win" in ran.err
    assert [found.get("settings") for found in documents(project).values()] == [{"toneOfVoice": "warm"}] * 2 + [None]


def test_one_site_alone_shares_nothing_and_is_not_counted(tmp_path: Path, reconciler: Command) -> None:
    sites = {"id": id_of(1), "name": "Shop", "settings": {"toneOfVoice": "warm"}}
    Project(tmp_path).write({"reconciler.yaml": PROJECT, "sandbox.yaml": world(sites)})
    ran = reconciler("import", "--all", "--name", "nobody", "--into", tmp_path)
    assert "--name nobody: no site of the account has a matching name" in ran.err
    ran = reconciler("import", "--all", "--defaults", "--into", tmp_path)
    assert ran.last == "Import: 1 created; the plan is empty."
    assert "only values that two or more sites share become defaults, so nothing was moved into defaults" in ran.err


def test_a_project_starts_from_live_sites(fresh: Project, reconciler: Command) -> None:
    (fresh.root / "reconciler.yaml").unlink()
    both = reconciler("init", fresh.root, "--from-live", f"account:{ACCOUNT}", "--from-live", id_of(1))
    assert (both.code, "or one account:ID" in both.err) == (1, True)
    ran = reconciler("init", fresh.root, "--from-live", f"account:{ACCOUNT}", "--api", "sandbox")
    assert (ran.code, ran.last) == (0, "Import: 6 created; the plan is empty.")
    assert f"Next: reconciler apply {fresh.root} --api sandbox   (run this first to record 6 sites" in ran.out
    assert not (fresh.root / "sites/example.yaml").exists()
    text = (fresh.root / "sites/waiting.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schemas/site.schema.json\n")
    assert yaml.safe_load((fresh.root / "reconciler.yaml").read_text("utf-8"))["account"] == {"id": ACCOUNT}
    assert reconciler("validate", fresh.root, "--strict").last == "Valid: 6 files, 6 sites."
    assert reconciler("plan", fresh.root, "--api", "sandbox", "--detailed-exitcode").last == "No changes."


def test_an_init_that_failed_says_to_repeat_the_init(fresh: Project, reconciler: Command) -> None:
    (fresh.root / "reconciler.yaml").unlink()
    gone = {"route": "GET /marketing-plan", "do": {"kind": "error", "status": 403}}
    fresh.write({"sandbox.yaml": world({"id": id_of(1), "name": "Shop"}, faults=[gone])})
    ran = reconciler("init", fresh.root, "--from-live", id_of(1), "--api", "sandbox")
    assert (ran.code, ran.last) == (1, "Import: 0 created; 1 failed.")
    assert "Next: the same command again   (continues with the missing sites)" in ran.out


@pytest.mark.parametrize(
    ("status", "unknowns", "what"),
    [
        ("INACTIVE", {}, "have it generated"),
        ("FAILED", {}, "have it generated"),
        ("GENERATING", {}, "manage it"),
        ("ACTIVE", {"newEnumMembers": "plan-status"}, "manage it"),
    ],
)
def test_a_marketing_plan_that_the_file_leaves_out_is_generated_only_if_it_is_over(
    status: str, unknowns: dict[str, str], what: str, fresh: Project, reconciler: Command
) -> None:
    fresh.write(
        {"sandbox.yaml": world({"id": id_of(1), "name": "One", "plan": status, "neverFinish": True}, unknowns=unknowns)}
    )
    ran = reconciler("import", "--all", "--into", str(fresh.root))
    assert f"so the file leaves it out; write `marketingPlan: {{state: present}}` to {what}\n" in ran.out
    fresh.edit("sites/one.yaml", "version: 1\n", "version: 1\nmarketingPlan: {state: present}\n")
    assert ("marketing plan    generate" in reconciler("plan", str(fresh.root)).out) == (what == "have it generated")
