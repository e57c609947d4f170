"""Owns marketing settings: reading, defaults, options, and the upsert with its field mask (9)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from reconciler.sandbox import checks, queries, settings_shape, texts
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import application, not_found, precondition, violation
from reconciler.sandbox.events import calendar_id
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import GOALS, VIEWS
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns

_DEFAULT_FIELDS = ("socialChannels", "calendar", "marketingPlanGoal", "frequency")  # D: accepted by fieldMask


def get(call: Call) -> JsonDict:
    """`GET /marketing-settings`: what was saved, without defaults; if never saved, only the derived fields (D)."""
    if call.site.settings is None and call.seed.unknowns.unsavedSettings == "not-found":
        raise not_found("there are no marketing settings")
    return show(call.site)


def show(site: Site) -> JsonDict:
    """The settings object of a site (D)."""
    derived = {"language": site.facts["language"]}
    if site.facts.get("country"):
        derived["businessLocation"] = {"country": site.facts["country"]}  # shape not seen (I)
        derived["targetLocations"] = [{"country": site.facts["country"]}]  # deprecated (D); shape not seen (I)
    if site.settings is None:
        return {"settings": derived}
    shown: JsonDict = {"id": site.id, "settings": {**site.settings["settings"], **derived}}
    if site.settings["overrides"]:
        shown["overrides"] = site.settings["overrides"]
    return {**shown, "createdAt": site.settings["createdAt"], "updatedAt": site.settings["updatedAt"]}


def upsert(call: Call) -> JsonDict:
    """`POST /marketing-settings` with `marketingSettings` and `fieldMask`, both required (D).

    Each mask path must be in the body, else 428 (D + S-wix); an explicit null or empty value clears (D); fields
    that the mask does not name stay (D); read-only fields are ignored (D + S-wix).
    """
    given = checks.message("marketingSettings", call.body.get("marketingSettings"))
    paths = checks.mask("fieldMask", call.body.get("fieldMask"))
    unknowns = call.seed.unknowns
    settings_shape.check("marketingSettings", given, settings_shape.SHAPE, unknowns.unknownFields)
    texts.check("marketingSettings", given, unknowns)
    checks.require_present(given, paths)
    for path in paths:
        if not settings_shape.known(path) or (settings_shape.is_deep(path) and unknowns.maskDepth == "refuse"):
            raise application(428, "INVALID_FIELD_MASK_ERROR", f"field mask path {path} is unknown")  # I
    saved = call.site.settings or {"settings": {}, "overrides": {}, "createdAt": call.stamp}
    after: JsonDict = {"settings": deepcopy(saved["settings"]), "overrides": deepcopy(saved["overrides"])}
    for path in paths:
        if path.split(".")[0] in after and _takes_effect(call, path):
            _take(after, path, given, unknowns)
    for name in settings_shape.DERIVED:
        after["settings"].pop(name, None)
    if {"goalKey", "customGoal"} <= after["settings"].get("marketingPlanGoal", {}).keys():
        # One or the other (S-wix). A mask that adds the second replaces the first, as in a proto oneof (I).
        stays = "customGoal" if "settings.marketingPlanGoal.customGoal" in paths else "goalKey"
        after["settings"]["marketingPlanGoal"] = {stays: after["settings"]["marketingPlanGoal"][stays]}
    call.site.settings = {**saved, **after, "updatedAt": call.stamp}
    call.changed()
    return show(call.site)


def _takes_effect(call: Call, path: str) -> bool:
    """Whether a field is saved this time; a success says nothing about it (17.5)."""
    if call.seed.unknowns.upsertEffect == "at-once":
        return True
    key = f"upserts of {path}"
    times = call.site.counters.get(key, 0) + 1
    call.site.counters[key] = times
    return call.seed.unknowns.upsertEffect == "third-time" and times > 2


def _take(after: JsonDict, path: str, given: JsonDict, unknowns: Unknowns) -> None:
    """Applies one path of a mask. What a deep path does, and whether objects are merged, is not known (I)."""
    if settings_shape.is_deep(path) and unknowns.maskDepth != "any":
        if unknowns.maskDepth == "ignore":
            return
        path = settings_shape.shallow(path)
    value = texts.kept(checks.value_at(given, path), unknowns)
    if unknowns.wholeField == "merge" and isinstance(value, dict) and value:
        value = {**(queries.read(after, path) or {}), **value}
    put(after, path, value)


def put(root: JsonDict, path: str, value: Any) -> None:
    """Sets a value at a path; an empty one clears it. What becomes empty is removed, as in proto3 JSON (I)."""
    *way, last = path.split(".")
    parents = [root]
    for name in way:
        here = parents[-1].get(name)
        if not isinstance(here, dict):
            here = parents[-1][name] = {}
        parents.append(here)
    kept = checks.pruned(deepcopy(value))
    if kept in (None, "", [], {}):
        parents[-1].pop(last, None)
    else:
        parents[-1][last] = kept
    for top in ("settings", "overrides"):
        root[top] = checks.pruned(root.get(top) or {})


def form_of_settings(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows the settings."""
    if "id" not in value:  # never saved
        match unknowns.unsavedSettings:
            case "on-top":
                value = dict(value["settings"])
            case "empty-object":
                value = {}
            case _:
                pass
    elif unknowns.zeroValues == "emit":
        value = settings_shape.with_zeros(value, settings_shape.SHAPE)
    return value if unknowns.settingsWrapper == "none" else {unknowns.settingsWrapper: value}


