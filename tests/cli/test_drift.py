"""`reconciler drift`, as a user runs it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site
from tests.cli.terminal import Terminal

EVENTS = "calendarEvents:\n  events:\n    - {name: Sale, date: 2026-11-27}\n"
SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
SECOND = "3f0c2a9e-8d0b-4b7c-9a55-000000000002"


def applied(reconciler: Command, project: Project) -> None:
    ran = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert ran.code == 0, ran.out + ran.err


def test_a_site_in_sync_and_nothing_but_reads(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    before = project.requests()
    ran = reconciler("drift", project.root)
    assert (ran.code, ran.last) == (0, "No drift.")
    made = project.requests()[len(before) :]
    assert made
    assert not any(request["wrote"] for request in made)


def test_it_takes_no_lock_and_writes_no_state(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    state = project.root / ".reconciler"
    before = {path: path.read_bytes() for path in state.rglob("*.json")}
    reconciler("drift", project.root)
    assert {path: path.read_bytes() for path in state.rglob("*.json")} == before


def test_each_move_is_named_with_who_made_it(reconciler: Command, project: Project) -> None:
    project.write({"sites/shop.yaml": site("shop", more=EVENTS)})
    applied(reconciler, project)
    with project.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
        event = next(iter(world.world()["sites"].values()))["events"][0]["shown"]["id"]
        world.dashboard.delete_event(SHOP, event)
        world.dashboard.delete_plan(SHOP)
    ran = reconciler("drift", project.root)
    assert (ran.code, ran.last) == (2, "Drift: 3 drifted, in 1 of 1 site.")
    lines = " ".join(ran.out.split())
    assert "~ settings drifted changed remotely toneOfVoice site:" in lines
    assert "changed remotely toneOfVoice site: dry file: warm and playful" in lines
    assert '~ event "Sale" drifted changed remotely gone since the last apply' in lines
    assert "~ marketing plan drifted changed remotely gone since the last apply" in lines


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("date: 2026-11-27", "recurringRule: {frequency: YEARLY}"),
        ("date: 2026-11-27", "date: 2026-11-27T10:00:00Z"),
        ("date: 2026-11-27T10:00:00Z", "date: 2026-11-28"),
        ("recurringRule: {frequency: MONTHLY}", "date: 2026-11-27"),
    ],
)
def test_another_form_of_date_in_the_file_is_not_an_edit_on_the_site(
    reconciler: Command, project: Project, before: str, after: str
) -> None:
    event = "calendarEvents:\n  events:\n    - {name: Sale, DATE}\n"
    project.write({"sites/shop.yaml": site("shop", more=event.replace("DATE", before))})
    applied(reconciler, project)
    project.edit("sites/shop.yaml", before, after)
    assert "edited on the site" not in reconciler("plan", project.root).out
    ran = reconciler("drift", project.root)
    assert '~ event "Sale" drifted changed in git' in " ".join(ran.out.split())
    assert "last applied" not in ran.out


def test_a_moved_event_is_an_edit_on_the_site_in_any_form_of_date(reconciler: Command, project: Project) -> None:
    project.write({"sites/shop.yaml": site("shop", more=EVENTS)})
    applied(reconciler, project)
    with project.world() as world:
        event = next(iter(world.world()["sites"].values()))["events"][0]["shown"]["id"]
        world.dashboard.edit_event(SHOP, event, date="2026-11-29T00:00:00.000Z")
    project.edit("sites/shop.yaml", "date: 2026-11-27", "date: 2026-11-28T10:00:00Z")
    assert "edited on the site" in reconciler("plan", project.root).out
    assert '~ event "Sale" drifted changed in both' in " ".join(reconciler("drift", project.root).out.split())


def test_a_text_that_the_server_keeps_in_another_form_is_not_an_edit_on_the_site(
    reconciler: Command, project: Project
) -> None:
    create = 'activities:\n  - match: {title: "*"}\n    max: 1\n    set: {title: " Sale ", description: "by\\r\\nus"}\n'
    project.write({"sandbox.yaml": SANDBOX + "unknowns: {texts: all}\n"})
    project.write({"sites/shop.yaml": site("shop", more=create)})
    applied(reconciler, project)
    project.edit("sites/shop.yaml", 'title: " Sale ", description: "by\\r\\nus"', "title: Offer, description: by them")
    ran = reconciler("drift", project.root)
    assert '~ activity "Sale" drifted changed in git' in " ".join(ran.out.split())


def test_quiet_names_what_drifted_and_nothing_else(reconciler: Command, project: Project) -> None:
    """Like `plan --quiet`: no header, no values, no notes, and nothing about a site that is as its file says."""
    project.write({"sites/b.yaml": site("shop-b", 2)})
    applied(reconciler, project)
    assert reconciler("drift", project.root, "--quiet").out == "No drift.\n"
    with project.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
    last = "Drift: 1 drifted, in 1 of 2 sites."
    for more in ((), ("--sites",), ("--explain",)):
        ran = reconciler("drift", project.root, "--quiet", *more)
        head, what, *rest = ran.out.splitlines()
        assert (ran.code, head, rest) == (2, "shop", ["", last]), ran.out
        assert what.startswith("  ~ settings          drifted  changed remotely"), what


def test_json_has_every_object_and_all_three_sides(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    project.edit("sites/shop.yaml", "warm and playful", "loud")
    with project.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
    ran = reconciler("drift", project.root, "--output", "json")
    assert ran.code == ran.json["exitCode"] == 2
    assert ran.json["summary"] == {
        "sites": 1,
        "failed": 0,
        "refused": 0,
        "affected": 1,
        "drifted": 1,
        "pending": 0,
        "blocked": 0,
        "inReview": 0,
    }
    [found] = ran.json["sites"]
    settings, plan = found["objects"]
    assert settings["fields"] == [
        {
            "path": "settings.toneOfVoice",
            "moved": "changed-in-both",
            "desired": "loud",
            "live": "dry",
            "applied": "warm and playful",
        }
    ]
    assert (settings["state"], settings["moved"], settings["finding"]) == ("drifted", "changed-in-both", "differs")
    assert (plan["address"], plan["state"], plan["moved"]) == ("shop/marketing-plan", "converged", None)


def test_a_site_that_was_never_applied_has_moved_in_git(reconciler: Command, project: Project) -> None:
    ran = reconciler("drift", project.root)
    assert ran.code == 2
    assert "never applied" in " ".join(ran.out.split())
    assert "changed in git" in ran.out


def test_one_site_of_many_that_cannot_be_read(reconciler: Command, chain: Project) -> None:
    applied(reconciler, chain)
    with chain.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
    for document in (chain.root / ".reconciler").rglob(f"{SECOND}.json"):
        document.write_text("{", "utf-8")
    ran = reconciler("drift", chain.root)
    assert (ran.code, ran.last) == (1, "Drift incomplete: 1 of 3 sites could not be read; 1 drifted, in 1 of 3 sites.")
    assert "shop-b" in ran.out
    assert "1 of 3 sites could not be read" in ran.out


def test_targets_narrow_the_audit(reconciler: Command, chain: Project) -> None:
    applied(reconciler, chain)
    with chain.world() as world:
        world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "dry"})
        world.dashboard.delete_plan(SECOND)
    assert reconciler("drift", chain.root, "--target", "shop-c").code == 0
    assert reconciler("drift", chain.root, "--target", "shop/marketing-plan").last == "No drift."
    ran = reconciler("drift", chain.root, "--exclude", "shop")
    assert ran.last == "Drift: 1 drifted, in 1 of 2 sites."


def test_a_guard_that_would_refuse_is_reported(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    project.write({"sites/shop.yaml": site("shop", more="expect: {published: false}\n")})
    ran = reconciler("drift", project.root)
    assert (ran.code, ran.last) == (2, "Drift: 1 drifted, in 1 of 1 site.")
    assert "! expectation       drifted  expect.published is false, but the site is published\n" in ran.out
    assert "refused" not in ran.out


def test_what_only_a_person_can_change_is_blocked_and_strict_refuses_it(reconciler: Command, project: Project) -> None:
    project.write({"sandbox.yaml": SANDBOX + f"sites: [{{id: {SHOP}, published: false}}]\n"})
    project.write({"sites/shop.yaml": site("shop").replace("  toneOfVoice: warm and playful\n", "")})
    reconciler("apply", project.root, "--auto-approve")
    ran = reconciler("drift", project.root)
    assert (ran.code, ran.last) == (0, "No drift; 1 blocked, in 1 of 1 site.")
    assert "blocked" in ran.out
    ran = reconciler("drift", project.root, "--strict")
    assert (ran.code, ran.last) == (2, "Drift: 1 blocked, 1 refused, in 1 of 1 site.")
    assert "--strict refuses sites with blocked items" in ran.out


def test_a_post_that_breaks_two_policies_is_one_object(reconciler: Command, project: Project) -> None:
    """The screen names both; every format counts the post once, as `plan` does."""
    policy = """policy: {bannedWords: [kiln], quietHours: {from: "21:00", to: "11:00"}}\n"""
    posts = """\
