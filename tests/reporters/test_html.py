"""The HTML format: one file that fetches nothing, in which each action has its reason and each change its words."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.engine.results import Event, HistoryListed, Phase, PhaseStarted, PlanCompleted, Refused, RunStarted
from reconciler.engine.site_results import SiteApplied, SiteDrifted, SiteHistory, SitePlanned, SiteReviewed, Written
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger
from reconciler.model.activities import PostsRule
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import DeleteEvent, EventId
from reconciler.model.marketing_plan import AwaitGeneration, Generate, Regenerate
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.posts import ActivityId, Discarded, PostId, PostStatus
from reconciler.model.schedule import CancelPost
from reconciler.model.selectors import Match
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import Bindings, PostOutcome, PublishedPost, SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import (
    Action,
    BlockedBy,
    EndedPost,
    Plan,
    Reason,
    RefusedBy,
    StillGoingOut,
    blocked,
    refusal,
)
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftReport, DriftState, FieldDrift, Finding
from reconciler.planner.reasons import REASONS
from reconciler.planner.review import ReviewStatus
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.html import HtmlReporter
from reconciler.reporters.markup import hashed, link, word_diff
from reconciler.reporters.page import SHOWN
from tests.hostile import CAPTIONS
from tests.reporters.endings import AT, DIGEST, POST, Run, endings, exits, full_plan, planned, unread
from tests.reporters.review_world import review
from tests.reporters.test_gallery import Page as GalleryPage

RUNS = dict(endings(str))
CANCEL = CancelPost(POST, ActivityId("b3"), "INSTAGRAM", AT, "Sale")
VOID = {"meta", "img", "br", "link", "input"}
TAGS = {
    "html",
    "head",
    "title",
    "style",
    "script",
    "body",
    "main",
    "section",
    "header",
    "h1",
    "h2",
    "p",
    "ul",
    "li",
    "nav",
}
TAGS |= {"span", "div", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "a", "b", "code", "pre", "dl", "dt", "dd"}
TAGS |= {"del", "ins", "details", "summary", "button", "label", "select", "option"} | VOID


class Page(GalleryPage):
    """The same, with more elements that are never closed."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag in VOID and self.open and self.open[-1] == tag:
            self.open.pop()


def page(*events: Event, command: str = "plan") -> str:
    out = io.StringIO()
    reporter = HtmlReporter(ReporterContext(command, out.write))
    for event in events:
        reporter.handle(event)
    return out.getvalue()


def of(run: Run) -> str:
    return page(*run.events, command=run.command)


def site(name: str, *changes: FieldChange, reason: Reason = Reason.DIFFERS) -> SitePlanned:
    action = Action(Address(SiteName(name), Kind.SETTINGS), UpdateSettings(changes), reason)
    return planned(Plan(SiteRef(SiteName(name), "1"), (action,)))


@pytest.mark.parametrize("name", [name for name in RUNS if name != "review"])
def test_it_is_self_contained_and_every_element_is_closed(name: str) -> None:
    text = of(RUNS[name])
    found = Page(text)
    assert {tag for tag, _ in found.tags} <= TAGS
    assert not [key for _, attributes in found.tags for key in attributes if key.startswith("on") or key == "style"]
    assert all(attributes["href"].startswith(("https://", "#")) for attributes in found.all("a"))
    (policy,) = (meta["content"] for meta in found.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = " ".join(f"'{hashed(script)}'" for script in scripts)
    assert f"default-src 'none'; script-src {allowed}; style-src" in policy
    assert len(found.all("script")) == len(scripts) == 2
    assert "unsafe" not in policy
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize("text", CAPTIONS)
def test_nothing_in_a_text_is_an_element(text: str) -> None:
    """A text from outside adds no element: the tags are the same with it and without it."""
    hostile = dict(endings(lambda word: f"{word} {CAPTIONS[text]}"))
    for name in ("changes", "every result", "drift", "history", "state show", "plan of bad files"):
        plain = [tag for tag, _ in Page(of(RUNS[name])).tags if tag not in ("del", "ins", "span", "br")]
        assert [tag for tag, _ in Page(of(hostile[name])).tags if tag not in ("del", "ins", "span", "br")] == plain


def test_each_action_says_why() -> None:
    for reason in Reason:
        assert f"Why: {REASONS[reason]}" in page(site("shop", FieldChange("a", 1, 2), reason=reason), exits(0))


def test_a_changed_text_is_shown_word_by_word() -> None:
    change = FieldChange("settings.toneOfVoice", "warm and dry, always", "warm and playful, always")
    assert "warm and <del>dry,</del><ins>playful,</ins> always" in page(site("shop", change), exits(0))
    assert word_diff("a\u200bb", "ab").startswith("<del>a\\u200bb</del>")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (("a", "b", "c"), ("a", "d", "c"), "<del>b</del> <ins>d</ins>"),
        (("a", "b"), ("b", "a"), "<del>[a, b]</del> <ins>[b, a]</ins>"),
        (
            JsonObject({"count": 3, "interval": "WEEK"}),
            JsonObject({"count": 5, "interval": "WEEK"}),
            "count: <del>3</del> <ins>5</ins>",
        ),
        (JsonObject({"a": "old"}), JsonObject({"b": "new"}), "<del>{a: old}</del> <ins>{b: new}</ins>"),
    ],
)
def test_a_changed_list_or_object_is_shown_by_what_differs_in_it(before: Json, after: Json, said: str) -> None:
    text = page(site("shop", FieldChange("settings.x", before, after)), exits(0))
    assert f'<dt>x</dt><dd dir="auto">{said}</dd>' in re.sub("(</del>)(<ins>)", r"\1 \2", text)


