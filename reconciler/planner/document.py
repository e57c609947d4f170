"""SavedPlan <-> the JSON of a saved plan (docs/design.md 3.4, schemas/plan.schema.json).

It holds two digests. `digest` covers the facts: what would be done to which sites, under which preconditions, and for
how long the plan is valid. The same facts always give the same digest, whatever the order, the time or the wording.
`seal` covers the whole document with its id. It reveals an edit anywhere and identifies this one document: spent
plans are recorded by their seals. Neither is a signature. They detect accidents and edits, but not deliberate forgery:
for that, access to the place where plans are kept must be restricted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.canonical import ABSENT, Absent, Digest
from reconciler.model.codec import Malformed, ascii_text, from_json, parse, sorted_again, sorted_json, to_plain
from reconciler.model.diagnostics import Diagnostic, Place, UsageError
from reconciler.model.frozen import Instant, Struct
from reconciler.model.moments import moment_text
from reconciler.model.plurals import some_of
from reconciler.model.schedule import CancelPost
from reconciler.model.text import about
from reconciler.planner.actions import Plan

FORMAT_VERSION: Final = 2
KIND: Final = "reconciler-plan"
VALID_FOR: Final = timedelta(hours=24)
CANCEL: Final = CancelPost.__struct_config__.tag
ONLY_SHOWN: Final = frozenset({"account", "estimated"})
"""The members of a cancel that are only there to be shown."""

MOST_SHARDS: Final = 3
"""How many of the shards that are left to apply are named."""


class UnreadablePlan(UsageError):
    """The file is not a saved plan, or its format is unknown to this version (exit code 1)."""

    def __init__(self, file: str, what: str, fix: str = "make a plan with: reconciler plan --out FILE") -> None:
        super().__init__(f"{file} {what}", fix)


class UnusablePlan(Exception):
    """A saved plan that may not be applied (exit code 4): why, what to do, and which object or file it concerns.

    `name` is what people call the object, if the reason begins with it.
    """

    code = "plan-refused"

    def __init__(
        self,
        what: str,
        fix: str = "run plan again",
        address: Address | None = None,
        place: Place | None = None,
        *,
        continues: bool = False,
        name: str = "",
    ) -> None:
        where = place or address
        super().__init__(f"{what if where is None else about(str(where), what, continues=continues)}; {fix}")
        self.what = what
        self.fix = fix
        self.address = address
        self.place = place
        self.continues = continues
        self.name = name


class AlteredPlan(UnusablePlan):
    """The document has been edited since it was saved."""

    code = "plan-altered"

    def __init__(self, what: str) -> None:
        super().__init__(f"the saved plan was altered or cut short, or made by another version: {what}")


class ExpiredPlan(UnusablePlan):
    """The plan is too old to apply."""

    code = "plan-expired"

    def __init__(self, expired_at: datetime, now: datetime) -> None:
        super().__init__(
            f"the saved plan expired on {moment_text(expired_at, 'UTC')}, and it is {moment_text(now, 'UTC')} now"
        )
        self.expired_at = expired_at
        self.now = now


class SpentPlan(UnusablePlan):
    """The plan, or a shard of it, was applied before, whatever the result."""

    code = "plan-spent"

    def __init__(self, spent_at: datetime, shard: str = "") -> None:
        which = f"shard {shard} of the saved plan" if shard else "the saved plan"
        super().__init__(f"{which} was applied before, on {moment_text(spent_at, 'UTC')}")
        self.spent_at = spent_at


class BegunPlan(UnusablePlan):
    """Some shards of the plan were applied, so that it is no longer applied as a whole or in other shards."""

    code = SpentPlan.code

    def __init__(self, begun_at: datetime, shards: int, left: Sequence[str]) -> None:
        one = len(left) == 1
        which = some_of(left, MOST_SHARDS)
        super().__init__(
            f"an apply of the saved plan in {shards:,} shards began on {moment_text(begun_at, 'UTC')}, and "
            f"{'shard' if one else 'shards'} {which} {'is' if one else 'are'} left",
            f"apply {'it' if one else 'each of them'} with --shard, or run plan again",
        )


class RunPart(Struct, frozen=True):
    """Which of `count` shards a plan or report is for, counting from 1.

    `config` is the digest of the files and options that all shards are made from; it is the same for all shards of a
    project at one commit.
    """

    number: int
    count: int
    config: Digest


STATE: Final = "--state"


class RunArguments(Struct, frozen=True):
    """The arguments of the `plan` that decided what is in it: the next command repeats them.

    `paths` are relative to the project's folder; `sites` choose among the sites, such as `--target shop`; `planning`
    decides what is planned for them, such as `--no-publish`. `reaching` says which state, with its folder relative to
    the project's, and what is trusted; it is left out if there is nothing to say, or if an earlier version made the
    plan.
    """

    paths: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    planning: tuple[str, ...] = ()
    reaching: tuple[str, ...] | Absent = ABSENT

    @property
    def reached(self) -> tuple[str, ...]:
        """What `reaching` says; nothing if it is left out."""
        return () if isinstance(self.reaching, Absent) else self.reaching

    @property
    def state(self) -> str | None:
        """The state that was given; None if it was the project's own, or if that is not known."""
        words = self.reached
        return words[words.index(STATE) + 1] if STATE in words[:-1] else None

    def with_state(self, state: str) -> RunArguments:
        """The same with another state, if one was given."""
        words = self.reached
        if STATE not in words:
            return self
        at = words.index(STATE) + 1
        return replace(self, reaching=(*words[:at], state, *words[at + 1 :]))


