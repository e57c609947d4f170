"""`reconciler review [PATH...]`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reconciler.cli import options


def _outputs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> dict[str, Path | None]:
    found: dict[str, Path | None] = {}
    for value in values:
        name, equals, file = value.partition("=")
        if name not in ("text", "json", "html"):
            raise click.BadParameter(f"{name!r} is none of the formats of review: text, json, html.")
        if equals and (not file or name == "text"):
            raise click.BadParameter(f"{value!r}: text goes to the screen, json and html there or to a named file.")
        if name in found:
            raise click.BadParameter(f"{name} is named twice.")
        found[name] = Path(file) if file else None
    if len([name for name, file in found.items() if file is None]) > 1:
        raise click.BadParameter("only one format fits on the screen; send the others to files, as html=review.html.")
    return found


@click.command("review")
@options.paths
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    callback=_outputs,
    help="text, json or html. html=FILE is one gallery of all sites, instead of one beside each approvals file.",
)
@click.option(
    "--parallelism", type=click.IntRange(1, 1000), metavar="N", help="Sites at once; overrides the project's."
)
@options.choosing
@options.reaching
@click.option("--no-color", is_flag=True, help="No colours. NO_COLOR in the environment does the same.")
def command(paths: Sequence[Path], outputs: dict[str, Path | None], **given: Any) -> int:
    """Write drafts down for review.

    Every draft that a schedule rule wants stands in approvals/<site>.yaml
    afterwards, with its text and its digest, and in a gallery to look at.
    Comments and earlier decisions stay. People set `decision` there, or
    `reconciler approve` does.
    """
    from reconciler.cli.reviewing import ReviewOptions, review_command

    return review_command(
        ReviewOptions(
            paths=tuple(paths),
            choice=options.Choice(
                tuple(given["targets"]), tuple(given["excludes"]), given["shard"], given["changed_since"]
            ),
            api=given["api"],
            state=given["state"],
            parallelism=given["parallelism"],
            screen=next((name for name, file in outputs.items() if file is None), "text"),
            html=outputs.get("html"),
            json=outputs.get("json"),
            colour=not given["no_color"],
        )
    )