def test_an_audit_shows_word_by_word_what_differs_from_what_was_last_applied() -> None:
    sides = (
        FieldDrift("settings.a", "one two file", "one two site", ChangedSide.BOTH, "one two applied"),
        FieldDrift("settings.b", ("a", "b"), ("a", "c"), ChangedSide.BOTH, ("a", "d")),
        FieldDrift("settings.c", "one two file", None, ChangedSide.BOTH, "one two applied"),
        FieldDrift("settings.d", "one two file", "one two site", ChangedSide.BOTH, "one two site"),
    )
    item = DriftItem(
        Address(SiteName("shop"), Kind.SETTINGS), DriftState.DRIFTED, Finding.DIFFERS, ChangedSide.BOTH, sides
    )
    text = page(SiteDrifted(DriftReport(SiteRef(SiteName("shop"), "1"), (item,))), exits(0), command="drift")
    assert "last applied → site</span> one two <del>applied</del><ins>site</ins> <span" in text
    assert "last applied → site</span> <del>d</del><ins>c</ins> <span" in text
    assert "last applied → file</span> one two <del>applied</del><ins>file</ins> <span" in text
    assert text.count("last applied →") == 3


def test_the_gallery_shows_what_changed_after_the_approval() -> None:
    found = review()
    first = found.activities[0]
    apart = (Difference("caption", "Sale on Fryday", "Sale on Friday"),)
    post = replace(first.posts[0], status=ReviewStatus.CHANGED, differences=apart, wanted=True)
    changed = replace(found, activities=(replace(first, posts=(post,)),))
    text = page(SiteReviewed(changed, Written.UPDATED, "approvals/shop.yaml"), exits(0), command="review")
    assert "Sale on <del>Fryday</del><ins>Friday</ins>" in text


def test_what_went_out_has_its_link_and_what_failed_its_reason() -> None:
    posts = [
        PublishedPost(PostId(f"p{n}"), DIGEST, "INSTAGRAM", AT + timedelta(days=n), AT, title=f"Title {n}")
        for n in range(3)
    ]
    outcomes = (
        PostOutcome(posts[0].id, PostStatus.PUBLISHED, AT, "https://www.instagram.com/p/1"),
        PostOutcome(posts[1].id, PostStatus.FAILED, AT, reason="the token expired"),
    )
    history = SiteHistory(SiteName("shop"), tuple(posts), outcomes)
    text = page(RunStarted("history", "acme", 1, 1), history, HistoryListed(1, 3), exits(0), command="history")
    assert (
        text.count('<a href="https://www.instagram.com/p/1" rel="noopener noreferrer nofollow">') == 2
    )  # and in the list
    assert "the token expired" in text
    assert "December 2026" in text
    assert 'data-state="failed"' in text


