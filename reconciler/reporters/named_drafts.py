"""The names of drafts and posts on a line: each title once, with its channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from reconciler.model.plurals import plural
from reconciler.model.posts import Discarded, post_name
from reconciler.planner.actions import Plan
from reconciler.reporters.layout import LEFT, Line, Span, Style
from reconciler.reporters.totals import DiscardTotal
from reconciler.reporters.values import quoted

MOST_NAMED: Final = 6
"""How many drafts a line names; the rest are counted. Approved drafts that one site discards are all named."""


def discard_line(discards: Sequence[Discarded]) -> Line:
    """`- discards 3 drafts, 1 of them approved: "Winter check" (Instagram); unapproved: "Open studio" (Facebook, X)`.

    Every approved one is named. If a draft has no channel here, only its id is known, not whether it is approved.
    """
    approved = [draft for draft in discards if draft.approved]
    others = [draft for draft in discards if not draft.approved]
    unknown = any(not draft.channel for draft in others)
    mixed = bool(approved and others) or unknown
    kind = "drafts" if mixed else "approved drafts" if approved else "unapproved drafts"
    text = f"- discards {len(discards):,} {kind if len(discards) != 1 else kind.removesuffix('s')}"
    if approved and others:
        text += f", {len(approved):,} of them approved"
    named = [by_channels(approved, len(discards)), by_channels(others, MOST_NAMED)]
    if all(named):
        named[1] = f"unapproved: {named[1]}"
    text += f": {'; '.join(part for part in named if part)}" if any(named) else ""
    return Line((Span(text, Style.RED),), indent=LEFT + 4, hang=LEFT + 6)


class _Titled(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def type(self) -> str: ...


def by_channels(posts: Iterable[_Titled], most: int, thing: str = "draft") -> str:
    """`"Winter check", "Studio", each on Facebook, X; "Sale" (2 on X)`: the channels once for the titles they share.

    Every post is named or, beyond the first titles, counted as one more `thing`.
    """
    channels: dict[str, Counter[str]] = {}
    for post in posts:
        channels.setdefault(post.title, Counter())[post_name("", post.channel, post.type)] += 1
    untitled = sum(channels.pop("", Counter()).values())
    titles: dict[tuple[str, bool], list[str]] = {}
    for title in list(channels)[:most]:
        where = ", ".join(name if n == 1 else f"{n:,} on {name}" for name, n in channels[title].items())
        once = all(n == 1 for n in channels[title].values())
        titles.setdefault((where, once), []).append(quoted(title))
    found = [
        f"{same[0]} ({where})"
        if len(same) == 1
        else f"{', '.join(same)}, each on {where}"
        if once
        else f"{', '.join(same)} (each: {where})"
        for (where, once), same in titles.items()
    ]
    rest = untitled + sum(sum(counts.values()) for counts in list(channels.values())[most:])
    more = f" and {plural(rest, f'more {thing}')}" if rest else ""
    return f"{'; '.join(found)}{more}" if found else ""


def at_times(named: Iterable[tuple[str, str]], zone: str) -> str:
    """`Tue 2026-12-01 09:30 UTC "Sale" (X); Wed 2026-12-02 09:30 "Studio" (X)`: pairs of a time and names, in order.

    The `zone` is said once. A time may be empty.
    """
    found: list[str] = []
    in_zone = f" {zone}"
    for when, names in named:
        found.append(f"{when.replace(f' {zone}', in_zone, 1)} {names}".strip())
        in_zone = "" if when else in_zone
    return "; ".join(found)


def discard_total(discards: Sequence[Discarded], plan: Plan) -> DiscardTotal | None:
    """What sites that share a block count in place of `discard_line`; None if nothing is thrown away."""
    if not discards:
        return None
    named = by_channels((draft for draft in discards if draft.approved), len(discards))
    return DiscardTotal(discards, site=plan.site.name, named=named, refused=bool(plan.refusals))
