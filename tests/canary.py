"""Secrets that no test may find anywhere: not in a file, an output or a log (design.md 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.cli.wiring import SANDBOX_KEY

CANARY: Final = "IST.canary-of-the-key-in-the-environment-0123456789"

NEEDLES: Final = (CANARY, SANDBOX_KEY.key.reveal())


def leaks_in_text(text: str, where: str) -> list[str]:
    """Where a secret stands in a text."""
    return [f"{where} holds a secret" for needle in NEEDLES if needle in text]


def leaks_in_folder(root: Path) -> Iterator[str]:
    """The files below a folder that hold a secret, databases and whatever else included."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if any(needle.encode() in data for needle in NEEDLES):
                yield f"{path.relative_to(root)} holds a secret"
