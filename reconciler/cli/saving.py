"""Saved plans on disk: written whole or not at all, and read with all that speaks against applying them."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reconciler import __version__
from reconciler.model.diagnostics import UsageError
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.document import SavedPlan, UnreadablePlan, from_text, to_text
from reconciler.reporters.results import Failed, SavedAs, SiteResult

LARGEST = 256 * 1024 * 1024
"""Bytes of a plan file that are read: a plan of a thousand sites has a few million."""


class Saving:
    """The plans of a run, kept until they can be saved as one. With no file it keeps nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._plans: list[Plan] = []
        self._failed = 0
        if file is not None and not file.parent.is_dir():
            raise UsageError(f"--out {printable(str(file))}: there is no folder {printable(str(file.parent))}")

    def add(self, result: SiteResult) -> None:
        """One site more."""
        if self._file is None:
            return
        if isinstance(result, Failed):
            self._failed += 1
        else:
            self._plans.append(result.plan)

    def write(self, api: str, made_at: datetime) -> None:
        """Writes the file, and says so on stderr. A plan that lacks a site is not saved: whoever applied it
        would take it for the whole."""
        if self._file is None:
            return
        name = printable(str(self._file))
        if self._failed:
            sys.stderr.write(f"The plan was not saved to {name}: not every site could be planned.\n")
            return
        plans = tuple(sorted(self._plans, key=lambda one: one.site.name))
        saved = SavedPlan(str(uuid.uuid4()), __version__, api, made_at, plans)
        _replace(self._file, to_text(saved))
        sys.stderr.write(f"Saved to {name}. To carry out exactly this plan: reconciler apply {name}\n")


def _replace(file: Path, text: str) -> None:
    """Only its owner may read the file: it says what will be published."""
    hidden: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", newline="\n", dir=file.parent, prefix=f".{file.name}.", delete=False
        ) as out:
            hidden = out.name
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(hidden).replace(file)
    except OSError as error:
        if hidden is not None:
            Path(hidden).unlink(missing_ok=True)
        raise UsageError(f"--out {printable(str(file))}: cannot be written: {error.strerror}") from None


def plan_file_of(paths: Sequence[Path]) -> Path | None:
    """The plan file among the arguments of `apply`: a single file that is no YAML."""
    if len(paths) != 1 or paths[0].suffix in (".yaml", ".yml"):
        return None
    return paths[0] if paths[0].is_file() else None


def read_plan(file: Path) -> SavedPlan:
    """The saved plan in a file. Raises UnreadablePlan and AlteredPlan."""
    name = printable(str(file))
    try:
        if file.stat().st_size > LARGEST:
            raise UnreadablePlan(name, "is no saved plan: it is too large")
        data = file.read_bytes()
    except OSError as error:
        raise UnreadablePlan(name, f"cannot be read: {error.strerror}", "check the path") from None
    return from_text(data, name)


def saved_as(saved: SavedPlan, now: datetime, spent_at: datetime | None) -> SavedAs:
    """What reporters are told of a saved plan."""
    return SavedAs(
        saved.id,
        saved.digest,
        saved.made_at,
        saved.expires_at,
        saved.tool,
        saved.api,
        expired=now >= saved.expires_at,
        spent_at=spent_at,
    )
