"""Who may talk to the page: this machine's browser, with the token that the command printed, but no other page in it.

Somebody else's page that is open in the same browser can send requests to this machine. But it has no token, its
`Origin` is not this page's, and if it points a host name of its own here, that name is not an accepted `Host`. The
cookie is `Strict`, a content policy says what the page may load, and no answer is cached or framed.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = "127.0.0.1"

MOST_BYTES: Final = 4 * 1024 * 1024
"""The limit for a request's body."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src {images}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}

UNKNOWN: Final = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Review page</title>
<p>Open the page with the whole link that <code>reconciler review --web</code> printed.</p>
<p>If you just did: <a href="/">continue to the page</a>.</p>
</html>
"""
NOT_OURS: Final = "The review page is not at this address. Open the link that `reconciler review --web` printed.\n"
ELSEWHERE: Final = "Only the review page itself can request this.\n"


class Guard:
    """Lets through what the page's own browser requests, and adds the headers to every answer.

    `images` are the sources of images that the content policy allows.
    """

    def __init__(self, app: ASGIApp, port: int, images: str) -> None:
        self.token = secrets.token_urlsafe(32)
        self.url = f"http://{LOOPBACK}:{port}/?token={self.token}"
        """The only link that opens the page."""
        self._app = app
        self._hosts = frozenset({f"{LOOPBACK}:{port}", f"localhost:{port}"})
        # Cookies are shared by all ports of a host, so the name distinguishes two pages.
        self._cookie = f"reconciler_review_{port}"
        self._secret = secrets.token_urlsafe(32)
        self._headers = [
            (name.lower().encode(), text.replace("{images}", images).encode()) for name, text in HEADERS.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, answered)

    def _answer(self, scope: Scope) -> Response | None:
        """The answer to a request that may not reach the page; None if it may."""
        headers = [(name.decode("latin-1").lower(), text.decode("latin-1")) for name, text in scope["headers"]]
        hosts = [text for name, text in headers if name == "host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse(NOT_OURS, 421)
        if (refused := self._from_elsewhere(scope["method"], headers, hosts[0])) is not None:
            return refused
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and hmac.compare_digest(given.encode(), self.token.encode()):
            # This removes the token from the address bar, and so from the history and from what people copy.
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._secret, path="/", httponly=True, samesite="strict")
            return answer
        if self._is_known(headers):
            return None
        # A strict cookie is not sent if a link on another page led here; it is sent when this answer's link is
        # followed.
        return HTMLResponse(UNKNOWN, 403) if scope["path"] == "/" else PlainTextResponse("Open the page first.\n", 403)

    def _from_elsewhere(self, method: str, headers: list[tuple[str, str]], host: str) -> Response | None:
        if method in ("GET", "HEAD"):
            return None
        values = dict(headers)
        if method != "POST":
            return PlainTextResponse("The page does not support this method.\n", 405)
        if values.get("origin") != f"http://{host}" or values.get("sec-fetch-site", "same-origin") != "same-origin":
            return PlainTextResponse(ELSEWHERE, 403)
        if values.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return PlainTextResponse("Decisions must be sent as JSON.\n", 415)
        length = values.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return PlainTextResponse("The request is too large.\n", 413)
        return None

    def _is_known(self, headers: list[tuple[str, str]]) -> bool:
        for name, text in headers:
            if name != "cookie":
                continue
            try:
                found = SimpleCookie(text).get(self._cookie)
            except CookieError:
                continue
            if found is not None and hmac.compare_digest(found.value.encode(), self._secret.encode()):
                return True
        return False
