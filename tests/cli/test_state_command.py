"""`reconciler state list|show|unlock|resolve`, as a user runs them."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import Phase, find, settings
from msgspec.structs import replace

from reconciler.machine import CLOCK
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import JsonObject, digest_of
from reconciler.model.events import CreateEvent, DesiredEvent, EventId
from reconciler.model.journal import AnyOperation, Before, OpenEntry, UnreadableCall
from reconciler.model.marketing_plan import AwaitGeneration, Generate, Regenerate
from reconciler.model.notes import AppliedValues, Bound, Consumed, InputsGeneratedFrom, InputsPending, Scheduled
from reconciler.model.operations import Deferred, Operation
from reconciler.model.posts import ActivityId, AwaitPosts, PostId, PostStatus
from reconciler.model.schedule import SchedulePost
from reconciler.model.settings import Field
from reconciler.model.sites import Bindings, Inputs, PostOutcome, PublishedPost, RecordedSite, SiteRef
from reconciler.planner.baseline import WAS_CANCELLED
from reconciler.reporters.kinds.registry import call_about, call_status, call_words
from reconciler.state.holder import Holder
from reconciler.state.lease import Leases
from reconciler.state.lock_record import LockRecord
from reconciler.state.sites import open_state
from tests.cli.projects import Command, Project, site
from tests.cli.terminal import Terminal
from tests.journals import begin
from tests.strategies import of
from tests.told import unclear

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-000000000001")
CI = Holder("ci-7", 4242, "jane", "secret-token", ci_url="https://ci.example/jobs/17")
POST = "834dc801-3e5c-416a-bd14-b130a95d100e"
SCHEDULED = SchedulePost(
    PostId(POST), ActivityId("a-1"), "FACEBOOK", digest_of("z"), datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
)
ANY = settings(max_examples=1, phases=[Phase.generate], database=None)
SALE = CreateEvent(DesiredEvent("Sale", date=NOW))


class Planted:
    """A state that runs have left behind. `where` is its place; a folder is relative to `root`."""

    def __init__(self, root: Path, where: str = ".reconciler") -> None:
        self.state = open_state(where, root, environ=os.environ, now=lambda: NOW)

    def open(
        self,
        operation: Operation,
        address: str,
        before: Before | None = None,
        *,
        unknown: str = "",
        sent: bool = False,
    ) -> str:
        """Leaves a call of the shop open, and returns its id."""

        async def body() -> str:
            journal = await self.state.open_journal(SHOP)
            entry = await begin(journal, address, operation, before)
            if unknown:
                await journal.end(entry, unclear(unknown))
            if sent:
                await journal.sent(entry)
            await journal.flush()
            return entry.id

        return asyncio.run(body())

    def locked(self, *, ended: bool = False) -> None:
        """Leaves a lock of the shop behind, held by a CI job on another machine."""
        now = datetime.now(UTC) - (timedelta(hours=1) if ended else timedelta())

        async def body() -> None:
            lease = await Leases(self.state.store, CI, replace(CLOCK, now=lambda: now)).acquire(SHOP)
            assert not lease.lost

        asyncio.run(body())

    def lock(self) -> LockRecord | None:
        return asyncio.run(Leases(self.state.store, CI, CLOCK).inspect(SHOP))

    def recorded(self) -> RecordedSite:
        return asyncio.run(self.state.load(SHOP))

    def much(self) -> None:
        """Leaves records of every sort behind."""

        async def body() -> None:
            journal = await self.state.open_journal(SHOP)
            made = Inputs(
                (Field("settings.toneOfVoice", "warm\x1b[31m"),), (("Sale", JsonObject({"date": "2026-11-27"})),)
            )
            journal.note(InputsGeneratedFrom(made))
            journal.note(InputsPending(Inputs((Field("settings.toneOfVoice", "dry"),)), None))
            journal.note(AppliedValues(Inputs((Field("settings.toneOfVoice", "dry"),))))
            journal.note(
                Bound(
                    Bindings(
                        event_ids=(("Sale", EventId("e-1")),),
                        objects=(("marketing-plan", JsonObject({"state": "present"})),),
                    )
                )
            )
            post = PublishedPost(
                PostId(POST), digest_of("x"), "INSTAGRAM", NOW, NOW, zone="Europe/Paris", commit="0123456789abcdef"
            )
            journal.note(Scheduled(post))
            journal.note(Consumed(ActivityId("a-1"), "discard", digest_of("y")))
            await journal.flush()

        asyncio.run(body())


@pytest.fixture
def planted(project: Project) -> Planted:
    return Planted(project.root)


def told(out: str) -> str:
    """Output in which everything that differs from run to run is replaced."""
    out = re.sub(r"\b[0-9a-f]{16}\b", "ENTRY", out)
    return re.sub(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", out)


# --- list --------------------------------------------------------------------------------------------


def test_nothing_is_recorded(
    reconciler: Command, project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    ran = reconciler("state", "list")
    assert (ran.code, ran.out) == (0, "Nothing is recorded in .reconciler.\n")
    assert not (project.root / ".reconciler" / "records").exists()


def test_the_list_at_80_columns(
    reconciler: Command, project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.outputs.UNWRAPPED", 80)
    planted.much()
    planted.locked()
    planted.open(SALE, "shop/event[Sale]")
    planted.open(Regenerate(False), "shop/marketing-plan", sent=True)
    long = SiteRef(SiteName("a-site-with-quite-a-long-name-that-goes-on"), "x")
    asyncio.run(applied(planted, long))
    ran = reconciler("state", "list", project.root)
    assert (ran.code, ran.out) == (
        0,
        "site            unconfirmed  in progress  posts  inputs        lock\n"
        "a-site-with-quite-a-long-name-that-goes-on\n"
        "                          -            -      -  -             -\n"
        "shop                      1            1      1  pending       jane on ci-7\n"
        "\n"
        "State: 2 sites, 1 unconfirmed call, 1 in progress, 1 locked.\n",
    )


async def applied(planted: Planted, site: SiteRef) -> None:
    journal = await planted.state.open_journal(site)
    journal.note(AppliedValues(Inputs((Field("settings.toneOfVoice", "dry"),))))
    await journal.flush()


def test_a_corrupt_document_hides_no_other(reconciler: Command, project: Project, planted: Planted) -> None:
    planted.much()
    (project.root / ".reconciler" / "records" / "broken.json").write_text("{", "utf-8")
    ran = reconciler("state", "list", project.root)
    assert (ran.code, ran.last) == (1, "State: 2 sites, 0 unconfirmed calls, 0 in progress, 0 locked, 1 unreadable.")
    assert re.search(r"! broken could not be read\s+\S+/records/broken\.json is\s+corrupt", ran.out)
    assert "restore it from a backup" in " ".join(ran.out.split())
    ran = reconciler("state", "list", project.root, "--output", "json")
    broken, shop = ran.json["sites"]
    assert ran.code == ran.json["exitCode"] == 1
    assert "is corrupt" in broken["error"].pop("message")
    assert broken == {
        "site": "broken",
        "error": {
            "code": "state",
            "severity": "error",
            "fix": "restore it from a backup, or move it away to start over",
            "file": str(project.root / ".reconciler" / "records" / "broken.json"),
            "address": "broken",
        },
    }
    sarif = reconciler("state", "list", project.root, "--output", "sarif").json["runs"][0]
    assert [found["ruleId"] for found in sarif["results"]] == ["state"], "as every other command calls it"
    assert shop == {
        "site": "shop",
        "id": SHOP.id,
        "inDoubt": 0,
        "waiting": 0,
        "pending": True,
        "generatedFrom": True,
        "published": 1,
        "lock": None,
    }


def test_paths_and_places_work_as_in_other_commands(reconciler: Command, chain: Project, tmp_path: Path) -> None:
    planted = Planted(chain.root)
    for number, name in enumerate(("shop", "shop-b", "gone"), 1):
        id = SHOP.id[:-1] + (str(number) if name != "gone" else "9")
        asyncio.run(applied(planted, SiteRef(SiteName(name), id)))
    listed = reconciler("state", "list", chain.root, "--output", "json").json["sites"]
    assert [row["site"] for row in listed] == ["gone", "shop", "shop-b"]
    assert reconciler("state", "list", chain.root / "sites" / "b.yaml").last.startswith("State: 1 site,")
    assert reconciler("state", "list", chain.root / "sites").last.startswith("State: 2 sites,")
    elsewhere = reconciler("state", "list", chain.root, "--state", tmp_path / "other")
    assert (elsewhere.code, elsewhere.out) == (0, f"Nothing is recorded in {tmp_path / 'other'}.\n")
    wrong = reconciler("state", "list", chain.root, "--state", "s4://bucket")
    assert (wrong.code, wrong.out) == (1, "")
    assert "'s4' is not a supported kind of store" in wrong.err
    secret = reconciler("state", "list", chain.root, "--state", "s3://key:hidden@bucket/x")
    assert secret.code == 1
    assert "hidden" not in secret.err


# --- show --------------------------------------------------------------------------------------------


SHOWN = """\
shop  3f0c2a9e-8d0b-4b7c-9a55-000000000001
  recorded in PLACE

