"""Whatever git does to approvals files, nothing is scheduled that nobody approved.

People review, approve, comment, merge and rebase on branches, and git itself merges; meanwhile the site changes. The
law is about what they saw when they approved: that post, its content and place, and the day of its activity.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml as pyyaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import set_decisions, update_approvals
from reconciler.model.activities import Activity
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.content import approval_digest, comparable
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.posts import Media, PostId
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import PublishedPost
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.review import Review
from reconciler.planner.review_builder import review_of
from reconciler.planner.used_approvals import times_of
from tests.planner.publishing_world import IMAGE, KNOWN, NOW, activity, desired, post, site
from tests.reviewing import entry

SHOP = SiteName("shop")
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.invalid",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.invalid",
    "GIT_EDITOR": "true",
    "PATH": os.environ["PATH"],
}
CAPTIONS = ("New mugs", "New mugs\nNow 90% off", "Come by", "Old yes\n\n# no comment")
ACCOUNTS = ("178", "999")


class Repository:
    """A clone with one approvals file, people who work on it, and the site that it is about."""

    def __init__(self, root: Path, *, first_layout: bool) -> None:
        self.root = root
        self.file = root / "shop.yaml"
        self.activities = [
            activity("a", post("d1"), post("d2", "FACEBOOK"), title="Mugs"),
            activity("b", post("d3"), days=3, title="Kiln day"),
        ]
        self.said_yes: set[tuple[str, ...]] = set()
        """What people saw when they approved, and how often it had been scheduled and cancelled."""
        self.recorded = KNOWN
        self.commits = 0
        self.branches = ["main"]
        self.git("init", "-q", "-b", "main")
        if first_layout:
            self.file.write_text(_first_layout(self.activities), "utf-8")
            self.commit()
        else:
            self.review()

    def git(self, *arguments: str) -> bool:
        done = subprocess.run(("git", *arguments), cwd=self.root, env=GIT, capture_output=True, check=False)
        return done.returncode == 0

    def commit(self) -> None:
        self.git("add", "-A")
        self.commits += 1  # the same change on two branches within a second would be one commit
        self.git("commit", "-qm", f"change {self.commits}", "--allow-empty")

    @property
    def text(self) -> str:
        return self.file.read_bytes().decode("utf-8")

    def approvals(self) -> Approvals:
        """What the file says; nothing if it cannot be read, which stops the site."""
        try:
            return read_approvals(self.file, "shop")
        except InvalidFiles:
            return Approvals()

    # --- what people do

    def review(self) -> None:
        try:
            written = update_approvals(self.text if self.file.exists() else None, SHOP, self._found().for_file())
        except InvalidFiles:
            return
        if written is not None:
            self.file.write_bytes(written.encode("utf-8"))
        self.commit()

    def approve(self, which: int) -> None:
        """Somebody reads a draft in the file as it is now, and approves it."""
        shown = [(found, draft) for found in self.approvals().activities for draft in found.drafts]
        if not shown:
            return
        found, draft = shown[which % len(shown)]
        self.said_yes.add((draft.id, approval_digest(draft.id, draft.content, found.date), str(draft.cancelled)))
        self.said_yes.add((*_as_people_read_it(draft, found.date.isoformat()), str(draft.cancelled)))
        self.file.write_bytes(set_decisions(self.text, {draft.id: DraftDecision.APPROVE}).encode("utf-8"))
        self.commit()

    def withdraw(self, which: int) -> None:
        """Somebody withdraws an approval."""
        shown = [draft.id for found in self.approvals().activities for draft in found.drafts]
        if shown:
            pending: dict[str, DraftDecision] = {shown[which % len(shown)]: DraftDecision.PENDING}
            self.file.write_bytes(set_decisions(self.text, pending).encode("utf-8"))
            self.commit()

    def decide(self, which: int, decision: ActivityDecision) -> None:
        """Somebody decides about a whole activity."""
        activities = self.approvals().activities
        if activities:
            decided = {str(activities[which % len(activities)].id): decision}
            self.file.write_bytes(set_decisions(self.text, {}, decided).encode("utf-8"))
            self.commit()

    def sort_keys(self) -> None:
        """A tool that formats YAML brings the keys into its own order."""
        if self.approvals().activities:
            text = pyyaml.safe_dump(pyyaml.safe_load(self.text), allow_unicode=True, width=200)
            self.file.write_text(re.sub(r"(date: \S+) (\S+)", r"\1T\2", text), "utf-8")
            assert self.approvals().activities
            self.commit()

    def write_beside(self, line: int, words: str) -> None:
        """Somebody adds a line of their own anywhere."""
        lines = self.text.split("\n")
        lines.insert(line % (len(lines) + 1), words)
        self.file.write_bytes("\n".join(lines).encode("utf-8"))
        self.commit()

    def branch(self) -> None:
        name = f"b{len(self.branches)}"
        self.branches.append(name)
        self.git("switch", "-qc", name)

    def switch(self, which: int) -> None:
        self.git("switch", "-q", self.branches[which % len(self.branches)])

    def merge(self, which: int, how: tuple[str, ...]) -> None:
        if not self.git("merge", "-q", "--no-edit", *how, self.branches[which % len(self.branches)]):
            self.git("merge", "--abort")

    def rebase(self, which: int, how: tuple[str, ...]) -> None:
        if not self.git("rebase", "-q", *how, self.branches[which % len(self.branches)]):
            self.git("rebase", "--abort")

    def pick(self, which: int, back: int) -> None:
        """A commit of another branch, picked by itself."""
        if not self.git("cherry-pick", "--allow-empty", f"{self.branches[which % len(self.branches)]}~{back}"):
            self.git("cherry-pick", "--abort")

    def revert(self, back: int) -> None:
        if not self.git("revert", "--no-edit", f"HEAD~{back}"):
            self.git("revert", "--abort")

    # --- what the site does

    def apply_and_take_back(self) -> None:
        """What is approved is scheduled; then somebody puts it back to the drafts in the dashboard."""
        live = {post.id: post for found in self.activities for post in found.posts}
        before = {(found.id, found.digest): found.times for found in self.recorded.published}
        for operation in self._planned():
            key = (operation.post, live[operation.post].digest)
            before[key] = before.get(key, 0) + 1
        published = tuple(
            PublishedPost(id, digest, live[id].channel, None, NOW, times) for (id, digest), times in before.items()
        )
        self.recorded = replace(self.recorded, published=published)

    def change(self, which: int, how: Callable[[Activity], Activity]) -> None:
        at = which % len(self.activities)
        self.activities[at] = how(self.activities[at])

    def _found(self) -> Review:
        live = site(*self.activities)
        wanted = desired(approvals=self.approvals())
        options = PlanOptions(NOW)
        known = self.recorded
        return review_of(wanted, live, known, make_plan(wanted, live, known, options), options)

    def _planned(self) -> list[SchedulePost]:
        wanted, live = desired(approvals=self.approvals()), site(*self.activities)
        made = make_plan(wanted, live, self.recorded, PlanOptions(NOW))
        return [action.operation for action in made.actions if isinstance(action.operation, SchedulePost)]

    def must_hold(self) -> int:
        """Nothing is planned to go out that nobody approved as it is now. Returns how much is planned."""
        live = {post.id: (found, post) for found in self.activities for post in found.posts}
        planned = self._planned()
        for operation in planned:
            found, draft = live[operation.post]
            now = entry(draft, found.date)
            times = str(times_of(self.recorded, draft.id, frozenset({draft.digest})))
            seen = {(draft.id, now.digest, times), (*_as_people_read_it(now, found.date.isoformat()), times)}
            assert seen & self.said_yes, (operation, self.text)
        return len(planned)


def _as_people_read_it(draft: DraftApproval, date: str) -> tuple[str, ...]:
    """Everything that the first layout shows of a draft; later ones name it by its digest."""
    return (draft.id, draft.channel, draft.type, comparable(draft.content.caption), *draft.content.media, date)


def _first_layout(activities: list[Activity]) -> str:
    lines = ["version: 1", "site: shop", "activities:"]
    for found in activities:
        lines += [f"  - id: {found.id}", f"    title: {found.title}", f"    date: {found.date:%Y-%m-%dT%H:%M:%SZ}"]
        lines += ["    decision: keep", "    drafts:"]
        for draft in found.posts:
            lines += [f"      - id: {draft.id}", f"        channel: {draft.channel}", f"        type: {draft.type}"]
            lines += [f"        digest: {draft.earlier_digest}", "        decision: pending"]
            lines += [f"        media: [{draft.media[0].url}]", "        caption: |", f"          {draft.caption}"]
    return "\n".join(lines) + "\n"


def reworded(caption: str) -> Callable[[Activity], Activity]:
    return lambda found: replace(
        found, posts=(replace(found.posts[0], texts=(("caption", caption),)), *found.posts[1:])
    )


def moved(account: str) -> Callable[[Activity], Activity]:
    return lambda found: replace(found, posts=tuple(replace(each, account_id=account) for each in found.posts))


def redrawn(found: Activity) -> Activity:
    other = (Media("IMAGE", "https://static.wixstatic.com/media/b.jpg"),)
    return replace(found, posts=(*found.posts[:-1], replace(found.posts[-1], media=other)))


def later(found: Activity) -> Activity:
    return replace(found, date=found.date + timedelta(days=1))


def joined(found: Activity) -> Activity:
    if any(each.id == f"{found.id}9" for each in found.posts):
        return found
    return replace(found, posts=(*found.posts, post(f"{found.id}9", caption="New mugs", media=IMAGE)))


numbers = st.integers(0, 40)
steps = st.one_of(
    st.tuples(st.just("review")),
    st.tuples(st.just("approve"), numbers),
    st.tuples(st.just("approve"), numbers),
    st.tuples(
        st.just("write_beside"), numbers, st.sampled_from(["", "# why?", "        # is the price right?", "   "])
    ),
    st.tuples(st.just("withdraw"), numbers),
    st.tuples(st.just("decide"), numbers, st.sampled_from([ActivityDecision.KEEP, ActivityDecision.DISCARD])),
    st.tuples(st.just("sort_keys")),
    st.tuples(st.just("apply_and_take_back")),
    st.tuples(st.just("pick"), st.integers(0, 3), st.integers(0, 2)),
    st.tuples(st.just("revert"), st.integers(0, 2)),
    st.tuples(st.just("branch")),
    st.tuples(st.just("switch"), st.integers(0, 3)),
    st.tuples(st.just("merge"), st.integers(0, 3), st.sampled_from([(), ("-Xours",), ("-Xtheirs",), ("-Xpatience",)])),
    st.tuples(st.just("rebase"), st.integers(0, 3), st.sampled_from([(), ("-Xours",), ("-Xtheirs",)])),
    st.tuples(
        st.just("change"),
        st.integers(0, 1),
        st.one_of(
            st.sampled_from(CAPTIONS).map(reworded),
            st.sampled_from(ACCOUNTS).map(moved),
            st.sampled_from([redrawn, later, joined]),
        ),
    ),
)


a_yes_on_a_branch = st.tuples(
    st.just(("branch",)),
    st.tuples(st.just("approve"), numbers),
    st.just(("switch", 0)),
    st.tuples(st.just("change"), st.integers(0, 1), st.sampled_from(CAPTIONS).map(reworded)),
    st.just(("review",)),
    st.tuples(st.sampled_from(["merge", "rebase"]), st.just(1), st.sampled_from([("-Xours",), ("-Xtheirs",)])),
).map(list)
"""The most common accident: an approval on one side, and new content on the other."""

a_yes_that_comes_late = st.tuples(
    st.just(("sort_keys",)),
    st.tuples(st.just("approve"), st.just(0)),
    st.just(("apply_and_take_back",)),
    st.just(("review",)),
    st.just(("branch",)),
    st.tuples(st.just("approve"), st.just(0)),
    st.just(("switch", 0)),
    st.tuples(st.just("approve"), st.just(0)),
    st.just(("apply_and_take_back",)),
    st.just(("review",)),
    st.tuples(st.sampled_from(["merge", "rebase"]), st.just(1), st.sampled_from([(), ("-Xours",), ("-Xtheirs",)])),
).map(list)
"""The other accident: a branch's approval is used on another branch and cancelled, before the branch is merged."""

