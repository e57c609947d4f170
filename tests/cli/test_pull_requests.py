"""A pull request changes files, and CI plans it with a key in its environment: what the files cannot do.

Each attack is tried with every command that CI runs. A stranger listens on loopback, as a proxy that would see any
request for another host; a secret lies outside the project. Nothing may reach the former or show the latter.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, Command, Project, site

SECRET = "SUPERSECRET0123456789"
COMMANDS = {
    "plan": ["plan"],
    "drift": ["drift"],
    "review": ["review"],
    "validate": ["validate"],
    "apply": ["apply", "--auto-approve", "--allow-publish"],
}


class Stranger:
    """Listens on loopback, and records the first bytes of each connection."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed: the test is over
                return
            with connection:
                connection.settimeout(5)
                self.heard.append(connection.recv(4096))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    """Stands in the way of every request that leaves the machine."""
    found = Stranger()
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, found.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield found
    found.close()


@dataclass(frozen=True, slots=True)
class Attack:
    """What a pull request changes, and the way to allow it that the refusal names."""

    project: str = PROJECT
    link: str = ""
    """A path of the project that becomes a link to the same name outside."""
    site: str = ""
    environ: tuple[tuple[str, str], ...] = ()
    names: str = "RECONCILER_ALLOW_PATHS"


FOREIGN = PROJECT.replace("api: sandbox", "api: https://attacker.example")
RUNS = "credentials: {default: {apiKey: {command: [touch, RAN]}}}\n"
UNASKED = "schedule: {approval: none, rules: [{match: {within: 14d}}]}\n"

