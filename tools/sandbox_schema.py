"""Writes schemas/sandbox.schema.json and docs/unknowns.md from the seed's own names and the table of unknowns.

`python -m tools.sandbox_schema` writes them; a test fails if a file does not match.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.sandbox import faults, names, seed_sites
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.unknowns import TABLE, OpenQuestion

TOP = Path(__file__).resolve().parents[1]
FILE = TOP / "schemas" / "sandbox.schema.json"
PAGE = TOP / "docs" / "unknowns.md"

GUID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
MOMENT = "2026-12-01T09:00:00Z"


def text() -> str:
    """The text of the schema."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """The page of the manual that lists the switches."""
    rows = [f"| `{each.name}` | {_values(each)} | {each.about} | {each.mark} |" for each in TABLE]
    return f"{_INTRODUCTION}{chr(10).join(rows)}\n"


_INTRODUCTION = """\
# What is not known about the remote API

What this project knows of the API comes from reading, not from measuring. Each open question has a switch in the
sandbox, under `unknowns:` in `sandbox.yaml`, so that you can try every possible answer:

```yaml
unknowns: {eventsKey: events, readLag: without-header}
```

The first value is the default. The last column says how much is known, with the section of
[What is known about the remote API](remote-api.md) and that page's marks. This page is generated from the table in
`reconciler/sandbox/unknowns.py`.

| switch | values | what it changes | known |
|---|---|---|---|
"""


def _values(each: OpenQuestion) -> str:
    if not each.values:
        return "a number" if each.default is None else f"a number; {each.default}"
    return ", ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in each.values)


def schema() -> JsonDict:
    """The schema of sandbox.yaml."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://reconciler.dev/schemas/sandbox.schema.json",
        "title": "sandbox.yaml: what is in the sandbox",
        "description": "The sites of a new sandbox, how it behaves, and which answer it assumes for each open question "
        "about the API. Everything is optional.",
        "examples": [{"clock": MOMENT, "sites": [{"id": GUID, "channels": ["INSTAGRAM"]}]}],
        "type": "object",
        "additionalProperties": False,
        "properties": _top(),
        "definitions": _definitions(),
    }


def _field(about: str, *examples: object, **rest: Any) -> JsonDict:
    return {"description": about, **rest, "examples": list(examples)}


def _ref(name: str) -> JsonDict:
    return {"$ref": f"#/definitions/{name}"}


def _object(properties: JsonDict, about: str, *examples: object, **rest: Any) -> JsonDict:
    return _field(about, *examples, type="object", additionalProperties=False, properties=properties, **rest)


def _flag(about: str, default: bool = False) -> JsonDict:
    return _field(about, not default, type="boolean", default=default)


def _span(about: str, *examples: object) -> JsonDict:
    return _field(about, *(examples or ("2s", 0.5)), type=["string", "number"], minimum=0,
                  pattern=r"^\d+(\.\d+)?(ms|s|m|h|d|w)$")  # fmt: skip


def _words(about: str, *examples: object) -> JsonDict:
    return _field(about, *examples, type="string")


def _one_of(about: str, *values: object, **rest: Any) -> JsonDict:
    return _field(about, values[0], enum=list(values), **rest)


def _moment(about: str) -> JsonDict:
    return _field(about, MOMENT, "2026-12-01", type="string", format="date-time")


def _list(about: str, items: JsonDict, *examples: object) -> JsonDict:
    return _field(about, *examples, type="array", items=items)


