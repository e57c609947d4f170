"""Posts that somebody scheduled before their site was imported: recorded in its approvals file, as approved."""

from __future__ import annotations

from typing import Final

from reconciler.api.client import ReadClient
from reconciler.config.approval_files import approvals_now
from reconciler.config.approvals_edit import set_decisions, update_approvals
from reconciler.config.discovery import shown_path
from reconciler.config.new_files import read_text, write_file
from reconciler.engine.session import Session
from reconciler.executor.observe import merged
from reconciler.model.approvals import DraftDecision
from reconciler.model.content import approval_digest
from reconciler.model.diagnostics import InvalidFiles, Place, problem
from reconciler.model.marketing_plan import MarketingPlan
from reconciler.model.moments import moment_text
from reconciler.model.posts import PostStatus, account_name, fits_in_files
from reconciler.model.review import ActivityForReview, DraftForReview
from reconciler.model.sites import Need, ObservedSite, SiteRef
from reconciler.planner.matching import in_order
from reconciler.planner.review_builder import with_account_names

APPROVED_OUTSIDE: Final = """\
# When this site was imported, somebody outside this project had already scheduled these posts on it. They count as
# approved with the content shown here; to have one cancelled, replace its `approve` with `pending`.
"""


def scheduled_posts(live: MarketingPlan, zone: str = "UTC") -> tuple[ActivityForReview, ...]:
    """The activities with posts that are waiting to go out, in the form of an approvals file."""
    return tuple(
        ActivityForReview(activity.id, activity.title, activity.date, drafts)
        for activity in in_order(live.activities)
        if (
            drafts := tuple(
                DraftForReview(
                    post.id,
                    post.content,
                    approval_digest(post.id, post.content, activity.date, account_name(post.account)),
                    post.earlier_digest,
                    post.account,
                    moment_text(post.scheduled_for or activity.date, zone, exact=post.scheduled_for is not None),
                    cancelled=None,
                )
                for post in sorted(activity.posts, key=lambda post: (post.channel, post.type, post.id))
                if post.status is PostStatus.SCHEDULED and fits_in_files(activity.id) and fits_in_files(post.id)
            )
        )
    )


async def approve_as_they_are(session: Session[ReadClient], site: SiteRef, observed: ObservedSite) -> ObservedSite:
    """Writes the posts that are waiting to go out into the site's approvals file, as approved.

    Returns the site with what was read for this: the time zone and the accounts' names, which are for people. Raises
    InvalidFiles if the file exists and says anything else: it may withdraw approvals, or be the file of a site that was
    renamed.
    """
    channels = tuple(sorted({post.channel for post in observed.posts}))
    needs = frozenset({Need.PROPERTIES, Need.ACCOUNTS})
    observed = with_account_names(merged(observed, await session.client.reader().read(site, needs, channels=channels)))
    assert observed.marketing_plan is not None
    activities = scheduled_posts(observed.marketing_plan, observed.time_zone or "UTC")
    path = session.project.approvals_file(site.name)
    text = update_approvals(None, site.name, activities, shown_path(path))
    assert text is not None
    text = set_decisions(
        text,
        {draft.id: DraftDecision.APPROVE for activity in activities for draft in activity.drafts},
        file=shown_path(path),
    )
    head, version, rest = text.partition("version: 1\n")
    text = head + APPROVED_OUTSIDE + version + rest
    if read_text(path) not in (None, text):
        message = "the file already exists, and its decisions differ from those that this import would write"
        fix = (
            "restore the site file that it belongs to, or, if that site was renamed, rename this file too; if its "
            "decisions no longer count, delete it; then run again"
        )
        raise InvalidFiles((problem(Place(shown_path(path)), message, fix),))
    write_file(path, text)
    written = approvals_now(session.project, site.name) if not session.project.trust.committed else None
    assert written is None or all(
        written.approves(post, activity.date)
        for activity in observed.marketing_plan.activities
        for post in activity.posts
        if post.status is PostStatus.SCHEDULED
    ), "an approval that was just written does not count"
    return observed
