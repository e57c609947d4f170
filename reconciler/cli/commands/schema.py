"""`reconciler schema [NAME]`."""

from __future__ import annotations

import click

NAMES = ("site", "project", "approvals", "plan", "report", "sandbox")


@click.command("schema")
@click.argument("name", metavar="[NAME]", type=click.Choice(NAMES), default="site")
def command(name: str) -> None:
    """Print the JSON Schema of a file.

    NAME is site (the default), project, approvals, plan, report or sandbox.
    Editors use it to complete and check what you write; `reconciler init`
    writes copies to schemas/. A plan is what `plan --out` saves; a report is
    what --output json writes, and each line of --output ndjson; sandbox.yaml
    describes the sandbox, with a switch for each open question.
    """
    from reconciler.config.schema import schema_text

    click.echo(schema_text(name), nl=False)
