"""What a run that was cut short says about how far it got."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.engine.how_far import HowFar
from reconciler.engine.results import Phase, PhaseStarted
from reconciler.engine.site_results import Progressed
from reconciler.executor.events import EntryResolved
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.outcomes import Done, Outcome
from reconciler.model.posts import PostId
from reconciler.model.sites import SiteRef
from reconciler.reporters.last_lines import interrupted_line
from tests.told import refused

AT = datetime(2026, 12, 4, 12, tzinfo=UTC)
NAME = SiteName("shop")


def resolved(outcome: Outcome) -> Progressed:
    generate = Regenerate(False, (PostId("a"), PostId("b")))
    entry = OpenEntry("59e9", Address(NAME, Kind.MARKETING_PLAN), generate, AT)
    return Progressed(NAME, EntryResolved(SiteRef(NAME, "1"), entry, outcome))


def test_generations_that_were_found_to_have_ended_are_counted_also_on_sites_that_are_not_planned_yet() -> None:
    """The state has them as ended from now on, so no later run tells of them."""
    far = HowFar()
    for event in PhaseStarted(Phase.PLANNING, 3), resolved(Done()), resolved(refused("no effect observed")):
        far.handle(event)
    said = interrupted_line("apply", far.interrupted())
    assert said == (
        "Interrupted: 0 of 3 sites planned; 1 earlier generation finished (2 drafts discarded); nothing was changed."
    )
