"""What git knows about a project: what changed, what is committed, who decided. Also makes a commit if a person asks.

Git always runs in a clean environment. Nothing is ever pushed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.model.diagnostics import UsageError
from reconciler.model.error_with_fix import ErrorWithFix
from reconciler.model.text import in_quotes

_PINNED: Final = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
"""Settings that files of a project could otherwise change: which repository is meant, and what runs."""

_COMMIT: Final = re.compile("[0-9a-f]{40,64}")

_ALL: Final = "leave --changed-since out to look at all sites"


class GitTrouble(StrEnum):
    """What a GitError means, if it makes a difference to the caller."""

    NO_REPOSITORY = "no-repository"
    NOT_TRUSTED = "not-trusted"
    """The repository belongs to somebody else, so git refuses to use it."""
    OTHER = "other"


class GitError(ErrorWithFix):
    """Git is missing, or reported an error. The message is empty if git said nothing."""

    def __init__(self, message: str, fix: str = "", trouble: GitTrouble = GitTrouble.OTHER) -> None:
        super().__init__(message, fix)
        self.trouble = trouble


class Repository:
    """The repository that a folder is in. `environment` is that of the git processes."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {
            **environment,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_EDITOR": "true",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",  # what HEAD has, not what refs/replace puts in its place
            "LC_ALL": "C",
        }

    @cached_property
    def top(self) -> Path:
        """The folder of the working tree. Raises GitError if there is none."""
        return Path(os.path.realpath(self._run("rev-parse", "--show-toplevel").rstrip("\n")))

    @cached_property
    def _marked(self) -> Path:
        """The nearest folder that contains a `.git`, where git is run.

        Git itself accepts any folder that looks like a repository, including its configuration, which can name
        programs to run; and a commit may add such a folder, but never a `.git`. Raises GitError if there is none.
        """
        try:
            here = Path(os.path.realpath(self._folder))
        except OSError:  # it is the working directory, which has been removed
            here = Path(os.sep)
        for folder in (here, *here.parents):
            if os.path.lexists(folder / ".git"):
                return folder
        raise GitError("the project is not in a git repository", trouble=GitTrouble.NO_REPOSITORY)

    def head(self) -> str | None:
        """The commit that is checked out; None if there is no repository or no commit."""
        try:
            found = self._run("rev-parse", "--verify", "--quiet", "HEAD").strip()
        except GitError:
            return None
        return found if _COMMIT.fullmatch(found) else None  # any program may be called `git`

    def changed_since(self, revision: str) -> ChangedPaths:
        """What differs between the working tree and its merge base with `revision`, including untracked YAML files.

        Raises UsageError if there is no git, no repository, no such revision, or no common history.
        """
        try:
            self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError as error:
            if error.message:
                raise UsageError(f"--changed-since: {error.message}", error.fix or _ALL) from None
            unknown = f"--changed-since: git does not know the revision {in_quotes(revision)}"
            raise UsageError(unknown, "has the history been fetched?") from None
        try:
            base = self._run("merge-base", "--", revision, "HEAD").strip()
        except GitError:
            raise UsageError(
                f"--changed-since: HEAD and {revision} have no commit in common", "fetch more of the history"
            ) from None
        try:
            return ChangedPaths(self.top, self._differing(base))
        except GitError as error:
            raise UsageError(f"--changed-since: {error.message}", error.fix or _ALL) from None

    def committed(self, path: Path) -> bytes | None:
        """The text of a file in HEAD; None if HEAD lacks it or a link to it, or if that link differs there.

        Raises GitError if there is no repository.
        """
        *links, file = trail(path)
        inside = (link for link in links if link.is_relative_to(self.top))
        if not all(self._is_same_link(link) for link in inside) or not file.is_relative_to(self.top):
            return None
        if not self._is_in(file, self._dirty):
            try:
                return file.read_bytes()
            except OSError:
                return None
        try:
            return self._bytes("cat-file", "blob", f"HEAD:{file.relative_to(self.top).as_posix()}")
        except GitError:
            return None

    def in_head(self, path: Path) -> bytes | None:
        """The text in HEAD of a file that is no longer on disk, following links in HEAD; None if HEAD lacks it.

        Raises GitError if there is no repository.
        """
        file = trail(path)[-1]
        if not file.is_relative_to(self.top):
            return None
        asked = os.fsencode(f"HEAD:{file.relative_to(self.top).as_posix()}\n")
        # A link in HEAD is followed there: what it points to is what counted.
        output = self._bytes("cat-file", "--batch", "--follow-symlinks", given=asked)
        head, _, text = output.partition(b"\n")
        match head.split(b" "):
            case [_, b"blob", size]:
                return text[: int(size)]
            case _:
                return None

    def not_checked_out(self, folder: Path) -> dict[Path, bool]:
        """The files that git tracks below a folder and that are missing here without having been deleted.

        True for a file that a sparse checkout leaves out, False for one that is missing with its whole folder. Raises
        GitError if there is no repository.
        """
        here = trail(folder)[-1]
        output = self._run("ls-files", "-t", "-z", "--", os.path.relpath(here, self.top), top=True)
        gone = not os.path.lexists(here)
        entries = (entry.partition(" ") for entry in output.split("\0") if entry)
        return {self.top / path: tag == "S" for tag, _, path in entries if tag == "S" or gone}

    def empty_submodules(self) -> tuple[Path, ...]:
        """The folders of submodules that are not checked out. Raises GitError if there is no repository."""
        if not os.path.isfile(self._marked / ".gitmodules"):
            return ()
        entries = self._run("ls-files", "--stage", "-z", top=True).split("\0")
        paths = (entry.partition("\t")[2] for entry in entries if entry.startswith("160000 "))
        return tuple(folder for path in paths if not os.path.lexists((folder := self.top / path) / ".git"))

    def left_out(self) -> tuple[Path, ...]:
        """The YAML files that a sparse checkout leaves out. Raises GitError if there is no repository."""
        own = self._marked / ".git"
        try:
            if own.is_file():  # of a worktree or a submodule
                own = own.parent / own.read_text("utf-8", "surrogateescape").partition(":")[2].strip()
        except OSError:
            return ()
        if not os.path.exists(own / "info/sparse-checkout"):
            return ()
        entries = self._run("ls-files", "-t", "-z", "--", "*.yaml", "*.yml", top=True).split("\0")
        files = (self.top / entry[2:] for entry in entries if entry.startswith("S "))
        return tuple(file for file in files if not os.path.lexists(file))

    def is_clean(self, path: Path) -> bool:
        """Whether a file, and each link to it, is in HEAD exactly as on disk.

        Untracked files are noticed only if their names end in .yaml or .yml: all others but links count as clean.
        """
        *links, file = trail(path)
        here = file.is_relative_to(self.top) and not self._is_in(file, self._dirty)
        return here and all(link.is_relative_to(self.top) and self._is_same_link(link) for link in links)

    def is_clean_below(self, folder: Path) -> bool:
        """`is_clean`, for a folder and everything in it. Raises GitError if there is no repository."""
        if not self.is_clean(folder):
            return False
        inside = trail(folder)[-1].relative_to(self.top)
        return not any(inside in Path(path).parents for path in self._dirty)

    def is_known(self, path: Path) -> bool:
        """`is_clean`, but False if there is no repository."""
        try:
            return self.is_clean(path)
        except GitError:
            return False

    def author_of_line(self, path: Path, line: int) -> str | None:
        """Who last changed a line of a file, counted from 1; None if git does not know.

        Git does not know for a file with uncommitted changes, or for a line older than a shallow history.
        """
        try:
            if not self.is_clean(path):
                return None
            name = os.path.relpath(trail(path)[-1], self.top)
            whole = ("--porcelain", "--ignore-revs-file=")  # no commit is ignored, whatever the configuration lists
            output = self._run("blame", *whole, "-L", f"{line},{line}", "HEAD", "--", name)
            if self.is_shallow() and re.search(r"^boundary$", output, re.MULTILINE):
                return None
            # As the commit has it: the names that blame gives follow .mailmap, which any pull request can edit.
            written = self._run("cat-file", "commit", output.split(" ", 1)[0])
        except GitError:
            return None
        author = re.search(r"^author (.+?) <", written.partition("\n\n")[0], re.MULTILINE)
        return author[1] if author else None

    def commits_of(self, folder: Path, most: int) -> dict[Path, list[str]]:
        """The last commits that changed files of a folder, newest first, by file. Empty if git knows none."""
        found: dict[Path, list[str]] = {}
        try:
            name = os.path.relpath(trail(folder)[-1], self.top)
            options = ("--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-m", "--first-parent", "-z")
            output = self._run("log", f"-n{most}", "--format=%x01%H", *options, "--", name, top=True)
        except GitError:
            return found
        commit = ""
        for part in re.split("[\0\n]+", output):
            if part.startswith("\x01"):
                commit = part[1:]
            elif part:
                found.setdefault(self.top / part, []).append(commit)
        return found

    def versions(self, wanted: Iterable[tuple[Path, str]]) -> dict[tuple[Path, str], bytes]:
        """The texts of files in commits, by file and commit, without those that do not exist.

        Asks git only once for all of them.
        """
        asked = [(key, self._object(*key)) for key in wanted]
        asked = [(key, name) for key, name in asked if name]
        if not asked:
            return {}
        names = "".join(f"{name}\n" for _, name in asked)
        try:
            output = self._bytes("cat-file", "--batch", given=names.encode("utf-8", "surrogateescape"))
        except GitError:
            return {}
        found, at = {}, 0
        for key, _ in asked:
            line, at = output[at : output.index(b"\n", at)], output.index(b"\n", at) + 1
            if (of := re.fullmatch(rb"[0-9a-f]+ (\w+) (\d+)", line)) is None:  # `... missing`
                continue
            end = at + int(of[2])
            if of[1] == b"blob":
                found[key] = output[at:end]
            at = end + 1
        return found

    def _object(self, path: Path, commit: str) -> str:
        """The name by which git knows a file in a commit; empty for a file outside the working tree."""
        file = trail(path)[-1]
        name = f"{commit}:{file.relative_to(self.top).as_posix()}" if file.is_relative_to(self.top) else ""
        return "" if "\n" in name else name

    def commit(self, paths: Sequence[Path], message: str) -> None:
        """Commits only these files, as they are, under the identity that git is configured with. Raises GitError.

        Whatever else is staged stays staged.
        """
        names = [os.path.relpath(trail(path)[-1], self.top) for path in paths]
        self._run("add", "--intent-to-add", "--", *names, top=True)
        self._bytes("commit", "--quiet", "--only", "--file=-", "--", *names, top=True, given=message.encode("utf-8"))

    def is_shallow(self) -> bool:
        """Whether the beginning of the history is missing. Raises GitError if there is no repository."""
        return self._run("rev-parse", "--is-shallow-repository").strip() == "true"

    @cached_property
    def _dirty(self) -> frozenset[str]:
        return self._differing("HEAD")

    def _is_same_link(self, link: Path) -> bool:
        """Whether a link below the top points to the same path in HEAD."""
        name = link.relative_to(self.top)
        known = any(part.as_posix() in self._compared_links for part in (name, *name.parents))
        return known and not self._is_in(link, self._dirty)

    @cached_property
    def _compared_links(self) -> frozenset[str]:
        """The links that git compares with HEAD, and the submodules, which differ if a link in them has changed."""
        listed = self._run("ls-files", "--stage", "-v", "-z", top=True)
        entries = (entry.partition("\t") for entry in listed.split("\0"))
        return frozenset(path for about, _, path in entries if about.startswith(("H 120000 ", "H 160000 ")))

    def _is_in(self, path: Path, changed: frozenset[str]) -> bool:
        return ChangedPaths(self.top, changed).has_step(path)

    def _differing(self, base: str) -> frozenset[str]:
        """Paths below the top that differ from a commit; for a submodule, its own path."""
        options = ("--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", "-z")
        differing = self._run("diff", *options, base, "--", top=True)
        # Ignored files are new all the same: an approvals file that git ignores was never committed. Files marked
        # assume-unchanged or skip-worktree may differ without git noticing. For a repository that is not a submodule,
        # git lists only the folder, which ends in a slash.
        listed = self._run("ls-files", "--cached", "--others", "-v", "-z", "--", "*.yaml", "*.yml", "*/", top=True)
        tagged = (entry.partition(" ") for entry in listed.split("\0") if entry)
        new = (path.removesuffix("/") for tag, _, path in tagged if tag == "?" or self._is_hidden(tag, path))
        return frozenset((*(path for path in differing.split("\0") if path), *new))

    def _is_hidden(self, tag: str, path: str) -> bool:
        """Whether a file is on disk, but was marked so that git does not compare it."""
        return (tag == "S" or tag.islower()) and os.path.lexists(self.top / path)

    def _run(self, *arguments: str, top: bool = False) -> str:
        return self._bytes(*arguments, top=top).decode("utf-8", "surrogateescape")

    def _bytes(self, *arguments: str, top: bool = False, given: bytes | None = None) -> bytes:
        at = self.top if top or arguments[0] in ("blame", "cat-file") else self._marked
        import subprocess

        try:
            done = subprocess.run(  # noqa: S603 - no shell; revisions are checked, and paths follow `--`
                ["git", "-C", str(at), "--no-pager", *_PINNED, *arguments],  # noqa: S607 - the user's own git
                env=self._environment,
                input=given or b"",
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise GitError("git is not installed, or not on the PATH") from None
        except OSError as error:
            raise GitError(f"git cannot be run: {error.strerror}") from None
        if done.returncode:
            raise _error(done.stderr.decode("utf-8", "replace"))
        return done.stdout


_TROUBLES: Final = {"not a git repository": GitTrouble.NO_REPOSITORY, "dubious ownership": GitTrouble.NOT_TRUSTED}
"""What git's error messages contain: it has no error codes. It runs with LC_ALL=C."""


def _error(text: str) -> GitError:
    """What git complained about, and the command that it suggests."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return GitError("")
    causes = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    remedies = [line for line in lines if line.startswith("git config ")]
    cause = causes[0] if causes else lines[-1]
    trouble = next((meant for said, meant in _TROUBLES.items() if said in cause), GitTrouble.OTHER)
    return GitError(f"git says: {cause}", f"to allow it: {remedies[0]}" if remedies else "", trouble)


class ChangedPaths(Struct, frozen=True):
    """Paths that differ, relative to the top of a working tree."""

    top: Path
    paths: frozenset[str]

    def has(self, path: Path) -> bool:
        """Whether what a path points to has changed: a file, a link on the way to it, or a submodule around it."""
        return any(self.has_step(step) for step in trail(path))

    def has_step(self, step: Path) -> bool:
        """Whether one step of a trail has changed: what is at this very path, or a submodule around it."""
        if not step.is_relative_to(self.top):
            return False
        relative = step.relative_to(self.top)
        return any(part.as_posix() in self.paths for part in (relative, *relative.parents))


def trail(path: Path) -> tuple[Path, ...]:
    """The links on the way to a file, each as a path without links above it, followed by the file itself."""
    return tuple(_trail(path))


def _trail(path: Path) -> Iterator[Path]:
    here = Path(path.anchor or os.sep)
    waiting = list(Path(os.path.abspath(path)).parts[1:])
    followed = 0
    while waiting:
        part = waiting.pop(0)
        if part == os.pardir:
            here = here.parent
            continue
        step = here / part
        if followed < _MAX_LINKS and os.path.islink(step):
            followed += 1
            yield step
            target = os.readlink(step)
            if os.path.isabs(target):
                here = Path(Path(target).anchor)
                waiting = list(Path(target).parts[1:]) + waiting
            else:
                waiting = list(Path(target).parts) + waiting
        else:
            here = step
    yield here


_MAX_LINKS = 40
"""After this many links, a system reports that they form a cycle."""