def _top() -> JsonDict:
    site = {"id": GUID, "channels": ["INSTAGRAM"]}
    return {
        "clock": _moment(
            "The time that the clock of a new sandbox starts at. If left out, it follows real time. Runs with "
            "`api: sandbox` go by it, but runs over HTTP (`sandbox serve`) by the machine's clock."
        ),
        "freeze": _flag("Whether the clock is stopped; it then moves only while a run waits, and by `clockStep`."),
        "clockStep": _span("How far each request moves the clock.", "5s"),
        "latency": _object(
            {
                "request": _span("How long each response takes, in real time."),
                "generate": _span("How long a generation takes. Default: 2s."),
                "regenerate": _span(
                    "How long a regeneration takes. Default: same as `generate`; twice as long with keyword research."
                ),
                "posts": _span("How long generating or publishing posts takes. Default: 1s."),
                "media": _span("How long generating media takes. Default: 1s."),
            },
            "How long things take.",
            {"generate": "2s"},
        ),
        "contentSeed": _field("A different number gives different texts and pictures.", 7, type="integer", default=0),
        "createSites": _flag(
            "Whether a request for an unknown site id creates the site; if not, the response is 404.", default=True
        ),
        "accountId": _field("The account that owns the sites. If left out, any account is accepted.", GUID, **_guid()),
        "requestsPerMinute": _field(
            "More requests than this for one site in a minute get a 429. If left out, there is no limit.",
            200,
            type=["integer", "null"],
        ),
        "keys": _field(
            "The API keys, each with its sites and permissions. If left out, any key can do anything. Only for "
            "`sandbox serve`: `api: sandbox` sends no key.",
            {"my-sandbox-key": {"sites": [GUID], "scopes": ["Manage Marketing Plans"]}},
            type=["object", "null"],
            additionalProperties=_ref("key"),
        ),
        "apps": _list(
            "The apps. If left out, any id and secret are accepted.",
            _ref("app"),
            [{"appId": "an-app", "appSecret": "a-secret", "instances": {GUID: GUID}}],
        ),
        "anonymous": _flag("Whether requests without an Authorization header are accepted."),
        "faults": _list(
            "What goes wrong, in order.", _ref("fault"), [{"route": "GET /marketing-plan", "do": {"kind": "throttle"}}]
        ),
        "unknowns": _object(
            {each.name: _unknown(each) for each in TABLE},
            "How this sandbox answers each open question about the API. The brackets say how much is known, by section "
            "of docs/remote-api.md and with its marks.",
            {"eventsKey": "events", "readLag": "without-header"},
        ),
        "defaults": {"allOf": [_ref("site")], "description": "Values for every site; a site's own value wins."},
        "sites": _field(
            "The sites: a list, or a mapping from the id to the rest.",
            [site],
            {GUID: {"channels": ["INSTAGRAM"]}},
            oneOf=[
                {"type": "array", "items": {"allOf": [_ref("site"), {"required": ["id"]}]}},
                {"type": "object", "additionalProperties": _ref("site")},
            ],
        ),
    }


def _guid() -> JsonDict:
    return {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}


def _unknown(each: OpenQuestion) -> JsonDict:
    about = f"{each.about} [{each.mark}]"
    about = f"{about.rstrip('.')}."
    if not each.values:
        return _field(about, 3, type=["integer", "null"] if each.default is None else "integer", default=each.default)
    others = [value for value in each.values if value != each.default]
    kind: JsonDict = {"type": "boolean"} if isinstance(each.default, bool) else {"enum": list(each.values)}
    return _field(about, *others, **kind, default=each.default)


