"""What `approve` is asked for, and the questions and answers that it passes between its caller and the files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from reconciler.config.decisions import AnyDecision, DraftSelector, Ruling, Subject
from reconciler.model.approvals import ActivityDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.posts import PostId


class Instead(Enum):
    """What a person does instead of deciding."""

    SKIP = "skip"
    UNDO = "undo"
    QUIT = "quit"


class Undecided(Struct, frozen=True):
    """What is to be decided about next: the `number`th of `of`. `notes` say what its own entries do not show."""

    subject: Subject
    number: int
    of: int
    notes: Mapping[PostId, Sequence[Diagnostic]]
    can_undo: bool = False


DecideDraft: TypeAlias = Callable[[Undecided], Awaitable[AnyDecision | Instead]]
"""Asks what to do about one subject. An approval that would not count is taken as SKIP."""

UndoLast: TypeAlias = Callable[[tuple[Ruling, ...]], Awaitable[bool]]
"""Asks, after the last subject, whether to undo the last of some decisions and ask about it again."""

Saved: TypeAlias = Callable[[tuple[Ruling, ...]], object]


class ToApprove(Struct, frozen=True):
    """What to decide about: the drafts that `selector` means.

    `decision`: what will be decided, None if that is still open. What is already decided that way is left out.
    `everything`: nobody named the drafts, so only activities with a draft that waits are regenerated or discarded.
    `one_by_one`: each decision is written at once, so that stopping halfway loses none; otherwise each file is written
    once, at the end.
    """

    selector: DraftSelector
    decision: AnyDecision | None = None
    everything: bool = False
    one_by_one: bool = True


def is_whole(ruling: Ruling) -> bool:
    """Whether a decision is about an activity as a whole."""
    return isinstance(ruling.decision, ActivityDecision)
