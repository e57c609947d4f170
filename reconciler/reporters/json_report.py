"""The JSON format: one document a run, for programs. Every value as it was read, with the escapes of JSON.

Sites are written as they come and not kept. Keys stand in a fixed order, and nothing in it is a time of making.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import asdict

from reconciler.executor.ledger import SiteLedger, tally_of
from reconciler.model.codec import instant_text
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import class_of
from reconciler.planner.actions import Action, Plan, ToReview
from reconciler.reporters import words
from reconciler.reporters.drift_json import drift_json
from reconciler.reporters.layout import inert_json
from reconciler.reporters.operation_json import operation_json
from reconciler.reporters.results import (
    ApplySummary,
    CallsOf,
    Checked,
    DriftResult,
    DriftSummary,
    Failed,
    PlanSummary,
    SavedAs,
    Setting,
    SiteResult,
)

FORMAT_VERSION = 1


class JsonReporter:
    """Writes `{"formatVersion": 1, "command": ..., "sites": [...], ..., "exitCode": n}`, a site a line."""

    def __init__(self, setting: Setting) -> None:
        self._command = setting.command
        self._write = setting.write
        self._calls_of = setting.calls_of
        self._sites = 0
        self._members: dict[str, Any] = {}
        self._open = False

    def site(self, result: SiteResult) -> None:
        """One line of `sites`."""
        self._line(site_json(result, self._calls_of))

    def _line(self, site: dict[str, Any]) -> None:
        self._begin()
        self._write(("\n" if not self._sites else ",\n") + _dump(site))
        self._sites += 1

    def planned(self, summary: PlanSummary) -> None:
        """The counts; the end of a `plan`."""
        self._members["refusals"] = [_refusal(one) for one in summary.refusals]
        self._members["summary"] = {
            "sites": summary.sites,
            "failed": summary.failed,
            "refused": summary.refused,
            **asdict(summary.tally),
        }
        if self._command == "plan":
            self._end(summary.exit_code)

    def refused(self, reason: str, exit_code: int) -> None:
        """The end of an `apply` before its first write."""
        self._members["refused"] = reason
        self._end(exit_code)

    def applied(self, summary: ApplySummary) -> None:
        """The ledger; the end of an `apply`."""
        self._members["ledger"] = [ledger_json(one) for one in summary.ledgers]
        self._members["applied"] = asdict(tally_of(summary.ledgers))
        self._members["interrupted"] = summary.interrupted
        self._end(summary.exit_code)

    def valid(self, checked: Checked) -> None:
        """The whole of a `validate`."""
        self._members["summary"] = {"files": checked.files, "sites": checked.sites}
        self._end(0)

    def saved(self, saved: SavedAs) -> None:
        """The saved plan that the sites come from."""
        self._members["saved"] = {
            "id": saved.id,
            "digest": saved.digest,
            "madeAt": instant_text(saved.made_at),
            "expiresAt": instant_text(saved.expires_at),
            "tool": saved.tool,
            "api": saved.api,
            "expired": saved.expired,
            "spentAt": None if saved.spent_at is None else instant_text(saved.spent_at),
        }

    def site_drift(self, result: DriftResult) -> None:
        """One line of `sites`."""
        self._line(drift_json(result))

    def drifted(self, summary: DriftSummary) -> None:
        """The counts; the end of a `drift`."""
        self._members["refusals"] = [_refusal(one) for one in summary.refusals]
        counts = {"sites": summary.sites, "failed": summary.failed, "refused": summary.refused}
        tally = asdict(summary.tally)
        affected = tally.pop("sites")
        self._members["summary"] = {
            **counts,
            "affected": affected,
            **{("inReview" if key == "in_review" else key): n for key, n in tally.items()},
        }
        self._end(summary.exit_code)

    def aborted(self, message: str, exit_code: int) -> None:
        """The end of a run that could not go on."""
        self._members["error"] = message
        self._end(exit_code)

    def _begin(self) -> None:
        if not self._open:
            self._write(f'{{"formatVersion": {FORMAT_VERSION}, "command": {_dump(self._command)}, "sites": [')
            self._open = True

    def _end(self, exit_code: int) -> None:
        self._begin()
        self._members["exitCode"] = int(exit_code)
        self._write("\n]" if self._sites else "]")
        for key, member in self._members.items():
            self._write(f",\n{_dump(key)}: {_dump(member)}")
        self._write("}\n")


def _dump(value: Any) -> str:
    # ASCII only: no escape, bidi control or lone surrogate of a remote text can reach a terminal or break a reader.
    return inert_json(json.dumps(value, ensure_ascii=True))


def site_json(result: SiteResult, calls_of: CallsOf | None = None) -> dict[str, Any]:
    """One site: its plan, or why there is none."""
    if isinstance(result, Failed):
        return {"site": result.site, "error": result.message}
    plan = result.plan
    found: dict[str, Any] = {
        "site": plan.site.name,
        "actions": [action_json(one, plan, calls_of) for one in plan.actions],
        "blocked": [_blocked(one) for one in plan.blocked],
        "refusals": [_refusal(one) for one in plan.refusals],
        "notes": list(plan.notes),
        "toReview": [_to_review(one) for one in plan.to_review],
    }
    if calls_of is not None:
        found["reads"] = list(result.reads)
    return found


def action_json(action: Action, plan: Plan, calls_of: CallsOf | None = None) -> dict[str, Any]:
    """An action: what, where, why, and with `--explain` how."""
    found: dict[str, Any] = {
        "address": str(action.address),
        "verb": action.operation.verb.value,
        "class": class_of(action.operation).value,
        "reason": action.reason.value,
        "because": list(action.because),
        **operation_json(action.operation),
    }
    if calls_of is not None:
        found["calls"] = list(calls_of(action.operation, plan.site))
        found["requires"] = [words.precondition(one) for one in action.requires]
    return found


def ledger_json(ledger: SiteLedger) -> dict[str, Any]:
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


def _blocked(one: Diagnostic) -> dict[str, Any]:
    return {"address": str(one.address), "by": one.code, "detail": one.message, "fix": one.fix}


def _refusal(one: Diagnostic) -> dict[str, Any]:
    return {"address": str(one.address), "by": one.code, "detail": one.message, "fix": one.fix}


def _to_review(one: ToReview) -> dict[str, Any]:
    return {
        "address": str(one.address),
        "post": one.post,
        "channel": one.channel,
        "title": one.title,
        "state": one.state.value,
    }
