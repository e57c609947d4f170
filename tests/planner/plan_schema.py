"""schemas/plan.schema.json, made from the types that a saved plan is written by, and from the words below.

`python -m tests.planner.plan_schema` writes it; a test fails where the file is not what this makes of the types.
"""

from __future__ import annotations

import json
import types
import typing
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NewType

from msgspec import Struct, structs

from reconciler.model.activities import DesiredActivity
from reconciler.model.address import Address
from reconciler.model.canonical import Absent, Digest, JsonObject
from reconciler.planner.actions import Plan
from reconciler.planner.encoding import PAIRS, camel, kind_of

FILE = Path(__file__).resolve().parents[2] / "schemas" / "plan.schema.json"

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    JsonObject: {"type": "object"},
    Digest: {"$ref": "#/definitions/digest"},
    Address: {"$ref": "#/definitions/address"},
    datetime: {"$ref": "#/definitions/instant"},
    date: {"$ref": "#/definitions/day"},
    time: {"$ref": "#/definitions/timeOfDay"},
    timedelta: {"$ref": "#/definitions/duration"},
}

DEFINITIONS: dict[str, dict[str, Any]] = {
    "digest": {
        "description": "A SHA-256 over a canonical form; empty where there is none.",
        "type": "string",
        "pattern": "^(sha256:[0-9a-f]{64})?$",
    },
    "address": {
        "description": "How an object is named in files, plans, messages and the state: site/kind[key].",
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9-]{0,62}(/[a-z-]+(\\[[\\s\\S]*\\])?)?$",
    },
    "instant": {"description": "RFC 3339, in UTC.", "type": "string", "pattern": "^[0-9-]{10}T[0-9:.]{8,15}Z$"},
    "day": {"description": "A day.", "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "timeOfDay": {"description": "Wall time.", "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?$"},
    "duration": {
        "description": "A duration in the largest unit that leaves no rest.",
        "type": "string",
        "pattern": "^-?[0-9]+(d|h|m|s|ms|us)$",
    },
}

TYPES = {
    "Plan": "What would be done at one site, in the order in which it is done.",
    "SiteRef": "Where a site is. Credentials are named, never held.",
    "Action": "An operation at an address, with its reason and what must hold when it runs.",
    "Field": "A field of the marketing settings, and its value.",
    "Match": "What an activity must be like; everything that is not null must hold.",
}
"""Where the type's own first sentence is not for readers of a file."""

