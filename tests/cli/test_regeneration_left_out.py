"""`--target` and `--exclude` that leave out a regeneration: the approved drafts that it would discard are named."""

from __future__ import annotations

import pytest

from tests.cli.projects import Command, Project, site

SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
DRAFT = "bbbbbbbb-0000-4000-8000-00000000000"
WORLD = f"""\
clock: '2026-11-02T09:00:00Z'
freeze: true
latency: {{generate: 2s, posts: 1s}}
sites:
  {SHOP}:
    channels: [INSTAGRAM, FACEBOOK]
    settings: {{toneOfVoice: warm and playful, marketingTools: [SOCIAL_MARKETING]}}
    plan:
      status: ACTIVE
      activities:
        - id: aaaaaaaa-0000-4000-8000-000000000001
          title: Winter check
          date: 2026-11-05T09:00:00Z
          items:
            - {{id: {DRAFT}1, channel: INSTAGRAM, type: POST, caption: Brakes, media: [https://static.wixstatic.com/media/a.jpg]}}
            - {{id: {DRAFT}2, channel: FACEBOOK, type: POST, caption: It takes an hour}}
        - id: aaaaaaaa-0000-4000-8000-000000000002
          title: Long after
          date: 2026-12-05T09:00:00Z
          items:
            - {{id: {DRAFT}3, channel: FACEBOOK, type: POST, caption: No rule covers this}}
"""
SCHEDULE = "schedule: {rules: [{match: {within: 14d}}]}\n"
GENERATED = "marketingPlan: {state: present}"
MAY_DISCARD = "marketingPlan: {state: present, regenerate: {discard: DISCARD}}"
CAUSE = "the marketing plan is to be regenerated first, and --target or --exclude leaves that out"
LEFT_OUT = [
    ("--target", "shop/draft"),
    ("--target", "*/draft"),
    ("--target", "label:team=emea", "--exclude", "shop/marketing-plan"),
    ("--exclude", "shop/marketing-plan"),
    ("--exclude", "shop/settings"),
]


