"""A site's whole life through the command line, in a world that answers some open questions in its own way.

What a command did is judged by the sandbox's own record, its log of requests and the contents of its world, never by
what the tool says; and what the tool says is judged by that.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from reconciler.cli.main import run as reconciler
from reconciler.sandbox.app import Sandbox
from reconciler.wiring import open_sandbox

Json = dict[str, Any]

SITE = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
PROJECT: Json = {
    "version": 1, "api": "sandbox", "poll": {"interval": "2s", "timeout": "1m"},
    "policy": {"minLead": "1h", "maxPublish": 20},
}  # fmt: skip
FIRST: Json = {
    "version": 1,
    "site": {"name": "shop", "id": SITE},
    "settings": {
        "marketingTools": ["SOCIAL_MARKETING"],
        "topics": {"included": ["handmade ceramics"]},
        "toneOfVoice": "warm and playful",
        "customContentGuidelines": "First line.\r\nSecond line: cafe\u0301.\n",
    },
    "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 4}}},
    "calendarEvents": {
        "prune": True,
        "events": [
            {"name": "Winter sale", "date": "2026-12-18", "description": "30% off, "},
            {"name": "Studio open day", "recurringRule": {"frequency": "MONTHLY"}},
        ],
    },
    "marketingPlan": {"state": "present", "regenerate": {"when": "on-change", "discard": "all"}},
    "activities": [
        {
            "create": {
                "title": "Open studio",
                "description": "Come by.",
                "targetDate": "2026-12-10T15:00:00Z",
                "marketingActivityType": "SOCIAL_MARKETING",
            }
        },
        {"match": {"from": "2026-12-15", "to": "2026-12-17"}, "set": {"title": "Winter evening"}},
    ],
    "posts": [{"match": {"within": "16d"}, "state": "present", "max": 30}],
    "schedule": {
        "approval": "required",
        "rules": [
            {"match": {"from": "2026-12-04", "to": "2026-12-20"}, "channels": ["INSTAGRAM"]},
            {"match": {"from": "2026-12-04", "to": "2026-12-20"}, "channels": ["FACEBOOK"], "at": "18:30"},
        ],
    },
}  # fmt: skip
CHANGED: Json = {
    **FIRST,
    "settings": {
        **FIRST["settings"],
        "topics": {"included": ["handmade ceramics", "studio life"]},
        "toneOfVoice": "dry",
    },
    "calendarEvents": {
        "prune": True,
        "events": [
            {"name": "Winter sale", "date": "2026-12-19", "description": "half price"},
            FIRST["calendarEvents"]["events"][1],
        ],
    },
}
SEED: Json = {
    "clock": "2026-12-01T08:41:17Z",
    "freeze": True,
    "latency": {"generate": "4s", "posts": "2s", "media": "2s"},
}
PEOPLE: Json = {"settings.topics.coreTopic": "clay", "settings.imageGuidelines": "no people"}
"""Settings beside the managed ones, which people set and no run may lose."""

LIVE: Json = {
    "channels": ["INSTAGRAM", "FACEBOOK"],
    "settings": {"toneOfVoice": "warm and playful", "topics": {"coreTopic": "clay"}, "imageGuidelines": "no people"},
    "plan": "ACTIVE",
    "events": [{"name": "Spring fair", "date": "2026-12-05T00:00:00Z"}],
    "foreignEvents": [{"name": "Dentist", "date": "2026-12-07T10:00:00Z"}],
}
"""A site that already exists; the other life starts with a site that has nothing."""

GENERATIONS = (
    "generate-marketing-plan",
    "regenerate-marketing-plan",
    "regenerate-marketing-plan-with-keyword-research",
)
ON_ITS_WAY = ("SCHEDULED", "PROCESSING", "IN_QUEUE", "PUBLISHED", "FAILED")
NOT_CONTENT = ("id", "status", "schedulingInfo", "draftInfo", "publicationError", "channel")
"""The members of a post that nobody approves; of its channel, the name and the account are approved."""

_WHY = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) \S*/\S+|asked for ")
_OTHER = "content changed while it was being scheduled, so it was cancelled at once"
_REQUEST = re.compile(r"sandbox\.\d{12}")
Run = Callable[..., tuple[int, str]]


class Silent(AssertionError):
    """Something went wrong, and nothing said so."""


@dataclass
class Life:
    """One life. When it is over, `verdict` is `worked` or `stopped`; Silent if neither is true."""

    root: Path
    unknowns: Mapping[str, Any]
    live: bool
    said: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    approved: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    contents: dict[str, str] = field(default_factory=dict)
    """The content of each post when it was approved, by the id that it had then."""

    made: int = 0
    """Generations that have been right so far."""

    def play(self) -> str:
        shutil.rmtree(self.root, ignore_errors=True)
        self._write("reconciler.yaml", PROJECT)
        self._write("sandbox.yaml", {**SEED, "unknowns": dict(self.unknowns), "sites": [{"id": SITE, **self._site()}]})
        self._write("sites/shop.yaml", FIRST)
        self.tool("plan")
        self.made = 1
        self.apply("--auto-approve")
        self.apply("--auto-approve")
        if not self.live:
            self.people(lambda world: world.dashboard.patch_settings(SITE, PEOPLE))
            self.later(minutes=1)
        self.review_and_approve()
        self.apply("--auto-approve", "--allow-publish")
        self.apply("--auto-approve", "--allow-publish")
        self.withdraw()
        self.apply("--auto-approve", "--allow-publish")
        self.later(days=4)
        self.tool("drift")
        self.apply("--auto-approve", "--allow-publish")
        self.people(lambda world: world.dashboard.patch_settings(SITE, {"settings.toneOfVoice": "loud"}))
        self.later(minutes=1)
        if self.tool("drift")[0] == 0 and self.undone(FIRST):
            raise Silent("drift: 0, although somebody changed a setting")
        self._write("sites/shop.yaml", CHANGED)
        self.made = 3 if self.undone(FIRST) else 2  # undoing people's change may take a generation of its own
        self.apply("--auto-approve", "--allow-publish", desired=CHANGED)
        self.apply("--auto-approve", "--allow-publish", desired=CHANGED)
        code, _ = self.tool("drift")
        return self.verdict(code)

    def verdict(self, drift: int) -> str:
        """A life worked even if something was skipped once (3) and done by the next run; an error or a refusal is a
        stop, and so is a life in which a person found nothing to approve."""
        undone = self.undone(CHANGED)
        blocked = any("! blocked" in said for said in self.said)
        if not undone and self.approved and drift == self.codes[-2] == 0 and not {1, 4} & set(self.codes):
            return "worked"
        if blocked or {1, 3, 4} & set(self.codes):
            return "stopped"
        what = "; ".join(undone) or f"drift ends in {drift}"
        raise Silent(f"every command ended well, yet {what}\n{self.said[-2]}\n{self.said[-1]}")

    # --- steps

    def tool(self, *words: str) -> tuple[int, str]:
        """Runs a command; returns its exit code and all its output."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = reconciler([words[0], str(self.root), *words[1:]])
        said = f"$ reconciler {' '.join(words)}  -> {code}\n{out.getvalue()}"
        self.codes.append(code)
        self.said.append(said)
        if "Traceback" in said or "bug in reconciler" in said:
            raise Silent(f"a bug:\n{said}")
        flat = " ".join(said.split())
        if code == 1 and not (_REQUEST.search(flat) and _WHY.search(flat)) and _OTHER not in flat:
            raise Silent(f"an error without a request id, or without its route or what was asked for:\n{said}")
        return code, out.getvalue()

    def apply(self, *options: str, desired: Json = FIRST) -> None:
        code, said = self.tool("apply", *options)
        self.check(said)
        if "of them approved" in said or re.search(
            r"discards \d+ approved", said
        ):  # a regeneration that says so may throw approved drafts away (discard: all)
            requests, site = self.record()
            self.approved &= site["items"].keys() | set(self.moved(requests, site).values())
        blocked = "! blocked" in said  # what a person must see to is on the screen, with its reason
        nothing = "No changes." in said.splitlines()
        if code == 0 and not blocked and nothing and (undone := self.undone(desired)):
            raise Silent(f"`No changes.`, yet {'; '.join(undone)}\n{said}")

    def review_and_approve(self) -> None:
        """The drafts of the first two activities are approved; the third one is to be regenerated."""
        self.tool("review")
        path = self.root / "approvals" / "shop.yaml"
        listed = yaml.safe_load(path.read_text("utf-8")).get("activities") or [] if path.exists() else []
        for activity in listed[:2]:
            ids = [draft["id"] for draft in activity["drafts"]]
            if self.tool("approve", *(word for each in ids for word in ("--id", each)), "--yes")[0] == 0:
                self.approved.update(ids)
                items = self.record()[1]["items"]
                self.contents.update((each, _content(items[each]["item"])) for each in ids)
        for activity in listed[2:3]:
            self.tool("approve", "--id", activity["id"], "--decision", "regenerate", "--yes")

    def withdraw(self) -> None:
        """The approval of one scheduled post is withdrawn: the one that goes out last."""
        _, site = self.record()
        waiting = [
            (record["item"]["schedulingInfo"]["scheduledDate"], key)
            for key, record in site["items"].items()
            if key in self.approved and record["item"]["status"] == "SCHEDULED"
        ]
        if waiting:
            _, last = max(waiting)
            if self.tool("approve", "--id", last, "--decision", "pending", "--yes")[0] == 0:
                self.approved.discard(last)
                self.withdrawn.add(last)

    def later(self, **span: int) -> None:
        self.people(lambda world: world.advance(timedelta(**span)))

    def people(self, change: Callable[[Sandbox], object]) -> None:
        world = open_sandbox(self.root)
        try:
            change(world)
        finally:
            world.close()

    # --- what must hold at any time

    def check(self, said: str) -> None:
        """Never a second generation, a second event, a lost sibling setting, a post nobody approved."""
        requests, site = self.record()
        writes = [each for each in requests if each["wrote"]]
        made = [each for each in writes if each["path"].endswith(GENERATIONS)]
        if len(made) > self.made:
            raise Silent(f"{len(made)} generations, {self.made} at most were right\n{said}")
        names = Counter(event["shown"].get("name") for event in site["events"])
        names.update(title for each in site["activities"].values() if (title := each["title"]) == "Open studio")
        if doubled := [name for name, count in names.items() if count > 1]:
            raise Silent(f"made twice: {doubled}\n{said}")
        self._check_siblings(site, said)
        self.check_posts(writes, site, said)

    def _check_siblings(self, site: Json, said: str) -> None:
        settings = (site["settings"] or {}).get("settings", {})
        kept = self.live or len(self.said) > 4
        if kept and (settings.get("topics", {}).get("coreTopic"), settings.get("imageGuidelines")) != (
            "clay",
            "no people",
        ):
            raise Silent(f"a setting beside the managed ones is lost: {settings}\n{said}")
        if self.live and "Dentist" not in {event["shown"]["name"] for event in site["events"]}:
            raise Silent(f"an event of a connected calendar is gone\n{said}")

    def check_posts(self, writes: list[Json], site: Json, said: str) -> None:
        out = {key for key, record in site["items"].items() if record["item"]["status"] in ON_ITS_WAY}
        moved = self.moved(writes, site)
        if self.unknowns.get("failedPosts") != "failed-items" and (
            unwanted := out - self.approved - self.withdrawn - moved.keys()
        ):
            raise Silent(f"nobody approved {unwanted}\n{said}")
        if changed := [
            key
            for key in out & (self.approved | self.withdrawn)
            if _content(site["items"][key]["item"]) != self.contents[key]
        ]:
            raise Silent(f"nobody approved the content of {changed}\n{said}")
        asked: Counter[str] = Counter()
        for write in writes:
            body = json.loads(write["body"] or "{}")
            if write["path"].endswith(("schedule-drafts", "publish-by-id")):
                asked.update(moved.get(each, each) for each in body.get("draftIds") or [body["id"]])
        if twice := [key for key, count in asked.items() if count > 1]:
            raise Silent(f"scheduled twice: {twice}\n{said}")

    def moved(self, requests: list[Json], site: Json) -> dict[str, str]:
        """The posts that have another id since they were moved, each with the id under which it was approved.

        Such a post has exactly the content that was approved, and the approved post itself is gone: one approval is
        never for two posts.
        """
        asked = {each["path"].split("/")[-2] for each in requests if each["path"].endswith("/reschedule")}
        known = self.approved | self.withdrawn
        gone = {key: self.contents[key] for key in sorted((asked & known) - site["items"].keys())}
        found: dict[str, str] = {}
        for key, record in site["items"].items():
            if key not in known:
                content = _content(record["item"])
                before = next((old for old, approved in gone.items() if approved == content), None)
                if before is not None and record["item"]["status"] in ON_ITS_WAY:
                    found[key] = before
                    del gone[before]
        return found

    def undone(self, desired: Json) -> list[str]:
        """What the site's file asks for and the world does not have."""
        requests, site = self.record()
        found: list[str] = []
        saved = site["settings"] or {"settings": {}, "overrides": {}}
        for name, value in desired["settings"].items():
            live = saved["settings"].get(name)
            members = value.items() if isinstance(value, dict) else [("", value)]
            for member, wanted in members:
                seen = (live or {}).get(member) if member else live
                if _normal(seen) != _normal(wanted):
                    found.append(f"settings.{name} {member} is {seen!r}")
        if saved["overrides"] != desired["overrides"]:
            found.append(f"overrides are {saved['overrides']}")
        events = {event["shown"].get("name"): event["shown"] for event in site["events"]}
        for event in desired["calendarEvents"]["events"]:
            live = events.get(event["name"], {})
            if event.get("date", "") != str(live.get("date", ""))[:10] or (
                _normal(event.get("description")) != _normal(live.get("description"))
            ):
                found.append(f"event {event['name']} is {live}")
        found += [f"event {name} is still there" for name in events.keys() & {"Spring fair"}]
        if site["plan"]["status"] != "ACTIVE":
            found.append(f"the plan is {site['plan']['status']}")
        now = {old: new for new, old in self.moved(requests, site).items()}
        statuses = {
            key: site["items"].get(now.get(key, key), {}).get("item", {}).get("status") for key in self.approved
        }
        for key in self.withdrawn:
            status = site["items"].get(now.get(key, key), {}).get("item", {}).get("status")
            if status in ON_ITS_WAY:
                found.append(f"withdrawn {key} is {status}")
        if desired is FIRST:
            found += [f"approved {key} is {status}" for key, status in statuses.items() if status not in ON_ITS_WAY]
        return found

    def record(self) -> tuple[list[Json], Json]:
        """The sandbox's own record: requests and the site."""
        seen: list[Any] = []
        self.people(lambda world: seen.extend((world.requests(), world.world()["sites"][SITE])))
        return seen[0], seen[1]

    def _site(self) -> Json:
        return LIVE if self.live else {"channels": LIVE["channels"]}

    def _write(self, name: str, value: Json) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(value, allow_unicode=True, sort_keys=False), "utf-8")


def _content(item: Json) -> str:
    """What the public sees of a post, and on which channel and account."""
    where = [item["channel"]["name"], item["channel"].get("accountId")]
    return json.dumps([where, {name: item[name] for name in item.keys() - set(NOT_CONTENT)}], sort_keys=True)


def _normal(value: Any) -> Any:
    """Texts in normal form; absent, null and empty are the same."""
    if isinstance(value, str):
        lines = unicodedata.normalize("NFC", value).replace("\r\n", "\n")
        return lines.strip() or None
    return [_normal(each) for each in value] if isinstance(value, list) and value else value or None


def quiet_environment() -> None:
    """The environment that a command runs in: no terminal, no colours."""
    os.environ["NO_COLOR"] = "1"
    os.environ["COLUMNS"] = "200"
    os.environ.pop("CI", None)
