"""The three sides of a site: what the files ask for, what was read, what earlier runs recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from reconciler.model.activities import Activity, ActivityRule, PostsRule
from reconciler.model.address import Address, Kind, Labels, SiteName, key_of
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import EMPTY, Digest, Json, JsonObject
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, CalendarId, DesiredEvents, EventId, is_as_applied
from reconciler.model.frozen import Instant, Struct
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import DesiredMarketingPlan, Discard, MarketingPlan
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.schedule import DesiredSchedule
from reconciler.model.settings import Field, MarketingSettings, same_setting
from reconciler.model.writes import FieldChange


class SiteRef(Struct, frozen=True):
    """How to reach a site: its name for people, its id and credentials for requests."""

    name: SiteName
    id: str
    credentials: str = "default"
    instance_id: str | None = None


# --- desired ---------------------------------------------------------------------------------------


class Expect(Struct, frozen=True):
    """Facts that must hold before anything is planned. None: not asserted."""

    published: bool | None = None
    language: str | None = None
    channels: tuple[str, ...] = ()


class DesiredSite(Struct, frozen=True):
    """A site as its file declares it. What is None or empty is not managed.

    `digest` covers the normalised document, so that a saved plan can tell that the files have changed.
    """

    ref: SiteRef
    place: Place
    digest: Digest
    labels: Labels = ()
    settings: tuple[Field, ...] = ()
    """Managed fields of `settings` and `overrides`, sorted by path."""
    expect: Expect = Expect()
    events: DesiredEvents | None = None
    marketing_plan: DesiredMarketingPlan | None = None
    activities: tuple[ActivityRule, ...] = ()
    posts: tuple[PostsRule, ...] = ()
    schedule: DesiredSchedule | None = None
    approvals: Approvals = Approvals()
    inherited: tuple[tuple[str, str], ...] = ()
    """The managed fields whose values come from the project's `defaults`, with the labels that those are for."""

    @property
    def discard(self) -> Discard:
        """Which drafts may be thrown away, by a regeneration or by `state: absent`."""
        return (self.marketing_plan or DesiredMarketingPlan()).discard


# --- observed --------------------------------------------------------------------------------------


class Need(StrEnum):
    """A part of a site that can be read on its own. What no rule can depend on is not read."""

    SETTINGS = "settings"
    MARKETING_PLAN = "marketing-plan"
    PAST_ACTIVITIES = "past-activities"
    EVENTS = "events"
    PROPERTIES = "site-properties"
    PUBLISHED = "published-urls"
    CHANNELS = "channel-status"
    FEATURES = "features"
    ACCOUNTS = "accounts"
    ACCOUNT_NAMES = "account-names"
    """The accounts too, but only for their names on a screen: one request, and no accounts if it fails."""


class ChannelStatus(StrEnum):
    """The token status of a channel (S-wix 10.4). Only VALID counts as connected."""

    VALID = "VALID"
    NEVER_CREATED = "NEVER_CREATED"
    DISCONNECTED = "DISCONNECTED"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"
    """An answer that this version does not know, or no answer."""


class Account(Struct, frozen=True):
    """A connected account of a channel (S-wix 10.4). `name` is for people; `default` is the one that new posts use."""

    channel: str
    id: str
    name: str
    default: bool = False


class Feature(Struct, frozen=True):
    """A premium feature (S-wix 10.5). `remaining` is None if there is no quota."""

    type: str
    enabled: bool
    remaining: int | None = None
    limit: int | None = None
    period: str | None = None


CLOCKS_DIFFER: Final = timedelta(minutes=15)
"""How much this machine's clock and the API's may differ when judging which activities are still ahead."""


