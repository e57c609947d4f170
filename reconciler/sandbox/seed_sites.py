"""Owns the site part of a seed: checks every field, and returns plain values with times parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.sandbox import seed_values as values
from reconciler.sandbox import settings_shape, times
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import ACTIVITY_TYPES, CHANNELS, FEATURES, ITEM_STATUSES, PERIODS, SHAPES, TOKEN_STATUSES

SITE_KEYS = (
    "id", "name", "namespace", "instanceId", "published", "premium", "language", "country", "timeZone", "channels",
    "accounts", "features", "monetized", "settings", "overrides", "plan", "events", "foreignEvents", "lastTouched",
    "failGeneration", "neverFinish", "unpublishedGives", "contentSeed",
)  # fmt: skip
CHANNEL_STATUSES = (*TOKEN_STATUSES, "NO_PAGES")
_PLAN_KEYS = ("status", "activities")
_ACTIVITY_KEYS = ("id", "date", "title", "description", "type", "items")
_ITEM_KEYS = ("id", "channel", "type", "status", "caption", "media", "scheduledDate", "referenceId")
_EVENT_KEYS = ("id", "name", "description", "date", "recurringRule")
ACCOUNT_KEYS = ("id", "displayName", "default")
_FEATURE_KEYS = ("enabled", "limit", "used", "period")


def read_sites(value: object, defaults: JsonDict) -> Mapping[str, JsonDict]:
    """The sites of a seed by id, each completed from the defaults."""
    listed: Iterable[tuple[str, object]]
    if isinstance(value, Mapping):
        listed = [
            (f"sites.{name}", {"id": name, **values.mapping(f"sites.{name}", fields_ or {}, SITE_KEYS)})
            for name, fields_ in value.items()
        ]
    else:
        listed = values.items("sites", value)
    found: dict[str, JsonDict] = {}
    for where, each in listed:
        site = read_site(where, each)
        if site.get("id") is None:
            values.wrong(f"{where} needs an id", where=f"{where}.id")
            continue
        if site["id"] in found:
            values.wrong(f"{where}.id: {site['id']} is listed twice", where=f"{where}.id")
        found[site["id"]] = {**defaults, **site}
    return found


def read_site(where: str, value: object) -> JsonDict:
    """One site's fields, checked."""
    site = values.mapping(where, value, SITE_KEYS)
    for name in ("published", "premium", "monetized", "failGeneration", "neverFinish"):
        if name in site:
            values.flag(f"{where}.{name}", site[name])
    _ids(where, site, "id")
    for name in ("name", "instanceId", "language", "country", "timeZone"):
        values.text(f"{where}.{name}", site.get(name))
    zone = site.get("timeZone")
    if isinstance(zone, str) and not times.is_zone(zone):
        what = f"{where}.timeZone: {zone!r} is not an IANA time zone such as Europe/Paris"
        values.wrong(what, where=f"{where}.timeZone")
    for name in ("settings", "overrides"):
        shape = settings_shape.SHAPE[name]
        for place, refused in settings_shape.refusals(f"{where}.{name}", site.get(name), shape, "refuse"):
            said = refused.body if refused.body and refused.body["details"] else None
            values.wrong(said["message"] if said else f"{place} has a value of the wrong type", where=place)
    if "namespace" in site:
        values.one_of(f"{where}.namespace", site["namespace"], ("WIX", "HEADLESS"))
    if "unpublishedGives" in site:
        values.one_of(f"{where}.unpublishedGives", site["unpublishedGives"], ("empty", "failed"))
    for name, read in _PARTS.items():
        if name in site:
            site[name] = read(f"{where}.{name}", site[name])
    return site


