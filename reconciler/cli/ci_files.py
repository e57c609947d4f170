"""The files of `init --ci`: workflows and what they use, as in this tool's repository."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES: Final = ((_PACKAGE / "ci", True), (_PACKAGE.parent, False))
"""Where the files are: in an installed package (True), or in a checkout (False)."""


class Service(StrEnum):
    """A CI service for which there are files."""

    GITHUB = "github"
    GITLAB = "gitlab"


_WORKFLOWS: Final = ("plan", "apply", "drift", "review")
_ACTION: Final = ".github/actions/reconciler"

_FILES: Final = {
    Service.GITHUB: {
        **{
            f".github/workflows/reconciler-{name}.yml": (
                f"workflows/reconciler-{name}.yml",
                f"examples/github/.github/workflows/reconciler-{name}.yml",
            )
            for name in _WORKFLOWS
        },
        f"{_ACTION}/action.yml": ("action.yml", "action.yml"),
        f"{_ACTION}/integrations/github.py": ("integrations/github.py", "integrations/github.py"),
    },
    Service.GITLAB: {
        ".gitlab-ci.yml": ("gitlab-ci.yml", "examples/gitlab/.gitlab-ci.yml"),
        ".gitlab/reconciler.yml": ("templates/reconciler.yml", "templates/reconciler.yml"),
    },
}
"""Where a file goes -> where it is in an installed package, and in a checkout."""


def ci_files(service: Service) -> dict[str, str]:
    """Path -> text. Raises FileNotFoundError if the installation lacks one."""
    return {path: _text(*places) for path, places in _FILES[service].items()}


def _text(packaged: str, checked_out: str) -> str:
    for folder, installed in _PLACES:
        file = folder / (packaged if installed else checked_out)
        if file.is_file():
            return file.read_text("utf-8")
    raise FileNotFoundError(f"{packaged} is missing from this installation of reconciler")
