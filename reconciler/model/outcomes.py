"""How a write ended. `request_id` is the remote side's own id for the last request (`x-wix-request-id`, S-sdk)."""

from __future__ import annotations

from typing import TypeAlias

from reconciler.model.frozen import Variant


class Done(Variant, frozen=True):
    """It took effect. `created` is the id that a create returned."""

    created: str | None = None
    detail: str = ""
    request_id: str | None = None


class Pending(Variant, frozen=True):
    """It has started and is still under way."""

    detail: str = ""
    request_id: str | None = None


class NotDone(Variant, frozen=True):
    """It had no effect, and why.

    `final` means that trying again would not help (a 4xx, a failed generation). `skipped` means that the remote side or
    a precondition ruled it out, which is not an error (exit 3, not 1).
    """

    detail: str
    final: bool = True
    skipped: bool = False
    request_id: str | None = None
    code: str = ""
    """The remote side's own error code (`PLAN_ALREADY_GENERATING_ERROR`), if it gave one."""
    missing: bool = False
    """Whether the answer was that the object does not exist (404): what was to be removed may already be gone."""


class Unknown(Variant, frozen=True):
    """The answer was unclear, and reading could not resolve it.

    `accepted`: the remote side accepted the call (any 2xx) with an answer that could not be understood. It has
    happened, is never sent again, and its effect is looked for (17.1).
    """

    detail: str
    request_id: str | None = None
    accepted: bool = False


Outcome: TypeAlias = Done | Pending | NotDone | Unknown
