"""Diagnostic: one problem of any origin, as a value: from files, policy, the API, drift and blocked items alike.

It becomes a sentence only in `reporters/`, and a verdict, with its exit code, only in `engine/verdict.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Self

from msgspec.structs import replace

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.content import Difference
from reconciler.model.frozen import Struct
from reconciler.model.plurals import plural, some_of
from reconciler.model.text import about


class Place(Struct, frozen=True, order=True, gc=False):
    """A position in a file. Lines and columns count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a problem matters. An error stops what it is about; a warning is shown; a note is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Diagnostic(Struct, frozen=True):
    """One problem. `code` is a slug that programs may rely on; `message` says what is wrong, `fix` what to do.

    `place` is in a file, `address` names an object of a site, `request_id` is the remote side's own id for the request
    (`x-wix-request-id`, S-sdk). Each is None if it is unknown or does not apply. `name` is what people call the object:
    a problem shared by several objects is reported once, with their names. `call` is what was asked of the remote side,
    and its answer; the message ends with it, and screens show it last. `differences` give in full what a message about
    reviewed content sums up. `says_name`: the message begins with what it is about, which is `name` if that is set.
    `continues`: the message continues a sentence that begins with the file it is about, such as "cannot be read".
    `shared`: message and fix without what differs from site to site, if several sites may have the problem.
    """

    code: str
    message: str
    fix: str = ""
    severity: Severity = Severity.ERROR
    place: Place | None = None
    address: Address | None = None
    request_id: str | None = None
    name: str = ""
    call: str = ""
    differences: tuple[Difference, ...] = ()
    says_name: bool | Absent = ABSENT
    continues: bool | Absent = ABSENT
    shared: tuple[str, str] | Absent = ABSENT

    @classmethod
    def note(cls, code: str, message: str, fix: str = "") -> Self:
        """A remark, not a problem."""
        return cls(code, message, fix, Severity.NOTE)

    @property
    def cause(self) -> str:
        """The message without the call: the same whatever call was being made when the cause appeared."""
        return self.message.removesuffix(f" ({self.call})") if self.call else self.message

    @property
    def cause_and_place(self) -> str:
        """The cause with its place, if it has one: `policy.quietHours: ... (reconciler.yaml:3:5)`."""
        return self.cause if self.place is None else f"{self.cause} ({self.place})"

    def at(self, place: Place) -> Self:
        """The problem, once it is known where it is."""
        return replace(self, place=place)

    def at_site(self, site: SiteName | None) -> Self:
        """The problem with the site at which it occurred, unless it already says where, or there is no site."""
        return self if site is None or self.address else replace(self, address=Address(site))

    def and_then(self, more: str) -> Self:
        """The problem, with what was found out later added at the end."""
        return self.saying(f"{self.cause}; {more}")

    def because_of(self, what: str) -> Self:
        """The problem, with its real cause in front: `the event is read-only (not found)`."""
        return replace(self.saying(f"{what} ({self.cause})"), says_name=ABSENT, continues=ABSENT)

    def while_(self, doing: str) -> Self:
        """The problem, with what was being done when it occurred: `reading it back failed: no connection`."""
        return replace(self, message=f"{doing}: {self.message}", says_name=ABSENT, continues=ABSENT)

    def named(self, name: str) -> Self:
        """The problem, with the name of its object in front, if it has one and the message does not begin with it."""
        return self if self.says_name is True or not name else replace(self.while_(name), name=name, says_name=True)

    def saying(self, cause: str) -> Self:
        """The problem with another cause, and with the call after it if there was one."""
        return replace(self, message=f"{cause} ({self.call})" if self.call else cause)

    @property
    def file(self) -> str:
        """The file it is in; empty if none."""
        return self.place.file if self.place is not None else ""

    @property
    def line(self) -> int:
        """The line it is in; 0 if none."""
        return self.place.line if self.place is not None else 0

    @property
    def column(self) -> int:
        """The column it is in; 0 if none."""
        return self.place.column if self.place is not None else 0

    @property
    def unnamed(self) -> str:
        """The message without the name of its object: the same for every object that has the problem."""
        if self.says_name is not True or not self.name:
            return self.message
        return self.message.removeprefix(self.name).removeprefix(":").lstrip()

    @property
    def about(self) -> Address:
        """The object it is about, which the planner always sets."""
        assert self.address is not None
        return self.address


