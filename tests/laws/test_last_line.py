"""The last line tells what happened: its numbers are those of the sandbox's state, and of the plan before it."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import reconciler as reconciler
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

EVENTS = ("Sale", "Open day", "Fair", "Workshop")
SITES = ("shop-a", "shop-b")
TERMS = {"add": "added", "change": "changed", "destroy": "destroyed", "generate": "generated", "discard": "discarded"}


def numbers(line: str) -> dict[str, int]:
    """`Plan: 3 to add, ...` and `Apply: 3 added, ...` under the same names."""
    found = {word: int(number) for number, word in re.findall(r"(\d+) (?:to )?([a-z]+)", line)}
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
        assert promised == told, (planned.last, done.last)
        assert (told["add"], told["destroy"]) == (len(after - events), len(events - after)), done.last
        assert told["generate"] == later["generate"] - calls["generate"], done.last
        assert reconciler("plan", project.root).last == "No changes."