class RunBackground(Struct, frozen=True):
    """What a screen says about the run that made a plan, in addition to the plans of its sites.

    `of` counts all sites of the project. `covers_all`: nothing that may go public was left out on the sites of the run,
    and no site was undeclared. `refusals` are those of the run as a whole, except limits, which are judged again.
    `arguments` are left out if there were none, or if an earlier version made the plan.
    """

    of: int
    covers_all: bool = False
    refusals: tuple[Diagnostic, ...] = ()
    arguments: RunArguments | Absent = ABSENT


class SavedPlan(Struct, frozen=True, dict=True):
    """The plans of a run as they are saved.

    `tool` is the version that made it, `api` what it was made against, `id` is random. `plans` are sorted by site name.
    `part` is None for a whole plan. `project` is the digest of the project file; it and `background` are None for a
    plan made by an earlier version. `commit` is what git had checked out, None if that is not known.
    """

    id: str
    tool: str
    api: str
    made_at: Instant
    plans: Collection[Plan]
    valid_for: timedelta = VALID_FOR
    part: RunPart | None = None
    project: Digest | None = None
    commit: str | None = None
    background: RunBackground | None = None

    @property
    def of(self) -> int:
        """The number of sites in the project when the plan was made, as far as is known."""
        return self.background.of if self.background is not None else len(self.plans)

    @property
    def expires_at(self) -> datetime:
        """The time from which the plan may not be applied."""
        return self.made_at + self.valid_for

    @cached_property
    def digest(self) -> Digest:
        """The digest of the facts: sites, actions, preconditions and the period for which the plan is valid."""
        return facts_digest(self.api, self.valid_for, map(site_digest, self.plans))

    @cached_property
    def seal(self) -> Digest:
        """The digest of the whole document, by which a spent plan is known."""
        return Seal(self).of(sorted_json(to_plain(plan)) for plan in self.plans)

    def check_expiry(self, now: datetime) -> None:
        """Raises ExpiredPlan if the plan's time is up."""
        if now >= self.expires_at:
            raise ExpiredPlan(self.expires_at, now)


class PlanDocument(Struct, frozen=True):
    """A saved plan as it is written. Derived values are included for readers, and are checked on reading."""

    format_version: int
    kind: str
    id: str
    tool: str
    api: str
    made_at: Instant
    valid_for: timedelta
    expires_at: Instant
    digest: Digest
    part: RunPart | Absent = ABSENT
    project: Digest | Absent = ABSENT
    commit: str | Absent = ABSENT
    background: RunBackground | Absent = ABSENT
    sites: tuple[Plan, ...] = ()
    seal: Digest = Digest("")


def document_of(saved: SavedPlan) -> PlanDocument:
    """A saved plan as it is written, without its sites and its seal."""
    return PlanDocument(
        FORMAT_VERSION,
        KIND,
        saved.id,
        saved.tool,
        saved.api,
        saved.made_at,
        saved.valid_for,
        saved.expires_at,
        saved.digest,
        ABSENT if saved.part is None else saved.part,
        ABSENT if saved.project is None else saved.project,
        ABSENT if saved.commit is None else saved.commit,
        ABSENT if saved.background is None else saved.background,
    )


def saved_of(found: PlanDocument, plans: Collection[Plan]) -> SavedPlan:
    """The saved plan in a document, with `plans` as the plans of its sites."""
    part = None if isinstance(found.part, Absent) else found.part
    project = None if isinstance(found.project, Absent) else found.project
    commit = None if isinstance(found.commit, Absent) else found.commit
    background = None if isinstance(found.background, Absent) else found.background
    saved = SavedPlan(found.id, found.tool, found.api, found.made_at, plans, found.valid_for, part, project, commit)
    return replace(saved, background=background)


def facts_digest(api: str, valid_for: timedelta, of_sites: Iterable[Digest]) -> Digest:
    """The digest of what would be done, independent of order and wording. `of_sites` are `site_digest`s."""
    sites = sorted(of_sites)
    return _digest(sorted_json({"api": api, "validFor": to_plain(valid_for), "sites": sites}))


def site_digest(plan: Plan) -> Digest:
    """The digest of what would be done at one site."""
    actions = sorted(sorted_json(_facts(action)) for action in to_plain(plan.actions))
    return _digest(b"\n".join((sorted_json(to_plain(plan.site)), *actions)))


