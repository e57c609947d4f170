"""What is decided but not committed yet: in words, as the two commands for it, and as a commit if allowed."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.config.approvals import approvals_in
from reconciler.config.repository import GitError, Repository
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.model.text import printable
from reconciler.web.files import ApprovalsFolder, SiteFile

SUBJECT = 72
"""The maximum length of a commit's subject."""

DELETE: Final = "delete"
"""The word for deleting a file: its approvals no longer count."""

_TO_ACTIVITIES: Final = {
    ActivityDecision.KEEP: "keep",
    ActivityDecision.REGENERATE: "regenerate the posts of",
    ActivityDecision.REGENERATE_MEDIA: "regenerate the images of",
    ActivityDecision.DISCARD: "discard the posts of",
}


class UncommittedDecision(Struct, frozen=True):
    """One decision that HEAD does not have. `about` is what people call the draft, the activity or the file."""

    site: SiteName
    word: str
    about: str

    @property
    def line(self) -> str:
        """The decision as a line of a commit message."""
        return f"{self.site}: {self.word} {self.about}"


class Uncommitted(Struct, frozen=True):
    """The files that differ from HEAD, and the decisions in them. `why_not` says why nothing can be committed."""

    files: tuple[Path, ...] = ()
    decisions: tuple[UncommittedDecision, ...] = ()
    commands: tuple[str, ...] = ()
    why_not: Diagnostic | None = None

    @property
    def subject(self) -> str:
        """What the commit does, for people who read the log."""
        words = Counter(decided.word for decided in self.decisions)
        parts = [_counted(word, count) for word, count in words.items()]
        sites = sorted({decided.site for decided in self.decisions})
        said = ", ".join(parts) or "Update approvals"
        whole = f"{said} for {sites[0]}" if len(sites) == 1 else said
        text = whole if len(whole) <= SUBJECT else f"Record {plural(len(self.decisions), 'decision')}"
        return text[0].upper() + text[1:]

    @property
    def message(self) -> str:
        """The whole message: the subject, then a line for each decision."""
        return "\n".join((self.subject, "", *(f"- {decided.line}" for decided in self.decisions), ""))


class History:
    """The approvals in HEAD, read again only when HEAD has moved."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._head: str | None = None
        self._committed: dict[SiteName, Approvals] = {}

    def repository(self) -> Repository:
        """A new repository object each time, because it caches git's answers."""
        return Repository(self._root, self._environment)

    def moved(self) -> bool:
        """Whether another commit has been checked out since this was last read."""
        before, self._head = self._head, self.repository().head()
        if before == self._head:
            return False
        self._committed.clear()
        return True

    def uncommitted(self, folder: ApprovalsFolder) -> Uncommitted:
        """What in the files is not in HEAD."""
        repository = self.repository()
        try:
            top = repository.top
            if repository.head() is None:
                return Uncommitted(
                    why_not=Diagnostic("git-refused", "the repository has no commit yet", "make the first one")
                )
            files = [
                file
                for file in folder.files.values()
                if not file.problems
                and (
                    not repository.is_clean(file.path)
                    if file.data is not None
                    else repository.committed(file.path) is not None
                )
            ]
        except GitError as error:
            return Uncommitted(why_not=Diagnostic("git-refused", error.message or "git does not say why", error.fix))
        decisions = tuple(decided for file in files for decided in self._decisions(file, repository))
        paths = tuple(file.path for file in files)
        made = Uncommitted(paths, decisions)
        return Uncommitted(paths, decisions, _commands(made, top)) if paths else made

    def _decisions(self, file: SiteFile, repository: Repository) -> Iterator[UncommittedDecision]:
        if file.site not in self._committed:
            data = repository.committed(file.path)
            read = approvals_in(file.path, file.site, [], data) if data is not None else None
            self._committed[file.site] = read[0] if read is not None else Approvals()
        before = self._committed[file.site]
        return _between(before, file) if file.data is not None else _deleted(before, file)


def _between(before: Approvals, file: SiteFile) -> Iterator[UncommittedDecision]:
    for activity in file.approvals.activities:
        known = before.activity(activity.id)
        then = known.decision if known is not None else ActivityDecision.KEEP
        title = f'"{printable(activity.title)}"'
        if activity.decision is not then:
            yield UncommittedDecision(file.site, activity.decision.value, title)
        for draft in activity.drafts:
            was = before.draft(draft.id)
            said = was.decision if was is not None else DraftDecision.PENDING
            if draft.decision is not said or (
                draft.decision is DraftDecision.APPROVE and was and was.digest != draft.digest
            ):
                about = f"{channel_name(draft.channel)} {draft.type.lower()} of {title}, {draft.goes_out}"
                yield UncommittedDecision(file.site, draft.decision.value, printable(about.rstrip(", ")))


def _deleted(before: Approvals, file: SiteFile) -> Iterator[UncommittedDecision]:
    drafts = (draft for activity in before.activities for draft in activity.drafts)
    approved = sum(draft.decision is DraftDecision.APPROVE for draft in drafts)
    with_it = f", which has {plural(approved, 'approval')}" if approved else ""
    yield UncommittedDecision(file.site, DELETE, f"the approvals file{with_it}")


def _counted(word: str, count: int) -> str:
    if word == DELETE:
        return f"{word} {plural(count, 'approvals file')}"
    if word in set(ActivityDecision):
        return f"{_TO_ACTIVITIES[ActivityDecision(word)]} {plural(count, 'activity', 'activities')}"
    drafts = plural(count, "draft")
    return f"set {drafts} back to pending" if word == DraftDecision.PENDING.value else f"{word} {drafts}"


def _commands(made: Uncommitted, top: Path) -> tuple[str, str]:
    """The commands for a person to type where the tool was started, or anywhere if that is outside the repository."""
    here = Path.cwd()
    inside = Path(os.path.realpath(here)).is_relative_to(top)
    git = ["git"] if inside else ["git", "-C", str(top)]
    start = here if inside else top
    names = [os.path.relpath(os.path.realpath(path), os.path.realpath(start)) for path in made.files]
    return shlex.join([*git, "add", "--", *names]), shlex.join([*git, "commit", "-m", made.subject])
