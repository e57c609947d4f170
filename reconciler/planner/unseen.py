"""Posts waiting to go out at a site that cannot be read, as the state and today's files know them.

Nothing is read here, so this says less than a plan: which posts this tool scheduled and did not cancel, and which of
those are unwanted whatever the site would answer (docs/design.md 1.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural
from reconciler.model.posts import name_of, shown_account
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import DesiredSite, PublishedPost, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import GoingOut, Grounds, Reason, StillGoingOut
from reconciler.planner.left_out import waiting_posts, why_not_by_files, with_account_named
from reconciler.planner.may_go_out import may_go_out, with_time
from reconciler.planner.options import UTC, PlanOptions, Scope, known_zone, last_zone
from reconciler.planner.policy_checks import time_violations
from reconciler.planner.unstopped import Unstopped, or_by_hand
from reconciler.planner.wanted_posts import Unwanted

UNSEEN: Final = Diagnostic(
    Unstopped.SITE_UNREAD,
    "the site can't be read, so this is what the state knows",
    "correct what keeps the site from being read, then run apply",
)


LOCKED: Final = Diagnostic(
    Unstopped.SITE_LOCKED,
    "another run is working on the site, so this is what the state knows",
    "wait for that run to end, then run apply",
)


class Due(Struct, frozen=True):
    """When a post goes out, and the time zone to show that in. If not `exact`, it is an estimate."""

    at: datetime
    zone: str
    exact: bool


class UnseenPosts(Struct, frozen=True):
    """The posts waiting at a site, as far as the state knows.

    `going_out` are those that are no longer wanted, soonest first. `waiting` names all others: `count` posts, of which
    the first is due at `first`, if that is known. It is not known whether `unsure` of them were scheduled. If not
    `known`, the state knows nothing about the site or cannot be read, so there may be posts that nobody can name.
    """

    going_out: tuple[GoingOut, ...] = ()
    waiting: tuple[Diagnostic, ...] = ()
    known: bool = True
    count: int = 0
    first: Due | None = None
    unsure: int = 0


def unseen_posts(
    site: SiteName,
    desired: DesiredSite,
    recorded: RecordedSite,
    options: PlanOptions,
    why: Diagnostic = UNSEEN,
) -> UnseenPosts:
    """The posts waiting at a site that is not read. `why` says why nothing stops the unwanted ones there."""
    waiting = {post.id: replace(post, scheduled_for=at) for post, at in waiting_posts(recorded, options.now)}
    known = [_as_in_file(desired, post) for post in waiting.values()]
    posts = [post for post in known if post.date is None or post.scheduled_for or post.date > options.now]
    posts.sort(key=lambda post: (post.scheduled_for or post.date or options.now, post.id))
    unwanted, others = [], []
    for post in posts:
        found = _why_not(desired, recorded, post, options)
        if found is None:
            others.append(post)
        else:
            unwanted.append(GoingOut(_going_out(site, post, found, why), post.zone))
    unsure = [post for post in may_go_out(recorded, options.now) if post.post not in waiting]
    if not (others or unsure):
        return UnseenPosts(tuple(unwanted))
    zone = last_zone(recorded) or UTC
    problem = _named(site, others, unsure, LOCKED if why == LOCKED else UNSEEN, zone)
    dues = [*map(_due, others), *(_asked(post, zone) for post in unsure)]
    first = min(filter(None, dues), key=lambda due: due.at, default=None)
    count = len(others) + len(unsure)
    return UnseenPosts(tuple(unwanted), (problem,), count=count, first=first, unsure=len(unsure))


def _due(post: PublishedPost) -> Due | None:
    at = post.scheduled_for or post.date
    return None if at is None else Due(at, post.zone, exact=post.scheduled_for is not None)


def _asked(post: SchedulePost, zone: str) -> Due | None:
    at = post.at or post.about
    return None if at is None else Due(at, zone, exact=post.at is not None and not post.own_time_first)


def _named(
    site: SiteName, posts: Sequence[PublishedPost], unsure: Sequence[SchedulePost], why: Diagnostic, zone: str
) -> Diagnostic:
    """Reports posts that are waiting unseen, or may be, each with its title, channel, time and account."""
    said = []
    if posts:
        named = "; ".join(map(_with_time, posts))
        said.append(f"{plural(len(posts), 'scheduled post')} can't be checked: {named}")
    if unsure:
        which, them = plural(len(unsure), "post"), "it" if len(unsure) == 1 else "them"
        run = "another" if why == LOCKED else "an earlier"
        named = "; ".join(with_time(post, zone) for post in unsure)
        said.append(f"{which} may go out, as it is not known whether {run} run scheduled {them}: {named}")
    fix = or_by_hand(why).fix
    return Diagnostic(
        "posts-not-looked-at",
        "; ".join(said),
        f"if {'it' if len(posts) + len(unsure) == 1 else 'one'} is unwanted: {fix}",
        Severity.WARNING,
        address=Address(site),
        shared=("scheduled posts can't be checked", f"if one is unwanted: {fix}"),
    )


def _with_time(post: PublishedPost) -> str:
    due = _due(post)
    when = "at an unknown time" if due is None else moment_text(due.at, due.zone, exact=due.exact)
    account = f" on {printable(shown_account(post.account))}" if post.account else ""
    return f"{printable(name_of(post))} {when}{account}"


def _as_in_file(desired: DesiredSite, post: PublishedPost) -> PublishedPost:
    """A post as the state knows it, or as its approvals file does if the state has only the id."""
    if post.channel:
        return with_account_named(post, desired.approvals)
    draft, activity = desired.approvals.draft(post.id), desired.approvals.activity_of(post.id)
    if draft is None or activity is None:
        return post
    return replace(
        post,
        digest=draft.digest,
        channel=draft.channel,
        activity=activity.id,
        title=activity.title,
        date=activity.date,
        account=draft.account or None,
        type=draft.type,
    )


def _why_not(
    desired: DesiredSite, recorded: RecordedSite, post: PublishedPost, options: PlanOptions
) -> Unwanted | None:
    """Why a post is unwanted whatever the site would say about it; None if that cannot be determined here."""
    if (reason := why_not_by_files(desired, recorded, options.policy, post)) is not None:
        activity = desired.approvals.activity_of(post.id)
        decided = reason is Reason.SENT_BACK and activity is not None
        return Unwanted(reason, (f"decision: {activity.decision}",) if decided and activity is not None else ())
    if desired.marketing_plan is not None and not desired.marketing_plan.present:
        return Unwanted(Reason.ABSENT_WANTED, ("marketingPlan",))
    if post.scheduled_for is not None:
        scope = Scope(desired.ref.name, options.now, known_zone(post.zone))
        if found := time_violations(post.scheduled_for, options.policy, scope):
            return Unwanted(Reason.FORBIDDEN, grounds=Grounds(found))
    return None


def _going_out(site: SiteName, post: PublishedPost, unwanted: Unwanted, why: Diagnostic) -> StillGoingOut:
    return StillGoingOut(
        Address(site, Kind.DRAFT, post.id),
        post.id,
        post.channel,
        post.title,
        post.account,
        post.scheduled_for or post.date,
        unwanted.reason,
        unwanted.details,
        or_by_hand(why),
        post.type,
        unwanted.grounds,
        (post.scheduled_for is None and post.date is not None) or ABSENT,
    )
