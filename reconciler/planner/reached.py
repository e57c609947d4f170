"""Finds names in `--target` and `--exclude` that match nothing, and `--regenerate` without effect.

Either is an error before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.marketing_plan import AwaitGeneration, Generate, Regenerate
from reconciler.model.operations import SitePart
from reconciler.model.plurals import some_of
from reconciler.model.sites import DesiredSite, ObservedSite
from reconciler.planner.actions import Plan
from reconciler.planner.events import event_key
from reconciler.planner.schedule import rule_name
from reconciler.planner.targets import (
    ByAddress,
    SelectableSite,
    SiteLabels,
    TargetFilter,
    covers_site,
    is_like,
    near,
    no_such,
    not_in_run,
)

IDLE: Final = "nothing-to-regenerate"

GENERATED: Final = frozenset({Kind.ACTIVITY, Kind.POSTS, Kind.DRAFT})
"""The kinds of the objects that a generation makes, which get their ids from it."""

MOST_RULES: Final = 8
"""If a rule does not exist, the error names up to this many that do."""


class Reached(Struct, frozen=True):
    """The objects of one site that the options may name.

    `rules` are the rules of its file; `ahead` says that a generation will make the objects that they match.
    `ids` maps the live ids of events to their addresses, which contain names instead. `idle` says why `--regenerate` of
    the site has no effect; None if it has one or was not given.
    """

    objects: frozenset[Address] = frozenset()
    rules: frozenset[Address] = frozenset()
    ahead: bool = False
    idle: Diagnostic | None = None
    ids: tuple[tuple[str, Address], ...] = ()


def reached_at(desired: DesiredSite, observed: ObservedSite, plan: Plan, targets: TargetFilter) -> Reached:
    """The objects known from a site's file, live state or plan, collected only if an option names one by key."""
    site = SiteLabels(desired.ref.name, desired.labels)
    if not any(covers_site(selector, site) for selector in _with_key(targets)):
        return Reached()
    live = observed.marketing_plan
    ahead = live is not None and not live.activities and any(action.operation.renews for action in plan.actions)
    objects, rules = frozenset(_objects(desired, observed, plan)), frozenset(_rules(desired))
    return Reached(objects, rules, ahead, ids=tuple(_live_events(observed)))


def _rules(desired: DesiredSite) -> Iterator[Address]:
    """The rules of a site's file, each by its place."""
    schedule = desired.schedule.rules if desired.schedule is not None else ()
    keys = [f"{SitePart.ACTIVITIES}.{index}" for index in range(len(desired.activities))]
    keys += [f"{SitePart.POSTS}.{index}" for index in range(len(desired.posts))]
    keys += map(rule_name, range(len(schedule)))
    return (Address(desired.ref.name, Kind.RULE, key) for key in keys)


def _live_events(observed: ObservedSite) -> Iterator[tuple[str, Address]]:
    """The id of each live event, and its address as in actions."""
    events = observed.events or ()
    for event in events:
        yield event.id, Address(observed.ref.name, Kind.EVENT, event_key(event, events))


def _objects(desired: DesiredSite, observed: ObservedSite, plan: Plan) -> Iterator[Address]:
    name = desired.ref.name
    events = [event.name for event in desired.events.events] if desired.events else []
    yield from (Address(name, Kind.EVENT, event) for event in events)
    yield from (address for _, address in _live_events(observed))
    for activity in observed.activities:
        yield Address(name, Kind.ACTIVITY, activity.id)
        yield Address(name, Kind.POSTS, activity.id)
        yield from (Address(name, Kind.DRAFT, post.id) for post in activity.posts)
    yield from (Address(name, Kind.DRAFT, id) for id, _ in observed.items)
    for reviewed in desired.approvals.activities:
        yield Address(name, Kind.ACTIVITY, reviewed.id)
        yield from (Address(name, Kind.DRAFT, draft.id) for draft in reviewed.drafts)
    yield from (action.address for action in plan.actions)
    yield from (problem.about for problem in plan.blocked)


def idle_regeneration(desired: DesiredSite, plan: Plan) -> Diagnostic | None:
    """Why a requested regeneration does not happen; None if it does, or if the plan itself says why not."""
    if any(isinstance(action.operation, Generate | Regenerate | AwaitGeneration) for action in plan.actions):
        return None
    if plan.refusals or any(problem.about.kind is Kind.MARKETING_PLAN for problem in plan.blocked):
        return None
    if desired.marketing_plan is None:
        return Diagnostic(IDLE, "its file does not manage the marketing plan", "add `marketingPlan: {state: present}`")
    if not desired.marketing_plan.present:
        return Diagnostic(IDLE, "its file says `marketingPlan: {state: absent}`")
    fix = "name it as a target, or leave --regenerate out"
    return Diagnostic(IDLE, "--target or --exclude leaves its marketing plan out", fix)


