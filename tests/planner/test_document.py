"""Saved plans: they read back equal, and nothing but what was saved is ever taken for one."""

from __future__ import annotations

import json
import random
import typing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT, digest_of, freeze
from reconciler.model.codec import Malformed, from_plain, sorted_json, to_plain
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.frozen import kind_of
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.operations import Operation, Precondition
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import CancelPost, ReschedulePost
from reconciler.model.settings import SettingIs, UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.document import AlteredPlan, ExpiredPlan, SavedPlan, UnreadablePlan, from_text
from reconciler.planner.reasons import facts_behind
from tests import strategies
from tests.planner.pure_world import to_text

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SITE = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
OLD = Path(__file__).parents[1] / "state" / "format_1"
"""Files as the first version wrote them."""

SETTINGS = Address(SITE.name, Kind.SETTINGS)


def action(path: str = "settings.toneOfVoice", after: str = "warm") -> Action:
    operation = UpdateSettings((FieldChange(path, None, after),))
    return Action(SETTINGS, operation, Reason.DIFFERS, requires=(SettingIs(path, None), SettingIs("settings.x", 1)))


def saved(*plans: Plan, **changed: Any) -> SavedPlan:
    return replace(SavedPlan("one", "1.0", "https://api", NOW, plans or (Plan(SITE, (action(),)),)), **changed)


def test_a_plan_with_facts_in_words_is_read_as_it_was_written() -> None:
    """It was written before the facts behind a reason were values; its seal tells whether it was applied."""
    data = (OLD.parent / "format_2" / "plan.json").read_bytes()
    found = from_text(data, "plan.json")
    assert found.seal == json.loads(data)["seal"]
    assert to_text(found).encode() == data
    forbidden, no_file, processing = found.plans
    assert [action.details for action in (*forbidden.actions, *no_file.actions)] == [
        ("policy.bannedWords: the text has 'mugs' (reconciler.yaml)",),
        ("there is no approvals file",),
    ]
    assert [post.details for post in processing.still_going_out] == [("account: 17841 -> (not set)",)]
    assert facts_behind(Reason.WITHDRAWN, no_file.actions[0].details, ABSENT, "UTC") == ("there is no approvals file",)


def test_a_plan_that_does_not_say_which_drafts_are_stuck_is_read_as_it_was_written() -> None:
    data = (OLD.parent / "format_2" / "waiting.plan.json").read_bytes()
    found = from_text(data, "waiting.plan.json")
    assert to_text(found).encode() == data
    assert [draft.stuck for plan in found.plans for draft in plan.to_review] == [ABSENT] * 4


def test_a_move_that_an_earlier_version_saved_has_no_account() -> None:
    """It reads back with the digest that it was saved with, and is the move that the same facts give today."""
    move = ReschedulePost(PostId("p"), ActivityId("a"), "FACEBOOK", digest_of("x"), NOW)
    assert "account" not in to_plain(move)
    named = replace(move, account="Kiln (17841)")
    assert (from_plain(ReschedulePost, to_plain(named)), named.unnamed) == (named, move)


def test_a_cancel_that_an_earlier_version_saved_has_no_account() -> None:
    """It is only there to be shown, and so is whether the time is an estimate: the digest does not cover them."""
    cancel = CancelPost(PostId("p"), ActivityId("a"), "FACEBOOK", NOW)
    assert "account" not in to_plain(cancel)
    named = replace(cancel, account="Kiln (17841)", estimated=True)
    assert (from_plain(CancelPost, to_plain(named)), named.unnamed) == (named, cancel)
    plans = [
        Plan(SITE, (Action(Address(SITE.name, Kind.DRAFT, "p"), each, Reason.PAUSED),)) for each in (cancel, named)
    ]
    assert len({saved(plan).digest for plan in plans}) == 1


def test_a_plan_that_does_not_say_its_project_file_is_one_of_an_earlier_version() -> None:
    said = digest_of("reconciler.yaml")
    assert reread(saved(project=said)).project == said
    assert '"project"' not in to_text(saved())
    assert reread(saved()).project is None
    with pytest.raises(AlteredPlan):
        from_text(to_text(saved(project=said)).replace(said, digest_of("other")).encode(), "plan.json")


def reread(one: SavedPlan) -> SavedPlan:
    return from_text(to_text(one).encode(), "plan.json")


def resealed(members: dict[str, Any]) -> bytes:
    """A document whose seal matches, whatever was done to it."""
    rest = {key: value for key, value in members.items() if key != "seal"}
    return json.dumps({**rest, "seal": f"sha256:{sha256(sorted_json(rest)).hexdigest()}"}).encode()


