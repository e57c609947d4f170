"""Saved plans: writing and showing them, and whether the project and its files are still those they were made from."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.discovery import PROJECT_FILE, absolute_path, shown_path
from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteEntry, check_sites
from reconciler.engine.plan_file import in_file_order, unwritable, write_plan
from reconciler.engine.plan_totals import PlanTotals
from reconciler.engine.results import Emit, Notice, PlanCompleted, PlanLoaded, RunStarted
from reconciler.engine.site_results import SitePlanned
from reconciler.model.address import SiteName
from reconciler.model.canonical import Absent, Digest
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.model.plurals import some_of
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.document import RunArguments, RunBackground, RunPart, SavedPlan, UnusablePlan
from reconciler.state.errors import StateError
from reconciler.state.plans import PlanUse, SpentPlans
from reconciler.version import __version__
from reconciler.whole_files import check_replaceable

if TYPE_CHECKING:
    from reconciler.engine.state import StateAccess

MOVED_ON = "files-moved-on"


class MovedOn(UnusablePlan):
    """The files on disk are not those the plan was made from; with `--strict`, the plan is then refused."""

    code = MOVED_ON

    def __init__(self, changed: Diagnostic) -> None:
        super().__init__(f"{changed.message}, and --strict is given")


class FilesDoubtful(UnusablePlan):
    """There are warnings about the project's files; with `--strict`, a saved plan is then refused."""

    code = "files-doubtful"

    def __init__(self) -> None:
        super().__init__("there are warnings about the files, and --strict is given", "correct the files")


class FilesUnreadable(UnusablePlan):
    """The project's files cannot be read, so it is not known whether people still want what the plan does."""

    code = "files-unreadable"

    def __init__(self, error: InvalidFiles | UsageError) -> None:
        first = error.problems[0] if isinstance(error, InvalidFiles) else error
        fix = "correct that and apply the plan again"
        super().__init__(first.message, fix, place=first.place, continues=first.continues is True)


def check_destination(file: Path) -> None:
    """Checks that a plan can be saved, before it is made. Raises UsageError if it cannot."""
    shown = printable(str(file))
    if file.suffix.lower() in (".yaml", ".yml"):
        what = "would be read as a site file when it is applied"
        raise UsageError(f"--out {shown}: {what}", f"choose another name, such as {printable(file.stem)}.plan")
    folder = printable(str(file.parent))
    if file.parent.exists() and not file.parent.is_dir():
        raise UsageError(f"--out {shown}: {folder} is not a folder", "choose another")
    if not file.parent.is_dir():
        raise UsageError(f"--out {shown}: there is no folder {folder}", "create it, or choose another")
    try:
        check_replaceable(file)
    except OSError as error:
        raise unwritable(file, error) from None
    if file.exists() and not file.is_file():
        raise UsageError(f"--out {shown} is not a regular file", "choose another name")


def save_plan(
    file: Path,
    api: str,
    made_at: datetime,
    plans: Collection[Plan],
    part: RunPart | None = None,
    project: Digest | None = None,
    commit: str | None = None,
    background: RunBackground | None = None,
) -> None:
    """Writes the plans of a run. Raises UsageError if the file cannot be written.

    `project` is the digest of the project file, `commit` what git has checked out.
    """
    saved = SavedPlan(str(uuid.uuid4()), __version__, api, made_at, plans, part=part, project=project, commit=commit)
    write_plan(file, replace(saved, background=background))


def plan_file_of(paths: Sequence[Path]) -> Path | None:
    """The plan file among the arguments of `apply`: a path that is neither YAML nor a folder.

    Raises UsageError if it is not the only argument.
    """
    others = (path for path in paths if path.suffix not in (".yaml", ".yml"))
    file = next((path for path in others if path.exists() and not path.is_dir()), None)
    if file is not None and len(paths) > 1:
        raise UsageError(
            f"{file} is not YAML, so it is read as a saved plan, which cannot be combined with other paths",
            "pass one saved plan alone (`merge` joins the plans of all shards), or only YAML files and folders",
        )
    return file


def plan_loaded(saved: SavedPlan, project: ProjectConfig, now: datetime, use: PlanUse | None) -> PlanLoaded:
    """What is reported about a saved plan before its sites."""
    left = use.left if use is not None else ()
    loaded = PlanLoaded(
        saved.id,
        saved.digest,
        saved.made_at,
        saved.expires_at,
        saved.tool,
        saved.api,
        expired=now >= saved.expires_at,
        spent_at=use.begun_at if use is not None and not left else None,
        parts=saved.part.count if saved.part is not None else 1,
        commit=saved.commit,
        other_api=saved.api != project.api,
        arguments=_arguments(saved, project.root),
    )
    return replace(loaded, begun_at=use.begun_at, shards=use.shards, shards_left=left) if use is not None else loaded


def _arguments(saved: SavedPlan, root: Path) -> RunArguments | None:
    """The arguments that decided what is in a plan, with paths from the current directory; None if there were none."""
    if saved.background is None or isinstance(saved.background.arguments, Absent):
        return None
    found = saved.background.arguments
    if (state := found.state) is not None:
        found = found.with_state(_from_here(root, state))
    return replace(found, paths=tuple(shown_path(root / path) for path in found.paths))


