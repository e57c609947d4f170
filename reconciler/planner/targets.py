"""Targets: what `--target` and `--exclude` match, which sites that leaves, and what is left of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, Protocol, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import CreateActivity, DeleteActivity, UpdateActivity
from reconciler.model.address import Address, Kind, Labels, NotAnAddress, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.frozen import Variant
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, InputWrite, Operation, SitePart
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import AwaitPosts, ClearPosts, Discarded, GeneratePosts, RegeneratePosts, name_of
from reconciler.model.schedule import CancelPost, NothingWaits, ReschedulePost, SchedulePost
from reconciler.model.sites import Inputs
from reconciler.model.text import printable
from reconciler.planner.actions import Action, Plan, Reason, RefusedBy
from reconciler.planner.baseline import completed_rules
from reconciler.planner.generation import AWAITED_DRAFTS, UNSEEN_DRAFTS
from reconciler.planner.losses import is_of
from reconciler.planner.unstopped import BY_SELECTION, left_out


class SelectableSite(Protocol):
    """What is known about a site before it is read."""

    @property
    def name(self) -> SiteName:
        """The site's name."""

    @property
    def labels(self) -> Labels:
        """The site's labels, as pairs."""


class SiteLabels(Struct, frozen=True):
    """A site's name and labels alone."""

    name: SiteName
    labels: Labels = ()


class ByName(Variant, frozen=True):
    """A site's name, or a glob over names."""

    pattern: str

    def __str__(self) -> str:
        return self.pattern


class ByLabel(Variant, frozen=True):
    """`label:team=emea`. The value may be a glob."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"label:{self.key}={self.value}"


class ByAddress(Variant, frozen=True):
    """An object of a site. Without a key, all objects of that kind. Site and key may be globs (`*/settings`)."""

    address: Address

    def __str__(self) -> str:
        return self.address.shown


TargetSelector: TypeAlias = ByName | ByLabel | ByAddress

RULE_KINDS = {SitePart.ACTIVITIES: Kind.ACTIVITY, SitePart.POSTS: Kind.POSTS, SitePart.SCHEDULE: Kind.DRAFT}
"""The kinds of a rule's objects, for addresses of rules whose objects are not known yet."""


KEPT_DRAFTS: Final = "kept-by-exclude"
"""The note that an action is left out because it would throw away drafts that `--exclude` names."""

MOST_NAMED: Final = 3
"""How many drafts such a note names; the others are counted."""


class TargetFilter(Struct, frozen=True):
    """What is chosen: everything that `included` names (everything, if it is empty), except what `excluded` names."""

    included: tuple[TargetSelector, ...] = ()
    excluded: tuple[TargetSelector, ...] = ()


def parse_selector(option: str, text: str) -> TargetSelector:
    """Parses a selector. Raises UsageError if it is not valid."""
    if text.startswith("label:"):
        key, equals, value = text.removeprefix("label:").partition("=")
        if not (key and equals):
            raise UsageError(f"{option} {text} is not a label", "a label is written like label:team=emea")
        return ByLabel(key, value)
    site, slash, rest = text.partition("/")
    if not slash:
        return ByName(text)
    if rest == "*":
        return ByName(site)
    try:
        address = Address.typed(text)
    except NotAnAddress as error:
        raise UsageError(f"{option}: {error.message}", error.fix) from None
    return ByName(site) if address.kind is Kind.SITE else ByAddress(address)


def covers_site(selector: TargetSelector, site: SelectableSite) -> bool:
    """Whether a selector names a site, or an object in it."""
    match selector:
        case ByName(pattern=pattern):
            return fnmatchcase(site.name, pattern)
        case ByLabel(key=key, value=value):
            return any(label == key and fnmatchcase(found, value) for label, found in site.labels)
        case ByAddress(address=address):
            return fnmatchcase(site.name, address.site)
        case _:
            assert_never(selector)


