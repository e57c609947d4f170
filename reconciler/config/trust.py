"""What a file of the repository may ask for, and what must be allowed from outside it.

A pull request can change every file, and CI runs with keys. So a file may have keys sent only to Wix and to this
machine, runs no program, and stays inside its project. The command line and the environment can allow more
(docs/design.md 6).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.config.environment import clean_environment
from reconciler.config.regular_files import leads_away
from reconciler.config.words import quoted
from reconciler.model.diagnostics import Diagnostic, UsageError, mistake
from reconciler.model.locations import WIX_HOST, is_loopback
from reconciler.model.text import printable

ALLOW_HOSTS: Final = "RECONCILER_ALLOW_HOSTS"
ALLOW_PATHS: Final = "RECONCILER_ALLOW_PATHS"
ALLOW_COMMANDS: Final = "RECONCILER_ALLOW_COMMANDS"
REQUIRE_APPROVAL: Final = "RECONCILER_REQUIRE_APPROVAL"


class Trust(Struct, frozen=True):
    """What the command line and the environment allow beyond what a file may ask for; by default nothing.

    `api` and `state` are those of the command line, which replace the file's. `hosts` are lower-case names, `paths`
    resolved folders. `committed` means that only decisions in HEAD count as approvals. `environment` is what child
    processes such as git get. `home` is what `~` stands for.
    """

    api: str | None = None
    state: str | None = None
    hosts: frozenset[str] = frozenset()
    paths: tuple[Path, ...] = ()
    commands: bool = False
    require_approval: bool = False
    committed: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    home: Path | None = None


def trust_of(
    environ: Mapping[str, str],
    *,
    api: str | None = None,
    state: str | None = None,
    allow_hosts: Iterable[str] = (),
    require_approval: bool = False,
    committed: bool | None = None,
) -> Trust:
    """What a command line and an environment allow. `committed` None: only committed approvals count if `CI` is set.

    Raises UsageError for an invalid host.
    """
    hosts = [_host(text, "--allow-host") for text in allow_hosts]
    hosts += [_host(text, ALLOW_HOSTS) for text in re.split(r"[,\s]+", environ.get(ALLOW_HOSTS, "")) if text]
    return Trust(
        api=api,
        state=state,
        hosts=frozenset(hosts),
        paths=_allowed(environ),
        commands=_is_set(environ, ALLOW_COMMANDS),
        require_approval=require_approval or _is_set(environ, REQUIRE_APPROVAL),
        committed=_is_set(environ, "CI") if committed is None else committed,
        environment=tuple(sorted(clean_environment(environ).items())),
        home=_home(environ),
    )


def _home(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("USERPROFILE" if os.name == "nt" else "HOME")
    return Path(home) if home else None


def _allowed(environ: Mapping[str, str]) -> tuple[Path, ...]:
    folders = [text for text in environ.get(ALLOW_PATHS, "").split(os.pathsep) if text]
    return tuple(Path(os.path.realpath(folder)) for folder in folders)


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")


def _host(text: str, where: str) -> str:
    host = text.strip().lower().rstrip(".")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[?[0-9a-f:.]+\]?", host):
        raise UsageError(f"{where}: {quoted(text)} is not a host name", "write it without scheme, port and path")
    return host.strip("[]")


def refused_api(url: str, trust: Trust) -> Diagnostic | None:
    """Why a file may not send keys to an otherwise valid URL; None if it may."""
    if "://" not in url:  # `wix` and `sandbox`
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host) or host in trust.hosts:
        return None
    if host == WIX_HOST and parts.port in (None, 443):
        return None
    fix = f"allow it from outside the repository: --allow-host {host} or {ALLOW_HOSTS}={host}"
    return mistake(f"a file may not send keys to {quoted(host)}", fix)


def refused_command(trust: Trust) -> Diagnostic | None:
    """Why a file may not run a command to get a secret; None if it may."""
    if trust.commands:
        return None
    fix = f"give the secret as `env` or `file`, or set {ALLOW_COMMANDS}=1 in the environment"
    return mistake("a file may not run a command", fix)


def refused_path(path: Path, root: Path, trust: Trust) -> Diagnostic | None:
    """Why a project's path may not be read or written: it leads outside the project, or into `.git`. None if it may."""
    return ProjectBounds(root, trust).refused(path)


_OUTSIDE: Final = mistake(
    "leads outside the project", f"move it into the project, or allow its folder with {ALLOW_PATHS}", continues=True
)

_OF_GIT: Final = mistake(
    "leads into the folder `.git`, which may hold keys", "keep the files of a project outside it", continues=True
)


def check_target(option: str, path: Path, environ: Mapping[str, str]) -> None:
    """Raises UsageError if a run may not write to a path given on the command line.

    A file that was meant to be in the repository must not end up outside it because of a link.
    """
    if leads_away(path, _allowed(environ)):
        raise UsageError(
            f"{option} {printable(str(path))}: its folder is a link that leads out of the current directory",
            f"give the real path, or allow its folder with {ALLOW_PATHS}",
        )


class ProjectBounds:
    """What is inside a project, during one reading of its files.

    The links of each folder are followed once, not once per file.
    """

    def __init__(self, root: Path, trust: Trust) -> None:
        self._folders = (os.path.realpath(root), *map(str, trust.paths))
        self._real: dict[str, str] = {}

    def refused(self, path: Path | str) -> Diagnostic | None:
        """Why a path may not be read, as in `refused_path`; None if it may."""
        real = self._followed(path)
        for folder in self._folders:
            if real == folder or real.startswith(folder.rstrip(os.sep) + os.sep):
                return _OF_GIT if ".git" in real[len(folder) :].lower().split(os.sep) else None
        return _OUTSIDE

    def _followed(self, path: Path | str) -> str:
        parent, name = os.path.split(path)  # texts are much faster than paths here
        if name in ("", ".", "..") or os.path.islink(path):
            return os.path.realpath(path)
        above = self._real.get(parent)
        if above is None:
            above = self._real[parent] = os.path.realpath(parent)
        return os.path.join(above, name)
