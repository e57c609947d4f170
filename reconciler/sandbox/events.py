"""Owns the marketing calendar: events of the site, events of connected calendars, occurrences (8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox import checks, texts, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import precondition, violation
from reconciler.sandbox.form_parts import created, paged, renamed
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.state import Site, guid
from reconciler.sandbox.unknowns import Unknowns

_FREQUENCIES = {  # literal spelling not seen (I): how it is written -> what it is
    "WEEKLY": {"WEEKLY": "WEEKLY", "MONTHLY": "MONTHLY", "YEARLY": "YEARLY"},
    "WEEK": {"WEEK": "WEEKLY", "MONTH": "MONTHLY", "YEAR": "YEARLY"},
}
_PLAIN = {each: plain for spelling in _FREQUENCIES.values() for each, plain in spelling.items()}
_FIELDS = ("id", "calendarId", "name", "description", "date", "recurringRule", "recurringOccurrences")
_MOST = 100  # events in one answer, and occurrences of one event (D)


def calendar_id(site: Site) -> str:
    """The id of the site's own marketing calendar."""
    return guid(site.id, "calendar")


def record(site: Site, fields: JsonDict, since: str, foreign: bool = False) -> JsonDict:
    """An event as it is stored: `shown` is what the API sends, `since` anchors its recurrence."""
    shown = {
        "id": fields.get("id") or site.new_id("event"),
        "calendarId": fields.get("calendarId") or calendar_id(site),
    }
    shown.update({name: fields[name] for name in ("name", "description", "date", "recurringRule") if fields.get(name)})
    return {"shown": shown, "since": since, "foreign": foreign}


def add(site: Site, fields: Mapping[str, Any], now: datetime, foreign: bool) -> str:
    """Adds an event, as people do in the dashboard, and returns its id."""
    made = record(site, dict(fields), times.show(now), foreign)
    site.events.append(made)
    return str(made["shown"]["id"])


def by_id(site: Site, id: str) -> JsonDict:
    """The event as it is stored. Raises KeyError."""
    for found in site.events:
        if found["shown"]["id"] == id:
            return found
    raise KeyError(f"no event {id}")


def create(call: Call) -> JsonDict:
    """`POST /events` with `calendarEvent` (D). It changes no existing plan (D)."""
    fields = _read(call, "calendarEvent")
    made = record(call.site, fields, call.stamp)
    call.site.events.append(made)
    call.changed()
    return {"calendarEvent": made["shown"]}


def update(call: Call) -> JsonDict:
    """`PUT /events/{event.id}`: replaces the whole event (D). Unknown or read-only: 428, not 404 (D)."""
    fields = _read(call, call.seed.unknowns.updateEventKey)  # body key inferred (I): switchable
    old = _own(call, call.params["id"])
    fields["id"] = old["shown"]["id"]
    made = record(call.site, fields, old["since"])
    call.site.events[call.site.events.index(old)] = made
    call.changed()
    return {"calendarEvent": made["shown"]}


def delete(call: Call) -> JsonDict:
    """`DELETE /events/{eventId}`; unknown or read-only: 428 (D). Returns {} (I)."""
    call.site.events.remove(_own(call, call.params["id"]))
    call.changed()
    return {}


def _own(call: Call, event_id: str) -> JsonDict:
    wanted = checks.guid("eventId", event_id)
    for event in call.site.events:
        if event["shown"]["id"] == wanted:
            if event["foreign"]:
                raise precondition(f"calendar event {wanted} is read-only")
            return event
    raise precondition(f"calendar event {wanted} does not exist")


def _read(call: Call, key: str) -> JsonDict:
    given = texts.kept(checks.message(key, call.body.get(key)), call.seed.unknowns)
    checks.known_fields(key, given, _FIELDS, call.seed.unknowns.unknownFields)
    fields: JsonDict = {
        "name": checks.text(f"{key}.name", given.get("name"), 3000),  # D: maxLength
        "description": checks.text(f"{key}.description", given.get("description"), 3000),
    }
    rule = given.get("recurringRule")
    if rule is not None:
        rule = checks.message(f"{key}.recurringRule", rule)
        known = ("UNKNOWN", *_FREQUENCIES[call.seed.unknowns.frequencies])
        frequency = checks.choice(f"{key}.recurringRule.frequency", rule.get("frequency"), known)
        if frequency in (None, "UNKNOWN"):
            raise precondition(f"{key}.recurringRule.frequency is required")  # D: 428
        fields["recurringRule"] = rule  # a date beside it is ignored (D)
        return fields
    date = checks.moment(f"{key}.date", given.get("date"))
    if date is None:
        raise violation(f"{key}.date", "date or recurringRule must be given", "REQUIRED_FIELD")  # D: 400
    if call.seed.unknowns.pastEvents == "refuse" and date < call.now - timedelta(days=1):
        raise violation(f"{key}.date", "must not be in the past")
    fields["date"] = times.show(date)
    return fields


