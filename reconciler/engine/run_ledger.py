"""The ledger of a run as plain values, for the state and for reports; and ledgers in which everything ended alike."""

from __future__ import annotations

from typing import Any, Final

from reconciler.executor.going_out import still_going_out, unstopped
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.diagnostics import Diagnostic, problem_values
from reconciler.model.frozen import instant
from reconciler.model.outcomes import Trouble
from reconciler.planner.actions import Plan, StillGoingOut

AGAIN: Final = "run apply again; it checks what was done"

CUT_SHORT: Final = Diagnostic(Trouble.STOPPED, "the run was cut short", AGAIN)


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
        "entries": [entry_values(entry) for entry in ledger.entries],
        "notes": [problem_values(note) for note in ledger.notes],
        "error": None if ledger.error is None else problem_values(ledger.error),
        "interrupted": ledger.interrupted,
    }


def entry_values(entry: Entry) -> dict[str, Any]:
    """An action and how it ended; what is not known, or does not apply, is left out."""
    found: dict[str, Any] = {
        "address": str(entry.address),
        "verb": entry.operation.verb.value,
        "result": entry.result.value,
        "requestId": entry.request_id,
        "problem": None if entry.problem is None else problem_values(entry.problem),
        "remark": entry.remark,
        "goesOut": None if entry.goes_out is None else instant(entry.goes_out),
        "matched": entry.matched,
    }
    return {key: value for key, value in found.items() if value is not None}


def ledger_of(plan: Plan, result: Result, why: Diagnostic, *, interrupted: bool = False) -> SiteLedger:
    """The ledger of a site none of whose actions was done, all for the same reason."""
    entries = tuple(Entry.undone(action.address, action.operation, result, why) for action in plan.actions)
    going_out = still_going_out(plan, unstopped(plan, entries))
    return SiteLedger(plan.site, entries, interrupted=interrupted, still_going_out=going_out, time_zone=plan.time_zone)
