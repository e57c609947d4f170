"""Totals for sites that share a block in kind but not in detail: drafts thrown away, activities, problems, notes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, Self

from reconciler.model.plurals import plural
from reconciler.model.posts import Discarded
from reconciler.model.writes import Verb
from reconciler.reporters.kinds.base import COUNT, IN_TOTAL, STYLES, SYMBOLS, ActionText
from reconciler.reporters.layout import LEFT, Line, Span, Style, subject_line
from reconciler.reporters.names_on_sites import NamesOnSites, most_frequent
from reconciler.reporters.values import yaml
from reconciler.reporters.varied import Varied


class Total(Protocol):
    """Something that adds up over the sites of a block."""

    @property
    def kind(self) -> str:
        """What is the same on all of the sites."""
        ...

    @property
    def listed(self) -> bool:
        """Whether sites keep their own lines in place of the total as long as these fit on a screen."""
        ...

    def add(self, other: Self) -> None:
        """Adds another site's total."""
        ...

    def lines(self) -> Iterator[Line]:
        """The total in words."""
        ...


def add_up(parts: Iterable[Line | Total], others: Iterable[Line | Total]) -> dict[str, Total]:
    """Adds the totals of other sites to those of the same kind, and returns these by kind."""
    totals = {part.kind: part for part in parts if not isinstance(part, Line)}
    for part in others:
        if not isinstance(part, Line):
            totals[part.kind].add(part)
    return totals


class RefusalTotal:
    """Why sites are refused, if only numbers differ from site to site."""

    listed: Final = False

    def __init__(self, word: str, style: Style, message: str, fix: str) -> None:
        self._word, self._style, self._said = word, style, Varied(message, fix)
        self.kind: Final = f"{word}: {self._said.kind}"

    def add(self, other: RefusalTotal) -> None:
        """Adds another site's total."""
        self._said.add(other._said)

    def lines(self) -> Iterator[Line]:
        """`! refused  regenerating would throw away 3 to 12 approved drafts, ...`, and what to do."""
        return problem_lines(self._word, self._style, self._said.message, self._said.fix, 1)


DISCARDS: Final = "discards"
APPROVED_DISCARDS: Final = "discards approved drafts"
"""The kinds of a DiscardTotal."""


def but_for_approved(kind: str) -> str:
    """The kind of a total if no draft were approved."""
    return DISCARDS if kind == APPROVED_DISCARDS else kind


class DiscardTotal:
    """How many drafts are thrown away, and the most frequent titles of the approved ones.

    Sites where approved drafts are thrown away share a block with others only if there are many of each, or if they are
    `refused`.
    """

    def __init__(self, drafts: Sequence[Discarded], *, site: str, named: str, refused: bool = False) -> None:
        """The drafts of a site. `named`: the approved ones as its own lines name them."""
        self._count = len(drafts)
        self._known = all(draft.channel for draft in drafts)
        self.names: Final = NamesOnSites(site, Counter(draft.title for draft in drafts if draft.approved), named)
        self._approved = self.names.all.total()
        self.listed: Final = bool(self._approved) and not refused
        self.kind: Final = APPROVED_DISCARDS if self.listed else DISCARDS
        self._sites, self._sites_with_approved = 1, int(self.listed)

    def add(self, other: DiscardTotal) -> None:
        """Adds another site's total."""
        self._count += other._count
        self._approved += other._approved
        self._known = self._known and other._known
        self._sites += other._sites
        self._sites_with_approved += other._sites_with_approved
        self.names.add(other.names)

    def lines(self) -> Iterator[Line]:
        """`- discards 1,940 unapproved drafts on these sites in total`."""
        approved, known, with_approved = self._approved, self._known, self._sites_with_approved
        kind = "approved draft" if approved == self._count else "draft" if approved or not known else "unapproved draft"
        text = f"- discards {plural(self._count, kind)}{IN_TOTAL}"
        if 0 < approved < self._count:
            several = 0 < with_approved < self._sites and not self.names.sites
            where = f" (on {plural(with_approved, 'site')})" if several else ""
            text += f", {approved:,} of them approved{where}"
        if self.names.sites:
            text += ":"
        elif any(self.names.all):
            text += f": {most_frequent(self.names.all, approved, 'draft')}"
        yield Line((Span(text, Style.RED),), indent=LEFT + 4, hang=LEFT + 6)
        yield from self.names.on_each_site(Style.RED)


