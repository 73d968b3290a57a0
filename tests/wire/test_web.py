"""HttpWeb over a real loopback server: what is followed, what is refused, where it really connects."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from claw_lsp.adapters.web import HttpWeb
from claw_lsp.core.web_address import normal_url, refusal
from claw_lsp.facts.fault import ToolError
from claw_lsp.ports.world import Page


class Site:
    """A tiny HTTP server: `answers` maps a path to status, headers and body; `asked` are the request heads it saw."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            path = head.split(" ")[1]
            if path == "/silent":
                await reader.read()
                return
            status, headers, body = self.answers.get(path, (404, {}, b"nothing here"))
            lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
            lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    it = Site()
    await it.open()
    yield it
    await it.close()


def says(*addresses: str) -> tuple[list[str], Callable[[str, int], object]]:
    """A look-up that answers with one list of addresses after the other, and the hosts it was asked for."""
    hosts: list[str] = []
    left = list(addresses)

    async def resolve(host: str, port: int) -> list[str]:
        hosts.append(host)
        return (left.pop(0) if len(left) > 1 else left[0]).split()

    return hosts, resolve


async def test_a_page_comes_with_its_type_and_body(site: Site) -> None:
    site.answers["/a"] = (200, {"Content-Type": "text/plain; charset=utf-8"}, "grüße".encode())
    page = await HttpWeb().get(site.url("/a#part"), allow_private=True)
    assert page == Page(site.url("/a"), 200, "text/plain; charset=utf-8", "grüße".encode())


async def test_compressed_pages_are_unpacked(site: Site) -> None:
    site.answers["/z"] = (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(b"packed"))
    assert (await HttpWeb().get(site.url("/z"), allow_private=True)).body == b"packed"


async def test_redirects_on_the_same_host_are_followed(site: Site) -> None:
    site.answers["/one"] = (302, {"Location": "/two"}, b"")
    site.answers["/two"] = (301, {"Location": site.url("/three")}, b"")
    site.answers["/three"] = (200, {}, b"here")
    page = await HttpWeb().get(site.url("/one"), allow_private=True)
    assert (page.url, page.body, page.redirect) == (site.url("/three"), b"here", None)


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "https://evil.example/x", "http://127.0.0.1:1/", "//other.example/y"],
)
async def test_w03_a_redirect_to_another_place_is_a_new_decision(site: Site, target: str) -> None:
    site.answers["/r"] = (302, {"Location": target}, b"")
    page = await HttpWeb().get(site.url("/r"), allow_private=True)
    assert (page.status, page.redirect) == (302, normal_url(target if "://" in target else f"http:{target}"))
    assert len(site.asked) == 1


async def test_a_redirect_to_a_file_is_refused(site: Site) -> None:
    site.answers["/f"] = (302, {"Location": "file:///etc/passwd"}, b"")
    with pytest.raises(ToolError, match="Only http and https"):
        await HttpWeb().get(site.url("/f"), allow_private=True)


async def test_redirects_without_end_are_given_up(site: Site) -> None:
    site.answers["/loop"] = (302, {"Location": "/loop"}, b"")
    with pytest.raises(ToolError, match="redirected more than 5 times"):
        await HttpWeb().get(site.url("/loop"), allow_private=True)
    assert len(site.asked) == 6


async def test_w04_private_addresses_are_refused_unless_allowed(site: Site) -> None:
    site.answers["/"] = (200, {}, b"inside")
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"):
        with pytest.raises(ToolError, match="private or local address"):
            await HttpWeb().get(site.url("/", host), allow_private=False)
    assert site.asked == []
    assert (await HttpWeb().get(site.url("/", "localhost"), allow_private=True)).body == b"inside"


async def test_w05_one_bad_address_among_several_refuses_the_host(site: Site) -> None:
    hosts, resolve = says("93.184.216.34 127.0.0.1")
    with pytest.raises(ToolError, match=r"rebind\.example is not fetched: 127\.0\.0\.1 is a private"):
        await HttpWeb(resolve=resolve).get(site.url("/", "rebind.example"), allow_private=False)
    assert (hosts, site.asked) == (["rebind.example"], [])


async def test_w05_the_address_that_was_checked_is_the_one_connected_to(site: Site) -> None:
    site.answers["/"] = (200, {}, b"the checked one")
    hosts, resolve = says("127.0.0.1", "203.0.113.1")
    page = await HttpWeb(resolve=resolve).get(site.url("/", "first.example"), allow_private=True)
    assert (page.body, hosts) == (b"the checked one", ["first.example"])
    assert f"Host: first.example:{site.port}\r\n" in site.asked[0]


