"""The proxy of the sandbox: which hosts it lets through, and that a command has no other way out."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from claw_lsp.adapters.sandbox.proxy import Gate, Proxy
from tests.security.sandbox_desk import PYTHON, Desk, needs_bwrap, sandboxed


@pytest.mark.parametrize(
    ("host", "port", "allowed", "denied", "admitted"),
    [
        ("example.com", 443, ["example.com"], [], True),
        ("EXAMPLE.com.", 443, ["example.com"], [], True),
        ("example.com", 80, ["Example.COM"], [], True),
        ("example.com", 22, ["example.com"], [], False),
        ("example.com", 8443, ["example.com:8443"], [], True),
        ("example.com", 443, ["example.com:8443"], [], False),
        ("a.example.com", 443, ["example.com"], [], False),
        ("a.example.com", 443, ["*.example.com"], [], True),
        ("a.b.example.com", 443, ["*.example.com"], [], True),
        ("example.com", 443, ["*.example.com"], [], False),
        ("evilexample.com", 443, ["*.example.com", "example.com"], [], False),
        ("example.com.evil.example", 443, ["*.example.com", "example.com"], [], False),
        ("bücher.example", 443, ["xn--bcher-kva.example"], [], True),
        ("xn--bcher-kva.example", 443, ["bücher.example"], [], True),
        ("exаmple.com", 443, ["example.com"], [], False),
        ("a.example.com", 443, ["*.example.com"], ["a.example.com"], False),
        ("a.example.com", 443, ["*"], ["*.example.com"], False),
        ("example.com", 443, ["*"], ["example.com:80"], False),
        ("other.example", 443, ["*"], ["*.example.com"], True),
        ("", 443, ["*"], [], False),
        ("a b", 443, ["*"], [], False),
        ("a%00b.example.com", 443, ["*.example.com"], [], False),
        ("a\r\nb.example.com", 443, ["*.example.com"], [], False),
        ("::1", 8080, ["[::1]:8080"], [], True),
        ("example.com", 443, ["*.", "", ":443", "https://example.com"], [], False),
    ],
)
def test_hosts_are_compared_whole(
    host: str, port: int, allowed: list[str], denied: list[str], *, admitted: bool
) -> None:
    assert Gate(tuple(allowed), tuple(denied)).admits(host, port) == admitted


@pytest.mark.security_case("W10")
def test_a_nul_in_a_host_ends_nothing() -> None:
    assert not Gate(("*.google.com",)).admits("evil.example\0.google.com", 443)
    assert not Gate(("*",)).admits("evil.example\0.google.com", 443)


@pytest.mark.security_case("W11")
def test_an_empty_list_lets_nothing_through() -> None:
    assert not Gate(()).admits("evil.example", 443)


# ---- the proxy over real sockets -----------------------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Answers with the request it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.requestline}\n{self.headers}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    await asyncio.to_thread(server.shutdown)
    server.server_close()
    thread.join()


@asynccontextmanager
async def proxying(proxy: Proxy) -> AsyncGenerator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, request: str) -> str:
    """Everything that comes back for these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode("latin-1"))
    answer = await reader.read()
    writer.close()
    return answer.decode("latin-1")


async def test_a_host_that_is_named_is_reached_both_ways(echo: int) -> None:
    proxy = Proxy(Gate((f"localhost:{echo}",)))
    async with proxying(proxy) as port:
        answer = await said(
            port,
            f"GET http://localhost:{echo}/a?b HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: x\r\nX: y\r\n\r\n",
        )
        assert answer.startswith("HTTP/1.1 200")
        assert answer.partition("\r\n\r\n")[2] == (
            f"GET /a?b HTTP/1.1\nHost: localhost:{echo}\nConnection: close\nX: y\n\n"
        )
        got = await asyncio.to_thread(_by_connect, port, echo)
        assert got.startswith("GET /tunnel HTTP/1.1\n")
    assert proxy.refused == set()