def test_a_plan_shows_what_changed_after_the_approval_word_by_word() -> None:
    apart = (
        Difference("caption", "Sale on Fryday", "Sale on Friday"),
        Difference("date", "2026-12-03T08:30:00Z", "2026-12-04T08:30:00Z"),
    )
    draft = Address(SiteName("shop"), Kind.DRAFT, POST)
    problem = blocked(draft, BlockedBy.CHANGED_AFTER_APPROVAL, "changed after approval", "review", differences=apart)
    text = page(planned(Plan(SiteRef(SiteName("shop"), "1"), blocked=(problem,), time_zone="Europe/Berlin")), exits(0))
    assert '<dt>caption</dt><dd dir="auto">Sale on <del>Fryday</del><ins>Friday</ins></dd>' in text
    assert "<del>Thu 2026-12-03</del><ins>Fri 2026-12-04</ins> 09:30" in text


def test_what_went_out_since_the_last_run_has_its_title_channel_and_link() -> None:
    ended = EndedPost(POST, "INSTAGRAM", "Summer launch", "janes.pottery (1784)", AT)
    outcome = PostOutcome(POST, PostStatus.PUBLISHED, AT, "https://www.instagram.com/p/1")
    plan = Plan(SiteRef(SiteName("shop"), "1"), bindings=Bindings(outcomes=(outcome,)), ended=(ended,))
    for command in ("plan", "apply"):
        text = page(planned(plan), exits(0), command=command)
        assert "Summer launch&quot; (Instagram) Thu 2026-12-03 08:30 UTC on janes.pottery" in text
        assert text.count('<a href="https://www.instagram.com/p/1"') == 2  # and in the calendar
        assert POST not in text


def test_the_calendar_is_open_if_something_is_still_to_come() -> None:
    ended = EndedPost(POST, "INSTAGRAM", "Summer launch", None, AT - timedelta(days=40))
    outcome = PostOutcome(POST, PostStatus.PUBLISHED, AT)
    found = replace(full_plan(str), bindings=Bindings(outcomes=(outcome,)), ended=(ended,))
    assert re.findall(r'<details class="month"( open)?><summary>(\w+)', page(planned(found), exits(0))) == [
        ("", "October"),
        (" open", "December"),
    ]


def test_the_calendar_of_a_refused_plan_promises_nothing() -> None:
    plan = replace(full_plan(str), refusals=(), still_going_out=())
    no = Diagnostic("max-publish", "1 post to publish, but maxPublish is 0", "raise it")
    refused = replace(plan, refusals=(no,))
    fine = page(planned(plan), PlanCompleted(1), exits(0))
    of_site = page(planned(refused), PlanCompleted(1, refused=1), exits(4))
    of_run = page(planned(plan), PlanCompleted(1, refusals=(no,)), exits(4))
    for text, state in ((fine, "to publish"), (of_site, "refused"), (of_run, "refused")):
        shown = text[text.index('<section class="calendar"') : text.index("</section>")]
        assert set(re.findall(r'<span class="tag \w+">([\w ]+)</span>', shown)) == {state}


def test_a_post_that_still_goes_out_is_in_the_calendar_once() -> None:
    """An earlier run failed to cancel it; the plan tries again, and the apply fails as well."""
    shop = SiteRef(SiteName("shop"), "1")
    address = Address(shop.name, Kind.DRAFT, POST)
    why = Diagnostic("api-server-error", "the server failed", "cancel it in the dashboard", address=address)
    left = StillGoingOut(address, POST, "INSTAGRAM", "Sale", None, AT, Reason.WITHDRAWN, (), why)
    plan = Plan(shop, (Action(address, CANCEL, Reason.WITHDRAWN),), still_going_out=(left,))
    ledger = SiteLedger(shop, (Entry.not_done(address, CANCEL, ActionResult.FAILED, why),), still_going_out=(left,))
    for text in (
        page(planned(plan), exits(0)),
        page(planned(replace(plan, refusals=(why,))), exits(4)),
        page(SiteApplied(ledger), exits(1), command="apply"),
    ):
        shown = text[text.index('<section class="calendar"') : text.index("</section>")]
        assert 'December 2026 <span class="soft">1 post</span>' in shown
        assert re.findall(r'<span class="tag \w+">([\w ]+)</span>', shown) == ["still going out"]


def test_only_https_can_be_followed() -> None:
    assert link("https://x.example/a") == '<a href="https://x.example/a" rel="noopener noreferrer nofollow">https:/' + (
        "/x.example/a</a>"
    )
    for url in ("javascript:alert(1)", "http://x.example", "https://x.example/\u202egnp", "data:text/html,x"):
        assert "<a" not in link(url)


