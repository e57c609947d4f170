"""Where the API and the state are: what `api` and `state` may be, in the file and on the command line."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.config.words import close_match, listed, quoted
from reconciler.model.diagnostics import Diagnostic, mistake
from reconciler.model.locations import STORES, is_loopback

NAMED_APIS: Final = ("wix", "sandbox")


def check_api(text: str) -> Diagnostic | None:
    """What is wrong with an `api`. It must be `wix`, `sandbox` or an https URL; http is allowed only on loopback."""
    if text in NAMED_APIS:
        return None
    hint = "write wix, sandbox or an https URL"
    if "://" not in text:
        near = close_match(text, NAMED_APIS)
        return mistake(f"{quoted(text)} is not an API", f"did you mean {near}?" if near else hint)
    url = _split(text)
    if url is None or not url.hostname or url.scheme.lower() not in ("http", "https"):
        return mistake(f"{quoted(_without_secrets(text))} is not the URL of an API", hint)
    if url.username is not None or url.password is not None:
        return mistake(
            "an inline secret is refused: the URL contains a user or a password", "name it under `credentials`"
        )
    if url.query or url.fragment or "?" in text or "#" in text:
        return mistake("the URL of an API has no query and no fragment", "leave out everything after the path")
    if url.scheme.lower() == "http" and not is_loopback(url.hostname):
        return mistake(
            f"{quoted(text)} would send keys unencrypted",
            "use https (http is for loopback only)",
        )
    return None


def check_state(text: str) -> Diagnostic | None:
    """What is wrong with a `state`. It must be a folder or the URL of an object store."""
    if "://" not in text:
        if text.strip() and "\0" not in text:
            return None
        return mistake(f"{quoted(text)} is not a folder", "write a path such as .reconciler")
    url = _split(text)
    stores = listed([f"{scheme}://" for scheme in STORES], "or")
    if url is None or url.scheme.lower() not in STORES:
        scheme = text.split("://", 1)[0]
        near = close_match(scheme, STORES)
        hint = f"did you mean {near}://?" if near else f"write a folder, or a URL that begins with {stores}"
        return mistake(f"{quoted(scheme)} is not a supported kind of store", hint)
    if url.username is not None or url.password is not None:
        return mistake(
            "an inline secret is refused: the URL contains a user or a password",
            "use the store's environment variables instead",
        )
    if not url.netloc:
        return mistake("the URL of a store needs a bucket name", f"write {url.scheme}://BUCKET/PATH")
    if url.query or url.fragment:
        return mistake("the URL of a store has no query and no fragment", f"write {url.scheme}://BUCKET/PATH")
    return None


def _split(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        _ = url.port  # reading it is the check
    except ValueError:
        return None
    return None if any(mark.isspace() for mark in text) else url


def _without_secrets(text: str) -> str:
    scheme, rest = text.split("://", 1)
    return f"{scheme}://...@{rest.rsplit('@', 1)[1]}" if "@" in rest else text
