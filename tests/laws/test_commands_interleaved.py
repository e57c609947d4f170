"""Whole commands by several people on one site, in any order, and two of them at once: the laws of publishing hold.

What test_interleavings.py does with the parts of a run, this does with commands: saved plans that are carried out late,
`review` and `approve` as they are, a state that is forgotten or moved, a command that is killed at any request, and a
second one, or a decision, in the middle of the first. After every command: no post was scheduled more often than people
approved it, nothing ends in a bug, and after an apply that succeeds, everything that is waiting is approved by the
file. At the end, people do nothing, and a few applies leave nothing to do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from reconciler import wiring
from reconciler.api import wire_posts
from reconciler.cli.main import run
from reconciler.config.approvals import read_approvals
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.frozen import instant
from reconciler.model.posts import Post, PostStatus
from reconciler.sandbox.app import Sandbox
from tests.laws.pool import fork
from tests.laws.whole_run import Json

SITE_ID, OTHER_ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01", "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e02"
PROJECT = "version: 1\napi: sandbox\npoll: {interval: 1s, timeout: 1m}\npolicy: {minLead: 1h}\n"
SITE = """\
version: 1
site: {{name: shop, id: {id}}}
settings: {{toneOfVoice: {tone}}}
marketingPlan: {{state: present, regenerate: {{discard: all}}}}
schedule:
  paused: {paused}
  rules: [{{match: {{within: 30d}}, channels: [INSTAGRAM], max: {most}, at: "09:30"}}]