Lock
  user     jane
  host     ci-7
  process  4242
  CI job   https://ci.example/jobs/17
  since    TIME
  until    TIME
  its run is gone, or the lock has expired; the next run takes it over

Unfinished calls
  ? unconfirmed  ENTRY  schedule-post
                 shop/draft[834dc801-3e5c-416a-bd14-b130a95d100e]
                 to schedule a post: Facebook, for
                   Thu 2026-12-03 10:30 Europe/Paris
                 begun Mon 2026-11-02 10:00 Europe/Paris
                 a run could not tell whether it took effect: no connection
                 to record how it ended, check whether the post is scheduled or
                   has gone out:
                 reconciler state resolve shop ENTRY done WHERE
                   it is recorded as scheduled, and its approval is used up
                 reconciler state resolve shop ENTRY not-done WHERE
                   the next apply schedules it if it is still a draft, and
                   approved
  . in progress  ENTRY  regenerate  shop/marketing-plan
                 to regenerate the marketing plan
                 begun Mon 2026-11-02 10:00 Europe/Paris
                 it was started; the next apply waits for it to end

Generation inputs waiting for the next generation
  toneOfVoice: dry

Generation inputs used by the current marketing plan
  toneOfVoice: "warm\\u001b[31m"
  event "Sale": {date: 2026-11-27}

