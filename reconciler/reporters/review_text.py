"""Reviews and decisions in words, for a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.decisions import Subject
from reconciler.engine.results import Decided, ReviewCompleted
from reconciler.model.content import PublicContent
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import PostId, post_name
from reconciler.model.text import printable
from reconciler.planner.approval_checks import difference_words, is_of_title
from reconciler.planner.channel_rules import warnings_of_reviewed
from reconciler.planner.decisions import all_out
from reconciler.planner.live_posts import GONE
from reconciler.planner.review import TO_DECIDE, Review, ReviewStatus
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.last_lines import NO_SITES
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.named_drafts import MOST_NAMED
from reconciler.reporters.next_step import record_first
from reconciler.reporters.values import quoted

STATUS_WORDS: Final = {
    ReviewStatus.PENDING: "pending",
    ReviewStatus.CHANGED: "changed after approval",
    ReviewStatus.EDITED: "edited in the file",
    ReviewStatus.WITHHELD: "to approve again",
    ReviewStatus.CANCELLED: "cancelled after approval",
    ReviewStatus.MISSED: "approved but missed",
    ReviewStatus.APPROVED: "approved",
    ReviewStatus.SCHEDULED: "scheduled",
    ReviewStatus.OUT: "went out",
    ReviewStatus.FAILED: "failed to go out",
}


def review_line(review: ReviewCompleted) -> str:
    """The last line of `review`."""
    if not review.sites:
        return NO_SITES
    ending = f"; {plural(review.going_out, 'post')} still going out" if review.going_out else ""
    goes = plural(review.unapproved, "post goes", "posts go")
    ending += f"; {goes} out unapproved" if review.unapproved else ""
    ending += f"; {plural(review.scheduled_blocked, 'scheduled post')} blocked" if review.scheduled_blocked else ""
    ending += f"; {plural(review.not_out, 'post')} failed to go out" if review.not_out else ""
    unread = review.failed - review.not_reviewed
    ending += f"; {plural(unread, 'site')} could not be read" if unread else ""
    ending += f"; {plural(review.not_reviewed, 'site')} not reviewed" if review.not_reviewed else ""
    sites = plural(review.sites, "site")
    has = "has" if review.sites_pending == 1 else "have"
    where = f"; {review.sites_pending:,} of {sites} {has} pending drafts" if review.pending else f", in {sites}"
    pending = f"{review.pending:,} pending{blocked_words(review.pending_blocked, review.pending)}"
    approved = f"{review.approved:,} approved{blocked_words(review.blocked, review.approved)}"
    return f"Review: {pending}, {approved}{where}{ending}."


def blocked_words(blocked: int, among: int) -> str:
    """` (2 of them blocked)`, to follow the number of drafts that they are among."""
    if blocked < among:
        return f" ({blocked:,} of them blocked)" if blocked else ""
    return " (all blocked)" if blocked > 1 else " (blocked)" if blocked else ""


class Setback(Struct, frozen=True):
    """Decisions or edits by people that come to nothing: about which drafts or activities of a site, and why.

    `noun` is for one and, if that is irregular, for several. `why` continues a sentence that begins with them.
    """

    label: str
    noun: tuple[str, ...]
    why: str
    names: tuple[str, ...] = ()

    @property
    def kind(self) -> Setback:
        """The same without the names."""
        return replace(self, names=())

    @property
    def words(self) -> str:
        """`"Sale" (X), "Studio" (X), each: the approval may have been used already; ...`."""
        return f"{some_of(self.names, MOST_NAMED)}{self.said_of(len(self.names))}"

    def said_of(self, count: int) -> str:
        """The rest of a sentence that begins with so many of them."""
        each = ", each" if self.why.startswith(":") else ": each"
        return f"{each}{self.why}" if count > 1 else self.why


def undone_by(review: Review) -> Iterator[Setback]:
    """Decisions and edits that the file no longer has."""
    return _together(_undone(review))


def blocked_by(review: Review) -> Iterator[Setback]:
    """Approvals that something blocks, so that the drafts do not go out, and scheduled posts that will fail."""
    return _together(
        (_setback("blocked", problem), post_name(activity.activity.title, draft.post.channel, draft.post.type))
        for activity in review.activities
        for draft in (*activity.blocked, *review.endangered(activity))
        for problem in draft.problems
    )


def _together(found: Iterable[tuple[Setback, str]]) -> Iterator[Setback]:
    names: dict[Setback, list[str]] = {}
    for kind, name in found:
        names.setdefault(kind, []).append(name)
    yield from (replace(kind, names=tuple(its)) for kind, its in names.items())


def _setback(label: str, problem: Diagnostic) -> Setback:
    """What a problem of a draft does to the decision about it."""
    return Setback(label, ("draft",), f"{'' if problem.says_name is True else ':'} {problem.unnamed}")


def _undone(review: Review) -> Iterator[tuple[Setback, str]]:
    for activity in review.activities:
        if activity.lapsed is not None:
            why = f": `{activity.lapsed}` was given for drafts that have changed since; decide again"
            if all_out(tuple(found.post for found in activity.posts if found.post.status not in GONE)):
                why = f": `{activity.lapsed}` came too late, because its posts have gone out"
            yield Setback("back to keep", ("activity", "activities"), why), quoted(activity.activity.title)
    for found in review.rewritten:
        label = "back to pending" if found.after in TO_DECIDE else "corrected"
        what = difference_words(found.differences, review.zone)
        match found.before:
            case ReviewStatus.EDITED if is_of_title(found.differences):
                why = "its activity was renamed, or the title was edited in the file"
                why = f"{why}, which now shows the site's text again: {what}"
            case ReviewStatus.EDITED:
                why = f"edited in the file, which now shows the site's text again: {what or 'its digest did not match'}"
                why = f"{why}; make the change in the site's dashboard"
            case ReviewStatus.CHANGED:
                why = f"changed after approval: {what}" if what else "changed after approval"
            case _:
                why = "the approval may have been used already; run apply, then approve again"
        yield Setback(label, ("draft",), f": {why}"), post_name(found.title, found.post.channel, found.post.type)
    for problem in review.gone:
        yield _setback("entry removed", problem), problem.name


def content_facts(content: PublicContent, account: str) -> Iterator[tuple[str, str]]:
    """A post's account, title, link and the like: everything public except its media, caption and description.

    Pairs of a name and a text; empty ones are left out.
    """
    pairs = (
        ("account", account or content.account or "unknown (the draft does not say which)"),
        *content.place,
        ("title", content.title),
        ("link", content.link),
        ("preview", " | ".join(text for text in (content.preview.title, content.preview.description) if text)),
        ("preview image", content.preview.thumbnail),
        ("call to action", content.call_to_action),
        ("audience", content.audience),
        *content.other,
    )
    return ((name, text) for name, text in pairs if text)


# --- deciding --------------------------------------------------------------------------------------


NO_NOTES: Final[Mapping[PostId, Sequence[str]]] = {}

EDITED: Final = "edited in the file"

WHEN_EDITED: Final = "run review, which shows the version on the site, and approve that"
"""What to do about a draft that was edited in the file."""

NOT_APPROVABLE: Final = "cannot be approved yet: apply refuses the site, as plan shows, and has never recorded it"
"""What is said of the drafts of a site that apply refuses and has never recorded."""

WHEN_APPROVABLE: Final = "once an apply has succeeded, run review, then approve"
"""What to do about such a draft."""


def subject_lines(
    subject: Subject,
    screen: Screen,
    number: int,
    of: int,
    notes: Mapping[PostId, Sequence[str]] = NO_NOTES,
    *,
    with_id: bool = False,
) -> Iterator[str]:
    """The draft to decide about, in full, as the gallery shows it; `notes` are what else there is to know about it.

    Nothing of a caption is left out, and nothing in it can control the terminal. `with_id` is for drafts that were
    chosen by their ids.
    """
    for draft in subject.drafts:
        yield ""
        facts = (post_name("", draft.channel, draft.type), f'"{subject.activity.title}"')
        yield from wrapped((Span(f"{number:,} of {of:,}", Style.BOLD), Span(subject.site), *map(Span, facts)), screen)
        when = draft.goes_out or moment_text(subject.activity.date, "UTC", exact=False)
        yield from wrapped((Span(f"goes out: {when}"),), screen, indent=2)
        for name, text in content_facts(draft.content, draft.account):
            yield from wrapped((Span(f"{name}: {text}"),), screen, indent=2)
        edited = [f"{EDITED}: {WHEN_EDITED}"] if subject.edited else []
        for problem in (
            *draft.blocked,
            *edited,
            *([] if subject.approvable else [f"{NOT_APPROVABLE}; {WHEN_APPROVABLE}"]),
        ):
            yield from wrapped((Span(f"blocked: {problem}", Style.YELLOW),), screen, indent=2)
        earlier = plural(
            draft.cancelled, "earlier approval of it no longer counts", "earlier approvals of it no longer count"
        )
        said = (*([earlier] if draft.cancelled else ()), *map(cause, warnings_of_reviewed(draft)))
        for note in (*said, *notes.get(draft.id, ())):
            yield from wrapped((Span(f"note: {note}", Style.YELLOW),), screen, indent=2)
        for url in draft.content.media:
            yield screen.paint(f"  {printable(url)}", Style.DIM)
        if not draft.content.media:
            yield screen.paint("  no image", Style.DIM)
        words = "\n\n".join(text for text in (draft.content.caption, draft.content.description) if text)
        for line in (words.strip("\n") or "(no text)").replace("\r\n", "\n").split("\n"):
            for row in wrapped((Span(f"| {line}"),), screen, indent=2):
                yield row.rstrip()
        if with_id:
            yield screen.paint(f"  id: {draft.id}", Style.DIM)
    if not subject.drafts:
        yield ""
        title = Span(f'"{subject.activity.title}"')
        place = Span(f"{number:,} of {of:,}", Style.BOLD)
        yield from wrapped((place, Span(subject.site), title, Span("no posts")), screen)


def next_after_review(review: ReviewCompleted) -> str | None:
    """What to type: to stop unwanted posts, to approve drafts if that helps, or to see why they are to be discarded."""
    if review.going_out:
        posts = plural(review.going_out, "unwanted post is", "unwanted posts are")
        return f"reconciler plan   ({posts} still going out)"
    drafts, sites = review.pending - review.stuck, review.sites_pending - review.sites_stuck
    blocked = review.pending_blocked - review.stuck
    of_these = f", {blocked:,} of them blocked" if blocked and drafts > 1 else ", blocked" if blocked else ""
    more = f"; {review.stuck:,} more cannot go out as they are" if review.stuck > 1 else ""
    more = "; 1 more cannot go out as it is" if review.stuck == 1 else more
    approve = f"reconciler approve   ({plural(drafts, 'draft')} in {plural(sites, 'site')}{of_these}{more})"
    if drafts:
        return record_first(review.unrecorded) or approve
    if review.to_discard:
        return f"reconciler plan   (shows why the next apply discards {plural(review.to_discard, 'waiting draft')})"
    if review.blocked or review.scheduled_blocked:
        what = plural(review.blocked, "blocked draft") if review.blocked else "the blocked posts"
        return f"reconciler plan   (shows what to do about {what})"
    return None


def next_after_deciding(decided: Decided) -> str | None:
    """What to type once drafts have been decided on."""
    if not decided.listed:
        return "reconciler review" if decided.among else None
    return "reconciler plan   (shows what the decisions will do)" if decided.drafts or decided.activities else None


def decided_line(decided: Decided) -> str:
    """The last line of `approve`."""
    if not decided.among:
        return NO_SITES
    if not decided.listed:
        return "Nothing to decide: the approvals files of these sites have no drafts; run review to write them."
    if not decided.asked:
        chosen = "no selected draft needs this decision" if decided.pending else "no draft is waiting for a decision"
        return f"Nothing to decide: {chosen} ({plural(decided.listed, 'draft')}, {decided.pending:,} pending)."
    if not decided.drafts and not decided.activities:
        return f"Nothing decided; {decided.pending:,} pending."
    what = [plural(decided.drafts, "draft")] if decided.drafts else []
    if decided.activities:
        what.append(plural(decided.activities, "activity", "activities"))
    return f"Decided: {' and '.join(what)} in {plural(decided.sites, 'site')}; {decided.pending:,} pending."
