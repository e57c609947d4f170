"""Finds site files that no pattern matches: anywhere in a project, not only beside those that are read.

A file that nobody reads is a site that nobody looks after, so it is reported. To stay cheap in a large repository,
only the first LOOKED_AT files are looked at, and only YAML files are opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from reconciler.config.discovery import PROJECT_FILE
from reconciler.config.regular_files import read_regular

LOOKED_AT: Final = 20_000
"""How many files and folders are looked at."""

BEGINNING: Final = 64 * 1024
"""How many bytes of a file may come before its site."""

SKIPPED: Final = frozenset({".git", "node_modules", "site-packages", "__pycache__"})
"""Folders of other tools. Virtual environments and other projects are skipped as well, and folders with a leading dot
that are not inside a folder with site files."""

_VERSION: Final = rb"(?m)^version:[ \t]*1\b"
_SITE: Final = rb"(?m)^site:[ \t]*(\{|\r?\n[ \t]+(#|name:|id:|labels:|credentials:|instanceId:))"


def stray_site_files(root: Path, known: Collection[str], approvals: str) -> list[str]:
    """The YAML files below a folder that declare a site, except `known` ones and links to them, and approvals files."""
    strays = list(_strays(root, known, approvals))
    real = set(map(os.path.realpath, known)) if strays else set()
    return [file for file in strays if os.path.realpath(file) not in real]


def _strays(root: Path, known: Collection[str], approvals: str) -> Iterator[str]:
    left, with_sites = LOOKED_AT, set(map(os.path.dirname, known))
    with_sites |= {str(parent) for folder in with_sites for parent in Path(folder).parents}
    with_sites.discard(str(root))
    for folder, names, files in os.walk(root):
        elsewhere = folder != str(root) and not {PROJECT_FILE, "pyvenv.cfg"}.isdisjoint(files)
        if elsewhere or os.path.join(folder, "") == approvals:
            names.clear()
            continue
        hidden = folder in with_sites
        names[:] = sorted(name for name in names if name not in SKIPPED and (hidden or name[0] != "."))
        left -= len(names) + len(files)
        for name in sorted(files):
            file = os.path.join(folder, name)
            looked_at = name.endswith((".yaml", ".yml")) and name != PROJECT_FILE
            if looked_at and file not in known and _declares_site(file):
                yield file
        if left < 0:
            return


def _declares_site(file: str) -> bool:
    try:
        text = read_regular(Path(file), BEGINNING)
    except OSError:
        return False
    return re.search(_VERSION, text) is not None and re.search(_SITE, text) is not None
