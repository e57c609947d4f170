"""One site's year in brief: a scenario of commits, each with the result of an undisturbed apply.

Every stage starts from a checkpoint: the files, the world and the state that the previous stage left on disk. A test
disturbs a stage, runs it again, and compares the result with the checkpoint that the undisturbed stage left.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconciler.executor.ledger import SiteLedger
from reconciler.executor.ports import PollPolicy
from reconciler.machine import utc_now
from reconciler.model.activities import Activity
from reconciler.model.approvals import ActivityDecision
from reconciler.model.posts import Post, PostStatus
from reconciler.model.sites import Need, RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.unstopped import failed_cancel
from reconciler.sandbox.app import Sandbox
from reconciler.state.folder import LocalFolder
from reconciler.state.sites import StateStore
from tests.laws.reviewing import write_approvals
from tests.laws.whole_run import SITE_ID, START, Json, WholeRun

POLL_POLICY = PollPolicy(timedelta(seconds=5), timedelta(minutes=2))
SEED: Json = {
    "clock": START,
    "freeze": True,
    "unknowns": {"cancelGives": "DRAFT"},  # so that what was cancelled can be approved again
    "latency": {"generate": 12, "regenerate": 12, "posts": 8, "media": 6},
    "sites": [
        {
            "id": SITE_ID,
            "timeZone": "Europe/Paris",
            "channels": ["INSTAGRAM", "FACEBOOK"],
            "settings": {"toneOfVoice": "dry", "customContentGuidelines": "no puns"},
            "events": [
                {"name": "Sale", "date": "2026-12-24T00:00:00Z"},
                {"name": "Fair", "date": "2026-12-12T00:00:00Z"},
                {"name": "Old", "date": "2026-12-20T00:00:00Z"},
            ],
            "foreignEvents": [{"name": "Team lunch", "date": "2026-12-18T00:00:00Z"}],
        }
    ],
}


# --- the stages ------------------------------------------------------------------------------------

SETTINGS: Json = {
    "marketingPlanGoal": {"goalKey": "BOOST_SALES"},
    "marketingTools": ["SOCIAL_MARKETING", "BLOGS"],
    "topics": {"included": ["mugs", "bowls", "plates"]},
    "toneOfVoice": "warm",
    "customContentGuidelines": None,
}
EVENTS: list[Json] = [
    {"name": "Sale", "date": "2026-12-26", "description": "30% off"},
    {"name": "Fair", "date": "2026-12-12"},
    {"name": "Black week", "date": "2026-12-14"},
    {"name": "Studio day", "recurringRule": {"frequency": "MONTHLY"}},
]
OPEN_STUDIO = {
    "title": "Open studio",
    "description": "Come by",
    "targetDate": "2026-12-05T10:00:00Z",
    "marketingActivityType": "SOCIAL_MARKETING",
}
NIGHT = {**OPEN_STUDIO, "title": "Night shift", "targetDate": "2026-12-08T18:00:00Z"}
FIRST: Json = {
    "settings": SETTINGS,
    "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}},
    "calendarEvents": {"prune": True, "events": EVENTS},
    "marketingPlan": {"state": "present", "regenerate": {"discard": "all"}},
    "activities": [
        {"match": {"title": "*simple*"}, "set": {"description": "By hand"}, "max": 2},
        {"match": {"title": "*guide*"}, "state": "absent"},
        {"create": OPEN_STUDIO},
    ],
    "posts": [{"match": {"title": "Open studio"}}, {"match": {"within": "16d"}, "max": 6}],
    "schedule": {"rules": [{"match": {"within": "16d"}, "channels": ["INSTAGRAM", "FACEBOOK"], "max": 2}]},
}
REGENERATED: Json = {
    **FIRST,
    "settings": {**SETTINGS, "topics": {"included": ["mugs", "vases"]}},
    "calendarEvents": {"prune": True, "events": [EVENTS[0], {**EVENTS[1], "description": "Hall 4"}, *EVENTS[2:]]},
}
EDITED: Json = {
    **REGENERATED,
    "activities": [
        {"match": {"title": "*simple*"}, "set": {"title": "Simply made", "description": "By two hands"}, "max": 2},
        {"match": {"title": "*guide*"}, "state": "absent"},
        {"match": {"title": "*long read*"}, "state": "absent"},
        {"create": {**OPEN_STUDIO, "description": "Come by, all day"}},
        {"create": NIGHT},
    ],
    "posts": [
        {"match": {"within": "3d"}, "state": "absent"},
        {"match": {"title": "Open studio"}},
        {"match": {"title": "Night shift"}},
        {"match": {"within": "20d"}, "max": 7},
    ],
}
SCHEDULED: Json = {
    **EDITED,
    "schedule": {
        "rules": [{"match": {"within": "16d"}, "channels": ["INSTAGRAM", "FACEBOOK"], "max": 4, "at": "18:30"}]
    },
}
TAKEN_BACK: Json = {
    **SCHEDULED,
    "posts": [{"match": {"within": "6d"}, "state": "absent"}],
    "schedule": {
        "manage": "all",
        "rules": [{"match": {"within": "16d"}, "channels": ["INSTAGRAM"], "max": 4, "at": "18:30"}],
    },
}
REMOVED: Json = {
    "calendarEvents": {"prune": True, "events": []},
    "marketingPlan": {"state": "absent", "regenerate": {"discard": "all"}},
}


def approve_some(run: WholeRun) -> None:
    """The first activities are approved, others are to be regenerated or discarded, the rest undecided."""
    decisions = [ActivityDecision(word) for word in ("keep", "keep", "regenerate", "discard", "regenerate-media")]
    live = activities_of(run)
    yes = {post.id for activity in live[:2] for post in activity.posts}
    decided = {activity.id: decision for activity, decision in zip(live, decisions, strict=False)}
    write_approvals(
        run.root, live, lambda post: post.id in yes, lambda activity: decided.get(activity.id, ActivityDecision.KEEP)
    )


def approve_all(run: WholeRun) -> None:
    """Everything is approved as it is now, and what was cancelled before is approved again."""
    recorded = recorded_of(run)
    write_approvals(run.root, activities_of(run), lambda _: True, times=lambda post: _times(post, recorded))


def withdraw_some(run: WholeRun) -> None:
    """Among the waiting posts, one loses its approval, and the activity of another is discarded."""
    live = activities_of(run)
    waiting = [activity for activity in live if any(post.status is PostStatus.SCHEDULED for post in activity.posts)]
    assert len(waiting) > 1, "the scenario schedules too little to take back"
    withdrawn = {post.id for post in waiting[0].posts}
    discarded = waiting[1].id
    write_approvals(
        run.root,
        live,
        lambda post: post.id not in withdrawn,
        lambda activity: ActivityDecision.DISCARD if activity.id == discarded else ActivityDecision.KEEP,
    )


def _times(post: Post, recorded: RecordedSite) -> int:
    """How often the content of a post was scheduled and cancelled."""
    if post.status is PostStatus.SCHEDULED:
        return 0
    published = (record.times for record in recorded.published if (record.id, record.digest) == (post.id, post.digest))
    return next(published, 0)


@dataclass(frozen=True)
class Stage:
    """A commit: the site file, and what reviewers decide about the activities that have posts, in order."""

    name: str
    site: Json
    review: Callable[[WholeRun], None] | None = None


STAGES = (
    Stage("generated", FIRST),
    Stage("regenerated", REGENERATED),
    Stage("edited", EDITED),
    Stage("reviewed", EDITED, approve_some),
    Stage("scheduled", SCHEDULED, approve_all),
    Stage("withdrawn", SCHEDULED, withdraw_some),
    Stage("approved again", SCHEDULED, approve_all),
    Stage("taken back", TAKEN_BACK),
    Stage("removed", REMOVED),
)


# --- a run on disk ---------------------------------------------------------------------------------


def at_rest(root: Path) -> WholeRun:
    """A run over the contents of a folder: files, world and state. Close its sandbox when done."""
    sandbox = Sandbox(root / "world.db", SEED)
    return WholeRun(root, sandbox, LocalFolder(root / ".reconciler"), POLL_POLICY, allow_publish=True)


def commit(run: WholeRun, stage: Stage) -> None:
    """Puts a stage's files in place; the review is of what is live now."""
    run.sandbox.advance(timedelta(minutes=1))  # no two commits are made at one moment
    run.write(stage.site)
    if stage.review is not None:
        stage.review(run)


