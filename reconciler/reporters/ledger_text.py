"""What a run did at a site, as lines that appear while it works. ledger_summary.py sums up all sites at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, causes_once, tally_of
from reconciler.model.address import Kind, SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, of_a_post
from reconciler.model.durations import duration
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.moments import moment_text
from reconciler.model.operations import Deferred, Operation, class_of
from reconciler.model.outcomes import Remark, Trouble
from reconciler.model.plurals import plural, some_of
from reconciler.model.posts import AwaitPosts, ClearPosts, GeneratePosts, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, ScheduleOperation, SchedulePost
from reconciler.model.text import spoken
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, GoingOut, Reason
from reconciler.planner.may_go_out import when_and_where
from reconciler.reporters.diagnostics import of_its_site, reason, sentence, shared_cause, shared_reason
from reconciler.reporters.failures import unseen_lines
from reconciler.reporters.going_out import by_cause, going_out_lines, going_out_words, kinds_of
from reconciler.reporters.kinds.base import STYLES, SYMBOLS
from reconciler.reporters.kinds.registry import action_text
from reconciler.reporters.kinds.schedule import account_words, scheduled_words
from reconciler.reporters.last_lines import AT_ANOTHER_TIME
from reconciler.reporters.layout import Line, Screen, Span, Style, subject_line
from reconciler.reporters.named_drafts import MOST_NAMED, by_channels
from reconciler.reporters.names_on_sites import names_counted, names_line
from reconciler.reporters.problem_items import alike
from reconciler.reporters.same_names import with_ids_if_needed
from reconciler.reporters.totals import note_line, problem_lines
from reconciler.reporters.values import quoted
from reconciler.reporters.words import delete_of, moment, on_account, time_beside

RESULT_STYLES: Final = {
    ActionResult.DONE: Style.GREEN,
    ActionResult.SKIPPED: Style.YELLOW,
    ActionResult.WITHHELD: Style.YELLOW,
    ActionResult.PENDING: Style.YELLOW,
    ActionResult.UNKNOWN: Style.RED,
    ActionResult.FAILED: Style.RED,
    ActionResult.NOT_STARTED: Style.YELLOW,
}

WORST_FIRST: Final = (
    ActionResult.FAILED,
    ActionResult.UNKNOWN,
    ActionResult.NOT_STARTED,
    ActionResult.SKIPPED,
    ActionResult.WITHHELD,
    ActionResult.PENDING,
    ActionResult.DONE,
)

CUT_SHORT: Final = (ActionResult.PENDING, ActionResult.NOT_STARTED)
"""The results of entries that a run had no time for."""

NOT_DONE: Final = (ActionResult.FAILED, ActionResult.UNKNOWN, ActionResult.SKIPPED)
"""The results of entries that something kept from being done."""

REMARKS: Final = {
    Remark.GONE_ALREADY: "it was gone already",
    Remark.NOT_WAITING: "it was no longer waiting to go out",
    Remark.NO_ID: "the response has no id",
    Remark.IN_PART: "some drafts were regenerated, others were not",
    Remark.DONE_BEFORE: "done before another worker took over from one that was lost",
    Remark.ASKED_BEFORE: "requested by a worker that was lost afterwards",
    Remark.SCHEDULED: "",  # it is said when the post goes out
}

_BECAME: Final = {
    Verb.CREATE: "added",
    Verb.UPDATE: "changed",
    Verb.DELETE: "deleted",
    Verb.GENERATE: "generated",
    Verb.PUBLISH: "scheduled",
    Verb.CANCEL: "cancelled",
    Verb.WAIT: "ready",
}
_BECAME_ITS_OWN: Final[Mapping[type[Operation], str]] = {
    Regenerate: "regenerated",
    RegeneratePosts: "regenerated",
    ClearPosts: "cleared",
    ReschedulePost: "moved",
}

_TIME_OVER: Final = frozenset({Trouble.STILL_UNDER_WAY, Trouble.BEHIND})
"""Why entries were cut short if nobody stopped the run. `Next:` says to run it again."""

SAME_CAUSE: Final = "same cause as above"

MOST_TITLES: Final = 3

FEW_SITES: Final = 5
"""With this many sites or more, each is shown in brief; if this many end alike, the summary only counts them."""


def has_problems(ledger: SiteLedger) -> bool:
    """Whether something at a site was not done, or still goes out."""
    undone = any(entry.result is not ActionResult.DONE for entry in ledger.entries)
    return undone or bool(ledger.error or ledger.still_going_out or ledger.in_doubt or ledger.interrupted)


def is_untouched(ledger: SiteLedger) -> bool:
    """Whether a run was stopped before it began anything at a site, and there is nothing else to say about it."""
    unbegun = bool(ledger.entries) and all(entry.result is ActionResult.NOT_STARTED for entry in ledger.entries)
    return (
        ledger.interrupted
        and unbegun
        and not (ledger.error or ledger.still_going_out or ledger.in_doubt or ledger.notes)
    )


def applied_lines(
    applied: SiteApplied,
    *,
    brief: bool = False,
    quiet: bool = False,
    list_posts: bool = False,
    same_as: SiteName | None = None,
) -> Iterator[Line]:
    """A site that has just ended: how long it took, then each action with how it ended.

    `brief` is for many sites: what was done and does not go public is in the first line; the rest gets its own lines.
    Several posts that were scheduled, moved or cancelled share a line, unless `list_posts` asks for each. `quiet`
    leaves out everything that was done. `same_as` is an earlier site where the same cause was shown in full.
    """
    ledger, zone = applied.ledger, applied.ledger.time_zone
    listed = [entry for entry in ledger.entries if not (brief and _goes_without_saying(entry))]
    cut_short = _cut_short(ledger) if brief else []
    if quiet:
        listed = [entry for entry in ledger.entries if entry.result is not ActionResult.DONE]
    listed = [entry for entry in listed if not (entry in cut_short or became_others(entry))]
    listed = causes_once(listed, ledger.still_going_out)
    repeated = [entry for entry in listed if same_as and _has_cause(entry) and not goes_out_instead(entry, zone)]
    listed = [entry for entry in listed if entry not in repeated]
    spans = [Span(applied.name, Style.BOLD), Span(counts(ledger, without=cut_short))]
    if applied.seconds:  # 0: nobody measured it
        spans.append(Span(f"in {duration(applied.seconds)}", Style.DIM))
    if cut_short:
        spans.append(Span(_cut_short_words(cut_short, ledger), Style.YELLOW))
    elif brief and (
        done := _subjects(entry for entry in ledger.entries if _goes_without_saying(entry) and entry.count)
    ):
        all_done = not ledger.error and all(entry.result is ActionResult.DONE for entry in ledger.entries)
        spans.append(Span(done if all_done else f"done: {done}", Style.DIM))
    in_short = brief and bool(same_as and ledger.still_going_out)
    if in_short:
        spans.append(Span(going_out_words(going_out_at(ledger)), Style.RED))
    if same_as and (repeated or ledger.error or in_short):
        spans.append(Span(_same_words(repeated, same_as, zone), Style.RED))
    yield Line(tuple(spans))
    for posts in () if in_short else by_cause(ledger.still_going_out, zone):
        yield from going_out_lines(posts, zone)
    for problems in alike(ledger.in_doubt):
        first, several = problems[0], len(problems) > 1
        said = first.message if several else doubt_words(first)
        thing = "post" if of_a_post(first) else "object"
        yield from problem_lines("unknown", Style.RED, said, first.fix, len(problems), thing)
        yield from (names_line(problem.name) for problem in problems if several and problem.name)
    listed, above = [*with_ids_if_needed(listed)], set[tuple[str, str]]()
    for same in _posts_together(listed) if brief and not list_posts else [(entry,) for entry in listed]:
        yield _entry(same[0], zone, above, same_as) if len(same) == 1 else _posts(same, zone, above, same_as)
    for note, names in notes_of(ledger):
        yield note_line(note)
        if names:
            yield names_line(names, Style.DIM)
    if ledger.error and not same_as:
        yield subject_line("!", Style.RED, "failed", Span(of_its_site(ledger.error)))
    if ledger.interrupted and not any(entry.result in CUT_SHORT for entry in ledger.entries):
        yield Line((Span("  note: interrupted before it was finished", Style.DIM),), hang=8)


def notes_of(ledger: SiteLedger) -> Iterator[tuple[str, str]]:
    """The notes, each with the names to show below it. What keeps several drafts from going out is said once."""
    for same in alike(ledger.notes):
        note, names = same[0], Counter(found.name for found in same if found.name)
        if len(same) == 1 or not names:
            yield from ((sentence(found), "") for found in same)
            continue
        what = f"{note.unnamed} ({plural(len(same), 'draft')})"
        said = of_its_site(replace(note, message=what, name="", says_name=ABSENT))
        yield said, names_counted(names.items(), len(same), MOST_NAMED)


def doubt_words(problem: Diagnostic) -> str:
    """`"Kiln day" (Instagram) may go out: ...`: what an earlier run left in doubt."""
    return f"{problem.name} {problem.message}" if problem.name else problem.message


def _has_cause(entry: Entry) -> bool:
    """Whether an action was not done or not started, and its entry says why."""
    return entry.result in (*NOT_DONE, ActionResult.NOT_STARTED) and entry.problem is not None


def causes_of(ledger: SiteLedger) -> tuple[tuple[str, str], ...]:
    """What was not done at a site and why, without what differs from site to site.

    Empty if nothing was in the way, or if the run was interrupted.
    """
    undone = ledger.error or any(entry.result in NOT_DONE for entry in ledger.entries)
    if ledger.interrupted or not (undone or ledger.still_going_out):
        return ()
    found = [
        (f"{entry.result} {entry.operation.kind} {entry.verb}", shared_reason(entry.problem))
        for entry in ledger.entries
        if entry.problem is not None and _has_cause(entry)
    ]
    if ledger.error:
        found.append(("site", shared_reason(ledger.error)))
    found += [("post", kind) for kind in kinds_of(going_out_at(ledger))]
    return tuple(sorted(set(found)))


def why_of(ledger: SiteLedger) -> str:
    """Why something was not done at a site, in words that are the same for all sites with that reason."""
    undone = [entry.problem for entry in ledger.entries if entry.result in NOT_DONE]
    return "; ".join(dict.fromkeys(shared_reason(problem) for problem in (*undone, ledger.error) if problem))


def _same_words(entries: Sequence[Entry], same_as: SiteName, zone: str) -> str:
    """`settings failed, marketing plan not started: same cause as shop-001`."""
    words = _by_result(entries, zone, (*NOT_DONE, ActionResult.NOT_STARTED))
    return f"{words}: same cause as {same_as}" if words else f"same cause as {same_as}"


def going_out_at(ledger: SiteLedger) -> tuple[GoingOut, ...]:
    """The posts of a site that still go out although they are no longer wanted."""
    return tuple(GoingOut(post, ledger.time_zone) for post in ledger.still_going_out)


def _by_result(entries: Sequence[Entry], zone: str, order: Sequence[ActionResult]) -> str:
    """`marketing plan pending, posts not started`."""
    found: dict[ActionResult, list[str]] = {}
    for entry in entries:
        subject = action_text(Action(entry.address, entry.operation, Reason.RULE), zone).subject
        found.setdefault(entry.result, []).append(subject)
    return ", ".join(f"{_few(found[result])} {spoken(result)}" for result in order if result in found)


def _goes_without_saying(entry: Entry) -> bool:
    """Whether it needs no line: it is done, and the public sees nothing of it."""
    return entry.result is ActionResult.DONE and class_of(entry.operation) in (ActionClass.SAFE, ActionClass.COSTLY)


def became_others(entry: Entry) -> bool:
    """Whether an entry is a deferred action that turned into other actions, each with an entry of its own."""
    return isinstance(entry.operation, Deferred) and bool(entry.matched)


def _cut_short(ledger: SiteLedger) -> list[Entry]:
    """The entries that only say that the run had no time for them."""
    if ledger.error:
        return []
    undone = [entry for entry in ledger.entries if entry.result is not ActionResult.DONE]
    if ledger.interrupted:
        return [entry for entry in undone if entry.result in CUT_SHORT or _was_under_way(entry)]
    waits = all(entry.result in CUT_SHORT and entry.problem and entry.problem.code in _TIME_OVER for entry in undone)
    return undone if waits else []


def _was_under_way(entry: Entry) -> bool:
    """Whether its outcome is unknown only because a second signal cut the run short."""
    return entry.result is ActionResult.UNKNOWN and entry.problem is not None and entry.problem.code == Trouble.STOPPED


def _cut_short_words(entries: Sequence[Entry], ledger: SiteLedger) -> str:
    """`stopped: marketing plan pending, posts not started`; without a stop, the reason comes last."""
    words = _by_result(entries, ledger.time_zone, (ActionResult.UNKNOWN, *CUT_SHORT))
    if ledger.interrupted:
        return f"stopped: {words}"
    why = next(
        (entry.problem.message for entry in entries if entry.problem and entry.result is ActionResult.PENDING), ""
    )
    return f"{words}: {why}" if why else words


def _few(subjects: Iterable[str]) -> str:
    """`settings, posts`; if there are more than a few, the rest are counted."""
    return some_of(list(dict.fromkeys(subjects)), MOST_TITLES)


def _posts_together(entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
    """The entries in order; posts with the same result are together, at the position of the first of them."""
    found: dict[object, list[Entry]] = {}
    for entry in entries:
        operation = entry.operation
        alike: object = entry.address
        if _moment_of(entry) is not None:
            cause = shared_cause(entry.problem) if entry.at_another_time and entry.problem else None
            alike = (entry.result, operation.verb, operation.moves, cause)
        found.setdefault(alike, []).append(entry)
    return found.values()


def _moment_of(entry: Entry) -> datetime | None:
    """When a post goes out, or would have, if there is nothing else to say about it; otherwise None."""
    operation = entry.operation
    if _only_withheld(entry):
        if isinstance(operation, ReschedulePost):
            return operation.before  # at which it still goes out
        return operation.at if isinstance(operation, SchedulePost) else None
    if entry.at_another_time:
        return entry.goes_out
    if entry.result is not ActionResult.DONE or entry.remark is not None:
        return None
    if isinstance(operation, SchedulePost):
        return entry.goes_out
    return operation.at if isinstance(operation, ReschedulePost | CancelPost) else None


def _only_withheld(entry: Entry) -> bool:
    """Whether the only problem is that nobody allowed publishing; `Next:` says how to allow it."""
    return entry.result is ActionResult.WITHHELD and (
        entry.problem is None or entry.problem.code == Trouble.NOT_ALLOWED
    )


def _posts(entries: Sequence[Entry], zone: str, above: set[tuple[str, str]], same_as: SiteName | None) -> Line:
    """`11 scheduled for Wed 2026-11-04 09:30 to Fri 2026-11-13 09:30 Europe/Berlin`, and their titles and channels."""
    verb, result, moves = entries[0].operation.verb, entries[0].result, entries[0].operation.moves
    done = "cancelled, due" if verb is Verb.CANCEL else "moved to" if moves else "scheduled for"
    became = done if result is ActionResult.DONE else "not moved, due" if moves else "due"
    why: Sequence[Span] = ()
    if entries[0].at_another_time:
        became, why = f"{AT_ANOTHER_TIME}:", _why(entries[0], above, same_as)
    moments = sorted(at for entry in entries if (at := _moment_of(entry)))
    when = moment(moments[-1], zone)
    if moments[-1] > moments[0]:  # the zone is that of both
        when = f"{moment(moments[0], zone).rpartition(' ')[0]} to {when}"
    what = f"{len(entries):,} {became} {when}"
    posts = (entry.operation for entry in entries if isinstance(entry.operation, ScheduleOperation))
    named = by_channels(posts, MOST_TITLES, "post")
    spans = (Span(spoken(result), RESULT_STYLES[result]), Span(what), Span(named, Style.DIM), *why)
    if result is not ActionResult.DONE:
        return subject_line("!", RESULT_STYLES[result], "posts", *spans)
    return subject_line(SYMBOLS[verb], STYLES[verb], "posts", *spans)


def _subjects(entries: Iterable[Entry]) -> str:
    """`settings changed, marketing plan regenerated, 2 activities deleted`: what was done, by kind of object."""
    found = Counter((entry.operation.kind, _became(entry.operation)) for entry in entries)
    return ", ".join(f"{_objects(kind, count)} {became}" for (kind, became), count in found.items())


def _became(operation: Operation) -> str:
    """What happened to the object of a write that was done."""
    return _BECAME_ITS_OWN.get(type(operation), _BECAME[operation.verb])


def _objects(kind: Kind, count: int) -> str:
    """`marketing plan`, `2 activities`. Drafts are scheduled, so they are posts by then."""
    match kind:
        case Kind.POSTS:
            return "posts" if count == 1 else f"posts of {count:,} activities"
        case Kind.DRAFT:
            return "post" if count == 1 else f"{count:,} posts"
        case Kind.ACTIVITY:
            return "activity" if count == 1 else f"{count:,} activities"
        case _:
            return spoken(kind) if count == 1 else plural(count, spoken(kind))


def done_in(ledger: SiteLedger) -> str:
    """`settings changed, marketing plan regenerated` if everything at a site was done; otherwise nothing."""
    if ledger.in_doubt or any(entry.result is not ActionResult.DONE for entry in ledger.entries):
        return ""
    return _subjects(entry for entry in ledger.entries if entry.count)


def refused_lines(
    failed: SiteFailed, screen: Screen, *, brief: bool = False, same_as: SiteName | None = None
) -> Iterator[str]:
    """A planned site that could not be worked on, and why. `same_as` is a site where the same cause was shown.

    `brief` is for many sites: posts that go out for the same cause are named only there.
    """
    what = "refused" if failed.refused else "failed"
    why = f"same cause as {same_as}" if same_as else of_its_site(failed.problem)
    in_short = brief and bool(same_as and failed.unseen.going_out)
    spans = [Span(failed.name, Style.BOLD), Span(what, Style.RED), Span(why)]
    if in_short:
        spans.insert(2, Span(going_out_words(failed.unseen.going_out), Style.RED))
    yield from Line(tuple(spans)).on(screen)
    for line in unseen_lines(failed, unwanted=not in_short):
        yield from line.on(screen)


def is_said_above(entry: Entry, above: set[tuple[str, str]]) -> bool:
    """Whether the call of an action failed like an earlier one whose cause is shown `above`; adds its cause if not."""
    if entry.problem is None or not (entry.problem.call or requests(entry)):
        return False
    if (cause := shared_cause(entry.problem)) in above:
        return True
    above.add(cause)
    return False


def _entry(entry: Entry, zone: str, above: set[tuple[str, str]], same_as: SiteName | None = None) -> Line:
    """An action with how it ended. Why a call failed is shown only once; `above` are the causes already shown."""
    operation = entry.operation
    said = action_text(Action(entry.address, operation, Reason.RULE), zone)
    style = STYLES[operation.verb] if entry.result is ActionResult.DONE else RESULT_STYLES[entry.result]
    symbol = SYMBOLS[operation.verb] if entry.result is ActionResult.DONE else "!"
    if isinstance(operation, Deferred) and entry.result is ActionResult.DONE:
        return subject_line(symbol, Style.DIM, said.subject, Span(outcome_words(entry, said.text, zone), Style.DIM))
    why = _why(entry, above, same_as) or (Span(became(entry, zone)),)
    spans = (Span(spoken(entry.result), RESULT_STYLES[entry.result]), Span(outcome_words(entry, said.text, zone)), *why)
    return subject_line(symbol, style, said.subject, *(span for span in spans if span.text))


def _why(entry: Entry, above: set[tuple[str, str]], same_as: SiteName | None) -> Sequence[Span]:
    """Why an action was not done, if that is said, with what only support needs at the end."""
    problem = entry.problem
    if problem is None or _only_withheld(entry):
        return ()
    if problem.code == Trouble.STILL_UNDER_WAY:  # `Next:` says to run it again
        problem = replace(problem, fix="")
    if same_as and _has_cause(entry):
        return (Span(f"same cause as {same_as}"),)
    if is_said_above(entry, above):
        return (Span(SAME_CAUSE),)
    last = ", ".join(_particulars(entry, problem))
    return (Span(reason(problem)), *((Span(f"({last})", Style.DIM),) if last else ()))


def _particulars(entry: Entry, problem: Diagnostic) -> Iterator[str]:
    """What only support needs: the call, and the requests."""
    if problem.call:
        yield problem.call
    if found := requests(entry):
        yield f"request {'id' if len(found) == 1 else 'ids'} {' and '.join(found)}"


def requests(entry: Entry) -> tuple[str, ...]:
    """The remote side's ids for the requests of an action that failed: from its problem, and from its call."""
    found = (entry.problem.request_id if entry.problem else None, entry.request_id)
    return tuple(dict.fromkeys(request for request in found if request))


