"""Owns the seed format: sandbox.yaml, or the same as a mapping.

Everything is optional. Unknown keys and values are refused with SeedError. Times are RFC 3339; spans of time are
seconds or strings like `500ms`, `2s`, `15m`, `2h`, `21d`, `2w`.

    clock: 2026-12-01T09:00:00Z    # where the world's clock starts when the world is made; left out: real UTC
    freeze: true                   # the clock stands still but for `advance` and `clockStep`
    clockStep: 5s                  # how far each request moves the clock, so that polling ends in a frozen world
    latency: {request: 0, generate: 2s, regenerate: 2s, posts: 1s, media: 1s}   # regenerate: as generate;
                                   # with keyword research it takes twice as long; publishing takes `posts`
    contentSeed: 7                 # another number, other texts
    createSites: true              # an unknown site id makes a site; false: 404
    accountId: 1f0c2a9e-...        # the account that owns the sites; left out: any account id is accepted
    keys:                          # left out: every key is accepted, for every site, with every scope
      my-key: {sites: [3f0c...], scopes: [Manage Marketing Plans, Manage Social Posts]}   # left out: all
    apps:                          # left out: every app id and secret is accepted
      - {appId: a, appSecret: s, instances: {<instance id>: <site id>}, scopes: [...]}
    faults: [...]                  # see faults.py
    switches: {...}                # behaviour that is not documented; see Switches
    defaults: {...}                # site fields for every site, below its own
    sites:                         # a list, or a mapping of id to the other fields
      - id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01
        name: Jane's Pottery
        instanceId: 5d1c...        # left out: made from the id
        published: true
        premium: true
        language: en
        country: US
        timeZone: Europe/Paris
        channels: [INSTAGRAM, FACEBOOK]   # or {INSTAGRAM: VALID, FACEBOOK: DISCONNECTED}; statuses VALID,
                                          # NEVER_CREATED, DISCONNECTED, INVALID, and NO_PAGES: valid without a page
        features: free             # or premium (the default), or {SCHEDULE_POST: {enabled, limit, used, period}};
                                   # a feature may be just true or false
        monetized: true            # monetizationEnabled; false: no quota is enforced
        settings: {toneOfVoice: warm}     # saved settings, as the API's `settings`
        overrides: {socialMarketing: {frequency: {interval: WEEK, count: 3}}}
        plan:                      # a status alone will do: `plan: ACTIVE`
          status: ACTIVE
          activities:              # left out: made from the templates, as a generation would
            - {id, date, title, description, type, items: [{id, channel, type, status, caption, media,
               scheduledDate, referenceId}]}     # items: all: a draft for every channel
        events: [{id, name, description, date, recurringRule}]
        foreignEvents: [{id, calendarId, name, description, date, recurringRule}]    # of connected calendars
        lastTouched: 2026-10-01T00:00:00Z # last use of the marketing plan; six weeks later it is INACTIVE
        failGeneration: false      # true: every generation ends FAILED
        neverFinish: false         # true: no generation ends
        unpublishedGives: empty    # or failed: what generating for an unpublished site gives
        contentSeed: 7
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reconciler.sandbox import times
from reconciler.sandbox.faults import FaultError, check_fault

Json = dict[str, Any]

SCOPES = {
    "Manage Marketing Plans": "SCOPE.PROMOTE.MANAGE-MARKETING-PLAN",  # D
    "Manage Social Posts": "SCOPE.PROMOTE.MANAGE-SOCIAL-POSTS",  # D
    "Read Site URLs": "SITE_URLS.READ",  # S-sdk
    "Read Sites": "SITE_LIST.READ",  # S-sdk
    "Manage Site Properties": "SITE_PROPERTIES.MANAGE",  # I
    "Manage Media": "SITE_MEDIA.MANAGE",  # I
}
CHANNEL_STATUSES = ("VALID", "NEVER_CREATED", "DISCONNECTED", "INVALID", "NO_PAGES")
SITE_KEYS = (
    "id", "name", "instanceId", "published", "premium", "language", "country", "timeZone", "channels", "features",
    "monetized", "settings", "overrides", "plan", "events", "foreignEvents", "lastTouched", "failGeneration",
    "neverFinish", "unpublishedGives", "contentSeed",
)  # fmt: skip
_PLAN_KEYS = ("status", "activities")
_ACTIVITY_KEYS = ("id", "date", "title", "description", "type", "items")
_ITEM_KEYS = ("id", "channel", "type", "status", "caption", "media", "scheduledDate", "referenceId")
_EVENT_KEYS = ("id", "name", "description", "date", "recurringRule")
_FEATURE_KEYS = ("enabled", "limit", "used", "period")


class SeedError(ValueError):
    """A seed that cannot be used. The message says where, what, and what would be right."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long things take, in seconds."""

    request: float = 0.0
    generate: float = 2.0
    regenerate: float = 2.0
    posts: float = 1.0
    media: float = 1.0


