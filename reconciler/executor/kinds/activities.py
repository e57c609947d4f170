"""Marketing activities: created, edited and removed with one call each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.executor.kinds.base import (
    ManagedKind,
    Moment,
    OutcomeContext,
    OutcomeReads,
    differences,
    same_text,
    thrown_away,
)
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.activities import (
    Activity,
    ActivityCondition,
    ActivityIs,
    ActivityOperation,
    CreateActivity,
    DateIs,
    DeleteActivity,
    DesiredActivity,
    NoActivityLike,
    UpdateActivity,
)
from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import EMPTY, JsonObject
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.journal import Before, OpenEntry, PostSeen
from reconciler.model.moments import moment_text
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, Outcome, Trouble, not_as_asked, not_done, stale
from reconciler.model.posts import ActivityId
from reconciler.model.sites import Bindings, CreatedActivity, Need, RecordedSite
from reconciler.model.text import normal_text
from reconciler.model.writes import FieldChange

GONE: Final = stale("the activity is gone")


class ActivitiesKind(ManagedKind[ActivityOperation]):
    """The activities of a marketing plan."""

    async def unmet(
        self, required: ActivityCondition, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        return await activity_unmet(required, site, moment.zone)

    async def before(self, operation: ActivityOperation, site: SiteCache) -> Before:
        match operation:
            case CreateActivity(activity=wanted):
                live = (await site.marketing_plan()).activities
                return Before(known=tuple(sorted(activity.id for activity in live if _is_like(activity, wanted))))
            case DeleteActivity(id=id):
                activities = {activity.id: activity for activity in (await site.marketing_plan()).activities}
                posts = activities[id].posts if id in activities else ()
                return Before(
                    posts=tuple(PostSeen(post.id, post.digest) for post in sorted(posts, key=lambda post: post.id))
                )
            case UpdateActivity():
                return Before()
            case _:
                assert_never(operation)

    def reads(self, operation: ActivityOperation) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.MARKETING_PLAN}))

    def outcome(self, operation: ActivityOperation, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        if not isinstance(operation, CreateActivity):
            return super().outcome(operation, entry, found, now)
        made = made_by(operation, entry, found)
        if made or operation.activity.target_date < now:  # the window starts today (D 6.2)
            return Done(created=made)
        # An accepted activity that does not show is not created again: what became of it is not known (17.1).
        return None if entry.sent else not_done(Trouble.NO_EFFECT, "there is no such activity")

    def mismatch(
        self, operation: ActivityOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        match operation:
            case CreateActivity(activity=wanted):
                return _created_mismatch(wanted, created, found, now)
            case UpdateActivity(id=id, changes=changes):
                after = {change.path: change.after for change in changes}
                live, moved = found.activity(id), after.get("targetDate")
                if live is None:
                    # The window starts today, so an activity that was moved into the past is not shown (D 6.2).
                    past = isinstance(moved, str) and moved < instant(now)
                    return None if past else not_as_asked("asked for an update, but the activity is gone")
                facts = live.facts()
                return differences((path, after[path], facts.get(path)) for path in sorted(after))
            case DeleteActivity(id=id):
                gone = found.activity(id) is None
                return None if gone else not_as_asked("asked for it to be deleted, but it is still there")
            case _:
                assert_never(operation)

    def leaves(self, operation: ActivityOperation, entry: OpenEntry, done: Done, context: OutcomeContext) -> Bindings:
        match operation:
            case CreateActivity(activity=wanted):
                if not done.created:
                    return Bindings()
                created = CreatedActivity(ActivityId(done.created), wanted.title, wanted.target_date)
                return Bindings(created=(created,), objects=((key_of(Kind.ACTIVITY, done.created), wanted.facts()),))
            case UpdateActivity(id=id, changes=changes):
                key = key_of(Kind.ACTIVITY, id)
                values = {change.path: change.after for change in changes}
                return Bindings(objects=((key, JsonObject({**(context.recorded.object(key) or EMPTY), **values})),))
            case DeleteActivity(id=id):
                return Bindings(
                    created=forgotten(context.recorded, lambda created: created.id == id),
                    objects=thrown_away((post.id for post in entry.before.posts), context.recorded),
                )
            case _:
                assert_never(operation)

    def shows(self, operation: ActivityOperation, created: str, found: Snapshot) -> bool:
        assert isinstance(operation, CreateActivity)
        wanted, live = operation.activity, found.activity(ActivityId(created))
        # An update to the id of an unrelated object would overwrite that object.
        return live is not None and (
            normal_text(live.title) == normal_text(wanted.title) or instant(live.date) == instant(wanted.target_date)
        )

    def unkept(
        self, operation: ActivityOperation, created: str | None, found: Snapshot
    ) -> tuple[str, tuple[FieldChange, ...]]:
        match operation:
            case DeleteActivity():
                return "", ()
            case CreateActivity(activity=wanted):
                id, asked = ActivityId(created or ""), wanted.facts()
            case UpdateActivity(id=id, changes=changes):
                asked = JsonObject({change.path: change.after for change in changes})
            case _:
                assert_never(operation)
        live = found.activity(id)
        if live is None:
            return "", ()
        facts = live.facts()
        return key_of(Kind.ACTIVITY, id), tuple(
            FieldChange(path, facts.get(path), asked[path])
            for path in ("title", "description", "targetDate")
            if path in asked and not same_text(asked[path], facts.get(path))
        )

    def title(self, operation: ActivityOperation) -> str:
        return operation.title

    def with_kept_values(self, operation: ActivityOperation, changes: tuple[FieldChange, ...]) -> ActivityOperation:
        if not isinstance(operation, UpdateActivity):
            return operation
        kept = {change.path for change in changes}
        return replace(operation, changes=tuple(change for change in operation.changes if change.path not in kept))

    def touches(self, operation: ActivityOperation) -> frozenset[str]:
        match operation:
            case CreateActivity(activity=activity):
                return frozenset({f"activity {activity.title}"})
            case UpdateActivity(id=id, changes=changes):
                titles = {f"activity {change.after}" for change in changes if change.path == "title"}
                return frozenset({id, *titles})
            case DeleteActivity(id=id):
                return frozenset({id})
            case _:
                assert_never(operation)

    def activity(self, operation: ActivityOperation) -> ActivityId | None:
        return self.spoils(operation) if operation.destroys else None

    def spoils(self, operation: ActivityOperation) -> ActivityId | None:
        return None if isinstance(operation, CreateActivity) else operation.id


def forgotten(recorded: RecordedSite, gone: Callable[[CreatedActivity], bool]) -> tuple[CreatedActivity, ...]:
    """Activities that this tool created and that are gone now, to be recorded as such.

    From now on, their absence is expected (17.3).
    """
    return tuple(replace(created, id=ActivityId("")) for created in recorded.created if created.id and gone(created))


# --- what is compared ------------------------------------------------------------------------------


def made_by(operation: CreateActivity, entry: OpenEntry, found: Snapshot) -> ActivityId | None:
    """The activity that a create made: a matching one that did not exist before the call."""
    alike = (activity for activity in found.activities if _is_like(activity, operation.activity))
    return min((activity.id for activity in alike if activity.id not in entry.before.known), default=None)


def _is_like(live: Activity, wanted: DesiredActivity) -> bool:
    return normal_text(live.title) == normal_text(wanted.title) and instant(live.date) == instant(wanted.target_date)


def _created_mismatch(
    wanted: DesiredActivity, created: str | None, found: Snapshot, now: datetime
) -> Diagnostic | None:
    if wanted.target_date < now:
        return None  # the window starts today (D 6.2)
    live = [
        activity
        for activity in found.activities
        if (normal_text(activity.title) == normal_text(wanted.title) if created is None else activity.id == created)
    ]
    if not live:
        return not_as_asked("asked for the activity, but the marketing plan does not show it")
    facts = live[0].facts()
    return differences((path, value, facts.get(path)) for path, value in wanted.facts().items())


# --- preconditions ---------------------------------------------------------------------------------


async def activity_unmet(required: ActivityCondition, site: SiteCache, zone: str) -> Diagnostic | None:
    """What was found instead of the required activity, or of its required absence. May raise an ApiError.

    `zone` is the site's time zone.
    """
    live = await site.marketing_plan()
    match required:
        case ActivityIs(id=id, facts=facts):
            activity = live.activities_by_id.get(id)
            if activity is None:
                return GONE
            return None if activity.digest == facts else stale("the activity has changed since the plan")
        case DateIs(activity=id, date=on):
            activity = live.activities_by_id.get(id)
            if activity is None:
                return GONE
            moved = f"its activity is now on {moment_text(activity.date, zone)}"
            return None if activity.date == on else stale(moved, "run plan again")
        case NoActivityLike(title=title, target_date=date):
            name = normal_text(title)
            alike = any(
                normal_text(activity.title) == name and instant(activity.date) == date for activity in live.activities
            )
            return stale("the activity already exists") if alike else None
        case _:
            assert_never(required)
