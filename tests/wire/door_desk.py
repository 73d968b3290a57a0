"""The whole door over a wire in one loop: the real server, tools, disk and log; a scripted model; an editor in memory.

async with visiting(tmp_path, says("Hello."), like="nvim") as visit:
    path = visit.open("calc.py", "unsaved = 1\n")
    ended = await visit.turn("claw.fix", uri=visit.uri(path))
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.engine.house import House
from claw_lsp.facts.event import Entry
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.signal import TextArrived
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.server import ClawServer
from claw_lsp.lsp.transport.serving import Timing
from claw_lsp.lsp.uris import path_of, uri_of
from claw_lsp.ports.model import Hear
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.quirks import CLIENTS, Quirks
from claw_lsp.testing.scripted_model import says
from claw_lsp.testing.wire import WireClient, WireError, connected

Json = dict[str, Any]
Step = Reply | Callable[[Request, Hear], Awaitable[Reply]]

FIXTURES = Path(__file__).parent.parent / "fixtures" / "clients"
RECORDED = sorted(it.stem for it in FIXTURES.glob("*.json"))
CLIENT_NAMES = [*RECORDED, "helix"]
PATIENCE = 40.0

LITERALS = {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}}
PLAIN: Json = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}, "workspaceFolders": True},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "textDocument": LITERALS,
}
"""A client with everything and no habits of its own."""

HELIX: Json = {
    "clientInfo": {"name": "helix", "version": "25.07"},
    "capabilities": PLAIN
    | {
        "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
        "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    },
}
"""As its source says; not recorded."""


class SteppedModel:
    """Fills the port `Model`: a step for each request, in order; a step may wait, or be a whole reply."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[Request] = []

    async def close(self) -> None:
        """Nothing is open."""

    async def consult(self, request: Request, hear: Hear) -> Reply:
        self.requests.append(request)
        assert self._steps, "the model was asked more often than the test planned"
        step = self._steps.pop(0)
        if not isinstance(step, Reply):
            return await step(request, hear)
        for block in step.blocks:
            if block["type"] == "text":
                await hear(TextArrived(block["text"]))
        return step

    def results(self, request: int = -1) -> str:
        """The tool results in the last message of a request, as the model reads them."""
        return json.dumps([it for it in self.requests[request].messages[-1]["content"] if it["type"] == "tool_result"])

    @property
    def leftover(self) -> int:
        return len(self._steps)


@dataclass(eq=False)
class Box:
    """One `showMessageRequest` before the person, open until it is answered one way or another."""

    params: Json
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def message(self) -> str:
        return self.params["message"]

    @property
    def titles(self) -> list[str]:
        return [it["title"] for it in self.params["actions"]]

    @property
    def open(self) -> bool:
        return not self.answer.done()

    def pick(self, title: str) -> None:
        """Pick an action; its full title, or how it begins."""
        self.answer.set_result(next(it for it in self.params["actions"] if it["title"].startswith(title)))

    def say(self, answer: Any) -> None:
        """Answer anything at all; an exception is raised instead."""
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


