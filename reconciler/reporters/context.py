"""What a reporter is: one method for all events of a run, and the context that it is made with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct

from reconciler.engine.results import Event
from reconciler.reporters.layout import Screen
from reconciler.reporters.next_step import Again

if TYPE_CHECKING:
    from reconciler.model.operations import Operation
    from reconciler.model.sites import SiteRef

CallsOf: TypeAlias = Callable[["Operation", "SiteRef"], tuple[str, ...]]


class Detail(Struct, frozen=True):
    """How much a person wants to see.

    `quiet`: problems and the last line. `summary`: header, problems, table and last line. `sites`: the sites of each
    block that several share. `saved_to`: the file that a plan is saved to, which is what will be applied. `again`: the
    arguments that the next command repeats. `asks`: whether somebody may be asked about the plan.
    """

    quiet: bool = False
    summary: bool = False
    sites: bool = False
    saved_to: str = ""
    again: Again = Again()
    asks: bool = False


class ReporterContext(Struct, frozen=True):
    """What a reporter is made with. `calls_of` names the API calls of an operation; only `--explain` gives it.

    `on_screen`: people also see stderr, which has already shown them the problems; a report that goes into a file must
    show them itself. `apart`: stderr goes to a different place, such as a log. `picture` draws the images of a sandbox,
    which cannot be fetched. `step_summary` and `step_outputs` write what a CI service takes in addition to the report.
    `now` is the time, for a format that shows it. `before` is the report that this one replaces; empty if there is
    none. `folder` is the working directory, as a path from the top of a CI job's checkout, for formats whose paths
    begin there.
    """

    command: str
    write: Callable[[str], object]
    screen: Screen = Screen()
    calls_of: CallsOf | None = None
    on_screen: bool = False
    apart: bool = False
    picture: Callable[[str], str | None] | None = None
    step_summary: Callable[[str], object] | None = None
    step_outputs: Callable[[str], object] | None = None
    now: Callable[[], datetime] | None = None
    before: str = ""
    detail: Detail = Detail()
    folder: str = ""


class Reporter(Protocol):
    """One format. It receives every event of a run. The last is always `Ended`, however the run ended."""

    def handle(self, event: Event) -> None:
        """Handles an event of the run."""
        ...
