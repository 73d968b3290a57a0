"""Plays a case: the real server, its tools and its disk; the model, the person and the editor come from the script."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.engine.house import House
from claw_lsp.facts.event import Entry
from claw_lsp.facts.request import Request
from claw_lsp.lsp.messages import WARNING
from claw_lsp.lsp.server import ClawServer
from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.cases.case import Case
from claw_lsp.testing.cases.model import StoryModel
from claw_lsp.testing.cases.person import POLL, Person
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.story import Answered, CaseError, Did, Json, Said, Spoken, Story
from claw_lsp.testing.fakes import FakeClock
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.quirks import CLIENTS, Quirks
from claw_lsp.testing.wire import WireClient, connected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case. `sessions` are the logs, in the order in which they began."""

    sessions: tuple[tuple[Entry, ...], ...]
    requests: tuple[Request, ...]
    boxes: tuple[str, ...]
    messages: tuple[Json, ...]
    diagnostics: tuple[Json, ...]
    hunks: tuple[Json, ...]
    buffers: Mapping[str, str]
    chats: tuple[str, ...]


async def play(case: Case, places: Places, *, patience: float = 8.0) -> Outcome:
    """Play the case in its places, which are made. Raises CaseError where the story went another way than the script,
    and AssertionError for messages of the server's that nobody expects."""
    places.make()
    _lay_out(case, places)
    story = Story(case.script)
    model = StoryModel(story)
    house = await asyncio.to_thread(_house, places, model)
    server = ClawServer(lambda: (house, DiskWorkspace()), "test")
    editor = MemoryEditor(_quirks(case.editor))
    editor.claw_saves = bool(case.editor.get("saves"))
    editor.configuration = {"claw": case.editor.get("section")}
    async with connected(server.wire) as client:
        client.ignore("window/logMessage", "$/logTrace")
        editor.attach(client)
        model.person = person = Person(story, places, editor, client, patience)
        await client.initialize(_capabilities(case.editor), **_introduction(case.editor, places))
        _open(case, places, editor)
        teller = _Teller(case, story, places, editor, client, person)
        await teller.tell()
        return await _outcome(house, editor, client, model, person, teller.messages)


class _Teller:
    """Goes through the script as the person does: asks, waits for the end of the turn, asks again."""

    def __init__(
        self, case: Case, story: Story, places: Places, editor: MemoryEditor, client: WireClient, person: Person
    ) -> None:
        self._case = case
        self._story = story
        self._places = places
        self._editor = editor
        self._client = client
        self._person = person
        self._session: str | None = None
        self.messages: list[Json] = []

    async def tell(self) -> None:
        while (item := self._story.next) is not None:
            match item:
                case Said():
                    await self._say(self._story.take(Said, "the person speaks"))
                case Did():
                    await self._person.do(self._story.take(Did, "the person acts").act)
                    await self._person.settle()
                case Answered() | Spoken():
                    await self._awaited(item)
            self._check()
        await self._person.finish()
        self._check()

    async def _say(self, said: Said) -> None:
        if said.action == "ask" and said.words.startswith("/"):
            name, _, given = said.words[1:].partition(" ")
            arguments = {name: given} if given else {}
            answer = await self._person.command(f"claw.{name}", arguments | said.arguments)
        else:
            answer = await self._person.command(*self._asking(said))
        if "run" not in answer:
            await self._person.settle()
            return
        self._session = answer["session"]
        self._person.look_ahead()
        await self._until_ended(answer["run"])
        await self._person.settle()

    def _asking(self, said: Said) -> tuple[str, Json]:
        name = {"new": "ask", "here": "ask"}.get(said.action, said.action)
        arguments: Json = {"prompt": said.words} if said.words else {}
        if said.action != "new" and self._session:
            arguments["session"] = self._session
        if said.action not in ("ask", "new"):
            arguments |= self._here()
        return f"claw.{name}", arguments | said.arguments

    def _here(self) -> Json:
        """Where the cursor stands, or the start of the first open file."""
        opened = [it for it in self._case.files if it.buffer is not None]
        file = next((it for it in opened if it.cursor), opened[0] if opened else None)
        if file is None:
            return {}
        path = self._places.path(file.name)
        return {"uri": uri_of(path), "range": self._editor.range(path, *(file.cursor or (0, 0)))}

    async def _until_ended(self, run: str) -> None:
        params = {"command": "claw.wait", "arguments": [{"run": run}]}
        ended = self._client.answer_to(
            self._client.send_request("workspace/executeCommand", params), self._person.patience
        )
        waiting = asyncio.ensure_future(ended)
        failing = asyncio.ensure_future(self._person.failed.wait())
        await asyncio.wait({waiting, failing}, return_when=asyncio.FIRST_COMPLETED)
        failing.cancel()
        self._check()
        try:
            await self._told(await waiting)
        except TimeoutError as error:
            item = self._story.next
            raise CaseError(
                f"the turn did not end; {f'line {item.line} is next' if item else 'the script is over'}"
            ) from error

    async def _told(self, ended: Json) -> None:
        """Every turn that nobody interrupted tells its end in one line, unless its chat is open, where it stands. A warning
        may come before it."""
        chat_is_open = any("/.claw/chats/" in it for it in self._editor.paths())
        if ended["stopped"] == "failed" or (ended["stopped"] != "interrupted" and not chat_is_open):
            told: Json = {"type": WARNING}
            while told["type"] == WARNING:
                told = await self._client.next_notification("window/showMessage", self._person.patience)
                self.messages.append(told)

    async def _awaited(self, item: Answered | Spoken) -> None:
        """A question is on its way though no turn runs; it takes the item."""
        for _ in range(round(self._person.patience / POLL)):
            if self._story.next is not item or self._person.failed.is_set():
                await self._person.settle()
                return
            await asyncio.sleep(POLL)
        raise CaseError(f"line {item.line} is left over: nobody asked for it")

    def _check(self) -> None:
        if self._person.faults:
            raise self._person.faults[0]


