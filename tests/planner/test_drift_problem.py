"""What an audit says about an object is one problem: code, severity, message, fix, address."""

from __future__ import annotations

import re

import pytest

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.planner.actions import Grounds, Reason
from reconciler.planner.drift_problem import FINDINGS, with_problem
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftState, FieldDrift, Finding
from reconciler.planner.unstopped import UNTIL_APPLY, UNTIL_CANCELLED

SHOP = SiteName("shop")
SETTINGS = Address(SHOP, Kind.SETTINGS)
PLAN = Address(SHOP, Kind.MARKETING_PLAN)
ACTIVITY = Address(SHOP, Kind.ACTIVITY, "a1")
POSTS = Address(SHOP, Kind.POSTS, "a1")
DRAFT = Address(SHOP, Kind.DRAFT, "p1")
AT, LATER = "Thu 2026-12-03 09:30 Europe/Berlin", "Fri 2026-12-04 09:30 Europe/Berlin"


def drifted(address: Address, finding: Finding, *about: str) -> DriftItem:
    return DriftItem(address, DriftState.DRIFTED, finding, ChangedSide.REMOTE, about=about)


def post(finding: Finding, *about: str, problem: Diagnostic | None = None, reason: Reason | None = None) -> DriftItem:
    return DriftItem(
        DRAFT,
        DriftState.DRIFTED,
        finding,
        ChangedSide.GIT,
        about=about,
        problem=problem,
        reason=reason,
        grounds=Grounds() if reason else ABSENT,
        title="Sale",
        channel="INSTAGRAM",
        type="POST",
    )


FIELDS = (
    FieldDrift("settings.toneOfVoice", "warm", None, ChangedSide.GIT),
    FieldDrift("settings.topics.included", ("tea",), "x" * 300, ChangedSide.GIT),
)
MOVED = DriftItem(
    ACTIVITY,
    DriftState.DRIFTED,
    Finding.DIFFERS,
    ChangedSide.GIT,
    (FieldDrift("targetDate", "2026-10-27T09:00:00.000Z", "2026-10-24T22:30:00.000Z", ChangedSide.GIT),),
    ("Sale",),
)
LONG = " ".join(f"sentence {number} of it." for number in range(30))
AT_THE_END = FieldDrift("settings.toneOfVoice", LONG.replace("29", "last"), LONG, ChangedSide.GIT)
SAID = [
    (
        DriftItem(SETTINGS, DriftState.DRIFTED, Finding.DIFFERS, ChangedSide.GIT, (AT_THE_END,)),
        "differs",
        Severity.WARNING,
        "changed in git: toneOfVoice is '… 28 of it. sentence 29 of it.', but the file says "
        "'… 28 of it. sentence last of it.'",
    ),
    (
        DriftItem(SETTINGS, DriftState.DRIFTED, Finding.DIFFERS, ChangedSide.GIT, FIELDS),
        "differs",
        Severity.WARNING,
        "changed in git: toneOfVoice is empty, but the file says 'warm'; "
        f"topics.included is '{'x' * 120}...', but the file says [tea]",
    ),
    (drifted(PLAN, Finding.FAILED), "failed", Severity.ERROR, "changed remotely: the last generation failed"),
    (
        DriftItem(PLAN, DriftState.PENDING, Finding.NOT_IN_FORCE, about=("settings.toneOfVoice",)),
        "not-in-force",
        Severity.NOTE,
        "saved, but not generated from yet: settings.toneOfVoice",
    ),
    (
        drifted(ACTIVITY, Finding.MISSING, "Open day"),
        "missing",
        Severity.WARNING,
        'activity "Open day": changed remotely: missing on the site',
    ),
    (
        drifted(POSTS, Finding.POSTS_CLEARED, "Open day"),
        "posts-cleared",
        Severity.WARNING,
        'activity "Open day": changed remotely: its posts are gone',
    ),
    (
        drifted(POSTS, Finding.UNWANTED, "Open day"),
        "unwanted",
        Severity.WARNING,
        'activity "Open day": changed remotely: has posts, although declared absent in the file',
    ),
    (
        MOVED,
        "differs",
        Severity.WARNING,
        "activity \"Sale\": changed in git: targetDate is 'Sun 2026-10-25 00:30 Europe/Berlin', but the file says "
        "'Tue 2026-10-27 10:00 Europe/Berlin'",
    ),
    (
        post(Finding.OTHER_TIME, AT, LATER),
        "other-time",
        Severity.WARNING,
        f'"Sale" (Instagram): changed in git: scheduled for {AT}; the rule says {LATER}',
    ),
    (
        post(Finding.OTHER_TIME, LATER),
        "other-time",
        Severity.WARNING,
        f'"Sale" (Instagram): changed in git: scheduled for a different time than the rule says: {LATER}',
    ),
    (
        post(Finding.DATE_MOVED, AT, LATER),
        "date-moved",
        Severity.ERROR,
        f'"Sale" (Instagram): changed in git: not moved along with the activity: scheduled for {AT} instead of {LATER}',
    ),
    (
        post(Finding.DATE_MOVED, LATER),
        "date-moved",
        Severity.ERROR,
        f'"Sale" (Instagram): changed in git: not moved along with the activity; should be moved to {LATER}',
    ),
    (
        post(Finding.MOVED_BY_OTHERS, AT, LATER),
        "moved-by-others",
        Severity.ERROR,
        f'"Sale" (Instagram): changed in git: moved to a different time by somebody: {AT} -> {LATER}',
    ),
    (
        post(Finding.TAKEN_BACK, problem=UNTIL_CANCELLED, reason=Reason.WITHDRAWN),
        "taken-back",
        Severity.WARNING,
        '"Sale" (Instagram): changed in git: scheduled, but no longer wanted (the approval was withdrawn)',
    ),
    (
        post(Finding.STILL_GOING_OUT, AT, "@shop", problem=UNTIL_APPLY, reason=Reason.PAUSED),
        "still-going-out",
        Severity.ERROR,
        '"Sale" (Instagram): changed in git: goes out although it is no longer wanted (publishing is paused): '
        f"{AT}, @shop: no apply has stopped it yet",
    ),
    (
        DriftItem(
            DRAFT, DriftState.IN_REVIEW, Finding.REVIEW, about=("pending",), title="Sale", channel="X", type="POST"
        ),
        "review",
        Severity.NOTE,
        '"Sale" (X): waiting for a decision',
    ),
]