# --- the round trip --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=strategies.plans)
def test_a_saved_plan_reads_back_equal(plan: Plan) -> None:
    one = saved(plan)
    again = reread(one)
    assert again == one
    assert (again.digest, again.seal) == (one.digest, one.seal)
    assert to_text(again) == to_text(one)


@pytest.mark.parametrize(
    "kind", [*typing.get_args(Operation), *typing.get_args(Precondition)], ids=lambda kind: kind_of(kind.__name__)
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_operation_and_precondition_reads_back_equal(kind: type, data: st.DataObject) -> None:
    union: Any = Operation if kind in typing.get_args(Operation) else Precondition
    value = data.draw(strategies.of(kind))
    written = to_plain(value)
    assert written["kind"] == kind_of(kind.__name__)
    assert from_plain(union, json.loads(json.dumps(written))) == value


def test_no_two_kinds_have_one_name() -> None:
    for union in (Operation, Precondition):
        names = [kind_of(kind.__name__) for kind in typing.get_args(union)]
        assert len(set(names)) == len(names)


def test_absent_is_not_null() -> None:
    def written(description: Any) -> dict[str, Any]:
        document: dict[str, Any] = to_plain(CreateEvent(DesiredEvent("Sale", description, NOW)))
        return dict(document["event"])

    assert "description" not in written(ABSENT)
    assert written(None)["description"] is None
    assert from_plain(DesiredEvent, written(ABSENT)).description is ABSENT
    assert from_plain(DesiredEvent, written(None)).description is None


def test_what_a_write_keeps_is_kept() -> None:
    event = CalendarEvent(EventId("e"), "Sale", date=NOW, rest=freeze({"color": "red", "order": [2, 1]}))  # type: ignore[arg-type]
    write = Action(Address(SITE.name, Kind.EVENT, "Sale [1]"), UpdateEvent(event, ()), Reason.DIFFERS)
    [again] = reread(saved(Plan(SITE, (write,)))).plans
    assert again.actions == (write,)


# --- the two digests -------------------------------------------------------------------------------


def test_the_same_facts_have_the_same_digest_and_never_the_same_seal() -> None:
    one, other = saved(), saved(id="two", made_at=NOW + timedelta(hours=3), tool="2.0")
    assert one.digest == other.digest
    assert one.seal != other.seal


def test_neither_order_nor_wording_nor_the_files_are_facts() -> None:
    second = SiteRef(SiteName("zoo"), "0c5a6f9a-8d0b-4b7c-9a55-3f0c2a9e1e01")
    first = Plan(
        SITE, (action(), action("settings.pointOfView")), notes=(Diagnostic.note("first-contact", "first contact"),)
    )
    turned = Plan(
        SITE,
        tuple(
            replace(action, details=("file",), reason=Reason.RULE, requires=action.requires[::-1])
            for action in first.actions[::-1]
        ),
        config=digest_of("other"),
    )
    assert saved(first, Plan(second)).digest == saved(Plan(second), turned).digest


@pytest.mark.parametrize(
    "other",
    [
        saved(Plan(SITE, (action(after="cold"),))),
        saved(Plan(SITE, (replace(action(), requires=()),))),
        saved(Plan(replace(SITE, id="another"), (action(),))),
        saved(valid_for=timedelta(hours=25)),
        saved(api="https://other"),
    ],
)
def test_what_would_be_done_and_when_is_a_fact(other: SavedPlan) -> None:
    assert other.digest != saved().digest


def test_a_plan_expires() -> None:
    saved().check_expiry(NOW + timedelta(hours=23, minutes=59))
    with pytest.raises(ExpiredPlan) as caught:
        saved().check_expiry(NOW + timedelta(hours=24))
    assert caught.value.expired_at == NOW + timedelta(hours=24)
    assert "expired on Wed 2026-12-02 09:00 UTC" in str(caught.value)


# --- what is no longer what was saved --------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"kind": "reconciler-plan"}',
        b'{"kind": "reconciler-plan", "formatVersion": "2"}',
        b'{"kind": "reconciler-plan", "formatVersion": true}',
        b'{"kind": "reconciler-plan", "kind": "reconciler-plan"}',
        b'{"kind": "reconciler-plan", "formatVersion": 2, "x": NaN}',
        b'{"kind": "reconciler-plan", "formatVersion": 2, "x": 1e999}',
        b'{"kind": "reconciler-plan", "formatVersion": 2, "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b"[" * 100_000,
        b"version: 1\nsite: {}\n",
    ],
)
def test_what_is_not_a_plan_is_reported(text: bytes) -> None:
    with pytest.raises(UnreadablePlan) as caught:
        from_text(text, "plan.json")
    assert str(caught.value).startswith("plan.json is not a saved plan")
    assert "run plan again" in str(caught.value) or "reconciler plan --out" in str(caught.value)


