"""The sections of a site file other than its rules and events: settings, expectations, the marketing plan."""

from __future__ import annotations

from reconciler.config.layers import MergedDocument
from reconciler.config.words import quoted
from reconciler.model.marketing_plan import DesiredMarketingPlan, Discard, KeywordResearch, When
from reconciler.model.settings import Field, fields_of
from reconciler.model.sites import Expect


def read_settings(merged: MergedDocument) -> tuple[Field, ...]:
    """`settings` and `overrides`: the managed fields, sorted by path."""
    topics = merged.value.get("settings", {}).get("topics") or {}
    excluded = {topic.casefold() for topic in topics.get("excluded") or ()}
    for at, topic in enumerate(topics.get("included") or ()):
        if topic.casefold() in excluded:
            path = ("settings", "topics", "included", at)
            message = f"{quoted(topic)} is both included and excluded"
            merged.problem(path, message, "keep one of them", against=("settings", "topics", "excluded"))
    fields: list[Field] = []
    for root in ("settings", "overrides"):
        fields += fields_of(merged.value.get(root) or {}, root)
    return tuple(sorted(fields, key=lambda field: field.path))


def read_expect(merged: MergedDocument) -> Expect:
    """`expect`."""
    written = merged.value.get("expect", {})
    return Expect(written.get("published"), written.get("language"), tuple(written.get("channels", ())))


def read_marketing_plan(merged: MergedDocument) -> DesiredMarketingPlan | None:
    """`marketingPlan`, or None if it is not written."""
    written = merged.value.get("marketingPlan")
    if written is None:
        return None
    regenerate = written.get("regenerate", {})
    return DesiredMarketingPlan(
        present=written.get("state", "present") == "present",
        when=When(regenerate.get("when", When.ON_CHANGE)),
        keyword_research=KeywordResearch(regenerate.get("keywordResearch", KeywordResearch.AUTO)),
        discard=Discard(regenerate.get("discard", Discard.UNAPPROVED)),
    )
