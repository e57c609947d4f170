"""The command that `apply` suggests after a generation: only one that will find something to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import wiring
from reconciler.sandbox.app import Sandbox, Seen
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

POSTS = "posts: [{match: {within: 30d}, max: 3}]\n"


def schedule(within: str) -> str:
    return f"{POSTS}schedule: {{rules: [{{match: {{within: {within}}}}}]}}\n"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (schedule("30d"), True),
        (schedule("1h"), False),
        (POSTS, False),
    ],
)
def test_review_is_only_offered_if_it_finds_drafts(more: str, found: bool, tmp_path: Path, reconciler: Command) -> None:
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    done = reconciler("apply", project.root, "--auto-approve")
    assert done.code == 0, done.err
    steps = [line for line in done.out.splitlines() if line.startswith("Next: ")]
    reviewed = reconciler("review", project.root).last
    if not found:
        assert (steps, reviewed.partition(",")[0]) == ([], "Review: 0 pending"), reviewed
        return
    new = steps[0].partition("   (")[2]
    assert steps == [f"Next: reconciler review {project.root}   ({new}"]
    assert new == f"{new.split()[0]} new drafts in 1 site)"
    assert reviewed.startswith(f"Review: {new.split()[0]} pending"), reviewed


def test_apply_counts_the_new_drafts_that_the_next_plan_counts(tmp_path: Path, reconciler: Command) -> None:
    """Including those of sites where nothing was generated, and posts generated again under their old ids."""
    project = Project(tmp_path)
    files = {"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX}
    more = schedule("30d")
    sites = {"sites/a.yaml": site("shop", more=more), "sites/b.yaml": site("shop-b", 2, more=more)}
    project.write(files | sites)

    def suggested(*command: str) -> str:
        (step,) = [line for line in reconciler(*command, project.root).out.splitlines() if line.startswith("Next: ")]
        return step.partition("   ")[2]

    apply, plan = ("apply", "--auto-approve"), ("plan",)
    assert suggested(*apply) == suggested(*plan)
    assert reconciler("review", "--target", "shop", project.root).code == 0
    project.edit("sites/b.yaml", "warm and playful", "dry")
    assert suggested(*apply) == suggested(*plan) != ""
    assert "in 1 site)" in suggested(*plan)
    project.edit("approvals/shop.yaml", "decision: keep", "decision: regenerate")
    assert suggested(*apply) == suggested(*plan)
    assert "in 2 sites)" in suggested(*plan)


def test_an_apply_is_not_offered_for_events_that_are_read_only(tmp_path: Path, reconciler: Command) -> None:
    """Later runs leave them alone."""
    project = Project(tmp_path)
    prune = "calendarEvents: {prune: true, events: []}\n"
    unplanned = site("shop", more=prune).replace("marketingPlan: {state: present}\n", "")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": unplanned})
    assert reconciler("plan", project.root).code == 0
    with project.world() as world:
        for name in ("Carnival", "Easter"):
            event = {"name": name, "date": "2026-12-24T00:00:00Z"}
            world.dashboard.add_event("3f0c2a9e-8d0b-4b7c-9a55-000000000001", event, foreign=True)
    done = reconciler("apply", project.root, "--auto-approve")
    steps = [line for line in done.out.splitlines() if line.startswith("Next: ")]
    assert (done.code, done.last, steps) == (3, "Apply: 0 added, 1 changed, 0 destroyed; 2 skipped.", []), done.out
    assert reconciler("apply", project.root, "--auto-approve").last == "No changes."


FEW = "match: {title: nothing*}, min: 3"
UNAPPROVED = "schedule: {approval: none, rules: [{match: {within: 30d}}]}"


@pytest.mark.parametrize(
    ("more", "step"),
    [
        (f"posts: [{{{FEW}}}]", ""),
        (f"activities: [{{{FEW}, set: {{title: x}}}}]", ""),
        (f"schedule: {{approval: none, rules: [{{{FEW}}}]}}", ""),
        (
            f"posts: [{{{FEW}}}]\n{UNAPPROVED}",
            " --allow-publish   (fix the skipped actions first; 11 public actions withheld)",
        ),
    ],
)
def test_an_apply_is_not_offered_if_a_guard_refuses_it(
    more: str, step: str, tmp_path: Path, reconciler: Command
) -> None:
    """A generation made fewer than a rule's `min`: the next run is refused until the file says otherwise."""
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    publish = () if step else ("--allow-publish",)
    done = reconciler("apply", project.root, "--auto-approve", *publish)
    steps = [line for line in done.out.splitlines() if line.startswith("Next: ")]
    assert (done.code, steps) == (3, [f"Next: reconciler apply {project.root}{step}"] if step else []), done.out
    assert reconciler("apply", project.root, "--auto-approve", *publish).code == 4