@dataclass(frozen=True, slots=True)
class Switches:
    """Behaviour that the fact sheet leaves open (I), each with the value that is used when nothing is said."""

    unknownFields: str = "ignore"  # noqa: N815 - the seed's own names, here and below. refuse: 400
    generateWhileGenerating: str = "refuse"  # noqa: N815 - refuse: 428; restart: the waiting starts again
    generateWhileActive: str = "regenerate"  # noqa: N815 - refuse: 428
    regenerateWithoutPlan: str = "refuse"  # noqa: N815 - refuse: 428; generate
    generatingShows: str = "nothing"  # noqa: N815 - previous: the old activities while GENERATING
    nearTermDays: int | None = None  # noqa: N815 - how far ahead posts are made; None: end of next week (D)
    idleDays: int = 42  # noqa: N815 - six weeks (S)
    replacedScheduled: str = "keep"  # noqa: N815 - scheduled posts of replaced or deleted activities; or cancel
    createdActivitiesSurvive: bool = False  # noqa: N815 - whether regenerating keeps activities made by create
    regeneratedPosts: str = "same-ids"  # noqa: N815 - new-ids: other items take the place of the old ones
    pastSchedule: str = "later"  # noqa: N815 - activity in the past: an hour from now, or skip
    illegalMask: int = 400  # noqa: N815 - or 428: a mask that names what may not be named
    unknownActivity: str = "refuse"  # noqa: N815 - deleting one that is not there: refuse (404) or ignore
    activityTypes: bool = True  # noqa: N815 - whether the plan's activities carry marketingActivityType
    emptyLists: str = "omit"  # noqa: N815 - emit: `items: []` and `marketingActivities: []` are sent
    neverConnected: int = 400  # noqa: N815 - or 428: List Accounts of a channel that was never connected
    cancelRestoresQuota: bool = True  # noqa: N815 - D says "may be restored"
    updateEventKey: str = "event"  # noqa: N815 - or calendarEvent: the body key of UpdateEvent
    settingsWrapper: bool = True  # noqa: N815 - false: settings are answered without `marketingSettings` around
    anonymous: bool = False  # true: requests without Authorization are let in


