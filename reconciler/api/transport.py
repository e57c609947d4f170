"""A transport that can only read, and one that can write, over one connection with its limits and retries.

Secrets are revealed here alone, at the moment a header or the body of a token request is made, and what comes
back is cleaned of them before anything else sees it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx
from msgspec import Struct

from reconciler.api.bodies import LARGEST, NotJson, decode, masked
from reconciler.api.errors import ApiError, ErrorKind, error_of, request_id_of, retry_after_of, shown, unreadable
from reconciler.api.limits import Budget, Clock, Limits
from reconciler.api.pool import address_of, open_client
from reconciler.api.retries import pause_before_retry
from reconciler.api.routes import TOKEN, Call, ReadCall, WriteCall, only_reads
from reconciler.api.tokens import Token, TokenCache
from reconciler.model.canonical import JsonObject, thaw
from reconciler.model.credentials import ApiKey, AppCredentials, Credential
from reconciler.model.diagnostics import UsageError
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef

Credentials: TypeAlias = Callable[[SiteRef], Credential]

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Answer(Struct, frozen=True):
    """The answer to a request that succeeded: its decoded body, free of secrets."""

    call: Call
    body: object
    status: int
    request_id: str | None
    site: str

    def unreadable(self, why: str) -> ApiError:
        """The error that this answer is after all: its body is not what it should be."""
        return unreadable(self.call, why, status=self.status, request_id=self.request_id, site=self.site)


class WriteRefused(Exception):
    """A request that may change something was given to a transport that can only read. A bug, caught in time."""


class Connection:
    """One client, one budget and one set of tokens for the whole run. Opened by its first request."""

    def __init__(
        self,
        base_url: str,
        *,
        credentials: Credentials,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._base = address_of(base_url)
        self._prefix = str(self._base).rstrip("/")
        self._credentials = credentials
        self._limits = limits
        self._clock = clock
        self._transport = transport
        self._jitter = jitter
        self._budget = Budget(limits, clock)
        self._tokens = TokenCache(clock.now)
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Closes all connections. A transport that was handed in is closed too."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(self, call: Call, site: SiteRef, *, account: bool) -> Answer:
        """Sends a call for a site, again where that is right (retries.py). Raises ApiError, UsageError.

        `account`: `site.id` is the id of an account, and the call is one for accounts (D 2.1).
        """
        credential = self._credentials(site)
        if isinstance(credential, ApiKey):
            owner = "wix-account-id" if account else "wix-site-id"
            headers = {"Authorization": _header(credential.key, site), owner: _id_header(site)}
            return await self._authorised(call, site, headers, (credential.key.reveal(),))
        token = await self._token(credential, site)
        try:
            return await self._with_token(call, site, credential, token)
        except ApiError as error:
            if error.kind is not ErrorKind.UNAUTHENTICATED:
                raise
        # It may have ended early. A 401 says that nothing was done, so any call may be sent again, once.
        self._tokens.reject((credential, site.instance_id), token)
        return await self._with_token(call, site, credential, await self._token(credential, site))

    async def _with_token(self, call: Call, site: SiteRef, credential: AppCredentials, token: Secret) -> Answer:
        # The instance that the token is for fixes the site (I), so there is no wix-site-id; no `Bearer` (S-sdk).
        secrets = (token.reveal(), credential.app_secret.reveal(), credential.app_id.reveal())
        return await self._authorised(call, site, {"Authorization": _header(token, site)}, secrets)

    async def _authorised(self, call: Call, site: SiteRef, headers: dict[str, str], secrets: tuple[str, ...]) -> Answer:
        return await self._persist(call, site, lambda: self._once(call, site, headers, secrets))

    async def _persist(self, call: Call, site: SiteRef, send: Callable[[], Awaitable[Answer | ApiError]]) -> Answer:
        attempt, waited = 0, 0.0
        while True:
            attempt += 1
            await self._budget.admit(site.id)
            async with self._budget.in_flight:
                answer = await send()
            if isinstance(answer, Answer):
                return answer
            pause = pause_before_retry(answer, call, attempt=attempt, waited=waited, jitter=self._jitter)
            if pause is None:
                raise answer
            if answer.kind is ErrorKind.THROTTLED and answer.retry_after is not None:
                self._budget.hold(site.id, answer.retry_after)
            waited += pause
            await self._clock.sleep(pause)

    async def _token(self, credential: AppCredentials, site: SiteRef) -> Secret:
        if not site.instance_id:
            raise UsageError(f"{site.name}: credential {site.credentials!r} is an app's; give the site its instanceId")
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
            error.sent = False  # whatever became of the token: the request it was for was not sent
            raise

    async def _once(
        self,
        call: Call,
        site: SiteRef,
        headers: dict[str, str],
        secrets: tuple[str, ...],
        *,
        token_body: dict[str, str] | None = None,
    ) -> Answer | ApiError:
        """One request and its answer. An error is returned, not raised: it is for the caller to try again."""
        if self._client is None:
            self._client = open_client(self._base, self._limits.parallelism, self._transport)
        body = token_body if token_body is not None else call.body
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(thaw(JsonObject(body))).encode()
        request = self._client.build_request(
            call.method, self._prefix + call.path, params=call.query or None, headers=headers, content=content
        )
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text, sent = _network_text(error), not isinstance(error, _NEVER_SENT)
            return ApiError(ErrorKind.NETWORK, call, shown(masked(text, secrets)), sent=sent, site=site.name)
        return await self._received(call, site, response, secrets)

    async def _received(
        self, call: Call, site: SiteRef, response: httpx.Response, secrets: tuple[str, ...]
    ) -> Answer | ApiError:
        """What an answer says, once its body has come. Whatever fails from here on, the request was sent."""
        status = response.status_code
        name = request_id_of(response.headers)
        name = name and masked(name, secrets)
        try:
            raw = await _bounded(response)
        except httpx.DecodingError:
            return unreadable(call, "its compression is broken", status=status, request_id=name, site=site.name)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            text = f"the answer broke off: {masked(_network_text(error), secrets)}"
            return ApiError(ErrorKind.NETWORK, call, shown(text), request_id=name, site=site.name)
        finally:
            await _close(response)
        # Every success seen is a 200 (I, section 1); any other 2xx is taken as one too.
        good = 200 <= status < 300
        if raw is None:
            why = f"it is longer than {LARGEST // 2**20} MiB"
            return unreadable(call, why, status=status, request_id=name, site=site.name)
        try:
            value = decode(raw, secrets, content=good)
        except NotJson as error:
            if good:
                why = "it is an HTML page" if error.text.lstrip().startswith("<") else "it is no JSON"
                return unreadable(call, why, status=status, request_id=name, site=site.name)
            value = error
        if good:
            return Answer(call, value, status, name, site.name)
        return error_of(
            call,
            status,
            value,
            request_id=name,
            retry_after=retry_after_of(response.headers, self._clock.now()),
            site=site.name,
        )


class ReadTransport:
    """Sends calls that change nothing, and no others."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, call: ReadCall, site: SiteRef, *, account: bool = False) -> Answer:
        """The answer to a read. Raises ApiError; WriteRefused before anything is sent if it is no read after all."""
        if not only_reads(call.method, call.path):
            raise WriteRefused(f"{call} may change something; this transport can only read")
        return await self._connection.ask(call, site, account=account)


