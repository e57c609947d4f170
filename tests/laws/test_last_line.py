"""The last line tells what happened: its numbers are those of the sandbox's state, and of the plan before it."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.reporters.last_lines import NOTHING_PUBLIC
from tests.cli.conftest import reconciler as reconciler
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, Ran, site

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 40))]
EVENTS = ("Sale", "Open day", "Fair", "Workshop")
SITES = ("shop-a", "shop-b")
TERMS = {"add": "added", "change": "changed", "destroy": "destroyed", "generate": "generated", "discard": "discarded"}


def numbers(line: str) -> dict[str, int]:
    """`Plan: 3 to add, ...` and `Apply: 3 added, ...` under the same names, without what follows `plus`."""
    found = {word: int(number) for number, word in re.findall(r"(\d+) (?:to )?([a-z]+)", line.partition("; plus")[0])}
    return {plan: found.get(plan, 0) + found.get(done, 0) for plan, done in TERMS.items()}


def declared(dice: random.Random, name: str, number: int) -> str:
    tone = dice.choice(("dry", "warm", "warm and playful"))
    events = "".join(
        f"    - {{name: {event}, date: 2026-12-{dice.randint(1, 3):02d}}}\n" for event in EVENTS if dice.random() < 0.5
    )
    listed = f"  events:\n{events}" if events else "  events: []\n"
    text = site(name, number).replace("warm and playful", tone)
    regenerate = "{state: present, regenerate: {discard: all}}"
    return text.replace("{state: present}", regenerate) + f"calendarEvents:\n  prune: true\n{listed}"


def state_of(project: Project) -> tuple[set[str], Counter[str]]:
    """Ids of events, and how many generations were asked for."""
    with project.world() as world:
        sites = world.world()["sites"]
        calls = Counter(
            "generate" for call in world.requests() if re.search(r"/(re)?generate-marketing-plan$", call["path"])
        )
    events = {event["shown"]["id"] for found in sites.values() for event in found["events"]}
    return events, calls


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 25))])
def test_the_last_line_is_what_happened(seed: int, tmp_path: Path, reconciler: Command) -> None:
    dice, project = random.Random(seed), Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX})
    for _ in range(3):
        project.write({f"sites/{name}.yaml": declared(dice, name, n) for n, name in enumerate(SITES, 1)})
        planned = reconciler("plan", project.root)
        assert planned.code == 0, planned.err
        events, calls = state_of(project)
        done = reconciler("apply", project.root, "--auto-approve")
        assert done.code == 0, done.out
        after, later = state_of(project)
        if planned.last == "No changes.":
            assert done.last == "No changes."
            assert (after, later) == (events, calls)
            continue
        promised, told = numbers(planned.last), numbers(done.last)
        assert planned.last.endswith(NOTHING_PUBLIC), "no post of these worlds is ever scheduled"
        assert promised == told, (planned.last, done.last)
        assert (told["add"], told["destroy"]) == (len(after - events), len(events - after)), done.last
        assert told["generate"] == later["generate"] - calls["generate"], done.last
        assert reconciler("plan", project.root).last == "No changes."


RULES = (
    "activities:\n"
    "  - create: {title: Open studio, description: DESCRIPTION, targetDate: 2026-12-05T10:00:00Z, "
    "marketingActivityType: SOCIAL_MARKETING}\n",
    "  - match: {title: '*made*'}\n    set: {description: DESCRIPTION}\n",
    "  - match: {title: '*week*'}\n    state: absent\n",
    "posts:\n  - match: {within: 7d}\n    max: 3\n",
    "  - match: {title: 'A closer*'}\n    state: absent\n",
)
"""Parts of a site's rules. What they match is decided after generation, if there is one."""


def with_rules(dice: random.Random) -> str:
    described = dice.choice(("Come by", "Come in"))
    headless = [part for part in RULES if dice.random() < 0.7]
    found, heads = "", set()
    for part in headless:
        head = "posts:\n" if RULES.index(part) >= 3 else "activities:\n"
        found += ("" if head in heads else head) + part.removeprefix(head)
        heads.add(head)
    return found.replace("DESCRIPTION", described)


