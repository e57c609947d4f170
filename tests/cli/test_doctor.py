"""`doctor`: what does not work, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.limits import Limits
from reconciler.engine.facts import Probe, Probed, ProbeVerdict
from reconciler.engine.probe import probe
from reconciler.model.address import SiteName
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey
from reconciler.model.secret import Secret
from reconciler.model.sites import Need, SiteRef
from reconciler.reporters.fact_text import PROBES, facts_in_words
from reconciler.sandbox.server import start_in_thread
from tests.api.playback import playback
from tests.cli.projects import Command, Project, site

KEY = "canary-4711-key-of-the-doctor"


@pytest.fixture
def ward(tmp_path: Path) -> Project:
    """A project whose sites have problems for `doctor` to find."""
    made = Project(tmp_path)
    schedule = "schedule: {rules: [{match: {within: 14d}, channels: [INSTAGRAM, TIKTOK]}]}\n"
    made.write(
        {
            "reconciler.yaml": "version: 1\napi: sandbox\naccount: {id: 1f0c2a9e-0000-4000-8000-000000000000}\n",
            "sandbox.yaml": (
                "clock: 2026-11-02T09:00:00Z\nfreeze: true\nsites:\n"
                "  - {id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001, plan: ACTIVE, channels: {INSTAGRAM: DISCONNECTED},"
                " features: {SCHEDULE_POST: {enabled: true, limit: 5, used: 5, period: MONTH}, PUBLISH_POST: false}}\n"
                "  - {id: 3f0c2a9e-8d0b-4b7c-9a55-000000000002, published: false, plan: INACTIVE}\n"
                "  - {id: 3f0c2a9e-8d0b-4b7c-9a55-000000000003, plan: {activities: [{date: 2026-11-04T09:00:00Z}]}}\n"
                "  - {id: 3f0c2a9e-8d0b-4b7c-9a55-000000000009}\n"
            ),
            "sites/one.yaml": site("one", 1, more=schedule),
            "sites/two.yaml": site("two", 2, more="expect: {language: fr}\n"),
            "sites/three.yaml": site("three", 3),
        }
    )
    return made


def test_each_finding_says_what_to_do(ward: Project, reconciler: Command) -> None:
    ran = reconciler("doctor", ward.root, "--output", "json")
    found = {shown["site"]: {finding["code"]: finding for finding in shown["findings"]} for shown in ran.json["sites"]}
    assert set(found["one"]) == {"channel-not-connected", "quota-exhausted", "feature-missing"}
    assert set(found["two"]) == {"not-published", "plan-not-active", "expect"}
    assert set(found["three"]) == {"short-horizon"}
    assert all(finding["fix"] for findings in found.values() for finding in findings.values())
    assert all(finding["address"].split("/")[0] == name for name in found for finding in found[name].values())
    assert found["two"]["expect"]["severity"] == "error"
    assert ran.code == 1
    project = ran.json["project"]
    assert project["facts"]["account"] == "4 sites, 1 of them not declared in a file"
    said = {finding["code"]: f"{finding['message']}; {finding['fix']}" for finding in project["findings"]}
    assert set(said) == {"undeclared-sites", "no-git"}
    assert said["no-git"] == (
        "the project is not in a git repository; `--changed-since` and names of approvers need git"
    )
    facts = ran.json["sites"][0]["facts"]
    assert facts["channels"].startswith("none connected; Instagram ")
    assert facts["scheduling posts"] == "included, 0 of 5 left this month"
    text = reconciler("doctor", ward.root, "--quiet")
    assert text.last.startswith("Doctor: 1 error, 6 warnings, ")
    assert text.last.endswith("; 3 sites checked.")
    assert "note: " not in text.out
    assert "note: " in reconciler("doctor", ward.root).out
    assert "Instagram is not connected (it was disconnected); connect Instagram in the site's dashboard" in text.out
    assert not [path for path in (ward.root / ".reconciler").rglob("*") if path.name.startswith("doctor")]


def test_the_only_site_of_an_account_is_called_so(ward: Project, reconciler: Command) -> None:
    ward.write(
        {
            "sandbox.yaml": "clock: 2026-11-02T09:00:00Z\nsites: [{id: 3f0c2a9e-8d0b-4b7c-9a55-000000000009}]\n",
            "sites/one.yaml": site("one", 1),
        }
    )
    for name in ("two", "three"):
        (ward.root / f"sites/{name}.yaml").unlink()
    found = reconciler("doctor", ward.root, "--output", "json").json["project"]["findings"]
    said = [finding["message"] for finding in found if finding["code"] == "undeclared-sites"]
    assert said == ["the account's only site is not in any site file"]


def test_what_waits_for_a_person_is_not_an_error(ward: Project, reconciler: Command) -> None:
    assert reconciler("doctor", ward.root, "--target", "one").code == 0
    assert reconciler("doctor", ward.root, "--target", "one", "--strict").code == 4
    writes = [request for request in ward.requests() if request["method"] in ("PUT", "PATCH", "DELETE")]
    assert writes == []


def test_what_many_sites_share_is_reported_once(ward: Project, reconciler: Command) -> None:
    ward.write({f"sites/{at}.yaml": site(f"shop-{at}", at) for at in range(10, 22)})
    ward.edit("sandbox.yaml", "sites:", "defaults: {published: false}\nsites:")
    ran = reconciler("doctor", ward.root)
    assert ran.out.count("the site is not published") == 1
    assert "shop-10, shop-11, shop-12, shop-13, two" not in ran.out
    assert "more sites" in ran.out
    assert "shop-21" in reconciler("doctor", ward.root, "--sites").out


def test_what_a_file_expects_in_vain_is_one_problem(ward: Project, reconciler: Command) -> None:
    """If a second site has the same problem, it is not explained again."""
    expect = "expect: {published: true, channels: [INSTAGRAM]}\n"
    schedule = "schedule: {rules: [{match: {within: 14d}, channels: [INSTAGRAM, FACEBOOK]}]}\n"
    for name, at in (("one", 1), ("two", 2)):
        ward.write({f"sites/{name}.yaml": site(name, at, more=schedule + expect)})
    ward.edit("sandbox.yaml", "published: false", "published: false, channels: {INSTAGRAM: DISCONNECTED}")
    ran = reconciler("doctor", ward.root)
    said = [line.strip() for line in ran.out.splitlines() if "Instagram is" in line or "not published" in line]
    instagram = "error: expect.channels: Instagram is not connected (it was disconnected)"
    assert said == [
        f"{instagram}; connect Instagram in the site's dashboard, or remove it from `expect.channels`",
        "error: expect.published is true, but the site is not published; publish it in the dashboard, "
        "or change `expect.published`",
        f"{instagram}  (see one)",
    ]
    assert "warning: Facebook is not connected  (see one)" in ran.out
    assert ran.last.startswith("Doctor: 3 errors, ")


def test_a_refusal_of_many_sites_is_reported_once(ward: Project, reconciler: Command) -> None:
    """Although each answer has a request id of its own."""
    ward.write({f"sites/{at}.yaml": site(f"shop-{at}", at) for at in range(10, 22)})
    refused = 'faults: [{route: "GET /marketing-settings", do: {kind: forbidden}}]\nsites:'
    ward.edit("sandbox.yaml", "sites:", refused)
    ran = reconciler("doctor", ward.root)
    assert ran.code == 1
    assert ran.out.count("access was refused") == 1
    assert " ".join(ran.out.split()).count("/marketing-settings answered 403, such as request id ") == 1


def test_before_the_first_import(ward: Project, reconciler: Command) -> None:
    shutil.rmtree(ward.root / "sites")
    ran = reconciler("doctor", ward.root)
    assert ran.code == 0
    assert "`reconciler import --all` writes files for them" in ran.out


def test_keys_permissions_and_git(
    ward: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over HTTP: without a key, with a wrong one, and with keys that lack permissions; the last in a shallow clone."""
    seed = ward.root / "sandbox.yaml"
    seed.write_text(
        seed.read_text("utf-8")
        + f"keys: {{{KEY}: {{scopes: [Manage Marketing Plans]}}, {KEY}-of-nothing: {{scopes: []}}}}\n"
    )
    with ward.world() as world:
        running = start_in_thread(world)
        try:
            _over_http(ward, running.base_url, reconciler, monkeypatch, tmp_path_factory.mktemp("clone") / "shallow")
        finally:
            running.stop()