class FullTransport(ReadTransport):
    """Sends writes too."""

    async def write(self, call: WriteCall, site: SiteRef) -> Answer:
        """The answer to a write. Raises ApiError, whose `unclear` says whether it may have had its effect."""
        return await self._connection.ask(call, site, account=False)


async def _bounded(response: httpx.Response) -> bytes | None:
    """The whole body, decompressed; None where it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


async def _close(response: httpx.Response) -> None:
    try:
        await response.aclose()
    except (httpx.HTTPError, OSError):
        pass  # the answer is read, or its failure known: what happens while hanging up changes nothing


def _network_text(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no answer in time"
    return str(error) or "the connection was lost"


def _header(secret: Secret, site: SiteRef) -> str:
    value = secret.reveal()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(
            f"{site.name}: credential {site.credentials!r} is empty or holds a blank, a line break or a letter that "
            "no key has; check where it comes from"
        )
    return value


def _id_header(site: SiteRef) -> str:
    if not site.id or not site.id.isascii() or not site.id.isprintable():
        raise UsageError(f"{site.name}: {site.id!r} is no id; copy it from the dashboard's address")
    return site.id


def _token_of(answer: Answer) -> Token:
    """The token that a token answer brings (D 2.2)."""
    body = answer.body if isinstance(answer.body, dict) else {}
    token, lifetime = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token:
        raise answer.unreadable("it holds no access_token")
    if isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0:
        return Token(Secret(token), float(lifetime))
    return Token(Secret(token), 300.0)  # it says nothing: ask again soon