class ActivityTotal:
    """How many activities change in the same way, on sites whose activities have different titles."""

    __slots__ = ("_count", "_discards", "_edited", "_said", "_verb", "kind")

    listed: Final = False

    def __init__(self, verb: Verb, said: ActionText, discards: DiscardTotal | None, *, edited: bool) -> None:
        """One activity. `edited`: somebody has edited the values on the site that are changed."""
        values = tuple((change.path, change.after) for change in said.changes)
        lost = discards.kind if discards and discards.listed else ""
        self.kind: Final = repr((verb, said.of_many, values, lost))
        self._verb, self._said, self._discards = verb, said, discards
        self._count, self._edited = 1, int(edited)

    @property
    def subject(self) -> str:
        """What is counted."""
        return "posts" if self._said.subject == "posts" else "activities"

    @property
    def on_one_site(self) -> str:
        """What happens to several activities of one site, with COUNT for their number; empty if their fields change."""
        return "" if self._said.changes else self._said.of_many.replace(IN_TOTAL, "", 1)

    def add(self, other: ActivityTotal) -> None:
        """Adds others that change in the same way."""
        self._count += other._count
        self._edited += other._edited
        if self._discards is None:
            self._discards = other._discards
        elif other._discards is not None:
            self._discards.add(other._discards)

    def lines(self) -> Iterator[Line]:
        """`- activities  delete 892 on these sites in total, ...`, the new values, and what is thrown away."""
        about = [Span(self._said.of_many.replace(COUNT, f"{self._count:,}"))]  # any other braces come from a file
        if self._edited:
            about.append(Span(f"({self._edited:,} edited on the site since the last apply)", Style.YELLOW))
        yield subject_line(SYMBOLS[self._verb], STYLES[self._verb], self.subject, *about)
        for change in self._said.changes:
            spans = (Span(change.path), Span("->"), Span(yaml(change.after), Style.GREEN))
            yield Line(spans, indent=LEFT + 4, hang=LEFT + 8)
        yield from self._discards.lines() if self._discards else ()


def waiting_words(count: int, unapproved: int = 0, where: str = "", what: str = "draft") -> str:
    """`5 drafts are waiting for review; 1 of them goes out unapproved`."""
    text = f"{plural(count, what)} {'is' if count == 1 else 'are'} waiting for review{where}"
    if not unapproved:
        return text
    which = "it" if count == 1 else f"{unapproved:,} of them"
    return f"{text}; {which} {'goes' if unapproved == 1 else 'go'} out unapproved"


class WaitingTotal:
    """How many drafts are waiting for review."""

    kind: Final = "waiting for review"
    listed: Final = False

    def __init__(self, count: int, unapproved: int = 0) -> None:
        self._count, self._unapproved = count, unapproved

    def add(self, other: WaitingTotal) -> None:
        """Adds another site's total."""
        self._count += other._count
        self._unapproved += other._unapproved

    def lines(self) -> Iterator[Line]:
        """`? 36 drafts are waiting for review on these sites in total`."""
        yield Line((Span(f"? {waiting_words(self._count, self._unapproved, IN_TOTAL)}", Style.CYAN),))


class NoteTotal:
    """How many notes of one kind there are."""

    listed: Final = False

    def __init__(self, kind: str, count: int = 1) -> None:
        self.kind: Final = kind
        self._count = count

    def add(self, other: NoteTotal) -> None:
        """Adds another one."""
        self._count += other._count

    def lines(self) -> Iterator[Line]:
        """`note: 12 posts go out in the same minute as another post from the same site`."""
        yield note_line(f"{plural(self._count, 'post')} {self.kind}")


class SharedNote:
    """A note, without what differs from site to site."""

    def __init__(self, message: str, fix: str = "", counts: slice | None = None, *, listed: bool = True) -> None:
        """A site's note. `counts`: which of its numbers count things of this site; then sites may differ in them.

        `listed`: whether it names things.
        """
        self._said = Varied(message, fix)
        self.kind: Final = f"note: {f'{message}; {fix}' if counts is None else self._said.kind}"
        self.listed: Final = listed
        found = Varied(message).numbers[counts] if counts else ()
        self._total, self._each, self._sites = sum(found), bool(found), 1

    def add(self, other: SharedNote) -> None:
        """Another site has it too."""
        self._said.add(other._said)
        self._total += other._total
        self._sites += other._sites

    def lines(self) -> Iterator[Line]:
        """The note; a number in it is that of each site, followed by the total."""
        message, fix = self._said.message, self._said.fix
        if self._each and self._sites > 1:
            message += f" (on each site; {self._total:,} in total)"
        yield note_line(f"{message}; {fix}" if fix else message)


