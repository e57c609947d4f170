"""A small live site in memory, with a clock of its own, for the executor to work on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.fence import Fence
from reconciler.api.routes import ApiCall
from reconciler.engine.apply_run import declared_in
from reconciler.engine.recorder import EventRecorder
from reconciler.engine.run_ledger import CUT_SHORT
from reconciler.executor.events import ProgressEvent
from reconciler.executor.executor import apply_plan
from reconciler.executor.ledger import Entry, SiteLedger
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.ports import ApplyOptions, PollPolicy, Ports
from reconciler.model.activities import Activity, CreateActivity, DeleteActivity, UpdateActivity
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.clock import Clock
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, EventId, UpdateEvent
from reconciler.model.marketing_plan import (
    AnyPlanStatus,
    DeleteMarketingPlan,
    Discard,
    Generate,
    MarketingPlan,
    PlanStatus,
    Regenerate,
)
from reconciler.model.operations import Operation, Precondition
from reconciler.model.outcomes import Done, Outcome, Pending
from reconciler.model.posts import ActivityId, ClearPosts, GeneratePosts, Post, PostId, PostStatus, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import MarketingSettings, UpdateSettings
from reconciler.model.sites import (
    ChannelStatus,
    DesiredSite,
    Need,
    ObservedSite,
    RecordedSite,
    SiteRef,
)
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.deferred import ResolvedActions
from reconciler.state.journal import SiteJournal
from reconciler.state.memory import MemoryStore
from reconciler.state.record import SiteLabel, SiteRecord
from tests.told import refused, told, unclear

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SITE = SiteRef(SiteName("shop"), "11111111-1111-1111-1111-111111111111")
MINUTE = timedelta(minutes=1)


def failure(kind: ErrorKind = ErrorKind.SERVER, message: str = "no luck") -> ApiError:
    return ApiError(kind, ApiCall("GET", "/somewhere"), message, status=503)


@dataclass
class World:
    """One live site: a Reader and a Writer over plain values. Time passes only in `sleep`."""

    now: datetime = START
    settings: dict[str, Json] = field(default_factory=dict)
    events: list[CalendarEvent] = field(default_factory=list)
    status: AnyPlanStatus = PlanStatus.NEVER_CREATED
    activities: list[Activity] = field(default_factory=list)
    past: list[Activity] = field(default_factory=list)
    published: bool = True
    unconnected: set[str] = field(default_factory=set)
    next_activities: list[Activity] = field(default_factory=list)
    ends: AnyPlanStatus = PlanStatus.ACTIVE
    takes: timedelta | None = MINUTE
    hidden: bool = False
    """Whether the marketing plan leaves posts out, so that activities have to be asked for them."""
    answers: dict[type, list[Outcome]] = field(default_factory=dict)
    """Answers instead of effects."""
    ahead: dict[PostId, Post] = field(default_factory=dict)
    """Posts as a read by id shows them, if the marketing plan still shows them as they were before."""
    lost: dict[type, bool] = field(default_factory=dict)
    """Unclear answers, and whether the effect came about."""
    drops: set[str] = field(default_factory=set)
    """Settings paths that are not kept, whatever is asked."""
    failing: dict[str, list[ApiError]] = field(default_factory=dict)
    """Errors of the next reads of a part."""
    before_call: Callable[[Operation], None] | None = None
    after_call: Callable[[Operation], None] | None = None
    log: list[str] = field(default_factory=list)
    _later: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _made: int = 0

    # --- time ---

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += timedelta(seconds=seconds)
        self.log.append("sleep")
        due = [change for change in self._later if change[0] <= self.now]
        self._later = [change for change in self._later if change[0] > self.now]
        for _, happen in due:
            happen()
        await asyncio.sleep(0)

    def later(self, happen: Callable[[], None], after: timedelta | None = None) -> None:
        after = self.takes if after is None else after
        if after is not None:
            self._later.append((self.now + after, happen))

    # --- reader ---

    def _read(self, part: str) -> None:
        self.log.append(f"read {part}")
        if self.failing.get(part):
            raise self.failing[part].pop(0)

    async def read(self, site: SiteRef, needs: frozenset[Need], *, channels: Sequence[str] = ()) -> ObservedSite:
        assert site == SITE
        for need in sorted(needs):
            self._read(need.value)
        seen = ObservedSite(site, self.now, had_reads=needs)
        if Need.SETTINGS in needs:
            seen = replace(seen, settings=self._settings())
        if Need.EVENTS in needs:
            seen = replace(seen, events=tuple(self.events))
        if Need.MARKETING_PLAN in needs:
            seen = replace(seen, marketing_plan=MarketingPlan(self.status, self._shown(self.activities)))
        if Need.PAST_ACTIVITIES in needs:
            seen = replace(seen, past=self._shown(self.past))
        if Need.PUBLISHED in needs:
            seen = replace(seen, published=self.published)
        if Need.CHANNELS in needs:
            seen = replace(seen, channels=tuple((channel, ChannelStatus.VALID) for channel in channels))
        return seen

    def _shown(self, activities: list[Activity]) -> tuple[Activity, ...]:
        return tuple(replace(activity, posts=()) if self.hidden else activity for activity in activities)

    def _settings(self) -> MarketingSettings:
        tree: dict[str, Any] = {"settings": {}, "overrides": {}}
        for path, value in self.settings.items():
            root, key = path.split(".", 1)
            tree[root][key] = value
        return MarketingSettings(JsonObject(tree["settings"]), JsonObject(tree["overrides"]))

    async def posts_of(
        self, site: SiteRef, activities: Sequence[ActivityId]
    ) -> tuple[tuple[ActivityId, tuple[Post, ...]], ...]:
        self._read("posts")
        found = {activity.id: activity.posts for activity in (*self.past, *self.activities)}
        return tuple((activity, found.get(activity, ())) for activity in activities)

    async def post(self, site: SiteRef, id: PostId) -> Post | None:
        self._read("post")
        return self._by_id().get(id)

    async def items(self, site: SiteRef, ids: Sequence[PostId]) -> tuple[tuple[PostId, Post | None], ...]:
        self._read("items")
        found = self._by_id()
        return tuple((post, found.get(post)) for post in ids)

    def _by_id(self) -> dict[PostId, Post]:
        return {post.id: post for activity in self.activities for post in activity.posts} | self.ahead

    # --- writer ---

    async def perform(
        self, site: SiteRef, operations: Sequence[Operation], fence: Fence | None = None
    ) -> tuple[Outcome, ...]:
        self.log.append("write " + ", ".join(type(operation).__name__ for operation in operations))
        outcomes = []
        for operation in operations:
            if self.before_call:
                self.before_call(operation)
            if fence is not None:
                await fence.confirm()
            outcomes.append(self._perform(operation))
            if self.after_call:
                self.after_call(operation)
        await asyncio.sleep(0)
        return tuple(outcomes)

    def _perform(self, operation: Operation) -> Outcome:
        kind = type(operation)
        if self.answers.get(kind):
            return self.answers[kind].pop(0)
        if kind in self.lost:
            if self.lost[kind]:
                self._effect(operation)
            return unclear("the connection was lost")
        return self._effect(operation)

    def id(self, of: str) -> str:
        self._made += 1
        return f"{of}-{self._made}"

    def _effect(self, operation: Operation) -> Outcome:
        match operation:
            case UpdateSettings(changes=changes):
                self.settings |= {change.path: change.after for change in changes if change.path not in self.drops}
            case CreateEvent(event=event):
                made = EventId(self.id("event"))
                text = event.description if isinstance(event.description, str) else None
                self.events.append(CalendarEvent(made, event.name, text, event.date, event.recurring_rule))
                return Done(created=made)
            case UpdateEvent(event=live):
                self.events = [live if event.id == live.id else event for event in self.events]
            case DeleteEvent(id=event_id):
                self.events = [event for event in self.events if event.id != event_id]
            case Generate() | Regenerate():
                self.status = PlanStatus.GENERATING
                self.later(self._generated)
                return Pending()
            case DeleteMarketingPlan():
                self.status, self.activities = PlanStatus.NEVER_CREATED, []
            case _:
                return self._effect_on_content(operation)
        return Done(request_id="request-1")

    def _effect_on_content(self, operation: Operation) -> Outcome:
        match operation:
            case CreateActivity(activity=wanted):
                made_id = ActivityId(self.id("activity"))
                self.activities.append(
                    Activity(made_id, wanted.title, wanted.description, wanted.target_date, wanted.type)
                )
                return Done(created=made_id)
            case UpdateActivity(id=id, changes=changes):
                after = {change.path: change.after for change in changes}
                self.change(id, title=str(after["title"])) if "title" in after else None
            case DeleteActivity(id=id):
                self.activities = [activity for activity in self.activities if activity.id != id]
            case GeneratePosts(activity=id):
                self.later(lambda: self.change(id, posts=(a_post(f"post of {id}"),)))
                return Pending()
            case RegeneratePosts(activity=id):
                self.later(lambda: self.remake(id))
                return Pending()
            case ClearPosts(activity=id):
                self.change(id, posts=())
            case SchedulePost(post=post, channel=channel, activity=id, at=at):
                if channel in self.unconnected:
                    return refused("the response leaves it out", skipped=True)
                date = next(activity.date for activity in self.activities if activity.id == id)
                self.edit(post, status=PostStatus.SCHEDULED, scheduled_for=date if at is None else at)
            case ReschedulePost(post=post, at=at):
                self.edit(post, scheduled_for=at)
            case CancelPost(post=post):
                self.edit(post, status=PostStatus.DRAFT, scheduled_for=None)
            case _:
                raise AssertionError(f"{operation} is no call")
        return Done(request_id="request-1")

    def _generated(self) -> None:
        self.status, self.activities = self.ends, list(self.next_activities)

    def change(self, id: str, **values: Any) -> None:
        self.activities = [
            replace(activity, **values) if activity.id == id else activity for activity in self.activities
        ]

    def edit(self, id: str, **values: Any) -> None:
        for activity in self.activities:
            posts = tuple(replace(post, **values) if post.id == id else post for post in activity.posts)
            self.change(activity.id, posts=posts)

    def remake(self, id: str) -> None:
        for activity in self.activities:
            if activity.id == id:
                self.change(
                    id, posts=tuple(replace(post, texts=(("caption", "made again"),)) for post in activity.posts)
                )


def a_post(id: str, text: str = "hello", **values: Any) -> Post:
    values = {"channel": "INSTAGRAM", "type": "POST", "status": PostStatus.DRAFT, **values}
    return Post(PostId(id), texts=(("caption", text),), **values)


def an_activity(id: str, *posts: Post, days: int = 3, title: str = "") -> Activity:
    return Activity(ActivityId(id), title or f"Title {id}", "words", START + timedelta(days=days), None, posts)


def act(operation: Operation, kind: Kind, key: str = "", *requires: Precondition, **values: Any) -> Action:
    values = {"reason": Reason.DIFFERS, **values}
    return Action(Address(SITE.name, kind, key), operation, requires=requires, **values)


def set_tone(after: str = "dry", before: Json = None, *requires: Precondition) -> Action:
    change = FieldChange("settings.toneOfVoice", before, after)
    return act(UpdateSettings((change,)), Kind.SETTINGS, "", *requires)


def generate() -> Action:
    return act(Generate(), Kind.MARKETING_PLAN, reason=Reason.NO_MARKETING_PLAN)


def regenerate(*requires: Precondition, discardable: Discard = Discard.ALL) -> Action:
    return act(Regenerate(False, discardable=discardable), Kind.MARKETING_PLAN, "", *requires)


class Bench:
    """A world, a journal that outlasts each run, and what the runs said."""

    def __init__(self) -> None:
        self.world = World()
        self.events: list[ProgressEvent] = []
        self.resolve: Callable[[Action, Plan, ObservedSite, RecordedSite], ResolvedActions] = lambda *_: (
            ResolvedActions(())
        )
        self.waiting = PollPolicy(timedelta(seconds=30), timedelta(minutes=10))
        self.stop: Callable[[], bool] = lambda: False
        self.desired: DesiredSite | None = None
        self.approvals: Callable[[], Approvals] | None = None
        self.journal = self.open_journal(RecordedSite())

    def open_journal(self, recorded: RecordedSite) -> SiteJournal:
        self.backing = MemoryStore()
        record = SiteRecord(SiteLabel(SITE.id, SITE.name), recorded)
        return SiteJournal(self.backing, SITE, record, None, now=lambda: self.world.now)

    def remember(self, **values: Any) -> None:
        self.journal = self.open_journal(replace(self.journal.recorded, **values))

    @property
    def recorded(self) -> RecordedSite:
        return self.journal.recorded

    @property
    def ports(self) -> Ports:
        clock = Clock(lambda: self.world.now, self.world.sleep, time.monotonic)
        return Ports(self.world, self.world, self.journal, clock, *declared_in(self.desired), self.approvals)

    def options(self, allow_publish: bool = True) -> ApplyOptions:
        return ApplyOptions(self.resolve, allow_publish, self.waiting, lambda: self.stop(), "c0ffee")

    async def apply_async(self, *actions: Action, allow_publish: bool = True, **plan: Any) -> SiteLedger:
        made = Plan(SITE, actions, **plan)
        return await apply_plan(made, self.ports, self.options(allow_publish), self.events.append)

    def apply(self, *actions: Action, allow_publish: bool = True, **plan: Any) -> SiteLedger:
        return asyncio.run(self.apply_async(*actions, allow_publish=allow_publish, **plan))

    def cut_short(self, *actions: Action) -> SiteLedger:
        """What is known of a run that is cancelled as soon as it waits, as by a second Ctrl-C."""

        async def sleep(seconds: float) -> None:
            raise asyncio.CancelledError

        plan, ports = Plan(SITE, actions), self.ports
        ports = replace(ports, clock=replace(ports.clock, sleep=sleep))
        recorder = EventRecorder(lambda: plan, lambda _: None)
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(apply_plan(plan, ports, self.options(), recorder.record))
        return recorder.ledger(CUT_SHORT)

    def resolve_open(self) -> RecordedSite:
        return asyncio.run(resolve_open(SITE, self.ports, self.options(), self.events.append))

    def reads(self, part: str) -> int:
        return self.world.log.count(f"read {part}")

    @property
    def writes(self) -> list[str]:
        return [line.removeprefix("write ") for line in self.world.log if line.startswith("write ")]


def results(ledger: SiteLedger) -> list[str]:
    return [entry.result.value for entry in ledger.entries]


def details(ledger: SiteLedger) -> list[str]:
    return [told(entry) for entry in ledger.entries]


def only(ledger: SiteLedger) -> Entry:
    (entry,) = ledger.entries
    return entry
