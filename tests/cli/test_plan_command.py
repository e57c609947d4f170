"""`plan`, end to end against the sandbox: it writes nothing, and says what would change."""

from __future__ import annotations

import errno
import json
import shlex
from collections.abc import Iterator

import pytest

from reconciler.sandbox.server import start_in_thread
from tests.cli.projects import PROJECT, Command, Project, site

POSTS = """\
posts:
  - match: {within: 14d}
    max: 3
"""


def test_a_fresh_site(project: Project, reconciler: Command) -> None:
    done = reconciler("plan", project.root, "--detailed-exitcode")
    assert done.code == 2
    assert done.err == ""
    assert done.out.splitlines() == [
        f"SANDBOX · {project.root.name} · 1 site",
        "",
        "shop",
        "  * marketing plan    generate (none exists yet)",
        "  ~ settings",
        "      + marketingTools  [SOCIAL_MARKETING]",
        "      + toneOfVoice     warm and playful",
        "",
        "Plan: 0 to add, 1 to change, 0 to destroy, 1 to generate. Nothing goes public.",
        f"Next: reconciler apply {shlex.quote(str(project.root))}",
    ]
    assert project.requests()
    assert not [request for request in project.requests() if request["wrote"]]
    assert sorted(path.name for path in (project.root / ".reconciler").iterdir() if path.suffix != ".db-wal")[0] == (
        "sandbox.db"
    )


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (("plan", "--target", "sh*", "--exclude", "other"), "apply --target 'sh*' --exclude other"),
        (("plan", "sites/shop.yaml", "--strict", "--state", "my state"), ""),
        (("plan", "--shard", "1/1", "--api", "sandbox"), "apply --shard 1/1 --api sandbox"),
        (("plan", "--regenerate", "shop", "--no-publish"), "apply --regenerate shop --no-publish"),
        (("plan", "--target", "shop", "--strict", "--api", "sandbox", "--out", "a.plan"), "apply --api sandbox a.plan"),
        (("plan", "--shard", "1/1", "--out", "a.plan"), "apply a.plan"),
        (("plan", "--shard", "2/2", "--out", "a.plan"), "merge FILE... --out FILE   (once every shard is planned)"),
        (("drift", "sites", "--committed"), "plan sites --committed"),
    ],
)
def test_what_to_type_next_is_about_the_same_sites(
    project: Project,
    reconciler: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    step: str,
) -> None:
    monkeypatch.chdir(project.root)
    project.write({"sites/other.yaml": "version: 1\nsite: {name: other, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000009}\n"})
    done = reconciler(*arguments)
    expected = step or "apply sites/shop.yaml --strict --state 'my state'"
    assert done.out.splitlines()[-1] == f"Next: reconciler {expected}"


def test_what_follows_without_a_bound_is_part_of_what_goes_public(project: Project, reconciler: Command) -> None:
    """There is no draft yet, and `max` is not given: how many go out is known only after the generation."""
    project.edit(
        "sites/shop.yaml", "marketingPlan:", "schedule: {approval: none, rules: [{match: {}}]}\nmarketingPlan:"
    )
    ran = reconciler("plan", project.root)
    assert "Next: reconciler apply " in ran.out
    assert ran.out.endswith(" --allow-publish   (posts to make public)\n")


def test_a_plan_is_not_saved_as_what_apply_would_read_as_a_site(project: Project, reconciler: Command) -> None:
    done = reconciler("plan", project.root, "--out", project.root / "sites" / "new.yaml")
    assert (done.code, (project.root / "sites" / "new.yaml").exists()) == (1, False)
    assert "choose another name, such as new.plan" in done.err


