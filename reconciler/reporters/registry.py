"""The formats of `--output`. A format is one file; it is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.reporters.context import Reporter, ReporterContext

FORMATS: Final[dict[str, str]] = {
    "text": "text:TextReporter",
    "json": "json_report:JsonReporter",
    "html": "html:HtmlReporter",
}
"""Name -> module below this package, and the class in it."""


def make(name: str, context: ReporterContext) -> Reporter:
    """The reporter of a format. Raises KeyError for a name that is not in FORMATS."""
    module, _, kind = FORMATS[name].partition(":")
    reporter: Reporter = getattr(importlib.import_module(f"reconciler.reporters.{module}"), kind)(context)
    return reporter