def activities_of(run: WholeRun) -> list[Activity]:
    """The live activities that have posts, by date."""
    observed = asyncio.run(run.observe(frozenset({Need.MARKETING_PLAN})))
    assert observed.marketing_plan is not None
    return sorted(
        (activity for activity in observed.marketing_plan.activities if activity.posts),
        key=lambda activity: (activity.date, activity.id),
    )


def recorded_of(run: WholeRun) -> RecordedSite:
    return asyncio.run(StateStore(run.store, now=utc_now).load(run.desired().ref))


# --- what counts -----------------------------------------------------------------------------------

REPEATABLE = ("POST /promote/marketing-plan-service/v1/marketing-settings", "PUT ", "PATCH ", "DELETE ")
"""Writes that have the same effect when done twice."""

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def once_only(writes: list[Json]) -> Counter[str]:
    """How often each thing was done that must be done only once: generations, creates, posts requested or scheduled."""
    counted: Counter[str] = Counter()
    for write in writes:
        route = f"{write['method']} {_GUID.sub('*', write['path'])}"
        if route.startswith(REPEATABLE):
            continue
        body = json.loads(write["body"] or "{}")
        ids = body.get("marketingActivityIds") or body.get("draftIds")
        made = body.get("calendarEvent") or body.get("marketingActivity") or {}
        what = made.get("name") or made.get("title") or body.get("marketingActivityId") or ""
        counted[f"{route} {what}".strip()] += len(ids) if ids else 1
    return counted


