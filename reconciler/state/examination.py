"""Checks a state store: whether it can be reached and honours conditional writes, and who else can use it."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.state.errors import Conflict, StateError
from reconciler.state.folder import NOT_ALLOWED, LocalFolder
from reconciler.state.store import Store, fresh

PROBE = "doctor-"
"""The beginning of a probe's key; the probe is deleted afterwards."""


class StateExamined(Struct, frozen=True):
    """Whether the state exists yet, whether it is known to keep two runs apart, and what is wrong."""

    exists: bool = True
    conditional: bool = False
    findings: tuple[Diagnostic, ...] = ()


async def examine_store(store: Store, place: str) -> StateExamined:
    """Tests a store with a small key of its own, which is deleted afterwards. A missing folder is not created."""
    if isinstance(store, LocalFolder) and not store.folder.exists():
        above = next(folder for folder in store.folder.absolute().parents if folder.exists())
        if not os.access(above, os.W_OK | os.X_OK):
            what = f"does not exist, and cannot be created in {above}"
            unusable = Diagnostic("state-unusable", what, NOT_ALLOWED, place=Place(place), continues=True)
            return StateExamined(findings=(unusable,))
        return StateExamined(exists=False)
    key = f"{PROBE}{fresh()}.json"
    try:
        kept = await _keeps_conditions(store, key)
        await store.delete(key)
    except StateError as error:
        continues = error.continues or ABSENT
        unusable = Diagnostic("state-unusable", error.message, error.fix, place=Place(place), continues=continues)
        return StateExamined(findings=(unusable,))
    if not kept:
        what = "ignores conditional writes, so locks would not work"
        fix = "use a store that honours If-None-Match and If-Match"
        problem = Diagnostic("state-unconditional", what, fix, place=Place(place), continues=True)
        return StateExamined(findings=(problem,))
    return StateExamined(conditional=True, findings=_others(store, place))


async def check_writable(store: Store) -> None:
    """Raises StateError, about the state as a whole, if nothing can be written to it."""
    key = f"{PROBE}{fresh()}.json"
    try:
        await store.put(key, b"1", expected=None, durable=False)
        await store.delete(key)
    except StateError as error:
        if str(error.place) != store.place(key):  # the error names what is in the way
            raise
        place = store.place(key).removesuffix(key).rstrip("/")
        raise StateError(place, f"the state {error.message}", error.fix, continues=False) from error


async def _keeps_conditions(store: Store, key: str) -> bool:
    """Whether a write that names the version it expects is refused if another version is stored."""
    first = await store.put(key, b"1", expected=None)
    try:
        await store.put(key, b"2", expected=None)
        return False
    except Conflict:
        pass
    await store.put(key, b"3", expected=first)
    try:
        await store.put(key, b"4", expected=first)
        return False
    except Conflict:
        return True


def _others(store: Store, place: str) -> tuple[Diagnostic, ...]:
    """Who else can read or change the state, as far as that can be determined.

    Files in a folder are readable only by their owner, so the check is whether others can write to the folder.
    """
    if not isinstance(store, LocalFolder):
        what = "who can read the bucket cannot be checked from here"
        fix = "keep it private and versioned, in the provider's settings"
        return (Diagnostic("state-readers-unknown", what, fix, Severity.NOTE, place=Place(place)),)
    mode = store.folder.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = f"other users of this machine can write to the folder (mode {stat.S_IMODE(mode):o})"
        return (Diagnostic("state-writable", what, f"chmod 700 {place}", Severity.WARNING, place=Place(place)),)
    return ()
