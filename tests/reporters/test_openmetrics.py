"""The OpenMetrics format, read by the parser of Prometheus' own client."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from msgspec.structs import replace

from reconciler.engine.results import DriftCompleted, HistoryListed, Interrupted, PlanCompleted, Refused
from reconciler.engine.site_results import SiteDrifted, SiteHistory, SiteNotReviewed, SiteReviewed, Written
from reconciler.executor.ledger import ActionResult
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.sites import PostOutcome, PublishedPost, SiteRef
from reconciler.planner.actions import BlockedBy, GoingOut, Reason, StillGoingOut, blocked
from reconciler.planner.drift_problem import with_problem
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftReport, DriftState, Finding
from reconciler.planner.review import Review
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.openmetrics import OpenMetricsReporter
from tests.reporters.endings import DIGEST, Run, applied, endings, exits, full_plan, ledger, planned

RUNS = dict(endings(str))
START = datetime(2026, 12, 3, 8, 30, tzinfo=UTC)
SHOP = SiteName("shop")


def report(run: Run) -> str:
    """The report of a run in which each event takes a second."""
    out, seconds = io.StringIO(), count()
    context = ReporterContext(run.command, out.write, now=lambda: START + timedelta(seconds=next(seconds)))
    reporter = OpenMetricsReporter(context)
    for event in run.events:
        reporter.handle(event)
    return out.getvalue()


def samples(run: Run) -> dict[tuple[str, ...], float]:
    """Name and labels (without the command) -> value."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    found = {}
    for family in parser.text_string_to_metric_families(report(run)):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("command") == run.command
            found[(sample.name.removeprefix("reconciler_"), *labels.values())] = sample.value
    return found


@pytest.mark.parametrize("name", RUNS)
def test_a_parser_takes_it(name: str) -> None:
    run = RUNS[name]
    assert report(run).endswith("\n# EOF\n")
    found = samples(run)
    assert found["exit_code",] == getattr(run.events[-1], "exit_code")  # noqa: B009 - an Ended, always
    assert found["duration_seconds",] == len(run.events) - 1


@pytest.mark.parametrize("name", RUNS)
def test_the_last_success_is_recorded_only_on_success(name: str) -> None:
    run = RUNS[name]
    succeeded = getattr(run.events[-1], "exit_code") in (0, 2)  # noqa: B009
    assert (("last_success_timestamp_seconds",) in samples(run)) is succeeded


def test_a_run_that_fails_keeps_the_last_success_of_its_command() -> None:
    line = 'reconciler_last_success_timestamp_seconds{command="drift"} '

    def after(before: str, run: Run) -> list[str]:
        out = io.StringIO()
        reporter = OpenMetricsReporter(ReporterContext(run.command, out.write, now=lambda: START, before=before))
        for event in run.events:
            reporter.handle(event)
        return [found for found in out.getvalue().splitlines() if "last_success_timestamp_seconds{" in found]

    old = f"{line}1795734277.025277\n# EOF\n"
    assert after(old, RUNS["drift of bad files"]) == [f"{line}1795734277.025277"]
    assert after(old, RUNS["no drift"]) == [f"{line}{START.timestamp()}"]
    for other in (old.replace("drift", "apply"), old.replace("1795734277", "1e9"), "", "x"):
        assert after(other, RUNS["drift of bad files"]) == []


def test_drift_by_site_kind_and_severity() -> None:
    def item(kind: Kind, state: DriftState, finding: Finding) -> DriftItem:
        return with_problem(DriftItem(Address(SHOP, kind, "x"), state, finding, ChangedSide.REMOTE), "UTC")

    found = DriftReport(
        SiteRef(SHOP, "1"),
        (
            item(Kind.SETTINGS, DriftState.DRIFTED, Finding.DIFFERS),
            item(Kind.DRAFT, DriftState.DRIFTED, Finding.UNAPPROVED),
            item(Kind.DRAFT, DriftState.DRIFTED, Finding.FAILED_POST),
            item(Kind.POSTS, DriftState.PENDING, Finding.POSTS_COMING),
            item(Kind.DRAFT, DriftState.BLOCKED, Finding.BLOCKED),
        ),
    )
    told = samples(Run("drift", (SiteDrifted(found), DriftCompleted(3, found.tally, failed=1), exits(1))))
    assert told["drift_items", "shop", "settings", "warning"] == 1
    assert told["drift_items", "shop", "draft", "error"] == 2
    assert (told["pending", "shop"], told["blocked", "shop"], told["posts_failed", "shop"]) == (1, 1, 1)
    assert (told["sites", "all"], told["sites", "failed"]) == (3, 1)