Last applied, or already in place
  toneOfVoice: dry
  marketing plan: present

Ids on the site
  event "Sale" has the id e-1

Posts that were scheduled
  Mon 2026-11-02 10:00 Europe/Paris
    Instagram draft[834dc801-3e5c-416a-bd14-b130a95d100e]
    scheduled Mon 2026-11-02 10:00 Europe/Paris  commit 0123456789ab

Decisions carried out
  discard: activity a-1

State: 1 unconfirmed call, 1 in progress, 1 post scheduled, locked by jane on ci-7.
"""


def test_everything_of_a_site_at_80_columns(
    reconciler: Command, project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.outputs.UNWRAPPED", 80)
    planted.much()
    planted.open(SCHEDULED, f"shop/draft[{POST}]", unknown="lost \x1b[2J")
    planted.open(Regenerate(False), "shop/marketing-plan", sent=True)
    planted.locked(ended=True)
    ran = reconciler("state", "show", "shop", project.root)
    assert ran.code == 0
    place = str(project.root / ".reconciler" / "records" / f"{SHOP.id}.json")
    # How long these two paths are depends on the temporary folder; a path is never broken across lines.
    out = told(re.sub(rf"\s+{re.escape(place)}", " PLACE", ran.out).replace(shlex.quote(str(project.root)), "WHERE"))
    assert out == SHOWN
    assert "secret-token" not in ran.out


def test_what_has_a_title_is_shown_by_it(reconciler: Command, project: Project, planted: Planted) -> None:
    async def body() -> None:
        journal = await planted.state.open_journal(SHOP)
        for number, activity in enumerate(("a-1", "a-1", "a-2")):
            post = PublishedPost(
                PostId(f"p-{number}"),
                digest_of("x"),
                "INSTAGRAM",
                NOW,
                NOW,
                activity=ActivityId(activity),
                title="Sale" if activity == "a-1" else "",
                account="jane.pottery (17)",
                type="STORY" if number == 1 else "POST",
            )
            journal.note(Scheduled(post))
        link = PostOutcome(PostId("p-0"), PostStatus.PUBLISHED, NOW, "https://example.com/p/1")
        present, scheduled = JsonObject({"state": "present"}), JsonObject({"state": "scheduled"})
        objects = {
            "draft[p-0]": scheduled,
            "draft[p-1]": WAS_CANCELLED,
            "draft[lost]": scheduled,
            "draft[thrown-away]": WAS_CANCELLED,
            "posts[a-1]": present,
            "posts[a-2]": present,
            "rule[posts]": JsonObject({"digest": "sha256:1"}),
            "moved[p-1]": JsonObject({"to": "later"}),
            "draft[adopted]": WAS_CANCELLED,
            "adopted[adopted]": JsonObject({"title": "Sale", "channel": "FACEBOOK", "type": "POST"}),
            "used[adopted]": JsonObject({"content": "sha256:1", "times": 1}),
            "used[before]": JsonObject({"content": "sha256:1", "times": 1}),
            "name[pottery]": JsonObject({"order": 1}),
        }
        journal.note(Bound(Bindings(objects=tuple(objects.items()), outcomes=(link,))))
        journal.note(Consumed(ActivityId("a-1"), "discard", digest_of("y")))
        await journal.flush()

    asyncio.run(body())
    lines = reconciler("state", "show", "shop", project.root).out.splitlines()
    at = lines.index("Last applied, or already in place")
    assert lines[at + 1 : at + 10] == [
        '  draft "Sale" (Facebook): cancelled',
        "  draft[lost]: scheduled",
        "  draft[thrown-away]: cancelled",
        '  moved "Sale" (Instagram story): {to: later}',
        "  earlier name of the site: pottery",
        '  approval of draft "Sale" (Facebook): counts as used',
        "  approval of draft[before]: counts as used",
        '  posts of "Sale" and 1 more activity: present',
        "  sections applied in full: posts",
    ]
    at = lines.index("Posts that were scheduled")
    when, then = "  Mon 2026-11-02 09:00 UTC  ", "scheduled Mon 2026-11-02 09:00 UTC"
    assert lines[at + 1 : at + 4] == [
        f'{when}"Sale" (Instagram)  on jane.pottery  went out: https://example.com/p/1  {then}',
        f'{when}"Sale" (Instagram story)  on jane.pottery  later cancelled  {then}',
        f"{when}Instagram draft[p-2]  on jane.pottery  {then}",
    ]
    assert lines[lines.index("Decisions carried out") + 1] == '  discard: "Sale"'


def test_json_has_the_document_as_it_is_kept_but_no_token(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    planted.much()
    planted.locked()
    entry = planted.open(SALE, "shop/event[Sale]")
    ran = reconciler("state", "show", "shop", project.root, "--output", "json")
    assert ran.code == ran.json["exitCode"] == 0
    assert ran.json["command"] == "state show"
    assert ran.json["site"] == {"name": "shop", "id": SHOP.id}
    assert ran.json["lock"]["ciUrl"] == "https://ci.example/jobs/17"
    assert "secret-token" not in ran.out
    assert ran.json["generatedFrom"]["settings"] == [{"path": "settings.toneOfVoice", "value": "warm\x1b[31m"}]
    [open_entry] = ran.json["open"]
    assert (open_entry["id"], open_entry["inDoubt"], open_entry["about"]) == (entry, True, '"Sale"')


def test_commands_to_copy_lead_to_the_same_state(
    reconciler: Command, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    entry = Planted(project.root, "my state").open(SALE, "shop/event[Sale]")
    ran = reconciler("state", "show", "shop", "--state", "my state")
    assert f"reconciler state resolve shop {entry} not-done --state 'my state'\n" in ran.out


@pytest.mark.parametrize("command", [("show",), ("unlock", "--force"), ("resolve",)])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shpo", "did you mean shop?"),
        ("../shop", "did you mean shop?"),
        ("zzz", "`reconciler state list ROOT` shows what is recorded"),
        ("a\x1b", "'a\\x1b'"),
    ],
)
def test_an_unknown_site(
    reconciler: Command, project: Project, planted: Planted, command: tuple[str, ...], name: str, said: str
) -> None:
    planted.much()
    before = sorted(project.root.rglob("*"))
    more = ["e1", "done"] if command[0] == "resolve" else []
    ran = reconciler("state", command[0], name, *more, project.root, *command[1:])
    assert (ran.code, ran.out) == (1, "")
    assert "no such site is recorded in " in ran.err
    assert said.replace("ROOT", shlex.quote(str(project.root))) in ran.err.replace("\\\\", "\\")
    assert sorted(project.root.rglob("*")) == before


# --- unlock ------------------------------------------------------------------------------------------


def test_without_a_terminal_the_flag_is_named(reconciler: Command, project: Project, planted: Planted) -> None:
    planted.locked()
    ran = reconciler("state", "unlock", "shop", project.root)
    assert (ran.code, ran.last) == (
        4,
        "Refused: no terminal to confirm on; pass --force",
    )
    for fact in ("jane", "ci-7", "4242", "https://ci.example/jobs/17", "since", "unless it is renewed"):
        assert fact in ran.out
    said = "If that run is still alive, it notices within 15 s that its lock is gone: it finishes the call in progress"
    assert said in " ".join(ran.out.split())
    assert "secret-token" not in ran.out
    assert planted.lock() is not None


def test_force_takes_the_lock_away(reconciler: Command, project: Project, planted: Planted) -> None:
    planted.locked()
    assert reconciler("apply", project.root, "--auto-approve").code == 4
    ran = reconciler("state", "unlock", "shop", project.root, "--force")
    assert (ran.code, ran.last) == (0, "Unlocked: shop.")
    assert planted.lock() is None
    ran = reconciler("state", "unlock", "shop", project.root)
    assert (ran.code, ran.out) == (0, "shop is not locked.\n")
    assert reconciler("apply", project.root, "--auto-approve").code == 0


class Typed(io.TextIOWrapper):
    """A terminal at which something was typed already."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Puts a terminal in the place of stdin; what is written to the descriptor is typed."""
    reading, writing = os.pipe()
    with Typed(os.fdopen(reading, "rb")) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield [writing]
    os.close(writing)


