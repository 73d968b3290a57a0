"""`claw.mcp`: the servers as a document, and what is done about one from there; the servers themselves are of this test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, visiting
from test_door_chat import chat, sends
from test_door_hook_events import heard, noting
from test_door_hooks import command, configure

from claw_lsp.facts.mcp import PromptArgument, ServerPrompt, ServerResource, ServerTool, ServerView
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.wire import WireError
from tests.wire.oauth_desk import Browser, Desk, serving


class Views:
    """As much of the port Servers as the page needs: servers that are up once they were configured."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.log: list[str] = []
        self.restarted: list[str] = []
        self.up: dict[str, ServerView] = {}
        assert visit.server.door is not None
        visit.server.door.house = replace(visit.server.door.house, servers=self)  # type: ignore[arg-type]

    def configure(self, folder: str, roots: tuple[str, ...], settings: Settings) -> None:
        self.log.append(f"configure {Path(folder).name}")

    def views(self, folder: str) -> tuple[ServerView, ...]:
        return tuple(self.up.values())

    def on_change(self, hear: Callable[[str], None]) -> None: ...

    async def settled(self, folder: str, names: Iterable[str], seconds: float) -> None: ...

    async def restart(self, folder: str, server: str) -> None:
        self.restarted.append(server)

    async def close(self) -> None: ...


async def own(visit: Visit, servers: dict[str, Any]) -> str:
    return visit.write(str(visit.home / "claw" / "mcp.json"), json.dumps({"mcpServers": servers}, indent=2))


async def titles(visit: Visit, path: str, text: str) -> dict[str, dict[str, Any]]:
    """What is offered on the line that holds this text, by title."""
    at = visit.text(path).index(text)
    return {it["title"]: it for it in await visit.actions(path, at) if it["command"]["command"] == "claw.mcp"}


def standings(answer: dict[str, Any]) -> dict[str, str]:
    return {it["name"]: it["standing"] for it in answer["servers"]}


