"""`merge` on the command line: joins the parts, and shows the result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.run import CommandRun
from reconciler.cli.show import report_plan
from reconciler.config.trust import check_target
from reconciler.engine.results import ClosingEvent, Notice, PartsMerged
from reconciler.library.runs import merge_shards
from reconciler.model.diagnostics import Diagnostic, Severity


def merge(files: Sequence[Path], out: Path, state: str | None, running: CommandRun) -> ClosingEvent:
    """Joins the parts in some files. Raises UsageError for files that are not all parts of one whole."""
    check_target("--out", out, os.environ)
    merged = merge_shards(files, out)
    if isinstance(merged, PartsMerged):
        running.emit(merged)
        return merged
    running.emit(Notice(Diagnostic("plan-saved", f"Saved to {out}", severity=Severity.NOTE)))
    return report_plan(merged, out, state, running)
