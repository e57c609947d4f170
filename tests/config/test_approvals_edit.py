"""Approvals files keep what people wrote, and say exactly what a review found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import set_decisions, update_approvals
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision, drafts_digest
from reconciler.model.content import counted
from reconciler.model.diagnostics import InvalidFiles, Place
from reconciler.model.posts import ActivityId, Media, Post, PostId, PostStatus
from reconciler.model.review import ActivityForReview, DraftForReview
from tests.reviewing import for_review

SHOP = SiteName("janes-pottery")
DATE = datetime(2026, 12, 3, 9, tzinfo=UTC)
GUID = "834dc801-3e5c-416a-bd14-b130a95d1{:03d}"


def live(number: int, caption: str = "Hello", **changes: Any) -> Post:
    made = Post(
        PostId(GUID.format(number)),
        "INSTAGRAM",
        "POST",
        PostStatus.DRAFT,
        (("caption", caption),),
        (Media("IMAGE", "https://static.wixstatic.com/media/a.jpg"),),
        account_id="178",
        account_name="janes.pottery",
    )
    return replace(made, **changes)


def draft(
    number: int, caption: str = "Hello", *, day: int = 1, post: Post | None = None, **changes: Any
) -> DraftForReview:
    return for_review(post or live(number, caption), DATE + timedelta(days=day), **changes)


def activity(number: int, *drafts: DraftForReview, title: str = "Summer launch") -> ActivityForReview:
    return ActivityForReview(
        ActivityId(f"b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4{number:03d}"), title, DATE + timedelta(days=number), drafts
    )


def digests(*drafts: DraftForReview) -> str:
    return drafts_digest(draft.digest for draft in drafts).removeprefix("sha256:")


def read(text: str, tmp: Path) -> Approvals:
    path = tmp / "janes-pottery.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_approvals(path, SHOP)


def updated(text: str | None, *activities: ActivityForReview) -> str:
    found = update_approvals(text, SHOP, activities)
    assert found is not None
    return found


def test_a_new_file_looks_like_the_one_in_the_contract(tmp_path: Path) -> None:
    made = draft(0, "Summer collection just dropped!\n\n#mugs 🫖", day=0)
    text = updated(None, activity(0, made))
    assert text.split("\n", 3)[3] == (
        "version: 1\n"
        "site: janes-pottery\n"
        "activities:\n"
        "  - id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4000\n"
        "    title: Summer launch\n"
        "    date: 2026-12-03T09:00:00Z\n"
        f"    decision: keep {digests(made)}\n"
        "    drafts:\n"
        "      - id: 834dc801-3e5c-416a-bd14-b130a95d1000\n"
        "        channel: INSTAGRAM\n"
        "        account: janes.pottery (178)\n"
        "        type: POST\n"
        "        goesOut: Thu 2026-12-03 09:30 Europe/Berlin\n"
        f"        decision: pending {made.digest}\n"
        "        media: [https://static.wixstatic.com/media/a.jpg]\n"
        "        caption: |\n"
        "          Summer collection just dropped!\n"
        "\n"
        "          #mugs 🫖\n"
    )
    found = read(text, tmp_path).activities[0].drafts[0]
    assert (found.decision, found.content.digest) == (DraftDecision.PENDING, made.content.digest)


def test_the_old_name_of_a_site_is_put_right() -> None:
    base = updated(None, activity(1, draft(1)))
    old = base.replace("site: janes-pottery", "site: 'janes'  # since 2024")
    expected = base.replace("site: janes-pottery", "site: 'janes-pottery'  # since 2024")
    assert updated(old, activity(1, draft(1))) == expected


def test_nothing_to_review_makes_no_file() -> None:
    assert update_approvals(None, SHOP, (activity(0, draft(0, wanted=False)),)) is None


FIRST_LAYOUT = f"""\
# Our approvals. Ask Jane first!
site: 'janes-pottery'   # never rename
version: 1
activities:
# the winter ones
-   id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4001
    title: "Summer launch"   # ok
    date: 2026-12-04T10:00:00+01:00
    drafts:
    # Jane likes this one
    - digest: {live(1).earlier_digest}   # of the first
      decision: 'approve'   # 2026-11-20 JP
      id: 834dc801-3e5c-416a-bd14-b130a95d1001
      type: POST
      channel: INSTAGRAM
      media:
        - https://static.wixstatic.com/media/a.jpg
      caption: >   # folded by hand
        Hello
      # and a last word on it

    # about the second
    - id: 834dc801-3e5c-416a-bd14-b130a95d1002
      channel: INSTAGRAM
      type: POST
      digest: sha256:{"0" * 64}   # of the second
      decision: pending
      caption: old
