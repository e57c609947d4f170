"""Policy as code: what a check returns blocks an action, refuses a site, or is shown; one that fails is an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import reconciler as reconciler
from tests.cli.projects import Command
from tests.cli.projects import Project as Folder

Install = Callable[[str], None]

SCHEDULE = """\
posts: [{match: {within: 21d}}]
schedule: {approval: none, paused: false, rules: [{match: {within: 21d}, max: 1}]}
"""
HEAD = """\
from reconciler import Diagnostic, Plan, PolicyContext, Severity

def check(plan: Plan, context: PolicyContext):
"""


@pytest.fixture
def install(folder: Folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package `acme-policy` with a check, and names it in the project."""
    place = tmp_path_factory.mktemp("site-packages")
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "acme_policy", raising=False)

    def put(body: str) -> None:
        (place / "acme_policy.py").write_text(HEAD + body)
        info = place / "acme_policy-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-policy\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[reconciler.policy]\nacme_policy = acme_policy:check\n")
        use(folder, "acme_policy")

    return put


def use(folder: Folder, name: str) -> None:
    file = folder.root / "reconciler.yaml"
    file.write_text(file.read_text() + f"policy: {{checks: [{name}]}}\n")


def test_an_error_with_an_actions_address_blocks_it_and_what_depends_on_it(
    folder: Folder, install: Install, reconciler: Command
) -> None:
    install(
        """\
    for action in plan.actions:
        if action.address.kind == "settings" and context.desired.ref.name == "shop":
            yield Diagnostic("acme-tone", "the tone is not ours", "ask marketing", address=action.address)
"""
    )
    done = reconciler("plan", folder.root, "--output", "json")
    assert done.code == 0
    other, shop = done.json["sites"][::-1]
    assert [action["address"] for action in shop["actions"]] == []
    assert shop["blocked"] == [
        {
            "code": "acme-tone",
            "severity": "warning",
            "message": "the tone is not ours",
            "fix": "ask marketing",
            "address": "shop/settings",
        }
    ]
    assert [action["address"] for action in other["actions"]] == ["shop-z/settings", "shop-z/marketing-plan"]
    assert reconciler("plan", folder.root, "--strict").code == 4
    applied = reconciler("apply", folder.root, "--auto-approve")
    assert applied.code == 0
    assert not [request for request in folder.requests() if request["wrote"] and request["site"].endswith("01")]


def test_an_error_without_an_action_refuses_the_site(folder: Folder, install: Install, reconciler: Command) -> None:
    install(
        """\
    if context.desired.labels == (("team", "emea"),):
        yield Diagnostic("acme-freeze", "no changes in EMEA this week")
"""
    )
    done = reconciler("plan", folder.root, "--output", "json")
    assert done.code == 4
    assert [site["refusals"] for site in done.json["sites"]] == [
        [{"code": "acme-freeze", "severity": "error", "message": "no changes in EMEA this week", "address": "shop"}],
        [],
    ]
    text = reconciler("plan", folder.root)
    assert text.last.endswith("; 1 refused.")
    assert "no changes in EMEA this week" in text.out
    assert reconciler("drift", folder.root).code == 2
    applied = reconciler("apply", folder.root, "--auto-approve")
    assert applied.code == 4
    assert applied.last.startswith("Apply: 0 added, 1 changed")


def test_a_warning_is_shown_and_stops_nothing(folder: Folder, install: Install, reconciler: Command) -> None:
    install(
        """\
    return [Diagnostic("acme-note", f"{len(plan.actions)} changes", severity=Severity.WARNING)]
"""
    )
    done = reconciler("plan", folder.root)
    assert done.code == 0
    assert done.err == "warning: shop: 2 changes (the same on shop-z)\n"
    found = reconciler("plan", folder.root, "--output", "json").json
    assert [(problem["code"], problem["address"]) for problem in found["problems"]] == [
        ("acme-note", "shop"),
        ("acme-note", "shop-z"),
    ]


def test_a_warning_is_shown_with_the_saved_plan_too(
    folder: Folder, install: Install, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        """\
    yield Diagnostic("acme", f"{len(plan.actions)} changes", severity=Severity.WARNING)
"""
    )
    monkeypatch.chdir(folder.root)
    said = "warning: shop: 2 changes (the same on shop-z)\n"
    assert said in reconciler("plan", "--out", "a.plan").err
    assert reconciler("show", "a.plan").err == said
    assert reconciler("apply", "a.plan").err == said


def test_a_warning_on_many_sites_is_shown_once(folder: Folder, install: Install, reconciler: Command) -> None:
    """Even if the results of the sites come in between; `--sites` lists each."""
    install(
        """\
    yield Diagnostic("acme-note", "a freeze is near", f"plan {plan.site.name}", severity=Severity.WARNING)
    yield Diagnostic("acme-fix", "odd", plan.site.id[-1], severity=Severity.WARNING)
"""
    )
    assert reconciler("plan", folder.root).err.splitlines() == [
        "warning: shop: a freeze is near; plan SITE (the same on shop-z)",
        "warning: shop: odd; 1",
        "warning: shop-z: odd; 2",
    ]
    assert reconciler("plan", folder.root, "--sites").err.splitlines() == [
        "warning: shop: a freeze is near; plan shop",
        "warning: shop: odd; 1",
        "warning: shop-z: a freeze is near; plan shop-z",
        "warning: shop-z: odd; 2",
    ]


