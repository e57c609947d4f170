"""KindWords: all that the reporters know about one kind of object: its writes, conditions and calls, in words and JSON.

It does for reports what ManagedKind (`executor/kinds/base.py`) does for a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from reconciler.model.codec import taken_from
from reconciler.model.frozen import Struct as Record
from reconciler.model.journal import OpenEntry
from reconciler.model.writes import Condition, FieldChange, Verb, Write
from reconciler.planner.actions import Action
from reconciler.reporters.layout import Style
from reconciler.reporters.words import value

W = TypeVar("W", bound=Write)
C = TypeVar("C", bound=Condition)

SYMBOLS: Final = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.DELETE: "-",
    Verb.GENERATE: "*",
    Verb.PUBLISH: ">",
    Verb.CANCEL: "x",
    Verb.WAIT: ".",
}

STYLES: Final = {
    Verb.CREATE: Style.GREEN,
    Verb.UPDATE: Style.YELLOW,
    Verb.DELETE: Style.RED,
    Verb.GENERATE: Style.CYAN,
    Verb.PUBLISH: Style.MAGENTA,
    Verb.CANCEL: Style.RED,
    Verb.WAIT: Style.DIM,
}

COUNT: Final = "{:,}"
"""A placeholder for a number that is not known yet."""

IN_TOTAL: Final = " on these sites in total"
"""What follows a number that is added up over several sites."""


class ActionText(Struct, frozen=True):
    """The object of an action, what is done to it, and the fields that change.

    `of_many` says what is done to several activities: `delete {:,} on these sites in total`. Their number replaces
    COUNT; if they are all on one site, IN_TOTAL is left out.
    """

    subject: str
    text: str = ""
    changes: tuple[FieldChange, ...] = ()
    of_many: str = ""


class CallWords(Struct, frozen=True):
    """The words for one call in the journal.

    `asked` is what the call should have done, `look` what to look for on the site. `done` and `not_done` say what the
    next apply does once a person has resolved the call that way.
    """

    asked: str
    look: str
    done: str = "the next plan goes by what the site shows"
    not_done: str = "the next apply does it again if the files still ask for it"


class WriteRecord(Record, frozen=True, tag_field="operation"):
    """A write in JSON: `operation` names it; the other members are its fields, which are part of the format.

    They are copied from the write by name, unless a kind makes the record itself.
    """


Records: TypeAlias = Mapping[type[Write], type[WriteRecord]]
Calls: TypeAlias = Mapping[type[Write], CallWords]


class KindWords(Generic[W, C]):
    """What the reporters know about one kind; the methods accept its writes and conditions."""

    records: ClassVar[Records]
    """What each of its writes is in JSON."""

    calls: ClassVar[Calls] = {}
    """The words for a call whose outcome is not known. A test fails for a call without them."""

    def text(self, action: Action, operation: W, zone: str) -> ActionText:
        """A write for people who read a plan. `zone` is the site's time zone."""
        raise NotImplementedError

    def record(self, operation: W) -> WriteRecord:
        """A write in JSON."""
        return taken_from(operation, self.records[type(operation)])

    def condition(self, required: C) -> str:
        """What must still hold when an action runs, for `--explain`."""
        raise NotImplementedError

    def about(self, entry: OpenEntry, operation: W, zone: str) -> str:
        """What a call in the journal was about; empty if its address is enough."""
        return named(entry)


def named(entry: OpenEntry) -> str:
    """The name of what a call was about, if people gave it one."""
    return value(entry.address.key) if entry.address.kind.has_names else ""


def changed(changes: tuple[FieldChange, ...]) -> str:
    """Fields with the values that they should get: what a call that changes them was about."""
    fields = sorted((change.path.removeprefix("settings."), change.after) for change in changes)
    return ", ".join(f"{path}: {value(after)}" for path, after in fields)
