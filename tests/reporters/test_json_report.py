"""The JSON format: valid whatever happens, with fixed keys, and safe to print."""

from __future__ import annotations

import io
import json
from typing import Any

from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.operations import Generate
from reconciler.model.sites import SiteRef
from reconciler.planner.tally import PlanTally
from reconciler.reporters.registry import make
from reconciler.reporters.results import ApplySummary, Checked, Failed, Planned, PlanSummary, Reporter, Setting


def reporter_for(command: str, **more: Any) -> tuple[Reporter, io.StringIO]:
    out = io.StringIO()
    return make("json", Setting(command, out.write, **more)), out


def test_a_plan(everything: Planned) -> None:
    reporter, out = reporter_for("plan")
    reporter.site(everything)
    reporter.site(Failed(SiteName("shop"), "GET: 503"))
    reporter.planned(PlanSummary(2, everything.tally, failed=1, exit_code=1))
    document = json.loads(out.getvalue())
    assert list(document) == ["formatVersion", "command", "sites", "refusals", "summary", "exitCode"]
    assert document["formatVersion"] == 1
    assert document["exitCode"] == 1
    assert document["summary"]["add"] == 2
    assert document["sites"][1] == {"site": "shop", "error": "GET: 503"}
    site = document["sites"][0]
    assert list(site) == ["site", "actions", "blocked", "refusals", "notes", "toReview"]
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
    assert site["blocked"][0]["by"] == "channel-not-connected"


def test_the_same_plan_gives_the_same_bytes(everything: Planned) -> None:
    texts = []
    for _ in range(2):
        reporter, out = reporter_for("plan")
        reporter.site(everything)
        reporter.planned(PlanSummary(1, everything.tally))
        texts.append(out.getvalue())
    assert texts[0] == texts[1]


def test_explain_adds_calls_preconditions_and_reads(everything: Planned) -> None:
    reporter, out = reporter_for("plan", calls_of=lambda _operation, _site: ("PATCH /settings",))
    reporter.site(everything)
    reporter.planned(PlanSummary(1, everything.tally))
    site = json.loads(out.getvalue())["sites"][0]
    assert site["reads"] == ["settings", "marketing plan"]
    assert site["actions"][2]["calls"] == ["PATCH /settings"]
    assert site["actions"][2]["requires"] == ['settings.toneOfVoice is "dry"']


def test_an_apply_has_its_ledger(everything: Planned) -> None:
    reporter, out = reporter_for("apply")
    reporter.site(everything)
    summary = PlanSummary(1, everything.tally)
    reporter.planned(summary)
    entry = Entry(Address(SiteName("shop"), Kind.MARKETING_PLAN), Generate(), Result.DONE, "ACTIVE", "r-1")
    reporter.applied(ApplySummary(summary, (SiteLedger(SiteRef(SiteName("shop"), "1"), (entry,)),)))
    document = json.loads(out.getvalue())
    assert document["ledger"] == [
        {
            "site": "shop",
            "entries": [
                {
                    "address": "shop/marketing-plan",
                    "verb": "generate",
                    "result": "done",
                    "detail": "ACTIVE",
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
    reporter.valid(Checked(12, 40))
    assert json.loads(out.getvalue())["summary"] == {"files": 12, "sites": 40}

    reporter, out = reporter_for("apply")
    reporter.planned(PlanSummary(1, PlanTally(add=1)))
    reporter.refused("declined", 4)
    assert json.loads(out.getvalue())["refused"] == "declined"

    reporter, out = reporter_for("plan")
    reporter.site(Failed(SiteName("shop"), "x"))
    reporter.aborted("interrupted", 130)
    document = json.loads(out.getvalue())
    assert (document["error"], document["exitCode"], len(document["sites"])) == ("interrupted", 130, 1)


def test_nothing_in_it_can_act_on_a_terminal() -> None:
    reporter, out = reporter_for("plan")
    nasty = "\x1b[2J\x9b\u202e\u2028\ud83d"
    reporter.site(Failed(SiteName("shop"), nasty))
    reporter.planned(PlanSummary(1, failed=1))
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    assert json.loads(out.getvalue())["sites"][0]["error"] == nasty
