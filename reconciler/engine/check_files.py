"""`version --check-files`: what an upgrade to this version would affect: files, state, saved plans. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from reconciler.config.discovery import shown_path
from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteEntry, SiteIndex
from reconciler.engine.adoption_results import FilesChecked
from reconciler.engine.fleet import Turn, in_turn, named_by_file, over_sites
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import Emit
from reconciler.engine.site_results import SiteFailed
from reconciler.model.approvals import ActivityApproval
from reconciler.model.codec import Malformed, parse
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.planner import document
from reconciler.state.documents import FORMAT_VERSION
from reconciler.state.errors import StateError
from reconciler.state.sites import StateStore
from reconciler.version import __version__

FOLDERS: Final = ("records/", "sites/", "runs/")
"""The folders of the state whose documents are checked; `sites/` is from the first version."""

PLANS: Final = "*.plan"


async def check_files(
    project: ProjectConfig, index: SiteIndex, store: StateStore, plans: Iterable[Path], emit: Emit
) -> FilesChecked:
    """Checks the project's approvals, its state, and saved plans: those given, and the ones in its folder."""
    touched: list[Diagnostic] = list(index.problems)
    files = index.files

    async def look(entry: SiteEntry, _turn: Turn) -> tuple[Diagnostic, ...] | None:
        approvals = project.approvals_file(entry.name)
        if not approvals.is_file():
            return None
        return () if entry.problems else tuple(_approvals(entry.load().approvals.activities, approvals))

    async for looked in over_sites(index.entries, look, named=named_by_file, at_once=project.parallelism, debug=True):
        if looked is not None:
            files += 1
            touched += looked.problems if isinstance(looked, SiteFailed) else looked
    keys = [key for folder in FOLDERS async for key in store.store.keys(folder) if key.endswith(".json")]
    async for found in in_turn(keys, partial(_stored, store), at_once=project.parallelism):
        files += 1
        touched += found
    for plan in sorted({*plans, *project.root.glob(PLANS)}):
        files += 1
        touched += _plan(plan)
    checked = FilesChecked(__version__, files, tuple(touched))
    emit(checked)
    return checked


def _approvals(activities: Iterable[ActivityApproval], path: Path) -> Iterator[Diagnostic]:
    if any(draft.earlier for activity in activities for draft in activity.drafts):
        what = "uses an earlier layout, which can still be read"
        yield _note("approvals-earlier-layout", path, what, "`reconciler review` rewrites it")


async def _stored(store: StateStore, key: str) -> list[Diagnostic]:
    """Findings about a document of the state."""
    try:
        stored = await store.store.get(key)
    except StateError as error:
        return [diagnostic_of(error)]
    place = store.store.place(key)
    return list(_document(stored.data if stored else b"", place if "://" in place else Path(place)))


def _document(data: bytes, place: Path | str) -> Iterator[Diagnostic]:
    try:
        members = parse(data)
    except Malformed:
        members = None
    version = members.get("formatVersion") if isinstance(members, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        yield _note("state-corrupt", place, "is corrupt", "restore it from a backup", Severity.ERROR)
    elif version > FORMAT_VERSION:
        what = f"was written by a newer version (format {version}; this one reads up to {FORMAT_VERSION})"
        yield _note("state-newer", place, what, "use that version or a newer one", Severity.ERROR)
    elif version < FORMAT_VERSION:
        what = f"has format {version}; the next apply of its site writes format {FORMAT_VERSION}"
        yield _note(
            "state-older", place, what, "keep a copy if you might go back; earlier versions refuse the new format"
        )


def _plan(path: Path) -> Iterator[Diagnostic]:
    try:
        members = parse(path.read_bytes())
    except (Malformed, OSError):
        members = None
    if not isinstance(members, dict) or members.get("kind") != document.KIND:
        yield _note("plan-unreadable", path, "is not a saved plan", "run plan again", Severity.WARNING)
    elif members.get("formatVersion") != document.FORMAT_VERSION or members.get("tool") not in (None, __version__):
        what = f"was made by another version ({members.get('tool', 'unknown')})"
        yield _note("plan-other-version", path, what, "run plan again", Severity.WARNING)


def _note(code: str, path: Path | str, what: str, fix: str, severity: Severity = Severity.NOTE) -> Diagnostic:
    place = Place(shown_path(path) if isinstance(path, Path) else path)
    return Diagnostic(code, what, fix, severity, place, continues=True)
