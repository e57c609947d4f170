"""`--target` and `--exclude`: which sites and objects remain, and what these bring along."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, PostsRule
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import EMPTY, Digest
from reconciler.model.diagnostics import Diagnostic, Place, UsageError
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, DesiredEvents, EventId
from reconciler.model.marketing_plan import (
    DeleteMarketingPlan,
    DesiredMarketingPlan,
    Generate,
    MarketingPlan,
    PlanStatus,
    Regenerate,
)
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.posts import ActivityId, ClearPosts, Discarded, GeneratePosts, PostId, RegeneratePosts
from reconciler.model.schedule import CancelPost
from reconciler.model.selectors import Match
from reconciler.model.settings import Field, UpdateSettings
from reconciler.model.sites import DesiredSite, Inputs, ObservedSite, RecordedSite, SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, BlockedBy, Plan, Reason, RefusedBy, blocked, refusal
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.reached import TargetCheck, reached_at
from reconciler.planner.targets import KEPT_DRAFTS, SiteLabels, apply_targets, is_chosen, keeps, target_filter
from tests.planner.pure_world import NOW

SITES = tuple(
    SiteLabels(SiteName(name), (("team", team),))
    for name, team in (("shop-lyon", "emea"), ("shop-porto", "emea"), ("shop-austin", "americas"), ("hub", "emea"))
)
SHOP = SITES[0]


def names(*, targets: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> list[str]:
    filtered = target_filter(targets, excludes, SITES)
    return [site.name for site in SITES if is_chosen(filtered, site)]


@pytest.mark.parametrize(
    ("targets", "excludes", "left"),
    [
        ((), (), ["shop-lyon", "shop-porto", "shop-austin", "hub"]),
        (("hub",), (), ["hub"]),
        (("shop-*",), (), ["shop-lyon", "shop-porto", "shop-austin"]),
        (("label:team=emea",), ("hub",), ["shop-lyon", "shop-porto"]),
        (("label:team=am*",), (), ["shop-austin"]),
        (("hub/settings",), (), ["hub"]),
        ((), ("shop-*",), ["hub"]),
        ((), ("hub/settings",), ["shop-lyon", "shop-porto", "shop-austin", "hub"]),
        (("hub", "shop-lyon"), ("label:team=emea",), []),
    ],
)
def test_sites(targets: tuple[str, ...], excludes: tuple[str, ...], left: list[str]) -> None:
    assert names(targets=targets, excludes=excludes) == left


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("shop-lyom", "--target shop-lyom matches no site of the project; did you mean shop-lyon"),
        ("SHOP-LYON", "--target SHOP-LYON matches no site of the project; did you mean shop-lyon"),
        ("label:team=emae", "did you mean label:team=emea"),
        ("label:team", "a label is written like label:team=emea"),
        ("shop-lyom/settings", "--target shop-lyom/settings matches no site of the project; did you mean shop-lyon"),
        ("hub/setings", "did you mean hub/settings?"),
        ("hub/evnt[Sale]", "did you mean hub/event[Sale]?"),
        ("hub/zzz", "must be one of"),
        ("*/setings", "did you mean */settings?"),
        ("hub/event[x", "the bracket is not closed"),
        ("hub/draft[]", "'hub/draft[]' is not a valid address: the brackets are empty; write hub/draft to match all"),
        ("hub/rule[]", "the brackets are empty"),
        ("hub/site[x]", "'hub/site[x]' is not a valid address: a site has no brackets"),
        ("hub/rule[1]", "'hub/rule[1]' is not a valid address: a rule is written like hub/posts[0]"),
        ("hub/rule[posts[0]]", "a rule is written like hub/posts[0]"),
        ("", "matches no site"),
        (
            "gone",
            "gone matches no site of the project; check the spelling; only sites with a file can be",
        ),
    ],
)
def test_what_matches_nothing_is_an_error_with_close_matches(target: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        names(targets=(target,))
    assert message in str(error.value)
    with pytest.raises(UsageError):
        names(excludes=(target,))


@pytest.mark.parametrize("whole", ["shop-lyon/*", "shop-lyon/", "shop-lyon/site"])
def test_all_objects_of_a_site_are_the_site(whole: str) -> None:
    assert names(targets=(whole,)) == names(targets=("shop-lyon",))
    assert names(excludes=(whole,)) == names(excludes=("shop-lyon",))


@pytest.mark.parametrize(
    ("target", "exclude", "chosen"),
    [
        ("shop-lyon/settings", "shop-lyon/settings", []),
        ("*/draft[a]", "shop-lyon/draft", ["shop-porto", "shop-austin", "hub"]),
        ("shop-lyon/draft[a*]", "shop-lyon/draft[a*]", []),
        ("shop-lyon/posts[0]", "shop-lyon/posts", []),
        ("shop-lyon/draft", "shop-lyon/draft[a]", ["shop-lyon"]),
        ("shop-lyon/settings", "shop-lyon/draft", ["shop-lyon"]),
        ("shop-lyon", "shop-lyon/settings", ["shop-lyon"]),
    ],
)
def test_a_site_of_which_nothing_is_left_is_not_part_of_the_run(target: str, exclude: str, chosen: list[str]) -> None:
    """So that no audit says `No drift.` about nothing."""
    assert sorted(names(targets=(target,), excludes=(exclude,))) == sorted(chosen)


def address(kind: Kind, key: str = "") -> Address:
    return Address(SHOP.name, kind, key)


EVENT = Action(address(Kind.EVENT, "Sale"), CreateEvent(DesiredEvent("Sale", recurring_rule=EMPTY)), Reason.DECLARED)
SETTINGS = Action(
    address(Kind.SETTINGS), UpdateSettings((FieldChange("settings.toneOfVoice", None, "warm"),)), Reason.DIFFERS
)
GENERATE = Action(address(Kind.MARKETING_PLAN), Generate(), Reason.NO_MARKETING_PLAN)
POSTS = Action(address(Kind.POSTS, "a1"), GeneratePosts(ActivityId("a1"), "One"), Reason.RULE)
PROMISE = Action(
    address(Kind.RULE, "posts.0"), Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match()),)), Reason.RULE
)
PLAN = Plan(
    SiteRef(SHOP.name, "1"),
    (EVENT, SETTINGS, GENERATE, POSTS, PROMISE),
    blocked=(blocked(address(Kind.DRAFT, "d"), BlockedBy.POLICY, "", ""),),
    inputs=Inputs((Field("settings.toneOfVoice", "warm"), Field("settings.x", 1)), (("Sale", EMPTY), ("Other", EMPTY))),
)


def left(*, targets: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> Plan:
    return apply_targets(PLAN, target_filter(targets, excludes, SITES), SHOP)


@pytest.mark.parametrize(
    ("targets", "actions"),
    [
        (("shop-lyon",), PLAN.actions),
        (("shop-lyon", "shop-lyon/settings"), PLAN.actions),
        (("shop-lyon/settings",), (SETTINGS,)),
        (("shop-lyon/event",), (EVENT,)),
        (("shop-lyon/event[Sale]", "shop-lyon/settings"), (EVENT, SETTINGS)),
        (("shop-lyon/event[Other]",), ()),
        (("shop-lyon/marketing-plan",), (EVENT, SETTINGS, GENERATE)),
        (("shop-lyon/posts[a1]",), (POSTS,)),
        (("shop-lyon/posts",), (EVENT, SETTINGS, GENERATE, POSTS, PROMISE)),
        (("shop-lyon/posts[0]",), (EVENT, SETTINGS, GENERATE, PROMISE)),
        (("*/posts[0]",), (EVENT, SETTINGS, GENERATE, PROMISE)),
        (("shop-lyon/posts[1]",), ()),
        (("shop-lyon/rule[posts.0]",), (EVENT, SETTINGS, GENERATE, PROMISE)),  # as JSON has it
    ],
)
def test_a_target_brings_along_what_it_depends_on(targets: tuple[str, ...], actions: tuple[Action, ...]) -> None:
    assert left(targets=targets).actions == actions


@pytest.mark.parametrize(
    ("excludes", "actions"),
    [
        (("shop-lyon/settings",), (EVENT, POSTS)),
        (("shop-lyon/marketing-plan",), (EVENT, SETTINGS, POSTS)),
        (("shop-lyon/posts",), (EVENT, SETTINGS, GENERATE)),
        (("hub/settings",), PLAN.actions),
    ],
)
def test_an_exclusion_also_excludes_what_depends_on_it(excludes: tuple[str, ...], actions: tuple[Action, ...]) -> None:
    assert left(excludes=excludes).actions == actions


CREATE = Action(
    address(Kind.ACTIVITY, "Open studio"),
    CreateActivity(DesiredActivity("Open studio", "Come by", NOW + timedelta(days=4), "SOCIAL_MARKETING")),
    Reason.DECLARED,
)


@pytest.mark.parametrize(
    ("targets", "excludes", "actions"),
    [
        ((), ("shop-lyon/marketing-plan",), (EVENT, SETTINGS)),
        ((), ("shop-lyon/settings",), (EVENT,)),
        ((), ("shop-lyon/activity",), (EVENT, SETTINGS, GENERATE)),
        (("shop-lyon/activity",), (), (EVENT, SETTINGS, GENERATE, CREATE)),
        (("shop-lyon/settings",), (), (SETTINGS,)),
        (("shop-lyon/marketing-plan",), (), (EVENT, SETTINGS, GENERATE)),
    ],
)
def test_no_activity_is_created_before_there_is_a_marketing_plan(
    targets: tuple[str, ...], excludes: tuple[str, ...], actions: tuple[Action, ...]
) -> None:
    chosen = target_filter(targets, excludes, SITES)
    before = replace(PLAN, actions=(EVENT, SETTINGS, GENERATE, CREATE), blocked=())
    assert apply_targets(before, chosen, SHOP).actions == actions
    there = replace(before, actions=(EVENT, SETTINGS, CREATE))
    alone = tuple(action for action in there.actions if keeps(chosen, SHOP)(action.address))
    assert apply_targets(there, chosen, SHOP).actions == alone, "it does not depend on the other writes"


def test_notes_about_posts_that_are_left_out_are_left_out_too() -> None:
    general, late = (
        Diagnostic.note("general", "a note"),
        Diagnostic.note("same-minute", "it goes out in the same minute"),
    )
    plan = replace(PLAN, notes=(general, replace(late, address=address(Kind.DRAFT, "d"))))
    for options, kept in (
        ({"targets": ("shop-lyon/settings",)}, (general,)),
        ({"excludes": ("shop-lyon/draft[d]",)}, (general,)),
        ({"targets": ("shop-lyon/draft[d]",)}, plan.notes),
        ({"excludes": ("shop-lyon/draft[e]",)}, plan.notes),
    ):
        targets = target_filter(options.get("targets", ()), options.get("excludes", ()), SITES)
        assert apply_targets(plan, targets, SHOP).notes == kept


def test_what_is_not_written_is_not_recorded_as_written() -> None:
    plan = left(targets=("shop-lyon/event",))
    assert [field.path for field in plan.inputs.settings] == ["settings.x"]
    assert [name for name, _ in plan.inputs.events] == ["Sale", "Other"]
    assert plan.blocked == ()


DELETE = Action(
    address(Kind.ACTIVITY, "a2"), DeleteActivity(ActivityId("a2"), "Two"), Reason.ABSENT_WANTED, ("activities[0]",)
)
CANCEL = Action(
    address(Kind.DRAFT, "d2"),
    CancelPost(PostId("d2"), ActivityId("a2"), "FACEBOOK"),
    Reason.ABSENT_WANTED,
    DELETE.details,
)
REFUSED = tuple(
    refusal(about, code, "", "")
    for about, code in (
        (address(Kind.MARKETING_PLAN), RefusedBy.DISCARD),
        (address(Kind.RULE, "activities.0"), RefusedBy.DISCARD),
        (address(Kind.RULE, "posts.0"), RefusedBy.MIN),
        (address(Kind.SITE), RefusedBy.EXPECT),
    )
)


@pytest.mark.parametrize(
    ("targets", "excludes", "kept"),
    [
        (("shop-lyon",), (), REFUSED),
        (("shop-lyon/settings",), (), REFUSED[2:]),
        (("shop-lyon/posts[0]",), (), (REFUSED[0], *REFUSED[2:])),
        (("shop-lyon/activity[a2]",), (), REFUSED[1:]),
        (("shop-lyon/draft",), (), REFUSED[1:]),
        ((), ("shop-lyon/marketing-plan",), REFUSED[1:]),
        ((), ("shop-lyon/settings",), REFUSED[1:]),
        ((), ("shop-lyon/activity[a2]", "shop-lyon/draft"), (REFUSED[0], *REFUSED[2:])),
    ],
)
def test_what_is_not_thrown_away_refuses_nothing(
    targets: tuple[str, ...], excludes: tuple[str, ...], kept: tuple[Diagnostic, ...]
) -> None:
    plan = replace(PLAN, actions=(*PLAN.actions, CANCEL, DELETE), refusals=REFUSED)
    assert apply_targets(plan, target_filter(targets, excludes, SITES), SHOP).refusals == kept


DRAFTS = (PostId("d1"), PostId("d2"))
THROWN_AWAY = (Discarded(DRAFTS[0], "Sale", "FACEBOOK"), Discarded(DRAFTS[1], "Sale", "INSTAGRAM"))


@pytest.mark.parametrize(
    ("operation", "kind", "said"),
    [
        (Regenerate(False, DRAFTS), Kind.MARKETING_PLAN, "the marketing plan is not regenerated"),
        (DeleteMarketingPlan(DRAFTS), Kind.MARKETING_PLAN, "the marketing plan is not deleted"),
        (DeleteActivity(ActivityId("a1"), "Sale", DRAFTS), Kind.ACTIVITY, '"Sale" is not deleted'),
        (ClearPosts(ActivityId("a1"), "Sale", DRAFTS), Kind.POSTS, 'the posts of "Sale" are not cleared'),
        (RegeneratePosts(ActivityId("a1"), "Sale", DRAFTS), Kind.POSTS, 'the posts of "Sale" are not regenerated'),
    ],
)
def test_what_would_throw_an_excluded_draft_away_is_left_out(operation: Operation, kind: Kind, said: str) -> None:
    throws = Action(address(kind, "a1" if kind is not Kind.MARKETING_PLAN else ""), operation, Reason.ASKED_FOR)
    cancel = Action(address(Kind.DRAFT, "d9"), CancelPost(PostId("d9"), ActivityId("a9"), "FACEBOOK"), Reason.REPLACED)
    plan = replace(PLAN, actions=(cancel, throws), discarded=THROWN_AWAY)
    for excluded, names in (
        ("shop-lyon/draft[d2]", '"Sale" (Instagram)'),
        ("*/draft", '"Sale" (Facebook), "Sale" (Instagram)'),
    ):
        made = apply_targets(plan, target_filter((), (excluded,), SITES), SHOP)
        assert made.actions == ()
        (note,) = made.notes
        assert (note.code, note.address) == (KEPT_DRAFTS, throws.address)
        assert note.message == f"{said}, because that would discard {names}, which --exclude leaves alone"
    other = apply_targets(plan, target_filter((), ("shop-lyon/draft[d3]",), SITES), SHOP)
    assert (throws in other.actions, other.notes) == (True, ())


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("*/settings", ["settings"]),
        ("shop-*/event[Sa*]", ["event[Sale]"]),
        ("shop-lyon/*", [action.address.partition("/")[2] for action in PLAN.actions]),
        ("*/posts[a?]", ["posts[a1]"]),
    ],
)
def test_globs_in_addresses(target: str, kept: list[str]) -> None:
    assert [action.address.partition("/")[2] for action in left(targets=(target,)).actions] == kept


# --- addresses that nothing answers to ---------------------------------------------------------------


def reach_of(text: str, *events: tuple[str, str]) -> str:
    """What is reported about an excluded address if the site has these events (id, name)."""
    ref = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
    file = DesiredSite(ref, Place("sites/shop.yaml"), Digest("sha256:0"), events=DesiredEvents((), prune=True))
    live = tuple(CalendarEvent(EventId(id), name, date=NOW + timedelta(days=3)) for id, name in events)
    observed = ObservedSite(ref, NOW, events=live)
    site = SiteLabels(ref.name)
    targets = target_filter((), (text,), [site])
    reach = TargetCheck(targets, [site])
    planned = make_plan(file, observed, RecordedSite(), PlanOptions(NOW))
    reach.add(ref.name, reached_at(file, observed, planned, targets))
    try:
        reach.check()
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("status", [PlanStatus.NEVER_CREATED, PlanStatus.GENERATING])
@pytest.mark.parametrize("typed", ["posts[0]", "posts[a1]", "draft[later]", "rule[posts.0]"])
def test_what_a_generation_will_make_may_be_named_while_it_is_under_way_too(status: PlanStatus, typed: str) -> None:
    ref = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
    posts = (PostsRule(Match(within=timedelta(days=14))),)
    file = DesiredSite(
        ref,
        Place("sites/shop.yaml"),
        Digest("sha256:0"),
        marketing_plan=DesiredMarketingPlan(present=True),
        posts=posts,
    )
    observed = ObservedSite(ref, NOW, marketing_plan=MarketingPlan(status))
    site = SiteLabels(ref.name)
    targets = target_filter((f"shop/{typed}",), (), [site])
    reach = TargetCheck(targets, [site])
    reach.add(
        ref.name, reached_at(file, observed, make_plan(file, observed, RecordedSite(), PlanOptions(NOW)), targets)
    )
    reach.check()


ID = "5b1c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e0"


@pytest.mark.parametrize("typed", [f"{ID}1", f"{ID}7"])
def test_the_id_of_a_live_event_is_answered_with_its_name(typed: str) -> None:
    said = reach_of(f"shop/event[{typed}]", (f"{ID}1", "Sale"), ("e2", "Open day"))
    assert said.endswith(f"did you mean shop/event[Sale], whose id is {ID}1?")


def test_a_mistyped_id_of_one_of_two_namesakes_gets_its_address() -> None:
    two = ((f"{ID}1", "Fair"), ("e2", "Fair"))
    assert f"did you mean shop/event[Fair {ID}1]" in reach_of(f"shop/event[Fair {ID}7]", *two)
    assert f"did you mean shop/event[Fair {ID}1]" in reach_of(f"shop/event[{ID}7]", *two)
    assert reach_of(f"shop/event[Fair {ID}1]", *two) == ""


def test_a_name_that_two_events_have_protects_neither_and_says_so() -> None:
    said = reach_of("shop/event[Fair]", (f"{ID}1", "Fair"), (f"{ID}2", "Fair"))
    assert "no such object" in said
    assert f"shop/event[Fair {ID}1]" in said
