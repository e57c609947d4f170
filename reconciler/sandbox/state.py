"""Owns the form of one site's state: a JSON document, as plain values, with ids that come from counters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from uuid import NAMESPACE_URL, uuid5

from reconciler.sandbox.json_types import JsonDict


def guid(*parts: object) -> str:
    """An id determined by these parts, so that runs are reproducible."""
    return str(uuid5(NAMESPACE_URL, "sandbox:" + ":".join(str(part) for part in parts)))


@dataclass(slots=True)
class Site:
    """One site. Its values are JSON; times are strings in the API's form."""

    id: str
    facts: JsonDict  # name, instanceId, published, timeZone and so on: see seeding.create
    behaviour: JsonDict  # contentSeed, failGeneration, neverFinish, unpublishedGives
    channels: dict[str, str]  # channel name -> token status; a channel that is not here was never connected
    features: dict[str, JsonDict]  # feature type -> enabled, limit, used, period, month
    monetized: bool
    plan: JsonDict  # status, generation (a count); while GENERATING also due and inputs
    settings: JsonDict | None = None  # settings, overrides, createdAt, updatedAt; None: never saved
    activities: dict[str, JsonDict] = field(default_factory=dict)  # id -> date, title, description, type, own, items
    # id -> activity (an id or None), item (as sent); queuedUntil, scheduledLater and fails if they apply
    items: dict[str, JsonDict] = field(default_factory=dict)
    jobs: list[JsonDict] = field(default_factory=list)  # posts under way: due, kind, activity
    events: list[JsonDict] = field(default_factory=list)  # shown (as sent), since, foreign: see events.record
    files: dict[str, JsonDict] = field(default_factory=dict)  # generated images and imported media, with due
    counters: dict[str, int] = field(default_factory=dict)
    wake: str | None = None  # the earliest time at which something happens by itself
    touched: str = ""  # when the marketing plan was last used; stored in a column of its own

    def new_id(self, kind: str) -> str:
        """The next id of a kind: a GUID made from site, kind and a counter."""
        count = self.counters.get(kind, 0) + 1
        self.counters[kind] = count
        return guid(self.id, kind, count)

    def connected(self, channel: str) -> bool:
        """Whether a channel is connected: its token is VALID, even if there is no page to post to."""
        return self.channels.get(channel) in ("VALID", "NO_PAGES")

    def dump(self) -> str:
        """The document to store. Also works out when the site must next be woken."""
        due = [job["due"] for job in self.jobs]
        if self.plan.get("due"):
            due.append(self.plan["due"])
        due += [
            record["item"]["schedulingInfo"]["scheduledDate"]
            for record in self.items.values()
            if record["item"]["status"] in ("SCHEDULED", "PROCESSING")
        ]
        due += [record["queuedUntil"] for record in self.items.values() if _is_queued(record)]
        self.wake = min(due, default=None)
        return json.dumps({name: getattr(self, name) for name in _STORED}, separators=(",", ":"))

    @staticmethod
    def load(document: str, touched: str) -> Site:
        """The site of a stored document."""
        site = Site(**json.loads(document))
        site.touched = touched
        return site


def _is_queued(record: JsonDict) -> bool:
    return record["item"]["status"] == "IN_QUEUE" or "scheduledLater" in record


_STORED = tuple(each.name for each in fields(Site) if each.name != "touched")
