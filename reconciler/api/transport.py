"""A transport that can only read, and one that can write, over one connection with its limits and retries.

Secrets are revealed only here, when a header or the body of a token request is made, and answers are cleaned of them
before anything else sees them.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlencode

from msgspec import Struct

from reconciler.api.address import address_of
from reconciler.api.decoding import BadBody, NotJson, decode, received, received_at_once
from reconciler.api.errors import (
    REQUEST_ID,
    ApiError,
    ErrorKind,
    error_of,
    request_id_of,
    retry_after_of,
    shown,
)
from reconciler.api.fence import Fence
from reconciler.api.limits import USUAL, Budget, Limits, Timeouts
from reconciler.api.pool import Pool
from reconciler.api.retries import pause_before_retry
from reconciler.api.routes import TOKEN, ApiCall, ReadCall, WriteCall, only_reads
from reconciler.api.sender import (
    NotHttp,
    NotSent,
    ProxyRefused,
    ProxyUnreachable,
    Request,
    Response,
    Sender,
    Untrusted,
    WireError,
)
from reconciler.api.surroundings import Surroundings
from reconciler.api.tokens import Token, TokenCache
from reconciler.model.canonical import JsonObject, thaw
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey, AppCredentials, Credential
from reconciler.model.diagnostics import UsageError
from reconciler.model.echoes import masked
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef
from reconciler.model.text import in_quotes
from reconciler.version import __version__

if TYPE_CHECKING:
    import httpx

Credentials: TypeAlias = Callable[[SiteRef], Credential]

CONSISTENT: Final = "x-wix-consistent"
"""The platform's token for reading one's own writes (S-sdk; its meaning is I 17.6)."""

_PRESSURE: Final = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVER, ErrorKind.NETWORK})
"""Errors that may mean that there were too many requests at once."""

LONGEST_TOKEN: Final = 4096
TOKENS_KEPT: Final = 2048
"""How many sites' consistency tokens are kept: many more than are under way at once."""

_HEADERS: Final = (
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip"),
    ("User-Agent", f"reconciler/{__version__}"),
)
_HEADERS_WITH_BODY: Final = (*_HEADERS, ("Content-Type", "application/json"))


class Answer(Struct, frozen=True):
    """The answer to a request that was accepted (any 2xx): its decoded body, free of secrets.

    `trouble`: why the body cannot be read. Only the answer to a write has it: the write has happened all the same
    (17.1), so this is not an error, and the write is not sent again.
    """

    call: ApiCall
    body: object
    status: int
    request_id: str | None
    site: str
    trouble: str = ""
    lasting: bool = False

    def unreadable(self, why: str, todo: str = "") -> ApiError:
        """The error for this answer if it turns out that its body is not what it should be."""
        return ApiError(
            ErrorKind.UNREADABLE,
            self.call,
            shown(why),
            status=self.status,
            request_id=self.request_id,
            site=self.site,
            lasting=self.lasting,
            todo=todo,
        )


class WriteRefused(Exception):
    """A request that may change something was given to a transport that can only read. A bug, caught in time."""


