"""A site that goes by another name than at its last apply, and whose approvals stayed under the old one."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.config.approvals import read_approvals
from reconciler.config.discovery import shown_path
from reconciler.engine.session import Session
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.schedule import CancelPost
from reconciler.model.sites import ObservedSite, SiteRef
from reconciler.planner.actions import Plan, Reason


def with_old_name(plan: Plan, session: Session[ReadClient]) -> Plan:
    """The plan with a note if posts are taken back whose approvals may be in the file of the site's old name."""
    withdrawn = any(
        isinstance(action.operation, CancelPost) and action.reason is Reason.WITHDRAWN for action in plan.actions
    )
    moved = _left_behind(plan.site, session) if withdrawn else None
    if moved is None:
        return plan
    old, command = moved[0], moved[2]
    note = f"this site was called {old} at its last apply; if its approvals file still has that name, run: {command}"
    return replace(plan, notes=(*plan.notes, note))


def approvals_left_behind(site: SiteRef, observed: ObservedSite, session: Session[ReadClient]) -> str | None:
    """That the file of the site's old name has the decisions about its posts, and how they follow; None if it has none.

    A review would write this site's file anew without them, and drop those of the site that had its name before.
    """
    moved = _left_behind(site, session)
    if moved is None:
        return None
    old, there, command = moved
    try:
        decided = read_approvals(there, old)
    except InvalidFiles:
        return None
    activities = observed.marketing_plan.activities if observed.marketing_plan else ()
    if not any(decided.draft(post.id) for activity in activities for post in activity.posts):
        return None
    return (
        f"this site was called {old} at its last apply, and {shown_path(there)} has the decisions about its posts; "
        f"run: {command}; then review again"
    )


def _left_behind(site: SiteRef, session: Session[ReadClient]) -> tuple[str, Path, str] | None:
    """The site's old name, the approvals file of that name, and the command that brings it to the new one."""
    old = session.store.old_name(site)
    if old is None:
        return None
    there, here = session.project.approvals_file(old), session.project.approvals_file(site.name)
    if not there.is_file():
        return None
    command = f"git mv {shown_path(there)} {shown_path(here)}"
    if here.is_file():
        # Two sites that swapped their names: both are told the same.
        first, second = (shown_path(file) for file in sorted((here, there)))
        aside = shown_path(min(here, there).with_suffix(".aside"))
        command = f"git mv {first} {aside}; git mv {second} {first}; git mv {aside} {second}"
    return old, there, command
