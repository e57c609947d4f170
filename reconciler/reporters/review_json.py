"""A review as the records of the JSON formats."""

from __future__ import annotations

from reconciler.engine.run_ledger import DifferenceRecord, GoingOutRecord, going_out_records
from reconciler.engine.site_results import SiteNotReviewed, SiteReviewed, Written
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import ActivityDecision
from reconciler.model.codec import taken_from
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import ApiInstant, Struct, instant
from reconciler.planner.review import Review, ReviewedActivity, ReviewedPost, ReviewStatus, Rewritten
from reconciler.reporters.diagnostics import problem_record, problem_records


class DraftRecord(Struct, frozen=True):
    """A draft that people decide on, or have decided on."""

    address: Address
    activity: str
    title: str
    channel: str
    type: str
    digest: str
    status: ReviewStatus
    account: str | None
    goes_out: str
    at: ApiInstant
    exact: bool
    problems: tuple[ProblemRecord, ...]
    warnings: tuple[ProblemRecord, ...]


class LapsedRecord(Struct, frozen=True):
    """A decision about an activity whose drafts have changed or gone out since."""

    activity: str
    title: str
    decision: ActivityDecision


class RewrittenRecord(Struct, frozen=True):
    """A decision or edit by a person that the file no longer has."""

    post: str
    title: str
    channel: str
    type: str
    before: ReviewStatus
    after: ReviewStatus
    differences: tuple[DifferenceRecord, ...]


class ReviewedRecord(Struct, frozen=True):
    """A site's review."""

    site: SiteName
    reviewed: bool
    file: str
    written: Written
    time_zone: str
    drafts: tuple[DraftRecord, ...]
    back_to_keep: tuple[LapsedRecord, ...]
    rewritten: tuple[RewrittenRecord, ...]
    gone: tuple[ProblemRecord, ...]
    failed_posts: tuple[ProblemRecord, ...]
    still_going_out: tuple[GoingOutRecord, ...]


class NotReviewedRecord(Struct, frozen=True):
    """Why a site has no review."""

    site: SiteName
    reviewed: bool
    problem: ProblemRecord
    still_going_out: tuple[GoingOutRecord, ...]


def reviewed_record(result: SiteReviewed | SiteNotReviewed) -> ReviewedRecord | NotReviewedRecord:
    """A site's review, or why there is none."""
    if isinstance(result, SiteNotReviewed):
        return NotReviewedRecord(result.name, False, problem_record(result.why), going_out_records(result.going_out))
    review = result.review
    return ReviewedRecord(
        review.site,
        True,
        result.file,
        result.written,
        review.zone,
        tuple(_draft(review, found, post) for found in review.activities for post in found.shown),
        tuple(
            LapsedRecord(found.activity.id, found.activity.title, found.lapsed)
            for found in review.activities
            if found.lapsed is not None
        ),
        tuple(map(_rewritten, review.rewritten)),
        problem_records(review.gone),
        problem_records(review.failures),
        going_out_records(review.going_out),
    )


def _draft(review: Review, found: ReviewedActivity, reviewed: ReviewedPost) -> DraftRecord:
    post = reviewed.post
    return DraftRecord(
        Address(review.site, Kind.DRAFT, post.id),
        found.activity.id,
        found.activity.title,
        post.channel,
        post.type,
        post.digest,
        reviewed.status,
        post.account,
        review.goes_out(reviewed),
        ApiInstant(instant(reviewed.moment)),
        reviewed.exact,
        problem_records(reviewed.problems),
        problem_records(reviewed.warnings),
    )


def _rewritten(found: Rewritten) -> RewrittenRecord:
    post = found.post
    differences = tuple(taken_from(difference, DifferenceRecord) for difference in found.differences)
    return RewrittenRecord(post.id, found.title, post.channel, post.type, found.before, found.after, differences)
