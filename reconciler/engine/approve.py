"""`approve`: decides about what `review` wrote. Reads and writes only approvals files.

Who is asked, and how that looks, is up to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import assert_never

from reconciler.config.approvals import read_approvals
from reconciler.config.decisions import AnyDecision, Ruling, Subject, listed_in, pending, subjects, write
from reconciler.config.last_approvals import LastApprovals
from reconciler.config.project import ProjectConfig
from reconciler.engine.approve_targets import targeted
from reconciler.engine.approve_terms import DecideDraft, Instead, Saved, ToApprove, Undecided, UndoLast, is_whole
from reconciler.engine.results import Decided, Emit
from reconciler.engine.selection import Selection, repository_of
from reconciler.engine.session import begin
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, UsageError
from reconciler.model.moments import zone_in
from reconciler.model.posts import PostId, post_name
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.channel_rules import warnings_between_reviewed


async def approve(
    selection: Selection,
    asked_for: ToApprove,
    decide: DecideDraft,
    emit: Emit,
    saved: Saved = lambda _: None,
    undo_last: UndoLast | None = None,
) -> Decided:
    """Decides about the drafts of some sites. `saved` receives what was written, even if `decide` raises an error.

    Raises UsageError for a selector or an address that matches nothing and for a file that was changed in the
    meantime, and InvalidFiles for one that cannot be read.
    """
    begin("approve", selection, emit)
    project = selection.project
    if wrong := [problem for entry in selection.entries for problem in entry.problems]:
        raise InvalidFiles(wrong)
    files = [(entry.name, project.approvals_file(entry.name), entry.load().approvals) for entry in selection.entries]
    selected = subjects(files, asked_for.selector, asked_for.decision, waiting=asked_for.everything)
    found = targeted(selected, selection, files, asked_for.decision, emit)
    notes = _notes(project, files, found)
    made: list[tuple[int, Ruling]] = []
    written: dict[Path, str] = {}
    try:
        if asked_for.one_by_one:
            await _one_by_one(found, notes, decide, undo_last, made, written)
        else:
            await _all_of_them(found, notes, decide, made, written)
    finally:
        saved(tuple(ruling for _, ruling in made))
    decided = Decided(
        sum(len(ruling.subject.drafts) for _, ruling in made if not is_whole(ruling)),
        sum(is_whole(ruling) for _, ruling in made),
        len({ruling.subject.site for _, ruling in made}),
        sum(
            pending(read_approvals(path, name, written[path]) if path in written else approvals)
            for name, path, approvals in files
        ),
        asked=len(found),
        listed=sum(listed_in(approvals) for _, _, approvals in files),
        among=len(files),
    )
    emit(decided)
    return decided


def _notes(
    project: ProjectConfig, files: Iterable[tuple[SiteName, Path, Approvals]], found: Sequence[Subject]
) -> dict[PostId, tuple[Diagnostic, ...]]:
    """Notes about drafts that their own entries do not show: clashes with others, changes since the last approval."""
    sites = dict.fromkeys(subject.site for subject in found)
    last = LastApprovals(repository_of(project), project.approvals_folder)
    notes: dict[PostId, tuple[Diagnostic, ...]] = {}
    files = [file for file in files if file[0] in sites]
    last.read(files)
    for site, path, approvals in files:
        notes |= warnings_between_reviewed(approvals)
        before = last.of(site, path, approvals)
        for activity in approvals.activities:
            for draft in activity.drafts if before else ():
                changes = before[draft.id].differences(activity, draft) if draft.id in before else ()
                if changes and draft.decision is DraftDecision.PENDING:
                    words = difference_words(changes, zone_in(draft.goes_out))
                    changed = Diagnostic.note("changed-since-approved", f"changed since it was approved: {words}")
                    notes[draft.id] = (changed, *notes.get(draft.id, ()))
    return notes


async def _all_of_them(
    found: Sequence[Subject],
    notes: Mapping[PostId, Sequence[Diagnostic]],
    decide: DecideDraft,
    made: list[tuple[int, Ruling]],
    written: dict[Path, str],
) -> None:
    rulings: list[tuple[int, Ruling]] = []
    for at, subject in enumerate(found):
        match _as_it_counts(await decide(Undecided(subject, at + 1, len(found), notes)), subject):
            case Instead.QUIT:
                break
            case Instead.SKIP | Instead.UNDO:  # nothing is written yet that could be undone
                pass
            case DraftDecision() | ActivityDecision() as decision:
                rulings.append((at, Ruling(subject, decision)))
            case never:
                assert_never(never)
    for _, group in groupby(rulings, lambda ruling: ruling[1].subject.path):
        of_file = list(group)
        _save([ruling for _, ruling in of_file], written, "no decision was saved in it")
        made += of_file  # reported even if another file then cannot be written


async def _one_by_one(
    found: Sequence[Subject],
    notes: Mapping[PostId, Sequence[Diagnostic]],
    decide: DecideDraft,
    undo_last: UndoLast | None,
    made: list[tuple[int, Ruling]],
    written: dict[Path, str],
) -> None:
    at = 0
    while True:
        if at == len(found):
            if not made or undo_last is None or not await undo_last(tuple(ruling for _, ruling in made)):
                break
            at = _undo(made, written)
        subject = found[at]
        if subject.activity.id in {ruling.subject.activity.id for _, ruling in made if is_whole(ruling)}:
            at += 1
            continue
        undecided = Undecided(subject, at + 1, len(found), notes, can_undo=bool(made))
        match _as_it_counts(await decide(undecided), subject):
            case Instead.QUIT:
                break
            case Instead.UNDO:
                if made:
                    at = _undo(made, written)
            case Instead.SKIP:
                at += 1
            case DraftDecision() | ActivityDecision() as decision:
                ruling = Ruling(subject, decision)
                _save([ruling], written, "this decision was not saved")
                made.append((at, ruling))
                at += 1
            case never:
                assert_never(never)


def _undo(made: list[tuple[int, Ruling]], written: dict[Path, str]) -> int:
    """Takes back the last decision, and returns the index of its subject."""
    at, last = made[-1]
    try:
        written |= write([last.undone()])
    except UsageError as error:
        what = f"{error.message}, so the last decision was not undone"
        if (now := _decision_in_file(last)) is not None:
            still = "still" if now is last.decision else "now"
            what = f"{what}; it {still} says {now.value} for {_name(last)}"
        raise UsageError(what, error.fix, error.place) from None
    made.pop()
    return at


def _decision_in_file(last: Ruling) -> AnyDecision | None:
    """What the file says by now about the subject of a decision; None if nothing."""
    try:
        approvals = read_approvals(last.subject.path, last.subject.site)
    except InvalidFiles:
        return None
    if is_whole(last):
        activity = approvals.activity(last.subject.activity.id)
        return activity.decision if activity is not None else None
    draft = approvals.draft(last.subject.drafts[0].id)
    return draft.decision if draft is not None else None


def _name(last: Ruling) -> str:
    title = last.subject.activity.title
    if is_whole(last):
        return f'activity "{title}"'
    draft = last.subject.drafts[0]
    return post_name(title, draft.channel, draft.type)


def _save(rulings: Sequence[Ruling], written: dict[Path, str], otherwise: str) -> None:
    """Writes decisions about one file. If that fails, the error says so and ends in `otherwise`."""
    try:
        written |= write(rulings)
    except UsageError as error:
        raise UsageError(f"{error.message}, so {otherwise}", error.fix, error.place) from None


def _as_it_counts(answer: AnyDecision | Instead, subject: Subject) -> AnyDecision | Instead:
    of_no_use = subject.edited or not subject.approvable
    return Instead.SKIP if answer is DraftDecision.APPROVE and of_no_use else answer