def target_filter(
    targets: Sequence[str],
    excludes: Sequence[str],
    sites: Sequence[SelectableSite],
    others: Sequence[SelectableSite] = (),
) -> TargetFilter:
    """Parses both lists. Raises UsageError for a selector that matches no site, suggesting close matches.

    `others` are the sites outside the given paths.
    """
    parsed = {
        option: tuple(parse_selector(option, text) for text in texts)
        for option, texts in (("--target", targets), ("--exclude", excludes))
    }
    for option, selectors in parsed.items():
        for selector in selectors:
            if not any(covers_site(selector, site) for site in sites):
                if any(covers_site(selector, site) for site in others):
                    message = f"{option} {selector} matches no site in the given paths"
                    raise UsageError(message, "it matches a site outside them: leave the paths or the option out")
                message = f"{option} {selector} matches no site of the project"
                otherwise = "check the spelling; only sites with a file can be selected"
                raise no_such(message, _near(selector, sites), otherwise)
    return TargetFilter(parsed["--target"], parsed["--exclude"])


def _near(selector: TargetSelector, sites: Sequence[SelectableSite]) -> list[str]:
    match selector:
        case ByName(pattern=pattern):
            return near(pattern, (site.name for site in sites))
        case ByAddress(address=address):
            return near(address.site, (site.name for site in sites))
        case ByLabel():
            return near(str(selector), sorted({f"label:{key}={value}" for site in sites for key, value in site.labels}))
        case _:
            assert_never(selector)


def near(word: str, words: Iterable[str]) -> list[str]:
    """The words that are most like this one, best first; at most three. Upper and lower case count as the same."""
    from difflib import get_close_matches

    by_folded = {each.casefold(): each for each in words}
    return [by_folded[found] for found in get_close_matches(word.casefold(), list(by_folded), n=3, cutoff=0.5)]


def no_such(message: str, meant: Sequence[str], otherwise: str) -> UsageError:
    """An error about a name that nothing has. Its fix is what was probably meant, or `otherwise`."""
    return UsageError(message, f"did you mean {' or '.join(meant)}?" if meant else otherwise)


def not_in_run(target: ByAddress, kind: str, others: int) -> Diagnostic:
    """A warning about a target that names nothing in a run, but may name something in `others`, sites outside it."""
    sites = f"{plural(others, 'site')} that the target names {'is' if others == 1 else 'are'} left out"
    message = f"--target {target}: no such {kind} in this run; {sites}"
    return Diagnostic("no-such-object", message, severity=Severity.WARNING)


def is_chosen(targets: TargetFilter, site: SelectableSite) -> bool:
    """Whether a site is part of the run. If only parts of it are excluded, it still is, unless no target is left."""
    wanted = not targets.included or any(covers_site(selector, site) for selector in targets.included)
    if not wanted or any(
        not isinstance(selector, ByAddress) and covers_site(selector, site) for selector in targets.excluded
    ):
        return False
    included, excluded = _addresses(targets, site)
    return not (included and all(_among(address, excluded) for address in included))