class ProblemTotal:
    """Drafts or posts that one cause blocks."""

    listed: Final = True

    def __init__(
        self,
        word: str,
        style: Style,
        what: str,
        fix: str,
        count: int,
        thing: str,
        names: Counter[str],
        *,
        site: str,
        named: str,
    ) -> None:
        """Those of a site. `names`: how often each name occurs. `named`: how its own lines name them."""
        self.kind: Final = f"{word}: {what}; {fix}"
        self._word, self._style, self._what, self._fix, self._count = word, style, what, fix, count
        self._thing = thing
        self.names: Final = NamesOnSites(site, names, named)

    def add(self, other: ProblemTotal) -> None:
        """Adds others with the same cause."""
        self._count += other._count
        self.names.add(other.names)

    def lines(self) -> Iterator[Line]:
        """The cause, how many it blocks, what to do, and their names."""
        yield from problem_lines(self._word, self._style, self._what, self._fix, self._count, self._thing)
        yield from self.names.lines(self._count)


def counted(count: int, thing: str) -> str:
    """`4 posts`, `2 activities`: how many objects of a kind, whose name may already be plural."""
    return plural(count, thing, "activities" if thing == "activity" else thing if thing.endswith("s") else "")


class FindingTotal:
    """Objects with the same finding in an audit."""

    listed: Final = True

    def __init__(
        self,
        symbol: str,
        style: Style,
        thing: str,
        spans: Sequence[Span],
        fix: str,
        count: int,
        names: Counter[str],
        *,
        site: str,
        named: str,
    ) -> None:
        """The objects of a site. `names`: how often each name occurs. `named`: how its own lines name them."""
        self.kind: Final = "  ".join((symbol, thing, *(span.text for span in spans), fix))
        self._symbol, self._style, self._thing, self._spans, self._fix = symbol, style, thing, spans, fix
        self._count = count
        self.names: Final = NamesOnSites(site, names, named)

    def add(self, other: FindingTotal) -> None:
        """Adds others with the same finding."""
        self._count += other._count
        self.names.add(other.names)

    def lines(self) -> Iterator[Line]:
        """How many there are, what was found, what to do, and their names."""
        yield subject_line(self._symbol, self._style, counted(self._count, self._thing), *self._spans)
        if self._fix:
            yield fix_line(self._fix)
        yield from self.names.lines(self._count, Style.DIM)


def problem_lines(word: str, style: Style, what: str, fix: str, count: int, thing: str = "draft") -> Iterator[Line]:
    """`! blocked  publishing is paused  (9 drafts)`, and what to do."""
    counted = (Span(f"({plural(count, thing)})", Style.DIM),) if count > 1 else ()
    yield subject_line("!", style, word, Span(what), *counted)
    if fix:
        yield fix_line(fix)


def note_line(note: str) -> Line:
    """A note below what it is about."""
    return Line((Span(f"  note: {note}", Style.DIM),), hang=8)


AS_ABOVE: Final = "as above"
"""The fix of a problem that is shown below another one with the same fix."""

_FIX: Final = "fix:"


def fix_line(fix: str) -> Line:
    """What to do about the line before it."""
    digest = hashlib.blake2b(fix.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return Line((Span(f"fix: {fix}"),), indent=LEFT + 4, hang=LEFT + 9, cause=f"{_FIX}{digest}")


def is_fix(cause: str) -> bool:
    """Whether what identifies the cause of a line identifies a fix."""
    return cause.startswith(_FIX)


def shared_fix(fix: str, causes: int) -> str:
    """A fix shown after the last of the causes that share it: `edit it in the dashboard  (for both of the above)`."""
    every = "both" if causes == 2 else f"all {causes:,}"
    return f"{fix}  (for {every} of the above)" if fix and causes > 1 else fix