@pytest.fixture
def approved(project: Project, reconciler: Command) -> Project:
    """A known site with two approved drafts, whose settings have changed since its marketing plan was generated."""
    project.write({"sandbox.yaml": WORLD, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("review", project.root).code == 0
    assert reconciler("approve", project.root, "--all", "--yes").code == 0
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    return project


def scheduled(project: Project) -> list[str]:
    """The calls that schedule a post."""
    return [request["path"] for request in project.requests() if "schedule" in request["path"]]


@pytest.mark.parametrize("discard", ["all", "unapproved", "nothing"])
@pytest.mark.parametrize("options", LEFT_OUT)
def test_approved_drafts_are_blocked(
    approved: Project, reconciler: Command, options: tuple[str, ...], discard: str
) -> None:
    approved.edit("sites/shop.yaml", GENERATED, MAY_DISCARD.replace("DISCARD", discard))
    planned = reconciler("plan", approved.root, *options)
    assert (planned.code, "; 2 blocked." in planned.last) == (0, True), planned.out
    assert CAUSE in " ".join(planned.out.split())
    found = reconciler("plan", approved.root, *options, "--output", "json").json["sites"][0]["blocked"]
    assert [(problem["code"], problem["address"]) for problem in found] == [
        ("regeneration-first", f"shop/draft[{DRAFT}{number}]") for number in (2, 1)
    ]
    applied = reconciler("apply", approved.root, "--auto-approve", "--allow-publish", *options)
    assert (applied.code, "2 blocked" in applied.out) == (0, True), applied.out
    drifted = reconciler("drift", approved.root, *options)
    assert (drifted.code, drifted.last) == (0, "No drift; 2 blocked, in 1 of 1 site."), drifted.out
    assert CAUSE in " ".join(drifted.out.split())
    assert reconciler("plan", approved.root, *options, "--strict").code == 4


@pytest.mark.parametrize(
    ("options", "last"),
    [
        (("--target", f"shop/draft[{DRAFT}1]"), "No changes; 1 blocked."),
        (
            ("--exclude", "shop/marketing-plan", "--exclude", f"shop/draft[{DRAFT}1]"),
            "Plan: 0 to add, 1 to change, 0 to destroy; 1 blocked.",
        ),
        (("--target", "shop/settings"), "Plan: 0 to add, 1 to change, 0 to destroy."),
        (("--target", "shop/draft", "--target", "shop/marketing-plan"), "1 to generate, 3 to discard."),
        (("--target", "shop"), "1 to generate, 3 to discard."),
    ],
)
def test_only_selected_drafts_are_blocked_and_only_without_the_regeneration(
    approved: Project, reconciler: Command, options: tuple[str, ...], last: str
) -> None:
    approved.edit("sites/shop.yaml", GENERATED, MAY_DISCARD.replace("DISCARD", "all"))
    planned = reconciler("plan", approved.root, *options)
    assert (planned.code, planned.last.endswith(last)) == (0, True), planned.out


def test_an_excluded_draft_is_not_discarded(approved: Project, reconciler: Command) -> None:
    """Whoever names one draft wants it to be left alone, so the regeneration that would discard it waits."""
    approved.edit("sites/shop.yaml", GENERATED, MAY_DISCARD.replace("DISCARD", "all"))
    options = ("--exclude", f"shop/draft[{DRAFT}3]")
    planned = reconciler("plan", approved.root, *options)
    assert planned.last == "Plan: 0 to add, 1 to change, 0 to destroy; 2 blocked."
    why = 'is not regenerated, because that would discard "Long after" (Facebook), which --exclude leaves alone'
    assert why in " ".join(planned.out.split())
    assert reconciler("apply", approved.root, "--auto-approve", *options).code == 0
    assert not [request for request in approved.requests() if "generate" in request["path"]]
    asked = reconciler("plan", approved.root, "--regenerate", "shop", *options)
    assert (asked.code, "--target or --exclude leaves its marketing plan out" in asked.err) == (1, True)


def test_without_publishing_the_drafts_are_held_back(approved: Project, reconciler: Command) -> None:
    for options in LEFT_OUT[:1], LEFT_OUT[3:4]:
        planned = reconciler("plan", approved.root, "--no-publish", *options[0])
        assert (planned.code, "held back by --no-publish\n        2 blocked posts" in planned.out) == (0, True)
    approved.edit("sites/shop.yaml", "schedule: {", "schedule: {approval: none, ")
    planned = reconciler("plan", approved.root, "--no-publish", "--exclude", "shop/marketing-plan")
    assert (planned.out.count("held back"), "2 blocked posts" in planned.out) == (1, True), planned.out


def test_drafts_that_need_no_approval_are_blocked_too(approved: Project, reconciler: Command) -> None:
    approved.edit("sites/shop.yaml", "schedule: {", "schedule: {approval: none, ")
    planned = reconciler("plan", approved.root, "--exclude", "shop/marketing-plan")
    assert planned.last.endswith("; 2 blocked."), planned.out


def test_what_else_blocks_the_drafts_is_said(approved: Project, reconciler: Command) -> None:
    approved.edit("sites/shop.yaml", "schedule: {", "schedule: {paused: hold, ")
    planned = reconciler("plan", approved.root, "--target", "shop/draft")
    assert (planned.last, "publishing is paused" in planned.out) == ("No changes; 2 blocked.", True)


def test_a_saved_plan_keeps_the_blocked_drafts(
    approved: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(approved.root)
    assert reconciler("plan", "--exclude", "shop/marketing-plan", "--out", "friday.plan").code == 0
    assert CAUSE in " ".join(reconciler("show", "friday.plan").out.split())
    applied = reconciler("apply", "friday.plan", "--allow-publish")
    assert (applied.code, "2 blocked" in applied.out) == (0, True), applied.out + applied.err
    assert scheduled(approved) == []


def test_a_marketing_plan_that_is_kept_schedules_its_drafts(approved: Project, reconciler: Command) -> None:
    """The fix that the plan names."""
    approved.edit("sites/shop.yaml", GENERATED, "marketingPlan: {state: present, regenerate: {when: never}}")
    applied = reconciler("apply", approved.root, "--auto-approve", "--allow-publish", "--target", "shop/draft")
    assert (applied.code, "2 published" in applied.last) == (0, True), applied.out
    assert len(scheduled(approved)) > 0


@pytest.mark.parametrize("more", [(), ("--strict",)])
def test_a_regeneration_that_is_asked_for_cannot_be_left_out(
    approved: Project, reconciler: Command, more: tuple[str, ...]
) -> None:
    planned = reconciler("plan", approved.root, "--regenerate", "shop", "--target", "shop/draft", *more)
    assert (planned.code, "--target or --exclude leaves its marketing plan out" in planned.err) == (1, True)


def test_an_audit_refuses_no_regeneration_that_is_left_out(approved: Project, reconciler: Command) -> None:
    assert ", 1 refused, " in reconciler("drift", approved.root).last
    audited = reconciler("drift", approved.root, "--target", "shop/draft")
    assert (audited.code, audited.last) == (0, "No drift; 2 blocked, in 1 of 1 site.")