@dataclass(frozen=True, slots=True)
class World:
    """What the sandbox has of a site."""

    settings: dict[str, Any]
    events: dict[str, Any]
    activities: dict[str, Any]
    drafts: dict[str, str]
    """The activity of each draft."""
    generation: int


def world_of(project: Project, number: int) -> World:
    with project.world() as world:
        site = world.world()["sites"][f"3f0c2a9e-8d0b-4b7c-9a55-{number:012d}"]
    activities = {id: (found["title"], found["description"], found["date"]) for id, found in site["activities"].items()}
    return World(
        site["settings"]["settings"],
        {found["shown"]["id"]: found["shown"] for found in site["events"]},
        activities,
        {id: record["activity"] for id, record in site["items"].items()},
        site["plan"]["generation"] if site["plan"] else 0,
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> Counter[str]:
    """How many objects were added, changed and destroyed."""
    kept = before.keys() & after.keys()
    return Counter(
        added=len(after.keys() - kept),
        changed=sum(before[key] != after[key] for key in kept),
        destroyed=len(before.keys() - kept),
    )


def by_rules(before: World, after: World) -> Counter[str]:
    """What rules did to activities and their posts."""
    posts = {after.drafts[id] for id in after.drafts.keys() - before.drafts.keys()}
    gone = before.drafts.keys() - after.drafts.keys()
    return changes(before.activities, after.activities) + Counter(posts=len(posts), discarded=len(gone))


def by_line(line: str) -> tuple[Counter[str], Counter[str]]:
    """The numbers of an `Apply:` line: those that agree with its plan, and those after `plus`."""
    base, _, plus = line.rstrip(".").partition("; plus ")
    words = re.findall(r"(\d+) (?:activity |activities |drafts? )?([a-z]+)", plus)
    return counted(base), Counter({"posts" if word == "post" else word: int(number) for number, word in words})


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_decided_after_generation_is_counted_apart(seed: int, tmp_path: Path, reconciler: Command) -> None:
    """A twin of the project without rules shows the site as it was right after its generation."""
    dice, project = random.Random(seed), Project(tmp_path / "shops")
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX})
    numbers_of = dict(enumerate(SITES, 1))
    for turn in range(4):
        plain = {f"sites/{name}.yaml": declared(dice, name, number) for number, name in numbers_of.items()}
        before = {number: world_of(project, number) for number in numbers_of} if turn else {}
        twin = Project(tmp_path / f"twin-{turn}")
        shutil.copytree(project.root, twin.root)
        twin.write(plain)
        assert reconciler("apply", twin.root, "--auto-approve").code == 0
        project.write({path: text + with_rules(dice) for path, text in plain.items()})
        planned = reconciler("plan", project.root)
        done = reconciler("apply", project.root, "--auto-approve")
        assert (planned.code, done.code) == (0, 0), planned.out + done.out
        told, plus = by_line(done.last)
        assert numbers(planned.last) == numbers(done.last), (planned.last, done.last)
        now, later = Counter[str](), Counter[str]()
        for number in numbers_of:
            after, generated = world_of(project, number), world_of(twin, number)
            was = before.get(number, World({}, {}, {}, {}, 0))
            now += changes(was.events, after.events) + Counter(changed=was.settings != after.settings)
            if after.generation == was.generation:
                now += by_rules(was, after)
                continue
            assert after.generation == generated.generation
            now += Counter(generated=1, discarded=len(was.drafts.keys() - generated.drafts.keys()))
            later += by_rules(generated, after)
        if not turn:  # where nothing has been generated yet, what is to be created is known
            now["added"] += later.pop("added", 0)
        now["generated"] += now.pop("posts", 0)
        assert (+told, +plus) == (+now, +later), done.out
        assert reconciler("plan", project.root).last == "No changes."


