"""Holder: who holds a lease, and whether that process is still alive.

A process is identified by its machine, its id and its start time: ids are reused, and several containers can have the
same host name and number their processes from 1.
"""

from __future__ import annotations

import os
import secrets
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.frozen import Struct


class Holder(Struct, frozen=True):
    """A process that works on sites.

    `machine` identifies the booted system and its process namespace. `started` is the start of the process in the
    system's own units. Both are empty if the system does not provide them.
    """

    host: str
    process: int
    user: str
    token: str
    """Random, one per run: a lease belongs to this run only if it carries this token."""
    machine: str = ""
    started: str = ""
    ci_url: str | None = None
    run: str = ""
    """The name people use for the run: its ledger's id ends in it."""

    def __str__(self) -> str:
        job = f", {self.ci_url}" if self.ci_url else ""
        return f"{self.user} on {self.host}, process {self.process}{job}"


def this_process(environ: Mapping[str, str]) -> Holder:
    """This process as a holder. CI services give the URL of the job in `environ`."""
    process = os.getpid()
    return Holder(
        host=socket.gethostname(),
        process=process,
        user=_user(environ),
        token=secrets.token_hex(16),
        machine=_machine(),
        started=_start_of(process),
        ci_url=ci_url(environ),
        run=secrets.token_hex(4),
    )


def ci_url(environ: Mapping[str, str]) -> str | None:
    """The page of this CI job, if the service gives it (GitHub, GitLab, Buildkite, CircleCI, Jenkins)."""
    if repository := environ.get("GITHUB_REPOSITORY"):
        server, run = environ.get("GITHUB_SERVER_URL", "https://github.com"), environ.get("GITHUB_RUN_ID")
        if run:
            return f"{server}/{repository}/actions/runs/{run}"
    names = ("CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL")
    return next((environ[name] for name in names if environ.get(name)), None)


def is_gone(holder: Holder) -> bool:
    """Whether it is certain that the holder's process has ended. For a process on another machine, it never is."""
    if not holder.machine or holder.machine != _machine() or os.name != "posix" or holder.process <= 0:
        return False
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is alive and belongs to another user
    # An empty start means it is hidden (/proc mounted with hidepid), which proves nothing.
    started = _start_of(holder.process)
    return bool(started and holder.started) and started != holder.started


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return "" if os.path.isdir("/proc/self") else f"{socket.gethostname()} {uuid.getnode():x}"
    return f"{boot} {namespace}"


def _start_of(process: int) -> str:
    """When a process started, in the kernel's ticks since boot.

    `ended` for a zombie; empty if the system does not tell.
    """
    try:
        line = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return ""
    # The name in brackets may contain spaces and brackets; what follows the last bracket does not.
    fields = line.rpartition(b")")[2].split()
    if len(fields) < 20:
        return ""
    return "ended" if fields[0] in (b"Z", b"X", b"x") else fields[19].decode("ascii")


def _user(environ: Mapping[str, str]) -> str:
    """The user's name: from the environment, as in other tools, or else from the system."""
    named = (environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME"))
    return next(filter(None, named), None) or _account()


def _account() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
