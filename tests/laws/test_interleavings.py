"""People in the dashboard, time passing, git changing, runs, and runs that die: in any order, the laws hold.

At every request: nothing is scheduled that nobody approved, no approval is spent twice, and no generation is started
while one is under way. After every step: whatever is waiting to go out is approved by the files as they are now, with
its present content, account and day, and no pause or policy forbids it, or else a plan names it; and what no file
declares is as people left it. After every run that ends without an error, the same holds, with the run in place of the
plan. At the end, people do nothing, and a few runs leave nothing to do. `-m exhaustive` tries many more.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reconciler.api import wire_posts
from reconciler.config.approvals import read_approvals
from reconciler.executor.ledger import SiteLedger
from reconciler.model.activities import Activity
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.content import approval_digest, is_counted
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.frozen import instant
from reconciler.model.policy import Policy, QuietHours
from reconciler.model.posts import ActivityId, Post, PostStatus
from reconciler.model.schedule import CancelPost
from reconciler.model.writes import Verb
from reconciler.planner.actions import BlockedBy, Plan
from reconciler.planner.candidates import ScheduleRuleIndex
from reconciler.planner.options import Scope
from reconciler.planner.used_approvals import times_of
from reconciler.sandbox.app import Sandbox, Seen
from reconciler.state.memory import MemoryStore
from tests.canary import leaks_in_folder
from tests.laws.reviewing import write_approvals
from tests.laws.scenario import POLL_POLICY, recorded_of
from tests.laws.whole_run import SITE_ID, Json, WholeRun
from tests.told import told

THEIRS = "customContentGuidelines"
NAMES = ("shop", "store")
SOON = timedelta(days=1)
"""If a post is due this soon, a read may not show whether its activity is gone."""
MOST_RUNS = 6
"""How many runs the end may take: something that waits, times out and is started again takes three."""

SITE: Json = {
    "settings": {"toneOfVoice": "warm", "marketingTools": ["SOCIAL_MARKETING"]},
    "calendarEvents": {"events": [{"name": "Sale", "date": "2026-12-24"}]},
    "marketingPlan": {"state": "present", "regenerate": {"discard": "all"}},
    "posts": [{"match": {"within": "9d"}, "max": 3}],
    "schedule": {"rules": [{"match": {"within": "9d"}, "channels": ["INSTAGRAM", "FACEBOOK"], "max": 3}]},
}


HAND_EDITS = (
    (r"approve (sha256:)", r"pending \1"),
    (r"(caption: \|\n +)", r"\1Corrected: "),
    (r"( +)(decision: [a-z]+ sha256:\w+)\n(?! +cancelled)", r"\1\2\n\1cancelled: 1\n"),
)
"""What people themselves change in an approvals file: a pattern, and its replacement."""


class Died(BaseException):
    """The process is gone: only the disk and the site know what it did."""


class Deadly(httpx.AsyncBaseTransport):
    """A transport to a sandbox on which the run dies at a request, before or after its effect."""

    def __init__(self, sandbox: Sandbox, at: int, after: bool) -> None:
        self._inner, self._left, self._after = httpx.ASGITransport(app=sandbox), at, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Died
        response = await self._inner.handle_async_request(request)
        if self._left < 0:
            raise Died
        return response


class Interleavings(RuleBasedStateMachine):
    """One site, people, a repository, and runs."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.site = json.loads(json.dumps(SITE))
        world = {"channels": ["INSTAGRAM", "FACEBOOK"], "plan": "ACTIVE", "settings": {THEIRS: "no puns"}}
        latency = {"generate": 12, "posts": 8, "media": 6}
        self.run = WholeRun.of(self.root, self.site, world, latency=latency)
        self.run.allow_publish, self.run.waiting = True, POLL_POLICY
        self.plainly = self.run.way
        self.theirs: str | None = "no puns"
        self.policy = Policy()
        self.allowed: dict[tuple[str, str], int] = {}
        """(post, digest) -> how often people's decisions let it be scheduled."""
        self.scheduled: Counter[tuple[str, str]] = Counter()
        self.before: dict[str, Post] = {}
        self.by_tool: set[str] = set()
        """Posts that runs scheduled, as far as the state can know."""
        self.branch: tuple[str, str] | None = None
        """The approvals file as it was when a colleague branched off, and as it is on the branch."""
        self.broken: list[str] = []
        self.run.sandbox.add_hook("*", self._watch)

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            self.run.sandbox.close()
            assert list(leaks_in_folder(self.root)) == []
            shutil.rmtree(self.root)

    # --- watching ----------------------------------------------------------------------------------

    def _live(self) -> Json:
        live: Json = self.run.sandbox.world()["sites"][SITE_ID]
        return live

    def _posts(self) -> dict[str, Post]:
        return {key: wire_posts.one_post({"item": record["item"]}) for key, record in self._live()["items"].items()}

    def _watch(self, seen: Seen) -> None:
        """Checks every request just before and just after its effect. An invariant raises what it finds."""
        word = seen.path.rpartition("/")[2]
        if seen.when == "before":
            generates = word.startswith(("generate-marketing-plan", "regenerate-marketing-plan"))
            if generates and self._live()["plan"]["status"] == "GENERATING":
                self.broken.append("a generation was started while one was under way")
            if word in ("schedule-drafts", "publish-by-id"):
                self.before = self._posts()
        elif word in ("schedule-drafts", "publish-by-id"):
            for item, post in self._posts().items():
                if post.status != self.before[item].status:
                    self.by_tool.add(item)
                    key = (item, str(self.before[item].digest))
                    self.scheduled[key] += 1
                    if self.scheduled[key] > self.allowed.get(key, 0):
                        self.broken.append(f"{key} was scheduled {self.scheduled[key]} times")

    @invariant()
    def nothing_is_broken(self) -> None:
        assert not self.broken, self.broken

    @invariant()
    def what_is_not_declared_is_as_people_left_it(self) -> None:
        assert (self._live()["settings"] or {"settings": {}})["settings"].get(THEIRS) == self.theirs

    # --- git ---------------------------------------------------------------------------------------

    @rule(tone=st.sampled_from(["warm", "dry", None]))
    def commit_settings(self, tone: str | None) -> None:
        self.site["settings"]["toneOfVoice"] = tone
        self.run.write(self.site)

    @rule(names=st.sets(st.sampled_from(["Sale", "Fair"])), prune=st.booleans())
    def commit_events(self, names: set[str], prune: bool) -> None:
        events = [{"name": name, "date": "2026-12-24"} for name in sorted(names)]
        self.site["calendarEvents"] = {"prune": prune, "events": events}
        self.run.write(self.site)

    @rule(
        most=st.integers(1, 4),
        at=st.sampled_from([None, "18:30", "20:00"]),
        manage=st.sampled_from(["declared", "all"]),
    )
    def commit_rules(self, most: int, at: str | None, manage: str) -> None:
        [posts], schedule = self.site["posts"], self.site["schedule"]
        schedule["manage"] = manage
        if "max" in posts:
            posts["max"] = most
        schedule["rules"][0].pop("at", None)
        if at is not None:
            schedule["rules"][0]["at"] = at
        self.run.write(self.site)

    @rule(data=st.data())
    def review(self, data: st.DataObject) -> None:
        """People decide this and that."""
        decisions = st.sampled_from(["keep"] * 6 + ["regenerate", "regenerate-media", "discard"])
        self._review(lambda: data.draw(st.booleans()), lambda: data.draw(decisions))

    @rule(data=st.data())
    def review_on_a_branch(self, data: st.DataObject) -> None:
        """A colleague decides on a branch of their own."""
        main = self._approvals_text()
        base = self.branch[0] if self.branch else main
        self._review(lambda: data.draw(st.booleans()), lambda: data.draw(st.sampled_from(["keep", "keep", "discard"])))
        self.branch = (base, self._approvals_text())
        self._approvals_file().write_text(main, "utf-8")

    @precondition(lambda self: self.branch)
    @rule(how=st.sampled_from([(), ("--ours",), ("--theirs",)]))
    def merge_the_branch(self, how: tuple[str, ...]) -> None:
        """Git merges the two; conflicts are abandoned, or resolved by somebody who does not look."""
        assert self.branch is not None
        base, theirs = self.branch
        files = [self.root / name for name in ("ours", "base", "theirs")]
        for file, text in zip(files, (self._approvals_text(), base, theirs), strict=True):
            file.write_text(text, "utf-8")
        merged = subprocess.run(
            ["git", "merge-file", "-p", "-q", *how, *map(str, files)], capture_output=True, check=False
        )
        if merged.returncode == 0:
            self._approvals_file().write_bytes(merged.stdout)
        self.branch = None

    def _approvals_file(self) -> Path:
        (self.root / "approvals").mkdir(exist_ok=True)
        return self.root / "approvals" / f"{self.run.name}.yaml"

    def _approvals_text(self) -> str:
        file = self._approvals_file()
        return file.read_text("utf-8") if file.exists() else f"version: 1\nsite: {self.run.name}\nactivities: []\n"

    @rule(with_approvals=st.booleans())
    def rename_the_site(self, with_approvals: bool) -> None:
        """Its approvals file is renamed too, but still contains the old name; or it stays behind."""
        before = self._approvals_file()
        self.run.rename(next(name for name in NAMES if name != self.run.name), self.site)
        if with_approvals and before.exists():
            before.rename(self._approvals_file())

    @rule()
    def lose_the_state(self) -> None:
        self.run.store = MemoryStore()
        self.by_tool.clear()

    @rule()
    def approve_everything_and_apply(self) -> None:
        self._review(lambda: True, lambda: "keep")
        self._apply()

    @rule(at=st.integers(0, 12), after=st.booleans())
    def approve_everything_and_die(self, at: int, after: bool) -> None:
        self._review(lambda: True, lambda: "keep")
        self.apply_and_die(at, after)

    def _review(self, says_yes: Callable[[], bool], decides: Callable[[], str]) -> None:
        """Rewrites the approvals from what is live, as `review` does, with decisions by people."""
        recorded = recorded_of(self.run)
        live = sorted(self._activities(), key=lambda activity: (activity.date, activity.id))[:5]
        agreed = {post.id for activity in live for post in activity.posts if says_yes()}

        def times(post: Post) -> int:
            return times_of(recorded, post.id, frozenset({post.digest}))

        for activity in live:
            for post in activity.posts:
                if post.id in agreed:
                    key = (str(post.id), str(post.digest))
                    self.allowed[key] = max(self.allowed.get(key, 0), self.scheduled[key] + 1)
        write_approvals(
            self.root, live, lambda post: post.id in agreed, lambda _: ActivityDecision(decides()), times, self.run.name
        )

    def _activities(self) -> tuple[Activity, ...]:
        posts = self._posts()
        return tuple(
            Activity(
                ActivityId(record["id"]),
                record["title"],
                "",
                datetime.fromisoformat(record["date"]),
                None,
                tuple(posts[item] for item in record["items"]),
            )
            for record in self._live()["activities"].values()
        )

    @rule()
    def withdraw_every_approval(self) -> None:
        shutil.rmtree(self.root / "approvals", ignore_errors=True)

    @rule(which=st.integers(0, 4), how=st.sampled_from(HAND_EDITS))
    def edit_the_approvals_by_hand(self, which: int, how: tuple[str, str]) -> None:
        """Somebody withdraws one approval, corrects a text, or counts the cancellations by hand."""
        pattern, text = how
        found = list(re.finditer(pattern, before := self._approvals_text()))
        if found:
            edited = found[which % len(found)]
            after = before[: edited.start()] + edited.expand(text) + before[edited.end() :]
            self._approvals_file().write_text(after, "utf-8")

    @rule(state=st.sampled_from(["present", "present", "absent"]))
    def commit_posts(self, state: str) -> None:
        """A rule says that the activities have posts, or none."""
        bound = {"max": 3} if state == "present" else {}
        self.site["posts"] = [{"match": {"within": "9d"}, "state": state, **bound}]
        self.run.write(self.site)

    @rule(pause=st.sampled_from([False, "hold", "cancel"]))
    def pause_publishing(self, pause: bool | str) -> None:
        self.site["schedule"]["paused"] = pause
        self.run.write(self.site)

    @rule(
        words=st.sampled_from([(), ("Hi",)]),
        dates=st.sampled_from([(), (date(2026, 12, 4),)]),
        quiet=st.sampled_from([None, None, QuietHours(time(18), time(19))]),
        daily=st.sampled_from([None, None, 1]),
    )
    def commit_policy(
        self, words: tuple[str, ...], dates: tuple[date, ...], quiet: QuietHours | None, daily: int | None
    ) -> None:
        self.policy = Policy(
            banned_words=words,
            blackout_dates=frozenset(dates),
            quiet_hours=quiet,
            max_publish_per_site_per_day=daily,
        )

    # --- people ------------------------------------------------------------------------------------

    @rule(tone=st.sampled_from(["loud", "warm", None]), theirs=st.sampled_from(["no puns", "no emoji", None]))
    def edit_settings(self, tone: str | None, theirs: str | None) -> None:
        values = {"settings.toneOfVoice": tone, f"settings.{THEIRS}": theirs}
        self.run.sandbox.dashboard.patch_settings(SITE_ID, values)
        self.theirs = (self._live()["settings"] or {})["settings"].get(THEIRS)

    @rule()
    def delete_the_marketing_plan(self) -> None:
        self.run.sandbox.dashboard.delete_plan(SITE_ID)

    @precondition(lambda self: self._live()["events"])
    @rule(data=st.data())
    def edit_an_event(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self._live()["events"]))["shown"]["id"]
        if data.draw(st.booleans()):
            self.run.sandbox.dashboard.edit_event(SITE_ID, event, date="2026-12-20T00:00:00.000Z")
        else:
            self.run.sandbox.dashboard.delete_event(SITE_ID, event)

    @precondition(lambda self: self._live()["items"])
    @rule(data=st.data())
    def touch_a_post(self, data: st.DataObject) -> None:
        item, status = data.draw(
            st.sampled_from([(key, item["item"]["status"]) for key, item in self._live()["items"].items()])
        )
        if status == "SCHEDULED" and data.draw(st.booleans()):
            self.run.sandbox.dashboard.cancel_item(SITE_ID, item)
        elif status == "DRAFT" and data.draw(st.booleans()):
            at = self.run.sandbox.now() + timedelta(hours=data.draw(st.sampled_from([3, 50])))
            self.by_tool.discard(item)
            self.run.sandbox.dashboard.schedule_item(SITE_ID, item, instant(at))
        elif status in ("DRAFT", "SCHEDULED"):
            self.run.sandbox.dashboard.edit_item(SITE_ID, item, caption=data.draw(st.sampled_from(["Hi", "Ho"])))

    @precondition(lambda self: any(post.status is PostStatus.CANCELED for post in self._posts().values()))
    @rule()
    def put_back_to_the_drafts(self) -> None:
        """What was cancelled is a draft again, with content that was approved once."""

        def change(site: Any, *_: object) -> None:
            for record in site.items.values():
                if record["item"]["status"] == "CANCELED":
                    record["item"]["status"] = "DRAFT"
                    record["item"].pop("schedulingInfo", None)

        self.run.sandbox.edit(SITE_ID, change)

    @precondition(lambda self: self._live()["activities"])
    @rule(data=st.data())
    def move_an_activity(self, data: st.DataObject) -> None:
        activity = data.draw(st.sampled_from(sorted(self._live()["activities"])))
        self.run.sandbox.dashboard.edit_activity(SITE_ID, activity, date="2026-12-05T12:00:00.000Z")

    @precondition(lambda self: self._live()["items"])
    @rule()
    def swap_the_accounts(self) -> None:
        self.run.sandbox.edit(
            SITE_ID, lambda site, *_: [item["item"]["channel"].update(accountId="99") for item in site.items.values()]
        )

    @rule(
        channel=st.sampled_from(["INSTAGRAM", "FACEBOOK"]), status=st.sampled_from(["VALID", "VALID", "DISCONNECTED"])
    )
    def set_a_channel(self, channel: str, status: str) -> None:
        self.run.sandbox.dashboard.set_channel(SITE_ID, channel, status)

    @rule(published=st.sampled_from([True, True, False]))
    def publish_the_site(self, published: bool) -> None:
        self.run.sandbox.dashboard.publish_site(SITE_ID, published)

    @rule(hours=st.sampled_from([1, 10, 30, 80]))
    def time_passes(self, hours: int) -> None:
        self.run.sandbox.advance(timedelta(hours=hours, minutes=7))

    # --- runs --------------------------------------------------------------------------------------

    @rule()
    def apply(self) -> None:
        self._apply()

    @rule(at=st.integers(0, 40), after=st.booleans())
    def apply_dies(self, at: int, after: bool) -> None:
        self.apply_and_die(at, after)

    def apply_and_die(self, at: int, after: bool) -> None:
        """An apply that dies at a request, if it gets that far."""
        self.run.way = lambda sandbox: Deadly(sandbox, at, after)
        try:
            self._apply()
        except Died:
            pass
        finally:
            self.run.way = self.plainly

    def _apply(self) -> SiteLedger | None:
        """A run to its end, and what it leaves: whatever waits to go out is wanted, or is named. None if the files
        cannot be read."""
        if not self._is_readable():
            return None
        ledger = self.run.apply(policy=self.policy)
        if ledger.error is None:
            assert self.run.planned is not None
            named = {str(post.post) for post in ledger.still_going_out} | _said_to_go_out(self.run.planned)
            named |= {entry.address.key for entry in ledger.entries if entry.operation.verb is Verb.CANCEL}
            self._only_what_is_wanted_waits(named)
        return ledger

    def _is_readable(self) -> bool:
        """A merge without a conflict can still leave a file that is not valid."""
        try:
            self.run.desired()
        except InvalidFiles:
            return False
        return True

    @invariant()
    def what_nobody_wants_is_named_by_a_plan(self) -> None:
        if self._live()["plan"]["status"] == "GENERATING" or not self._is_readable():
            return
        plan = self.run.plan(policy=self.policy)
        named = {str(post.post) for post in plan.still_going_out} | _said_to_go_out(plan)
        named |= {str(action.operation.post) for action in plan.actions if isinstance(action.operation, CancelPost)}
        self._only_what_is_wanted_waits(named)

    def _only_what_is_wanted_waits(self, named: set[str]) -> None:
        """Approved today by the files, with its present content, account and day; neither paused nor forbidden."""
        path = self._approvals_file()
        file = read_approvals(path, self.run.name) if path.exists() else Approvals()
        desired, scope = self.run.desired(), Scope(SiteName("shop"), self.run.sandbox.now())
        assert desired.schedule is not None
        shown: set[str] = set()
        for activity in self._activities():
            for post in activity.posts:
                shown.add(str(post.id))
                if post.status is not PostStatus.SCHEDULED or str(post.id) in named:
                    continue
                ours = str(post.id) in self.by_tool
                if not ours and ScheduleRuleIndex(desired.schedule.rules).rule_for(activity, post, scope) is None:
                    continue
                draft = file.draft(post.id)
                assert draft is not None, f"{post.id} waits, and the file does not have it"
                assert draft.decision is DraftDecision.APPROVE, f"{post.id} waits, and is {draft.decision}"
                now = approval_digest(post.id, post.content, activity.date)
                assert is_counted(draft.digest, now, draft.cancelled), post.id
                moment = post.scheduled_for or activity.date
                assert not ours or self.site["schedule"].get("paused") != "cancel", post.id
                assert not ours or not any(word in post.caption for word in self.policy.banned_words), post.id
                assert not ours or moment.date() not in self.policy.blackout_dates, post.id
                quiet = self.policy.quiet_hours
                assert not ours or quiet is None or not quiet.covers(moment.time()), post.id
        for id, post in self._posts().items():
            waits = post.status is PostStatus.SCHEDULED and post.scheduled_for is not None
            if waits and id in self.by_tool - shown - named and self._live()["plan"]["status"] == "ACTIVE":
                assert post.scheduled_for is not None
                assert post.scheduled_for - self.run.sandbox.now() <= SOON, f"{id} waits, and the activity is gone"

    def _come_to_rest(self) -> None:
        """People do nothing, on a site that lacks nothing: a few runs leave nothing to do."""
        self.policy = Policy()
        if not self._is_readable():
            self._approvals_file().unlink()
        dashboard = self.run.sandbox.dashboard
        dashboard.publish_site(SITE_ID, True)
        for channel in ("INSTAGRAM", "FACEBOOK"):
            dashboard.set_channel(SITE_ID, channel, "VALID")
        said: list[Any] = []
        for _ in range(MOST_RUNS):
            ledger = self._apply()
            assert ledger is not None
            assert not self.broken, self.broken
            if not ledger.entries:
                break
            said.append(
                [
                    (str(entry.address), type(entry.operation).__name__, entry.result, told(entry))
                    for entry in ledger.entries
                ]
            )
        else:
            raise AssertionError(f"still something to do after {MOST_RUNS} runs: {said[-2:]}")
        assert recorded_of(self.run).open == ()


def _said_to_go_out(plan: Plan) -> set[str]:
    """Posts that, according to a plan, go out although nobody approved them as they are."""
    codes = (BlockedBy.SCHEDULED_UNAPPROVED, BlockedBy.CHANGED_AFTER_APPROVAL)
    return {found.about.key for found in plan.blocked if found.code in codes}


class ManyInterleavings(Interleavings):
    """The same, many times over."""


SOME = settings(max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = SOME
TestManyInterleavings = pytest.mark.exhaustive(ManyInterleavings.TestCase)
TestManyInterleavings.settings = settings(SOME, max_examples=150, stateful_step_count=20)
