"""Errors -> diagnostics, for a whole run: what `executor/problems.py` handles, plus policy checks and files."""

from __future__ import annotations

from reconciler.engine.policy_checks import CheckFailed
from reconciler.executor import problems
from reconciler.executor.problems import BUG
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles

__all__ = ["BUG", "diagnostic_of", "diagnostics_of"]


def diagnostics_of(error: BaseException, site: SiteName | None = None) -> tuple[Diagnostic, ...]:
    """The problems behind an error: all of those in files, or the single one of any other error."""
    return error.problems if isinstance(error, InvalidFiles) else (diagnostic_of(error, site),)


def diagnostic_of(error: BaseException, site: SiteName | None = None) -> Diagnostic:
    """An error as a diagnostic, with the site at which it occurred, if any."""
    if isinstance(error, CheckFailed):
        address = None if site is None else Address(site)
        return Diagnostic("policy-check-failed", error.what, error.fix, address=address)
    return problems.diagnostic_of(error, site)
