"""aiohttp, imported without what a run never uses but would pay for at its start.

When it is imported, it makes two TLS contexts of its own, each of which reads all public certificates.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final


class LateCertificates(ssl.SSLContext):
    """A context that reads the system's certificates on first use, and otherwise behaves like any other."""

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        """As in the base class, after reading the certificates."""
        self._read_now()
        return super().wrap_socket(*arguments, **named)

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """As in the base class, after reading the certificates."""
        self._read_now()
        return super().wrap_bio(*arguments, **named)

    def _read_now(self) -> None:
        if self.__dict__.pop("late", False):
            self.set_default_verify_paths()


_PUT_OFF: Final = ("load_default_certs", "set_default_verify_paths")


@contextmanager
def _certificates_later() -> Iterator[None]:
    """In this block, contexts that are to read the system's certificates do so on first use."""

    def put_off(context: ssl.SSLContext, *_: object) -> None:
        context.__class__ = LateCertificates
        context.__dict__["late"] = True

    kept = {name: ssl.SSLContext.__dict__.get(name) for name in _PUT_OFF}
    for name in _PUT_OFF:
        setattr(ssl.SSLContext, name, put_off)
    try:
        yield
    finally:
        for name, method in kept.items():
            if method is None:
                delattr(ssl.SSLContext, name)
            else:
                setattr(ssl.SSLContext, name, method)


def import_aiohttp() -> None:
    """Imports aiohttp so that its own contexts, which no run uses, read their certificates late."""
    if "aiohttp" not in sys.modules and sys.platform != "win32":  # on Windows, certificates come from its own store
        with _certificates_later():
            import aiohttp.connector  # noqa: F401
