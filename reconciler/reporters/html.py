"""The HTML format: of a review the gallery of all its sites, of everything else the text as a page."""

from __future__ import annotations

import html

from reconciler.engine.results import Ended, Event, SiteReviewed
from reconciler.planner.review import Review
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.gallery import gallery
from reconciler.reporters.layout import Screen
from reconciler.reporters.text import TextReporter

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>reconciler {command}</title>
</head>
<body>
<pre>{text}</pre>
</body>
</html>
"""


class HtmlReporter:
    """Keeps what it is to show until the run has ended."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._reviews: list[Review] = []
        self._text: list[str] = []
        plain = ReporterContext(context.command, self._text.append, Screen(width=120), context.calls_of)
        self._reporter = TextReporter(plain)

    def handle(self, event: Event) -> None:
        """An event of the run."""
        self._reporter.handle(event)
        match event:
            case SiteReviewed(review=review):
                self._reviews.append(review)
            case Ended():
                self._context.write(self._page())
            case _:
                pass

    def _page(self) -> str:
        if self._reviews:
            return gallery(self._reviews)
        return PAGE.format(command=html.escape(self._context.command), text=html.escape("".join(self._text)))