class ObservedSite(Struct, frozen=True):
    """A live site as the last read found it. None means "not read", or still unknown after reading."""

    ref: SiteRef
    read_at: Instant
    settings: MarketingSettings | None = None
    marketing_plan: MarketingPlan | None = None
    events: tuple[CalendarEvent, ...] | None = None
    time_zone: str | None = None
    language: str | None = None
    published: bool | None = None
    channels: tuple[tuple[str, ChannelStatus], ...] = ()
    features: tuple[Feature, ...] | None = None
    accounts: tuple[Account, ...] = ()
    """For the channels that were asked for; a channel whose accounts cannot be listed has none."""
    past: tuple[Activity, ...] = ()
    """Activities whose date has passed or is about to, the oldest first.

    Read only if the marketing plan is to be deleted, no longer shows an id that a rule names, or does not show where a
    waiting post belongs.
    """
    posts_confirmed: frozenset[ActivityId] = frozenset()
    """Activities whose posts were read separately, because the marketing plan showed none."""
    items: tuple[tuple[PostId, Post | None], ...] = ()
    """Posts that were read by id. None: there is no such post."""
    had_reads: frozenset[Need] = frozenset()

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The activities of the marketing plan; none if there is no marketing plan, or it was not read."""
        return self.marketing_plan.activities if self.marketing_plan else ()

    @property
    def past_activities(self) -> frozenset[ActivityId]:
        """The ids of the past activities that were read."""
        return frozenset(activity.id for activity in self.past)

    @property
    def with_past(self) -> tuple[Activity, ...]:
        """The past activities that were read, then those of the marketing plan."""
        shown = {activity.id for activity in self.activities}
        return (*(activity for activity in self.past if activity.id not in shown), *self.activities)

    @property
    def hides_posts(self) -> bool:
        """Whether no activity has shown a post, except where the posts themselves were asked for.

        It is not documented whether the marketing plan contains the posts of its activities (14.1).
        """
        read = dict(self.items)
        asked = (activity for activity in self.with_past if activity.id not in self.posts_confirmed)
        return all(post.id in read for activity in asked for post in activity.posts)

    @property
    def posts(self) -> tuple[Post, ...]:
        """The posts of these activities."""
        return tuple(post for activity in self.activities for post in activity.posts)

    def feature(self, type: str) -> Feature | None:
        """The feature of a type, if it was read and exists."""
        return next((feature for feature in self.features or () if feature.type == type), None)

    def channel(self, name: str) -> ChannelStatus | None:
        """The status of a channel, if it was read."""
        return dict(self.channels).get(name)


# --- recorded --------------------------------------------------------------------------------------


class Inputs(Struct, frozen=True):
    """Generation inputs: managed settings by path, declared events by name with their facts."""

    settings: tuple[Field, ...] = ()
    events: tuple[tuple[str, JsonObject], ...] = ()

    def setting(self, path: str) -> tuple[Json] | None:
        """The recorded value of a path in a one-tuple; None if it was never recorded."""
        return next(((field.value,) for field in self.settings if field.path == path), None)

    def event(self, name: str) -> JsonObject | None:
        """The facts of an event by name, if it is among them."""
        return next((facts for event, facts in self.events if event == name), None)

    def with_more(self, more: Inputs) -> Inputs:
        """These inputs and others after them."""
        return Inputs((*self.settings, *more.settings), (*self.events, *more.events))

    def without(
        self, changes: Iterable[tuple[Address, tuple[FieldChange, ...]]], blocked: Iterable[Address] = ()
    ) -> Inputs:
        """The inputs other than those at the addresses of these changes, or at blocked ones.

        A change of settings concerns only the fields that it names.
        """
        changes, blocked = tuple(changes), tuple(blocked)
        if any(address.kind is Kind.SETTINGS for address in blocked):
            paths = {field.path for field in self.settings}
        else:
            paths = {change.path for address, fields in changes if address.kind is Kind.SETTINGS for change in fields}
        addresses = (*(address for address, _ in changes), *blocked)
        events = {address.key for address in addresses if address.kind is Kind.EVENT}
        return Inputs(
            tuple(field for field in self.settings if field.path not in paths),
            tuple((name, facts) for name, facts in self.events if name not in events),
        )


def input_path(name: str) -> str:
    """The name of a declared event among the generation inputs: `calendarEvents.Sale`."""
    return f"{_INPUT}{name}"


def name_of_input(path: str) -> str | None:
    """The name of the event behind a generation input; None if the input is something else."""
    return path.removeprefix(_INPUT) if path.startswith(_INPUT) else None


_INPUT: Final = "calendarEvents."


class CreatedActivity(Struct, frozen=True):
    """An activity that a `create` rule made: what was asked for then, and the id it got."""

    id: ActivityId
    title: str
    target_date: Instant


class CreatedEvent(Struct, frozen=True):
    """A calendar event that this tool created.

    `seen`: an answer has shown it since, so its absence means something; until then, it may just not show yet.
    """

    id: EventId
    name: str
    calendar: CalendarId | None = None
    seen: bool = False


class RememberedSet(Struct, frozen=True):
    """Which activities a `set` rule has set; `rule` is the digest of its match."""

    rule: Digest
    activities: frozenset[ActivityId]


class PublishedPost(Struct, frozen=True):
    """A post this tool scheduled: the content that was approved, when it goes out, and when it was scheduled.

    `times` is how many times this content was scheduled, or may have been before the state existed: an approval
    counts for only one scheduling.
    """

    id: PostId
    digest: Digest
    channel: str
    scheduled_for: Instant | None
    done_at: Instant
    times: int = 1
    commit: str | None = None
    approver: str | None = None
    activity: ActivityId = ActivityId("")
    title: str = ""
    account: str | None = None
    date: Instant | None = None
    """The activity's own date when it was scheduled."""
    approved: bool = True
    """False under `approval: none`."""
    zone: str = "UTC"
    """IANA name of the site's time zone, in which its times are shown."""
    type: str = "POST"


