"""What `import` and `doctor` found, as the records of the JSON formats."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import field
from msgspec.structs import replace

from reconciler.engine.adoption_results import Import, ProjectExamined, SiteExamined
from reconciler.engine.facts import Fact
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Struct
from reconciler.reporters.diagnostics import problem_records
from reconciler.reporters.fact_text import facts_in_words


class ImportedRecord(Struct, frozen=True):
    """A site that was imported."""

    name: SiteName = field(name="site")
    id: str
    written: Import
    file: str
    changes: int
    approved: int
    notes: tuple[ProblemRecord, ...]


class ProjectRecord(Struct, frozen=True):
    """What doctor found about the project."""

    facts: dict[str, str] = field(default_factory=dict)
    findings: tuple[ProblemRecord, ...] = ()

    def with_more(self, examined: ProjectExamined) -> ProjectRecord:
        """This record, extended by what was found later."""
        findings = (*self.findings, *problem_records(examined.findings))
        return replace(self, facts={**self.facts, **_facts(examined.facts)}, findings=findings)


class ExaminedRecord(Struct, frozen=True):
    """What doctor found about a site."""

    site: SiteName
    facts: dict[str, str]
    findings: tuple[ProblemRecord, ...]


def examined_record(examined: SiteExamined) -> ExaminedRecord:
    """What was found about a site."""
    return ExaminedRecord(examined.name, _facts(examined.facts), problem_records(examined.findings))


def _facts(found: Iterable[Fact]) -> dict[str, str]:
    """What each fact is about, with what it says; several about the same thing are joined."""
    said: dict[str, str] = {}
    for about, words in facts_in_words(found):
        said[about] = f"{said[about]}; {words}" if about in said else words
    return said
