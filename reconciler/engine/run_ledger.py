"""The ledger of a run as plain values, for the state and for reports; and ledgers in which everything ended alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.executor.going_out import still_going_out, unstopped
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.diagnostics import problem_values
from reconciler.model.frozen import instant
from reconciler.planner.actions import Action, Plan, StillGoingOut

AGAIN = "run apply again; it checks what was done"


def going_out_values(post: StillGoingOut) -> dict[str, Any]:
    """A post that goes out although nobody wants it any more."""
    return {
        "address": str(post.address),
        "post": post.post,
        "channel": post.channel,
        "type": post.type,
        "title": post.title,
        "account": post.account_id,
        "accountName": post.account_name,
        "moment": instant(post.moment) if post.moment else None,
        "reason": post.reason.value,
        "because": list(post.because),
        "obstacle": post.obstacle,
        "stop": post.stop,
    }


def ledger_values(ledger: SiteLedger) -> dict[str, Any]:
    """One site's part of the ledger."""
    return {
        "site": ledger.site.name,
        "stillGoingOut": [going_out_values(post) for post in ledger.still_going_out],
        "entries": [
            {
                "address": str(entry.address),
                "verb": entry.operation.verb.value,
                "result": entry.result.value,
                "detail": entry.detail,
                "requestId": entry.request_id,
            }
            for entry in ledger.entries
        ],
        "notes": list(ledger.notes),
        "error": None if ledger.error is None else problem_values(ledger.error),
        "interrupted": ledger.interrupted,
    }


def entries_of(actions: Iterable[Action], result: Result, why: str) -> Iterator[Entry]:
    """Entries that all ended in the same way."""
    return (Entry(action.address, action.operation, result, why) for action in actions)


def ledger_of(plan: Plan, result: Result, why: str, *, interrupted: bool = False) -> SiteLedger:
    """The ledger of a site all of whose actions ended in the same way."""
    entries = tuple(entries_of(plan.actions, result, why))
    going_out = still_going_out(plan, unstopped(plan, entries))
    return SiteLedger(plan.site, entries, interrupted=interrupted, still_going_out=going_out, time_zone=plan.time_zone)
