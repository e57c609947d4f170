"""How a write ended. `request_id` is the remote side's own name for the last request (`x-wix-request-id`, S-sdk)."""

from __future__ import annotations

from typing import TypeAlias

from reconciler.model.frozen import Variant


class Done(Variant, frozen=True):
    """It took effect. `created` is the id a create answered with."""

    created: str | None = None
    detail: str = ""
    request_id: str | None = None


class Pending(Variant, frozen=True):
    """It was started and is still under way."""

    detail: str = ""
    request_id: str | None = None


class NotDone(Variant, frozen=True):
    """It had no effect, and why.

    `final` says that trying again changes nothing (a 4xx, a failed generation). `skipped` says that the remote side or
    a precondition ruled it out, which is no error (exit 3, not 1).
    """

    detail: str
    final: bool = True
    skipped: bool = False
    request_id: str | None = None
    code: str = ""
    """The remote side's own code for it (`PLAN_ALREADY_GENERATING_ERROR`), where it gave one."""
    missing: bool = False
    """Whether it says that there is no such thing (404): what was to be taken away may be gone already."""


class Unknown(Variant, frozen=True):
    """The answer was unclear and reading could not settle it.

    `accepted`: the remote side said yes (any 2xx), in an answer that could not be understood. It has happened, is never
    sent again, and is looked for (17.1).
    """

    detail: str
    request_id: str | None = None
    accepted: bool = False


Outcome: TypeAlias = Done | Pending | NotDone | Unknown