histories = st.tuples(
    st.lists(steps, max_size=4),
    st.one_of(a_yes_on_a_branch, a_yes_that_comes_late, st.lists(steps, max_size=5)),
    st.lists(steps, max_size=4),
).map(lambda parts: [step for part in parts for step in part])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.booleans(), histories)
def test_no_merge_and_no_rebase_schedules_what_nobody_approved(
    first_layout: bool, taken: list[tuple[object, ...]]
) -> None:
    with TemporaryDirectory() as folder:
        repository = Repository(Path(folder), first_layout=first_layout)
        for name, *arguments in taken:
            getattr(repository, str(name))(*arguments)
            repository.must_hold()


def test_an_old_approval_never_meets_new_content_through_a_comment_in_between(tmp_path: Path) -> None:
    """Why a decision and its digest are one value: on two lines, git would merge an old approval with new content."""
    repository = Repository(tmp_path, first_layout=False)
    repository.write_beside(
        repository.text.split("\n").index("        caption: |") - 1, "        # is the price right?"
    )
    repository.branch()
    for which in range(3):
        repository.approve(which)
    repository.switch(0)
    repository.change(0, reworded("New text that nobody read: 90% off everything!"))
    repository.review()
    merged = repository.git("merge", "-q", "--no-edit", "b1")
    assert not merged, "git sees that both changed one value"
    repository.git("merge", "--abort")
    for how in ("ours", "theirs"):
        repository.git("merge", "-q", "--no-edit", f"-X{how}", "b1")
        assert repository.must_hold() == 2, "what did not change goes out"
        decided = {draft.id: draft.decision for found in repository.approvals().activities for draft in found.drafts}
        assert decided[PostId("d3")] is DraftDecision.APPROVE, "what did not change stays approved"
        repository.git("reset", "-q", "--hard", "HEAD~1")


