"""A server that stores values in its own form (17.7): a few runs leave nothing to do, and nothing is made twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import httpx

from reconciler.reporters.diagnostics import cause
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.state import Site
from tests.laws.whole_run import SITE_ID, Json, WholeRun

LONG = "of many words, which go on and on until they are well beyond what the server keeps of them, a hundred letters"
SITE: Json = {
    "settings": {
        "marketingPlanGoal": {"customGoal": f"Goal {LONG}"},
        "toneOfVoice": f"Tone {LONG}",
        "topics": {"included": [f"Topic {LONG}"]},
    },
    "calendarEvents": {
        "events": [
            {"name": f"Sale {LONG}", "date": "2026-12-24"},
            {"name": "Fair", "date": "2026-12-12", "description": f"Hall {LONG}"},
        ]
    },
    "marketingPlan": {"state": "present", "regenerate": {"discard": "all"}},
    "activities": [
        {"match": {"title": "*simple*"}, "set": {"description": f"By hand {LONG}"}},
        {"match": {"title": "*look*"}, "set": {"title": f"Look {LONG}"}},
        {
            "create": {
                "title": f"Open studio {LONG}",
                "description": f"Come by {LONG}",
                "targetDate": "2026-12-05T10:00:00Z",
                "marketingActivityType": "SOCIAL_MARKETING",
            }
        },
    ],
}


def test_rule_17_7_what_two_writes_did_not_change_counts_as_applied_whatever_text_it_is(tmp_path: Path) -> None:
    run = WholeRun.of(tmp_path, SITE, unknowns={"texts": "cut"})
    try:
        for _ in range(3):  # the settings and events, what is generated from them, and the activities in it
            ledger = run.apply()
            assert ledger.error is None
            assert run.plan().edited == ()  # what the server makes of a text is not an edit by somebody
        plan = run.plan()
        assert plan.actions == ()
        said = "\n".join(map(cause, plan.notes))
        for what in (
            "settings.marketingPlanGoal",
            "settings.toneOfVoice",
            "topics.included",
            "].name",
            "[Fair].description",
            ": title",
            ": description",
        ):
            assert what in said
        assert "activity[" not in said  # a title says more than an id
        asked, kept = "… server keeps of them, a hundred letters", "… server keeps of them,"
        assert f"'{asked}' was written twice, but the site keeps '{kept}'" in said
        made = Counter(f"{write['method']} {write['path'].rpartition('/')[2]}" for write in run.writes())
        assert made["POST events"] == 2
        assert made["POST generate-marketing-plan"] == 1
        assert made["POST regenerate-marketing-plan"] == 0
        assert len([note for note in plan.notes if "Open studio" in note.message]) == 2
    finally:
        run.sandbox.close()


def test_rule_17_7_an_activity_that_a_regeneration_keeps_is_not_created_again(tmp_path: Path) -> None:
    run = WholeRun.of(tmp_path, SITE, unknowns={"texts": "cut", "createdActivitiesSurvive": True})
    try:
        for _ in range(2):
            run.apply()
        run.write({**SITE, "settings": {"toneOfVoice": "dry"}})
        run.apply()
        made = Counter(write["path"].rpartition("/")[2] for write in run.writes() if write["method"] == "POST")
        assert made["regenerate-marketing-plan"] == 1
        assert made["items"] == 1
    finally:
        run.sandbox.close()


class OtherValues(httpx.AsyncBaseTransport):
    """A transport on which some values that are not texts reach the server in another form, as if it had made that."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = httpx.ASGITransport(app=sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread() or b"{}")
        settings = body.get("marketingSettings", {})
        if "topics" in settings.get("settings", {}):
            settings["settings"]["topics"]["included"] = ["tea"]
        if "overrides" in settings:
            settings["overrides"]["socialMarketing"]["frequency"]["count"] = 5
        for event in (body[key] for key in ("event", "calendarEvent") if key in body):
            event["recurringRule"]["frequency"] = "MONTHLY"
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        sent = httpx.Request(request.method, request.url, headers=headers, json=body, extensions=request.extensions)
        return await self._inner.handle_async_request(sent if body else request)