def _over_http(ward: Project, url: str, reconciler: Command, monkeypatch: pytest.MonkeyPatch, clone: Path) -> None:
    ward.write({"reconciler.yaml": f"version: 1\napi: {url}\n"})
    monkeypatch.delenv("WIX_API_KEY", raising=False)
    none = reconciler("doctor", ward.root)
    assert none.code == 1
    assert "WIX_API_KEY is not set" in none.out
    assert "clock" not in none.out, "nobody was asked for the time"
    missing = reconciler("doctor", ward.root, "--output", "json").json["project"]["findings"]
    (found,) = (found for found in missing if found["code"] == "credentials-missing")
    assert ("set it to the secret" in found["message"], found["fix"]) == (False, "set it to the secret")
    monkeypatch.setenv("WIX_API_KEY", "wrong-key-altogether")
    wrong = reconciler("doctor", ward.root, "--target", "one")
    assert (wrong.code, "answered 401" in wrong.out) == (1, True), wrong.out
    monkeypatch.setenv("WIX_API_KEY", f"{KEY}-of-nothing")
    keys = "credentials: {default: {apiKey: {env: WIX_API_KEY}}, none: {apiKey: {env: NO_KEY}}}"
    ward.write({"reconciler.yaml": f"version: 1\napi: {url}\n{keys}\n"})
    ward.write({"sites/a.yaml": site("a", 8).replace("site: {", "site: {credentials: none, ")})
    blocks = [text.split("\n") for text in reconciler("doctor", ward.root).out.split("\n\n")[1:-1]]
    assert [name for name, *_ in blocks] == ["project", "a", "one", "three", "two"]
    assert [name for name, *lines in blocks if any(line.startswith("  clock ") for line in lines)] == ["project"]
    (ward.root / "sites/a.yaml").unlink()
    ward.write({"reconciler.yaml": f"version: 1\napi: {url}\n"})
    nothing = reconciler("doctor", ward.root, "--target", "one")
    assert "Manage Marketing Plans (SCOPE.PROMOTE.MANAGE-MARKETING-PLAN)" in nothing.out
    monkeypatch.setenv("WIX_API_KEY", KEY)
    ward.write({"a.txt": ""})
    git = ("git", "-C", str(ward.root), "-c", "user.name=a", "-c", "user.email=a@b.example")
    for arguments in (
        ("init", "-q"),
        ("add", "a.txt"),
        ("commit", "-qm", "one"),
        ("add", "."),
        ("commit", "-qm", "two"),
    ):
        subprocess.run((*git, *arguments), check=True)
    subprocess.run(("git", "clone", "-q", "--depth", "1", f"file://{ward.root}", str(clone)), check=True)
    some = reconciler("doctor", clone, "--target", "one", "--output", "json")
    codes = {finding["code"] for shown in some.json["sites"] for finding in shown["findings"]}
    assert {"published-unknown", "no-time-zone", "channel-unknown", "api-forbidden"} <= codes
    assert {"shallow-history"} <= {finding["code"] for finding in some.json["project"]["findings"]}
    assert KEY not in some.out + some.err


