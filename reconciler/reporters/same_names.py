"""Accounts of a channel that have the same name: posts on them are shown with the accounts' ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from reconciler.model.operations import Operation
from reconciler.model.posts import account_id, account_name
from reconciler.model.schedule import ScheduleOperation
from reconciler.planner.actions import Action

if TYPE_CHECKING:
    from reconciler.executor.ledger import Entry

WriteT = TypeVar("WriteT", "Action", "Entry")


def with_ids_if_needed(writes: Sequence[WriteT]) -> Sequence[WriteT]:
    """The writes of a site as they are shown: an id is part of the account's name if that alone is not enough."""
    ids: dict[tuple[str, str], set[str]] = {}
    for write in writes:
        channel, label = _account(write.operation)
        if name := account_name(label):
            ids.setdefault((channel, name), set()).add(account_id(label))
    if all(len(known) == 1 for known in ids.values()):
        return writes
    found = []
    for write in writes:
        channel, label = _account(write.operation)
        if len(ids.get((channel, account_name(label)), ())) > 1:
            write = replace(write, operation=replace(write.operation, account=f"{label} ({account_id(label)})"))
        found.append(write)
    return found


def _account(operation: Operation) -> tuple[str, str]:
    """The channel and the account that a write of the schedule names; empty for any other."""
    return (operation.channel, operation.account or "") if isinstance(operation, ScheduleOperation) else ("", "")
