"""What the environment says about the way to the remote side: a proxy, and which certificates are trusted.

The variables are the usual ones. What they name is checked before the first request, and errors name the variable.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from reconciler.api.address import ApiAddress, Proxy, proxy_of
from reconciler.api.sender import NotHttp, OtherHost, OutOfDate, ProxyRefused, ProxyUnreachable, Untrusted
from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback
from reconciler.model.text import printable

BUNDLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""The variables that name a file of certificates; the first one set counts. The second may also name a folder."""

FOLDER: Final = "SSL_CERT_DIR"
"""The variable that names a folder of trusted certificates, or several as in PATH; they count, too, as in OpenSSL."""

KEY_LOG: Final = "SSLKEYLOGFILE"


class Surroundings(Struct, frozen=True):
    """The environment variables of the run; empty if none were passed in."""

    environ: Mapping[str, str] = field(default_factory=dict)

    def check(self, base: ApiAddress) -> None:
        """Raises UsageError if a variable that matters for this address names something that cannot be used."""
        self.proxy_for(base)
        if base.scheme == "https" and self._bundles():
            self.certificates()  # reading the public ones is slow and cannot fail: only named ones are tried
        elif self.environ.get(KEY_LOG):
            self._context()  # over plain http as well: aiohttp opens the file when it is imported

    def certificates(self) -> ssl.SSLContext:
        """The trusted certificates: those that the environment names, otherwise the public ones. Raises UsageError."""
        context, bundles = self._context(), self._bundles()
        if not bundles:
            import certifi

            context.load_verify_locations(cafile=certifi.where())
        for variable, path in bundles:
            folder = _usable_bundle(variable, path)
            try:
                context.load_verify_locations(cafile=None if folder else path, capath=path if folder else None)
            except OSError:  # includes ssl.SSLError
                raise _wrong_bundle(variable, path, "contains no readable certificate") from None
        return context

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if path := self.environ.get(KEY_LOG):
            try:
                context.keylog_filename = path
            except OSError:
                raise UsageError(
                    f"{KEY_LOG}={printable(path)} cannot be written", "set it to a file, or unset it"
                ) from None
        return context

    def proxy_for(self, base: ApiAddress) -> Proxy | None:
        """The proxy for an address; None for this machine. Raises UsageError if the proxy's address is wrong."""
        if is_loopback(base.host):
            return None
        excepted = self.environ.get("no_proxy") or self.environ.get("NO_PROXY") or ""
        if _is_excepted(base.host, excepted):
            return None
        named = self._proxy(base.scheme)
        if named is None:
            return None
        variable, address = named
        try:
            return proxy_of(address)
        except ValueError:
            raise _wrong_proxy(variable, address) from None

    def cure(self, error: Exception, base: ApiAddress | None = None) -> str:
        """What a person can do about an address, a proxy or a certificate that blocks the connection.

        For any other error: what to do if a proxy is used for `base`; "" if none is.
        """
        if isinstance(error, OtherHost):
            return "check the API's URL; if a proxy responds in its place, list the host in NO_PROXY"
        if isinstance(error, OutOfDate):
            return "check this machine's clock; if it is right, the server needs a new certificate"
        if isinstance(error, Untrusted):
            bundles = self._bundles()
            if not bundles:
                return "if a proxy re-signs TLS traffic, set SSL_CERT_FILE to the file with its CA certificate"
            variable, path = bundles[0]
            rehash = f", and run: openssl rehash {_in_shell(path)}" if os.path.isdir(path) else ""
            return f"add the CA certificate of this server to {printable(path)}, which {variable} names{rehash}"
        if isinstance(error, NotHttp):
            return "check the API's URL"
        variable = next((name for name in _proxy_names("https") if self.environ.get(name)), "HTTPS_PROXY")
        login = "user, password and " if isinstance(error, ProxyRefused) else ""
        check = f"check the {login}address in {variable}, or list the host in NO_PROXY"
        if isinstance(error, ProxyRefused | ProxyUnreachable):
            return check
        return f"run the command again; if it still fails, {check}" if base and self.proxy_for(base) else ""

    def _bundles(self) -> list[tuple[str, str]]:
        """The files and folders of certificates that are named, each with its variable."""
        found = [(variable, path) for variable in BUNDLES if (path := self.environ.get(variable))][:1]
        folders = self.environ.get(FOLDER, "").split(os.pathsep)
        return [*found, *((FOLDER, folder) for folder in folders if folder)]

    def _proxy(self, scheme: str) -> tuple[str, str] | None:
        for variable in _proxy_names(scheme):
            if address := self.environ.get(variable, "").strip():
                return variable, address
        return None


def _in_shell(path: str) -> str:
    import shlex  # most runs need none of this

    return printable(shlex.quote(path))


def _is_excepted(host: str, excepted: str) -> bool:
    """Whether a NO_PROXY list covers a host: by `*`, by name, or as part of a domain."""
    for entry in excepted.lower().replace(" ", ",").split(","):
        name = entry.partition(":")[0].lstrip(".") if entry.count(":") <= 1 else entry
        if name == "*" or (name and (host == name or host.endswith("." + name))):
            return True
    return False


def _proxy_names(scheme: str) -> tuple[str, ...]:
    return (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")


def _usable_bundle(variable: str, path: str) -> bool:
    """Whether the path is a folder. Raises UsageError if nothing can be read from it."""
    place = Path(path)
    try:
        if place.is_dir():
            if variable == "SSL_CERT_FILE":
                raise _wrong_bundle(variable, path, "is a folder")
            if not any(place.iterdir()):
                raise _wrong_bundle(variable, path, "is an empty folder")
            return True
        if variable == FOLDER:
            raise _wrong_bundle(variable, path, "is not a folder" if place.exists() else "does not exist")
        if not place.exists():
            raise _wrong_bundle(variable, path, "does not exist")
        if not place.is_file():
            raise _wrong_bundle(variable, path, "is not a regular file")
        if not place.stat().st_size:
            raise _wrong_bundle(variable, path, "is empty")
    except (OSError, ValueError):
        raise _wrong_bundle(variable, path, "cannot be read") from None
    return False


def _wrong_bundle(variable: str, path: str, what: str) -> UsageError:
    shown = printable(path)
    if variable == FOLDER:
        return UsageError(f"{variable}={shown} {what}", "set it to a folder of CA certificates, or unset it")
    return UsageError(f"{variable}={shown} {what}", "set it to a file with CA certificates in PEM form, or unset it")


def _wrong_proxy(variable: str, address: str) -> UsageError:
    scheme, separator, rest = address.rpartition("://")
    host = printable(scheme + separator + rest.rpartition("@")[2])  # never the password
    return UsageError(
        f"{variable}={host} is not the address of an http proxy", "write it like http://proxy.example:3128"
    )
