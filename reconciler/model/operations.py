"""One type for each kind of write. What is true of it as such (writes.py) is a class variable of its type."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final, TypeAlias, assert_never

from reconciler.model.activities import ActivityRule, DesiredActivity, PostsRule, RemoveActivities, SetActivities
from reconciler.model.address import Kind
from reconciler.model.canonical import Digest
from reconciler.model.events import CalendarEvent, DesiredEvent, EventId
from reconciler.model.frozen import Instant
from reconciler.model.marketing_plan import Discard
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import ScheduleRule
from reconciler.model.settings import Field, MarketingSettings, whole_fields
from reconciler.model.settings import FieldChange as FieldChange  # of a write, whatever it writes
from reconciler.model.writes import CLASSES, ActionClass, Verb, Write


class EventWrite(Write, frozen=True):
    """Any write of an event: where all kinds meet, one case serves the three of them."""

    kind: ClassVar[Kind] = Kind.EVENT


class CreateEvent(EventWrite, frozen=True):
    """A new event. Not repeatable: sent twice, it would be there twice."""

    verb: ClassVar[Verb] = Verb.CREATE

    event: DesiredEvent


class UpdateEvent(EventWrite, frozen=True):
    """A replacing write (D 8.2): `event` is the whole event to send, kept fields included."""

    verb: ClassVar[Verb] = Verb.UPDATE
    repeatable: ClassVar[bool] = True

    event: CalendarEvent
    changes: tuple[FieldChange, ...]


class DeleteEvent(EventWrite, frozen=True):
    """Removes an event from the site's calendar."""

    verb: ClassVar[Verb] = Verb.DELETE

    id: EventId
    name: str

    @property
    def object_id(self) -> str:
        """Events may share a name, and so an address."""
        return self.id


class UpdateSettings(Write, frozen=True):
    """Never empty. A None in `after` clears the field (D 9.4).

    `whole` are the fields as they are sent, by mask path (17.4): merged into what was live when the plan was made, and
    again into what is live just before the write (`merged_into`).
    """

    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[Kind] = Kind.SETTINGS
    repeatable: ClassVar[bool] = True

    changes: tuple[FieldChange, ...]
    whole: tuple[Field, ...] = ()

    def merged_into(self, live: MarketingSettings) -> UpdateSettings:
        """The same changes, merged into these settings."""
        return UpdateSettings(self.changes, whole_fields(self.changes, live))


class Generate(Write, frozen=True):
    """Where there is no usable marketing plan."""

    verb: ClassVar[Verb] = Verb.GENERATE
    kind: ClassVar[Kind] = Kind.MARKETING_PLAN
    takes_time: ClassVar[bool] = True


class Regenerate(Write, frozen=True):
    """`discards` are the upcoming drafts this throws away; `discardable` says what it may (design.md 3.3)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    kind: ClassVar[Kind] = Kind.MARKETING_PLAN
    takes_time: ClassVar[bool] = True

    keyword_research: bool
    discards: tuple[PostId, ...] = ()
    discardable: Discard = Discard.UNAPPROVED


class AwaitGeneration(Write, frozen=True):
    """No write: a generation is under way, ours or somebody else's; what follows waits for it."""

    verb: ClassVar[Verb] = Verb.WAIT
    kind: ClassVar[Kind] = Kind.MARKETING_PLAN


class AwaitPosts(Write, frozen=True):
    """No write: an earlier run asked for an activity's posts, and they are not there yet."""

    verb: ClassVar[Verb] = Verb.WAIT
    kind: ClassVar[Kind] = Kind.POSTS

    activity: ActivityId
    title: str


class DeleteMarketingPlan(Write, frozen=True):
    """`discards` are the upcoming drafts this throws away."""

    verb: ClassVar[Verb] = Verb.DELETE
    kind: ClassVar[Kind] = Kind.MARKETING_PLAN

    discards: tuple[PostId, ...] = ()


class CreateActivity(Write, frozen=True):
    """A new activity. Not repeatable: sent twice, it would be there twice."""

    verb: ClassVar[Verb] = Verb.CREATE
    kind: ClassVar[Kind] = Kind.ACTIVITY

    activity: DesiredActivity


class UpdateActivity(Write, frozen=True):
    """Paths are `title`, `description` and `targetDate`, nothing else (D 7.2)."""

    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[Kind] = Kind.ACTIVITY
    repeatable: ClassVar[bool] = True

    id: ActivityId
    title: str
    changes: tuple[FieldChange, ...]


class DeleteActivity(Write, frozen=True):
    """`discards` are the drafts of the activity: they go with it."""

    verb: ClassVar[Verb] = Verb.DELETE
    kind: ClassVar[Kind] = Kind.ACTIVITY

    id: ActivityId
    title: str
    discards: tuple[PostId, ...] = ()


class GeneratePosts(Write, frozen=True):
    """Posts for one activity; the executor sends up to 20 of them in one call (S-wix 6.2)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    kind: ClassVar[Kind] = Kind.POSTS
    takes_time: ClassVar[bool] = True

    activity: ActivityId
    title: str


class RegeneratePosts(Write, frozen=True):
    """New drafts for an activity that a person sent back; `media_only` keeps the captions (D 6.2)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    kind: ClassVar[Kind] = Kind.POSTS
    takes_time: ClassVar[bool] = True

    activity: ActivityId
    title: str
    discards: tuple[PostId, ...] = ()
    media_only: bool = False
    stories: bool = False
    """The activity's story drafts, and only those: they are a call of their own (D 6.2), and so an operation, for
    of two calls in one nobody could tell afterwards which of them had its effect."""