class TargetCheck:
    """Collects, over the sites of a run, the objects that its options may name.

    What they name only in `others`, the sites outside the run, is not its concern.
    """

    def __init__(
        self, targets: TargetFilter, sites: Iterable[SelectableSite], others: Sequence[SelectableSite] = ()
    ) -> None:
        named = {
            selector: {site.name for site in sites if covers_site(selector, site)} for selector in _with_key(targets)
        }
        self._missing = {selector: names for selector, names in named.items() if names}
        self._others = others
        self._targets = targets
        self._keys: set[str] = set()
        self._rules: set[Address] = set()
        self._ids: dict[str, Address] = {}
        self._idle: list[UsageError] = []

    def add(self, site: SiteName, reached: Reached | None) -> None:
        """Adds a site. None stands for a site that could not be read, where any name may exist."""
        for selector in [selector for selector, names in self._missing.items() if site in names]:
            if reached is None or _may_name(selector, reached):
                del self._missing[selector]
                continue
            self._rules |= reached.rules
            self._keys |= {address.shown for address in reached.objects if address.kind is selector.address.kind}
            if selector.address.kind is Kind.EVENT:
                self._ids |= {id: address for id, address in reached.ids if address in reached.objects}
        if reached is not None and reached.idle is not None:
            self._idle.append(UsageError(f"--regenerate {site}: {reached.idle.message}", reached.idle.fix))

    def check(self) -> tuple[Diagnostic, ...]:
        """Raises UsageError for names that match nothing, with close matches, and for `--regenerate` without effect.

        Returns warnings about targets that match nothing here, but may do so in sites outside the run.
        """
        warnings: list[Diagnostic] = []
        for selector in self._missing:
            option = "--target" if selector in self._targets.included else "--exclude"
            others = sum(covers_site(selector, site) for site in self._others)
            if others and option == "--target":  # a mistyped exclusion would let too much through
                warnings.append(not_in_run(selector, "object", others))
                continue
            if selector.address.kind is Kind.RULE:
                raise self._no_such_rule(option, selector)
            where = "on the sites of this run" if others else "in the files or on the site"
            message = f"{option} {selector}: no such object {where}"
            meant = near(str(selector), sorted(self._keys)) or self._sharing(selector)
            if not meant and (found := self._near_id(selector)) is not None:
                meant = [f"{self._ids[found]}, whose id is {found}"]
            raise no_such(message, meant, "plan --explain shows the addresses")
        if self._idle:
            raise self._idle[0]
        return tuple(warnings)

    def _no_such_rule(self, option: str, selector: ByAddress) -> UsageError:
        """Names the rules that there are. If it is one of them, says to name its known objects instead."""
        if any(_names(selector, rule) for rule in self._rules):
            fix = "name the objects that it matches instead; plan --explain shows their addresses"
            message = "a rule can be named only if its matches are decided after generation"
            return UsageError(f"{option} {selector}: {message}", fix)
        rules = [rule.shown for rule in sorted(self._rules) if covers_site(selector, SiteLabels(rule.site))]
        known = f"the rules are {some_of(rules, MOST_RULES)}" if rules else "the site's file has no rules"
        return UsageError(f"{option} {selector}: there is no such rule", known)

    def _sharing(self, selector: ByAddress) -> list[str]:
        """The addresses of events that share the key as their name; at most three."""
        shared = (str(each) for each in self._ids.values() if each.key.startswith(f"{selector.address.key} "))
        return sorted(shared)[:3]

    def _near_id(self, selector: ByAddress) -> str | None:
        """The live id of an event that is like the key."""
        from difflib import get_close_matches

        return next(iter(get_close_matches(selector.address.key, list(self._ids), n=1, cutoff=0.8)), None)


def _with_key(targets: TargetFilter) -> Iterable[ByAddress]:
    selectors = (*targets.included, *targets.excluded)
    return [selector for selector in selectors if isinstance(selector, ByAddress) and selector.address.key]


def _may_name(selector: ByAddress, reached: Reached) -> bool:
    """Whether a selector names an object of the site, or possibly one that a generation will make."""
    if reached.ahead and selector.address.kind in GENERATED:
        return True
    known = (*reached.objects, *reached.rules) if reached.ahead else reached.objects
    return any(_names(selector, address) for address in known)


def _names(selector: ByAddress, address: Address) -> bool:
    return selector.address.kind is address.kind and is_like(address.key, selector.address.key)
