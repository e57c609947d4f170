"""The ledger on the screen, and its last line."""

from __future__ import annotations

import io

from reconciler.engine.results import ApplyCompleted, PlanCompleted, SiteApplied
from reconciler.executor.ledger import Entry, Result, SiteLedger, tally_of
from reconciler.model.activities import PostsRule
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import (
    Deferred,
    FieldChange,
    Generate,
    GeneratePosts,
    Part,
    SchedulePost,
    UpdateSettings,
)
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.selectors import Match
from reconciler.model.sites import SiteRef
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.registry import make

SETTINGS = UpdateSettings((FieldChange("settings.toneOfVoice", "dry", "warm"),))
SCHEDULE = SchedulePost(PostId("834d"), ActivityId("b3f9"), "INSTAGRAM", Digest("sha256:1"))


def entry(
    site: str, kind: Kind, operation: UpdateSettings | Generate | SchedulePost, result: Result, detail: str = ""
) -> Entry:
    request = "request-7" if result is Result.FAILED else None
    return Entry(
        Address(SiteName(site), kind, "834d" if kind is Kind.DRAFT else ""), operation, result, detail, request
    )


def text_of(*ledgers: SiteLedger, sites: int = 1) -> str:
    out = io.StringIO()
    reporter = make("text", ReporterContext("apply", out.write))
    for ledger in ledgers:
        reporter.handle(SiteApplied(ledger))
    reporter.handle(ApplyCompleted(PlanCompleted(sites), tally_of(ledgers), len(ledgers)))
    return out.getvalue()


def test_one_site() -> None:
    ledger = SiteLedger(
        SiteRef(SiteName("shop"), "1"),
        (
            entry("shop", Kind.SETTINGS, SETTINGS, Result.DONE),
            entry("shop", Kind.MARKETING_PLAN, Generate(), Result.FAILED, "the generation ended FAILED"),
            entry("shop", Kind.DRAFT, SCHEDULE, Result.WITHHELD, "public actions need --allow-publish"),
        ),
        notes=("took over the lock",),
    )
    assert text_of(ledger).splitlines() == [
        "",
        "site  done  withheld  failed",
        "shop     1         1       1",
        "",
        "  ~ update    shop/settings  done",
        "  * generate  shop/marketing-plan  failed  (the generation ended FAILED)",
        "              request request-7",
        "  ! publish   shop/draft[834d]  withheld  (public actions need --allow-publish)",
        "  note: took over the lock",
        "",
        "site  done  withheld  failed",
        "shop     1         1       1",
        "",
        "Apply: 0 added, 1 changed, 0 destroyed, 0 generated, 0 published; "
        "0 skipped, 1 withheld, 0 pending, 0 unknown, 1 failed.",
    ]


def test_many_sites_one_given_up_one_interrupted() -> None:
    lost = SiteLedger(SiteRef(SiteName("a"), "1"), error=Diagnostic("state", "the lock was lost"))
    stopped = SiteLedger(
        SiteRef(SiteName("b"), "2"),
        (entry("b", Kind.SETTINGS, SETTINGS, Result.NOT_STARTED, "interrupted"),),
        interrupted=True,
    )
    lines = text_of(lost, stopped, sites=9).splitlines()
    assert "  E failed    a  the lock was lost" in lines
    assert "  ~ update    b/settings  not started  (interrupted)" in lines
    assert "  note: interrupted; run apply again to go on" in lines
    assert lines[1:5] == [
        "site         done  not started",
        "a               -            -",
        "b               -            1",
        "all 2 sites     -            1",
    ]


def test_a_promise_is_kept_and_its_objects_are_counted() -> None:
    promise = Deferred(Part.POSTS, 0, posts_rules=(PostsRule(Match(), max=12),), at_most=12)
    shop = SiteName("shop")
    ledger = SiteLedger(
        SiteRef(shop, "1"),
        (
            Entry(Address(shop, Kind.RULE, "posts.0"), promise, Result.DONE, "1 found", count=0),
            Entry(Address(shop, Kind.POSTS, "b3f9"), GeneratePosts(ActivityId("b3f9"), "Sale"), Result.DONE),
        ),
    )
    lines = text_of(ledger).splitlines()
    assert lines[1:6] == [
        "site  done",
        "shop     1",
        "",
        "  * generate  shop/rule[posts.0]  kept  (1 found)",
        "  * generate  shop/posts[b3f9]  done",
    ]


def test_sites_that_are_not_in_the_ledger_are_told_before_the_last_line() -> None:
    ledger = SiteLedger(SiteRef(SiteName("a"), "1"), (entry("a", Kind.SETTINGS, SETTINGS, Result.DONE),))
    out = io.StringIO()
    reporter = make("text", ReporterContext("apply", out.write))
    reporter.handle(SiteApplied(ledger))
    reporter.handle(ApplyCompleted(PlanCompleted(4, failed=1, refused=2), sites=1))
    lines = out.getvalue().splitlines()
    assert lines[-3:-1] == [
        "1 of 4 sites could not be read; the counts say nothing about them",
        "2 of 4 sites refused, so nothing was done there; the reason stands above",
    ]


def test_a_run_with_nothing_to_do_has_said_so_already() -> None:
    out = io.StringIO()
    reporter = make("text", ReporterContext("apply", out.write))
    reporter.handle(PlanCompleted(3))
    reporter.handle(ApplyCompleted(PlanCompleted(3)))
    assert out.getvalue() == "No changes.\n"


def test_a_run_that_could_read_no_site_ends_in_its_last_line_all_the_same() -> None:
    out = io.StringIO()
    make("text", ReporterContext("apply", out.write)).handle(ApplyCompleted(PlanCompleted(1, failed=1)))
    assert out.getvalue().startswith("Apply: 0 added, 0 changed")
