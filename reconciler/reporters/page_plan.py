"""A planned site in an HTML report: what is wrong, then each action with its reason and what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.engine.site_results import SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import class_of
from reconciler.model.plurals import plural
from reconciler.model.posts import PostStatus, account_id, name_of
from reconciler.model.schedule import ScheduleOperation
from reconciler.model.writes import ActionClass, FieldChange, Verb
from reconciler.planner.actions import Action, BlockedBy, Plan
from reconciler.planner.edits import MOMENT, edit_key
from reconciler.planner.reasons import IN_REVIEW, REASONS, facts_behind
from reconciler.reporters import words
from reconciler.reporters.cards import sides_of
from reconciler.reporters.context import CallsOf
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.items import CLASS_RANKS, Rank
from reconciler.reporters.kinds.base import SYMBOLS
from reconciler.reporters.kinds.registry import action_text, precondition
from reconciler.reporters.markup import bullets, link, text, word_diff
from reconciler.reporters.page_rows import (
    Entered,
    SiteRow,
    entered_going_out,
    entered_post,
    facts,
    going_out_item,
    line,
    notes,
    outcome_look,
    problem_item,
    two_values,
)
from reconciler.reporters.same_names import with_ids_if_needed

STATES: Final = {
    Rank.STILL_GOING_OUT: ("still going out", "bad"),
    Rank.FAILED: ("failed", "bad"),
    Rank.REFUSED: ("refused", "bad"),
    Rank.BLOCKED: ("blocked", "warn"),
    Rank.PUBLIC: ("goes public", "public"),
    Rank.DISCARDING: ("discards drafts", "warn"),
    Rank.COSTLY: ("generates", "calm"),
    Rank.SAFE: ("changes", "calm"),
    Rank.NOTE: ("nothing to do", "soft"),
}
"""What a site's plan is about, in a word, by its most serious part."""

EDITED: Final = ' <span class="tag warn">edited on the site since the last apply</span>'
"""Markup beside what somebody changed and the plan overwrites."""

_COSTLY: Final = {Verb.GENERATE: "generates", Verb.DELETE: "deletes"}
"""The words for a plan whose most serious part is costly."""


def planned_row(planned: SitePlanned, calls_of: CallsOf | None = None) -> SiteRow:
    """A site that was planned."""
    plan, tally = planned.plan, planned.tally
    rank = _rank(plan)
    state, style = STATES[rank]
    if rank is Rank.PUBLIC and all(class_of(action.operation) is not ActionClass.PUBLIC for action in plan.actions):
        state, style = "cancels posts", "warn"
    if rank is Rank.COSTLY:
        verbs = {action.operation.verb for action in plan.actions}
        state = " and ".join(word for verb, word in _COSTLY.items() if verb in verbs)
    counts = (
        ("add", tally.add),
        ("change", tally.change),
        ("destroy", tally.destroy),
        ("generate", tally.generate),
        ("discard", tally.discard),
        ("publish", tally.publish),
        ("cancel", tally.cancel),
        ("blocked", tally.blocked),
        ("waiting for review", tally.to_review),
    )
    zone = plan.time_zone
    parts = [
        bullets((going_out_item(post, zone) for post in plan.still_going_out), "items bad"),
        bullets((problem_item(refusal, "refused") for refusal in plan.refusals), "items bad"),
        bullets((_blocked(problem, zone) for problem in plan.blocked), "items warn"),
        bullets((_action(action, plan, calls_of) for action in with_ids_if_needed(plan.actions)), "items"),
        bullets(_ended(plan), "items"),
        bullets(
            (line("?", "draft", text(f"{name_of(draft)}: {IN_REVIEW[draft.state]}")) for draft in plan.to_review),
            "items",
        ),
        notes([cause(note) for note in plan.notes]),
        facts(planned.seconds, planned.reads if calls_of else ()),
    ]
    posts = tuple(_posts(plan))
    return SiteRow(planned.name, rank, state, style, counts, "".join(parts), planned.labels, posts)


def refused_row(planned: SitePlanned) -> SiteRow:
    """A site whose plan was refused, among those that were worked on."""
    state, style = STATES[Rank.REFUSED]
    why = bullets((problem_item(refusal, state) for refusal in planned.plan.refusals), "items bad")
    return SiteRow(planned.name, Rank.REFUSED, state, style, (), why, planned.labels)


def _rank(plan: Plan) -> Rank:
    """The most serious part of a plan."""
    if plan.still_going_out:
        return Rank.STILL_GOING_OUT
    if plan.refusals:
        return Rank.REFUSED
    if plan.blocked:
        return Rank.BLOCKED
    found = min((CLASS_RANKS[class_of(action.operation)] for action in plan.actions), default=Rank.NOTE)
    return Rank.DISCARDING if found > Rank.DISCARDING and plan.discarded else found