def test_a_probe_resolves_what_is_inferred_and_can_be_replayed(ward: Project, reconciler: Command) -> None:
    """The recording contains no text, id or key; replayed, it gives the same verdicts."""
    file = ward.root / "probe.json"
    ward.write(
        {
            "sandbox.yaml": (
                "clock: 2026-11-02T09:00:00Z\nfreeze: true\nunknowns: {eventsKey: calendarEvents}\nsites:\n"
                "  - {id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001, name: CANARY SHOP, settings: {toneOfVoice: CANARY},"
                " plan: ACTIVE, events: [{name: CANARY, date: 2026-11-27T00:00:00Z}]}\n"
            )
        }
    )
    ran = reconciler("doctor", ward.root, "--target", "one", "--probe", "--cassette", file, "--output", "json")
    codes = [finding["message"] for finding in ran.json["project"]["findings"] if finding["code"] == "probe-differs"]
    assert len(codes) == 1
    assert codes[0] == "the assumption `events-key` (remote-api.md 14.17) does not hold on one"
    text = file.read_text("utf-8")
    assert "CANARY" not in text
    assert "3f0c2a9e" not in text
    assert [request for request in ward.requests() if request["method"] in ("PUT", "PATCH", "DELETE")] == []

    async def replayed() -> tuple[tuple[ProbeVerdict, ...], str]:
        key = ApiKey(Secret("any-key-will-do"))
        clock = Clock(now=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC), sleep=asyncio.sleep, monotonic=time.monotonic)
        async with ReadClient(
            "http://localhost",
            credentials=lambda _: key,
            limits=Limits(),
            clock=clock,
            transport=playback(file.read_bytes()),
        ) as client:
            site = SiteRef(SiteName("one"), "00000000-0000-4000-8000-000000000001")
            verdicts, again = await probe(client, site, clock.now())
            await client.reader().read(site, frozenset({Need.SETTINGS, Need.MARKETING_PLAN, Need.EVENTS}))
            return verdicts, again.text()

    verdicts, again = asyncio.run(replayed())
    assert json.loads(again)["exchanges"] == json.loads(text)["exchanges"]
    assert sum(verdict.holds is True for verdict in verdicts) > 8
    assert [(verdict.probe, verdict.names) for verdict in verdicts if verdict.holds is False] == [
        (Probe.EVENTS_KEY, ("calendarEvents",))
    ]
    words = [text for _, text in facts_in_words([Probed(verdict) for verdict in verdicts])]
    assert "the list of events is called `events`: not true (calendarEvents)" in words
    assert "settings come wrapped in `marketingSettings` or unwrapped: true (in `marketingSettings`)" in words


def test_every_probe_has_words() -> None:
    assert PROBES.keys() == set(Probe)