@pytest.mark.parametrize("publish", [("--allow-publish",), ()])
def test_the_step_after_a_generation_that_is_under_way_can_also_publish(
    publish: tuple[str, ...], tmp_path: Path, reconciler: Command
) -> None:
    project = Project(tmp_path)
    slow = SANDBOX.replace("generate: 2s", "generate: 2m")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": slow, "sites/shop.yaml": site("shop", more=UNAPPROVED)})
    done = reconciler("apply", project.root, "--auto-approve", *publish)
    step = "--allow-publish   (1 action pending; 1 public action not started)"
    assert (done.code, done.out.splitlines()[-1]) == (3, f"Next: reconciler apply {project.root} {step}"), done.out


def test_the_step_after_posts_that_were_skipped_can_also_publish(
    tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, opened = Project(tmp_path), wiring.open_sandbox
    files = {"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=UNAPPROVED)}
    project.write(files)
    assert reconciler("apply", project.root, "--auto-approve", "--no-publish").code == 0

    def edited(seen: Seen) -> None:
        """Somebody edits every draft once the plan is made."""
        if seen.when == "before":
            return
        with project.world() as world:
            for found in world.world()["sites"].values():
                for id in found["items"]:
                    world.dashboard.edit_item(found["id"], id, caption="By hand")

    def hooked(root: Path, *, in_process: bool) -> Sandbox:
        world = opened(root, in_process=in_process)
        world.add_hook("GET */long-lived-token-status", edited)
        return world

    with monkeypatch.context() as patched:
        patched.setattr(wiring, "open_sandbox", hooked)
        done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert (done.code, done.last) == (3, "Apply: 0 added, 0 changed, 0 destroyed; 11 skipped, 25 blocked."), done.out
    assert f"Next: reconciler apply {project.root} --allow-publish   (" in done.out


@pytest.mark.parametrize(
    ("faults", "more", "step"),
    [
        ("failed", "", "   (2 generations failed)"),
        ("failed", UNAPPROVED, " --allow-publish   (2 generations failed; 2 public actions not started)"),
        ("forbidden", "", "   (fix the failures first)"),
    ],
)
def test_an_apply_is_offered_if_all_that_failed_are_generations(
    faults: str, more: str, step: str, tmp_path: Path, reconciler: Command
) -> None:
    """It starts them again. What a person has to change must be changed first."""
    project = Project(tmp_path)
    world = SANDBOX + f'faults: [{{route: "POST */generate-marketing-plan", do: {{kind: {faults}}}}}]\n'
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world})
    project.write({f"sites/{name}.yaml": site(name, number, more=more) for name, number in (("a", 1), ("b", 2))})
    done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    steps = [line for line in done.out.splitlines() if line.startswith("Next: ")]
    assert (done.code, steps) == (1, [f"Next: reconciler apply {project.root}{step}"]), done.out


def next_steps(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("Next: ")]


