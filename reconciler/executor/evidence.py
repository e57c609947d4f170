"""What each call is recognised by afterwards: the facts noted before it, and the verdict a later look gives.

The same verdicts serve a run whose answer was unclear and a run that finds an entry of an earlier one open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.calls import Call, known_call
from reconciler.model.canonical import EMPTY, Json, JsonObject, same
from reconciler.model.events import CalendarEvent, DesiredEvent, instant
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.operations import (
    AwaitGeneration,
    AwaitPosts,
    CancelPost,
    ClearPosts,
    CreateActivity,
    CreateEvent,
    Deferred,
    DeleteActivity,
    DeleteEvent,
    DeleteMarketingPlan,
    Done,
    Generate,
    GeneratePosts,
    NotDone,
    OpenEntry,
    Operation,
    Outcome,
    Pending,
    Regenerate,
    RegeneratePosts,
    ReschedulePost,
    SchedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.model.posts import GONE_OUT, ActivityId, Post, PostId, PostStatus
from reconciler.model.settings import MarketingSettings, same_setting

TO_COME: Final = frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED})
"""Statuses of a post that has not gone out, and that clearing takes away."""


class Sight(Struct, frozen=True):
    """What a look at a site showed, as far as it was asked for."""

    settings: MarketingSettings | None = None
    marketing_plan: MarketingPlan | None = None
    events: tuple[CalendarEvent, ...] = ()
    posts: tuple[tuple[ActivityId, tuple[Post, ...]], ...] = ()
    items: tuple[tuple[PostId, Post | None], ...] = ()

    def activity(self, id: str) -> Activity | None:
        return next((one for one in self.activities if one.id == id), None)

    def posts_of(self, id: str) -> tuple[Post, ...]:
        """An activity's posts, wherever they were read."""
        found = next((posts for activity, posts in self.posts if activity == id), None)
        if found is not None:
            return found
        activity = self.activity(id)
        return activity.posts if activity else ()

    def post(self, id: str) -> Post | None:
        """A post, wherever it was read."""
        seen = {one.id: one for activity in self.activities for one in activity.posts}
        seen |= {one.id: one for _, posts in self.posts for one in posts}
        seen |= {one.id: one for _, one in self.items if one is not None}
        return seen.get(PostId(id))

    @property
    def activities(self) -> tuple[Activity, ...]:
        return self.marketing_plan.activities if self.marketing_plan else ()


# --- facts -----------------------------------------------------------------------------------------


def facts_of(operation: Operation, before: Sight) -> JsonObject:
    """What is noted with a call: what it asks for, and what stood there before it."""
    match operation:
        case CreateEvent(event=event):
            known = tuple(sorted(one.id for one in before.events if one.name == event.name))
            return JsonObject({"name": event.name, "event": wanted_event(event), "known": known})
        case UpdateEvent(event=event):
            return JsonObject({"id": event.id, "name": event.name, "event": event.facts()})
        case DeleteEvent(id=id, name=name):
            return JsonObject({"id": id, "name": name})
        case UpdateSettings(changes=changes):
            return JsonObject({"values": JsonObject({one.path: one.after for one in changes})})
        case Generate() | Regenerate() | DeleteMarketingPlan():
            live = before.marketing_plan or MarketingPlan(PlanStatus.NEVER_CREATED)
            there = tuple(sorted(one.id for one in live.activities))
            discards = () if isinstance(operation, Generate) else tuple(sorted(operation.discards))
            return JsonObject({"status": str(live.status), "activities": there, "discards": discards})
        case CreateActivity(activity=activity):
            return JsonObject({"activity": activity.facts(), "known": _alike(before, activity.facts())})
        case UpdateActivity(id=id, changes=changes):
            return JsonObject({"id": id, "values": JsonObject({one.path: one.after for one in changes})})
        case DeleteActivity(id=activity_id):
            lost = tuple(sorted(post.id for post in before.posts_of(activity_id)))
            return JsonObject({"id": activity_id, "discards": lost})
        case GeneratePosts(activity=id):
            return JsonObject({"activity": id, "posts": tuple(sorted(one.id for one in before.posts_of(id)))})
        case (
            RegeneratePosts(activity=id, stories=stories, discards=thrown_away)
            | ClearPosts(activity=id, stories=stories, discards=thrown_away)
        ):
            drafts = (one for one in before.posts_of(id) if one.status is PostStatus.DRAFT)
            both = stories and isinstance(operation, ClearPosts)
            pairs = tuple(sorted((one.id, one.digest) for one in drafts if both or one.is_story == stories))
            discards = tuple(sorted(thrown_away))
            return JsonObject({"activity": id, "stories": stories, "drafts": pairs, "discards": discards})
        case SchedulePost(post=id) | ReschedulePost(post=id):
            at = instant(operation.at) if operation.at is not None else None
            return JsonObject(
                {
                    "post": id,
                    "activity": operation.activity,
                    "digest": operation.digest,
                    "channel": operation.channel,
                    "at": at,
                }
            )
        case CancelPost(post=id, activity=activity_id):
            return JsonObject({"post": id, "activity": activity_id})
        case AwaitGeneration() | AwaitPosts() | Deferred():
            return EMPTY
        case _:
            assert_never(operation)


