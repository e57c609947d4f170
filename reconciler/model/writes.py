"""What is true of a write whatever it writes: its verb, who must allow it, whether it may be sent twice.

What a screen, a limit or the executor has to know of a kind of write as such is a class variable of its type, so that
a new kind of write says it once, in its kind's file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final

from reconciler.model.canonical import Json
from reconciler.model.frozen import Struct, Variant


class Verb(StrEnum):
    """The word of a write, which also decides its class and the column it is counted in."""

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
    """It takes back what waits to go out: covered by the yes to the plan, and never needs --allow-publish."""
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
    """One field, before and after; None is "nothing there"."""

    path: str
    before: Json
    after: Json


class Write(Variant, frozen=True):
    """What is true of every write of a type.

    Each type below also says its `verb`, and the `kind` of object that it is about.
    """

    repeatable: ClassVar[bool] = False
    """Sent twice, it leaves what sending it once left, so it blocks nothing while its outcome is not known."""
    may_be_gone: ClassVar[bool] = False
    """A failed precondition (428) says that its object is no longer there for it, and not that it was asked wrongly."""
    feeds_generation: ClassVar[bool] = False
    """A generation is made from what it writes."""
    destroys: ClassVar[bool] = False
    """Its object is gone then, and counts for `maxDelete`; drafts that are thrown away have `maxDiscard`."""
    rules: ClassVar[str] = ""
    """The rules of a file that ask for it, as state remembers them: `rule[posts]`; empty: no rule does."""
    takes_time: ClassVar[bool] = False
    """Its effect comes later. While its outcome is not known, the parts that plan it wait for it."""

    @property
    def object_id(self) -> str:
        """What tells the object from others of the same address; empty if the address says it."""
        return ""


class Condition(Variant, frozen=True):
    """What must still hold on the site just before a write, or nothing is sent.

    Each type also says the `kind` whose file in executor/kinds/ checks it.
    """

    about: ClassVar[str] = ""
    """What it is about, in the words of `ManagedKind.touches`, as a format of its fields; empty: no call changes it."""

    @property
    def subject(self) -> str:
        """What this one is about."""
        return self.about.format(self)
