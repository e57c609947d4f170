"""ObjectStore: a store in a bucket (`s3://`, `gs://`, `az://`), over obstore, with conditional writes.

Credentials, region and endpoint come from the environment variables that each provider's own tools read
(`AWS_*`, `GOOGLE_*`, `AZURE_*`). obstore comes with the extra `object-store` and is imported when it is used.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import STORES, is_loopback
from reconciler.state.errors import Conflict, StateError
from reconciler.state.store import Any, Log, Store, Stored, Version, check_key
from reconciler.version import install_hint

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import AzureStore, GCSStore, S3Config, S3Store

TIMEOUT = timedelta(seconds=10)
"""The time limit of one request. A lease of 60 s has to survive a few that fail."""

RETRY_TIMEOUT = timedelta(seconds=20)
"""How long after its first attempt a request may still be retried."""

RETRIES = 5

_AWS: Final = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_METADATA_ENDPOINT"),
    *("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_REQUEST_PAYER"),
)
_GOOGLE: Final = ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "GOOGLE_SERVICE_ACCOUNT_KEY")
_AZURE: Final = (
    *("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY"),
    *("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_TOKEN", "AZURE_STORAGE_USE_EMULATOR"),
    *("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_AUTHORITY_ID", "AZURE_AUTHORITY_HOST"),
    *("AZURE_STORAGE_CLIENT_ID", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_STORAGE_TENANT_ID"),
    *("AZURE_STORAGE_AUTHORITY_ID", "AZURE_STORAGE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"),
    *("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_MSI_ENDPOINT", "AZURE_IDENTITY_ENDPOINT"),
    *("AZURE_OBJECT_ID", "AZURE_MSI_RESOURCE_ID", "AZURE_USE_AZURE_CLI"),
)
SETTINGS: Final = {"s3": _AWS, "gs": _GOOGLE, "az": _AZURE}
"""The variables that every version of obstore takes as settings, by the schemes of URLs."""

ENDPOINTS: Final = {
    "s3": ("AWS_ENDPOINT",),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"),
}
"""Prefixes of the variables that say where a provider's server is."""

CREDENTIALS: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The variables that most people set."""

_KEYS: Final = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"),
    "az": (
        *("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_SAS", "AZURE_STORAGE_TOKEN"),
        *("AZURE_CLIENT_", "AZURE_STORAGE_CLIENT_", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_STORAGE_USE_EMULATOR"),
        "AZURE_USE_AZURE_CLI",
    ),
}
"""Prefixes of the variables that give access; one is enough. Without any, the machine's own access is tried."""

_PROXIES: Final = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY")