class ClearPosts(Write, frozen=True):
    """Removes all social posts of an activity (D 6.2); `stories` clears story drafts too."""

    verb: ClassVar[Verb] = Verb.DELETE
    kind: ClassVar[Kind] = Kind.POSTS

    activity: ActivityId
    title: str
    discards: tuple[PostId, ...] = ()
    stories: bool = False


class SchedulePost(Write, frozen=True):
    """`at` None: the API's own time.

    `approved` is False only under `approval: none`. `title`: of its activity; `account`: the account that it appears
    on, as people read it.

    `own_time_first`: it is scheduled as a draft of the marketing plan is, for the API's own time, and then moved to
    `at`. Not where that time is too near: what the API does with a time that is past is not documented (14.7), and
    it might go out at once.
    """

    verb: ClassVar[Verb] = Verb.PUBLISH
    kind: ClassVar[Kind] = Kind.DRAFT

    post: PostId
    activity: ActivityId
    channel: str
    digest: Digest
    at: Instant | None = None
    approved: bool = True
    own_time_first: bool = False
    title: str = ""
    account: str = ""
    about: Instant | None = None
    """Where the API picks the time: when it goes out, as far as anybody can tell."""


class ReschedulePost(Write, frozen=True):
    """Moves a scheduled post to another instant (D 10.1)."""

    verb: ClassVar[Verb] = Verb.PUBLISH
    kind: ClassVar[Kind] = Kind.DRAFT

    post: PostId
    activity: ActivityId
    channel: str
    digest: Digest
    at: Instant
    before: Instant | None = None
    title: str = ""


class CancelPost(Write, frozen=True):
    """Takes a scheduled post back (S-wix 10.1)."""

    verb: ClassVar[Verb] = Verb.CANCEL
    kind: ClassVar[Kind] = Kind.DRAFT
    repeatable: ClassVar[bool] = True

    post: PostId
    activity: ActivityId
    channel: str
    at: Instant | None = None
    title: str = ""


class Part(StrEnum):
    """The parts of a site whose rules can only be worked out after a generation."""

    ACTIVITIES = "activities"
    POSTS = "posts"
    SCHEDULE = "schedule"


class Deferred(Write, frozen=True):
    """A bounded promise: what `rules[rule]` of a part will match once the generation is done.

    It carries all rules of its part, because the first that matches an object decides. `at_most` is the
    bound in objects; None if the rule itself has none. `channels` and the like stand in the rules.
    """

    kind: ClassVar[Kind] = Kind.RULE

    part: Part
    rule: int
    activity_rules: tuple[ActivityRule, ...] = ()
    posts_rules: tuple[PostsRule, ...] = ()
    at_most: int | None = None
    schedule_rules: tuple[ScheduleRule, ...] = ()
    """Only ever under `approval: none`: nothing can be approved that is not known yet (design.md 3.2)."""

    @property
    def verb(self) -> Verb:
        """The verb of the writes that it turns into."""
        match self.part:
            case Part.SCHEDULE:
                return Verb.PUBLISH
            case Part.POSTS:
                return Verb.GENERATE if self.posts_rules[self.rule].present else Verb.DELETE
            case Part.ACTIVITIES:
                return _verb_by(self.activity_rules[self.rule])
            case never:
                assert_never(never)


def _verb_by(rule: ActivityRule) -> Verb:
    match rule:
        case DesiredActivity():
            return Verb.CREATE
        case SetActivities():
            return Verb.UPDATE
        case RemoveActivities():
            return Verb.DELETE
        case _:
            assert_never(rule)


EventOperation: TypeAlias = CreateEvent | UpdateEvent | DeleteEvent

Operation: TypeAlias = (
    EventOperation
    | UpdateSettings
    | Generate
    | Regenerate
    | AwaitGeneration
    | AwaitPosts
    | DeleteMarketingPlan
    | CreateActivity
    | UpdateActivity
    | DeleteActivity
    | GeneratePosts
    | RegeneratePosts
    | ClearPosts
    | SchedulePost
    | ReschedulePost
    | CancelPost
    | Deferred
)

Foundation: TypeAlias = EventOperation | UpdateSettings | Generate | Regenerate | AwaitGeneration | DeleteMarketingPlan
"""What activities and posts come from: the inputs of a generation, and the marketing plan itself."""

AtOnce: TypeAlias = (
    EventOperation
    | UpdateSettings
    | DeleteMarketingPlan
    | CreateActivity
    | UpdateActivity
    | DeleteActivity
    | ClearPosts
    | ReschedulePost
    | CancelPost
)
"""One call each, and over at once: nothing is waited for, and nothing goes out with others."""

INPUTS: Final = frozenset({Kind.SETTINGS, Kind.EVENT})
"""The kinds of objects that a generation is made from."""


def class_of(operation: Operation) -> ActionClass:
    """Who must allow an operation."""
    return CLASSES[operation.verb]


def discards_of(operation: Operation) -> tuple[PostId, ...]:
    """The drafts that a write throws away, whatever they go with."""
    if isinstance(operation, Regenerate | DeleteMarketingPlan | DeleteActivity | RegeneratePosts | ClearPosts):
        return operation.discards
    return ()
