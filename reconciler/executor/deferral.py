"""Carries out deferred actions: what a plan could not know before the generation (design.md 3.2)."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.executor.ledger import ActionResult
from reconciler.executor.observe import with_names_read
from reconciler.executor.run import SiteRun
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.notes import Bound
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.outcomes import Trouble
from reconciler.model.policy import Policy
from reconciler.model.sites import Bindings, Need, ObservedSite
from reconciler.planner.actions import Action, RefusedBy
from reconciler.planner.deferred import ResolvedActions
from reconciler.planner.needs import lacking_posts


async def expand_deferred(run: SiteRun, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions that a deferred action turned into, up to its bound; enters the deferred one in the ledger.

    May raise an ApiError.
    """
    (action,) = actions
    if run.skip_if_blocked(action, only_reads=True):  # what it turns into is withheld one by one
        return ()
    deferred = action.operation
    assert isinstance(deferred, Deferred)
    run.start(action)
    resolved = await _resolve(run, action, deferred)
    if resolved.bindings != Bindings():
        run.journal.note(Bound(resolved.bindings))
    if deferred.part is not SitePart.SCHEDULE or run.options.allow_publish:  # otherwise the next plan says it
        for item in resolved.blocked:
            run.note(item.named(item.name))
    if resolved.refusals:
        first, *others = resolved.refusals
        run.fail(action, ActionResult.SKIPPED, first)
        for refusal in others:
            run.note(refusal)
        return ()
    found = await with_names_read(run.ports.reader, run.site, resolved.actions)
    promised = found if deferred.at_most is None else found[: deferred.at_most]
    for surplus in found[len(promised) :]:
        more = f"more than the plan promised (at most {deferred.at_most:,})"
        run.skip(surplus, ActionResult.SKIPPED, Diagnostic(Trouble.BEYOND_PROMISE, more))
    allowed: list[Action] = []
    beyond: list[RefusedBy] = []
    for write in promised:
        exceeded = run.options.allowance.take(write.operation)
        if exceeded is None:
            allowed.append(write)
        else:
            beyond.append(exceeded)
    if beyond:
        run.fail(action, ActionResult.SKIPPED, _exceeded(beyond[0], run.options.policy))
    else:
        run.keep_promise(action, len(allowed))
    return run.promise(tuple(allowed))


def _exceeded(limit: RefusedBy, policy: Policy) -> Diagnostic:
    """Why some of a rule's matches are left as they are: the limits of a run apply across all its sites."""
    most = policy.max_delete if limit is RefusedBy.MAX_DELETE else policy.max_discard
    what = f"the rest of the rule's matches would exceed policy.{limit.value} ({most:,} across all sites)"
    fix = f"run plan again to see what is left; if that exceeds {limit.value} too, raise the limit"
    return Diagnostic(Trouble.BEYOND_PROMISE, what, fix).at(policy.place_of(limit.value))


async def _resolve(run: SiteRun, action: Action, deferred: Deferred) -> ResolvedActions:
    """What the deferred action turns into.

    An activity that seems to have no posts is read on its own before any are made (14.1).
    """
    observed = await _read(run, deferred)
    while True:
        resolved = run.options.resolve(action, run.plan, observed, run.journal.recorded)
        lacking = lacking_posts(resolved.actions)
        if not lacking:
            return resolved
        await run.cache.fill(lacking)
        filled = await _marketing_plan(run)
        if filled.marketing_plan == observed.marketing_plan:
            return resolved
        observed = filled


async def _marketing_plan(run: SiteRun) -> ObservedSite:
    return replace(await run.cache.part(Need.MARKETING_PLAN), time_zone=run.plan.time_zone)


async def _read(run: SiteRun, deferred: Deferred) -> ObservedSite:
    run.cache.forget()
    observed = await _marketing_plan(run)
    if deferred.part is not SitePart.SCHEDULE:
        return observed
    # Whether a draft can go out at all depends on its channel and on the premium plan (design.md 3.1). The drafts of
    # all rules share what the policy allows in one day.
    drafts = {post.channel for activity in observed.activities for post in activity.drafts}
    channels = sorted(drafts & {name for rule in deferred.schedule_rules for name in rule.channels or drafts})
    if not channels:
        return observed
    more = await run.ports.reader.read(run.site, frozenset({Need.CHANNELS, Need.FEATURES}), channels=channels)
    return replace(observed, channels=more.channels, features=more.features)