class PostOutcome(Struct, frozen=True):
    """What became of a scheduled post after its time: published with its public link, or failed with the reason."""

    post: PostId
    status: PostStatus
    seen_at: Instant
    link: str | None = None
    reason: str = ""


class RecordedSite(Struct, frozen=True, dict=True):
    """What earlier runs recorded about a site. An empty value means that this is the first run."""

    known: bool = False
    """Whether an apply has ever ended here, even one with nothing to do."""
    generated_from: Inputs | None = None
    """The inputs of the last generation that ended ACTIVE, or the live values at the first run."""
    pending: Inputs | None = None
    """The inputs of a generation that was about to start; removed once it has ended ACTIVE."""
    applied: Inputs = Inputs()
    """The last values that this tool applied or found to be as asked: the recorded side of drift."""
    event_ids: tuple[tuple[str, EventId], ...] = ()
    foreign_calendars: frozenset[CalendarId] = frozenset()
    foreign_events: frozenset[EventId] = frozenset()
    sets: tuple[RememberedSet, ...] = ()
    created: tuple[CreatedActivity, ...] = ()
    created_events: tuple[CreatedEvent, ...] = ()
    published: tuple[PublishedPost, ...] = ()
    outcomes: tuple[PostOutcome, ...] = ()
    spent: tuple[tuple[PostId, Digest, int], ...] = ()
    """Always empty, but part of the format."""
    unkept: tuple[Json, ...] = ()
    """Always empty: earlier versions with this format cannot read a record without it."""
    consumed: tuple[tuple[ActivityId, str, Digest], ...] = ()
    """Activity decisions that were carried out: activity, decision, digest of the drafts it was about."""
    open: tuple[OpenEntry, ...] = ()
    """Journal entries whose outcome is not known yet."""
    objects: tuple[tuple[str, JsonObject], ...] = ()
    """What else was last applied or found to be as asked, by address within the site (`posts[<activity id>]`).

    This includes the rules that were carried out in full (`rule[posts]`). For what is not a generation input, it is the
    recorded side of drift.
    """

    @property
    def is_known(self) -> bool:
        """Whether an apply has run on this site before: the first one records something, even with nothing to do.

        Until then, nobody can tell whether an approval in the files was used.
        """
        return self != NOTHING_RECORDED

    def object(self, key: str) -> JsonObject | None:
        """The facts of an object as last applied; None if there are none."""
        return self._objects.get(key)

    def last_applied(self, address: Address, path: str) -> tuple[Json] | None:
        """The value of an object's field as last applied, in a one-tuple; None if it was never recorded."""
        if address.kind is Kind.SETTINGS:
            return self.applied.setting(path)
        if address.kind is Kind.EVENT:
            facts = self.applied.event(address.key)
            return None if facts is None else (facts.get(path, address.key if path == "name" else None),)
        noted = self.object(key_of(address.kind, address.key)) or EMPTY
        return (noted[path],) if path in noted else None

    def is_as_applied(self, address: Address, path: str, live: Json) -> bool:
        """Whether a live field of an object is as it was last applied; True if it was never recorded."""
        last = self.last_applied(address, path)
        if last is None:
            return True
        return (is_as_applied if address.kind is Kind.EVENT else same_setting)(path, last[0], live)

    @cached_property
    def _objects(self) -> dict[str, JsonObject]:
        return dict(reversed(self.objects))

    @cached_property
    def published_by_id(self) -> dict[PostId, tuple[PublishedPost, ...]]:
        """The posts that this tool scheduled, by id: all records of each, in order."""
        found: dict[PostId, tuple[PublishedPost, ...]] = {}
        for post in self.published:
            found[post.id] = (*found.get(post.id, ()), post)
        return found

    @cached_property
    def published_contents(self) -> frozenset[tuple[ActivityId, Digest]]:
        """The activity and the content of each post that this tool scheduled."""
        return frozenset((post.activity, post.digest) for post in self.published)

    @cached_property
    def last_published(self) -> dict[PostId, PublishedPost]:
        """The last record of each post that this tool scheduled, by id."""
        return {post.id: post for post in sorted(self.published, key=lambda post: post.done_at)}


NOTHING_RECORDED: Final = RecordedSite()

FORMER_NAME: Final = "name"
"""The kind of the keys under which a record remembers its site's earlier names (`name[pottery]`)."""


class Bindings(Struct, frozen=True):
    """What a plan or a call found out, to be recorded: not a write, but part of the state."""

    event_ids: tuple[tuple[str, EventId], ...] = ()
    sets: tuple[RememberedSet, ...] = ()
    created: tuple[CreatedActivity, ...] = ()
    objects: tuple[tuple[str, JsonObject], ...] = ()
    """Objects that are as the file asks, as in `RecordedSite.objects`."""
    created_events: tuple[CreatedEvent, ...] = ()
    spent: tuple[tuple[PostId, Digest, int], ...] = ()
    outcomes: tuple[PostOutcome, ...] = ()