def _from_here(root: Path, state: str) -> str:
    """A state, with a folder from the current directory; in full if that is not in the project's folder `root`."""
    if "://" in state or os.path.isabs(state):
        return state
    folder, here = absolute_path(root / state), absolute_path(Path())
    return os.path.relpath(folder, here) if here.is_relative_to(absolute_path(root)) else str(folder)


def is_for_other_state(saved: SavedPlan, project: ProjectConfig) -> bool:
    """Whether a plan was made with a state that is not the project's own, as far as it says so."""
    if saved.background is None or isinstance(saved.background.arguments, Absent):
        return False
    state = saved.background.arguments.state
    if state is None or "://" in state or "://" in project.state:
        return state not in (None, project.state)
    return absolute_path(project.root / state) != absolute_path(project.root / project.state)


def without_approval(plans: Iterable[Plan]) -> tuple[SiteName, ...]:
    """The sites whose drafts go out without approval, as far as their plans say so."""
    return tuple(plan.site.name for plan in plans if _without_approval(plan))


def _without_approval(plan: Plan) -> bool:
    declared = not isinstance(plan.background, Absent) and plan.background.approval_none
    return declared or any(not action.operation.approved for action in plan.actions)


async def show_saved(
    saved: SavedPlan,
    state: Callable[[], StateAccess] | None,
    now: datetime,
    started: RunStarted,
    project: ProjectConfig,
    emit: Emit,
    *,
    outside: bool = False,
) -> PlanCompleted:
    """Reports a saved plan, judged by the limits of a project, and when it was applied if the state can say so.

    `started` is reported first. `outside`: the plan's own project was not found. `state` is None if it was not found
    either.
    """
    emit(started)
    use, spent_known = None, state is not None
    try:
        if state is not None:
            use = await SpentPlans(state().store.store).use_of(saved.seal)
    except (StateError, UsageError):
        spent_known = False
    loaded = replace(plan_loaded(saved, project, now, use), spent_known=spent_known, outside=outside)
    emit(loaded)
    totals = PlanTotals()
    for plan in in_file_order(saved.plans):
        planned = SitePlanned.saved(plan)
        totals.add(planned)
        for warning in planned.warnings:
            emit(Notice(warning))
        emit(planned)
    completed = totals.completed(project.policy)
    completed = totals.refused_by((*completed.refusals, *refusals_of(saved)), completed)
    of_use = not loaded.expired and use is None
    completed = totals.judged_public(completed, saved.of, covers_all=of_use and covered_all(saved))
    emit(completed)
    return completed


def refusals_of(saved: SavedPlan) -> tuple[Diagnostic, ...]:
    """Why a saved plan was refused as a whole when it was made, apart from limits."""
    return saved.background.refusals if saved.background is not None else ()


def covered_all(saved: SavedPlan) -> bool:
    """Whether nothing that may go public was left out on the sites of a saved plan, and no site was undeclared."""
    return saved.background is not None and saved.background.covers_all


def check_found(project: ProjectConfig) -> None:
    """Raises UsageError if there is no project: neither a project file nor a folder of site files."""
    if project.file is None and not (project.root / "sites").is_dir():
        raise UsageError(
            f"there is no {PROJECT_FILE} in {project.root} or above",
            "run it in the folder of the project that the plan was made from",
        )


def check_project(saved: SavedPlan, project: ProjectConfig, api: str) -> None:
    """Raises UsageError if a saved plan belongs to another project, or to an API other than `api`."""
    if api != saved.api and project.file is None:
        raise UsageError(
            f"the plan was made for the API {printable(saved.api)}, and there is no {PROJECT_FILE} in {project.root} "
            "or above",
            f"run it in the folder of the project that the plan was made from, or pass --api {printable(saved.api)}",
        )
    if api != saved.api:
        raise UsageError(
            f"the plan was made for the API {printable(saved.api)}, and this run is for {printable(api)}",
            f"pass --api {printable(saved.api)}, or run plan again",
        )
    for plan in saved.plans:
        if api != "sandbox" and plan.site.credentials not in project.credentials:
            raise UsageError(
                f"{plan.site.name}: the plan names the credentials {printable(plan.site.credentials)}, which "
                "the project does not have",
                "apply it in the project it was made in",
            )


class FilesNow(Struct, frozen=True):
    """The files of a project as they are when a saved plan is applied: its sites by name, and the warnings about them.

    A site whose own approvals file cannot be read is included, with its problems.
    """

    sites: Mapping[SiteName, SiteEntry]
    warnings: tuple[Diagnostic, ...] = ()


def files_of(project: ProjectConfig) -> FilesNow | FilesUnreadable:
    """The site files as they are now, with the approvals; or why they cannot be read."""
    try:
        index = check_sites(project)
    except (InvalidFiles, UsageError) as error:
        return FilesUnreadable(error)
    return FilesNow({entry.name: entry for entry in index.entries}, index.run_warnings)


def moved_on(saved: SavedPlan, files: Mapping[SiteName, SiteEntry], project: ProjectConfig) -> Diagnostic | None:
    """A warning that the files on disk are not those the plan was made from; None if they are."""
    moved = [PROJECT_FILE] if saved.project not in (None, project.digest) else []
    moved += [
        plan.site.name
        for plan in saved.plans
        if (entry := files.get(plan.site.name)) is None or entry.problems or entry.load().digest != plan.config
    ]
    if not moved:
        return None
    what = f"the files have changed since the plan was made ({some_of(moved, 3)})"
    return Diagnostic(MOVED_ON, what, "the saved plan is carried out as it is, or not at all", Severity.WARNING)
