"""Blocks of lines, one per site, in the order of a screen. A block that several sites share is shown only once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Generic

from msgspec import Struct

from reconciler.model.plurals import plural
from reconciler.reporters.layout import Line, Screen, Span, Style, columns
from reconciler.reporters.line_file import KeptText, LineFile
from reconciler.reporters.names_on_sites import MOST_SITES
from reconciler.reporters.post_totals import names_few_sites, names_sites
from reconciler.reporters.shared_block import (
    BlockPart,
    CountsT,
    OfMany,
    Outline,
    SharedBlock,
    SingleBlock,
    has_activities,
)
from reconciler.reporters.totals import (
    APPROVED_DISCARDS,
    AS_ABOVE,
    Total,
    but_for_approved,
    fix_line,
    is_fix,
)

FEW_SITES: Final = 5
"""If fewer sites than this share a block, each gets its own, provided its own lines say more than the shared ones.

Sites whose own lines are all the same share one block, with the lines of one of them. So do this many sites or more
whose own lines differ only in the accounts on which posts go out, unless posts are listed; these show totals.
"""

MOST_LINES: Final = 40
"""How many lines the sites of a shared block may have together before their posts are summed up."""

SEVERAL: Final = 3
"""From how many on, blocks that differ only in values are merged if the screen is too short for all."""

AROUND_LINES: Final = 2
"""A block's heading, and the empty line after it."""

FRAME_LINES: Final = 5
"""The header and the last lines, and the empty lines next to them."""

MOST_NAMES: Final = 5
"""How many sites of a shared block are named if nothing else says which they are."""


class _ScreenBlock(Struct, frozen=True):
    """A block as it is shown: of which sites, with what heading, and its lines, each after its cause."""

    sites: Hashable
    heading: Sequence[str]
    lines: Callable[[], Iterable[tuple[str, str]]]
    names: Sequence[str] = ()


