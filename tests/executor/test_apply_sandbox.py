"""Whole runs against the sandbox: through the client, the planner and the real journal, with lost answers and kills."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reconciler.executor.ledger import tally_of
from reconciler.model.policy import Policy
from reconciler.reporters.diagnostics import sentence
from reconciler.sandbox.app import Seen
from reconciler.state.lease import Lease, LeaseLost
from tests.laws.scenario import recorded_of
from tests.laws.whole_run import WholeRun

SITE = {
    "settings": {"toneOfVoice": "warm", "marketingTools": ["SOCIAL_MARKETING"]},
    "calendarEvents": {"events": [{"name": "Sale", "date": "2026-12-24"}]},
    "marketingPlan": {"state": "present"},
    "activities": [
        {
            "create": {
                "title": "Open studio",
                "description": "Come by",
                "targetDate": "2026-12-05T10:00:00Z",
                "marketingActivityType": "SOCIAL_MARKETING",
            }
        }
    ],
    "posts": [{"match": {"within": "21d"}, "state": "present"}],
    "schedule": {"approval": "none", "rules": [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"], "max": 2}]},
}
WORLD = {"published": True, "channels": ["INSTAGRAM"]}


def whole(tmp_path: Path, **seed: Any) -> WholeRun:
    run = WholeRun.of(tmp_path, SITE, WORLD, **seed)
    run.allow_publish = True
    return run


def asked(run: WholeRun) -> Counter[str]:
    """How often each route changed the world."""
    return Counter(f"{write['method']} {write['path'].rsplit('/', 1)[-1]}" for write in run.writes())


def converge(run: WholeRun, most: int = 6) -> None:
    """Runs until nothing is left to do."""
    for _ in range(most):
        ledger = run.apply()
        if not ledger.entries:
            return
    raise AssertionError(f"still {ledger.entries} after {most} runs")


def scheduled(run: WholeRun) -> list[str]:
    (site,) = run.sandbox.world()["sites"].values()
    items = [item["item"] for item in site["items"].values()]
    return sorted(item["id"] for item in items if item["status"] == "SCHEDULED")


def test_a_first_run_does_it_all_and_the_next_has_nothing_to_do(tmp_path: Path) -> None:
    run = whole(tmp_path)
    tally = tally_of([run.apply()])
    assert (tally.failed, tally.unknown, tally.pending, tally.skipped) == (0, 0, 0, 0)
    assert (tally.published, tally.promised.published) == (0, 2)
    converge(run, 2)
    assert asked(run)["POST generate-marketing-plan"] == 1
    assert len(scheduled(run)) == 2


ABSENT_POSTS = {"posts": [{"match": {"title": "*simple*"}, "state": "absent"}]}
ABSENT_ACTIVITIES = {"activities": [{"match": {"title": "*simple*"}, "state": "absent"}]}


@pytest.mark.parametrize("absent", [ABSENT_POSTS, ABSENT_ACTIVITIES], ids=["posts", "activities"])
@pytest.mark.parametrize("discard", ["nothing", "all"])
def test_new_drafts_that_are_to_be_absent_do_not_go_out(tmp_path: Path, discard: str, absent: dict[str, Any]) -> None:
    """The guards keep them on the site: no plan has named them, or they are more than one run may remove."""
    run = whole(tmp_path)
    schedule = {"approval": "none", "rules": [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"]}]}
    marketing_plan = {"state": "present", "regenerate": {"discard": discard}}
    policy = Policy(max_discard=3, max_delete=0)
    run.write({"marketingPlan": marketing_plan, "schedule": schedule, **absent})
    run.apply(policy=policy)
    (site,) = run.sandbox.world()["sites"].values()
    of = {item["item"]["id"]: site["activities"][item["activity"]]["title"] for item in site["items"].values()}
    assert any("simple" in title for title in of.values()), "they are still there"
    titles = [of[post] for post in scheduled(run)]
    assert titles
    assert not [title for title in titles if "simple" in title]


def test_new_drafts_that_cannot_go_out_take_no_place_of_those_that_can(tmp_path: Path) -> None:
    """With one post a day, whether the channels of the other rule's drafts are connected decides which one goes out."""
    rules = [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"]}, {"match": {"within": "14d"}}]
    run = whole(tmp_path)
    run.write({**SITE, "schedule": {"approval": "none", "rules": rules}})
    ledger = run.apply(policy=Policy(max_publish_per_site_per_day=1))
    assert len(scheduled(run)) == tally_of([ledger]).promised.published > 2
    assert not run.plan(policy=Policy(max_publish_per_site_per_day=1)).actions
    said = [sentence(note) for note in ledger.notes]
    assert any("(LinkedIn): LinkedIn is not connected" in line for line in said)
    assert not [line for line in said if line.startswith("shop/draft[")], "posts are called what people call them"


@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "truncated", "error-after"])
@pytest.mark.parametrize(
    "route",
    [
        "POST /marketing-settings",
        "POST /events",
        "POST /marketing-plan/generate-marketing-plan",
        "POST */items",
        "POST /marketing-plan/generate-social-posts",
        "POST /marketing-plan/schedule-drafts",
    ],
)
def test_a_lost_answer_makes_nothing_twice(tmp_path: Path, route: str, kind: str) -> None:
    run = whole(tmp_path, faults=[{"route": route, "times": 1, "do": {"kind": kind}}])
    converge(run)
    assert [request["fault"] for request in run.requests() if request["fault"]] == [kind]
    assert_once(run)


