"""The Markdown format: one comment, in its budget, in which nothing of a text is obeyed."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest

from reconciler.engine.results import Ended, Event, PlanCompleted
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.markdown import COMMENT, MARKER, MarkdownReporter
from tests.hostile import CAPTIONS
from tests.reporters.endings import Run, endings, full_plan, planned, started, unread

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
def test_texts_stand_in_frames_alone(text: str) -> None:
    """What is outside of `<code>` and `<pre>`, where a forge looks for markup and mentions, is of ours."""
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
    plans = [planned(full_plan(str, f"site-{number}")) for number in range(sites)]
    tally = sum((plan.tally for plan in plans), PlanTally())
    events: list[Event] = [*started("plan"), *plans, unread(str), PlanCompleted(sites + 1, tally, failed=1), Ended(1)]
    return Run("plan", events)


def test_a_comment_says_what_it_left_out() -> None:
    text = comment(many(400))
    assert len(text) <= COMMENT
    assert "❌ <code>lost: w-unread" in text  # what is gravest is there, though it came last
    shown = text.count("<details>")
    (left,) = re.findall(r"^Left out, .*: (?:(\d+) risky items? and )?(\d+) sites?\.", text, re.MULTILINE)
    assert shown + int(left[1]) == 400
    frames = Frames()
    frames.feed(text)
    assert frames.tags == []


def test_a_comment_in_which_all_fits_says_nothing_of_it() -> None:
    assert "Left out" not in comment(many(3))
