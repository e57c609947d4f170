"""The possible shapes of an answer: which keys hold an object or a list. The `wire` modules and events.py use them.

Most of this was never documented (remote-api.md 14), so each wrapper and list key has its mark. The lists are closed:
an answer of any other shape is Unreadable, never "there is nothing", because a misread answer looks like an empty site,
and an empty site gets filled (17.1). New keys beside known ones are ignored.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.api.values import Fields, Unreadable, fields, is_object, members
from reconciler.model.text import printable


class ObjectShape(Struct, frozen=True):
    """An object: bare, or under one of the wrappers. `known`: it has at least one of these keys."""

    name: str
    wrappers: tuple[str, ...]
    known: frozenset[str]
    may_be_empty: bool = False
    """Whether an empty object in a wrapper is understood; an empty bare one never is."""


class ListShape(Struct, frozen=True):
    """A list under one of the keys; absent if it is empty (I: proto3). `beside`: other keys of such an answer."""

    name: str
    keys: tuple[str, ...]
    beside: frozenset[str] = frozenset()


_PAGING: Final = ("pagingMetadata", "metadata", "paging", "cursorPaging")  # S-wix 5; I for the marketing services
_TOTALS: Final = ("total", "totalCount", "count")
_NEXT: Final = ("nextCursor", "nextPageToken", "next", "cursor")
_MORE: Final = ("hasNext", "hasMore", "truncated")
_BESIDE: Final = frozenset({*_PAGING, *_TOTALS, *_NEXT, *_MORE, "cursors"})


def opened(body: object, shape: ObjectShape) -> tuple[Fields, str]:
    """The object of an answer and its path. Raises Unreadable if the answer does not have this shape."""
    outer = answered(body, shape.name)
    inner = [name for name in shape.wrappers if is_object(outer.get(name))]
    found = [(outer[name], name) for name in inner if not outer[name] or shape.known & outer[name].keys()]
    for name in inner:
        answered(outer[name], shape.name)
    bare = bool(shape.known & outer.keys())
    if bare and not any(source for source, _ in found):
        return outer, "response"
    if bare or len(found) > 1:
        raise Unreadable(f"expected {shape.name} in one place, got several: {_keys(outer)}")
    if found and (found[0][0] or shape.may_be_empty):
        return found[0]
    raise Unreadable(f"expected {shape.name} (with {' or '.join(sorted(shape.known))}), got {_keys(outer)}")


class Page(Struct, frozen=True):
    """A list, or as much of it as one answer shows.

    `source` is the whole answer. `more` says how the answer shows that there is more.
    """

    members: tuple[tuple[str, Fields], ...]
    source: Fields
    more: str = ""


def page_of(body: object, shape: ListShape) -> Page:
    """The objects of a list, each with its path, for callers that can read further pages. Raises Unreadable."""
    outer = answered(body, shape.name)
    keys = [name for name in shape.keys if name in outer]
    if len(keys) > 1:
        raise Unreadable(f"expected a list of {shape.name} once, got it in several places: {_keys(outer)}")
    if not keys and not outer.keys() <= _BESIDE | shape.beside:
        raise Unreadable(f"expected a list of {shape.name} ({' or '.join(shape.keys)}), got {_keys(outer)}")
    found = members(outer[keys[0]], keys[0]) if keys else ()
    return Page(found, outer, sign_of_more(outer, len(found)))


def listed(body: object, shape: ListShape) -> tuple[tuple[str, Fields], ...]:
    """The objects of a list for which no paging is documented. Also raises Unreadable if there are more (17.2)."""
    page = page_of(body, shape)
    refuse_more(page.more, shape.name)
    return page.members


def refuse_more(sign: str, name: str) -> None:
    """Raises Unreadable if an answer says that it is incomplete: what is missing would be created again."""
    if sign:
        raise Unreadable(
            f"expected all {name} in one response, but there are more ({sign}), and no known way to get them"
        )


def refuse_other_lists(source: Fields, where: str, key: str) -> None:
    """Raises Unreadable if a list is missing and there is another under a different name: it may be the same (17.1)."""
    others = sorted(name for name, value in source.items() if isinstance(value, list) and any(map(is_object, value)))
    if others:
        raise Unreadable(f"expected {key} in {where}, got a list that is called {' or '.join(others)}")


def sign_of_more(source: Fields, came: int) -> str:
    """How an answer shows that there is more than the `came` objects in it; empty if it does not (17.2)."""
    if _BESIDE.isdisjoint(source):
        return ""  # most answers: every sign is under one of these keys
    places = [("", source)]
    places += [(f"{name}.", source[name]) for name in _PAGING if is_object(source.get(name))]
    for where, place in places:
        said = next((name for name in _MORE if place.get(name) is True), None)
        if said is not None:
            return f"{where}{said} is true"
        cursors = place.get("cursors")
        inner = [(f"{where}cursors.", cursors)] if is_object(cursors) else []
        for path, holder in [(where, place), *inner]:
            found = next((name for name in _NEXT if isinstance(holder.get(name), str) and holder[name]), None)
            if found is not None:
                return f"{path}{found} is set"
        for name in _TOTALS:
            total = place.get(name)
            if isinstance(total, str) and total.isascii() and total.isdigit():
                total = int(total[:9])
            if isinstance(total, int | float) and not isinstance(total, bool) and total > came:
                return f"{where}{name} is {total:,}, but the response has only {came:,}"
    return ""


def answered(body: object, wanted: str) -> Fields:
    """The object that every success has.

    Raises Unreadable for anything else, and for an error with a success status.
    """
    if not is_object(body):
        raise Unreadable(f"expected {wanted}, got {'nothing' if body is None else f'a {type(body).__name__}'}")
    error = _error_in(body)
    if error is not None:
        raise Unreadable(f"expected {wanted}, got an error{f': {error}' if error else ' without a message'}")
    return body


def _error_in(body: Fields) -> str | None:
    """What an error envelope says (D 3.1), which may be nothing; None if the body is not one.

    No success is known to have a `message` or an `error` of its own. If an answer has one, a status beside it may be
    the error's rather than a marketing plan's.
    """
    details = body.get("details")
    inside = is_object(details) and not details.keys().isdisjoint({"applicationError", "validationError"})
    error = body.get("error")  # the IETF shape (D 2.2) and similar ones
    if not inside and not isinstance(body.get("message"), str) and not (error and isinstance(error, str | dict)):
        return None
    application = fields(details, "details").get("applicationError") if inside else None
    code = application.get("code") if is_object(application) else error
    words = [word for word in (code, body.get("message")) if isinstance(word, str) and word]
    return printable(": ".join(words))[:200]


def _keys(source: Fields) -> str:
    shown = ", ".join(printable(str(key))[:40] for key in sorted(source, key=str)[:6])
    return f"an object with {shown}{', ...' if len(source) > 6 else ''}" if source else "an empty object"
