"""A checked document of a site file -> DesiredSite, with the project's defaults under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.advice import advice_about_values, unreplaced_variables
from reconciler.config.approval_files import ApprovalFiles
from reconciler.config.discovery import PROJECT_FILE
from reconciler.config.documents import Document
from reconciler.config.events import advice_about_events, read_events
from reconciler.config.layers import Layer, MergedDocument
from reconciler.config.problems import Problems
from reconciler.config.project import Defaults, ProjectConfig
from reconciler.config.rules import read_activities, read_posts, read_schedule
from reconciler.config.schema import CheckedDocument, check
from reconciler.config.secrets import AppRef
from reconciler.config.sections import read_expect, read_marketing_plan, read_settings
from reconciler.config.trust import REQUIRE_APPROVAL
from reconciler.config.words import NOTHING, close_match, listed
from reconciler.model.address import SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest, digest_of_text, text_of_plain
from reconciler.model.diagnostics import Diagnostic, problem
from reconciler.model.sites import DesiredSite, SiteRef


class ReadSite(Struct, frozen=True):
    """A site that a document declares.

    `problems` are about its approvals and stop only this site; `warnings` are about what its document says.
    """

    site: DesiredSite
    warnings: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


def read_site(
    document: Document,
    project: ProjectConfig,
    approvals: ApprovalFiles,
    problems: Problems,
    now: datetime | None = None,
) -> ReadSite | None:
    """The site that a document declares; None if the document has problems, all of which are reported.

    If `now` is given, its warnings include dates that have passed.
    """
    before = len(problems)
    if document.value is None:
        problems.append(problem(document.start, "an empty document", "write a site, or delete the `---`"))
        return None
    checked = check(document, "site", problems)
    known = checked.usable("site") and "site" in checked.value  # it may be misspelt, which is one problem, not two
    labels: dict[str, str] = checked.value["site"].get("labels", {}) if known else {}
    under = [defaults for defaults in project.defaults if defaults.applies(labels)]
    merged = MergedDocument((*(defaults.layer for defaults in under), Layer(document, checked.value)), problems)
    ref = _ref(merged.value["site"], merged, project) if known else _NOBODY
    own_problems: list[Diagnostic] = []
    approved = approvals.read(ref.name, own_problems) if known else (Approvals(), None)
    # `where` belongs to the defaults, and says nothing about the site.
    declared = {key: value for key, value in merged.value.items() if key != "where"}
    text = text_of_plain({"site": declared, "approvals": approved[1]})
    site = _site(ref, labels, merged, approved[0], digest_of_text(text))
    if site.marketing_plan is not None and not site.marketing_plan.present:
        _nothing_needs_the_marketing_plan(site, merged, checked)
    if under:
        site = replace(site, inherited=_inherited(site, merged, under))
    _approval_is_required(site, merged, project)
    for found, other in merged.inherited:
        problems.share(found, other)
    if merged.inherited or len(problems) > before:
        return None
    advice = advice_about_values(site, merged, project, now)
    if now is not None and site.events is not None:
        advice = chain(advice, advice_about_events(site.events, merged, now))
    if "${" in text:
        advice = chain(unreplaced_variables(merged), advice)
    return ReadSite(site, tuple(advice), tuple(own_problems))


def _inherited(site: DesiredSite, merged: MergedDocument, under: Sequence[Defaults]) -> tuple[tuple[str, str], ...]:
    """The managed fields whose values come from `defaults`, each with the labels that those are for."""
    origins = {id(defaults.layer): ",".join(f"{name}={value}" for name, value in defaults.labels) for defaults in under}
    owners = ((field.path, id(merged.owner(tuple(field.path.split("."))))) for field in site.settings)
    return tuple((path, origins[owner]) for path, owner in owners if owner in origins)


def _approval_is_required(site: DesiredSite, merged: MergedDocument, project: ProjectConfig) -> None:
    schedule = site.schedule
    if project.trust.require_approval and schedule is not None and not schedule.approval_required:
        message = "`approval: none` is refused, because this run requires approvals"
        fix = f"write `required`, or run without --require-approval and {REQUIRE_APPROVAL}"
        merged.problem(("schedule", "approval"), message, fix)


_NOBODY = SiteRef(SiteName("unknown"), "unknown")
"""Stands in for a `site` that cannot be read, so that the rest of its document is still checked."""


def _site(
    ref: SiteRef, labels: dict[str, str], merged: MergedDocument, approved: Approvals, digest: Digest
) -> DesiredSite:
    return DesiredSite(
        ref=ref,
        place=merged.document.start,
        digest=digest,
        labels=tuple(sorted(labels.items())),
        settings=read_settings(merged),
        expect=read_expect(merged),
        events=read_events(merged),
        marketing_plan=read_marketing_plan(merged),
        activities=read_activities(merged),
        posts=read_posts(merged),
        schedule=read_schedule(merged),
        approvals=approved,
    )


def _ref(written: dict[str, Any], merged: MergedDocument, project: ProjectConfig) -> SiteRef:
    credentials = written.get("credentials", "default")
    instance = written.get("instanceId")
    known = project.credentials.get(credentials)
    if known is None and not (project.api == "sandbox" and credentials == "default"):
        # The name itself is not repeated: somebody may have put the secret there.
        path = ("site", "credentials") if "credentials" in written else ("site",)
        names = sorted(project.credentials)
        near = close_match(credentials, names)
        hint = f"did you mean {near}?" if near else f"use one of: {listed(names)}"
        if "credentials" in written:
            merged.problem(path, f"{PROJECT_FILE} has no credentials with this name", hint)
        else:
            message = f"credentials is missing, and {PROJECT_FILE} has none called default"
            merged.problem(path, message, hint)
    if isinstance(known, AppRef) and instance is None:
        hint = "add `instanceId`, the id of the app's instance on this site"
        merged.problem(
            ("site",), "instanceId is missing; an app's credentials need it", hint, against=("site", "credentials")
        )
    return SiteRef(SiteName(written["name"]), written["id"], credentials, instance)


def _nothing_needs_the_marketing_plan(site: DesiredSite, merged: MergedDocument, checked: CheckedDocument) -> None:
    for section, rules in (
        ("activities", site.activities),
        ("posts", site.posts),
        ("schedule", site.schedule.rules if site.schedule else ()),
    ):
        # A section that the site's file gets wrong has a problem already; these rules are then those of the defaults.
        if rules and (section,) not in checked.bad:
            message = "needs a marketing plan, but `marketingPlan.state` is absent"
            fix = f"remove `{section}`, or write `state: present`"
            if merged.is_below((section,)):
                fix = f"write `{section}: {NOTHING[section]}` in the site's file, or `state: present`"
            merged.problem((section,), message, fix, against=("marketingPlan", "state"), key=True, continues=True)
