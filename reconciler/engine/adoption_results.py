"""What `import`, `doctor` and `version --check-files` report: what a project gets from live sites, and what works.

The union of all events is in results.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from reconciler.model.address import Labels, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from reconciler.engine.facts import Fact


class Import(StrEnum):
    """What an import did to a site's file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "up-to-date"
    DECLARED = "already-declared"


class SiteImported(Struct, frozen=True):
    """A live site that was imported into the project. The path of its file is as messages show it.

    `notes` say what was left out, and what a plan made right afterwards would still change: `changes` counts that.
    `approved` counts the posts that were already scheduled and are now in its approvals file.
    """

    name: SiteName
    id: str
    written: Import
    file: str
    changes: int = 0
    approved: int = 0
    notes: tuple[Diagnostic, ...] = ()
    labels: Labels = ()
    seconds: float = 0.0


Facts: TypeAlias = "tuple[Fact, ...]"
"""What was found that is not a problem."""


class ProjectExamined(Struct, frozen=True):
    """What `doctor` found about the project as a whole: credentials, state, git, environment."""

    facts: Facts = ()
    findings: tuple[Diagnostic, ...] = ()


class SiteExamined(Struct, frozen=True):
    """What `doctor` found about a site: errors stop plan or apply, warnings are for a person, notes inform."""

    name: SiteName
    facts: Facts = ()
    findings: tuple[Diagnostic, ...] = ()
    labels: Labels = ()
    seconds: float = 0.0


class Counts(Struct, frozen=True):
    """Any closing event that consists of counts."""


class ImportCompleted(Counts, frozen=True):
    """All sites were imported.

    `not_empty` are those whose plan is not empty. `new` counts the files that were created; of these, `not_empty_new`
    have a plan that is not empty.
    """

    sites: int
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    declared: int = 0
    not_empty: int = 0
    not_empty_new: int = 0
    failed: int = 0


class DoctorCompleted(Counts, frozen=True):
    """All sites were examined. `errors` stop plan or apply, `warnings` are for a person."""

    sites: int
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    strict: bool = False


class FilesChecked(Struct, frozen=True):
    """What an upgrade to this version, `tool`, would affect: files, state and saved plans.

    `files` counts those that were checked.
    """

    tool: str
    files: int
    touched: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> int:
        """How many findings say that this version cannot read a file."""
        return sum(finding.severity is Severity.ERROR for finding in self.touched)
