"""The content last approved for each draft, as a review page saw it, or as git still has it.

`review` replaces the old text with the new one and sets the approval back to pending. What was approved before is in
git's history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.config.approvals import approvals_in
from reconciler.config.repository import Repository
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.content import Difference, PublicContent, differences
from reconciler.model.frozen import instant
from reconciler.model.posts import PostId

COMMITS: Final = 200
"""How far back the history of the approvals folder is searched."""

VERSIONS: Final = 5
"""How many versions of one file are read; older approvals are not found."""


AT_ONCE: Final = 100
"""How many files one call asks git for."""

ApprovalsAt: TypeAlias = tuple[SiteName, Path, Approvals]
"""A site, its approvals file, and the contents of the file."""


class LastApproved(Struct, frozen=True):
    """A draft as it was when somebody approved it."""

    digest: Digest
    content: PublicContent
    date: datetime
    account: str = ""
    """The account, as the file showed it."""

    def differences(self, activity: ActivityApproval, draft: DraftApproval) -> tuple[Difference, ...]:
        """How a draft differs from what was approved."""
        if draft.digest == self.digest:
            return ()
        found = [each for each in differences(self.content, draft.content) if each.field != "account"]
        if self.account != draft.account:
            found.append(Difference("account", self.account, draft.account))
        if instant(self.date) != instant(activity.date):
            found.append(Difference("date", instant(self.date), instant(activity.date)))
        return tuple(found)


class LastApprovals:
    """The last approvals of all sites. What git has is read once for each commit that is checked out."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._folder = folder
        self._seen: dict[SiteName, dict[PostId, LastApproved]] = {}
        self._committed: dict[SiteName, dict[PostId, LastApproved]] = {}
        self._commits: dict[Path, list[str]] | None = None

    def forget(self) -> None:
        """Handles the checkout of another commit."""
        self._commits = None
        self._committed.clear()

    def see(self, site: SiteName, approvals: Approvals) -> None:
        """Remembers what is approved now."""
        self._seen.setdefault(site, {}).update(_approved(approvals))

    def of(self, site: SiteName, path: Path, approvals: Approvals) -> dict[PostId, LastApproved]:
        """What was last approved, by draft, for drafts that are known to have been approved."""
        self.read([(site, path, approvals)])
        return self._committed[site] | self._seen.get(site, {})

    def read(self, files: Sequence[ApprovalsAt]) -> None:
        """Asks git about many files with few calls, so that `of` knows them."""
        new = [file for file in files if file[0] not in self._committed]
        for start in range(0, len(new), AT_ONCE):
            self._read(new[start : start + AT_ONCE])

    def _read(self, files: Sequence[ApprovalsAt]) -> None:
        left: dict[SiteName, tuple[Path, set[PostId]]] = {}
        for site, path, approvals in files:
            self._committed[site] = {}
            if waiting := _waiting(approvals):
                left[site] = path, waiting
        if left and self._commits is None:
            self._commits = self._repository.commits_of(self._folder, COMMITS)
        commits = {site: (self._commits or {}).get(path.resolve(), ()) for site, (path, _) in left.items()}
        for version in range(VERSIONS):
            wanted = {site: (left[site][0], commits[site][version]) for site in left if len(commits[site]) > version}
            texts = self._repository.versions(wanted.values())
            for site, (path, commit) in wanted.items():
                found, (_, waiting) = self._committed[site], left[site]
                data = texts.get((path, commit), b"")
                if not any(id.encode() in data for id in waiting - found.keys()):
                    del left[site]
                elif b"approve" in data and (read := approvals_in(path, site, [], data)) is not None:
                    self._committed[site] = dict(_approved(read[0])) | found


def _waiting(approvals: Approvals) -> set[PostId]:
    return {
        draft.id
        for activity in approvals.activities
        for draft in activity.drafts
        if draft.decision is DraftDecision.PENDING
    }


def _approved(approvals: Approvals) -> Iterable[tuple[PostId, LastApproved]]:
    return (
        (draft.id, LastApproved(draft.digest, draft.content, activity.date, draft.account))
        for activity in approvals.activities
        for draft in activity.drafts
        if draft.decision is DraftDecision.APPROVE and not draft.earlier
    )
