"""What a plan of many sites adds up to, whether they were just read or are in saved plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.engine.results import PlanCompleted
from reconciler.engine.site_results import SiteFailed, SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.policy import Policy
from reconciler.planner.actions import GoingOut, Plan
from reconciler.planner.guards import judge_run, judge_shard, spare_of
from reconciler.planner.tally import PlanTally
from reconciler.planner.unstopped import (
    IF_RUN_REFUSED,
    beyond_the_plan,
    left_out,
)

if TYPE_CHECKING:  # few runs are in parts
    from reconciler.planner.document import RunPart


class PlanTotals:
    """Running totals over all sites, and the unwanted posts that their plans would stop."""

    def __init__(self) -> None:
        self.sites = 0
        self.failed = 0
        self.refused = 0
        self.unstoppable = 0
        self.nothing_public = True
        self.tally = PlanTally()
        self._stopped: list[GoingOut] = []

    def add(self, result: SitePlanned | SiteFailed) -> None:
        """Adds a site."""
        self.sites += 1
        self.nothing_public &= isinstance(result, SitePlanned) and result.nothing_public
        if isinstance(result, SiteFailed):
            self.failed += not result.refused
            self.refused += result.refused
            self.unstoppable += len(result.unseen.going_out)
            self.tally += PlanTally(still_going_out=len(result.unseen.going_out))
        else:
            self.tally += result.tally
            self.unstoppable += len(beyond_the_plan(result.plan))
            self.refused += bool(result.plan.refusals)
            self._stopped += stopped_by(result.plan)

    def refused_by(self, refusals: tuple[Diagnostic, ...], completed: PlanCompleted) -> PlanCompleted:
        """The result of a run with these refusals: posts that it would have stopped go out all the same."""
        if not refusals:
            return completed
        return with_nothing_stopped(replace(completed, refusals=refusals), self._stopped)

    def judged_public(self, completed: PlanCompleted, of: int, *, covers_all: bool) -> PlanCompleted:
        """The result, with whether it is certain that nothing goes public on the `of` sites of the project.

        `covers_all`: nothing that may go public was left out on these sites, and no site is undeclared.
        """
        certain = self.nothing_public and covers_all and self.sites == of and not completed.refusals
        return replace(completed, nothing_public=certain, covers_all=covers_all)

    def judged_alone(self, completed: PlanCompleted, policy: Policy, part: RunPart | None) -> PlanCompleted:
        """The result, with whether an apply of this part alone would be refused."""
        if part is None or part.count == 1:
            return completed
        return replace(completed, needs_others=bool(judge_shard(self.tally, policy, part.number, part.count)))

    def completed(
        self, policy: Policy | None, others: Iterable[PlanTally] = (), alone: RunPart | None = None
    ) -> PlanCompleted:
        """The result for all added sites: the run's limits, given a policy, are judged over them and `others`.

        `alone`: which of several parts these sites are, if nobody knows what the others do.
        """
        if policy is None:
            return PlanCompleted(self.sites, self.tally, self.failed, self.refused, unstoppable=self.unstoppable)
        all_parts = (self.tally, *others)
        refusals, spare = judge_run(all_parts, policy), spare_of(all_parts, policy)
        if alone is not None and alone.count > 1:
            refusals += judge_shard(self.tally, policy, alone.number, alone.count)
            spare = spare.shared_by(alone.count)
        tally = replace(self.tally, promises=self.tally.promises.within(spare))
        return PlanCompleted(self.sites, tally, self.failed, self.refused, refusals, self.unstoppable, spare=spare)


def with_nothing_stopped(completed: PlanCompleted, stopped: Sequence[GoingOut]) -> PlanCompleted:
    """The result of a run that does nothing, so that the posts it would have stopped go out all the same."""
    tally = completed.tally + PlanTally(still_going_out=len(stopped))
    return replace(completed, tally=tally, still_going_out=tuple(stopped))


def stopped_by(plan: Plan) -> tuple[GoingOut, ...]:
    """The unwanted posts that a plan stops, and that go out if the run as a whole is refused."""
    if plan.refusals:  # nothing is done there anyway
        return ()
    known = {post.address for post in plan.still_going_out}
    missed = left_out(plan.actions, IF_RUN_REFUSED)
    return tuple(GoingOut(post, plan.time_zone) for post in missed if post.address not in known)
