"""Policy as code: functions of installed packages over a plan, named in `policy.checks` (docs/how-to/policy.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.codec import Malformed, from_plain, to_plain
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.policy import Policy
from reconciler.model.sites import DesiredSite, ObservedSite
from reconciler.model.text import in_quotes
from reconciler.planner.actions import Plan
from reconciler.planner.targets import ByAddress, SiteLabels, TargetFilter, apply_targets
from reconciler.planner.unstopped import Unstopped

GROUP: Final = "reconciler.policy"
"""The entry point group in which checks are found."""


class PolicyContext(Struct, frozen=True):
    """What a check is given in addition to the plan: the site's file, the site as read, the project's policy, the time.

    Times are aware; the site's time zone is `plan.time_zone`.
    """

    desired: DesiredSite
    observed: ObservedSite
    policy: Policy
    now: datetime


PolicyCheck: TypeAlias = Callable[[Plan, PolicyContext], Iterable[Diagnostic]]
"""An error with an action's address blocks that action, any other error refuses the site, and a warning is shown."""


class NamedCheck(Struct, frozen=True):
    """A check with the name of its entry point."""

    name: str
    check: PolicyCheck


class CheckFailed(Exception):
    """A check that raised, or that returned something other than a diagnostic."""

    def __init__(self, name: str, what: str) -> None:
        self.what = f"the policy check {in_quotes(name)} failed: {what}"
        self.fix = "correct the check, or remove it from policy.checks"
        super().__init__(f"{self.what}; {self.fix}")


def load_checks(names: Sequence[str]) -> tuple[NamedCheck, ...]:
    """The checks with these names. Raises UsageError for one that is not installed, or cannot be imported."""
    if not names:
        return ()
    from importlib.metadata import entry_points

    from reconciler.planner.targets import near, no_such

    installed = {point.name: point for point in entry_points(group=GROUP)}
    found: list[NamedCheck] = []
    for name in names:
        if name not in installed:
            message = f"policy.checks: no installed package has a check {in_quotes(name)}"
            install = f"install the package that has it (entry point group {GROUP})"
            raise no_such(message, near(name, installed), install)
        try:
            check = installed[name].load()
        except Exception as error:
            raise UsageError(
                f"policy.checks: {in_quotes(name)} cannot be imported: {_said(error)}", "correct the check"
            ) from error
        if not callable(check):
            raise UsageError(
                f"policy.checks: {in_quotes(name)} is not a function", "name a function in the entry point"
            )
        found.append(NamedCheck(name, check))
    return tuple(found)


def judge_by_checks(
    plan: Plan, context: PolicyContext, checks: Sequence[NamedCheck]
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """What the checks leave of the plan, and their warnings. Raises CheckFailed."""
    warnings: list[Diagnostic] = []
    for named in checks:
        for problem in _asked(named, plan, context):
            if problem.severity is not Severity.ERROR:
                warnings.append(problem)
            elif any(action.address == problem.address for action in plan.actions):
                plan = _blocked(plan, problem, context.desired)
            else:
                plan = replace(plan, refusals=(*plan.refusals, problem))
    return plan, tuple(warnings)


def _asked(named: NamedCheck, plan: Plan, context: PolicyContext) -> tuple[Diagnostic, ...]:
    try:
        problems = tuple(named.check(plan, context))
    except Exception as error:
        raise CheckFailed(named.name, _said(error)) from error
    return tuple(_read(named, problem).at_site(plan.site.name) for problem in problems)


def _read(named: NamedCheck, problem: object) -> Diagnostic:
    """A problem, its fields converted to the declared types: a check may give the severity as text, such as "error"."""
    if not isinstance(problem, Diagnostic):
        raise CheckFailed(named.name, f"it returned {type(problem).__name__} instead of a Diagnostic")
    try:
        return from_plain(Diagnostic, to_plain(problem), exact=False)
    except (Malformed, TypeError, NotImplementedError) as error:
        raise CheckFailed(named.name, f"it returned a Diagnostic that cannot be read: {error}") from error


def _blocked(plan: Plan, problem: Diagnostic, desired: DesiredSite) -> Plan:
    """The plan without an action, and without what depends on it."""
    others = plan.blocked
    filtered = apply_targets(
        plan,
        TargetFilter(excluded=(ByAddress(problem.about),)),
        SiteLabels(plan.site.name, desired.labels),
        Diagnostic(
            Unstopped.BLOCKED_BY_CHECK, "a policy check keeps it from being cancelled", "resolve what the check reports"
        ),
        keeps_drafts=False,
    )
    return replace(filtered, blocked=(*others, replace(problem, severity=Severity.WARNING)))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
