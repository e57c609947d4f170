"""The canonical form of a value, and its digest.

Values from files or from the remote API are frozen here once, so that no other part can change them. They are compared
in canonical form: `1` is not `true`, the order of keys does not matter, and an integral float is the integer of the
same value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NewType, TypeAlias, cast

from msgspec import UNSET, UnsetType
from msgspec.json import Encoder

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""


Absent: TypeAlias = UnsetType
"""The type of ABSENT."""

ABSENT: Final = UNSET
"""A field that was not written at all, as opposed to one that is null."""


if TYPE_CHECKING:
    _JsonMapping: TypeAlias = Mapping[str, "Json"]
else:
    _JsonMapping = object
    """`isinstance(value, JsonObject)` runs very often, and takes ten times as long if the class is abstract."""


class JsonObject(_JsonMapping):
    """A JSON object that cannot change. Iteration keeps the written order; equality ignores it."""

    __slots__ = ("_members",)

    if not TYPE_CHECKING:
        # Called for every value, so these go straight to the members.
        def keys(self):
            """As in any mapping."""
            return self._members.keys()

        def values(self):
            """As in any mapping."""
            return self._members.values()

        def get(self, key, default=None):
            """As in any mapping."""
            return self._members.get(key, default)

        def items(self):
            """As in any mapping."""
            return self._members.items()

        def __contains__(self, key):
            return key in self._members

    def __init__(self, members: Mapping[str, Json] | None = None) -> None:
        self._members: dict[str, Json] = dict(members or {})

    def __getitem__(self, key: str) -> Json:
        return self._members[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonObject) and same(self, other)

    def __hash__(self) -> int:
        return hash(canonical_text(self))

    def __repr__(self) -> str:
        return f"JsonObject({self._members!r})"


Mapping.register(JsonObject)

if TYPE_CHECKING:
    Json: TypeAlias = None | bool | int | float | str | tuple["Json", ...] | JsonObject
else:

    class _Everything(type):
        def __instancecheck__(cls, value: object) -> bool:
            return True

    class Json(metaclass=_Everything):
        """Stands for the `Json` type in the codec, because msgspec cannot express it; read with `freeze`."""


EMPTY: Final = JsonObject()


_new: Final = JsonObject.__new__
"""Makes an object whose members need no copy: nobody else has them."""


def freeze(value: object) -> Json:
    """A deep frozen copy of a JSON-like value (dict, list, tuple, str, number, bool, None).

    Raises TypeError for anything that JSON cannot express, NaN and infinity included.
    """
    kind = type(value)
    if kind is str:  # most values are texts, and checking for the plain types first avoids a class lookup
        return cast("str", value)
    if kind is dict:
        members = cast("dict[object, object]", value)
        frozen = _new(JsonObject)
        frozen._members = {
            str(key): member if type(member) is str else freeze(member) for key, member in members.items()
        }
        return frozen
    if kind is list:
        return tuple([freeze(member) for member in cast("list[object]", value)])
    if value is None or isinstance(value, bool | int | str | JsonObject):
        return value
    if isinstance(value, float):
        if not isfinite(value):
            raise TypeError(f"not a JSON value: {value}")
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return JsonObject({str(key): freeze(member) for key, member in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(member) for member in value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def freeze_object(value: object) -> JsonObject:
    """`freeze` for a value that should be an object; anything else becomes the empty object."""
    frozen = freeze(value)
    return frozen if isinstance(frozen, JsonObject) else EMPTY


def thaw(value: Json) -> Any:
    """The plain dicts and lists of a frozen value, for `json.dumps` and templates."""
    if isinstance(value, JsonObject):
        return {key: thaw(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [thaw(member) for member in value]
    return value


def canonical_text(value: Json) -> str:
    """The canonical JSON text of a value: sorted keys, no whitespace, no unnecessary escapes."""
    return _CANONICAL.encode(thaw(value))


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_of_plain(value: object) -> str:
    """The canonical text of plain dicts and lists, in a tenth of the time. It may spell a float with an exponent."""
    try:
        return _SORTED.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which other programs do not accept as text
        return _CANONICAL.encode(value)


_SORTED: Final = Encoder(order="sorted")


def same(one: Json, other: Json) -> bool:
    """Whether two values have the same canonical form."""
    if one is other:
        return True
    if isinstance(one, str) or isinstance(other, str):
        return one == other  # most values are texts, which equal only texts, and this runs for each of them
    if type(one) is not type(other):  # 1 is not true; an integral float became an integer when it was frozen
        return False
    if isinstance(one, JsonObject) and isinstance(other, JsonObject):
        return len(one) == len(other) and all(key in other and same(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def digest_of(value: Json) -> Digest:
    """The SHA-256 of the canonical form."""
    return digest_of_text(canonical_text(value))


def digest_of_text(text: str) -> Digest:
    """The SHA-256 of a canonical text."""
    from hashlib import sha256

    return Digest("sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