class Connection:
    """One connection pool, one budget and one set of tokens for the whole run. Opened by its first request."""

    def __init__(
        self,
        base_url: str,
        *,
        credentials: Credentials,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
        timeouts: Timeouts = USUAL,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._base = address_of(base_url)
        self._surroundings = surroundings or Surroundings()
        if transport is None:
            self._surroundings.check(self._base)
        self._prefix = self._base.text
        self._credentials = credentials
        self._limits = limits
        self._clock = clock
        self._handed_in = transport
        self._jitter = jitter
        self._budget = Budget(limits, clock)
        self._tokens = TokenCache(clock.now)
        self._timeouts = timeouts
        self._consistent: OrderedDict[str, str] = OrderedDict()
        self._opened: Sender | None = None
        self.answered = False
        """Whether the remote side has answered anything yet."""
        self._dated: tuple[str, datetime] | None = None
        """The `Date` of the last answer that had one, and when it came."""

    @property
    def clock_ahead(self) -> float | None:
        """How many seconds the local clock was ahead of the remote side's at its last answer; None if not known."""
        return None if self._dated is None else seconds_ahead(*self._dated)

    async def aclose(self) -> None:
        """Closes all connections, including a transport that was passed in."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    def _open(self) -> Sender:
        if self._handed_in is None:
            return Pool(self._base, self._limits.most or self._limits.parallelism, self._surroundings)
        from reconciler.api.over_httpx import OverHttpx

        return OverHttpx(self._handed_in)

    async def ask(self, call: ApiCall, site: SiteRef, *, account: bool, fence: Fence | None = None) -> Answer:
        """Sends a call for a site, and resends it if appropriate (retries.py).

        Raises ApiError, UsageError, and what `fence` raises before an attempt.

        `account`: `site.id` is the id of an account, and the call is account-level (D 2.1).
        """
        credential = self._credentials(site)
        if isinstance(credential, ApiKey):
            owner = "wix-account-id" if account else "wix-site-id"
            headers = {"Authorization": _header(credential.key, site), owner: _id_header(site)}
            return await self._authorised(call, site, headers, (credential.key.reveal(),), fence)
        token = await self._token(credential, site)
        try:
            return await self._with_token(call, site, credential, token, fence)
        except ApiError as error:
            if error.kind is not ErrorKind.UNAUTHENTICATED:
                raise
        # It may have expired early. A 401 means that nothing was done, so any call may be sent again, once.
        self._tokens.reject((credential, site.instance_id), token)
        return await self._with_token(call, site, credential, await self._token(credential, site), fence)

    async def _with_token(
        self, call: ApiCall, site: SiteRef, credential: AppCredentials, token: Secret, fence: Fence | None
    ) -> Answer:
        # The token's instance determines the site (I), so no wix-site-id is sent; nor is `Bearer` (S-sdk).
        secrets = (token.reveal(), credential.app_secret.reveal(), credential.app_id.reveal())
        return await self._authorised(call, site, {"Authorization": _header(token, site)}, secrets, fence)

    async def _authorised(
        self, call: ApiCall, site: SiteRef, headers: dict[str, str], secrets: tuple[str, ...], fence: Fence | None
    ) -> Answer:
        async def send() -> Answer | ApiError:
            token = self._consistent.get(site.id)
            mine = headers if token is None else {**headers, CONSISTENT: token}
            return await self._once(call, site, mine, secrets)

        return await self._persist(call, site, send, fence)

    async def _persist(
        self, call: ApiCall, site: SiteRef, send: Callable[[], Awaitable[Answer | ApiError]], fence: Fence | None = None
    ) -> Answer:
        attempt, waited = 0, 0.0
        while True:
            attempt += 1
            await self._budget.admit(site.id)
            async with self._budget.in_flight:
                if fence is not None:
                    await fence.confirm()
                answer = await send()
            if isinstance(answer, Answer):
                self._budget.in_flight.answered()
                return answer
            if answer.kind in _PRESSURE:
                self._budget.in_flight.pressed()
            pause = pause_before_retry(answer, call, attempt=attempt, waited=waited, jitter=self._jitter)
            if pause is None:
                raise answer
            if answer.kind is ErrorKind.THROTTLED and answer.retry_after is not None:
                self._budget.hold(site.id, answer.retry_after)
            waited += pause
            await self._clock.sleep(pause)

    async def _token(self, credential: AppCredentials, site: SiteRef) -> Secret:
        if not site.instance_id:
            raise UsageError(
                f"{site.name}: credential {in_quotes(site.credentials)} belongs to an app",
                "give the site its instanceId",
            )
        body = {
            "grant_type": "client_credentials",
            "client_id": credential.app_id.reveal(),
            "client_secret": credential.app_secret.reveal(),
            "instance_id": site.instance_id,
        }
        secrets = (body["client_secret"], body["client_id"])

        async def fetch() -> Token:
            call = TOKEN.call()
            answer = await self._persist(call, site, lambda: self._once(call, site, {}, secrets, token_body=body))
            return _token_of(answer)

        try:
            return await self._tokens.token((credential, site.instance_id), fetch)
        except ApiError as error:
            error.sent = False  # whatever happened to the token request, the request it was for was not sent
            raise

    async def _once(
        self,
        call: ApiCall,
        site: SiteRef,
        headers: dict[str, str],
        secrets: tuple[str, ...],
        *,
        token_body: dict[str, str] | None = None,
    ) -> Answer | ApiError:
        """One request and its answer. An error is returned, not raised, because the caller may try again."""
        if self._opened is None:
            self._opened = self._open()
        body = token_body if token_body is not None else call.body
        content = None if body is None else json.dumps(thaw(JsonObject(body))).encode()
        sent = _HEADERS if content is None else _HEADERS_WITH_BODY
        url = f"{self._prefix}{call.path}?{urlencode(call.query)}" if call.query else self._prefix + call.path
        request = Request(
            call.method, url, (*sent, *headers.items()), content, self._timeouts.connect, self._timeouts.silence
        )
        until = asyncio.get_running_loop().time() + self._timeouts.whole
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                response = await self._opened.send(request)
        except (Untrusted, ProxyRefused) as error:
            text = shown(masked(str(error), secrets))
            return ApiError(
                ErrorKind.NETWORK,
                call,
                text,
                sent=False,
                site=site.name,
                lasting=True,
                todo=self._surroundings.cure(error),
            )
        except (WireError, TimeoutError) as error:
            text = shown(masked(_network_text(error), secrets))
            blocked = isinstance(error, ProxyUnreachable | NotHttp) or not self.answered
            todo = self._surroundings.cure(error, self._base) if blocked else ""
            return ApiError(
                ErrorKind.NETWORK, call, text, sent=not isinstance(error, NotSent), site=site.name, todo=todo
            )
        if token_body is None:
            self._keep_consistent(site, response.header(CONSISTENT))
        self.answered = True
        if date := response.header("date"):
            self._dated = date, self._clock.now()
        return await self._received(call, site, response, secrets, until)

    def _keep_consistent(self, site: SiteRef, token: str) -> None:
        """Keeps the last consistency token of a site. One site's token says nothing about another's (17.6)."""
        if not token or len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
            return
        self._consistent[site.id] = token
        self._consistent.move_to_end(site.id)
        if len(self._consistent) > TOKENS_KEPT:
            self._consistent.popitem(last=False)

    async def _received(
        self, call: ApiCall, site: SiteRef, response: Response, secrets: tuple[str, ...], until: float
    ) -> Answer | ApiError:
        """What an answer says, once its body has come. `until` is a time of the event loop.

        Whatever fails from here on, the request was sent.
        """
        status = response.status
        name = request_id_of(response.header(REQUEST_ID))
        name = name and masked(name, secrets)
        accepted = 200 <= status < 300  # only 200 is expected (S-sdk), but any other 2xx is accepted too (17.9)
        why, lasting = "", False
        value: object = NotJson("")
        try:
            encoding, raw = response.header("content-encoding"), response.at_hand()
            if raw is not None:
                raw = received_at_once(encoding, raw)
            else:
                async with asyncio.timeout_at(until):
                    raw = await received(encoding, response.body())
            value = decode(raw, secrets, content=accepted)
        except NotJson as error:
            why, value = f"expected JSON, got {error.kind}", error
        except BadBody as error:
            why, lasting = f"expected a readable body; {error}", error.lasting
        except TimeoutError:
            why, lasting = f"expected a complete response; it did not end within {self._timeouts.whole:g} s", True
        except WireError as error:
            text = f"the response was cut off: {masked(_network_text(error), secrets)}"
            return ApiError(ErrorKind.NETWORK, call, shown(text), request_id=name, site=site.name)
        finally:
            await response.close()
        if accepted:
            if why and not isinstance(call, WriteCall):
                return Answer(call, None, status, name, site.name, why, lasting).unreadable(why)
            return Answer(call, None if why else value, status, name, site.name, trouble=why)
        return error_of(
            call,
            status,
            value,
            request_id=name,
            retry_after=retry_after_of(response.header("retry-after"), self._clock.now()),
            site=site.name,
        )


def seconds_ahead(date: str, now: datetime) -> float | None:
    """How many seconds `now` is ahead of the `Date` of an answer (RFC 9110); None if it has none."""
    try:
        return (now - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


class ReadTransport:
    """Sends calls that change nothing, and no others."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, call: ReadCall, site: SiteRef, *, account: bool = False) -> Answer:
        """The answer to a read. Raises ApiError; WriteRefused before anything is sent if it is not a read."""
        if not only_reads(call.method, call.path):
            raise WriteRefused(f"{call} may change something; this transport can only read")
        return await self._connection.ask(call, site, account=account)


class FullTransport(ReadTransport):
    """Sends writes too."""

    async def write(self, call: WriteCall, site: SiteRef, fence: Fence | None = None) -> Answer:
        """The answer to a write. Raises ApiError, whose `unclear` says whether the write may have taken effect.

        `fence` is checked before every attempt; what it raises is raised here.
        """
        return await self._connection.ask(call, site, account=False, fence=fence)


def _network_text(error: WireError | TimeoutError) -> str:
    return "no response in time" if isinstance(error, TimeoutError) else str(error)


def _header(secret: Secret, site: SiteRef) -> str:
    value = secret.reveal()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(
            f"{site.name}: credential {in_quotes(site.credentials)} is empty or contains a space, a line break or a "
            "character that no key contains",
            "check where it comes from",
        )
    return value


def _id_header(site: SiteRef) -> str:
    if not site.id or not site.id.isascii() or not site.id.isprintable():
        raise UsageError(
            f"{site.name}: {in_quotes(site.id)} is not an id", "copy it from the URL of the site's dashboard"
        )
    return site.id


def _token_of(answer: Answer) -> Token:
    """The token in the answer to a token request (D 2.2)."""
    body = answer.body if isinstance(answer.body, dict) else {}
    token, lifetime = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token:
        raise answer.unreadable("expected an access_token, got none")
    if isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0:
        return Token(Secret(token), float(lifetime))
    return Token(Secret(token), 300.0)  # it does not say how long: ask again soon