@pytest.mark.parametrize(("item", "code", "severity", "message"), SAID)
def test_what_is_reported_about_an_object(item: DriftItem, code: str, severity: Severity, message: str) -> None:
    found = with_problem(item, "Europe/Berlin").problem
    assert found is not None
    assert (found.code, found.severity, found.message, found.address) == (code, severity, message, item.address)
    assert found.fix == item.fix


def test_what_is_in_the_way_gives_its_code_its_fix_and_its_request() -> None:
    why = Diagnostic(
        "approval-unproven",
        '"Sale" (Instagram): the state has no record (GET /item answered 200)',
        "run review",
        request_id="1.2",
        name='"Sale" (Instagram)',
        call="GET /item answered 200",
        says_name=True,
    )
    item = with_problem(post(Finding.EDITED, problem=why), "UTC")
    assert item.problem == Diagnostic(
        "approval-unproven",
        '"Sale" (Instagram): changed in git: no longer what was approved: the state has no record '
        "(GET /item answered 200)",
        "run review",
        address=DRAFT,
        request_id="1.2",
        name='"Sale" (Instagram)',
        call="GET /item answered 200",
        says_name=True,
    )
    assert item.statement == ("no longer what was approved: the state has no record")


def test_a_change_after_approval_is_said_once() -> None:
    why = Diagnostic("changed-after-approval", "changed after approval: caption: a -> b", "run review")
    found = with_problem(post(Finding.EDITED, problem=why), "UTC").problem
    assert found is not None
    assert found.message.endswith("changed in git: changed after approval: caption: a -> b")


def test_what_says_the_finding_too_is_not_introduced_by_it() -> None:
    why = Diagnostic(
        "failed", '"Sale" (Instagram) failed to go out: too long', name='"Sale" (Instagram)', says_name=True
    )
    found = with_problem(post(Finding.FAILED_POST, problem=why), "UTC").problem
    assert found is not None
    assert (found.code, found.message) == (
        "failed-post",
        '"Sale" (Instagram): changed in git: failed to go out: too long',
    )


def test_what_only_a_person_can_change_is_reported_as_in_a_plan() -> None:
    why = Diagnostic("paused", "publishing is paused", "wait", Severity.WARNING, address=DRAFT)
    item = DriftItem(DRAFT, DriftState.BLOCKED, Finding.BLOCKED, problem=why)
    assert with_problem(item, "UTC") == item


def test_nothing_is_reported_about_what_is_as_the_file_asks() -> None:
    item = DriftItem(SETTINGS, DriftState.CONVERGED)
    assert (with_problem(item, "UTC"), item.statement) == (item, "")


def test_every_finding_of_an_audit_has_a_sentence_of_its_own() -> None:
    assert list(FINDINGS) == list(Finding)
    assert len(set(FINDINGS.values())) == len(Finding)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", finding) for finding in Finding)  # what JSON has: never a sentence


def test_the_date_of_an_activity_is_shown_in_the_zone_of_the_site_and_reported_as_the_api_has_it() -> None:
    found = with_problem(MOVED, "Europe/Berlin")
    (shown,) = found.shown_fields
    assert (shown.live, shown.desired) == ("Sun 2026-10-25 00:30 Europe/Berlin", "Tue 2026-10-27 10:00 Europe/Berlin")
    assert found.fields == MOVED.fields
