"""Errors -> diagnostics, one for each exception. Policy checks and files are in `engine/problems.py`."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.planner.document import UnusablePlan
from reconciler.state.errors import STATE, StateError
from reconciler.state.lease import Locked

BUG = "bug"
USAGE = "usage"
LOCKED = "locked"


def diagnostic_of(error: BaseException, site: SiteName | None = None) -> Diagnostic:
    """An error as a diagnostic, with the site at which it occurred, if any."""
    return _diagnostic(error).at_site(site)


def _diagnostic(error: BaseException) -> Diagnostic:
    match error:
        case ApiError():
            return error.diagnostic()
        case StateError():
            return Diagnostic(STATE, error.message, error.fix, place=error.place, continues=error.continues or ABSENT)
        case Locked(what=what, fix=fix, shared=shared):
            return Diagnostic(LOCKED, what, fix, shared=shared)
        case UnusablePlan(code=code, what=what, fix=fix, address=address, place=place):
            found = Diagnostic(code, what, fix, place=place, address=address, continues=error.continues or ABSENT)
            return replace(found, name=error.name, says_name=True) if error.name else found
        case UsageError(problem=Diagnostic() as problem):
            return problem
        case UsageError():
            return Diagnostic(USAGE, error.message, error.fix, place=error.place, continues=error.continues or ABSENT)
        case _:
            return Diagnostic(
                BUG,
                f"this is a bug in reconciler: {type(error).__name__}: {error}",
                "please report it with this text (RECONCILER_DEBUG=1 shows where it happened)",
            )
