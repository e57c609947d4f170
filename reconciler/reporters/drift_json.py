"""An audit as plain values for the JSON format."""

from __future__ import annotations

from typing import Any

from reconciler.engine.site_results import SiteDrifted
from reconciler.model.canonical import Absent, thaw
from reconciler.planner.drift_report import DriftItem, FieldDrift
from reconciler.reporters.diagnostics import problem_values


def drift_json(result: SiteDrifted) -> dict[str, Any]:
    """One site: every managed object with its state."""
    report = result.report
    return {
        "site": report.site.name,
        "objects": [_item(one) for one in report.items],
        "due": report.due,
        "refusals": [problem_values(refusal) for refusal in report.refusals],
        "notes": list(report.notes),
    }


def _item(item: DriftItem) -> dict[str, Any]:
    return {
        "address": str(item.address),
        "state": item.state.value,
        "moved": None if item.moved is None else item.moved.value,
        "finding": None if item.finding is None else item.finding.value,
        "about": [*(part for part in (item.channel, item.title) if part), *item.about],
        "fields": [_field(one) for one in item.fields],
        "fix": item.fix,
        **{name: text for name in ("channel", "type", "title") if (text := getattr(item, name))},
        **({} if item.reason is None else {"reason": item.reason.value, "because": list(item.because)}),
    }


def _field(field: FieldDrift) -> dict[str, Any]:
    """`applied` is left out if nothing was ever applied, which is not the same as null."""
    found = {
        "path": field.path,
        "moved": field.moved.value,
        "desired": thaw(field.desired),
        "live": thaw(field.live),
    }
    if not isinstance(field.applied, Absent):
        found["applied"] = thaw(field.applied)
    return found