class ObjectStore(Store):
    """Keeps each key as an object below the prefix of a URL."""

    def __init__(self, store: S3Store | GCSStore | AzureStore, url: str, environ: Mapping[str, str]) -> None:
        self._store = store
        self._url = url.rstrip("/")
        scheme = urlsplit(url).scheme
        given = [name for name in sorted(environ) if environ[name]]
        self._ways = tuple(name for name in given if name.startswith(ENDPOINTS[scheme]) or name.upper() in _PROXIES)
        """The variables that decide where the store is and how it is reached."""
        self._missing = "" if any(name.startswith(_KEYS[scheme]) for name in given) else CREDENTIALS[scheme]
        """The variables to set, unless the machine has access of its own."""
        self._bucket_seen = False
        self._conditions_seen = False
        self._seeing = asyncio.Lock()

    @classmethod
    def open(cls, url: str, environ: Mapping[str, str]) -> ObjectStore:
        """The store at a URL; sends nothing. Its settings are taken from `environ`.

        Raises UsageError for a URL of another kind or without a bucket, for an endpoint that is not safe, and
        if the extra is not installed.
        """
        parts = urlsplit(url)
        if parts.scheme not in STORES:
            kinds = ", ".join(f"{scheme}://" for scheme in STORES)
            raise UsageError(f"state: {parts.scheme}:// is not known", f"use a folder or one of {kinds}")
        if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(
                "state: the address contains more than a bucket and a prefix", f"use {parts.scheme}://bucket/prefix"
            )
        plain = _plain_endpoint(parts.scheme, environ)
        settings = {name: environ[name] for name in SETTINGS[parts.scheme] if name in environ}
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError:
            raise UsageError(
                f"state {url}: object stores need an extra", f"install it with: {install_hint('object-store')}"
            ) from None
        try:
            # obstore looks up what is not given here in the process's own environment.
            store = from_url(
                url,
                config=cast("S3Config", settings),  # or that of another provider, depending on the URL
                client_options={"allow_http": plain, "timeout": TIMEOUT, "connect_timeout": TIMEOUT},
                retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT},
            )
        except (BaseError, ValueError) as error:
            raise UsageError(
                f"state {url}: cannot be opened ({_said(error)})",
                f"check {CREDENTIALS[parts.scheme]} in the environment, and the store's other variables there",
            ) from None
        return cls(store, url, environ)  # type: ignore[arg-type]  # from_url is typed for local folders too

    def place(self, key: str) -> str:
        return f"{self._url}/{key}"

    async def get(self, key: str) -> Stored | None:
        import obstore

        with self._as_state_error(key, "cannot be read"):
            try:
                result = await obstore.get_async(self._store, check_key(key))
                meta = result.meta  # some versions no longer have it once the bytes are read
                data = bytes(await result.bytes_async())
            except FileNotFoundError:
                await self._see_bucket()
                return None
            return Stored(data, _version(meta["e_tag"], meta["version"]))

    async def put(
        self,
        key: str,
        data: bytes,
        *,
        expected: Version | None | Any,
        durable: bool = True,  # noqa: ARG002 - all of them are
    ) -> Version:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: PutMode = "overwrite"
        if expected is None:
            mode = "create"
        elif not isinstance(expected, Any):
            # The version has only the members that the provider gave: obstore refuses a member that is None.
            mode = json.loads(expected)
        with self._as_state_error(key, "cannot be written"):
            if not isinstance(expected, Any):
                await self._see_conditions()
            try:
                result = await obstore.put_async(self._store, check_key(key), data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                raise Conflict(key) from None
            except FileNotFoundError:
                # The object to update is gone, or there is no bucket; the next line tells which.
                await self._see_bucket()
                raise Conflict(key) from None
            return _version(result["e_tag"], result["version"])

    async def delete(self, key: str) -> None:
        import obstore

        with self._as_state_error(key, "cannot be removed"):
            try:
                await obstore.delete_async(self._store, check_key(key))
            except FileNotFoundError:
                pass

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        import obstore

        keys = []
        with self._as_state_error(prefix, "cannot be listed"):
            async for page in obstore.list(self._store, prefix.rstrip("/"), chunk_size=1000):
                keys += [entry["path"] for entry in page]
        for key in sorted(keys):
            yield key

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        # Objects cannot be appended to: each addition is an object of its own, and `at` counts them.
        await self.put(_part(key, at), data, expected=None)
        return at + 1

    async def read_log(self, key: str) -> Log:
        lines: list[bytes] = []
        end = 0
        async for part in self.keys(f"{key}/"):
            if (stored := await self.get(part)) is not None:
                lines += stored.data.splitlines(keepends=True)
            end += 1
        return Log(tuple(lines), end)

    async def delete_log(self, key: str) -> None:
        async for part in self.keys(f"{key}/"):
            await self.delete(part)

    async def _see_bucket(self) -> None:
        """Checks once whether the bucket exists at all.

        An object in a missing bucket is "not found" too, so a misspelt bucket would look like a project without a past.
        """
        if self._bucket_seen:
            return
        import obstore

        async for _ in obstore.list(self._store, "records", chunk_size=1):
            break
        self._bucket_seen = True

    async def _see_conditions(self) -> None:
        """Checks once whether the server honours conditions.

        Some servers speak S3 but ignore them, and then two runs would both hold a site.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        async with self._seeing:
            if self._conditions_seen:
                return
            key = f"probe-{secrets.token_hex(8)}"
            result = await obstore.put_async(self._store, key, b"1", mode="create", use_multipart=False)
            ignored = True
            try:
                await obstore.put_async(self._store, key, b"2", mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                ignored = False
            try:
                await obstore.delete_async(self._store, key)
            except (BaseError, OSError):
                pass  # a leftover key says nothing about conditions
            if ignored or not (result["e_tag"] or result["version"]):
                raise StateError(
                    self._url,
                    "ignores conditional writes, so locks would not work",
                    "use a store that honours If-None-Match and If-Match",
                )
            self._conditions_seen = True

    @contextmanager
    def _as_state_error(self, key: str, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            fix = "check that the credentials in the environment may list, read and write there"
            raise StateError(self.place(key), f"{what} ({_said(error)})", fix) from None
        except (BaseError, OSError) as error:
            named = f"{', '.join(self._ways)}, and " if self._ways else ""
            fix = f"check {named}that the bucket exists and can be reached from here, then run again"
            if self._missing:
                fix = f"set {self._missing} unless this machine gets its credentials another way, and {fix}"
            raise StateError(self.place(key), f"{what} ({_said(error)})", fix) from None


def _part(log: str, number: int) -> str:
    return f"{log}/{number:08d}"


def _version(e_tag: str | None, version: str | None) -> Version:
    """The version as obstore accepts it: S3 and Azure go by the tag, Google by the generation."""
    named = {"e_tag": e_tag, "version": version}
    return Version(json.dumps({name: value for name, value in named.items() if value is not None}))


def _plain_endpoint(scheme: str, environ: Mapping[str, str]) -> bool:
    """Whether an endpoint without TLS is set. Raises UsageError if it is not on this machine, or not a URL."""
    plain = False
    for name in sorted(environ):
        if not name.startswith(ENDPOINTS[scheme]):
            continue
        try:
            endpoint = urlsplit(environ[name])
            host, _ = endpoint.hostname or "", endpoint.port
        except ValueError:
            endpoint, host = urlsplit(""), ""
        if endpoint.scheme not in ("http", "https") or not host or " " in environ[name]:
            what = "is not the URL of a server" if environ[name] else "is empty"
            raise UsageError(f"{name} {what}", "write it like https://storage.example, or unset it")
        if endpoint.scheme == "http":
            if not is_loopback(host):
                raise UsageError(f"{name}: {host} is not this machine", "use https://")
            plain = True
    return plain


def _said(error: Exception) -> str:
    """The first line of an error, short, and without query strings: Azure carries its signature there."""
    line = (str(error).splitlines() or [""])[0]
    line = re.sub(r"\?[^\s'\")]*", "?...", line)
    return line if len(line) <= 240 else line[:240] + "..."
