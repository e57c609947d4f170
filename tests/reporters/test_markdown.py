"""The Markdown format: one comment, within its budget, in which no text is obeyed."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from reconciler.engine.results import Event, PlanCompleted
from reconciler.model.address import Address, Kind, SiteName
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.markdown import COMMENT, MARKER, MarkdownReporter
from tests.hostile import CAPTIONS
from tests.reporters.endings import Run, endings, exits, full_plan, planned, started, unread

RUNS = dict(endings(str))


def comment(run: Run) -> str:
    out = io.StringIO()
    reporter = MarkdownReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return out.getvalue()


class Frames(HTMLParser):
    """The tags that are open around each text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loose: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        assert tag in {"p", "ul", "li", "code", "pre", "details", "summary"}
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.tags):
            self.loose.append(data)


@pytest.mark.parametrize("name", RUNS)
def test_one_marker_and_every_tag_is_closed(name: str) -> None:
    text = comment(RUNS[name])
    assert text.startswith(MARKER + "\n")
    assert text.count(MARKER) == 1
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []
    assert len(text) <= COMMENT


@pytest.mark.parametrize("text", ["html", "markdown", "mentions", "workflow", "yaml"])
def test_texts_are_only_in_frames(text: str) -> None:
    """Everything outside `<code>` and `<pre>`, where a forge looks for markup and mentions, is this tool's own."""
    for name, run in endings(lambda word: f"{word} {CAPTIONS[text]}"):
        frames, plain = Frames(), Frames()
        frames.feed(comment(run))
        plain.feed(comment(RUNS[name]))
        assert frames.loose == plain.loose, name


def test_the_end_comes_first_then_what_is_risky_then_the_sites() -> None:
    text = comment(RUNS["a site that cannot be read"])
    order = [
        "Plan",
        "❌ <code>lost: w-unread",
        "📣 <code>shop</code> 1 to publish",
        "⚠️",
        "<details>",
        "Exit code 1",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def many(sites: int) -> Run:
    """Sites of which no two have the same."""
    plans = [planned(full_plan(lambda word, n=n: f"{word} {n}", f"site-{n}")) for n in range(sites)]  # type: ignore[misc]
    tally = sum((plan.tally for plan in plans), PlanTally())
    events: list[Event] = [*started("plan"), *plans, unread(str), PlanCompleted(sites + 1, tally, failed=1), exits(1)]
    return Run("plan", events)


def test_a_comment_says_what_it_left_out() -> None:
    text = comment(many(400))
    assert len(text) <= COMMENT
    assert "❌ <code>lost: w-unread" in text  # the most serious item is there, although it came last
    shown = text.count("<details>")
    (left,) = re.findall(
        r"^Left out because the comment is full: (?:(\d+) risky items? and )?(\d+) sites?\.", text, re.MULTILINE
    )
    assert shown + int(left[1]) == 400
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []


def test_what_many_sites_share_is_reported_once() -> None:
    plans = [planned(full_plan(str, f"site-{number}")) for number in range(400)]
    lost = [unread(str, f"lost-{number}") for number in range(12)]
    text = comment(Run("plan", (*started("plan"), *plans, *lost, PlanCompleted(412, failed=12), exits(1))))
    assert text.count("<details>") == 1
    assert "<summary>Same on 400 sites (<code>site-0</code>, <code>site-1</code>, <code>site-2</code>, …): " in text
    assert (
        "❌ 12 sites (<code>lost-0</code>, <code>lost-1</code>, <code>lost-2</code>, …): <code>w-unread; w-again"
        in text
    )
    assert "📣 400 sites (<code>site-0</code>, <code>site-1</code>, <code>site-2</code>, …) 1 to publish each" in text
    assert "⚠️ 400 sites (" in text
    assert "Left out" not in text


def test_what_one_site_has_several_times_is_counted() -> None:
    plan = full_plan(str)
    (first,) = plan.blocked
    others = tuple(replace(first, address=Address(SiteName("shop"), Kind.DRAFT, f"d{n}")) for n in range(3))
    text = comment(Run("plan", (planned(replace(plan, blocked=(first, *others))), PlanCompleted(1), exits(0))))
    assert "⚠️ <code>shop</code> (4 times): <code>w-blocked; w-blocked-fix</code>" in text


def test_a_comment_in_which_all_fits_says_nothing_of_it() -> None:
    assert "Left out" not in comment(many(3))