async def test_tls_is_spoken_to_the_name_and_not_to_the_address() -> None:
    hello = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.set_result(await reader.read(4_096))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, resolve = says("127.0.0.1")
    with pytest.raises(ToolError, match=r"secure\.example could not be fetched"):
        await HttpWeb(resolve=resolve).get(f"https://secure.example:{port}/", allow_private=True)
    assert b"secure.example" in await hello
    server.close()
    await server.wait_closed()


async def test_a_redirect_is_looked_up_and_checked_again(site: Site) -> None:
    site.answers["/one"] = (302, {"Location": "/two"}, b"")
    _, resolve = says("127.0.0.1", "169.254.169.254")
    with pytest.raises(ToolError, match="credentials of a cloud machine"):
        await HttpWeb(resolve=resolve).get(site.url("/one", "turns.example"), allow_private=True)
    assert len(site.asked) == 1


async def test_a_page_over_the_size_limit_is_refused_packed_or_not(site: Site) -> None:
    site.answers["/big"] = (200, {}, b"x" * 20_001)
    site.answers["/bomb"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 5_000_000))
    for path in ("/big", "/bomb"):
        with pytest.raises(ToolError, match="larger than"):
            await HttpWeb(size=20_000).get(site.url(path), allow_private=True)


async def test_a_host_that_does_not_answer_is_given_up_in_time(site: Site) -> None:
    with pytest.raises(ToolError, match=r"did not answer whole within 0\.2 s"):
        await HttpWeb(seconds=0.2).get(site.url("/silent"), allow_private=True)


async def test_what_cannot_be_reached_is_a_sentence() -> None:
    _, resolve = says("127.0.0.1")
    with pytest.raises(ToolError, match=r"nobody\.example could not be fetched"):
        await HttpWeb(resolve=resolve).get("http://nobody.example:1/", allow_private=True)
    with pytest.raises(ToolError, match="could not be looked up"):
        await HttpWeb().get("http://nobody.invalid/", allow_private=False)


async def test_no_proxy_or_credential_of_the_environment_is_used(site: Site) -> None:
    site.answers["/"] = (200, {}, b"direct")
    program = (
        "import asyncio, sys\nfrom claw_lsp.adapters.web import HttpWeb\n"
        "print(asyncio.run(HttpWeb().get(sys.argv[1], allow_private=True)).body)"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        site.url("/"),
        cwd=Path(__file__).parents[2],
        env={"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"},
        stdout=subprocess.PIPE,
    )
    out, _ = await child.communicate()
    assert out == b"b'direct'\n"
    assert "authorization" not in site.asked[0].lower()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "Only http and https"),
        ("ftp://example.com/", "Only http and https"),
        ("example.com", "without a scheme"),
        ("https://docs.python.org@evil.example/", "names a user"),
        ("https://user:pw@example.com/", "names a user"),
        ("https://evil.example\0.google.com/", "control characters"),
        ("https://evil.example\\@good.example/", "backslashes"),
        ("https://a b/", "spaces"),
        ("https:///path", "names no host"),
        ("https://example.com:99999/", "is not a URL"),
        ("https://[::1/", "is not a URL"),
        ("https://a%00b/", "names no host"),
    ],
)
def test_w02_w09_w10_urls_that_are_refused(url: str, why: str) -> None:
    with pytest.raises(ToolError, match=why):
        normal_url(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://EVIL.example./", "https://evil.example/"),
        ("HTTPS://DOCS.python.org:443/3/?q=1#top", "https://docs.python.org/3/?q=1"),
        ("http://bücher.example", "http://xn--bcher-kva.example/"),
        ("http://BÜCHER.example:8080/ü", "http://xn--bcher-kva.example:8080/ü"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://ｅｘａｍｐｌｅ。com/", "http://example.com/"),
    ],
)
def test_w08_w12_urls_have_one_form(url: str, normal: str) -> None:
    assert normal_url(url) == normal
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.1.1 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 192.0.2.1
    ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1::
    169.254.169.254 ::ffff:169.254.169.254 fd00:ec2::254""".split(),
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert refusal(address, allow_private=False) is not None


def test_metadata_stays_refused_when_private_is_allowed_and_public_is_free() -> None:
    assert refusal("169.254.169.254", allow_private=True) is not None
    assert refusal("::ffff:169.254.169.254", allow_private=True) is not None
    assert [refusal(it, allow_private=True) for it in ("127.0.0.1", "10.0.0.1", "fe80::1")] == [None] * 3
    assert [refusal(it, allow_private=False) for it in ("93.184.216.34", "2606:4700::1111")] == [None] * 2
