"""Workers of a Dask cluster: the same as in processes. Skipped where `distributed` is not installed (extra `dask`)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path

import pytest

from reconciler.config.sites import open_project
from reconciler.dask_workers import _check_certificates, begun, check_address, dask_workers
from reconciler.engine.parts import Setup, project_values
from reconciler.engine.site_results import SitePlanned
from reconciler.engine.workers import ATTEMPTS, GivenUp
from reconciler.executor.ledger import ActionResult
from reconciler.model.diagnostics import UsageError
from reconciler.sandbox.app import Seen
from tests.engine.fleet_over_http import Fleet, fleet
from tests.engine.test_apply_on_workers import GENERATE, SITES, applied, finishes, kept_ledgers, left_in_state
from tests.engine.test_workers import planned

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES) as made:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        yield made


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of two workers."""
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=False, host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address


def test_a_cluster_plans_and_applies_as_processes_do(
    shops: Fleet, scheduler: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spread, alone = (
        [event.plan for event in planned(shops, make) if isinstance(event, SitePlanned)]
        for make in (partial(dask_workers, scheduler), None)
    )
    assert spread == alone
    completed, sites = applied(shops, partial(dask_workers, scheduler))
    assert completed.results == {ActionResult.DONE}
    assert len(sites) == SITES
    assert left_in_state(shops) == []
    finishes(shops, capsys)


@pytest.mark.exhaustive
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_of_a_cluster_that_is_killed_is_replaced_and_nothing_is_done_twice(
    shops: Fleet, scheduler: str, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    killed: list[int] = []

    def kill(seen: Seen) -> None:
        if seen.when == when and not killed:
            [lock, *_] = [path.read_bytes() for path in (shops.root / ".reconciler" / "locks").glob("*.json")]
            killed.append(int(lock.split(b'"process": ')[1].split(b",")[0]))
            os.kill(killed[0], signal.SIGKILL)

    shops.sandbox.add_hook(GENERATE, kill)
    completed, sites = applied(shops, partial(dask_workers, scheduler))
    assert killed
    assert len(sites) == SITES
    assert completed.results <= {ActionResult.DONE, ActionResult.UNKNOWN, ActionResult.SKIPPED}, sites
    [ledger] = kept_ledgers(shops)
    assert len(ledger["sites"]) == SITES
    finishes(shops, capsys, runs=2)


def takes_its_worker_with_it(data: bytes) -> bytes:
    """Begins a part, notes that in a file once the scheduler knows it, and kills its own process."""
    from distributed import get_client, get_worker

    worker = get_worker()
    key = worker.get_current_task()
    before = len(known := Path(data.decode()).read_text()) if Path(data.decode()).exists() else 0
    begun(worker, key)
    while len(get_client().get_events(key.split("/")[0])) <= before:
        pass
    Path(data.decode()).write_text(f"{known}x" if before else "x")
    os.kill(os.getpid(), signal.SIGKILL)
    return data


@pytest.mark.exhaustive
@pytest.mark.parametrize("allowed", [0, 1, 5])
def test_a_part_is_begun_three_times_whatever_dask_is_set_to(
    shops: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    import dask

    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path))
    noted = tmp_path / "begun"
    project, _ = open_project((shops.root,))
    setup = Setup(project_values(project), shops.url, str(shops.root / ".reconciler"), 4, None)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed}),
        distributed.LocalCluster(
            n_workers=ATTEMPTS + 1, threads_per_worker=1, dashboard_address=None, silence_logs=False, host="127.0.0.1"
        ) as cluster,
    ):
        workers = dask_workers(cluster.scheduler_address, setup)

        async def given_up() -> bool:
            for _ in range(ATTEMPTS):
                worker = workers._make()
                try:
                    await asyncio.wrap_future(worker.submit(takes_its_worker_with_it, str(noted).encode()))
                except BrokenExecutor:
                    continue
                except GivenUp:
                    return True
            return False

        try:
            assert asyncio.run(asyncio.wait_for(given_up(), 120))
        finally:
            workers.close()
    assert len(noted.read_text()) in (ATTEMPTS, ATTEMPTS + 1)  # the last one is cancelled when it begins


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("tls://scheduler.example:8786", ""),
        ("tcp://127.0.0.1:8786", ""),
        ("tcp://localhost:8786", ""),
        ("tcp://scheduler.example:8786", "use tls://scheduler.example:8786"),
        ("tls://scheduler.example", "such as tls://scheduler:8786"),
        ("tls://me:secret@scheduler.example:8786", "such as tls://scheduler:8786"),
        ("http://127.0.0.1:8786", "must begin with tls://"),
        ("many", "must be a number"),
    ],
)
def test_a_scheduler_is_reached_over_tls_or_on_this_machine(address: str, wrong: str) -> None:
    found = check_address(address)
    assert wrong in found
    assert bool(found) == bool(wrong)


def test_a_cluster_on_other_machines_needs_a_state_that_they_share(shops: Fleet) -> None:
    project, _ = open_project((shops.root,))
    setup = Setup(project_values(project), shops.url, str(shops.root / ".reconciler"), 4, None)
    with pytest.raises(UsageError, match="object store"):
        dask_workers("tls://scheduler.example:8786", setup)


