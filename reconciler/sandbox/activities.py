"""Owns marketing activities: their two forms, creating, updating, reading, querying (6.4, 7)."""

from __future__ import annotations

from reconciler.sandbox import checks, posts, queries, texts, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import application, not_found, precondition, violation
from reconciler.sandbox.form_parts import created
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import ACTIVITY_TYPES
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns

_UPDATABLE = ("title", "description", "targetDate")  # D
_FIELDS = ("id", "title", "description", "targetDate", "marketingActivityType")


def add(site: Site, made: JsonDict, own: bool) -> JsonDict:
    """Adds an activity with date, title, description, type, and its id if it has one."""
    activity = {
        "id": made.get("id") or site.new_id("activity"),
        "date": made["date"],
        "title": made["title"],
        "description": made["description"],
        "type": made["type"],
        "own": own,
        "items": [],
    }
    site.activities[activity["id"]] = activity
    return activity


def remove(site: Site, activity: JsonDict, fate: posts.Fate) -> None:
    """Removes an activity. What happens to its posts depends on the world's switches (14.8: not known)."""
    posts.detach(site, activity, list(activity["items"]), fate)
    site.jobs[:] = [job for job in site.jobs if job["activity"] != activity["id"]]
    site.activities.pop(activity["id"], None)


def in_plan(site: Site, activity: JsonDict, unknowns: Unknowns) -> JsonDict:
    """An activity as the plan shows it: marketingActivityId and date (S-wix), and items if there are any."""
    shown = {
        "marketingActivityId": activity["id"],
        "date": activity["date"],
        "title": activity["title"],
        "description": activity["description"],
    }
    if unknowns.activityTypes:
        shown["marketingActivityType"] = activity["type"]  # presence not seen (I): switchable
    if activity["items"] or unknowns.emptyLists != "omit":
        shown["items"] = posts.items_of(site, activity, unknowns)
    return shown


def alone(activity: JsonDict) -> JsonDict:
    """An activity as its own service shows it: id and targetDate (D)."""
    return {
        "id": activity["id"],
        "title": activity["title"],
        "description": activity["description"],
        "targetDate": activity["date"],
        "marketingActivityType": activity["type"],
    }


def create(call: Call) -> JsonDict:
    """`POST /items` (I: path). A required field that is missing is 428, not 400 (D)."""
    given = checks.message("marketingActivity", call.body.get("marketingActivity"))
    checks.known_fields("marketingActivity", given, _FIELDS, call.seed.unknowns.unknownFields)
    texts.check("marketingActivity", given, call.seed.unknowns)
    given = texts.kept(given, call.seed.unknowns)
    title = checks.text("marketingActivity.title", given.get("title"))
    description = checks.text("marketingActivity.description", given.get("description"))
    date = checks.moment("marketingActivity.targetDate", given.get("targetDate"))
    kind = checks.choice("marketingActivity.marketingActivityType", given.get("marketingActivityType"), ACTIVITY_TYPES)
    if not title or not description or date is None or kind in (None, "UNKNOWN"):
        absent = {"title": title, "description": description, "targetDate": date}
        name = next((name for name, value in absent.items() if not value), "marketingActivityType")
        raise precondition(f"marketingActivity.{name} is required")
    made = {"date": times.show(date), "title": title, "description": description, "type": kind}
    activity = add(call.site, made, own=True)
    call.changed()
    return {"marketingActivity": alone(activity)}


def update(call: Call) -> JsonDict:
    """`PATCH /items/{id}` by field mask: title, description, targetDate and nothing else (D)."""
    given = checks.message("marketingActivity", call.body.get("marketingActivity"))
    wanted = checks.guid("marketingActivity.id", call.params["id"])
    if given.get("id") is not None and checks.guid("marketingActivity.id", given["id"]) != wanted:
        raise violation("marketingActivity.id", "is not the id in the path", "OTHER")  # I
    paths = checks.mask("fieldMask", call.body.get("fieldMask"))
    illegal = [path for path in paths if path not in _UPDATABLE]
    if illegal:  # an error (D) with an unknown status: switchable (I)
        text = f"{illegal[0]} cannot be updated"
        if call.seed.unknowns.illegalMask == 428:
            raise application(428, "INVALID_FIELD_MASK_ERROR", text)
        raise violation("fieldMask", text)
    checks.require_present(given, paths)
    texts.check("marketingActivity", given, call.seed.unknowns)
    given = texts.kept(given, call.seed.unknowns)
    title = checks.text("marketingActivity.title", given.get("title"))
    description = checks.text("marketingActivity.description", given.get("description"))
    date = checks.moment("marketingActivity.targetDate", given.get("targetDate"))
    activity = _find(call, wanted)
    values = {"title": title, "description": description, "targetDate": date and times.show(date)}
    for path in paths:
        if not values[path]:
            raise precondition(f"marketingActivity.{path} is required")  # I: as in create
    for path in paths:
        activity["date" if path == "targetDate" else path] = values[path]
    call.changed()
    return {"marketingActivity": alone(activity)}


def get(call: Call) -> JsonDict:
    """`GET /marketing-activity` (D); the id is a query parameter, whose name was not seen (I)."""
    form = call.seed.unknowns.getActivityParameter
    names = ("marketingActivityId", "id") if form == "both" else (form,)
    wanted = checks.guid(names[0], call.one(*names))
    return {"marketingActivity": alone(_find(call, wanted))}


def form_of_one(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows one activity."""
    return created("marketingActivity", unknowns.activityAnswer, value)


def query(call: Call) -> JsonDict:
    """Query by fields: exists (D); path `POST /items/query`, fields and offset paging are inferred (I)."""
    found = [alone(each) for each in sorted(call.site.activities.values(), key=lambda each: (each["date"], each["id"]))]
    page, metadata = queries.run(call.body, found, _FIELDS)
    return {"marketingActivities": page, "pagingMetadata": metadata}


def _find(call: Call, wanted: str) -> JsonDict:
    activity = call.site.activities.get(wanted)
    if activity is None:
        raise not_found(f"marketing activity {wanted} not found")  # I
    return activity