def form_of_upsert(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer to an upsert."""
    return {} if unknowns.upsertAnswer == "empty" else form_of_settings(value, unknowns)


def form_of_defaults(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows the defaults."""
    return value if unknowns.defaultsWrapper == "defaults" else dict(value["defaults"])


def defaults(call: Call) -> JsonDict:
    """`GET /marketing-settings/defaults`, limited by an optional mask of four names; any other is an error (D)."""
    values: JsonDict = {
        "socialChannels": ["INSTAGRAM", "FACEBOOK"],
        "calendar": {"ids": [calendar_id(call.site)]},
        "marketingPlanGoal": {"goalKey": "BRAND_AWARENESS"},
        "frequency": {"interval": "WEEK", "count": 3},
    }
    given = call.one("fieldMask")
    if given is None:
        return {"defaults": values}  # wrapper and values not seen (I)
    names = given.split(",")
    for name in names:
        if name not in _DEFAULT_FIELDS:
            text = f"{name!r} is not one of {', '.join(_DEFAULT_FIELDS)}"
            if call.seed.unknowns.illegalMask == 428:
                raise precondition(text, "INVALID_FIELD_MASK_ERROR")
            raise violation("fieldMask", text)  # status not known (I): 400 unless switched
    return {"defaults": {name: values[name] for name in names}}


def goal_options(_call: Call) -> JsonDict:
    """`GET /marketing-settings/plan-goal-options`: `options` with planGoalKey, in display order (D)."""
    return {"options": [{"planGoalKey": goal} for goal in GOALS]}


def view_options(_call: Call) -> JsonDict:
    """`GET /marketing-settings/point-of-view-options` (D; the reference cuts off the key's name: I)."""
    return {"options": [{"pointOfViewKey": view} for view in VIEWS]}


def calendar_options(call: Call) -> JsonDict:
    """`GET /marketing-settings/calendar-options`: calendars a site can select (D; shape I)."""
    ids = dict.fromkeys([calendar_id(call.site), *(event["shown"]["calendarId"] for event in call.site.events)])
    names = {calendar_id(call.site): "Marketing calendar"}  # each has an id (D); the name is inferred (I)
    return {"options": [{"id": each, "name": names.get(each, "Connected calendar")} for each in ids]}
