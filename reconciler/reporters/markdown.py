"""The Markdown format, for a comment on a pull request: the end first, then what is risky, then each site folded.

The first line marks the comment, so that the next run can find and replace it. Texts from files and from sites stand
in `<code>` and `<pre>` of HTML blocks, in which a forge looks for no markup, no mention, no link and no command. What
does not fit a comment is left out from the end, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, assert_never

from reconciler.engine.results import (
    ApplyCompleted,
    CallResolved,
    Decided,
    DoctorCompleted,
    DriftCompleted,
    Ended,
    Event,
    FilesChecked,
    FilesInvalid,
    HistoryListed,
    ImportCompleted,
    Interrupted,
    LockFound,
    LockRemoved,
    Notice,
    PartsMerged,
    PhaseStarted,
    PlanCompleted,
    PlanLoaded,
    Progressed,
    ProjectExamined,
    RecordChanged,
    Refused,
    ReviewCompleted,
    RunFailed,
    RunStarted,
    SiteApplied,
    SiteDrifted,
    SiteEvent,
    SiteExamined,
    SiteFailed,
    SiteHistory,
    SiteImported,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    SiteStarted,
    StateListed,
    StateShown,
    Validated,
)
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import sentence
from reconciler.reporters.excerpt import last_line, site_text, text_of
from reconciler.reporters.findings import findings_of, once
from reconciler.reporters.last_lines import header
from reconciler.reporters.layout import inert
from reconciler.reporters.words import plural

MARKER: Final = "<!-- reconciler -->"

COMMENT: Final = 65_536
"""Characters that a comment on GitHub may have."""

FOOT: Final = 400
"""Characters that are kept for saying what was left out."""

_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


class MarkdownReporter:
    """Keeps as much as fits, and counts the rest."""

    def __init__(self, context: ReporterContext, most: int = COMMENT) -> None:
        self._context = context
        self._most = most
        self._head: list[str] = []
        self._last = ""
        self._seen: set[Diagnostic] = set()
        self._public = _Part(most)
        self._problems = {severity: _Part(most) for severity in Severity}
        self._sites = _Part(most)

    def handle(self, event: Event) -> None:  # noqa: C901 - a case for each event
        """An event of the run."""
        for finding in once(findings_of(event), self._seen):
            self._problems[finding.severity].add(f"<li>{_SIGNS[finding.severity]} {code(sentence(finding))}</li>\n")
        match event:
            case RunStarted():
                self._head.append(header(event))
                if event.approval_none:
                    sites = plural(len(event.approval_none), "site")
                    self._head.append(f"approval: none on {sites}: drafts go out there unapproved")
            case PlanLoaded():
                self._head += [line.strip() for line in text_of("show", event, PlanCompleted(0))[:-1]]
            case SitePlanned():
                self._goes_out(event)
                if event.says_something and self._context.command != "apply":
                    self._site(event)
            case SiteDrifted():
                if event.says_something:
                    self._site(event)
            case SiteApplied() | SiteReviewed() | SiteNotReviewed() | SiteHistory() | SiteImported() | SiteExamined():
                self._site(event)
            case ProjectExamined():
                self._fold("project", text_of(self._context.command, event))
            case StateListed() | StateShown() | LockFound() | CallResolved():
                self._fold(self._context.command, text_of(self._context.command, event))
                self._ending(event)
            case (
                PlanCompleted()
                | ApplyCompleted()
                | DriftCompleted()
                | ReviewCompleted()
                | Validated()
                | PartsMerged()
                | Decided()
                | HistoryListed()
                | ImportCompleted()
                | DoctorCompleted()
                | FilesChecked()
                | LockRemoved()
                | RecordChanged()
                | Refused()
                | FilesInvalid()
                | RunFailed()
                | Interrupted()
            ):
                self._ending(event)
            case SiteFailed() | Notice() | PhaseStarted() | SiteStarted() | Progressed():
                pass
            case Ended(exit_code=exit_code):
                self._write(exit_code)
            case _:
                assert_never(event)

    def _goes_out(self, planned: SitePlanned) -> None:
        """What a plan would make public, or throw away, is risky too; an apply tells what became of it."""
        counts = ((planned.tally.publish, "to publish"), (planned.tally.discard, "to discard"))
        found = ", ".join(f"{count} {word}" for count, word in counts if count)
        if found and self._context.command != "apply":
            self._public.add(f"<li>📣 {code(planned.name)} {found}</li>\n")

    def _site(self, event: SiteEvent) -> None:
        lines = site_text(self._context.command, event, self._context.calls_of)
        counted = isinstance(event, SitePlanned | SiteApplied | SiteDrifted)
        ending = lines[-1] if counted and lines else ""
        self._fold(f"{event.name}: {ending.partition(': ')[2] or ending}" if ending else event.name, lines)

    def _fold(self, title: str, lines: Iterable[str]) -> None:
        text = "\n".join(escape(inert(line)) for line in lines)
        self._sites.add(f"<details><summary>{code(title)}</summary>\n<pre>\n{text}\n</pre>\n</details>\n")

    def _ending(self, event: Event) -> None:
        self._last = last_line(self._context.command, event) or self._last

    def _write(self, exit_code: int) -> None:
        title = f"{MARKER}\n### reconciler {self._context.command}\n\n"
        ending = f"<p>{code(self._last)}</p>\n" if self._last else ""
        head = "".join(f"<p>{code(line)}</p>\n" for line in self._head)
        foot = f"\nExit code {int(exit_code)}\n"
        room = self._most - len(title) - len(foot) - FOOT
        top = _cut(ending, room // 4) + _cut(head, room // 4)
        room -= len(top)
        risky, unsaid = "", 0
        errors, *others = (self._problems[severity] for severity in Severity)
        for part in (errors, self._public, *others):
            shown, more = part.within(room)
            risky, unsaid, room = risky + shown, unsaid + more, room - len(shown)
        sites, folded = self._sites.within(room)
        left = [plural(unsaid, "risky item")] if unsaid else []
        left += [plural(folded, "site")] if folded else []
        note = f"\nLeft out, for a comment has no more room: {' and '.join(left)}. The text of the run has them.\n"
        parts = (title, top, f"\n<ul>\n{risky}</ul>\n" if risky else "", f"\n{sites}" if sites else "")
        self._context.write("".join(parts) + (note if left else "") + foot)


class _Part:
    """Pieces of which the first ones are kept, and the rest counted."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._pieces: list[str] = []
        self._more = 0

    def add(self, piece: str) -> None:
        """Kept if it and all before it fit; a piece that does not ends the list."""
        if self._more or len(piece) > self._room:
            self._more += 1
            return
        self._room -= len(piece)
        self._pieces.append(piece)

    def within(self, room: int) -> tuple[str, int]:
        """What fits, and how many pieces do not."""
        found: list[str] = []
        for piece in self._pieces:
            if len(piece) > room:
                break
            room -= len(piece)
            found.append(piece)
        return "".join(found), self._more + len(self._pieces) - len(found)


def code(text: str) -> str:
    """A text of one line that is shown as it is."""
    return f"<code>{escape(inert(text))}</code>"


def _cut(part: str, room: int) -> str:
    return part if len(part) <= room else "<p><code>(too long for a comment)</code></p>\n"