LOSSES = (
    "marketingPlan: {state: absent, regenerate: {discard: all}}\n",
    "settings: {toneOfVoice: warm}\nmarketingPlan: {state: present, regenerate: {discard: all}}\n",
    "marketingPlan: {regenerate: {discard: all}}\nactivities:\n  - match: {title: '*1'}\n    state: absent\n",
    "activities:\n  - match: {title: '*2'}\n    set: {targetDate: 2026-12-24T09:00:00Z}\n",
    "posts:\n  - match: {title: '*'}\n    state: absent\n",
)
"""Files that throw drafts away, or might seem to."""
STATUSES = ("DRAFT", "DRAFT", "FAILED", "CANCELED", "PUBLISHED")
DATES = ("2026-04-03T09:00", "2026-06-21T09:00", "2026-08-30T09:00", "2026-11-01T09:00", "2026-11-02T08:00",
         "2026-11-02T10:00", "2026-11-05T09:00", "2027-02-01T09:00")  # fmt: skip
"""Long past, yesterday, earlier today, soon, and beyond what is generated."""


def world_with_drafts(dice: random.Random) -> str:
    def items() -> str:
        return ", ".join(
            f"{{channel: {channel}, caption: a, status: {dice.choice(STATUSES)}, "
            "media: ['https://static.wixstatic.com/media/a.jpg']}"
            for channel in ("INSTAGRAM", "FACEBOOK")
        )

    activities = "".join(
        f"      - {{title: Day {dice.randint(1, 2)}, date: '{date}:00Z', items: [{items()}]}}\n" for date in DATES
    )
    return (
        f"{SANDBOX}sites:\n  {SHOP}:\n    settings: {{toneOfVoice: dry}}\n    plan:\n      status: ACTIVE\n"
        f"      activities:\n{activities}"
    )


@pytest.mark.parametrize("shown", ["whole", "none"])
@pytest.mark.parametrize("file", LOSSES)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_draft_that_is_thrown_away_is_counted(
    seed: int, file: str, shown: str, tmp_path: Path, reconciler: Command
) -> None:
    """Also if the marketing plan does not show the posts of its activities (`shown`)."""
    project = Project(tmp_path)
    head = f"version: 1\nsite: {{name: shop-a, id: {SHOP}}}\n"
    world = f"{world_with_drafts(random.Random(seed))}unknowns: {{planItems: {shown}}}\n"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world, "sites/shop-a.yaml": head + file})
    planned, before = reconciler("plan", project.root), drafts_of(project)
    done = reconciler("apply", project.root, "--auto-approve")
    lost = len(before - drafts_of(project))
    assert (planned.code, done.code) == (0, 0), planned.out + done.out
    assert (numbers(planned.last)["discard"], numbers(done.last)["discard"]) == (lost, lost), done.out


@pytest.mark.parametrize("shown", ["whole", "none"])
@pytest.mark.parametrize("word", ["discard", "regenerate"])
def test_drafts_that_a_decision_throws_away_are_counted_although_others_of_the_activity_are_scheduled(
    word: str, shown: str, tmp_path: Path, reconciler: Command
) -> None:
    """A marketing plan that shows no posts does not make the decision come to nothing."""
    project = Project(tmp_path)
    items = "".join(f"{{channel: {channel}, caption: Words}}, " for channel in ("INSTAGRAM", "FACEBOOK", "PINTEREST"))
    activity = f"{{title: Day, date: '2026-11-05T09:00:00Z', items: [{items}]}}"
    plan = f"plan: {{status: ACTIVE, activities: [{activity}]}}\n"
    seed = f"sites:\n  {SHOP}:\n    channels: [INSTAGRAM, FACEBOOK]\n    {plan}"
    file = "schedule: {approval: required, rules: [{match: {within: 14d}, channels: [INSTAGRAM]}]}\n"
    shop = f"version: 1\nsite: {{name: shop-a, id: {SHOP}}}\nposts: [{{match: {{within: 14d}}}}]\n{file}"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX + seed + f"unknowns: {{planItems: {shown}}}\n"})
    project.write({"sites/shop-a.yaml": shop})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("review", project.root).code == 0
    assert reconciler("approve", project.root, "--all", "--yes").code == 0
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    before = drafts_of(project)
    assert len(before) == 2
    assert reconciler("approve", project.root, "--decision", word, "--title", "Day", "--yes").code == 0
    planned = reconciler("plan", project.root)
    done = reconciler("apply", project.root, "--auto-approve")
    gone = len(before - drafts_of(project))  # a draft that is regenerated keeps its id
    assert (done.code, gone) == (0, 2 if word == "discard" else 0), done.out
    for ran in (planned, done):
        assert (numbers(ran.last)["discard"], re.search("1 (to cancel|cancelled)", ran.last) is None) == (2, False)