def normal_world(sandbox: Sandbox) -> Json:
    """The live site without ids, creation times and counters: contents, statuses, and when posts go out."""
    site = sandbox.world()["sites"][SITE_ID]
    items = {key: _normal_item(record["item"]) for key, record in site["items"].items()}
    attached = {item for activity in site["activities"].values() for item in activity["items"]}
    return {
        "plan": {key: site["plan"].get(key) for key in ("status", "generation", "researched")},
        "settings": {key: (site["settings"] or {}).get(key) for key in ("settings", "overrides")},
        "events": _sorted({k: v for k, v in event["shown"].items() if k not in _PASSING} for event in site["events"]),
        "activities": _sorted(
            {
                **{key: activity.get(key) for key in ("date", "title", "description", "type")},
                "items": _sorted(items[item] for item in activity["items"]),
            }
            for activity in site["activities"].values()
        ),
        "others": _sorted(item for key, item in items.items() if key not in attached),
        "features": site["features"],
        "jobs": len(site["jobs"]),
    }


_PASSING = ("id", "createdDate", "updatedDate", "draftInfo")


def _normal_item(item: Json) -> Json | None:
    """A post without its ids. What a draft says, and whether there is a story, is the AI's choice each time."""
    if item["status"] != "DRAFT":
        return {key: value for key, value in item.items() if key not in _PASSING}
    return None if item["type"] == "STORY" else {"channel": item["channel"], "type": item["type"], "status": "DRAFT"}


def _sorted(values: Any) -> list[Any]:
    return sorted((value for value in values if value is not None), key=lambda value: json.dumps(value, sort_keys=True))


def normal_record(recorded: RecordedSite) -> Json:
    """What is in the state, without ids and times, and without cancels that failed before they were done."""
    return {
        "in force": str(recorded.generated_from),
        "due": str(recorded.pending),
        "applied": str(recorded.applied),
        "events": sorted(name for name, _ in recorded.event_ids),
        "foreign": len(recorded.foreign_calendars) + len(recorded.foreign_events),
        "created": sorted((activity.title, str(activity.target_date)) for activity in recorded.created),
        "published": sorted(
            (post.digest, post.channel, str(post.scheduled_for), post.times) for post in recorded.published
        ),
        "consumed": sorted((decision, digest) for _, decision, digest in recorded.consumed),
        "open": [(entry.address, entry.call) for entry in recorded.open],
        "objects": sorted(
            (_GUID.sub("*", key), str(facts)) for key, facts in recorded.objects if facts != failed_cancel(None)
        ),
        "sets": sorted((remembered.rule, len(remembered.activities)) for remembered in recorded.sets),
    }


def final_record(run: WholeRun) -> Json:
    """What is in the state after one more apply, which only records what is already as the file asks."""
    before = len(run.requests())
    ledger = run.apply()
    assert ledger.entries == (), f"left to do: {ledger.entries}"
    assert not any(request["wrote"] for request in run.requests()[before:])
    return normal_record(recorded_of(run))


# --- checkpoints -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Undisturbed:
    """A stage in which nothing goes wrong: the folder it starts from, and what it ends with."""

    stage: Stage
    start: Path
    plan: Plan
    ledger: SiteLedger
    requests_before: int
    writes: tuple[Json, ...]
    world: Json
    record: Json


def play(folder: Path) -> tuple[Undisturbed, ...]:
    """Plays the scenario without disturbing it; leaves the start of each stage in a folder of its own."""
    current = folder / "current"
    current.mkdir(parents=True)
    played: list[Undisturbed] = []
    for place, stage in enumerate(STAGES):
        run = at_rest(current)
        commit(run, stage)
        before = len(run.requests())
        run.sandbox.close()
        start = folder / f"start-{place}"
        shutil.copytree(current, start)
        run = at_rest(current)
        ledger = run.apply()
        assert run.planned is not None
        plan = run.planned
        writes = tuple(request for request in run.requests()[before:] if request["wrote"])
        world, record = normal_world(run.sandbox), final_record(run)
        played.append(Undisturbed(stage, start, plan, ledger, before, writes, world, record))
        run.sandbox.close()
    return tuple(played)
