"""What earlier runs left in doubt: each cause is said once, and every post that may go out is named."""

from __future__ import annotations

from reconciler.engine.site_results import SiteApplied
from reconciler.executor.ledger import SiteLedger
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import BlockedBy
from reconciler.reporters.ledger_text import applied_lines
from reconciler.reporters.problem_items import blocked_item

NAMES = [f'"Post {number}" (Instagram) about Wed 2026-11-04 09:30 UTC on kiln' for number in range(8)]
DOUBTS = tuple(
    Diagnostic(
        BlockedBy.OUTCOME_UNKNOWN,
        "may go out",
        "run apply again",
        Severity.WARNING,
        address=Address(SiteName("shop"), Kind.DRAFT, name[:8]),
        name=name,
    )
    for name in NAMES
)


def test_a_plan_names_every_post_that_may_go_out() -> None:
    item = blocked_item(DOUBTS, DOUBTS[0].fix, "shop")
    said = [" ".join(span.text for span in line.spans) for line in item.own]
    assert said[0].endswith("may go out (8 posts)")
    assert said[1:] == ["fix: run apply again", *NAMES]


def test_a_ledger_says_each_cause_once() -> None:
    ledger = SiteLedger(SiteRef(SiteName("shop"), "1"), in_doubt=DOUBTS)
    lines = [" ".join(span.text for span in line.spans) for line in applied_lines(SiteApplied(ledger))]
    assert lines[1].endswith("may go out (8 posts)")
    assert lines[2:] == ["fix: run apply again", *NAMES]
