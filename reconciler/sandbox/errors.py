"""Owns the error envelopes of the API (section 3 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.json_types import JsonDict

HTML = (
    "<!DOCTYPE html><html><head><title>Wix.com</title></head><body><h1>Oops, something went wrong.</h1></body></html>"
)
"""A gateway's own error page, which says nothing about the error (S-wix)."""


class HttpError(Exception):
    """A request that the API answers with an error: status, body (None: empty, as system errors are), headers.

    `text`, if not empty, is sent instead of the body.
    """

    def __init__(self, status: int, body: JsonDict | None, text: str = "") -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.text = text
        self.headers: dict[str, str] = {}


def application(status: int, code: str, text: str, data: Mapping[str, Any] | None = None) -> HttpError:
    """An application error: `details.applicationError` with code and description (D)."""
    error: JsonDict = {"code": code, "description": text, "data": dict(data or {})}
    return HttpError(status, {"message": text, "details": {"applicationError": error}})


def precondition(text: str, code: str = "FAILED_PRECONDITION") -> HttpError:
    """HTTP 428, the API's answer to a precondition that does not hold (D)."""
    return application(428, code, text)


def empty_throttle(headers: Mapping[str, str], *, html: bool) -> HttpError:
    """HTTP 429 without an envelope: an empty body, or a page of a gateway (S-wix)."""
    refused = HttpError(429, None, HTML if html else "")
    refused.headers.update({**headers, "content-type": "text/html; charset=utf-8"} if html else headers)
    return refused


def not_found(text: str, code: str = "NOT_FOUND") -> HttpError:
    """HTTP 404 (D)."""
    return application(404, code, text)


def violation(field: str, description: str, rule: str = "OTHER", name: str = "INVALID_ARGUMENT") -> HttpError:
    """HTTP 400 with one `fieldViolations` entry: `field`, `description`, `violatedRule`, `ruleName` (D)."""
    entry = {"field": field, "description": description, "violatedRule": rule, "ruleName": name}
    message = f"{field} {description}"
    return HttpError(400, {"message": message, "details": {"validationError": {"fieldViolations": [entry]}}})


def unparsable() -> HttpError:
    """HTTP 400 without details, for a body that is not an object or a value of a wrong type (D; S-wix for a mask)."""
    return HttpError(400, {"message": "Failed to parse request message", "details": {}})
