"""What reporters are told: site by site while a run plans, and once at each of its ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from msgspec import Struct

from reconciler.executor.ledger import SiteLedger
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Operation
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import Plan
from reconciler.planner.drift_report import DriftReport, DriftState, DriftTally
from reconciler.planner.tally import PlanTally
from reconciler.reporters.layout import Screen


class Planned(Struct, frozen=True):
    """A site that was read and planned. `reads` are the parts of it that were read."""

    plan: Plan
    tally: PlanTally
    reads: tuple[str, ...] = ()

    @property
    def site(self) -> SiteName:
        return self.plan.site.name

    @property
    def says_something(self) -> bool:
        """Whether there is anything of it, but for notes, that a person should see."""
        plan = self.plan
        return bool(plan.actions or plan.blocked or plan.refusals or plan.to_review)


class Failed(Struct, frozen=True):
    """A site that could not be read or planned; the others went on. `refused`: nothing is wrong, but another run
    holds it."""

    site: SiteName
    message: str
    refused: bool = False


SiteResult: TypeAlias = Planned | Failed


class Drifted(Struct, frozen=True):
    """A site that was audited, whatever was found."""

    report: DriftReport

    @property
    def site(self) -> SiteName:
        return self.report.site.name

    @property
    def says_something(self) -> bool:
        """Whether there is anything of it that a person should see."""
        report = self.report
        converged = all(one.state is DriftState.CONVERGED for one in report.items)
        return not converged or bool(report.refusals or report.notes or report.due)


DriftResult: TypeAlias = Drifted | Failed


class DriftSummary(Struct, frozen=True):
    """All sites of an audit. `refusals` are those an apply of the whole run would meet; `refused` counts sites."""

    sites: int
    tally: DriftTally = DriftTally()
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    exit_code: int = 0


class PlanSummary(Struct, frozen=True):
    """All sites of a run. `refusals` are those of the run; `refused` counts sites that their own guard refuses."""

    sites: int
    tally: PlanTally = PlanTally()
    failed: int = 0
    refused: int = 0
    refusals: tuple[Diagnostic, ...] = ()
    exit_code: int = 0

    @property
    def changes(self) -> int:
        """What would be done or waited for, promises included; zero is a project that has converged."""
        tally = self.tally
        return (
            tally.add + tally.change + tally.destroy + tally.generate + tally.publish + tally.pending + tally.deferred
        )


class ApplySummary(Struct, frozen=True):
    """What a run did: the ledgers of the sites that had something to do, in the order of the files."""

    plan: PlanSummary
    ledgers: tuple[SiteLedger, ...]
    interrupted: bool = False
    exit_code: int = 0


class Checked(Struct, frozen=True):
    """Files that are correct."""

    files: int
    sites: int


class SavedAs(Struct, frozen=True):
    """The saved plan that what follows is read from. `spent_at` is None where it was not applied, as far as known."""

    id: str
    digest: str
    made_at: datetime
    expires_at: datetime
    tool: str
    api: str
    expired: bool = False
    spent_at: datetime | None = None


CallsOf: TypeAlias = Callable[[Operation, SiteRef], tuple[str, ...]]


class Setting(Struct, frozen=True):
    """What a reporter is made with. `calls_of` names the API calls of an operation; only `--explain` gives it."""

    command: str
    write: Callable[[str], object]
    screen: Screen = Screen()
    calls_of: CallsOf | None = None


class Reporter(Protocol):
    """One format. A run calls `site` for each site in the order of the files, `planned` when all are known, and
    then, unless it was a `plan`, one of `applied` and `refused`; `validate` calls `valid` alone. `drift` calls
    `site_drift` for each site, and `drifted` at its end."""

    def site(self, result: SiteResult) -> None:
        """One site that was planned, or could not be."""
        ...

    def planned(self, summary: PlanSummary) -> None:
        """All sites are planned."""
        ...

    def refused(self, reason: str, exit_code: int) -> None:
        """Nothing was done: a guard or a person said no."""
        ...

    def applied(self, summary: ApplySummary) -> None:
        """The ledger of a run."""
        ...

    def valid(self, checked: Checked) -> None:
        """All files are correct."""
        ...

    def saved(self, saved: SavedAs) -> None:
        """The sites that follow come out of a saved plan; said before the first of them."""
        ...

    def site_drift(self, result: DriftResult) -> None:
        """One site that was audited, or could not be."""
        ...

    def drifted(self, summary: DriftSummary) -> None:
        """All sites are audited."""
        ...

    def aborted(self, message: str, exit_code: int) -> None:
        """The run ended before any of the above: an error, or an interrupt. Stderr has told people already."""
        ...