def test_an_approval_never_outlives_the_cancellation_of_its_post(tmp_path: Path) -> None:
    """An earlier approval is never merged with the count of a later cancellation, wherever a tool puts the two."""
    repository = Repository(tmp_path, first_layout=False)
    repository.sort_keys()
    repository.approve(0)
    repository.apply_and_take_back()
    repository.review()
    repository.branch()
    repository.approve(0)
    repository.switch(0)
    repository.approve(0)
    assert repository.must_hold() == 1, "given again, it counts again"
    repository.apply_and_take_back()
    repository.review()
    assert not repository.git("merge", "-q", "--no-edit", "b1"), "git sees that both changed one value"
    repository.git("merge", "--abort")
    repository.git("merge", "-q", "--no-edit", "-Xtheirs", "b1")
    assert repository.must_hold() == 0


def test_a_decision_about_an_activity_stays_with_the_drafts_it_was_given_for(tmp_path: Path) -> None:
    repository = Repository(tmp_path, first_layout=False)
    repository.branch()
    discard = {str(repository.activities[0].id): ActivityDecision.DISCARD}
    repository.file.write_text(set_decisions(repository.text, {}, discard), "utf-8")
    repository.commit()
    repository.switch(0)
    repository.change(0, joined)
    repository.review()
    assert not repository.git("merge", "-q", "--no-edit", "b1"), "git sees that both changed one value"
    repository.git("merge", "--abort")
    repository.git("merge", "-q", "--no-edit", "-Xtheirs", "b1")
    found = repository.approvals().activity(repository.activities[0].id)
    assert found is not None
    assert (found.decision, found.counts) == (ActivityDecision.DISCARD, False)
