"""What a saved plan would publish and today's files do not let go out: a plan carries no right of its own."""

from __future__ import annotations

from reconciler.model.operations import ActionClass, Deferred, class_of
from reconciler.model.sites import DesiredSite
from reconciler.planner.actions import Action, Plan

NOT_ALLOWED = "today's site file, approvals and policy do not let it go out"


def rights_lost(saved: Plan, today: Plan, desired: DesiredSite) -> tuple[tuple[Action, str], ...]:
    """The public actions of a saved plan that today's plan of the same site does not have, and why.

    What is promised for later needs `approval: none` and the same rules in today's file.
    """
    return tuple(
        (action, _why(action, today))
        for action in saved.actions
        if class_of(action.operation) is ActionClass.PUBLIC and not _is_allowed(action, today, desired)
    )


def what_is_left(saved: Plan, today: Plan) -> Plan | None:
    """What is left to do of a saved plan that a run began and did not end.

    Today's plan, if it holds nothing that the saved one does not. None if it does: nobody said yes to that.
    """
    agreed = [(action.address, action.operation) for action in saved.actions]
    if today.refusals or any((action.address, action.operation) not in agreed for action in today.actions):
        return None
    return today


def _is_allowed(action: Action, today: Plan, desired: DesiredSite) -> bool:
    operation, schedule = action.operation, desired.schedule
    if isinstance(operation, Deferred):
        return schedule is not None and not schedule.approval_required and schedule.rules == operation.schedule_rules
    return any(operation == allowed.operation for allowed in today.actions)


def _why(action: Action, today: Plan) -> str:
    """What today's plan says of the object instead."""
    return next((found.message for found in today.blocked if found.address == action.address), NOT_ALLOWED)