def test_a_plan_that_cannot_be_saved_is_not_made(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder may be there, and yet no file can be made in it."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    done = reconciler("plan", project.root, "--out", project.root / "a.plan")
    assert (done.code, done.out) == (1, "")
    assert "a.plan cannot be written: Permission denied" in done.err
    monkeypatch.undo()
    assert project.requests() == []


@pytest.mark.parametrize("more", [(), ("--summary",), ("--shard", "1/1")])
def test_nobody_is_told_to_apply_a_plan_that_was_not_saved(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reconciler.whole_files.os.replace", full)
    monkeypatch.chdir(project.root)
    done = reconciler("plan", "--out", "a.plan", *more)
    assert done.code == 1
    assert done.out.splitlines()[-1].startswith("Plan: 0 to add, 1 to change")
    assert "--out a.plan cannot be written: No space left on device" in done.err
    assert "Saved" not in done.err
    assert not (project.root / "a.plan").exists()


def test_without_the_flag_changes_are_0(project: Project, reconciler: Command) -> None:
    assert reconciler("plan", project.root).code == 0


@pytest.mark.parametrize(("more", "most"), [("", 2), (POSTS, 3)])
def test_a_plan_of_a_converged_site_makes_few_requests(
    project: Project, reconciler: Command, more: str, most: int
) -> None:
    project.write({"sites/shop.yaml": site("shop", more=more)})
    applied = reconciler("apply", project.root, "--auto-approve")
    assert applied.code == 0, applied.out + applied.err
    before = len(project.requests())
    done = reconciler("plan", project.root, "--detailed-exitcode")
    assert (done.code, done.last) == (0, "No changes.")
    assert len(project.requests()) - before <= most


def test_plans_are_in_the_order_of_the_files(chain: Project, reconciler: Command) -> None:
    done = reconciler("plan", chain.root, "--output", "json", "--parallelism", 1)
    assert [site["site"] for site in done.json["sites"]] == ["shop-b", "shop-c", "shop"]
    assert done.json["summary"]["change"] == 3
    assert done.out == reconciler("plan", chain.root, "--output", "json", "--parallelism", 50).out


def test_one_site_that_cannot_be_read_stops_only_itself(chain: Project, reconciler: Command) -> None:
    with chain.world() as world:
        world.add_fault(
            {
                "route": "GET /promote/marketing-plan-service/v1/marketing-plan",
                "site": "3f0c2a9e-8d0b-4b7c-9a55-000000000002",
                "do": {"kind": "forbidden"},
                "times": 50,
            }
        )
    done = reconciler("plan", chain.root, "--detailed-exitcode")
    assert done.code == 1
    assert "! shop-b could not be read  " in done.out
    assert "  ~ settings" in done.out
    assert "; 0 to add, 2 to change" in done.last


def test_several_formats_at_once(project: Project, reconciler: Command) -> None:
    file = project.root / "plan.json"
    done = reconciler("plan", project.root, "--output", f"json={file}")
    assert done.last.startswith("Plan: ")
    document = json.loads(file.read_text())
    assert document["sites"][0]["actions"][0]["verb"] == "update"
    assert [path.name for path in project.root.glob(".plan.json*")] == []
    both = reconciler("plan", project.root, "--output", "json", "--output", f"text={project.root / 'plan.txt'}")
    assert both.json == document
    assert (project.root / "plan.txt").read_text() == done.out


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (["yaml"], "'yaml' must be one of: text, json, "),
        (["json="], "needs a file name"),
        (["json", "text"], "cannot share the screen"),
        (["json=a", "text=a"], "write to the same file"),
        (["json=no/such/folder/x"], "cannot be written"),
        (
            ["json=reconciler.yaml"],
            "cannot be written to a YAML file; choose another name, such as reconciler.json",
        ),
    ],
)
def test_invalid_outputs(
    project: Project, reconciler: Command, outputs: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    done = reconciler("plan", *(word for output in outputs for word in ("--output", output)))
    assert done.code == 1
    assert message in " ".join(done.err.split())
    assert not (project.root / ".reconciler").exists()


def test_a_file_with_problems_stops_the_run_before_it_starts(chain: Project, reconciler: Command) -> None:
    chain.edit("sites/b.yaml", "settings:", "setings:")
    chain.edit("sites/c.yaml", "present", "presnt")
    file = chain.root / "plan.json"
    done = reconciler("plan", chain.root, "--output", f"json={file}")
    assert done.code == 1
    assert done.out == ""
    assert "b.yaml:3:1" in done.err
    assert "c.yaml:6:" in done.err
    assert done.err.splitlines()[-1] == "Error: 2 problems in 2 files; nothing was done"
    assert not (chain.root / ".reconciler").exists()


def test_targets_and_shards(chain: Project, reconciler: Command) -> None:
    def sites(*options: str) -> list[str]:
        found = reconciler("plan", chain.root, "--output", "json", *options)
        return [site["site"] for site in found.json["sites"]]

    assert sites("--target", "label:team=emea", "--exclude", "shop-*") == ["shop"]
    parts = [sites("--shard", f"{part}/2") for part in (1, 2)]
    assert sorted(parts[0] + parts[1]) == ["shop", "shop-b", "shop-c"]
    done = reconciler("plan", chain.root, "--target", "shop/settings", "--output", "json")
    assert [action["address"] for action in done.json["sites"][0]["actions"]] == ["shop/settings"]
    wrong = reconciler("plan", chain.root, "--target", "shop-d")
    assert wrong.code == 1
    assert "did you mean shop" in wrong.err


def test_regenerate(project: Project, reconciler: Command) -> None:
    reconciler("apply", project.root, "--auto-approve")
    wrong = reconciler("plan", project.root, "--regenerate", "shp")
    assert (wrong.code, wrong.err) == (
        1,
        "Error: --regenerate shp: no site in this run has that name; did you mean shop?\n",
    )
    project.edit("sites/shop.yaml", "{state: present}", "{state: present, regenerate: {discard: all}}")
    done = reconciler("plan", project.root, "--regenerate", "shop", "--output", "json")
    action = done.json["sites"][0]["actions"][0]
    assert (action["operation"], action["reason"]) == ("regenerate", "asked-for")
    assert action["discards"]


def test_a_guard_that_would_refuse_is_4(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more="expect: {language: fr}\n")})
    done = reconciler("plan", project.root)
    assert done.code == 4
    assert done.last.startswith("Refused: shop: expect.language is fr, but the language of the site is en")
    assert done.out.splitlines()[-2].startswith("Plan: ")


