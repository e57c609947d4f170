"""Approvals files keep what people wrote, and say exactly what a review found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import set_decisions, update_approvals, write_atomically
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, Decision
from reconciler.model.canonical import Digest, digest_of
from reconciler.model.diagnostics import InvalidFiles, Place
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.review import ActivityForReview, DraftForReview

SHOP = SiteName("janes-pottery")
DATE = datetime(2026, 12, 3, 9, tzinfo=UTC)
GUID = "834dc801-3e5c-416a-bd14-b130a95d1{:03d}"


def draft(number: int, caption: str = "Hello", **changes: object) -> DraftForReview:
    made = DraftForReview(
        PostId(GUID.format(number)),
        "INSTAGRAM",
        "POST",
        digest_of(caption),
        ("https://static.wixstatic.com/media/a.jpg",),
        caption,
    )
    return replace(made, **changes)


def activity(number: int, *drafts: DraftForReview, title: str = "Summer launch") -> ActivityForReview:
    return ActivityForReview(
        ActivityId(f"b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4{number:03d}"), title, DATE + timedelta(days=number), drafts
    )


def read(text: str, tmp: Path) -> Approvals:
    path = tmp / "janes-pottery.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_approvals(path, SHOP)


def updated(text: str | None, *activities: ActivityForReview) -> str:
    found = update_approvals(text, SHOP, activities)
    assert found is not None
    return found


def test_a_new_file_looks_like_the_one_in_the_contract(tmp_path: Path) -> None:
    text = updated(None, activity(0, draft(0, "Summer collection just dropped!\n\n#mugs 🫖")))
    assert text.split("\n", 2)[2] == (
        "version: 1\n"
        "site: janes-pottery\n"
        "activities:\n"
        "  - id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4000\n"
        "    title: Summer launch\n"
        "    date: 2026-12-03T09:00:00Z\n"
        "    decision: keep\n"
        "    drafts:\n"
        "      - id: 834dc801-3e5c-416a-bd14-b130a95d1000\n"
        "        channel: INSTAGRAM\n"
        "        type: POST\n"
        f"        digest: {digest_of('Summer collection just dropped!' + chr(10) * 2 + '#mugs 🫖')}\n"
        "        decision: pending\n"
        "        media: [https://static.wixstatic.com/media/a.jpg]\n"
        "        caption: |\n"
        "          Summer collection just dropped!\n"
        "\n"
        "          #mugs 🫖\n"
    )
    found = read(text, tmp_path).activities[0].drafts[0]
    assert (found.decision, found.media) == (Decision.PENDING, ("https://static.wixstatic.com/media/a.jpg",))


def test_nothing_to_review_makes_no_file() -> None:
    assert update_approvals(None, SHOP, (activity(0, draft(0, wanted=False)),)) is None


WRITTEN = """\
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
    - {digest}
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
      digest: sha256:{zeros}
      decision: pending
      caption: old
# the spring ones
-   id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4002
    title: Gone
    date: 2026-12-05T09:00:00Z
    decision: regenerate
    drafts: []