class Blocks(Generic[CountsT]):
    """Takes the blocks of sites as they come, and returns all their lines at the end.

    `changes`: the ranks of blocks that contain only changes; the others contain problems or notes too. Lines with a
    cause that is `repeated` in several blocks are left out of all of them.
    """

    def __init__(
        self, screen: Screen, *, list_sites: bool = False, list_posts: bool = False, changes: Container[int] = ()
    ) -> None:
        self._screen = screen
        self._list_sites = list_sites
        self._list_posts = list_sites or list_posts
        self._changes = changes
        self._file = LineFile(screen)
        self._found: dict[bytes, SingleBlock[CountsT] | SharedBlock[CountsT]] = {}
        self._apart: dict[bytes, SingleBlock[CountsT] | SharedBlock[CountsT]] = {}
        """What sites have apart from their blocks."""
        self._outlines: dict[Outline[CountsT], Outline[CountsT]] = {}
        self._labels: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}
        self._seen: Counter[frozenset[tuple[str, str]]] = Counter()
        self._causes: Counter[str] = Counter()
        self._of_many: dict[bytes, list[KeptText | str]] = {}
        self._but_for_approved: dict[bytes, bytes] = {}

    def saw(self, labels: Sequence[tuple[str, str]]) -> None:
        """Counts a site with its labels, whether or not it has a block."""
        known = frozenset(labels)
        self._seen[self._labels.setdefault(known, known)] += 1

    def add(
        self,
        name: str,
        rank: int,
        common: Sequence[BlockPart],
        own: Callable[[], Sequence[Line]],
        tally: CountsT,
        *,
        differs: bool,
        labels: Sequence[tuple[str, str]] = (),
        of_many: Sequence[BlockPart] = (),
        accounts: Sequence[str] = (),
        apart: bool = False,
    ) -> None:
        """Adds a site's block. `common` is what other sites may share; `own` gives its lines if few share it.

        `differs`: whether it says something that the other sites which share it do not. `tally` holds its counts.
        Sites whose totals differ still share a block if these are of the same kinds. `of_many` is what it may share
        with sites that differ only in their activities or values. `accounts`: where its posts go out, in the words of
        its lines. `apart`: the site's block comes too, with its counts. Both are one if no other site has what is in
        either.
        """
        blocks = self._apart if apart else self._found
        totals = _totals_of(common)
        key = _key_of(rank, common)
        found = blocks.get(key)
        if found is None:
            causes = {part.cause for part in common if isinstance(part, Line)}
            self._causes.update(cause for cause in causes if cause and not is_fix(cause))
            known = frozenset(labels)
            start, length = self._file.keep(lines := own())
            outline = Outline(rank, self._labels.setdefault(known, known), tally, length)
            outline = self._outlines.setdefault(outline, outline)
            if APPROVED_DISCARDS in totals:
                self._but_for_approved[key] = _key_of(rank, common, but_for_approved)
            but_for_accounts, many = _apart_from(accounts, lines), self._keep_of_many(rank, of_many)
            blocks[key] = SingleBlock(outline, name, start, tuple(totals.values()), many, but_for_accounts)
            return
        if isinstance(found, SingleBlock):
            found = blocks[key] = SharedBlock(found)
        found.count += 1
        found.sites += hash(name)
        found.tally += tally
        found.labels &= frozenset(labels)
        for kind, total in totals.items():
            found.totals[kind].add(total)
        if found.of_many is not None:
            found.of_many.add(_totals_of(of_many))
        if not found.shared:
            found.shared = self._keep_parts(common)
        if (differs and self._keep_own(found, own, accounts)) or self._list_sites or len(found.names) <= MOST_NAMES:
            found.names.append(name)

    def _keep_parts(self, parts: Sequence[BlockPart]) -> list[KeptText | str]:
        return [self._file.keep((part,)) if isinstance(part, Line) else part.kind for part in parts]

    def _keep_of_many(self, rank: int, parts: Sequence[BlockPart]) -> OfMany | None:
        if not parts or self._list_posts:
            return None
        key = _key_of(rank, parts)
        if key not in self._of_many:
            self._of_many[key] = self._keep_parts(parts)
        return OfMany(key, _totals_of(parts))

    def _join(self, around: int) -> None:
        """Merges blocks that differ only in their activities or values, if there are many.

        `around`: how many lines the screen has besides the blocks.
        If a run over many sites is longer than a screen, a few that differ only in values are merged too: the values of
        each of their sites are still shown. A block that most of these sites share stays as it is.
        """
        groups: dict[bytes, list[bytes]] = {}
        for key, block in self._found.items():
            if block.of_many is not None:
                groups.setdefault(block.of_many.key, []).append(key)
        lines = around + sum(_height(block) + 1 for block in self._found.values())  # each may have a row in a table
        is_long = self._seen.total() > MOST_SITES and lines > MOST_LINES
        for together, keys in groups.items():
            sites = sum(self._found[key].count for key in keys)
            keys = [key for key in keys if self._found[key].count * 2 <= sites]
            many = len(keys) > FEW_SITES and sum(_height(self._found[key]) for key in keys) > MOST_LINES
            few = is_long and len(keys) >= SEVERAL and sum(self._found[key].count for key in keys) <= MOST_SITES
            named = few and not any(self._has_activities(key) for key in keys)
            if not many and not named:
                continue
            first, *others = (self._found[key] for key in keys)
            joined = self._found[keys[0]] = SharedBlock(first) if isinstance(first, SingleBlock) else first
            for key in keys[1:]:
                del self._found[key]
            joined.absorb(others, self._of_many[together])
        self._join_discards()

    def _has_activities(self, key: bytes) -> bool:
        of_many = self._found[key].of_many
        return of_many is not None and has_activities(of_many.totals.values())

    def _join_discards(self) -> None:
        """Merges blocks that differ from one of many sites only in that drafts thrown away are approved."""
        for key, other in self._but_for_approved.items():
            block, same = self._found.get(key), self._found.get(other)
            if block is None or not isinstance(same, SharedBlock) or self._list_posts or same.count < FEW_SITES:
                continue
            approved = SharedBlock(block) if isinstance(block, SingleBlock) else block
            if approved.has_titles and same.has_titles and not self._one_by_one(same):
                same.add(approved)
                del self._found[key]

    def _keep_own(
        self, found: SharedBlock[CountsT], own: Callable[[], Sequence[Line]], accounts: Sequence[str]
    ) -> bool:
        """Keeps a site's own lines as long as it may get a block of its own, and returns whether it did."""
        if len(found.own) < found.count - 1 or not self._has_own(found):
            return False
        place = self._file.keep(lines := own())
        found.alike_apart = found.alike_apart and _apart_from(accounts, lines) == found.apart
        found.alike = found.alike and [*self._file.read(found.own[0])] == [*self._file.read(place)]
        found.own.append(place)
        found.own_lines += place[1]
        return True

    def _has_own(self, found: SharedBlock[CountsT]) -> bool:
        """Whether the lines of each site of a block are kept."""
        return shown_one_by_one(found.count, found.own_lines, has_posts=found.has_posts, list_posts=self._list_posts)

    def _one_by_one(self, found: SharedBlock[CountsT]) -> bool:
        """Whether each site of a block gets its own. None does if the block names their posts site by site."""
        few = found.count < FEW_SITES or self._list_posts
        return self._has_own(found) and (few or not names_sites(found.totals.values()))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def repeated(self) -> frozenset[str]:
        """The causes that several blocks have."""
        return frozenset(cause for cause, blocks in self._causes.items() if blocks > 1)

    def lines(self, causes: Sequence[str] = (), rank: int = 0) -> Iterator[str]:
        """All lines, worst first, with an empty line after each block; `causes` before the first block of this rank."""
        blocks = self._in_order([*self._joined(len(causes) + FRAME_LINES), *self._apart.values()])
        together = self._together(blocks)
        worse = sum(block.rank < rank for block in blocks)
        yield from self._lines_of_blocks(blocks[:worse], together)
        yield from causes
        yield from self._lines_of_blocks(blocks[worse:], together)

    def _joined(self, around: int = 0) -> Iterable[SingleBlock[CountsT] | SharedBlock[CountsT]]:
        self._join(around)
        return self._found.values()

    def _in_order(
        self, blocks: Iterable[SingleBlock[CountsT] | SharedBlock[CountsT]]
    ) -> list[SingleBlock[CountsT] | SharedBlock[CountsT]]:
        """Worst first; of the same rank, those that throw approved drafts away, then in the order of the sites."""
        return sorted(blocks, key=lambda block: (block.rank, not block.loses_approved))

    def _together(
        self, blocks: Iterable[SingleBlock[CountsT] | SharedBlock[CountsT]]
    ) -> dict[Hashable, list[_ScreenBlock]]:
        """What is shown in one block, by its sites, because no other site has any of it."""
        together: dict[Hashable, list[_ScreenBlock]] = {
            shown.sites: [] for block in self._apart.values() for shown in self._shown(block)
        }
        for block in blocks if together else ():
            for shown in self._shown(block):
                if shown.sites in together:
                    together[shown.sites].append(shown)
        return together

    def _lines_of_blocks(
        self,
        blocks: Iterable[SingleBlock[CountsT] | SharedBlock[CountsT]],
        together: dict[Hashable, list[_ScreenBlock]],
    ) -> Iterator[str]:
        for block in blocks:
            for shown in self._shown(block):
                parts = together.get(shown.sites, [shown])
                if shown.sites in together:
                    together[shown.sites] = []
                lines = [*self._lines_once(parts)]
                if not lines:
                    continue
                yield from (*shown.heading, *lines)
                if shown.names:
                    yield from Line((Span(f"sites: {', '.join(shown.names)}"),), indent=2, hang=4).on(self._screen)
                yield ""

    def _shown(self, block: SingleBlock[CountsT] | SharedBlock[CountsT]) -> Iterator[_ScreenBlock]:
        """The block that sites share, or that of each."""
        found = SharedBlock(block) if isinstance(block, SingleBlock) else block
        kept = found.count == len(found.own) and self._has_own(found)
        alike = found.alike or (found.alike_apart and found.count >= FEW_SITES and not self._list_posts)
        if kept and (found.count == 1 or not alike) and self._one_by_one(found):
            for name, place in zip(found.names, found.own, strict=False):
                heading = [self._screen.paint(name, Style.BOLD)]
                yield _ScreenBlock((hash(name), 1, False), heading, partial(self._file.read, place))
            return
        each = kept and found.alike
        head = "Same change on " if found.rank in self._changes else "Same on "
        head += self._which(found, self._screen.width - len(head), named=each)
        head += ", each:" if each and found.totals else ""
        heading = [*Line((Span(head, Style.BOLD),)).on(self._screen)]
        lines = partial(self._file.read, found.own[0]) if each else partial(self._lines_of, found)
        yield _ScreenBlock(
            (found.sites, found.count, bool(each and found.totals)),
            heading,
            lines,
            found.names if self._list_sites else (),
        )

    def _lines_of(self, found: SharedBlock[CountsT]) -> Iterator[tuple[str, str]]:
        for part in found.shared:
            if isinstance(part, str):
                for line in found.totals[part].lines():
                    yield from ((line.cause, text) for text in line.on(self._screen))
            else:
                yield from self._file.read(part)

    def _lines_once(self, parts: Iterable[_ScreenBlock]) -> Iterator[str]:
        """The lines without causes that are shown above; a fix of several parts is shown with the first of them."""
        said: set[str] = set()
        for part in parts:
            now: set[str] = set()
            for cause, text in part.lines():
                if cause and cause in said and cause not in now:
                    yield from fix_line(AS_ABOVE).on(self._screen)
                elif cause not in said and self._causes[cause] < 2:
                    yield text
                now.add(cause)
            said |= now - {""}

    def rows(self) -> Iterator[tuple[int, str, CountsT, int]]:
        """Rank, name, counts and number of sites of each block; sites that share one share a row."""
        for found in self._in_order(self._joined()):
            if isinstance(found, SingleBlock):
                yield found.rank, found.name, found.tally, 1
            else:
                yield found.rank, plural(found.count, "site"), found.tally, found.count

    def sites_below(self, rank: int) -> int:
        """How many sites have a block that comes before a rank."""
        below = (found for found in self._found.values() if found.rank < rank)
        return sum(1 if isinstance(found, SingleBlock) else found.count for found in below)

    def _which(self, found: SharedBlock[CountsT], room: int, *, named: bool) -> str:
        """A few sites by name; `all 223 sites`; `215 sites (team=emea)` if all with a label share the block.

        `90 sites (of 215 with team=emea)` if others with the label do not; without a label, some of their names, as
        many as there is room for, unless all are shown.
        `named`: the block names their posts.
        """
        count, sites = found.count, f"{found.count:,} sites"
        listed = self._list_sites or (not named and names_few_sites(found.totals.values(), count))
        if count <= MOST_NAMES:
            return sites if listed and not found.has_titles else f"{sites} ({', '.join(found.names)})"
        more = "" if listed else f"list {self._what_to_list(found, named=named)} with --sites"
        if count == self._seen.total():
            return f"all {sites}{f' ({more})' if more else ''}"
        labels = ", ".join(f"{key}={value}" for key, value in sorted(found.labels))
        of = sum(count for seen, count in self._seen.items() if found.labels <= seen) if labels else 0
        known = f"of {of:,} with {labels}" if of > count else labels
        first = [] if known or listed else [f"{', '.join(found.names[:most])}, …" for most in (3, 2, 1)]
        texts = [f"{sites} ({'; '.join(part for part in (about, more) if part)})" for about in first or [known]]
        if not known and not more:
            return sites
        return next((text for text in texts if columns(text) <= room), texts[-1])

    def _what_to_list(self, found: SharedBlock[CountsT], *, named: bool) -> str:
        if found.has_posts and not named:
            return "them and their posts"
        if found.has_titles:
            return "them"
        return "them and their activities" if has_activities(found.totals.values()) else "their values"


