"""Workers of a Dask cluster, as executors like those of processes.py.

`distributed` comes with the extra `dask` and is imported when used.

Certificates are set with Dask's own settings (`DASK_DISTRIBUTED__COMM__TLS__...`); credentials are in the environment
of its workers.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from reconciler.engine.parts import Setup
from reconciler.engine.workers import ATTEMPTS, GivenUp, Workers
from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback
from reconciler.version import install_hint
from reconciler.worker import run_part

if TYPE_CHECKING:
    from distributed import Client

CERTIFICATES: Final = (
    "set DASK_DISTRIBUTED__COMM__TLS__CA_FILE to the CA of the scheduler's certificate, ...__TLS__CLIENT__CERT to a "
    "certificate that this CA has signed, and ...__TLS__CLIENT__KEY to the key of that certificate"
)

CONNECTING: Final = 20
"""How many seconds to wait for a scheduler to answer, and then for a worker."""


def check_address(address: str) -> str:
    """What is wrong with the address of a scheduler; empty if nothing is."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.query or "@" in address:
        return (
            "must be a number of processes (1 to 1000) or the address of a Dask scheduler such as tls://scheduler:8786"
        )
    if parts.scheme == "tls" or (parts.scheme == "tcp" and is_loopback(host)):
        return ""
    if parts.scheme == "tcp":
        return f"sends what is in site files to {host} unencrypted; use tls://{host}:{port}"
    return "must begin with tls://, or with tcp:// on this machine"


def dask_workers(address: str, setup: Setup) -> Workers:
    """The workers of a scheduler's cluster. Raises UsageError."""
    parts = urlsplit(address)
    here = is_loopback(parts.hostname or "")
    if not here and "://" not in setup.state:
        raise UsageError(
            f"--workers {address}: workers on other machines share no folder, so the state has to be in an object "
            "store",
            "set `state`, or --state, to s3://BUCKET/PATH, gs:// or az://",
        )
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise UsageError(
            f"--workers {address}: Dask needs an extra", f"install it with: {install_hint('dask')}"
        ) from None
    client = _connected(Client, address)
    count = sum(client.nthreads().values())

    attempts = _Attempts(client)

    def make() -> Executor:
        return _Cluster(client, KilledWorker, attempts)

    return Workers(make, run_task, count, setup, end=client.close, files=here)


def run_task(data: bytes) -> bytes:
    """Runs `run_part` on a worker of a cluster. If Dask has cancelled the task, it ends as if its run were gone."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    begun(worker, key)

    def gone() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    return run_part(data, gone)


def begun(worker: Any, key: str) -> None:
    """Tells the run that a worker has begun a part: Dask itself counts only the workers that it has lost."""
    run, part, _number = key.split("/")
    worker.log_event(run, part)


def _connected(client_type: type[Client], address: str) -> Client:
    import logging

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # problems are reported here, once
    if address.startswith("tls://"):
        _check_certificates(address)
    from distributed.comm import CommClosedError

    try:
        client = client_type(address, timeout=CONNECTING, set_as_default=False)
    except CommClosedError as error:
        said = str(error).rpartition(": ")[2].rpartition("] ")[2].partition(". ")[0].partition(" (_")[0]
        raise UsageError(
            f"--workers {address}: the scheduler and this machine do not accept each other's certificates ({said})",
            CERTIFICATES,
        ) from None
    except (OSError, TimeoutError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(
            f"--workers {address}: no scheduler can be reached there ({said})",
            "check the address, and that the scheduler is running",
        ) from None
    try:
        client.wait_for_workers(1, timeout=CONNECTING)
    except TimeoutError:
        client.close()
        raise UsageError(f"--workers {address}: the scheduler has no workers", "start some, and run again") from None
    return client


def _check_certificates(address: str) -> None:
    """Raises UsageError if Dask has no certificates to encrypt with, which it would find out only after a minute."""
    from distributed.security import Security

    try:
        found = Security().get_connection_args("client")
    except (OSError, ValueError) as error:  # the file does not exist, or is not a certificate
        raise UsageError(f"--workers {address}: Dask's certificates cannot be read ({error})", CERTIFICATES) from None
    if found.get("ssl_context") is None:
        raise UsageError(f"--workers {address}: Dask has no certificates to encrypt with", CERTIFICATES)


class _Attempts:
    """How many times workers have begun each part of a run.

    Dask runs a part again as often as its scheduler is set to (`distributed.scheduler.allowed-failures`), which other
    runs share. Here a part is given up after ATTEMPTS, whatever that setting is.
    """

    def __init__(self, client: Client) -> None:
        self.run = f"reconciler-{uuid4().hex}"
        self._begun: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._awaited: dict[str, Future[Any]] = {}
        self._given_up: set[str] = set()
        client.subscribe_topic(self.run, self._hear)

    def _hear(self, event: tuple[float, str]) -> None:
        _, part = event
        self._begun[part] += 1
        if self._begun[part] > ATTEMPTS and part in self._awaited:
            self._given_up.add(part)
            self._awaited[part].cancel()

    def await_end(self, part: str, done: Future[Any]) -> None:
        """Cancels a part if it is begun once too often before it ends."""
        self._awaited[part] = done

    def ended(self, part: str) -> bool:
        """Takes note of the end of a part, and returns whether it was given up."""
        self._awaited.pop(part, None)
        return part in self._given_up

    def lost(self, part: str, workers: int) -> bool:
        """Counts workers that Dask has lost over a part, and returns whether it may be begun again."""
        self._lost[part] += workers
        return self._lost[part] < ATTEMPTS


class _Cluster(Executor):
    """The cluster as one of several executors. A part whose worker died is begun again by Dask itself."""

    def __init__(self, client: Client, killed: type[Exception], attempts: _Attempts) -> None:
        self._inner = client.get_executor(pure=False)
        self._killed = killed
        self._attempts = attempts

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in the base class, for a function of bytes. If Dask gives up, the error is the same as any executor's."""
        outcome: Future[Any] = Future()
        part = sha256(args[0]).hexdigest()
        key = f"{self._attempts.run}/{part}/{uuid4().hex}"
        done = self._inner.submit(function, *args, key=key, **kwargs)

        def pass_on(ended: Future[Any]) -> None:
            given_up = self._attempts.ended(part)
            if not outcome.set_running_or_notify_cancel():
                return
            if given_up:
                outcome.set_exception(GivenUp())
            elif ended.cancelled():
                outcome.set_exception(BrokenExecutor("the scheduler is gone"))
            elif isinstance(error := ended.exception(), self._killed):
                again = self._attempts.lost(part, getattr(error, "allowed_failures", ATTEMPTS) + 1)
                outcome.set_exception(BrokenExecutor("its workers were lost") if again else GivenUp())
            elif error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(ended.result())

        self._attempts.await_end(part, done)
        done.add_done_callback(pass_on)
        return outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - it never waits
        """Releases what was submitted here."""
        self._inner.shutdown(wait=False)
