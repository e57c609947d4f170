"""ApiError and its kinds: the only file that interprets status codes.

Error answers come in many shapes: the envelope with `applicationError` or `validationError`, the envelope with neither,
nothing at all, a gateway's HTML page, and the IETF shape of OAuth (remote-api.md 3). What cannot be read is left out;
reading an error never fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final, assert_never

from msgspec import Struct

from reconciler.api.decoding import NotJson
from reconciler.api.routes import TOKEN, ApiCall, permission_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import MEANINGS
from reconciler.model.requests import SentRequest
from reconciler.model.text import printable, spoken

REQUEST_ID: Final = "x-wix-request-id"  # S-sdk
LONGEST_MESSAGE: Final = 500

LOOK: Final = "run plan again to see what is on the site now"


class ErrorKind(StrEnum):
    """What an error means for what happens next."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    PRECONDITION = "precondition-failed"
    THROTTLED = "throttled"
    SERVER = "server-error"
    NETWORK = "network-error"
    UNREADABLE = "unreadable-answer"
    REDIRECT = "redirect"


_KINDS: Final[Mapping[int, ErrorKind]] = {  # D 3.2
    401: ErrorKind.UNAUTHENTICATED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    405: ErrorKind.NOT_FOUND,
    408: ErrorKind.SERVER,
    409: ErrorKind.CONFLICT,
    412: ErrorKind.PRECONDITION,  # S-wix (superseded): 428 is documented in its place now (17.9)
    428: ErrorKind.PRECONDITION,
    429: ErrorKind.THROTTLED,
}

ALREADY_GENERATING: Final = "PLAN_ALREADY_GENERATING_ERROR"  # S-wix 3.2
ITEM_GONE: Final = "ITEM_NOT_EXISTS"  # S-wix 10.6: the item does not exist, although the path does
WRONG_MASK: Final = "INVALID_FIELD_MASK_ERROR"  # S-wix 3.2: a mistake in the request, not on the site
REFERENCE_TAKEN: Final = "REFERENCE_ID_ALREADY_EXIST"  # S-wix 10.6: the post already exists
PUBLISH_LIMIT: Final = "PUBLISH_LIMIT_EXCEEDED"  # S-wix 10.6: a quota, which no short wait restores


class FieldViolation(Struct, frozen=True):
    """One field that the remote side rejected (D 3.1). What it did not say is empty."""

    field: str
    description: str
    rule: str = ""

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.field, self.description) if part)
        return f"{text} ({self.rule})" if self.rule else text