def wanted_event(event: DesiredEvent) -> JsonObject:
    """When an event is (its day, instant or rule), which with its name is what it is known by (`is_event`)."""
    date = None if event.date is None else instant(event.date)
    if event.date is not None and event.whole_day:
        date = event.date.date().isoformat()
    return JsonObject({"date": date, "recurringRule": event.recurring_rule})


def is_event(live: CalendarEvent, name: str, when: JsonObject) -> bool:
    """Whether a live event has this name and this day, instant or rule."""
    if live.name != name:
        return False
    date, rule = when.get("date"), when.get("recurringRule")
    if rule is not None:
        # The API may fill a rule up with members of its own (14.17), so only the asked ones are compared.
        own = live.recurring_rule
        return own is not None and isinstance(rule, JsonObject) and all(same(own.get(key), rule[key]) for key in rule)
    if live.date is None or live.recurring_rule is not None or not isinstance(date, str):
        return False
    return instant(live.date)[: len(date)] == date


def same_text(one: Json, other: Json) -> bool:
    """Whether two values are the same; an empty text is none (whether the API emits empty values: 14.22)."""
    return same(None if one == "" else one, None if other == "" else other)


def _alike(sight: Sight, facts: JsonObject) -> tuple[str, ...]:
    return tuple(sorted(one.id for one in sight.activities if _is_activity(one, facts)))


def _is_activity(live: Activity, facts: JsonObject) -> bool:
    return live.title == facts.get("title") and instant(live.date) == facts.get("targetDate")


# --- verdicts --------------------------------------------------------------------------------------


def verdict(entry: OpenEntry, sight: Sight) -> Outcome | None:
    """What became of a call, by what is there now. None: this look does not say.

    Pending is a generation that is under way.
    """
    call = known_call(entry)
    facts = entry.facts if isinstance(entry.facts, JsonObject) else EMPTY
    match call:
        case None:
            return None
        case Call.CREATE_EVENT | Call.UPDATE_EVENT | Call.DELETE_EVENT:
            return _event_verdict(call, facts, sight)
        case Call.UPDATE_SETTINGS:
            live, values = sight.settings or MarketingSettings(), _object(facts.get("values"))
            kept = all(same_setting(path, values[path], live.value_of(path)) for path in values)
            return Done() if kept else NotDone("the settings are not what was asked for", final=False)
        case Call.GENERATE | Call.REGENERATE:
            return generation_verdict(entry, sight.marketing_plan)
        case Call.DELETE_MARKETING_PLAN:
            return _removal_verdict(facts, sight.marketing_plan)
        case Call.CREATE_ACTIVITY | Call.UPDATE_ACTIVITY | Call.DELETE_ACTIVITY:
            return _activity_verdict(call, facts, sight)
        case Call.GENERATE_POSTS | Call.REGENERATE_POSTS | Call.CLEAR_POSTS:
            return posts_verdict(entry, sight.posts_of(_text(facts.get("activity"))), whole=False)
        case Call.SCHEDULE_POST | Call.RESCHEDULE_POST | Call.CANCEL_POST:
            return _item_verdict(call, facts, sight.post(_text(facts.get("post"))))
        case _:
            assert_never(call)


def _event_verdict(call: Call, facts: JsonObject, sight: Sight) -> Outcome:
    name, asked_id = _text(facts.get("name")), facts.get("id")
    there = next((one for one in sight.events if one.id == asked_id), None)
    if call is Call.DELETE_EVENT:
        return Done() if there is None else NotDone("the event is still there", final=False)
    if call is Call.UPDATE_EVENT:
        asked = _object(facts.get("event"))
        kept = (
            there is not None
            and is_event(there, name, asked)
            and same(there.description or None, asked.get("description"))
        )
        return Done() if kept else NotDone("the event is not what was asked for", final=False)
    known = _texts(facts.get("known"))
    new = sorted(
        one.id for one in sight.events if one.id not in known and is_event(one, name, _object(facts.get("event")))
    )
    return Done(created=new[0]) if new else NotDone("there is no such event", final=False)