def became(entry: Entry, zone: str) -> str:
    """What else is said about an action: when its post goes out, or how it came to be done."""
    done = entry.result is ActionResult.DONE
    when = f"scheduled for {moment_text(entry.goes_out, zone)}" if done and entry.goes_out is not None else ""
    return "; ".join(part for part in (when, REMARKS[entry.remark] if entry.remark is not None else "") if part)


def outcome_words(entry: Entry, planned: str, zone: str) -> str:
    """What happened to an action, in a few words; those of the plan if they still hold."""
    if entry.result is ActionResult.DONE:
        return _done_words(entry, planned, zone)
    operation = entry.operation
    if isinstance(operation, AwaitGeneration):  # the problem says what it was waiting for
        return ""
    if isinstance(operation, SchedulePost):
        if entry.result is ActionResult.UNKNOWN and not entry.scheduled_first:
            return f"may go out {when_and_where(operation, zone)}"
        return goes_out_instead(entry, zone) or f"due {scheduled_words(operation, zone)}"
    if isinstance(operation, ReschedulePost):
        if instead := goes_out_instead(entry, zone):
            return instead
        stays = operation.before if entry.result in (ActionResult.WITHHELD, ActionResult.NOT_STARTED) else None
        still = f"; it still goes out {moment(stays, zone)}{on_account(operation.account)}" if stays is not None else ""
        return f"would have moved to {moment(operation.at, zone)}{still}"
    return planned


