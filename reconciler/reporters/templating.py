"""HTML from templates in which no text is ever markup, whoever wrote it.

Every value that a template shows is escaped, and what nobody sees in it is spelled out, unless a function here made it.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from reconciler.model.text import printable


def text(value: object) -> Markup:
    """A text as text: no markup, nothing in it that acts without being seen, and nothing that a CI runner obeys."""
    return Markup(escape(printable(str(value))).replace("::", ":&#58;").replace("##", "#&#35;"))  # noqa: S704


def lines(value: str) -> Markup:
    r"""A caption with its own line breaks. `\r\n` is one."""
    return Markup("\n").join(text(line) for line in value.replace("\r\n", "\n").split("\n"))


def render(template: str, **values: Any) -> Markup:
    """A template, filled in: markup, which other templates take as it is."""
    return Markup(environment().get_template(template).render(**values))  # noqa: S704 - all in it was escaped


def resource(package: str, name: str) -> str:
    """A text file of a package of ours."""
    return resources.files(package).joinpath(name).read_text("utf-8")


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
    return made


def _shown(value: Any) -> Any:
    return value if hasattr(value, "__html__") else text(value)


class _Loader(BaseLoader):
    """`reporters/card.html` is in the templates of `reconciler.reporters`."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:  # noqa: ARG002
        package, _, name = template.partition("/")
        try:
            return resource(f"reconciler.{package}", f"templates/{name}"), None, None
        except FileNotFoundError:
            raise TemplateNotFound(template) from None