FAILS_ONCE = "faults: [{route: POST *regenerate-marketing-plan, times: 1, do: {kind: failed}}]\n"


def test_drafts_that_nobody_could_count_are_not_passed_over_after_a_failed_generation(
    tmp_path: Path, reconciler: Command
) -> None:
    project = Project(tmp_path)
    world = f"{SANDBOX}{FAILS_ONCE}sites: {{{SHOP}: {{plan: ACTIVE, settings: {{toneOfVoice: dry}}}}}}\n"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world, "sites/shop-a.yaml": site("shop-a", 1)})
    assert reconciler("apply", project.root, "--auto-approve").code == 1
    before = drafts_of(project)
    assert reconciler("plan", project.root).last.startswith(
        "Plan: 0 to add, 0 to change, 0 to destroy, 1 to generate; plus an unknown number of drafts to discard."
    )
    assert reconciler("apply", project.root, "--auto-approve").last == (
        "Apply: 0 added, 0 changed, 0 destroyed, 1 generated; plus an unknown number of drafts discarded."
    )
    assert before - drafts_of(project)


SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
POSTS = {f"bbbbbbbb-0000-4000-8000-{number:012d}": number for number in range(8)}
ENDS = ("published", "cancelled", "failed", "withheld", "skipped")
"""What happens to a post that a plan publishes or cancels, in the words of the last line."""


def published_world(dice: random.Random) -> str:
    """A site with generated posts, some of which fail when their time comes."""
    activities = "".join(
        f"      - id: aaaaaaaa-0000-4000-8000-{day:012d}\n"
        f"        date: '2026-11-{5 + 2 * day:02d}T08:00:00Z'\n"
        f"        title: Day {day}\n"
        "        items:\n"
        + "".join(
            f"        - {{id: {id}, channel: {channel}, type: POST, caption: Hello {id[-2:]}, "
            "media: [https://static.wixstatic.com/media/a.jpg]}\n"
            for id, channel in zip(list(POSTS)[2 * day : 2 * day + 2], ("INSTAGRAM", "FACEBOOK"), strict=True)
        )
        for day in range(4)
    )
    fails = "faults: [{route: POST *schedule-drafts, times: 1, do: {kind: not-published, message: too long}}]\n"
    return (
        f"{SANDBOX}{fails if dice.random() < 0.7 else ''}sites:\n  {SHOP}:\n    channels: [INSTAGRAM, FACEBOOK]\n"
        f"    settings: {{toneOfVoice: dry}}\n    plan:\n      status: ACTIVE\n      activities:\n{activities}"
    )


def never_generated_again() -> str:
    """The file of a site in such a world, without a schedule."""
    text = site("shop-a", 1).replace("warm and playful", "dry").replace("  marketingTools: [SOCIAL_MARKETING]\n", "")
    return text.replace("{state: present}", "{state: present, regenerate: {when: never}}")


def decide(project: Project, dice: random.Random) -> None:
    """Some people approve, some change their minds."""
    path = project.root / "approvals" / "shop-a.yaml"
    text = path.read_text("utf-8")
    words = re.sub(
        r"decision: (?:approve|pending)(?= sha256)",
        lambda _: f"decision: {dice.choice(('approve', 'approve', 'pending'))}",
        text,
    )
    path.write_text(words, "utf-8")


def given_up(project: Project) -> set[str]:
    """The posts that somebody decided against, so that their failure is no longer drift."""
    text = (project.root / "approvals" / "shop-a.yaml").read_text("utf-8")
    drafts = [draft for activity in yaml.safe_load(text)["activities"] for draft in activity["drafts"]]
    return {draft["id"] for draft in drafts if draft["decision"].startswith("pending ")}


def waiting(project: Project) -> dict[str, tuple[str, str]]:
    """Status and time of each post."""
    with project.world() as world:
        items = world.world()["sites"][SHOP]["items"]
    return {
        id: (record["item"]["status"], str(record["item"].get("schedulingInfo")))
        for id, record in items.items()
        if id in POSTS
    }


