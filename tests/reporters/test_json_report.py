"""The JSON format: valid whatever happens, with fixed keys, and safe to print."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from reconciler.engine.results import ApplyCompleted, DriftCompleted, Interrupted, PlanCompleted, Refused, Validated
from reconciler.engine.site_results import SiteApplied, SiteFailed, SitePlanned
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, tally_of
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import Reporter, ReporterContext
from reconciler.reporters.registry import make
from tests.reporters.endings import exits


def reporter_for(command: str, **more: Any) -> tuple[Reporter, io.StringIO]:
    out = io.StringIO()
    return make("json", ReporterContext(command, out.write, **more)), out


def failed(site: SiteName, message: str) -> SiteFailed:
    return SiteFailed(site, (Diagnostic("odd", message, address=Address(site)),))


@pytest.mark.parametrize("closing", [PlanCompleted, DriftCompleted])
def test_a_limit_of_the_run_refuses_every_site_that_could_be_read(closing: Any) -> None:
    limit = Diagnostic("maxPublish", "too many")
    for refusals, refused in (((), 1), ((limit,), 3)):
        reporter, out = reporter_for("plan")
        reporter.handle(closing(4, failed=1, refused=1, refusals=refusals))
        reporter.handle(exits(4))
        assert json.loads(out.getvalue())["summary"]["refused"] == refused


def test_a_plan(everything: SitePlanned) -> None:
    reporter, out = reporter_for("plan")
    reporter.handle(everything)
    reporter.handle(failed(SiteName("shop"), "GET: 503"))
    reporter.handle(PlanCompleted(2, everything.tally, failed=1))
    reporter.handle(exits(1))
    document = json.loads(out.getvalue())
    assert list(document) == ["formatVersion", "command", "sites", "refusals", "summary", "verdict", "exitCode"]
    assert document["formatVersion"] == 1
    assert document["exitCode"] == 1
    assert document["summary"]["add"] == 2
    assert document["sites"][1] == {
        "site": "shop",
        "error": {"code": "odd", "severity": "error", "message": "GET: 503", "address": "shop"},
    }
    site = document["sites"][0]
    assert list(site) == ["site", "stillGoingOut", "actions", "blocked", "refusals", "notes", "toReview"]
    assert site["actions"][2] == {
        "address": "janes-pottery/settings",
        "verb": "update",
        "class": "safe",
        "reason": "differs",
        "because": [],
        "operation": "update-settings",
        "changes": [{"path": "settings.toneOfVoice", "before": "dry", "after": "warm and playful"}],
    }
    assert site["actions"][7]["deferred"] == {
        "part": "posts",
        "rule": 0,
        "atMost": 12,
        "words": "posts for at most 12 activities matching posts[0]",
    }
    assert site["actions"][8]["class"] == "public"
    assert site["toReview"][0]["state"] == "pending"
    assert site["blocked"][0]["code"] == "channel-not-connected"


def test_the_same_plan_gives_the_same_bytes(everything: SitePlanned) -> None:
    texts = []
    for _ in range(2):
        reporter, out = reporter_for("plan")
        reporter.handle(everything)
        reporter.handle(PlanCompleted(1, everything.tally))
        reporter.handle(exits(0))
        texts.append(out.getvalue())
    assert texts[0] == texts[1]


def test_explain_adds_calls_preconditions_and_reads(everything: SitePlanned) -> None:
    reporter, out = reporter_for("plan", calls_of=lambda _operation, _site: ("PATCH /settings",))
    reporter.handle(everything)
    reporter.handle(PlanCompleted(1, everything.tally))
    reporter.handle(exits(0))
    site = json.loads(out.getvalue())["sites"][0]
    assert site["reads"] == ["settings", "marketing-plan"]
    assert site["actions"][2]["calls"] == ["PATCH /settings"]
    assert site["actions"][2]["requires"] == ["settings.toneOfVoice is 'dry'"]


def test_an_apply_has_its_ledger(everything: SitePlanned) -> None:
    reporter, out = reporter_for("apply")
    reporter.handle(everything)
    summary = PlanCompleted(1, everything.tally)
    reporter.handle(summary)
    entry = Entry(Address(SiteName("shop"), Kind.MARKETING_PLAN), Generate(), ActionResult.DONE, request_id="r-1")
    ledger = SiteLedger(SiteRef(SiteName("shop"), "1"), (entry,))
    reporter.handle(SiteApplied(ledger))
    reporter.handle(ApplyCompleted(summary, tally_of((ledger,)), 1))
    reporter.handle(exits(0))
    document = json.loads(out.getvalue())
    assert document["ledger"] == [
        {
            "site": "shop",
            "stillGoingOut": [],
            "entries": [
                {
                    "address": "shop/marketing-plan",
                    "verb": "generate",
                    "result": "done",
                    "requestId": "r-1",
                }
            ],
            "notes": [],
            "error": None,
            "interrupted": False,
        }
    ]
    assert document["applied"]["generated"] == 1
    assert list(document)[-1] == "exitCode"


def test_every_other_end_is_a_document_too() -> None:
    reporter, out = reporter_for("validate")
    reporter.handle(Validated(12, 40))
    reporter.handle(exits(0))
    assert json.loads(out.getvalue())["summary"] == {"files": 12, "sites": 40}

    reporter, out = reporter_for("apply")
    reporter.handle(PlanCompleted(1, PlanTally(add=1)))
    reporter.handle(Refused(Diagnostic("declined", "no")))
    reporter.handle(exits(4))
    document = json.loads(out.getvalue())
    assert document["refused"] == {"code": "declined", "severity": "error", "message": "no"}
    assert document["exitCode"] == 4

    reporter, out = reporter_for("plan")
    reporter.handle(failed(SiteName("shop"), "x"))
    reporter.handle(Interrupted())
    reporter.handle(exits(130))
    document = json.loads(out.getvalue())
    assert (document["interrupted"], document["exitCode"], len(document["sites"])) == (True, 130, 1)


def test_nothing_in_it_can_act_on_a_terminal() -> None:
    reporter, out = reporter_for("plan")
    nasty = "\x1b[2J\x9b\u202e\u2028\ud83d"
    reporter.handle(failed(SiteName("shop"), nasty))
    reporter.handle(PlanCompleted(1, failed=1))
    reporter.handle(exits(1))
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    assert json.loads(out.getvalue())["sites"][0]["error"]["message"] == nasty
