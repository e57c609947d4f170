"""Which activities the rules decide, and what is written for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from reconciler.model.activities import (
    Activity,
    ActivityRule,
    CreateActivity,
    DeleteActivity,
    DesiredActivity,
    PostsRule,
    RemoveActivities,
    SetActivities,
    UpdateActivity,
)
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Place
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.operations import Deferred
from reconciler.model.posts import ActivityId, AwaitPosts, ClearPosts, GeneratePosts, Post, PostId, PostStatus
from reconciler.model.selectors import Match
from reconciler.model.sites import (
    CreatedActivity,
    DesiredSite,
    ObservedSite,
    RecordedSite,
    RememberedSet,
    SiteRef,
)
from reconciler.planner.actions import BlockedBy, RefusedBy
from reconciler.planner.activities import ActivitiesPart, plan_activities
from reconciler.planner.kept import counted
from reconciler.planner.matching import match_key
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.planner import make_plan
from reconciler.planner.posts import PostsPart, plan_posts
from tests.planner.pure_world import NOW

SCOPE = Scope(SiteName("shop"), NOW)
SUMMER = Match(title="Summer*")


def live(id: str, title: str, in_days: float = 2, posts: tuple[Post, ...] = (), type: str | None = None) -> Activity:
    return Activity(ActivityId(id), title, "", NOW + timedelta(days=in_days), type, posts)


def draft(id: str = "p1", status: PostStatus = PostStatus.DRAFT, type: str = "POST") -> Post:
    return Post(PostId(id), "FACEBOOK", type, status, (("caption", "hello"),))


def plan(*rules: ActivityRule, on: tuple[Activity, ...], recorded: RecordedSite | None = None) -> ActivitiesPart:
    return plan_activities(rules, on, frozenset({ActivityId("past")}), recorded or RecordedSite(), SCOPE)


def posts(*rules: PostsRule, on: tuple[Activity, ...], recorded: RecordedSite | None = None) -> PostsPart:
    return plan_posts(rules, on, (), frozenset(), recorded or RecordedSite(), SCOPE)


def generated(part: PostsPart) -> list[str]:
    return [action.operation.activity for _, action in part.actions if isinstance(action.operation, GeneratePosts)]


def test_the_first_rule_that_matches_decides() -> None:
    part = plan(
        SetActivities(SUMMER, title="Summer sale"),
        RemoveActivities(Match()),
        on=(live("a", "Summer one"), live("b", "Winter")),
    )
    updates = [action.operation for _, action in part.actions]
    assert [type(update) for update in updates] == [DeleteActivity, UpdateActivity]
    assert [activity.title for activity in part.projected] == ["Summer sale"]


def test_deletes_and_updates_are_in_the_order_of_matches_whatever_the_ids() -> None:
    late, early, same = (live("a", "Winter", 5), live("c", "Summer", 2), live("b", "Winter", 2))
    for rule in (RemoveActivities(Match()), SetActivities(Match(), description="x")):
        part = plan(rule, on=(late, early, same))
        assert [action.address.key for _, action in part.actions] == ["c", "b", "a"]
    part = plan(SetActivities(SUMMER, description="x"), RemoveActivities(Match()), on=(late, early, same))
    assert [action.address.key for _, action in part.actions] == ["b", "a", "c"], "deletes come first"


def test_a_set_rule_remembers_what_it_matches_and_what_it_set_before() -> None:
    rule = SetActivities(SUMMER, title="Summer sale")
    mine = RememberedSet(match_key(SUMMER), frozenset({ActivityId("b")}))
    theirs = RememberedSet(match_key(Match(title="Winter*")), frozenset({ActivityId("c")}))
    on = (live("a", "Summer one"), live("b", "Summer sale"), live("c", "Other"), live("d", "Winter"))
    part = plan(rule, on=on, recorded=RecordedSite(sets=(theirs, mine)))
    assert part.sets == (RememberedSet(match_key(SUMMER), frozenset({ActivityId("a"), ActivityId("b")})),)
    # An activity that only looks as if the rule had set it is matched, but not recorded.
    part = plan(SetActivities(SUMMER, title="Fair"), on=(live("a", "Fair"), live("b", "Summer x")))
    assert [remembered.activities for remembered in part.sets] == [frozenset({ActivityId("b")})]
    moved = plan(SetActivities(SUMMER, title="Fair"), on=(live("b", "Fair"),), recorded=RecordedSite(sets=(mine,)))
    assert moved.sets == (mine,)


def test_a_set_rule_keeps_what_it_set_by_the_state() -> None:
    renamed = live("a", "A fine title")
    rule = SetActivities(SUMMER, title="Another title")
    assert plan(rule, on=(renamed,)).actions == ()
    before = RecordedSite(sets=(RememberedSet(match_key(SUMMER), frozenset({ActivityId("a")})),))
    [(_, action)] = plan(rule, on=(renamed,), recorded=before).actions
    assert isinstance(action.operation, UpdateActivity)


def test_without_state_what_has_all_the_values_counts_as_matched() -> None:
    part = plan(SetActivities(SUMMER, title="A fine title", min=1), on=(live("a", "A fine title"),))
    assert part.refusals == ()
    assert part.sets == ()  # it counts, but is not adopted: nobody selected it


def test_a_max_prefers_what_is_already_as_it_should_be() -> None:
    rule = SetActivities(SUMMER, description="x", max=1)
    on = (live("a", "Summer one", 1), replace(live("b", "Summer two", 5), description="x"))
    assert plan(rule, on=on).actions == ()


def test_too_few_matches_and_unknown_ids_refuse_the_site() -> None:
    part = plan(
        SetActivities(Match(title="Nothing*"), title="x", min=1),
        SetActivities(Match(ids=frozenset({"gone", "past"})), title="y"),
        RemoveActivities(Match(ids=frozenset({"gone already"}))),
        on=(live("a", "Winter"),),
    )
    assert [refusal.code for refusal in part.refusals] == [RefusedBy.MIN, RefusedBy.UNKNOWN_ID]
    assert "past" not in part.refusals[1].message


def test_an_id_that_is_gone_is_noted_if_it_is_to_be_absent() -> None:
    match = Match(ids=frozenset({"a", "gone", "past"}))
    notes = plan(RemoveActivities(match), on=(live("a", "Winter"),)).notes
    assert [(note.code, note.message, note.fix) for note in notes] == [
        (
            "absent-already",
            "activities[0].match.ids names gone, which the marketing plan does not have",
            "it can be removed from the file",
        )
    ]
    assert plan(RemoveActivities(Match(ids=frozenset({"a", "past"}))), on=(live("a", "Winter"),)).notes == ()
    rules = (PostsRule(match, present=False), PostsRule(Match()))
    [note] = plan_posts(rules, (live("a", "Winter"),), (), frozenset({ActivityId("past")}), RecordedSite(), SCOPE).notes
    assert note.message == "posts[0].match.ids names gone, which the marketing plan does not have"


def test_what_one_rule_set_is_not_taken_over_by_another_that_sets_the_same() -> None:
    early, bounded = SetActivities(SUMMER, description="x"), SetActivities(Match(), description="x", max=1)
    on = (replace(live("a", "Winter"), description="x"), live("b", "Autumn"))
    before = RecordedSite(sets=(RememberedSet(match_key(Match()), frozenset({ActivityId("a")})),))
    assert plan(early, bounded, on=on, recorded=before).actions == ()


def test_rules_that_would_undo_each_other_are_refused() -> None:
    part = plan(
        RemoveActivities(Match(title="*sale*")),
        SetActivities(SUMMER, title="Summer sale"),
        on=(live("a", "Summer one"),),
    )
    assert [refusal.code for refusal in part.refusals] == [RefusedBy.CONTRADICTION]


OPEN = DesiredActivity("Open studio", "Come by", datetime(2026, 12, 5, 10, tzinfo=UTC), "SOCIAL_MARKETING")


def test_a_create_is_made_once() -> None:
    [(_, action)] = plan(OPEN, on=()).actions
    assert action.operation == CreateActivity(OPEN)
    there = Activity(ActivityId("n"), OPEN.title, OPEN.description, OPEN.target_date)
    assert plan(OPEN, on=(there,)).actions == ()


def test_a_created_activity_follows_its_rule() -> None:
    there = Activity(ActivityId("n"), OPEN.title, OPEN.description, OPEN.target_date)
    before = RecordedSite(created=(CreatedActivity(ActivityId("n"), OPEN.title, OPEN.target_date),))
    later = replace(OPEN, target_date=OPEN.target_date + timedelta(days=1))
    [(_, action)] = plan(later, on=(there,), recorded=before).actions
    assert isinstance(action.operation, UpdateActivity)
    assert [change.path for change in action.operation.changes] == ["targetDate"]
    renamed = replace(there, title="Renamed by hand")
    [(_, action)] = plan(OPEN, on=(renamed,), recorded=before).actions
    assert isinstance(action.operation, UpdateActivity)


def test_a_created_activity_is_not_decided_by_other_rules() -> None:
    there = Activity(ActivityId("n"), OPEN.title, OPEN.description, OPEN.target_date)
    assert plan(RemoveActivities(Match()), OPEN, on=(there,)).actions == ()


def test_posts_are_made_up_to_max_and_those_that_are_there_count() -> None:
    on = (live("a", "A", 1), live("b", "B", 2, (draft(),)), live("c", "C", 3), live("d", "D", 4))
    assert generated(posts(PostsRule(Match(), max=2), on=on)) == ["a"]
    assert generated(posts(PostsRule(Match()), on=on)) == ["a", "c", "d"]
    assert generated(posts(PostsRule(Match(), max=1), on=on)) == []


def test_no_posts_for_the_past_or_for_what_is_not_social() -> None:
    on = (live("a", "A", -0.1), live("b", "B", 2, type="BLOG"), live("c", "C", 2, type="SOCIAL_MARKETING"))
    assert generated(posts(PostsRule(Match()), on=on)) == ["c"]


def test_cancelled_and_deleted_posts_do_not_count_as_posts() -> None:
    on = (live("a", "A", 1, (draft(status=PostStatus.CANCELED), draft("p2", PostStatus.DELETED))), live("b", "B", 2))
    part = posts(PostsRule(Match()), on=on)
    assert generated(part) == ["a", "b"]
    (note,) = part.notes  # somebody may have cancelled it for good
    assert note.message == '"A": posts[0] asks for new posts, because its post was cancelled'
    absent = PostsRule(Match(ids=frozenset({ActivityId("a")})), present=False)
    part = posts(absent, PostsRule(Match()), on=on)
    assert (generated(part), part.notes) == (["b"], ())


def test_posts_that_an_earlier_run_asked_for_are_waited_for() -> None:
    before = RecordedSite(
        open=(OpenEntry("1", Address.parse("shop/posts[a]"), GeneratePosts(ActivityId("a"), "A"), NOW, sent=True),)
    )
    [(_, action)] = posts(PostsRule(Match()), on=(live("a", "A"),), recorded=before).actions
    assert action.operation == AwaitPosts(ActivityId("a"), "A")


def test_absent_clears_drafts_and_leaves_what_went_out() -> None:
    story = draft("s", type="STORY")
    on = (live("a", "A", 1, (draft(), story)), live("b", "B", 1, (draft("p3", PostStatus.PUBLISHED),)))
    part = posts(PostsRule(Match(), present=False), on=on)
    assert [action.operation for _, action in part.actions] == [
        ClearPosts(ActivityId("a"), "A", (PostId("p1"), PostId("s")), stories=True)
    ]


def test_posts_of_an_activity_that_the_same_plan_creates_are_promised() -> None:
    rule = PostsRule(Match(within=timedelta(days=21)), max=3)
    part = plan_posts((rule,), (live("a", "A"),), (OPEN,), frozenset(), RecordedSite(), SCOPE)
    assert [type(action.operation) for _, action in part.actions] == [GeneratePosts, Deferred]
    deferred = part.actions[1][1].operation
    assert isinstance(deferred, Deferred)
    assert deferred.at_most == 1


def test_a_discarded_activity_takes_no_place_before_its_posts_are_cleared_nor_after() -> None:
    for its_posts in ((draft(),), ()):
        on = (live("a", "First", 1, posts=its_posts), live("b", "Second"), live("c", "Third", 3))
        given_up = frozenset({ActivityId("a")})
        part = plan_posts((PostsRule(Match(), max=1),), on, (), frozenset(), RecordedSite(), SCOPE, given_up)
        assert generated(part) == ["b"]


def test_a_scheduled_story_is_cancelled_if_the_posts_are_to_be_cleared() -> None:
    story = draft("s1", PostStatus.SCHEDULED, "STORY")
    on = (live("a", "First", 1, posts=(draft(), story)), live("b", "Second", posts=(story,)))
    part = posts(PostsRule(Match(), present=False), on=on)
    (operation,) = [action.operation for _, action in part.actions]
    assert isinstance(operation, ClearPosts)
    assert operation.discards == (PostId("p1"),)
    assert not operation.stories
    assert part.lost == (("a", "posts[0]"), ("b", "posts[0]"))


def test_created_activities_take_their_place_under_a_max_in_the_order_of_matches() -> None:
    coming = DesiredActivity("Second", "", NOW + timedelta(days=2), "SOCIAL_MARKETING")
    on = (live("a", "First", 1), live("c", "Third", 3))
    part = plan_posts((PostsRule(Match(), max=2),), on, (coming,), frozenset(), RecordedSite(), SCOPE)
    assert generated(part) == ["a"]
    assert [action.operation.at_most for _, action in part.actions if isinstance(action.operation, Deferred)] == [1]


def test_no_posts_are_promised_for_an_activity_that_an_earlier_call_may_have_made() -> None:
    """It may never show, and then no plan would ever be without changes. It keeps its place all the same."""
    rule, later = PostsRule(Match(), max=1), live("a", "A", 30)
    part = plan_posts((rule,), (later,), (OPEN,), frozenset(), RecordedSite(), SCOPE, unknown=frozenset({OPEN}))
    assert part.actions == ()
    [(_, create)] = plan(OPEN, on=()).actions
    entry = OpenEntry("1", create.address, create.operation, NOW, sent=True)
    ref, place = SiteRef(SCOPE.site, "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"), Place("shop.yaml")
    desired = DesiredSite(ref, place, Digest(""), activities=(OPEN,), posts=(rule,))
    observed = ObservedSite(ref, NOW, marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (live("b", "B", -1),)))
    made = make_plan(desired, observed, RecordedSite(known=True, open=(entry,)), PlanOptions(NOW))
    assert (made.actions, [blocked.code for blocked in made.blocked]) == ((), [BlockedBy.OUTCOME_UNKNOWN])
    assert len(make_plan(desired, observed, RecordedSite(known=True), PlanOptions(NOW)).actions) == 2


def test_rule_17_7_a_date_that_two_writes_did_not_change_is_what_the_site_keeps() -> None:
    """Some answers may show the bare day, which is never the time that the file asks for."""
    rule, before = SetActivities(SUMMER, target_date=NOW + timedelta(days=3)), live("a", "Summer one", 2)
    [(_, write)] = plan(rule, on=(before,)).actions
    assert isinstance(write.operation, UpdateActivity)
    (change,) = write.operation.changes
    once = RecordedSite(objects=(counted("activity[a]", change, RecordedSite()),))
    assert plan(rule, on=(before,), recorded=once).actions
    twice = RecordedSite(objects=(counted("activity[a]", change, once),))
    part = plan(rule, on=(before,), recorded=twice)
    assert (part.actions, [activity.date for activity in part.projected]) == ((), [before.date])
    assert "targetDate" in part.notes[0].message
