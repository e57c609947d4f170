"""An audit as the records of the JSON formats."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import field

from reconciler.engine.run_ledger import GroundsRecord, grounds_record
from reconciler.engine.site_results import SiteDrifted
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import ABSENT, Absent, Json
from reconciler.model.codec import taken_from
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Struct
from reconciler.planner.actions import Reason
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftState, Finding
from reconciler.reporters.diagnostics import problem_record, problem_records


class FieldRecord(Struct, frozen=True):
    """A field as each side has it. `applied` is left out if nothing was ever applied, as opposed to null."""

    path: str
    moved: ChangedSide
    desired: Json
    live: Json
    applied: Json | Absent = ABSENT


class ObjectRecord(Struct, frozen=True):
    """A managed object with its state. `more_problems`: what blocks it in addition to `problem`."""

    address: Address
    state: DriftState
    moved: ChangedSide | None
    finding: Finding | None
    about: tuple[str, ...]
    fields: tuple[FieldRecord, ...]
    problem: ProblemRecord | None
    more_problems: tuple[ProblemRecord, ...] | Absent = ABSENT
    channel: str | Absent = ABSENT
    type: str | Absent = ABSENT
    title: str | Absent = ABSENT
    reason: Reason | Absent = ABSENT
    details: tuple[str, ...] | Absent = field(name="because", default=ABSENT)
    grounds: GroundsRecord | Absent = ABSENT


class DriftedRecord(Struct, frozen=True):
    """A site's audit."""

    site: SiteName
    objects: tuple[ObjectRecord, ...]
    due: int
    refusals: tuple[ProblemRecord, ...]
    notes: tuple[ProblemRecord, ...]


def drifted_record(result: SiteDrifted) -> DriftedRecord:
    """One site: every managed object with its state."""
    report = result.report
    alike: dict[object, list[DriftItem]] = {}
    for item in report.items:
        alike.setdefault((item.address, item.state, item.finding), []).append(item)
    objects = tuple(map(_object, alike.values()))
    refusals, notes = problem_records(report.refusals), problem_records(report.notes)
    return DriftedRecord(report.site.name, objects, report.due, refusals, notes)


def _object(items: Sequence[DriftItem]) -> ObjectRecord:
    item, more = items[0], problem_records(same.problem for same in items[1:] if same.problem is not None)
    return ObjectRecord(
        item.address,
        item.state,
        item.moved,
        item.finding,
        (*(part for part in (item.channel, item.title) if part), *item.about),
        tuple(taken_from(field, FieldRecord) for field in item.fields),
        None if item.problem is None else problem_record(item.problem),
        more or ABSENT,
        item.channel or ABSENT,
        item.type or ABSENT,
        item.title or ABSENT,
        item.reason or ABSENT,
        item.details if item.reason else ABSENT,
        grounds_record(item.grounds),
    )
