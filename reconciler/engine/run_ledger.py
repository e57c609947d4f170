"""The ledger of a run as plain values: what the state keeps of it, and what reports write."""

from __future__ import annotations

from typing import Any

from reconciler.executor.ledger import SiteLedger


def ledger_values(ledger: SiteLedger) -> dict[str, Any]:
    """One site's part of the ledger."""
    return {
        "site": ledger.site.name,
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
        "error": ledger.error,
        "interrupted": ledger.interrupted,
    }
