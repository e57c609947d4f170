"""The ledger that is rebuilt from a site's events if its own was lost."""

from __future__ import annotations

from reconciler.engine.recorder import EventRecorder
from reconciler.engine.run_ledger import CUT_SHORT
from reconciler.executor.events import Corrected, Finished, ProgressEvent, Started
from reconciler.executor.ledger import ActionResult, Entry
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Generate
from reconciler.model.posts import ActivityId, GeneratePosts
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Plan, Reason

SHOP = SiteName("shop")
SETTINGS = Action(
    Address(SHOP, Kind.SETTINGS), UpdateSettings((FieldChange("settings.toneOfVoice", "dry", "warm"),)), Reason.DIFFERS
)
GENERATE = Action(Address(SHOP, Kind.MARKETING_PLAN), Generate(), Reason.NO_MARKETING_PLAN)
POSTS = Action(Address(SHOP, Kind.POSTS, "b3f9"), GeneratePosts(ActivityId("b3f9"), "Sale"), Reason.RULE)


def test_what_ended_what_was_begun_and_what_was_not() -> None:
    emitted: list[ProgressEvent] = []
    plan = Plan(SiteRef(SHOP, "1"), (SETTINGS, GENERATE, POSTS))
    recorder = EventRecorder(lambda: plan, emitted.append)
    done = Entry(SETTINGS.address, SETTINGS.operation, ActionResult.DONE)
    another = Diagnostic("not-as-asked", "the site has another tone")
    wrong = Entry.not_done(SETTINGS.address, SETTINGS.operation, ActionResult.FAILED, another)
    for event in (
        Started(SETTINGS.address, SETTINGS.operation),
        Finished(done),
        Corrected(wrong),
        Started(GENERATE.address, GENERATE.operation),
        Started(GENERATE.address, GENERATE.operation),
    ):
        recorder.record(event)
        recorder.put_aside()
    assert len(emitted) == 5

    ledger = recorder.ledger(CUT_SHORT)
    assert [(entry.address.kind, entry.result) for entry in ledger.entries] == [
        (Kind.SETTINGS, ActionResult.FAILED),
        (Kind.MARKETING_PLAN, ActionResult.UNKNOWN),
        (Kind.POSTS, ActionResult.NOT_STARTED),
    ]
    assert (ledger.error, ledger.interrupted) == (None, True)
    assert recorder.ledger(CUT_SHORT, error=Diagnostic("bug", "a bug")).interrupted is False
