"""Plan and apply changes to the AI marketing plans of many websites.

    from reconciler import Project, SiteFailed

    async with Project.open("acme-sites") as project:
        async for site in project.plan(targets=["label:team=emea"]):
            print(site.name, site.problem.message if isinstance(site, SiteFailed) else site.plan.actions)

What `__all__` lists is the library; each name is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.version import __version__

if TYPE_CHECKING:
    from reconciler.engine.apply_run import Applied, Decision, Proposal
    from reconciler.engine.choice import SiteFilter
    from reconciler.engine.policy_checks import PolicyContext
    from reconciler.engine.results import ApplyCompleted, Event, Refused
    from reconciler.engine.site_results import (
        SiteApplied,
        SiteDrifted,
        SiteFailed,
        SiteHistory,
        SiteNotReviewed,
        SitePlanned,
        SiteReviewed,
    )
    from reconciler.library.project import Project
    from reconciler.model.address import Address
    from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, Severity, UsageError
    from reconciler.model.verdict import Verdict
    from reconciler.planner.actions import Action, Plan

__all__ = [
    "Action",
    "Address",
    "Applied",
    "ApplyCompleted",
    "Decision",
    "Diagnostic",
    "Event",
    "InvalidFiles",
    "Place",
    "Plan",
    "PolicyContext",
    "Project",
    "Proposal",
    "Refused",
    "Severity",
    "SiteApplied",
    "SiteDrifted",
    "SiteFailed",
    "SiteFilter",
    "SiteHistory",
    "SiteNotReviewed",
    "SitePlanned",
    "SiteReviewed",
    "UsageError",
    "Verdict",
    "__version__",
]

_MODULES = {
    "engine.apply_run": ("Applied", "Decision", "Proposal"),
    "engine.choice": ("SiteFilter",),
    "engine.policy_checks": ("PolicyContext",),
    "engine.results": ("ApplyCompleted", "Event", "Refused"),
    "engine.site_results": (
        "SiteApplied",
        "SiteDrifted",
        "SiteFailed",
        "SiteHistory",
        "SiteNotReviewed",
        "SitePlanned",
        "SiteReviewed",
    ),
    "library.project": ("Project",),
    "model.address": ("Address",),
    "model.diagnostics": ("Diagnostic", "InvalidFiles", "Place", "Severity", "UsageError"),
    "model.verdict": ("Verdict",),
    "planner.actions": ("Action", "Plan"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
