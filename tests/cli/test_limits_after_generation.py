"""The limits of a run apply across all its sites, also to what is only known after a generation."""

from __future__ import annotations

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

RULE = 'activities: [{match: {title: "*"}, state: absent}]\n'


def fleet(project: Project, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """Three sites without a marketing plan, whose new activities are all to be deleted."""
    project.write({"reconciler.yaml": f"{PROJECT}policy: {{{policy}}}\n", "sandbox.yaml": SANDBOX})
    project.write({f"sites/s{number}.yaml": site(f"s{number}", number, more=RULE) for number in range(1, 4)})
    (project.root / "sites" / "shop.yaml").unlink(missing_ok=True)
    monkeypatch.chdir(project.root)


def deleted(project: Project) -> int:
    """How many activities were deleted."""
    return sum(request["method"] == "DELETE" for request in project.requests())


@pytest.mark.parametrize("saved", [False, True])
def test_no_more_activities_are_deleted_than_one_run_may(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    fleet(project, monkeypatch, "maxDelete: 4")
    planned = reconciler("plan", *(("--out", "a.plan") if saved else ()))
    assert "plus up to 4 activities to delete, with their drafts" in planned.out, planned.out
    ran = reconciler("apply", *(("a.plan",) if saved else ()), "--auto-approve")
    assert ran.code == 3, ran.out + ran.err
    assert (deleted(project) <= 4, deleted(project) > 0) == (True, True)
    assert "the rest of the rule's matches would exceed policy.maxDelete (4 across all sites)" in ran.out
    assert f"plus {deleted(project)} activities destroyed" in ran.last, ran.last
    again = reconciler("plan")
    assert (again.code, "policy.maxDelete is 4" in again.last) == (4, True), again.out


def test_no_more_drafts_are_discarded_than_one_run_may(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(project, monkeypatch, "maxDiscard: 20")
    planned = reconciler("plan")
    assert "plus whatever matches after generation, including deletions" in planned.out, planned.out
    ran = reconciler("apply", "--auto-approve")
    assert ran.code == 3, ran.out + ran.err
    assert "the rest of the rule's matches would exceed policy.maxDiscard (20 across all sites)" in ran.out
    assert "drafts discarded" in ran.last
    assert int(ran.last.split(" drafts discarded")[0].split()[-1]) <= 20


def test_without_limits_all_that_a_rule_matches_is_deleted(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(project, monkeypatch, "minLead: 1m")
    assert reconciler("apply", "--auto-approve").code == 0
    assert reconciler("plan").last == "No changes."


def test_the_shards_of_a_saved_plan_share_the_limits(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(project, monkeypatch, "maxDelete: 7")
    assert reconciler("plan", "--out", "a.plan").code == 0
    counts = []
    for number in range(1, 4):
        before = deleted(project)
        ran = reconciler("apply", "a.plan", "--shard", f"{number}/3", "--auto-approve")
        assert ran.code in (0, 3), ran.out + ran.err
        counts.append(deleted(project) - before)
    assert max(counts) == 2, counts
