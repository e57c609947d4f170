"""HTML from templates in which no text is ever markup, whoever wrote it.

Every value that a template shows is escaped, with invisible characters spelled out, unless a function here made it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from reconciler.reporters import markup


def text(value: object) -> Markup:
    """A text of one line, as HTML."""
    return Markup(markup.text(str(value)))  # noqa: S704 - it was escaped


def lines(value: str) -> Markup:
    r"""A text with its own line breaks. `\r\n` is one."""
    return Markup(markup.lines(value))  # noqa: S704 - it was escaped


def word_diff(before: str, after: str) -> Markup:
    """Two texts as one, with the differing words marked."""
    return Markup(markup.word_diff(before, after))  # noqa: S704 - it was escaped


def render(template: str, **values: Any) -> Markup:
    """A filled-in template: markup, which other templates take as it is."""
    return Markup(environment().get_template(template).render(**values))  # noqa: S704 - all in it was escaped


@cache
def environment() -> Environment:
    """Where templates come from, and what they can use."""
    made = Environment(
        loader=_Loader(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["lines"] = lines
    made.filters["number"] = "{:,}".format
    made.filters["css"] = Markup  # markup from a file of this project, never from a text
    made.globals["word_diff"] = word_diff
    return made


def _shown(value: Any) -> Any:
    return value if hasattr(value, "__html__") else text(value)


class _Loader(BaseLoader):
    """`reporters/card.html` is in the templates of `reconciler.reporters`."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:  # noqa: ARG002
        package, _, name = template.partition("/")
        try:
            return markup.resource(f"reconciler.{package}", f"templates/{name}"), None, None
        except FileNotFoundError:
            raise TemplateNotFound(template) from None
