"""`claw-lsp mcp`: servers are added, told, approved and removed, and what is wrong is a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import Shell, heard, shell
from inline_snapshot import snapshot

from tests.wire.oauth_desk import Browser, Desk, serving


def written(it: Shell) -> tuple[Path, Path]:
    """The person's own file and the folder's."""
    return it.home / "claw" / "mcp.json", it.folder / ".mcp.json"


async def test_servers_are_added_told_and_removed(tmp_path: Path) -> None:
    it = shell(tmp_path)
    own, shared = written(it)
    shared.write_text('{\n    "mcpServers": {\n        "old": {"command": "o"}\n    },\n    "other":  [1,2]\n}\n')
    shared.chmod(0o640)
    ended = await it.claw("mcp", "add", "-s", "project", "-e", "A=b=c", "db", "--", "npx", "-y", "@x/db")
    assert (ended.code, ended.err) == (0, "")
    assert shared.read_text() == snapshot("""\
{
    "mcpServers": {
        "old": {"command": "o"},
        "db": {
            "type": "stdio",
            "command": "npx",
            "args": [
                "-y",
                "@x/db"
            ],
            "env": {
                "A": "b=c"
            }
        }
    },
    "other":  [1,2]
}
""")
    web = (
        "mcp",
        "add",
        "-t",
        "http",
        "-s",
        "user",
        "web",
        "https://w.example/mcp?key=1",
        "-H",
        "Authorization: Bearer abc",
    )
    assert (await it.claw(*web)).code == 0
    assert (own.stat().st_mode & 0o777, shared.stat().st_mode & 0o777) == (0o600, 0o640)
    told = await it.claw("mcp", "list", "--no-connect")
    assert told.out.replace(str(tmp_path), "…") == snapshot("""\
db (project, …/work/.mcp.json), stdio npx -y @x/db: not started
web (user, …/home/claw/mcp.json), http https://w.example/mcp: not started
old (project, …/work/.mcp.json), stdio o: waits for your yes: The folder's own files bring it (claw.mcp approves it, claw.trust all).
""")
    assert (await it.claw("mcp", "approve", "old")).code == 0
    found = (await it.claw("mcp", "list", "--no-connect", "--json")).json
    assert {one["name"]: one["standing"] for one in found["servers"]} == {
        "db": "waiting",
        "old": "waiting",
        "web": "waiting",
    }
    assert "abc" not in json.dumps(found) and "key=1" not in json.dumps(found)
    got = await it.claw("mcp", "get", "web", "--no-connect")
    assert "headers:    Authorization\n" in got.out and "abc" not in got.out
    assert (await it.claw("mcp", "remove", "db")).code == 0
    assert shared.read_text() == (
        '{\n    "mcpServers": {\n        "old": {"command": "o"}\n    },\n    "other":  [1,2]\n}\n'
    )


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("add", "x", "https://w"), 2, "is an address; say --transport http"),
        (("add", "-t", "http", "x", "npx"), 2, "wants an address"),
        (("add", "-H", "A: b", "x", "npx"), 2, "are for --transport http or sse"),
        (("add", "-e", "A", "x", "npx"), 2, "--env: expected NAME=VALUE, found 'A'"),
        (("add", "a b", "npx"), 1, "'a b' is no name for a server"),
        (("add-json", "x", "{"), 2, "mcp add-json: JSON"),
        (("add-json", "x", "[]"), 2, "expected an object"),
        (("add-json", "x", '{"url": "https://w"}'), 1, 'x.url: a url needs "type": "http"'),
        (
            ("add-json", "-s", "project", "x", '{"command": "a", "env": {"T": "ghp_0123456789abcdef"}}'),
            1,
            "write ${VARIABLE}",
        ),
        (("remove", "x"), 1, "No server x stands in our own file or a .mcp.json"),
        (("approve", "x"), 1, "No server x of a .mcp.json waits for your yes here"),
        (("get", "x"), 1, "There is no server x here"),
        (("login", "x"), 1, "There is no server x here; there are: none."),
        (("logout", "x"), 1, "There is no server x here"),
        ((), 2, "required: COMMAND"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, argv: tuple[str, ...], code: int, said: str) -> None:
    it = shell(tmp_path)
    ended = await it.claw("mcp", *argv)
    assert (ended.code, ended.out, said in ended.err) == (code, "", True), ended.err
    assert "Traceback" not in ended.err
    assert not any(path.exists() for path in written(it))


async def test_a_server_of_one_name_in_two_scopes_is_removed_from_the_one_that_is_named(tmp_path: Path) -> None:
    it = shell(tmp_path)
    for scope in ("local", "user"):
        assert (await it.claw("mcp", "add", "-s", scope, "x", "npx")).code == 0
    again = await it.claw("mcp", "add", "x", "npx")
    assert (again.code, "has a server x already; remove it first" in again.err) == (1, True)
    ended = await it.claw("mcp", "remove", "x")
    assert (ended.code, "say --scope local or --scope user" in ended.err) == (1, True)
    assert (await it.claw("mcp", "remove", "-s", "local", "x")).code == 0
    [left] = (await it.claw("mcp", "list", "--no-connect", "--json")).json["servers"]
    assert left["scope"] == "user"


async def test_what_cannot_be_approved_is_added_all_the_same_and_says_so(tmp_path: Path) -> None:
    it = shell(tmp_path)
    ended = await it.claw("mcp", "add", "-s", "project", "--cwd", str(it.home), "x", "npx")
    assert (ended.code, ended.err) == (0, "")
    assert "It is not approved: No server x of a .mcp.json waits for your yes here" in ended.out
    assert (it.home / ".mcp.json").exists()


async def test_a_file_that_is_broken_is_told_at_its_place_and_left_as_it_is(tmp_path: Path) -> None:
    it = shell(tmp_path)
    _, shared = written(it)
    shared.write_text('{"mcpServers": {\n')
    ended = await it.claw("mcp", "add", "-s", "project", "x", "npx")
    assert (ended.code, "is not valid JSON" in ended.err) == (1, True)
    told = await it.claw("mcp", "list", "--no-connect")
    assert (told.code, told.out) == (0, "No MCP server is configured (claw-lsp mcp add --help).\n")
    assert f"{shared}:2:1: This is not valid JSON" in told.err
    assert shared.read_text() == '{"mcpServers": {\n'


async def test_one_logs_in_on_a_page_that_is_printed_and_out_again(tmp_path: Path) -> None:
    async with serving(Desk()) as desk:
        it = shell(tmp_path)
        assert (await it.claw("mcp", "add", "-t", "http", "web", desk.url)).code == 0
        process = await it.start("mcp", "login", "web")
        assert process.stdout is not None
        page = (await heard(process.stdout, f"{desk.base}/authorize")).splitlines()[-1]
        browser = Browser()
        await browser.visit(page)
        out, err = await process.communicate()
        assert (process.returncode, out.decode(), err.decode()) == (0, "You are logged in to web.\n", "")
        assert (it.home / "claw" / "mcp-logins.json").stat().st_mode & 0o777 == 0o600
        assert (await it.claw("mcp", "logout", "web")).out == "The login to web is forgotten.\n"
        assert (await it.claw("mcp", "logout", "web")).out == "There was no login to web.\n"


async def test_a_login_that_is_refused_is_a_sentence(tmp_path: Path) -> None:
    async with serving(Desk(refuses="access_denied")) as desk:
        it = shell(tmp_path)
        await it.claw("mcp", "add", "-t", "http", "web", desk.url)
        process = await it.start("mcp", "login", "web")
        await Browser().visit((await heard(process.stdout, f"{desk.base}/authorize")).splitlines()[-1])
        _, err = await process.communicate()
        assert process.returncode == 1
        assert err.decode() == "claw-lsp: The authorization server refused the login: access_denied.\n"


SERVER = """
import sys
from mcp.server import MCPServer
server = MCPServer("small")

