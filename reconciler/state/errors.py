"""What can go wrong with the state, as errors that carry facts and say what to do next."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, Place, UsageError

STATE: Final = "state"
"""The code of a problem with a file of the state."""


class StateError(UsageError):
    """The state cannot be read or written as it is. `place` is a file or an object's URL."""

    def __init__(self, place: str, what: str, fix: str, *, continues: bool = True) -> None:
        super().__init__(what, fix, Place(place), continues=continues)


class Conflict(Exception):
    """A conditional write found a different version than it expected, and wrote nothing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} has a different version than expected")
        self.key = key


def of_any_site(problem: Diagnostic) -> Diagnostic:
    """A problem, worded to cover all sites that have it, without a place: each site has its own files in the state."""
    if problem.shared is not ABSENT:
        message, fix = problem.shared
        return replace(problem, message=message, fix=fix)
    if problem.code != STATE:
        return problem
    message = f"the state {problem.message}" if problem.continues is True else problem.message
    return replace(problem, message=message, place=None, continues=ABSENT)
