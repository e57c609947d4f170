"""Finds addresses in `--target` and `--exclude` that name none of the posts that a command has read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.engine.selection import Selection
from reconciler.model.address import Address, Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.planner.targets import (
    ByAddress,
    SelectableSite,
    TargetFilter,
    covers_site,
    keeps,
    near,
    no_such,
    not_in_run,
)


class AddressCheck:
    """Collects, over the sites of a selection, what its addresses may name."""

    def __init__(self, selection: Selection, selectors: Iterable[ByAddress]) -> None:
        sites = selection.entries
        self._included = selection.targets.included
        self._missing = {each: None for each in selectors if any(covers_site(each, site) for site in sites)}
        self._others = selection.outside
        self._known: list[Address] = []

    def add(self, site: SelectableSite, addresses: Sequence[Address]) -> None:
        """Adds a site, with the addresses of all its posts."""
        for selector in [selector for selector in self._missing if covers_site(selector, site)]:
            wanted = keeps(TargetFilter((selector,)), site)
            if any(wanted(address) for address in addresses):
                del self._missing[selector]
            else:
                self._known += (address for address in addresses if address.kind is selector.address.kind)

    def check(self, what: str, otherwise: str) -> tuple[Diagnostic, ...]:
        """Raises UsageError for an address that names nothing: `what` says so, `otherwise` what to do instead.

        Returns warnings about targets that may name a post in sites outside the run.
        """
        warnings: list[Diagnostic] = []
        for selector in self._missing:
            option = "--target" if selector in self._included else "--exclude"
            others = sum(covers_site(selector, site) for site in self._others)
            kind = selector.address.kind
            if (
                others and option == "--target" and kind is Kind.DRAFT
            ):  # a mistyped exclusion would let too much through
                warnings.append(not_in_run(selector, kind, others))
                continue
            raise no_such(f"{option} {selector}: {what}", near(str(selector), sorted(set(self._known))), otherwise)
        return tuple(warnings)
