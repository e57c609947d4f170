"""Writes schemas/plan.schema.json from the types of a saved plan and from the words below.

`python -m tools.plan_schema` writes it; a test fails if the file does not match the types.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.model.address import Address
from reconciler.model.canonical import Absent, JsonObject
from reconciler.model.frozen import Struct
from reconciler.planner.document import FORMAT_VERSION, KIND, PlanDocument

FILE = Path(__file__).resolve().parents[1] / "schemas" / "plan.schema.json"

TYPES = {
    "Plan": "What would be done at one site, in the order in which it is done.",
    "SiteRef": "Where a site is. Credentials are named, never included.",
    "SiteBackground": "What a screen says about a site in addition to its plan, as it was when the plan was made.",
    "RunBackground": "What a screen says about the run that made a plan.",
    "Action": "An operation at an address, with its reason and what must be true when it runs.",
    "Field": "A field of the marketing settings, and its value.",
    "Match": "Conditions for an activity; everything that is not null must be true.",
}
"""For types whose own first sentence is not meant for readers of a file."""

WORDS = {
    "PlanDocument.formatVersion": "The version of this format.",
    "PlanDocument.kind": "What this document is.",
    "PlanDocument.id": "Random, so that no two saved plans have the same seal.",
    "PlanDocument.tool": "The version of reconciler that made it.",
    "PlanDocument.api": "The API it was made for: wix, sandbox or a URL.",
    "PlanDocument.madeAt": "When it was made.",
    "PlanDocument.validFor": "How long it is valid.",
    "PlanDocument.expiresAt": "When it expires: madeAt plus validFor.",
    "PlanDocument.digest": "The digest of the facts: sites, actions, preconditions and validFor. Equal facts give the "
    "same digest.",
    "PlanDocument.sites": "One plan per site, sorted by name.",
    "PlanDocument.part": "The shard that it covers; left out if it covers all sites.",
    "PlanDocument.project": "The digest of the project file it was made from, which shows if it has changed since.",
    "PlanDocument.commit": "What git had checked out when it was made.",
    "PlanDocument.background": "What a screen says about the run; left out by earlier versions.",
    "RunBackground.of": "How many sites the project has.",
    "RunBackground.coversAll": "Whether nothing that may go public was left out, and no site is undeclared.",
    "RunBackground.refusals": "Why the run as a whole is refused, apart from limits.",
    "Plan.background": "What a screen says about the site in addition to its plan; left out by earlier versions.",
    "SiteBackground.labels": "The site's labels.",
    "SiteBackground.reads": "The parts of the site that were read.",
    "SiteBackground.warnings": "What policy checks warn about.",
    "SiteBackground.inherited": "The fields whose values come from defaults, and for which labels.",
    "SiteBackground.nothingPublic": "Whether it is certain that nothing on the site goes public.",
    "SiteBackground.recorded": "Whether the state has a record of the site.",
    "SiteBackground.approvalNone": "Whether its drafts go out without approval.",
    "SiteBackground.position": "Its place among all sites of the project, in the order of their files.",
    "RunBackground.arguments": "The arguments of `plan` that decided what is in it; left out if there were none.",
    "RunArguments.paths": "Files and folders, from the project's folder.",
    "RunArguments.sites": "Options that choose sites, such as --target.",
    "RunArguments.planning": "Options that decide what is planned, such as --no-publish.",
    "RunArguments.reaching": "Options that say which state, and what is trusted; left out if there were none.",
    "RunPart.number": "Which shard, from 1.",
    "RunPart.count": "How many shards there are.",
    "RunPart.config": "The digest of the files and options that all shards are made from.",
    "PlanDocument.seal": "The digest of the whole document without this field: an edit breaks it.",
    "Plan.actions": "The actions, in the order in which they are carried out.",
    "Plan.bindings": "What was learned about which live object is which, to be recorded when the plan is applied.",
    "Plan.blocked": "What is wanted but not planned, because a person has to do something first.",
    "Plan.config": "The digest of the site's files, which shows whether they have changed since.",
    "Plan.inputs": "The generation inputs that the files ask for.",
    "Plan.notes": "What people should know about the site.",
    "Plan.refusals": "The guards that refuse this site.",
    "Plan.rules": "The digest of each section's rules, recorded once the section is carried out in full.",
    "Plan.adoptedInputs": "The inputs that the current marketing plan was generated from, if known; null if none.",
    "Plan.timeZone": "The site's time zone.",
    "Plan.toReview": "Drafts that a rule selects and that nobody has approved yet.",
    "SiteRef.credentials": "The name of the credentials in the project file.",
    "SiteRef.id": "The site's id.",
    "SiteRef.instanceId": "The app instance's id, for app credentials.",
    "Action.because": "The facts behind the reason, such as paths that changed.",
    "Action.grounds": "What is wrong with a waiting post.",
    "Grounds.differences": "How it differs from what was approved.",
    "Grounds.forbiddenBy": "The rules that forbid it.",
    "Action.operation": "The write, with everything it needs.",
    "Action.requires": "What must still be true just before the write.",
    "Action.reason": "Why it is planned.",
    "DesiredEvent.date": "When a one-time event is; null for a recurring one.",
    "DesiredEvent.wholeDay": "Whether the file names a bare day, so that only days are compared.",
    "CalendarEvent.date": "When a one-time event is; null for a recurring one.",
    "CalendarEvent.calendarId": "The connected calendar it belongs to, if any.",
    "CalendarEvent.rest": "Other fields of the live event, sent back as they are.",
    "UpdateEvent.date": "When it is; left out unless another event has the same name.",
    "UpdateActivity.date": "When it is; left out unless another activity has the same title.",
    "DeleteEvent.date": "When it is; left out unless another event has the same name.",
    "DeleteActivity.date": "When it is; left out unless another activity has the same title.",
    "AwaitGeneration.replaces": "The drafts that a regeneration started by an earlier run throws away.",
    "AwaitPosts.replaces": "The drafts that the posts take the place of.",
    "Regenerate.keywordResearch": "Whether keywords are researched again.",
    "Regenerate.discardable": "What the file allows it to throw away: nothing, unapproved or all.",
    "Deferred.rule": "The index of the rule in its section.",
    "Deferred.atMost": "The maximum number of objects it may affect; null if the rule has no limit.",
    "ReschedulePost.before": "When it was scheduled for; null if that was not known.",
    "FieldChange.before": "The value that was read; null if there was none.",
    "FieldChange.after": "The value that is written; null clears it.",
    "SettingIs.value": "The value that was read; null if there was none.",
    "EventIs.facts": "The digest of the event as it was read.",
    "NoEventNamed.facts": "The digest of the event that is to be created.",
    "ActivityIs.facts": "The digest of the activity as it was read.",
    "DiscardsOnly.posts": "The ids of the posts that may be thrown away.",
    "PostsAre.posts": "The posts the activity has, by id and content; empty for none.",
    "ownTimeFirst": "Whether it is scheduled for the time of its activity first, and then moved to `at`.",
    "PostsAmong.posts": "The posts it may have, by id and content.",
    "DateIs.date": "The activity's own date.",
    "Approved.content": "The digest of the post's content.",
    "Approved.times": "How many times this content was scheduled before; null for a move, which uses no approval.",
    "Approved.decided": "The digest that the approval names; null under `approval: none`.",
    "Approved.cancelled": "The `cancelled` count next to the approval.",
    "NothingWaits.activity": "The activity; null for all upcoming ones.",
    "StillGoingOut.account": "The account it goes out on; null if that is not known.",
    "StillGoingOut.moment": "When it goes out; null if nobody knows.",
    "StillGoingOut.estimated": "True if that is an estimate: the API picked the time and does not say which.",
    "StillGoingOut.reason": "Why it is no longer wanted.",
    "StillGoingOut.because": "The facts behind the reason.",
    "StillGoingOut.grounds": "What is wrong with the post.",
    "StillGoingOut.problem": "Why it is not cancelled; its `fix` says how to stop it.",
    "Plan.stillGoingOut": "Posts that still go out although they are no longer wanted.",
    "Plan.discarded": "The drafts that actions throw away, by title and channel.",
    "Discarded.post": "The draft's id.",
    "Discarded.title": "The title of its activity.",
    "Discarded.channel": "The channel it was generated for.",
    "Discarded.approved": "Whether somebody approved it.",
    "Plan.edited": "The fields that somebody edited on the site since the last apply, and that the plan overwrites.",
    "Plan.ended": "The posts whose outcomes are in `bindings`, by title and channel.",
    "Plan.earlier": "The generations of earlier runs that have ended since the last apply; left out if there are none.",
    "EarlierGenerations.ended": "How many there are.",
    "EarlierGenerations.discarded": "How many drafts they discarded.",
    "EndedPost.account": "The account it was scheduled for; null if that is not known.",
    "EndedPost.moment": "When it was due to go out; null if nobody knows.",
    "StillAhead.moment": "When the post goes out.",
    "StillAhead.lead": "How long before then the write must be made.",
    "PostsRule.present": "Whether the activities should have posts.",
    "RememberedSet.rule": "The digest of the rule's match.",
    "RememberedSet.activities": "The ids of the activities that the rule has changed.",
    "CreateEvent.event": "The event to create.",
    "UpdateEvent.event": "The whole event to send.",
    "CreateActivity.activity": "The activity to create.",
    "Inputs.settings": "Settings by path.",
    "Inputs.events": "Declared events by name.",
    "ToReview.state": "How far its review has got.",
    "ToReview.stuck": "True if it breaks the policy, so that approving it does not help; a note says how.",
    "Diagnostic.code": "A slug: what is in the way, or which guard refuses.",
    "Diagnostic.message": "What is wrong.",
    "Diagnostic.fix": "What to do about it.",
    "Diagnostic.severity": "How much it matters.",
    "Diagnostic.place": "Where it is in a file.",
    "Diagnostic.requestId": "The request id that the API returned.",
    "Diagnostic.call": "The API call and its response; the message ends with it.",
    "Diagnostic.saysName": "True if the message begins with the name of its object: with `name`, if that is set.",
    "Diagnostic.continues": "True if the message continues a sentence that begins with its file.",
    "Diagnostic.shared": "Its message and fix as worded for all sites that have the problem, if that differs.",
    "ClearPosts.stories": "Whether the story drafts of the activity are removed too.",
    "RegeneratePosts.stories": "True if only the activity's stories are regenerated, false if only the rest.",
    "Diagnostic.differences": "The differences that the message only summarises, in full.",
    "Difference.field": "The field in the approvals file.",
    "Difference.inFile": "What the approvals file says; empty if it says nothing.",
    "Difference.live": "What the site has; empty if it has nothing.",
    "Diagnostic.name": "The object's name for people, if the message does not say it.",
    "Place.file": "The file.",
    "Place.line": "From 1; 0 is the file as a whole.",
    "Place.column": "From 1; 0 is the line as a whole.",
    "Match.type": "The activity's type.",
    "activity": "The activity's id.",
    "activityRules": "All rules of the section; the first that matches decides.",
    "address": "The object.",
    "approved": "Whether a person approved exactly this content; false only under `approval: none`.",
    "at": "The time; null if Wix picks it, or if it is not known.",
    "changes": "Each field that differs.",
    "UpdateSettings.whole": "The complete fields as they are sent, by their paths in the mask.",
    "channel": "The channel, as the API names it.",
    "channels": "The channels, as the API names them; empty for all.",
    "content": "The digest of the post's content.",
    "created": "Activities that a rule created, by what was requested.",
    "CreatedEvent.id": "The event's id.",
    "CreatedEvent.calendar": "The calendar it is in, if that is known.",
    "CreatedEvent.seen": "Whether the API has shown it since it was created.",
    "PostOutcome.post": "The post's id.",
    "PostOutcome.seenAt": "When that was read.",
    "PostOutcome.link": "The public link; null if there is none.",
    "PostOutcome.reason": "Why it failed; empty if it did not fail or no reason is known.",
    "createdEvents": "Events that this tool created, with what is known of them.",
    "outcomes": "How posts ended after their time had passed.",
    "spent": "Always empty.",
    "description": "The description; null clears it, and if left out it is left alone.",
    "digest": "The digest of the post's content.",
    "discards": "The ids of the posts that this throws away.",
    "end": "The last day, in the site's time zone.",
    "eventIds": "Events by name, with the ids they have on the site.",
    "id": "The object's id.",
    "ids": "Ids; empty for any.",
    "kind": "Which of the kinds this is.",
    "match": "What the rule matches.",
    "max": "At most this many; null for no limit.",
    "mediaOnly": "Whether only the images are regenerated and the captions stay.",
    "min": "With fewer matches than this, the site is refused.",
    "name": "The name.",
    "objects": "Objects that were found to match the files.",
    "part": "The section of the file that the rule is in.",
    "path": "The field's path in the API's object.",
    "post": "The post's id.",
    "postsRules": "All rules of the section; the first that matches decides.",
    "recurringRule": "When a recurring event is; null for a one-time one.",
    "scheduleRules": "All rules of the section; the first that matches decides.",
    "sets": "Which activities each `set` rule has changed.",
    "site": "The site.",
    "start": "The first day, in the site's time zone.",
    "status": "The post's status.",
    "statuses": "The statuses that are accepted.",
    "targetDate": "When the activity is due.",
    "title": "The activity's title.",
    "about": "An estimate of when a post goes out, if the API picks the time.",
    "account": "The id of the account that the post appears on.",
    "estimated": "True if the time is an estimate: the API picked it and does not say which.",
    "type": "The type, as the API names it.",
    "types": "The types, as the API names them; empty for all.",
    "value": "The value; null if there is none.",
    "weekdays": "Days of the week; empty for any.",
    "within": "Between now and this much later.",
}
"""By type and field, or by field alone."""


class Words:
    """The words for types or fields, and which of them were used."""

    def __init__(self, name: str, words: Mapping[str, str]) -> None:
        self._name, self._words = name, words
        self._used: set[str] = set()

    def of(self, *keys: str) -> str:
        """The words for the first of these keys that has any; empty if none has."""
        for key in keys:
            if key in self._words:
                self._used.add(key)
                return self._words[key]
        return ""

    def of_field(self, key: str, *types: str) -> str:
        """The words for a field of the first of these types, or of any type. Exits if there are none."""
        words = self.of(*(f"{name}.{key}" for name in types), key)
        if not words:
            raise SystemExit(f"{self._name} has no words for {types[0]}.{key}")
        return words

    def check(self) -> None:
        """Exits if some of the words were not used: their type or field is gone, or others come first."""
        if unused := self._words.keys() - self._used:
            raise SystemExit(f"{self._name} has words that nothing uses: {', '.join(sorted(unused))}")


def plan_schema() -> dict[str, Any]:
    """The whole schema."""
    types, words = Words("TYPES", TYPES), Words("WORDS", WORDS)
    [_], found = msgspec.json.schema_components(
        [PlanDocument], schema_hook=_plain_schema, ref_template="#/$defs/{name}"
    )
    records = {kind.__name__: kind for kind in _all_kinds(Struct)}
    for name, definition in found.items():
        if "properties" in definition:
            _complete(definition, records[name], types, words)
    types.check()
    words.check()
    document = found.pop("PlanDocument")
    document["properties"]["formatVersion"]["const"] = FORMAT_VERSION
    document["properties"]["kind"]["const"] = KIND
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:reconciler:schema:plan",
        **document,
        "title": "Saved plan",
        "description": "What `reconciler plan --out` saves and `reconciler apply` carries out exactly: once, "
        "unaltered, and only while its preconditions hold.",
        "$defs": dict(sorted(found.items())),
    }


def _plain_schema(kind: type) -> dict[str, Any]:
    """The schema of a type that the codec itself reads and writes."""
    if kind is Address:
        return {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}(/[a-z-]+(\\[[\\s\\S]*\\])?)?$"}
    return {"type": "object"} if kind is JsonObject else {"$comment": "any JSON value"}


def _all_kinds(kind: type[Struct]) -> set[type[Struct]]:
    return {found for below in kind.__subclasses__() for found in (below, *_all_kinds(below))}


def _complete(definition: dict[str, Any], kind: type[Struct], types: Words, words: Words) -> None:
    """Adds what only this tool knows: words for people, and that a document omits nothing but ABSENT."""
    hints = typing.get_type_hints(kind)
    properties = definition["properties"]
    required = ["kind"] if kind.__struct_config__.tag is not None else []
    for name, key in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        properties[key].pop("default", None)
        if Absent not in typing.get_args(hints[name]):
            required.append(key)
    for key, member in properties.items():
        properties[key] = {"description": words.of_field(key, kind.__name__), **member}
    definition["required"] = required
    about = types.of(kind.__name__) or " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    definition["description"] = about or f"A value of kind {kind.__struct_config__.tag}."


def text() -> str:
    """What the file should hold."""
    return without_references(json.dumps(plan_schema(), indent=2)) + "\n"


def without_references(text: str) -> str:
    """A schema's text without the references to sections of the manual that docstrings have."""
    return re.sub(r" \((?:D|S-wix|design\.md) [0-9.]+\)", "", text)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
