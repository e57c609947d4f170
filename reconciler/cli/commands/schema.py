"""`reconciler schema [NAME]`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

NAMES = ("site", "project", "approvals", "plan", "report", "sandbox")


@click.command("schema")
@click.argument("name", metavar="[NAME]", type=click.Choice(NAMES), default="site")
@options.output_alone
def command(name: str, **given: Any) -> Verdict:
    """Print the JSON Schema of a file.

    NAME is site (the default), project, approvals, plan, report or sandbox.
    Editors use it to complete and check what you write; `reconciler init`
    writes copies to schemas/. A plan is what `plan --out` saves; a report is
    what --output json writes, and each line of --output ndjson; sandbox.yaml
    describes the sandbox, with a switch for each open question about the API.
    Prints the schema itself; --output json wraps it in a report.
    """
    from reconciler.cli.text_output import show_text
    from reconciler.config.schema_files import schema_text
    from reconciler.engine.tool_results import SchemaShown

    return show_text("schema", options.output_options_of(given), lambda: SchemaShown(name, schema_text(name)))
