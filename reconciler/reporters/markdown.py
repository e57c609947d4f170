"""The Markdown format, for a comment on a pull request: last line first, then what is risky, then each site, folded.

The first line marks the comment, so that the next run can find and replace it. Texts from files and from sites are in
`<code>` and `<pre>` of HTML blocks, in which a forge sees no markup, mention, link or command. What does not fit a
comment is left out from the end, and counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from html import escape
from typing import Final, assert_never

from reconciler.engine import adoption_results, results, site_results, state_results, tool_results
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.reporters.blocks import shown_one_by_one
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import cause, sentence
from reconciler.reporters.excerpt import (
    Closing,
    closing_of,
    joined,
    last_line,
    shared_of,
    shared_text,
    site_text,
    text_of,
    totals_line,
)
from reconciler.reporters.findings import Findings
from reconciler.reporters.first_runs import FirstRuns
from reconciler.reporters.last_lines import header
from reconciler.reporters.layout import Line, inert
from reconciler.reporters.totals import Total

MARKER: Final = "<!-- reconciler -->"

COMMENT: Final = 65_536
"""The most characters that a comment on GitHub may have."""

FOOT: Final = 400
"""How many characters are reserved for saying what was left out."""

MOST_NAMES: Final = 3
"""How many sites are named if many share a problem or a change."""

_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


class MarkdownReporter:
    """Keeps as much as fits, and counts the rest."""

    def __init__(self, context: ReporterContext, most: int = COMMENT) -> None:
        self._context = context
        self._most = most
        self._head: list[str] = []
        self._last = ""
        self._findings = Findings()
        self._public = _Section(most)
        self._problems = {severity: _Section(most) for severity in Severity}
        self._sites = _Section(most)
        self._files: list[str] = []
        self._first_runs = FirstRuns()

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        for finding in self._findings.of(event):
            self._problem(finding)
        match event:
            case results.RunStarted():
                self._head.append(header(event))
                if event.approval_none:
                    sites = plural(len(event.approval_none), "site")
                    self._head.append(f"approval: none on {sites}: drafts go out there unapproved")
            case results.PlanLoaded():
                self._head += [line.strip() for line in text_of("show", event, results.PlanCompleted(0))[:-1]]
            case site_results.SitePlanned():
                self._goes_out(event)
                event = self._first_runs.taken_from(event)
                if event.says_something and self._context.command != "apply":
                    self._site(event)
            case site_results.SiteDrifted():
                if event.says_something:
                    self._site(event)
            case (
                site_results.SiteApplied()
                | site_results.SiteReviewed()
                | site_results.SiteNotReviewed()
                | site_results.SiteHistory()
                | adoption_results.SiteImported()
                | adoption_results.SiteExamined()
            ):
                self._site(event)
            case adoption_results.ProjectExamined():
                self._fold("project", text_of(self._context.command, event))
            case (
                state_results.StateListed()
                | state_results.StateShown()
                | state_results.LockFound()
                | state_results.CallResolved()
            ):
                self._fold(self._context.command, text_of(self._context.command, event))
                self._ending(event)
            case tool_results.StarterFile():
                self._files += text_of(self._context.command, event)
            case (
                tool_results.SchemaShown()
                | tool_results.ScriptShown()
                | tool_results.SandboxReady()
                | tool_results.SandboxShown()
            ):
                self._fold(self._context.command, text_of(self._context.command, event))
            case results.PlanCompleted(sites=sites):
                if note := self._first_runs.note(sites):
                    self._problem(note)
                self._ending(event)
            case (
                results.ApplyCompleted()
                | results.DriftCompleted()
                | adoption_results.Counts()
                | adoption_results.FilesChecked()
                | state_results.StateEvent()
                | tool_results.ToolEvent()
                | results.Refused()
                | results.FilesInvalid()
                | results.RunFailed()
                | results.Interrupted()
            ):
                self._ending(event)
            case (
                site_results.SiteFailed()
                | results.Notice()
                | results.PhaseStarted()
                | site_results.SiteStarted()
                | site_results.Progressed()
            ):
                pass
            case results.Ended():
                self._write(event)
            case _:
                assert_never(event)

    def _problem(self, finding: Diagnostic) -> None:
        """Adds a problem; if many sites share it, it appears once, with their number."""
        sign, site = _SIGNS[finding.severity], finding.address.site if finding.address is not None else ""
        part = self._problems[finding.severity]
        if finding.place is not None or not site:
            whole = f"<li>{sign} {code(sentence(finding))}</li>\n"
            part.add(("", sentence(finding)), "", _SharedSites(lambda _: whole))
            return

        def wording(sites: _SharedSites) -> str:
            if sites.times == 1:
                return f"<li>{sign} {code(sentence(finding))}</li>\n"
            return f"<li>{sign} {sites.words()}: {code(cause(finding))}</li>\n"

        part.add((finding.code, cause(finding)), site, _SharedSites(wording))

    def _goes_out(self, planned: site_results.SitePlanned) -> None:
        """What a plan would publish or throw away is also risky; an apply says what happened to it."""
        counts = ((planned.tally.publish, "to publish"), (planned.tally.discard, "to discard"))
        found = ", ".join(f"{count:,} {word}" for count, word in counts if count)
        if found and self._context.command != "apply":
            each = f"{found} each"
            self._public.add(
                found,
                planned.name,
                _SharedSites(lambda sites: f"<li>📣 {sites.words()} {found if sites.times == 1 else each}</li>\n"),
            )

    def _site(self, event: results.SiteEvent) -> None:
        calls_of = self._context.calls_of
        lines = site_text(self._context.command, event, calls_of)
        if not lines:  # such as the history of a site without posts
            return
        self._fold(event.name, lines, closing_of(event), shared_of(event, calls_of))

    def _fold(
        self, name: str, lines: list[str], closing: Closing | None = None, shared: Sequence[Line | Total] = ()
    ) -> None:
        """Adds a block; sites with the same block share it, and many sites one that differs only in names and numbers.

        `closing` has the totals of its last line.
        """
        explained = self._context.calls_of is not None
        sites = _FoldedSites(_OwnBlock(name, lines, closing), shared, list_posts=explained)
        self._sites.add(sites.key, name, sites)

    def _ending(self, event: results.Event) -> None:
        self._last = last_line(self._context.command, event) or self._last

    def _write(self, ended: results.Ended) -> None:
        if self._files:
            self._fold("files", self._files)
        title = f"{MARKER}\n### reconciler {self._context.command}\n\n"
        ending = f"<p>{code(self._last)}</p>\n" if self._last else ""
        head = "".join(f"<p>{code(line)}</p>\n" for line in self._head)
        foot = f"\nExit code {ended.exit_code} ({ended.verdict})\n"
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
        note = f"\nLeft out because the comment is full: {' and '.join(left)}. The text output of the run has them.\n"
        parts = (title, top, f"\n<ul>\n{risky}</ul>\n" if risky else "", f"\n{sites}" if sites else "")
        self._context.write("".join(parts) + (note if left else "") + foot)


class _SharedSites:
    """The sites that share a piece: how many, the first of them by name, and how many times they have it in total."""

    def __init__(self, wording: Callable[[_SharedSites], str]) -> None:
        self.times = 0
        self._count = 0
        self._names: list[str] = []
        self._last = ""
        self._wording = wording

    def add(self, name: str) -> None:
        """Counts a piece once more. All pieces of a site come together."""
        self.times += 1
        if self._count and name == self._last:
            return
        self._count += 1
        self._last = name
        if len(self._names) < MOST_NAMES:
            self._names.append(name)

    def words(self) -> str:
        """`janes-pottery`, or `210 sites (a, b, c, …)`; if one site has it several times, that is counted."""
        names = ", ".join(map(code, self._names))
        if self._count == 1:
            return names if self.times == 1 else f"{names} ({self.times:,} times)"
        return f"{self._count:,} sites ({names}{', …' if self._count > len(self._names) else ''})"

    def join(self, other: _SharedSites) -> None:
        """Takes over what another site has of its own."""

    def piece(self) -> str:
        """The text of the comment."""
        return self._wording(self)


class _OwnBlock(_SharedSites):
    """A site's block. Sites with the same text share it."""

    def __init__(self, name: str, lines: Sequence[str], closing: Closing | None) -> None:
        super().__init__(lambda _: self._folded())
        self.add(name)
        self.name = name
        self.closing = closing
        self._lines = lines
        body = lines[:-1] if closing and lines else lines
        self.text = tuple(line.replace(f"? {name}: ", "? ", 1) for line in body if line != name)

    def join(self, other: _SharedSites) -> None:
        assert isinstance(other, _OwnBlock)
        self.add(other.name)
        self.closing = _sum(self.closing, other.closing)

    def _folded(self) -> str:
        if self.times > 1:
            return _details(f"Same on {self.words()}{_after(self.closing)}", self.text)
        last = self._lines[-1] if self.closing and self._lines else ""
        ending = (last.partition(": ")[2] or last).removeprefix(f"{self.name}: ").removeprefix(f"{self.name}/")
        return _details(code(f"{self.name}: {ending}" if ending else self.name), self._lines)