def _definitions() -> JsonDict:
    return {
        "key": _object(
            {
                "sites": _list("The sites it can reach. Default: all.", _guid(), [GUID]),
                "scopes": _list("Its permissions. Default: all.", _scope(), ["Manage Marketing Plans"]),
            },
            "An API key.",
            {},
        ),
        "app": _object(
            {
                "appId": _words("The app's id.", "an-app"),
                "appSecret": _words("A made-up secret for the app.", "a-secret"),
                "instances": _field(
                    "Instance ids, each with its site id.",
                    {GUID: GUID},
                    type="object",
                    additionalProperties={"description": "The id of the instance's site.", **_guid()},
                ),
                "scopes": _list("Its permissions. Default: all.", _scope(), ["Manage Marketing Plans"]),
            },
            "An app.",
            {"appId": "an-app", "appSecret": "a-secret"},
            required=["appId", "appSecret"],
        ),
        "account": _object(
            {
                "id": _words("Its id. If left out, one is made up.", "17841405822304914"),
                "displayName": _words("Its name. Default: the site's name.", "Jane's Pottery"),
                "default": _flag("Whether posts are generated for this account."),
            },
            "An account on a channel.",
            {"id": "17841405822304914", "default": True},
        ),
        "fault": _fault(),
        "site": _site(),
        "activity": _object(
            {
                "id": _field("Its id.", GUID, **_guid()),
                "date": _moment("When it is."),
                "title": _words("Its title.", "Summer sale"),
                "description": _words("What it is about.", "Announce the sale."),
                "type": _one_of("Its type.", *names.ACTIVITY_TYPES[1:]),
                "items": _field(
                    "Its posts; `all`: those that a generation would make.",
                    "all",
                    oneOf=[{"enum": ["all"]}, {"type": ["array", "null"], "items": _ref("post")}],
                ),
            },
            "An activity of the marketing plan.",
            {"date": MOMENT, "title": "Summer sale", "items": "all"},
            required=["date"],
        ),
        "post": _object(
            {
                "id": _field("Its id.", GUID, **_guid()),
                "channel": _one_of("The channel.", *names.CHANNELS),
                "type": _one_of("The type. Default: the channel's first type.", *names.ITEM_TYPES),
                "status": _one_of("Its status.", *names.ITEM_STATUSES),
                "caption": _words("Its text.", "New mugs"),
                "media": _list(
                    "The addresses of its images.", {"type": "string"}, ["https://static.wixstatic.com/media/a.jpg"]
                ),
                "scheduledDate": _moment("When it goes out."),
                "referenceId": _words("An id that the caller chose.", "post-1"),
            },
            "A post.",
            {"channel": "INSTAGRAM", "caption": "New mugs"},
            required=["channel"],
        ),
        "event": _object(
            {
                "id": _field("Its id.", GUID, **_guid()),
                "calendarId": _field("The id of its calendar.", GUID, **_guid()),
                "name": _words("Its name.", "Black Friday sale"),
                "description": _words("What it is about.", "30% off"),
                "date": _moment("When it is."),
                "recurringRule": _field("How it recurs.", {"frequency": "MONTHLY"}, type="object"),
            },
            "A calendar event; it has a date or a rule.",
            {"name": "Black Friday sale", "date": MOMENT},
        ),
    }


def _scope() -> JsonDict:
    return {"enum": [*names.SCOPES, *names.SCOPES.values()]}


def _fault() -> JsonDict:
    do = {
        "kind": _one_of("What happens.", *faults.KINDS),
        "status": _field("The status of an error.", 503, type="integer", minimum=0),
        "body": _one_of("The body of an error.", *faults.BODIES),
        "code": _words("The code in a JSON body.", "RESOURCE_EXHAUSTED"),
        "retryAfter": _field("The header Retry-After: seconds, or a date.", 5, type=["integer", "string"]),
        "seconds": _field("How long a slow response is delayed.", 2, type="number", minimum=0),
        "connection": _flag("Whether a truncated response also loses the connection."),
        "every": _field("Every nth activity gets no posts.", 2, type="integer", minimum=0),
    }
    return _object(
        {
            "route": _words(
                "Method and path. `*` matches anything, and the end of a path is enough.",
                "GET /marketing-plan",
                "*",
            ),
            "site": _field("Only requests for this site.", GUID, **_guid()),
            "skip": _field("How many matching requests to let through first.", 2, type="integer", minimum=0, default=0),
            "times": _field("How many requests it affects. Default: all.", 1, type=["integer", "null"], minimum=0),
            "do": _object(do, "What happens.", {"kind": "throttle", "retryAfter": 5}, required=["kind"]),
        },
        "A scripted fault.",
        {"route": "GET /marketing-plan", "times": 1, "do": {"kind": "error", "status": 503}},
        required=["do"],
    )