def _posts(plan: Plan) -> Iterator[Entered]:
    name, zone = plan.site.name, plan.time_zone
    found = [entered_going_out(post, name, zone) for post in plan.still_going_out]
    going_out = {post.address for post in plan.still_going_out}
    look = ("refused", "bad") if plan.refusals else ("", "")
    found += [
        entered_post(action.operation, action.requires, name, zone, *look)
        for action in plan.actions
        if action.address not in going_out or not (plan.refusals or action.operation.verb is Verb.CANCEL)
    ]
    yield from (entered for entered in found if entered is not None)
    yield from ended_in_calendar(plan)


def _action(action: Action, plan: Plan, calls_of: CallsOf | None) -> str:
    operation = action.operation
    said = action_text(action, plan.time_zone)
    moved = EDITED if edit_key(action.address, MOMENT) in plan.edited else ""
    found = line(SYMBOLS[operation.verb], said.subject, text(said.text) + moved)
    found += f'<div class="why">Why: {text(reason_of(action, plan.time_zone))}</div>'
    edited = {change.path for change in said.changes if edit_key(action.address, change.path) in plan.edited}
    found += _changes(said.changes, edited)
    discarded = plan.discarded_by(operation)
    if discarded:
        names = [
            text(name_of(draft)) + (' <span class="tag warn">approved</span>' if draft.approved else "")
            for draft in discarded
            if draft.channel
        ]
        if names and (others := len(discarded) - len(names)):
            names.append(f"{others:,} more")
        found += f'<div class="why">Discards {plural(len(discarded), "draft")}{":" if names else ""}</div>'
        found += bullets(names, "names")
    if calls_of:
        details = [f"address: {action.address.shown}", f"class: {class_of(operation)}", f"reason: {action.reason}"]
        if isinstance(operation, ScheduleOperation) and operation.account:
            details.append(f"account id: {account_id(operation.account)}")
        details += [f"call: {call}" for call in calls_of(operation, plan.site)]
        details += [f"needs: {precondition(required)}" for required in action.requires]
        found += f'<pre class="explain">{"<br>".join(map(text, details))}</pre>'
    return found


def reason_of(action: Action, zone: str) -> str:
    """Why an action is planned, in words, with the facts behind it."""
    why = REASONS[action.reason]
    facts = facts_behind(action.reason, action.details, action.grounds, zone)
    found = ", ".join(fact.removeprefix("settings.") for fact in facts)
    return f"{why}: {found}" if found else why


def _changes(changes: Sequence[FieldChange], edited: set[str]) -> str:
    rows = []
    for change in changes:
        note = EDITED if change.path in edited else ""
        name, shown = text(change.path.removeprefix("settings.")), two_values(change.before, change.after)
        rows.append(f'<dt>{name}</dt><dd dir="auto">{shown}{note}</dd>')
    return f'<dl class="changes">{"".join(rows)}</dl>' if rows else ""


def _blocked(problem: Diagnostic, zone: str) -> str:
    """What blocks a post; what differs from the reviewed content, word by word."""
    rows = ""
    for found in problem.differences:
        rows += f'<dt>{text(found.field)}</dt><dd dir="auto">{word_diff(*sides_of(found, zone))}</dd>'
    word = "went out" if problem.code == BlockedBy.WENT_OUT_UNWANTED else "blocked"
    return problem_item(problem, word) + (f'<dl class="changes">{rows}</dl>' if rows else "")


def _ended(plan: Plan) -> Iterator[str]:
    """What became of posts since the last run."""
    posts = {post.post: post for post in plan.ended}
    for outcome in plan.bindings.outcomes:
        post = posts[outcome.post]
        when = f" {words.moment(post.moment, plan.time_zone)}" if post.moment else ""
        account = words.on_account(post.account)
        said = text(f"{name_of(post)}{when}{account}")
        went_out = outcome.status is PostStatus.PUBLISHED
        why = link(outcome.link) if went_out and outcome.link else text(outcome.reason)
        found = line(">", "went out", said) if went_out else line("!", "did not go out", said)
        yield found + (f'<div class="why">{why}</div>' if why else "")


def ended_in_calendar(plan: Plan) -> Iterator[Entered]:
    """Posts that went out, or failed to, since the last run, in the calendar."""
    outcomes = {outcome.post: outcome for outcome in plan.bindings.outcomes}
    for post in plan.ended:
        if post.moment is not None:
            outcome = outcomes[post.post]
            state, style = outcome_look(outcome)
            name = plan.site.name
            yield Entered(
                post.moment, plan.time_zone, False, name, post.title, post.channel, state, style, outcome.link
            )