@pytest.mark.parametrize("severity", ["Severity.ERROR", "'error'"])
def test_what_a_check_finds_on_several_sites_is_told_of_each(
    severity: str, folder: Folder, install: Install, reconciler: Command
) -> None:
    install(f"""\
    return [Diagnostic("acme-freeze", "no changes this week", "wait", {severity})]
""")
    done = reconciler("plan", folder.root, "--output", "sarif")
    assert done.code == 4
    results = json.loads(done.out)["runs"][0]["results"]
    assert [result["message"]["text"] for result in results] == [
        "shop: no changes this week; wait",
        "shop-z: no changes this week; wait",
    ]


def test_the_address_of_an_action_may_be_a_text(folder: Folder, install: Install, reconciler: Command) -> None:
    install("""\
    yield Diagnostic("acme-tone", "the tone is not ours", address=f"{plan.site.name}/settings")
""")
    done = reconciler("plan", folder.root, "--output", "json")
    assert done.code == 0
    blocked = [problem["address"] for site in done.json["sites"] for problem in site["blocked"]]
    assert blocked == ["shop/settings", "shop-z/settings"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    raise KeyError('odd')\n", "the policy check 'acme_policy' failed: KeyError: 'odd'"),
        ("    return ['no']\n", "the policy check 'acme_policy' failed: it returned str instead of a Diagnostic"),
        ("    return None\n", "the policy check 'acme_policy' failed: TypeError"),
        ("    return [Diagnostic('a', 'b', severity='fatal')]\n", "severity: invalid enum value 'fatal'"),
        ("    return [Diagnostic('a', 3)]\n", "cannot be read: message: expected `str`, got `int`"),
        ("    return [Diagnostic('a', 'b', place=check)]\n", "a Diagnostic that cannot be read: "),
    ],
)
def test_a_check_that_fails_is_an_error_and_nothing_is_done(
    body: str, said: str, folder: Folder, install: Install, reconciler: Command
) -> None:
    install(body)
    for command in (("plan",), ("apply", "--auto-approve"), ("drift",)):
        done = reconciler(*command, folder.root, "--output", "json")
        assert done.code == 1, command
        assert done.json["sites"][0]["error"]["code"] == "policy-check-failed"
        assert said in done.json["sites"][0]["error"]["message"]
    assert not [request for request in folder.requests() if request["wrote"]]


def test_a_check_that_is_missing_is_an_error(folder: Folder, install: Install, reconciler: Command) -> None:
    use(folder, "acme_polizy")
    done = reconciler("plan", folder.root)
    assert (done.code, done.out) == (1, "")
    assert "no installed package has a check 'acme_polizy'" in done.err


def test_a_check_that_cannot_be_imported_is_an_error(
    folder: Folder, install: Install, reconciler: Command, tmp_path: Path
) -> None:
    install("    import nothing_of_this_name\nimport nothing_of_this_name\n")
    done = reconciler("plan", folder.root)
    assert (done.code, done.out) == (1, "")
    assert "'acme_policy' cannot be imported: ModuleNotFoundError" in done.err


def test_a_cancel_that_a_check_blocks_is_a_post_that_still_goes_out(
    folder: Folder, install: Install, reconciler: Command
) -> None:
    file = "sites/shop.yaml"
    folder.write({file: (folder.root / file).read_text() + SCHEDULE})
    assert reconciler("apply", folder.root, "--auto-approve", "--allow-publish").code == 0
    folder.edit(file, "paused: false", "paused: cancel")
    install(
        """\
    for action in plan.actions:
        if action.operation.kind == "draft":
            yield Diagnostic("acme-keep", "posts stay", "ask marketing", address=action.address)
"""
    )
    done = reconciler("apply", folder.root, "--auto-approve")
    assert (done.code, "still going out" in done.last) == (3, True), done.out
    assert "a policy check keeps it from being cancelled" in done.out
    done = reconciler("drift", folder.root)
    assert "a policy check keeps it from being cancelled" in done.out
    assert "scheduled, but no longer wanted" not in done.out


def test_an_audit_says_that_a_post_goes_out_if_a_check_refuses_the_site(
    folder: Folder, install: Install, reconciler: Command
) -> None:
    file = "sites/shop.yaml"
    folder.write({file: (folder.root / file).read_text() + SCHEDULE})
    assert reconciler("apply", folder.root, "--auto-approve", "--allow-publish").code == 0
    folder.edit(file, "paused: false", "paused: cancel")
    assert "scheduled, but no longer wanted" in reconciler("drift", folder.root).out
    install('    yield Diagnostic("acme-freeze", "nothing changes this week", "wait")\n')
    for command in ("plan", "drift"):
        done = reconciler(command, folder.root)
        assert "the site is refused" in done.out
        assert "scheduled, but no longer wanted" not in done.out
