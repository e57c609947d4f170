"""Sites in an HTML report that were imported or examined."""

from __future__ import annotations

from typing import Final

from reconciler.engine.adoption_results import Import, ProjectExamined, SiteExamined, SiteImported
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.model.text import spoken
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.fact_text import facts_in_words
from reconciler.reporters.markup import bullets, text
from reconciler.reporters.page_rows import SEVERITIES, SiteRow, facts, line

STYLES: Final = {
    Import.CREATED: "good",
    Import.UPDATED: "calm",
    Import.UNCHANGED: "soft",
    Import.DECLARED: "soft",
}
RANKS: Final = {Severity.ERROR: 1, Severity.WARNING: 2, Severity.NOTE: 3}


def imported_row(imported: SiteImported) -> SiteRow:
    """A site that was imported; those whose plan is not empty come first."""
    state, style = spoken(imported.written), STYLES[imported.written]
    if imported.changes:
        state, style = "plan not empty", "warn"
    counts = (("planned changes", imported.changes), ("approved posts", imported.approved))
    said = f"{spoken(imported.written)}, {imported.file}"
    if imported.approved:
        said += f", {plural(imported.approved, 'scheduled post')} recorded as approved"
    body = bullets((line("+", "file", text(said)), *map(_finding, imported.notes)), "items") + facts(imported.seconds)
    return SiteRow(imported.name, 1 if imported.changes else 2, state, style, counts, body, imported.labels)


def examined_row(examined: SiteExamined | ProjectExamined) -> SiteRow:
    """What was found about a site, or about the project."""
    severities = [finding.severity for finding in examined.findings]
    worst = min(severities, key=lambda severity: RANKS[severity], default=None)
    state, style, rank = (worst.value, SEVERITIES[worst], RANKS[worst]) if worst else ("fine", "good", 4)
    counts = tuple((f"{severity.value}s", severities.count(severity)) for severity in Severity)
    known = "".join(
        f"<dt>{text(subject)}</dt><dd>{text(said)}</dd>" for subject, said in facts_in_words(examined.facts)
    )
    body = bullets(map(_finding, examined.findings), "items")
    body += f'<dl class="changes">{known}</dl>' if known else ""
    if isinstance(examined, ProjectExamined):
        return SiteRow("(project)", 0, state, style, counts, body, is_site=False)
    return SiteRow(examined.name, rank, state, style, counts, body + facts(examined.seconds), examined.labels)


def _finding(finding: Diagnostic) -> str:
    symbol = "·" if finding.severity is Severity.NOTE else "!"
    return line(symbol, finding.severity.value, text(of_its_site(finding)))