class _FoldedSites(_SharedSites):
    """Sites whose blocks differ only in names and numbers. Each keeps its own, or, if they are many, all share one."""

    def __init__(self, own: _OwnBlock, shared: Sequence[Line | Total], *, list_posts: bool) -> None:
        super().__init__(lambda _: self._folded())
        self._own = {own.text: own}
        self._shared = shared
        self._list_posts = list_posts
        self._lines = len(own.text)
        self._closing = own.closing
        kinds = [part if isinstance(part, Line) else part.kind for part in shared]
        self.key: Final = hashlib.sha256(repr(kinds or own.text).encode("utf-8", "replace")).digest()

    def join(self, other: _SharedSites) -> None:
        assert isinstance(other, _FoldedSites)
        totals = {part.kind: part for part in self._shared if not isinstance(part, Line)}
        for part in other._shared:
            if not isinstance(part, Line):
                totals[part.kind].add(part)
        self._closing = _sum(self._closing, other._closing)
        self._lines += other._lines
        for text, own in other._own.items() if self._own else ():
            if (same := self._own.setdefault(text, own)) is not own:
                same.join(own)
        has_posts = any(total.listed for total in totals.values())
        alone = shown_one_by_one(self.times, self._lines, has_posts=has_posts, list_posts=self._list_posts)
        if len(self._own) > 1 and not alone:
            self._own.clear()

    def _folded(self) -> str:
        if self._own:
            return "".join(own.piece() for own in self._own.values())
        return _details(f"Same on {self.words()}{_after(self._closing)}", shared_text(self._shared))