async def test_every_server_is_told_with_what_it_offers_and_why_it_is_not_up(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        servers = Views(visit)
        secret = {"type": "http", "url": "https://w.example/mcp?key=geheim", "headers": {"A": "Bearer geheim"}}
        await own(visit, {"db": {"command": "npx", "args": ["-y", "db"]}, "web": secret, "bad": {"url": "x"}})
        visit.write(".mcp.json", '{"mcpServers": {"theirs": {"command": "touch", "args": ["p"]}}}')
        before = await visit.command("claw.mcp")
        assert standings(before) == {"db": "waiting", "web": "waiting", "bad": "failed", "theirs": "unapproved"}
        config = (await visit.server.door.house.entries.read(str(visit.root), Settings())).servers[0].config  # type: ignore[union-attr]
        tool = ServerTool(server="db", name="q", called="mcp__db__q", description="Ask.\nMore.", read_only=True)
        servers.up["db"] = ServerView(
            config,
            "up",
            tools=(tool, tool.model_copy(update={"called": "mcp__db__drop", "read_only": False, "description": "`x`"})),
            resources=(ServerResource("db", "table://a", "a"),),
            prompts=(ServerPrompt("db", "p", "mcp__db__p", arguments=(PromptArgument("t", required=True),)),),
            log=("started", "ready\x1b[31m"),
            protocol="2026-07-28",
        )
        answer = await visit.command("claw.mcp")
        text = Path(answer["path"]).read_text()
        assert text.startswith(
            "# MCP servers\n\n## `db`: up\n\n`db` is stdio `npx -y db` (user, ~/claw/mcp.json, protocol 2026-07-28).\n"
        )
        assert "2 tools, about " in text
        assert "- `mcp__db__q`, about " in text and "(only reads, it says): `Ask.`" in text
        assert "- `@db:table://a`: `a`\n" in text and "- `/mcp__db__p t`\n" in text
        assert "    started\n    ready‹U+001B›[31m\n" in text
        assert "## `theirs`: waits for your yes\n" in text
        assert "- " in text and 'mcpServers.bad.url: a url needs "type": "http"' in text
        assert "geheim" not in text + json.dumps(answer)
        assert answer["shown"] and visit.requested("window/showDocument")[-1]["uri"].endswith("/mcp.md")
        db = answer["servers"][0]
        assert (db["tools"][0]["name"], db["resources"], db["prompts"]) == ("mcp__db__q", ["table://a"], ["mcp__db__p"])


async def test_nothing_configured_says_how_to(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        answer = await visit.command("claw.mcp")
        assert "`claw-lsp mcp add NAME -- COMMAND …` adds one" in answer["text"]


@pytest.mark.security_case("C10")
async def test_a_server_of_the_folder_is_approved_on_its_line_and_a_changed_one_asks_again(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        servers = Views(visit)
        visit.write(".mcp.json", '{"mcpServers": {"x": {"command": "a"}, "y": {"command": "b"}}}')
        path = (await visit.command("claw.mcp"))["path"]
        visit.open(path)
        offered = await titles(visit, path, "## `x`")
        assert list(offered) == ["Claw: Approve x", "Claw: Open the file"]
        answer = await visit.run_action(offered["Claw: Approve x"])
        assert answer["text"] == "x is approved as it stands in .mcp.json; changed, it asks again."
        assert standings(answer) == {"x": "waiting"}
        assert servers.log[-1] == "configure ws"
        assert "## `x`: not started" in visit.text(path) and "## `y`: waits for your yes" in visit.text(path)
        visit.write(".mcp.json", '{"mcpServers": {"x": {"command": "other"}, "y": {"command": "b"}}}')
        assert standings(await visit.command("claw.mcp")) == {"x": "unapproved", "y": "unapproved"}
        with pytest.raises(WireError, match="z"):
            await visit.command("claw.mcp", server="z", do="approve")


async def test_a_workspace_that_the_editor_does_not_trust_approves_nothing(tmp_path: Path) -> None:
    async with visiting(tmp_path, introduction={"initializationOptions": {"workspaceTrusted": False}}) as visit:
        Views(visit)
        visit.write(".mcp.json", '{"mcpServers": {"x": {"command": "a"}}}')
        assert standings(await visit.command("claw.mcp")) == {"x": "disabled"}
        with pytest.raises(WireError, match="this workspace is not trusted"):
            await visit.command("claw.mcp", server="x", do="approve")


async def test_a_server_is_switched_off_here_and_on_again_and_started_anew(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        servers = Views(visit)
        file = await own(visit, {"db": {"command": "npx"}})
        path = (await visit.command("claw.mcp"))["path"]
        visit.open(path)
        offered = await titles(visit, path, "## `db`")
        assert list(offered) == ["Claw: Restart db", "Claw: Switch db off", "Claw: Open the file"]
        assert standings(await visit.run_action(offered["Claw: Switch db off"])) == {"db": "disabled"}
        assert json.loads(Path(file).read_text())["projects"] == {str(visit.root): {"disabledMcpServers": ["db"]}}
        offered = await titles(visit, path, "## `db`: off")
        assert list(offered) == ["Claw: Switch db on", "Claw: Open the file"]
        assert standings(await visit.run_action(offered["Claw: Switch db on"])) == {"db": "waiting"}
        assert (await visit.command("claw.mcp", server="db", do="restart"))["text"] == "db is started anew."
        assert servers.restarted == ["db"]
        opened = await visit.command("claw.mcp", server="db", do="open")
        assert opened["path"] == file


async def test_what_somebody_else_switched_off_is_told(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.write(".mcp.json", '{"mcpServers": {"x": {"command": "a"}}}')
        visit.write(".claude/settings.json", '{"disabledMcpjsonServers": ["x"]}')
        assert standings(await visit.command("claw.mcp")) == {"x": "disabled"}
        with pytest.raises(WireError, match=r"a setting or ~/\.claude\.json rules it out"):
            await visit.command("claw.mcp", server="x", do="enable")


@pytest.mark.parametrize("like", [None, "helix"])
async def test_one_logs_in_on_a_page_that_the_editor_opens_or_is_told(tmp_path: Path, like: str | None) -> None:
    browser = Browser()

    async def show(params: dict[str, Any]) -> Any:
        if params.get("external"):
            await browser.visit(params["uri"])
        return {"success": True}

    answers = {"window/showDocument": show}
    async with serving(Desk()) as desk, visiting(tmp_path, answers=answers) as visit:
        servers = Views(visit)
        await own(visit, {"web": {"type": "http", "url": desk.url}})
        if like:
            assert visit.server.door is not None
            visit.server.door.views._shows = False
        assert visit.server.door is not None
        await visit.server.door.session_for(None, None, None, None)
        notes = tmp_path / "notes"
        configure(visit, {"Notification": command(noting(notes), "auth_success")})
        answer = await visit.command("claw.mcp", server="web", do="login")
        page = answer["text"].removeprefix("Log in to web on this page: ")
        assert page.startswith(f"{desk.base}/authorize?")
        if like:
            await visit.until(lambda: _told(visit, "Open the page that stands in "))
            [file] = (visit.home / "claw").rglob("login.txt")
            assert file.read_text() == f"{page}\n"
            await browser.visit(page)
        await visit.until(lambda: _told(visit, "Claw: You are logged in to web."))
        assert servers.restarted == ["web"]
        await visit.until(lambda: [it["message"] for it in heard(notes)] == ["You are logged in to web."])
        out = await visit.command("claw.mcp", server="web", do="logout")
        assert out["text"] == "The login to web is forgotten."


def _told(visit: Visit, said: str) -> bool:
    visit.hear()
    return any(said in it["message"] for it in visit.messages)


async def test_a_login_that_cannot_be_is_told(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        Views(visit)
        await own(visit, {"db": {"command": "npx"}})
        answer = await visit.command("claw.mcp", server="db", do="login")
        assert answer["text"] == "db is a program on this machine, which no one logs in to."
        await visit.until(lambda: _told(visit, answer["text"]))


async def test_the_chat_says_it_in_words(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        Views(visit)
        await own(visit, {"db": {"command": "npx"}})
        path, _ = await chat(visit)
        await sends(visit, path, "/mcp")
        await visit.until(lambda: "## `db`: not started" in visit.text(path))


async def test_what_is_wrong_in_an_open_file_stands_at_its_place_while_it_is_written(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        text = '{"mcpServers": {\n  "a": {"url": "https://x"},\n  "b": {"command": "${GONE}"}\n}}\n'
        path = visit.open(".mcp.json", text)
        await visit.until(lambda: visit.diagnostics(path))
        [found] = visit.diagnostics(path)
        assert found["message"].startswith('mcpServers.a.url: a url needs "type": "http"')
        assert (found["range"]["start"]["line"], found["range"]["start"]["character"]) == (1, 8)
        visit.editor.type(path, text.index('"url"'), '"type": "http", ')
        await visit.until(lambda: not visit.diagnostics(path))


async def test_a_server_over_websocket_is_refused_at_its_place_and_on_its_page(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        text = '{"mcpServers": {\n  "live": {\n    "type": "ws",\n    "url": "wss://x.example"\n  }\n}}\n'
        path = visit.open(visit.write(".mcp.json", text))
        await visit.until(lambda: visit.diagnostics(path))
        [found] = visit.diagnostics(path)
        said = "claw-lsp does not speak MCP over WebSocket; ask for the server's http address."
        assert said in found["message"]
        assert found["range"]["start"]["line"] == 2
        answer = await visit.command("claw.mcp")
        assert standings(answer) == {"live": "failed"} and said in answer["text"]
