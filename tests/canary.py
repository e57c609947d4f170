"""Secrets that no test may find anywhere: not in a file, an output or a log (design.md 6)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.wiring import SANDBOX_KEY

CANARY: Final = "IST.canary-of-the-key-in-the-environment-0123456789"

NEEDLES: Final = (CANARY, SANDBOX_KEY.key.reveal())


ECHOES: Final = tuple(
    form
    for needle in NEEDLES
    for form in (
        needle,
        needle.upper(),
        needle[:16],
        b64encode(needle.encode()).decode()[:24],
        needle.encode().hex()[:32],
    )
)
"""The secrets, and the forms in which a careless echo may repeat them."""


def leaks_in_text(text: str, where: str) -> list[str]:
    """A message for each form of a secret that is in a text."""
    return [f"{where} holds a secret" for form in ECHOES if form in text]


def leaks_in_folder(root: Path) -> Iterator[str]:
    """The files below a folder that contain a secret, including databases and anything else."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if any(form.encode() in data for form in ECHOES):
                yield f"{path.relative_to(root)} holds a secret"