def counted(line: str) -> Counter[str]:
    return Counter({word: int(number) for number, word in re.findall(r"(\d+) (?:to )?([a-z]+)", line)})


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 45))])
def test_the_last_line_says_what_became_of_posts(seed: int, tmp_path: Path, reconciler: Command) -> None:
    dice, project = random.Random(seed), Project(tmp_path)
    rules = "schedule: {approval: required, rules: [{match: {within: 30d}}]}\n"
    text = never_generated_again()
    project.write(
        {"reconciler.yaml": PROJECT, "sandbox.yaml": published_world(dice), "sites/shop-a.yaml": text + rules}
    )
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    for turn in range(4):
        reconciler("review", project.root)
        decide(project, dice)
        if turn % 2 == 0:  # something to do that concerns no post
            project.write({"sites/shop-a.yaml": text.replace("dry", f"dry {turn}") + rules})
        before = waiting(project)
        planned = reconciler("plan", project.root)
        promised = counted(planned.last)
        with project.world() as world:
            if dice.random() < 0.4:
                route = dice.choice(("POST *schedule-drafts", "PATCH *cancel"))
                world.add_fault({"route": route, "times": 1, "do": {"kind": "error", "status": 403}})
        allowed = ("--allow-publish",) if dice.random() < 0.7 else ()
        done = reconciler("apply", project.root, "--auto-approve", *allowed)
        told, after = counted(done.last), waiting(project)
        scheduled = sum(after[id][0] == "SCHEDULED" != before[id][0] for id in after)
        cancelled = sum(before[id][0] == "SCHEDULED" != after[id][0] for id in after)
        assert (told["published"], told["cancelled"]) == (scheduled, cancelled), (done.last, done.out)
        if planned.last.endswith(NOTHING_PUBLIC):
            assert "SCHEDULED" not in {status for status, _ in (*before.values(), *after.values())}, planned.out
        assert sum(told[word] for word in ENDS) == promised["publish"] + promised["cancel"], (promised, done.out)
        assert told["withheld"] == 0 if allowed else told["published"] == 0
        assert told["blocked"] == promised["blocked"], (planned.last, done.last)
        with project.world() as world:
            world.clear_faults()
            world.advance(timedelta(days=2))
        failed = sum(status == "FAILED" and id not in given_up(project) for id, (status, _) in waiting(project).items())
        drift = reconciler("drift", project.root)
        assert counted(drift.last)["drifted"] >= failed, drift.out
        assert drift.code == 2 if failed else True


NOT_MOVED: tuple[dict[str, Any], ...] = (
    {"kind": "error", "status": 400},
    {"kind": "error", "status": 428},
    {"kind": "error", "status": 503},
    {"kind": "drop-before"},
    {"kind": "drop-after"},
    {"kind": "error-after", "status": 400},
)
"""How a move ends that fails, or that only seems to."""


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 25))])
def test_the_last_line_says_how_many_posts_go_out_at_another_time(
    seed: int, tmp_path: Path, reconciler: Command
) -> None:
    """Each is scheduled at Wix's own time, and then moved to that of its rule."""
    dice, project = random.Random(seed), Project(tmp_path)
    rules = "schedule: {approval: required, rules: [{match: {within: 30d}, at: '09:30'}]}\n"
    world, file = published_world(dice), never_generated_again() + rules
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": world, "sites/shop-a.yaml": file})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    assert reconciler("review", project.root).code == 0
    assert reconciler("approve", project.root, "--all", "--yes").code == 0
    for _ in range(4):
        with project.world() as sandbox:
            faults = [{"route": "POST *reschedule", "times": dice.randint(1, 4), "do": dice.choice(NOT_MOVED)}] * 2
            for fault in faults:
                sandbox.add_fault(fault)
        before, planned = waiting(project), counted(reconciler("plan", project.root).last)
        done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
        told, after = counted(done.last), waiting(project)
        with project.world() as sandbox:
            sandbox.clear_faults()
        new = {id for id in after if (before[id][0], after[id][0]) == ("DRAFT", "SCHEDULED")}
        moved = {id for id in after if before[id] != after[id]} - new
        other = {id for id, (_, info) in after.items() if "T09:30" not in info}
        assert (told["published"], told["going"]) == (len(new | moved), len(other)), done.out
        assert told["failed"] + told["skipped"] == len(other), done.out
        assert planned["publish"] == told["published"] + len(other - new), (planned, done.out)
        assert (done.code == 0) is (not other), done.out


