"""The documents of the state: JSON with a `formatVersion`, read exactly or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from reconciler.model.codec import Malformed, from_json, laid_out, parse, to_json
from reconciler.model.frozen import Struct
from reconciler.state.errors import StateError

T = TypeVar("T", bound=Struct)

FORMAT_VERSION: Final = 2
"""The version of every document. A new member or a changed meaning is a new version: an older program refuses it."""

RESTORE: Final = "restore it from a backup, or move it away to start over"

Upgrade: TypeAlias = Callable[[dict[str, Any]], T]
"""Reads a document of version 1, or one that cannot be read as it is. Raises Malformed."""


def to_bytes(document: Struct) -> bytes:
    """The canonical text of a document: one line per member, so that people and `git diff` can read it."""
    return laid_out(to_json(document))


def from_bytes(
    kind: type[T],
    data: bytes,
    place: str,
    *,
    upgrade: Upgrade[T] | None = None,
    mend: Upgrade[T] | None = None,
    fix: str = RESTORE,
) -> T:
    """The document that a text holds, converted by `upgrade` if it is of an older version.

    `mend` may repair a document that cannot be read as it is.

    Raises StateError for a corrupt document, and for a version that this program does not know.
    """
    try:
        return from_json(kind, data)
    except Malformed as error:
        wrong = error
    try:
        document = parse(data)
        version = document.get("formatVersion") if isinstance(document, dict) else None
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise Malformed("", "it has no formatVersion" if isinstance(document, dict) else "it is not an object")
        if version > FORMAT_VERSION:
            raise StateError(
                place,
                f"was written by a newer version (format {version}; this one reads up to {FORMAT_VERSION})",
                "use that version or a newer one",
            )
        if version < FORMAT_VERSION and upgrade is not None:
            return upgrade(document)
        if version == FORMAT_VERSION and mend is not None:
            return mend(document)
    except Malformed as error:
        wrong = error
    raise StateError(place, f"is corrupt ({wrong})", fix)
