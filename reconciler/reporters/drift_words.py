"""What an object of an audit is called on screens and pages. Plain text; layout.py makes it safe to show."""

from __future__ import annotations

from reconciler.model.address import Kind
from reconciler.model.text import spoken
from reconciler.planner.drift_report import DriftItem, Finding


def subject(item: DriftItem) -> str:
    """What an object is, by the name that people use; only its kind if it has no such name."""
    kind, key = item.address.kind, item.address.key
    if kind.has_names:
        return f'{spoken(kind)} "{key}"'
    if item.channel:
        return f"{'draft' if item.finding is Finding.REVIEW else 'post'} {item.post}"
    name = item.problem.name if item.problem is not None else ""
    if not name:
        return spoken(kind)
    return name if kind in (Kind.ACTIVITY, Kind.POSTS) else f"{kind.value} {name}"
