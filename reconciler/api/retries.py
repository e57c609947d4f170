"""When a request is sent again, and after how long.

Reads and repeatable writes are sent again after any error that may be temporary. A write that is not repeatable is
sent again only if it certainly had no effect: nothing was sent at all, or the answer is 429, which says that the
request was refused (D 3.2). After anything less clear, the caller must read what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reconciler.api.errors import PUBLISH_LIMIT, ApiError, ErrorKind
from reconciler.api.routes import ApiCall, ReadCall

ATTEMPTS: Final = 5
FEW_ATTEMPTS: Final = 3
"""For errors that are rarely temporary: no connection, a 403 without explanation, an answer that cannot be read."""

BASE: Final = 0.5
BASE_THROTTLED: Final = 2.0
LONGEST_STEP: Final = 30.0
LONGEST_RETRY_AFTER: Final = 120.0
LONGEST_IN_ALL: Final = 240.0


def pause_before_retry(
    error: ApiError, call: ApiCall, *, attempt: int, waited: float, jitter: Callable[[], float]
) -> float | None:
    """How many seconds to wait before attempt number `attempt + 1`; None: give up.

    `waited` is how long this request has waited so far; `jitter` gives numbers from 0 to 1.
    """
    if attempt >= _attempts(error, call):
        return None
    base = BASE_THROTTLED if error.kind is ErrorKind.THROTTLED else BASE
    wait = jitter() * min(LONGEST_STEP, base * 2.0 ** (attempt - 1))
    if error.retry_after is not None:
        if error.retry_after > LONGEST_RETRY_AFTER:
            return None
        wait = error.retry_after + min(wait, 1.0)  # so that they do not all come at once
    return wait if waited + wait <= LONGEST_IN_ALL else None


def _attempts(error: ApiError, call: ApiCall) -> int:
    if error.lasting or (isinstance(call, ReadCall) and call.once):
        return 1
    if error.kind is ErrorKind.THROTTLED:
        return 1 if error.code == PUBLISH_LIMIT else ATTEMPTS
    if error.kind is ErrorKind.NETWORK and not error.sent:
        return FEW_ATTEMPTS
    if error.looks_throttled and isinstance(call, ReadCall):
        return FEW_ATTEMPTS
    if not call.repeatable or error.status == 501:
        return 1
    if error.kind in (ErrorKind.SERVER, ErrorKind.NETWORK):
        return ATTEMPTS
    return FEW_ATTEMPTS if error.kind is ErrorKind.UNREADABLE else 1