class ProblemRecord(Struct, frozen=True, omit_defaults=True):
    """One problem in a report. What is not known is left out."""

    code: str
    severity: Severity
    message: str
    fix: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    address: Address | None = None
    request_id: str | None = None


NOT_REVIEWED = "not-reviewed"
"""The code of a problem with the approvals file or the gallery of a site that was read."""

INVALID_FILE = "invalid-file"
"""The code of a problem in a file that has no code of its own."""


MORE_PROBLEMS = "more-problems"
"""The code of the message that counts the problems that are not listed."""


def mistake(message: str, fix: str, *, continues: bool = False) -> Diagnostic:
    """A problem in a file, still without its place: the caller adds that (`Diagnostic.at`)."""
    return Diagnostic(INVALID_FILE, message, fix, continues=continues or ABSENT)


def problem(
    place: Place, message: str, fix: str = "", *, code: str = INVALID_FILE, continues: bool = False
) -> Diagnostic:
    """A problem in a file: where, what (with its path in the document), and what would be right."""
    return Diagnostic(code, message, fix, place=place, continues=continues or ABSENT)


def warning(place: Place, message: str, fix: str = "", *, code: str, continues: bool = False) -> Diagnostic:
    """Something in a file that is almost certainly a mistake, but stops nothing."""
    return Diagnostic(code, message, fix, Severity.WARNING, place, continues=continues or ABSENT)


MOST_POSTS = 10
"""How many posts with the same problem are named, if they are all on one site."""

MOST_SITES = 5
"""How many sites with the same problem are named; the rest are counted."""


def of_a_post(problem: Diagnostic) -> bool:
    """Whether a problem is about a post, and names it."""
    return problem.address is not None and problem.address.kind is Kind.DRAFT and bool(problem.name)


def of_all_posts(same: Sequence[Diagnostic]) -> Diagnostic:
    """The same problem of several posts as one: `the approval was withdrawn: 300 posts on 100 sites (a, b, c, ...)`.

    The posts are named if they are all on one site.
    """
    first, posts = same[0], plural(len(same), "post")
    sites = list(dict.fromkeys(problem.about.site for problem in same))
    if len(sites) == 1:
        which = f"{posts} ({some_of([problem.name for problem in same], MOST_POSTS)})"
    else:
        listed = "; list them with --sites" if len(sites) > MOST_SITES else ""
        which = f"{posts} on {plural(len(sites), 'site')} ({some_of(sites, MOST_SITES)}{listed})"
    address = Address(sites[0]) if len(sites) == 1 else None
    return replace(first, message=f"{first.unnamed}: {which}", address=address, name="", says_name=ABSENT)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by place, then by address, then by text, without duplicates. What has no place comes last."""
    return tuple(
        sorted(
            set(diagnostics),
            key=lambda found: (
                found.place is None,
                found.place or Place(""),
                str(found.address or ""),
                found.message,
                found.fix,
            ),
        )
    )


class InvalidFiles(Exception):
    """Files that cannot be used, with every problem of every file, in order.

    `warnings` are about what could still be read.
    """

    def __init__(self, problems: Iterable[Diagnostic], warnings: Iterable[Diagnostic] = ()) -> None:
        self.problems = in_order(problems)
        self.warnings = in_order(warnings)
        said = (about(str(found.place), found.message, continues=found.continues is True) for found in self.problems)
        super().__init__("\n".join(said))


class UsageError(Exception):
    """Something on the command line or in the environment that the user can correct (exit code 1).

    `message` says what is wrong, `fix` what to do, `place` in which file, if it is in one. `continues` is as in
    Diagnostic. `problem` is the Diagnostic that the error was made from, if there is one.
    """

    problem: Diagnostic | None = None

    def __init__(self, message: str, fix: str = "", place: Place | None = None, *, continues: bool = False) -> None:
        super().__init__(message, fix, place)
        self.message = message
        self.fix = fix
        self.place = place
        self.continues = continues

    def __str__(self) -> str:
        what = self.message if self.place is None else about(str(self.place), self.message, continues=self.continues)
        return what + (f"; {self.fix}" if self.fix else "")
