"""Errors -> diagnostics: the one place that knows which exception says what."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.engine.policy_checks import CheckFailed
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, UsageError
from reconciler.planner.document import PlanRefused
from reconciler.state.errors import StateError
from reconciler.state.lease import Locked

BUG = "bug"
USAGE = "usage"
LOCKED = "locked"


def diagnostics_of(error: BaseException, site: SiteName | None = None) -> tuple[Diagnostic, ...]:
    """The problems that an error is: all of those in files, or the one of another error."""
    return error.problems if isinstance(error, InvalidFiles) else (diagnostic_of(error, site),)


def diagnostic_of(error: BaseException, site: SiteName | None = None) -> Diagnostic:
    """The problem that an error is, with the site it was met at, if it was at one."""
    found = _diagnostic(error)
    return found if site is None or found.address else replace(found, address=Address(site))


def _diagnostic(error: BaseException) -> Diagnostic:
    match error:
        case ApiError():
            code = f"api-{error.kind.replace(' ', '-')}"
            return Diagnostic(code, error.problem(), error.advice(), request_id=error.request_id)
        case StateError(place=place, what=what, fix=fix):
            return Diagnostic("state", what, fix, place=Place(place))
        case Locked(what=what, fix=fix):
            return Diagnostic(LOCKED, what, fix)
        case PlanRefused(code=code, what=what, fix=fix, address=address):
            return Diagnostic(code, what, fix, address=address)
        case CheckFailed(what=what, fix=fix):
            return Diagnostic("policy-check-failed", what, fix)
        case UsageError():
            return Diagnostic(USAGE, str(error))
        case _:
            return Diagnostic(
                BUG,
                f"this is a bug in reconciler: {type(error).__name__}: {error}",
                "please report it with this text (RECONCILER_DEBUG=1 shows where it happened)",
            )
