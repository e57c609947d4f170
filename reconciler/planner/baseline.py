"""Which parts of a site, beyond settings and events, match its file: the recorded side of drift.

A plan says what already matches the file. A run records that, together with what its own calls did and under which
rules. Without this record, nobody could tell a changed file from a changed site, or either from the passing of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias, assert_never

from reconciler.model.activities import (
    Activity,
    ActivityRule,
    DeleteActivity,
    DesiredActivity,
    PostsRule,
    RemoveActivities,
    SetActivities,
)
from reconciler.model.address import Kind
from reconciler.model.address import key_of as key_of
from reconciler.model.approvals import DraftDecision
from reconciler.model.canonical import Digest, JsonObject, digest_of, freeze, same
from reconciler.model.codec import to_plain
from reconciler.model.marketing_plan import MarketingPlan, MarketingPlanOperation, PlanStatus
from reconciler.model.operations import Operation, SitePart
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.live_posts import live_posts
from reconciler.planner.matching import decide, find_created, in_order
from reconciler.planner.options import Scope
from reconciler.planner.posts import decide_posts

Objects: TypeAlias = tuple[tuple[str, JsonObject], ...]
"""Pairs of an address within a site and facts, as in `RecordedSite.objects`."""

PRESENT = JsonObject({"state": "present"})
ABSENT_NOW = JsonObject({"state": "absent"})
SCHEDULED = JsonObject({"state": "scheduled"})
WAS_CANCELLED = JsonObject({"state": "taken back"})
"""Facts of a post that this tool itself cancelled or threw away. Existing states have this value, so it is fixed."""


def knows_marketing_plan(recorded: RecordedSite) -> bool:
    """Whether the site had a marketing plan at the last apply."""
    remembered = recorded.object(key_of(Kind.MARKETING_PLAN))
    return recorded.generated_from is not None if remembered is None else remembered == PRESENT


def approval_key(post: str) -> str:
    """The key that records that a draft was found approved before it was due."""
    return f"approval[{post}]"


def approval_of(content: Digest) -> JsonObject:
    """The facts under `approval_key`: the content that was approved."""
    return JsonObject({"approved": content})


RULE_OF_EVENTS = key_of(Kind.RULE, "events")

# --- rules -----------------------------------------------------------------------------------------


def rules_of(desired: DesiredSite, *, public: bool = True) -> Objects:
    """The digest of each part's rules: if it differs, the file has changed.

    If nothing public is planned, the schedule is not carried out in full, so its rules are left out.
    """
    rules = {
        SitePart.ACTIVITIES: to_plain(desired.activities),
        SitePart.POSTS: to_plain(desired.posts),
        SitePart.SCHEDULE: [to_plain(desired.schedule)] if desired.schedule else [],
    }
    if not public:
        del rules[SitePart.SCHEDULE]
    return (
        (RULE_OF_EVENTS, rule_of_events(desired.events.prune if desired.events else None)),
        *((key_of(Kind.RULE, part), _digested(found)) for part, found in rules.items()),
    )


def rule_of_events(prune: bool | None) -> JsonObject:
    """The rule of the events: whether an unlisted one is deleted. `prune` None: the file manages no events."""
    return JsonObject({"prune": prune})


def _digested(rules: object) -> JsonObject:
    return JsonObject({"digest": digest_of(freeze(rules))}) if rules else _NO_RULES


_NO_RULES = JsonObject({"digest": digest_of(())})
"""The digest of a part without rules. It is common, so it is computed only once."""


def rule_of(operation: Operation) -> str | None:
    """The key of the rules that ask for an operation."""
    return key_of(Kind.RULE, operation.rules) if operation.rules else None


def completed_rules(plan: Plan, left: Iterable[Operation]) -> Objects:
    """The rules of the parts that have been carried out in full. `left` are the operations that have not."""
    open_rules = {rule_of(action) for action in left}
    return tuple((key, facts) for key, facts in plan.rules if key not in open_rules)


# --- objects ---------------------------------------------------------------------------------------


def baseline(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, scope: Scope) -> Objects:
    """The objects of a site that match its file, and the rules of the parts with nothing left to do.

    Approved drafts only count if the plan has the rules of the schedule: if nothing public is planned, they may be due.
    """
    live = observed.marketing_plan
    if live is None:
        return ()
    found: dict[str, JsonObject] = {}
    if desired.marketing_plan is not None:
        found |= _marketing_plan(desired.marketing_plan.present, live)
    if live.status is not PlanStatus.ACTIVE or _is_renewed(plan):
        return tuple(sorted(found.items()))
    changing = {str(action.address) for action in plan.actions} | {str(problem.address) for problem in plan.blocked}
    changing |= {str(scope.address(Kind.DRAFT, post)) for post in _thrown_away(plan, live)}
    objects = {
        **activities_as_asked(desired.activities, live.activities, recorded, scope),
        **posts_as_asked(desired.posts, live.activities, scope),
        **(_approved(desired, live) if key_of(Kind.RULE, SitePart.SCHEDULE) in dict(plan.rules) else {}),
    }
    for key, facts in objects.items():
        if f"{plan.site.name}/{key.replace('approval[', 'draft[')}" not in changing:
            found[key] = facts
    found |= dict(completed_rules(plan, (action.operation for action in plan.actions)))
    return tuple(sorted(found.items()))


def _thrown_away(plan: Plan, live: MarketingPlan) -> Iterator[str]:
    """The drafts that disappear because of the plan's changes: their approvals need not be recorded."""
    for action in plan.actions:
        yield from action.operation.discards
    deleted = {action.operation.id for action in plan.actions if isinstance(action.operation, DeleteActivity)}
    yield from (post.id for activity in live.activities if activity.id in deleted for post in activity.posts)


