"""JSON of `import` and `doctor`."""

from __future__ import annotations

from typing import Any

from reconciler.engine.adoption_results import (
    DoctorCompleted,
    ImportCompleted,
    ProjectExamined,
    SiteExamined,
    SiteImported,
)
from reconciler.reporters.diagnostics import problem_values


def imported_values(imported: SiteImported) -> dict[str, Any]:
    """A site that was imported."""
    return {
        "site": imported.name,
        "id": imported.id,
        "written": imported.written.value,
        "file": imported.file,
        "changes": imported.changes,
        "approved": imported.approved,
        "notes": [problem_values(note) for note in imported.notes],
    }


def examined_values(examined: SiteExamined) -> dict[str, Any]:
    """What was found about a site."""
    findings = [problem_values(finding) for finding in examined.findings]
    return {"site": examined.name, "facts": dict(examined.facts), "findings": findings}


def project_values(examined: ProjectExamined, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What was found about the project, with what was found `before`."""
    facts, findings = (before["facts"], before["findings"]) if before else ({}, [])
    more = [problem_values(finding) for finding in examined.findings]
    return {"facts": {**facts, **dict(examined.facts)}, "findings": [*findings, *more]}


def completed_values(completed: ImportCompleted | DoctorCompleted) -> dict[str, Any]:
    """The counts at the end."""
    match completed:
        case ImportCompleted():
            return {
                "sites": completed.sites,
                "created": completed.new,
                "updated": completed.updated,
                "unchanged": completed.unchanged,
                "declared": completed.declared,
                "notEmpty": completed.unsettled,
                "failed": completed.failed,
            }
        case DoctorCompleted():
            return {
                "sites": completed.sites,
                "errors": completed.errors,
                "warnings": completed.warnings,
                "notes": completed.notes,
            }
