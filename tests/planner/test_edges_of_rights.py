"""The edges of what may be published and destroyed: each was once off by one, or open, without a test that saw it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from msgspec.structs import fields, replace

from reconciler.model.activities import PostsRule
from reconciler.model.address import Address, SiteName
from reconciler.model.content import LinkPreview, PublicContent
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.model.marketing_plan import DesiredMarketingPlan
from reconciler.model.operations import Deferred, SitePart, class_of
from reconciler.model.policy import Policy
from reconciler.model.schedule import DesiredSchedule, Pause, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.settings import Field, MarketingSettings
from reconciler.model.sites import DesiredSite, Expect, Inputs, RecordedSite
from reconciler.model.writes import ActionClass
from reconciler.planner.guards import judge_run, judge_shard
from reconciler.planner.rights import PAUSED, rights_lost, what_is_left
from reconciler.planner.tally import PlanTally, Promises
from reconciler.reporters.diagnostics import sentence
from tests.planner.publishing_world import NOW, activity, approved, desired, plan, post, site

ANYTHING = Policy()
"""A policy that forbids nothing."""


@pytest.mark.parametrize(
    ("tally", "policy", "refused"),
    [
        (PlanTally(deleted=10), Policy(max_delete=10), False),
        (PlanTally(deleted=11), Policy(max_delete=10), True),
        (PlanTally(deleted=1), Policy(max_delete=0), True),
        (PlanTally(destroy=1), Policy(max_delete=0), False),
        (PlanTally(discard=3), Policy(max_discard=3), False),
        (PlanTally(discard=4), Policy(max_discard=3), True),
        (PlanTally(discard=4, discarded_anyway=1), Policy(max_discard=3), False),
        (PlanTally(publish=20), Policy(max_publish=20), False),
        (PlanTally(publish=21), Policy(max_publish=20), True),
        (PlanTally(publish=1), Policy(max_publish=0), True),
        (PlanTally(publish=5, promises=Promises(publish=15)), Policy(max_publish=20), False),
        (PlanTally(publish=5, promises=Promises(publish=16)), Policy(max_publish=20), True),
    ],
)
def test_a_limit_is_what_is_still_allowed(tally: PlanTally, policy: Policy, refused: bool) -> None:
    assert bool(judge_run((tally,), policy)) == refused
    public = PlanTally(publish=tally.publish, discard=tally.discard, discarded_anyway=tally.discarded_anyway)
    halves = (PlanTally(deleted=tally.deleted), public, PlanTally(promises=tally.promises))
    assert bool(judge_run(halves, policy)) == refused, "over all sites together"


@pytest.mark.parametrize("limit", ["maxDelete", "maxDiscard", "maxPublish"])
def test_a_refusal_names_the_line_of_its_own_limit(limit: str) -> None:
    places = tuple(
        (name, Place("r.yaml", 7 if name == limit else 8, 3)) for name in ("maxDelete", "maxDiscard", "maxPublish")
    )
    policy = Policy(max_delete=0, max_discard=0, max_publish=0, place=Place("r.yaml", 4, 1), places=places)
    found = {refused.code: refused for refused in judge_run((PlanTally(deleted=1, discard=1, publish=1),), policy)}
    assert found[limit].fix.startswith(f"raise {limit}, ")
    assert found[limit].place == Place("r.yaml", 7, 3)
    assert sentence(found[limit]).count("r.yaml:7:3") == 1


def test_a_pause_names_its_own_line() -> None:
    one = activity("a", post("d1"))
    policy = Policy(paused=Pause.HOLD, place=Place("r.yaml", 4, 1), places=(("paused", Place("r.yaml", 7, 3)),))
    (blocked,) = plan(desired(approvals=approved(one)), site(one), policy=policy).blocked
    assert blocked.fix == "set `paused: false` in r.yaml:7:3"


def test_what_is_only_promised_to_go_out_is_judged_as_well() -> None:
    promised = PlanTally(publish=5, promises=Promises(publish=16))
    (refused,) = judge_run((promised,), Policy(max_publish=20))
    assert refused.message == "the run would publish up to 21 posts, but policy.maxPublish is 20"
    # Raising the limit alone would raise the promise of a rule without `max` as well.
    assert refused.fix.startswith(
        "set or lower `max` in the schedule rules (a rule without `max` counts as maxPublish posts), "
        "raise maxPublish, narrow "
    )
    (alone,) = judge_shard(PlanTally(promises=Promises(publish=1)), Policy(max_publish=20), 2, 3)
    assert "policy.maxPublish limits all 3 shards together" in alone.message


@pytest.mark.parametrize(("expected", "seen"), [(True, None), (False, None), (True, False), (False, True)])
def test_what_is_not_known_is_not_what_was_expected(expected: bool, seen: bool | None) -> None:
    wanted = replace(desired(), schedule=None, expect=Expect(published=expected))
    assert plan(wanted, site(published=seen)).refusals
    assert not plan(wanted, site(published=expected)).refusals


@pytest.mark.parametrize(
    ("expect", "seen", "said"),
    [
        (Expect(published=True), {"published": False}, "expect.published is true, but the site is not published"),
        (Expect(published=False), {"published": True}, "expect.published is false, but the site is published"),
        (Expect(published=True), {"published": None}, "the published URLs of the site could not be read"),
        (Expect(language="en"), {"language": "de"}, "expect.language is en, but the language of the site is de"),
        (Expect(language="en"), {"language": None}, "expect.language is en, but the language of the site is not known"),
        (
            Expect(channels=("PINTEREST",)),
            {"channels": ()},
            "expect.channels: it is not known whether Pinterest is connected",
        ),
    ],
)
def test_a_refusal_says_what_was_expected_and_what_was_found(expect: Expect, seen: dict[str, Any], said: str) -> None:
    wanted = replace(desired(), schedule=None, expect=expect)
    (refused,) = plan(wanted, replace(site(), **seen)).refusals
    assert said in refused.message


@pytest.mark.parametrize(
    ("expected", "seen", "refused"),
    [(None, "de", False), ("en", "EN", False), ("EN", "en", False), ("en", "de", True), ("en", None, True)],
)
def test_a_language_is_expected_in_any_case_and_must_be_known(
    expected: str | None, seen: str | None, refused: bool
) -> None:
    wanted = replace(desired(), schedule=None, expect=Expect(language=expected))
    found = plan(wanted, replace(site(), language=seen)).refusals
    assert bool(found) is refused
    if seen is None:
        assert "the site is not known" in found[0].message


OTHER = {
    "channel": "FACEBOOK", "type": "REEL", "account": "2", "place": (("page", "2"),), "title": "other",
    "media": ("https://other.example/x.jpg",), "link": "https://other.example", "preview": LinkPreview("other"),
    "call_to_action": "other", "audience": "other", "other": (("new", "1"),), "caption": "other",
    "description": "other",
}  # fmt: skip


def test_an_approval_covers_every_part_of_what_the_public_sees() -> None:
    """A member that is added later fails here until somebody says what a different value of it means."""
    reviewed = PublicContent("INSTAGRAM", "POST", caption="as reviewed")
    assert {field.name for field in fields(PublicContent)} == set(OTHER)
    for name, value in OTHER.items():
        assert replace(reviewed, **{name: value}).digest != reviewed.digest, name


def test_a_draft_on_another_channel_is_another_draft() -> None:
    draft = post("d1")
    for changed in (replace(draft, channel="TWITTER"), replace(draft, type="STORY"), replace(draft, account_id="2")):
        assert changed.digest != draft.digest


@pytest.mark.parametrize("made_by", ["a regeneration", "generating posts"])
@pytest.mark.parametrize("required", [True, False])
def test_what_is_made_later_goes_out_unseen_only_if_nobody_needs_to_approve(required: bool, made_by: str) -> None:
    """Nobody has seen the drafts that a run makes; publishing them is planned only under `approval: none`."""
    wanted: DesiredSite = replace(
        desired(required=required),
        settings=(Field("settings.toneOfVoice", "dry"),),
        marketing_plan=DesiredMarketingPlan(),
        place=Place("sites/shop.yaml"),
    )
    recorded = RecordedSite(generated_from=Inputs((Field("settings.toneOfVoice", "warm"),)))
    if made_by == "generating posts":
        wanted, recorded = replace(desired(required=required), posts=(PostsRule(Match()),)), RecordedSite()
    made = plan(wanted, site(activity("a1")), recorded)
    promised = [
        action.operation
        for action in made.actions
        if isinstance(action.operation, Deferred) and action.operation.part is SitePart.SCHEDULE
    ]
    assert bool(promised) == (not required)
    public = [action for action in made.actions if class_of(action.operation) is ActionClass.PUBLIC]
    assert bool(public) == (not required)


def test_a_saved_plan_publishes_what_todays_plan_would_publish() -> None:
    live = site(activity("a1", post("d1")), activity("a2", post("d2")))
    unasked, asked = desired(required=False), desired()
    saved = plan(unasked, live)
    assert rights_lost(saved, saved, unasked, ANYTHING) == ()
    lost = rights_lost(saved, plan(asked, live), asked, ANYTHING)
    assert [action.address for action, _ in lost] == [action.address for action in saved.actions]
    both = desired(approvals=approved(activity("a1", post("d1")), activity("a2", post("d2"))))
    one = desired(approvals=approved(activity("a1", post("d1"))))
    ((action, _),) = rights_lost(plan(both, live), plan(one, live), one, ANYTHING)
    assert action.address.key == "d2"


def test_a_post_that_would_go_out_at_another_time_today_is_said_with_both_times() -> None:
    live = activity("a1", post("d1"))
    wanted = desired(ScheduleRule(Match(), at=time(17, 30)), approvals=approved(live))
    saved = plan(wanted, site(live, zone="Europe/Berlin"))
    ((_, why),) = rights_lost(saved, plan(wanted, site(live, zone="Asia/Tokyo")), wanted, ANYTHING)
    assert why.message == (
        '"Idea a1" (Instagram): the plan would publish it Thu 2026-12-03 17:30 Europe/Berlin, '
        "but now it would go out Thu 2026-12-03 17:30 Asia/Tokyo"
    )
    free = replace(wanted, schedule=replace(schedule_of(wanted), rules=(ScheduleRule(Match()),)))
    ((_, why),) = rights_lost(saved, plan(free, site(live, zone="Europe/Berlin")), free, ANYTHING)
    assert why.message.endswith("17:30 Europe/Berlin, but now it would go out about Thu 2026-12-03 10:00 Europe/Berlin")


def test_a_post_that_can_no_longer_be_moved_from_the_time_that_wix_picks_says_so() -> None:
    """Between the two plans, the activity's own time comes within `minLead`; the rule's time does not."""
    live, policy = activity("a1", post("d1")), Policy(min_lead=timedelta(hours=2))
    wanted = desired(ScheduleRule(Match(), at=time(14, 30)), approvals=approved(live))
    saved = plan(wanted, site(live), policy=policy)
    today = plan(wanted, site(live), policy=policy, now=NOW + timedelta(days=1, hours=23))
    assert [action.address for action in today.actions] == [action.address for action in saved.actions]
    ((_, why),) = rights_lost(saved, today, wanted, ANYTHING)
    assert "the time that Wix picks is now too close, or the policy forbids it" in why.message


def test_a_saved_promise_needs_todays_rules_without_approval() -> None:
    posts = (PostsRule(Match()),)
    unasked = replace(desired(required=False), posts=posts)
    saved = plan(unasked, site(activity("a1")))
    today = plan(unasked, site(activity("a1", post("d1"))))
    kept = [action.address for action, _ in rights_lost(saved, today, unasked, ANYTHING)]
    assert kept == ["shop/posts[a1]"], "its posts were made in between, and the promise holds"
    (rule,) = schedule_of(unasked).rules
    more = replace(schedule_of(unasked), rules=(replace(rule, max=9),))
    for schedule in (schedule_of(desired()), None, more):
        changed = replace(unasked, schedule=schedule)
        assert len(rights_lost(saved, plan(changed, site(activity("a1"))), changed, ANYTHING)) == 1
    absent = replace(unasked, posts=(PostsRule(Match(), present=False),))
    lost = [str(action.address) for action, _ in rights_lost(saved, plan(absent, site()), absent, ANYTHING)]
    assert "shop/rule[schedule.rules.0]" in lost, "it would publish posts that are to be absent today"


def test_a_saved_promise_to_publish_is_not_kept_while_publishing_is_paused_today() -> None:
    unasked = replace(desired(required=False), posts=(PostsRule(Match()),))
    live = site(activity("a1"))
    saved = plan(unasked, live)
    held = replace(unasked, schedule=replace(schedule_of(unasked), paused=Pause.HOLD))
    ((action, why),) = rights_lost(saved, plan(held, live), held, ANYTHING)
    assert (action.address.key, why) == ("schedule.rules.0", PAUSED)
    policy = Policy(paused=Pause.HOLD)
    ((action, why),) = rights_lost(saved, plan(unasked, live, policy=policy), unasked, policy)
    assert (action.address.key, why) == ("schedule.rules.0", PAUSED)


WHOLE = Diagnostic("acme", "no posts this week", address=Address(SiteName("shop")))
"""What a policy check says about a site, rather than about one of its actions."""


def test_a_site_that_a_check_refuses_today_has_nothing_done() -> None:
    live = site(activity("a1", post("d1")))
    wanted = desired(approvals=approved(activity("a1", post("d1"))))
    saved = plan(wanted, live)
    ((_, why),) = rights_lost(saved, replace(saved, refusals=(WHOLE,)), wanted, ANYTHING)
    assert why.message == f'"Idea a1" (Instagram): {WHOLE.message}'


def test_what_a_check_blocks_today_is_not_done() -> None:
    live = replace(site(), settings=MarketingSettings())
    wanted = replace(desired(), schedule=None, settings=(Field("settings.toneOfVoice", "dry"),))
    saved = plan(wanted, live)
    (action,) = saved.actions
    blocked = Diagnostic("acme", "ask the brand team", severity=Severity.WARNING, address=action.address)
    assert rights_lost(saved, saved, wanted, ANYTHING) == ()
    ((_, why),) = rights_lost(saved, replace(saved, actions=(), blocked=(blocked,)), wanted, ANYTHING)
    assert why == blocked


def test_of_a_plan_that_was_begun_nothing_is_left_if_the_site_is_refused_today() -> None:
    wanted = desired(approvals=approved(activity("a1", post("d1"))))
    saved = plan(wanted, site(activity("a1", post("d1"))))
    assert what_is_left(saved, saved) == saved
    assert what_is_left(saved, replace(saved, actions=())) == replace(saved, actions=())
    assert what_is_left(saved, replace(saved, actions=(), refusals=(WHOLE,))) is None
    assert what_is_left(replace(saved, actions=()), saved) is None


def schedule_of(wanted: DesiredSite) -> DesiredSchedule:
    assert wanted.schedule is not None
    return wanted.schedule
