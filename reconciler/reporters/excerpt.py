"""Parts of the text format, for formats that show text in a frame of their own."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.engine import results, site_results, tool_results
from reconciler.executor.ledger import tally_of
from reconciler.reporters.context import CallsOf, ReporterContext
from reconciler.reporters.layout import Screen
from reconciler.reporters.text import TextReporter

NEXT = "Next:"


def text_of(command: str, *events: results.Event, calls_of: CallsOf | None = None) -> list[str]:
    """The lines that the text format has for these events, without the next step; none is wrapped.

    Problems that are an event of their own (`Notice`, `FilesInvalid`, `RunFailed`) are left out: `Findings` has them.
    """
    return _text(command, events, calls_of, problems=False)


def _text(
    command: str, events: Iterable[results.Event], calls_of: CallsOf | None = None, *, problems: bool
) -> list[str]:
    pieces: list[str] = []
    context = ReporterContext(command, pieces.append, Screen(1_000_000), calls_of, on_screen=not problems)
    reporter = TextReporter(context)
    for event in events:
        reporter.handle(event)
    return [line for line in "".join(pieces).splitlines() if line.strip() and not line.startswith(NEXT)]


def last_line(command: str, closing: results.Event) -> str:
    """`Plan: 3 to add, ...`: how a run ended, in one line."""
    if isinstance(
        closing, tool_results.SchemaShown | tool_results.ScriptShown | tool_results.SandboxShown
    ):  # their output ends in whatever they contain
        return ""
    before = (closing.plan,) if isinstance(closing, results.ApplyCompleted) else ()
    lines = _text(command, (*before, closing), problems=True)
    return lines[-1] if lines else ""


def site_text(command: str, event: results.SiteEvent, calls_of: CallsOf | None = None) -> list[str]:
    """What the text format says about a run over only this site, with the last line of a plan, an apply or an audit."""
    match event:
        case site_results.SitePlanned():
            refused = int(bool(event.plan.refusals))
            return text_of("plan", event, results.PlanCompleted(1, event.tally, refused=refused), calls_of=calls_of)
        case site_results.SiteApplied(ledger=ledger):
            failed = int(bool(ledger.error))
            plan = results.PlanCompleted(1)
            done = results.ApplyCompleted(plan, tally_of((ledger,)), 1, failed, interrupted=ledger.interrupted)
            return text_of(command, event, done)
        case site_results.SiteDrifted(report=report):
            return text_of(command, event, results.DriftCompleted(1, report.tally, refused=int(bool(report.refusals))))
        case site_results.SiteFailed():
            return text_of(command, results.PhaseStarted(results.Phase.REVIEWING, 1), event)
        case _:
            return text_of(command, event)
