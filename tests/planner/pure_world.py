"""A site as a value, and what each operation does to it: the remote side without any remote side.

It shares no code with the sandbox, so that a belief about the API has to be wrong twice to pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from msgspec.structs import replace

from reconciler.model.activities import Activity, CreateActivity, DeleteActivity, UpdateActivity
from reconciler.model.canonical import EMPTY, Absent, Json, freeze_object, thaw
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, EventId, UpdateEvent
from reconciler.model.marketing_plan import DeleteMarketingPlan, Generate, MarketingPlan, PlanStatus, Regenerate
from reconciler.model.operations import Deferred, Operation
from reconciler.model.posts import ActivityId, ClearPosts, GeneratePosts, Media, Post, PostId, PostStatus
from reconciler.model.schedule import CancelPost
from reconciler.model.settings import MarketingSettings, UpdateSettings
from reconciler.model.sites import Bindings, DesiredSite, ObservedSite, RecordedSite
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Plan
from reconciler.planner.deferred import resolve
from reconciler.planner.document import SavedPlan, site_line, to_lines
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@dataclass
class PureWorld:
    """One live site and its record. `carry_out` does what a perfect executor would."""

    observed: ObservedSite
    recorded: RecordedSite = RecordedSite()
    now: datetime = NOW
    performed: list[Operation] = field(default_factory=list)
    ids: count[int] = field(default_factory=lambda: count(1))

    def plan(self, desired: DesiredSite, regenerate: bool = False) -> Plan:
        return make_plan(desired, self.observed, self.recorded, PlanOptions(self.now, regenerate=regenerate))

    def apply(self, desired: DesiredSite, regenerate: bool = False) -> Plan:
        """Plans and carries out, deferred actions included."""
        plan = self.plan(desired, regenerate=regenerate)
        assert not plan.refusals
        self._remember(plan)
        for action in plan.actions:
            self._carry_out(action, plan, PlanOptions(self.now, regenerate=regenerate))
        again = self.plan(desired)
        self._remember(again)
        return plan

    def _remember(self, plan: Plan) -> None:
        self._bind(plan.bindings)
        self.recorded = replace(self.recorded, generated_from=self.recorded.generated_from or plan.adopted_inputs)

    def _bind(self, bindings: Bindings) -> None:
        made = {activity.id: activity for activity in (*self.recorded.created, *bindings.created)}
        sets = {remembered.rule: remembered for remembered in (*self.recorded.sets, *bindings.sets)}
        ids = {**dict(self.recorded.event_ids), **dict(bindings.event_ids)}
        self.recorded = replace(
            self.recorded,
            event_ids=tuple(sorted(ids.items())),
            sets=tuple(sets.values()),
            created=tuple(made.values()),
        )

    def _carry_out(self, action: Action, plan: Plan, options: PlanOptions) -> None:
        operation = action.operation
        if isinstance(operation, Deferred):
            resolved = resolve(action, plan, self.observed, self.recorded, options)
            assert operation.at_most is None or len(resolved.actions) <= operation.at_most
            self._bind(resolved.bindings)
            for resolved_action in resolved.actions:
                self._carry_out(resolved_action, plan, options)
            return
        self.performed.append(operation)
        self._perform(operation, plan)

    def _perform(self, operation: Operation, plan: Plan) -> None:
        match operation:
            case UpdateSettings(changes=changes):
                self.observed = replace(self.observed, settings=_upserted(self.observed.settings, changes))
            case CreateEvent(event=event):
                description = None if isinstance(event.description, Absent) else event.description
                made = CalendarEvent(EventId(self._id()), event.name, description, event.date, event.recurring_rule)
                self._events((*self._all_events(), made))
            case UpdateEvent(event=event):
                self._events(tuple(event if other.id == event.id else other for other in self._all_events()))
            case DeleteEvent(id=id):
                self._events(tuple(event for event in self._all_events() if event.id != id))
            case Generate() | Regenerate():
                self._generate()
                self.recorded = replace(self.recorded, generated_from=plan.inputs, pending=None)
            case DeleteMarketingPlan():
                self.observed = replace(self.observed, marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED))
            case CreateActivity(activity=activity):
                new = Activity(
                    ActivityId(self._id()), activity.title, activity.description, activity.target_date, activity.type
                )
                self._activities((*self.activities, new))
            case UpdateActivity(id=id, changes=changes):
                self._activities(
                    tuple(_edited(activity, changes) if activity.id == id else activity for activity in self.activities)
                )
            case DeleteActivity(id=id):
                self._activities(tuple(activity for activity in self.activities if activity.id != id))
            case GeneratePosts(activity=id):
                self._activities(
                    tuple(
                        replace(activity, posts=self._posts()) if activity.id == id else activity
                        for activity in self.activities
                    )
                )
            case ClearPosts(activity=id):
                self._activities(
                    tuple(
                        replace(activity, posts=()) if activity.id == id else activity for activity in self.activities
                    )
                )
            case CancelPost(post=post):
                self._activities(
                    tuple(replace(activity, posts=_cancelled(activity.posts, post)) for activity in self.activities)
                )
            case other:
                raise AssertionError(f"not expected in these worlds: {other}")

    @property
    def activities(self) -> tuple[Activity, ...]:
        return self.observed.marketing_plan.activities if self.observed.marketing_plan else ()

    def _activities(self, activities: tuple[Activity, ...]) -> None:
        assert self.observed.marketing_plan is not None
        changed = replace(self.observed.marketing_plan, activities=activities)
        self.observed = replace(self.observed, marketing_plan=changed)

    def _all_events(self) -> tuple[CalendarEvent, ...]:
        return self.observed.events or ()

    def _events(self, events: tuple[CalendarEvent, ...]) -> None:
        self.observed = replace(self.observed, events=events)

    def _generate(self) -> None:
        past = tuple(activity for activity in self.activities if activity.date < self.now)
        new = tuple(
            Activity(
                ActivityId(self._id()),
                f"{word} idea {day}",
                "",
                self.now + timedelta(days=day),
                "SOCIAL_MARKETING",
                self._posts() if day < 8 else (),
            )
            for day, word in ((1, "Summer"), (4, "Crypto"), (9, "Winter"), (16, "Summer"), (25, "Autumn"))
        )
        self.observed = replace(self.observed, marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (*past, *new)))

    def _posts(self) -> tuple[Post, ...]:
        return tuple(
            Post(
                PostId(self._id()),
                channel,
                "POST",
                PostStatus.DRAFT,
                (("caption", f"words for {channel}"),),
                (Media("IMAGE", "https://static.wixstatic.com/media/a.jpg"),),
            )
            for channel in ("FACEBOOK", "INSTAGRAM")
        )

    def _id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self.ids):012d}"


def _cancelled(posts: tuple[Post, ...], id: PostId) -> tuple[Post, ...]:
    return tuple(replace(post, status=PostStatus.CANCELED) if post.id == id else post for post in posts)


def _edited(activity: Activity, changes: tuple[FieldChange, ...]) -> Activity:
    for change in changes:
        value = str(change.after)
        match change.path:
            case "title":
                activity = replace(activity, title=value)
            case "description":
                activity = replace(activity, description="" if change.after is None else value)
            case "targetDate":
                activity = replace(activity, date=datetime.fromisoformat(value))
            case other:
                raise AssertionError(other)
    return activity


def _upserted(before: MarketingSettings | None, changes: tuple[FieldChange, ...]) -> MarketingSettings:
    before = before or MarketingSettings()
    trees = {"settings": thaw(before.settings), "overrides": thaw(before.overrides)}
    for change in changes:
        *parents, last = change.path.split(".")
        here = trees
        for key in parents:
            if not isinstance(here.get(key), dict):
                here[key] = {}
            here = here[key]
        value: Json = change.after
        if value is None:
            here.pop(last, None)
        else:
            here[last] = thaw(value)
    return replace(
        before, settings=freeze_object(trees["settings"]) or EMPTY, overrides=freeze_object(trees["overrides"]) or EMPTY
    )


def to_text(saved: SavedPlan) -> str:
    """A saved plan as its file has it."""
    return b"".join(to_lines(saved, map(site_line, saved.plans))).decode("ascii")
