"""Address: how each object is named in files, plans, messages and the state."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NewType, TypeAlias

from reconciler.model.error_with_fix import ErrorWithFix
from reconciler.model.text import in_quotes

SiteName = NewType("SiteName", str)
"""A site's name, unique in its project: `[a-z0-9][a-z0-9-]{0,62}`."""

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""A site's labels: pairs of name and value, sorted."""

SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


class Kind(StrEnum):
    """What an address names within a site."""

    SITE = "site"
    SETTINGS = "settings"
    EVENT = "event"
    MARKETING_PLAN = "marketing-plan"
    ACTIVITY = "activity"
    POSTS = "posts"
    """All posts of one activity, by the activity's id."""
    DRAFT = "draft"
    RULE = "rule"
    """A rule by its place in the file, `rule[activities.0]`; in the state, all rules of a section: `rule[posts]`."""

    @property
    def has_names(self) -> bool:
        """Whether objects of this kind are known by names that people gave them, rather than by ids."""
        return self is Kind.EVENT


DRAFTLESS: Final = frozenset({Kind.SETTINGS, Kind.EVENT, Kind.MARKETING_PLAN})
"""The kinds of objects that hold no drafts to review."""


def rule_words(key: str) -> str:
    """A rule as every screen writes it: `posts[0]` for `posts.0`."""
    section, dot, index = key.rpartition(".")
    return f"{section}[{index}]" if dot else key


_RULE_KEY = re.compile(r"(activities|posts|schedule\.rules)\.\d+")
_RULE_AS_SHOWN = re.compile(r"(activities|posts|schedule\.rules)\[(\d+)\]")


class NotAnAddress(ErrorWithFix, ValueError):
    """A text that is not a valid address."""


class Address(str):
    """`janes-pottery`, `janes-pottery/settings`, `janes-pottery/event[Black Friday sale]`: the text itself."""

    __slots__ = ()

    def __new__(cls, site: SiteName, kind: Kind = Kind.SITE, key: str = "") -> Address:
        """The address of an object. `key` distinguishes it from others of its kind."""
        if kind is Kind.SITE:
            return super().__new__(cls, site)
        return super().__new__(cls, f"{site}/{kind}" + (f"[{key}]" if key else ""))

    @property
    def site(self) -> SiteName:
        """The name of the object's site."""
        return SiteName(self.partition("/")[0])

    @property
    def kind(self) -> Kind:
        """What kind of object it names."""
        rest = self.partition("/")[2]
        return Kind(rest.partition("[")[0]) if rest else Kind.SITE

    @property
    def key(self) -> str:
        """Which object of its kind; empty if there is only one."""
        return self.partition("[")[2][:-1]

    @property
    def shown(self) -> str:
        """The address as people see and type it: a rule by its place in the file, `shop/posts[0]`."""
        if self.kind is not Kind.RULE or not self.key:
            return str(self)
        return f"{self.site}/{rule_words(self.key)}"

    @classmethod
    def typed(cls, text: str) -> Address:
        """Parses what a person typed: as `shown`, or as in JSON; the site may be a glob.

        Raises NotAnAddress if the text is not one.
        """
        site, _, rest = text.partition("/")
        if rule := _RULE_AS_SHOWN.fullmatch(rest):
            rest = f"{Kind.RULE}[{rule[1]}.{rule[2]}]"
        address = cls.parse(f"{site}/{rest}", globs=True)
        wrong = f"{in_quotes(text)} is not a valid address"
        if address.kind is Kind.SITE and "[" in rest:
            raise NotAnAddress(f"{wrong}: a site has no brackets", f"its address is {site}")
        if "[" in rest and not address.key:  # an empty variable in a script must not mean everything
            raise NotAnAddress(f"{wrong}: the brackets are empty", f"write {address} to match all")
        if address.kind is Kind.RULE and address.key and not _RULE_KEY.fullmatch(address.key):
            raise NotAnAddress(f"{wrong}: a rule is written like {site}/posts[0]")
        return address

    @classmethod
    def parse(cls, text: str, *, globs: bool = False) -> Address:
        """Parses an address, with `globs` also one that has a glob for its site.

        Raises NotAnAddress if the text is not one.
        """
        site, _, rest = text.partition("/")
        if not SITE_NAME.match(site) and not (globs and set(site) & set("*?[")):
            raise NotAnAddress(f"{in_quotes(text)} is not a valid address: {in_quotes(site)} is not the name of a site")
        if not rest:
            return cls(SiteName(site))
        kind, bracket, key = rest.partition("[")
        if bracket and not key.endswith("]"):
            raise NotAnAddress(f"{in_quotes(text)} is not a valid address: the bracket is not closed")
        try:
            return cls(SiteName(site), Kind(kind), key[:-1] if bracket else "")
        except ValueError:
            from difflib import get_close_matches

            kinds = ", ".join(sorted(Kind))
            near = get_close_matches(kind, sorted(Kind), n=1)
            hint = f"did you mean {site}/{near[0]}{bracket}{key}?" if near else ""
            raise NotAnAddress(
                f"{in_quotes(text)} is not a valid address: {in_quotes(kind)} must be one of: {kinds}", hint
            ) from None


ALL_SITES: Final = Address(SiteName("all-sites"))
"""The address for refusals of a whole run."""


def key_of(kind: Kind, id: str = "") -> str:
    """The address of an object within its site: `posts[<activity id>]`."""
    return f"{kind.value}[{id}]" if id else kind.value