_CHOICES: dict[str, tuple[object, ...]] = {
    "unknownFields": ("ignore", "refuse"),
    "generateWhileGenerating": ("refuse", "restart"),
    "generateWhileActive": ("regenerate", "refuse"),
    "regenerateWithoutPlan": ("refuse", "generate"),
    "generatingShows": ("nothing", "previous"),
    "replacedScheduled": ("keep", "cancel"),
    "regeneratedPosts": ("same-ids", "new-ids"),
    "pastSchedule": ("later", "skip"),
    "illegalMask": (400, 428),
    "unknownActivity": ("refuse", "ignore"),
    "emptyLists": ("omit", "emit"),
    "neverConnected": (400, 428),
    "updateEventKey": ("event", "calendarEvent"),
    "createdActivitiesSurvive": (True, False),
    "activityTypes": (True, False),
    "cancelRestoresQuota": (True, False),
    "settingsWrapper": (True, False),
    "anonymous": (True, False),
}


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: the sites it reaches (None: all) and its scopes."""

    sites: frozenset[str] | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class App:
    """An app: its secret, the site of each instance, its scopes."""

    secret: str
    instances: Mapping[str, str]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seed:
    """What a world is made from, and the options it runs by."""

    clock: datetime | None = None
    freeze: bool = False
    clock_step: float = 0.0
    latency: Latency = Latency()
    switches: Switches = Switches()
    content_seed: int = 0
    create_sites: bool = True
    account_id: str | None = None
    keys: Mapping[str, Key] | None = None
    apps: Mapping[str, App] | None = None
    faults: tuple[Json, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # id -> fields, defaults merged in


_TOP_KEYS = (
    "clock", "freeze", "clockStep", "latency", "contentSeed", "createSites", "accountId", "keys", "apps", "faults",
    "switches", "defaults", "sites",
)  # fmt: skip


def read_seed(source: Mapping[str, Any]) -> Seed:
    """The seed that a mapping describes. Raises SeedError."""
    top = _keys("seed", source, _TOP_KEYS)
    defaults = _site("defaults", top.get("defaults") or {})
    return Seed(
        clock=_moment("clock", top.get("clock")),
        freeze=_flag("freeze", top.get("freeze", False)),
        clock_step=_span("clockStep", top.get("clockStep", 0)),
        latency=_latency(top.get("latency") or {}),
        switches=_switches(top.get("switches") or {}),
        content_seed=_number("contentSeed", top.get("contentSeed", 0)),
        create_sites=_flag("createSites", top.get("createSites", True)),
        account_id=_text("accountId", top.get("accountId")),
        keys=_all_keys(top.get("keys")),
        apps=_apps(top.get("apps")),
        faults=_faults(top.get("faults") or ()),
        defaults=defaults,
        sites=_sites(top.get("sites") or (), defaults),
    )


def load_seed(path: str | Path) -> Json:
    """The mapping in a sandbox.yaml. Raises SeedError if it cannot be read."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            found = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise SeedError(f"{path}: cannot be read: {problem}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SeedError(f"{path}: is {type(found).__name__}, should be a mapping with keys such as sites and clock")
    return found


def _keys(where: str, value: object, known: tuple[str, ...]) -> Json:
    if not isinstance(value, Mapping):
        raise SeedError(f"{where}: is {value!r}, should be a mapping with keys of {', '.join(known)}")
    for key in value:
        if key not in known:
            close = get_close_matches(str(key), known, 1)
            raise SeedError(
                f"{where}: unknown key {key!r}; "
                + (f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}")
            )
    return dict(value)


