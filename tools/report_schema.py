"""Writes schemas/report.schema.json from the records of the JSON reports and from the words below.

`python -m tools.report_schema` writes it; a test fails if the file does not match the records. Fields may be added
within a version, but none changes its meaning, and none is removed.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.engine.run_ledger import EntryRecord, LedgerRecord
from reconciler.model.address import Address
from reconciler.model.canonical import Absent, JsonObject
from reconciler.model.frozen import ApiInstant, Joined
from reconciler.reporters.adoption_json import ExaminedRecord, ImportedRecord
from reconciler.reporters.drift_json import DriftedRecord
from reconciler.reporters.history_json import HistoryRecord
from reconciler.reporters.json_report import FORMAT_VERSION
from reconciler.reporters.kinds.base import WriteRecord
from reconciler.reporters.kinds.registry import KINDS
from reconciler.reporters.ndjson import (
    BegunRecord,
    EarlierCallRecord,
    LockWaitRecord,
    NoteRecord,
    UnclearRecord,
    WaitingRecord,
)
from reconciler.reporters.plan_json import ActionJson, PlannedRecord
from reconciler.reporters.review_json import NotReviewedRecord, ReviewedRecord
from reconciler.reporters.run_json import (
    COUNTS,
    CheckedRecord,
    DriftSummary,
    FailedRecord,
    Members,
    PlanSummary,
    StarterRecord,
)
from reconciler.reporters.state_json import KnownRecord, ListedRecord, LockJson, UnreadableRecord
from tools.plan_schema import Words, without_references

FILE: Final = Path(__file__).resolve().parents[1] / "schemas" / "report.schema.json"
REF: Final = "#/definitions/"

LINES: Final[dict[str, tuple[type[Struct], ...]]] = {
    "site-planned": (PlannedRecord,),
    "site-drifted": (DriftedRecord,),
    "site-reviewed": (ReviewedRecord,),
    "site-not-reviewed": (NotReviewedRecord,),
    "site-history": (HistoryRecord,),
    "site-imported": (ImportedRecord,),
    "site-examined": (ExaminedRecord,),
    "site-listed": (KnownRecord, UnreadableRecord),
    "site-failed": (FailedRecord,),
}
"""What a line about a site has, and what a member of `sites` may be."""

STEPS: Final = (BegunRecord, EntryRecord, WaitingRecord, UnclearRecord, LockWaitRecord, EarlierCallRecord, NoteRecord)
SITES: Final = tuple(record for records in LINES.values() for record in records)
WRITES: Final = tuple(record for kind in KINDS.values() for record in kind.records.values())
JOINED: Final[tuple[type[Joined], ...]] = (ActionJson, LockJson, PlanSummary, DriftSummary)
COUNTED: Final[tuple[type[Struct], ...]] = (*COUNTS.values(), CheckedRecord, StarterRecord, ListedRecord)

WORDS: Final = {
    "Members.applied": "What apply did, in counts. For state show, what was last applied.",
    "Members.exitCode": "The exit code of the run.",
    "Members.files": "For init: the files of the project, and whether each was written or was there already.",
    "Members.sandbox": "For sandbox show: everything in it, and the requests that it received.",
    "Members.schema": "For schema: the JSON Schema.",
    "Members.script": "For completion: the script.",
    "Members.shell": "For completion: the shell.",
    "Members.url": "For sandbox serve: the URL of the sandbox.",
    "Members.version": "For version: the version of reconciler.",
    "StarterFile.file": "The file.",
    "StarterFile.written": "Whether it was written; false if it was there already.",
    "StarterRecord.kept": "How many files were there already.",
    "StarterRecord.written": "How many files were written.",
    "Members.id": "The id of the site that a `state` command is about.",
    "Members.interrupted": "Whether a signal ended the run.",
    "Members.ledger": "What apply did on each site.",
    "Members.lock": "Who has locked the site.",
    "Members.movedTo": "The id that the site's record was moved to; null if it was forgotten.",
    "Members.place": "Where the state is.",
    "Members.problems": "Problems of the run and of its files; those of a site are listed with the site.",
    "Members.project": "What doctor found about the project.",
    "Members.refusals": "The guards that refuse the run as a whole.",
    "Members.refused": "Why the run was refused, so that nothing was done.",
    "Members.resolved": "An unconfirmed call that was resolved by hand.",
    "Members.run": "What the run covers.",
    "Members.saved": "The saved plan that the sites come from.",
    "Members.site": "The site that a `state` command is about.",
    "Members.summary": "Counts of the run; which ones depends on the command.",
    "Members.touched": "What an upgrade to this version would affect.",
    "Members.unlocked": "Whether a lock was removed.",
    "Members.verdict": "How the run ended, in a word. Each word has its exit code.",
    "ActionDetails.calls": "With --explain: the API calls.",
    "ActionDetails.discards": "The drafts that this throws away.",
    "ActionDetails.requires": "With --explain: what must still be true just before the write.",
    "ActionRecord.because": "The facts behind the reason, such as paths that changed.",
    "ActionRecord.reason": "Why it is planned.",
    "ActivityCreated.activity": "The activity, as it is sent.",
    "CheckedRecord.tool": "The version that files were checked against.",
    "CheckedRecord.touched": "How many findings there are.",
    "DraftRecord.account": "The id of the account that it would appear on; null if that is not known.",
    "DraftRecord.at": "When it goes out, once it is approved.",
    "DraftRecord.goesOut": "When it goes out, for people; both times if a scheduled post moves once it is approved.",
    "DraftRecord.problems": "What would keep it from going out if it were approved.",
    "DraftRecord.status": "How far its review has got.",
    "DraftRecord.warnings": "What is odd about it, but does not block it.",
    "DriftedRecord.objects": "The managed objects.",
    "DifferenceRecord.field": "The field in the approvals file.",
    "EventCreated.event": "The event, as the file declares it.",
    "EntryRecord.goesOut": "When a scheduled post goes out, also if it was not moved to the time asked for.",
    "EntryRecord.problem": "Why it was not done.",
    "EntryRecord.requestId": "The request id of its call.",
    "FailedRecord.error": "Why it could not be worked on.",
    "FailedRecord.notLookedAt": "The posts that are waiting to go out there, as far as the state knows.",
    "FailedRecord.refused": "Why it was refused, and so left alone.",
    "FieldRecord.applied": "What was last applied; left out if nothing was.",
    "FieldRecord.desired": "What the file asks for.",
    "GoingOutRecord.account": "The id of the account; null if that is not known.",
    "GoingOutRecord.accountName": "The name of the account; null if that is not known.",
    "GoingOutRecord.because": "The facts behind the reason.",
    "GoingOutRecord.moment": "When it goes out; null if nobody knows.",
    "GoingOutRecord.reason": "Why it is no longer wanted.",
    "HistoryRecord.posts": "Its posts, the earliest first.",
    "ImportedRecord.approved": "How many posts were scheduled already, and count as approved.",
    "ImportedRecord.changes": "How many changes are in a plan made right afterwards.",
    "ImportedRecord.file": "The file of the site.",
    "ImportedRecord.id": "The site's id.",
    "ImportedRecord.notes": "What was left out, and what a plan would still change.",
    "ImportedRecord.written": "What was done to the file.",
    "KnownRecord.generatedFrom": "Whether it is known what the marketing plan was generated from.",
    "KnownRecord.id": "The site's id.",
    "KnownRecord.inDoubt": "How many calls are unconfirmed.",
    "KnownRecord.lock": "Who has locked it; null if nobody has.",
    "KnownRecord.pending": "Whether settings or events are waiting for the next generation.",
    "KnownRecord.published": "How many posts were scheduled.",
    "LapsedRecord.decision": "The decision that no longer counts.",
    "LedgerRecord.error": "Why work on the site was abandoned; null if it was not.",
    "LedgerRecord.inDoubt": "What was left alone because the outcome of an earlier run's call is not known.",
    "LedgerRecord.interrupted": "Whether the run was asked to stop.",
    "LedgerRecord.notes": "What people should know about the site.",
    "LeaseRecord.ended": "Whether the next run takes the lock over.",
    "PlanTally.inDoubt": "How many objects are blocked because the outcome of an earlier call is not known, not "
    "counting those that are still going out.",
    "ListedRecord.inDoubt": "How many calls are unconfirmed.",
    "ListedRecord.locked": "How many sites are locked.",
    "ListedRecord.unreadable": "How many records or locks cannot be read.",
    "NotReviewedRecord.problem": "Why there is nothing to review.",
    "ObjectRecord.about": "The facts behind the finding, such as the title of an activity.",
    "ObjectRecord.because": "The facts behind the reason.",
    "ObjectRecord.channel": "For a post: the channel it goes out on.",
    "ObjectRecord.fields": "The fields that do not match the file.",
    "ObjectRecord.finding": "What does not match the file; null if everything does.",
    "ObjectRecord.moreProblems": "What else blocks it, if several things do.",
    "ObjectRecord.moved": "Which side has changed since the last apply; null if it has not drifted.",
    "ObjectRecord.problem": "What is wrong with it or worth knowing, and what to do; null only if it is converged.",
    "ObjectRecord.reason": "Why it is no longer wanted.",
    "ObjectRecord.title": "For a post: the title of its activity.",
    "ObjectRecord.type": "For a post: its type on the channel, such as POST or STORY.",
    "OfActivity.title": "The activity's title.",
    "PlannedRecord.reads": "With --explain: the parts of the site that were read.",
    "PlannedRecord.refusals": "The guards that refuse this site.",
    "PostRecord.approved": "Whether a person approved it; false only under `approval: none`.",
    "PostRecord.movedTo": "When it goes out or went out instead, after somebody moved it.",
    "PostRecord.status": "How it ended; left out if nobody has looked yet.",
    "PostRecord.unwanted": "Why it was no longer wanted when it went out.",
    "DeferredAction.words": "The deferred action in words.",
    "KeptPromises.added": "How many activities were added.",
    "KeptPromises.changed": "How many activities were changed.",
    "KeptPromises.destroyed": "How many activities were deleted.",
    "KeptPromises.posts": "How many activities got posts.",
    "Promises.posts": "How many activities get posts, at most.",
    "Promises.publish": "How many drafts go out, at most.",
    "Promises.delete": "How many activities the rules delete, at most, across all sites.",
    "Promises.unboundedDelete": "How many of the deferred actions without a bound delete activities.",
    "Promises.unboundedPublish": "How many of the deferred actions without a bound make posts public.",
    "PostsRecord.posts": "How many posts this tool scheduled.",
    "ProblemRecord.address": "The object that it is about.",
    "ProblemRecord.code": "A slug that programs may rely on.",
    "ProblemRecord.fix": "What to do.",
    "DeferredWrite.deferred": "The rule and its bound.",
    "ResolvedRecord.done": "Whether it took effect.",
    "ResolvedRecord.id": "The entry's id in the journal.",
    "ResolvedRecord.left": "How many calls of the site are still unconfirmed.",
    "ReviewRecord.approved": "How many drafts are approved.",
    "ReviewRecord.pending": "How many drafts wait for a decision.",
    "ReviewedRecord.backToKeep": "Decisions about activities whose drafts have changed or gone out since.",
    "ReviewedRecord.file": "The approvals file.",
    "ReviewedRecord.gone": "Approved drafts and scheduled posts that the site and the file no longer have.",
    "ReviewedRecord.rewritten": "Decisions and edits by people that the file no longer has.",
    "ReviewedRecord.written": "What was done to the approvals file.",
    "RewrittenRecord.after": "Its status now.",
    "RewrittenRecord.before": "Its status before.",
    "RunPart.config": "The digest of the files and options that all shards are made from.",
    "RunPart.count": "How many shards there are.",
    "RunPart.number": "Which shard, from 1.",
    "RunRecord.of": "How many sites the project has.",
    "RunRecord.part": "The shard, if it was made with --shard.",
    "RunRecord.project": "The name of the project's folder.",
    "RunRecord.sites": "How many sites were selected.",
    "SavedRecord.api": "The API that it was made for: wix, sandbox or a URL.",
    "SavedRecord.digest": "The digest of its facts.",
    "SavedRecord.id": "Its own id.",
    "SavedRecord.tool": "The version of reconciler that made it.",
    "SettingsUpdated.changes": "The fields that change.",
    "ToReviewRecord.state": "How far its review has got.",
    "ToReviewRecord.stuck": "Whether it breaks the policy, so that approving it does not help; a note says how.",
    "UnreadableRecord.error": "Why its record or its lock cannot be read.",
    "DecidedRecord.activities": "How many activities got a decision.",
    "DecidedRecord.asked": "How many drafts there were to decide on.",
    "DecidedRecord.drafts": "How many drafts got a decision.",
    "DecidedRecord.listed": "How many drafts the approvals files have.",
    "DecidedRecord.sites": "How many sites got a decision.",
    "DecidedRecord.pending": "How many drafts still wait for a decision.",
    "DriftRecord.affected": "How many sites have anything to report.",
    "PlanTally.discard": "How many drafts are thrown away.",
    "PlanTally.discardedAnyway": "How many of the discarded drafts are thrown away by a regeneration that is already "
    "under way.",
    "PlanTally.earlierEnded": "How many generations of earlier runs have ended since the last apply.",
    "PlanTally.earlierDiscarded": "How many drafts these generations discarded.",
    "PlanTally.uncounted": "On how many sites an unknown number of drafts may be discarded.",
    "PlanTally.pending": "How many objects the plan waits for.",
    "PlanTally.promises": "The bounds of what is decided after generation.",
    "PlanTally.moved": "How many of the posts that go out are already scheduled, and only move to another time.",
    "PlanTally.publish": "How many posts go out.",
    "PlanTally.stillGoingOut": "How many posts go out although they are no longer wanted.",
    "PlanTally.toReview": "How many drafts wait for review.",
    "ApplyTally.moved": "How many of the published posts were already scheduled, and were only moved to another time.",
    "ApplyTally.stillGoingOut": "How many posts go out although they are no longer wanted.",
    "ApplyTally.atAnotherTime": "How many posts go out, but not at the time asked for; each counts as not done, too.",
    "ReviewRecord.stillGoingOut": "How many posts go out although they are no longer wanted.",
    "ReviewRecord.toDiscard": "How many of the waiting drafts the next `apply` discards.",
    "ReviewRecord.unapproved": "How many of the waiting drafts are already scheduled, and go out unless somebody "
    "cancels them.",
    "account": "The id of the account.",
    "accountName": "The name of the account.",
    "actions": "The actions, in the order in which they are applied.",
    "activities": "How many activities are created or changed, at most.",
    "activity": "The activity's id.",
    "add": "How many objects are created.",
    "added": "How many objects were created.",
    "address": "The object's address, such as shop/draft[834d...].",
    "api": "wix, sandbox or a URL.",
    "approvalNone": "Selected sites whose drafts go out unapproved.",
    "approved": "Whether somebody approved it.",
    "approver": "Who approved it.",
    "at": "When it goes out; null if the API picks the time.",
    "PostCancelled.at": "When it was scheduled for; null if the API picks the time, or if that is not known.",
    "atMost": "The maximum number of objects it may affect; null if the rule has no limit.",
    "before": "When it was scheduled for; null if that is not known.",
    "blocked": "What only a person can change.",
    "DriftRecord.blocked": "How many objects are blocked until a person acts.",
    "PlanTally.blocked": "How many objects are blocked until a person acts.",
    "call": "The call.",
    "cancel": "How many posts are cancelled.",
    "cancelled": "How many posts were cancelled.",
    "change": "How many objects are changed.",
    "changed": "How many objects were changed.",
    "changes": "The fields that change.",
    "channel": "The channel, as the API names it.",
    "ciUrl": "The CI job of the run; null if there is none.",
    "class": "The class of the action; public ones also need --allow-publish.",
    "column": "The column, from 1.",
    "commit": "The commit that was checked out.",
    "created": "How many files were created.",
    "declared": "How many sites were declared already.",
    "deferred": "How many actions are decided after generation.",
    "deleted": "How many events, activities and marketing plans are deleted.",
    "destroy": "How many objects are deleted.",
    "destroyed": "How many objects were deleted.",
    "differences": "What differed between the file and the site.",
    "digest": "The digest of the post's content.",
    "discard": "How many drafts are cleared, at most.",
    "discarded": "How many drafts were thrown away.",
    "drafts": "The drafts that people decide on, or have decided on.",
    "drifted": "How many objects have drifted.",
    "due": "How many objects the rules now cover just because time has passed.",
    "errors": "How many findings stop plan or apply.",
    "exact": "Whether that time is exact; if not, it is an estimate.",
    "expired": "Whether it may no longer be applied.",
    "expires": "When the lock ends unless it is renewed.",
    "expiresAt": "When it expires.",
    "facts": "What was found that is not a problem.",
    "failed": "How many sites failed.",
    "ApplyTally.failed": "How many actions failed.",
    "failedPosts": "Posts that failed to go out and that nobody has decided on since.",
    "PostsRecord.failedPosts": "How many posts failed to go out.",
    "ReviewRecord.failedPosts": "How many posts failed to go out.",
    "failure": "Why it did not go out.",
    "file": "The file that it is in.",
    "files": "How many files were read.",
    "finished": "How many generations that were already under way ended during the run.",
    "findings": "What was found to be wrong, or is worth knowing.",
    "generate": "How many generations are started.",
    "forbiddenBy": "The rules that forbid it.",
    "generated": "How many objects were generated.",
    "grounds": "What is wrong with a waiting post: rules that forbid it, and how it differs from what was approved.",
    "host": "The host that it runs on.",
    "id": "The object's id.",
    "inFile": "What the approvals file says; empty if it says nothing.",
    "inReview": "How many drafts wait for a decision.",
    "keywordResearch": "Whether keywords are researched again.",
    "line": "The line, from 1.",
    "link": "Where it can be seen.",
    "live": "What the site has.",
    "madeAt": "When it was made.",
    "mediaOnly": "Whether only the images are regenerated and the captions stay.",
    "message": "What is wrong.",
    "moved": "Which side has changed since the last apply.",
    "name": "The name.",
    "notEmpty": "How many sites a plan would still change.",
    "notStarted": "How many actions were not begun.",
    "notedAt": "When its scheduling was recorded.",
    "notes": "What people should know about the site, each with a code.",
    "DoctorRecord.notes": "How many findings are only notes.",
    "GoingOutRecord.problem": "Why nothing stops it; its `fix` says how to stop it.",
    "operation": "The kind of write; the other fields depend on it.",
    "part": "The section of the file that the rule is in.",
    "parts": "How many shards were merged.",
    "path": "The field's path in the API's object.",
    "after": "The value that is written; null clears it.",
    "FieldChange.before": "The value that was read; null if there was none.",
    "pending": "How many objects are under way.",
    "post": "The post's id.",
    "process": "Its process id.",
    "promised": "What was decided after generation; no other count of what was done includes it.",
    "published": "How many posts were scheduled.",
    "refused": "How many sites are refused.",
    "refusals": "The guards that refuse an apply of the site.",
    "requestId": "The request id that the API returned, for the vendor's support.",
    "reviewed": "Whether there is anything to review.",
    "rule": "The index of the rule in its section.",
    "run": "The run's name; the id of its ledger ends with it.",
    "scheduledFor": "When it was scheduled for.",
    "severity": "How much it matters.",
    "since": "When the lock was taken.",
    "site": "The site's name.",
    "sites": "How many sites there are.",
    "sitesPending": "How many sites have drafts waiting for a decision.",
    "skipped": "How many actions were skipped.",
    "SavedRecord.begunAt": "When it was first applied, whole or in shards; null if it was not, as far as is known.",
    "SavedRecord.shards": "How many shards it is applied in; 1 if it is applied whole, or not applied yet.",
    "SavedRecord.shardsLeft": "Which of these shards are left to apply.",
    "spentAt": "When it was applied; null if it was not, as far as is known, or if some of its shards are left.",
    "NoteRecord.problem": "The note.",
    "EarlierCallRecord.outcome": "How it ended.",
    "LockWaitRecord.lock": "The lock that another run holds.",
    "UnclearRecord.calls": "How many calls of an earlier attempt may still show an effect.",
    "UnclearRecord.seconds": "How much longer the run looks for an effect, at most.",
    "WaitingRecord.left": "How many actions the run is still waiting for.",
    "WaitingRecord.since": "When the wait began.",
    "timeoutSeconds": "The maximum time to wait.",
    "remark": "A remark about how it ended.",
    "result": "How it ended.",
    "entries": "What became of each action.",
    "matched": "How many actions a deferred action turned into.",
    "state": "Its state.",
    "stillGoingOut": "Posts that still go out although they are no longer wanted.",
    "timeZone": "The site's time zone.",
    "times": "How many times this content was scheduled.",
    "title": "The title of its activity.",
    "ActivityDeleted.title": "The activity's title.",
    "ActivityUpdated.title": "The activity's title.",
    "toReview": "Drafts that a rule selects and nobody has approved yet.",
    "type": "Its type on the channel, such as POST or STORY.",
    "unbounded": "How many deferred actions have no bound.",
    "unchanged": "How many files were up to date.",
    "unknown": "How many actions have an outcome that nobody knows.",
    "updated": "How many files were changed.",
    "user": "The user who runs reconciler.",
    "verb": "What is done.",
    "waiting": "How many calls took effect and have results still to come.",
    "warnings": "How many findings leave something for a person to do.",
    "withheld": "How many public actions were not allowed.",
}
"""By record and field, or by field alone."""


def report_schema() -> dict[str, Any]:
    """The whole schema."""
    words = Words("WORDS", WORDS)
    fields = typing.get_type_hints(Members)
    told = {name: _without_absent(hint) for name, hint in fields.items() if name not in ("summary", "ledger")}
    kinds = (
        *told.values(),
        LedgerRecord,
        *STEPS,
        *SITES,
        *WRITES,
        *COUNTED,
        *(part for joined in JOINED for part in joined.of),
    )
    kinds = tuple(kind for kind in kinds if kind is not WriteRecord)
    made, found = msgspec.json.schema_components(kinds, schema_hook=_plain_schema, ref_template=REF + "{name}")
    records = {kind.__name__: kind for kind in _below(Struct)}
    for name, definition in found.items():
        if "properties" in definition:
            _complete(definition, records[name], words)
    found |= {joined.__name__: _joined(joined) for joined in JOINED}
    found["FailedRecord"]["anyOf"] = [{"required": ["error"]}, {"required": ["refused"]}]
    found["ProblemRecord"]["additionalProperties"] = False
    found |= {"site": {"description": "What was found on a site.", **_any_of(SITES)}}
    keys = dict(zip(Members.__struct_fields__, Members.__struct_encode_fields__, strict=True))
    members = {keys[name]: made[number] for number, name in enumerate(told)}
    members["applied"] = {"anyOf": [members["applied"], {"type": "object", "required": ["settings", "events"]}]}
    members["site"] = {"anyOf": [members["site"], {"type": "object", "required": ["name", "id"]}]}
    members["summary"] = _any_of((PlanSummary, DriftSummary, *COUNTED))
    members["sandbox"] |= {"required": ["clock", "sites", "gaps", "requests"]}
    members["exitCode"] |= {"minimum": 0, "maximum": 255}
    members = {key: {"description": words.of_field(key, "Members"), **members[key]} for key in members}
    document, line = _document(members, words.of_field("ledger", "Members")), _line(members)
    words.check()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:reconciler:schema:report",
        "title": "Report",
        "description": "What a run of reconciler reports: the document of --output json, or a line of --output ndjson.",
        "anyOf": [_ref("document"), _ref("line")],
        "definitions": {"document": document, "line": line, **dict(sorted(found.items()))},
    }


VERSION: Final = {"description": "The version of this format.", "type": "integer", "enum": [FORMAT_VERSION]}
COMMAND: Final = {"description": "The command, such as plan or state list.", "type": "string"}


def _document(members: dict[str, Any], about_ledger: str) -> dict[str, Any]:
    of_sites = {"description": "What was found on each site.", "type": "array", "items": _ref("site")}
    ledger = {"description": about_ledger, "type": "array", "items": _any_of((LedgerRecord, FailedRecord))}
    return {
        "description": "A whole run.",
        "type": "object",
        "required": ["formatVersion", "command", "sites", "verdict", "exitCode"],
        "properties": {"formatVersion": VERSION, "command": COMMAND, "sites": of_sites, **members, "ledger": ledger},
    }


def _line(members: dict[str, Any]) -> dict[str, Any]:
    event = {
        "description": "What happened. The other fields of the line are those that the document has for it.",
        "type": "string",
        "pattern": "^[a-z]+(-[a-z]+)*$",
    }
    of_line = {
        "phase": {"description": "What the run is doing with its sites now.", "type": "string"},
        "outcome": {
            "description": "For ended: the event that closed the run; empty if there was none.",
            "type": "string",
        },
        "step": {"enum": ["started", "finished", "skipped", "corrected", "waiting", "resolved", "note"]},
    }
    # A line about a site has fields of the same names.
    shared = {key: member for key, member in members.items() if key not in ("refused", "stillGoingOut", "site", "id")}
    conditions = {
        "report": {"required": ["formatVersion", "command"]},
        "ended": {"required": ["outcome", "verdict", "exitCode"]},
        "progressed": {"required": ["site", "step"], **_any_of(STEPS)},
        **{name: _any_of(kinds) for name, kinds in LINES.items()},
        "site-applied": _any_of((LedgerRecord, FailedRecord)),
    }
    return {
        "description": "A line of --output ndjson. The first one is `report`, the last one `ended`; the others come as "
        "things happen.",
        "type": "object",
        "required": ["event"],
        "properties": {"event": event, "formatVersion": VERSION, "command": COMMAND, **shared, **of_line},
        "allOf": [
            {"if": {"properties": {"event": {"const": name}}}, "then": then} for name, then in conditions.items()
        ],
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": REF + name}


def _any_of(kinds: Iterable[type]) -> dict[str, Any]:
    refs = [_ref(kind.__name__) for kind in kinds]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _joined(joined: type[Joined]) -> dict[str, Any]:
    """An object that joins several records; its write record may be of any kind."""
    parts = [_any_of(WRITES) if part is WriteRecord else _any_of((part,)) for part in joined.of]
    return {"description": _first_sentence(joined), "allOf": parts}


def _plain_schema(kind: type) -> dict[str, Any]:
    """The schema of a type that the codec itself writes."""
    if kind in JOINED:
        return _ref(kind.__name__)
    if kind is JsonObject:
        return {"type": "object"}
    return {"type": "string"} if kind in (Address, ApiInstant) else {"$comment": "any JSON value"}


def _below(kind: type[Struct]) -> set[type[Struct]]:
    return {found for below in kind.__subclasses__() for found in (below, *_below(below))}


def _without_absent(hint: Any) -> Any:
    return typing.Union[tuple(each for each in typing.get_args(hint) if each is not Absent)]  # noqa: UP007


def _complete(definition: dict[str, Any], kind: type[Struct], words: Words) -> None:
    """Adds words for people and the required members, and allows others: later versions may add fields."""
    config, hints = kind.__struct_config__, typing.get_type_hints(kind)
    definition.pop("additionalProperties", None)
    definition.pop("title", None)
    definition["description"] = _first_sentence(kind)
    required = [config.tag_field] if config.tag is not None else []
    for name, key in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        member = definition["properties"][key]
        has_default = member.pop("default", ...) is not ...
        if member.get("type") == "integer":
            member["minimum"] = int(config.omit_defaults and has_default)
        if not (config.omit_defaults and has_default) and Absent not in typing.get_args(hints[name]):
            required.append(key)
    definition["required"] = required
    for key, member in definition["properties"].items():
        about = words.of_field(key, *(each.__name__ for each in kind.__mro__))
        definition["properties"][key] = {"description": about, **member}


def _first_sentence(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def text() -> str:
    """What the file should hold."""
    return without_references(json.dumps(report_schema(), indent=2, ensure_ascii=False)) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
