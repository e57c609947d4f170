"""`reconciler review [PATH...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.cli.run import CommandRun
    from reconciler.engine.results import ClosingEvent


@click.command("review")
@options.paths
@options.quiet
@options.parallelism
@options.whole_site_options
@options.connection_options
@options.trust_options
@options.output
@click.option("--web", is_flag=True, help="Open a page in the browser where you can decide. Press Ctrl-C to end it.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="With --web: the port of the page; default: a free one.",
)
@click.option(
    "--commit",
    is_flag=True,
    help="With --web: let the page commit decisions as the configured git user; it never pushes.",
)
def command(web: bool, port: int | None, commit: bool, **given: Any) -> Verdict:
    """Write drafts to files for review.

    Every draft that a schedule rule covers is written to approvals/<site>.yaml
    with its text and its digest, and to a gallery for people to look at:
    one beside each approvals file, or a single one for all sites with --output html.
    Comments and earlier decisions are kept. Decisions are made in the file, with
    `reconciler approve`, or on the review page (--web). The page shows what is in
    the files, reads the sites only when asked to, and publishes
    nothing.
    """
    from reconciler.cli.run import reported
    from reconciler.model.diagnostics import UsageError

    if port is not None and not web:
        raise UsageError("--port only works with --web", "add --web")
    if commit and not web:
        raise UsageError("--commit only works with --web", "add --web")
    asked = options.run_options(**given)
    if web and asked.shown.quiet:
        raise UsageError("--quiet and --web cannot be combined", "leave one of them out")
    if web:
        return reported("review", asked.shown, lambda running: _page(asked, running, port or 0, commits=commit))
    return reported("review", asked.shown, lambda running: _review(asked, running))


def _page(asked: options.RunOptions, running: CommandRun, port: int, *, commits: bool) -> ClosingEvent:
    from reconciler.cli.review_page import review_page

    return review_page(asked, running, port=port, commits=commits)


def _review(asked: options.RunOptions, running: CommandRun) -> ClosingEvent:
    from reconciler.cli.outputs import sandbox_picture
    from reconciler.cli.selection import selected
    from reconciler.engine.results import ApiKind
    from reconciler.reporters.gallery import gallery

    project, selection, _ = selected(asked)
    one_page = any(output.format == "html" for output in asked.shown.outputs)
    picture = sandbox_picture if project.api.kind is ApiKind.SANDBOX else None
    beside = None if one_page else lambda review: gallery([review], picture)
    return running.run(project.run_review(selection, running.emit, beside))