def _moment(where: str, value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    found = times.parse(value)
    if found is None:
        raise SeedError(f"{where}: {value!r} is not a time like 2026-12-01T09:00:00Z")
    return found


def _span(where: str, value: object) -> float:
    found = times.span(value)
    if found is None:
        raise SeedError(f"{where}: {value!r} is not a span of time like 500ms, 2s or a number of seconds")
    return found


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SeedError(f"{where}: is {value!r}, should be true or false")
    return value


def _number(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SeedError(f"{where}: is {value!r}, should be a whole number")
    return value


def _text(where: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise SeedError(f"{where}: is {value!r}, should be text")
    return value


def _list(where: str, value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise SeedError(f"{where}: is {value!r}, should be a list")
    return list(value)


def _one_of(where: str, value: object, choices: tuple[object, ...]) -> Any:
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise SeedError(f"{where}: is {value!r}, should be one of {', '.join(map(str, choices))}")
    return value


def _latency(value: object) -> Latency:
    given = {name: _span(f"latency.{name}", span) for name, span in
             _keys("latency", value, ("request", "generate", "regenerate", "posts", "media")).items()}  # fmt: skip
    if "generate" in given and "regenerate" not in given:
        given["regenerate"] = given["generate"]
    return Latency(**given)


def _switches(value: object) -> Switches:
    given = _keys("switches", value, (*_CHOICES, "nearTermDays", "idleDays"))
    for name, choice in given.items():
        if name in _CHOICES:
            _one_of(f"switches.{name}", choice, _CHOICES[name])
        elif choice is not None or name == "idleDays":
            _number(f"switches.{name}", choice)
    return Switches(**given)


def _scopes(where: str, value: object) -> frozenset[str]:
    if value is None:
        return frozenset(SCOPES.values())
    known = (*SCOPES, *SCOPES.values())
    return frozenset(SCOPES.get(name, name) for name in (_one_of(where, each, known) for each in _list(where, value)))


def _all_keys(value: object) -> Mapping[str, Key] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise SeedError(f"keys: is {value!r}, should be a mapping of key to sites and scopes")
    found = {}
    for key, fields_ in value.items():
        given = _keys("keys.*", fields_ or {}, ("sites", "scopes"))
        sites = given.get("sites")
        found[str(key)] = Key(
            sites=None if sites is None else frozenset(str(each).lower() for each in _list("keys.*.sites", sites)),
            scopes=_scopes("keys.*.scopes", given.get("scopes")),
        )
    return found


def _apps(value: object) -> Mapping[str, App] | None:
    if value is None:
        return None
    found = {}
    for place, each in enumerate(_list("apps", value)):
        where = f"apps.{place}"
        given = _keys(where, each, ("appId", "appSecret", "instances", "scopes"))
        if not given.get("appId") or not given.get("appSecret"):
            raise SeedError(f"{where}: needs appId and appSecret")
        instances = given.get("instances") or {}
        if not isinstance(instances, Mapping):
            raise SeedError(f"{where}.instances: is {instances!r}, should map instance ids to site ids")
        found[str(given["appId"])] = App(
            secret=str(given["appSecret"]),
            instances={str(instance): str(site).lower() for instance, site in instances.items()},
            scopes=_scopes(f"{where}.scopes", given.get("scopes")),
        )
    return found


def _faults(value: object) -> tuple[Json, ...]:
    found = []
    for place, each in enumerate(_list("faults", value)):
        try:
            found.append(check_fault(each))
        except FaultError as problem:
            raise SeedError(f"faults.{place}: {problem}") from None
    return tuple(found)


def _sites(value: object, defaults: Json) -> Mapping[str, Json]:
    if isinstance(value, Mapping):
        value = [{"id": name, **_keys(f"sites.{name}", fields_ or {}, SITE_KEYS)} for name, fields_ in value.items()]
    found: dict[str, Json] = {}
    for place, each in enumerate(_list("sites", value)):
        where = f"sites.{place}"
        site = _site(where, each)
        if not isinstance(site.get("id"), str):
            raise SeedError(f"{where}: needs an id")
        site["id"] = site["id"].lower()
        if site["id"] in found:
            raise SeedError(f"{where}.id: {site['id']} is there twice")
        found[site["id"]] = {**defaults, **site}
    return found


def _site(where: str, value: object) -> Json:
    site = _keys(where, value, SITE_KEYS)
    for name in ("published", "premium", "monetized", "failGeneration", "neverFinish"):
        if name in site:
            _flag(f"{where}.{name}", site[name])
    for name in ("id", "name", "instanceId", "language", "country", "timeZone"):
        _text(f"{where}.{name}", site.get(name))
    for name in ("settings", "overrides"):
        if name in site and not isinstance(site[name], Mapping):
            raise SeedError(f"{where}.{name}: is {site[name]!r}, should be a mapping")
    if "unpublishedGives" in site:
        _one_of(f"{where}.unpublishedGives", site["unpublishedGives"], ("empty", "failed"))
    if "contentSeed" in site:
        _number(f"{where}.contentSeed", site["contentSeed"])
    if "channels" in site:
        site["channels"] = _channels(f"{where}.channels", site["channels"])
    if "features" in site:
        site["features"] = _features(f"{where}.features", site["features"])
    if "plan" in site:
        site["plan"] = _plan(f"{where}.plan", site["plan"])
    for name, keys in (("events", _EVENT_KEYS), ("foreignEvents", (*_EVENT_KEYS, "calendarId"))):
        if name in site:
            site[name] = [_event(f"{where}.{name}", each, keys) for each in _list(f"{where}.{name}", site[name])]
    if "lastTouched" in site:
        site["lastTouched"] = _moment(f"{where}.lastTouched", site["lastTouched"])
    return site


CHANNELS = (
    "INSTAGRAM",
    "FACEBOOK",
    "YOUTUBE",
    "LINKEDIN",
    "TWITTER",
    "PINTEREST",
    "GBP",
    "TIKTOK",
)  # D: account object
FEATURES = ("PUBLISH_POST", "SCHEDULE_POST", "AI_TOOLS", "CONNECT_CHANNEL")  # D, S-wix
_PERIODS = ("NO_PERIOD", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR")


def _channels(where: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {_one_of(where, name, CHANNELS): "VALID" for name in _list(where, value)}
    return {
        _one_of(where, name, CHANNELS): _one_of(f"{where}.{name}", status, CHANNEL_STATUSES)
        for name, status in value.items()
    }


def _features(where: str, value: object) -> str | Json:
    if not isinstance(value, Mapping):
        return str(_one_of(where, value, ("free", "premium")))
    found: Json = {}
    for name, fields_ in _keys(where, value, FEATURES).items():
        given = {"enabled": fields_} if isinstance(fields_, bool) else _keys(f"{where}.{name}", fields_, _FEATURE_KEYS)
        _flag(f"{where}.{name}.enabled", given.get("enabled", True))
        for count in ("limit", "used"):
            if count in given:
                _number(f"{where}.{name}.{count}", given[count])
        if "period" in given:
            _one_of(f"{where}.{name}.period", given["period"], _PERIODS)
        found[name] = given
    return found


def _plan(where: str, value: object) -> Json:
    plan: Json = {"status": value} if isinstance(value, str) else _keys(where, value, _PLAN_KEYS)
    _one_of(
        f"{where}.status",
        plan.setdefault("status", "ACTIVE"),
        ("NEVER_CREATED", "GENERATING", "ACTIVE", "INACTIVE", "FAILED"),
    )
    if plan.get("activities") is not None:
        plan["activities"] = [
            _activity(f"{where}.activities.{place}", each)
            for place, each in enumerate(_list(f"{where}.activities", plan["activities"]))
        ]
    return plan


def _activity(where: str, value: object) -> Json:
    activity = _keys(where, value, _ACTIVITY_KEYS)
    activity["date"] = _moment(f"{where}.date", activity.get("date"))
    if activity["date"] is None:
        raise SeedError(f"{where}: needs a date")
    if "type" in activity:
        _one_of(f"{where}.type", activity["type"], ("SOCIAL_MARKETING", "EMAIL_MARKETING", "BLOG"))
    items = activity.get("items")
    if items is not None and items != "all":
        activity["items"] = [_item(f"{where}.items.{place}", each) for place, each in enumerate(_list(where, items))]
    return activity


def _item(where: str, value: object) -> Json:
    item = _keys(where, value, _ITEM_KEYS)
    _one_of(f"{where}.channel", item.get("channel"), CHANNELS)
    if "scheduledDate" in item:
        item["scheduledDate"] = _moment(f"{where}.scheduledDate", item["scheduledDate"])
    if item.get("status") == "SCHEDULED" and item.get("scheduledDate") is None:
        raise SeedError(f"{where}: is SCHEDULED and needs a scheduledDate")
    return item


def _event(where: str, value: object, keys: tuple[str, ...]) -> Json:
    event = _keys(where, value, keys)
    event["date"] = _moment(f"{where}.date", event.get("date"))
    if event["date"] is None and not event.get("recurringRule"):
        raise SeedError(f"{where}: needs a date or a recurringRule")
    return event
