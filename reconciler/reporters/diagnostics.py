"""Diagnostics in words: the only place where a problem becomes a sentence. In JSON they are records."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Final

from msgspec.structs import replace

from reconciler.model.address import ALL_SITES
from reconciler.model.codec import taken_from
from reconciler.model.diagnostics import Diagnostic, ProblemRecord
from reconciler.model.plurals import plural, some_of
from reconciler.model.text import about
from reconciler.state.errors import STATE, of_any_site

FEW: Final = 5
"""If fewer files or sites than this have a problem whose words differ, each is shown in its own words."""

MOST_PLACES: Final = 5
"""How many more places of the same problem are named; the rest are counted."""

GUID: Final = re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b")


def for_any_site(problem: Diagnostic) -> Diagnostic:
    """A problem, worded to cover all sites that have it: two sites have the same problem if this is the same for both.

    Ids of the site, of its objects and of requests differ from site to site, whoever wrote the message, and so does the
    site's name at the end of what to type and in the paths of its files.
    """
    site, fix = problem.address.site if problem.address is not None else "", problem.fix
    if site and problem.fix.endswith(f" {site}"):
        fix = f"{fix.removesuffix(site)}SITE"
    if site:
        fix = fix.replace(f"/{site}.yaml", "/SITE.yaml")
    message, fix = (_without_ids(text, problem.request_id) for text in (problem.cause, fix))
    return of_any_site(replace(problem, message=message, fix=fix))


def in_common(said: Diagnostic, other: Diagnostic) -> Diagnostic:
    """What two sites with the same problem have in common: with ids, call and request if they are the same on both."""
    same = said.code != STATE and (said.cause, said.fix) == (other.cause, other.fix)
    both = said if same else for_any_site(said)
    if said.call != other.call:
        both = replace(both, message=both.cause, call="")
    return both if said.request_id == other.request_id else replace(both, request_id=None)


def each_cause_once(problems: Iterable[Diagnostic], most: int = MOST_PLACES) -> Iterator[tuple[Diagnostic, str]]:
    """The problems of files, each cause once, with the other places that have it; `most` of these are named.

    If they are few and their words differ, each is shown in its own words.
    """
    causes: dict[Hashable, list[Diagnostic]] = {}
    for problem in problems:
        key = problem if problem.place is None else (problem.severity, cause(of_any_site(problem)))
        causes.setdefault(key, []).append(problem)
    for same in causes.values():
        said = reduce(in_common, same)
        if len(same) < FEW and cause(said) != cause(same[0]):
            yield from ((problem, "") for problem in same)
        else:
            yield said, _elsewhere(same, most)


def _elsewhere(same: Sequence[Diagnostic], most: int) -> str:
    """` (the same in sites/b.yaml:3:5)`: the other places where a problem occurs, or their number."""
    others = [*dict.fromkeys(problem.place for problem in same)][1:]
    if not others:
        return ""
    named = some_of([str(place) for place in others], most)
    if len(others) <= most:
        return f" (the same in {named})"
    one_each = len({problem.file for problem in same}) == len(others) + 1
    number = plural(len(others), "more file" if one_each else "more place")
    return f" (the same in {number}: {named}; `reconciler validate --sites` lists them)"


def _without_ids(text: str, request_id: str | None) -> str:
    return GUID.sub("ID", text.replace(request_id, "ID") if request_id else text)


def sentence(diagnostic: Diagnostic) -> str:
    """`sites/shop.yaml:3:5: toneOfVoice: expected text; quote it (request id ...)`: where, what, what to do.

    An object that has a name is called by it, not by its id.
    """
    if diagnostic.address is not None:
        diagnostic = diagnostic.named(diagnostic.name)
    if (where := _object(diagnostic)) and (diagnostic.says_name is True or not str(diagnostic.place or "")):
        diagnostic = replace(diagnostic, message=f"{where}: {diagnostic.message}")
    text = reason(diagnostic)
    return f"{text} ({last})" if (last := particulars(diagnostic)) else text


def _object(diagnostic: Diagnostic) -> str:
    """What a problem is about. If the message already names the rule or the post, only the site."""
    address = diagnostic.address
    if address is None or address == ALL_SITES:
        return ""
    return address.site if diagnostic.says_name is True else address.shown


def cause(diagnostic: Diagnostic) -> str:
    """What is wrong and what to do, without the place: the same text for every site that has the problem."""
    return diagnostic.cause + (f"; {diagnostic.fix}" if diagnostic.fix else "")


def reason(diagnostic: Diagnostic) -> str:
    """The sentence for a problem that is shown beside the name of its object, without what only support needs."""
    place, text = diagnostic.place, cause(diagnostic)
    if place is None or not place.file:
        return text
    return f"{place}: {text}" if place.line else about(place.file, text, continues=diagnostic.continues is True)


def shared_reason(diagnostic: Diagnostic) -> str:
    """The `reason` for all sites with the same problem."""
    return reason(for_any_site(diagnostic))


def shared_cause(diagnostic: Diagnostic) -> tuple[str, str]:
    """What is the same for all calls that failed alike: the `shared_reason`, and the call without its object's id."""
    return shared_reason(diagnostic), _without_ids(diagnostic.call, diagnostic.request_id)


def particulars(diagnostic: Diagnostic) -> str:
    """`GET /marketing-plan answered 403, request id 1.2`: what only support needs."""
    name = f"request id {diagnostic.request_id}" if diagnostic.request_id else ""
    return ", ".join(part for part in (diagnostic.call, name) if part)


def particulars_of_one(example: Diagnostic, said: Diagnostic) -> str:
    """`GET /marketing-plan answered 403, such as request id 1.2`: what only support needs, for a problem of many sites.

    `example` is the problem of one of them, `said` what they have in common; what differs is given as an example.
    """
    one, all_ = particulars(example), particulars(said)
    if one == all_ or not one:
        return one
    if said.call == example.call and said.call:
        return f"{said.call}, such as request id {example.request_id}"
    return f"such as {one}"


def remedy(problem: Diagnostic, *others: Diagnostic) -> str:
    """What to do, followed by what only support needs. `others` have the same cause."""
    last = particulars_of_one(problem, reduce(in_common, others, problem))
    return f"{problem.fix} ({last})" if last else problem.fix


def of_its_site(diagnostic: Diagnostic) -> str:
    """The sentence for a problem that is shown beside the name of its site."""
    return sentence(replace(diagnostic, address=None))


def above(unread: int, going_out: int) -> str:
    """` (2 sites could not be read; 3 posts still going out, above)`: what a refusal in the last line must not hide."""
    said = [f"{plural(unread, 'site')} could not be read"] if unread else []
    said += [f"{plural(going_out, 'post')} still going out"] if going_out else []
    return f" ({'; '.join(said)}, above)" if said else ""


def refused_line(reason: Diagnostic, more: int = 0) -> str:
    """`Refused: shop: expect.published ...`, or `Cancelled.` if a person said no: the last line of a run."""
    if reason.code == "declined":
        return f"Cancelled. {reason.message}."
    return f"Refused: {sentence(reason)}" + (f" (and {more:,} more, above)" if more else "")


def problem_record(diagnostic: Diagnostic) -> ProblemRecord:
    """A problem in JSON."""
    return taken_from(diagnostic, ProblemRecord)


def problem_records(diagnostics: Iterable[Diagnostic]) -> tuple[ProblemRecord, ...]:
    """Problems in JSON."""
    return tuple(map(problem_record, diagnostics))
