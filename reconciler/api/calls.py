"""An operation -> the requests that carry it out: pure, and exactly the requests that the writer sends.

This is the only file that knows the field names in the bodies of writes, except those of events (events.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from reconciler.api import routes
from reconciler.api.events import event_call
from reconciler.api.routes import ApiCall, WriteCall
from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, UpdateActivity
from reconciler.model.canonical import Json, JsonObject, freeze_object
from reconciler.model.events import EventWrite
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation
from reconciler.model.posts import ActivityId, AwaitPosts, ClearPosts, GeneratePosts, PostId, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import Field, MarketingSettings, UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange

__all__ = ["BATCH", "ApiCall", "WriteCall", "all_calls_of", "batched", "calls_of"]

BATCH: Final = 20
"""How many ids one call takes: to generate posts or schedule drafts (S-wix 6.2), or to read posts (I)."""


def calls_of(operation: Operation, site: SiteRef) -> tuple[WriteCall, ...]:  # noqa: C901, ARG001 - one line per kind of write; see below
    """The requests that carry out an operation on a site, in order; empty if it sends nothing itself.

    The site appears in no path or body: it is in a header, or the token is for it (D 2).
    """
    match operation:
        case UpdateSettings():
            return (upsert_settings(operation.whole or operation.merged_into(MarketingSettings()).whole),)
        case EventWrite():
            return (event_call(operation),)
        case Generate():
            return (routes.GENERATE.call(body={}),)
        case Regenerate(keyword_research=research):
            route = routes.REGENERATE_WITH_RESEARCH if research else routes.REGENERATE
            return (route.call(body={}),)
        case DeleteMarketingPlan():
            return (routes.DELETE_MARKETING_PLAN.call(),)
        case CreateActivity(activity=activity):
            return (routes.CREATE_ACTIVITY.call(body={"marketingActivity": _new_activity(activity)}),)
        case UpdateActivity(id=id, changes=changes):
            return (update_activity(id, changes),)
        case DeleteActivity(id=id):
            return (routes.DELETE_ACTIVITY.call(query=(("id", id),)),)
        case GeneratePosts(activity=id):
            return (generate_posts((id,)),)
        case RegeneratePosts(activity=id, stories=True):
            return _for_activity(id, routes.REGENERATE_STORIES, None)
        case RegeneratePosts(activity=id, media_only=media_only):
            return _for_activity(id, routes.REGENERATE_MEDIA if media_only else routes.REGENERATE_POSTS, None)
        case ClearPosts(activity=id, stories=stories):
            return _for_activity(id, routes.CLEAR_POSTS, routes.CLEAR_STORIES if stories else None)
        case SchedulePost(post=id, at=at):
            return (schedule_drafts((id,)) if at is None or operation.takes_own_time else publish_later(id, at),)
        case ReschedulePost(post=id, at=at):
            return (_reschedule(id, at),)
        case CancelPost(post=id):
            return (routes.CANCEL_ITEM.call(id=id, body={}),)
        case AwaitGeneration() | AwaitPosts() | Deferred():
            return ()
        case _:
            assert_never(operation)


def batched(operations: Sequence[Operation]) -> tuple[tuple[Operation, ...], ...]:
    """The operations in order, in groups that one call carries out (the API takes up to 20 ids at once)."""
    groups: list[list[Operation]] = []
    for operation in operations:
        last = groups[-1] if groups else []
        if last and len(last) < BATCH and _share_a_call(last[0], operation):
            last.append(operation)
        else:
            groups.append([operation])
    return tuple(tuple(group) for group in groups)


def batch_call(group: Sequence[Operation], site: SiteRef) -> tuple[WriteCall, ...]:
    """The requests for a group made by `batched`."""
    if len(group) == 1:
        return calls_of(group[0], site)
    drafts = tuple(operation.post for operation in group if isinstance(operation, SchedulePost))
    if drafts:
        return (schedule_drafts(drafts),)
    return (generate_posts(tuple(operation.activity for operation in group if isinstance(operation, GeneratePosts))),)


def _share_a_call(one: Operation, other: Operation) -> bool:
    if isinstance(one, SchedulePost) and isinstance(other, SchedulePost):
        return one.takes_own_time and other.takes_own_time
    return isinstance(one, GeneratePosts) and isinstance(other, GeneratePosts)


def all_calls_of(operation: Operation, site: SiteRef) -> tuple[WriteCall, ...]:
    """The requests of an operation together with those that follow from it, for people to read."""
    if isinstance(operation, SchedulePost) and operation.at is not None and operation.own_time_first:
        return (*calls_of(operation, site), _reschedule(operation.post, operation.at))
    return calls_of(operation, site)


# --- one call each ---------------------------------------------------------------------------------


def upsert_settings(fields: Sequence[Field]) -> WriteCall:
    """Sets whole fields by a mask of exactly their paths, in one comma-separated string (S-wix 1).

    A field to clear is an explicit null in the body, because every path of the mask must be there (D 9.4).
    """
    tree: dict[str, Json] = {}
    for field in fields:
        tree = _with_value_at(tree, field.path.split("."), field.value)
    mask = ",".join(sorted(field.path for field in fields))
    return routes.UPSERT_SETTINGS.call(body={"marketingSettings": JsonObject(tree), "fieldMask": mask})


def update_activity(id: ActivityId, changes: Sequence[FieldChange]) -> WriteCall:
    """Sets fields of an activity by a mask (D 7.2; the body's keys are I)."""
    members: dict[str, Json] = {"id": id}
    members.update((change.path, change.after) for change in changes)
    mask = ",".join(change.path for change in changes)
    return routes.UPDATE_ACTIVITY.call(id=id, body={"marketingActivity": JsonObject(members), "fieldMask": mask})


def generate_posts(ids: Sequence[ActivityId]) -> WriteCall:
    """Asks for the posts of up to 20 activities (S-wix 6.2)."""
    return routes.GENERATE_POSTS.call(body={"marketingActivityIds": _unique(ids)})


def schedule_drafts(ids: Sequence[PostId]) -> WriteCall:
    """Schedules up to 20 drafts at the API's own times (S-wix 6.2)."""
    return routes.SCHEDULE_DRAFTS.call(body={"draftIds": _unique(ids)})


def publish_later(id: PostId, at: datetime) -> WriteCall:
    """Schedules a draft for a given time (S-wix 10.1). Without its date, this call would publish at once."""
    return routes.PUBLISH_BY_ID.call(body={"id": id, "scheduledDate": instant(at)})


def _reschedule(id: PostId, at: datetime) -> WriteCall:
    return routes.RESCHEDULE_ITEM.call(id=id, body={"scheduledDate": instant(at)})


def _for_activity(id: ActivityId, first: routes.WriteRoute, then: routes.WriteRoute | None) -> tuple[WriteCall, ...]:
    body: Mapping[str, Json] = {"marketingActivityId": id}  # D for clear, I for its siblings
    return tuple(route.call(body=body) for route in (first, then) if route is not None)


def _new_activity(activity: DesiredActivity) -> JsonObject:
    return JsonObject({**activity.facts(), "marketingActivityType": activity.type})


def _unique(ids: Sequence[str]) -> tuple[Json, ...]:
    return tuple(dict.fromkeys(ids))


def _with_value_at(tree: Mapping[str, Json], keys: Sequence[str], value: Json) -> dict[str, Json]:
    """The tree with a value set at a path."""
    first, *rest = keys
    if not rest:
        return {**tree, first: value}
    inner = freeze_object(tree.get(first))
    return {**tree, first: JsonObject(_with_value_at(inner, rest, value))}