def _height(block: SingleBlock[CountsT] | SharedBlock[CountsT]) -> int:
    """About how many lines of the screen a block takes, with its heading and the empty line after it."""
    if isinstance(block, SharedBlock) and block.own and len(block.own) < block.count:
        return block.own_lines // len(block.own) + AROUND_LINES
    return block.own_lines + AROUND_LINES * block.count


def _totals_of(parts: Iterable[BlockPart]) -> dict[str, Total]:
    return {part.kind: part for part in parts if not isinstance(part, Line)}


def apart_from(accounts: Sequence[str], texts: Iterable[str]) -> bytes:
    """Identifies what lines say apart from the accounts that they name; empty without accounts."""
    if not accounts:
        return b""
    text = "\n".join(texts)
    for account in sorted(accounts, key=len, reverse=True):
        text = text.replace(f" on {account}", " on ACCOUNT")
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=15).digest()


def _apart_from(accounts: Sequence[str], lines: Iterable[Line]) -> bytes:
    return apart_from(accounts, (span.text for line in lines for span in line.spans))


def _key_of(rank: int, parts: Iterable[BlockPart], kind_of: Callable[[str], str] = str) -> bytes:
    """Identifies a block that sites may share, by its lines and the kinds of its totals."""
    found = [part if isinstance(part, Line) else kind_of(part.kind) for part in parts]
    return hashlib.blake2b(repr((rank, found)).encode("utf-8", "surrogatepass"), digest_size=15).digest()


def shown_one_by_one(sites: int, lines: int, *, has_posts: bool, list_posts: bool) -> bool:
    """Whether sites that could share a block each get their own.

    They do if there are few of them, if all are to be listed, or if they have posts that fit on a screen.
    """
    return sites < FEW_SITES or list_posts or (has_posts and lines <= MOST_LINES)


def all_or_part(listed: int, sites: int) -> str:
    """The name of a table's last row: `all 223 sites`, or `9 of 10 sites` if the others have no row."""
    if sites == 1:
        return "1 site"
    if sites == listed == 2:
        return "both sites"
    return f"all {sites:,} sites" if listed == sites else f"{listed:,} of {sites:,} sites"
