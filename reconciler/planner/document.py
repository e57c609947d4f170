"""SavedPlan <-> the JSON of a saved plan (design.md 3.4, schemas/plan.schema.json).

Two digests stand in it. `digest` is of the facts: what would be done to which sites, on what conditions, and
for how long the plan is good. Made twice from the same facts it is the same, whatever the order, the time or
the wording. `seal` is of the whole document with its id, so that an edit anywhere is found out, and it names
this one document: a plan is spent by its seal. Neither is a signature: both find accidents and edits, not
somebody who sets out to forge a plan, for which the place where plans are kept must be guarded.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from msgspec import Struct

from reconciler.model.canonical import Digest, JsonObject, canonical_text, digest_of, freeze
from reconciler.model.diagnostics import UsageError
from reconciler.planner.actions import Plan
from reconciler.planner.encoding import decode, encode
from reconciler.planner.plain_values import Malformed, duration_text, instant_text

FORMAT_VERSION: Final = 1
VALID_FOR: Final = timedelta(hours=24)


class UnreadablePlan(UsageError):
    """A file that is no saved plan, or of a format that this version does not know (exit code 1)."""

    def __init__(self, file: str, what: str, fix: str = "make a plan with: reconciler plan --out FILE") -> None:
        super().__init__(f"{file} {what}; {fix}")
        self.file = file
        self.what = what
        self.fix = fix


class PlanRefused(Exception):
    """A saved plan that may not be applied (exit code 4)."""


class AlteredPlan(PlanRefused):
    """The document is not the one that was saved."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the saved plan was altered or cut short, or made by another version: {what}; run plan again")
        self.what = what


class ExpiredPlan(PlanRefused):
    """Its time is up."""

    def __init__(self, expired_at: datetime, now: datetime) -> None:
        super().__init__(
            f"the saved plan expired at {instant_text(expired_at)}, and it is {instant_text(now)} now; run plan again"
        )
        self.expired_at = expired_at
        self.now = now


class SpentPlan(PlanRefused):
    """It was applied before, whatever became of that."""

    def __init__(self, spent_at: datetime) -> None:
        super().__init__(f"the saved plan was applied before, at {instant_text(spent_at)}; run plan again")
        self.spent_at = spent_at


class SavedPlan(Struct, frozen=True):
    """The plans of a run as they are saved. `tool` is the version that made it, `api` the side it was made
    against; `id` is random. `plans` are sorted by the names of their sites."""

    id: str
    tool: str
    api: str
    made_at: datetime
    plans: tuple[Plan, ...]
    valid_for: timedelta = VALID_FOR

    @property
    def expires_at(self) -> datetime:
        return self.made_at + self.valid_for

    @property
    def digest(self) -> Digest:
        """Of the facts: sites, actions, preconditions and the time the plan is good for."""
        return facts_digest(self.api, self.valid_for, self.plans)

    @property
    def seal(self) -> Digest:
        """Of the whole document: what a spent plan is known by."""
        return _seal(_unsealed(self))

    def check_expiry(self, now: datetime) -> None:
        """Raises ExpiredPlan once the plan's time is up."""
        if now >= self.expires_at:
            raise ExpiredPlan(self.expires_at, now)


def facts_digest(api: str, valid_for: timedelta, plans: tuple[Plan, ...]) -> Digest:
    """The digest of what would be done, in a form that has no order and no wording."""
    sites = [
        JsonObject(
            {
                "site": freeze(encode(plan.site)),
                "actions": tuple(sorted((_facts(one) for one in encode(plan)["actions"]), key=canonical_text)),
            }
        )
        for plan in plans
    ]
    return digest_of(
        JsonObject(
            {"api": api, "validFor": duration_text(valid_for), "sites": tuple(sorted(sites, key=canonical_text))}
        )
    )


def _facts(action: dict[str, Any]) -> JsonObject:
    requires = sorted((freeze(one) for one in action["requires"]), key=canonical_text)
    return JsonObject(
        {"address": action["address"], "operation": freeze(action["operation"]), "requires": tuple(requires)}
    )


# --- to text ---------------------------------------------------------------------------------------


def to_text(saved: SavedPlan) -> str:
    """The JSON text of a saved plan: indented, and nothing but ASCII."""
    members = _unsealed(saved)
    return json.dumps({**members, "seal": _seal(members)}, indent=2) + "\n"


def _unsealed(saved: SavedPlan) -> dict[str, Any]:
    return {
        "formatVersion": FORMAT_VERSION,
        "kind": "reconciler-plan",
        "id": saved.id,
        "tool": saved.tool,
        "api": saved.api,
        "madeAt": instant_text(saved.made_at),
        "validFor": duration_text(saved.valid_for),
        "expiresAt": instant_text(saved.expires_at),
        "digest": saved.digest,
        "sites": [encode(plan) for plan in saved.plans],
    }


def _seal(members: dict[str, Any]) -> Digest:
    return digest_of(freeze({key: value for key, value in members.items() if key != "seal"}))


# --- from text -------------------------------------------------------------------------------------


def from_text(data: bytes, file: str) -> SavedPlan:
    """The saved plan that a file holds; `file` is its name for messages.

    Raises UnreadablePlan for what is no saved plan, and AlteredPlan for one that is not as it was saved.
    """
    members = _members(data, file)
    try:
        seal = _seal(members)
    except RecursionError:
        raise UnreadablePlan(file, "is no saved plan: it is nested too deeply") from None
    if members.get("seal") != seal:
        raise AlteredPlan("its seal does not fit its content")
    try:
        saved = SavedPlan(
            id=_text(members, "id"),
            tool=_text(members, "tool"),
            api=_text(members, "api"),
            made_at=decode(datetime, members.get("madeAt"), "madeAt"),
            valid_for=decode(timedelta, members.get("validFor"), "validFor"),
            plans=decode(tuple[Plan, ...], members.get("sites"), "sites"),
        )
        # What was decoded is written again: the digest, the expiry and every spelling must come out the same.
        again = _unsealed(saved)
    except Malformed as error:
        raise AlteredPlan(str(error)) from None
    except OverflowError:
        raise AlteredPlan("it holds values that no plan has") from None
    if _seal(again) != seal:
        odd = sorted(key for key in {*again, *members} - {"seal"} if not _same(again, members, key))
        raise AlteredPlan(f"{', '.join(odd) or 'its content'} does not fit the rest")
    return saved


def _same(one: dict[str, Any], other: dict[str, Any], key: str) -> bool:
    return key in one and key in other and canonical_text(freeze(one[key])) == canonical_text(freeze(other[key]))


def _text(members: dict[str, Any], name: str) -> str:
    text: str = decode(str, members.get(name), name)
    return text


def _members(data: bytes, file: str) -> dict[str, Any]:
    """The members of the document, of a format that this version knows. Raises UnreadablePlan."""
    try:
        document: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_no_float
        )
    except (ValueError, RecursionError):
        raise UnreadablePlan(file, "is no saved plan: it is not JSON") from None
    if not isinstance(document, dict) or document.get("kind") != "reconciler-plan":
        raise UnreadablePlan(file, "is no saved plan")
    version = document.get("formatVersion")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise UnreadablePlan(
            file, f"is a saved plan of format {version!r}, and this version knows {FORMAT_VERSION}", "run plan again"
        )
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _no_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is beyond any number")
    return number