def _facts(action: dict[str, Any]) -> dict[str, Any]:
    requires, operation = sorted(action["requires"], key=sorted_json), action["operation"]
    if operation["kind"] == CANCEL:
        operation = {name: value for name, value in operation.items() if name not in ONLY_SHOWN}
    return {"address": action["address"], "operation": operation, "requires": requires}


def _digest(data: bytes) -> Digest:
    return Digest(f"sha256:{sha256(data).hexdigest()}")


# --- to text ---------------------------------------------------------------------------------------


SITES: Final = b'  "sites": ['
INDENT: Final = b"    "
"""The indentation that marks a document's sites among its members; each site is on a line of its own."""


def site_line(plan: Plan) -> bytes:
    """One site's plan as it is written."""
    return ascii_text(to_plain(plan)).encode("ascii")


def to_lines(saved: SavedPlan, sites: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a saved plan, piece by piece. `sites` are the `site_line`s of its plans, in order."""
    members = to_plain(document_of(saved))
    del members["sites"], members["seal"]
    yield ascii_text(members, indent=2).encode("ascii").removesuffix(b"\n}") + b",\n" + SITES
    seal, first = Seal(saved), True
    for site in sites:
        seal.add(sorted_again(site))
        yield (b"\n" if first else b",\n") + INDENT + site
        first = False
    yield ending(seal.digest()).lstrip() if first else b"\n" + ending(seal.digest())


def ending(seal: Digest) -> bytes:
    """What follows the sites."""
    return b'  ],\n  "seal": ' + ascii_text(seal).encode("ascii") + b"\n}\n"


class Seal:
    """Computes the seal of a document from its sites, one after the other."""

    def __init__(self, saved: SavedPlan) -> None:
        members = to_plain(document_of(saved))
        before = {key: value for key, value in members.items() if key < "sites" and key != "seal"}
        after = {key: value for key, value in members.items() if key > "sites"}
        self._after = b"]" + (b"," + sorted_json(after)[1:] if after else b"}")
        self._hash = sha256(sorted_json(before)[:-1] + b',"sites":[')
        self._first = True

    def add(self, site: bytes) -> None:
        """Adds the next site, as `sorted_json`."""
        self._hash.update(site if self._first else b"," + site)
        self._first = False

    def of(self, sites: Iterable[bytes]) -> Digest:
        """The seal of a document with these sites."""
        for site in sites:
            self.add(site)
        return self.digest()

    def digest(self) -> Digest:
        """The seal, once all sites have been added."""
        self._hash.update(self._after)
        return Digest(f"sha256:{self._hash.hexdigest()}")


def _seal(members: dict[str, Any]) -> Digest:
    return _digest(sorted_json({key: value for key, value in members.items() if key != "seal"}))


# --- from text -------------------------------------------------------------------------------------


def from_text(data: bytes, file: str) -> SavedPlan:
    """The saved plan in a file; `file` is its name for messages.

    Raises UnreadablePlan for a file that is not a saved plan, and AlteredPlan for one that was edited after it was
    saved.
    """
    try:
        found = from_json(PlanDocument, data)
    except Malformed as error:
        members = _members(data, file)
        if members.get("seal") != _seal(members):
            raise AlteredPlan("its checksum does not match its content") from None
        raise AlteredPlan(str(error)) from None
    _check_kind(found.kind, found.format_version, file)
    try:
        saved = saved_of(found, found.sites)
        expires_at, digest = saved.expires_at, saved.digest
    except OverflowError:
        raise AlteredPlan("it contains a time that no plan can have") from None
    if found.seal != _seal(to_plain(found)):
        raise AlteredPlan("its checksum does not match its content")
    if found.expires_at != expires_at:
        raise AlteredPlan("expiresAt does not match the rest")
    if found.digest != digest:
        raise AlteredPlan("digest does not match the rest")
    return saved


def _members(data: bytes, file: str) -> dict[str, Any]:
    """The members of a document whose format this version knows. Raises UnreadablePlan."""
    try:
        document = parse(data)
    except Malformed:
        raise UnreadablePlan(file, "is not a saved plan: it is not valid JSON") from None
    if not isinstance(document, dict):
        raise UnreadablePlan(file, "is not a saved plan")
    _check_kind(document.get("kind"), document.get("formatVersion"), file)
    try:
        _seal(document)
    except RecursionError:
        raise UnreadablePlan(file, "is not a saved plan: it is nested too deeply") from None
    return document


def _check_kind(kind: object, version: object, file: str) -> None:
    if kind != KIND:
        raise UnreadablePlan(file, "is not a saved plan")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadablePlan(file, "is not a saved plan: it has no formatVersion")
    if version < FORMAT_VERSION:
        raise UnreadablePlan(file, "was made by an older version", "run plan again")
    if version > FORMAT_VERSION:
        raise UnreadablePlan(file, "was made by a newer version", "apply it with that version, or run plan again")