@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "error-after"])
def test_a_lost_answer_of_a_regeneration_starts_no_second_one(tmp_path: Path, kind: str) -> None:
    run = whole(tmp_path)
    converge(run)
    run.write({**SITE, "settings": {"toneOfVoice": "dry"}, "marketingPlan": {"regenerate": {"discard": "all"}}})
    run.sandbox.add_fault({"route": "POST /marketing-plan/regenerate-marketing-plan", "times": 1, "do": {"kind": kind}})
    converge(run)
    assert asked(run)["POST regenerate-marketing-plan"] == 1


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_at_any_write_is_finished_by_the_next(tmp_path: Path, when: str) -> None:
    whole_run = whole(tmp_path / "whole")
    converge(whole_run)
    for number in range(len(whole_run.writes())):
        run = whole(tmp_path / f"{when}-{number}")
        left = [number]

        def kill(seen: Seen, left: list[int] = left) -> None:
            reads = ("/query", "/marketing-activity-posts", "/token")
            if seen.when != when or seen.method == "GET" or seen.path.endswith(reads):
                return
            left[0] -= 1
            if left[0] == -1:
                raise Killed

        run.sandbox.add_hook("*", kill)
        with pytest.raises(Killed):
            run.apply()
        converge(run)
        assert_once(run)


class LostBefore(Lease):
    """A lease that is lost right before one of the attempts at a write."""

    def __init__(self, number: int) -> None:
        self.taken_over = None
        self._left = number

    def check(self) -> None:
        """Notices nothing: somebody else removed the lock."""

    async def confirm(self) -> None:
        if self._left == 0:
            raise LeaseLost("locks/shop.json", "the lock of shop was removed", "run again", continues=False)
        self._left -= 1


def test_a_call_that_a_lost_lease_kept_from_being_sent_is_not_left_open(tmp_path: Path) -> None:
    whole_run = whole(tmp_path / "whole")
    converge(whole_run)
    for number in range(len(whole_run.writes())):
        run = whole(tmp_path / str(number))
        run.lease = LostBefore(number)
        ledger = run.apply()
        assert ledger.error is not None
        assert tally_of([ledger]).unknown == 0
        assert [entry.call for entry in recorded_of(run).open if not entry.sent] == []
        run.lease = None
        converge(run)
        assert_once(run)


def test_a_call_is_left_open_if_the_lease_is_lost_before_its_second_attempt(tmp_path: Path) -> None:
    run = whole(tmp_path)
    run.sandbox.add_fault({"route": "POST */marketing-settings", "times": 1, "do": {"kind": "drop-after"}})
    run.lease = LostBefore(2)
    ledger = run.apply()
    assert tally_of([ledger]).unknown == 1
    assert [entry.call for entry in recorded_of(run).open if not entry.sent] == ["update-settings"]


def assert_once(run: WholeRun) -> None:
    (site,) = run.sandbox.world()["sites"].values()
    assert len(scheduled(run)) == 2
    assert [event["shown"]["name"] for event in site["events"]] == ["Sale"]
    titles = [activity["title"] for activity in site["activities"].values()]
    assert titles.count("Open studio") == 1
    counts = asked(run)
    assert counts["POST generate-marketing-plan"] == 1
    assert counts["POST regenerate-marketing-plan"] == 0