def apply_targets(
    plan: Plan,
    targets: TargetFilter,
    site: SelectableSite,
    why: Diagnostic = BY_SELECTION,
    *,
    keeps_drafts: bool = True,
) -> Plan:
    """What is left of a plan, without ever cutting an action off from what it depends on.

    A generation depends on the settings and events that it is to use, and what comes after it on the generation: a
    deferred action, and an activity that is created in the new marketing plan. A target brings along what it depends
    on; an exclusion also drops what depends on it. Otherwise, a generation would be recorded as made from inputs that
    were never written. An action that throws posts away depends on cancelling those that are scheduled; if it is left
    out, nothing is refused because of what it would have discarded, and no post is cancelled only to be replaced. What
    is left out and goes out unwanted is named (docs/design.md 1.3).

    With `keeps_drafts`, an action that would throw an excluded draft away is left out too, and a note says so.
    """
    included, excluded = _addresses(targets, site)
    if not included and not excluded:
        return plan
    kept: Sequence[Action] = _included(plan, included) if included else plan.actions
    spared: list[tuple[Action, tuple[Discarded, ...]]] = []
    if excluded:
        if keeps_drafts:
            left = (action for action in kept if not _among(action.address, excluded))
            spared = [(action, drafts) for action in left if (drafts := _excluded_drafts(plan, action, excluded))]
        kept = _without_excluded(plan, kept, excluded, [action for action, _ in spared])
    if not any(isinstance(action.operation, Regenerate) for action in kept):
        kept = [action for action in kept if action.reason is not Reason.REPLACED]

    stays = keeps(targets, site)
    dropped = [action for action in plan.actions if action not in kept]
    kept_drafts = any(
        isinstance(action.operation, AwaitGeneration | Generate | Regenerate | DeleteMarketingPlan)
        for action in dropped
    )
    return replace(
        plan,
        actions=tuple(kept),
        rules=completed_rules(plan, (action.operation for action in dropped)),
        inputs=_without(plan.inputs, dropped),
        still_going_out=(*plan.still_going_out, *left_out(dropped, why)),
        blocked=tuple(problem for problem in plan.blocked if stays(problem.about)),
        refusals=tuple(
            refused
            for refused in plan.refusals
            if refused.code != RefusedBy.DISCARD or any(is_of(refused, action) for action in kept)
        ),
        notes=tuple(
            note
            for note in plan.notes
            if (note.address is None or stays(note.address))
            and not (kept_drafts and note.code in (AWAITED_DRAFTS, UNSEEN_DRAFTS))
        )
        + tuple(_not_done(action, drafts) for action, drafts in spared),
        to_review=tuple(draft for draft in plan.to_review if stays(draft.address)),
    )


def _generates(plan: Plan) -> bool:
    return any(_level(action.operation) == _GENERATION for action in plan.actions)


def _included(plan: Plan, included: Sequence[Address]) -> Sequence[Action]:
    """The actions at these addresses, and those that they depend on."""
    levels = {_level(action.operation) for action in plan.actions if _among(action.address, included)}
    levels |= {_GENERATION} if _CREATION in levels and _generates(plan) else set()
    kept = [
        action
        for action in plan.actions
        if _among(action.address, included) or _carried(_level(action.operation), levels)
    ]
    return [action for action in plan.actions if action in kept or any(_makes_way(action, other) for other in kept)]


def _without_excluded(
    plan: Plan, kept: Sequence[Action], excluded: Sequence[Address], spared: Sequence[Action]
) -> Sequence[Action]:
    """The actions without those at these addresses, the `spared` ones, and those that depend on either."""
    gone = [action for action in kept if action in spared or _among(action.address, excluded)]
    gone += [action for action in kept if any(_makes_way(cancel, action) for cancel in gone)]
    levels = {_level(action.operation) for action in gone}
    levels |= {_GENERATION} if _INPUT in levels and _generates(plan) else set()
    return [action for action in kept if action not in gone and not _resting(_level(action.operation), levels)]


def _excluded_drafts(plan: Plan, action: Action, excluded: Sequence[Address]) -> tuple[Discarded, ...]:
    """The excluded drafts that an action would throw away."""
    return tuple(
        draft
        for draft in plan.discarded_by(action.operation)
        if _among(Address(plan.site.name, Kind.DRAFT, draft.post), excluded)
    )


def _not_done(action: Action, drafts: Sequence[Discarded]) -> Diagnostic:
    """The note that an action is left out because of the excluded drafts that it would throw away."""
    match action.operation:
        case Regenerate():
            what = "the marketing plan is not regenerated"
        case DeleteMarketingPlan():
            what = "the marketing plan is not deleted"
        case ClearPosts(title=title):
            what = f"the posts of {_titled(title)} are not cleared"
        case RegeneratePosts(title=title):
            what = f"the posts of {_titled(title)} are not regenerated"
        case operation:
            assert isinstance(operation, DeleteActivity)
            what = f"{_titled(operation.title)} is not deleted"
    names = some_of([printable(name_of(draft)) for draft in drafts], MOST_NAMED)
    message = f"{what}, because that would discard {names}, which --exclude leaves alone"
    return replace(Diagnostic.note(KEPT_DRAFTS, message), address=action.address)


