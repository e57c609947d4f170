"""Marketing activities: those of a live plan, and the rules a file has for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar, Final, TypeAlias

from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT, Absent, Digest, JsonObject, digest_of
from reconciler.model.frozen import Instant, Struct, Variant, instant
from reconciler.model.posts import ActivityId, Discarded, Post, PostId, PostStatus
from reconciler.model.selectors import Match
from reconciler.model.writes import Condition, FieldChange, ToldApart, Verb, Write

SOCIAL: Final = "SOCIAL_MARKETING"
"""The type of the activities that have posts."""


class Activity(Struct, frozen=True):
    """An activity of a live marketing plan (S-wix 6.4). `type` is None if the API does not give it."""

    id: ActivityId
    title: str
    description: str
    date: Instant
    type: str | None = None
    posts: tuple[Post, ...] = ()

    def facts(self) -> JsonObject:
        """What a person can edit in it, as a value, for preconditions."""
        return JsonObject({"title": self.title, "description": self.description, "targetDate": instant(self.date)})

    @property
    def digest(self) -> Digest:
        """The digest of these facts."""
        return digest_of(self.facts())

    @property
    def drafts(self) -> tuple[Post, ...]:
        """Its posts that are still drafts."""
        return tuple(post for post in self.posts if post.status is PostStatus.DRAFT)


def named_drafts(posts: Collection[PostId], activities: Iterable[Activity]) -> tuple[Discarded, ...]:
    """The given posts that the activities have, in the order of the activities, each with its title and channel."""
    return tuple(
        Discarded(post.id, activity.title, post.channel, type=post.type)
        for activity in activities
        for post in activity.posts
        if post.id in posts
    )


class SetActivities(Variant, frozen=True):
    """`{match, set}`: the matching activities get these values. Only what is written is set (D 7.2)."""

    verb: ClassVar[Verb] = Verb.UPDATE
    match: Match
    title: str | Absent = ABSENT
    description: str | Absent = ABSENT
    target_date: Instant | Absent = ABSENT
    min: int = 0
    max: int | None = None

    def values(self) -> tuple[tuple[str, str], ...]:
        """The values by API field name; the date as the API writes it."""
        pairs: list[tuple[str, str]] = []
        if not isinstance(self.title, Absent):
            pairs.append(("title", self.title))
        if not isinstance(self.description, Absent):
            pairs.append(("description", self.description))
        if not isinstance(self.target_date, Absent):
            pairs.append(("targetDate", instant(self.target_date)))
        return tuple(pairs)


class RemoveActivities(Variant, frozen=True):
    """`{match, state: absent}`. It has no `max`: every run would remove that many again."""

    verb: ClassVar[Verb] = Verb.DELETE
    match: Match
    min: int = 0


class DesiredActivity(Variant, frozen=True):
    """`{create}`: an activity that the file defines itself. All four fields are required (D 7.1)."""

    verb: ClassVar[Verb] = Verb.CREATE
    title: str
    description: str
    target_date: Instant
    type: str

    def facts(self) -> JsonObject:
        """The activity as a value, for digests and records."""
        date = instant(self.target_date)
        return JsonObject({"title": self.title, "description": self.description, "targetDate": date})


ActivityRule: TypeAlias = SetActivities | RemoveActivities | DesiredActivity


class PostsRule(Struct, frozen=True):
    """A rule of `posts`: the matching activities have posts, or have none."""

    match: Match
    present: bool = True
    min: int = 0
    max: int | None = None


# --- writes -----------------------------------------------------------------------------------------


class ActivityWrite(Write, frozen=True):
    """Any write of an activity."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    rules: ClassVar[str] = "activities"


class CreateActivity(ActivityWrite, frozen=True):
    """A new activity. Not repeatable: if it is sent twice, there are two."""

    verb: ClassVar[Verb] = Verb.CREATE

    activity: DesiredActivity

    @property
    def title(self) -> str:
        """The title of the activity."""
        return self.activity.title


class UpdateActivity(ToldApart, ActivityWrite, frozen=True):
    """Paths are `title`, `description` and `targetDate`, and nothing else (D 7.2)."""

    verb: ClassVar[Verb] = Verb.UPDATE
    repeatable: ClassVar[bool] = True

    id: ActivityId
    title: str
    changes: tuple[FieldChange, ...]


class DeleteActivity(ToldApart, ActivityWrite, frozen=True):
    """`discards` are the drafts of the activity, which disappear with it."""

    verb: ClassVar[Verb] = Verb.DELETE
    destroys: ClassVar[bool] = True

    id: ActivityId
    title: str
    discards: tuple[PostId, ...] = ()


ActivityOperation: TypeAlias = CreateActivity | UpdateActivity | DeleteActivity


# --- what must still hold just before them ----------------------------------------------------------


class ActivityIs(Condition, frozen=True):
    """A live activity still has these facts."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    about: ClassVar[str] = "{0.id}"

    id: ActivityId
    facts: Digest


class NoActivityLike(Condition, frozen=True):
    """No live activity has this title at this instant (RFC 3339)."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    about: ClassVar[str] = "activity {0.title}"

    title: str
    target_date: str


class DateIs(Condition, frozen=True):
    """The activity still has this date: an approval is given for a certain day."""

    kind: ClassVar[Kind] = Kind.ACTIVITY
    about: ClassVar[str] = "{0.activity}"

    activity: ActivityId
    date: Instant


ActivityCondition: TypeAlias = ActivityIs | NoActivityLike | DateIs
