"""Blocks of lines, one per site, in the order of a screen. A block that several sites share is shown only once.

Blocks wait in a temporary file, so that memory does not grow with the text of a run over many sites.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import Final, Generic, Protocol, Self, TypeVar

from msgspec import Struct

from reconciler.model.plurals import plural
from reconciler.reporters.layout import Line, Screen, Span, Style
from reconciler.reporters.totals import APPROVED_DISCARDS, Total, but_for_approved

IN_MEMORY: Final = 256 * 1024
"""How many bytes of text are kept in memory before they go to a file."""

FEW_SITES: Final = 5
"""If fewer sites than this share a block, each gets its own, provided its own lines say more than the shared ones.

Sites whose own lines are all the same share one block, with the lines of one of them. So do this many sites or more
whose own lines differ only in the accounts on which posts go out, unless posts are listed; these show totals.
"""

MOST_NAMES: Final = 5
"""How many sites of a shared block are named if nothing else says which they are."""


class _Adds(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


CountsT = TypeVar("CountsT", bound=_Adds)
BlockPlace = tuple[int, int]
"""Where a text starts in the file, and how many lines it has."""

BlockPart = Line | Total
"""A part of what sites share: a line that is the same on all of them, or something that adds up."""

_CAUSE_END: Final = "\x1f"
"""What follows the cause of a line in the file. No line has it: control characters are made visible."""

MOST_LINES: Final = 40
"""How many lines the sites of a shared block may have together before their posts are summed up."""


class _OfMany(Struct, gc=False):
    """What a block may share with those that differ from it only in their activities."""

    key: bytes
    totals: dict[str, Total]

    def add(self, totals: Mapping[str, Total]) -> None:
        """Adds the totals of another site, or of sites with another block."""
        for kind, total in totals.items():
            self.totals[kind].add(total)


class _Outline(Struct, Generic[CountsT], frozen=True):
    """What many blocks have in common even if their text differs."""

    rank: int
    labels: frozenset[tuple[str, str]]
    tally: CountsT
    length: int


class _Single(Struct, Generic[CountsT], gc=False):
    """What is kept about a block that one site has, and where its text is. Small, because there may be thousands."""

    outline: _Outline[CountsT]
    name: str
    start: int
    totals: tuple[Total, ...]
    of_many: _OfMany | None = None
    apart: bytes = b""
    """What its lines say apart from the accounts on which posts go out; empty if none do."""

    @property
    def rank(self) -> int:
        """Its place in the order of the screen."""
        return self.outline.rank

    @property
    def tally(self) -> CountsT:
        """The site's counts."""
        return self.outline.tally

    @property
    def count(self) -> int:
        """How many sites have it."""
        return 1

    @property
    def own_lines(self) -> int:
        """How many lines it has."""
        return self.outline.length

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of its totals."""
        return [total.kind for total in self.totals]


class _Shared(Generic[CountsT]):
    """What is kept about a block that several sites may have: how many do, and where its text is."""

    __slots__ = (
        "alike",
        "alike_apart",
        "apart",
        "count",
        "has_titles",
        "labels",
        "names",
        "of_many",
        "own",
        "own_lines",
        "rank",
        "shared",
        "tally",
        "totals",
    )

    def __init__(self, first: _Single[CountsT]) -> None:
        outline = first.outline
        self.rank = outline.rank
        self.labels = outline.labels
        self.count = 1
        self.tally = outline.tally
        self.names = [first.name]
        self.own: list[BlockPlace] = [(first.start, outline.length)]
        self.own_lines = outline.length
        self.alike = self.has_titles = True
        self.apart, self.alike_apart = first.apart, bool(first.apart)
        self.of_many = first.of_many
        self.totals = {total.kind: total for total in first.totals}
        self.shared: list[BlockPlace | str] = []

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of its totals."""
        return self.totals

    @property
    def has_posts(self) -> bool:
        """Whether posts go out, move, are cancelled or blocked there."""
        return any(total.listed for total in self.totals.values())

    def absorb(self, others: Iterable[_Single[CountsT] | _Shared[CountsT]], parts: Iterable[BlockPlace | str]) -> None:
        """Merges in blocks that differ only in their activities. `parts`: what all of them share."""
        assert self.of_many is not None
        for block in others:
            other = _Shared(block) if isinstance(block, _Single) else block
            assert other.of_many is not None
            self._take(other)
            self.of_many.add(other.of_many.totals)
        self.shared, self.totals = list(parts), self.of_many.totals
        self.own, self.of_many, self.has_titles = [], None, False

    def add(self, other: _Shared[CountsT]) -> None:
        """Merges in a block that differs only in that some of the drafts thrown away are approved."""
        self._take(other)
        for kind, total in other.totals.items():
            self.totals[but_for_approved(kind)].add(total)
        self.own = []

    def _take(self, other: _Shared[CountsT]) -> None:
        """Adds the sites of another block."""
        self.count += other.count
        self.tally += other.tally
        self.labels &= other.labels
        self.names += other.names


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
        self._text: SpooledTemporaryFile[str] | None = None
        self._found: dict[bytes, _Single[CountsT] | _Shared[CountsT]] = {}
        self._outlines: dict[_Outline[CountsT], _Outline[CountsT]] = {}
        self._labels: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}
        self._seen: Counter[frozenset[tuple[str, str]]] = Counter()
        self._causes: Counter[str] = Counter()
        self._of_many: dict[bytes, list[BlockPlace | str]] = {}
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
    ) -> None:
        """Adds a site's block. `common` is what other sites may share; `own` gives its lines if few share it.

        `differs`: whether it says something that the other sites which share it do not. `tally` holds its counts.
        Sites whose totals differ still share a block if these are of the same kinds. `of_many` is what it may share
        with sites that differ only in their activities. `accounts`: where its posts go out, in the words of its lines.
        """
        totals = _totals_of(common)
        key = _key_of(rank, common)
        found = self._found.get(key)
        if found is None:
            self._causes.update({part.cause for part in common if isinstance(part, Line) and part.cause})
            known = frozenset(labels)
            start, length = self._keep(lines := own())
            outline = _Outline(rank, self._labels.setdefault(known, known), tally, length)
            outline = self._outlines.setdefault(outline, outline)
            if APPROVED_DISCARDS in totals:
                self._but_for_approved[key] = _key_of(rank, common, but_for_approved)
            apart, many = _apart_from(accounts, lines), self._keep_of_many(rank, of_many)
            self._found[key] = _Single(outline, name, start, tuple(totals.values()), many, apart)
            return
        if isinstance(found, _Single):
            found = self._found[key] = _Shared(found)
        found.count += 1
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

    def _keep_parts(self, parts: Sequence[BlockPart]) -> list[BlockPlace | str]:
        return [self._keep((part,)) if isinstance(part, Line) else part.kind for part in parts]

    def _keep_of_many(self, rank: int, parts: Sequence[BlockPart]) -> _OfMany | None:
        if not parts or self._list_posts:
            return None
        key = _key_of(rank, parts)
        if key not in self._of_many:
            self._of_many[key] = self._keep_parts(parts)
        return _OfMany(key, _totals_of(parts))

    def _join(self) -> None:
        """Merges blocks that differ only in their activities, if there are many.

        A block that most of these sites share stays as it is.
        """
        groups: dict[bytes, list[bytes]] = {}
        for key, block in self._found.items():
            if block.of_many is not None:
                groups.setdefault(block.of_many.key, []).append(key)
        for together, keys in groups.items():
            sites = sum(self._found[key].count for key in keys)
            keys = [key for key in keys if self._found[key].count * 2 <= sites]
            if len(keys) <= FEW_SITES or sum(self._found[key].own_lines for key in keys) <= MOST_LINES:
                continue
            first, *others = (self._found[key] for key in keys)
            joined = self._found[keys[0]] = _Shared(first) if isinstance(first, _Single) else first
            for key in keys[1:]:
                del self._found[key]
            joined.absorb(others, self._of_many[together])
        self._join_discards()

    def _join_discards(self) -> None:
        """Merges blocks that differ only in whether some of the drafts thrown away are approved, if many have each."""
        for key, other in self._but_for_approved.items():
            block, same = self._found.get(key), self._found.get(other)
            if not (isinstance(block, _Shared) and isinstance(same, _Shared) and block.has_titles and same.has_titles):
                continue
            if min(block.count, same.count) >= FEW_SITES and not self._one_by_one(block):
                same.add(block)
                del self._found[key]

    def _keep_own(self, found: _Shared[CountsT], own: Callable[[], Sequence[Line]], accounts: Sequence[str]) -> bool:
        """Keeps a site's own lines as long as it may get a block of its own, and returns whether it did."""
        if len(found.own) < found.count - 1 or not self._one_by_one(found):
            return False
        place = self._keep(lines := own())
        found.alike_apart = found.alike_apart and _apart_from(accounts, lines) == found.apart
        found.alike = found.alike and [*self._read(found.own[0])] == [*self._read(place)]
        found.own.append(place)
        found.own_lines += place[1]
        return True

    def _one_by_one(self, found: _Shared[CountsT]) -> bool:
        """Whether each site of a block gets its own."""
        return shown_one_by_one(found.count, found.own_lines, has_posts=found.has_posts, list_posts=self._list_posts)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def repeated(self) -> frozenset[str]:
        """The causes that several blocks have."""
        return frozenset(cause for cause, blocks in self._causes.items() if blocks > 1)

    def lines(self, causes: Sequence[str] = (), rank: int = 0) -> Iterator[str]:
        """All lines, worst first, with an empty line after each block; `causes` before the first block of this rank."""
        blocks = self._in_order()
        worse = sum(block.rank < rank for block in blocks)
        yield from self._lines_of_blocks(blocks[:worse])
        yield from causes
        yield from self._lines_of_blocks(blocks[worse:])

    def _in_order(self) -> list[_Single[CountsT] | _Shared[CountsT]]:
        """Worst first; of the same rank, those that throw approved drafts away, then in the order of the sites."""
        self._join()
        return sorted(self._found.values(), key=lambda block: (block.rank, APPROVED_DISCARDS not in block.kinds))

    def _lines_of_blocks(self, blocks: Iterable[_Single[CountsT] | _Shared[CountsT]]) -> Iterator[str]:
        for block in blocks:
            found = _Shared(block) if isinstance(block, _Single) else block
            own = found.count == len(found.own) and self._one_by_one(found)
            apart = found.alike_apart and found.count >= FEW_SITES and not self._list_posts
            if own and (found.count == 1 or not (found.alike or apart)):
                for name, place in zip(found.names, found.own, strict=False):
                    if lines := [*self._read(place)]:
                        yield from (self._screen.paint(name, Style.BOLD), *lines, "")
                continue
            each = own and found.alike
            lines = [*(self._read(found.own[0]) if each else self._lines_of(found))]
            if not lines:
                continue
            head = f"{'Same change' if found.rank in self._changes else 'Same'} on {self._which(found, named=each)}"
            head += ", each:" if each and found.totals else ""
            yield from Line((Span(head, Style.BOLD),)).on(self._screen)
            yield from lines
            if self._list_sites:
                yield from Line((Span(f"sites: {', '.join(found.names)}"),), indent=2, hang=4).on(self._screen)
            yield ""

    def _lines_of(self, found: _Shared[CountsT]) -> Iterator[str]:
        for part in found.shared:
            if isinstance(part, str):
                for line in found.totals[part].lines():
                    yield from line.on(self._screen)
            else:
                yield from self._read(part)

    def rows(self) -> Iterator[tuple[int, str, CountsT, int]]:
        """Rank, name, counts and number of sites of each block; sites that share one share a row."""
        for found in self._in_order():
            if isinstance(found, _Single):
                yield found.rank, found.name, found.tally, 1
            else:
                yield found.rank, plural(found.count, "site"), found.tally, found.count

    def sites_below(self, rank: int) -> int:
        """How many sites have a block that comes before a rank."""
        below = (found for found in self._found.values() if found.rank < rank)
        return sum(1 if isinstance(found, _Single) else found.count for found in below)

    def _which(self, found: _Shared[CountsT], *, named: bool) -> str:
        """A few sites by name; `all 223 sites`; `215 sites (team=emea)` if all with a label share the block.

        `90 sites (of 215 with team=emea)` if others with the label do not; without a label, some of their names.
        `named`: the block names their posts.
        """
        if found.count <= MOST_NAMES:
            return f"{found.count:,} sites ({', '.join(found.names)})"
        posts = "" if found.has_titles else " and their activities"
        posts = " and their posts" if found.has_posts and not named else posts
        more = "" if self._list_sites else f"list them{posts} with --sites"
        if found.count == self._seen.total():
            return f"all {found.count:,} sites{f' ({more})' if more else ''}"
        labels = ", ".join(f"{key}={value}" for key, value in sorted(found.labels))
        of = sum(count for seen, count in self._seen.items() if found.labels <= seen) if labels else 0
        known = f"of {of:,} with {labels}" if of > found.count else labels or f"{', '.join(found.names[:3])}, …"
        return f"{found.count:,} sites ({'; '.join(part for part in (known, more) if part)})"

    def _keep(self, lines: Sequence[Line]) -> BlockPlace:
        if self._text is None:
            self._text = SpooledTemporaryFile(  # noqa: SIM115 - open until all lines are shown
                IN_MEMORY, "w+", encoding="utf-8", errors="surrogatepass", newline="\n"
            )
            weakref.finalize(self, self._text.close)
        self._text.seek(0, 2)
        start, count = self._text.tell(), 0
        for line in lines:
            for text in line.on(self._screen):
                self._text.write(f"{line.cause}{_CAUSE_END if line.cause else ''}{text.rstrip()}\n")
                count += 1
        return start, count

    def _read(self, place: BlockPlace) -> Iterator[str]:
        assert self._text is not None
        self._text.seek(place[0])
        for _ in range(place[1]):
            cause, _, text = self._text.readline().rstrip("\n").rpartition(_CAUSE_END)
            if self._causes[cause] < 2:
                yield text


def _totals_of(parts: Iterable[BlockPart]) -> dict[str, Total]:
    return {part.kind: part for part in parts if not isinstance(part, Line)}


def _apart_from(accounts: Sequence[str], lines: Iterable[Line]) -> bytes:
    """Identifies what lines say apart from the accounts that they name; empty without accounts."""
    if not accounts:
        return b""
    text = "\n".join(span.text for line in lines for span in line.spans)
    for account in sorted(accounts, key=len, reverse=True):
        text = text.replace(f" on {account}", " on ACCOUNT")
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=15).digest()


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