def _titled(title: str) -> str:
    return printable(f'"{title}"')


def keeps(targets: TargetFilter, site: SelectableSite) -> Callable[..., bool]:
    """Returns a test for whether an object of a site is wanted, or several as a whole, by their addresses."""
    included, excluded = _addresses(targets, site)

    def wanted(*addresses: Address) -> bool:
        included_too = not included or any(_among(address, included) for address in addresses)
        return included_too and not any(_among(address, excluded) for address in addresses)

    return wanted


def _addresses(targets: TargetFilter, site: SelectableSite) -> tuple[list[Address], list[Address]]:
    """The objects of a site that are targets (none if the whole site is one) and those that are excluded."""
    covering = [selector for selector in targets.included if covers_site(selector, site)]
    included = [selector.address for selector in covering if isinstance(selector, ByAddress)]
    if len(included) < len(covering):  # the site as a whole is a target too
        included = []
    excluded = [
        selector.address
        for selector in targets.excluded
        if isinstance(selector, ByAddress) and covers_site(selector, site)
    ]
    return included, excluded


def _without(inputs: Inputs, dropped: Sequence[Action]) -> Inputs:
    """The inputs without those that dropped actions would have written: on the site they stay as they are."""
    return inputs.without((action.address, action.operation.changes) for action in dropped)


_INPUT, _GENERATION, _CREATION, _PROMISE, _FREE = range(5)


def _level(operation: Operation) -> int:
    match operation:
        case Generate() | Regenerate() | AwaitGeneration():
            return _GENERATION
        case CreateActivity():
            return _CREATION
        case Deferred():
            return _PROMISE
        case DeleteMarketingPlan() | UpdateActivity() | DeleteActivity():
            return _FREE
        case GeneratePosts() | RegeneratePosts() | ClearPosts() | AwaitPosts():
            return _FREE
        case SchedulePost() | ReschedulePost() | CancelPost():
            return _FREE
        case _:
            return _input_level(operation)


def _input_level(_: InputWrite) -> int:
    return _INPUT


def _makes_way(cancel: Action, other: Action) -> bool:
    """Whether an action throws away what a cancel must cancel first."""
    return isinstance(cancel.operation, CancelPost) and any(
        isinstance(required, NothingWaits) and required.activity in (None, cancel.operation.activity)
        for required in other.requires
    )


def _carried(level: int, wanted: set[int]) -> bool:
    """Whether an action of this level is brought along by wanted ones."""
    if level == _CREATION:
        return _PROMISE in wanted
    return level in (_INPUT, _GENERATION) and bool(wanted & {_GENERATION, _PROMISE})


def _resting(level: int, gone: set[int]) -> bool:
    """Whether an action of this level depends on one that is dropped."""
    if level in (_GENERATION, _CREATION):
        return _GENERATION in gone
    return level == _PROMISE and bool(gone & {_INPUT, _GENERATION, _CREATION})


def _among(address: Address, selected: Iterable[Address]) -> bool:
    return any(_covers(selector, address) for selector in selected)


def _covers(selected: Address, address: Address) -> bool:
    if selected == address or selected.kind is Kind.SITE:
        return True
    if address.kind is Kind.RULE and not selected.key:
        part = address.key.partition(".")[0]
        return part in set(SitePart) and selected.kind in (Kind.RULE, RULE_KINDS[SitePart(part)])
    return selected.kind is address.kind and (not selected.key or is_like(address.key, selected.key))


def is_like(key: str, pattern: str) -> bool:
    """Whether an object's key is the one that a selector names, or matches its glob."""
    return key == pattern or fnmatchcase(key, pattern)
