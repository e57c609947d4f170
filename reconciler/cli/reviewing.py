"""`review`: reads the sites, and brings their approvals files and the gallery up to date. Writes nothing remotely."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.fleet import in_order
from reconciler.cli.options import Choice
from reconciler.cli.outputs import screen_of
from reconciler.cli.planning import bug_words, progress
from reconciler.cli.running import beside, run
from reconciler.cli.selection import Selection, select
from reconciler.cli.wiring import Reach, reach
from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import update_approvals, write_atomically
from reconciler.config.discovery import shown_path
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.executor.observe import merged, observe_and_plan
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.sites import DesiredSite, Need, ObservedSite
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.review import not_reviewable, review_of
from reconciler.reporters.gallery import gallery
from reconciler.reporters.review_text import (
    NotReviewed,
    ReviewResult,
    SiteReviewed,
    Written,
    review_json,
    review_lines,
    review_summary,
)
from reconciler.state.errors import StateError


class ReviewOptions(Struct, frozen=True):
    """What `review` was asked for. `html` is one gallery for all sites; None: one beside each approvals file.

    `screen` is `text`, `json` or `html`; `json` a file for the JSON.
    """

    paths: tuple[Path, ...]
    choice: Choice
    api: str | None
    state: str | None
    parallelism: int | None
    screen: str
    html: Path | None
    json: Path | None
    colour: bool


def review_command(options: ReviewOptions) -> int:
    """Runs `reconciler review`. Returns the exit code; raises UsageError, InvalidFiles, Interrupted."""
    project = find_project(options.paths)
    selection = select(project, check_sites(project, options.paths), options.choice)
    return run(lambda _interrupts: _review(options, selection))


async def _review(options: ReviewOptions, selection: Selection) -> int:
    project = selection.project
    at_once = options.parallelism or project.parallelism
    one_page = options.html is not None or options.screen == "html"
    screen = screen_of(sys.stdout, colour=options.colour)
    results: list[ReviewResult] = []
    async with reach(project, ReadClient, api=options.api, state=options.state, parallelism=at_once) as run_with:
        with progress("reviewing", len(selection)) as shown:

            async def work(desired: DesiredSite) -> ReviewResult:
                return await _guarded(desired, run_with, selection, gallery_beside=not one_page)

            async def all_sites() -> None:
                async for result in in_order(selection.sites(), work, at_once):
                    shown.site_done()
                    results.append(result)
                    if options.screen == "text":
                        sys.stdout.write("".join(f"{line}\n" for line in review_lines(result, screen)))

            await beside(all_sites(), shown.keep_alive())
    page = gallery([one.review for one in results if isinstance(one, SiteReviewed)]) if one_page else ""
    if options.html is not None:
        _write(options.html, page)
    if options.json is not None:
        _write(options.json, review_json(results))
    sys.stdout.write(
        {"text": f"{review_summary(results)}\n", "json": review_json(results), "html": page}[options.screen]
    )
    failed = any(isinstance(one, NotReviewed) and one.failed for one in results)
    return ExitCode.ERROR if failed else ExitCode.DONE


async def _guarded(
    desired: DesiredSite, run_with: Reach[ReadClient], selection: Selection, *, gallery_beside: bool
) -> ReviewResult:
    """A site's result; an error that concerns this site alone becomes its result."""
    try:
        return await _review_site(desired, run_with, selection, gallery_beside=gallery_beside)
    except (ApiError, StateError) as error:
        return NotReviewed(desired.ref.name, str(error), failed=True)
    except (UsageError, InvalidFiles):
        raise
    except Exception as error:
        if os.environ.get("RECONCILER_DEBUG"):
            raise
        return NotReviewed(desired.ref.name, bug_words(error), failed=True)


async def _review_site(
    desired: DesiredSite, run_with: Reach[ReadClient], selection: Selection, *, gallery_beside: bool
) -> ReviewResult:
    site, project = desired.ref.name, selection.project
    if desired.schedule is None:
        return NotReviewed(site, "its file has no schedule, so no draft is to go out")
    options = PlanOptions(run_with.clock.now(), project.policy)
    recorded = await run_with.store.load(desired.ref)
    observed, plan = await observe_and_plan(run_with.client.reader(), desired, recorded, options)
    observed = await _with_zone(desired, observed, run_with)
    if (why := not_reviewable(desired, observed)) is not None:
        return NotReviewed(site, why)
    path = project.approvals_file(site)
    shown = shown_path(path)
    before = _read(path)
    plan = make_plan(desired, observed, recorded, options)
    review = review_of(desired, observed, recorded, plan, options)
    text = update_approvals(before, site, review.for_file(), shown, review.kept())
    if text is None:
        return SiteReviewed(review, Written.NONE, shown)
    if text != before:
        _write(path, text)
    # What is shown is what the files say now, so that a second review shows, and writes, the same.
    decided = replace(desired, approvals=read_approvals(path, site))
    review = review_of(decided, observed, recorded, make_plan(decided, observed, recorded, options), options)
    beside_it = path.with_suffix(".html") if gallery_beside else None
    if beside_it is not None and _read(beside_it) != (page := gallery([review])):
        _write(beside_it, page)
    written = Written.CREATED if before is None else Written.UPDATED if text != before else Written.UNCHANGED
    return SiteReviewed(review, written, shown, shown_path(beside_it) if beside_it else None)


async def _with_zone(desired: DesiredSite, observed: ObservedSite, run_with: Reach[ReadClient]) -> ObservedSite:
    """The site with its time zone, which a plan reads only where a rule depends on it: people see times in it."""
    if Need.PROPERTIES in observed.had_reads:
        return observed
    more = await run_with.client.reader().read(desired.ref, frozenset({Need.PROPERTIES}))
    return merged(observed, more)


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(
            f"{shown_path(path)}: cannot be written: {error.strerror}; nothing of it was changed"
        ) from None
