"""`reconciler approve [PATH...]`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

DECISIONS = ("approve", "pending", "keep", "regenerate", "regenerate-media", "discard")


@click.command("approve")
@options.paths
@click.option(
    "--id",
    "ids",
    multiple=True,
    metavar="ID",
    help="Only the draft or activity with this id, or an id that starts with it. Repeatable.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="CHANNEL",
    shell_complete=options.completed_by("complete_channels"),
    help="Only drafts for this channel. Repeatable.",
)
@click.option(
    "--title",
    "titles",
    multiple=True,
    metavar="GLOB",
    help="Only drafts of activities whose title matches. Repeatable.",
)
@click.option(
    "--decision",
    type=click.Choice(DECISIONS),
    metavar="DECISION",
    help="For drafts: approve or pending. For whole activities: keep, regenerate, regenerate-media or discard. "
    "Default: ask; approve with --yes.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every draft that is waiting for a decision (with pending or keep: every draft); needs --yes.",
)
@click.option("--yes", is_flag=True, help="Do not ask; the drafts are still shown.")
@options.post_options
@options.output
def command(decision: str | None, **given: Any) -> Verdict:
    """Decide on the drafts that `review` wrote.

    Shows each draft as the gallery does: account, when it goes out,
    what blocks it, and its whole caption. Then it asks; a single key is
    enough to answer. The answer is written to approvals/<site>.yaml, where
    comments and everything else are kept. Approving publishes nothing: `apply`
    schedules what is approved.
    """
    from reconciler.cli.approve import ApproveOptions, approve_command
    from reconciler.config.decisions import AnyDecision, DraftSelector
    from reconciler.model.approvals import ActivityDecision, DraftDecision

    said: AnyDecision | None = None
    if decision is not None:
        said = DraftDecision(decision) if decision in set(DraftDecision) else ActivityDecision(decision)
    return approve_command(
        ApproveOptions(
            run=options.run_options(**given),
            selector=DraftSelector(tuple(given["ids"]), tuple(given["channels"]), tuple(given["titles"])),
            decision=said,
            everything=given["everything"],
            yes=given["yes"],
        )
    )
