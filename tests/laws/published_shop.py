"""A shop whose drafts are reviewed and go out: the world, the approvals, and the results of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.engine.apply_sites import ApplyTotals
from reconciler.engine.results import PlanCompleted
from reconciler.engine.site_results import SiteApplied
from reconciler.engine.verdict import verdict_of
from reconciler.executor.ledger import SiteLedger
from reconciler.model.posts import Post
from reconciler.model.sites import Need
from reconciler.model.verdict import Verdict
from reconciler.planner.actions import Plan
from reconciler.sandbox.app import Seen
from tests.laws.reviewing import write_approvals
from tests.laws.whole_run import SITE_ID, WholeRun
from tests.told import told

INSTAGRAM, FACEBOOK = "d0000000-0000-4000-8000-000000000001", "d0000000-0000-4000-8000-000000000002"
PICTURE = "https://static.wixstatic.com/media/mugs.jpg"
SCHEDULING = ("POST *schedule-drafts", "POST *publish-by-id")
"""How a draft is scheduled: for the API's own time, or for a time that a rule gives."""

Json = dict[str, Any]


def item(id: str, channel: str, **values: Any) -> Json:
    """A draft as a seed has it."""
    return {"id": id, "channel": channel, "caption": f"New mugs on {channel}", "media": [PICTURE], **values}


def activity(number: int, date: str, *items: Json, title: str = "") -> Json:
    """An activity as a seed has it."""
    made = f"b0000000-0000-4000-8000-{number:012d}"
    return {"id": made, "date": date, "title": title or f"Activity {number}", "items": list(items)}


def shop(
    root: Path,
    *activities: Json,
    rules: Iterable[Mapping[str, Any]] = ({"match": {}},),
    world: Json | None = None,
    **seed: Any,
) -> WholeRun:
    """A run that may publish, over a site with these activities, by these schedule rules."""
    site: Json = {"channels": ["INSTAGRAM", "FACEBOOK"], "plan": {"activities": list(activities)}, **(world or {})}
    run = WholeRun.of(root, {"schedule": {"approval": "required", "rules": list(rules)}}, site, **seed)
    run.apply()  # from now on the state knows the site: an approval that existed before would not count
    run.allow_publish = True
    return run


def live(run: WholeRun) -> dict[str, Post]:
    """The posts of the site, by id."""
    observed = asyncio.run(run.observe(frozenset({Need.MARKETING_PLAN})))
    assert observed.marketing_plan is not None
    return {post.id: post for activity in observed.marketing_plan.activities for post in activity.posts}


def approve(run: WholeRun, *ids: str) -> None:
    """Writes the approvals file as people leave it: these drafts approved as they are now, the others pending."""
    observed = asyncio.run(run.observe(frozenset({Need.MARKETING_PLAN})))
    assert observed.marketing_plan is not None
    write_approvals(run.root, observed.marketing_plan.activities, lambda post: not ids or post.id in ids)


def once(run: WholeRun, route: str, when: str, change: Callable[[], object]) -> None:
    """Does something at the first request to a route, before or after its effect, as somebody else would."""
    left = [change]

    def hook(seen: Seen) -> None:
        if seen.when == when and left:
            left.pop()()

    run.sandbox.add_hook(route, hook)


def statuses(run: WholeRun) -> dict[str, str]:
    """The status of each item of the site, by the last digit of its id."""
    items = run.sandbox.world()["sites"][SITE_ID]["items"]
    return {key[-1]: record["item"]["status"] for key, record in items.items()}


def times(run: WholeRun) -> dict[str, str]:
    """When each scheduled item of the site goes out, by the last digit of its id."""
    items = run.sandbox.world()["sites"][SITE_ID]["items"]
    return {
        key[-1]: record["item"]["schedulingInfo"]["scheduledDate"]
        for key, record in items.items()
        if record["item"]["status"] == "SCHEDULED"
    }


def sent(run: WholeRun) -> list[str]:
    """The last words of the paths of the publishing requests so far, refused ones included."""
    words = [request["path"].rpartition("/")[2] for request in run.requests() if request["method"] != "GET"]
    return [word for word in words if word in ("schedule-drafts", "publish-by-id", "reschedule", "cancel")]


def code(ledger: SiteLedger) -> Verdict:
    """What `apply` would end with."""
    totals = ApplyTotals(PlanCompleted(1), 1)
    totals.add(SiteApplied(ledger))
    return verdict_of(totals.completed(interrupted=False))


def results(ledger: SiteLedger) -> dict[str, str]:
    """How each action ended, by the last digit of its draft."""
    return {entry.address.key[-1]: entry.result.value for entry in ledger.entries}


def details(ledger: SiteLedger) -> str:
    """Everything that the ledger says."""
    return "\n".join(told(entry) for entry in ledger.entries)


def blocked(plan: Plan) -> dict[str, str]:
    """What is blocked, and why, by the last digit of its draft."""
    return {problem.about.key[-1]: f"{problem.code}: {problem.message} -> {problem.fix}" for problem in plan.blocked}
