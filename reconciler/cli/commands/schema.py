"""`reconciler schema [NAME]`."""

from __future__ import annotations

import click

NAMES = ("site", "project", "approvals", "plan", "report", "sandbox")


@click.command("schema")
@click.argument("name", metavar="[NAME]", type=click.Choice(NAMES), default="site")
def command(name: str) -> None:
    """Print a JSON Schema of the files.

    NAME is site (the default), project, approvals, plan, report or sandbox.
    Editors use it to complete and check what you write; `reconciler init`
    puts copies beside the files. A plan is what `plan --out` saves, a report
    what --output json writes, and a line of --output ndjson; sandbox.yaml is
    the world of the sandbox, and says what each of its switches does.
    """
    from reconciler.config.schema import schema_text

    click.echo(schema_text(name), nl=False)
