"""What is true of a write whatever it writes: its verb, who must allow it, whether it may be sent twice.

What a screen, a limit or the executor must know about a kind of write is a class variable of its type. A new kind of
write states it once, in its kind's file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from msgspec.structs import replace

from reconciler.model.canonical import ABSENT, Absent, Json
from reconciler.model.frozen import Instant, Struct, Variant


class Verb(StrEnum):
    """The word for a write, which also determines its ActionClass and the column it is counted in."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    GENERATE = "generate"
    PUBLISH = "publish"
    CANCEL = "cancel"
    WAIT = "wait"


class ActionClass(StrEnum):
    """Who must allow a write (design.md 3.2)."""

    PROTECTIVE = "protective"
    """It cancels what is waiting to go out: covered by approving the plan, and never needs --allow-publish."""
    SAFE = "safe"
    COSTLY = "costly"
    PUBLIC = "public"


CLASSES: Final = {
    Verb.CREATE: ActionClass.SAFE,
    Verb.UPDATE: ActionClass.SAFE,
    Verb.DELETE: ActionClass.COSTLY,
    Verb.GENERATE: ActionClass.COSTLY,
    Verb.PUBLISH: ActionClass.PUBLIC,
    Verb.CANCEL: ActionClass.PROTECTIVE,
    Verb.WAIT: ActionClass.SAFE,
}


class FieldChange(Struct, frozen=True):
    """One field, before and after. No value means "not set"."""

    path: str
    before: Json
    after: Json


class Write(Variant, frozen=True):
    """What is true of every write of a type.

    Each type of write also has its `verb`, and the `kind` of object that it is about.
    """

    repeatable: ClassVar[bool] = False
    """Sending it twice has the same effect as sending it once, so it blocks nothing while its outcome is unknown."""
    may_be_gone: ClassVar[bool] = False
    """A failed precondition (428) means that its object is gone or in another state, not that the request was wrong."""
    may_conflict: ClassVar[bool] = False
    """A conflict (409) means that its object is in another state, not that the request was wrong."""
    feeds_generation: ClassVar[bool] = False
    """A generation is made from what it writes."""
    destroys: ClassVar[bool] = False
    """It destroys its object, which counts towards `maxDelete`. Drafts thrown away count towards `maxDiscard`."""
    at_once: ClassVar[bool] = True
    """One call carries it out, and it is done at once: there is nothing to wait for, and calls are not combined."""
    uses_inputs: ClassVar[bool] = False
    """It generates the marketing plan from what `feeds_generation` has written."""
    renews: ClassVar[bool] = False
    """When it is over, the site has another marketing plan, about which nothing is known beforehand."""
    takes_time: ClassVar[bool] = False
    """Its effect comes later. While its outcome is unknown, the part of the planner that plans such writes waits."""
    moves: ClassVar[bool] = False
    """It moves what is already scheduled, so nothing new goes public."""
    only_drafts: ClassVar[bool] = False
    """It destroys nothing but drafts, so these are counted instead of its object."""

    @property
    def object_id(self) -> str:
        """Distinguishes the object from others with the same address; empty if the address is enough."""
        return ""

    @property
    def rules(self) -> str:
        """The rules of a file that ask for it: `posts`, which the state calls `rule[posts]`; empty if no rule does."""
        return ""

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """The fields of its object that it changes."""
        return ()

    @property
    def told_apart_by(self) -> Instant | Absent:
        """The date of its object if another object of the site has the same name; otherwise ABSENT."""
        return ABSENT

    @property
    def unnamed(self) -> Self:
        """The same write without what is only there to be shown, which the same run may have changed already."""
        return self

    @property
    def approved(self) -> bool:
        """False for a publication that needs no approval, under `approval: none`."""
        return True

    @property
    def discards(self) -> tuple[Any, ...]:  # of PostId, whose file imports this one
        """The drafts that it throws away, whatever they are part of."""
        return ()

    @property
    def replaces(self) -> tuple[Any, ...]:
        """The drafts that are thrown away by what it waits for."""
        return ()

    @property
    def throws_away(self) -> tuple[Any, ...]:
        """The drafts that are gone once it is done."""
        return (*self.discards, *self.replaces)


class ToldApart(Write, frozen=True, kw_only=True):
    """A write whose object may share its name with others of the site."""

    date: Instant | Absent = ABSENT
    """Only if another object of its kind has the same name."""

    @property
    def told_apart_by(self) -> Instant | Absent:
        """The date, which is given only if it is needed."""
        return self.date

    @property
    def unnamed(self) -> Self:
        """The same write without the date, which is only there to be shown."""
        return replace(self, date=ABSENT)


class Condition(Variant, frozen=True):
    """What must still hold on the site just before a write, or nothing is sent.

    Each type also names the `kind` whose file in executor/kinds/ checks it.
    """

    about: ClassVar[str] = ""
    """What it is about, in the terms of `ManagedKind.touches`: a format string. Empty if no call changes it."""

    after_cancels: ClassVar[bool] = False
    """The plan's own cancels make it hold, so it is not checked before them."""

    @property
    def subject(self) -> str:
        """What this condition is about."""
        return self.about.format(self)
