"""Prints the licences of everything that is installed with the package, as the table in docs/licences.md.

python tools/licences.py
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement

from reconciler.version import DISTRIBUTION

PACKAGE: Final = DISTRIBUTION
BY_TEXT: Final = (("Neither the name of", "BSD-3-Clause"), ("Permission is hereby granted", "MIT"))
"""A sentence that identifies a licence of which only the text is given."""

EXTRAS: Final = ("", "object-store", "web")
"""The extras in the table; its page covers `dask` in a sentence. What only tests need is not distributed."""

_CLASSIFIER: Final = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


def installed_with(package: str, extras: tuple[str, ...] = ("",)) -> dict[str, str]:
    """Name -> licence of each distribution that a package installs, except itself."""
    found: dict[str, str] = {}
    waiting = [(package, extras)]
    while waiting:
        name, wanted = waiting.pop()
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in wanted):
                continue
            known = _canonical(requirement.name)
            if known in found:
                continue
            try:
                found[known] = licence_of(distribution(requirement.name))
            except PackageNotFoundError:  # for another platform, or an extra that is not installed
                continue
            waiting.append((requirement.name, ("", *requirement.extras)))
    return dict(sorted(found.items()))


def licence_of(found: Distribution) -> str:
    """The licence in one line, as the distribution's metadata names it."""
    metadata = found.metadata.json
    named = [match[1] for text in metadata.get("classifier", ()) if (match := _CLASSIFIER.match(text))]
    text = str(metadata.get("license_expression") or ", ".join(named) or metadata.get("license", "")).strip()
    if "\n" in text:
        text = next((name for sentence, name in BY_TEXT if sentence in text), text.splitlines()[0])
    return text or "unknown"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def table() -> str:
    """The licences as a Markdown table."""
    rows = "".join(f"| {name} | {licence} |\n" for name, licence in installed_with(PACKAGE, EXTRAS).items())
    return f"| package | licence |\n|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(table())