@dataclass(eq=False)
class Visit:
    """A client that introduced itself, and the person behind it.

    `boxes` is every question that was shown, `at_once` the most that were open at the same time. `auto` picks this
    action of every box. `progress`, `messages`, `told` (events for a shim): what the server told so far.
    """

    client: WireClient
    editor: MemoryEditor
    server: ClawServer
    model: Any
    root: Path
    home: Path
    result: Json = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    toasts: list[Box] = field(default_factory=list)
    at_once: int = 0
    auto: str | None = None
    progress: list[Json] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)
    published: dict[str, list[Json]] = field(default_factory=dict)
    told: list[Json] = field(default_factory=list)

    # ---- files

    def path(self, name: str) -> str:
        return name if name.startswith("/") else str(self.root / name)

    def uri(self, name: str) -> str:
        return self.editor.uri(self.path(name))

    def write(self, name: str, text: str) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return str(path)

    def open(self, name: str, text: str | None = None, on_disk: str | None = None) -> str:
        """Open a file; with `text` the buffer holds that, unsaved."""
        path = self.path(name)
        if on_disk is not None or not Path(path).exists():
            self.write(name, on_disk or "")
        self.editor.open(path, text, "python")
        return path

    def text(self, name: str) -> str:
        return self.editor.text(self.path(name))

    # ---- asking

    async def request(self, method: str, params: Any = None) -> Any:
        return await self.client.request(method, params, timeout=PATIENCE)

    async def command(self, name: str, **arguments: Any) -> Json:
        return await self.request("workspace/executeCommand", {"command": name, "arguments": [arguments]})

    def send_command(self, name: str, **arguments: Any) -> int:
        return self.client.send_request("workspace/executeCommand", {"command": name, "arguments": [arguments]})

    async def end(self, run: str) -> Json:
        return await self.command("claw.wait", run=run)

    async def turn(self, name: str, **arguments: Any) -> Json:
        """Start a turn and wait for its end; session and run are in the answer."""
        begun = await self.command(name, **arguments)
        return begun | await self.end(begun["run"])

    async def actions(
        self,
        name: str,
        at: int = 0,
        end: int | None = None,
        *,
        only: list[str] | None = None,
        kind: int = 1,
        **more: Any,
    ) -> list[Json]:
        path = self.path(name)
        context = {"diagnostics": [], "triggerKind": kind} | ({"only": only} if only is not None else {}) | more
        return await self.request(
            "textDocument/codeAction",
            {
                "textDocument": {"uri": self.uri(path)},
                "range": self.editor.range(path, at, at if end is None else end),
                "context": context,
            },
        )

    async def run_action(self, action: Json) -> Json:
        command = action["command"] if isinstance(action["command"], dict) else action
        given = {"command": command["command"], "arguments": command["arguments"]}
        return await self.request("workspace/executeCommand", given)

    async def questions(self) -> list[Json]:
        return (await self.command("claw.questions"))["questions"]

    # ---- hearing

    async def settle(self) -> None:
        """Wait until what both sides said has been heard."""
        for _ in range(3):
            await self.command("claw.status")
        self.hear()

    def hear(self) -> None:
        """Take in the notifications that came."""
        self.progress += self.client.notifications("$/progress")
        self.messages += self.client.notifications("window/showMessage")
        self.told += self.client.notifications("claw/event")
        for it in self.client.notifications("textDocument/publishDiagnostics"):
            self.published[path_of(it["uri"])] = it["diagnostics"]

    def diagnostics(self, name: str) -> list[Json]:
        self.hear()
        return self.published.get(self.path(name), [])

    async def until(self, true: Callable[[], Any], seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.005)

    async def box(self, n: int = 0) -> Box:
        """The n-th question that is shown, once it is."""
        await self.until(lambda: len(self.boxes) > n)
        return self.boxes[n]

    async def asked(self, n: int = 1) -> list[Json]:
        """The pending questions, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(found := await self.questions()) < n:
                await asyncio.sleep(0.005)
        return found

    def requested(self, method: str) -> list[Json]:
        """The params of everything the server asked by this method."""
        return [params for name, params in self.editor.requests if name == method]

    def log(self, session: str) -> list[Entry]:
        assert self.server.door is not None
        return self.server.door.house.sessions.opened[session].entries

    def kinds(self, session: str) -> list[str]:
        """The kinds of what happened, in order. What a turn left in the files is kept beside it, whenever git is done, and is
        not among them."""
        return [it.event.kind for it in self.log(session) if it.event.kind != "checkpointed"]

    async def put(self, params: Json) -> Any:
        """The person's side of showMessageRequest."""
        box = Box(params)
        if box.titles == ["Open chat"]:
            # A toast that offers more to read; it is no question, and stands beside the text where it is shown.
            self.toasts.append(box)
            return await box.answer
        self.boxes.append(box)
        self.at_once = max(self.at_once, sum(it.open for it in self.boxes))
        if self.auto is not None:
            box.pick(self.auto)
        return await box.answer


