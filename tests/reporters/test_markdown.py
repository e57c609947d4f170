"""The Markdown format: one comment, within its budget, in which no text is obeyed."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from reconciler.engine.results import ApplyCompleted, DriftCompleted, Event, PlanCompleted
from reconciler.engine.site_results import SiteApplied, SiteDrifted, SitePlanned
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, tally_of
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import DeleteEvent, EventId
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.posts import ActivityId, Discarded, PostId
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, InReview, Plan, Reason, RefusedBy, ToReview, refusal
from reconciler.planner.drift_problem import with_problem
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftReport, DriftState, DriftTally, Finding
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.markdown import COMMENT, MARKER, MarkdownReporter
from tests.hostile import CAPTIONS
from tests.reporters.endings import Run, endings, exits, full_plan, planned, started, unread

RUNS = dict(endings(str))


def comment(run: Run) -> str:
    out = io.StringIO()
    reporter = MarkdownReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return out.getvalue()


class Frames(HTMLParser):
    """The tags that are open around each text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loose: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        assert tag in {"p", "ul", "li", "code", "pre", "details", "summary"}
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.tags):
            self.loose.append(data)


@pytest.mark.parametrize("name", RUNS)
def test_one_marker_and_every_tag_is_closed(name: str) -> None:
    text = comment(RUNS[name])
    assert text.startswith(MARKER + "\n")
    assert text.count(MARKER) == 1
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []
    assert len(text) <= COMMENT


@pytest.mark.parametrize("text", ["html", "markdown", "mentions", "workflow", "yaml"])
def test_texts_are_only_in_frames(text: str) -> None:
    """Everything outside `<code>` and `<pre>`, where a forge looks for markup and mentions, is this tool's own."""
    for name, run in endings(lambda word: f"{word} {CAPTIONS[text]}"):
        frames, plain = Frames(), Frames()
        frames.feed(comment(run))
        plain.feed(comment(RUNS[name]))
        assert frames.loose == plain.loose, name