def _lay_out(case: Case, places: Places) -> None:
    for n, file in enumerate(case.files):
        path = Path(places.path(file.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.link is not None:
            path.symlink_to(places.path(file.link))
        elif file.disk is not None:
            path.write_bytes(file.disk)
            os.utime(path, (n, n))
    if case.settings:
        (places.claw_home / "settings.json").write_text(json.dumps(case.settings))


def _open(case: Case, places: Places, editor: MemoryEditor) -> None:
    """Open the buffers; those that begin at a later version were typed in and left as they were."""
    for file in case.files:
        if file.buffer is None:
            continue
        path = places.path(file.name)
        unchanged = file.disk is not None and file.disk.decode("utf-8-sig") == file.buffer
        editor.open(path, None if unchanged else file.buffer, _LANGUAGES.get(Path(path).suffix, "plaintext"))
        while editor.version(path) < file.version:
            editor.replace(path, 0, 0, "")


def _house(places: Places, model: StoryModel) -> House:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(places.home),
        "CLAW_HOME": str(places.claw_home),
        "LC_ALL": "C.UTF-8",
    }
    # A title comes when nothing happens for a while, and no time passes here: stories would have to count on it.
    said = {"sessionTitles": False}
    world = World(environment, str(places.home), str(places.claw_home), str(places.workspace), said)
    return replace(build(world), model=model, clock=FakeClock(), warm=_nothing)


async def _nothing() -> None:
    return None


def _quirks(editor: Json) -> Quirks:
    quirks = CLIENTS[editor["like"]] if "like" in editor else Quirks()
    return replace(quirks, **editor.get("quirks", {}))


def _capabilities(editor: Json) -> Json:
    capabilities: Json = {
        "general": {"positionEncodings": [_quirks(editor).encoding]},
        "workspace": {
            "applyEdit": editor.get("edits", True),
            "workspaceEdit": {"documentChanges": True},
            "workspaceFolders": True,
        },
        "window": {"workDoneProgress": True, "showDocument": {"support": True}},
        "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}},
    }
    if editor.get("saves"):
        capabilities["experimental"] = {"claw": {"save": True}}
    return capabilities


def _introduction(editor: Json, places: Places) -> Json:
    folders = [places.workspace, *(Path(places.path(it)) for it in editor.get("folders", []))]
    return {
        "clientInfo": {"name": editor.get("name", "memory")},
        "workspaceFolders": [{"uri": uri_of(str(it)), "name": it.name} for it in folders],
        "initializationOptions": editor.get("options"),
    }


async def _outcome(
    house: House, editor: MemoryEditor, client: WireClient, model: StoryModel, person: Person, messages: list[Json]
) -> Outcome:
    editor.flush()
    await person.settle()
    hunks = await person.hunks()
    _check_progress(person.progress())
    return Outcome(
        sessions=tuple(tuple(it.entries) for it in house.sessions.opened.values()),
        requests=tuple(model.requests),
        boxes=tuple(person.boxes),
        messages=(*messages, *client.notifications("window/showMessage")),
        diagnostics=tuple(client.notifications("textDocument/publishDiagnostics")),
        hunks=tuple(hunks),
        buffers={path: editor.text(path) for path in editor.paths()},
        chats=tuple(it["uri"] for it in editor.shown),
    )


def _check_progress(messages: list[Json]) -> None:
    """Every progress begins once, ends once, and says nothing before and nothing after."""
    kinds: dict[Any, list[str]] = {}
    for it in messages:
        kinds.setdefault(it["token"], []).append(it["value"]["kind"])
    for token, said in kinds.items():
        if said[0] != "begin" or said[-1] != "end" or set(said[1:-1]) - {"report"}:
            raise CaseError(f"the progress {token} went {', '.join(said)}")


_LANGUAGES = {".py": "python", ".md": "markdown", ".sh": "shellscript", ".json": "json"}
