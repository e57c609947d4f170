"""How `version`, `schema` and `completion` print their text: directly, unless another format is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

from reconciler.cli.options import Output, OutputOptions
from reconciler.engine.tool_results import SchemaShown, ScriptShown, VersionShown
from reconciler.engine.verdict import verdict_of
from reconciler.model.verdict import Verdict

TextEvent: TypeAlias = VersionShown | SchemaShown | ScriptShown


def show_text(command: str, shown: OutputOptions, make: Callable[[], TextEvent]) -> Verdict:
    """Shows what `make` returns, and returns the verdict.

    If only text on the screen is wanted, nothing that makes reports is loaded: that would take longer than the rest of
    such a command. Raises ReportsFailed and OSError as `reported` does.
    """
    if shown.outputs == (Output("text"),):
        sys.stdout.write(make().text)
        return verdict_of(None)
    from reconciler.cli.run import CommandRun, reported

    def work(running: CommandRun) -> TextEvent:
        event = make()
        running.emit(event)
        return event

    return reported(command, shown, work)
