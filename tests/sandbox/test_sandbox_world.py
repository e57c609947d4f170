"""The world: files, processes, clock, seeds, what people do, and the control routes."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import world as world_module
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.dashboard import Dashboard
from reconciler.sandbox.routes import find, table
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.seed_values import SeedError
from reconciler.sandbox.server import ServerError, _listen, start_in_thread
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import WorldError, _unusable
from tests.sandbox.remote import HEADERS, NOBODY, PLAN, PUBLISHER, SITE, TUESDAY, Remote

Json = dict[str, Any]
GENERATE = f"{PLAN}/marketing-plan/generate-marketing-plan"
SETTINGS = f"{PLAN}/marketing-settings"


def test_a_world_survives_being_closed(make: Callable[..., Remote], tmp_path: Path) -> None:
    file = tmp_path / "deep" / "sandbox.db"
    remote = make(database=file)
    before = remote.generate()
    remote.sandbox.close()
    again = make(database=file)
    assert again.activities() == before
    assert again.sandbox.now() == remote_now(TUESDAY) + timedelta(seconds=2)
    assert len(again.sandbox.requests()) == 3


def test_no_command_waits_for_a_disk_to_have_written_the_world(tmp_path: Path) -> None:
    statements: list[str] = []
    real = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = real(*args, **options)
        database.set_trace_callback(statements.append)
        return database

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        Sandbox(tmp_path / "w.db").close()
    assert statements[0] == "PRAGMA synchronous=OFF", "before the first write"
    assert not any("synchronous" in statement for statement in statements[1:])


def remote_now(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_seed_stays_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    sites = [{"id": SITE, "events": [{"name": "a", "date": "2026-12-24"}]}]
    Sandbox(file, {"clock": TUESDAY, "freeze": True, "sites": sites}).close()
    again = Sandbox(file)
    assert again.now() == remote_now(TUESDAY)
    assert list(again.world()["sites"]) == [SITE]
    again.close()


def test_a_changed_seed_adds_sites_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    first = Sandbox(file, {"clock": TUESDAY, "freeze": True, "sites": {SITE: {"name": "One"}}})
    first.advance(timedelta(days=1))
    first.dashboard.set_facts(SITE, name="Renamed")
    first.close()
    fault = {"do": {"kind": "error"}}
    sites = {SITE: {"name": "One"}, NOBODY: {"name": "Two"}}
    second = Sandbox(file, {"clock": TUESDAY, "freeze": True, "sites": sites, "faults": [fault]})
    assert {each["facts"]["name"] for each in second.world()["sites"].values()} == {"Renamed", "Two"}
    assert second.now() == remote_now(TUESDAY) + timedelta(days=1)
    second.reset()
    assert second.now() == remote_now(TUESDAY)
    assert {each["facts"]["name"] for each in second.world()["sites"].values()} == {"One", "Two"}
    second.close()


def test_faults_that_were_used_up_stay_used_up(make: Callable[..., Remote], tmp_path: Path) -> None:
    seed = {"faults": [{"route": "*", "times": 1, "do": {"kind": "error"}}]}
    assert make(seed, database=tmp_path / "w.db").ask("GET", SETTINGS).status_code == 500
    assert make(seed, database=tmp_path / "w.db").ask("GET", SETTINGS).status_code == 200


def test_resetting_does_not_confuse_another_open_world(make: Callable[..., Remote], tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    one, other = make(database=file), Sandbox(file)
    one.generate()
    assert other.world()["sites"][SITE]["plan"]["status"] == "ACTIVE"
    one.sandbox.reset()
    assert other.world()["sites"] == {}
    one.post(GENERATE)
    assert other.world()["sites"][SITE]["plan"]["status"] == "GENERATING"
    other.close()


def test_a_site_made_again_after_a_reset_is_not_taken_for_the_old_one(
    make: Callable[..., Remote], tmp_path: Path
) -> None:
    one, other = make(database=tmp_path / "w.db"), Sandbox(tmp_path / "w.db")
    one.get(SETTINGS)
    before = other.world()["sites"][SITE]["facts"]["createdDate"]
    one.sandbox.reset()
    one.later(60)
    one.get(SETTINGS)
    assert other.world()["sites"][SITE]["facts"]["createdDate"] != before
    other.close()


REEL = {"channel": "GBP", "type": "REEL"}
IN_FLIGHT = {"channel": "FACEBOOK", "status": "PROCESSING"}
WRITER = """
import asyncio, httpx, json, sys
from reconciler.sandbox.app import Sandbox
from tests.sandbox.remote import HEADERS, PLAN, SITE
sandbox = Sandbox(sys.argv[1], {"latency": {"generate": 0}})
async def run():
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", verify=False) as client:
        for n in range(int(sys.argv[2])):
            event = {"calendarEvent": {"name": "e", "date": "2026-12-10T00:00:00Z"}}
            answer = await client.post(f"{PLAN}/events", json=event, headers=HEADERS)
            print(answer.json()["calendarEvent"]["id"], flush=True)
