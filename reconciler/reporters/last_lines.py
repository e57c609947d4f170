"""The header and the last line: what scripts look for, and what people read first and last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from reconciler.engine import results
from reconciler.model.plurals import plural
from reconciler.model.text import printable
from reconciler.reporters.layout import Screen, Style, columns

if TYPE_CHECKING:
    from reconciler.executor.ledger import KeptPromises
    from reconciler.planner.tally import PlanTally, Promises

NO_CHANGES: Final = "No changes."
NO_DRIFT: Final = "No drift."
NOTHING_PUBLIC: Final = " Nothing goes public."

AT_ANOTHER_TIME: Final = "going out at another time"
"""The words for posts that were not moved to the time asked for."""

NO_SITES: Final = "No sites were selected; nothing was checked."
"""The last line of a run over no sites."""

SHORT_COMMIT: Final = 7

REACHED: Final = {
    results.Phase.READING: "audited",
    results.Phase.IMPORTING: "imported",
    results.Phase.EXAMINING: "examined",
    results.Phase.PLANNING: "planned",
    results.Phase.CHECKING: "checked",
    results.Phase.APPLYING: "worked on",
    results.Phase.REVIEWING: "reviewed",
}
"""What each phase does with its sites."""

LEFT_BEHIND: Final = {
    "plan": "nothing was changed",
    "apply": "nothing was changed",
    "review": "run it again for the others",
    "import": "run it again for the others",
    "validate": "not everything was checked",
    "approve": "your decisions are saved",
}
"""What an interrupted command left behind, if there is anything to say."""


def header(run: results.RunStarted) -> str:
    """`LIVE Wix · acme-sites · 223 sites · git 7d9c4ae`: where a run works."""
    where = ""
    if run.api is not None:
        live = f"LIVE {'Wix' if run.api.kind is results.ApiKind.WIX else run.api.host}"
        where = "SANDBOX" if run.api.kind is results.ApiKind.SANDBOX else live
    sites = plural(run.of, "site") if run.sites == run.of else f"{run.sites:,} of {plural(run.of, 'site')} looked at"
    commit = f"git {run.commit[:SHORT_COMMIT]}" if run.commit else ""
    return " · ".join(part for part in (where, run.project, sites, commit) if part)


def header_lines(run: results.RunStarted, screen: Screen) -> Iterator[str]:
    """The header on a screen. One that is too long breaks between its parts."""
    line = ""
    for part in header(run).split(" · "):
        longer = f"{line} · {part}" if line else part
        if line and columns(printable(longer)) > screen.width:
            yield screen.paint(line, Style.BOLD)
            longer = f"    {part}"
        line = longer
    if line:
        yield screen.paint(line, Style.BOLD)


def plan_line(plan: results.PlanCompleted) -> str:
    """The end of a plan: `Plan: 3 to add, 1 to change, 0 to destroy, ...; 1 blocked.` or `No changes.`.

    If it is certain, ` Nothing goes public.` follows the totals.
    """
    if not plan.sites:
        return NO_SITES
    tally = plan.tally
    doing = [f"{tally.add:,} to add", f"{tally.change:,} to change", f"{tally.destroy:,} to destroy"]
    doing += _counted(
        (tally.generate, "to generate"),
        (tally.discard, "to discard"),
        (tally.publish, f"to publish{_of_them_moved(tally.publish, tally.moved)}"),
        (tally.cancel, "to cancel"),
    )
    uncounted = "plus an unknown number of drafts to discard" if tally.uncounted else ""
    promised = ", ".join(part for part in (uncounted, _promised(tally.promises)) if part)
    left = _counted(
        (tally.still_going_out, "still going out"),
        (tally.pending, "pending"),
        (tally.blocked, "blocked"),
        (plan.refused, "refused"),
    )
    rest = _earlier(tally) + left
    if plan.failed:
        read = f"{plan.failed:,} of {plural(plan.sites, 'site')} could not be read"
        return f"Plan incomplete: {read}; {_sentence(doing, promised, rest)}"
    if not plan.changes and not plan.refused:
        # A note says which generations have ended: scripts rely on the exact words.
        return f"No changes; {', '.join(left)}." if left else NO_CHANGES
    return f"Plan: {_sentence(doing, promised, rest)}{NOTHING_PUBLIC if plan.nothing_public else ''}"


def apply_line(done: results.ApplyCompleted) -> str:
    """The end of an apply: `Apply: 3 added, 1 changed, 0 destroyed, ...; 1 failed, 2 blocked.`."""
    tally = done.tally
    doing = [f"{tally.added:,} added", f"{tally.changed:,} changed", f"{tally.destroyed:,} destroyed"]
    doing += _counted(
        (tally.generated, "generated"),
        (tally.discarded, "discarded"),
        (tally.published, f"published{_of_them_moved(tally.published, tally.moved)}"),
        (tally.cancelled, "cancelled"),
        (tally.finished, "generation finished" if tally.finished == 1 else "generations finished"),
    )
    begun = done.plan.tally.uncounted and (tally.generated or tally.destroyed or tally.pending or tally.unknown)
    uncounted = "plus an unknown number of drafts discarded" if begun else ""
    promised = ", ".join(part for part in (uncounted, _kept(tally.promised)) if part)
    rest = _earlier(done.plan.tally) + _counted(
        (tally.still_going_out, "still going out"),
        (tally.at_another_time, AT_ANOTHER_TIME),
        (tally.failed + done.failed + done.plan.failed, "failed"),
        (tally.skipped, "skipped"),
        (tally.withheld, "withheld"),
        (tally.pending, "pending"),
        (tally.unknown, "unknown"),
        (tally.not_started, "not started"),
        (done.plan.tally.blocked - done.plan.tally.in_doubt, "blocked"),  # what is in doubt counts as unknown
        (done.refused + done.plan.refused, "refused"),
    )
    return f"Apply: {_sentence(doing, promised, rest)}"


def interrupted_line(command: str, interrupted: results.Interrupted, saved_to: str = "") -> str:
    """`Interrupted: 12 of 223 sites planned; nothing was changed.`. `saved_to` is where the plan would be saved."""
    phase, left = interrupted.phase, LEFT_BEHIND.get(command, "")
    if phase is results.Phase.APPLYING:
        left = "run apply again to continue"
    elif command == "plan" and saved_to:
        left += ", and no plan was saved"
    reached = REACHED.get(phase, "") if phase is not None else ""
    count = f"{interrupted.done:,} of {plural(interrupted.sites, 'site')} {reached}" if reached else ""
    said = "; ".join(part for part in (count, *_earlier(interrupted), left) if part)
    return f"Interrupted: {said}." if said else "Interrupted."


def drift_line(drift: results.DriftCompleted) -> str:
    """The end of an audit: `Drift: 2 drifted, 1 pending, 1 blocked, in 3 of 40 sites.` or `No drift.`.

    If a limit would refuse an apply of the whole run, `; an apply would be refused.` follows.
    """
    if not drift.sites:
        return NO_SITES
    tally = drift.tally
    found = _counted(
        (tally.drifted, "drifted"),
        (tally.pending, "pending"),
        (tally.blocked, "blocked"),
        (tally.refused, "refused"),
    )
    where = f"in {tally.sites:,} of {plural(drift.sites, 'site')}"
    end = f"; {drift.all_going_out:,} still going out" if drift.all_going_out else ""
    end += "; an apply would be refused." if drift.refusals else "."
    if drift.failed:
        read = f"{drift.failed:,} of {plural(drift.sites, 'site')} could not be read"
        return f"Drift incomplete: {read}; {', '.join([*(found or ['0 drifted']), where])}{end}"
    if drift.refusals:
        return f"Drift: {', '.join([*(found or ['0 drifted']), where])}{end}"
    if not found:
        return NO_DRIFT
    if not tally.drifted and not tally.refused:
        return f"No drift; {', '.join(found)}, {where}{end}"
    return f"Drift: {', '.join([*found, where])}{end}"


def _promised(promises: Promises) -> str:
    """`plus up to 9 posts, 1 activity`: what will only be known after a generation."""
    one = promises.delete == 1
    deleted = "activity to delete, with its drafts" if one else "activities to delete, with their drafts"
    bounds = _counted(
        (promises.posts, "post" if promises.posts == 1 else "posts"),
        (promises.publish, "to publish"),
        (promises.activities, "activity" if promises.activities == 1 else "activities"),
        (promises.discard, "to discard"),
        (promises.delete, deleted),
    )
    parts = [f"plus up to {', '.join(bounds)}"] if bounds else []
    if promises.unbounded:
        parts.append("plus whatever matches after generation")
    if promises.unbounded_delete:
        parts[-1] += ", including deletions"
    return ", ".join(parts)


def _kept(promises: KeptPromises) -> str:
    """`plus 3 posts, 1 activity added, 2 changed, 22 drafts discarded`: what was only known after a generation."""
    activities = _counted(
        (promises.added, "added"),
        (promises.changed, "changed"),
        (promises.destroyed, "destroyed"),
    )
    if activities:
        count, done = activities[0].split(" ")
        activities[0] = f"{count} {'activity' if count == '1' else 'activities'} {done}"
    parts = [
        *_counted((promises.posts, "post" if promises.posts == 1 else "posts"), (promises.published, "published")),
        *activities,
        *_counted((promises.discarded, "draft discarded" if promises.discarded == 1 else "drafts discarded")),
    ]
    return f"plus {', '.join(parts)}" if parts else ""


def _of_them_moved(public: int, moved: int) -> str:
    """` (11 already scheduled)`: how many of the posts only move to another time, so that nothing new goes out."""
    if not moved:
        return ""
    count = "" if public == 1 else "all " if moved == public else f"{moved:,} "
    return f" ({count}already scheduled)"


def _earlier(tally: PlanTally | results.Interrupted) -> list[str]:
    """`3 earlier generations finished (51 drafts discarded)`: what ended after the runs that started it."""
    if not tally.earlier_ended:
        return []
    lost = f" ({plural(tally.earlier_discarded, 'draft')} discarded)" if tally.earlier_discarded else ""
    return [f"{plural(tally.earlier_ended, 'earlier generation')} finished{lost}"]


def _counted(*terms: tuple[int, str]) -> list[str]:
    """The terms that are not zero."""
    return [f"{count:,} {word}" for count, word in terms if count]


def _sentence(doing: list[str], promised: str, rest: list[str]) -> str:
    """`2 to generate; plus up to 9 posts; 1 blocked.`: what is done, what may follow, and what is not done."""
    return "; ".join(part for part in (", ".join(doing), promised, ", ".join(rest)) if part) + "."
