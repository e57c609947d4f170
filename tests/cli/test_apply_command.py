"""`apply`, end to end against the sandbox: asks, does what the plan says, and ends in a ledger."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.machine import CLOCK, utc_now
from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.ledger import RunLedgers
from reconciler.state.sites import open_state
from tests.cli.projects import SANDBOX, Command, Project, site
from tests.cli.terminal import Terminal

SCHEDULE = """\
posts:
  - match: {within: 10d}
schedule:
  approval: none
  rules:
    - match: {within: 10d}
      channels: [INSTAGRAM]
      max: 2
"""

APPLY = "Do you want to perform these actions?"


def wrote(project: Project) -> int:
    return sum(request["wrote"] for request in project.requests())


def test_apply_and_apply_again(project: Project, reconciler: Command) -> None:
    done = reconciler("apply", project.root, "--auto-approve")
    assert done.code == 0
    shown = re.sub(r"in [\d.]+ s", "in - s", done.out)
    assert shown[shown.index("Plan: ") :].splitlines() == [
        "Plan: 0 to add, 1 to change, 0 to destroy, 1 to generate. Nothing goes public.",
        "",
        "shop  2 done  in - s",
        "  ~ settings          done",
        "  * marketing plan    done  generated",
        "",
        "Apply: 0 added, 1 changed, 0 destroyed, 1 generated.",
    ]
    writes = wrote(project)
    again = reconciler("apply", project.root)
    assert (again.code, again.last) == (0, "No changes.")
    assert wrote(project) == writes


def test_without_a_terminal_the_flag_is_named(project: Project, reconciler: Command) -> None:
    done = reconciler("apply", project.root)
    assert done.code == 4
    assert done.last.startswith("Refused: ")
    assert "--auto-approve" in done.last
    assert wrote(project) == 0


def test_without_a_terminal_the_flag_that_publishes_is_named_too(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    asked = "Refused: no terminal to confirm on; pass --auto-approve"
    for publish, more in (
        ((), "; publishing also needs --allow-publish"),
        (("--allow-publish",), ""),
        (("--no-publish",), ""),
    ):
        done = reconciler("apply", project.root, *publish)
        assert (done.code, done.last) == (4, f"{asked}{more}"), publish


def test_the_ledger_is_kept_in_the_state(project: Project, reconciler: Command) -> None:
    reconciler("apply", project.root, "--auto-approve")

    async def runs() -> list[object]:
        ledgers = RunLedgers(open_state(".reconciler", project.root, environ={}, now=utc_now).store)
        return [await ledgers.read(run) for run in await ledgers.runs()]

    (ledger,) = asyncio.run(runs())
    assert json.loads(json.dumps(ledger, default=dict))["exitCode"] == 0


def test_a_site_that_cannot_be_read_is_in_every_ledger_and_counted(chain: Project, reconciler: Command) -> None:
    known = ", ".join(f"{{id: 3f0c2a9e-8d0b-4b7c-9a55-0000000000{number:02d}}}" for number in (1, 3))
    chain.write({"sandbox.yaml": f"{SANDBOX}createSites: false\nsites: [{known}]\n"})
    done = reconciler("apply", chain.root, "--auto-approve", "--output", "json")
    assert done.code == 1
    ledger = {site["site"]: site for site in done.json["ledger"]}
    assert list(ledger) == ["shop-b", "shop-c", "shop"]  # in the order of their files
    assert ledger["shop-b"]["error"]["requestId"]
    assert done.json["applied"]["failed"] == 1

    async def kept() -> Any:
        ledgers = RunLedgers(open_state(".reconciler", chain.root, environ={}, now=utc_now).store)
        (run,) = await ledgers.runs()
        return json.loads(json.dumps(await ledgers.read(run), default=dict))

    found = {site["site"]: site["error"] for site in asyncio.run(kept())["sites"]}
    assert {name: bool(error) for name, error in found.items()} == {"shop": False, "shop-b": True, "shop-c": False}


def test_a_site_that_a_guard_refuses_is_in_every_ledger(chain: Project, reconciler: Command) -> None:
    chain.write({"sites/b.yaml": f"{(chain.root / 'sites/b.yaml').read_text()}expect: {{language: fr}}\n"})
    done = reconciler("apply", chain.root, "--auto-approve", "--output", "json")
    assert done.code == 4
    ledger = {site["site"]: site for site in done.json["ledger"]}
    assert list(ledger) == ["shop-b", "shop-c", "shop"]  # in the order of their files
    assert ledger["shop-b"]["refused"]["code"] == "expect"
    assert done.json["summary"]["refused"] == 1

    async def kept() -> Any:
        ledgers = RunLedgers(open_state(".reconciler", chain.root, environ={}, now=utc_now).store)
        (run,) = await ledgers.runs()
        return json.loads(json.dumps(await ledgers.read(run), default=dict))

    found = {site["site"]: site["error"] for site in asyncio.run(kept())["sites"]}
    assert {name: error and error["code"] for name, error in found.items()} == {
        "shop": None,
        "shop-b": "expect",
        "shop-c": None,
    }


def test_public_actions_are_withheld_without_the_flag(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    done = reconciler("apply", project.root, "--auto-approve")
    assert done.code == 3, done.out + done.err
    assert "2 withheld" in done.last
    assert "! post" in done.out
    assert reconciler("plan", project.root, "--no-publish", "--detailed-exitcode").last == "No changes."
    unclear = reconciler("apply", project.root, "--auto-approve", "--allow-publish", "--no-publish")
    assert unclear.code == 1
    assert "--allow-publish and --no-publish cannot be combined; leave one of them out" in unclear.err
    allowed = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert allowed.code == 0, allowed.out
    assert "2 published" in allowed.last
    assert reconciler("plan", project.root, "--detailed-exitcode").last == "No changes."


def test_what_goes_out_after_the_generations_counts_for_the_limit_of_the_run(
    project: Project, reconciler: Command
) -> None:
    """These sites have no marketing plan yet: each may publish up to two posts once it has one."""
    for number in (1, 2):
        project.write({f"sites/{number}.yaml": site(f"shop-{number}", number, more=SCHEDULE)})
    (project.root / "sites/shop.yaml").unlink()
    settings = (project.root / "reconciler.yaml").read_text()
    project.write({"reconciler.yaml": settings + "policy: {maxPublish: 3}\n"})
    done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert (done.code, wrote(project)) == (4, 0), done.out
    assert "the run would publish up to 4 posts, but policy.maxPublish is 3" in " ".join((done.out + done.err).split())
    project.write({"reconciler.yaml": settings + "policy: {maxPublish: 4}\n"})
    done = reconciler("apply", project.root, "--auto-approve", "--allow-publish")
    assert done.code == 0, done.out


def test_limits_of_the_run_are_judged_before_the_first_write(chain: Project, reconciler: Command) -> None:
    for name, number in (("b", 2), ("c", 3)):
        chain.write({f"sites/{name}.yaml": site(f"shop-{name}", number, more=SCHEDULE)})
    reconciler("apply", chain.root, "--auto-approve", "--no-publish")
    chain.write({"sites/shop.yaml": site("shop").replace("warm and playful", "dry")})
    (chain.root / "reconciler.yaml").write_text(
        (chain.root / "reconciler.yaml").read_text() + "policy: {maxPublish: 3}\n"
    )
    writes = wrote(chain)
    done = reconciler("apply", chain.root, "--auto-approve", "--allow-publish")
    assert done.code == 4, done.out
    assert done.last.startswith("Refused: ")
    assert "maxPublish is 3" in done.last
    assert wrote(chain) == writes
    for command in (("apply", "--auto-approve", "--allow-publish"), ("plan",), ("plan", "--output", "markdown")):
        refused = reconciler(*command, chain.root)
        assert refused.out.count("None of the changes below will be made:") == 1, refused.out
        assert "Nothing below" not in reconciler(*command[:1], "--summary", chain.root).out
    free = reconciler("apply", chain.root, "--auto-approve", "--allow-publish", "--target", "shop-b")
    assert free.code == 0, free.out


def test_a_refused_site_stops_only_itself(chain: Project, reconciler: Command) -> None:
    chain.write({"sites/b.yaml": site("shop-b", 2, more="expect: {published: false}\n")})
    done = reconciler("apply", chain.root, "--auto-approve")
    assert done.code == 4
    assert "! refused" in done.out
    assert done.last.startswith("Apply: 0 added, 2 changed")
    assert "shop-b  1 done" not in done.out
    alone = reconciler("apply", chain.root, "--auto-approve")
    assert alone.code == 4
    assert alone.last == "Apply: 0 added, 0 changed, 0 destroyed; 1 refused."
    assert "\n  shop-b  refused\n  2 sites with nothing to do\n" in alone.out
    every = reconciler("apply", chain.root, "--auto-approve", "--target", "shop-b")
    assert (every.code, every.last.startswith("Refused: shop-b: expect.published")) == (4, True), every.out


def test_a_failed_generation_is_1_and_the_ledger_says_so(chain: Project, reconciler: Command) -> None:
    chain.write(
        {
            "sandbox.yaml": (chain.root / "sandbox.yaml").read_text()
            + ("sites:\n  3f0c2a9e-8d0b-4b7c-9a55-000000000002: {failGeneration: true}\n")
        }
    )
    done = reconciler("apply", chain.root, "--auto-approve", "--output", "json")
    assert done.code == 1
    results = {entry["address"]: entry["result"] for ledger in done.json["ledger"] for entry in ledger["entries"]}
    assert results["shop-b/marketing-plan"] == "failed"
    assert results["shop-c/marketing-plan"] == "done"
    entries = [entry for ledger in done.json["ledger"] for entry in ledger["entries"]]
    (failed,) = [entry["problem"] for entry in entries if entry["result"] == "failed"]
    assert failed["fix"].startswith("plan and apply again to start another one")
    assert [ledger["site"] for ledger in done.json["ledger"]] == ["shop-b", "shop-c", "shop"]
    assert done.json["exitCode"] == 1


def test_a_locked_site_is_refused_and_named(project: Project, reconciler: Command) -> None:
    async def locked() -> None:
        store = open_state(".reconciler", project.root, environ={}, now=utc_now).store
        leases = Leases(store, this_process(os.environ), CLOCK)
        async with await leases.acquire(SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-000000000001")):
            done = await asyncio.to_thread(reconciler, "apply", project.root, "--auto-approve")
        assert done.code == 4
        assert done.last.startswith("Refused: shop: locked by ")
        assert re.search(r", since [0-9-]{10} [0-9:]{8} UTC, until [0-9-]{10} [0-9:]{8} UTC unless", done.last)
        assert "! shop refused" in done.out

    asyncio.run(locked())
    assert reconciler("apply", project.root, "--auto-approve").code == 0


def test_sites_that_one_run_holds_are_refused_once_for_all_of_them(chain: Project, reconciler: Command) -> None:
    async def locked() -> str:
        store = open_state(".reconciler", chain.root, environ={}, now=utc_now).store
        earlier, now = (
            Leases(
                store, this_process(os.environ), replace(CLOCK, now=lambda ago=ago: utc_now() - timedelta(seconds=ago))
            )
            for ago in (5, 0)
        )
        shop, other = (
            SiteRef(SiteName(name), f"3f0c2a9e-8d0b-4b7c-9a55-00000000000{number}")
            for number, name in enumerate(("shop", "shop-b"), 1)
        )
        async with await earlier.acquire(shop), await now.acquire(other):  # so they name different times
            return (await asyncio.to_thread(reconciler, "apply", chain.root, "--exclude", "shop-c")).out

    shown = asyncio.run(locked())
    holder = this_process(os.environ)
    assert shown.count("locked by") == 2  # in its block, and in the last line
    wait = f"wait for it with --lock-timeout, or see `reconciler state unlock SITE {shlex.quote(str(chain.root))}`"
    assert f"! 2 sites refused  locked by {holder}\n    fix: {wait}\n    sites: shop-b, shop\n" in shown


def test_strict_refuses_what_is_blocked(project: Project, reconciler: Command) -> None:
    project.write(
        {
            "sandbox.yaml": (project.root / "sandbox.yaml").read_text()
            + "sites:\n  3f0c2a9e-8d0b-4b7c-9a55-000000000001: {published: false}\n"
        }
    )
    plain = reconciler("plan", project.root)
    assert plain.code == 0
    assert "! blocked" in plain.out
    done = reconciler("apply", project.root, "--auto-approve", "--strict")
    assert done.code == 4
    assert done.last.startswith("Refused: shop: ")
    assert wrote(project) == 0


def test_a_target_applies_only_that(project: Project, reconciler: Command) -> None:
    done = reconciler("apply", project.root, "--auto-approve", "--target", "shop/settings")
    assert done.last == "Apply: 0 added, 1 changed, 0 destroyed."
    rest = reconciler("plan", project.root)
    assert rest.last.startswith("Plan: 0 to add, 0 to change, 0 to destroy, 1 to generate")


def test_excluded_settings_stay_different_and_are_not_recorded(project: Project, reconciler: Command) -> None:
    reconciler("apply", project.root, "--auto-approve")
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    done = reconciler("apply", project.root, "--auto-approve", "--exclude", "shop/settings")
    assert (done.code, done.last) == (0, "No changes.")
    plan = reconciler("plan", project.root, "--output", "json")
    assert [action["operation"] for action in plan.json["sites"][0]["actions"]] == ["update-settings", "regenerate"]


def test_a_pipe_gets_the_plan_before_it_is_carried_out(project: Project) -> None:
    """A job that is killed has shown in its log what it was about to do."""
    project.write({"sandbox.yaml": "latency: {generate: 10s}\n"})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "reconciler", "apply", "--auto-approve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=project.root, env=environment, text=True
    ) as running:
        assert running.stdout is not None
        assert any(line.startswith("Plan: ") for line in running.stdout)
        running.kill()
        assert "generated" not in running.stdout.read()


# --- on a terminal ---------------------------------------------------------------------------------


def test_a_terminal_is_asked_and_has_colours(project: Project) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    terminal = Terminal(project.root, "apply", "--no-publish")
    terminal.until(APPLY)
    assert "\x1b[33m" in terminal.said
    terminal.until("accepted: ")
    terminal.type("yes\n")
    assert terminal.end() == 0
    assert "Apply: 0 added, 1 changed" in terminal.said

    project.edit("sites/shop.yaml", "warm and playful", "dry")
    project.edit("sites/shop.yaml", "{state: present}", "{state: present, regenerate: {when: never}}")
    terminal = Terminal(project.root, "apply")
    terminal.until(APPLY)
    terminal.until("accepted: ")
    terminal.type("yes\n")
    terminal.until("public?")
    terminal.type("no\n")
    assert terminal.end() == 3
    asked = terminal.said.rpartition("Do you want to make")[0].splitlines()
    assert asked[-1] == f"SANDBOX · {project.root.name} · 1 site", "where it works is repeated"
    assert "2 withheld" in terminal.said


def test_the_only_question_says_where_and_what_goes_public_if_that_is_allowed(
    project: Project, reconciler: Command
) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    head = f"SANDBOX · {project.root.name} · 1 site"
    for answer, code, question in (
        ("no\n", 4, "Do you want to make 2 posts public?"),
        ("yes\n", 0, "Do you want to perform these actions and make 2 posts public?"),
    ):
        terminal = Terminal(project.root, "apply", "--allow-publish")
        terminal.until("accepted: ")
        assert terminal.said.splitlines()[-3:-1] == [head, question], terminal.said
        terminal.type(answer)
        assert terminal.end() == code
        if answer == "no\n":
            project.edit("sites/shop.yaml", "warm and playful", "dry")
            project.edit("sites/shop.yaml", "{state: present}", "{state: present, regenerate: {when: never}}")
    assert "2 published" in terminal.said


def test_a_quiet_apply_shows_the_totals_of_its_plan_only_to_whoever_is_asked(
    project: Project, reconciler: Command
) -> None:
    terminal = Terminal(project.root, "apply", "--quiet")
    terminal.until("accepted: ")
    assert "Plan: 0 to add, 1 to change" in terminal.said
    terminal.type("no\n")
    assert terminal.end() == 4
    for code, last in ((0, "Apply: 0 added, 1 changed, 0 destroyed, 1 generated."), (0, "No changes.")):
        ran = reconciler("apply", project.root, "--quiet", "--auto-approve")
        assert (ran.code, ran.out) == (code, f"{last}\n")


def test_what_is_odd_about_the_files_is_above_the_question(project: Project) -> None:
    project.write({"approvals/gone.yaml": "version: 1\nsite: gone\n"})
    terminal = Terminal(project.root, "apply")
    terminal.until("accepted: ")
    assert terminal.said.index("approvals/gone.yaml") < terminal.said.index(APPLY)
    terminal.type("no\n")
    assert terminal.end() == 4


def test_a_terminal_is_asked_once_if_all_is_public(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop.yaml": site("shop", more=SCHEDULE)})
    reconciler("apply", project.root, "--auto-approve", "--no-publish")
    for answer, code, said in (("no\n", 4, "Nothing was changed"), ("yes\n", 0, "2 published")):
        terminal = Terminal(project.root, "apply")
        terminal.until("Do you want to make 2 posts public?")
        terminal.until("accepted: ")
        terminal.type(answer)
        assert terminal.end() == code
        assert said in terminal.said
        assert APPLY not in terminal.said


@pytest.mark.parametrize("answer", ["y\n", "\n", "\x04"])
def test_anything_but_yes_is_no(project: Project, answer: str) -> None:
    terminal = Terminal(project.root, "apply")
    terminal.until("accepted: ")
    terminal.type(answer)
    assert terminal.end() == 4
    assert "Cancelled. Nothing was changed." in terminal.said
    assert wrote(project) == 0


def test_what_was_typed_before_the_question_is_not_an_answer(project: Project) -> None:
    terminal = Terminal(project.root, "apply")
    terminal.type("yes\n")
    terminal.until("accepted: ")
    terminal.type("no\n")
    assert terminal.end() == 4
    assert wrote(project) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_asked_changes_nothing_and_gives_back_the_lock(
    project: Project, reconciler: Command, number: int, code: int
) -> None:
    terminal = Terminal(project.root, "apply")
    terminal.until("accepted: ")
    terminal.signal(number)
    assert terminal.end() == code
    assert wrote(project) == 0
    assert reconciler("apply", project.root, "--auto-approve").code == 0


SLOW = "latency: {generate: 300s}\n"


def test_a_signal_during_the_run_ends_in_a_ledger(project: Project, reconciler: Command) -> None:
    project.write({"sandbox.yaml": SLOW})
    terminal = Terminal(project.root, "apply", "--auto-approve", "--output", "json=apply.json", "--no-color")
    terminal.until("Plan: ")
    terminal.until("1 generating")
    terminal.signal(signal.SIGTERM)
    assert terminal.end() == 143
    assert "Stopping after the calls in progress" in terminal.said
    assert "~ settings          done" in terminal.said
    assert "Apply: 0 added, 1 changed" in terminal.said
    document = json.loads((project.root / "apply.json").read_text())
    assert (document["exitCode"], document["interrupted"]) == (143, True)
    with project.world() as world:
        from datetime import timedelta

        world.advance(timedelta(minutes=6))
    again = reconciler("apply", project.root, "--auto-approve")
    assert again.code == 0, again.out
    generated = [request for request in project.requests() if request["path"].endswith("generate-marketing-plan")]
    assert len(generated) == 1


def test_a_second_signal_ends_in_a_ledger_of_what_is_known(project: Project) -> None:
    project.write({"sandbox.yaml": SLOW, "sites/shop.yaml": site("shop", more="posts: [{match: {within: 21d}}]\n")})
    terminal = Terminal(project.root, "apply", "--auto-approve", "--no-color")
    terminal.until("1 generating")
    terminal.signal(signal.SIGINT)
    terminal.until("Press Ctrl-C again to stop now.")
    terminal.signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "~ settings          done" in terminal.said
    # Whether the answer to `Generate` came before the second signal is a race; the call is open either way.
    assert re.search(r"marketing plan    (unknown|pending)", terminal.said)
    assert "! posts             not started" in terminal.said
    assert re.search("1 (unknown|pending)", terminal.said)


def test_a_refusal_and_a_site_that_cannot_be_read_are_both_named(reconciler: Command, chain: Project) -> None:
    assert reconciler("apply", chain.root, "--auto-approve").code == 0
    for document in (chain.root / ".reconciler").rglob("3f0c2a9e-8d0b-4b7c-9a55-000000000002.json"):
        document.write_text("{", "utf-8")
    chain.write({"sites/shop.yaml": site("shop", more="expect: {published: false}\n")})
    ran = reconciler("apply", chain.root, "--auto-approve")
    counted = "Apply: 0 added, 0 changed, 0 destroyed; 1 failed, 1 refused."
    assert (ran.code, ran.last) == (1, counted), ran.out + ran.err
    (chain.root / "sites" / "c.yaml").unlink()
    ran = reconciler("apply", chain.root, "--auto-approve")
    assert (ran.code, ran.last) == (1, counted), ran.out + ran.err
    assert f"\n\n  shop-b  could not be read\n  shop    refused\n\n{counted}\n" in ran.out
    (chain.root / "sites" / "shop.yaml").unlink()
    ran = reconciler("apply", chain.root, "--auto-approve")
    assert (ran.code, ran.last) == (1, "Apply: 0 added, 0 changed, 0 destroyed; 1 failed."), ran.out + ran.err
    assert f"\n\n  shop-b  could not be read\n\n{ran.last}\n" in ran.out
