"""`review --web`: the review page of a project, from its socket to Ctrl-C."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

from reconciler.cli.outputs import sandbox_picture, shows_text
from reconciler.cli.run import CommandRun
from reconciler.cli.selection import select_sites, selected
from reconciler.config.decisions import listed_in, pending
from reconciler.engine.results import Api, ApiKind, ClosingEvent, Decided
from reconciler.engine.session import begin
from reconciler.engine.site_results import SiteFailed, SiteNotReviewed, SiteReviewed
from reconciler.model.approvals import DraftDecision
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.plurals import plural
from reconciler.reporters.gallery import gallery
from reconciler.reporters.review_text import undone_by
from reconciler.version import install_hint

if TYPE_CHECKING:
    from reconciler.cli.options import RunOptions
    from reconciler.engine.results import Event
    from reconciler.engine.selection import Selection
    from reconciler.library.runs import ProjectRuns
    from reconciler.web.app import Refreshed
    from reconciler.web.board import Board, BoardFacts

NEEDED = ("starlette", "uvicorn", "jinja2")


def review_page(asked: RunOptions, running: CommandRun, *, port: int, commits: bool) -> ClosingEvent:
    """Serves the page until Ctrl-C. Raises UsageError if it cannot be served."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(f"review --web needs {' and '.join(missing)}", f"install them with: {install_hint('web')}")
    return running.run(_serve(asked, running, port=port, commits=commits))


async def _serve(asked: RunOptions, running: CommandRun, *, port: int, commits: bool) -> ClosingEvent:
    from reconciler.config.last_approvals import LastApprovals
    from reconciler.engine.selection import whole_sites
    from reconciler.web.app import PageActions, ReviewPage
    from reconciler.web.board import Board
    from reconciler.web.files import ApprovalsFolder
    from reconciler.web.guard import Guard
    from reconciler.web.server import listen, server_of
    from reconciler.web.uncommitted import History

    project, selection, _ = selected(asked)
    whole_sites(selection, "review")
    begin("review", selection, running.emit)
    files, api = project.files, project.api
    folder = ApprovalsFolder(files, [entry.name for entry in selection.entries])
    sites = _Sites(asked, project)
    history = History(files.root, dict(files.trust.environment))
    if commits and (why := history.uncommitted(folder).why_not):
        raise UsageError(f"--commit: {why.message}", why.fix)
    approved = LastApprovals(history.repository(), files.approvals_folder)
    board = Board(folder, await sites.facts(selection), approved)
    picture = sandbox_picture if api.kind is ApiKind.SANDBOX else None

    async def facts() -> BoardFacts:
        return await sites.facts(selection)

    async def refresh() -> Refreshed:
        return await sites.refresh(board)

    ports = PageActions(picture, facts, refresh, history, commits)
    page = ReviewPage(board, files.root.resolve().name, _where(api), ports)
    with listen(port) as listening:
        running.show_notices()
        images = "'self' https:" + (" data:" if picture is not None else "")
        guard = Guard(page.app, listening.getsockname()[1], images)
        server = server_of(guard, lambda: _ready(guard.url, sys.stdout if shows_text(asked.shown) else sys.stderr))

        def stop() -> None:
            server.should_exit = True

        running.interrupts.stop_gently(stop)
        await server.serve([listening])
        running.interrupts.forget()
    decided = Decided(
        sum(word in set(DraftDecision) for word in page.decided.values()),
        sum(word not in set(DraftDecision) for word in page.decided.values()),
        len({site for site, _ in page.decided}),
        sum(pending(file.approvals) for file in folder.files.values()),
        asked=(listed := sum(listed_in(file.approvals) for file in folder.files.values())),
        listed=listed,
        among=len(folder.files),
    )
    running.emit(decided)
    return decided


def _ready(url: str, stream: TextIO) -> None:
    stream.write(f"Review page: {url}\n")
    stream.flush()
    sys.stderr.write("Do not share the link. Press Ctrl-C to stop.\n")
    if sys.stdout.isatty():
        _open_browser(url)


def _open_browser(url: str) -> None:
    """Opens the browser in a thread, because some block until they are closed.

    Without a graphical desktop or BROWSER, opens none.
    """
    import threading
    import webbrowser

    graphical = sys.platform in ("darwin", "win32") or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    )
    if not graphical:
        return
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _where(api: Api) -> str:
    match api.kind:
        case ApiKind.SANDBOX:
            return "SANDBOX"
        case ApiKind.WIX:
            return "LIVE Wix"
        case ApiKind.OTHER:
            return f"LIVE {api.host}"


class _Sites:
    """The sites behind the files: what the state remembers about them, and how to read them again."""

    def __init__(self, asked: RunOptions, project: ProjectRuns) -> None:
        self._asked = asked
        self._project = project

    async def facts(self, selection: Selection) -> BoardFacts:
        """What is known apart from the files. If the state cannot be read, the page says so and continues."""
        from reconciler.web.board import BoardFacts

        recorded = {}
        without_approval = [entry.name for entry in selection.entries if entry.without_approval]
        problems = [
            f"{name}: `approval: none` in its file: its drafts go out without approval." for name in without_approval
        ]
        async for result in self._project.records(selection):
            if isinstance(result, SiteFailed):
                problems += (_problem_line(result.name, problem) for problem in result.problems)
            else:
                recorded[result.name] = result.recorded
        return BoardFacts(self._project.now(), recorded, tuple(problems), frozenset(without_approval))

    async def refresh(self, board: Board) -> Refreshed:
        """Reviews the sites again."""
        from reconciler.web.app import Refreshed

        project, selection, _ = select_sites(self._asked)  # the files may have changed
        picture = sandbox_picture if project.api.kind is ApiKind.SANDBOX else None
        problems: list[str] = []
        read = 0

        def hear(event: Event) -> None:
            nonlocal read
            match event:
                case SiteFailed(problems=found):
                    problems.extend(_problem_line(event.name, problem) for problem in found)
                case SiteNotReviewed(why=why):
                    problems.append(_problem_line(event.name, why))
                case SiteReviewed(review=review):
                    read += 1
                    problems.extend(f"{event.name}: {undone.label}: {undone.words}." for undone in undone_by(review))
                case _:
                    pass

        await project.run_review(selection, hear, lambda review: gallery([review], picture))
        board.folder.also(entry.name for entry in selection.entries)
        self._project = project
        board.learn(await self.facts(selection))
        return Refreshed(f"Read {read:,} of {plural(len(selection), 'site')}.", tuple(problems))


def _problem_line(site: str, problem: Diagnostic) -> str:
    return f"{site}: {problem.message}" + (f"; {problem.fix}" if problem.fix else "") + "."
