"""What `doctor` checks apart from sites: git, and the settings for the connection to the remote side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from reconciler.api.surroundings import BUNDLES, FOLDER
from reconciler.config.project import ProjectConfig
from reconciler.config.repository import GitError, GitTrouble, Repository
from reconciler.engine.adoption_results import ProjectExamined
from reconciler.engine.facts import CertificatesUsed, CheckedOut, Fact, ProxyUsed
from reconciler.engine.selection import repository_of
from reconciler.model.diagnostics import Diagnostic, Severity

PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class ProjectFindings:
    """What was found so far: facts, and what is wrong."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.findings: list[Diagnostic] = []

    def add(self, found: Diagnostic) -> None:
        """Adds a problem."""
        self.findings.append(found)

    def project(self) -> ProjectExamined:
        """Everything found, as an event about the project."""
        return ProjectExamined(tuple(self.facts), tuple(self.findings))


def examine_environment(environ: Mapping[str, str], found: ProjectFindings) -> None:
    """The connection to the remote side, as the environment defines it. An error in it has already stopped the run."""
    proxy = next((environ[name] for name in PROXIES if environ.get(name)), "")
    host = urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname if proxy else ""
    found.facts.append(ProxyUsed(host or ""))
    named = [name for name in BUNDLES if environ.get(name)][:1] + ([FOLDER] if environ.get(FOLDER) else [])
    found.facts += [CertificatesUsed(name, environ[name]) for name in named] or [CertificatesUsed()]


def examine_git(project: ProjectConfig, found: ProjectFindings) -> None:
    """Whether git can tell what changed and who approved: a repository, its owner, its depth."""
    repository = repository_of(project)
    try:
        _ = repository.top
    except GitError as error:
        none = not error.message or error.trouble is GitTrouble.NO_REPOSITORY
        what = "the project is not in a git repository" if none else error.message
        fix = error.fix or "`--changed-since` and names of approvers need git"
        owned = error.trouble is GitTrouble.NOT_TRUSTED
        found.add(
            Diagnostic("git-refused" if owned else "no-git", what, fix, Severity.WARNING if owned else Severity.NOTE)
        )
        return
    head = repository.head()
    found.facts.append(CheckedOut(head or ""))
    if is_shallow(repository):
        what = "this checkout does not have the whole history"
        fix = "fetch all of it (`fetch-depth: 0`, GIT_DEPTH: 0): approvers and `--changed-since` need it"
        found.add(Diagnostic("shallow-history", what, fix, Severity.WARNING))


def is_shallow(repository: Repository) -> bool:
    """Whether the beginning of the history is missing."""
    try:
        return repository.is_shallow()
    except GitError:
        return False