class ApiError(Exception):
    """A request that brought no usable answer: what was asked, what came back, what it means.

    `status` is None if there was no answer. `sent` says that the request may have reached the remote side. Every text
    in it is safe to show, and free of secrets. `retry_after` is in seconds. `lasting`: trying again at once would have
    the same result. `todo`: what a person can do, if the kind of error does not say.
    """

    def __init__(
        self,
        kind: ErrorKind,
        call: ApiCall,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        violations: tuple[FieldViolation, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
        sent: bool = True,
        site: str = "",
        lasting: bool = False,
        todo: str = "",
    ) -> None:
        self.kind = kind
        self.method = call.method
        self.path = call.path
        self.message = message
        self.status = status
        self.code = code
        self.violations = violations
        self.request_id = request_id
        self.retry_after = retry_after
        self.sent = sent
        self.site = site
        self.lasting = lasting
        self.todo = todo
        super().__init__(self.sentence())

    @property
    def unclear(self) -> bool:
        """Whether the request may have taken effect all the same."""
        return self.sent and self.kind in (ErrorKind.SERVER, ErrorKind.NETWORK, ErrorKind.UNREADABLE)

    @property
    def looks_throttled(self) -> bool:
        """A 403 without any explanation, which is how one endpoint was seen to throttle bursts (S-wix 3.1)."""
        return self.kind is ErrorKind.FORBIDDEN and not self.message and not self.code and not self.violations

    @property
    def no_such_route(self) -> bool:
        """Whether the answer can mean that the remote side does not have this path at all."""
        return self.kind is ErrorKind.NOT_FOUND or self.status == 501

    def sentence(self) -> str:
        """What was asked, what came back and what to do, in one line."""
        text, todo = self.problem(), self.advice()
        text += f"; {todo}" if todo else ""
        return f"{text} (request id {self.request_id})" if self.request_id else text

    def diagnostic(self) -> Diagnostic:
        """The error as a value: what came back, what to do, and which request it was."""
        asked = str(self.asked)
        message = f"{self.what()} ({asked})"
        return Diagnostic(self.kind_code, message, self.advice(), request_id=self.request_id, call=asked)

    @property
    def kind_code(self) -> str:
        """The code of its diagnostic."""
        return f"api-{self.kind}"

    def problem(self) -> str:
        """What was asked and what came back."""
        answer, said = self._answer(), self._said()
        asked = f"{self.method} {self.path}"
        head = f"{asked} answered {answer}" if answer else f"{asked}: {spoken(self.kind)}"
        return f"{head}: {said}" if said else head

    def what(self) -> str:
        """What came back, without what was asked: `the credential was refused: token expired`."""
        said, head = self._said(), MEANINGS[self.kind_code]
        if said and self.kind is ErrorKind.NETWORK:
            return said
        return head if said.lower() in ("", head) else f"{head}: {said}"

    @property
    def asked(self) -> SentRequest:
        """What was asked, and the status of the answer."""
        return SentRequest(self.method, self.path, self.status, self.code)

    def _answer(self) -> str:
        return " ".join(part for part in (str(self.status or ""), self.code) if part)

    def _said(self) -> str:
        return "; ".join(part for part in (self.message, *map(str, self.violations)) if part)

    def advice(self) -> str:  # noqa: C901 - a case for each kind
        """What a person can do about it."""
        if self.todo:
            return self.todo
        known_by = "the request id" if self.request_id else "the time of the request: the response has no id"
        match self.kind:
            case ErrorKind.UNAUTHENTICATED if self.path == TOKEN.template:
                return "check the app id and secret of the credential, and the site's instanceId"
            case ErrorKind.UNAUTHENTICATED:
                return "check the site's credential (by default WIX_API_KEY), and that it has not been revoked"
            case ErrorKind.FORBIDDEN:
                return f"give the credential access to the site and the permission {permission_of(self.path)}"
            case ErrorKind.NOT_FOUND:
                return "check the site's id, and that --api is the right URL"
            case ErrorKind.THROTTLED:
                return "run again later, or lower limits.requestsPerMinute"
            case ErrorKind.NETWORK if not self.sent:
                return "check the network and the API's URL, then run the command again"
            case ErrorKind.SERVER:
                return "run the command again later; the service itself failed, not your files or your network"
            case ErrorKind.NETWORK:
                return "temporary network problem; run the command again"
            case ErrorKind.INVALID:
                return f"if the message names something in the site's file, correct that; otherwise report {known_by}"
            case ErrorKind.UNREADABLE:
                return f"check that --api is the right URL; if it is, report {known_by}"
            case ErrorKind.REDIRECT:
                return "check that --api is the right URL"
            case ErrorKind.PRECONDITION if self.code == WRONG_MASK:
                return f"report {known_by}"
            case ErrorKind.PRECONDITION:
                return f"{LOOK}, or `reconciler doctor` to see its features, quotas and channels"
            case ErrorKind.CONFLICT:
                return LOOK
            case _:
                assert_never(self.kind)


def error_of(
    call: ApiCall, status: int, body: object, *, request_id: str | None, retry_after: float | None, site: str = ""
) -> ApiError:
    """The error behind an answer with this status. Never fails, whatever the body is.

    `body` is a decoded body, or NotJson; it is already free of secrets.
    """
    kind = _kind(status)
    if call.path == TOKEN.template and kind in (ErrorKind.INVALID, ErrorKind.FORBIDDEN):
        kind = ErrorKind.UNAUTHENTICATED  # D 2.2: the token request was refused, with any 4xx
    message, code, violations = _envelope(body)
    return ApiError(
        kind,
        call,
        message,
        status=status,
        code=code,
        violations=violations,
        request_id=request_id,
        retry_after=retry_after,
        site=site,
    )


def request_id_of(value: str) -> str | None:
    """The remote side's own id for a request (S-sdk), from its header."""
    return printable(value)[:100] if value else None


def retry_after_of(value: str, now: datetime) -> float | None:
    """How long the answer asks to wait, in seconds (RFC 9110: a number or a date); None if it does not say."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # not a date, or one without a zone
        return None


def shown(text: str) -> str:
    """A remote text as a message may show it: without control characters, and of limited length."""
    safe = printable(text.strip())
    return safe if len(safe) <= LONGEST_MESSAGE else safe[:LONGEST_MESSAGE] + "..."


def _kind(status: int) -> ErrorKind:
    if 300 <= status < 400:
        return ErrorKind.REDIRECT
    if status >= 500 or status < 200:
        return ErrorKind.SERVER
    return _KINDS.get(status, ErrorKind.INVALID)


def _envelope(value: object) -> tuple[str, str, tuple[FieldViolation, ...]]:
    """Message, code and violations of an error body, whatever its shape."""
    if isinstance(value, NotJson):
        # A gateway's own page says nothing but the status (S-wix 3.1).
        return "it sent an HTML page" if value.kind == "an HTML page" else shown(value.text), "", ()
    if not isinstance(value, dict):
        return _text(value), "", ()
    if isinstance(value.get("error"), str):  # the IETF shape (D 2.2)
        return _text(value.get("error_description")) or _text(value.get("message")), _text(value["error"]), ()
    details = _object(value.get("details"))
    application = _object(details.get("applicationError"))
    listed = _object(details.get("validationError")).get("fieldViolations")
    violations = tuple(
        FieldViolation(_text(entry.get("field")), _text(entry.get("description")), _rule(entry))
        for entry in (listed if isinstance(listed, list) else [])[:50]
        if isinstance(entry, dict)
    )
    message = _text(value.get("message")) or _text(application.get("description"))
    return message, _text(application.get("code")), violations


def _rule(violation: Mapping[str, Any]) -> str:
    return _text(violation.get("ruleName")) or _text(violation.get("violatedRule"))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return shown(value) if isinstance(value, str) else ""