@asynccontextmanager
async def visiting(
    tmp_path: Path,
    *steps: Step,
    like: str | None = None,
    capabilities: Json | None = None,
    introduction: Json | None = None,
    quirks: Quirks | None = None,
    environment: dict[str, str] | None = None,
    timing: Timing | None = None,
    auto: str | None = None,
    answers: dict[str, Callable[[Json], Any]] | None = None,
    longest: float = float("inf"),
    ends: bool = True,
) -> AsyncGenerator[Visit, None]:
    """A visit of a client like a recorded one, or with these capabilities.

    `answers` are the client's own ways with some requests; none is waited for longer than `longest` seconds. With
    `environment` the real provider is asked, and not the steps. `ends` says that every step must have been asked for.
    """
    root, home = tmp_path / "ws", tmp_path / "home"
    for folder in (root, home):
        folder.mkdir(parents=True, exist_ok=True)
    house = await asyncio.to_thread(_house, root, home, environment or {})
    model = SteppedModel(*steps)
    if environment is None:
        house = replace(house, model=model, warm=_nothing)
    server = ClawServer(lambda: (house, DiskWorkspace()), "test", longest=longest)
    editor = MemoryEditor(quirks or quirks_of(like))
    async with connected(server.wire, timing=timing) as client:
        client.ignore("$/progress", "window/showMessage", "textDocument/publishDiagnostics", "claw/event")
        editor.attach(client)
        visit = Visit(client, editor, server, model, root, home, auto=auto)
        editor.answer |= {"window/showMessageRequest": visit.put} | (answers or {})
        said = introduction_of(like, root) | (introduction or {})
        said["capabilities"] = capabilities if capabilities is not None else said["capabilities"]
        visit.result = await client.initialize(
            said["capabilities"],
            **{key: value for key, value in said.items() if key != "capabilities"},
        )
        await visit.until(lambda: server.door is not None)
        try:
            yield visit
        finally:
            visit.hear()
            for box in (*visit.boxes, *visit.toasts):
                box.answer.cancel()
    undeclared = {it for it in client.methods if it.startswith("claw/")} - declared(said["capabilities"])
    assert not undeclared, f"the client never said that it knows {undeclared}"
    assert not (ends and environment is None and model.leftover), "the model was asked less often than the test planned"


def declared(capabilities: Json) -> set[str]:
    """The messages of docs/shims.md that a client with these capabilities may be sent."""
    said = (capabilities.get("experimental") or {}).get("claw") or {}
    names = {"events": "event", "languageFeatures": "languageFeature"}
    return {f"claw/{names.get(it, it)}" for it, yes in said.items() if yes is True}


def quirks_of(like: str | None) -> Quirks:
    if like is None:
        return Quirks()
    quirks = CLIENTS["vscode" if like.startswith("vscode") else like]
    # A double need not be idle for half a second to prove that it tells late.
    return replace(quirks, echo_delay=0.02) if quirks.echo == "idle" else quirks


def introduction_of(like: str | None, root: Path) -> Json:
    """The initialize params of a client, with its folders being ours."""
    if like is None:
        said: Json = {"clientInfo": {"name": "memory"}, "capabilities": PLAIN, "workspaceFolders": []}
    elif like == "helix":
        said = {**HELIX, "workspaceFolders": []}
    else:
        said = json.loads((FIXTURES / f"{like}.json").read_text())
    said |= {"processId": None, "rootUri": uri_of(str(root)), "rootPath": str(root)}
    if "workspaceFolders" in said:
        said["workspaceFolders"] = [{"uri": uri_of(str(root)), "name": "ws"}]
    return said


def _house(root: Path, home: Path, environment: dict[str, str]) -> House:
    given = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "CLAW_HOME": str(home / "claw"),
        "LC_ALL": "C.UTF-8",
    }
    return build(World(given | environment, str(home), str(home / "claw"), str(root)))


async def _nothing() -> None:
    return None


def powers(visit: Visit) -> Powers:
    assert visit.server.door is not None
    return visit.server.door.powers


def edits(path: str, old: str, new: str, call: str = "c1", text: str = "", first: bool = True) -> tuple[Reply, ...]:
    """A reply that reads the file, and one that edits it."""
    reading = (says(text, (f"r-{call}", "Read", {"file_path": path})),) if first else ()
    return (*reading, says("", (call, "Edit", {"file_path": path, "old_string": old, "new_string": new})))


def runs(command: str, call: str = "c1") -> Reply:
    return says("", (call, "Bash", {"command": command}))


def waits(*pieces: str, event: asyncio.Event | None = None) -> Callable[[Request, Hear], Awaitable[Reply]]:
    """A reply that streams these pieces and then waits, for ever or until the event."""

    async def step(request: Request, hear: Hear) -> Reply:
        for piece in pieces:
            await hear(TextArrived(piece))
        await (event or asyncio.Event()).wait()
        return says("".join(pieces))

    return step


async def refused(visit: Visit, name: str, **arguments: Any) -> WireError:
    try:
        answer = await visit.command(name, **arguments)
    except WireError as error:
        return error
    raise AssertionError(f"{name} was answered with {answer}")
