"""A machine whose clock differs from the server's says so, and publishes nothing while it is behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from reconciler import wiring
from reconciler.sandbox.app import Sandbox
from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, Pottery

DAY = timedelta(days=1)

Server = Callable[[timedelta], None]


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Pottery:
    """A project with an approved draft, and with nothing else to do."""
    pottery = Pottery(project, reconciler)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    project.edit(APPROVALS, "decision: pending", "decision: approve")
    return pottery


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Dates the responses by the server's clock, which is ahead of this machine's by what the test sets."""
    later = [timedelta(0)]
    transport_of = wiring._asgi

    class Dated(httpx.AsyncBaseTransport):
        def __init__(self, world: Sandbox) -> None:
            self.world, self.behind = world, transport_of(world)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await self.behind.handle_async_request(request)
            response.headers["date"] = format_datetime(self.world.now() + later[0], usegmt=True)
            return response

    def is_later(by: timedelta) -> None:
        later[0] = by

    monkeypatch.setattr(wiring, "_asgi", Dated)
    return is_later


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (DAY, "this machine's clock is 1 day behind the server's; set the clock (NTP): times of posts and locks"),
        (-DAY, "this machine's clock is 1 day ahead of the server's; set the clock (NTP): times of posts and locks"),
        (timedelta(seconds=30), ""),
        (timedelta(seconds=-30), ""),
    ],
)
@pytest.mark.parametrize("command", ["plan", "drift", "review", "apply"])
def test_a_clock_that_is_wrong_is_reported(
    pottery: Pottery, server: Server, command: str, later: timedelta, said: str
) -> None:
    server(later)
    _, text = pottery.run(command, *(("--auto-approve",) if command == "apply" else ()))
    assert text.count("this machine's clock") == bool(said)
    assert said in text


def test_nothing_is_published_while_the_clock_is_behind(pottery: Pottery, server: Server) -> None:
    server(DAY)
    code, text = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert code == 3
    assert (
        "this machine's clock is 1 day behind the server's, so a time that seems to be in the future may have passed; "
        "set the clock (NTP), and run plan again"
    ) in text
    assert pottery.status() == "DRAFT"
    server(timedelta(0))
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "SCHEDULED"


@pytest.mark.parametrize(("minutes", "code"), [(119, 0), (121, 3)])
def test_the_minimum_lead_allows_for_a_clock_that_is_behind(
    pottery: Pottery, server: Server, minutes: int, code: int
) -> None:
    pottery.project.edit("reconciler.yaml", "version: 1", "version: 1\npolicy: {minLead: 2h}")
    server(timedelta(minutes=minutes))
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == code


def test_a_saved_plan_publishes_nothing_either(
    pottery: Pottery, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pottery.project.root)
    plan = str(pottery.project.root / "p.plan")
    pottery.run("plan", "--out", plan)
    server(DAY)
    assert pottery.command("apply", plan, "--allow-publish").code == 3
    assert pottery.status() == "DRAFT"


def test_a_clock_that_is_ahead_holds_nothing_back(pottery: Pottery, server: Server) -> None:
    server(-DAY)
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "SCHEDULED"


def test_what_nobody_wants_any_more_is_cancelled_whatever_the_clock_says(pottery: Pottery, server: Server) -> None:
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    server(DAY)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    assert pottery.status() != "SCHEDULED"
