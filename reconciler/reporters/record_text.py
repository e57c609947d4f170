"""What the state has recorded about a site, as text: titles and channels if they are known, otherwise ids.

JSON has all of it, with every id and digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.address import Kind
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.operations import SitePart
from reconciler.model.plurals import plural
from reconciler.model.posts import ActivityId, PostId, PostStatus, name_of, post_name, shown_account
from reconciler.model.settings import normal_texts
from reconciler.model.sites import FORMER_NAME, Inputs, PublishedPost, RecordedSite
from reconciler.model.text import spoken
from reconciler.model.writes import FieldChange
from reconciler.model.yaml_text import yaml_text
from reconciler.planner.baseline import WAS_CANCELLED
from reconciler.planner.changes import same_plain
from reconciler.planner.generation import FAILED_GENERATION
from reconciler.planner.gone_out import GONE, STOPPED, is_gone, is_stopped
from reconciler.planner.used_approvals import ADOPTED, USED, adopted_key, adopted_posts, times_known
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.values import LONG, change_row, is_read_by_parts, quoted, yaml
from reconciler.reporters.words import moment, on_account, short

MOST_TITLES: Final = 6
"""How many activities are named if their posts are alike; the rest are counted."""


def listed(texts: Iterable[str], screen: Screen) -> Iterator[str]:
    """Lines of a section."""
    for text in texts:
        yield from _line((Span(text),), screen)


def _line(spans: Iterable[Span], screen: Screen) -> Iterator[str]:
    yield from wrapped(tuple(spans), screen, indent=2, hang=4)


def input_lines(inputs: Inputs | None, screen: Screen, used: Inputs | None = None) -> Iterator[str]:
    """What a marketing plan is, or is to be, made from.

    `used`: what the current one was made from. For a long value that is different now, what differs is shown.
    """
    if inputs is None:
        return
    if inputs == Inputs():
        yield "  no settings and no events"
    now, before = dict(_by_name(inputs)), dict(_by_name(used or Inputs()))
    for name, value in now.items():
        other = before.get(name)
        if other is None or same_plain(other, value) or not _is_read_by_parts(other, value):
            yield from _line((Span(f"{name}: {yaml(value)}"),), screen)
            continue
        changed = change_row(FieldChange("", other, value)).spans
        since = Span("changed since the marketing plan was generated:", Style.DIM)
        yield from _line((Span(f"{name}:"), since, *changed), screen)


def _is_read_by_parts(other: Json, value: Json) -> bool:
    """Whether it would be hard to see how two values differ if both were shown; a short list is better shown whole."""
    short = isinstance(value, tuple) and max(len(yaml_text(other)), len(yaml_text(value))) <= LONG
    return not short and is_read_by_parts(other, value)


def _by_name(inputs: Inputs) -> Iterator[tuple[str, Json]]:
    """The values by what they are called: `toneOfVoice`, `event "Sale"`. Texts are in the form that is compared."""
    yield from ((field.path.removeprefix("settings."), normal_texts(field.value)) for field in inputs.settings)
    yield from ((f"event {quoted(name)}", normal_texts(facts)) for name, facts in inputs.events)


class RecordText:
    """One site's record. Titles come from the posts and activities that this tool made or scheduled there."""

    def __init__(self, recorded: RecordedSite, screen: Screen) -> None:
        self._recorded = recorded
        self._screen = screen
        self._titles = {post.activity: post.title for post in recorded.published if post.title}
        self._titles |= {activity.id: activity.title for activity in recorded.created}
        self._outcomes = {outcome.post: outcome for outcome in reversed(recorded.outcomes)}

    def applied(self) -> Iterator[str]:
        """What was last applied, or found to be as the files ask; scheduled posts have a section of their own."""
        recorded = self._recorded
        if recorded.applied != Inputs():
            yield from input_lines(recorded.applied, self._screen, recorded.generated_from)
        posts: dict[JsonObject, list[ActivityId]] = {}
        rules: list[str] = []
        texts: list[str] = []
        adopted = {post.id: post for post in adopted_posts(recorded) if post.channel}
        for key, facts in recorded.objects:
            kind, id = key.partition("[")[0], key.partition("[")[2].removesuffix("]")
            if kind == Kind.POSTS:
                posts.setdefault(facts, []).append(ActivityId(id))
            elif kind == Kind.RULE and (id in set(SitePart) or id == "events"):
                rules.append(id)
            elif key == FAILED_GENERATION:
                texts += ["the last generation ended FAILED"] if facts else []
            elif kind == ADOPTED or (kind in (Kind.DRAFT, USED) and id in adopted):
                texts += [_adopted(adopted[PostId(id)])] if kind == Kind.DRAFT else []
            elif kind in (GONE, STOPPED):
                continue
            elif kind == FORMER_NAME:
                texts.append(f"earlier name of the site: {id}")
            elif kind == USED:
                texts.append(f"approval of {self._named(Kind.DRAFT, id)}: counts as used")
            elif kind != Kind.DRAFT or PostId(id) not in recorded.published_by_id:
                texts.append(f"{self._named(kind, id)}: {_state(facts)}")
        texts += [f"posts of {self._activities(found)}: {_state(facts)}" for facts, found in posts.items()]
        if rules:
            texts.append(f"sections applied in full: {', '.join(rules)}")
        yield from listed(texts, self._screen)

    def identities(self) -> Iterator[str]:
        """Which objects on the site are those of the files."""
        recorded = self._recorded
        texts = [f"event {quoted(name)} has the id {event}" for name, event in recorded.event_ids]
        texts += [
            f"activity {quoted(activity.title)} on {moment(activity.target_date, 'UTC')} has the id {activity.id}"
            for activity in recorded.created
        ]
        texts += [
            f"a rule with `set` ({short(rule.rule)}) was applied to {self._activities(sorted(rule.activities))}"
            for rule in recorded.sets
        ]
        texts += [f"calendar {calendar} is not the site's own" for calendar in sorted(recorded.foreign_calendars)]
        texts += [f"event {event} is read-only" for event in sorted(recorded.foreign_events)]
        yield from listed(texts, self._screen)

    def posts(self) -> Iterator[str]:
        """What was scheduled, for when, and what became of it as far as is known."""
        for post in self._recorded.published:
            yield from self._post(post)

    def decisions(self) -> Iterator[str]:
        """The reviewers' decisions that were carried out, by activity."""
        found = (f"{decision}: {self._activities([id])}" for id, decision, _ in self._recorded.consumed)
        yield from listed(found, self._screen)

    def _post(self, post: PublishedPost) -> Iterator[str]:
        when = moment(post.scheduled_for, post.zone) if post.scheduled_for else "at a time Wix picked"
        name = post_name(post.title, post.channel, post.type)
        spans = [Span(when, Style.BOLD), Span(name if post.title else f"{name} draft[{post.id}]")]
        if post.account:
            spans.append(Span(f"on {shown_account(post.account)}"))
        outcome = self._outcomes.get(post.id)
        if outcome is not None:
            seen = "went out" if outcome.status is PostStatus.PUBLISHED else spoken(outcome.status.lower())
            spans.append(Span(": ".join(part for part in (seen, outcome.link or outcome.reason) if part)))
        elif self._is_cancelled(post):
            spans.append(Span("later cancelled"))
        elif is_gone(self._recorded, post):
            spans.append(Span("no longer on the site"))
        spans.append(Span(f"scheduled {moment(post.done_at, post.zone)}", Style.DIM))
        if (times := times_known(self._recorded, post)) > 1:
            spans.append(Span(f"{times:,} times"))
        if post.approver:
            spans.append(Span(f"approved by {post.approver}"))
        if post.commit:
            spans.append(Span(f"commit {post.commit[:12]}", Style.DIM))
        return wrapped(spans, self._screen, indent=2, hang=4)

    def _is_cancelled(self, post: PublishedPost) -> bool:
        by_apply = self._recorded.object(f"{Kind.DRAFT}[{post.id}]") == WAS_CANCELLED
        return by_apply or is_stopped(self._recorded, post)

    def _activities(self, ids: list[ActivityId]) -> str:
        """`"Sale", "Open day" and 3 more activities`, or `3 activities` if no title is known."""
        named = [quoted(self._titles[id]) for id in ids if id in self._titles][:MOST_TITLES]
        more = len(ids) - len(named)
        if not named:
            return f"activity {ids[0]}" if more == 1 else plural(more, "activity", "activities")
        return ", ".join(named) + (f" and {plural(more, 'more activity', 'more activities')}" if more else "")

    def _named(self, kind: str, id: str) -> str:
        """An object by name: `event "Sale"`, `activity "Open day"`, or `draft[...]` if no title is known."""
        if not id:
            return spoken(kind)
        if kind == Kind.ACTIVITY and (title := self._titles.get(ActivityId(id))):
            return f"activity {quoted(title)}"
        post = self._recorded.published_by_id.get(PostId(id), ())
        if post and post[0].title:
            return f"{kind} {name_of(post[0])}"
        if (found := self._recorded.object(adopted_key(PostId(id)))) is not None:
            return f"{kind} {post_name(*(str(found[name]) for name in ('title', 'channel', 'type')))}"
        return f"{kind} {quoted(id)}" if kind in set(Kind) and Kind(kind).has_names else f"{kind}[{id}]"


def _adopted(post: PublishedPost) -> str:
    """A post that counts as this tool's own, though somebody else scheduled it."""
    when = f" for {moment(post.scheduled_for, post.zone)}" if post.scheduled_for else ""
    where = on_account(post.account)
    return f"{Kind.DRAFT} {name_of(post)}: scheduled{when}{where}, by somebody else"


def _state(facts: JsonObject) -> str:
    """`present` for `{state: present}`; anything else as YAML."""
    if facts == WAS_CANCELLED:
        return "cancelled"
    return str(facts["state"]) if set(facts) == {"state"} else yaml(facts)