def test_the_calendar_has_the_day_that_the_post_has_in_its_site() -> None:
    late = replace(full_plan(str), time_zone="Pacific/Auckland")  # 08:30 UTC is 21:30 there, on the same day
    assert "<b>21:30</b> Instagram" in page(planned(late), exits(0))
    assert "Thu 2026-12-03 21:30 Pacific/Auckland" in page(planned(late), exits(0))
    assert POST not in re.sub(r"<script>.*?</script>", "", page(planned(late), exits(0)))  # titles, not ids


def test_sites_are_listed_worst_first_and_shared_failures_are_reported_once() -> None:
    sites = [site(f"s{n:03}", FieldChange("a", 1, n)) for n in range(SHOWN + 5)]
    text = page(*sites, unread(str, "zz"), unread(str, "zy"), PlanCompleted(207, PlanTally(), 2), exits(1))
    names = re.findall(r'<button type="button" aria-expanded="false">([\w-]+)', text)
    assert names[:3] == ["zy", "zz", "s000"]
    assert text.count('class="site late"') == 7
    assert text.count("2 sites could not be read: w-unread; w-again") == 1


def test_the_ledger_has_the_sites_whose_plans_were_refused() -> None:
    expect = refusal(Address(SiteName("odd")), RefusedBy.EXPECT, "not as expected", "change the file")
    refused = planned(Plan(SiteRef(SiteName("odd"), "2"), site("odd").plan.actions, refusals=(expect,)))
    completed = PlanCompleted(2, PlanTally(), refused=1)
    ready = (PhaseStarted(Phase.PLANNING, 2), refused, site("shop"), completed)
    done = SiteApplied(SiteLedger(SiteRef(SiteName("shop"), "1"), ()))
    text = page(*ready, PhaseStarted(Phase.APPLYING, 1), done, exits(4), command="apply")
    ledger = text[text.index('<h2 id="apply">') : text.index('<h2 id="plan">')]
    assert re.findall(r'data-state="([^"]+)"', ledger) == ["refused", "done"]
    assert "not as expected" in ledger
    assert '<th scope="row">2 sites</th>' in ledger
    assert 'id="apply"' not in page(*ready, exits(4), command="apply"), "nothing was done, so there is no ledger"


def test_a_refused_apply_says_that_none_of_the_planned_changes_were_made() -> None:
    stale = Diagnostic("plan-stale", "the post is gone; the saved plan is stale", "run plan again")
    ready = (PhaseStarted(Phase.PLANNING, 1), site("shop"), PlanCompleted(1, PlanTally(), refusals=(stale,)))
    text = page(*ready, Refused(stale), exits(4), command="apply")
    assert text.index("None of the planned changes were made.") < text.index('<h2 id="plan">')
    assert "planned changes were made" not in page(Refused(stale), exits(4), command="apply"), "none are shown"


def test_memory_does_not_grow_with_the_sites() -> None:
    import tracemalloc

    def peak(count: int) -> int:
        reporter = HtmlReporter(ReporterContext("plan", lambda _: None))
        tracemalloc.start()
        for number in range(count):
            reporter.handle(site(f"s{number}", FieldChange("a", "x" * 2000, f"{number} " * 500)))
        reporter.handle(exits(0))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(5)
    assert peak(160) < 2 * peak(40)


def test_a_plan_with_nothing_to_do_says_so() -> None:
    calm = SitePlanned(Plan(SiteRef(SiteName("calm"), "1")), tally_of(Plan(SiteRef(SiteName("calm"), "1"))))
    text = page(calm, PlanCompleted(1), exits(0))
    assert '<p class="last good">No changes.</p>' in text
    assert "<table>" not in text


def test_a_site_where_posts_are_only_cancelled_does_not_say_that_anything_goes_public() -> None:
    cancel = Action(Address(SiteName("shop"), Kind.DRAFT, POST), CANCEL, Reason.WITHDRAWN)
    text = page(planned(Plan(SiteRef(SiteName("shop"), "1"), (cancel,))), exits(0))
    assert 'data-state="cancels posts"' in text
    assert "goes public" not in text


def test_a_site_is_said_to_delete_only_if_something_is_deleted() -> None:
    shop = SiteRef(SiteName("shop"), "1")
    generate = Action(Address(shop.name, Kind.MARKETING_PLAN), Generate(), Reason.RULE)
    delete = Action(Address(shop.name, Kind.EVENT, "Fair"), DeleteEvent(EventId("1"), "Fair"), Reason.RULE)
    for actions, state in (
        ((generate,), "generates"),
        ((delete,), "deletes"),
        ((delete, generate), "generates and deletes"),
    ):
        assert f'data-state="{state}"' in page(planned(Plan(shop, actions)), exits(0))


