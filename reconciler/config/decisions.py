"""Decisions about entries of approvals files: which drafts are meant, and one write of each file.

Questions and screens are elsewhere. A decision is written only if the file still says what was shown when it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.approvals_edit import set_decisions
from reconciler.config.discovery import shown_path
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.yaml_source import MAX_BYTES
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.posts import post_name
from reconciler.whole_files import write_atomically

AnyDecision: TypeAlias = DraftDecision | ActivityDecision

MAKE_A_DRAFT: Final = "to let it go out, turn it back into a draft in the site's dashboard, then run review"
"""What to do about a cancelled post that somebody wants to approve."""

NEW_DRAFTS: Final = "run review to add new drafts"
"""What to do if nothing matches what somebody named."""


class DraftSelector(Struct, frozen=True):
    """Which drafts are meant: all given conditions must hold; if none is given, all drafts are meant.

    `ids` are those of drafts or of activities; `subjects` completes shortened ones.
    """

    ids: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ids or self.channels or self.titles)

    def means(self, draft: DraftApproval, activity: ActivityApproval) -> bool:
        """Whether a draft is meant."""
        return (
            self._has_id(activity.id, draft.id)
            and self._has_title(activity.title)
            and (not self.channels or draft.channel.casefold() in {channel.casefold() for channel in self.channels})
        )

    def means_activity(self, activity: ActivityApproval) -> bool:
        """Whether an activity as a whole is meant: by itself, or through one of its drafts."""
        itself = not self.channels and self._has_id(activity.id) and self._has_title(activity.title)
        return itself or any(self.means(draft, activity) for draft in activity.drafts)

    def _has_id(self, *ids: str) -> bool:
        return not self.ids or any(found in self.ids for found in ids)

    def _has_title(self, title: str) -> bool:
        return not self.titles or any(fnmatchcase(title.casefold(), glob.casefold()) for glob in self.titles)


class Subject(Struct, frozen=True):
    """What one decision is about: a draft, or an activity with its drafts."""

    site: SiteName
    path: Path
    activity: ActivityApproval
    drafts: tuple[DraftApproval, ...]
    approvable: bool = True
    """Whether an approval given now would count on its site."""

    @property
    def edited(self) -> bool:
        """Whether the file shows content other than what its digest covers: an approval of it would not count."""
        return any(not draft.earlier and not draft.is_as_written(self.activity.date) for draft in self.drafts)


class Ruling(Struct, frozen=True):
    """A decision about a subject, and the decision it replaces."""

    subject: Subject
    decision: AnyDecision

    def undone(self) -> Ruling:
        """The ruling that undoes this one."""
        before = (
            self.subject.drafts[0].decision
            if isinstance(self.decision, DraftDecision)
            else self.subject.activity.decision
        )
        return Ruling(self.subject, before)


def subjects(
    files: Iterable[tuple[SiteName, Path, Approvals]],
    selector: DraftSelector,
    decision: AnyDecision | None,
    *,
    waiting: bool = False,
) -> tuple[Subject, ...]:
    """What is selected and not already decided that way. Without `decision`, the drafts that are not approved.

    Individual drafts of an activity that is to be regenerated or discarded are left out, and so are posts that
    are cancelled or went out unapproved, unless their approval is withdrawn.

    With `waiting`, only activities with a draft that waits for a decision are regenerated or discarded. Raises
    UsageError for a selector that matches nothing in any file, for a shortened id that fits several drafts or
    activities, and if drafts that were named by id, or all that are selected, are left out.
    """
    approvals = tuple(files)
    selector = _matched(approvals, selector)
    found = tuple(
        subject
        for site, path, file in approvals
        for subject in _subjects(site, path, file, selector, decision)
        if not waiting or decision in _UNDOES_ANOTHER or _waits(subject.activity)
    )
    if selector.ids or (selector and not found):
        _must_be_open(approvals, selector, decision)
    return found


def write(rulings: Sequence[Ruling]) -> dict[Path, str]:
    """Writes decisions, with one read and one write of each file. Of several about the same thing, the last counts.

    Returns the new content of each file.

    Raises UsageError if a file cannot be written, cannot be changed in place, or no longer names the digest that a
    decision was made for. Then none of the decisions is written into that file; the caller says so.
    """
    written: dict[Path, str] = {}
    by_file: dict[Path, list[Ruling]] = {}
    for ruling in rulings:
        by_file.setdefault(ruling.subject.path, []).append(ruling)
    for path, found in by_file.items():
        drafts: dict[str, DraftDecision] = {}
        activities: dict[str, ActivityDecision] = {}
        seen: dict[str, Digest] = {}
        for ruling in found:
            if isinstance(ruling.decision, DraftDecision):
                drafts |= dict.fromkeys((draft.id for draft in ruling.subject.drafts), ruling.decision)
                seen |= {draft.id: draft.digest for draft in ruling.subject.drafts}
            else:
                activities[ruling.subject.activity.id] = ruling.decision
                if ruling.subject.activity.decided is not None:
                    seen[ruling.subject.activity.id] = ruling.subject.activity.decided
        shown = shown_path(path)
        try:
            data = read_regular(path, MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise UsageError(f"{shown} has grown larger than {MAX_BYTES:,} bytes", "split it")
            text = set_decisions(data.decode("utf-8"), drafts, activities, shown, seen)
            write_atomically(path, text)
        except InvalidFiles as error:
            first = error.problems[0]
            raise UsageError(first.message, first.fix or "correct it and run approve again", first.place) from None
        except FileNotFoundError:
            raise UsageError(
                f"{shown} was deleted in the meantime", "restore the file, or run review to write it again"
            ) from None
        except NotRegular:
            raise UsageError(f"{shown} is no longer a regular file", "move it away") from None
        except UnicodeDecodeError:
            raise UsageError(f"{shown} is no longer UTF-8 text", "save it as UTF-8") from None
        except OSError as error:
            raise UsageError(
                f"{shown} cannot be written: {error.strerror}", "check its permissions and the disk"
            ) from None
        written[path] = text
    return written


def pending(approvals: Approvals) -> int:
    """How many drafts wait for a decision. Those of an activity to be regenerated or discarded do not."""
    return sum(draft.waits for activity in approvals.activities if _waits(activity) for draft in activity.drafts)


_UNDOES_ANOTHER: Final = frozenset({DraftDecision.PENDING, ActivityDecision.KEEP})
"""Decisions that undo another one, and so are never about what is still waiting."""


def _waits(activity: ActivityApproval) -> bool:
    """Whether a draft of an activity waits for a decision; false if the activity is to be regenerated or discarded."""
    return activity.decision is ActivityDecision.KEEP and any(draft.waits for draft in activity.drafts)


def listed_in(approvals: Approvals) -> int:
    """How many drafts an approvals file has."""
    return sum(len(activity.drafts) for activity in approvals.activities)


def _subjects(
    site: SiteName, path: Path, file: Approvals, selector: DraftSelector, decision: AnyDecision | None
) -> Iterator[Subject]:
    for activity in file.activities:
        if isinstance(decision, ActivityDecision):
            if activity.decision is not decision and selector.means_activity(activity):
                yield Subject(site, path, activity, activity.drafts, file.approvable)
            continue
        wanted = decision or DraftDecision.APPROVE
        for draft in activity.drafts:
            if (
                draft.decision is not wanted
                and not (wanted is DraftDecision.APPROVE and not draft.can_be_approved)
                and activity.decision is ActivityDecision.KEEP
                and selector.means(draft, activity)
            ):
                yield Subject(site, path, activity, (draft,), file.approvable)


def _must_be_open(
    files: Sequence[tuple[SiteName, Path, Approvals]], selector: DraftSelector, decision: AnyDecision | None
) -> None:
    """Raises UsageError if a selected draft cannot be decided about: its activity's decision, or it is cancelled."""
    if isinstance(decision, ActivityDecision):
        return
    for _, _, file in files:
        for activity in file.activities:
            for draft in activity.drafts if decision is not DraftDecision.PENDING else ():
                if draft.can_be_approved or draft.id not in selector.ids:
                    continue
                name = post_name(activity.title, draft.channel, draft.content.type)
                if draft.is_out:
                    raise UsageError(f"{name} has already gone out", NEW_DRAFTS)
                raise UsageError(f"{name} is cancelled, and the API only schedules drafts", MAKE_A_DRAFT)
            whole = activity.decision
            if whole is not ActivityDecision.KEEP and any(selector.means(draft, activity) for draft in activity.drafts):
                raise UsageError(
                    f'the decision about "{activity.title}" is {whole.value}, which covers all of its drafts',
                    f"to keep its posts, first run: reconciler approve --id {activity.id} --decision keep --yes",
                )


