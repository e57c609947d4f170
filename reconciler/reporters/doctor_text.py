"""`doctor` and `version --check-files` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

from msgspec.structs import replace

from reconciler.engine.adoption_results import DoctorCompleted, FilesChecked, ProjectExamined, SiteExamined
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.reporters import fact_text
from reconciler.reporters.diagnostics import for_any_site, in_common, of_its_site, particulars_of_one, sentence
from reconciler.reporters.last_lines import NO_SITES
from reconciler.reporters.layout import Screen, Span, Style, columns, fill, wrapped

ExaminedT = TypeVar("ExaminedT", bound=ProjectExamined | SiteExamined)

_STYLES: Final = {Severity.ERROR: Style.RED, Severity.WARNING: Style.YELLOW, Severity.NOTE: Style.CYAN}

FEW: Final = 10
"""Up to this many sites, each is shown with its facts; for more, only findings are shown, each once."""

NAMED: Final = 5
"""How many of the sites that share a finding are named; the rest are counted."""


def examined_lines(
    examined: ProjectExamined | SiteExamined, screen: Screen, explained: dict[str, str], *, facts: bool = True
) -> Iterator[str]:
    """What is wrong and, with `facts`, what else was found. Empty if there is nothing to say.

    `explained` are the problems of earlier sites, each with the first site that has it: what to do is shown there.
    """
    if not examined.findings and not (facts and examined.facts):
        return
    site = examined.name if isinstance(examined, SiteExamined) else ""
    yield screen.paint(site or "project", Style.BOLD)
    for finding in examined.findings:
        words = of_its_site(finding) if site else sentence(finding)
        if site and (first := explained.setdefault(_without_particulars(finding), site)) != site:
            words = f"{_without_particulars(replace(finding, fix=''))}  (see {first})"
        yield from _finding(finding.severity, words, screen)
    if facts:
        rows = fact_text.facts_in_words(examined.facts)
        width = max((columns(subject) for subject, _ in rows), default=0)
        for subject, words in rows:
            spans = (Span(fill(subject, width), Style.DIM), Span(words))
            yield from wrapped(spans, screen, indent=2, hang=width + 4)
    yield ""


def without_notes(examined: ExaminedT) -> ExaminedT:
    """What is left of an examination if only problems are shown."""
    return replace(examined, findings=tuple(found for found in examined.findings if found.severity != Severity.NOTE))


def _finding(severity: Severity, words: str, screen: Screen) -> Iterator[str]:
    spans = (Span(f"{severity}: ", _STYLES[severity]), Span(words, glued=True))
    yield from wrapped(spans, screen, indent=2)


def _without_particulars(finding: Diagnostic) -> str:
    """What is found, in the words that are the same for every site."""
    return of_its_site(replace(finding, message=finding.cause, call="", request_id=None))


class Shared:
    """What was found about many sites: each finding once, with the sites that have it."""

    def __init__(self) -> None:
        self._sites: dict[tuple[Severity, str], list[str]] = {}
        self._examples: dict[tuple[Severity, str], Diagnostic] = {}
        self._said: dict[tuple[Severity, str], Diagnostic] = {}

    def add(self, examined: SiteExamined) -> None:
        """Adds a site."""
        for finding in examined.findings:
            key = finding.severity, _without_particulars(for_any_site(finding))
            self._said[key] = in_common(self._said[key], finding) if key in self._said else finding
            self._sites.setdefault(key, []).append(examined.name)
            self._examples.setdefault(key, finding)

    def lines(self, screen: Screen, *, every: bool) -> Iterator[str]:
        """The findings, most serious and most frequent first; with `every`, with the names of all sites."""
        order = tuple(Severity)
        found = sorted(self._sites.items(), key=lambda pair: (order.index(pair[0][0]), -len(pair[1]), pair[0][1]))
        for (severity, key), sites in found:
            words = _without_particulars(self._said[severity, key])
            shown = sites if every else sites[:NAMED]
            rest = f" and {plural(len(sites) - len(shown), 'more site')}" if len(shown) < len(sites) else ""
            example = particulars_of_one(self._examples[severity, key], self._said[severity, key])
            last = (Span(f"({example})", Style.DIM),) if example else ()
            yield from wrapped((Span(f"{severity}: ", _STYLES[severity]), Span(words, glued=True), *last), screen)
            yield from wrapped((Span(f"{', '.join(shown)}{rest}", Style.DIM),), screen, indent=2)
        if found:
            yield ""


def doctor_line(done: DoctorCompleted) -> str:
    """`Doctor: 1 error, 2 warnings; 3 sites checked.`, for scripts."""
    found = [
        plural(count, word)
        for count, word in ((done.errors, "error"), (done.warnings, "warning"), (done.notes, "note"))
        if count
    ]
    if not done.sites and not found:
        return NO_SITES
    where = f"{plural(done.sites, 'site')} checked" if done.sites else "no site was checked"
    return f"Doctor: {', '.join(found) or 'no problems'}; {where}."


def touched_lines(checked: FilesChecked, screen: Screen) -> Iterator[str]:
    """What an upgrade would affect, one per line."""
    for finding in checked.touched:
        yield from _finding(finding.severity, sentence(finding), screen)


def files_line(checked: FilesChecked) -> str:
    """`Files: 2 of 14 files need attention with reconciler 0.2.0.`, for scripts."""
    if not checked.touched:
        return f"Files: {plural(checked.files, 'file')} checked; none needs attention with reconciler {checked.tool}."
    touched = len({finding.file for finding in checked.touched})
    need = "needs" if touched == 1 else "need"
    return f"Files: {touched:,} of {plural(checked.files, 'file')} {need} attention with reconciler {checked.tool}."
