"""Logging in to MCP servers over real HTTP: an authorization server of ours, a browser of ours, and the files that are kept."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest

from claw_lsp.adapters.mcp.callback import Callback, listening
from claw_lsp.adapters.mcp.headers import headers_of
from claw_lsp.adapters.mcp.logins import McpLogins
from claw_lsp.adapters.mcp.oauth import ServerAuth, connecting
from claw_lsp.adapters.mcp.tokens import FILE, Login, LoginStore
from claw_lsp.core.policy.paths import secret
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import OAuthSettings, ServerConfig
from tests.wire.oauth_desk import Browser, Desk, serving


class Ring:
    """A keyring in memory; one that is `broken` keeps nothing."""

    def __init__(self, *, broken: bool = True) -> None:
        self.broken = broken
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, secret: str) -> bool:
        if not self.broken:
            self.kept[name] = secret
        return not self.broken

    def remove(self, name: str) -> None:
        self.kept.pop(name, None)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with serving(Desk()) as it:
        yield it


@pytest.fixture
def store(tmp_path: Path) -> LoginStore:
    return LoginStore(str(tmp_path), Ring())


def entry(desk: Desk, **more: object) -> ServerConfig:
    oauth = OAuthSettings.model_validate(more) if more else None
    return ServerConfig(name="db", scope="user", transport="http", url=desk.url, oauth=oauth)


async def asked(config: ServerConfig, store: LoginStore) -> tuple[int, ServerAuth]:
    """What a connection is answered, with whatever login is kept."""
    auth = await asyncio.to_thread(connecting, config, store)
    async with httpx2.AsyncClient(auth=auth, trust_env=False) as web:
        return (await web.post(config.url, json={})).status_code, auth


async def test_a_login_is_found_made_kept_and_used(desk: Desk, store: LoginStore, tmp_path: Path) -> None:
    config, browser = entry(desk), Browser()
    status, auth = await asked(config, store)
    assert (status, auth.needs_login, desk.log) == (401, True, ["mcp without"]), "nothing is begun by a connection"
    assert await McpLogins(store, {}).login(config, browser.visit) == "You are logged in to db."
    [said] = desk.asked
    assert said["redirect_uri"].startswith("http://127.0.0.1:")
    assert (said["code_challenge_method"], said["resource"], said["scope"]) == ("S256", desk.url, "read write")
    refused, welcome = browser.answers[1:]
    assert (refused.status_code, welcome.status_code) == (400, 200)
    assert "You are logged in" in welcome.text
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    status, auth = await asked(config, store)
    assert (status, auth.needs_login) == (200, False)
    answer = await McpLogins(store, {}).login(config, browser.visit)
    assert answer == "db answers without a new login (HTTP 200)."
    assert len(desk.asked) == 1


async def test_a_login_that_ended_is_renewed_where_the_server_says_so(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    desk.lasts = 1
    await McpLogins(store, {}).login(config, Browser().visit)
    kept = await asyncio.to_thread(store.get, config)
    assert kept is not None and kept.ends is not None
    await asyncio.to_thread(store.put, config, kept.model_copy(update={"ends": 1.0}))
    desk.tokens.clear()
    desk.log.clear()
    status, _ = await asked(config, store)
    assert (status, desk.log[0]) == (200, "token refresh_token")
    again = await asyncio.to_thread(store.get, config)
    assert again is not None and again.tokens is not None and kept.tokens is not None
    assert again.tokens["refresh_token"] != kept.tokens["refresh_token"], "what is renewed is kept for the next process"


async def test_a_login_without_an_end_is_renewed_once_it_is_refused(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    desk.lasts = None
    await McpLogins(store, {}).login(config, Browser().visit)
    desk.tokens.clear()
    desk.log.clear()
    status, _ = await asked(config, store)
    assert status == 200
    assert [it.split(" ")[0:2] for it in desk.log][1] == ["token", "refresh_token"]
    desk.tokens.clear()
    desk.renewals.clear()
    status, auth = await asked(config, store)
    assert (status, auth.needs_login) == (401, True)


async def test_what_another_process_renewed_is_taken_up(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    await McpLogins(store, {}).login(config, Browser().visit)
    mine = await asyncio.to_thread(connecting, config, store)
    kept = await asyncio.to_thread(store.get, config)
    assert kept is not None
    desk.tokens.clear()
    desk.renewals.clear()
    await asyncio.to_thread(store.put, config, kept.model_copy(update={"tokens": desk.issue()}))
    desk.log.clear()
    async with httpx2.AsyncClient(auth=mine, trust_env=False) as web:
        assert (await web.post(config.url, json={})).status_code == 200
    assert [it.split(" ")[0] for it in desk.log] == ["mcp", "mcp"], "nothing was renewed once more"


async def test_we_stay_known_by_the_port_we_registered_with_while_it_is_free(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    logins = McpLogins(store, {})
    await logins.login(config, Browser().visit)
    desk.tokens.clear()
    desk.renewals.clear()
    await logins.login(config, Browser().visit)
    assert (len(desk.clients), len({it["redirect_uri"] for it in desk.asked})) == (1, 1)
    desk.tokens.clear()
    desk.renewals.clear()
    port = int(desk.asked[0]["redirect_uri"].split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        await logins.login(config, Browser().visit)
    assert (len(desk.clients), len({it["redirect_uri"] for it in desk.asked})) == (2, 2)


async def test_the_entry_says_who_we_are_where_we_come_back_and_what_we_ask_for(desk: Desk, store: LoginStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = entry(desk, client_id="mine", callback_port=port, scopes=("read",))
        with pytest.raises(ClawError, match=f"Port {port} of this machine, where the login comes back, is taken"):
            await McpLogins(store, {}).login(config, Browser().visit)
    desk.registers = False
    desk.clients["mine"] = [f"http://localhost:{port}/callback"]
    assert await McpLogins(store, {}).login(config, Browser().visit) == "You are logged in to db."
    assert [(it["client_id"], it["scope"]) for it in desk.asked] == [("mine", "read")]
    assert (await asked(config, store))[0] == 200


async def test_a_server_that_wants_more_than_a_login_gives_gets_a_login_for_both(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    await McpLogins(store, {}).login(config, Browser().visit)
    desk.wants = "admin"
    status, auth = await asked(config, store)
    assert (status, auth.needs_login, desk.log[-1].split()[0]) == (403, True, "mcp"), "a new token would not do"
    assert await McpLogins(store, {}).login(config, Browser().visit) == "You are logged in to db."
    assert sorted(desk.asked[-1]["scope"].split()) == ["admin", "read", "write"]
    assert (await asked(config, store))[0] == 200


async def test_a_server_that_wants_a_login_only_for_its_tools_gets_one(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    assert (await asked(config, store))[0] == 401
    desk.open = True
    assert await McpLogins(store, {}).login(config, Browser().visit) == "You are logged in to db."
    desk.open = False
    assert (await asked(config, store))[0] == 200


async def test_a_client_id_may_have_a_secret(desk: Desk, store: LoginStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = entry(desk, client_id="mine", callback_port=port)
    desk.clients["mine"], desk.secret, logins = [f"http://localhost:{port}/callback"], "s3:cret", McpLogins(store, {})
    with pytest.raises(ClawError, match="invalid_client"):
        await logins.login(config, Browser().visit)
    desk.secret = "secret"
    await logins.keep_secret(config, "secret")
    assert await logins.login(config, Browser().visit) == "You are logged in to db."
    kept = await asyncio.to_thread(store.get, config)
    assert kept is not None
    await asyncio.to_thread(store.put, config, kept.model_copy(update={"ends": 1.0}))
    assert (await asked(config, store))[0] == 200, "it is renewed with the secret, too"
    with pytest.raises(ClawError, match="names no clientId"):
        await logins.keep_secret(entry(desk), "x")


async def test_the_entry_says_where_the_authorization_server_describes_itself(store: LoginStore) -> None:
    async with serving(Desk(well_known="/elsewhere", tells_resource=False)) as desk:
        config = entry(desk, auth_server_metadata_url=f"{desk.base}/elsewhere")
        assert await McpLogins(store, {}).login(config, Browser().visit) == "You are logged in to db."
        wrong = entry(desk, auth_server_metadata_url=f"{desk.base}/mcp")
        with pytest.raises(ClawError, match="describes no authorization server"):
            await McpLogins(store, {}).login(wrong, Browser().visit)


@pytest.mark.security_case("M03")
@pytest.mark.parametrize("page", ["a:$(touch p)?", "http://evil.example/authorize", "file:///etc/passwd", "ftp://x/y"])
async def test_only_pages_that_a_browser_may_be_shown_are_opened(desk: Desk, store: LoginStore, page: str) -> None:
    desk.authorize, browser = page, Browser()
    try:
        await McpLogins(store, {}).login(entry(desk), browser.visit)
    except ClawError:
        assert browser.pages == []
    # What is no web address at all is as if the server had named none: then its own is opened.
    assert all(it.startswith(f"{desk.base}/authorize?") for it in browser.pages)


async def test_a_login_that_is_refused_is_told_in_the_servers_words(desk: Desk, store: LoginStore) -> None:
    desk.refuses = "access_denied"
    with pytest.raises(ClawError, match="The authorization server refused the login: access_denied"):
        await McpLogins(store, {}).login(entry(desk), Browser().visit)
    assert (await asked(entry(desk), store))[0] == 401


async def test_a_login_that_nobody_answers_ends_with_its_cancellation(desk: Desk, store: LoginStore) -> None:
    shown: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def visit(url: str) -> None:
        shown.set_result(url)

    task = asyncio.create_task(McpLogins(store, {}).login(entry(desk), visit))
    async with asyncio.timeout(60):
        url = await shown
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    port = int(httpx2.URL(url).params["redirect_uri"].split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("registers", [True, False])
async def test_a_server_that_has_no_login_is_told(desk: Desk, store: LoginStore, registers: bool) -> None:
    desk.tells_resource, desk.well_known, desk.registers = False, "/nowhere", False
    desk.open = registers
    config = entry(desk)
    logins = McpLogins(store, {})
    if registers:
        assert await logins.login(config, Browser().visit) == "db answers without a new login (HTTP 200)."
    else:
        with pytest.raises(ClawError, match="The login to db failed:"):
            await logins.login(config.model_copy(update={"url": f"{desk.base}/mcp"}), Browser().visit)
    program = ServerConfig(name="p", scope="user", transport="stdio", command="x")
    with pytest.raises(ClawError, match="is a program on this machine"):
        await logins.login(program, Browser().visit)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ClawError, match="could not be reached for a login"):
        await logins.login(config.model_copy(update={"url": f"http://127.0.0.1:{port}/mcp"}), Browser().visit)


async def test_logging_out_forgets_the_login(desk: Desk, store: LoginStore) -> None:
    config = entry(desk)
    await McpLogins(store, {}).login(config, Browser().visit)
    assert await McpLogins(store, {}).logout(config)
    assert not await McpLogins(store, {}).logout(config)
    assert (await asked(config, store))[0] == 401


def test_a_login_belongs_to_the_address_it_was_made_for(store: LoginStore) -> None:
    config = ServerConfig(name="db", scope="user", transport="http", url="https://a.example/mcp")
    store.put(config, Login(tokens={"access_token": "t"}))
    assert store.get(config) == Login(tokens={"access_token": "t"})
    assert store.get(config.model_copy(update={"url": "https://evil.example/mcp"})) is None


def test_a_keyring_keeps_logins_where_there_is_one(tmp_path: Path) -> None:
    ring, config = Ring(), ServerConfig(name="db", scope="user", transport="http", url="https://a.example/mcp")
    store = LoginStore(str(tmp_path), ring)
    store.put(config, Login(tokens={"access_token": "old"}))
    ring.broken = False
    store.put(config, Login(tokens={"access_token": "new"}))
    assert json.loads((tmp_path / FILE).read_text()) == {}, "no second one stays behind in the file"
    assert store.get(config) == Login(tokens={"access_token": "new"})
    assert store.remove(config)
    assert (store.get(config), ring.kept) == (None, {})


def test_what_a_keyring_did_not_take_counts_before_what_it_kept_earlier(tmp_path: Path) -> None:
    ring, config = (
        Ring(broken=False),
        ServerConfig(name="db", scope="user", transport="http", url="https://a.example/mcp"),
    )
    store = LoginStore(str(tmp_path), ring)
    store.put(config, Login(tokens={"access_token": "old"}))
    ring.broken = True
    store.put(config, Login(tokens={"access_token": "renewed"}))
    assert store.get(config) == Login(tokens={"access_token": "renewed"})
    assert store.remove(config)
    assert (store.get(config), ring.kept) == (None, {})


def test_a_file_of_logins_that_others_can_read_is_not_used_and_one_that_is_broken_is_put_aside(tmp_path: Path) -> None:
    config = ServerConfig(name="db", scope="user", transport="http", url="https://a.example/mcp")
    store = LoginStore(str(tmp_path), Ring())
    store.put(config, Login(tokens={"access_token": "t"}))
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(ClawError, match=r"can be read by others.*chmod 600"):
        store.get(config)
    assert secret(f"/home/me/.claw/{FILE}") and secret(f"/home/me/.claw/{FILE}.bad-1")
    (tmp_path / FILE).write_text("{")
    (tmp_path / FILE).chmod(0o600)
    assert store.get(config) is None
    store.put(config, Login(ends=1.0))
    assert (store.get(config), (tmp_path / f"{FILE}.bad-1").read_text()) == (Login(ends=1.0), "{")


@pytest.mark.security_case("M04")
async def test_the_listener_hears_only_the_answer_it_waits_for() -> None:
    callback = Callback(80, asyncio.get_running_loop().create_future())
    callback.state = "s"

    def answered(line: str, host: str = "127.0.0.1:80") -> int:
        return callback.answer(f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n")[0]

    good = "GET /callback?code=c&state=s"
    assert answered(good, "evil.example") == 400
    assert answered(good.replace("GET", "POST")) == 400
    assert answered("GET /favicon.ico") == 404
    assert answered(good.replace("state=s", "state=t")) == 400
    assert answered(f"{good}&state=t") == 400
    assert not callback.came.done()
    assert answered(good, "LOCALHOST:80") == 200
    assert callback.came.result().code == "c"
    assert answered(good) == 400


async def test_the_listener_survives_whoever_does_not_speak_http() -> None:
    async with listening(0) as callback:
        for sent in (b"\x00" * 100_000, b"GET\r\n\r\n", b"", b"GET /callback HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", callback.port)
            writer.write(sent)
            writer.write_eof()
            try:
                answer = await reader.read()
            except OSError:
                answer = b""  # It hung up on what it would not read.
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
            writer.close()
        assert not callback.came.done()


HELPED = ServerConfig(name="h", scope="user", transport="http", url="https://h/mcp", headers={"A": "1", "B": "2"})


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('echo \'{"B": "3", "N": "\'$CLAW_MCP_SERVER_NAME\'"}\'', ""),
        ("exit 3", "failed with exit code 3"),
        ("echo sk-ant-secret", "must print one JSON object of headers"),
        ("echo '[1]'", "must print one JSON object"),
        ("echo '{\"A\": 1}'", "must print one JSON object"),
        ('echo \'{"A": "a\\nB: c"}\'', "must print one JSON object"),
        ("yes", "printed more than 64000 bytes"),
        ("sleep 60", "did not end within"),
        ("(sleep 60 &) ; echo '{}'", "did not end within"),
    ],
)
async def test_a_command_may_print_headers(command: str, said: str) -> None:
    config = HELPED.model_copy(update={"headers_helper": command})
    seconds = 0.3 if "sleep" in command else 30.0
    if not said:
        assert await headers_of(config, {}, seconds) == {"A": "1", "B": "3", "N": "h"}
        return
    with pytest.raises(ClawError, match=said) as caught:
        await headers_of(config, {"PATH": "/usr/bin:/bin"}, seconds)
    assert "secret" not in str(caught.value)


@pytest.mark.security_case("M05")
async def test_a_command_of_a_project_gets_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    command = 'printf \'{"K": "%s"}\' "$MY_API_KEY"'
    environment = {"MY_API_KEY": "k", "PATH": "/usr/bin:/bin"}
    own = HELPED.model_copy(update={"headers_helper": command, "headers": {}})
    assert await headers_of(own, environment) == {"K": "k"}
    assert await headers_of(own.model_copy(update={"scope": "project"}), environment) == {"K": ""}