# the spring ones
-   id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4002
    title: Gone
    date: 2026-12-05T09:00:00Z
    decision: regenerate
    drafts: []
# the end
"""


def written() -> str:
    """The file of the first layout after a review, with the first draft still approved."""
    return updated(
        FIRST_LAYOUT,
        activity(1, draft(1), draft(2, post=live(2, "old", media=()))),
        replace(activity(2, title="Gone"), carried_out=True),
    )


def test_the_first_layout_is_rewritten_with_its_comments_and_what_still_counts(tmp_path: Path) -> None:
    text = updated(
        FIRST_LAYOUT.replace("decision: regenerate", "decision: discard"),
        activity(1, draft(1), draft(2, "old")),
        replace(activity(2, title="Gone"), carried_out=True),
    )
    assert f"    - decision: 'approve {draft(1).digest}'   # 2026-11-20 JP\n      # of the first\n      id:" in text
    assert "      # of the second\n      goesOut: Thu 2026-12-03 09:30 Europe/Berlin\n" in text
    assert f"      decision: pending {draft(2, 'old').digest}\n" in text
    assert "digest:" not in text
    for comment in [line.split("#")[1] for line in FIRST_LAYOUT.splitlines() if "#" in line]:
        assert f"#{comment}" in text
    first, second = read(text, tmp_path).activities[0].drafts
    assert (first.decision, first.earlier, first.content.digest) == (
        DraftDecision.APPROVE,
        False,
        draft(1).content.digest,
    )
    assert second.decision is DraftDecision.PENDING


@pytest.mark.parametrize(
    "now",
    [
        live(1, "Hello!"),
        live(1, media=()),
        live(1, channel="LINKEDIN"),
        live(1, link="https://x.example"),
        live(1, texts=(("title", "Mugs"), ("caption", "Hello"))),
    ],
)
def test_an_approval_of_the_first_layout_counts_only_for_what_it_shows(now: Post, tmp_path: Path) -> None:
    found = read(updated(FIRST_LAYOUT, activity(1, draft(1, post=now))), tmp_path).activities[0].drafts[0]
    assert (found.decision, found.content.digest) == (DraftDecision.PENDING, now.content.digest)
    moved = replace(activity(1, draft(1, day=2)), date=DATE + timedelta(days=2))
    assert read(updated(FIRST_LAYOUT, moved), tmp_path).activities[0].drafts[0].decision is DraftDecision.PENDING


def test_a_review_that_finds_nothing_new_changes_no_byte() -> None:
    text = written()
    same = activity(1, draft(1), draft(2, post=live(2, "old", media=())))
    for same_text in (text, text.replace("\n", "\r\n"), text.removesuffix("\n"), f"\ufeff{text}"):
        assert updated(same_text, same) == same_text


def test_a_byte_order_mark_stays_and_moves_nothing() -> None:
    found_now = (activity(0, draft(7, day=0)), activity(1, draft(1), draft(3, "new")), activity(3, draft(8, day=3)))
    assert updated(f"\ufeff{written()}", *found_now) == f"\ufeff{updated(written(), *found_now)}"
    drafts = {GUID.format(1): DraftDecision.APPROVE}
    assert set_decisions(f"\ufeff{written()}", drafts) == f"\ufeff{set_decisions(written(), drafts)}"


def test_what_is_new_gone_or_changed_is_all_that_changes(tmp_path: Path) -> None:
    base = written()
    found_now = (activity(0, draft(7, day=0)), activity(1, draft(1), draft(3, "new")), activity(3, draft(8, day=3)))
    text = updated(base, *found_now)
    before, after = base.splitlines(), text.splitlines()
    lost = [line for line in before if line not in after]
    assert [line.strip() for line in lost if "#" in line] == ["# about the second", "# of the second"]
    for comment in ("# Our approvals. Ask Jane first!", "# never rename", "# 2026-11-20 JP", "# the end", "# folded"):
        assert comment in text
    found = read(text, tmp_path)
    assert [activity.id[-3:] for activity in found.activities] == ["000", "001", "003"]
    assert [draft.id[-3:] for draft in found.activities[1].drafts] == ["001", "003"]
    assert found.activities[1].drafts[0].decision is DraftDecision.APPROVE
    assert updated(text, *found_now) == text


def test_changed_content_is_pending_again_with_its_new_caption(tmp_path: Path) -> None:
    new = draft(1, "Rewritten\nin two lines")
    text = updated(written(), activity(1, new, draft(2)))
    first = read(text, tmp_path).activities[0].drafts[0]
    assert (first.decision, first.digest) == (DraftDecision.PENDING, new.digest)
    assert first.content.caption == "Rewritten\nin two lines\n"
    assert f"decision: 'pending {new.digest}'   # 2026-11-20 JP" in text
    assert "caption: | # folded by hand" in text


def test_what_was_cancelled_is_pending_again_and_says_how_often(tmp_path: Path) -> None:
    text = updated(written(), activity(1, draft(1, cancelled=1)))
    again = read(text, tmp_path).activities[0].drafts[0]
    assert (again.decision, again.cancelled) == (DraftDecision.PENDING, 1)
    approved = set_decisions(text, {GUID.format(1): DraftDecision.APPROVE})
    assert updated(approved, activity(1, draft(1, cancelled=1))) == approved
    assert read(approved, tmp_path).approves(live(1), activity(1).date, times=1)
    twice = updated(approved, activity(1, draft(1, cancelled=2)))
    assert read(twice, tmp_path).activities[0].drafts[0].decision is DraftDecision.PENDING
    assert updated(approved, activity(1, draft(1, cancelled=None))) == approved, "while it is scheduled"
    first, second = (read(text, tmp_path).activities[0].drafts[0].digest for text in (approved, twice))
    merged = approved.replace("cancelled: 1", "cancelled: 2")
    assert first != second, "git sees that both sides of a merge decided about other counts"
    assert not read(merged, tmp_path).approves(live(1), activity(1).date, times=2), "the yes is from before"
    assert updated(merged, activity(1, draft(1, cancelled=2))) == twice
    earlier = approved.replace(first, draft(1).digest)
    assert not read(earlier, tmp_path).approves(live(1), activity(1).date, times=1), "nobody can tell when it was given"
    assert read(earlier, tmp_path).approves(live(1), activity(1).date), "what it scheduled stays"
    assert updated(earlier, activity(1, draft(1, cancelled=None))) == approved
    assert updated(earlier, activity(1, draft(1, cancelled=1))) == text
    fresh = updated(approved, activity(1, draft(1, "Other words")))
    assert "cancelled" not in fresh
    more = read(updated(approved, activity(1, draft(1, cancelled=0))), tmp_path).activities[0].drafts[0]
    assert (more.decision, more.cancelled) == (DraftDecision.PENDING, 0), "nobody counted that far"


def test_an_approval_that_may_be_used_up_is_pending_again(tmp_path: Path) -> None:
    text = updated(written(), activity(1, draft(1, withheld=True)))
    assert read(text, tmp_path).activities[0].drafts[0].decision is DraftDecision.PENDING


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hello", "Hallo"),
        ("account: janes.pottery (178)", "account: janes.pottery (179)"),
        ("account: janes.pottery (178)", "account: jane.pottery (178)"),
        ("channel: INSTAGRAM", "channel: LINKEDIN"),
        ("type: POST", "type: STORY"),
        ("media/a.jpg", "media/b.jpg"),
        ("caption: |", "link: https://x.example\n        caption: |"),
    ],
)
def test_what_was_edited_in_the_file_is_put_right_and_pending_again(before: str, after: str, tmp_path: Path) -> None:
    base = set_decisions(updated(None, activity(1, draft(1))), {GUID.format(1): DraftDecision.APPROVE})
    assert updated(base, activity(1, draft(1))) == base
    assert updated(base.replace(before, after), activity(1, draft(1))) == base.replace("approve sha", "pending sha")


def test_entries_of_missed_drafts_stay_as_they_are(tmp_path: Path) -> None:
    base = updated(None, activity(1, draft(1), draft(2)), activity(2, draft(3, day=2)))
    base = set_decisions(base, {GUID.format(1): DraftDecision.APPROVE})
    text = update_approvals(base, SHOP, (activity(2, draft(3, day=2)),), kept={PostId(GUID.format(1))})
    assert text is not None
    found = read(text, tmp_path)
    assert [len(each.drafts) for each in found.activities] == [2, 1], "an activity that is gone stays whole"
    assert update_approvals(base, SHOP, (activity(2, draft(3, day=2)),)) != base


def test_a_decision_about_an_activity_stays_for_the_drafts_it_was_given_for(tmp_path: Path) -> None:
    base = updated(None, activity(1, draft(1)))
    decided = set_decisions(base, {}, {activity(1).id: ActivityDecision.REGENERATE})
    assert decided == base.replace("decision: keep", "decision: regenerate")
    assert updated(decided, activity(1, draft(1))) == decided
    for now in (activity(1, draft(1), draft(2)), activity(1, draft(1, "Other"))):
        found = read(updated(decided, now), tmp_path).activities[0]
        assert (found.decision, found.counts) == (ActivityDecision.KEEP, True)
    both = set_decisions(
        updated(None, activity(1, draft(1), draft(2))), {}, {activity(1).id: ActivityDecision.REGENERATE}
    )
    assert updated(both, activity(1, draft(1))) == decided, "one is gone: the decision is still about the other"
    mixed = decided.replace(digests(draft(1)), digests(draft(2)))
    assert not read(mixed, tmp_path).activities[0].counts
    assert read(updated(mixed, activity(1, draft(1))), tmp_path).activities[0].decision is ActivityDecision.KEEP


def test_a_used_up_decision_is_keep_again_and_a_discard_stays_while_there_is_nothing(tmp_path: Path) -> None:
    base = updated(None, activity(1, draft(1)))
    decided_about = activity(1).id
    for word, drafts, left in (
        (ActivityDecision.REGENERATE, (draft(2),), ActivityDecision.KEEP),
        (ActivityDecision.DISCARD, (), ActivityDecision.DISCARD),
        (ActivityDecision.DISCARD, (draft(2),), ActivityDecision.KEEP),
    ):
        decided = set_decisions(base, {}, {decided_about: word})
        assert read(decided, tmp_path).activities[0].decision is word
        after = updated(decided, replace(activity(1, *drafts), carried_out=True))
        found = read(after, tmp_path).activities[0]
        assert (found.decision, len(found.drafts)) == (left, len(drafts))
        assert updated(after, replace(activity(1, *drafts), carried_out=True)) == after


def test_listed_drafts_stay_while_they_exist_and_are_not_added_when_no_rule_wants_them(tmp_path: Path) -> None:
    base = updated(None, activity(1, draft(1)))
    text = updated(base, activity(1, draft(1, wanted=False), draft(2, wanted=False)))
    assert text == base
    assert not read(updated(text), tmp_path).activities


def test_decisions_by_id_keep_everything_else() -> None:
    for base in (FIRST_LAYOUT, written()):
        text = set_decisions(base, {GUID.format(2): DraftDecision.APPROVE, "nobody": DraftDecision.APPROVE})
        assert text == base.replace("decision: pending", "decision: approve")
    assert set_decisions(text, {GUID.format(2): DraftDecision.APPROVE}) == text


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("activities: [{id: a-1, title: t, date: 2026-12-03T09:00:00Z}]", "flow style"),
        ("activities:\n  - &a {id: a-1, title: t, date: 2026-12-03T09:00:00Z}\n  - *a", "anchor"),
    ],
)
def test_what_cannot_be_changed_in_place_is_reported_with_its_place(written: str, why: str) -> None:
    with pytest.raises(InvalidFiles, match=why) as raised:
        update_approvals(f"version: 1\nsite: x\n{written}\n", SHOP, (activity(1, draft(1)),), "approvals/x.yaml")
    assert (raised.value.problems[0].place or Place("")).line >= 3


def test_flow_style_takes_decisions() -> None:
    text = "version: 1\nsite: x\nactivities: [{id: a, drafts: [{id: d, decision: pending}]}]"
    assert "decision: approve}" in set_decisions(text, {"d": DraftDecision.APPROVE})


HARD = [
    " starts with a blank",
    "ends with a blank ",
    "two  \nlines\t",
    "windows\r\nlines",
    "\n\nstarts with lines",
    "ends with lines\n\n",
    "bell \x07 and escape \x1b[31m",
    "nel \x85 and separators \u2028\u2029",
    "سلام عليكم\nשלום עולם",
    "reversed \u202egnp.exe",
    "emoji 👩‍🎨🏳️‍🌈 and half \ud83d",
    "--- # no: [document]\n...\n- *x &y !!tag %d @me `::set-output::`",
    "<script>alert(1)</script> {{x}} ${y} $(z)",
    "x" * 2200,
    "wort " * 440 + "end",
    "",
    "   ",
    "no",
    "#hashtag first",
    "tab\tinside",
]


@pytest.mark.parametrize("text", HARD)
def test_every_caption_and_title_reads_back(text: str, tmp_path: Path) -> None:
    made = activity(1, draft(1, text), title=text)
    written = updated(None, made)
    (found,) = read(written, tmp_path).activities
    shown = text.replace("\ud83d", "\ufffd")
    assert found.title == shown
    assert found.drafts[0].content.caption in (shown, shown + "\n")
    assert pyyaml.safe_load(written)["activities"][0]["title"] == shown, "and so for readers of YAML 1.1"
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert updated(written, made) == written
    assert max(map(len, written.splitlines())) > len(text) or "\n" in text or "\r" in text or not text.isascii()


texts = st.one_of(st.sampled_from(HARD), st.text(max_size=40), st.text(alphabet=" \n\r\t#:'\"-|ab", max_size=20))
drafts = st.lists(
    st.tuples(st.integers(0, 9), texts, st.booleans(), st.integers(0, 2)), max_size=4, unique_by=lambda pair: pair[0]
)
reviews = st.lists(
    st.tuples(st.integers(0, 6), texts, drafts, st.booleans()), max_size=4, unique_by=lambda pair: pair[0]
)


def as_review(drawn: list[tuple[int, str, list[tuple[int, str, bool, int]], bool]]) -> tuple[ActivityForReview, ...]:
    return tuple(
        ActivityForReview(
            ActivityId(f"activity-{number}"),
            title,
            DATE + timedelta(days=number),
            tuple(
                draft(10 * number + at, caption, day=number, wanted=wanted, cancelled=cancelled)
                for at, caption, wanted, cancelled in found
            ),
            done,
        )
        for number, title, found, done in sorted(drawn)
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(reviews, min_size=1, max_size=4), st.data())
def test_repeated_reviews_say_what_is_there_and_then_stop_changing(
    tmp_path: Path, runs: list[list[tuple[int, str, list[tuple[int, str, bool, int]], bool]]], data: st.DataObject
) -> None:
    text: str | None = None
    for drawn in runs:
        review = as_review(drawn)
        before = read(text, tmp_path) if text is not None else Approvals()
        text = update_approvals(text, SHOP, review)
        assert update_approvals(text, SHOP, review) == text
        if text is None:
            continue
        found = read(text, tmp_path)
        now = {draft.id: draft for each in review for draft in each.drafts}
        listed = {draft.id: draft for each in found.activities for draft in each.drafts}
        assert {draft.id for draft in now.values() if draft.wanted} <= set(listed) <= set(now)
        assert all(each.counts for each in found.activities)
        for key, entry in listed.items():
            named = counted(now[key].digest, entry.cancelled)
            assert (entry.digest, entry.content.digest) == (named, now[key].content.digest)
            assert entry.cancelled == now[key].cancelled
            was = before.draft(key)
            kept = was is not None and was.digest == entry.digest and was.cancelled == entry.cancelled
            assert entry.decision is (was.decision if was is not None and kept else DraftDecision.PENDING)
        ids: list[str] = sorted(listed)
        chosen: dict[str, DraftDecision] = (
            data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(DraftDecision))) if ids else {}
        )
        text = set_decisions(text, chosen)
        decided = read(text, tmp_path)
        for draft in (each for activity in decided.activities for each in activity.drafts):
            assert draft.decision is chosen.get(draft.id, draft.decision)