ATTACKS = {
    "the key goes to another host": Attack(FOREIGN, names="--allow-host attacker.example"),
    "a command runs": Attack(PROJECT + RUNS, names="RECONCILER_ALLOW_COMMANDS=1"),
    "a command runs for a site": Attack(
        PROJECT + RUNS.replace("default", "other"), names="RECONCILER_ALLOW_COMMANDS=1"
    ),
    "a site file is a link to a secret": Attack(link="sites/secret.yaml"),
    "the site files are behind a link": Attack(link="sites/more"),
    "the project file is a link": Attack(link="reconciler.yaml"),
    "the approvals are behind a link": Attack(link="approvals"),
    "the state is behind a link": Attack(link=".reconciler"),
    "the state is elsewhere": Attack(PROJECT + "state: ../outside\n"),
    "the sandbox's seed is a link to a secret": Attack(link="sandbox.yaml"),
    "the patterns lead elsewhere": Attack(PROJECT + "sites: ['../outside/*.yaml']\n", names="inside the project"),
    "the patterns lead to git's own files": Attack(PROJECT + "sites: ['.git/config']\n", names="`.git`"),
    "the patterns lead to a key that lies there": Attack(PROJECT + "sites: ['key.json']\n", names=".yaml or .yml"),
    "the approvals are elsewhere": Attack(PROJECT + "approvals: ../outside\n", names="inside the project"),
    "nobody needs to approve": Attack(
        site=UNASKED, environ=(("RECONCILER_REQUIRE_APPROVAL", "1"),), names="RECONCILER_REQUIRE_APPROVAL"
    ),
    "nobody needs to approve, by default": Attack(
        f"{PROJECT}defaults:\n  - {UNASKED}",
        environ=(("RECONCILER_REQUIRE_APPROVAL", "1"),),
        names="RECONCILER_REQUIRE_APPROVAL",
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_pull_request_is_refused_before_anything_happens(
    attack: str,
    command: str,
    tmp_path: Path,
    stranger: Stranger,
    reconciler: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = ATTACKS[attack]
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("secret.yaml", "reconciler.yaml", "sandbox.yaml", "more.yaml"):
        (outside / name).write_text(SECRET)
    for name in ("more", "approvals", ".reconciler"):
        (outside / name).mkdir()
        (outside / name / "shop.yaml").write_text(SECRET)
    project = Project(tmp_path / "project")
    project.write({"reconciler.yaml": tried.project, "sites/shop.yaml": site("shop", more=tried.site)})
    project.write({".git/config": SECRET, "key.json": SECRET})
    if tried.link:
        (project.root / tried.link).unlink(missing_ok=True)
        (project.root / tried.link).symlink_to(outside / Path(tried.link).name)
    for name, value in tried.environ:
        monkeypatch.setenv(name, value)
    before = contents(tmp_path)
    done = reconciler(*COMMANDS[command], project.root)
    said = done.out + done.err
    assert done.code == 1, said
    assert tried.names in said
    assert SECRET not in said
    assert stranger.heard == []
    assert contents(tmp_path) == before, "no world, no state, nothing that a command made"


def contents(root: Path) -> dict[str, bytes | str]:
    """Every file below a folder."""
    return {
        str(path.relative_to(root)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_the_stranger_would_have_heard(tmp_path: Path, stranger: Stranger, reconciler: Command) -> None:
    """What is allowed from outside the repository is attempted, which shows that the silence above is a refusal."""
    project = Project(tmp_path)
    project.write({"reconciler.yaml": FOREIGN, "sites/shop.yaml": site("shop")})
    done = reconciler("plan", project.root, "--allow-host", "attacker.example")
    assert done.code == 1
    assert stranger.heard
    assert stranger.heard[0].startswith(b"CONNECT attacker.example:443")


def test_a_command_that_was_allowed_gets_no_secret(
    tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    runs = "credentials: {default: {apiKey: {command: [sh, -c, 'env > seen.txt; echo IST.from-a-command']}}}\n"
    api = PROJECT.replace("api: sandbox", "api: http://127.0.0.1:9")
    project.write({"reconciler.yaml": api + runs, "sites/shop.yaml": site("shop")})
    monkeypatch.setenv("OTHER_SECRET", "canary-of-another-kind")
    monkeypatch.setenv("RECONCILER_ALLOW_COMMANDS", "1")
    assert reconciler("plan", project.root).code == 1  # nobody listens there
    seen = (tmp_path / "seen.txt").read_text()
    assert "PATH=" in seen
    assert "OTHER_SECRET" not in seen
    assert "WIX_API_KEY" not in seen


@pytest.mark.parametrize("make", ["fifo", "folder", "device"])
def test_a_key_from_something_that_is_not_a_file(make: str, tmp_path: Path, reconciler: Command) -> None:
    project = Project(tmp_path)
    where = "/dev/zero" if make == "device" else "key"
    runs = f"credentials: {{default: {{apiKey: {{file: {where}}}}}}}\n"
    api = PROJECT.replace("api: sandbox", "api: http://127.0.0.1:9")
    project.write({"reconciler.yaml": api + runs, "sites/shop.yaml": site("shop")})
    if make != "device":
        (os.mkfifo if make == "fifo" else os.mkdir)(tmp_path / "key")
    done = reconciler("plan", project.root)
    assert (done.code, "cannot be read: it is not a file" in done.err) == (1, True)
    assert reconciler("validate", project.root).code == 0


def test_approvals_file_behind_a_link_stops_only_its_own_site(
    tmp_path: Path, chain: Project, reconciler: Command
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text(f"{SECRET}\n")
    (tmp_path / "approvals").mkdir()
    (tmp_path / "approvals/shop-b.yaml").symlink_to(outside)
    done = reconciler("plan", chain.root, "--output", "json")
    assert done.code == 1
    assert SECRET not in done.out + done.err
    assert "outside the project" in done.out
    assert {found["site"] for found in done.json["sites"] if found.get("actions")} == {"shop", "shop-c"}
    assert reconciler("validate", chain.root).code == 1


@pytest.mark.parametrize("forged", ["approval: none", "another site"])
def test_a_saved_plan_carries_no_right_of_its_own(forged: str, tmp_path: Path, reconciler: Command) -> None:
    """A plan made in a copy that asks for no approval, or that has another site, publishes nothing here."""
    here, copy = Project(tmp_path / "here"), Project(tmp_path / "copy")
    rule = "schedule: {rules: [{match: {within: 30d}}]}\nposts: [{match: {within: 30d}, max: 2}]\n"
    sandbox = "clock: 2026-11-02T09:00:00Z\nfreeze: true\nlatency: {generate: 2s, posts: 1s}\n"
    for project, more in ((here, rule), (copy, rule.replace("{rules", "{approval: none, rules"))):
        project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": sandbox, "sites/shop.yaml": site("shop", more=more)})
    assert reconciler("apply", here.root, "--auto-approve").code == 0
    copied = copy.root / ".reconciler"
    for path in (here.root / ".reconciler").rglob("*"):
        target = copied / path.relative_to(here.root / ".reconciler")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    if forged == "another site":
        copy.edit("sites/shop.yaml", "name: shop", "name: other")
    made = reconciler("plan", copy.root, "--out", tmp_path / "forged.plan")
    assert "to publish" in made.last, made.out
    os.chdir(here.root)
    done = reconciler("apply", tmp_path / "forged.plan", "--auto-approve", "--allow-publish")
    assert done.code == 4, done.out + done.err
    with here.world() as world:
        posts = [request for request in world.requests() if "schedule" in str(request).lower()]
    assert posts == []
