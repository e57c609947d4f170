"""The formats of `--output`. Each format is one file, imported when it is asked for."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from reconciler.reporters.context import Reporter, ReporterContext


class Coverage(StrEnum):
    """What a format has room for; tests enforce it."""

    EVERYTHING = "everything"
    PROBLEMS = "problems"
    NUMBERS = "numbers"


class Format(NamedTuple):
    """A module below this package, the class in it, what it reports, and whether each line is passed on at once."""

    module: str
    reporter: str
    coverage: Coverage = Coverage.EVERYTHING
    followed: bool = False


FORMATS: Final[dict[str, Format]] = {
    "text": Format("text", "TextReporter"),
    "json": Format("json_report", "JsonReporter"),
    "ndjson": Format("ndjson", "NdjsonReporter", followed=True),
    "markdown": Format("markdown", "MarkdownReporter"),
    "junit": Format("junit", "JunitReporter", Coverage.PROBLEMS),
    "sarif": Format("sarif", "SarifReporter", Coverage.PROBLEMS),
    "openmetrics": Format("openmetrics", "OpenMetricsReporter", Coverage.NUMBERS),
    "github": Format("github", "GithubReporter", Coverage.PROBLEMS),
    "gitlab": Format("gitlab", "GitlabReporter", Coverage.NUMBERS),
    "codequality": Format("codequality", "CodeQualityReporter", Coverage.PROBLEMS),
    "html": Format("html", "HtmlReporter"),
}
"""The formats, by the names that `--output` takes."""


def make(name: str, context: ReporterContext) -> Reporter:
    """The reporter of a format. Raises KeyError for a name that is not in FORMATS."""
    found = FORMATS[name]
    module = importlib.import_module(f"reconciler.reporters.{found.module}")
    reporter: Reporter = getattr(module, found.reporter)(context)
    return reporter