def test_a_refused_site_counts_only_as_refused(tmp_path: Path, reconciler: Command) -> None:
    project, dice = Project(tmp_path), random.Random(0)
    files = {f"sites/{name}.yaml": declared(dice, name, number) for number, name in enumerate(SITES, 1)}
    files["sites/shop-b.yaml"] += "expect: {channels: [TIKTOK]}\n"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, **files})
    planned = reconciler("plan", project.root)
    done = reconciler("apply", project.root, "--auto-approve")
    assert (planned.code, done.code) == (4, 4)
    assert numbers(planned.last) == numbers(done.last), (planned.last, done.last)
    assert (numbers(planned.last)["generate"], "1 refused" in planned.last, "1 refused" in done.last) == (1, True, True)


def generating(project: Project) -> int:
    """How many marketing plans are being generated."""
    with project.world() as world:
        return sum((site["plan"] or {}).get("status") == "GENERATING" for site in world.world()["sites"].values())


def drafts_of(project: Project) -> set[str]:
    """The drafts of the first shop."""
    with project.world() as world:
        items = world.world()["sites"][SHOP]["items"]
    return {id for id, record in items.items() if record["item"]["status"] == "DRAFT"}


def discarded_by(apply: Ran) -> int:
    """How many drafts an apply says that it discarded, or found discarded."""
    since = re.findall(r"ha(?:s|ve) since ended: (\d+) drafts? w\w+ discarded", apply.out)
    return numbers(apply.last)["discard"] + sum(map(int, since))


@pytest.mark.parametrize("seconds", [5, 200])
def test_drafts_that_go_after_the_run_that_discards_them_are_counted(
    seconds: int, tmp_path: Path, reconciler: Command
) -> None:
    """The next run waits for the regeneration, or finds that it has ended."""
    project = Project(tmp_path)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop")})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    before = drafts_of(project)
    project.edit("sandbox.yaml", "generate: 2s", "generate: 100s")
    project.edit("sites/shop.yaml", "playful", "dry")
    begun = reconciler("apply", project.root, "--auto-approve")
    assert (discarded_by(begun), len(before & drafts_of(project))) == (0, len(before)), begun.out
    with project.world() as world:
        world.advance(timedelta(seconds=seconds))
    planned = reconciler("plan", project.root)
    done = reconciler("apply", project.root, "--auto-approve")
    gone = len(before - drafts_of(project))
    assert discarded_by(done) == gone > 0, done.out + done.err
    if seconds < 100:
        assert numbers(planned.last) == numbers(done.last)
        assert f"the earlier generation finished, {gone} drafts discarded" in done.out
    else:
        assert (planned.last, done.last) == ("No changes.", "No changes.")
        assert f"has since ended: {gone} drafts were discarded" in planned.out
        assert f"has since ended: {gone} drafts were discarded" in done.out
    again = reconciler("plan", project.root)
    assert (again.last, "discarded" in again.out) == ("No changes.", False)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 15))])
def test_generations_of_an_earlier_run_count_as_finished_and_not_again_as_generated(
    seed: int, tmp_path: Path, reconciler: Command
) -> None:
    dice, project = random.Random(seed), Project(tmp_path)  # one site: the sandbox's clock is moved by whoever waits
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX.replace("generate: 2s", "generate: 100s")})
    finished = 0
    for _ in range(6):
        project.write({"sites/shop.yaml": site("shop").replace("playful", dice.choice(("dry", "playful", "playful")))})
        before, (_, calls) = generating(project), state_of(project)
        done = reconciler("apply", project.root, "--auto-approve")
        after, (_, later) = generating(project), state_of(project)
        started = later["generate"] - calls["generate"]
        generated = numbers(done.last)["generate"]
        ended = sum(int(found) for found in re.findall(r"(\d+) generations? finished", done.last))
        assert (ended <= before, generated <= started) == (True, True), done.out
        assert ended + generated == before + started - after, (before, started, after, done.out)
        finished += ended
    assert finished
