"""`merge` on the command line: reads the parts, writes the whole, and shows what it is."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconciler.cli.run import CommandRun
from reconciler.cli.show import readable_plan, report_plan
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.trust import check_target
from reconciler.engine.merge import merged_plans, merged_reports, report_verdict
from reconciler.engine.plan_file import LARGEST_WHOLE, write_file, write_plan
from reconciler.engine.results import ClosingEvent, Notice, PartsMerged
from reconciler.engine.saved import check_destination
from reconciler.model.codec import Malformed, ascii_text, parse
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.text import printable
from reconciler.planner.document import KIND


def merge(files: Sequence[Path], out: Path, state: str | None, running: CommandRun) -> ClosingEvent:
    """Joins the parts in some files. Raises UsageError for files that are not all parts of one whole."""
    check_target("--out", out, os.environ)
    check_destination(out)
    plans = [_is_plan(file) for file in files]
    if any(plans) and not all(plans):
        raise UsageError("these are plans and reports", "merge plans and reports separately")
    if all(plans):
        write_plan(out, merged_plans([(printable(str(file)), readable_plan(file)) for file in files]))
        closing = report_plan(readable_plan(out), state, running)
        running.emit(Notice(Diagnostic("plan-saved", f"Saved to {out}", severity=Severity.NOTE)))
        return closing
    report = merged_reports([(printable(str(file)), _report(file)) for file in files])
    write_file(out, [ascii_text(report).encode("ascii"), b"\n"])
    merged = PartsMerged(len(files), len(report.get("sites", ())), report_verdict(report))
    running.emit(merged)
    return merged


def _is_plan(file: Path) -> bool:
    """Whether a file looks like a saved plan rather than a report."""
    return re.search(rf'"kind"\s*:\s*"{KIND}"'.encode(), _read(file, 1000)) is not None


def _report(file: Path) -> dict[str, Any]:
    """The JSON report in a file."""
    name, data = printable(str(file)), _read(file, LARGEST_WHOLE + 1)
    try:
        document = parse(data) if len(data) <= LARGEST_WHOLE else None
    except Malformed:
        document = None
    if not isinstance(document, dict) or "command" not in document:
        raise UsageError(
            f"{name} is neither a saved plan nor a JSON report", "make it with plan --out or --output json=FILE"
        )
    return document


def _read(file: Path, limit: int) -> bytes:
    name = printable(str(file))
    try:
        return read_regular(file, limit)
    except NotRegular:
        raise UsageError(f"{name} is not a regular file", "give the files that the --shard runs wrote") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "check the path") from None