def test_an_apply_counts_what_was_done_and_not_what_was_planned() -> None:
    done, mixed = samples(RUNS["applied"]), samples(RUNS["every result"])
    assert done["posts_published", "shop"] == 1
    assert ("posts_published", "shop") not in mixed
    assert mixed["pending", "shop"] == 1
    assert mixed["sites", "failed"] == 3, "one unread, one stopped by an error, one with a failed action"


def test_posts_that_failed_to_go_out_are_counted_by_every_command_that_knows_of_them() -> None:
    post = PublishedPost(PostId("p"), DIGEST, "INSTAGRAM", START, START)
    history = SiteHistory(SHOP, (post,), (PostOutcome(post.id, PostStatus.FAILED, START),))
    problem = blocked(Address(SHOP, Kind.DRAFT, "p"), BlockedBy.FAILED, "it failed to go out", "publish it by hand")
    plan = replace(full_plan(str), blocked=(problem,))
    nothing_done, one = ledger(str, ActionResult.DONE), PlanCompleted(1)
    not_scheduled = ledger(str, *[ActionResult.DONE] * 3, ActionResult.FAILED)
    for command, events, failed in (
        ("history", (history, HistoryListed(1, 1, not_out=1)), 1),
        ("plan", (planned(plan), one), 1),
        ("apply", (planned(plan), *applied(str, nothing_done, plan=one)), 1),
        ("apply", (planned(plan), *applied(str, not_scheduled, plan=one)), 2),
        ("review", (SiteReviewed(Review(SHOP, "UTC", (), failures=(problem,)), Written.UNCHANGED, "x"),), 1),
    ):
        assert samples(Run(command, (*events, exits(0))))["posts_failed", "shop"] == failed


def test_a_review_counts_what_still_goes_out() -> None:
    why = Diagnostic("cancel-failed", "cancelling it failed")
    address = Address(SHOP, Kind.DRAFT, "p")
    post = StillGoingOut(address, PostId("p"), "X", "t", None, None, Reason.NOT_WANTED, (), why)
    reviewed = SiteReviewed(Review(SHOP, "UTC", (), going_out=(post,)), Written.UNCHANGED, "x")
    not_reviewed = SiteNotReviewed(SHOP, why, going_out=(post,))
    for event in (reviewed, not_reviewed):
        assert samples(Run("review", (event, exits(0))))["still_going_out", "shop"] == 1


def test_a_limit_of_the_run_is_no_problem_of_a_site() -> None:
    found = samples(RUNS["a refused run"])
    assert found["problems", "maxDelete", "error"] == 1
    assert "all-sites" not in report(RUNS["a refused run"])


def test_an_apply_counts_only_the_sites_where_something_failed() -> None:
    one = str
    failed = ledger(one, ActionResult.FAILED, ActionResult.FAILED)
    rest = [ledger(one, ActionResult.DONE, site=f"shop-{number}") for number in range(4)]
    told = samples(Run("apply", (*applied(one, failed, *rest, plan=PlanCompleted(5)), exits(1))))
    assert (told["sites", "all"], told["sites", "failed"]) == (5, 1)


def test_what_a_run_that_did_nothing_did_not_cancel_still_goes_out() -> None:
    post = StillGoingOut(
        Address(SHOP, Kind.DRAFT, "p"),
        PostId("p"),
        "X",
        "t",
        None,
        None,
        Reason.NOT_WANTED,
        (),
        Diagnostic("refused", "it is refused"),
    )
    left = (GoingOut(post, "UTC"),)
    for done in (Refused(Diagnostic("maxDelete", "too many"), still_going_out=left), Interrupted(still_going_out=left)):
        assert samples(Run("apply", (done, exits(4))))["still_going_out", "shop"] == 1


def test_a_limit_of_the_run_refuses_every_site_that_could_be_read() -> None:
    limit = Diagnostic("maxPublish", "too many")
    told = samples(Run("plan", (PlanCompleted(4, failed=1, refused=1, refusals=(limit,)), exits(1))))
    assert (told["sites", "failed"], told["sites", "refused"]) == (1, 3)