@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

@server.prompt()
def greet(name: str) -> str:
    return f"Hello {name}"

server.run("stdio")
"""


@pytest.mark.timeout(300)
async def test_servers_are_connected_to_side_by_side_and_each_says_how_it_is(tmp_path: Path) -> None:
    async with serving(Desk()) as desk:
        it = shell(tmp_path)
        (it.folder / "small.py").write_text(SERVER)
        loud = "import sys; print('no key for you', file=sys.stderr); sys.exit(3)"
        for name, entry in {
            "small": {"command": sys.executable, "args": ["small.py"]},
            "loud": {"command": sys.executable, "args": ["-c", loud]},
            "none": {"command": "/no/such/program"},
            "web": {"type": "http", "url": desk.url},
            "gone": {"type": "http", "url": "http://127.0.0.1:9/mcp"},
        }.items():
            assert (await it.claw("mcp", "add-json", name, json.dumps(entry))).code == 0
        ended = await it.claw("mcp", "list", "--json", "--timeout", "120")
        assert (ended.code, ended.err) == (0, "")
        found = {one["name"]: one for one in ended.json["servers"]}
        assert {name: one["standing"] for name, one in found.items()} == {
            "small": "up",
            "loud": "failed",
            "none": "failed",
            "web": "login",
            "gone": "failed",
        }
        assert (found["small"]["tools"], found["small"]["prompts"]) == (["add"], ["greet"])
        assert found["loud"]["log"] == ["no key for you"]
        assert "/no/such/program could not be started: No such file or directory" in found["none"]["why"]
        assert found["web"]["why"].startswith("It wants a login: `claw-lsp mcp login web`")
        assert "127.0.0.1" in found["gone"]["why"] or "connect" in found["gone"]["why"].lower()
        process = await it.start("mcp", "login", "web")
        await Browser().visit((await heard(process.stdout, f"{desk.base}/authorize")).splitlines()[-1])
        await process.communicate()
        got = await it.claw("mcp", "get", "web", "--timeout", "120")
        assert "standing:   up\n" in got.out and "tools:      ask\n" in got.out


async def test_doctor_says_what_is_configured_and_what_is_wrong(tmp_path: Path) -> None:
    it = shell(tmp_path, "http://127.0.0.1:9")
    own, shared = written(it)
    assert "mcp        no MCP server is configured\n" in (await it.claw("doctor")).out
    shared.write_text('{"mcpServers": {"x": {"command": "a"}, "bad": {"url": "b"}}}')
    own.parent.mkdir()
    own.write_text('{"mcpServers": {"db": {"command": "c"}}}')
    ended = await it.claw("doctor")
    assert (
        f"missing  mcp        not started: db; waits for your yes: x; failed: bad. 1 problem, the first in {shared}:1:"
        in ended.out
    )
    assert ended.code == 0