GOES_OUT = "schedule: {approval: APPROVAL, rules: [{match: {within: 30d}, max: 2}]}\n"
DRAFTS = """
sites:
  3f0c2a9e-8d0b-4b7c-9a55-000000000001:
    channels: [INSTAGRAM, FACEBOOK]
    plan:
      status: ACTIVE
      activities:
      - {date: "2026-11-20T09:00:00Z", items: [{channel: INSTAGRAM}, {channel: FACEBOOK}]}
      - {date: "2026-11-21T09:00:00Z", items: [{channel: FACEBOOK}]}
"""


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("kind: error, status: 500", "   (2 posts still going out)"),
        ("kind: drop-before", "   (2 posts still going out)"),
        ("kind: forbidden", None),
    ],
)
def test_posts_that_could_not_be_stopped_come_before_what_waits_for_review(
    fault: str, step: str | None, tmp_path: Path, reconciler: Command
) -> None:
    project = Project(tmp_path)
    unplanned = site("shop", more=GOES_OUT).replace("marketingPlan: {state: present}\n", "")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX + DRAFTS})
    project.write({"sites/shop.yaml": unplanned.replace("APPROVAL", "none")})
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    project.write({"sites/shop.yaml": unplanned.replace("APPROVAL", "required").replace("max: 2", "max: 3")})
    faults = f'faults: [{{route: "PATCH */cancel", do: {{{fault}}}}}]\n'
    project.write({"sandbox.yaml": SANDBOX + DRAFTS + faults})
    done = reconciler("apply", project.root, "--auto-approve")
    assert "2 still going out" in done.last, done.out
    assert next_steps(done.out) == ([] if step is None else [f"Next: reconciler apply {project.root}{step}"]), done.out
    project.write({"sandbox.yaml": SANDBOX + DRAFTS})
    assert reconciler("apply", project.root, "--auto-approve").last.endswith(" 2 cancelled.")


def test_a_post_that_goes_out_has_one_line_for_why_it_should_not_and_one_for_why_it_does(
    tmp_path: Path, reconciler: Command
) -> None:
    project = Project(tmp_path)
    unplanned = site("shop", more=GOES_OUT).replace("marketingPlan: {state: present}\n", "").replace("APPROVAL", "none")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX + DRAFTS, "sites/shop.yaml": unplanned})
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    fault = 'faults: [{route: "PATCH */cancel", do: {kind: error, status: 500}}]\n'
    gone = f"{unplanned}activities: [{{match: {{}}, state: absent}}]\n"
    project.write({"sandbox.yaml": SANDBOX + DRAFTS + fault, "sites/shop.yaml": gone})
    lines = reconciler("apply", project.root, "--auto-approve").out.splitlines()
    first = next(number for number, line in enumerate(lines) if "! still going out" in line)
    assert [line.strip() for line in lines[first : first + 2]] == [
        "! still going out   2 posts, each: declared absent in the file: activities[0]",
        "but it was not stopped: the server failed; it is SCHEDULED, not CANCELED",
    ]


SERVER = "kind: error, status: 503"


@pytest.mark.parametrize(
    ("faults", "step"),
    [
        ({1: ("POST *marketing-settings", SERVER)}, "   (1 action failed)"),
        (
            {1: ("POST */generate-marketing-plan", "kind: failed"), 2: ("POST *marketing-settings", SERVER)},
            "   (2 actions failed)",
        ),
        (
            {1: ("POST *marketing-settings", SERVER), 2: ("POST *marketing-settings", "kind: forbidden")},
            "   (1 action failed; fix the other failure first)",
        ),
        ({1: ("GET *", SERVER)}, "   (1 site failed)"),
        ({1: ("GET *", SERVER), 2: ("POST *marketing-settings", SERVER)}, "   (1 action failed; 1 site failed)"),
        ({1: ("GET *", "kind: forbidden")}, "   (fix the failure first)"),
        ({1: ("POST *marketing-settings", "kind: forbidden")}, "   (fix the failure first)"),
    ],
)
def test_an_apply_is_offered_again_if_that_is_what_to_do_about_a_failure(
    faults: dict[int, tuple[str, str]], step: str, tmp_path: Path, reconciler: Command
) -> None:
    project = Project(tmp_path)
    broken = "".join(
        f"- {{site: 3f0c2a9e-8d0b-4b7c-9a55-00000000000{number}, route: '{route}', do: {{{fault}}}}}\n"
        for number, (route, fault) in faults.items()
    )
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": f"{SANDBOX}faults:\n{broken}"})
    project.write({f"sites/{name}.yaml": site(name, number) for name, number in (("a", 1), ("b", 2), ("c", 3))})
    done = reconciler("apply", project.root, "--auto-approve")
    assert done.code == 1
    assert next_steps(done.out) == [f"Next: reconciler apply {project.root}{step}"], done.out


