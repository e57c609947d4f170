"""What an operation does, as members of a JSON object. The keys are part of the format."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from reconciler.model.activities import CreateActivity, DeleteActivity, UpdateActivity
from reconciler.model.canonical import thaw
from reconciler.model.events import EventWrite
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation
from reconciler.model.posts import AwaitPosts, ClearPosts, GeneratePosts, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.reporters import words
from reconciler.reporters.event_words import event_json
from reconciler.reporters.values import changes_json


def operation_json(operation: Operation) -> dict[str, Any]:
    """`operation` names the kind; the other members are what that kind has."""
    match operation:
        case EventWrite():
            return event_json(operation)
        case UpdateSettings(changes=changes):
            return {"operation": "update-settings", "changes": changes_json(changes)}
        case Generate():
            return {"operation": "generate"}
        case Regenerate(keyword_research=research):
            return {"operation": "regenerate", "keywordResearch": research}
        case AwaitGeneration():
            return {"operation": "await-generation"}
        case DeleteMarketingPlan():
            return {"operation": "delete-marketing-plan"}
        case Deferred():
            return _deferred(operation)
        case _:
            return _content(operation)


def _content(
    operation: CreateActivity
    | UpdateActivity
    | DeleteActivity
    | GeneratePosts
    | AwaitPosts
    | RegeneratePosts
    | ClearPosts
    | SchedulePost
    | ReschedulePost
    | CancelPost,
) -> dict[str, Any]:
    match operation:
        case CreateActivity(activity=activity):
            facts = thaw(activity.facts())
            return {"operation": "create-activity", "activity": {**facts, "marketingActivityType": activity.type}}
        case UpdateActivity(id=id, title=title, changes=changes):
            return {"operation": "update-activity", "activity": id, "title": title, "changes": changes_json(changes)}
        case DeleteActivity(id=id, title=title):
            return {"operation": "delete-activity", "activity": id, "title": title}
        case GeneratePosts(activity=activity, title=title):
            return {"operation": "generate-posts", "activity": activity, "title": title}
        case AwaitPosts(activity=activity, title=title):
            return {"operation": "await-posts", "activity": activity, "title": title}
        case RegeneratePosts(activity=activity, title=title, media_only=media_only):
            return {
                "operation": "regenerate-posts",
                "activity": activity,
                "title": title,
                "mediaOnly": media_only,
            }
        case ClearPosts(activity=activity, title=title):
            return {"operation": "clear-posts", "activity": activity, "title": title}
        case SchedulePost(at=at, digest=digest, approved=approved):
            post = _post("schedule-post", operation, at)
            return {**post, "digest": digest, "approved": approved}
        case ReschedulePost(at=at, before=before, digest=digest):
            post = _post("reschedule-post", operation, at)
            return {**post, "before": instant(before) if before else None, "digest": digest}
        case CancelPost(at=at):
            return _post("cancel-post", operation, at)
        case _:
            assert_never(operation)


def _post(name: str, operation: SchedulePost | ReschedulePost | CancelPost, at: datetime | None) -> dict[str, Any]:
    return {
        "operation": name,
        "post": operation.post,
        "activity": operation.activity,
        "channel": operation.channel,
        "type": operation.type,
        "title": operation.title,
        "at": instant(at) if at else None,
    }


def _deferred(operation: Deferred) -> dict[str, Any]:
    return {
        "operation": "deferred",
        "deferred": {
            "part": operation.part.value,
            "rule": operation.rule,
            "atMost": operation.at_most,
            "words": words.deferred(operation),
        },
    }