def _channels(where: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {values.one_of(place, name, CHANNELS): "VALID" for place, name in values.items(where, value)}
    return {
        name: values.one_of(f"{where}.{name}", status, CHANNEL_STATUSES)
        for name, status in values.mapping(where, value, CHANNELS).items()
    }


def _accounts(where: str, value: object) -> JsonDict:
    found: JsonDict = {}
    for name, listed in values.mapping(where, value, CHANNELS).items():
        found[name] = []
        for place, each in values.items(f"{where}.{name}", listed):
            account = values.mapping(place, each, ACCOUNT_KEYS)
            for key in ("id", "displayName"):
                values.text(f"{place}.{key}", account.get(key))
            values.flag(f"{place}.default", account.get("default", False))
            found[name].append(account)
    return found


def _features(where: str, value: object) -> str | JsonDict:
    if not isinstance(value, Mapping):
        return str(values.one_of(where, value, ("free", "premium")))
    found: JsonDict = {}
    for name, fields_ in values.mapping(where, value, FEATURES).items():
        given = (
            {"enabled": fields_}
            if isinstance(fields_, bool)
            else values.mapping(f"{where}.{name}", fields_, _FEATURE_KEYS)
        )
        values.flag(f"{where}.{name}.enabled", given.get("enabled", True))
        for count in ("limit", "used"):
            if count in given:
                values.number(f"{where}.{name}.{count}", given[count])
        if "period" in given:
            values.one_of(f"{where}.{name}.period", given["period"], PERIODS)
        found[name] = given
    return found


def _plan(where: str, value: object) -> JsonDict:
    plan: JsonDict = {"status": value} if isinstance(value, str) else values.mapping(where, value, _PLAN_KEYS)
    values.one_of(
        f"{where}.status",
        plan.setdefault("status", "ACTIVE"),
        ("NEVER_CREATED", "GENERATING", "ACTIVE", "INACTIVE", "FAILED"),
    )
    if plan.get("activities") is not None:
        plan["activities"] = [
            _activity(place, each) for place, each in values.items(f"{where}.activities", plan["activities"])
        ]
    return plan


def _activity(where: str, value: object) -> JsonDict:
    activity = values.mapping(where, value, _ACTIVITY_KEYS)
    _ids(where, activity, "id")
    activity["date"] = values.moment(f"{where}.date", activity.get("date"))
    if activity["date"] is None:
        values.wrong(f"{where} needs a date", where=f"{where}.date")
    if "type" in activity:
        values.one_of(f"{where}.type", activity["type"], ACTIVITY_TYPES[1:])
    items = activity.get("items")
    if items is not None and items != "all":
        activity["items"] = [_item(place, each) for place, each in values.items(f"{where}.items", items)]
    return activity


def _item(where: str, value: object) -> JsonDict:
    item = values.mapping(where, value, _ITEM_KEYS)
    values.one_of(f"{where}.channel", item.get("channel"), CHANNELS)
    _ids(where, item, "id")
    kinds = tuple(kind for channel, kind in SHAPES if channel == item.get("channel"))
    if kinds:
        values.one_of(f"{where}.type", item.setdefault("type", kinds[0]), kinds)
    values.one_of(f"{where}.status", item.setdefault("status", "DRAFT"), ITEM_STATUSES)
    if "scheduledDate" in item:
        item["scheduledDate"] = values.moment(f"{where}.scheduledDate", item["scheduledDate"])
    status = item["status"]
    if status in ("SCHEDULED", "PROCESSING", "IN_QUEUE") and item.get("scheduledDate") is None:
        values.wrong(f"{where} is {status} and needs a scheduledDate", where=f"{where}.scheduledDate")
    return item


def _event(where: str, value: object, keys: tuple[str, ...]) -> JsonDict:
    event = values.mapping(where, value, keys)
    _ids(where, event, "id", "calendarId")
    event["date"] = values.moment(f"{where}.date", event.get("date"))
    if event["date"] is None and not event.get("recurringRule"):
        values.wrong(f"{where} needs a date or a recurringRule", where=f"{where}.date")
    return event


def _ids(where: str, fields: JsonDict, *names: str) -> None:
    for name in names:
        if fields.get(name) is not None:
            fields[name] = values.guid(f"{where}.{name}", fields[name])


def _events(where: str, value: object) -> list[JsonDict]:
    return [_event(place, each, _EVENT_KEYS) for place, each in values.items(where, value)]


def _foreign_events(where: str, value: object) -> list[JsonDict]:
    return [_event(place, each, (*_EVENT_KEYS, "calendarId")) for place, each in values.items(where, value)]


_PARTS: dict[str, Callable[[str, object], Any]] = {
    "channels": _channels,
    "accounts": _accounts,
    "features": _features,
    "plan": _plan,
    "events": _events,
    "foreignEvents": _foreign_events,
    "lastTouched": values.moment,
    "contentSeed": values.number,
}