sites:
  3f0c2a9e-8d0b-4b7c-9a55-000000000001:
    channels: [INSTAGRAM]
    plan:
      status: ACTIVE
      activities:
      - {title: Kiln day, date: "2026-11-05T09:00:00Z", items: [{channel: INSTAGRAM, caption: The kiln is hot}]}
      - {title: Open day, date: "2026-11-06T09:00:00Z", items: [{channel: INSTAGRAM, caption: Come by}]}
"""
    rule = 'schedule: {approval: none, rules: [{match: {within: 14d}, at: "10:00"}]}\n'
    project.write({"reconciler.yaml": PROJECT + policy, "sandbox.yaml": SANDBOX + posts})
    project.write({"sites/shop.yaml": site("shop", more=rule).replace("marketingPlan: {state: present}\n", "")})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("plan", project.root).last == "No changes; 2 blocked."
    metrics = project.root / "drift.prom"
    ran = reconciler("drift", project.root, "--output", "text", "--output", f"openmetrics={metrics}")
    assert (ran.code, ran.last) == (0, "No drift; 2 blocked, in 1 of 1 site.")
    assert ran.out.count("breaks policy.") == 2, ran.out
    assert 'reconciler_blocked{command="drift",site="shop"} 2\n' in metrics.read_text()
    found = reconciler("drift", project.root, "--output", "json").json["sites"][0]["objects"]
    addresses = [item["address"] for item in found]
    assert len(addresses) == len(set(addresses))
    blocked = [item for item in found if item["state"] == "blocked"]
    assert sorted(len(item.get("moreProblems", ())) for item in blocked) == [0, 1]
    (both,) = (item for item in blocked if "moreProblems" in item)
    said = [problem["message"] for problem in (both["problem"], *both["moreProblems"])]
    assert ["bannedWords" in said[0], "quietHours" in said[1]] == [True, True], said


def test_what_a_guard_refuses_is_not_a_drifted_object_and_activities_have_titles(
    reconciler: Command, project: Project
) -> None:
    applied(reconciler, project)
    when, kind = "2026-12-20T10:00:00Z", "SOCIAL_MARKETING"
    create = f"{{title: Kiln day, description: Come by, targetDate: {when}, marketingActivityType: {kind}}}"
    more = f"activities: [{{create: {create}}}, {{match: {{ids: [{SHOP}]}}, set: {{title: Sale}}}}]\n"
    project.write({"sites/shop.yaml": site("shop", more=more)})
    ran = reconciler("drift", project.root)
    assert (ran.code, ran.last) == (2, "Drift: 1 drifted, 1 refused, in 1 of 1 site."), ran.err
    assert ran.out.index("! refused") < ran.out.index('~ activity "Kiln day"  drifted')


def test_a_month_of_time_passing_is_not_drift(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    for _ in range(3):
        with project.world() as world:
            world.advance(timedelta(days=10))
        ran = reconciler("drift", project.root)
        assert (ran.code, ran.last) == (0, "No drift.")


def test_what_has_come_within_a_rules_dates_is_named_by_title(reconciler: Command, project: Project) -> None:
    posts = "posts: [{match: {within: 60d}}]\n"
    schedule = "schedule: {approval: none, rules: [{match: {within: 7d}, channels: [INSTAGRAM]}]}\n"
    edits = "activities: [{match: {within: 7d}, set: {description: New}}]\n"
    project.write({"sites/shop.yaml": site("shop", more=posts + schedule + edits)})
    applied(reconciler, project)
    with project.world() as world:
        world.advance(timedelta(days=7))
    html = project.root / "drift.html"
    ran = reconciler("drift", project.root, "--output", "text", "--output", f"html={html}")
    said = " ".join(ran.out.split())
    found = re.search(r"note: 7 objects now fall within a rule's dates \(not drift\): (.*); the next apply", said)
    assert found is not None, said
    assert re.fullmatch(r'(activity "[^"]+", )+"[^"]+" \(Instagram\).* and 2 more', found[1]), said
    assert re.search(r"not drift\): activity &quot;", html.read_text("utf-8"))


def test_an_idle_marketing_plan_that_went_inactive_is_reported(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    with project.world() as world:
        world.dashboard.set_plan_status(SHOP, "INACTIVE")
    ran = reconciler("drift", project.root)
    assert ran.code == 2
    assert "became INACTIVE" in ran.out


def test_explain_names_what_converged(reconciler: Command, project: Project) -> None:
    applied(reconciler, project)
    ran = reconciler("drift", project.root, "--explain")
    assert ran.last == "No drift."
    assert "= settings          converged" in ran.out


def test_a_site_that_no_file_declares_is_named_and_no_reason_to_refuse_an_audit(
    reconciler: Command, project: Project
) -> None:
    applied(reconciler, project)
    project.write({"sites/other.yaml": site("other", 2)})
    reconciler("apply", project.root, "--auto-approve")
    (project.root / "sites/other.yaml").unlink()
    for options in ((), ("--strict",)):
        ran = reconciler("drift", project.root, *options)
        assert (ran.code, ran.last) == (0, "No drift.")
        assert "other: undeclared: this site is in the state, but no file declares it" in ran.err
        assert "refused" not in ran.out + ran.err
        assert "! 1 undeclared site (in the state, but in no file): other\n" in ran.out
    asked = Terminal(project.root, "drift", "--no-color")
    assert asked.end() == 0
    assert asked.said.count("undeclared") == 1, "where people see stderr, the report does not repeat it"


def test_an_undeclared_site_whose_name_another_site_has_now_is_to_be_forgotten_by_its_id(
    reconciler: Command, project: Project
) -> None:
    applied(reconciler, project)
    for number in (2, 3):
        project.write({"sites/other.yaml": site("other", number)})
        reconciler("apply", project.root, "--auto-approve")
    (old,) = re.findall(r"undeclared: .* state forget (\S+)", reconciler("drift", project.root).err)
    assert reconciler("state", "forget", old, "--force", project.root).last == f"Forgotten: other ({old})."
    assert old.endswith("2")
    assert "undeclared" not in reconciler("drift", project.root).err


def test_a_limit_that_would_refuse_an_apply_is_in_the_last_line_and_the_exit_code(
    reconciler: Command, project: Project
) -> None:
    schedule = "schedule: {approval: none, rules: [{match: {within: 7d}, channels: [INSTAGRAM]}]}\n"
    posts = "posts: [{match: {within: 60d}}]\n"
    project.write({"sites/shop.yaml": site("shop", more=posts + schedule)})
    applied(reconciler, project)
    with project.world() as world:
        world.advance(timedelta(days=14))
    project.write({"reconciler.yaml": PROJECT + "policy: {maxPublish: 0}\n"})
    ran = reconciler("drift", project.root)
    assert "! refused" in ran.out
    assert (ran.code, ran.last) == (2, "Drift: 0 drifted, in 0 of 1 site; an apply would be refused.")


def test_a_site_that_is_refused_does_not_count_towards_the_limits_of_a_run(
    reconciler: Command, project: Project
) -> None:
    """An apply leaves it alone, so drift must name the same number as plan."""
    schedule = "schedule: {approval: none, rules: [{match: {within: 7d}, channels: [INSTAGRAM]}]}\n"
    posts = "posts: [{match: {within: 60d}}]\n"
    sites = {
        f"sites/{name}.yaml": site(name, number, more=posts + schedule) for number, name in ((1, "shop"), (2, "tea"))
    }
    project.write(sites)
    applied(reconciler, project)
    with project.world() as world:
        world.advance(timedelta(days=14))
    project.write({"reconciler.yaml": PROJECT + "policy: {maxPublish: 0}\n"})

    def to_publish(command: str) -> set[str]:
        said = " ".join(reconciler(command, project.root).out.split())
        return set(re.findall(r"the run would publish ([\d,]+) posts?", said))

    both = to_publish("plan")
    project.edit("sites/tea.yaml", schedule, schedule + "expect: {language: fr}\n")
    alone = to_publish("plan")
    assert alone
    assert alone != both
    assert to_publish("drift") == alone


def test_a_lost_channel_is_told_once_with_its_posts_by_time(reconciler: Command, project: Project) -> None:
    """Whatever their ids and weekdays. Each has its time and account."""
    days = (13, 6, 9, 4, 11)
    activities = "".join(
        f"        - {{title: Idea {day}, date: '2026-11-{day:02}T09:00:00Z', items: [{{channel: INSTAGRAM}}]}}\n"
        for day in days
    )
    plan = f"    channels: [INSTAGRAM]\n    plan:\n      status: ACTIVE\n      activities:\n{activities}"
    schedule = "schedule: {approval: none, rules: [{match: {within: 30d}, channels: [INSTAGRAM]}]}\n"
    bare = f"version: 1\nsite: {{name: shop, id: {SHOP}}}\n"
    project.write({"sandbox.yaml": f"{SANDBOX}sites:\n  - id: {SHOP}\n{plan}", "sites/shop.yaml": bare + schedule})
    applied(reconciler, project)
    with project.world() as world:
        world.dashboard.disconnect(SHOP, "INSTAGRAM")
    for command in "plan", "drift":
        for more in (), ("--quiet",), ("--summary",):
            said = reconciler(command, project.root, *more).out
            assert re.findall(r"Idea (\d+)", said) == [str(day) for day in sorted(days)], said
            assert "will fail: Instagram is not connected (it was disconnected)" in said, said
            assert said.count("will fail") == 1, said
            assert said.count("fix: connect Instagram in the site's dashboard before then") == 1, said
            assert " 5 posts  " in said or "(5 posts)" in said, said
            assert said.count(" on site3f0c2a9e") == len(days), said
            assert re.findall(r"2026-11-(\d\d) ", said) == [f"{day:02}" for day in sorted(days)], said