@pytest.mark.parametrize(("answer", "code", "last"), [("yes\n", 0, "Unlocked"), ("y\n", 4, "Cancelled. The lock")])
def test_a_person_is_asked(
    reconciler: Command,
    project: Project,
    planted: Planted,
    typed: list[int],
    answer: str,
    code: int,
    last: str,
) -> None:
    planted.locked()
    os.write(typed[0], answer.encode())
    ran = reconciler("state", "unlock", "shop", project.root)
    assert ran.code == code
    assert ran.last.startswith(last)
    assert "Do you want to remove the lock of shop?" in ran.err
    assert (planted.lock() is None) == (code == 0)


def test_a_lock_can_be_removed_if_the_record_is_corrupt_or_missing(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    planted.locked()
    shown = reconciler("state", "show", "shop", project.root)
    assert (shown.code, shown.last) == (
        0,
        "State: 0 unconfirmed calls, 0 in progress, 0 posts scheduled, locked by jane on ci-7.",
    )
    assert shown.out.startswith(f"shop  {SHOP.id}\n  nothing is recorded\n\nLock\n")
    assert reconciler("state", "list", project.root).last.startswith("State: 1 site,")
    (project.root / ".reconciler" / "records").mkdir()
    (project.root / ".reconciler" / "records" / f"{SHOP.id}.json").write_text("{", "utf-8")
    assert reconciler("state", "show", "shop", project.root).code == 1
    assert reconciler("state", "unlock", "shop", project.root, "--force").code == 0


# --- resolve -----------------------------------------------------------------------------------------


def test_a_post_that_was_scheduled_uses_up_its_approval(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    entry = planted.open(SCHEDULED, f"shop/draft[{POST}]", unknown="lost")
    other = planted.open(SALE, "shop/event[Sale]")
    ran = reconciler("state", "resolve", "shop", entry[:6], "done", project.root)
    assert (ran.code, ran.last) == (0, "Resolved: done; shop has 1 unconfirmed call left.")
    assert "its approval is used up" in ran.out
    [post] = planted.recorded().published
    assert (post.id, post.channel, post.times) == (POST, "FACEBOOK", 1)
    assert post.scheduled_for == datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
    ran = reconciler("state", "resolve", "shop", other, "not-done", project.root)
    assert (ran.code, ran.last) == (0, "Resolved: not done; shop has no unconfirmed calls left.")
    assert planted.recorded().open == ()
    assert planted.lock() is None


def test_a_generation_that_took_effect_is_concluded_by_the_next_apply(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    entry = planted.open(Regenerate(False), "shop/marketing-plan", Before(status="ACTIVE"), unknown="lost")
    due = Inputs((Field("settings.toneOfVoice", "dry"),))
    asyncio.run(note_due(planted, due))
    with project.world() as world:
        world.dashboard.patch_settings(SHOP.id, {"settings.toneOfVoice": "dry"})
    assert reconciler("state", "resolve", "shop", entry, "done", project.root).code == 0
    assert planted.recorded().generated_from != due, "only a generation that ended ACTIVE brings its inputs into force"
    assert reconciler("apply", project.root, "--auto-approve").last == "No changes."
    generated_from = planted.recorded().generated_from
    assert generated_from is not None
    assert generated_from.setting("settings.toneOfVoice") == ("dry",)
    assert planted.recorded().pending is None
    made = [request for request in project.requests() if request["path"].endswith("regenerate-marketing-plan")]
    assert made == []


def test_inputs_that_wait_are_shown_by_what_differs_from_those_in_use(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    def inputs(word: str, *topics: str) -> Inputs:
        tone = " ".join(f"sentence {number} of it." for number in range(30)) + f" Be {word}"
        return Inputs(
            (Field("settings.toneOfVoice", tone), Field("settings.topics.included", topics)),
            (("Sale", JsonObject({"date": "2026-11-27", "description": tone})),),
        )

    async def body() -> None:
        journal = await planted.state.open_journal(SHOP)
        journal.note(InputsGeneratedFrom(inputs("warm.", "tea")))
        journal.note(InputsPending(inputs("bold.\n", "tea", "milk"), None))
        journal.note(AppliedValues(inputs("warm.", "tea")))
        await journal.flush()

    asyncio.run(body())
    lines = reconciler("state", "show", "shop", project.root).out.splitlines()
    at = lines.index("Generation inputs waiting for the next generation")
    differs = "changed since the marketing plan was generated:"
    assert lines[at + 1 : at + 4] == [
        f"  toneOfVoice:  {differs}  … 29 of it. Be [-warm.-]{{+bold.+}}",
        "  topics.included: [tea, milk]",
        f'  event "Sale":  {differs}  description:  … 29 of it. Be [-warm.-]{{+bold.+}}',
    ]
    for title in ("Generation inputs used by the current marketing plan", "Last applied, or already in place"):
        assert lines[lines.index(title) + 1].startswith("  toneOfVoice: sentence 0 of it.")


async def note_due(planted: Planted, due: Inputs) -> None:
    journal = await planted.state.open_journal(SHOP)
    journal.note(InputsPending(due, None))
    await journal.flush()
    await journal.flush()


def test_a_call_that_had_no_effect_is_made_again(reconciler: Command, project: Project, planted: Planted) -> None:
    entry = planted.open(Generate(), "shop/marketing-plan", Before(status="NEVER_CREATED"))
    ran = reconciler("state", "resolve", "shop", entry, "not-done", project.root)
    assert ran.code == 0
    assert "the next apply starts one if it is still needed" in ran.out
    assert "1 generated" in reconciler("apply", project.root, "--auto-approve").last


def test_an_unknown_entry_lists_those_there_are(reconciler: Command, project: Project, planted: Planted) -> None:
    planted.much()
    ran = reconciler("state", "resolve", "shop", "nope", "done", project.root)
    assert ran.code == 1
    assert "has no unconfirmed call 'nope'; nothing is left to resolve" in ran.err
    entry = planted.open(SALE, "shop/event[Sale]")
    ran = reconciler("state", "resolve", "shop", "nope", "done", project.root)
    assert ran.code == 1
    assert f"has no unconfirmed call 'nope'; choose one of: {entry} (create-event shop/event[Sale])" in ran.err


def test_a_site_that_a_run_holds_is_left_alone(reconciler: Command, project: Project, planted: Planted) -> None:
    entry = planted.open(SALE, "shop/event[Sale]")
    planted.locked()
    shown = reconciler("state", "show", "shop", project.root)
    assert "the run that has locked the site may be making this call right now" in " ".join(shown.out.split())
    ran = reconciler("state", "resolve", "shop", entry, "done", project.root)
    assert ran.code == 4
    assert ran.last.startswith("Refused: shop: locked by jane on ci-7")
    assert len(planted.recorded().open) == 1


def test_an_expired_lock_is_taken_over_with_a_notice(reconciler: Command, project: Project, planted: Planted) -> None:
    entry = planted.open(SALE, "shop/event[Sale]")
    planted.locked(ended=True)
    ran = reconciler("state", "resolve", "shop", entry, "done", project.root)
    assert ran.code == 0
    assert "note: shop: took over an expired lock (jane on ci-7" in ran.err


@pytest.mark.parametrize("arguments", [("maybe",), ("done", "--lock-timeout", "soon")])
def test_usage_errors_are_1(reconciler: Command, arguments: tuple[str, ...]) -> None:
    ran = reconciler("state", "resolve", "shop", "e1", *arguments)
    assert (ran.code, ran.out) == (1, "")


# --- words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(AnyOperation))
def test_every_call_has_words(kind: type[Operation | UnreadableCall]) -> None:
    if kind not in (AwaitGeneration, AwaitPosts, Deferred):
        entry = OpenEntry("e1", Address.parse("shop"), find(of(kind), lambda _: True, settings=ANY), NOW)
        words = call_words(entry)
        assert all((words.asked, words.look, words.done, words.not_done))
        assert isinstance(call_about(entry), str)
        assert call_status(entry, held=False)


# --- object stores -----------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 server on loopback."""
    import httpx
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    httpx.put(f"http://{host}:{port}/state").raise_for_status()
    variables = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "key", "REGION": "us-east-1"}
    for name, value in {**variables, "ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield "s3://state/project"
    moto.stop()


def test_the_same_on_an_object_store(reconciler: Command, project: Project, bucket: str) -> None:
    there = ("--state", bucket, project.root)
    assert reconciler("state", "list", *there).out == f"Nothing is recorded in {bucket}.\n"
    planted = Planted(project.root, bucket)
    entry = planted.open(SALE, "shop/event[Sale]")
    planted.locked()
    assert reconciler("state", "list", *there).last == "State: 1 site, 1 unconfirmed call, 0 in progress, 1 locked."
    assert reconciler("state", "resolve", "shop", entry, "done", *there).code == 4
    assert reconciler("state", "unlock", "shop", "--force", *there).last == "Unlocked: shop."
    assert reconciler("state", "resolve", "shop", entry, "done", *there).code == 0
    assert f"{bucket}/records/{SHOP.id}.json\n" in reconciler("state", "show", "shop", *there).out


# --- mv and forget -----------------------------------------------------------------------------------

OTHER = "0c5a6f9a-8d0b-4b7c-9a55-3f0c2a9e1e01"


def test_a_record_goes_to_another_id(reconciler: Command, project: Project, planted: Planted) -> None:
    planted.much()
    before = planted.recorded()
    ran = reconciler("state", "mv", "shop", OTHER.upper(), project.root)
    assert (ran.code, ran.last) == (0, f"Moved: shop from {SHOP.id} to {OTHER}.")
    assert planted.recorded() == RecordedSite()
    assert asyncio.run(planted.state.load(replace(SHOP, id=OTHER))) == before
    again = reconciler("state", "mv", OTHER, SHOP.id, project.root, "--output", "json")
    assert (again.code, again.json["id"], again.json["movedTo"]) == (0, OTHER, SHOP.id)
    assert planted.recorded() == before
    assert reconciler("state", "show", "shop", project.root).code == 0, "its name is enough wherever it is recorded"


@pytest.mark.parametrize(
    ("new", "code", "said"),
    [
        ("shop-2", 1, "'shop-2' is not the id of a site"),
        (SHOP.id, 1, f"shop is already recorded under {SHOP.id}"),
        (OTHER, 4, "locked by jane on ci-7"),
    ],
)
def test_a_record_that_cannot_move_stays(
    reconciler: Command, project: Project, planted: Planted, new: str, code: int, said: str
) -> None:
    planted.much()
    before = planted.recorded()
    if code == 4:
        planted.locked()
    ran = reconciler("state", "mv", "shop", new, project.root)
    assert ran.code == code
    assert said in ran.err + ran.out
    assert planted.recorded() == before


def declared(project: Project, **ids: str) -> None:
    for name, id in ids.items():
        project.write({f"sites/{name}.yaml": f"version: 1\nsite: {{name: {name}, id: {id}}}\n"})


def test_a_name_is_that_of_the_site_whose_file_has_it_now(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    """The record has the name of the last apply; another site may have it now."""
    planted.much()
    declared(project, fresh=SHOP.id, shop=OTHER.upper())
    for command in (
        ("show", "shop"),
        ("unlock", "shop", "--force"),
        ("forget", "shop", "--force"),
        ("mv", "shop", OTHER[:-1] + "2"),
        ("resolve", "shop", "1", "done"),
    ):
        ran = reconciler("state", *command, project.root)
        assert ran.code == 1, command
        assert f"nothing is recorded about the site that has this name now ({OTHER})" in ran.err + ran.out, command
        assert SHOP.id in ran.err + ran.out
    assert planted.recorded().published
    assert reconciler("state", "show", "fresh", project.root).code == 0
    moved = reconciler("state", "mv", SHOP.id, OTHER, project.root)
    assert moved.code == 0
    assert f"warning: fresh: the file of fresh still has the id {SHOP.id}" in moved.err
    assert reconciler("state", "show", "shop", project.root).code == 0
    assert reconciler("state", "forget", "shop", "--force", project.root).last == f"Forgotten: shop ({OTHER})."


def test_a_name_is_looked_up_in_files_that_can_be_read_only(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    planted.much()
    project.write({"sites/shop.yaml": "site: ["})
    assert reconciler("state", "show", "shop", project.root).code == 0
    assert reconciler("state", "forget", "shop", "--force", project.root).code == 1
    assert planted.recorded().published
    assert reconciler("state", "forget", SHOP.id, "--force", project.root).code == 0


@pytest.mark.parametrize("command", [("forget", "shop", "--force"), ("mv", "shop", OTHER)])
def test_a_state_that_cannot_be_written_is_named_without_its_inner_files(
    reconciler: Command, project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    planted.much()
    before = os.open

    def read_only(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and ".reconciler" in str(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return before(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", read_only)
    ran = reconciler("state", *command, project.root)
    monkeypatch.undo()
    what = f"{project.root / '.reconciler'}: the state cannot be written (Read-only file system)"
    fix = "make the file system writable, or name another place with --state"
    assert (ran.code, ran.err) == (1, f"Error: {what}; {fix}\n")
    assert planted.recorded().published


def test_a_record_goes_to_the_id_that_its_file_has_already(
    reconciler: Command, project: Project, planted: Planted
) -> None:
    planted.much()
    declared(project, shop=OTHER)
    ran = reconciler("state", "mv", "shop", OTHER, project.root)
    assert (ran.code, ran.last) == (0, f"Moved: shop from {SHOP.id} to {OTHER}.")
    assert "still has the id" not in ran.err


async def declines(_question: str, _show_notices: Callable[[], None]) -> bool:
    return False


def test_a_site_is_forgotten_after_it_was_told_what_still_goes_out(
    reconciler: Command, project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.much()
    asyncio.run(scheduled(planted, datetime.now(UTC) + timedelta(days=3)))
    ran = reconciler("state", "forget", "shop", project.root)
    assert ran.code == 4
    assert 'shop: "Sale" (Facebook) is still scheduled to go out on ' in ran.err
    assert "Instagram" not in ran.err, "its moment is past"
    assert ran.last == "Refused: no terminal to confirm on; pass --force"
    assert planted.recorded().published
    with monkeypatch.context() as terminal:
        terminal.setattr("reconciler.cli.state.can_ask", lambda: True)
        terminal.setattr("reconciler.cli.state.agreed", declines)
        ran = reconciler("state", "forget", "shop", project.root)
    assert (ran.code, ran.last) == (4, "Cancelled. Nothing was forgotten.")
    assert planted.recorded().published
    ran = reconciler("state", "forget", SHOP.id, project.root, "--force")
    assert (ran.code, ran.last) == (0, f"Forgotten: shop ({SHOP.id}).")
    assert planted.recorded() == RecordedSite()
    assert reconciler("state", "list", project.root).last.startswith("Nothing is recorded in ")
    for command in (("show", "shop"), ("forget", "shop", "--force")):
        ran = reconciler("state", *command, project.root)
        assert (ran.code, ran.out) == (1, "")
        assert "'shop': no such site is recorded in " in ran.err
        assert "did you mean" not in ran.err
    assert reconciler("state", "unlock", "shop", project.root).last == "shop is not locked."


def test_what_still_goes_out_is_above_the_question_whether_to_forget(project: Project, planted: Planted) -> None:
    asyncio.run(scheduled(planted, datetime.now(UTC) + timedelta(days=3)))
    terminal = Terminal(project.root, "state", "forget", "shop")
    terminal.until("accepted: ")
    assert terminal.said.index("still scheduled to go out on") < terminal.said.index("Do you want to forget")
    terminal.type("no\n")
    assert terminal.end() == 4
    assert terminal.said.count("still scheduled to go out on") == 1
    assert planted.recorded().published


async def scheduled(planted: Planted, moment: datetime) -> None:
    journal = await planted.state.open_journal(SHOP)
    post = PublishedPost(PostId("p-2"), digest_of("y"), "FACEBOOK", moment, NOW, title="Sale")
    journal.note(Scheduled(post))
    await journal.flush()


def half_a_text(lock: Path) -> str:
    lock.write_text("{", "utf-8")
    return "state unlock SITE --force"


def folder_with_a_file(lock: Path) -> str:
    lock.unlink()
    lock.mkdir()
    (lock / "notes.txt").write_text("mine", "utf-8")
    return "the state needs a file there"


def pipe(lock: Path) -> str:
    lock.unlink()
    os.mkfifo(lock)
    return "is not a regular file"


@pytest.mark.parametrize("spoil", [half_a_text, folder_with_a_file, pipe])
def test_a_lock_that_cannot_be_read_can_be_taken_away(
    spoil: Callable[[Path], str], reconciler: Command, project: Project, planted: Planted
) -> None:
    planted.much()
    planted.locked()
    lock = project.root / ".reconciler" / "locks" / f"{SHOP.id}.json"
    left = spoil(lock)
    refused = reconciler("apply", project.root, "--auto-approve")
    assert refused.code == 1
    asked = reconciler("state", "unlock", "shop", project.root)
    assert asked.code == 4
    for said in (refused.out + refused.err, asked.err):
        assert left in " ".join(said.split())
    ran = reconciler("state", "unlock", "shop", project.root, "--force")
    assert (ran.code, ran.last) == (0, "Unlocked: shop.")
    assert planted.lock() is None
    kept = [path.read_text("utf-8") for path in lock.parent.rglob("notes.txt")]
    assert kept == (["mine"] if spoil is folder_with_a_file else []), "nothing of anybody is thrown away"


def test_why_a_lock_cannot_be_read_is_above_the_question_whether_to_remove_it(
    project: Project, planted: Planted
) -> None:
    planted.locked()
    half_a_text(project.root / ".reconciler" / "locks" / f"{SHOP.id}.json")
    terminal = Terminal(project.root, "state", "unlock", "shop")
    terminal.until("accepted: ")
    assert terminal.said.index("is corrupt") < terminal.said.index("Do you want to remove the lock")
    terminal.type("no\n")
    assert terminal.end() == 4


def test_the_record_of_an_undeclared_site_that_cannot_be_read_is_a_problem_of_its_own(
    reconciler: Command, project: Project
) -> None:
    records = project.root / ".reconciler" / "records"
    records.mkdir(parents=True)
    (records / "broken.json").write_text("{", "utf-8")
    ran = reconciler("plan", project.root, "--output", "json")
    undeclared, broken = ran.json["problems"]
    assert (undeclared["code"], undeclared["address"]) == ("undeclared-site", "broken")
    assert "is corrupt" not in undeclared["message"]
    assert "is corrupt" in broken.pop("message")
    assert broken == {
        "code": "state",
        "severity": "warning",
        "fix": "restore it from a backup, or move it away to start over",
        "file": str(records / "broken.json"),
        "address": "broken",
    }


@pytest.mark.parametrize("inside", [True, False])
def test_commands_in_messages_lead_to_the_same_state(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """Whoever copies one of them must not act on another state."""
    place = str(project.root / "other state")
    planted = Planted(project.root, place)
    planted.much()
    scheduled = planted.open(SCHEDULED, f"shop/draft[{POST}]", unknown="lost")
    planted.locked()
    monkeypatch.chdir(project.root if inside else project.root.parent)
    where = f"--state '{place}'" + ("" if inside else f" {project.root.name}")
    given = ["--state", place, *([] if inside else [project.root])]

    def said(*command: object) -> str:
        ran = reconciler(*command, *given)
        return " ".join((ran.out + ran.err).split())

    assert f"`reconciler state unlock shop {where}`" in said("apply", "--auto-approve")
    assert f"`reconciler state unlock shop {where}`" in said("state", "forget", "shop", "--force")
    assert f"reconciler state resolve shop {scheduled} done {where}" in said("state", "show", "shop")
    assert f"`reconciler state list {where}`" in said("state", "show", "another")
    project.write({"sites/shop.yaml": site("another", 2)})
    assert f"reconciler state forget shop {where}" in said("plan")
