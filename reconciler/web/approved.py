"""What was last approved of each draft: as this page has seen it, or as git still has it.

`review` writes new words over old ones and puts the yes back to pending. What the yes was for is in git's history.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.config.approvals import approvals_in
from reconciler.config.repository import Repository
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, Approvals, Decision, DraftApproval
from reconciler.model.canonical import Digest
from reconciler.model.content import Difference, PublicContent, differences
from reconciler.model.frozen import instant
from reconciler.model.posts import PostId
from reconciler.web.files import SiteFile

COMMITS: Final = 200
"""How far back the history of the approvals folder is looked at."""

VERSIONS: Final = 5
"""Versions of one file that are read; an approval that is older is not compared with."""


class LastApproved(Struct, frozen=True):
    """A draft as it was when somebody approved it."""

    digest: Digest
    content: PublicContent
    date: datetime
    account: str = ""
    """As people know it."""

    def differences(self, activity: ActivityApproval, draft: DraftApproval) -> tuple[Difference, ...]:
        """In what a draft is not as it was approved."""
        if draft.digest == self.digest:
            return ()
        found = [each for each in differences(self.content, draft.content) if each.field != "account"]
        if self.account != draft.account:
            found.append(Difference("account", self.account, draft.account))
        if instant(self.date) != instant(activity.date):
            found.append(Difference("date", instant(self.date), instant(activity.date)))
        return tuple(found)


class LastApprovals:
    """Of all sites. What git has is read once for each commit that is checked out."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._folder = folder
        self._seen: dict[SiteName, dict[PostId, LastApproved]] = {}
        self._committed: dict[SiteName, dict[PostId, LastApproved]] = {}
        self._commits: dict[Path, list[str]] | None = None

    def forget(self) -> None:
        """Another commit is checked out."""
        self._commits = None
        self._committed.clear()

    def see(self, site: SiteName, approvals: Approvals) -> None:
        """Remembers what is approved now."""
        self._seen.setdefault(site, {}).update(_approved(approvals))

    def of(self, file: SiteFile) -> dict[PostId, LastApproved]:
        """By draft; of those that were ever approved, as far as anything knows."""
        if file.site not in self._committed:
            self._committed[file.site] = self._read(file)
        return self._committed[file.site] | self._seen.get(file.site, {})

    def _read(self, file: SiteFile) -> dict[PostId, LastApproved]:
        waiting = {
            draft.id
            for activity in file.approvals.activities
            for draft in activity.drafts
            if draft.decision is Decision.PENDING
        }
        if not waiting:
            return {}
        if self._commits is None:
            self._commits = self._repository.commits_of(self._folder, COMMITS)
        found: dict[PostId, LastApproved] = {}
        for commit in self._commits.get(file.path.resolve(), ())[:VERSIONS]:
            data = self._repository.version(file.path, commit)
            if not data or not any(id.encode() in data for id in waiting - found.keys()):
                break
            if b"approve" in data and (read := approvals_in(file.path, file.site, [], data)) is not None:
                found = dict(_approved(read[0])) | found
        return found


def _approved(approvals: Approvals) -> Iterable[tuple[PostId, LastApproved]]:
    return (
        (draft.id, LastApproved(draft.digest, draft.content, activity.date, draft.account))
        for activity in approvals.activities
        for draft in activity.drafts
        if draft.decision is Decision.APPROVE and not draft.earlier
    )
