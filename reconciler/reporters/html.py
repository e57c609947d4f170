"""The HTML format: of a review the gallery of all its sites, of everything else the text as a page."""

from __future__ import annotations

from html import escape

from reconciler.engine.results import ApiKind, Ended, Event, ReviewCompleted, RunStarted, SiteReviewed
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
<title>{title}</title>
</head>
<body>
</body>
</html>
"""


class HtmlReporter:
    """Keeps what it is to show until the run has ended."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._reviews: list[Review] = []
        self._text: list[str] = []
        self._sandbox = False
        plain = ReporterContext(context.command, self._text.append, Screen(width=120), context.calls_of)
        self._reporter = TextReporter(plain)

    def handle(self, event: Event) -> None:
        """An event of the run; what the gallery shows needs no text."""
        if isinstance(event, RunStarted) and event.api is not None:
            self._sandbox = event.api.kind is ApiKind.SANDBOX
        match event:
            case SiteReviewed(review=review):
                self._reviews.append(review)
            case ReviewCompleted() if self._reviews:
                pass
            case Ended():
                self._context.write(self._page())
            case _:
                self._reporter.handle(event)

    def _page(self) -> str:
        picture = self._context.picture if self._sandbox else None
        page = gallery(self._reviews, picture) if self._reviews else PAGE.format(title=escape(self._context.command))
        text = escape("".join(self._text))
        return page.replace("</body>", f"<pre>{text}</pre>\n</body>") if text else page