UNCLEAR = """
faults: [{route: "POST */events", do: {kind: error, status: 500, body: html}}]
sites:
  3f0c2a9e-8d0b-4b7c-9a55-000000000001:
    plan: {status: ACTIVE, activities: [{date: "2026-11-20T09:00:00Z", items: all}]}
"""


def test_no_draft_goes_out_before_a_regeneration_that_waits_for_an_unconfirmed_call(
    tmp_path: Path, reconciler: Command
) -> None:
    """The apply that `plan` leads to finds out what became of the call, and then replaces these drafts."""
    project = Project(tmp_path)
    event = 'calendarEvents: {events: [{name: Sale, date: "2026-12-24"}]}\n'
    world = SANDBOX + UNCLEAR
    project.write(
        {"reconciler.yaml": PROJECT, "sandbox.yaml": world, "sites/shop.yaml": site("shop", more=event + UNAPPROVED)}
    )
    done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert 'not started  regenerate  the event "Sale" was not saved (unknown)' in done.out
    assert "1 unknown, 2 not started." in done.last
    shown = reconciler("plan", project.root)
    assert "! blocked           the marketing plan is to be regenerated first, and that is blocked" in shown.out
    assert 'says how\n        event "Sale"\n' in shown.out.replace(f" {project.root}", "")
    assert "! blocked           may have been created: the outcome of an earlier run's call is not known" in shown.out
    assert shown.last.startswith("No changes; ")
    assert shown.out.endswith(f"\nNext: reconciler apply {project.root}   (1 unconfirmed call)\n")
    assert "> post" not in shown.out


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "--auto-approve"),
        ("apply", "--auto-approve", "--quiet"),
        ("apply", "--auto-approve", "--summary"),
        ("apply", "saved.plan"),
        ("apply", "--auto-approve", "--output", "markdown"),
    ],
)
def test_an_apply_counts_what_its_plan_says_is_blocked(
    command: tuple[str, ...], tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    kept = schedule("30d").replace("{match: {within: 30d}}", "{match: {within: 30d}, channels: [TWITTER]}")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=kept)})
    assert reconciler("apply", "--auto-approve").code == 0
    project.edit("sites/shop.yaml", "{state: present}", "{state: present, regenerate: {when: never}}")
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    planned = reconciler("plan", "--out", "saved.plan").last
    blocked = int(planned.removeprefix("Plan: 0 to add, 1 to change, 0 to destroy; ").partition(" blocked.")[0])
    assert blocked > 0
    assert f"Apply: 0 added, 1 changed, 0 destroyed; {blocked} blocked." in reconciler(*command).out


def test_the_next_step_regenerates_no_site_a_second_time(tmp_path: Path, reconciler: Command) -> None:
    """It repeats `--regenerate` only for sites where nothing was started."""
    project = Project(tmp_path)
    keeps = site("shop-c", 3).replace("{state: present}", "{state: present, regenerate: {discard: nothing}}")
    files = {"sites/a.yaml": site("shop-a", 1), "sites/b.yaml": site("shop-b", 2), "sites/c.yaml": keeps}
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX} | files)
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    project.edit("reconciler.yaml", "{interval: 1s, timeout: 1m}", "{interval: 500ms, timeout: 1s}")
    asked = [word for name in ("shop-a", "shop-c") for word in ("--regenerate", name)]
    planned = reconciler("plan", project.root, "--target", "shop-a", *asked[:2])
    assert planned.out.splitlines()[-1].endswith(f" {project.root} --target shop-a --regenerate shop-a"), planned.out
    done = reconciler("apply", project.root, "--auto-approve", *asked)
    step = f"Next: reconciler apply {project.root} --regenerate shop-c   (1 action pending)"
    assert (done.code, done.out.splitlines()[-1]) == (4, step), done.out
