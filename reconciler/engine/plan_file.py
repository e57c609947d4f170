"""Saved plans on disk, read site by site, so that memory does not grow with their number.

A document in the layout that this version writes, one site per line, is read that way. A document in another layout is
read as a whole.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import compress, pairwise
from pathlib import Path
from typing import IO, Final

from reconciler.config.regular_files import NotRegular, open_regular
from reconciler.model.address import SiteName
from reconciler.model.canonical import Absent
from reconciler.model.codec import Malformed, from_json, from_plain, parse, sorted_json, to_plain
from reconciler.model.diagnostics import Place, UsageError
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.document import (
    FORMAT_VERSION,
    INDENT,
    KIND,
    SITES,
    AlteredPlan,
    PlanDocument,
    SavedPlan,
    Seal,
    UnreadablePlan,
    UnusablePlan,
    ending,
    facts_digest,
    from_text,
    saved_of,
    site_digest,
    site_line,
    to_lines,
)
from reconciler.spool import Spool
from reconciler.whole_files import replacing

LARGEST: Final = 2 * 1024 * 1024 * 1024
"""The largest plan file that is read, in bytes: a plan of a thousand sites has a few million."""

TAIL: Final = 10_000
"""The most bytes for everything but the sites."""

LARGEST_SITE: Final = 64 * 1024 * 1024
"""The most bytes for one site's plan."""

LARGEST_WHOLE: Final = 256 * 1024 * 1024
"""The largest plan file that is read as a whole, in bytes."""


def bare(plan: Plan) -> Plan:
    """What must be saved of a plan: for a site with nothing to do or report, only its identity and digest."""
    reported = plan.blocked or plan.refusals or plan.to_review or plan.notes or plan.still_going_out or plan.ended
    if plan.actions or reported:
        return plan
    return Plan(plan.site, config=plan.config, time_zone=plan.time_zone)


class StoredPlans(Collection[Plan]):
    """Plans that are kept on disk, and decoded when needed; sorted by site name, unless in the order of the files."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._names: list[SiteName] = []
        self._numbers = array("Q")
        """The number of each site's piece in the spool."""
        self._positions: list[int] = []
        self._by_name = True

    def add(self, plan: Plan, line: bytes | None = None) -> None:
        """Adds a plan. `line` is its `site_line`, if already available."""
        self._numbers.append(self._spool.append(site_line(plan) if line is None else line))
        self._names.append(plan.site.name)
        self._positions.append(position_of(plan))

    def lines(self) -> Iterator[bytes]:
        """The `site_line` of each plan."""
        order = sorted(range(len(self)), key=self._names.__getitem__)
        for at in order if self._by_name else sorted(order, key=self._positions.__getitem__):
            yield self._spool[self._numbers[at]]

    def of_sites(self, wanted: Callable[[SiteName], bool]) -> StoredPlans:
        """The plans of some sites."""
        found = StoredPlans()
        found._spool = self._spool
        chosen = [wanted(name) for name in self._names]
        found._names = list(compress(self._names, chosen))
        found._numbers = array("Q", compress(self._numbers, chosen))
        found._positions = list(compress(self._positions, chosen))
        return found

    def in_file_order(self) -> StoredPlans:
        """The same plans, sorted by the order of the sites' files."""
        found = self.of_sites(lambda _: True)
        found._by_name = False
        return found

    @property
    def in_order(self) -> bool:
        """Whether they were added in order."""
        return all(before <= after for before, after in pairwise(self._names))

    def __iter__(self) -> Iterator[Plan]:
        return (from_json(Plan, line) for line in self.lines())

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, plan: object) -> bool:
        return any(plan == kept for kept in self)


def plans_of_sites(plans: Collection[Plan], wanted: Callable[[SiteName], bool]) -> Collection[Plan]:
    """The plans of some sites."""
    if isinstance(plans, StoredPlans):
        return plans.of_sites(wanted)
    return tuple(plan for plan in plans if wanted(plan.site.name))


def position_of(plan: Plan) -> int:
    """The place of a saved plan's site among all sites of the project; 0 if an earlier version saved the plan."""
    return 0 if isinstance(plan.background, Absent) else plan.background.position


