"""Errors -> diagnostics, for a whole run: what `executor/problems.py` handles, plus policy checks and files."""

from __future__ import annotations

from reconciler.engine.policy_checks import CheckFailed
from reconciler.executor import problems
from reconciler.executor.problems import BUG
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles

__all__ = ["BUG", "WorkerFailed", "diagnostic_of", "diagnostics_of"]


class WorkerFailed(Exception):
    """Raised for a site whose worker was lost or could not begin. `problem` says why."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem.message)
        self.problem = problem


def diagnostics_of(error: BaseException, site: SiteName | None = None) -> tuple[Diagnostic, ...]:
    """The problems behind an error: all of those in files, or the single one of any other error."""
    return error.problems if isinstance(error, InvalidFiles) else (diagnostic_of(error, site),)


def diagnostic_of(error: BaseException, site: SiteName | None = None) -> Diagnostic:
    """An error as a diagnostic, with the site at which it occurred, if any."""
    match error:
        case CheckFailed(what=what, fix=fix):
            found = Diagnostic("policy-check-failed", what, fix)
        case WorkerFailed(problem=found):
            pass
        case _:
            return problems.diagnostic_of(error, site)
    return found.at_site(site)