# the end
""".replace("{digest}", f"digest: {digest_of('Hello')}").replace("{zeros}", "0" * 64)


def test_a_review_that_finds_nothing_new_changes_no_byte() -> None:
    text = WRITTEN.replace("decision: regenerate", "decision: discard")
    same = activity(1, draft(1), draft(2, "old", digest=Digest("sha256:" + "0" * 64), media=()))
    for one in (text, text.replace("\n", "\r\n"), text.removesuffix("\n")):
        assert updated(one, same, activity(2, title="Gone")) == one


def test_what_is_new_gone_or_changed_is_all_that_changes(tmp_path: Path) -> None:
    text = updated(WRITTEN, activity(0, draft(7)), activity(1, draft(1), draft(3, "new")), activity(3, draft(8)))
    before, after = WRITTEN.splitlines(), text.splitlines()
    lost = [line for line in before if line not in after]
    assert [line.strip() for line in lost if "#" in line] == ["# about the second", "# the spring ones"]
    for comment in ("# Our approvals. Ask Jane first!", "# never rename", "# 2026-11-20 JP", "# the end", "# folded"):
        assert comment in text
    found = read(text, tmp_path)
    assert [one.id[-3:] for one in found.activities] == ["000", "001", "003"]
    assert [one.id[-3:] for one in found.activities[1].drafts] == ["001", "003"]
    assert found.activities[1].drafts[0].decision is Decision.APPROVE
    assert updated(text, activity(0, draft(7)), activity(1, draft(1), draft(3, "new")), activity(3, draft(8))) == text


def test_changed_content_is_pending_again_with_its_new_caption(tmp_path: Path) -> None:
    text = updated(WRITTEN, activity(1, draft(1, "Rewritten\nin two lines"), draft(2)))
    first = read(text, tmp_path).activities[0].drafts[0]
    assert (first.decision, first.digest) == (Decision.PENDING, digest_of("Rewritten\nin two lines"))
    assert first.caption == "Rewritten\nin two lines\n"
    assert "decision: 'pending'   # 2026-11-20 JP" in text
    assert "caption: | # folded by hand" in text


def test_what_was_taken_back_is_pending_again_and_says_how_often(tmp_path: Path) -> None:
    text = updated(WRITTEN, activity(1, draft(1, cancelled=1)))
    again = read(text, tmp_path).activities[0].drafts[0]
    assert (again.decision, again.cancelled) == (Decision.PENDING, 1)
    approved = set_decisions(text, {GUID.format(1): Decision.APPROVE})
    assert updated(approved, activity(1, draft(1, cancelled=1))) == approved
    assert read(approved, tmp_path).approves(PostId(GUID.format(1)), digest_of("Hello"), times=1)
    twice = updated(approved, activity(1, draft(1, cancelled=2)))
    assert read(twice, tmp_path).activities[0].drafts[0].decision is Decision.PENDING
    fresh = updated(approved, activity(1, draft(1, "Other words")))
    assert "cancelled" not in fresh


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
    text = set_decisions(WRITTEN, {GUID.format(2): Decision.APPROVE, "nobody": Decision.APPROVE})
    assert text == WRITTEN.replace("decision: pending", "decision: approve")
    assert set_decisions(text, {GUID.format(2): Decision.APPROVE}) == text


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("activities: [{id: a-1, title: t, date: 2026-12-03T09:00:00Z}]", "flow style"),
        ("activities:\n  - &a {id: a-1, title: t, date: 2026-12-03T09:00:00Z}\n  - *a", "anchor"),
    ],
)
def test_what_cannot_be_changed_in_place_is_said_with_its_place(written: str, why: str) -> None:
    with pytest.raises(InvalidFiles, match=why) as raised:
        update_approvals(f"version: 1\nsite: x\n{written}\n", SHOP, (activity(1, draft(1)),), "approvals/x.yaml")
    assert (raised.value.problems[0].place or Place("")).line >= 3


def test_flow_style_takes_decisions() -> None:
    text = "version: 1\nsite: x\nactivities: [{id: a, drafts: [{id: d, decision: pending}]}]"
    assert "decision: approve}" in set_decisions(text, {"d": Decision.APPROVE})


def test_writing_keeps_links_and_modes_and_leaves_no_rest(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "sub").mkdir()
    link = tmp_path / "sub" / "link.yaml"
    link.symlink_to(real)
    write_atomically(link, "new\r\n")
    assert real.read_bytes() == b"new\r\n"
    assert (link.is_symlink(), real.stat().st_mode & 0o777) == (True, 0o640)
    write_atomically(tmp_path / "new" / "file.yaml", "x")
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["file.yaml", "link.yaml", "new", "real.yaml", "sub"]


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
    made = replace(activity(1, draft(1, text)), title=text)
    written = updated(None, made)
    (found,) = read(written, tmp_path).activities
    shown = text.replace("\ud83d", "\ufffd")
    assert found.title == shown
    assert found.drafts[0].caption in (shown, shown + "\n")
    assert pyyaml.safe_load(written)["activities"][0]["title"] == shown, "and so for readers of YAML 1.1"
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert updated(written, made) == written
    assert max(map(len, written.splitlines())) > len(text) or "\n" in text or "\r" in text or not text.isascii()


texts = st.one_of(st.sampled_from(HARD), st.text(max_size=40), st.text(alphabet=" \n\r\t#:'\"-|ab", max_size=20))
drafts = st.lists(
    st.tuples(st.integers(0, 9), texts, st.booleans(), st.integers(0, 2)), max_size=4, unique_by=lambda one: one[0]
)
reviews = st.lists(st.tuples(st.integers(0, 6), texts, drafts, st.booleans()), max_size=4, unique_by=lambda one: one[0])


def as_review(drawn: list[tuple[int, str, list[tuple[int, str, bool, int]], bool]]) -> tuple[ActivityForReview, ...]:
    return tuple(
        ActivityForReview(
            ActivityId(f"activity-{number}"),
            title,
            DATE + timedelta(days=number),
            tuple(
                draft(10 * number + at, caption, wanted=wanted, cancelled=cancelled)
                for at, caption, wanted, cancelled in found
            ),
            done,
        )
        for number, title, found, done in sorted(drawn)
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(reviews, min_size=1, max_size=4), st.data())
def test_reviews_in_a_row_say_what_is_there_and_settle(
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
        live = {one.id: one for each in review for one in each.drafts}
        listed = {one.id: one for each in found.activities for one in each.drafts}
        assert {one.id for one in live.values() if one.wanted} <= set(listed) <= set(live)
        for key, one in listed.items():
            assert one.digest == live[key].digest
            assert one.cancelled >= live[key].cancelled
            was = before.draft(key)
            kept = was is not None and was.digest == one.digest and was.cancelled >= live[key].cancelled
            assert one.decision is (was.decision if was is not None and kept else Decision.PENDING)
        ids: list[str] = sorted(listed)
        chosen: dict[str, Decision] = (
            data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(Decision))) if ids else {}
        )
        text = set_decisions(text, chosen)
        decided = read(text, tmp_path)
        for one in (each for activity in decided.activities for each in activity.drafts):
            assert one.decision is chosen.get(one.id, one.decision)