def goes_out_instead(entry: Entry, zone: str) -> str:
    """`goes out Thu 2026-11-05 16:00 Europe/Berlin, not 09:30, on kiln`: if it was not moved to the time asked for."""
    operation = entry.operation
    if not isinstance(operation, SchedulePost | ReschedulePost) or operation.at is None:
        return ""
    if not (entry.at_another_time or entry.scheduled_first):
        return ""
    found, asked = "at a time Wix picked", moment(operation.at, zone)
    if entry.goes_out is not None:
        found, asked = moment(entry.goes_out, zone), time_beside(operation.at, entry.goes_out, zone)
    instead = f"unless it was moved to {asked}" if entry.result is ActionResult.UNKNOWN else f"not {asked}"
    where = f",{on_account(operation.account)}" if operation.account else ""
    return f"goes out {found}, {instead}{where}"


def _done_words(entry: Entry, planned: str, zone: str) -> str:
    operation, lost = entry.operation, len(entry.operation.throws_away)
    discarded = f", {plural(lost, 'draft')} discarded" if lost else ""
    if isinstance(operation, Deferred):  # nothing matched, or what did was already as the rule asks
        return "nothing to do"
    if operation.destroys:
        whole = ", with all its activities" if isinstance(operation, DeleteMarketingPlan) else ""
        deleted = delete_of(operation.told_apart_by, zone).replace("delete", "deleted", 1)
        return "" if entry.remark is Remark.GONE_ALREADY else f"{deleted}{whole}{discarded}"
    if isinstance(operation, Generate):
        return "generated"
    if isinstance(operation, Regenerate):
        research = " with new keyword research" if operation.keyword_research else ""
        return f"regenerated{research}{discarded}"
    if isinstance(operation, AwaitGeneration):
        return f"the earlier generation finished{discarded}"
    if isinstance(operation, AwaitPosts):
        return f"the earlier generation for {quoted(operation.title)} finished{discarded}"
    if isinstance(operation, GeneratePosts):
        return f"generated for {quoted(operation.title)}"
    if isinstance(operation, RegeneratePosts):
        return f"regenerated the {operation.made} of {quoted(operation.title)}{discarded}"
    if isinstance(operation, ClearPosts):
        return f"cleared for {quoted(operation.title)}{discarded}"
    if isinstance(operation, CancelPost):
        when = moment(operation.at, zone, exact=operation.is_exact) if operation.at else ""
        return f"was scheduled for {when}{on_account(operation.account)}" if when else ""
    if isinstance(operation, SchedulePost) and entry.goes_out is not None:  # `became` says when
        return f"on {account_words(operation.account)}"
    return planned


def counts(ledger: SiteLedger, *, without: Sequence[Entry] = ()) -> str:
    """`1 failed, 3 done`, not counting entries that are shown in another way."""
    found = Counter(entry.result for entry in ledger.entries if entry.count and entry not in without)
    found[ActionResult.UNKNOWN] += len({problem.address for problem in ledger.in_doubt})
    at_another_time = tally_of([ledger]).at_another_time
    parts = [f"{at_another_time:,} {AT_ANOTHER_TIME}"] if at_another_time else []
    parts += ["failed"] if ledger.error else []
    parts += [f"{found[result]:,} {spoken(result)}" for result in WORST_FIRST if found[result]]
    return ", ".join(parts) or "nothing done"