def test_what_was_done_is_said_in_the_words_of_the_ledger() -> None:
    address = Address(SiteName("shop"), Kind.DRAFT, POST)
    rule = Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match(), max=12),), at_most=12)
    entries = (
        Entry(address, CANCEL, ActionResult.DONE),
        Entry(Address(SiteName("shop"), Kind.RULE, "posts.0"), rule, ActionResult.DONE, matched=0),
        Entry(Address(SiteName("shop"), Kind.MARKETING_PLAN), Regenerate(False, (POST,)), ActionResult.DONE),
    )
    text = page(SiteApplied(SiteLedger(SiteRef(SiteName("shop"), "1"), entries)), exits(0), command="apply")
    assert "was scheduled for Thu 2026-12-03 08:30 UTC" in text
    assert "nothing to do" in text
    assert "regenerated, 1 draft discarded" in text


def test_what_a_generation_under_way_discards_is_named_as_far_as_it_is_known() -> None:
    waits = AwaitGeneration((PostId("d0"), PostId("d1"), PostId("d2")))
    action = Action(Address(SiteName("shop"), Kind.MARKETING_PLAN), waits, Reason.UNDER_WAY)
    shows = Plan(SiteRef(SiteName("shop"), "1"), (action,), discarded=(Discarded(PostId("d0"), "Mugs", "FACEBOOK"),))
    text = page(planned(shows), exits(0))
    assert 'Discards 3 drafts:</div><ul class="names"><li>&quot;Mugs&quot; (Facebook)</li><li>2 more</li></ul>' in text
    hidden = replace(shows, discarded=())
    assert "Discards 3 drafts</div></li>" in page(planned(hidden), exits(0))


def test_the_totals_of_what_was_done_are_those_of_the_last_line() -> None:
    text = of(RUNS["every result"])
    assert re.search(r'<p class="last bad">[^<]*\b3 failed\b', text)
    (totals,) = re.findall(r"<tfoot>(.*?)</tfoot>", text[text.index('<h2 id="apply">') :].partition("</section>")[0])
    assert 'data-head="failed">3<' in totals
    heads = re.findall(r'data-head="([\w ]+)"', totals)
    assert heads.index("failed") > heads.index("added")


def test_the_project_is_not_counted_among_the_sites_of_doctor() -> None:
    text = of(RUNS["doctor"])
    assert "(project)" in text
    assert '<tfoot><tr><th scope="row">1 site</th>' in text
    assert re.findall(r'data-rank="\d" data-other>.*?<button[^>]*>([^<]+)', text) == ["(project)"]


def test_an_audit_names_what_is_not_set_on_the_site() -> None:
    field = FieldDrift("settings.toneOfVoice", "warm", None, ChangedSide.GIT)
    address = Address(SiteName("shop"), Kind.SETTINGS)
    item = DriftItem(address, DriftState.DRIFTED, Finding.DIFFERS, ChangedSide.GIT, fields=(field,))
    report = DriftReport(SiteRef(SiteName("shop"), "1"), (item,))
    text = page(SiteDrifted(report), exits(2), command="drift")
    assert 'site → file</span> <span class="soft">(not set)</span> <ins>warm</ins>' in text


def test_a_cancelled_post_did_not_fail_and_a_due_one_is_not_scheduled() -> None:
    posts = [PublishedPost(PostId(name), DIGEST, "INSTAGRAM", AT, AT, title=name) for name in ("due", "cancelled")]
    outcomes = (PostOutcome(PostId("cancelled"), PostStatus.CANCELED, AT),)
    history = SiteHistory(SiteName("shop"), tuple(posts), outcomes, overdue=frozenset({PostId("due")}))
    text = page(history, HistoryListed(1, 2), exits(0), command="history")
    assert re.findall(r'data-state="([\w ]+)"', text) == ["not known"]
    assert set(re.findall(r'<span class="tag \w+">([\w ;]+)</span>', text)) >= {
        "cancelled",
        "due; not known whether it went out",
    }
    assert not re.search(r"\b(failed|scheduled)\b", text[text.index("<tbody") : text.index("</section>")])
