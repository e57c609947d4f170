"""Proxies and certificates that the environment names, and the mistakes in it (remote-api.md 2; design.md 5, 6)."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import certifi
import pytest

from reconciler.api.address import address_of
from reconciler.api.client import FullClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.limits import Limits
from reconciler.api.pool import untrusted
from reconciler.api.surroundings import Surroundings
from reconciler.model.credentials import ApiKey
from reconciler.model.diagnostics import UsageError
from reconciler.model.marketing_plan import Generate
from reconciler.model.outcomes import NotDone
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef
from tests.api.bench import KEY, FakeClock

WIX = address_of("https://www.wixapis.com")


def client_to(address: str, clock: FakeClock, environ: dict[str, str]) -> FullClient:
    return FullClient(
        address,
        credentials=lambda _: ApiKey(Secret(KEY)),
        limits=Limits(),
        clock=clock.handed_in,
        jitter=lambda: 0.0,
        surroundings=Surroundings(environ),
    )


# --- proxies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://user:pass@proxy.example:3128"}, "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"ALL_PROXY": "http://proxy.example"}, "http://proxy.example"),
        ({"HTTP_PROXY": "http://proxy.example"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "www.wixapis.com"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "example.org, .wixapis.com"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "apis.com"}, "http://proxy.example"),
    ],
    ids=range(9),
)
def test_the_usual_variables_name_the_proxy(environ: dict[str, str], proxy: str | None) -> None:
    found = Surroundings(environ).proxy_for(WIX)
    assert (found and found.url) == proxy


def test_no_proxy_is_used_for_this_machine() -> None:
    assert Surroundings({"ALL_PROXY": "nonsense://"}).proxy_for(address_of("http://127.0.0.1:8080")) is None


@pytest.mark.parametrize(
    "address", ["http://user:s3cr3tpw@127.0.0.1:99999", "http://:3128", "gopher://proxy", "socks5://proxy:1080", "://"]
)
def test_a_bad_proxy_address_is_an_error_before_any_request_that_names_the_variable(
    clock: FakeClock, address: str
) -> None:
    with pytest.raises(UsageError, match=r"HTTPS_PROXY=.* is not the address of an http proxy") as caught:
        client_to("https://api.example.test", clock, {"HTTPS_PROXY": address})
    assert "s3cr3tpw" not in str(caught.value)


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (403, 1), (503, 3)])
def test_a_proxy_that_refuses_is_named_with_its_variable_and_not_asked_again(
    clock: FakeClock, site: SiteRef, status: int, attempts: int
) -> None:
    asked = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    async def ask() -> tuple[ApiError, object]:
        nonlocal asked
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        proxy = f"http://user:s3cr3tpw@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client_to("https://api.example.test", clock, {"HTTPS_PROXY": proxy}) as client:
            with pytest.raises(ApiError) as caught:
                await client.endpoints.settings(site)
            assert asked == attempts
            (outcome,) = await client.writer().perform(site, [Generate()])
        server.close()
        await server.wait_closed()
        return caught.value, outcome

    error, outcome = asyncio.run(ask())
    assert (error.kind, error.sent) == (ErrorKind.NETWORK, False)
    assert f"the proxy answered {status}" in str(error)
    assert "s3cr3tpw" not in str(error)
    assert isinstance(outcome, NotDone)  # nothing was sent
    if attempts == 1:
        assert "HTTPS_PROXY" in str(error)


def error_through_proxy(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    clock: FakeClock,
    site: SiteRef,
    files: tuple[Path, Path] | None = None,
) -> ApiError:
    """The error of a read through a proxy that does this with a connection; `files`: it speaks TLS with these."""

    async def ask() -> ApiError:
        context = None
        if files is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        proxy = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client_to("https://api.example.test", clock, {"HTTPS_PROXY": proxy}) as client:
            with pytest.raises(ApiError) as caught:
                await client.endpoints.settings(site)
        server.close()
        await server.wait_closed()
        return caught.value

    return asyncio.run(ask())


def test_a_proxy_that_speaks_no_http_is_named_with_its_variable(clock: FakeClock, site: SiteRef) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    error = error_through_proxy(greet, clock, site)
    assert error.sent is False
    assert "the proxy does not speak HTTP" in error.what()
    assert error.advice() == "check the address in HTTPS_PROXY, or list the host in NO_PROXY"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_proxy_that_drops_the_connection_is_named_with_its_variable(
    clock: FakeClock, site: SiteRef, answer: bytes
) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    assert error_through_proxy(drop, clock, site).advice() == (
        "run the command again; if it still fails, check the address in HTTPS_PROXY, or list the host in NO_PROXY"
    )


def test_the_certificate_of_a_proxy_is_called_that_of_the_proxy(
    server_files: tuple[Path, Path], clock: FakeClock, site: SiteRef
) -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    error = error_through_proxy(close, clock, site, server_files)
    assert "the proxy's certificate is not trusted: self-signed certificate" in str(error)


def test_a_proxy_that_is_not_there_is_named_with_its_variable(clock: FakeClock, site: SiteRef) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        unused_port = taken.getsockname()[1]

    async def ask() -> ApiError:
        proxy = f"http://127.0.0.1:{unused_port}"
        async with client_to("https://api.example.test", clock, {"HTTPS_PROXY": proxy}) as client:
            with pytest.raises(ApiError) as caught:
                await client.endpoints.settings(site)
        return caught.value

    error = asyncio.run(ask())
    assert error.sent is False
    assert f"cannot connect to the proxy 127.0.0.1:{unused_port}" in str(error)
    assert "HTTPS_PROXY" in error.advice()


# --- certificates ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine from an authority made for the test, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and it is not here")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=corp "
        "-addext subjectAltName=IP:127.0.0.1".split(),
        check=True,
        capture_output=True,
    )
    return certificate, key


def asked_over_tls(
    files: tuple[Path, Path], clock: FakeClock, site: SiteRef, environ: dict[str, str], host: str = "127.0.0.1"
) -> tuple[ApiError, int]:
    """The error of a read from a server that answers 403 to everything, and how often it was connected to."""
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 403 No\r\ncontent-length: 15\r\n\r\n{"message":"x"}')
        await writer.drain()
        writer.close()

    async def ask() -> ApiError:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        address = f"https://{host}:{server.sockets[0].getsockname()[1]}"
        async with client_to(address, clock, environ) as client:
            with pytest.raises(ApiError) as caught:
                await client.endpoints.settings(site)
        server.close()
        await server.wait_closed()
        return caught.value

    return asyncio.run(ask()), connections


def test_a_certificate_that_is_not_trusted_says_what_to_set_and_is_not_tried_again(
    server_files: tuple[Path, Path], clock: FakeClock, site: SiteRef
) -> None:
    error, _ = asked_over_tls(server_files, clock, site, {})
    assert (error.kind, error.sent, error.lasting) == (ErrorKind.NETWORK, False, True)
    assert "the server's certificate is not trusted: self-signed certificate" in str(error)
    assert "set SSL_CERT_FILE to the file with its CA certificate" in str(error)
    assert clock.slept == []


def test_a_certificate_of_another_host_is_not_fixed_by_trusting_it(
    server_files: tuple[Path, Path], clock: FakeClock, site: SiteRef
) -> None:
    trusted = {"SSL_CERT_FILE": str(server_files[0])}
    error, connections = asked_over_tls(server_files, clock, site, trusted, "localhost")
    assert (error.kind, error.sent, error.lasting, connections) == (ErrorKind.NETWORK, False, True, 0)
    assert "the server's certificate is for another host" in str(error)
    assert error.advice() == "check the API's URL; if a proxy responds in its place, list the host in NO_PROXY"


@pytest.mark.parametrize(("code", "what"), [(9, "is not valid yet"), (10, "has expired")])
def test_a_certificate_out_of_date_says_to_look_at_the_clock(code: int, what: str) -> None:
    wrong = ssl.SSLCertVerificationError()
    wrong.verify_code = code
    error = untrusted(wrong)
    assert str(error) == f"the server's certificate {what}"
    assert Surroundings().cure(error).startswith("check this machine's clock")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_usual_variables_name_the_certificates_to_trust(
    server_files: tuple[Path, Path], clock: FakeClock, site: SiteRef, variable: str
) -> None:
    error, connections = asked_over_tls(server_files, clock, site, {variable: str(server_files[0])})
    assert (error.status, connections) == (403, 1)


def a_file(folder: Path) -> str:
    (folder / "empty.pem").touch()
    return str(folder / "empty.pem")


def no_certificate(folder: Path) -> str:
    (folder / "words.pem").write_text("no certificate")
    return str(folder / "words.pem")


@pytest.mark.parametrize(
    ("variable", "place", "what"),
    [
        ("SSL_CERT_FILE", lambda folder: str(folder / "missing.pem"), "does not exist"),
        ("SSL_CERT_FILE", str, "is a folder"),
        ("SSL_CERT_FILE", a_file, "is empty"),
        ("SSL_CERT_FILE", no_certificate, "contains no readable certificate"),
        ("SSL_CERT_FILE", lambda _: "/dev/null", "is not a regular file"),
        ("REQUESTS_CA_BUNDLE", lambda folder: str(folder / "missing.pem"), "does not exist"),
        ("REQUESTS_CA_BUNDLE", str, "is an empty folder"),
        ("SSL_CERT_DIR", a_file, "is not a folder"),
        ("SSL_CERT_DIR", str, "is an empty folder"),
        ("SSL_CERT_DIR", lambda folder: str(folder / "missing"), "does not exist"),
        ("SSL_CERT_DIR", lambda folder: f"{Path(a_file(folder)).parent}:{folder / 'missing'}", "does not exist"),
        ("SSLKEYLOGFILE", lambda folder: str(folder / "missing" / "keys.log"), "cannot be written"),
    ],
    ids=range(12),
)
def test_certificates_that_cannot_be_read_are_an_error_before_any_request_that_names_the_variable(
    clock: FakeClock, tmp_path: Path, variable: str, place: Callable[[Path], str], what: str
) -> None:
    with pytest.raises(UsageError, match=f"{variable}=.* {what}"):
        client_to("https://127.0.0.1:9", clock, {variable: place(tmp_path)})


@pytest.fixture
def cas(server_files: tuple[Path, Path], tmp_path: Path) -> Path:
    """A folder with the certificate of the server, as `openssl rehash` prepares it."""
    (tmp_path / "cas").mkdir()
    shutil.copy(server_files[0], tmp_path / "cas")
    subprocess.run(["openssl", "rehash", tmp_path / "cas"], check=True)
    return tmp_path / "cas"


def test_folders_of_certificates_are_trusted_in_addition(
    server_files: tuple[Path, Path], cas: Path, clock: FakeClock, site: SiteRef
) -> None:
    public = certifi.where()
    (cas.parent / "more").mkdir()
    (cas.parent / "more" / "notes.txt").touch()
    for environ in (
        {"SSL_CERT_DIR": str(cas)},
        {"SSL_CERT_DIR": f"{cas.parent / 'more'}{os.pathsep}{cas}"},
        {"SSL_CERT_FILE": public, "SSL_CERT_DIR": str(cas)},
        {"REQUESTS_CA_BUNDLE": public, "SSL_CERT_DIR": str(cas)},
        {"SSL_CERT_FILE": str(server_files[0]), "REQUESTS_CA_BUNDLE": "/missing", "SSL_CERT_DIR": str(cas)},
        {"SSL_CERT_FILE": "", "REQUESTS_CA_BUNDLE": str(cas), "SSL_CERT_DIR": ""},
    ):
        error, connections = asked_over_tls(server_files, clock, site, environ)
        assert (error.status, connections) == (403, 1), environ


@pytest.mark.parametrize("file", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_folder_of_certificates_that_does_not_exist_is_named_although_a_file_is(
    clock: FakeClock, tmp_path: Path, file: str
) -> None:
    environ = {file: certifi.where(), "SSL_CERT_DIR": str(tmp_path / "missing")}
    with pytest.raises(UsageError, match=r"SSL_CERT_DIR=.*missing does not exist") as caught:
        client_to("https://127.0.0.1:9", clock, environ)
    assert caught.value.fix == "set it to a folder of CA certificates, or unset it"


def test_a_folder_without_the_certificate_says_how_to_add_it(
    server_files: tuple[Path, Path], clock: FakeClock, site: SiteRef, tmp_path: Path
) -> None:
    (tmp_path / "server.pem").write_bytes(server_files[0].read_bytes())
    error, _ = asked_over_tls(server_files, clock, site, {"SSL_CERT_DIR": str(tmp_path)})
    assert error.advice() == (
        f"add the CA certificate of this server to {tmp_path}, which SSL_CERT_DIR names, and run: "
        f"openssl rehash {shlex.quote(str(tmp_path))}"
    )


def test_a_key_log_that_cannot_be_written_is_named_over_plain_http_too(clock: FakeClock, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"SSLKEYLOGFILE=.* cannot be written"):
        client_to("http://127.0.0.1:9", clock, {"SSLKEYLOGFILE": str(tmp_path / "missing" / "keys.log")})


def test_over_plain_http_certificates_do_not_matter(clock: FakeClock) -> None:
    client_to("http://127.0.0.1:9", clock, {"SSL_CERT_FILE": "missing.pem"})