def _by_connect(port: int, echo: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.set_tunnel("localhost", echo)
    connection.request("GET", "/tunnel")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        (("*",), "127.0.0.1"),
        (("*.example.com:80",), "10.0.0.1"),
        (("*",), "169.254.169.254"),
        (("inner.example.com",), "169.254.169.254"),
        (("*",), "::1"),
        (("*",), "fd00::1"),
    ],
)
async def test_a_name_that_leads_into_a_private_network_is_refused(allowed: tuple[str, ...], address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]

    proxy = Proxy(Gate(allowed), resolve)
    async with proxying(proxy) as port:
        answer = await said(port, "CONNECT inner.example.com:80 HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 403")
    assert proxy.refused == {"inner.example.com:80"}


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("CONNECT evil.example:443 HTTP/1.1", "403"),
        ("GET http://evil.example/ HTTP/1.1", "403"),
        ("GET http://good.example@evil.example/ HTTP/1.1", "400"),
        ("CONNECT good.example@evil.example:443 HTTP/1.1", "400"),
        ("CONNECT evil.example\0.good.example:443 HTTP/1.1", "403"),
        ("CONNECT good.example HTTP/1.1", "400"),
        ("CONNECT good.example:443/x HTTP/1.1", "400"),
        ("GET ftp://good.example/ HTTP/1.1", "400"),
        ("GET / HTTP/1.1", "400"),
        ("GET http://good.example:99999/ HTTP/1.1", "400"),
        ("nonsense", "400"),
    ],
)
async def test_every_other_request_is_refused(request_line: str, status: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    async with proxying(Proxy(Gate(("good.example", "*.good.example")), resolve)) as port:
        assert (await said(port, f"{request_line}\r\nHost: good.example\r\n\r\n")).startswith(f"HTTP/1.1 {status}")


# ---- out of a real sandbox -----------------------------------------------------------------------------------------

GET = f"""{PYTHON} -c 'import urllib.request as r; print(r.urlopen("{{url}}", timeout=10).read().decode())'"""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with sandboxed() as it:
        yield it


@needs_bwrap
async def test_a_command_reaches_the_hosts_that_are_named_and_no_other(desk: Desk, echo: int) -> None:
    more = {"sandbox.network.allowedDomains": [f"here.example:{echo}"], "sandbox.network.deniedDomains": ["x.example"]}
    ran = await desk.run(GET.format(url=f"http://there.example:{echo}/"), more=more)
    assert ran.code == 1
    assert "403" in ran.output
    assert ran.output.endswith(
        f"[The sandbox let nothing through to there.example:{echo}: sandbox.network.allowedDomains does not name it. "
        "The person can add it there.]"
    )
    by_itself = f"no_proxy='*' {GET.format(url=f'http://127.0.0.1:{echo}/')}"
    assert (await desk.run(by_itself, more=more)).code == 1
    named = await desk.run(
        f"http_proxy=$http_proxy no_proxy= {GET.format(url=f'http://localhost:{echo}/in?side')}",
        more={"sandbox.network.allowedDomains": [f"localhost:{echo}"]},
    )
    assert named.output.startswith("GET /in?side HTTP/1.1\n")


@needs_bwrap
async def test_a_proxy_of_the_persons_own_takes_the_place_of_ours(desk: Desk, echo: int) -> None:
    ran = await desk.run(GET.format(url="http://any.example/x"), more={"sandbox.network.httpProxyPort": echo})
    assert ran.output.startswith("GET http://any.example/x HTTP/1.1\n")


@needs_bwrap
async def test_nothing_of_ours_is_left_in_a_command_that_may_reach_a_host(desk: Desk) -> None:
    more = {"sandbox.network.allowedDomains": ["example.com"]}
    ran = await desk.run("cat /proc/[0-9]*/comm; ls /proc/self/fd; exit 4", more=more)
    assert ran.code == 4
    assert sorted(ran.output.split()) == sorted(["bwrap", "bash", "0", "1", "2", "3", "199"])


@needs_bwrap
async def test_many_connections_at_once_come_through_and_end_with_the_command(desk: Desk, echo: int) -> None:
    program = (
        "import threading, urllib.request as r\n"
        f"def get(): assert r.urlopen('http://localhost:{echo}/', timeout=15).read()\n"
        "them = [threading.Thread(target=get) for _ in range(20)]\n"
        "[it.start() for it in them]; [it.join() for it in them]; print('done')"
    )
    (desk.ws / "many.py").write_text(program)
    ran = await desk.run(f"no_proxy= {PYTHON} many.py", more={"sandbox.network.allowedDomains": [f"localhost:{echo}"]})
    assert ran.output.endswith("done\n")


@needs_bwrap
async def test_a_unix_socket_that_is_named_is_reached_and_those_of_the_machine_are_not_seen(desk: Desk) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.close()

    folder = Path(tempfile.mkdtemp())
    servers = [await asyncio.start_unix_server(hear, str(folder / name)) for name in ("named", "other")]
    program = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b'hello\\n')"
    more = {"sandbox.network.allowUnixSockets": [str(folder / "named")]}
    for name in ("named", "other"):
        await desk.run(f'{PYTHON} -c "{program}" {folder}/{name}', more=more)
    for it in servers:
        it.close()
    shutil.rmtree(folder)
    assert heard == [b"hello\n"]


@needs_bwrap
async def test_what_is_cancelled_while_its_walls_are_raised_leaves_nothing(desk: Desk) -> None:
    making = asyncio.create_task(desk.sandbox.confine(desk.sandboxed(), desk.ground))
    await asyncio.sleep(0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    await desk.sandbox.settled()
    assert not (desk.ws / ".idea").exists()
