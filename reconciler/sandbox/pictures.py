"""Owns the pictures of posts: their addresses, which look like those of Wix's media store, and what they show.

A picture is made from its address alone: the colours from its id, the title from its file name. So whoever shows posts
can draw them without a network: in process as a `data:` URL, over HTTP under the same path on the sandbox's server.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from urllib.parse import quote, unquote, urlsplit

STORE = "static.wixstatic.com"
PREFIX = "/media/"
CONTENT_TYPE = "image/svg+xml"

_SIZE = 1080
_LONGEST_NAME = 80
_LINE = 18  # characters that fit on a line
_LINES = 5


def address(*key: object, title: str) -> str:
    """The address of the picture determined by these parts, in the form of the media store (S-wix)."""
    name = sha256(":".join(map(str, key)).encode()).hexdigest()
    words = quote(" ".join(title.split())[:_LONGEST_NAME], safe="", errors="replace")
    return f"https://{STORE}{PREFIX}{name[:6]}_{name[6:38]}~mv2.jpg/v1/fit/w_{_SIZE}/{words or 'picture'}.jpg"


def file_id(url: str) -> str:
    """The id of a picture in the media store."""
    return urlsplit(url).path.removeprefix(PREFIX).split("/")[0]


def draw(path: str) -> bytes:
    """The picture for an address's path, as an SVG of a few kilobytes."""
    name = unquote(path).rpartition("/")[2].rpartition(".")[0] or "picture"
    digest = sha256(path.removeprefix(PREFIX).split("/")[0].encode("utf-8", "replace")).digest()
    return "".join(_parts(name, digest)).encode("utf-8", "replace")


def data_url(url: str) -> str | None:
    """A picture from the store as a `data:` URL; None for an address elsewhere."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme != "https" or parts.netloc != STORE or not parts.path.startswith(PREFIX):
        return None
    return f"data:{CONTENT_TYPE};base64,{base64.b64encode(draw(parts.path)).decode()}"


def _parts(title: str, digest: bytes) -> Iterator[str]:
    hue = digest[0] * 360 // 256
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="hsl({hue},52%,38%)"/>'
        f'<stop offset="1" stop-color="hsl({(hue + 40 + digest[1] % 80) % 360},58%,24%)"/></linearGradient></defs>'
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="url(#g)"/>'
    )
    for place in range(6):
        x, y, radius = (digest[2 + 3 * place + part] for part in range(3))
        yield (
            f'<circle cx="{x * _SIZE // 255}" cy="{y * _SIZE // 255}" r="{90 + radius}" '
            f'fill="hsl({(hue + 25 * place) % 360},70%,70%)" fill-opacity="0.16"/>'
        )
    lines = _wrapped(title)
    top = (_SIZE - 104 * (len(lines) - 1)) // 2
    for place, line in enumerate(lines):
        yield (
            f'<text x="{_SIZE // 2}" y="{top + 104 * place}" font-family="Georgia,serif" font-size="88" fill="#fff" '
            f'text-anchor="middle" dominant-baseline="middle">{escape(_printable(line))}</text>'
        )
    yield "</svg>"


def _wrapped(title: str) -> list[str]:
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return [line[: 2 * _LINE] for line in lines[:_LINES]]


def _printable(text: str) -> str:
    """Text without the characters that XML does not accept."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