def _site() -> JsonDict:
    statuses = list(seed_sites.CHANNEL_STATUSES)
    feature = _object(
        {
            "enabled": _flag("Whether the premium plan includes it.", default=True),
            "limit": _field("How many times it may be used.", 10, type="integer"),
            "used": _field("How many times it was used.", 0, type="integer"),
            "period": _one_of(
                "The period that the limit is for.", "MONTH", *(each for each in names.PERIODS if each != "MONTH")
            ),
        },
        "A premium feature: whether the premium plan includes it, or its quota.",
        {"limit": 10},
    )
    properties = {
        "id": _field("Its id.", GUID, **_guid()),
        "name": _words("Its name.", "Jane's Pottery"),
        "namespace": _one_of("What kind of site it is.", "WIX", "HEADLESS"),
        "instanceId": _words("The app instance on it. Default: made from the id.", GUID),
        "published": _flag("Whether it is published.", default=True),
        "premium": _flag("Whether it has a premium plan.", default=True),
        "language": _words("Its language.", "en"),
        "country": _words("Its country.", "US"),
        "timeZone": _words("Its time zone, as an IANA name.", "Europe/Paris"),
        "channels": _field(
            "Connected channels, or the status of each channel's token.",
            ["INSTAGRAM", "FACEBOOK"],
            {"INSTAGRAM": "VALID", "FACEBOOK": "DISCONNECTED"},
            oneOf=[
                {"type": "array", "items": {"enum": list(names.CHANNELS)}},
                {
                    "type": "object",
                    "propertyNames": {"enum": list(names.CHANNELS)},
                    "additionalProperties": {"description": "The status of the channel's token.", "enum": statuses},
                },
            ],
        ),
        "accounts": _object(
            {
                name: _list("The channel's accounts.", _ref("account"), [{"id": "17841405822304914"}])
                for name in names.CHANNELS
            },
            "The accounts of connected channels. Default: one each.",
            {"LINKEDIN": [{"id": "urn:li:organization:2", "default": True}]},
        ),
        "features": _field(
            "The premium features: those of the free or premium plan, or each by name.",
            "free",
            {"SCHEDULE_POST": {"limit": 10}, "AI_TOOLS": False},
            oneOf=[
                {"enum": ["free", "premium"]},
                {
                    "type": "object",
                    "propertyNames": {"enum": list(names.FEATURES)},
                    "additionalProperties": {"anyOf": [{"type": "boolean"}, feature]},
                },
            ],
        ),
        "monetized": _flag("Whether quotas are enforced.", default=True),
        "settings": _field("Saved settings, as in the API's `settings`.", {"toneOfVoice": "warm"}, type="object"),
        "overrides": _field(
            "Saved overrides.", {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}}, type="object"
        ),
        "plan": _field(
            "The marketing plan: its status, or an object with its status and activities. An ACTIVE or INACTIVE plan "
            "without `activities` gets some made from templates.",
            "ACTIVE",
            {"activities": [{"date": MOMENT, "items": "all"}]},
            oneOf=[
                {"enum": list(names.PLAN_STATUSES)},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "status": _one_of(
                            "Its status.", "ACTIVE", *(each for each in names.PLAN_STATUSES if each != "ACTIVE")
                        ),
                        "activities": _field(
                            "Its activities.", [{"date": MOMENT}], type=["array", "null"], items=_ref("activity")
                        ),
                    },
                },
            ],
        ),
        "events": _list("The site's own calendar events.", _ref("event"), [{"name": "Sale", "date": MOMENT}]),
        "foreignEvents": _list("Events of connected calendars.", _ref("event"), [{"name": "Dentist", "date": MOMENT}]),
        "lastTouched": _moment("When the marketing plan was last used."),
        "failGeneration": _flag("Whether every generation ends FAILED."),
        "neverFinish": _flag("Whether generations never end."),
        "unpublishedGives": _one_of(
            "How generating ends for an unpublished site: without posts, or FAILED.", "empty", "failed"
        ),
        "contentSeed": _field("A different number gives different texts and pictures.", 7, type="integer"),
    }
    return _object(properties, "A site.", {"id": GUID, "channels": ["INSTAGRAM"], "plan": "ACTIVE"})


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    PAGE.write_text(page(), "utf-8")
    print(f"{FILE.name} and {PAGE.name} written")
