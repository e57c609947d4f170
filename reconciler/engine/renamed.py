"""A site that goes by another name than at its last apply, and whose approvals stayed under the old one."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.config.discovery import shown_path
from reconciler.engine.session import Session
from reconciler.model.operations import CancelPost
from reconciler.planner.actions import Plan, Reason


def with_old_name(plan: Plan, session: Session[ReadClient]) -> Plan:
    """The plan with a note where posts are taken back whose approvals may be in the file of the site's old name."""
    withdrawn = any(
        isinstance(action.operation, CancelPost) and action.reason is Reason.WITHDRAWN for action in plan.actions
    )
    old = session.store.old_name(plan.site) if withdrawn else None
    if old is None:
        return plan
    there, here = session.project.approvals_file(old), session.project.approvals_file(plan.site.name)
    if not there.is_file():
        return plan
    command = f"git mv {shown_path(there)} {shown_path(here)}"
    if here.is_file():
        # Two sites that swapped their names: both are told the same.
        first, second = (shown_path(file) for file in sorted((here, there)))
        aside = shown_path(min(here, there).with_suffix(".aside"))
        command = f"git mv {first} {aside}; git mv {second} {first}; git mv {aside} {second}"
    note = f"this site was called {old} at its last apply; if its approvals file still has that name, run: {command}"
    return replace(plan, notes=(*plan.notes, note))
