"""What blocks an approved draft: the site, its premium plan, and the policy."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.approvals import ActivityApproval, Approvals, DraftApproval
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Place
from reconciler.model.policy import Policy, QuietHours
from reconciler.model.posts import ActivityId, Media, Post, PostId, PostStatus, channel_name
from reconciler.model.schedule import ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import ChannelStatus, Feature
from reconciler.planner.actions import BlockedBy
from reconciler.planner.channel_rules import Outgoing, content_warnings, warnings_between, warnings_between_reviewed
from reconciler.planner.policy_checks import content_violations
from reconciler.planner.tally import tally_of
from reconciler.planner.text_lengths import x_length
from reconciler.reporters.diagnostics import cause
from tests.planner.publishing_world import IMAGE, NOW, activity, approved, desired, names, plan, post, reasons, site


def test_each_thing_the_site_lacks_is_a_blocked_item_with_its_fix() -> None:
    one = activity("a", post("d1"), post("d2", "FACEBOOK"))
    live = site(
        one,
        published=False,
        channels=(("INSTAGRAM", ChannelStatus.VALID), ("FACEBOOK", ChannelStatus.DISCONNECTED)),
        features=(Feature("SCHEDULE_POST", enabled=False),),
    )
    made = plan(desired(approvals=approved(one)), live)
    assert not made.actions
    assert reasons(made) == [
        ("d2", BlockedBy.SITE_NOT_PUBLISHED),
        ("d2", BlockedBy.CHANNEL_NOT_CONNECTED),
        ("d2", BlockedBy.FEATURE_MISSING),
        ("d1", BlockedBy.SITE_NOT_PUBLISHED),
        ("d1", BlockedBy.FEATURE_MISSING),
    ]
    assert all(problem.fix for problem in made.blocked)
    assert tally_of(made).blocked == 2, "objects are counted, not reasons"


def test_what_is_not_known_is_tried() -> None:
    one = activity("a", post("d1"))
    for channels in ((), (("INSTAGRAM", ChannelStatus.UNKNOWN),)):
        live = site(one, published=None, channels=channels, features=None)
        assert names(plan(desired(approvals=approved(one)), live)) == ["d1"]
    assert names(plan(desired(approvals=approved(one)), site(one, features=()))) == ["d1"]


def test_a_small_quota_goes_to_the_first_drafts() -> None:
    drafts = [activity(f"a{day}", post(f"d{day}"), days=day) for day in (3, 1, 2)]
    left = (Feature("SCHEDULE_POST", enabled=True, remaining=2, limit=30, period="MONTH"),)
    made = plan(desired(approvals=approved(*drafts)), site(*drafts, features=left))
    assert names(made) == ["d1", "d2"]
    assert reasons(made) == [("d3", BlockedBy.QUOTA_EXHAUSTED)]
    assert "2 of 30" in made.blocked[0].message
    assert tuple(map(cause, made.notes)) == ("after this run, the quota has 0 of 30 scheduled posts left this month",)
    unmetered = (Feature("SCHEDULE_POST", enabled=True, remaining=None),)
    assert len(names(plan(desired(approvals=approved(*drafts)), site(*drafts, features=unmetered)))) == 3


@pytest.mark.parametrize(
    ("remaining", "says"),
    [
        (0, "the quota has no scheduled posts left this month"),
        (1, "the quota has 1 of 30 scheduled posts left this month, and an earlier draft uses it up"),
        (2, "the quota has 2 of 30 scheduled posts left this month, and earlier drafts use them up"),
    ],
)
def test_a_quota_that_is_used_up_says_how_much_was_left(remaining: int, says: str) -> None:
    drafts = [activity(f"a{day}", post(f"d{day}"), days=day) for day in (1, 2, 3)]
    left = (Feature("SCHEDULE_POST", enabled=True, remaining=remaining, limit=30, period="MONTH"),)
    made = plan(desired(approvals=approved(*drafts)), site(*drafts, features=left))
    assert says in made.blocked[-1].message


@pytest.mark.parametrize(
    ("limit", "says"), [(None, "the quota has 1 scheduled post left"), (1, "the quota has 1 of 1 scheduled post left")]
)
def test_a_quota_of_one_is_one_post(limit: int | None, says: str) -> None:
    drafts = [activity(f"a{day}", post(f"d{day}"), days=day) for day in (1, 2)]
    left = (Feature("SCHEDULE_POST", enabled=True, remaining=1, limit=limit),)
    made = plan(desired(approvals=approved(*drafts)), site(*drafts, features=left))
    assert f"{says}, and an earlier draft uses it up" in made.blocked[-1].message


def test_x_is_gone_from_august_2026_also_for_moments_after_it() -> None:
    rule = ScheduleRule(Match(), max=1)
    one = activity("a", post("d1", "TWITTER"), post("d2", "YOUTUBE", type="SHORT"))
    made = plan(desired(rule, approvals=approved(one)), site(one))
    assert reasons(made) == [("d1", BlockedBy.CHANNEL_GONE)]
    assert names(made) == ["d2"], "what can never go out takes no place"
    assert made.blocked[0].fix == "list only the other channels in schedule.rules[0].channels"
    named = plan(desired(replace(rule, channels=("TWITTER", "YOUTUBE")), approvals=approved(one)), site(one))
    assert named.blocked[0].fix == "leave TWITTER out of schedule.rules[0].channels"
    before = datetime(2026, 7, 1, tzinfo=UTC)
    july = replace(one, date=datetime(2026, 7, 31, 23, tzinfo=UTC))
    assert names(plan(desired(approvals=approved(july)), site(july), now=before)) == ["d1", "d2"]
    august = replace(one, date=datetime(2026, 8, 1, tzinfo=UTC))
    assert names(plan(desired(approvals=approved(august)), site(august), now=before)) == ["d2"]


def test_too_late_is_blocked_when_approved_and_noted_when_not() -> None:
    one, past = activity("a", post("d1"), days=1 / 24), activity("b", post("d2"), days=-0.1)
    policy = Policy(min_lead=timedelta(hours=2))
    made = plan(desired(approvals=approved(one, past)), site(one, past), policy=policy)
    assert reasons(made) == [("d2", BlockedBy.TOO_LATE), ("d1", BlockedBy.TOO_LATE)]
    assert "within policy.minLead (2h, reconciler.yaml)" in made.blocked[1].message
    unasked = plan(desired(), site(one, past), policy=policy)
    assert (unasked.blocked, unasked.to_review) == ((), ())
    assert tuple(map(cause, unasked.notes)) == ("2 drafts that no one approved in time will no longer go out",)
    changed = activity("a", post("d1", caption="new"), days=1 / 24)
    made = plan(desired(approvals=approved(one)), site(changed), policy=policy)
    assert made.blocked == ()
    (note,) = made.notes
    assert "will not go out: it is due in 1 h, within policy.minLead" in note.message
    assert "and its approval does not count: changed after approval: " in note.message
    exactly = activity("c", post("d3"), days=2 / 24)
    assert names(plan(desired(approvals=approved(exactly)), site(exactly), policy=policy)) == ["d3"]


def test_a_wall_time_that_has_passed_is_too_late() -> None:
    one = activity("a", post("d1"), days=0.2)
    rule = ScheduleRule(Match(), at=time(8))
    assert reasons(plan(desired(rule, approvals=approved(one)), site(one))) == [("d1", BlockedBy.TOO_LATE)]


def test_quiet_hours_go_over_midnight_in_the_sites_zone() -> None:
    one = activity("a", post("d1"))  # nine in the morning UTC is six in the evening in Tokyo
    policy = Policy(quiet_hours=QuietHours(time(17), time(7)), place=Place("reconciler.yaml", 9, 1))
    assert names(plan(desired(approvals=approved(one)), site(one), policy=policy)) == ["d1"]
    made = plan(desired(approvals=approved(one)), site(one, zone="Asia/Tokyo"), policy=policy)
    assert reasons(made) == [("d1", BlockedBy.POLICY)]
    assert "policy.quietHours: 18:00 is between 17:00 and 07:00 (Asia/Tokyo)" in made.blocked[0].message
    assert made.blocked[0].place == policy.place
    assert "reconciler.yaml:9:1" in made.blocked[0].fix


def test_a_post_that_breaks_several_rules_names_all_of_them() -> None:
    one = activity("a", post("d1", caption="FREE  money, guaranteed!", media=()))
    policy = Policy(
        blackout_dates=frozenset({date(2026, 12, 3)}),
        banned_words=("guaranteed", "free money"),
        require_media=True,
    )
    made = plan(desired(approvals=approved(one)), site(one), policy=policy)
    said = [each.message.split(" breaks ")[1].split(":")[0] for each in made.blocked]
    assert said == ["policy.bannedWords", "policy.bannedWords", "policy.requireMedia", "policy.blackoutDates"]
    assert {each.code for each in made.blocked} == {BlockedBy.POLICY}


def test_a_day_takes_so_many_posts_those_already_there_included() -> None:
    out = activity("x", post("d0", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=2, hours=1)), days=2)
    drafts = [activity(f"a{n}", post(f"d{n}"), days=2) for n in (1, 2)]
    other_day = activity("b", post("d3"), days=3)
    policy = Policy(max_publish_per_site_per_day=2)
    made = plan(desired(approvals=approved(out, *drafts, other_day)), site(out, *drafts, other_day), policy=policy)
    assert names(made) == ["d1", "d3"]
    assert reasons(made) == [("d2", BlockedBy.POLICY)]
    assert "it would be post 3 on 2026-12-03, but the maximum is 2" in made.blocked[0].message
    assert tuple(map(cause, made.notes)) == (
        '"Idea b" (Instagram): the same content goes out on the same account within a day: '
        '"Idea x" (Instagram), Thu 2026-12-03 10:00 UTC',
    )


@pytest.mark.parametrize(
    ("limit", "said"), [(10, ["after this run, the quota has 2 of 10 scheduled posts left"]), (11, [])]
)
def test_a_note_says_what_is_left_of_a_quota_that_is_nearly_used_up(limit: int, said: list[str]) -> None:
    drafts = [activity(f"a{day}", post(f"d{day}"), days=day) for day in range(1, 9)]
    quota = Feature("SCHEDULE_POST", enabled=True, remaining=limit, limit=limit)
    made = plan(desired(approvals=approved(*drafts)), site(*drafts, features=(quota,)), policy=Policy(max_publish=8))
    assert [*map(cause, made.notes)] == said, "nothing is said of a limit of the policy that is kept"


@pytest.mark.parametrize(
    ("word", "text", "hit"),
    [
        ("guaranteed", "Results GUARANTEED.", True),
        ("guaranteed", "#guaranteed", True),
        ("art", "start smart", False),
        ("free money", "Free\n  Money", True),
        ("free money", "free, money", False),
        ("free", "ｆｒｅｅ", True),
        ("free", "fr\u200bee", True),
        ("free", "f\ufe0fr\u034fe\u3164e", True),
        ("straße", "STRASSE", True),
        ("c++", "learn C++ now", True),
        ("$$$", "win $$$now", True),
        ("保证", "我们保证质量", True),
        ("رخيص", "سعر رخيص جدا", True),
        ("رخيص", "الرخيصة", False),
        ("free_money", "free_money", True),
        ("money", "free_money", True),
        ("  ", "anything", False),
    ],
)
def test_banned_words_are_whole_words_in_any_dress(word: str, text: str, hit: bool) -> None:
    policy = Policy(banned_words=(word,))
    assert bool(content_violations(post("d", caption=text), policy)) is hit
    later = replace(post("d", caption="Fine"), other=(("firstComment", text),))
    assert bool(content_violations(later, policy)) is hit, "also in a text that this version does not know"


@pytest.mark.parametrize(
    ("channel", "type", "field", "limit"),
    [
        ("INSTAGRAM", "POST", "caption", 2200),
        ("PINTEREST", "POST", "title", 100),
        ("PINTEREST", "POST", "description", 800),
        ("GBP", "POST", "description", 1500),
        ("TIKTOK", "POST", "title", 90),
        ("TIKTOK", "POST", "description", 4000),
        ("TIKTOK", "VIDEO", "description", 2200),
    ],
)
def test_documented_text_limits_count_letters(channel: str, type: str, field: str, limit: int) -> None:
    def with_text(text: str) -> Post:
        return Post(PostId("d"), channel, type, PostStatus.DRAFT, ((field, text),), IMAGE)

    for letter in ("a", "🫖", "👩‍🎨", "e\u0301", "🇩🇪"):
        assert not content_violations(with_text(letter * limit), Policy())
        (found,) = content_violations(with_text(letter * (limit + 1)), Policy())
        assert found.message.startswith(f"{channel_name(channel)}'s own limit: {field} has {limit + 1:,} characters")
        assert found.place is None
        warned = content_warnings(with_text(letter * limit))
        assert len(warned) == (1 if len(letter) > 1 else 0)
    assert f"{2 * limit:,} code points" in content_warnings(with_text("e\u0301" * limit))[0].message


def test_a_link_on_pinterest_is_at_most_2048_characters() -> None:
    def with_link(link: str) -> Post:
        return Post(PostId("d"), "PINTEREST", "POST", PostStatus.DRAFT, (), IMAGE, link=link)

    link = "https://a.de/"
    assert not content_violations(with_link(link + "a" * (2048 - len(link))), Policy())
    (found,) = content_violations(with_link(link + "a" * (2049 - len(link))), Policy())
    assert found.message == "Pinterest's own limit: link has 2,049 characters; the limit is 2,048"


@pytest.mark.parametrize(("channel", "type"), [("FACEBOOK", "POST"), ("LINKEDIN", "POST"), ("YOUTUBE", "SHORT")])
def test_if_no_limit_is_known_none_is_made_up(channel: str, type: str) -> None:
    for field in ("caption", "title", "description"):
        long = Post(PostId("d"), channel, type, PostStatus.DRAFT, ((field, "a" * 70000),), IMAGE)
        assert (content_violations(long, Policy()), content_warnings(long)) == ((), ())


def test_a_broken_limit_of_a_channel_names_no_line_of_the_project() -> None:
    long = activity("a", post("d1", caption="👩‍🎨" * 2201))
    made = plan(desired(approvals=approved(long)), site(long), policy=Policy(place=Place("reconciler.yaml", 9, 1)))
    (found,) = made.blocked
    assert found.message == (
        '"Idea a" (Instagram) breaks Instagram\'s own limit: caption has 2,201 characters (6,603 code points); '
        "the limit is 2,200"
    )


def test_a_rule_names_its_own_line() -> None:
    places = (("bannedWords", Place("reconciler.yaml", 12, 3)), ("requireMedia", Place("reconciler.yaml", 13, 3)))
    policy = Policy(banned_words=("free",), require_media=True, places=places)
    found = content_violations(post("d", caption="free", media=()), policy)
    assert [str(violation.place) for violation in found] == ["reconciler.yaml:12:3", "reconciler.yaml:13:3"]
    assert "reconciler.yaml:12:3" in found[0].fix


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("abc", 3),
        ("see https://example.com/a-very-long-address-that-counts-the-same?x=1 now", 4 + 23 + 4),
        ("日本", 4),
        ("👩‍🎨", 2),
        ("1️⃣", 2),
        ("http://a.de ", 24),
        ("https://example.com/" + "a" * 280 + " ", 24),
        ("Look (https://a.de/x). And https://a.de/y, too", 6 + 23 + 2 + 5 + 23 + 5),
        ("❤️", 2),
        ("é", 1),
        ("e\u0301", 1),
    ],
)
def test_x_counts_links_as_23_and_wide_characters_twice(text: str, length: int) -> None:
    assert x_length(text) == length
    words = (("caption", text + "a" * (280 - length)),)
    at_limit = Post(PostId("d"), "TWITTER", "POST", PostStatus.DRAFT, words, IMAGE)
    assert not content_violations(at_limit, Policy())
    over = replace(at_limit, texts=(("caption", at_limit.texts[0][1] + "a"),))
    assert "281 characters as X counts them" in content_violations(over, Policy())[0].message


@pytest.mark.parametrize(
    "nothing",
    ["", " \n\t", "\u200b\u2060\ufeff", "\u3164", "\u2800\u115f", "\u0301", "\u00ad\u200e", "\ufe0f\ufffc"],
)
def test_an_empty_post_goes_out_nowhere(nothing: str) -> None:
    empty = activity("a", post("d1", "FACEBOOK", caption=nothing, media=()), post("d2", "FACEBOOK", caption=nothing))
    made = plan(desired(approvals=approved(empty)), site(empty))
    assert names(made) == ["d2"], "an image is something"
    assert "(Facebook) breaks the rule against empty posts: it has no image and no" in made.blocked[0].message
    unasked = plan(desired(required=False), site(empty))
    assert names(unasked) == ["d2"]
    linked = activity("a", replace(empty.posts[0], link=" \u200b"), replace(empty.posts[1], link="https://a.de/"))
    assert names(plan(desired(required=False), site(linked))) == ["d2"], "a link of blanks is nothing either"
    for something in ("a", "🫖", ".", "あ"):
        seen = activity("a", post("d1", "FACEBOOK", caption=nothing + something, media=()))
        assert names(plan(desired(approvals=approved(seen)), site(seen))) == ["d1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"texts": (("caption", "#mug " * 31),)}, "31 hashtags"),
        ({"texts": (("caption", "#mug " * 30 + "#1 &#x26; a#b https://x.example/#c"),)}, ""),
        ({"media": IMAGE * 11}, "11 images"),
        ({"media": IMAGE * 10}, ""),
        ({"media": (Media("IMAGE", "http://static.wixstatic.com/a.jpg"),)}, "not at an https URL"),
        ({"media": (Media("IMAGE", "https://static.wixstatic.com/a.jpg?X-Amz-Signature=1"),)}, "signed"),
        ({"media": (Media("IMAGE", "https://ai.example/a.jpg"),)}, "not hosted by Wix, but at ai.example"),
        ({"media": (Media("IMAGE", "https://static.wixstatic.com.evil.example/a.jpg"),)}, "not hosted by Wix"),
        ({"media": (Media("VIDEO", "https://video.wixstatic.com/v.mp4"),)}, ""),
    ],
)
def test_what_is_odd_about_a_post_is_warned_about(changes: dict[str, Any], words: str) -> None:
    found = content_warnings(replace(post("d"), **changes))
    assert len(found) == bool(words)
    assert words in "".join(warning.message for warning in found)


def test_twins_within_a_day_and_two_posts_in_a_minute_are_warned_about() -> None:
    def out(id: str, hours: float, **changes: Any) -> Outgoing:
        return Outgoing(id, replace(post(id), **changes), NOW + timedelta(hours=hours))

    def warned(*posts: Outgoing) -> list[str]:
        return [outgoing.name for outgoing, _ in warnings_between(posts, "UTC")]

    assert warned(out("a", 1), out("b", 24.9)) == ["b"]
    assert warned(out("a", 1), out("b", 25.1)) == []
    assert warned(out("a", 1), out("b", 2, account_id="other")) == []
    assert warned(out("a", 1), out("b", 2, media=())) == []
    other = (("caption", "other"),)
    assert warned(out("a", 1), out("b", 1 + 1 / 100, texts=other)) == ["b"], "36 seconds later, in the same minute"
    assert warned(out("a", 1), out("b", 1 + 1 / 50, texts=other)) == []


@pytest.mark.parametrize("exact", [True, False])
def test_a_time_that_the_api_picks_is_an_estimate_in_such_a_warning(exact: bool) -> None:
    when = f"{'' if exact else 'about '}Tue 2026-12-01 09:00 UTC"
    drafts = [DraftApproval(PostId(id), post(id).content, Digest(""), goes_out=when) for id in ("a", "b")]
    in_file = Approvals(
        tuple(ActivityApproval(ActivityId(draft.id), draft.id, NOW, drafts=(draft,)) for draft in drafts)
    )
    for found in (
        warnings_between([Outgoing(id, post(id), NOW, exact=exact or id == "b") for id in ("a", "b")], "UTC"),
        [("", warning) for warning in warnings_between_reviewed(in_file)[PostId("b")]],
    ):
        minute, content = (warning.message for _, warning in found)
        assert minute.endswith(f", {when}")
        assert content.endswith(f", {when}")


def test_one_activity_on_two_channels_at_once_is_nothing_odd() -> None:
    def out(id: str, channel: str, activity: str) -> Outgoing:
        return Outgoing(id, post(id, channel), NOW, activity)

    def warned(*posts: Outgoing) -> list[str]:
        return [outgoing.name for outgoing, _ in warnings_between(posts, "UTC")]

    assert warned(out("a", "INSTAGRAM", "one"), out("b", "FACEBOOK", "one")) == []
    assert warned(out("a", "INSTAGRAM", "one"), out("b", "FACEBOOK", "other")) == ["b"]
    assert warned(out("a", "INSTAGRAM", "one"), out("b", "INSTAGRAM", "one"))[0] == "b"


@pytest.mark.parametrize(("channel", "type", "needed"), [("INSTAGRAM", "POST", True), ("FACEBOOK", "POST", False)])
def test_instagram_takes_nothing_without_media(channel: str, type: str, needed: Any) -> None:
    assert bool(content_violations(post("d", channel, type=type, media=()), Policy())) is needed
