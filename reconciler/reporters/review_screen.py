"""A review on a screen: what people are asked about, by activity, and the sites without questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

from msgspec.structs import replace

from reconciler.engine.results import RunStarted
from reconciler.engine.site_results import SiteFailed, SiteNotReviewed, SiteReviewed, Written
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import post_name, shown_account
from reconciler.model.text import spoken
from reconciler.planner.actions import GoingOut, StillGoingOut
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.channel_rules import GOES_OUT_ANYWAY
from reconciler.planner.outlook import MissedApproval
from reconciler.planner.review import TO_DECIDE, Review, ReviewedActivity, ReviewedPost, ReviewStatus
from reconciler.reporters.cards import DECISION_WORDS
from reconciler.reporters.diagnostics import cause, for_any_site, in_common, of_its_site
from reconciler.reporters.failures import Failures
from reconciler.reporters.going_out import by_cause, going_out_lines
from reconciler.reporters.last_lines import header_lines
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.named_drafts import MOST_NAMED
from reconciler.reporters.names_on_sites import MOST_SITES, MOST_TITLES, by_frequency, names_counted
from reconciler.reporters.problem_items import alike
from reconciler.reporters.review_text import NOT_APPROVABLE, STATUS_WORDS, Setback, blocked_by, blocked_words, undone_by
from reconciler.reporters.values import quoted

FEW_SITES = 5
"""With this many sites or more, those with the same numbers share a line, at the end."""

MOST_NAMES = 8


class ReviewScreen:
    """Shows many sites as they come, and what they share at the end; few sites are shown at the end, problems first.

    `quiet` leaves out drafts that only wait for a decision, and every site without a problem.
    """

    def __init__(self, screen: Screen, *, quiet: bool = False) -> None:
        self._screen = screen
        self._quiet = quiet
        self._many = False
        self._gap = not quiet
        self._empty = quiet
        self._few: list[SiteReviewed | SiteNotReviewed] = []
        self._without: dict[str, list[tuple[str, Diagnostic]]] = {}
        self._alike: dict[tuple[str, Written], list[tuple[str, str]]] = {}
        self._setbacks: dict[Setback, list[tuple[str, Setback]]] = {}
        self._failures = Failures()
        self._failed: dict[tuple[str, str], list[Diagnostic]] = {}
        """The posts of many sites that failed to go out, by the cause and what to do."""

    def started(self, run: RunStarted) -> Iterator[str]:
        """The header."""
        self._many = run.sites >= FEW_SITES
        if self._quiet:
            return
        yield from header_lines(run, self._screen)

    def site(self, result: SiteReviewed | SiteNotReviewed | SiteFailed) -> Iterator[str]:
        """Adds a site, and shows it if there are many."""
        if isinstance(result, SiteFailed):
            self._failures.add(result)
            return
        if isinstance(result, SiteReviewed):
            for found in _setbacks_of(result.review):
                self._setbacks.setdefault(found.kind, []).append((result.review.site, found))
        if self._many:
            yield from self._shown(result)
        else:
            self._few.append(result)

    def _shown(self, result: SiteReviewed | SiteNotReviewed) -> Iterator[str]:
        """The lines of a site; a site with a block has empty lines around it."""
        lines = list(self._site(result))
        block = len(lines) > 1 and not self._many
        if lines and (block or self._gap):
            yield ""
        yield from lines
        self._empty = self._empty and not lines
        self._gap = block if lines else self._gap

    def _site(self, result: SiteReviewed | SiteNotReviewed) -> Iterator[str]:
        if self._many:
            result = self._without_going_out(result)
            for same in alike(result.review.failures) if isinstance(result, SiteReviewed) else ():
                self._failed.setdefault((same[0].unnamed, same[0].fix), []).extend(same)
        match result:
            case SiteReviewed():
                yield from self._reviewed(result)
            case SiteNotReviewed(going_out=()) if self._quiet:
                return
            case SiteNotReviewed(name=name, why=why) if self._many:
                self._without.setdefault(cause(for_any_site(why)), []).append((name, why))
            case SiteNotReviewed(name=name, why=why):
                said = of_its_site(replace(why, place=None))  # it names its file itself
                yield from wrapped((Span(name, Style.BOLD), Span(said)), self._screen)
                yield from _going_out(result.going_out, result.zone, self._screen)

    def _reviewed(self, result: SiteReviewed) -> Iterator[str]:
        """The block of a site, or nothing if its part comes at the end."""
        review = result.review
        asked = any(post.status in TO_DECIDE for activity in review.activities for post in activity.shown)
        setbacks = [found for found in _setbacks_of(review) if not self._is_apart(found.kind)]
        failures = () if self._many else review.failures
        says_more = review.going_out or failures or setbacks
        if self._quiet and not (review.missed or review.unapproved or says_more):
            return
        noteworthy = asked or review.missed or review.failures or review.going_out
        if self._many and not noteworthy and result.written is Written.NONE:
            return
        if self._many and not self._quiet and not says_more:
            self._alike.setdefault((_counts(result), result.written), []).append((review.site, result.file))
            return
        yield from _head(result, self._screen)
        yield from _going_out(review.going_out, review.zone, self._screen)
        for same in alike(failures):
            yield from _failed(same, self._screen)
        yield from _setback_lines(setbacks, self._screen)
        if self._quiet:
            yield from _problems(review, self._screen)
        elif not self._many:
            yield from _body(result, self._screen)

    def _without_going_out(self, result: SiteReviewed | SiteNotReviewed) -> SiteReviewed | SiteNotReviewed:
        """The same site, without the posts that go out unwanted: they are shown at the end."""
        match result:
            case SiteReviewed(review=review):
                self._failures.going_out.add(GoingOut(post, review.zone) for post in review.going_out)
                return replace(result, review=replace(review, going_out=()))
            case SiteNotReviewed():
                self._failures.going_out.add(GoingOut(post, result.zone) for post in result.going_out)
                return replace(result, going_out=())

    def _is_apart(self, setback: Setback) -> bool:
        """Whether a kind of setback is shown outside the blocks of its sites."""
        return self._many or len(self._setbacks[setback]) > 1

    def end(self) -> Iterator[str]:
        """Problems first: what goes out unwanted, sites that could not be read, and decisions undone on several sites.

        Then what there is to decide, and an empty line before the last one.
        """
        first = [result for result in self._few if _goes_wrong(result)]
        for result in first:
            yield from self._shown(result)
        going_out = [text for line in self._failures.going_out.lines() for text in line.on(self._screen)]
        if going_out and self._gap:
            yield ""
            self._gap = False
        yield from going_out
        if self._failed and (self._gap or going_out):
            yield ""
            self._gap = False
        for same in self._failed.values():
            yield from _failed(same, self._screen, by_site=True)
        self._empty = self._empty and not (going_out or self._failed)
        failures = [text for line in self._failures.lines() for text in line.on(self._screen)]
        if failures and self._gap:
            yield ""
        yield from failures
        self._gap = (bool(failures) and not self._quiet) or self._gap
        yield from self._shared_setbacks()
        for result in self._few:
            if result not in first:
                yield from self._shown(result)
        yield from self._shared()
        for found in self._without.values():
            names, why = [name for name, _ in found], cause(reduce(in_common, (each for _, each in found)))
            head = Span(plural(len(names), "site"), Style.BOLD)
            yield from wrapped((head, Span(f"{why}: {some_of(names, MOST_NAMES)}")), self._screen)
        if not self._empty or self._failures:
            yield ""

    def _shared_setbacks(self) -> Iterator[str]:
        """The decisions and edits that come to nothing; what several sites share is said once."""
        apart = {kind: found for kind, found in self._setbacks.items() if self._is_apart(kind)}
        if apart and self._gap:
            yield ""
            self._gap = False
        self._empty = self._empty and not apart
        for kind, found in apart.items():
            head = Span(f"! {kind.label}", Style.YELLOW)
            if len(found) == 1:
                site, its = found[0]
                yield from wrapped((head, Span(site, Style.BOLD), Span(its.words)), self._screen, hang=10)
                continue
            count = sum(len(its.names) for _, its in found)
            objects = f"{plural(count, *kind.noun)} in {plural(len(found), 'site')}"
            yield from wrapped((head, Span(objects + kind.said_of(count))), self._screen, hang=10)
            rows = [f"{site}: {some_of(its.names, MOST_NAMED)}" for site, its in found]
            if len(found) >= FEW_SITES:
                rows = [f"sites: {some_of([site for site, _ in found], MOST_NAMES)}"]
            for row in rows:
                yield from wrapped((Span(row),), self._screen, indent=6, hang=10)

    def _shared(self) -> Iterator[str]:
        """Sites about which there is nothing to say but a number."""
        if self._alike and self._gap:
            yield ""
            self._gap = False
        for (counts, written), found in self._alike.items():
            few = len(found) < FEW_SITES
            for site, file in found if few else ():
                yield from _row(site, counts, file, written, self._screen)
            if not few:
                names = [site for site, _ in found]
                files = f"{plural(len(found), 'file')} {spoken(written)}" if written is not Written.NONE else ""
                facts = (f"{counts} each", files, some_of(names, MOST_NAMES))
                head = Span(plural(len(found), "site"), Style.BOLD)
                yield from wrapped((head, *(Span(fact) for fact in facts if fact)), self._screen)


def _goes_wrong(result: SiteReviewed | SiteNotReviewed) -> bool:
    """Whether posts of a site go out unwanted, or failed to go out."""
    if isinstance(result, SiteReviewed):
        return bool(result.review.going_out or result.review.failures)
    return bool(result.going_out)


def _setbacks_of(review: Review) -> Iterator[Setback]:
    yield from undone_by(review)
    yield from blocked_by(review)


def _head(result: SiteReviewed, screen: Screen) -> Iterator[str]:
    """`shop  4 pending  approvals/shop.yaml (created)`."""
    review = result.review
    yield from _row(review.site, _counts(result), result.file, result.written, screen)


def _counts(result: SiteReviewed) -> str:
    review = result.review
    decided = (post for activity in review.activities for post in (*activity.blocked, *review.endangered(activity)))
    blocked = Counter(post.status for post in (*review.waiting, *decided) if post.problems)
    found = [
        f"{count:,} {STATUS_WORDS[status]}{blocked_words(blocked[status], count)}"
        for status in ReviewStatus
        if (count := review.count(status))
    ]
    goes = plural(len(review.unapproved), "post goes", "posts go")
    anyway = f"; {goes} out unapproved" if review.unapproved else ""
    if sent_back := sum(len(activity.sent_back) for activity in review.activities):
        found.append(f"{sent_back:,} sent back")
    gone = f"; the next apply discards {plural(review.to_discard, 'waiting draft')}" if review.to_discard else ""
    of_no_use = f"; {NOT_APPROVABLE}" if review.waiting and not result.approvable else ""
    return f"{', '.join(found) or 'no drafts'}{anyway}{gone}{of_no_use}"


def _row(site: str, counts: str, file: str, written: Written, screen: Screen) -> Iterator[str]:
    where = f"{file} ({spoken(written)})" if written is not Written.NONE else ""
    spans = [Span(site, Style.BOLD), Span(counts), Span(where, Style.DIM)]
    yield from wrapped([span for span in spans if span.text], screen)


def _going_out(posts: Iterable[StillGoingOut], zone: str, screen: Screen) -> Iterator[str]:
    """The posts that are no longer wanted and still go out, as a plan shows them."""
    for same in by_cause(posts, zone):
        for line in going_out_lines(same, zone):
            yield from line.on(screen)


def _failed(same: Sequence[Diagnostic], screen: Screen, *, by_site: bool = False) -> Iterator[str]:
    """Posts that should have gone out and did not, all for one reason; `by_site`: with their sites."""
    if len(same) == 1 and not by_site:
        yield from _problem("failed", same[0], screen)
        return
    sites: dict[str, list[str]] = {}
    for problem in same:
        sites.setdefault(problem.about.site if by_site else "", []).append(problem.name)
    left = 0 if by_site else 2
    posts = (Span(f"({plural(len(same), 'post')})", Style.DIM),) if len(same) > 1 else ()
    head = (Span("! failed", Style.RED), Span(same[0].unnamed), *posts)
    yield from wrapped(head, screen, indent=left, hang=left + 10)
    yield from wrapped((Span(f"fix: {same[0].fix}", Style.DIM),), screen, indent=left + 6, hang=left + 10)
    rows = [f"{site}: {', '.join(names)}" if site else ", ".join(names) for site, names in sites.items()]
    if len(rows) > MOST_SITES:
        counts = by_frequency(Counter(name for names in sites.values() for name in names))
        rows = [names_counted(counts, len(same), MOST_TITLES), f"sites: {some_of(list(sites), MOST_NAMES)}"]
    for row in rows:
        yield from wrapped((Span(row),), screen, indent=left + 6, hang=left + 8)


def _problem(label: str, problem: Diagnostic, screen: Screen) -> Iterator[str]:
    yield from wrapped((Span(f"  ! {label}", Style.RED), Span(problem.message)), screen, hang=12)
    yield from wrapped((Span(f"fix: {problem.fix}", Style.DIM),), screen, indent=8, hang=12)


def _problems(review: Review, screen: Screen) -> Iterator[str]:
    """The posts that go out unapproved, and the approvals that came too late."""
    for problem in review.unapproved:
        yield from _problem("unapproved", problem, screen)
    for missed in review.missed:
        yield from _missed(missed, review, screen)


def _setback_lines(found: Iterable[Setback], screen: Screen) -> Iterator[str]:
    for setback in found:
        spans = (Span(f"  ! {setback.label}", Style.YELLOW), Span(setback.words))
        yield from wrapped(spans, screen, hang=12)


def _body(result: SiteReviewed, screen: Screen) -> Iterator[str]:
    """What is asked about a site, and where to see it."""
    review = result.review
    for missed in review.missed:
        yield from _missed(missed, review, screen)
    for activity in review.activities:
        asked = [post for post in activity.shown if post.status in TO_DECIDE]
        if activity.sent_back:
            title, words = quoted(activity.activity.title), DECISION_WORDS[activity.decision]
            yield from wrapped((Span(f"  * {title}", Style.CYAN), Span(f"sent back: {words}")), screen, hang=8)
        elif asked:
            yield from _activity(activity, asked, review, screen)
    if result.gallery:
        yield from wrapped((Span(f"  Preview: {result.gallery}", Style.DIM),), screen)


def _activity(activity: ReviewedActivity, asked: list[ReviewedPost], review: Review, screen: Screen) -> Iterator[str]:
    moments = list(dict.fromkeys(review.goes_out(post) for post in asked))
    head = [Span(f"  ? {quoted(activity.activity.title)}", Style.CYAN)]
    if len(moments) == 1:
        head.append(Span(moments[0]))
    yield from wrapped(head, screen, hang=8)
    for post in asked:
        spans = [Span(post_name("", post.post.channel, post.post.type), Style.BOLD)]
        spans.append(Span(f"on {shown_account(post.post.account) if post.post.account else 'an unknown account'}"))
        if len(moments) > 1:
            spans.append(Span(review.goes_out(post)))
        if post.status is not ReviewStatus.PENDING:
            spans.append(Span(f"({STATUS_WORDS[post.status]})", Style.YELLOW))
        yield from wrapped(spans, screen, indent=8, hang=10)
        if post.differences and post.status is not ReviewStatus.PENDING:
            what = f"in the file -> on the site: {difference_words(post.differences, review.zone)}"
            yield from wrapped((Span(what, Style.YELLOW),), screen, indent=10, hang=12)
        for problem in post.problems:
            yield from wrapped((Span(f"blocked: {problem.message}", Style.YELLOW),), screen, indent=10, hang=12)
        for warning in post.warnings:
            style = Style.YELLOW if warning == GOES_OUT_ANYWAY else Style.DIM
            yield from wrapped((Span(f"note: {cause(warning)}", style),), screen, indent=10, hang=12)


def _missed(missed: MissedApproval, review: Review, screen: Screen) -> Iterator[str]:
    """An approval that came too late: what people asked for and did not get."""
    due = moment_text(missed.moment, review.zone, exact=missed.exact)
    name = post_name("", missed.draft.channel, missed.draft.type)
    facts = (name, quoted(missed.activity.title), f"approved, was due {due}")
    yield from wrapped((Span("  ! missed", Style.YELLOW), *map(Span, facts)), screen, hang=12)