def query(call: Call) -> JsonDict:
    """QueryEvents at `POST /events/query` (I: path).

    Both bounds are needed, else 400; inclusive; sorted by date; at most 100; sort and paging are ignored (D).
    """
    query_ = call.body.get("query")
    filter_ = query_.get("filter") if isinstance(query_, dict) else None
    date = filter_.get("date") if isinstance(filter_, dict) else None
    bounds = date if isinstance(date, dict) else {}
    first = checks.moment("query.filter.date.$gte", bounds.get("$gte"))
    last = checks.moment("query.filter.date.$lte", bounds.get("$lte"))
    if first is None or last is None:
        raise violation("query.filter.date", "both $gte and $lte must be given")
    found: list[tuple[str, str, JsonDict]] = []
    for event in call.site.events:
        shown = event["shown"]
        moments = list(_moments(event, first, last))
        if not moments:
            continue
        if event["foreign"] and call.seed.unknowns.foreignCalendar == "same":
            shown = {**shown, "calendarId": calendar_id(call.site)}
        if "recurringRule" in shown and call.seed.unknowns.recurringShown == "per-occurrence":
            found += [(times.show(each), shown["id"], {**shown, "date": times.show(each)}) for each in moments]
            continue
        if "recurringRule" in shown:
            occurrences = [{"date": times.show(each)} for each in moments[:_MOST]]  # members I
            shown = {**shown, "recurringOccurrences": occurrences}
        found.append((times.show(moments[0]), shown["id"], shown))
    found.sort(key=lambda each: each[:2])
    page = [shown for _, _, shown in found[:_MOST]]
    return {"calendarEvents": page} if page or call.seed.unknowns.emptyLists != "omit" else {}  # key I


def form_of_one(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows one event."""
    shown = _shown(value["calendarEvent"], unknowns)
    return created("calendarEvent", unknowns.eventAnswer, {"calendarEvent": shown})


def form_of_list(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that lists events."""
    if value.get("calendarEvents"):
        value["calendarEvents"] = [_shown(each, unknowns) for each in value["calendarEvents"]]
    return renamed(paged(value, "calendarEvents", unknowns), "calendarEvents", unknowns.eventsKey)


def _shown(event: JsonDict, unknowns: Unknowns) -> JsonDict:
    shown = {"name": "", "description": "", **event} if unknowns.zeroValues == "emit" else dict(event)
    occurrences = shown.get("recurringOccurrences")
    if occurrences is not None and unknowns.occurrenceForm == "texts":
        shown["recurringOccurrences"] = [each["date"] for each in occurrences]
    elif occurrences is not None and unknowns.occurrenceForm == "none":
        del shown["recurringOccurrences"]
    return shown


def occurring(site: Site, first: datetime, last: datetime) -> list[JsonDict]:
    """What happens in a period, as name and date: what a generation knows of the calendar (D)."""
    found = [
        {"name": event["shown"]["name"], "date": times.show(moment)}
        for event in site.events
        if event["shown"].get("name")
        for moment in _moments(event, first, last)
    ]
    return sorted(found, key=lambda each: (each["date"], each["name"]))


def _moments(event: JsonDict, first: datetime, last: datetime) -> Iterator[datetime]:
    """When an event happens between two times, both included. A rule counts from when the event was created (I)."""
    shown = event["shown"]
    if "recurringRule" not in shown:
        date = times.must(shown["date"])
        if first <= date <= last:
            yield date
        return
    start = times.must(event["since"]).replace(hour=0, minute=0, second=0, microsecond=0)
    frequency = _PLAIN[shown["recurringRule"]["frequency"]]
    # Start close to the period, so that a distant one costs no more than a near one.
    count = max(0, (first - start).days // {"WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}[frequency] - 1)
    while (moment := _nth(start, frequency, count)) <= last:
        if moment >= first:
            yield moment
        count += 1


def _nth(start: datetime, frequency: str, count: int) -> datetime:
    if frequency == "WEEKLY":
        return start + timedelta(weeks=count)
    months = start.month - 1 + count * (12 if frequency == "YEARLY" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    for day in range(start.day, 27, -1):
        try:
            return start.replace(year=year, month=month, day=day)
        except ValueError:
            continue  # a shorter month: its last day
    return start.replace(year=year, month=month)