"""
MOST_RUNS = 6
EXPECTED = {
    "apply": {0, 1, 3, 4},
    "plan": {0, 1, 4},
    "review": {0, 1},
    "approve": {0, 1},
    "state": {0, 1, 4},
    "drift": {0, 1, 2},
}


def world() -> str:
    activities = "".join(
        f"      - id: aaaaaaaa-0000-4000-8000-00000000000{number}\n"
        f"        date: '2026-11-{3 + number:02d}T08:00:00Z'\n"
        f"        title: Day {number}\n"
        "        items:\n"
        f"        - {{id: bbbbbbbb-0000-4000-8000-00000000000{number}, channel: INSTAGRAM, type: POST,"
        f" caption: Hello {number}, media: [https://static.wixstatic.com/media/a.jpg]}}\n"
        for number in (1, 2)
    )
    return (
        "clock: '2026-11-02T09:00:00Z'\nfreeze: true\nlatency: {generate: 2s, posts: 1s}\nsites:\n"
        f"  {SITE_ID}:\n    timeZone: Europe/Berlin\n    channels: [INSTAGRAM]\n    settings: {{toneOfVoice: dry}}\n"
        f"    plan:\n      status: ACTIVE\n      activities:\n{activities}"
    )


class Stopping(httpx.AsyncBaseTransport):
    """A transport to a sandbox on which a command waits at one request until it is told to continue."""

    def __init__(self, sandbox: Sandbox, at: int, after: bool, stop: Callable[[], object]) -> None:
        self._inner, self._left, self._after, self._stop = httpx.ASGITransport(app=sandbox), at, after, stop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left == -1 and not self._after:
            self._stop()
        response = await self._inner.handle_async_request(request)
        if self._left == -1 and self._after:
            self._stop()
        return response


class Moment:
    """When something happens in the middle of a command: at which request, before or after its effect, and what."""

    def __init__(self, at: int, after: bool, what: Callable[[int], object]) -> None:
        self.at, self.after, self.what = at, after, what


class Commands(RuleBasedStateMachine):
    """One site, people, files and commands."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        (self.root / "sites").mkdir()
        (self.root / "reconciler.yaml").write_text(PROJECT)
        (self.root / "sandbox.yaml").write_text(world())
        self.site = {"id": SITE_ID, "tone": "dry", "paused": "false", "most": 2}
        self._write_site()
        self._warm()
        self.allowed: Counter[tuple[str, str]] = Counter()
        """(post, content) -> how often people's decisions let it be scheduled."""
        self.scheduled: Counter[tuple[str, str]] = Counter()
        self.by_tool: set[str] = set()
        """Posts that commands scheduled, as far as the state can know."""
        self.seen = 0
        self.said: list[str] = []
        self.moved = False

    def _warm(self) -> None:
        """Imports once what every command would otherwise import again in its own process."""
        if not Commands.warm:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                for command in ("plan", "apply --auto-approve", "review", "state list"):
                    run([*command.split(), str(self.root)])
            shutil.rmtree(self.root / ".reconciler")
            shutil.rmtree(self.root / "approvals")
            Commands.warm = True

    warm = False

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            shutil.rmtree(self.root)

    # --- what there is -------------------------------------------------------------------------------

    def _sandbox(self, what: Callable[[Sandbox], Any]) -> Any:
        sandbox = wiring.open_sandbox(self.root)
        try:
            return what(sandbox)
        finally:
            sandbox.close()

    def _live(self) -> Json:
        live: Json = self._sandbox(lambda sandbox: sandbox.edit(SITE_ID, lambda *_: None) or sandbox.world())
        return dict(live["sites"][SITE_ID])

    def _posts(self) -> dict[str, Post]:
        return {key: wire_posts.one_post({"item": record["item"]}) for key, record in self._live()["items"].items()}

    def _file(self) -> Path:
        return self.root / "approvals" / "shop.yaml"

    def _approvals(self) -> Approvals | None:
        """None if the file cannot be read."""
        try:
            return read_approvals(self._file(), "shop") if self._file().exists() else Approvals()
        except InvalidFiles:
            return None

    def _write_site(self) -> None:
        (self.root / "sites/shop.yaml").write_text(SITE.format(**self.site))

    # --- commands --------------------------------------------------------------------------------------

    def command(self, *args: str, moment: Moment | None = None) -> tuple[int, str]:
        """Runs a command in its own process to its end: code (negative: killed) and output."""
        before = self._posts()
        number = len(self.said)
        out, (hears, tells), (waits, goes_on) = self.root / f"out-{number}", os.pipe(), os.pipe()
        self.said.append(" ".join(args))
        child = fork()
        if child == 0:
            self._in_child(args, out, moment, (tells, waits), (hears, goes_on))
        os.close(tells)
        os.close(waits)
        if os.read(hears, 1) and moment is not None:
            moment.what(child)
            with suppress(BrokenPipeError):
                os.write(goes_on, b"x")
        _, status = os.waitpid(child, 0)
        os.close(hears)
        os.close(goes_on)
        code, said = os.waitstatus_to_exitcode(status), out.read_text()
        self.said[number] += f" -> {code}"
        self._look(before)
        assert "Traceback" not in said, said
        assert "bug" not in said.lower(), said
        assert code == -signal.SIGKILL or code in EXPECTED[args[0]], (args, code, said)
        return code, said

    def _in_child(
        self, args: tuple[str, ...], out: Path, moment: Moment | None, mine: tuple[int, int], others: tuple[int, int]
    ) -> None:
        status = 70
        try:
            for number in others:
                os.close(number)
            tells, waits = mine
            file = os.open(out, os.O_WRONLY | os.O_CREAT)
            for number in (1, 2):
                os.dup2(file, number)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)

            def stop() -> None:
                os.write(tells, b"x")
                os.read(waits, 1)

            if moment is not None:
                at, after = moment.at, moment.after
                wiring._asgi = lambda world: Stopping(world, at, after, stop)
            os.chdir(self.root)
            status = run([args[0], *args[1:]])
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def _look(self, before: dict[str, Post]) -> None:
        """Counts what has been scheduled since the last call, with the content that it had."""
        requests = self._sandbox(lambda sandbox: sandbox.requests())
        fresh, self.seen = requests[self.seen :], len(requests)
        for request in fresh:
            if request["wrote"] and request["path"].endswith("/schedule-drafts"):
                for id in json.loads(request["body"])["draftIds"]:
                    key = (id, str(before[id].digest))
                    self.by_tool.add(id)
                    self.scheduled[key] += 1
                    assert self.scheduled[key] <= self.allowed[key], f"{key} was scheduled {self.scheduled[key]} times"

    def _people(self, act: Callable[[], object]) -> None:
        """People change the approvals file: what they approve this way may be scheduled once more."""

        def said_yes() -> set[tuple[str, str, str, int]]:
            drafts = [draft for activity in (self._approvals() or Approvals()).activities for draft in activity.drafts]
            return {
                (draft.id, str(draft.content.digest), draft.digest, draft.cancelled)
                for draft in drafts
                if draft.decision is DraftDecision.APPROVE
            }

        before = said_yes()
        act()
        for id, content, *_ in said_yes() - before:
            self.allowed[id, content] = max(self.allowed[id, content], self.scheduled[id, content] + 1)

    def _apply(self, *args: str, moment: Moment | None = None) -> None:
        code, said = self.command("apply", "--auto-approve", "--allow-publish", *args, moment=moment)
        if code == 0 and moment is None and not args:
            self._only_what_is_approved_waits(said)

    def _only_what_is_approved_waits(self, said: str) -> None:
        approvals = self._approvals()
        days: dict[str, str] = {}
        assert approvals is not None
        for record in self._live()["activities"].values():
            days |= dict.fromkeys(record["items"], record["date"])
        for id, post in self._posts().items():
            if post.status is not PostStatus.SCHEDULED or id not in self.by_tool:
                continue
            activity, draft = approvals.activity_of(post.id), approvals.draft(post.id)
            assert draft is not None and activity is not None, (id, said)  # noqa: PT018 - one fact
            assert draft.decision is DraftDecision.APPROVE, (id, said)
            assert draft.names(post, datetime.fromisoformat(days[id])), (id, said)
            assert self.site["paused"] != "cancel", (id, said)

    # --- rules -----------------------------------------------------------------------------------------

    @rule()
    def apply(self) -> None:
        self._apply()

    @rule(
        which=st.sampled_from(["approve", "approve", "withdraw", "discard", "regenerate", "delete"]),
        number=st.integers(0, 1),
    )
    def decide(self, which: str, number: int) -> None:
        self._people(lambda: self._edit(which, number))

    def _edit(self, which: str, number: int) -> None:
        patterns = {
            "approve": (r"decision: pending (sha256:)", r"decision: approve \1"),
            "withdraw": (r"decision: approve (sha256:)", r"decision: pending \1"),
            "discard": (r"decision: keep (\w+)", r"decision: discard \1"),
            "regenerate": (r"decision: keep (\w+)", r"decision: regenerate \1"),
        }
        if not self._file().exists():
            return
        if which == "delete":
            self._file().unlink()
            return
        pattern, by = patterns[which]
        text = self._file().read_text()
        if found := list(re.finditer(pattern, text)):
            edited = found[number % len(found)]
            self._file().write_text(text[: edited.start()] + edited.expand(by) + text[edited.end() :])

    @rule()
    def review(self) -> None:
        self.command("review")

    @rule()
    def review_and_approve(self) -> None:
        self.command("review")
        self._people(lambda: self.command("approve", "--all", "--yes"))

    @rule()
    def approve_and_apply(self) -> None:
        self.review_and_approve()
        self._apply()

    @rule()
    def save_a_plan(self) -> None:
        (self.root / "saved.plan").unlink(missing_ok=True)
        self.command("plan", "--out", "saved.plan")

    @precondition(lambda self: (self.root / "saved.plan").exists())
    @rule()
    def carry_out_the_saved_plan(self) -> None:
        self._apply("saved.plan")

    @rule(at=st.integers(0, 14), after=st.booleans(), approved=st.booleans(), saved=st.booleans())
    def killed(self, at: int, after: bool, approved: bool, saved: bool) -> None:
        """An apply that is killed at a request."""
        if approved:
            self.review_and_approve()
        self._apply(*self._saved(saved), moment=Moment(at, after, lambda pid: os.kill(pid, signal.SIGKILL)))

    @rule(
        at=st.integers(0, 14),
        after=st.booleans(),
        saved=st.booleans(),
        other=st.sampled_from(["apply", "saved", "review", "withdraw", "forget", "drift"]),
        approved=st.booleans(),
    )
    def two_at_once(self, at: int, after: bool, saved: bool, other: str, approved: bool) -> None:
        """Another command, or a decision, in the middle of an apply."""
        if approved:
            self.review_and_approve()

        def beside(_pid: int) -> None:
            match other:
                case "apply" | "saved":
                    self._apply(*self._saved(other == "saved"), moment=Moment(-1, False, lambda _: None))
                case "withdraw":
                    self.decide("withdraw", 0)
                case "forget":
                    self.forget_the_site()
                case _:
                    self.command(other)

        self._apply(*self._saved(saved), moment=Moment(at, after, beside))

    def _saved(self, saved: bool) -> tuple[str, ...]:
        return ("saved.plan",) if saved and (self.root / "saved.plan").exists() else ()

    @rule()
    def forget_the_site(self) -> None:
        if self.command("state", "forget", "shop", "--force")[0] == 0:
            self.by_tool.clear()

    @rule()
    def move_the_record(self) -> None:
        """To another id, and back later: in between, nothing is known about the site."""
        ids = (OTHER_ID, SITE_ID) if self.moved else (SITE_ID, OTHER_ID)
        if self.command("state", "mv", *ids)[0] == 0:
            self.moved = not self.moved
            self.by_tool.clear()

    @rule(
        tone=st.sampled_from(["dry", "warm"]),
        paused=st.sampled_from(["false", "false", "hold", "cancel"]),
        most=st.integers(1, 2),
    )
    def commit(self, tone: str, paused: str, most: int) -> None:
        self.site |= {"tone": tone, "paused": paused, "most": most}
        self._write_site()

    @rule(which=st.integers(0, 3), how=st.sampled_from(["caption", "cancel", "draft", "draft", "date", "by hand"]))
    def somebody_in_the_dashboard(self, which: int, how: str) -> None:
        posts = [(id, post) for id, post in sorted(self._posts().items()) if post.status not in (PostStatus.PUBLISHED,)]
        if not posts:
            return
        id, post = posts[which % len(posts)]

        def act(sandbox: Sandbox) -> None:
            match how:
                case "caption" if post.status in (PostStatus.DRAFT, PostStatus.SCHEDULED):
                    sandbox.dashboard.edit_item(SITE_ID, id, caption=f"Changed {len(self.said) % 2}")
                case "cancel" if post.status is PostStatus.SCHEDULED:
                    sandbox.dashboard.cancel_item(SITE_ID, id)
                case "by hand" if post.status is PostStatus.DRAFT:
                    self.by_tool.discard(id)
                    sandbox.dashboard.schedule_item(SITE_ID, id, instant(sandbox.now() + timedelta(hours=50)))
                case "draft" if post.status in (PostStatus.CANCELED, PostStatus.SCHEDULED):
                    sandbox.edit(SITE_ID, lambda site, *_: _back_to_draft(site.items[id]["item"]))
                case "date":
                    for activity, record in self._live()["activities"].items():
                        if id in record["items"]:
                            sandbox.dashboard.edit_activity(SITE_ID, activity, date="2026-11-08T08:00:00.000Z")
                case _:
                    pass

        self._sandbox(act)

    @rule(hours=st.sampled_from([1, 20, 60]))
    def time_passes(self, hours: int) -> None:
        self._sandbox(lambda sandbox: sandbox.advance(timedelta(hours=hours)))

    def _come_to_rest(self) -> None:
        if self.moved:
            self.move_the_record()
        if self._approvals() is None:
            self._file().unlink()
        for _ in range(MOST_RUNS):
            self._apply()
            _, said = self.command("plan")
            if "No changes" in said:
                return
        raise AssertionError(f"still something to do after {MOST_RUNS} runs: {said}\n" + "\n".join(self.said))


def _back_to_draft(item: Json) -> None:
    item["status"] = "DRAFT"
    item.pop("schedulingInfo", None)


class ManyCommands(Commands):
    """The same, many times over."""


SOME = settings(max_examples=2, stateful_step_count=6, deadline=None, suppress_health_check=list(HealthCheck))
TestCommands = Commands.TestCase
TestCommands.settings = SOME
TestManyCommands = pytest.mark.exhaustive(ManyCommands.TestCase)
TestManyCommands.settings = settings(SOME, max_examples=40, stateful_step_count=14)
