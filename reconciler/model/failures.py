"""Failure: what the state keeps of a call that did not end well. It is made of facts, and worded when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Struct
from reconciler.model.outcomes import Trouble
from reconciler.model.requests import SentRequest
from reconciler.model.text import spoken

MEANINGS: Final[Mapping[str, str]] = {
    "api-invalid": "the request was refused as invalid",
    "api-unauthenticated": "the credential was not accepted",
    "api-forbidden": "access was refused",
    "api-not-found": "not found",
    "api-conflict": "it conflicts with what is on the site",
    "api-precondition-failed": "the site does not allow it now",
    "api-throttled": "too many requests",
    "api-server-error": "the server failed",
    "api-network-error": "no connection",
    "api-unreadable-answer": "the response was not understood",
    "api-redirect": "the server redirected to another address",
    Trouble.OUTCOME_UNKNOWN: "the response was unclear",
    Trouble.NOT_AS_ASKED: "the site does not show what was asked for",
    Trouble.NO_EFFECT: "it had no effect",
    Trouble.UNEXPECTED_STATUS: "the response has an unexpected status",
    Trouble.GONE: "it is gone",
    Trouble.NOT_SCHEDULED: "the response does not say that the post was scheduled, and the site still shows a draft",
}
"""What codes mean, in words. `spoken` turns any other code into words."""

_FIXES: Final[Mapping[str, str]] = {
    "api-unauthenticated": "check the site's credential (by default WIX_API_KEY), and that it has not been revoked",
    "api-forbidden": "give the credential access to the site",
    "api-throttled": "run again later, or lower limits.requestsPerMinute",
}


PASSING: Final = frozenset({"api-throttled", "api-server-error"})
"""Codes of temporary problems: the same command may succeed later."""

PASSING_MEANWHILE: Final = PASSING | {"api-network-error", Trouble.GENERATION_FAILED, Trouble.NO_EFFECT}
"""The same for problems that arise while a plan is carried out: the network worked when the plan was made."""


class Failure(Struct, frozen=True):
    """What is known about a call that did not end well: the code of its problem, and the request."""

    code: str
    asked: SentRequest | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, problem: Diagnostic, asked: SentRequest | None = None) -> Failure:
        """The facts of a problem."""
        return cls(str(problem.code), asked, problem.request_id)

    def problem(self) -> Diagnostic:
        """The problem in words."""
        said, call = MEANINGS.get(self.code) or spoken(self.code), str(self.asked or "")
        message = f"{said} ({call})" if call else said
        return Diagnostic(self.code, message, _FIXES.get(self.code, ""), request_id=self.request_id, call=call)
