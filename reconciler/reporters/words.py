"""The words for actions, reasons, changes and outcomes. Plain text; layout.py makes it safe to show."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Final

from reconciler.model.canonical import Absent, Json, thaw
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import shown_account
from reconciler.model.sites import name_of_input
from reconciler.planner.actions import Action, Reason
from reconciler.planner.reasons import REASONS

_OBVIOUS: Final = frozenset(
    {
        Reason.DIFFERS,
        Reason.DECLARED,
        Reason.UNDER_WAY,
        Reason.UNCONFIRMED,
        Reason.RULE,
        Reason.APPROVED,
        Reason.NO_APPROVAL_NEEDED,
        Reason.OTHER_TIME,
    }
)
"""Reasons that are left out after the words of a write."""

_CAUSES: Final = frozenset(
    {Reason.GENERATION_FAILED, Reason.INACTIVE, Reason.INPUTS_CHANGED, Reason.NEVER_GENERATED_FROM}
)
"""Reasons that follow the words of a write after `because`."""

MOST_DUE: Final = 5
"""How many objects that now fall within a rule's dates are named; the rest are counted."""


def reason_behind(reason: Reason) -> str:
    """Why, for use after the words of a write; empty if those already say it."""
    if reason in _OBVIOUS:
        return ""
    return f"because {REASONS[reason]}" if reason in _CAUSES else REASONS[reason]


LONGEST: Final = 160
"""How many characters of a value are shown; `--explain` and the other formats have all of them."""


def moment(at: datetime, zone: str, *, exact: bool = True) -> str:
    """`Thu 2026-12-03 09:30 Europe/Berlin`: how a person says when; with `about` before an estimate."""
    return moment_text(at, zone, exact=exact)


def time_beside(at: datetime, other: datetime, zone: str) -> str:
    """`09:30`: when something is, for use after another time, if that is on the same day."""
    day = moment(other, zone)[: len("Thu 2026-12-03")]
    return moment(at, zone).removesuffix(f" {zone}").removeprefix(f"{day} ")


def on_account(label: str | Absent | None) -> str:
    """` on janes.pottery`: the account for use after a post's name or time; empty if it is not known."""
    return f" on {shown_account(label)}" if label else ""


def delete_of(date: datetime | Absent, zone: str) -> str:
    """`delete the one on 2026-12-20`: a deletion, with a date if its object shares its name with another."""
    return f"delete {the_one_on(date, zone)}".rstrip()


def the_one_on(date: datetime | Absent, zone: str) -> str:
    """`the one on 2026-12-20`: which of the objects with one name; empty if no other has it."""
    return "" if isinstance(date, Absent) else f"the one on {day_or_moment(date, zone)}"


def day_or_moment(date: datetime, zone: str) -> str:
    """When something is: `2026-12-20` if the API has it as a bare day."""
    return date.date().isoformat() if date.time() == time() else moment(date, zone)


def value(json_value: Json) -> str:
    """A value as JSON, shortened."""
    if json_value is None:
        return "nothing"
    return shortened(json.dumps(thaw(json_value), ensure_ascii=False))


def shortened(text: str) -> str:
    """A value's text, cut if it is long; if that is within quotes, they are closed."""
    if len(text) <= LONGEST:
        return text
    found = re.match(_CUT, text[:LONGEST])
    assert found is not None
    quote = '"' if found["opened"] else ""
    return f"{found[0]}…{quote} ({plural(len(text) - found.end(), 'more character')})"


_CUT: Final = r'(?:[^"]|"(?:[^"\\]|\\.)*")*(?P<opened>"(?:[^"\\]|\\u[\da-f]{4}|\\[^u])*)?'
"""The text of a value up to where it is cut, but for an escape that this would leave incomplete."""


def short(digest: str) -> str:
    """The first digits of a digest, enough to tell two apart by eye."""
    return digest[:15]


def newly_covered(objects: int, names: Sequence[str] = ()) -> str:
    """What is said about objects that a rule covers now only because time has passed."""
    fall, them = ("falls", "it") if objects == 1 else ("fall", "them")
    which = f": {some_of(names, MOST_DUE)}" if names else ""
    said = f"{plural(objects, 'object')} now {fall} within a rule's dates (not drift){which}"
    return f"{said}; the next apply handles {them}"


def because(action: Action, what: str) -> str:
    """What is done and, unless it is obvious, why."""
    why = reason_behind(action.reason)
    if action.reason is Reason.INPUTS_CHANGED:
        why = f"because {_changed(action.details)} changed"
    if not why:
        return what
    return f"{what} ({why})" if action.reason in _IN_BRACKETS else f"{what}, {why}"


_IN_BRACKETS: Final = frozenset({Reason.NO_MARKETING_PLAN, Reason.MARKETING_PLAN_GONE, Reason.ASKED_FOR})
"""Reasons that are put in brackets after what is done."""


def _input_words(path: str) -> str:
    """An input of a generation: `toneOfVoice`, `event "Sale"`."""
    event = name_of_input(path)
    return path.removeprefix("settings.").removeprefix("overrides.") if event is None else f'event "{event}"'


def _changed(paths: tuple[str, ...]) -> str:
    """`toneOfVoice and pointOfView`; more than three are counted."""
    names = list(dict.fromkeys(map(_input_words, paths)))
    if not names:
        return "its inputs"
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2:,} more inputs"
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