def _activity_verdict(call: Call, facts: JsonObject, sight: Sight) -> Outcome:
    if call is Call.CREATE_ACTIVITY:
        new = sorted(set(_alike(sight, _object(facts.get("activity")))) - _texts(facts.get("known")))
        return Done(created=new[0]) if new else NotDone("there is no such activity", final=False)
    live = sight.activity(_text(facts.get("id")))
    if call is Call.DELETE_ACTIVITY:
        return Done() if live is None else NotDone("the activity is still there", final=False)
    values = _object(facts.get("values"))
    kept = live is not None and all(same_text(live.facts().get(path), values[path]) for path in values)
    return Done() if kept else NotDone("the activity is not what was asked for", final=False)


def leaves_trace(entry: OpenEntry, live: MarketingPlan) -> bool:
    """Whether a generation shows: it is under way, the status is another, or activities are new.

    Activities that are gone say nothing: the window starts today, so they go as days pass (D 6.2).
    """
    facts = _object(entry.facts)
    known = _texts(facts.get("activities"))
    return (
        live.status is PlanStatus.GENERATING
        or str(live.status) != facts.get("status")
        or any(one.id not in known for one in live.activities)
    )


def generation_verdict(entry: OpenEntry, live: MarketingPlan | None) -> Outcome | None:
    """What became of a generation. None where it shows no trace."""
    if live is None or not (entry.sent or leaves_trace(entry, live)):
        return None
    match live.status:
        case PlanStatus.ACTIVE:
            return Done()
        case PlanStatus.FAILED:
            return NotDone("the generation ended FAILED", final=False)
        case PlanStatus.NEVER_CREATED:
            return NotDone("the marketing plan is gone", final=False)
        case PlanStatus.INACTIVE:
            return NotDone("the marketing plan is INACTIVE", final=False)
        case _:  # GENERATING, or a status of a later API version: under way until it is a known one (I 13.1.5)
            return Pending(f"the marketing plan is {live.status}")


def _removal_verdict(facts: JsonObject, live: MarketingPlan | None) -> Outcome:
    """The status after a delete is not documented, so that nothing is left of it counts as gone too."""
    if live is None or live.status is PlanStatus.NEVER_CREATED:
        return Done()
    if not live.activities and (facts.get("activities") or str(live.status) != facts.get("status")):
        return Done()
    return NotDone("the marketing plan is still there", final=False)


def posts_verdict(entry: OpenEntry, live: tuple[Post, ...], *, whole: bool) -> Outcome | None:
    """What became of a call about an activity's posts. `whole`: nothing less than all of it counts.

    While drafts are made again, the API shows a transient mixture (D 6.2).
    """
    facts = _object(entry.facts)
    drafts = [one for one in live if one.status is PostStatus.DRAFT]
    match known_call(entry):
        case Call.GENERATE_POSTS:
            known = _texts(facts.get("posts"))
            return Done() if any(one.id not in known for one in live) else None
        case Call.CLEAR_POSTS:
            asked = {post for post, _ in _pairs(facts.get("drafts"))} | _texts(facts.get("discards"))
            left = any(one.id in asked and one.status in TO_COME for one in live)
            return NotDone("the posts are still there", final=False) if left else Done()
        case _:
            before = _pairs(facts.get("drafts"))
            # Stories are made again by a call of their own, which says nothing about the other drafts.
            stories = facts.get("stories") is True
            after = {(str(one.id), str(one.digest)) for one in drafts if one.is_story == stories}
            same_still = before & after
            over = bool(after - before) and (not same_still if whole else True)
            return Done() if over else None


def _item_verdict(call: Call, facts: JsonObject, live: Post | None) -> Outcome | None:
    if call is Call.CANCEL_POST:
        if live is None or live.status in (PostStatus.DRAFT, PostStatus.CANCELED, PostStatus.DELETED):
            return Done()
        return NotDone(f"the post is {live.status}", final=False)
    if live is None:
        return NotDone("the post is gone", final=False)
    if call is Call.RESCHEDULE_POST:
        if live.scheduled_for is None:
            return None
        if instant(live.scheduled_for) == facts.get("at"):
            return Done()
        return NotDone(f"the post is scheduled for {instant(live.scheduled_for)}", final=False)
    if live.status is PostStatus.SCHEDULED or live.status in GONE_OUT:
        return Done()
    if isinstance(live.status, PostStatus):
        return NotDone(f"the post is {live.status}", final=False)
    return None


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, JsonObject) else EMPTY


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Json) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, tuple) else set()


def _pairs(value: Json) -> set[tuple[str, str]]:
    members: Iterable[Json] = value if isinstance(value, tuple) else ()
    return {(str(one[0]), str(one[1])) for one in members if isinstance(one, tuple) and len(one) == 2}