asyncio.run(run())
"""


def writer(file: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(count)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )


def test_several_processes_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    running = [writer(file, 40) for _ in range(3)]
    ids = [line for each in running for line in each.communicate()[0].split()]
    assert [each.returncode for each in running] == [0, 0, 0]
    assert len(set(ids)) == 120
    sandbox = Sandbox(file)
    assert len(sandbox.world()["sites"][SITE]["events"]) == 120
    assert sum(each["wrote"] for each in sandbox.requests()) == 120
    sandbox.close()


def test_a_killed_process_leaves_effects_and_log_in_step(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    running = writer(file, 100_000)
    assert running.stdout is not None
    seen = [running.stdout.readline().strip() for _ in range(20)]
    running.send_signal(signal.SIGKILL)
    seen += running.stdout.read().split()
    running.wait()
    running.stdout.close()
    sandbox = Sandbox(file)
    events = [each["shown"]["id"] for each in sandbox.world()["sites"][SITE]["events"]]
    assert len(events) == len(sandbox.requests())
    assert events[: len(seen) - 1] == seen[:-1]  # the last line may be cut short
    sandbox.close()


def test_a_file_that_is_not_a_world_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    file.write_text("not a database, but long enough to be looked at as one" * 100)
    with pytest.raises(WorldError, match=r"w\.db cannot be used as a sandbox: .*; move it away$"):
        Sandbox(file)


def test_a_world_in_a_read_only_folder_is_not_to_be_moved_away(tmp_path: Path) -> None:
    problem = sqlite3.OperationalError("attempt to write a readonly database")
    problem.sqlite_errorcode = sqlite3.SQLITE_READONLY_DIRECTORY
    assert str(_unusable(tmp_path / "w.db", problem)).endswith("; make it writable")


@pytest.mark.parametrize("below", ["w.db", "more/w.db"])
def test_what_is_in_the_way_of_its_folder_is_named(tmp_path: Path, below: str) -> None:
    there = tmp_path / "here"
    file, cannot = there / below, f"{there / below} cannot be used as a sandbox"
    there.touch()
    with pytest.raises(WorldError, match=f"^{re.escape(f'{cannot}: {there} is not a folder; move it away')}$"):
        Sandbox(file)
    for target in ("gone", "here"):
        there.unlink()
        there.symlink_to(target)
        why = f"{cannot}: {there} is a link to {target}, which cannot be followed"
        fix = "restore what the link points to, or delete the link"
        with pytest.raises(WorldError, match=f"^{re.escape(f'{why}; {fix}')}$"):
            Sandbox(file)


def test_a_link_to_a_file_that_cannot_be_created_is_what_to_mend(tmp_path: Path) -> None:
    file, target = tmp_path / "w.db", tmp_path / "gone" / "w.db"
    file.symlink_to(target)
    with pytest.raises(WorldError, match=re.escape(f"{file} is a link to {target}, which cannot be followed; restore")):
        Sandbox(file)


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (errno.EACCES, "make its folder writable"),
        (errno.EROFS, "make the file system writable"),
        (errno.ENOSPC, "free some space"),
        (errno.ENAMETOOLONG, "use a shorter path"),
    ],
)
def test_where_no_folder_can_be_made_the_reason_is_what_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fix: str
) -> None:
    def refused(_path: object, _mode: int = 0o777) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(WorldError, match=f"cannot be used as a sandbox: {os.strerror(code)}; {fix}$"):
        Sandbox(tmp_path / "more" / "w.db")


def test_the_log_keeps_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_module, "LOG_LENGTH", 100)
    entry = dict.fromkeys(("at", "method", "path", "query", "site", "body", "status", "wrote", "fault"))
    with world_module.World(":memory:").transaction() as store:
        for _ in range(500):
            store.log(entry)
        assert [each["n"] for each in store.requests()] == list(range(401, 501))


def test_a_change_that_fails_leaves_nothing_behind(ready: Remote) -> None:
    def change(site: Site, _now: datetime, _seed: Seed) -> None:
        site.plan["status"] = "FAILED"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        ready.sandbox.edit(SITE, change)
    assert ready.plan()["status"] == "ACTIVE"


def test_a_refusal_leaves_nothing_behind(ready: Remote) -> None:
    ready.later(43 * 86400)
    ready.get(f"{PLAN}/marketing-plan", status=400, params={"timeframe.startDate": "soon"})
    assert ready.sandbox.world()["sites"][SITE]["plan"]["status"] == "ACTIVE"


def test_the_log_says_what_was_asked_and_whether_it_wrote(remote: Remote) -> None:
    remote.plan(startDate="2026-12-01T00:00:00Z")
    remote.post(GENERATE)
    remote.post(GENERATE, status=428)
    read, wrote, refused = remote.sandbox.requests()
    assert read["query"] == "timeframe.startDate=2026-12-01T00%3A00%3A00Z"
    assert (read["site"], read["wrote"], read["status"]) == (SITE, 0, 200)
    assert (wrote["method"], wrote["path"], wrote["body"], wrote["wrote"]) == ("POST", GENERATE, "{}", 1)
    assert (refused["status"], refused["wrote"]) == (428, 0)


def test_a_running_clock_follows_real_time(make: Callable[..., Remote]) -> None:
    real = [datetime(2030, 1, 1, tzinfo=UTC)]
    remote = make({"clock": TUESDAY, "freeze": False}, now=lambda: real[0])
    assert remote.sandbox.now() == remote_now(TUESDAY)
    real[0] += timedelta(hours=2)
    remote.later(60)
    assert remote.sandbox.now() == remote_now(TUESDAY) + timedelta(hours=2, minutes=1)


def test_a_world_without_a_seeded_clock_lives_now() -> None:
    sandbox = Sandbox(now=lambda: datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC))
    assert sandbox.now() == datetime(2030, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)


def test_polling_moves_a_frozen_clock_by_its_step(make: Callable[..., Remote]) -> None:
    remote = make({"clockStep": "5s"})
    remote.post(GENERATE)
    assert remote.plan()["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ({"site": []}, "unknown key 'site'; did you mean sites?"),
        ({"switches": {}}, "unknown key 'switches'; it is called unknowns"),
        ({"clock": "tomorrow"}, "clock: 'tomorrow' is not a valid time"),
        ({"latency": {"generate": "long"}}, "latency.generate: 'long' is not a valid span of time"),
        ({"latency": {"generating": 1}}, "did you mean generate?"),
        ({"unknowns": {"illegalMask": 500}}, "unknowns.illegalMask is 500, but should be one of 400, 428"),
        ({"freeze": "yes"}, "freeze is 'yes', but should be true or false"),
        ({"sites": [{"name": "x"}]}, "sites[0] needs an id"),
        ({"sites": [{"id": "shop"}]}, "sites[0].id: 'shop' is not a valid GUID"),
        ({"sites": [{"id": SITE}, {"id": SITE.upper()}]}, "is listed twice"),
        ({"sites": [{"id": SITE, "chanels": []}]}, "sites[0]: unknown key 'chanels'; did you mean channels?"),
        ({"sites": {SITE: {"channels": ["MYSPACE"]}}}, "channels[0] is 'MYSPACE', but should be one of INSTAGRAM"),
        ({"sites": {SITE: {"timeZone": "Mars/Base"}}}, f"sites.{SITE}.timeZone: 'Mars/Base' is not an IANA time zone"),
        ({"defaults": {"timeZone": "Mars/Base"}}, "timeZone: 'Mars/Base' is not an IANA time zone"),
        ({"defaults": {"settings": {"tone": "x"}}}, "defaults.settings.tone is not a field"),
        ({"defaults": {"overrides": {"blogs": {"frequency": {"count": 0}}}}}, "must be between 1 and 30"),
        ({"defaults": {"features": {"SCHEDULE_POST": {"limit": "x"}}}}, "limit is 'x', but should be a whole number"),
        ({"defaults": {"plan": "BUSY"}}, "plan.status is 'BUSY'"),
        ({"defaults": {"plan": {"activities": [{"title": "x"}]}}}, "plan.activities[0] needs a date"),
        ({"defaults": {"plan": {"activities": [{"date": "2026-12-01", "items": [REEL]}]}}},
         "items[0].type is 'REEL', but should be one of POST"),
        ({"defaults": {"plan": {"activities": [{"date": "2026-12-01", "items": [IN_FLIGHT]}]}}},
         "items[0] is PROCESSING and needs a scheduledDate"),
        ({"defaults": {"events": [{"name": "x"}]}}, "needs a date or a recurringRule"),
        ({"apps": [{"appId": "x"}]}, "apps[0] needs appId and appSecret"),
        ({"keys": {"k": {"scopes": ["all"]}}}, "should be one of Manage Marketing Plans"),
        ({"defaults": {"settings": {"toneOfVoice": 7}}}, "defaults.settings.toneOfVoice has a value of the wrong type"),
        ({"defaults": {"events": [{"name": math.nan}]}}, "defaults.events[0].name is nan, which is not a number in"),
        ({"latency": {"generate": math.inf}}, "latency.generate is inf, which is not a number in JSON"),
        ({"clockStep": 1e300}, "clockStep: 1e+300 is longer than ten years"),
        ({"faults": [{"do": {"kind": "bang"}}]}, "faults[0]: do.kind: 'bang' is unknown"),
    ],
)  # fmt: skip
def test_a_seed_that_is_wrong_says_where_and_what(seed: Json, words: str) -> None:
    with pytest.raises(SeedError) as caught:
        Sandbox(seed=seed)
    assert words in str(caught.value)


def test_everything_that_is_wrong_with_a_seed_is_said_at_once() -> None:
    seed = {
        "clock": "tomorrow",
        "latensy": {},
        "freeze": "maybe",
        "latency": {"generate": "long", "posts": -1},
        "unknowns": {"eventsKey": "things", "idleDays": "six"},
        "keys": {"a": {"scopes": ["All"]}, "b": {"sites": 7, "scopes": ["All"]}},
        "apps": [{"appId": "x", "scopes": ["All"]}, 7],
        "faults": [
            {"rout": "a", "do": {"kind": "slow", "secs": 1, "seconds": "x"}},
            {"times": -1},
            "slow",
            {"do": {"kind": []}},
        ],
        "sites": [
            {"id": "x", "timeZone": 7, "colour": "red", "channels": ["GBP", "MYSPACE"], "name": []},
            {"settings": {"tone": "x", "toneOfVoice": 7, "topics": {"included": 7, "excluded": [8]}}},
            {"id": SITE, "accounts": {"GBP": [{"default": 1}, {"default": 2, "id": 3}], "MYSPACE": []}},
            {"id": SITE, "plan": {"activities": [{"type": "x", "items": [{}, {**REEL, "id": "y"}, IN_FLIGHT]}]}},
            "a site",
            {"id": NOBODY, "plan": "BUSY", "events": [{"id": "z", "date": "soon"}, {}], "features": {"AI_TOOLS": 7}},
        ],
    }
    with pytest.raises(SeedError) as caught:
        Sandbox(seed=seed)
    assert sorted(each.where for each in caught.value.problems) == sorted(
        ("clock", "latensy", "freeze", "latency.generate", "latency.posts", "unknowns.eventsKey", "unknowns.idleDays",
         "keys[0].scopes[0]", "keys[1].sites", "keys[1].scopes[0]", "apps[0].appSecret", "apps[0].scopes[0]", "apps[1]",
         "faults[0].rout", "faults[0].do.secs", "faults[0].do.seconds", "faults[1].do.kind", "faults[1].times",
         "faults[2]", "faults[3].do.kind",
         "sites[0].id", "sites[0].timeZone", "sites[0].colour", "sites[0].channels[1]", "sites[0].name",
         "sites[1].id", "sites[1].settings.tone", "sites[1].settings.toneOfVoice", "sites[1].settings.topics.included",
         "sites[1].settings.topics.excluded[0]", "sites[2].accounts.GBP[0].default", "sites[2].accounts.GBP[1].default",
         "sites[2].accounts.GBP[1].id", "sites[2].accounts.MYSPACE", "sites[3].id", "sites[3].plan.activities[0].date",
         "sites[3].plan.activities[0].type", "sites[3].plan.activities[0].items[0].channel",
         "sites[3].plan.activities[0].items[1].id", "sites[3].plan.activities[0].items[1].type",
         "sites[3].plan.activities[0].items[2].scheduledDate", "sites[4]", "sites[5].plan.status",
         "sites[5].events[0].id", "sites[5].events[0].date", "sites[5].events[1].date", "sites[5].features.AI_TOOLS")
    )  # fmt: skip


def test_a_plan_can_be_given_in_full(make: Callable[..., Remote]) -> None:
    item = {"id": NOBODY, "channel": "INSTAGRAM", "status": "SCHEDULED", "caption": "Hi", "media": ["https://a"],
            "scheduledDate": "2026-12-04T10:00:00Z", "referenceId": "r"}  # fmt: skip
    out = {"channel": "GBP", "status": "PUBLISHED", "media": []}
    activities = [{"date": "2026-12-03T09:00:00Z", "title": "Given", "items": [item, out]}]
    remote = make({"sites": {SITE: {"plan": {"activities": activities}, "settings": {"toneOfVoice": "dry"}}}})
    shown = remote.activities()[0]
    assert shown["title"] == "Given"
    first, second = shown["items"]
    assert (first["id"], first["status"], first["referenceId"]) == (NOBODY, "SCHEDULED", "r")
    assert first["instagramPost"]["caption"] == "Hi"
    assert first["instagramPost"]["mediaWrapper"]["media"] == [{"type": "IMAGE", "url": "https://a"}]
    assert second["status"] == "PUBLISHED"
    assert "mediaWrapper" not in second["gbpPost"]


@pytest.mark.parametrize("status", ["IN_QUEUE", "PROCESSING"])
def test_a_post_in_flight_can_be_given_and_goes_out_at_its_time(make: Callable[..., Remote], status: str) -> None:
    item = {"channel": "FACEBOOK", "status": status, "scheduledDate": "2026-12-04T10:00:00Z"}
    plan = {"activities": [{"date": "2026-12-10T09:00:00Z", "items": [item]}]}
    remote = make({"sites": {SITE: {"plan": plan}}, "clock": "2026-12-01T09:00:00Z"})
    assert remote.drafts()[0]["status"] == status
    remote.later(4 * 86_400)
    assert remote.drafts()[0]["status"] == "PUBLISHED"


@pytest.mark.parametrize("status", ["NEVER_CREATED", "GENERATING", "ACTIVE", "INACTIVE", "FAILED"])
def test_a_plan_can_be_given_as_a_status(make: Callable[..., Remote], status: str) -> None:
    remote = make({"defaults": {"plan": status, "neverFinish": True}})
    assert remote.plan()["status"] == status


def test_people_edit_sites_behind_the_tools_back(ready: Remote) -> None:
    dashboard = ready.sandbox.dashboard
    items = [each for each in ready.drafts() if each["channel"]["name"] == "INSTAGRAM" and each["type"] == "POST"]
    first, second = items[0]["id"], items[1]["id"]
    activity = ready.activities()[-1]["marketingActivityId"]
    dashboard.patch_settings(SITE, {"settings.toneOfVoice": "dry", "settings.topics.included": ["x"]})
    dashboard.patch_settings(SITE, {"settings.topics.included": None})
    event = dashboard.add_event(SITE, {"name": "Fair", "date": "2026-12-10T00:00:00.000Z"})
    dashboard.edit_event(SITE, event, name="Big fair")
    dashboard.edit_item(SITE, first, caption="Edited", media=["https://b"])
    dashboard.schedule_item(SITE, first, "2026-12-20T00:00:00.000Z")
    dashboard.cancel_item(SITE, first)
    dashboard.delete_item(SITE, second)
    dashboard.edit_activity(SITE, activity, title="Edited too")
    dashboard.make_posts(SITE, activity)
    dashboard.set_feature(SITE, "SCHEDULE_POST", enabled=False)
    dashboard.disconnect(SITE, "FACEBOOK")
    dashboard.publish_site(SITE, False)
    dashboard.set_facts(SITE, timeZone="Asia/Tokyo")
    settings = ready.get(SETTINGS)["marketingSettings"]["settings"]
    assert settings["toneOfVoice"] == "dry"
    assert "topics" not in settings
    edited = ready.get(f"{PUBLISHER}/items/{first}")["item"]
    assert (edited["instagramPost"]["caption"], edited["status"]) == ("Edited", "CANCELED")
    ready.get(f"{PUBLISHER}/items/{second}", status=404)
    shown = ready.activities()[-1]
    assert (shown["title"], bool(shown["items"])) == ("Edited too", True)
    assert not ready.get(f"{PUBLISHER}/features/SCHEDULE_POST")["featureData"]["enabled"]
    assert ready.get(f"{PUBLISHER}/FACEBOOK/long-lived-token-status") == {"status": "DISCONNECTED"}
    assert ready.get("/urls-server/v2/published-site-urls") == {"urls": []}
    dashboard.delete_event(SITE, event)
    dashboard.delete_activity(SITE, activity)
    dashboard.set_plan_status(SITE, "FAILED")
    assert ready.plan() == {"status": "FAILED"}
    dashboard.delete_plan(SITE)
    assert ready.plan() == {"status": "NEVER_CREATED"}
    with pytest.raises(KeyError):
        dashboard.delete_event(SITE, NOBODY)


def test_control_routes_do_what_the_methods_do(remote: Remote) -> None:
    def control(method: str, what: str, json: Any = None, status: int = 200) -> Json:
        answer = remote.ask(method, f"/_sandbox/{what}", json, headers={})
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    remote.post(GENERATE)
    remote.ask("GET", "/nowhere")
    assert control("POST", "clock", {"advance": 2}) == control("GET", "clock")
    assert control("GET", "world")["sites"][SITE]["plan"]["status"] == "ACTIVE"
    assert [each["path"] for each in control("GET", "requests")["requests"]] == [GENERATE, "/nowhere"]
    assert control("GET", "gaps")["gaps"][0]["path"] == "/nowhere"
    control("POST", "faults", [{"do": {"kind": "error"}}])
    assert remote.ask("GET", SETTINGS).status_code == 500
    control("DELETE", "faults")
    control("POST", "dashboard", {"do": "patch_settings", "site": SITE, "values": {"settings.toneOfVoice": "dry"}})
    assert remote.get(SETTINGS)["marketingSettings"]["settings"]["toneOfVoice"] == "dry"
    assert "known: " in control("POST", "dashboard", {"do": "explode"}, 400)["message"]
    control("POST", "dashboard", {"do": "_edit"}, 400)
    control("POST", "faults", {"do": {}}, 400)
    control("POST", "clock", {}, 400)
    control("GET", "nothing", status=404)
    control("POST", "reset", {})
    assert remote.plan() == {"status": "NEVER_CREATED"}


def test_control_routes_are_only_for_loopback() -> None:
    import asyncio

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/_sandbox/world", "query_string": b"", "headers": [],
             "client": ("192.0.2.1", 5)}  # fmt: skip
    asyncio.run(Sandbox()(scope, receive, send))
    assert sent[0]["status"] == 403


def test_every_edit_has_a_name_in_its_own_words() -> None:
    for name, edit in vars(Dashboard).items():
        assert name.startswith("_") or edit.__doc__


def test_every_route_finds_its_handler() -> None:
    for method, path in table():
        found = find(method, path.replace("{", "").replace("}", ""))
        assert found is not None
        assert found[0].handler.__doc__


def test_the_lifespan_of_a_server_is_answered() -> None:
    import asyncio

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(Sandbox()({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_port_in_use_is_reported() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ServerError, match=r"cannot listen.*choose another port"),
    ):
        start_in_thread(Sandbox(), port=taken.getsockname()[1])


def test_a_host_that_is_not_this_machine_is_named() -> None:
    with pytest.raises(ServerError, match=r"cannot listen.*use an address of this machine for --host"):
        _listen("192.0.2.1", 0)


SERVE = """
import sys
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.server import serve
serve(Sandbox(), port=0, ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_served_sandbox_says_when_it_is_ready_and_ends_on_a_signal(ending: signal.Signals) -> None:
    import urllib.request

    running = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    url = running.stdout.readline().strip()
    request = urllib.request.Request(f"{url}{SETTINGS}", headers=HEADERS)
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["marketingSettings"]
    os.kill(running.pid, ending)
    rest = running.communicate(timeout=10)[0]
    assert rest == "ended\n"
    assert running.returncode == 0