def _matched(files: Sequence[tuple[SiteName, Path, Approvals]], selector: DraftSelector) -> DraftSelector:
    """The selector with its shortened ids completed. Raises UsageError if a part of it matches nothing."""
    activities = [activity for _, _, file in files for activity in file.activities]
    known: list[str] = [activity.id for activity in activities]
    known += [draft.id for activity in activities for draft in activity.drafts]
    ids = []
    for given in selector.ids:
        found = sorted({each for each in known if given and each.startswith(given)})
        if not found:
            raise UsageError(f"--id {given}: not in the approvals files of these sites", NEW_DRAFTS)
        if len(found) > 1 and given not in found:
            raise UsageError(
                f"--id {given}: {len(found):,} ids begin with it, such as {found[0]} and {found[1]}",
                "give more characters",
            )
        ids.append(given if given in found else found[0])
    for channel in selector.channels:
        if not any(DraftSelector(channels=(channel,)).means_activity(activity) for activity in activities):
            raise UsageError(
                f"--channel {channel}: the approvals files of these sites have no draft for this channel", NEW_DRAFTS
            )
    for title in selector.titles:
        if not any(DraftSelector(titles=(title,)).means_activity(activity) for activity in activities):
            raise UsageError(
                f"--title {title}: no activity in the approvals files of these sites has a matching title", NEW_DRAFTS
            )
    selector = replace(selector, ids=tuple(ids))
    if selector and not any(selector.means_activity(activity) for activity in activities):
        raise UsageError("no draft matches all of --id, --channel and --title", "leave one of them out")
    return selector