# --- tls:// ----------------------------------------------------------------------------------------


KEY = {"WIX_API_KEY": "any-key-will-do"}


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two authorities, `ours` and `other`, and a certificate of each."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with the `openssl` command, which is not installed")
    folder = tmp_path_factory.mktemp("authorities")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ours", "other"):
        signed_by = ("-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key")
        for command in (
            ("req", "-x509", *key, "-subj", f"/CN={name}", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem"),
            ("req", *key[:-2], "-subj", "/CN=node", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
            ("x509", "-req", "-in", f"{name}.csr", "-days", "2", "-out", f"{name}.pem", *signed_by, "-CAcreateserial"),
        ):
            subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


def certificates(folder: Path, authority: str = "ours", own: str = "ours") -> dict[str, str]:
    """The environment of a process that trusts an authority, and shows a certificate of its own."""
    of_roles = {
        f"{role}__{what}": str(folder / f"{own}.{ending}")
        for role in ("SCHEDULER", "WORKER", "CLIENT")
        for what, ending in (("CERT", "pem"), ("KEY", "key"))
    }
    settings = {"CA_FILE": str(folder / f"{authority}-ca.pem"), **of_roles}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in settings.items()}


@pytest.fixture(scope="module")
def encrypted(authorities: Path) -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own, that talk only over TLS."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    environ = {**os.environ, **KEY, **certificates(authorities), "DASK_TEMPORARY_DIRECTORY": str(authorities)}

    def start(role: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", *arguments, "--no-dashboard"]
        return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)

    started = [start("scheduler", "--host", "tls://127.0.0.1", "--port", "0")]
    try:
        assert started[0].stderr is not None
        address = next(line.split()[-1] for line in started[0].stderr if "Scheduler at:" in line)
        started += [start("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
        yield address
    finally:
        for process in reversed(started):
            process.kill()
            process.communicate()


def python(environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code of a program, and what it says. Dask reads its settings once per process."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
    command, environ = [sys.executable, *arguments], {**ours, **KEY, **environ}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


def in_a_process(shops: Fleet, scheduler: str, environ: dict[str, str], *command: str) -> tuple[int, str]:
    """The exit code of a command (by default `plan`) on a scheduler's workers, and what it says."""
    return python(environ, "-m", "reconciler", *(command or ("plan",)), str(shops.root), "--workers", scheduler)


def test_a_cluster_is_reached_over_tls(shops: Fleet, encrypted: str, authorities: Path) -> None:
    assert encrypted.startswith("tls://")
    code, said = in_a_process(shops, encrypted, certificates(authorities))
    assert code == 0, said
    assert f"{SITES} sites" in said


@pytest.mark.exhaustive
def test_an_apply_over_tls_is_one(
    shops: Fleet, encrypted: str, authorities: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = in_a_process(shops, encrypted, certificates(authorities), "apply", "--auto-approve")
    assert code == 0, said
    assert "Apply: 6 added, 3 changed, 0 destroyed, 3 generated." in said
    [ledger] = kept_ledgers(shops)
    assert len(ledger["sites"]) == SITES
    assert left_in_state(shops) == []
    code, said = in_a_process(shops, encrypted, certificates(authorities), "drift")
    assert code == 0, said
    finishes(shops, capsys)


OF_THE_LIBRARY = """\
import asyncio, sys
from reconciler import Project

async def main():
    async with Project.open(sys.argv[1], workers=sys.argv[2]) as project:
        print("planned", [len(site.plan.actions) async for site in project.plan()])
        applied = await project.apply()
        print("applied", applied.outcome.tally.generated, *sorted(site.name for site in applied.sites))
        print("drifted", [type(site).__name__ async for site in project.drift()])
        print("left", [len(site.plan.actions) async for site in project.plan()])

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.exhaustive
def test_the_library_over_tls(
    shops: Fleet, encrypted: str, authorities: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(OF_THE_LIBRARY)
    code, said = python(certificates(authorities), str(program), str(shops.root), encrypted)
    assert (code, said.splitlines()) == (
        0,
        ["planned [4, 4, 4]", "applied 3 shop-1 shop-2 shop-3", f"drifted {['SiteDrifted'] * SITES}", "left [0, 0, 0]"],
    )
    finishes(shops, capsys)


@pytest.mark.parametrize(
    ("authority", "own", "wrong"),
    [
        ("other", "ours", "do not accept each other's certificates (TLS certificate does not match)"),
        pytest.param("ours", "other", "do not accept each other's certificates", marks=pytest.mark.exhaustive),
        pytest.param("none", "ours", "Dask's certificates cannot be read", marks=pytest.mark.exhaustive),
    ],
)
def test_a_certificate_of_another_authority_is_refused(
    shops: Fleet, encrypted: str, authorities: Path, authority: str, own: str, wrong: str
) -> None:
    code, said = in_a_process(shops, encrypted, certificates(authorities, authority, own))
    assert code == 1, said
    assert wrong in " ".join(said.split())
    assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in said
    assert "Traceback" not in said


def test_without_certificates_it_fails_at_once() -> None:
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with pytest.raises(UsageError, match="no certificates to encrypt with"):
        _check_certificates("tls://127.0.0.1:1")
