"""Which drafts `--target` and `--exclude` leave to `approve`. An address means the same as in a plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reconciler.config.decisions import AnyDecision, Subject
from reconciler.engine.address_check import AddressCheck
from reconciler.engine.results import Emit, Notice
from reconciler.engine.selection import Selection
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval
from reconciler.planner.targets import ByAddress, keeps


def targeted(
    found: Sequence[Subject],
    selection: Selection,
    files: Iterable[tuple[SiteName, Path, Approvals]],
    decision: AnyDecision | None,
    emit: Emit,
) -> Sequence[Subject]:
    """What the options leave of `found`; an activity with a draft that is excluded is left out.

    Raises UsageError for an address that names nothing that could be decided about.
    """
    addresses = [
        selector
        for selector in (*selection.targets.included, *selection.targets.excluded)
        if isinstance(selector, ByAddress)
    ]
    if not addresses:
        return found
    whole = isinstance(decision, ActivityDecision)
    known = {
        name: [address for activity in approvals.activities for address in _names(name, activity, whole=whole)]
        for name, _, approvals in files
    }
    included = selection.targets.included
    check = AddressCheck(selection, (each for each in addresses if each in included or each.address.key))
    for entry in selection.entries:
        check.add(entry, known[entry.name])
    otherwise = "name a site, or drafts with --id, --channel or --title"
    for warning in check.check("no draft in the approvals files of these sites has this address", otherwise):
        emit(Notice(warning))
    wanted = {entry.name: keeps(selection.targets, entry) for entry in selection.entries}
    return [
        subject
        for subject in found
        if wanted[subject.site](*_names(subject.site, subject.activity, subject.drafts, whole=whole))
    ]


def _names(
    site: SiteName, activity: ActivityApproval, drafts: Sequence[DraftApproval] | None = None, *, whole: bool
) -> list[Address]:
    """The addresses of an activity's drafts, or of some of them; with `whole`, also that of its posts as a whole."""
    posts = [Address(site, Kind.POSTS, activity.id)] if whole else []
    chosen = activity.drafts if drafts is None else drafts
    return posts + [Address(site, Kind.DRAFT, draft.id) for draft in chosen]
