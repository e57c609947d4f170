"""Struct and Variant: the base classes of all values that are written to the state, a saved plan or a report.

They define what these documents have in common: members in camelCase, no unknown members, and a `kind` for each member
of a union. `codec.py` does the reading and writing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeAlias

import msgspec


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A frozen value. In a document it is an object of its fields in camelCase: `target_date` is `targetDate`."""


def kind_of(name: str) -> str:
    """A class's name in a document: `UpdateSettings` is `update-settings`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.rpartition(".")[2]).lower()


class Variant(Struct, frozen=True, tag_field="kind", tag=kind_of):
    """A member of a union. In a document, its `kind` distinguishes it from the others."""


Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with its time zone. One without a zone is refused when read."""


class Joined:
    """Structs that together form one object in a document, with the members of the first one first.

    A subclass lists in `of` the structs that it consists of, for its schema.
    """

    __slots__ = ("parts",)

    of: ClassVar[tuple[type[msgspec.Struct], ...]] = ()

    def __init__(self, *parts: msgspec.Struct) -> None:
        self.parts = parts


class ApiInstant(str):
    """An instant in a report in the API's form (`instant`); most of a report uses that of the codec."""

    __slots__ = ()


def instant(moment: datetime) -> str:
    """An instant as the API writes it: `2026-07-08T09:00:00.000Z` (D section 1)."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