def somebody_posts_more_often(site: Site, *_: object) -> None:
    assert site.settings is not None
    site.settings["overrides"]["socialMarketing"]["frequency"]["count"] = 12


def test_rule_17_7_values_that_are_no_texts_count_as_applied_until_somebody_edits_them(tmp_path: Path) -> None:
    site: Json = {
        "settings": {"topics": {"included": ["tea", "coffee"]}},
        "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 9}}},
        "calendarEvents": {"events": [{"name": "Fair", "recurringRule": {"frequency": "YEARLY"}}]},
        "marketingPlan": {"state": "present"},
    }
    run = WholeRun.of(tmp_path, site)
    run.way = OtherValues
    try:
        for _ in range(2):
            assert run.apply().error is None
            assert run.plan().edited == ()
        plan = run.plan()
        assert plan.actions == ()
        assert sorted(cause(note) for note in plan.notes) == [
            f"{what}; write that in the file to remove this note"
            for what in (
                "event[Fair].recurringRule: {frequency: YEARLY} was written twice, "
                "but the site keeps {frequency: MONTHLY}",
                "overrides.socialMarketing.frequency: {count: 9, interval: WEEK} was written twice, "
                "but the site keeps {count: 5, interval: WEEK}",
                "settings.topics.included: [tea, coffee] was written twice, but the site keeps [tea]",
            )
        ]
        made = Counter(f"{write['method']} {write['path'].rpartition('/')[2]}" for write in run.writes())
        assert (made["POST marketing-settings"], made["POST events"]) == (2, 1)
        assert made["POST generate-marketing-plan"] == 1
        assert made["POST regenerate-marketing-plan"] == 0
        run.sandbox.edit(SITE_ID, somebody_posts_more_often)
        plan = run.plan()
        assert len(plan.edited) == 1
        (action,) = plan.actions[:1]
        assert [change.path for change in action.operation.changes] == ["overrides.socialMarketing.frequency"]
        assert run.apply().error is None
        assert run.plan().actions == ()
        site["settings"]["topics"]["included"] = ["tea"]
        site["overrides"]["socialMarketing"]["frequency"]["count"] = 5
        site["calendarEvents"]["events"][0]["recurringRule"]["frequency"] = "MONTHLY"
        run.write(site)
        assert run.plan().notes == ()
    finally:
        run.sandbox.close()


class OtherId(httpx.AsyncBaseTransport):
    """A transport on which the answer to a create contains the id of another object."""

    def __init__(self, sandbox: Sandbox, id: str) -> None:
        self._inner, self._id = httpx.ASGITransport(app=sandbox), id

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith("/v1/events"):
            body = json.loads(await response.aread())
            next(iter(body.values()))["id"] = self._id
            return httpx.Response(response.status_code, json=body)
        return response


def test_rule_17_7_a_created_id_of_something_else_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Its name would be overwritten by the next run."""
    site = {"calendarEvents": {"events": [{"name": "Sale", "date": "2026-12-24"}]}}
    run = WholeRun.of(tmp_path, site, {"events": [{"name": "Wedding of Jane", "date": "2026-12-12T00:00:00Z"}]})
    try:
        other = run.sandbox.world()["sites"][run.desired().ref.id]["events"][0]["shown"]["id"]
        run.way = lambda sandbox: OtherId(sandbox, other)
        run.apply()
        assert not any("Wedding" in str(action) for action in run.plan().actions)
        run.apply()
        names = [event["shown"]["name"] for event in run.sandbox.world()["sites"][run.desired().ref.id]["events"]]
        assert "Wedding of Jane" in names
    finally:
        run.sandbox.close()
