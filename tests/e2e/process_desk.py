"""What the tests of the real server process share: a client at its stdio with an editor behind it, a scripted provider."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.messages_api import MessagesApi, Reply, script
from claw_lsp.testing.quirks import CLIENTS, Quirks
from claw_lsp.testing.wire import WireClient, spawned

Json = dict[str, Any]

FIXTURES = Path(__file__).parent.parent / "fixtures" / "clients"
RECORDED = sorted(it.stem for it in FIXTURES.glob("*.json"))
SERVE = (sys.executable, "-m", "claw_lsp", "serve")


@dataclass
class Server:
    """The process, and the client at the other end of its stdio. `auto` picks the action that begins so."""

    client: WireClient
    editor: MemoryEditor
    root: Path
    home: Path
    boxes: list[Json] = field(default_factory=list)
    auto: str | None = None

    async def command(self, name: str, **arguments: Any) -> Json:
        params = {"command": name, "arguments": [arguments]}
        return await self.client.request("workspace/executeCommand", params, timeout=60)

    async def until(self, true: Callable[[], Any], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    def put(self, params: Json) -> Any:
        self.boxes.append(params)
        return next((it for it in params["actions"] if self.auto and it["title"].startswith(self.auto)), None)

    @property
    def log(self) -> list[Json]:
        """The events of the only session there is."""
        (path,) = self.home.glob("claw/projects/*/*.jsonl")
        return events(path)


def environment(home: Path, api: MessagesApi) -> dict[str, str]:
    return {
        "HOME": str(home),
        "CLAW_HOME": str(home / "claw"),
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": "sk-ant-scripted",
        "ANTHROPIC_AUTH_TOKEN": "",
    }


def introduction(like: str, root: Path) -> Json:
    """The initialize params of a recorded client, with its folders being ours, and ourselves as its process."""
    said: Json = json.loads((FIXTURES / f"{like}.json").read_text())
    said |= {"processId": os.getpid(), "rootUri": uri_of(str(root)), "rootPath": str(root)}
    if "workspaceFolders" in said:
        said["workspaceFolders"] = [{"uri": uri_of(str(root)), "name": "ws"}]
    return said


def quirks_of(like: str) -> Quirks:
    quirks = CLIENTS["vscode" if like.startswith("vscode") else like]
    return replace(quirks, echo_delay=0.05) if quirks.echo == "idle" else quirks


def places(tmp_path: Path) -> tuple[Path, Path]:
    root, home = tmp_path / "ws", tmp_path / "home"
    for folder in (root, home):
        folder.mkdir(parents=True, exist_ok=True)
    return root, home


@asynccontextmanager
async def serving(
    tmp_path: Path, api: MessagesApi, like: str = "nvim", said: Json | None = None, **more: str
) -> AsyncGenerator[Server, None]:
    """`claw-lsp serve` with a client like a recorded one, introduced; `said` is added to its params, `more` to the
    environment."""
    root, home = places(tmp_path)
    async with spawned(SERVE, environment(home, api) | more, root) as client:
        client.ignore("$/progress", "window/showMessage", "textDocument/publishDiagnostics")
        editor = MemoryEditor(quirks_of(like))
        editor.attach(client)
        server = Server(client, editor, root, home)
        editor.answer["window/showMessageRequest"] = server.put
        said = introduction(like, root) | (said or {})
        await client.initialize(said.pop("capabilities"), **said)
        yield server


@asynccontextmanager
async def provider(*replies: Any) -> AsyncGenerator[MessagesApi, None]:
    async with MessagesApi(script(*replies)) as api:
        yield api


def events(path: Path) -> list[Json]:
    """The events of a log, the torn last line of a killed process left out."""
    found: list[Json] = []
    for line in path.read_bytes().splitlines()[1:]:
        try:
            found.append(json.loads(line)["event"])
        except ValueError:
            break
    return found


def alive(word: str) -> list[int]:
    """Processes that have this in their command line."""
    found: list[int] = []
    for it in psutil.process_iter(["cmdline", "status"]):
        if it.info["status"] != psutil.STATUS_ZOMBIE and any(word in part for part in it.info["cmdline"] or ()):
            found.append(it.pid)
    return found


__all__ = ["RECORDED", "Json", "Reply", "Server", "alive", "events", "introduction", "provider", "serving"]