def test_an_edit_is_noticed() -> None:
    text = to_text(saved())
    for before, after in (("warm", "cold"), ("2026-12-02T09", "2026-12-09T09"), ('"P1D"', '"P9D"'), ("one", "two")):
        assert before in text
        with pytest.raises(AlteredPlan, match="run plan again"):
            from_text(text.replace(before, after, 1).encode(), "plan.json")


def edits(members: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The document with one value somewhere dropped, doubled or replaced."""
    document = json.loads(json.dumps(members))
    here: Any = document
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice([key for key in keys if key not in ("kind", "formatVersion")] or keys)
        if isinstance(here[key], dict | list) and here[key] and chance.random() < 0.8:
            here = here[key]
            continue
        match chance.randrange(4):
            case 0:
                del here[key]
            case 1:
                here[key] = chance.choice([None, True, 0, -1, 1.5, "", "x", [], {}, [None], {"kind": "generate"}])
            case 2 if isinstance(here, dict):
                here["extra"] = here[key]
            case 2:
                here.append(here[key])
            case _:
                here[key] = [here[key]]
        return typing.cast("dict[str, Any]", document)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=strategies.plans, seed=st.integers(0, 10**6))
def test_no_mutation_is_taken_for_the_plan(plan: Plan, seed: int) -> None:
    """Even with a matching seal, an odd document is refused or is another well-formed plan, never a traceback."""
    one = saved(plan)
    original = json.loads(to_text(one))
    mutated = edits(original, random.Random(seed))
    try:
        assert from_text(json.dumps(mutated).encode(), "plan.json") == one
        assert digest_of(freeze(mutated)) == digest_of(freeze(original))  # 1.0 for 1 is not an edit
    except (AlteredPlan, UnreadablePlan):
        pass
    try:
        again = from_text(resealed(mutated), "plan.json")
    except (AlteredPlan, UnreadablePlan):
        return
    assert reread(again) == again


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_no_flipped_byte_is_taken_for_the_plan(at: int, byte: int) -> None:
    data = bytearray(to_text(saved()).encode())
    data[at % len(data)] = byte
    try:
        assert from_text(bytes(data), "plan.json") == saved()
    except (AlteredPlan, UnreadablePlan):
        pass


def test_a_file_cut_short_is_refused_at_every_length() -> None:
    data = to_text(saved()).encode().rstrip()
    for length in range(0, len(data), 7):
        with pytest.raises((AlteredPlan, UnreadablePlan)):
            from_text(data[:length], "plan.json")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("sites", 0, "actions", 0, "operation", "kind"), "drop-tables", "sites[0].actions[0].operation.kind: invalid"),
        (("sites", 0, "actions", 0, "operation", "force"), True, "unknown field `force`"),
        (("sites", 0, "actions", 0, "address"), "shop/settings[", "sites[0].actions[0].address: "),
        (("madeAt",), "2026-12-01T09:00:00+00:00", "madeAt: is not in canonical form"),
        (("madeAt",), "2026-12-01T09:00:00", "madeAt: expected `datetime` with a timezone component"),
        (("madeAt",), "2026-12-01", "madeAt: invalid RFC3339"),
        (("validFor",), "PT24H", "validFor: is not in canonical form"),
        (("validFor",), "9" * 30, "validFor: "),
        (("expiresAt",), "2027-12-02T09:00:00Z", "expiresAt does not match"),
        (("digest",), "sha256:0", "digest does not match"),
        (("extra",), 1, "unknown field `extra`"),
        (("id",), 7, "id: expected `str`"),
    ],
)
def test_under_a_fitting_seal_the_odd_part_is_named(path: tuple[Any, ...], value: Any, said: str) -> None:
    document = json.loads(to_text(saved()))
    here = document
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    with pytest.raises(AlteredPlan) as caught:
        from_text(resealed(document), "plan.json")
    assert said in str(caught.value)


def test_whole_numbers_are_not_truth_values() -> None:
    written = to_plain(Regenerate(True, (PostId("p"),)))
    with pytest.raises(Malformed, match="keywordResearch: expected `bool`, got `int`"):
        from_plain(Regenerate, {**written, "keywordResearch": 1})


# --- other versions --------------------------------------------------------------------------------


def test_a_plan_of_another_version_says_so() -> None:
    with pytest.raises(UnreadablePlan) as older:
        from_text((OLD / "plan.json").read_bytes(), "plan.json")
    assert str(older.value) == "plan.json was made by an older version; run plan again"
    newer = to_text(saved()).replace('"formatVersion": 2', '"formatVersion": 3')
    with pytest.raises(UnreadablePlan, match=r"was made by a newer version; .* run plan again"):
        from_text(newer.encode(), "plan.json")
