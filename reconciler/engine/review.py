"""`review`: reads sites and updates their approvals files. Writes nothing remotely."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.config.approvals import read_approvals
from reconciler.config.approvals_edit import update_approvals
from reconciler.config.discovery import shown_path
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.sites import SiteEntry
from reconciler.config.trust import refused_path
from reconciler.engine.clock_skew import report_clock_skew
from reconciler.engine.earlier_calls import load_resolved
from reconciler.engine.fleet import Turn
from reconciler.engine.left_out import report_left_out
from reconciler.engine.renamed import (
    FormerNames,
    approvals_left_behind,
    with_approvals_left_behind,
    without_approvals_of_another_site,
)
from reconciler.engine.results import Emit, Phase, PhaseStarted, ReviewCompleted
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection, whole_sites
from reconciler.engine.session import Session, begin, plan_options
from reconciler.engine.site_results import SiteFailed, SiteNotReviewed, SiteReviewed, Written
from reconciler.engine.unseen import over_entries
from reconciler.executor.observe import merged, observe_and_plan
from reconciler.model.address import Address
from reconciler.model.diagnostics import NOT_REVIEWED, Diagnostic, InvalidFiles, Place, problem
from reconciler.model.posts import GONE_OUT
from reconciler.model.sites import DesiredSite, Need, ObservedSite
from reconciler.planner.actions import Reason, StillGoingOut
from reconciler.planner.candidates import SUPPORTED_CHANNELS
from reconciler.planner.planner import make_plan
from reconciler.planner.review import Review, ReviewStatus
from reconciler.planner.review_builder import (
    NO_SCHEDULE,
    not_reviewable,
    plan_if_approved,
    review_of,
    with_account_names,
)
from reconciler.planner.unstopped import until_applied
from reconciler.planner.used_approvals import scheduled_by_us
from reconciler.whole_files import write_atomically

_LARGEST = 256 * 1024 * 1024
"""The largest gallery, in bytes: it may contain pictures."""


async def review_sites(
    session: Session[ReadClient],
    selection: Selection,
    emit: Emit,
    gallery: Callable[[Review], str] | None = None,
) -> ReviewCompleted:
    """Reviews all sites of a selection. `gallery` makes the page that is written beside each approvals file.

    Raises InvalidFiles and UsageError for what is wrong with the run as a whole.
    """
    whole_sites(selection, "review")
    begin("review", selection, emit, session)
    await report_left_out(session, selection.left_out, emit)
    emit(PhaseStarted(Phase.REVIEWING, len(selection)))
    sites = pending = sites_pending = unrecorded = approved = failed = not_out = going_out = 0
    stuck = sites_stuck = to_discard = unapproved = not_updated = blocked = pending_blocked = scheduled_blocked = 0
    async for result in reviews(session, selection, emit, gallery):
        sites += 1
        emit(result)
        match result:
            case SiteReviewed(review=review):
                waiting = len(review.waiting)
                held = waiting if not result.approvable else sum(post.is_stuck for post in review.waiting)
                pending += waiting
                sites_pending += bool(waiting)
                stuck += held
                pending_blocked += sum(bool(post.problems) or not result.approvable for post in review.waiting)
                to_discard += review.to_discard
                unapproved += len(review.unapproved)
                blocked += sum(len(activity.blocked) for activity in review.activities)
                scheduled_blocked += sum(len(review.endangered(activity)) for activity in review.activities)
                sites_stuck += bool(waiting) and held == waiting
                unrecorded += held < waiting and not result.recorded
                approved += review.count(ReviewStatus.APPROVED)
                not_out += review.count(ReviewStatus.FAILED)
                going_out += len(review.going_out)
            case SiteFailed(unseen=unseen):
                failed += 1
                not_updated += result.problem.code == NOT_REVIEWED
                going_out += len(unseen.going_out)
            case SiteNotReviewed():
                going_out += len(result.going_out)
    report_clock_skew(session, emit)
    completed = ReviewCompleted(
        sites,
        pending,
        sites_pending,
        approved,
        failed,
        not_out,
        going_out,
        unrecorded,
        stuck,
        sites_stuck,
        to_discard,
        unapproved,
        not_updated,
        blocked,
        pending_blocked,
        scheduled_blocked,
    )
    emit(completed)
    return completed


def reviews(
    session: Session[ReadClient],
    selection: Selection,
    emit: Emit = lambda _: None,
    gallery: Callable[[Review], str] | None = None,
) -> AsyncIterator[SiteReviewed | SiteNotReviewed | SiteFailed]:
    """The review of each site, in the order of the files. Its approvals file is updated."""
    names = FormerNames(session, selection.every)

    async def work(entry: SiteEntry, _turn: Turn) -> SiteReviewed | SiteNotReviewed:
        return await _review_site(session, entry.load(), names, gallery)

    return over_entries(session, selection.entries, work, emit)


async def _review_site(
    session: Session[ReadClient], desired: DesiredSite, names: FormerNames, gallery: Callable[[Review], str] | None
) -> SiteReviewed | SiteNotReviewed:
    site = desired.ref.name
    recorded, _ = await load_resolved(session, desired.ref)
    if desired.schedule is None and not scheduled_by_us(recorded):
        return _nothing(desired, NO_SCHEDULE)
    options = plan_options(session, RunContext(), site)
    desired = without_approvals_of_another_site(desired, recorded, session)
    observed, planned = await observe_and_plan(session.client.reader(), desired, recorded, options)
    why = (
        not_reviewable(desired, observed)
        or approvals_left_behind(desired, observed, recorded, session)
        or await names.decided_for(desired, observed)
    )
    if why is not None:
        going_out = until_applied(planned)
        if with_approvals_left_behind(desired, recorded, session).approvals.unasked is not None:
            going_out = tuple(post for post in going_out if post.reason is not Reason.WITHDRAWN)
        return _nothing(desired, why, going_out, planned.time_zone)
    observed = await _with_surroundings(session, desired, observed)
    path = session.project.approvals_file(site)
    shown = shown_path(path)
    before = _read(path)  # the text, with its comments, as it is now: the run may have read it minutes ago
    plan = make_plan(desired, observed, recorded, options)
    if_approved = plan_if_approved(desired, observed, recorded, options)
    review = review_of(desired, observed, recorded, plan, options, if_approved)
    approvable = recorded.is_known or not planned.refusals
    text = update_approvals(before, site, review.for_file(), shown, review.kept(), approvable=approvable)
    if text is None:
        return SiteReviewed(review, Written.NONE, shown, None, recorded.is_known, bool(planned.refusals))
    if text != before or session.project.trust.committed:
        if text != before:
            if _read(path) != before:
                raise _invalid(path, "was changed in the meantime; nothing was written to it", "run review again")
            _write(path, text)
        # What is shown is what the files say now, so that a second review shows, and writes, the same.
        decided = replace(desired, approvals=read_approvals(path, site, text))
        plan = make_plan(decided, observed, recorded, options)
        review = review_of(decided, observed, recorded, plan, options, if_approved).after(review)
    beside = path.with_suffix(".html") if gallery is not None else None
    if beside is not None and gallery is not None:
        if refused := refused_path(beside, session.project.root, session.project.trust):
            raise InvalidFiles((refused.at(Place(shown_path(beside))),))
        if _read(beside) != (page := gallery(review)):
            _write(beside, page)
    written = Written.CREATED if before is None else Written.UPDATED if text != before else Written.UNCHANGED
    gallery_path = shown_path(beside) if beside else None
    return SiteReviewed(review, written, shown, gallery_path, recorded.is_known, bool(planned.refusals))


def _nothing(
    desired: DesiredSite, why: Diagnostic, going_out: tuple[StillGoingOut, ...] = (), zone: str = "UTC"
) -> SiteNotReviewed:
    site = desired.ref.name
    return SiteNotReviewed(site, replace(why, address=Address(site)), going_out, zone)


async def _with_surroundings(
    session: Session[ReadClient], desired: DesiredSite, observed: ObservedSite
) -> ObservedSite:
    """The site, with what a review needs but a plan reads only if something would be scheduled.

    Its time zone, the names of accounts, and what blocks a draft.
    """
    posts = [post for post in observed.posts if post.status not in GONE_OUT]
    needs = {Need.PROPERTIES} | ({Need.PUBLISHED, Need.FEATURES} if posts else set())
    if needs := needs - observed.had_reads:
        observed = merged(observed, await session.client.reader().read(desired.ref, frozenset(needs)))
    named = tuple(sorted({post.channel for post in posts if post.channel in SUPPORTED_CHANNELS}))
    if not named:
        return observed
    more = await session.client.reader().read(desired.ref, frozenset({Need.CHANNELS, Need.ACCOUNTS}), channels=named)
    return with_account_names(merged(observed, more))


def _read(path: Path) -> str | None:
    """The text of a file as it is; None if there is no file. Raises InvalidFiles for anything but a text file."""
    try:
        return read_regular(path, _LARGEST).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _invalid(path, "is not UTF-8 text", "move it away and run review again") from None
    except NotRegular:
        raise _invalid(path, "is not a regular file", "move it away and run review again") from None
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}", "correct that, and run review again") from None


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        what = f"cannot be written: {error.strerror}; it was not changed"
        raise _invalid(path, what, "correct that, and run review again") from None


def _invalid(path: Path, message: str, fix: str) -> InvalidFiles:
    """An error that stops the review of one site."""
    return InvalidFiles((problem(Place(shown_path(path)), message, fix, code=NOT_REVIEWED, continues=True),))