WORDS = {
    "Plan.actions": "The actions, in the order in which they are carried out.",
    "Plan.bindings": "What was found out about identity, and is remembered when the plan is applied.",
    "Plan.blocked": "What is wanted and not planned, because only a person can change what is in the way.",
    "Plan.config": "The digest of the site's files, which tells whether they have moved on.",
    "Plan.inputs": "The generation inputs that the files ask for.",
    "Plan.notes": "Sentences for people.",
    "Plan.refusals": "The guards that refuse this site.",
    "Plan.rules": "The digest of each part's rules, remembered once the part is carried out in full.",
    "Plan.takenInForce": "What the present marketing plan is taken to be made from; null where nothing is.",
    "Plan.timeZone": "The site's time zone.",
    "Plan.toReview": "Drafts that a rule wants and that nobody has approved yet.",
    "SiteRef.credentials": "The name of the credentials in the project file.",
    "SiteRef.id": "The site's id.",
    "SiteRef.instanceId": "The app instance's id, for app credentials.",
    "Action.because": "Facts that the reason rests on, such as paths that changed.",
    "Action.operation": "The write, with everything it needs.",
    "Action.requires": "What must still hold just before the write.",
    "Action.reason": "Why it is planned.",
    "DesiredEvent.date": "When a one-time event is; null for a recurring one.",
    "DesiredEvent.wholeDay": "Whether the file names a bare day, so that only days are compared.",
    "CalendarEvent.date": "When a one-time event is; null for a recurring one.",
    "CalendarEvent.calendarId": "The connected calendar it belongs to, if any.",
    "CalendarEvent.rest": "Other members of the live event, sent back as they are.",
    "Regenerate.keywordResearch": "Whether keywords are researched anew.",
    "Regenerate.discardable": "What the file allows it to throw away: nothing, unapproved or all.",
    "Deferred.rule": "The index of the rule in its part.",
    "Deferred.atMost": "The bound in objects; null where the rule has none.",
    "ReschedulePost.before": "When it was scheduled for; null where that was not known.",
    "FieldChange.before": "The value that was read; null for nothing there.",
    "FieldChange.after": "The value that is written; null clears it.",
    "SettingIs.value": "The value that was read; null for nothing there.",
    "EventIs.facts": "The digest of the event as it was read.",
    "NoEventNamed.facts": "The digest of the event that is to be created.",
    "ActivityIs.facts": "The digest of the activity as it was read.",
    "DiscardsOnly.posts": "The ids of the posts that may be thrown away.",
    "PostsAre.posts": "The posts the activity has, by id and content; empty for none.",
    "ownTimeFirst": "Whether it is scheduled for the time of its activity first, and then moved to `at`.",
    "StillAhead.moment": "When the post goes out.",
    "StillAhead.lead": "How long before that the write must come at the latest.",
    "PostsRule.present": "Whether the activities are to have posts, or none.",
    "RememberedSet.rule": "The digest of the rule's match.",
    "RememberedSet.activities": "The ids of the activities that the rule stands for.",
    "CreateEvent.event": "The event to create.",
    "UpdateEvent.event": "The whole event to send.",
    "CreateActivity.activity": "The activity to create.",
    "Inputs.settings": "Settings by path.",
    "Inputs.events": "Declared events by name.",
    "ToReview.state": "How it stands with its reviewers.",
    "Diagnostic.code": "A slug: what is in the way, or which guard refuses.",
    "Diagnostic.message": "What is wrong.",
    "Diagnostic.fix": "What to do about it.",
    "Diagnostic.severity": "How much it matters.",
    "Diagnostic.place": "Where it is in a file.",
    "Diagnostic.requestId": "The remote side's name for the request.",
    "Place.file": "The file.",
    "Place.line": "From 1; 0: the file as a whole.",
    "Place.column": "From 1; 0: the line as a whole.",
    "Match.type": "The activity's type.",
    "activity": "The activity's id.",
    "activityRules": "All rules of the part, for the first that matches decides.",
    "address": "The object.",
    "approved": "Whether a person approved exactly this content; false only under `approval: none`.",
    "at": "When; null leaves the time to the API, or is not known.",
    "changes": "Each field that differs.",
    "channel": "The channel, in the API's words.",
    "channels": "The channels, in the API's words; empty for all.",
    "content": "The digest of the post's content.",
    "created": "Activities that a rule made, by what was asked for.",
    "date": "The day or instant.",
    "description": "The description; null clears it, left out it is left alone.",
    "detail": "What was found.",
    "digest": "The digest of the post's content.",
    "discards": "The ids of the posts that this throws away.",
    "end": "The last day, in the site's time zone.",
    "eventIds": "Events by name, with the ids they have on the site.",
    "facts": "Its facts.",
    "fix": "What a person can do about it.",
    "id": "The object's id.",
    "ids": "Ids; empty for any.",
    "kind": "Which of the kinds this is.",
    "match": "What the rule matches.",
    "max": "At most so many; null for no bound.",
    "mediaOnly": "Whether the captions stay and only images are made again.",
    "min": "Fewer matches than this refuse the site.",
    "name": "The name.",
    "object": "An address within the site, or the rules of a part.",
    "objects": "Objects that were found as the files ask for.",
    "part": "The part of the file that the rule stands in.",
    "path": "The field's path in the API's object.",
    "post": "The post's id.",
    "postsRules": "All rules of the part, for the first that matches decides.",
    "recurringRule": "When a recurring event is; null for a one-time one.",
    "scheduleRules": "All rules of the part, for the first that matches decides.",
    "sets": "Which activities each set rule stands for.",
    "site": "The site.",
    "start": "The first day, in the site's time zone.",
    "status": "The post's status.",
    "statuses": "The statuses that will do.",
    "stories": "Whether story drafts go with them.",
    "targetDate": "When the activity is due.",
    "title": "The activity's title.",
    "type": "The type, in the API's words.",
    "types": "The types, in the API's words; empty for all.",
    "value": "The value; null for nothing there.",
    "weekdays": "Days of the week; empty for any.",
    "within": "From now on, for so long.",
}
"""By type and field, or by field alone."""


