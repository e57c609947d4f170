"""`import` as text: what happened to each site, and the last line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.engine.adoption_results import Import, ImportCompleted, SiteImported
from reconciler.model.diagnostics import Severity
from reconciler.model.plurals import plural
from reconciler.model.text import spoken
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.next_step import record_first

_STYLES: Final = {Severity.ERROR: Style.RED, Severity.WARNING: Style.YELLOW, Severity.NOTE: Style.DIM}


def import_lines(imported: SiteImported, screen: Screen, *, quiet: bool = False) -> Iterator[str]:
    """A site, its file, and below it what was left out or needs checking. `quiet` leaves out a site with neither."""
    notes = [note for note in imported.notes if not quiet or note.severity is not Severity.NOTE]
    if quiet and not notes:
        return
    style = Style.DIM if imported.written in (Import.DECLARED, Import.UNCHANGED) else Style.GREEN
    spans = [Span(imported.name, Style.BOLD), Span(spoken(imported.written), style), Span(imported.file)]
    if imported.approved:
        spans.append(Span(f"{plural(imported.approved, 'scheduled post')} recorded as approved"))
    yield from wrapped(spans, screen)
    for note in notes:
        spans = [Span(f"{note.severity}:", _STYLES[note.severity]), Span(of_its_site(note))]
        yield from wrapped(spans, screen, indent=2, hang=4)


def import_line(done: ImportCompleted) -> str:
    """`Import: 3 created, 1 already declared; the plan is empty.`, for scripts."""
    counted = (
        (done.new, "created"),
        (done.updated, "updated"),
        (done.unchanged, "up to date"),
        (done.declared, "already declared"),
    )
    doing = [f"{count:,} {word}" for count, word in counted if count] or ["0 created"]
    rest = [f"{plural(done.not_empty, 'plan')} not empty"] if done.not_empty else []
    if done.failed:
        rest.append(f"{done.failed:,} failed")
    if not rest and done.new + done.updated + done.unchanged:
        rest.append("the plan is empty")
    return f"Import: {', '.join(doing)}{'; ' if rest else ''}{', '.join(rest)}."


def import_step(done: ImportCompleted) -> str | None:
    """What to type next."""
    if done.failed:
        return "the same command again   (continues with the missing sites)"
    return "reconciler plan" if done.not_empty else record_first(done.new)