def in_file_order(plans: Collection[Plan]) -> Collection[Plan]:
    """Saved plans in the order in which they were made."""
    return plans.in_file_order() if isinstance(plans, StoredPlans) else sorted(plans, key=position_of)


def write_plan(file: Path, saved: SavedPlan) -> None:
    """Writes a saved plan. Raises UsageError if the file cannot be written."""
    lines = saved.plans.lines() if isinstance(saved.plans, StoredPlans) else map(site_line, saved.plans)
    write_file(file, to_lines(saved, lines))


def write_file(file: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file completely or not at all. Only its owner may read it: it says what will be published.

    Raises UsageError if that fails.
    """
    try:
        with replacing(file, 0o600) as out:
            for piece in pieces:
                out.write(piece)
    except OSError as error:
        raise unwritable(file, error) from None


def unwritable(file: Path, error: OSError) -> UsageError:
    """Why the file of `--out` cannot be written."""
    return UsageError(f"--out {printable(str(file))} cannot be written: {error.strerror}", "choose another file")


def plan_in(file: Path) -> SavedPlan | UnusablePlan:
    """The saved plan in a file, or why it may not be applied. Raises UsageError for a file that is not a plan."""
    try:
        return read_plan(file)
    except UnusablePlan as refused:
        return refused


def readable_plan(file: Path) -> SavedPlan:
    """The saved plan in a file. Raises UsageError if the file is not a plan, or was altered."""
    try:
        return read_plan(file)
    except AlteredPlan as error:
        raise UsageError(error.what, error.fix, Place(printable(str(file)))) from None


def read_plan(file: Path) -> SavedPlan:
    """The saved plan in a file. Raises UnreadablePlan and AlteredPlan."""
    name = printable(str(file))
    try:
        with open_regular(file) as opened:
            if os.fstat(opened.fileno()).st_size > LARGEST:
                raise UnreadablePlan(name, "is not a saved plan: it is too large")
            saved = _by_lines(opened)
            if saved is not None:
                return saved
            opened.seek(0)
            data = opened.read(LARGEST_WHOLE + 1)
    except NotRegular:
        raise UnreadablePlan(name, "is not a regular file", "name the file that plan --out wrote") from None
    except OSError as error:
        raise UnreadablePlan(name, f"cannot be read: {error.strerror}", "check the path") from None
    if len(data) > LARGEST_WHOLE:
        raise UnreadablePlan(name, "is not a saved plan: it is too large")
    return from_text(data, name)


def _by_lines(opened: IO[bytes]) -> SavedPlan | None:
    """The saved plan in a file with this version's layout.

    None for any other file, and for one that was altered: reading it as a whole shows what is wrong.
    """
    plans, digests = StoredPlans(), []
    try:
        saved = _head(opened, plans)
        if saved is None:
            return None
        seal, line = Seal(saved), b""
        for line in iter(lambda: opened.readline(LARGEST_SITE), b""):
            if not line.startswith(INDENT):
                break
            text = line.strip().removesuffix(b",")
            plan = from_json(Plan, text)
            plans.add(plan, text)
            digests.append(site_digest(plan))
            seal.add(sorted_json(to_plain(plan)))
    except (Malformed, OverflowError):
        return None
    saved.__dict__["seal"] = seal.digest()  # the value of the property, without reading all sites again
    whole = line + opened.read(TAIL) == ending(saved.seal) and plans.in_order
    return saved if whole and saved.digest == facts_digest(saved.api, saved.valid_for, digests) else None


def _head(opened: IO[bytes], plans: StoredPlans) -> SavedPlan | None:
    """What comes before the sites, with the digest that it names."""
    head = b""
    for line in iter(lambda: opened.readline(TAIL), b""):
        if line.startswith(SITES):
            break
        head += line
        if len(head) > TAIL:
            return None
    else:
        return None
    if line != SITES + b"\n":  # no sites at all, or another layout
        return None
    found = from_plain(PlanDocument, parse(head.rstrip().removesuffix(b",") + b"}"), exact=False)
    if (found.kind, found.format_version) != (KIND, FORMAT_VERSION):
        return None
    saved = saved_of(found, plans)
    saved.__dict__["digest"] = found.digest
    return saved if saved.expires_at == found.expires_at else None
