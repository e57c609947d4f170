"""What the server stores differently from what was asked: written twice, but not a third time (remote-api.md 17.7).

It counts as applied in the server's form, and is reported until the site's file says the same. Otherwise, every run
would find the same difference, write it again, and regenerate for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.model.canonical import Json, JsonObject, same
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.settings import normal, normal_texts, same_setting
from reconciler.model.sites import RecordedSite
from reconciler.model.text import printable
from reconciler.model.two_values import both_in_sentence
from reconciler.model.writes import FieldChange

WRITES: Final = 2
"""The number of writes after which a difference is the server's own rather than a passing one."""

ALIKE: Final = 0.75
"""How much of two texts must be equal for one to count as a form of the other."""

SHORT: Final = 500
"""A text of fewer characters than this is compared letter by letter, any other word by word."""


def split_kept(
    owner: str, changes: Iterable[FieldChange], recorded: RecordedSite
) -> tuple[tuple[FieldChange, ...], tuple[FieldChange, ...]]:
    """The changes to write, and those that two writes failed to make.

    `owner` is the object's address within its site (`event[Sale]`); empty for settings, where the path is enough.
    """
    kept = tuple(change for change in changes if _writes(owner, change, recorded) >= WRITES)
    return tuple(change for change in changes if change not in kept), kept


def counted(owner: str, change: FieldChange, recorded: RecordedSite) -> tuple[str, JsonObject]:
    """What is recorded (as in `RecordedSite.objects`) about one more write that did not take effect.

    `change.before` is what the site had after it.
    """
    asked, found = normal(change.path, change.after), normal(change.path, change.before)
    writes = _writes(owner, change, recorded) + 1
    return _key(owner, change.path), JsonObject({"asked": asked, "found": found, "writes": writes})


def is_servers_form(owner: str, change: FieldChange, was: Json, recorded: RecordedSite) -> bool:
    """Whether the server took a write and stores its own form of the value, rather than having ignored the write.

    `was` is the value before the write, `change.before` the one after it. A text must resemble what was written. Any
    other value must be the work of a write: of this one, which changed it, or of an earlier one that is recorded.
    """
    if is_a_form_of(change.after, change.before):
        return True
    if isinstance(change.after, str) or isinstance(change.before, str | None):
        return False
    return not same_setting(change.path, was, change.before) or _writes(owner, change, recorded) > 0


def is_a_form_of(asked: Json, found: Json) -> bool:
    """Whether a text that was read is what was written, in the server's form.

    The server may trim, cut, escape or respell it; in a list, each item, whatever their order. Any other value must
    be equal.
    """
    if isinstance(asked, tuple) and isinstance(found, tuple):
        return len(asked) == len(found) and _are_forms_of(asked, found)
    if not (isinstance(asked, str) and isinstance(found, str)) or not found.strip():
        return asked == found
    one, other = asked.casefold().strip(), found.casefold().strip()
    if one.startswith(other):
        return True
    from difflib import SequenceMatcher  # a plan without such a text needs neither of them
    from html import unescape

    if one == unescape(other):  # in a short text, escapes may be most of it
        return True
    parts: tuple[Sequence[str], Sequence[str]] = (one, other) if len(one) < SHORT else (one.split(), other.split())
    return SequenceMatcher(None, *parts, autojunk=False).ratio() >= ALIKE


def _are_forms_of(asked: tuple[Json, ...], found: tuple[Json, ...]) -> bool:
    """Whether each item of a list was read in some form: settings compare lists as sets, so in any order."""
    left = list(found)
    for item in asked:
        form = next((other for other in left if other == item), None)
        form = next((other for other in left if is_a_form_of(item, other)), None) if form is None else form
        if form is None:
            return False
        left.remove(form)
    return True


def is_final(facts: JsonObject) -> bool:
    """Whether these facts from `counted` say that the field will not be written again."""
    writes = facts.get("writes")
    return isinstance(writes, int) and writes >= WRITES


def kept_notes(owner: str, kept: Iterable[FieldChange], title: str = "") -> tuple[Diagnostic, ...]:
    """Notes about differences that the server made. `title` is the object's, if its address has only an id."""
    called = f'{owner.partition("[")[0]} "{printable(title)}": ' if title else f"{owner}." if owner else ""
    return tuple(_note(f"{called}{change.path}", change) for change in kept)


def _note(name: str, change: FieldChange) -> Diagnostic:
    asked, keeps = both_in_sentence(normal_texts(change.after), normal_texts(change.before))
    wrote = "cleared" if change.after in (None, "") else f"{asked} was written"
    but = "it is still empty" if change.before in (None, "") else f"the site keeps {keeps}"
    what = f"{name}: {wrote} twice, but {but}"
    is_blank = change.before is None or (isinstance(change.before, str) and not change.before.strip())
    remedy = "leave it out of the file" if is_blank else "write that in the file"
    return Diagnostic.note("kept-by-server", what, f"{remedy} to remove this note")


def _writes(owner: str, change: FieldChange, recorded: RecordedSite) -> int:
    facts = recorded.object(_key(owner, change.path))
    if facts is None:
        return 0
    asked, found, writes = facts.get("asked"), facts.get("found"), facts.get("writes")
    alike = same(asked, normal(change.path, change.after)) and same(found, normal(change.path, change.before))
    return writes if alike and isinstance(writes, int) else 0


def _key(owner: str, path: str) -> str:
    return f"kept[{owner}.{path}]" if owner else f"kept[{path}]"