class Schema:
    """Collects a definition for each type it meets."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}

    def of(self, hint: Any) -> dict[str, Any]:
        """The schema of a type, as an annotation gives it."""
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"type": "string", "enum": sorted(one.value for one in hint)}
        if isinstance(hint, type) and issubclass(hint, Struct):
            return self._reference(hint, tagged=False)
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):
            return self._union(arguments)
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        assert origin is frozenset, hint
        return {"type": "array", "items": self.of(arguments[0]), "uniqueItems": True}

    def _union(self, members: tuple[Any, ...]) -> dict[str, Any]:
        if JsonObject in members and str in members:
            return {}  # any JSON value
        records = [one for one in members if isinstance(one, type) and issubclass(one, Struct) and one not in _PLAIN]
        others = [self.of(one) for one in members if one not in records and one is not Absent]
        found = [*(self._reference(one, tagged=len(records) > 1) for one in records), *others]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _reference(self, kind: Any, *, tagged: bool) -> dict[str, Any]:
        name = kind.__name__[0].lower() + kind.__name__[1:]
        if tagged and kind is DesiredActivity:
            name += "Rule"  # what a rule makes says its kind; what an action makes needs none
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._record(kind, tagged)
        return {"$ref": f"#/definitions/{name}"}

    def _record(self, kind: Any, tagged: bool) -> dict[str, Any]:
        hints = typing.get_type_hints(kind)
        properties: dict[str, Any] = {}
        if tagged:
            properties["kind"] = {"description": WORDS["kind"], "const": kind_of(kind)}
        required = list(properties)
        for field in structs.fields(kind):
            key, hint = camel(field.name), hints[field.name]
            words = WORDS.get(f"{kind.__name__}.{key}") or WORDS[key]
            properties[key] = _described(words, self._field(kind, field.name, hint))
            if Absent not in typing.get_args(hint):
                required.append(key)
            else:
                assert not field.required
        own = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        words = TYPES.get(kind.__name__) or (own if not own.startswith(kind.__name__ + "(") else "")
        return {
            "description": words or f"A value of kind {kind_of(kind)}.",
            "type": "object",
            "additionalProperties": False,
            "required": required,
            "properties": properties,
        }

    def _field(self, kind: Any, name: str, hint: Any) -> dict[str, Any]:
        if (names := PAIRS.get((kind.__name__, name))) is None:
            return self.of(hint)
        parts = typing.get_args(typing.get_args(hint)[0])
        members = {key: _described(WORDS[key], self.of(part)) for key, part in zip(names, parts, strict=True)}
        item = {"type": "object", "additionalProperties": False, "required": list(names), "properties": members}
        return {"type": "array", "items": item}


def _described(words: str, found: dict[str, Any]) -> dict[str, Any]:
    """Draft-07 passes over everything beside a `$ref`, so one with a description stands below `allOf`."""
    return {"description": words, **({"allOf": [found]} if "$ref" in found else found)}


def plan_schema() -> dict[str, Any]:
    """The whole schema."""
    schema = Schema()
    site = schema.of(Plan)

    def reference(words: str, name: str) -> dict[str, Any]:
        return _described(words, {"$ref": f"#/definitions/{name}"})

    properties = {
        "formatVersion": {"description": "The version of this format.", "const": 1},
        "kind": {"description": "What this document is.", "const": "reconciler-plan"},
        "id": {"description": "Random, so that no two saved plans have one seal.", "type": "string"},
        "tool": {"description": "The version of reconciler that made it.", "type": "string"},
        "api": {"description": "The API it was made for: wix, sandbox or a URL.", "type": "string"},
        "madeAt": reference("When it was made.", "instant"),
        "validFor": reference("For how long it may be applied.", "duration"),
        "expiresAt": reference("When it may no longer be applied: madeAt and validFor.", "instant"),
        "digest": reference(
            "Of the facts: sites, actions, preconditions and validFor. The same whenever it is made from the same.",
            "digest",
        ),
        "sites": {"description": "One plan a site, sorted by name.", "type": "array", "items": site},
        "seal": reference("Of the whole document without this member: an edit breaks it.", "digest"),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:reconciler:schema:plan",
        "title": "Saved plan",
        "description": "What `reconciler plan --out` saves and `reconciler apply` carries out exactly: once, "
        "unaltered, and while it is still true.",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
        "definitions": {**DEFINITIONS, **dict(sorted(schema.definitions.items()))},
    }


def text() -> str:
    return json.dumps(plan_schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