def test_explain(project: Project, reconciler: Command) -> None:
    out = reconciler("plan", project.root, "--explain").out
    assert "read: marketing plan" in out
    assert "call: POST /promote/marketing-plan-service/v1/marketing-settings" in out
    assert "class: costly" in out
    assert "needs: the marketing plan is NEVER_CREATED" in out


@pytest.mark.parametrize("api", ["wix", "http://127.0.0.1:9", "http://localhost:9/prefix", "https://[::1]:9"])
def test_a_missing_key_is_reported_once_and_nothing_else(
    api: str, chain: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WIX_API_KEY")
    done = reconciler("plan", chain.root, "--api", api)
    assert done.code == 1
    assert done.out == ""
    assert done.err.count("WIX_API_KEY") == 1


KEYS = """\
credentials:
  one: {apiKey: {env: A_KEY}}
  two: {apiKey: {env: OTHER_KEY}}
  left: {apiKey: {env: NOT_NEEDED}}
"""
UNSET = "the environment variables A_KEY, OTHER_KEY are not set; set each of them to its secret"


@pytest.fixture
def served(chain: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with three sites that need different keys, and a server for them."""
    for number, name, uses in ((1, "shop", "one"), (2, "b", "two"), (3, "c", "left")):
        text = site(name, number).replace("site: {", f"site: {{credentials: {uses}, ")
        chain.write({f"sites/{name}.yaml": text})
    with chain.world() as world:
        running = start_in_thread(world)
        try:
            chain.write({"reconciler.yaml": f"version: 1\napi: {running.base_url}\n{KEYS}"})
            yield chain
        finally:
            running.stop()


@pytest.mark.parametrize(
    "args", [("plan",), ("drift",), ("apply", "--auto-approve"), ("plan", "--workers", "1"), ("apply", "saved.plan")]
)
def test_all_keys_that_are_missing_are_named_at_once(
    args: tuple[str, ...], served: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the sites of the run need, and no others."""
    monkeypatch.chdir(served.root)
    if "saved.plan" in args:
        with monkeypatch.context() as keys:
            for name in ("A_KEY", "OTHER_KEY"):
                keys.setenv(name, "any-key-will-do-for-a-sandbox")
            assert reconciler("plan", "--exclude", "c", "--out", "saved.plan").code == 0
        done = reconciler(*args)
    else:
        done = reconciler(*args, "--exclude", "c")
    assert (done.code, UNSET in done.err, "NOT_NEEDED" in done.err) == (1, True, False), done.err


@pytest.mark.parametrize("api", ["http://example.org", "wixx", "https://user:secret@example.org", "ftp://example.org"])
def test_invalid_apis(project: Project, reconciler: Command, api: str) -> None:
    done = reconciler("plan", project.root, "--api", api)
    assert done.code == 1
    assert done.err.startswith("Error: --api")
    assert "secret" not in done.err.replace("inline secret", "")


def test_validate(chain: Project, reconciler: Command) -> None:
    assert reconciler("validate", chain.root).out == "Valid: 3 files, 3 sites.\n"
    assert reconciler("validate", chain.root / "sites" / "b.yaml").out == "Valid: 1 file, 1 site.\n"
    assert reconciler("validate", chain.root, "--output", "json").json == {
        "formatVersion": 1,
        "command": "validate",
        "sites": [],
        "run": {"project": chain.root.name, "sites": 3, "of": 3},
        "summary": {"files": 3, "sites": 3},
        "verdict": "succeeded",
        "exitCode": 0,
    }
    chain.edit("sites/c.yaml", "team: americas", "team: [x]")
    wrong = reconciler("validate", chain.root)
    assert (wrong.code, wrong.out) == (1, "")


def test_a_path_that_is_not_there(project: Project, reconciler: Command) -> None:
    done = reconciler("validate", project.root / "nowhere")
    assert done.code == 1
    assert "nowhere" in done.err


def test_warnings_about_files_are_reported_along_with_a_bad_file(project: Project, reconciler: Command) -> None:
    project.write(
        {
            "reconciler.yaml": PROJECT + "sites: [sites/*.yaml]\n",
            "sites/shop.yaml": site("shop").replace("warm and playful", "${TONE}"),
            "sites/more/other.yaml": site("other", 2),
            "sites/bad.yaml": "version: 1\nsite: {",
        }
    )
    warned = ["file-not-read", "variable-not-replaced"]
    done = reconciler("plan", project.root, "--output", "json")
    found = [(problem["severity"], problem["code"]) for problem in done.json["problems"]]
    assert (done.code, found) == (1, [*(("warning", code) for code in warned), ("error", "invalid-file")])
    assert done.err.count("warning: ") == 2
    strict = reconciler("plan", project.root, "--output", "json", "--strict").json["problems"]
    assert sorted(problem["code"] for problem in strict) == ["file-not-read", "invalid-file", "variable-not-replaced"]


SHORTLY_BEFORE_MIDNIGHT = """\
clock: 2026-10-24T12:00:00Z
freeze: true
sites:
  3f0c2a9e-8d0b-4b7c-9a55-000000000001:
    timeZone: Europe/Berlin
    channels: [INSTAGRAM]
    plan:
      activities:
        - {title: At night, date: 2026-10-24T22:15:00Z, items: [{channel: INSTAGRAM, caption: a}]}
        - {title: Late, date: 2026-10-25T22:30:00Z, items: [{channel: INSTAGRAM, caption: b}]}
"""


def test_what_no_publish_holds_back_is_judged_in_the_time_zone_of_the_site(
    project: Project, reconciler: Command
) -> None:
    """In Berlin, both are on Sunday, and only one may go out; in UTC, the first is due on Saturday and too late."""
    rules = "schedule: {approval: none, rules: [{match: {within: 14d}, at: '00:00'}]}\n"
    head = "version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001}\n"
    policy = "version: 1\napi: sandbox\npolicy: {maxPublishPerSitePerDay: 1}\n"
    project.write({"reconciler.yaml": policy, "sandbox.yaml": SHORTLY_BEFORE_MIDNIGHT, "sites/shop.yaml": head + rules})
    assert '> post "At night" (Instagram)  goes out Sun 2026-10-25 00:00 Europe/Berlin' in (
        reconciler("plan", project.root).out
    )
    held = reconciler("plan", project.root, "--no-publish").out
    assert '        "At night" (Instagram); 1 blocked post' in held.splitlines(), held


@pytest.mark.parametrize(
    "rules",
    [
        "schedule: {approval: none, rules: [{match: {ids: [ID]}}]}",
        "activities: [{match: {ids: [ID]}, set: {title: Spring}}]",
    ],
)
def test_a_rule_may_name_the_id_of_an_activity_that_is_past(project: Project, reconciler: Command, rules: str) -> None:
    """The marketing plan begins today, so the site is read once more before an id counts as unknown."""
    past = "3f0c2a9e-8d0b-4b7c-9a55-00000000000a"
    world = SHORTLY_BEFORE_MIDNIGHT.replace(
        "{title: At night, date: 2026-10-24T22:15:00Z", f"{{id: {past}, title: At night, date: 2026-10-20T22:15:00Z"
    )
    head = "version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001}\n"
    project.write({"sandbox.yaml": world, "sites/shop.yaml": head + rules.replace("ID", past)})
    ran = reconciler("plan", project.root)
    assert (ran.code, ran.last) == (0, "No changes."), ran.out
    project.write({"sites/shop.yaml": head + rules.replace("ID", past.replace("a", "b"))})
    unknown = reconciler("plan", project.root)
    assert unknown.code == 4
    assert "which the marketing plan does not have" in unknown.out


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_site_with_nothing_but_a_note_is_shown(project: Project, reconciler: Command, form: str) -> None:
    """`No changes.` alone would not say that posts are held back."""
    rules = "schedule: {approval: none, rules: [{match: {within: 14d}}]}\n"
    head = "version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001}\n"
    project.write({"sandbox.yaml": SHORTLY_BEFORE_MIDNIGHT, "sites/shop.yaml": head + rules})
    out = reconciler("plan", project.root, "--no-publish", "--output", form).out
    assert "No changes." in out
    assert "held back by --no-publish" in out


def test_no_publish_reads_no_channels_and_says_so(project: Project, reconciler: Command) -> None:
    """Facebook is not connected. Nothing is published, so nothing is requested that only publishing needs."""
    world = SHORTLY_BEFORE_MIDNIGHT.replace("{channel: INSTAGRAM, caption: b}", "{channel: FACEBOOK, caption: b}")
    head = "version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001}\n"
    rules = "schedule: {approval: none, rules: [{match: {within: 14d}}]}\n"
    project.write({"sandbox.yaml": world, "sites/shop.yaml": head + rules})
    assert reconciler("plan", project.root).last.endswith("1 to publish; 1 blocked.")
    before = len(project.requests())
    held = reconciler("plan", project.root, "--no-publish")
    assert len(project.requests()) == before + 1
    said = " ".join(held.out.split())
    unchecked = "which does not check channels, the premium plan or whether the site is published"
    assert f'posts held back by --no-publish ({unchecked}) "At night" (Instagram), "Late" (Facebook) No' in said