def _is_renewed(plan: Plan) -> bool:
    return any(isinstance(action.operation, MarketingPlanOperation) for action in plan.actions)


def _marketing_plan(wanted: bool, live: MarketingPlan) -> dict[str, JsonObject]:
    key = key_of(Kind.MARKETING_PLAN)
    if wanted and live.status is PlanStatus.ACTIVE:
        return {key: PRESENT}
    return {key: ABSENT_NOW} if not wanted and live.status is PlanStatus.NEVER_CREATED else {}


def activities_as_asked(
    rules: tuple[ActivityRule, ...], activities: tuple[Activity, ...], recorded: RecordedSite, scope: Scope
) -> dict[str, JsonObject]:
    """The activities that still have the values that a rule gave them."""
    created = find_created(rules, activities, recorded)
    decided = decide(rules, in_order(activities), created, recorded, scope)
    found: dict[str, JsonObject] = {}
    for index, rule in enumerate(rules):
        match rule:
            case DesiredActivity():
                if index in created and _has(created[index], rule.facts()):
                    found[key_of(Kind.ACTIVITY, created[index].id)] = rule.facts()
            case SetActivities():
                values = JsonObject(dict(rule.values()))
                found |= {
                    key_of(Kind.ACTIVITY, activity.id): values for activity in decided[index] if _has(activity, values)
                }
            case RemoveActivities():
                pass
            case _:
                assert_never(rule)
    return found


def _has(activity: Activity, values: JsonObject) -> bool:
    facts = activity.facts()
    return all(same(facts[path], values[path]) for path in values)


def posts_as_asked(
    rules: tuple[PostsRule, ...], activities: tuple[Activity, ...], scope: Scope
) -> dict[str, JsonObject]:
    """The activities that have posts, or none, as a rule asks."""
    decided = decide_posts(rules, activities, scope)
    return {
        key_of(Kind.POSTS, activity.id): PRESENT if rule.present else ABSENT_NOW
        for index, rule in enumerate(rules)
        for activity in decided[index]
        if bool(live_posts(activity)) is rule.present
    }


def _approved(desired: DesiredSite, live: MarketingPlan) -> dict[str, JsonObject]:
    """Approved drafts. When one becomes due, this record shows that only time has passed and no file has changed."""
    drafts = {draft.id: (draft, activity.date) for activity in live.activities for draft in activity.drafts}
    return {
        approval_key(draft.id): approval_of(draft.digest)
        for activity in desired.approvals.activities
        for draft in activity.drafts
        if draft.decision is DraftDecision.APPROVE and draft.id in drafts and draft.names(*drafts[draft.id])
    }
