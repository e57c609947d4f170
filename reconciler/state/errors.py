"""What can go wrong with the state, as errors that carry facts and say what to do next."""

from __future__ import annotations

from reconciler.model.diagnostics import Place, UsageError


class StateError(UsageError):
    """The state cannot be read or written as it is. Nothing was changed. `place` is a file or an object's URL."""

    def __init__(self, place: str, what: str, fix: str, *, continues: bool = True) -> None:
        super().__init__(what, fix, Place(place), continues=continues)


class Conflict(Exception):
    """A conditional write found a different version than it expected, and wrote nothing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} has a different version than expected")
        self.key = key
