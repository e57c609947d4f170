"""Object stores, against an S3 server on loopback that this file starts."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.machine import CLOCK, utc_now
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.outcomes import Done
from reconciler.model.sites import SiteRef
from reconciler.state.errors import Conflict, StateError
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases, Locked
from reconciler.state.objects import ObjectStore, _said
from reconciler.state.plans import AlreadySpent, SpentPlans
from reconciler.state.sites import open_state, open_store
from reconciler.state.store import ANY
from tests.journals import begin

SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    import httpx
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/bucket").raise_for_status()
    yield endpoint
    moto.stop()


@pytest.fixture
def environ(server: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }


def test_conditional_writes_hold(environ: dict[str, str], request: pytest.FixtureRequest) -> None:
    async def body() -> None:
        store = ObjectStore.open("s3://bucket/team/laws/", environ)
        key = "sites/a.json"
        assert await store.get(key) is None
        first = await store.put(key, b"1", expected=None)
        with pytest.raises(Conflict):
            await store.put(key, b"2", expected=None)
        second = await store.put(key, b"2", expected=first)
        with pytest.raises(Conflict):
            await store.put(key, b"3", expected=first)
        stored = await store.get(key)
        assert stored is not None
        assert (stored.data, stored.version) == (b"2", second)
        await store.put("sites/b.json", b"", expected=ANY)
        await store.put("sites-of-another/c.json", b"", expected=ANY)
        assert [found async for found in store.keys("sites/")] == [key, "sites/b.json"]
        await store.delete(key)
        await store.delete(key)
        with pytest.raises(Conflict):
            await store.put(key, b"3", expected=second)
        assert [found async for found in store.keys("sites/")] == ["sites/b.json"]
        assert store.place(key) == "s3://bucket/team/laws/sites/a.json"

    asyncio.run(body())


def test_many_keys_are_listed(environ: dict[str, str]) -> None:
    async def body() -> None:
        store = ObjectStore.open("s3://bucket/many", environ)
        keys = [f"runs/{number:04}.json" for number in range(120)]
        await asyncio.gather(*(store.put(key, b"x", expected=ANY) for key in keys))
        assert [key async for key in store.keys("runs/")] == keys

    asyncio.run(body())


def test_a_journal_a_lease_and_a_spent_plan_live_in_a_bucket(environ: dict[str, str]) -> None:
    async def body() -> None:
        state = open_state("s3://bucket/whole", Path(), environ=environ, now=utc_now)
        first, second = (Leases(state.store, this_process({}), CLOCK) for _ in range(2))
        async with await first.acquire(SHOP) as lease:
            with pytest.raises(Locked):
                await second.acquire(SHOP)
            journal = await state.open_journal(SHOP, lease)
            overtaken = await state.open_journal(SHOP, lease)
            entry = await begin(journal)
            assert (await state.load(SHOP)).open == (entry,)
            with pytest.raises(
                StateError, match=r"s3://bucket/whole/records/3f0c2a9e\.json was changed by another run"
            ):
                await begin(overtaken)
            await journal.end(entry, Done())
            for _ in range(2):
                other = await begin(journal)
                assert (await state.load(SHOP)).open[-1] == other
            await journal.close()
            assert [key async for key in state.store.keys("journals/")] == []
            assert (await state.load(SHOP)) == journal.recorded
        async with await second.acquire(SHOP):
            assert await state.ids() == (SHOP.id,)
        plans = SpentPlans(state.store)
        await plans.mark_spent("seal", NOW)
        with pytest.raises(AlreadySpent):
            await plans.mark_spent("seal", NOW)

    asyncio.run(body())


def test_a_missing_bucket_is_not_a_project_without_a_past(environ: dict[str, str]) -> None:
    async def body() -> None:
        store = ObjectStore.open("s3://bukcet/state", environ)
        for _ in range(2):
            with pytest.raises(StateError, match=r"s3://bukcet/state/sites/a\.json cannot be read.*bucket exists"):
                await store.get("sites/a.json")
        for expected in (None, ANY):
            with pytest.raises(StateError, match="cannot be written"):
                await store.put("sites/a.json", b"", expected=expected)

    asyncio.run(body())


def test_a_server_out_of_reach_is_reported(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.state.objects.RETRIES", 0)
    store = ObjectStore.open("s3://bucket/state", environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    with pytest.raises(StateError, match="can be reached from here"):
        asyncio.run(store.get("sites/a.json"))


class Careless(BaseHTTPRequestHandler):
    """Speaks enough S3 to write, but ignores conditions."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"<DeleteResult></DeleteResult>")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_server_that_ignores_conditions_is_refused(environ: dict[str, str]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as careless:
        threading.Thread(target=careless.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{careless.server_port}"
        store = ObjectStore.open("s3://bucket/x", environ | {"AWS_ENDPOINT_URL": endpoint})
        with pytest.raises(StateError, match="locks would not work"):
            asyncio.run(store.put("leases/a.json", b"", expected=None))
        careless.shutdown()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/x", "ftp:// is not known; use a folder or one of s3://, gs://, az://"),
        ("s3://", "use s3://bucket/prefix"),
        ("s3://key:secret@bucket/x", "use s3://bucket/prefix"),
        ("az://box/x?sig=secret", "use az://bucket/prefix"),
    ],
)
def test_a_url_of_another_kind_is_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        open_store(url, Path(), {})
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


