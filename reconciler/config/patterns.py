"""Patterns of site files -> files. Bounded: `**` at most once, and links are not followed in circles."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

from msgspec import Struct

from reconciler.config.words import quoted
from reconciler.model.diagnostics import Diagnostic, mistake

_MAGIC = re.compile(r"[*?\[]")


class Unlisted(Struct, frozen=True):
    """A folder that a pattern names but that cannot be listed, and why."""

    folder: Path
    why: str


def wrong_pattern(pattern: str) -> Diagnostic | None:
    """What is wrong with a pattern in a file."""
    if pattern.split("/").count("**") > 1:
        return mistake(f"{quoted(pattern)} has `**` more than once", "use it once; it already matches nested folders")
    if pattern.startswith("!"):
        return mistake(f"{quoted(pattern)} would not exclude anything", "remove it, and narrow the other patterns")
    return None


def fixed_folder(pattern: str) -> str:
    """The folder that a pattern names before its first wildcard: `sites` in `sites/*/shop.yaml`; empty for none."""
    fixed: list[str] = []
    for part in pattern.split("/")[:-1]:
        if _MAGIC.search(part):
            break
        fixed.append(part)
    return "/".join(fixed)


class Finder:
    """Finds the files below a root that patterns match. Remembers what folders contain, for the next pattern.

    Names that begin with a dot are found only if that part of the pattern does too.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, list[tuple[str, bool]]] = {}
        self._links: set[Path] = set()
        self.unlisted: list[Unlisted] = []

    def find(self, pattern: str) -> Iterator[str]:
        """The files that one pattern matches, as paths below the root, in no particular order and possibly twice."""
        yield from self._find(self._root, [part for part in pattern.split("/") if part not in ("", ".")], set())

    def names_in(self, folder: Path) -> list[tuple[str, bool]]:
        """The names in a folder, sorted, and whether each is itself a folder; empty if the folder does not exist."""
        found = self._listed.get(folder)
        if found is None:
            found = self._listed[folder] = self._scan(folder)
        return found

    def _scan(self, folder: Path) -> list[tuple[str, bool]]:
        try:
            with os.scandir(folder) as entries:
                return sorted((entry.name, self._is_folder(entry)) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.unlisted.append(Unlisted(folder, error.strerror or type(error).__name__))
            return []

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            found = entry.is_dir()
        except OSError:  # a link to itself
            return False
        if found and entry.is_symlink():
            self._links.add(Path(entry.path))
        return found

    def _find(self, folder: Path, parts: list[str], seen: set[tuple[str, int]]) -> Iterator[str]:
        """The files below a folder. `seen` has the real folders that links led to, with how many parts were left."""
        if not parts:
            return
        if folder in self._links:
            here = (os.path.realpath(folder), len(parts))
            if here in seen:
                return
            seen.add(here)
        first, rest = parts[0], parts[1:]
        if first == "**":
            for below in self.folders(folder):
                if rest:
                    yield from self._find(below, rest, seen)
                else:
                    names = (name for name, is_folder in self.names_in(below) if not is_folder and name[0] != ".")
                    yield from (os.path.join(below, name) for name in names)
        elif not _MAGIC.search(first):
            if rest:
                yield from self._find(folder / first, rest, seen)
            elif os.path.lexists(folder / first):
                yield os.path.join(folder, first)
        else:
            matches = re.compile(translate(first)).match
            for name, is_folder in self.names_in(folder):
                if not matches(name) or (name[0] == "." and first[0] != "."):
                    continue
                if rest and is_folder:
                    yield from self._find(folder / name, rest, seen)
                elif not rest:
                    yield os.path.join(folder, name)

    def folders(self, top: Path) -> Iterator[Path]:
        """A folder and all folders below it, following links; each real folder once, by the shortest path to it."""
        seen = {os.path.realpath(top)}
        waiting = deque([top])
        while waiting:
            folder = waiting.popleft()
            yield folder
            for name, is_folder in self.names_in(folder):
                if is_folder and name[0] != ".":
                    below = folder / name
                    real = os.path.realpath(below)
                    if real not in seen:
                        seen.add(real)
                        waiting.append(below)