def _sum(one: Closing | None, other: Closing | None) -> Closing | None:
    return joined(one, other) if one and other else None


def _after(closing: Closing | None) -> str:
    """The totals of several sites, after their names."""
    return escape(f": {totals_line(closing).partition(': ')[2]}") if closing else ""


def _details(title: str, lines: Iterable[str]) -> str:
    inner = "\n".join(escape(inert(line)) for line in lines)
    return f"<details><summary>{title}</summary>\n<pre>\n{inner}\n</pre>\n</details>\n"


class _Section:
    """Pieces of which the first ones are kept, each with the sites that share it; the rest are counted."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._found: dict[Hashable, _SharedSites] = {}
        self._more = 0

    def add(self, key: Hashable, name: str, site: _SharedSites) -> None:
        """Keeps a site's piece if it and all before it fit; the first piece that does not ends the list."""
        found = self._found.get(key)
        if found is not None:
            found.add(name)
            found.join(site)
            return
        site.add(name)
        if self._more or len(site.piece()) > self._room:
            self._more += 1
            return
        self._room -= len(site.piece())
        self._found[key] = site

    def within(self, room: int) -> tuple[str, int]:
        """The pieces that fit, and the number of pieces and sites that do not."""
        pieces: list[str] = []
        left = self._more
        full = False
        for found in self._found.values():
            piece = found.piece()
            full = full or len(piece) > room
            if full:
                left += found.times
                continue
            room -= len(piece)
            pieces.append(piece)
        return "".join(pieces), left


def code(text: str) -> str:
    """A text of one line that is shown as it is."""
    return f"<code>{escape(inert(text))}</code>"


def _cut(part: str, room: int) -> str:
    return part if len(part) <= room else "<p><code>(too long for a comment)</code></p>\n"