def test_only_an_endpoint_on_this_machine_may_lack_tls() -> None:
    with pytest.raises(UsageError, match=r"AWS_ENDPOINT_URL: s3\.example is not this machine; use https://"):
        ObjectStore.open("s3://bucket/x", {"AWS_ENDPOINT_URL": "http://s3.example:9000"})


@pytest.mark.parametrize(
    "endpoint", ["", "nonsense", "127.0.0.1:9", "//s3.example", "http://", "https://[::1", "https://a b", "https://a:b"]
)
def test_an_endpoint_that_is_not_a_url_is_named(endpoint: str) -> None:
    """obstore panics on these, and finds them in the environment even if it is not given them."""
    what = "is not the URL of a server" if endpoint else "is empty"
    with pytest.raises(UsageError, match=f"^AWS_ENDPOINT_URL {what}; write it like https://"):
        ObjectStore.open("s3://bucket/x", {"AWS_ENDPOINT_URL": endpoint})
    ObjectStore.open("az://bucket/x", {"AWS_ENDPOINT_URL": endpoint, "AZURE_STORAGE_ACCOUNT_NAME": "acme"})


@pytest.mark.parametrize(
    ("url", "variables", "fix"),
    [
        (
            "s3://bucket/x",
            {},
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY unless this machine gets its credentials another way",
        ),
        (
            "gs://bucket/x",
            {},
            "set GOOGLE_APPLICATION_CREDENTIALS unless this machine gets its credentials another way",
        ),
        (
            "s3://bucket/x",
            KEYS | {"https_proxy": "http://127.0.0.1:1"},
            "check https_proxy, and that the bucket exists",
        ),
        ("s3://bucket/x", KEYS, "check that the bucket exists"),
        (
            "s3://bucket/x",
            KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "check AWS_ENDPOINT_URL, and that the bucket",
        ),
    ],
)
def test_a_store_out_of_reach_names_the_variables_that_lead_there(
    url: str, variables: dict[str, str], fix: str
) -> None:
    store = ObjectStore.open(url, variables)
    with pytest.raises(StateError) as raised, store._as_state_error("records/a.json", "cannot be read"):
        raise OSError("no route")
    assert raised.value.fix.startswith(fix)
    assert raised.value.fix.endswith("that the bucket exists and can be reached from here, then run again")


def test_a_store_that_cannot_be_opened_names_its_variables() -> None:
    with pytest.raises(UsageError, match="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"):
        ObjectStore.open("s3://bucket/x", {"AWS_ACCESS_KEY_ID": "id"})


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(UsageError, match=r"pip install 'marketing-reconciler\[object-store\]'"):
        open_store("s3://bucket/x", Path(), {})


def test_a_signature_in_a_url_is_not_repeated() -> None:
    error = OSError("GET https://box.blob.example/x?sig=secret&se=1 failed: 'https://y?sig=secret'\nmore")
    assert _said(error) == "GET https://box.blob.example/x?... failed: 'https://y?...'"