def test_the_end_comes_first_then_what_is_risky_then_the_sites() -> None:
    text = comment(RUNS["a site that cannot be read"])
    order = [
        "Plan",
        "❌ <code>lost: w-unread",
        "📣 <code>shop</code> 1 to publish",
        "⚠️",
        "<details>",
        "Exit code 1",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def many(sites: int) -> Run:
    """Sites that all have different plans."""
    plans = [planned(full_plan(lambda word, n=n: f"{word} {n}", f"site-{n}")) for n in range(sites)]  # type: ignore[misc]
    tally = sum((plan.tally for plan in plans), PlanTally())
    events: list[Event] = [*started("plan"), *plans, unread(str), PlanCompleted(sites + 1, tally, failed=1), exits(1)]
    return Run("plan", events)


def test_a_comment_says_what_it_left_out() -> None:
    text = comment(many(400))
    assert len(text) <= COMMENT
    assert "❌ <code>lost: w-unread" in text  # the most serious item is there, although it came last
    shown = text.count("<details>")
    (left,) = re.findall(
        r"^Left out because the comment is full: (?:(\d+) risky items? and )?(\d+) sites?\.", text, re.MULTILINE
    )
    assert shown + int(left[1]) == 400
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []


def test_what_many_sites_share_is_reported_once() -> None:
    plans = [planned(full_plan(str, f"site-{number}")) for number in range(400)]
    lost = [unread(str, f"lost-{number}") for number in range(12)]
    text = comment(Run("plan", (*started("plan"), *plans, *lost, PlanCompleted(412, failed=12), exits(1))))
    assert text.count("<details>") == 1
    assert "<summary>Same on 400 sites (<code>site-0</code>, <code>site-1</code>, <code>site-2</code>, …): " in text
    assert (
        "❌ 12 sites (<code>lost-0</code>, <code>lost-1</code>, <code>lost-2</code>, …): "
        "<code>w-unread; w-again (request id r-4711)</code>" in text
    )
    assert "📣 400 sites (<code>site-0</code>, <code>site-1</code>, <code>site-2</code>, …) 1 to publish each" in text
    assert "⚠️ 400 sites (" in text
    assert "Left out" not in text


def test_the_block_of_refused_sites_has_no_totals_of_one_of_them() -> None:
    expect = refusal(Address(SiteName("all")), RefusedBy.EXPECT, "it is not published", "publish it")
    plans = [planned(replace(full_plan(str, f"site-{number}"), refusals=(expect,))) for number in range(12)]
    text = comment(Run("plan", (*started("plan"), *plans, PlanCompleted(12, PlanTally(), refused=12), exits(4))))
    (summary,) = re.findall("<summary>.*</summary>", text)
    assert summary.endswith("12 refused.</summary>"), summary
    assert re.findall(r"\d+ refused", text) == ["12 refused", "12 refused"]  # in the last line of the run, and here


def discarding(site: str, *titles: str, approved: bool = False, waits: int = 0) -> SitePlanned:
    """A site whose regeneration throws drafts away; others wait for review."""
    name = SiteName(site)
    discards = tuple(Discarded(PostId(f"d{n}"), title, "INSTAGRAM", approved) for n, title in enumerate(titles))
    regenerate = Regenerate(keyword_research=False, discards=tuple(draft.post for draft in discards))
    drafts = (
        ToReview(Address(name, Kind.DRAFT, f"w{n}"), PostId(f"w{n}"), "X", "Sale", InReview.PENDING)
        for n in range(waits)
    )
    action = Action(Address(name, Kind.MARKETING_PLAN), regenerate, Reason.INPUTS_CHANGED, ("settings.toneOfVoice",))
    return planned(Plan(SiteRef(name, "1"), (action,), discarded=discards, to_review=tuple(drafts)))


def of_plan(*sites: SitePlanned) -> str:
    tally = sum((site.tally for site in sites), PlanTally())
    return comment(Run("plan", (*started("plan"), *sites, PlanCompleted(len(sites), tally), exits(0))))


def test_sites_whose_discarded_drafts_have_other_titles_are_folded() -> None:
    sites = [discarding(f"s{n}", *(f"Title {n}.{draft}" for draft in range(1 + n % 3)), waits=1) for n in range(223)]
    text = of_plan(*sites, discarding("odd", "Kept", approved=True))
    assert text.count("<details>") == 2
    assert (
        "<summary>Same on 223 sites (<code>s0</code>, <code>s1</code>, <code>s2</code>, …): "
        "0 to add, 0 to change, 0 to destroy, 223 to generate, 445 to discard.</summary>"
    ) in text
    assert "- discards 445 unapproved drafts on these sites in total\n? 223 drafts are waiting for review on" in text
    assert "<code>odd: 0 to add, 0 to change, 0 to destroy, 1 to generate, 1 to discard.</code>" in text
    assert "- discards 1 approved draft: &quot;Kept&quot; (Instagram)" in text
    assert "Title" not in text
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []


@pytest.mark.parametrize("numbers", [5, 6])
def test_sites_that_discard_different_numbers_of_drafts_share_a_line_if_they_are_many(numbers: int) -> None:
    titles = [[f"Title {n}.{draft}" for draft in range(1 + n % numbers)] for n in range(60)]
    text = of_plan(*(discarding(f"s{n}", *drafts) for n, drafts in enumerate(titles)))
    assert text.count("📣") == (5 if numbers == 5 else 1)
    if numbers == 5:
        assert "📣 12 sites (<code>s1</code>, <code>s6</code>, <code>s11</code>, …) 2 to discard each</li>" in text
    else:
        assert "📣 60 sites (<code>s0</code>, <code>s1</code>, <code>s2</code>, …) 210 to discard in total</li>" in text


def test_a_few_such_sites_keep_their_titles() -> None:
    text = of_plan(*(discarding(f"s{n}", f"Title {n // 2}") for n in range(4)))
    assert text.count("<details>") == 2
    assert (
        "<summary>Same on 2 sites (<code>s0</code>, <code>s1</code>): 0 to add, 0 to change, 0 to destroy, 2 " in text
    )
    assert all(f"1 unapproved draft: &quot;Title {n}&quot;" in text for n in range(2))
    assert of_plan(*(discarding(f"s{n}", f"Title {n}") for n in range(5))).count("<details>") == 1


def publishing(site: str, account: str, title: str = "Sale") -> SitePlanned:
    """A site on which one post goes out."""
    at = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    operation = SchedulePost(
        PostId("d1"), ActivityId("a1"), "FACEBOOK", Digest("sha256:1"), at=at, title=title, account=account
    )
    action = Action(Address(SiteName(site), Kind.DRAFT, "d1"), operation, Reason.APPROVED)
    return planned(Plan(SiteRef(SiteName(site), "1"), (action,)))


def test_sites_that_differ_only_in_accounts_share_a_block_if_they_are_five_or_more() -> None:
    text = of_plan(*(publishing(f"s{n}", f"shop {n}") for n in range(5)))
    assert text.count("<details>") == 1
    assert "<summary>Same on 5 sites (<code>s0</code>, <code>s1</code>, <code>s2</code>, …): " in text
    assert "5 go out, each on its own site&#x27;s account\n" in text
    assert of_plan(*(publishing(f"s{n}", f"shop {n}") for n in range(4))).count("<details>") == 4
    others = [publishing(f"s{n}", f"shop {n}", f"Sale {n}") for n in range(6)]
    assert of_plan(*others[:5]).count("<details>") == 5
    assert of_plan(*(publishing(f"s{n}", f"shop {n}") for n in range(5)), others[5]).count("<details>") == 6


def cancelling(site: str) -> SitePlanned:
    """A site on which two posts with titles of their own are cancelled."""
    posts = (
        CancelPost(
            PostId(f"d{n}"), ActivityId("a1"), "FACEBOOK", datetime(2026, 12, n, 9, tzinfo=UTC), f"{n} of {site}"
        )
        for n in (1, 2)
    )
    actions = (Action(Address(SiteName(site), Kind.DRAFT, post.post), post, Reason.PAUSED) for post in posts)
    return planned(Plan(SiteRef(SiteName(site), "1"), tuple(actions)))


def test_five_sites_that_cancel_posts_share_a_block_that_names_those_of_each() -> None:
    text = of_plan(*(cancelling(f"s{n}") for n in range(5)))
    assert text.count("<details>") == 1
    assert all(f"          s{n}: Tue 2026-12-01 09:00 UTC &quot;1 of s{n}&quot; (Facebook); " in text for n in range(5))
    assert of_plan(*(cancelling(f"s{n}") for n in range(4))).count("<details>") == 4


def differing(site: str) -> SitePlanned:
    """A site whose settings change in six fields, one of them to a value of its own."""
    changes = [FieldChange(f"settings.field{number}", "old", "new") for number in range(5)]
    changes.append(FieldChange("settings.toneOfVoice", None, f"tone of {site}"))
    action = Action(Address(SiteName(site), Kind.SETTINGS), UpdateSettings(tuple(changes)), Reason.DIFFERS)
    return planned(Plan(SiteRef(SiteName(site), "1"), (action,)))


@pytest.mark.parametrize("sites", [5, 10, 11])
def test_sites_that_differ_in_a_value_share_a_block_with_the_values_of_up_to_ten(sites: int) -> None:
    names = [f"s{number}" for number in range(sites)]
    text = of_plan(*map(differing, names))
    shown = [f"          {name}: tone of {name}" for name in names]
    assert text.count("<details>") == (sites if sites == 5 else 1)
    assert [line for line in text.splitlines() if line in shown] == (shown if sites == 10 else [])
    assert text.count("        field0       old  -&gt;  new\n") == (sites if sites == 5 else 1)
    assert text.count("      + toneOfVoice  different values\n") == (sites > 5)
    assert ("(list their values with --sites)" in text) is (sites == 11)


def test_sites_with_nothing_to_do_that_share_a_block_are_said_to_have_no_changes() -> None:
    waits = [ToReview(Address(SiteName("s"), Kind.DRAFT, "d"), PostId("d"), "INSTAGRAM", "Mugs", InReview.PENDING)]
    plans = [planned(Plan(SiteRef(SiteName(f"s{n}"), "1"), to_review=tuple(waits))) for n in range(3)]
    text = of_plan(*plans)
    assert "(<code>s0</code>, <code>s1</code>, <code>s2</code>): No changes.</summary>" in text


def test_audits_are_folded_like_plans() -> None:
    """What differs is the number of posts that wait for the next apply, and their names."""

    def drifted(site: str, posts: int) -> SiteDrifted:
        items = (
            with_problem(
                DriftItem(
                    Address(SiteName(site), Kind.DRAFT, f"d{n}"),
                    DriftState.DRIFTED,
                    Finding.NOT_SCHEDULED,
                    ChangedSide.GIT,
                    title=f"Title {site} {n}",
                    channel="INSTAGRAM",
                ),
                "UTC",
            )
            for n in range(posts)
        )
        return SiteDrifted(DriftReport(SiteRef(SiteName(site), "1"), tuple(items)))

    sites = [drifted(f"s{n}", 1 + n % 2) for n in range(100)]
    tally = sum((site.report.tally for site in sites), DriftTally())
    text = comment(Run("drift", (*started("drift"), *sites, DriftCompleted(100, tally), exits(2))))
    assert text.count("<details>") == 1
    assert "…): 150 drifted, in 100 of 100 sites.</summary>" in text
    assert "150 posts" in text


def test_what_one_site_has_several_times_is_counted() -> None:
    plan = full_plan(str)
    (first,) = plan.blocked
    others = tuple(replace(first, address=Address(SiteName("shop"), Kind.DRAFT, f"d{n}")) for n in range(3))
    text = comment(Run("plan", (planned(replace(plan, blocked=(first, *others))), PlanCompleted(1), exits(0))))
    assert "⚠️ <code>shop</code> (4 times): <code>w-blocked; w-blocked-fix</code>" in text


def test_a_comment_in_which_all_fits_says_nothing_of_it() -> None:
    assert "Left out" not in comment(many(3))


def applied(site: str, number: int, why: str = "the server failed") -> SiteApplied:
    """A site where one action was done and another failed; its times and requests are its own."""
    name, call = SiteName(site), f"POST /settings/{number} answered 500"
    done = Entry(Address(name, Kind.EVENT, "e1"), DeleteEvent(EventId("e1"), "Sale"), ActionResult.DONE)
    problem = Diagnostic("api-server-error", f"{why} ({call})", "run it again", request_id=f"r-{number}", call=call)
    settings = UpdateSettings((FieldChange("settings.toneOfVoice", "dry", "warm"),))
    failed = Entry.not_done(Address(name, Kind.SETTINGS), settings, ActionResult.FAILED, problem)
    ledger = SiteLedger(SiteRef(name, str(number)), (done, replace(failed, request_id=f"r-{number}")))
    return SiteApplied(ledger, seconds=number / 10)


def of_apply(*sites: SiteApplied) -> str:
    tally = tally_of(site.ledger for site in sites)
    completed = ApplyCompleted(PlanCompleted(len(sites)), tally, len(sites))
    return comment(Run("apply", (*started("apply"), *sites, completed, exits(1))))


def test_ledgers_are_folded_like_plans() -> None:
    """What differs is how long it took and which requests failed; the problem at the top has one of these."""
    sites = [applied(f"s{n}", n) for n in range(223)]
    text = of_apply(*sites, applied("odd", 300, "access was refused"))
    assert text.count("<details>") == 2, text
    assert (
        "<summary>Same on 223 sites (<code>s0</code>, <code>s1</code>, <code>s2</code>, …): "
        "0 added, 0 changed, 223 destroyed; 223 failed.</summary>"
    ) in text
    folded, odd = re.findall("<pre>\n(.*?)\n</pre>", text, re.DOTALL)
    assert [line.split("  ")[1] for line in folded.splitlines()] == ["- event &quot;Sale&quot;", "! settings"], folded
    assert ("the server failed; run it again" in folded, "answered 500" in folded, "s0" in folded) == (
        True,
        False,
        False,
    )
    assert ("odd  1 failed, 1 done" in odd, "answered 500, request id r-300" in odd) == (True, True)
    assert text.count("the server failed; run it again (such as POST /settings/0 answered 500, request id r-0)") == 1
    assert "Left out" not in text


def test_a_few_ledgers_keep_what_is_their_own() -> None:
    text = of_apply(*(applied(f"s{n}", n) for n in range(4)))
    assert text.count("<details>") == 4
    assert all(f"<summary><code>s{n}: 0 added, 0 changed, 1 destroyed; 1 failed.</code>" in text for n in range(4))
    assert all(f"request id r-{n})" in text for n in range(4))
